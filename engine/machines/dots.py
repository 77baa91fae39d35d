"""The CPU's float32 body of a layer with one unit and few features: a row is one vector, eight rows are summed together."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import float32, int64, types
from numba.extending import intrinsic

from engine.machines.vectors import Vectors
from engine.primitives.activations import rectified, sigmoid_of, tanh_of

TOGETHER = 8  # rows
BIAS = 0  # compiled in: 1 where the instruction's last field is a bias
BEND = 0  # compiled in: what bends the result, 1 a tanh, 2 a sigmoid, 3 a rectifier
_WORD, _WHOLE = ir.IntType(32), ir.IntType(64)


def _folded(v: Vectors, x: Any, y: Any, far: int) -> Any:
    """Lanes `far` from each other added up: those of x where a lane's number lacks that bit, those of y where it has it."""

    def lanes(bit: int) -> Any:
        order = [(lane ^ bit) + (v.lanes if lane & far else 0) for lane in range(v.lanes)]
        return v.b.shuffle_vector(x, y, ir.Constant(v.words, order))

    return v.b.fadd(lanes(0), lanes(far))


def _dots(lanes: int, whole: bool, ragged: bool) -> Any:
    """An intrinsic: y[r] = bias + sum over k < depth of a[r·a_row + k] · b[k] for eight rows, or `rows` where it is ragged.

    Ragged or not the sums run alike, so that a row's bits do not depend on where the work is split.
    """

    def typed(context, arena, a, a_row, b, depth, y, bias, rows):  # type: ignore[no-untyped-def]
        def generate(target, builder, signature, arguments):  # type: ignore[no-untyped-def]
            arena, a, a_row, b, depth, y, bias, rows = arguments
            v = Vectors(builder, arena, lanes, whole=whole)
            mask = v.mask(depth, 0)
            weights = v.load(b, 0, mask)
            sums = []
            for r in range(TOGETHER):
                number = _WHOLE(r)
                if ragged:  # the first row once more in place of one that is not there
                    number = builder.select(builder.icmp_signed("<", number, rows), number, _WHOLE(0))
                sums.append(builder.fmul(v.load(builder.add(a, builder.mul(a_row, number)), 0, mask), weights))
            far = lanes
            while far > 1:
                far //= 2
                # Rows that differ in this bit alone: in the end each lane holds the row of its own number.
                sums = [_folded(v, sums[r], sums[r + far], far) for r in range(len(sums)) if not r & far]
            out = Vectors(builder, arena, lanes, whole=not ragged)
            for number, total in enumerate(sums):
                # Not a plain addition: ragged or not, the compiler might put it in another place among the others.
                total = v.multiply_add(total, v.full(1.0), v.spread(bias, v.vector))
                out.store(total, y, number, out.mask(rows, number))
            return target.get_dummy_value()

        return types.void(types.CPointer(types.float32), *[types.int64] * 5, types.float32, types.int64), generate

    return intrinsic(typed)


_dot_rows = _dot_rest = _dots(2, True, False)  # compiled in, by the lanes that a row fills


def names_of(variant: dict[str, int]) -> dict[str, Any]:
    """What the body's names stand for in a variant: sums over rows of LANES features at most (WHOLE: exactly)."""
    lanes, whole = variant["LANES"], bool(variant["WHOLE"])
    return {"_dot_rows": _dots(lanes, whole, False), "_dot_rest": _dots(lanes, whole, True)}


def narrow_column(arena: Any, integers: Any, instruction: Any, start: Any, stop: Any) -> None:
    """Rows [start, stop) of a product with a single column."""
    a_row, depth = int64(instruction[7]), int64(instruction[6])
    a, b, y = int64(instruction[1]), int64(instruction[2]), int64(instruction[3])
    bias = arena[int64(instruction[11])] if BIAS == 1 else float32(0)
    r = int64(start)
    while r + TOGETHER <= stop:
        _dot_rows(arena, a + r * a_row, a_row, b, depth, y + r, bias, int64(TOGETHER))
        r += TOGETHER
    if r < stop:
        _dot_rest(arena, a + r * a_row, a_row, b, depth, y + r, bias, stop - r)
    if BEND == 1:
        for j in range(y + start, y + stop):
            arena[j] = tanh_of(arena[j])
    elif BEND == 2:
        for j in range(y + start, y + stop):
            arena[j] = sigmoid_of(arena[j])
    elif BEND == 3:
        for j in range(y + start, y + stop):
            arena[j] = rectified(arena[j])
