"""In which order nodes are lowered, and which of them once for every step of time.

Time begins at nodes that take a sequence apart (`opens`) and at delays, and ends at nodes that gather what all steps gave
(`closes`). Everything between them that hangs together is a region: lowered step by step, its parameters shared because
they have the same address at every step (backpropagation through time: Aggarwal 2023, §8.2.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from engine.graph import Graph, Wire, sorted_along
from engine.values import Origin

MOST_STEPS = 1000


class Region(NamedTuple):
    """Nodes that are lowered once a time step, in this order."""

    nodes: tuple[str, ...]


Order = tuple[list[str | Region], list[str]]


def schedule(graph: Graph) -> Order:
    """Single nodes and regions so that every wire points forward, and the ids that lie on or behind a cycle.

    A wire into a delay may point back: its value is used one step later.
    """
    region_of = _regions(graph)
    if not region_of:
        order, circular = graph.in_order()
        return list(order), circular
    groups = dict.fromkeys([region_of.get(name, name) for name in graph.nodes])
    wires = [
        (region_of.get(w.source_node, w.source_node), region_of.get(w.target_node, w.target_node))
        for w in _in_time(graph)
    ]
    order, behind = sorted_along(groups, [(begin, end) for begin, end in wires if begin != end])
    stuck = set(behind)
    inner, circular = graph.in_order()
    position = {name: place for place, name in enumerate(inner)}
    found: list[str | Region] = []
    lost = set(circular)
    for group in order:
        members = [name for name, region in region_of.items() if region == group]
        if members:
            found.append(
                Region(tuple(sorted([name for name in members if name in position], key=position.__getitem__)))
            )
        elif group in position:
            found.append(group)
    lost.update([name for name in graph.nodes if region_of.get(name, name) in stuck])
    kept = [entry for entry in found if isinstance(entry, Region) or entry not in lost]
    return kept, [name for name in graph.nodes if name in lost]


def delayed(graph: Graph, wire: Wire) -> bool:
    """Whether a wire's value is used one step of time later, or once everything else has been computed."""
    port = graph.input_port(wire.target)
    return port is not None and (port.delayed or port.late)


def _regions(graph: Graph) -> dict[str, str]:
    """The region of each node in time, named by one of its nodes."""
    if not any(graph.times()):
        return {}
    time = {name: node.kind.time for name, node in graph.nodes.items() if node.kind is not None and node.kind.time}
    following: dict[str, list[str]] = {}
    wires = _in_time(graph)
    for wire in wires:
        following.setdefault(wire.source_node, []).append(wire.target_node)
    inside = {name for name, role in time.items() if role in ("opens", "delays")}
    waiting = list(inside)
    while waiting:
        for after in following.get(waiting.pop(), ()):
            if after not in inside and time.get(after) != "closes":
                inside.add(after)
                waiting.append(after)
    leader = {name: name for name in graph.nodes if name in inside}

    def find(name: str) -> str:
        while leader[name] != name:
            name = leader[name]
        return name

    for wire in wires:
        if wire.source_node in leader and wire.target_node in leader and not _comes_from_outside(graph, wire):
            leader[find(wire.target_node)] = find(wire.source_node)
    return {name: find(name) for name in leader}


def _in_time(graph: Graph) -> list[Wire]:
    """The wires whose values are needed before everything has been computed."""
    return [wire for wire in graph.wires if (port := graph.input_port(wire.target)) is None or not port.late]


def _comes_from_outside(graph: Graph, wire: Wire) -> bool:
    """What a sequence is taken apart from was computed before this region began."""
    kind = graph.nodes[wire.target_node].kind if wire.target_node in graph.nodes else None
    return kind is not None and kind.time == "opens"


def at(address: str, step: int) -> str:
    """The address of an output at a step of time, as `rnn_1.y@3`."""
    return f"{address}@{step}"


def segment_key(origin: Origin) -> str:
    """What the calls of a node (at a step of time) are kept under."""
    return origin.node if origin.time < 0 else at(origin.node, origin.time)


def without_time(address: str) -> str:
    """The output that an address at a step of time belongs to."""
    return address.partition("@")[0]


def steps_said(counts: Sequence[int]) -> str:
    """Numbers of steps as a person reads them."""
    return " and ".join(map(str, sorted(set(counts))))
