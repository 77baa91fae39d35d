"""The wires by their ends: asked for once per node while a scene is built, where walking all wires would be quadratic."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Protocol

from engine.graph import Graph, Node, Wire


class Shapes(Protocol):
    """Shapes of outputs by `node.port`, as far as somebody knows them."""

    def get(self, address: str, default: tuple, /) -> tuple:
        """The shape of one, or the default."""
        ...


class Wiring:
    """A graph's wires as they are now, by the node they end at and the node they begin at."""

    def __init__(self, graph: Graph) -> None:
        self.nodes: Mapping[str, Node] = graph.nodes
        self.wires = graph.wires
        into: dict[str, list[Wire]] = defaultdict(list)
        out_of: dict[str, list[Wire]] = defaultdict(list)
        for wire in graph.wires:
            into[wire.target_node].append(wire)
            out_of[wire.source_node].append(wire)
        for wires in into.values():
            wires.sort(key=lambda wire: wire.order)
        self._into, self._out_of = dict(into), dict(out_of)

    def wires_into(self, node_id: str, port: str | None = None) -> list[Wire]:
        """Wires that end at a node (or at one of its ports), by order."""
        return [wire for wire in self._into.get(node_id, ()) if port in (None, wire.target_port)]

    def wires_out_of(self, node_id: str) -> list[Wire]:
        """Wires that begin at a node."""
        return list(self._out_of.get(node_id, ()))

    def named(self, names: Iterable[str]) -> dict[str, Wire | None]:
        """Wires by their names (`source>target`); None for one that is not there."""
        found: dict[str, Wire | None] = {}
        for name in names:
            source, _, target = name.partition(">")
            into = self._into.get(target.partition(".")[0], ())
            found[name] = next((wire for wire in into if wire.target == target and wire.source == source), None)
        return found
