"""Making a composite of nodes, drawing a use out again, renaming a definition and what it shows of its inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from app.editor.commands import Command, Delta
from app.editor.commands.drafts import counted, node_of, taken_ids
from app.editor.delta import draft_of
from engine.composites import Composite, exposed_property, fitted, set_composites, used_by
from engine.graph import COMPOSITE, Graph
from engine.grouping import Moved, expanded, grouped
from engine.problems import Problem, ProblemError

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


def rename_definition(document: Document, name: str, title: str) -> Command:
    """Call a definition otherwise; its id stays, so that nothing else changes."""
    before = document.graph.composites[name]
    return f"Rename the composite {before.name}", _exchanged(document, {name: replace(before, title=title)})


def shown_as(composite: Composite, node: str, name: str) -> str:
    """What a property within is called at the uses; empty where it is not shown there."""
    return next((outer for outer, targets in composite.exposed.items() if f"{node}.{name}" in targets), "")


def expose(document: Document, name: str, node: str, inner: str) -> Command:
    """Show a property of a node within at all uses of a definition: each has a value of its own from now on."""
    composite = document.graph.composites[name]
    if exposed_property(composite.graph, f"{node}.{inner}") is None:
        fact = f"“{node}” has no property “{inner}” that can be shown"
        raise ProblemError(Problem(fact, "Choose another node.", node=node, kind="property"))
    taken = {
        *composite.exposed,
        *(entry.id for entry in composite.graph if entry.type in ("port_in", "port_out")),
        "of",
    }
    wishes = (inner, f"{node}_{inner}", *(f"{node}_{inner}_{count}" for count in range(2, len(taken) + 3)))
    outer = next(wish for wish in wishes if wish not in taken)
    changed = replace(composite, exposed={**composite.exposed, outer: (f"{node}.{inner}",)})
    title = node_of(composite.graph, node).name
    return f"Show {inner.replace('_', ' ')} of {title} on {composite.name}", _exchanged(document, {name: changed})


def conceal(document: Document, name: str, node: str, inner: str, seen: Mapping[str, object]) -> Command:
    """Keep a property within again, with the value of the use whose properties are `seen`; all uses share it."""
    composite = document.graph.composites[name]
    outer, title = shown_as(composite, node, inner), node_of(composite.graph, node).name
    others = tuple(target for target in composite.exposed.get(outer, ()) if target != f"{node}.{inner}")
    inside = draft_of(composite.graph)
    if outer in seen:
        held = inside.nodes[node]
        value = fitted(held, inner, seen[outer])
        inside.nodes[node] = replace(held, properties={**held.properties, inner: value})
    left = {key: others if key == outer else targets for key, targets in composite.exposed.items()}
    changed = replace(composite, graph=inside, exposed={key: targets for key, targets in left.items() if targets})
    text = f"Keep {inner.replace('_', ' ')} of {title} within {composite.name}"
    return text, _exchanged(document, {name: changed}, "" if others else outer)


def _exchanged(document: Document, changed: Mapping[str, Composite], forgotten: str = "") -> Delta:
    """Definitions in place of others; a property that they show no more is forgotten at their uses."""
    draft, table = draft_of(document.graph), {**document.graph.composites, **changed}
    if forgotten:
        _forget(draft, set(changed), forgotten)
        for key, composite in table.items():
            if composite.uses & changed.keys():
                graph = draft_of(composite.graph)
                _forget(graph, set(changed), forgotten)
                table[key] = replace(composite, graph=graph)
    set_composites(draft, table)
    return Delta.between(document.graph, draft)


def _forget(graph: Graph, names: set[str], outer: str) -> None:
    for use in [node for node in graph if node.type == COMPOSITE and used_by(node) in names]:
        kept = {key: value for key, value in use.properties.items() if key != outer}
        graph.nodes[use.id] = replace(use, properties=kept)
