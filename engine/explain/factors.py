"""Why a derivative has its size: the factors along the path that carries most of it, and the one that shrinks most."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from engine.explain.backward import products_in
from engine.explain.live import Live
from engine.explain.notation import partial
from engine.explain.reading import Desk, Played, Reading
from engine.explain.slopetext import slope_text
from engine.explain.trees import Leaf, Operation, Products, Reduction, Stage
from engine.program import Program
from engine.unrolling import delayed, without_time
from engine.values import Value

LONGEST_PATH = 400  # nodes
MOST_UNITS = 24  # of a layer's units, those with the largest derivative are looked at
SATURATED = 0.05


class Factor(NamedTuple):
    """One local derivative on the way: symbol, number, what it is, and the node it belongs to."""

    latex: str
    number: float
    words: str
    node: str


class Factors(NamedTuple):
    """The factors of a derivative, from the loss back to the node.

    product   of the factors
    gradient  the whole derivative; it differs from the product where other paths add to it
    smallest  place of the factor that shrinks most; None where none is below 1
    """

    symbol: str
    factors: tuple[Factor, ...]
    product: float
    gradient: float
    smallest: int | None

    @property
    def other_paths(self) -> float:
        """What all other paths add."""
        return self.gradient - self.product


class Route(NamedTuple):
    """A way through one node: its factors (nearest to the loss first) and their product."""

    factors: tuple[Factor, ...]
    product: float


def factors(desk: Desk, node: str, row: int, unit: int, phase: int = 0) -> Factors | None:
    """The factors of the loss's derivative by a node's sum (or its output, where it has no sum).

    None where the loss does not depend on the node, or its derivative was not computed yet.
    """
    return Walk(desk, phase).factors(node, row, unit)


class Walk:
    """Follows one entry from node to node up to the loss, always along the largest contribution."""

    def __init__(self, desk: Desk, phase: int) -> None:
        self.desk, self.phase = desk, phase
        self.live = Live(desk.session)
        gradients = desk.session.program.gradients
        self.found = gradients[phase] if phase < len(gradients) else {}
        objectives = desk.notation.objectives
        self.objective = objectives[phase] if phase < len(objectives) else "L"

    def factors(self, node: str, row: int, unit: int) -> Factors | None:
        """As the function of that name."""
        outputs = [value for value in self.desk.outputs(node) if value.index in self.found]
        if not outputs:
            return None
        reading = self.desk.read(node, outputs[0], row, unit, self.live)
        start = next((s for s in reading.stages if self._gradient(s.result) is not None), None)
        if start is None:
            return None
        routes = self._routes(reading, start.result, node)
        if not routes:  # a sum over the batch lies between: the output itself is explained
            start, routes = reading.stages[-1], [Route((), 1.0)]
        inner = max(routes, key=_size)
        outer = self._to_the_loss(reading.stages[-1].result, node, row)
        if outer is None:
            return None
        found = tuple([factor for factor in (*outer, *inner.factors) if factor.latex != "1"])
        gradient = self._gradient(start.result)
        if gradient is None:
            return None
        sizes = [abs(factor.number) for factor in found]
        smallest = int(np.argmin(sizes)) if sizes and min(sizes) < 1 else None
        product = float(np.prod([factor.number for factor in found]))
        return Factors(partial(self.objective, start.symbol.latex), found, product, gradient, smallest)

    def _gradient(self, leaf: Leaf) -> float | None:
        array = self.live.gradient(leaf.value, self.phase)
        return None if array is None else float(array[leaf.entry])

    def _to_the_loss(self, leaf: Leaf, node: str, row: int) -> list[Factor] | None:
        """Factors from the loss down to an output; the steps through nodes are found walking up."""
        way: list[tuple[Factor, ...]] = []
        for _ in range(LONGEST_PATH):
            best = self._next(leaf, node, row)
            if best is None:
                number = self._gradient(leaf)
                if number is None:
                    return None
                name = self._name(leaf, row, node)
                last = Factor(partial(self.objective, name), number, "loss", node)
                return [*([last] if name != self.objective else []), *[f for part in reversed(way) for f in part]]
            route, leaf, node = best
            way.append(route.factors)
        return None

    def _name(self, leaf: Leaf, row: int, node: str) -> str:
        return (
            self.desk.read(node, leaf.value, row, leaf.entry[-1] if leaf.entry else 0, self.live)
            .stages[-1]
            .symbol.latex
        )

    def _next(self, leaf: Leaf, node: str, row: int) -> tuple[Route, Leaf, str] | None:
        """The route through the next node that carries most of an entry's derivative; None before the loss."""
        best: tuple[float, Route, Leaf, str] | None = None
        for consumer, value in self._consumers(leaf.value, node):
            for unit in self._units(value, row):
                reading = self.desk.read(consumer, value, row, unit, self.live)
                gradient = self._gradient(reading.stages[-1].result)
                for route in self._routes(reading, leaf, consumer) if gradient is not None else ():
                    share = abs(route.product * (gradient or 0.0))
                    if best is None or share > best[0]:
                        best = (share, route, reading.stages[-1].result, consumer)
        return best[1:] if best is not None else None

    def _consumers(self, value: Value, node: str) -> Iterator[tuple[str, Value]]:
        graph, program = self.desk.session.document.graph, self.desk.session.program
        for wire in graph.wires:
            if wire.target_node == node:
                continue
            drawn = graph.nodes[wire.target_node]
            if drawn.kind is not None and drawn.kind.category == "Losses":
                continue  # the loss is one factor
            for time in _times_of(program, wire.source, value):
                for output in self.desk.outputs(wire.target_node, time + delayed(graph, wire)):
                    if output.index in self.found and output is not value:
                        yield wire.target_node, output

    def _units(self, value: Value, row: int) -> list[int]:
        array = self.live.gradient(value, self.phase)
        shape = self.live.shape(value)
        if array is None or len(shape) < 2 or shape[-1] == 1:
            return [0]
        mine = np.abs(np.nan_to_num(array[self.live.entry(value, row, 0)[:-1]]))
        return [int(unit) for unit in np.argsort(-mine, kind="stable")[:MOST_UNITS]]

    # through one node ------------------------------------------------------------------------

    def _routes(self, reading: Reading, leaf: Leaf, node: str) -> list[Route]:
        """All ways from an entry to the node's output, as far as the stages show them."""
        if leaf == reading.stages[-1].result:
            return [Route((), 1.0)]
        routes = []
        for stage in reading.stages:
            for factor in self._entering(reading, stage, leaf, node):
                for rest in self._routes(reading, stage.result, node):
                    routes.append(Route((*rest.factors, factor), rest.product * factor.number))
        return routes

    def _entering(self, reading: Reading, stage: Stage, leaf: Leaf, node: str) -> Iterator[Factor]:
        if isinstance(stage.tree, Leaf):
            return
        slots = reading.play(stage)
        place = slots.slots.find(leaf)
        number = slots.slope(leaf)
        if place is not None and number is not None:
            yield self._factor(reading, stage, slots, leaf, place, number, node)
        for tree in products_in(stage.tree):
            yield from self._weights(reading, slots, tree, leaf, node)

    def _factor(
        self, reading: Reading, stage: Stage, played: Played, leaf: Leaf, place: int, number: float, node: str
    ) -> Factor:
        text = slope_text(played, place, reading)
        name = stage.tree.call.primitive.name if isinstance(stage.tree, Operation | Reduction) else "the operation"
        words = f"slope of {name.replace('_', ' ')}"
        if number == 0 and "relu" in name:
            words = "dead ReLU"
        elif name in ("tanh", "sigmoid", "hard_tanh") and abs(number) < SATURATED:
            words = f"saturated {name.replace('_', ' ')}"
        return Factor(text or partial(stage.symbol.latex, reading.printer.symbol(leaf).latex), number, words, node)

    def _weights(self, reading: Reading, played: Played, tree: Products, leaf: Leaf, node: str) -> Iterator[Factor]:
        for side, index in ((0, tree.left), (1, tree.right)):
            operand = tree.call.operands[side]
            slot = played.slots.find_row(operand, index, side)
            slopes = played.slopes[slot] if slot is not None else None
            if slopes is None:
                continue
            for place in _places(reading, tree, side, leaf):
                other = reading.printer.factor(tree, 1 - side, place)
                words = f"weight into {self._title(node)}" if side == 0 else "what the weight multiplies"
                yield Factor(other.latex, float(slopes.reshape(-1)[place]), words, node)

    def _title(self, node: str) -> str:
        return self.desk.session.document.graph.nodes[node].name


def _places(reading: Reading, tree: Products, side: int, leaf: Leaf) -> list[int]:
    """Where an entry stands among the factors of a weighted sum."""
    operand, index = tree.call.operands[side], (tree.left, tree.right)[side]
    if operand is leaf.value and not tree.is_window:
        fits = all(isinstance(i, slice) or i == e for i, e in zip(index, leaf.entry, strict=True))
        return [e for i, e in zip(index, leaf.entry, strict=True) if isinstance(i, slice)] if fits else []
    if operand is not leaf.value and (
        operand.call is None or operand.call.primitive.name not in ("concat", "reshape", "transpose")
    ):
        return []
    count = reading.printer.depth(tree)
    printer = reading.printer
    return [p for p in range(count) if printer.origin(operand, printer.factor_entry(tree, side, p)) == leaf]


def _size(route: Route) -> float:
    return abs(route.product)


def _times_of(program: Program, address: str, value: Value) -> list[int]:
    """The steps of time at which an output is this value; [-1] outside of time."""
    if f"{address}@0" not in program.outputs:
        return [-1] if program.outputs.get(address) is value else []
    return [
        int(other.partition("@")[2])
        for other, found in program.outputs.items()
        if found is value and "@" in other and without_time(other) == address
    ]
