"""Making a composite of nodes, drawing a use out again, renaming a definition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from app.editor.commands import Command, Delta
from app.editor.commands.drafts import counted, node_of, taken_ids
from app.editor.delta import draft_of
from engine.grouping import Moved, expanded, grouped

if TYPE_CHECKING:
    from engine.document import Document


def group(document: Document, ids: Sequence[str]) -> tuple[Moved, Command]:
    """Put nodes into a new composite. Returns where everything went, and the command."""
    draft = draft_of(document.graph)
    moved = grouped(draft, ids, taken=taken_ids(draft))
    chosen = list(moved.nodes)
    return moved, (counted(document.graph, chosen, "Group"), Delta.between(document.graph, draft))


def rename_port(document: Document, old: str, new: str) -> Command:
    """Give a port of the composite that is seen another name; wires within follow."""
    graph = document.graph
    draft, title = draft_of(graph), node_of(graph, old).name
    draft.nodes = {
        (new if name == old else name): replace(node, id=new, title="") if name == old else node
        for name, node in graph.nodes.items()
    }
    draft.wires = [
        replace(wire, source=_moved(wire.source, old, new), target=_moved(wire.target, old, new))
        if old in (wire.source_node, wire.target_node)
        else wire
        for wire in graph.wires
    ]
    for frame in graph.frames.values():
        if old in frame.nodes:
            inside = tuple(new if name == old else name for name in frame.nodes)
            draft.frames[frame.id] = replace(frame, nodes=inside)
    return f"Rename {title}", Delta.between(graph, draft)


def _moved(address: str, old: str, new: str) -> str:
    node, _, port = address.partition(".")
    return f"{new}.{port}" if node == old else address


def expand(document: Document, use: str) -> tuple[Moved, Command]:
    """Draw the inside of a use in its place. Returns where everything went, and the command."""
    draft, name = draft_of(document.graph), node_of(document.graph, use).name
    moved = expanded(draft, use, taken=taken_ids(draft))
    return moved, (f"Unpack {name}", Delta.between(document.graph, draft))
