"""Which axis of every value is halved when two threads each own half of a net's units.

A layer with many units is halved by its units: a thread computes its columns of the result from its columns of the
weights. The narrow layer behind it is halved by its depth: each thread multiplies the units it owns by its rows of the
weights, and the two parts are added up. All that hangs on one of these is halved likewise; the narrow rest (losses,
metrics) is done by both threads. Which calls can be halved, and how, stands here; anything else that meets a halved value
is an answer of its own: such a tape is not halved.
"""

from __future__ import annotations

from collections.abc import Iterable

from engine.placement import LINE
from engine.primitives.base import Primitive
from engine.values import Call, Value

UNITS = 2 * LINE  # halves of as many fill whole cache lines, which nobody else writes
ROWS, COLUMNS = 0, 1  # axes of a matrix
WHOLE = None
Axis = int | None  # the halved one
FORWARD = frozenset({"linear", "linear_bent", "matmul"})


def adds_halves(columns: int, depth: int) -> bool:
    """Whether a product is defined as the sum of two products of half its depth, whoever computes it: few columns."""
    return 1 < columns <= LINE and depth % UNITS == 0


def splits_of(calls: Iterable[Call]) -> dict[int, Axis] | None:
    """The halved axis by index of the value; None where some call cannot be halved."""
    splits = _Splits()
    for call in calls:
        if not splits.take(call):
            return None
    return splits.axes


class _Splits:
    """What is known so far; parameters and states are what the first call that asks wants them to be."""

    def __init__(self) -> None:
        self.axes: dict[int, Axis] = {}

    def take(self, call: Call) -> bool:
        """Say what becomes of a call's result; False where it cannot be halved with its operands."""
        primitive, name = call.primitive, call.primitive.name
        if not isinstance(primitive, Primitive):
            return False
        if name in FORWARD and not call.attributes.get("transpose_a") and not call.attributes.get("transpose_b"):
            return self._product(call)
        if name == "linear_gradient" or (name == "matmul" and call.attributes.get("transpose_a")):
            return not call.attributes.get("transpose_b") and self._gradient(call)
        if name == "transpose":
            return self._transpose(call)
        if primitive.walks:
            return self._update(call, primitive.walks)
        if primitive.is_each_alone and not primitive.is_view:
            return self._each_alone(call)
        return self._both(call)

    def _known(self, value: Value) -> Axis:
        return self.axes.get(value.index)

    def _is(self, value: Value, axis: Axis) -> bool:
        """Let a value be halved so, if nobody said otherwise."""
        return self.axes.setdefault(value.index, axis) == axis

    def _both(self, call: Call) -> bool:
        """Done by both threads: nothing that takes part in it may be halved."""
        return all(self._is(value, WHOLE) for value in (*call.operands, call.result))

    def _product(self, call: Call) -> bool:
        x, weight, *bias = call.operands
        depth, columns = weight.shape[0], weight.shape[1] if weight.rank == 2 else 0
        if x.rank != 2 or not isinstance(columns, int) or not isinstance(depth, int):
            return self._both(call)
        if self._known(x) is WHOLE:
            axis: Axis = COLUMNS if columns % UNITS == 0 and _is_learned(weight) else WHOLE
            if not _is_learned(weight):
                axis = self._known(weight)
        elif adds_halves(columns, depth) and not bias_bends(call):
            return (
                self._is(weight, ROWS)
                and all(self._is(value, WHOLE) for value in bias)
                and self._is(call.result, WHOLE)
            )
        else:
            axis = COLUMNS
        if axis is WHOLE:
            return self._both(call)
        return (
            columns % UNITS == 0
            and self._is(weight, COLUMNS)
            and all(self._is(value, 0) for value in bias)
            and self._is(call.result, COLUMNS)
        )

    def _transpose(self, call: Call) -> bool:
        axis, (depth, columns) = self._known(call.operands[0]), call.result.shape
        if axis is WHOLE or not isinstance(columns, int) or not isinstance(depth, int):
            return self._both(call)
        if axis == COLUMNS and adds_halves(columns, depth):
            return self._is(call.result, ROWS)
        return columns % UNITS == 0 and self._is(call.result, COLUMNS)

    def _gradient(self, call: Call) -> bool:
        x, dy, *bias = call.operands
        if x.rank != 2 or dy.rank != 2:
            return self._both(call)
        slopes = self._known(dy)
        axis: Axis = COLUMNS if slopes == COLUMNS else ROWS if self._known(x) == COLUMNS else WHOLE
        if ROWS in (slopes, self._known(x)):
            return False
        return self._is(call.result, axis) and all(self._is(value, 0 if slopes == COLUMNS else WHOLE) for value in bias)

    def _update(self, call: Call, walks: int) -> bool:
        axis = self._known(call.operands[1 if walks > 1 else 0])
        if any(not self._is(value, axis) for value in call.operands[:walks]):
            return False
        return all(self._is(value, WHOLE) for value in call.operands[walks:])

    def _each_alone(self, call: Call) -> bool:
        axes = {self._known(value) for value in call.operands if value.shape}
        axis = axes.pop() if len(axes) == 1 else WHOLE
        if axes or any(value.shape not in (call.result.shape, ()) for value in call.operands):
            return self._both(call)
        alike = [self._is(value, axis if value.shape else WHOLE) for value in (*call.operands, call.result)]
        return all(alike)


def bias_bends(call: Call) -> bool:
    """Whether a product is bent as it is stored: a part of a sum must not be."""
    return call.primitive.name == "linear_bent"


def _is_learned(value: Value) -> bool:
    return value.source is not None and value.source.role == "parameter"
