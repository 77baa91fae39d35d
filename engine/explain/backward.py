"""The backward formulas of a step: incoming × local = outgoing, and every addend where paths join."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from engine.explain.live import Array, Entry, Index
from engine.explain.notation import Symbol, partial
from engine.explain.printing import EQUALS, PLUS, SHOWN, TIMES, number_term, sum_of
from engine.explain.reading import Played, Reading, numbers_of
from engine.explain.slopes import Slot
from engine.explain.slopetext import slope_text
from engine.explain.trees import Leaf, Operation, Products, Reduction, Stage, Whole
from engine.snapshot import Equation, Term
from engine.values import Batch, Value


@dataclass
class Backward:
    """Writes the backward equations of one entry of one node.

    is_done  whether the node has gone back; before, what comes in and its slopes are known, but nothing has come out
    """

    reading: Reading
    phase: int
    objective: str
    is_done: bool = True
    equations: list[Equation] = field(default_factory=list)
    _incoming: dict[tuple[int, Entry], float | None] = field(default_factory=dict)

    def write(self) -> list[Equation]:
        """Equations from the output back to the inputs and parameters."""
        root = self.reading.stages[-1]
        self._meeting(root)
        if isinstance(root.tree, Leaf):
            self._passed(root, root.tree)
        for stage in reversed(self.reading.stages):
            if not isinstance(stage.tree, Leaf) and self._is_active(stage.result.value):
                self._stage(stage)
        if not self.equations and not isinstance(root.tree, Leaf) and self._is_active(root.result.value):
            self._ended(root)
        return self.equations

    # what is known ---------------------------------------------------------------------------

    def _found(self) -> dict[int, Value]:
        gradients = self.reading.live.program.gradients
        return gradients[self.phase] if self.phase < len(gradients) else {}

    def _is_active(self, value: Value) -> bool:
        return value.index in self._found()

    def _gradient(self, leaf: Leaf) -> float | None:
        """The whole derivative by an entry; where fusing keeps it out of memory, what was found on the way here."""
        array = self.reading.live.gradient(leaf.value, self.phase)
        if array is not None:
            return float(array[leaf.entry])
        return self._incoming.get((leaf.value.index, leaf.entry))

    def _partial(self, symbol: Symbol) -> str:
        return partial(self.objective, symbol.latex)

    # where paths join ------------------------------------------------------------------------

    def _meeting(self, root: Stage) -> None:
        """The derivative that comes in, with its addends where several nodes use the output."""
        total = self._found().get(root.result.value.index)
        if total is None or total.call is None or total.call.primitive.name != "total":
            return
        if len({addend.call.origin.node if addend.call else "" for addend in total.call.operands}) < 2:
            return
        name = self._partial(root.symbol)
        shown: list[list[Term]] = []
        for addend in total.call.operands:
            array = self._addend_array(addend)
            number = None if array is None else float(array[root.result.entry])
            via = addend.call.origin.node if addend.call is not None else ""
            shown.append([number_term(name, number, "addend", f"via {self._title(via)}" if via else "")])
        terms = sum_of(shown[:SHOWN], max(0, len(shown) - SHOWN))
        left = number_term(name, self._gradient(root.result), "incoming")
        self.equations.append(Equation((left, EQUALS, *terms), "where paths join"))

    def _ended(self, root: Stage) -> None:
        """What comes in where nothing goes on, as at a delay that is cut."""
        self.equations.append(
            Equation((number_term(self._partial(root.symbol), self._gradient(root.result), "incoming"),))
        )

    def _passed(self, root: Stage, leaf: Leaf) -> None:
        """What is only moved comes out as it came in."""
        number = self._gradient(root.result)
        left = number_term(self._partial(root.symbol), number, "incoming")
        if leaf == root.result or not self._is_active(leaf.value):
            self.equations.append(Equation((left,)))
            return
        passed = number if self.is_done else None
        right = number_term(self._partial(self.reading.printer.symbol(leaf)), passed, "outgoing")
        self.equations.append(Equation((left, EQUALS, right)))

    def _addend_array(self, addend: Value) -> Array | None:
        live = self.reading.live
        if addend.source is not None:
            return np.broadcast_to(np.asarray(addend.source.initial, float), live.shape(addend))
        return live.now(addend)

    def _title(self, node: str) -> str:
        drawn = self.reading.live.session.document.graph.nodes.get(node)
        return drawn.name if drawn is not None else node

    # one stage -------------------------------------------------------------------------------

    def _stage(self, stage: Stage) -> None:
        played = self.reading.play(stage)
        incoming = self._gradient(stage.result)
        if isinstance(stage.tree, Products | Operation):
            self._operation(stage, played, incoming)
        elif isinstance(stage.tree, Reduction):
            self._single(stage, played, stage.tree.leaf, incoming, self._reduced_slope(stage.tree, played))
        elif isinstance(stage.tree, Whole):
            self._whole(stage, stage.tree, played, incoming)

    def _operation(self, stage: Stage, played: Played, incoming: float | None) -> None:
        products = products_in(stage.tree)
        for tree in products:
            for place in self.reading.printer.chosen(tree).places:
                for side in (1, 0):
                    self._factor(stage, played, tree, side, place, incoming)
        for slot in played.slots.slots:
            leaf = Leaf(slot.value, tuple([i for i in slot.spot if isinstance(i, int)]))
            if slot.shape == () and self._is_active(slot.value):
                self._single(stage, played, leaf, incoming, played.slope(leaf))
        for reduction in reductions_in(stage.tree):
            self._single(stage, played, reduction.leaf, incoming, self._reduced_slope(reduction, played))

    def _reduced_slope(self, tree: Reduction, played: Played) -> float | None:
        operand = tree.call.operands[0]
        place = next((i for i, s in enumerate(played.slots.slots) if s.value is operand and s.spot == tree.index), None)
        slope = played.slopes[place] if place is not None else None
        if slope is None:
            return None
        shape, axes = self.reading.live.shape(operand), tree.call.attributes["axes"]
        entry = tree.leaf.entry if tree.leaf.value is operand else self.reading.live.entry(operand, 0, 0)
        return float(slope.reshape([shape[axis] for axis in axes])[tuple([entry[axis] for axis in axes])])

    def _factor(
        self, stage: Stage, played: Played, tree: Products, side: int, place: int, incoming: float | None
    ) -> None:
        """One weight or one input of a weighted sum."""
        operand = tree.call.operands[side]
        leaf = self.reading.printer.origin(operand, self.reading.printer.factor_entry(tree, side, place))
        if not self._is_active(leaf.value):
            return
        other = self.reading.printer.factor(tree, 1 - side, place)
        index = (tree.left, tree.right)[side]
        slot = played.slots.find_row(operand, index, side)
        slope = played.slopes[slot] if slot is not None else None
        local = None if slope is None else float(slope.reshape(-1)[place])
        lone = len(played.slots.slots) == 2 or isinstance(stage.tree, Products) or _adds_only(stage.tree)
        text = other.latex if lone else partial(stage.symbol.latex, self.reading.printer.symbol(leaf).latex)

        def local_at(slopes: list[Array | None]) -> float | None:
            found = slopes[slot] if slot is not None else None
            return None if found is None else float(found.reshape(-1)[place])

        self._link(stage, played, leaf, incoming, local, text, local_at)

    def _whole(self, stage: Stage, tree: Whole, played: Played, incoming: float | None) -> None:
        for nth, (operand, index) in enumerate(zip(tree.call.operands, tree.indices, strict=True)):
            slot = next((i for i, s in enumerate(played.slots.slots) if s.value is operand and s.spot == index), None)
            slope = played.slopes[slot] if slot is not None else None
            if not self._is_active(operand):
                continue
            count = self.reading.printer.row_entries(tree, nth)
            shape = self.reading.live.shape(operand)
            of_row = tree.rowwise and bool(shape)
            for place in range(min(count, SHOWN)):
                entry = np.unravel_index(place, shape[1:] if of_row else shape)
                spot = tuple([int(i) for i in entry])
                leaf = self.reading.printer.origin(operand, (tree.row_read(nth), *spot) if of_row else spot)
                local = None if slope is None else float(slope.reshape(-1)[place])
                text = partial(stage.symbol.latex, self.reading.printer.symbol(leaf).latex)

                def local_at(slopes: list[Array | None], at: int = place, where: int | None = slot) -> float | None:
                    found = slopes[where] if where is not None else None
                    return None if found is None else float(found.reshape(-1)[at])

                self._link(stage, played, leaf, incoming, local, text, local_at)

    def _single(self, stage: Stage, played: Played, leaf: Leaf, incoming: float | None, local: float | None) -> None:
        if not self._is_active(leaf.value):
            return
        place = played.slots.find(leaf)
        text = slope_text(played, place, self.reading) if place is not None else _share(stage.tree, self.reading)
        if text is None:
            text = partial(stage.symbol.latex, self.reading.printer.symbol(leaf).latex)

        def local_at(slopes: list[Array | None]) -> float | None:
            found = slopes[place] if place is not None else None
            return None if found is None else float(found.reshape(-1)[0])

        self._link(stage, played, leaf, incoming, local, text, local_at)

    def _link(
        self, stage: Stage, played: Played, leaf: Leaf, incoming: float | None, local: float | None, text: str,
        local_at: Callable[[list[Array | None]], float | None],
    ) -> None:  # fmt: skip
        """incoming × local = outgoing, and the sum it is an addend of."""
        outgoing = None if incoming is None or local is None or not self.is_done else incoming * local
        symbol = self.reading.printer.symbol(leaf)
        key = (leaf.value.index, leaf.entry)
        self._incoming[key] = _plus(self._incoming.get(key), outgoing)
        terms = (
            number_term(self._partial(stage.symbol), incoming, "incoming"),
            TIMES,
            number_term(text, local, "local"),
            EQUALS,
            number_term(self._partial(symbol), outgoing, "outgoing"),
        )
        self.equations.append(Equation(terms))
        self._sum(stage, played, leaf, outgoing, local_at)

    # sums over rows and units ----------------------------------------------------------------

    def _sum(
        self, stage: Stage, played: Played, leaf: Leaf, outgoing: float | None,
        local_at: Callable[[list[Array | None]], float | None],
    ) -> None:  # fmt: skip
        if isinstance(stage.tree, Products) and stage.tree.is_window:
            self._sum_of_windows(stage.tree, leaf, outgoing)
            return
        axis = self._summed_axis(stage, leaf)
        if axis is None:
            return
        live = self.reading.live
        count, spot = live.shape(stage.result.value)[axis], stage.result.entry[axis]
        noun = "rows" if axis == 0 and _has_batch(stage.result.value) else "units"
        total = live.gradient(leaf.value, self.phase)
        whole = None if total is None else float(total[leaf.entry])
        name = self._partial(self.reading.printer.symbol(leaf))
        letter = noun[:-1]
        if count <= SHOWN and not isinstance(stage.tree, Whole):
            numbers = [
                outgoing if at == spot else self._elsewhere(stage, played, axis, at, local_at) for at in range(count)
            ]
            shown = [[number_term(name, n, "addend", f"{letter} {at + 1}")] for at, n in enumerate(numbers)]
            terms = sum_of(shown)
        else:
            rest = None if whole is None or outgoing is None else whole - outgoing
            shown = [[number_term(name, outgoing, "addend", f"{letter} {spot + 1}")]]
            terms = sum_of(shown, count - 1, rest, f"more {noun}")
        left = number_term(name, whole, "outgoing")
        self.equations.append(Equation((left, EQUALS, *terms), f"sum over {count} {noun}"))

    def _sum_of_windows(self, tree: Products, leaf: Leaf, outgoing: float | None) -> None:
        """One window's share of a weight's derivative, or of a cell's, and that of all other windows."""
        total = self.reading.live.gradient(leaf.value, self.phase)
        if total is None or outgoing is None:
            return
        whole, name = float(total[leaf.entry]), self._partial(self.reading.printer.symbol(leaf))
        rest = number_term(r"\text{other windows}", whole - outgoing, "addend")
        terms = (
            number_term(name, whole, "outgoing"),
            EQUALS,
            number_term(name, outgoing, "addend", "this window"),
            PLUS,
            rest,
        )
        self.equations.append(Equation(terms, "sum over all windows"))

    def _summed_axis(self, stage: Stage, leaf: Leaf) -> int | None:
        """The axis of the stage's result over which this leaf's derivative is a sum: the rows, or the units."""
        value, shape = stage.result.value, self.reading.live.shape(stage.result.value)
        if not shape or isinstance(stage.tree, Reduction):
            return None
        if _has_batch(value) and not _has_batch(leaf.value):
            return 0 if shape[0] > 1 else None
        tree = next((t for t in products_in(stage.tree)), None)
        units = isinstance(stage.tree, Whole) or (tree is not None and not _is_right(tree, leaf, self.reading))
        return len(shape) - 1 if units and len(shape) > 1 and shape[-1] > 1 else None

    def _elsewhere(
        self, stage: Stage, played: Played, axis: int, at: int, local_at: Callable[[list[Array | None]], float | None]
    ) -> float | None:
        """The same addend of another row or unit: the stage's plan, played with the numbers that stand there."""
        live = self.reading.live
        entry = stage.result.entry
        there = (*entry[:axis], at, *entry[axis + 1 :])
        gradient = live.gradient(stage.result.value, self.phase)
        if gradient is None or played.plan is None or isinstance(stage.tree, Whole) or not self.is_done:
            return None
        if (axis, at) not in played.elsewhere:
            numbers = numbers_of([self._shifted(slot, stage, axis, at) for slot in played.slots.slots], live)
            if numbers is None:
                return None
            played.elsewhere[axis, at] = played.plan.play(numbers)[1]
        local = local_at(played.elsewhere[axis, at])
        return None if local is None else float(gradient[there]) * local

    def _shifted(self, slot: Slot, stage: Stage, axis: int, at: int) -> Slot:
        """The slot's numbers in another row (axis 0 of a batch) or for another unit (the last axis)."""
        value, rank = stage.result.value, len(stage.result.entry)
        index = slot.spot
        if axis == 0 and _has_batch(value):
            return slot._replace(spot=(at, *index[1:])) if _has_batch(slot.value) and index else slot
        units = self.reading.live.shape(value)[-1]
        shape = self.reading.live.shape(slot.value)
        fits = bool(index) and isinstance(index[-1], int) and shape[-1] == units and (rank > 0)
        return slot._replace(spot=(*index[:-1], at)) if fits else slot


