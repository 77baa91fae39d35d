"""What a node does to one number: its curve, its slope, and the point where it stands now. Computed by the engine."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engine.differentiate import gradients
from engine.explain.live import Array, Live
from engine.explain.reading import Desk
from engine.explain.slopes import Slots, is_literal
from engine.explain.trees import Leaf, Operation, Stage, Tree, is_fixed
from engine.machines.cpu import CpuMachine
from engine.problems import ProblemError
from engine.program import Program
from engine.tape import initial_array, plan
from engine.values import Origin, Value

SAMPLES = 161
REACH = 4.0  # the curve shows at least −4 to 4: where activations bend


class Curve(NamedTuple):
    """A function of one number around the place where it is used.

    xs, ys, slopes  (samples,)  not finite where the function has no value
    x, y, slope     where it stands now; None where that was not computed yet
    symbol, result  LaTeX of argument and result
    """

    xs: Array
    ys: Array
    slopes: Array
    x: float | None
    y: float | None
    slope: float | None
    symbol: str
    result: str


class CurvePlan:
    """An operation of one varying number on a plan of its own, for many numbers at once."""

    def __init__(self, tree: Operation, slots: Slots, varying: int, dtype: str) -> None:
        self._slots, self._varying = slots, varying
        self._program = Program()
        self._program.steps = [Origin("", "forward"), Origin("", "backward")]
        build = self._program.build
        self._sources = [
            build.source("data", f"slot{place}", (SAMPLES + 1,) if place == varying else (), None, trainable=True)
            for place in range(len(slots.slots))
        ]
        self._result = self._emit(tree)
        total = build.emit("sum", self._result, axes=(0,))
        found = gradients(self._program, total, [self._sources[varying]])
        self._slope = found.get(self._sources[varying].index)
        self._program.outputs["value.value"] = self._result
        if self._slope is not None:
            self._program.outputs["slope.slope"] = self._slope
        self._machine = CpuMachine(plan(self._program, 1, dtype=dtype))
        for value in self._program.sources.values():
            if self._machine.tape.places[value.index] is not None:
                view = self._machine.view(value)
                view[...] = initial_array(value, view.shape, view.dtype)

    def play(self, xs: Array, fixed: list[Array | None]) -> tuple[Array, Array]:
        """Values and slopes at `xs`; the other numbers as they stand."""
        for place, source in enumerate(self._sources):
            self._machine.view(source)[...] = xs if place == self._varying else fixed[place]
        self._machine.play_once()
        slopes = np.zeros_like(xs) if self._slope is None else self._machine.view(self._slope).copy()
        return self._machine.view(self._result).copy(), slopes

    def _emit(self, tree: Tree) -> Value:
        build = self._program.build
        if isinstance(tree, Operation):
            operands = [self._emit(operand) for operand in tree.operands]
            value = build.emit(tree.call.primitive.name, *operands, **tree.call.attributes)
            if value.call is not None:
                value.call.rule = tree.call.rule
            return value
        assert isinstance(tree, Leaf)
        if is_literal(tree):
            return build.constant(float(tree.value.source.initial if tree.value.source else 0.0))
        place = self._slots.find(tree)
        assert place is not None
        return self._sources[place]


def curve(desk: Desk, node: str, row: int, unit: int) -> Curve | None:
    """The curve of a node that treats every number alone, or of a layer's activation; None for all others."""
    outputs = desk.outputs(node)
    if not outputs:
        return None
    live = Live(desk.session)
    reading = desk.read(node, outputs[0], row, unit, live)
    stage = reading.stages[-1]
    slots = Slots(stage.tree, live)
    leaf = _varying(stage, slots)
    place = slots.find(leaf) if leaf is not None else None
    if leaf is None or place is None or not isinstance(stage.tree, Operation):
        return None
    fixed = [slot.read(live) for slot in slots.slots]
    if any(array is None for at, array in enumerate(fixed) if at != place):
        return None
    played = _play(desk, stage.tree, slots, place, fixed)
    if played is None:
        return None
    xs, ys, slopes = played
    known = fixed[place] is not None
    number = reading.live.number(stage.result.value, stage.result.entry)
    return Curve(
        xs[:-1], ys[:-1], slopes[:-1], float(xs[-1]) if known else None, number if known else None,
        float(slopes[-1]) if known and number is not None else None, reading.printer.symbol(leaf).latex, stage.symbol.latex,
    )  # fmt: skip


def _play(
    desk: Desk, tree: Operation, slots: Slots, place: int, fixed: list[Array | None]
) -> tuple[Array, Array, Array] | None:
    key = ("curve", slots.key)
    if key not in desk.curves:
        try:
            desk.curves[key] = CurvePlan(tree, slots, place, desk.session.dtype)
        except ProblemError:
            desk.curves[key] = None
    plan_ = desk.curves[key]
    if plan_ is None:
        return None
    now = fixed[place]
    x = float(now) if now is not None and np.isfinite(now) else 0.0
    reach = max(REACH, 1.25 * abs(x))
    xs = np.append(np.linspace(-reach, reach, SAMPLES), x).astype(desk.session.dtype)
    return xs, *plan_.play(xs, fixed)


def _varying(stage: Stage, slots: Slots) -> Leaf | None:
    """The one entry that the stage is a function of; None where there is none, or several."""
    if not isinstance(stage.tree, Operation) or any(slot.shape != () for slot in slots.slots):
        return None
    found = {leaf for leaf in _leaves(stage.tree) if not is_fixed(leaf)}
    return next(iter(found)) if len(found) == 1 and not any(map(_is_kept, found)) else None


def _is_kept(leaf: Leaf) -> bool:
    """Whether it is what a node remembers: nothing comes in that it could be a function of."""
    return leaf.value.source is not None and leaf.value.source.role == "state"


def _leaves(tree: Tree) -> list[Leaf]:
    if isinstance(tree, Operation):
        return [leaf for operand in tree.operands for leaf in _leaves(operand)]
    return [tree] if isinstance(tree, Leaf) else []
