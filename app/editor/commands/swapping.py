"""Another type in a node's place: what it is wired to and what it says stays, as far as the new type has room for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from app.editor.commands import Command, Delta
from app.editor.commands.drafts import fitting_input, fitting_output, free_id, node_of, refusal, taken_ids
from app.editor.delta import draft_of
from engine.grouping import BORDER
from engine.problems import Problem, ProblemError

if TYPE_CHECKING:
    from engine.document import Document
    from engine.graph import Graph, Node


def swap_type(document: Document, ids: Sequence[str], type: str) -> Command:
    """Exchange the type of some nodes. They keep ids, titles and places, and properties and wires that the type takes.

    Raises `ProblemError` for an unknown type, and where nothing that can be exchanged is named.
    """
    draft = draft_of(document.graph)
    chosen = [name for name in ids if name in draft.nodes and node_of(draft, name).type not in BORDER]
    if not chosen:
        fact = "nothing is selected whose type can be exchanged"
        raise ProblemError(Problem(fact, "Select a node.", kind="selection"))
    for name in chosen:
        _swap(document, draft, name, type)
    title = node_of(draft, chosen[0]).kind
    what = document.graph.nodes[chosen[0]].name if len(chosen) == 1 else f"{len(chosen)} nodes"
    return f"Swap {what} for {title.title if title else type}", Delta.between(document.graph, draft)


def _swap(document: Document, draft: Graph, name: str, type: str) -> None:
    into, out = draft.wires_into(name), draft.wires_out_of(name)
    draft.wires = [wire for wire in draft.wires if name not in (wire.source_node, wire.target_node)]
    draft.nodes[name] = _made(draft, draft.nodes[name], type)
    for wire in into:
        target = wire.target if refusal(document, draft, wire.source, wire.target) is None else None
        target = target or fitting_input(document, draft, wire.source, name)
        if target is not None:
            draft.connect(wire.source, target)
    for wire in out:
        source = wire.source if refusal(document, draft, wire.source, wire.target) is None else None
        source = source or fitting_output(document, draft, name, wire.target)
        if source is not None:
            draft.wires.append(replace(wire, source=source))


def _made(draft: Graph, old: Node, type: str) -> Node:
    """The new node with the old one's id and place, and what the new type understands of its properties."""
    scratch = free_id("swapped", taken_ids(draft))
    draft.add(type, scratch, position=old.position)
    new = draft.nodes.pop(scratch)
    kind = new.kind
    kept = dict(new.properties)
    if kind is not None:
        for name in kind.properties().keys() & old.properties.keys():
            sound, problems = kind.check_properties({name: old.properties[name]})
            kept |= {} if problems else sound
    return replace(new, id=old.id, title=old.title, properties=kept, flags=old.flags - {"opened"})