def _plus(one: float | None, other: float | None) -> float | None:
    return other if one is None else one if other is None else one + other


def _has_batch(value: Value) -> bool:
    return bool(value.shape) and isinstance(value.shape[0], Batch)


def products_in(tree: object) -> list[Products]:
    """The sums of products in a tree."""
    if isinstance(tree, Operation):
        return [found for operand in tree.operands for found in products_in(operand)]
    return [tree] if isinstance(tree, Products) else []


def reductions_in(tree: object) -> list[Reduction]:
    """The sums, means and extremes in a tree."""
    if isinstance(tree, Operation):
        return [found for operand in tree.operands for found in reductions_in(operand)]
    return [tree] if isinstance(tree, Reduction) else []


def _adds_only(tree: object) -> bool:
    if isinstance(tree, Operation):
        return tree.call.primitive.name in ("add", "total") and all(map(_adds_only, tree.operands))
    return True


def _share(tree: object, reading: Reading) -> str | None:
    """What a mean or a sum sends back to each of its entries."""
    if not isinstance(tree, Reduction) or tree.call.primitive.name not in ("mean", "sum"):
        return None
    shape = reading.live.shape(tree.call.operands[0])
    count = math.prod([shape[axis] for axis in tree.call.attributes["axes"]])
    return "1" if tree.call.primitive.name == "sum" or count == 1 else rf"\frac{{1}}{{{count}}}"


def _is_right(tree: Products, leaf: Leaf, reading: Reading) -> bool:
    """Whether the leaf is one of the weights (the right factors)."""
    right: Index = tree.right
    value = reading.printer.origin(
        tree.call.operands[1], tuple([0 if isinstance(i, slice) else i for i in right])
    ).value
    return value is leaf.value
