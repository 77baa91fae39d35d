"""Dots that wires are led over: how a wire is drawn, and nothing of what it carries."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from app.editor.commands import Command, Delta
from app.editor.commands.drafts import counted, free_id, taken_ids
from app.editor.delta import draft_of, wire_id
from engine.graph import Dot, Graph
from engine.problems import Problem, ProblemError

if TYPE_CHECKING:
    from engine.document import Document
    from engine.graph import Wire

Place = tuple[float, float]


def add_dot(document: Document, wires: Mapping[str, int], position: Place) -> tuple[str, Command]:
    """Lead wires (`source>target`) over one new dot. Returns its id.

    wires  how many of its dots each of them has passed before it comes to the new one
    """
    draft = draft_of(document.graph)
    name = free_id("dot", taken_ids(draft))
    draft.dots[name] = Dot(name, position)
    draft.wires = [
        _led_over(wire, name, wires[wire_id(wire)]) if wire_id(wire) in wires else wire for wire in draft.wires
    ]
    count = sum(name in wire.via for wire in draft.wires)
    if not count:
        raise ProblemError(Problem("there is no such wire", kind="wire"))
    text = f"Lead {count} wires over a dot" if count > 1 else "Lead a wire over a dot"
    return name, (text, Delta.between(document.graph, draft))


def _led_over(wire: Wire, dot: str, at: int) -> Wire:
    return replace(wire, via=(*wire.via[:at], dot, *wire.via[at:]))


def set_pinned(document: Document, dots: Iterable[str], on: bool) -> Command:
    """Let automatic layout leave dots where they are, or place them again."""
    draft = draft_of(document.graph)
    chosen = [name for name in dots if name in draft.dots]
    draft.dots.update({name: replace(draft.dots[name], pinned=on) for name in chosen})
    return counted(document.graph, chosen, "Pin" if on else "Unpin"), Delta.between(document.graph, draft)


def carried_along(graph: Graph, moved: Collection[str]) -> set[str]:
    """The dots of wires that run only between things that are moved: they go with them."""
    inside: set[str] = set()
    outside: set[str] = set()
    for wire in graph.wires if graph.dots else ():
        whole = wire.source_node in moved and wire.target_node in moved
        (inside if whole else outside).update(wire.via)
    return inside - outside
