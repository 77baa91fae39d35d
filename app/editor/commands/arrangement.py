"""Where things stand: moving, layout, frames, notes and dots. Nothing here changes what is computed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from app.editor.commands import Command, Delta
from app.editor.commands.dots import carried_along
from app.editor.commands.drafts import counted, exchange, free_id, taken_ids
from app.editor.delta import draft_of
from engine.graph import Frame, Graph, Note
from engine.problems import Problem, ProblemError

if TYPE_CHECKING:
    from engine.document import Document

Place = tuple[float, float]


def with_content(graph: Graph, ids: Iterable[str]) -> set[str]:
    """The ids with the nodes of those that are frames, and the dots of wires that run only between them."""
    found = set(ids)
    found = found.union(*(graph.frames[name].nodes for name in found if name in graph.frames))
    return found | carried_along(graph, found)


def move(document: Document, ids: Iterable[str], dx: float, dy: float) -> Command:
    """Move nodes, notes and dots; a frame takes along what lies in it."""
    draft, moved = draft_of(document.graph), with_content(document.graph, ids)
    for name in moved & draft.nodes.keys():
        x, y = draft.nodes[name].position
        exchange(draft, name, position=(x + dx, y + dy))
    for name in moved & draft.notes.keys():
        x, y = draft.notes[name].position
        draft.notes[name] = replace(draft.notes[name], position=(x + dx, y + dy))
    for name in moved & draft.dots.keys():
        x, y = draft.dots[name].position
        draft.dots[name] = replace(draft.dots[name], position=(x + dx, y + dy))
    return counted(document.graph, _named(document.graph, moved), "Move"), Delta.between(document.graph, draft)


def _named(graph: Graph, moved: set[str]) -> list[str]:
    things = [name for name in moved if name in graph.nodes or name in graph.notes]
    things = things or [name for name in moved if name in graph.dots]
    if not things:
        raise ProblemError(
            Problem("nothing is selected", "Click a node, or drag a frame around some.", kind="selection")
        )
    return things


def place(document: Document, positions: Mapping[str, Place], text: str) -> Command:
    """Put nodes and dots at given places."""
    draft = draft_of(document.graph)
    for name, (x, y) in positions.items():
        if name in draft.dots:
            draft.dots[name] = replace(draft.dots[name], position=(float(x), float(y)))
        elif draft.nodes[name].position != (x, y):
            exchange(draft, name, position=(float(x), float(y)))
    return text, Delta.between(document.graph, draft)


def add_frame(document: Document, ids: Iterable[str], title: str = "") -> tuple[str, Command]:
    """Draw a frame around nodes; each node lies in one frame at most."""
    draft = draft_of(document.graph)
    inside = tuple(name for name in draft.nodes if name in set(ids))
    if not inside:
        raise ProblemError(Problem("a frame needs nodes", "Select the nodes that belong together.", kind="selection"))
    for frame in list(draft.frames.values()):
        if kept := tuple(name for name in frame.nodes if name not in inside):
            if kept != frame.nodes:
                draft.frames[frame.id] = replace(frame, nodes=kept)
        elif frame.nodes:
            del draft.frames[frame.id]
    name = free_id("frame", taken_ids(document.graph))
    draft.frames[name] = Frame(name, title, inside)
    return name, ("Add frame", Delta.between(document.graph, draft))


def set_frame(document: Document, frame: Frame) -> Command:
    """Change a frame's title, colour or content."""
    draft = draft_of(document.graph)
    if frame.id not in draft.frames:
        raise ProblemError(Problem(f"there is no frame “{frame.id}”", kind="unknown"))
    draft.frames[frame.id] = frame
    return "Change frame", Delta.between(document.graph, draft)


def set_colour(document: Document, ids: Iterable[str], colour: str) -> Command:
    """Give nodes and frames a colour, a token of the theme; an empty one is their own."""
    draft = draft_of(document.graph)
    chosen = [name for name in ids if name in draft.nodes or name in draft.frames]
    if not chosen:
        raise ProblemError(
            Problem("nothing is selected that has a colour", "Select nodes or frames.", kind="selection")
        )
    for name in chosen:
        if name in draft.nodes:
            exchange(draft, name, colour=colour)
        else:
            draft.frames[name] = replace(draft.frames[name], colour=colour)
    return counted(document.graph, chosen, "Colour"), Delta.between(document.graph, draft)


def add_note(document: Document, position: Place, text: str = "") -> tuple[str, Command]:
    """Stick a note to the canvas."""
    draft = draft_of(document.graph)
    name = free_id("note", taken_ids(draft))
    draft.notes[name] = Note(name, text, position)
    return name, ("Add note", Delta.between(document.graph, draft))


def set_note(document: Document, note: Note) -> Command:
    """Change a note's text, place or size."""
    draft = draft_of(document.graph)
    if note.id not in draft.notes:
        raise ProblemError(Problem(f"there is no note “{note.id}”", kind="unknown"))
    draft.notes[note.id] = note
    return "Change note", Delta.between(document.graph, draft)
