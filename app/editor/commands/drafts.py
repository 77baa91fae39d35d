"""What the families share: naming, replacing on a draft, asking what fits."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from engine.graph import Graph, Node, Wire
from engine.problems import Problem, ProblemError, did_you_mean

if TYPE_CHECKING:
    from engine.document import Document
    from engine.lowering import Lowering
    from engine.nodes import NodeType, Port

HALF_A_NODE = 60.0  # pixels
MOST_ASKED = 400  # nodes: in larger graphs not everything behind a wire is asked whether it could live with it


def node_of(graph: Graph, node_id: str) -> Node:
    """The node of that id; raises `ProblemError` where there is none."""
    if node_id not in graph.nodes:
        fact = f"there is no node “{node_id}”"
        raise ProblemError(Problem(fact, did_you_mean(node_id, graph.nodes), node=node_id, kind="unknown"))
    return graph.nodes[node_id]


def exchange(draft: Graph, node_id: str, **fields: Any) -> None:
    """Put a changed copy in the node's place."""
    draft.nodes[node_id] = replace(node_of(draft, node_id), **fields)


def counted(graph: Graph, ids: Collection[str], verb: str) -> str:
    """`Delete tanh` for one node, `Delete 3 nodes` for several."""
    if len(ids) == 1:
        (only,) = ids
        return f"{verb} {graph.nodes[only].name}" if only in graph.nodes else f"{verb} {_kind_of_thing(graph, only)}"
    things = {_kind_of_thing(graph, entry) for entry in ids}
    return f"{verb} {len(ids)} {things.pop() + 's' if len(things) == 1 else 'things'}"


def _kind_of_thing(graph: Graph, entry: str) -> str:
    if entry in graph.nodes:
        return "node"
    if entry in graph.frames:
        return "frame"
    if entry in graph.notes:
        return "note"
    return "dot" if entry in graph.dots else "wire"


def take_away(draft: Graph, names: set[str]) -> None:
    """Take nodes away with their wires and their places in frames: as `Graph.remove`, of many at once."""
    draft.nodes = {name: node for name, node in draft.nodes.items() if name not in names}
    draft.wires = [wire for wire in draft.wires if wire.source_node not in names and wire.target_node not in names]
    for frame in list(draft.frames.values()):
        if not names.isdisjoint(frame.nodes):
            draft.frames[frame.id] = replace(frame, nodes=tuple(name for name in frame.nodes if name not in names))


def free_id(stem: str, taken: Collection[str]) -> str:
    """The stem with the first running number from 1 that is free."""
    number = 1
    while (name := f"{stem}_{number}") in taken:
        number += 1
    return name


def taken_ids(graph: Graph) -> set[str]:
    """Ids of everything drawn; nodes, frames, notes and dots are selected by id, so none may be shared."""
    return {*graph.nodes, *graph.frames, *graph.notes, *graph.dots}


def behind(document: Document, graph: Graph) -> Document:
    """The same document with another graph: to ask the engine about a draft."""
    twin = copy.copy(document)
    twin.graph = graph
    return twin


def refusal(
    document: Document, graph: Graph, source: str, target: str, lowering: Lowering | None = None
) -> Problem | None:
    """Why the engine will not have this wire, counting ports, cycles and shapes.

    In a large graph only the shapes up to where the wire ends: what is wrong behind it, its node will say.
    lowering  of the one who asks about many wires of alike graphs: it keeps what they have in common
    """
    if (problem := graph.refusal(source, target)) is not None:
        return problem
    from engine.lowering import refusal as shape_refusal

    asked = graph if len(graph.nodes) <= MOST_ASKED else part_before(graph, source, target)
    return shape_refusal(behind(document, asked), source, target, document.load_data()[0], lowering=lowering)


def fitting_input(
    document: Document, graph: Graph, source: str, node_id: str, lowering: Lowering | None = None
) -> str | None:
    """The input of a node that a value fits best: free and needed ones first, then of the same kind, as declared."""
    port = graph.output_port(source)
    wired = {wire.target_port for wire in graph.wires_into(node_id)}
    kind = graph.nodes[node_id].kind
    inputs: tuple[Port, ...] = kind.inputs if kind else ()
    candidates = [entry for entry in inputs if entry.many or entry.name not in wired]
    candidates.sort(key=lambda entry: (entry.may_stay_free, port is not None and entry.kind != port.kind))
    addresses = (f"{node_id}.{entry.name}" for entry in candidates)
    return next((each for each in addresses if refusal(document, graph, source, each, lowering) is None), None)


def fitting_output(document: Document, graph: Graph, node_id: str, target: str) -> str | None:
    """The first output of a node that an input accepts."""
    kind = graph.nodes[node_id].kind
    outputs: tuple[Port, ...] = kind.outputs if kind else ()
    addresses = (f"{node_id}.{entry.name}" for entry in outputs)
    return next((address for address in addresses if refusal(document, graph, address, target) is None), None)


def bridge(document: Document, draft: Graph, before: Wire, after: list[Wire]) -> None:
    """Lead on to where some wires went what came along another one, as far as shapes permit."""
    for wire in after:
        if refusal(document, draft, before.source, wire.target) is None:
            via = dict.fromkeys([*before.via, *wire.via])
            draft.wires.append(replace(wire, source=before.source, via=tuple(via)))


def parted(graph: Graph, wire: Wire, left: float) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The dots of a wire before and behind a node that is put into it, whose left edge stands at a place in pixels."""
    before = sum(graph.dots[dot].position[0] < left + HALF_A_NODE for dot in wire.via if dot in graph.dots)
    return wire.via[:before], wire.via[before:]


def part_before(graph: Graph, *addresses: str) -> Graph:
    """Only the nodes of some ports and what they depend on: enough to ask what fits there, however large the graph."""
    ends = [address.partition(".")[0] for address in addresses]
    keep = set(ends).union(*(graph.ancestors(name) for name in ends))
    part = Graph()
    part.composites = graph.composites
    part.nodes = {name: node for name, node in graph.nodes.items() if name in keep}
    part.wires = [wire for wire in graph.wires if wire.target_node in keep]
    return part


def fits_behind(document: Document, source: str, types: Iterable[type[NodeType]]) -> list[type[NodeType]]:
    """The node types of which an input accepts the value at `source`."""
    from engine.lowering import Lowering

    part, lowering, found = part_before(document.graph, source), Lowering(parts=("forward",)), []
    for kind in types:
        trial = Graph()
        trial.nodes, trial.wires = dict(part.nodes), list(part.wires)
        trial.composites = document.graph.composites
        new = trial.add(kind.name)
        if fitting_input(document, trial, source, new, lowering) is not None:
            found.append(kind)
    return found
