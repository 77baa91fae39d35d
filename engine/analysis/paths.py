"""Paths between two nodes: the product of local derivatives on each, their sum, and the same sum without listing any.

Aggarwal 2023, §2.3.1, Lemma 2.3.1 (pathwise aggregation) and §2.3.2, eqs 2.7 to 2.9 (dynamic programming).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from engine.analysis.local import NodePlan
from engine.explain.live import Live, ravel, unravel
from engine.problems import Problem, ProblemError, did_you_mean

if TYPE_CHECKING:
    from engine.session import Session

LIMIT = 1000
MOST_EDGES = 200_000


class Place(NamedTuple):
    """One entry of a node's output: `node.port` and the flat position in its array (0 of a single number)."""

    address: str
    entry: int


class Path(NamedTuple):
    """One way from source to target: the places it passes, the local derivative of each edge, their product."""

    places: tuple[Place, ...]
    derivatives: tuple[float, ...]
    product: float


class Edge(NamedTuple):
    """The local derivative of a place's value by the value of another place."""

    source: Place
    target: Place
    derivative: float


@dataclass(frozen=True)
class Paths:
    """All paths between two places.

    paths        the first `limit` of them, in the order of the drawing
    count        of all paths, exact whatever their number
    derivative   the sum over all paths, by dynamic programming
    derivatives  S(i, target) of every place between, the target's own 1 included
    counts       paths from every place to the target
    edges        every edge once, the nearest to the target first
    multiplied   multiplications: (listing every path, dynamic programming)
    """

    source: Place
    target: Place
    paths: tuple[Path, ...]
    count: int
    derivative: float
    derivatives: dict[Place, float]
    counts: dict[Place, int]
    edges: tuple[Edge, ...]
    multiplied: tuple[int, int]

    @property
    def listed(self) -> float:
        """The sum over the paths that are listed."""
        return math.fsum(path.product for path in self.paths)

    @property
    def remainder(self) -> float:
        """The sum over the paths that are not listed; 0 where all are."""
        return self.derivative - self.listed if self.count > len(self.paths) else 0.0


def paths(
    session: Session, source: str, target: str, *, source_row: int = 0, source_unit: int = 0, target_row: int = 0,
    target_unit: int = 0, limit: int = LIMIT,
) -> Paths:  # fmt: skip
    """Every path from one entry to another, with the numbers of this moment. Nodes as `node` or `node.port`.

    Raises `ProblemError` for unknown names, numbers not computed yet, and more than 200,000 edges.
    """
    start = _place(session, source, source_row, source_unit)
    end = _place(session, target, target_row, target_unit)
    graph = _EntryGraph(session, start, end)
    graph.walk_back()
    listed = tuple(_take(graph.list_paths(), limit))
    outgoing = [edge for edges in graph.into.values() for edge in edges]
    return Paths(
        start, end, listed, graph.counts.get(start, 0), graph.derivatives.get(start, 0.0), graph.derivatives,
        graph.counts, tuple(outgoing), (graph.multiplications, len(outgoing)),
    )  # fmt: skip


def _take(found: Iterator[Path], limit: int) -> Iterator[Path]:
    for _, path in zip(range(limit), found, strict=False):
        yield path


def _place(session: Session, name: str, row: int, unit: int) -> Place:
    outputs, name = session.program.outputs, session.program.meant(name)
    address = name if name in outputs else next((a for a in outputs if a.partition(".")[0] == name), "")
    if not address:
        raise ProblemError(Problem(f"nothing here is called “{name}”", did_you_mean(name, outputs), kind="unknown"))
    live = Live(session)
    value = outputs[address]
    return Place(address, ravel(live.entry(value, row, unit), live.shape(value)))


def entry_of(session: Session, place: Place) -> tuple[int, ...]:
    """A place's position as indices into its array."""
    return unravel(place.entry, Live(session).shape(session.program.outputs[place.address]))


