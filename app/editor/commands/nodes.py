"""Adding and taking away nodes, and what one node says: properties, title, flags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from app.editor.commands import Command, Delta
from app.editor.commands.drafts import (
    bridge,
    counted,
    exchange,
    fitting_input,
    fitting_output,
    free_id,
    node_of,
    parted,
    refusal,
    take_away,
    taken_ids,
)
from app.editor.delta import draft_of, wire_id
from engine.graph import COMPOSITE, Graph
from engine.problems import Problem, ProblemError

if TYPE_CHECKING:
    from engine.document import Document

FLAGS = {
    "collapsed": "Fold", "opened": "Open", "frozen": "Freeze", "muted": "Mute", "bypassed": "Bypass", "pinned": "Pin",
    "trimmed": "Hide free ports of",
}  # fmt: skip
OPPOSITES = {"Fold": "Unfold", "Open": "Close", "Freeze": "Thaw", "Hide free ports of": "Show all ports of"}
LETTERS = {"port_in": "x", "port_out": "y"}  # ids of ports are their names: the first of each has a letter
RIVALS = {"muted": "bypassed", "bypassed": "muted", "collapsed": "opened", "opened": "collapsed"}


def add_node(
    document: Document, type: str, position: tuple[float, float], *, wire_from: str | None = None,
    wire_to: str | None = None, title: str = "", properties: Mapping[str, Any] | None = None,
) -> tuple[str, Command]:  # fmt: skip
    """Add a node, wired from an output and to an input where these are given. Returns its id and the command."""
    draft = draft_of(document.graph)
    taken, letter = taken_ids(draft), LETTERS.get(type, "")
    name = letter if letter and letter not in taken else free_id(type, taken)
    old = next((wire for wire in draft.wires if (wire.source, wire.target) == (wire_from, wire_to)), None)
    before, after = parted(draft, old, position[0]) if old is not None else ((), ())
    draft.disconnect(wire_from or "", wire_to or "")  # a node between two ports takes the place of their wire
    draft.add(type, name, title=title, position=position, **dict(properties or {}))
    if wire_from is not None:
        _wire(document, draft, wire_from, fitting_input(document, draft, wire_from, name), wire_from, before)
    if wire_to is not None:
        _without_wire_at(draft, wire_to)
        _wire(document, draft, fitting_output(document, draft, name, wire_to), wire_to, wire_to, after)
    return name, (f"Add {draft.nodes[name].name}", Delta.between(document.graph, draft))


def _wire(
    document: Document, draft: Graph, source: str | None, target: str | None, known: str, via: tuple[str, ...]
) -> None:
    if source is None or target is None:
        fact = f"nothing here fits “{known}”"
        raise ProblemError(
            Problem(fact, "Choose a type that the list shows.", node=known.partition(".")[0], kind="port")
        )
    problem = refusal(document, draft, source, target)
    if problem is not None:
        raise ProblemError(problem)
    draft.connect(source, target)
    draft.wires[-1] = replace(draft.wires[-1], via=via)


def _without_wire_at(draft: Graph, target: str) -> None:
    port = draft.input_port(target)
    if port is not None and not port.many:
        draft.wires = [wire for wire in draft.wires if wire.target != target]


def remove(document: Document, ids: Iterable[str]) -> Command:
    """Take away nodes (with their wires), wires, frames (not what lies in them), notes and dots (not what leads over them)."""
    draft, gone = draft_of(document.graph), _known(document.graph, ids)
    text = counted(document.graph, gone, "Delete")
    take_away(draft, draft.nodes.keys() & gone)
    for name in gone:
        draft.frames.pop(name, None)
        draft.notes.pop(name, None)
        draft.dots.pop(name, None)
    wires = {name for name in gone if ">" in name}
    if wires:
        draft.wires = [wire for wire in draft.wires if wire_id(wire) not in wires]
    return text, Delta.between(document.graph, draft)


def remove_and_reconnect(document: Document, ids: Iterable[str]) -> Command:
    """Take nodes away and lead what came in on to where their values went, as far as shapes permit."""
    draft, meant = draft_of(document.graph), _known(document.graph, ids)
    gone = [name for name in meant if name in document.graph.nodes]
    for name in meant:
        draft.dots.pop(name, None)  # what leads over a dot is joined in any case
    text = counted(document.graph, gone or meant, "Delete and reconnect")
    for name in gone:
        before, after = draft.wires_into(name), draft.wires_out_of(name)
        draft.remove(name)
        if before:
            bridge(document, draft, before[0], after)
    return text, Delta.between(document.graph, draft)


def _known(graph: Graph, ids: Iterable[str]) -> list[str]:
    known = {*taken_ids(graph), *(wire_id(wire) for wire in graph.wires)}
    found = [name for name in dict.fromkeys(ids) if name in known]
    if not found:
        raise ProblemError(
            Problem("nothing is selected", "Click a node, or drag a frame around some.", kind="selection")
        )
    return found


def set_property(document: Document, node_id: str, name: str, value: Any) -> Command:
    """Set one property, checked by the node type."""
    node = node_of(document.graph, node_id)
    if node.kind is None:
        raise ProblemError(Problem(f"no node type is called “{node.type}”", node=node_id, kind="unknown"))
    sound, problems = node.kind.check_properties({name: value})
    if problems:
        raise ProblemError(*(problem.at(node=node_id) for problem in problems))
    draft = draft_of(document.graph)
    exchange(draft, node_id, properties={**node.properties, **sound})
    return f"Set {name.replace('_', ' ')} of {node.name}", Delta.between(document.graph, draft)


def reset_property(document: Document, node_id: str, name: str) -> Command:
    """Let the default of the node type speak again."""
    node, draft = node_of(document.graph, node_id), draft_of(document.graph)
    if (node.type, name) != (COMPOSITE, "of"):  # that is no setting: it says what the node is
        exchange(draft, node_id, properties={key: value for key, value in node.properties.items() if key != name})
    return f"Reset {name.replace('_', ' ')} of {node.name}", Delta.between(document.graph, draft)


def set_title(document: Document, entry: str, title: str) -> Command:
    """Rename a node or a frame."""
    draft = draft_of(document.graph)
    if entry in draft.frames:
        draft.frames[entry] = replace(draft.frames[entry], title=title)
        return "Rename frame", Delta.between(document.graph, draft)
    name = node_of(draft, entry).name
    exchange(draft, entry, title=title)
    return f"Rename {name}", Delta.between(document.graph, draft)


def set_flag(
    document: Document, ids: Iterable[str], flag: str, on: bool, places: Mapping[str, tuple[float, float]] | None = None
) -> Command:
    """Set or clear one flag of several nodes; muting and bypassing exclude each other, as do folding and opening.

    places  where nodes and notes go that make room, by id
    """
    if flag not in FLAGS:
        raise ProblemError(Problem(f"there is no flag “{flag}”", f"Choose one of {', '.join(FLAGS)}.", kind="unknown"))
    draft, found = (
        draft_of(document.graph),
        [name for name in _known(document.graph, ids) if name in document.graph.nodes],
    )
    for name in found:
        flags = draft.nodes[name].flags
        exchange(draft, name, flags=(flags - {RIVALS.get(flag)}) | {flag} if on else flags - {flag})
    for name, (x, y) in (places or {}).items():
        if name in draft.notes:
            draft.notes[name] = replace(draft.notes[name], position=(float(x), float(y)))
        elif node_of(draft, name).position != (x, y):
            exchange(draft, name, position=(float(x), float(y)))
    verb = FLAGS[flag] if on else OPPOSITES.get(FLAGS[flag], f"Un{FLAGS[flag].lower()}")
    return counted(document.graph, found, verb), Delta.between(document.graph, draft)