@dataclass
class _EntryGraph:
    """The entries between two places, found walking back from the target in reverse order of the drawing."""

    session: Session
    start: Place
    end: Place
    derivatives: dict[Place, float] = field(default_factory=dict)
    counts: dict[Place, int] = field(default_factory=dict)
    into: dict[Place, list[Edge]] = field(default_factory=dict)
    multiplications: int = 0

    def walk_back(self) -> None:
        """Aggarwal 2023, eq. 2.9: S(i) ← Σ S(j) · z(i, j), every place once its successors are done."""
        graph = self.session.document.graph
        order, _ = graph.in_order()
        between = self._between(order)
        self.derivatives[self.end], self.counts[self.end] = 1.0, 1
        edges = 0
        lengths: dict[Place, int] = {self.end: 0}  # edges of all paths to the target, added up
        for name in reversed(order):
            mine = [place for place in self.derivatives if place.address.partition(".")[0] == name]
            if name not in between or name == self.start.address.partition(".")[0]:
                continue
            plans: dict[str, NodePlan] = {}
            for place in mine:
                port = place.address.partition(".")[2]
                if port not in plans:
                    plans[port] = NodePlan(self.session, graph.nodes[name], port)
                for edge in plans[port].edges(place.entry):
                    source = Place(edge.source, edge.entry)
                    if not self._leads_here(source, between):
                        continue
                    edges += 1
                    if edges > MOST_EDGES:
                        fact = f"there are more than {MOST_EDGES:,} edges between these"
                        raise ProblemError(Problem(fact, "Choose nodes that are closer.", kind="size"))
                    self._add(Edge(source, place, edge.derivative), lengths)
        self.multiplications = lengths.get(self.start, 0)

    def _add(self, edge: Edge, lengths: dict[Place, int]) -> None:
        source, target = edge.source, edge.target
        self.into.setdefault(target, []).append(edge)
        self.derivatives[source] = self.derivatives.get(source, 0.0) + self.derivatives[target] * edge.derivative
        self.counts[source] = self.counts.get(source, 0) + self.counts[target]
        lengths[source] = lengths.get(source, 0) + lengths[target] + self.counts[target]

    def _between(self, order: list[str]) -> set[str]:
        """Nodes that lie on a way from the source's node to the target's."""
        wires = self.session.document.graph.wires
        first, last = self.start.address.partition(".")[0], self.end.address.partition(".")[0]
        behind, before = {first}, {last}
        for name in order:
            if any(wire.source_node in behind for wire in wires if wire.target_node == name):
                behind.add(name)
        for name in reversed(order):
            if any(wire.target_node in before for wire in wires if wire.source_node == name):
                before.add(name)
        return behind & before

    def _leads_here(self, source: Place, between: set[str]) -> bool:
        node = source.address.partition(".")[0]
        if node == self.start.address.partition(".")[0]:
            return source == self.start
        return node in between

    def list_paths(self) -> Iterator[Path]:
        """The paths one by one, depth first along the wires' order. Only ways that reach the target are followed."""
        outgoing: dict[Place, list[Edge]] = {}
        for target in reversed(list(self.into)):
            for edge in self.into[target]:
                outgoing.setdefault(edge.source, []).append(edge)
        if self.counts.get(self.start, 0) == 0:
            return
        if self.start == self.end:
            yield Path((self.start,), (), 1.0)
            return
        way: list[Edge] = []
        stack = [iter(outgoing.get(self.start, []))]
        while stack:
            following = next(stack[-1], None)
            if following is None:
                stack.pop()
                if way:
                    way.pop()
                continue
            way.append(following)
            if following.target == self.end:
                derivatives = tuple([step.derivative for step in way])
                yield Path((self.start, *[step.target for step in way]), derivatives, math.prod(derivatives))
                way.pop()
            else:
                stack.append(iter(outgoing.get(following.target, [])))
