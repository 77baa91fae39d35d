"""The CPU's float32 bodies for short rows, as the classes of an example: a row is one vector."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import float32, int64, types
from numba.extending import intrinsic

from engine.machines.vectors import Vectors
from engine.primitives.elementary import exp_of, log_of

_INFINITY = float("inf")
NAN = float("nan")
GROUP = 8  # rows read before the first of them is written: what a row is read with reaches into the next one


@intrinsic
def row_largest(context, arena, row, columns):  # type: ignore[no-untyped-def]
    """The largest number of a row; where it holds a NaN, any."""

    def generate(target, builder, signature, arguments):  # type: ignore[no-untyped-def]
        arena, row, columns = arguments
        v = Vectors(builder, arena)
        return v.reduce(v.larger, v.load(row, 0, v.mask(columns, 0), v.full(-_INFINITY)))

    return types.float32(types.CPointer(types.float32), types.int64, types.int64), generate


def _share_rows(count: int, noted: bool) -> Any:
    """Divide each of so many rows by its sum; `noted`: the sums are written down."""
    pointer, whole = types.CPointer(types.float32), types.int64

    def typed(context, arena, row, columns, *sums):  # type: ignore[no-untyped-def]
        def generate(target, builder, signature, arguments):  # type: ignore[no-untyped-def]
            arena, row, columns, *sums = arguments
            v = Vectors(builder, arena)
            mask, one = v.mask(columns, 0), ir.Constant(ir.FloatType(), 1.0)
            places = [builder.add(row, builder.mul(columns, ir.Constant(ir.IntType(64), r))) for r in range(count)]
            rows = [v.load(place, 0, mask) for place in places]
            totals = [v.reduce(builder.fadd, x) for x in rows]
            shares = [v.spread(builder.fdiv(one, total), v.vector) for total in totals]
            for r in range(count):
                if sums:
                    builder.store(totals[r], v.at(builder.add(sums[0], ir.Constant(ir.IntType(64), r))), align=4)
                v.store(builder.fmul(rows[r], shares[r]), places[r], 0, mask)
            return target.get_dummy_value()

        return types.void(pointer, whole, whole, *[whole] * noted), generate

    def with_sums(context, arena, row, columns, sums):  # type: ignore[no-untyped-def]
        return typed(context, arena, row, columns, sums)  # type: ignore[no-untyped-call]

    def without(context, arena, row, columns):  # type: ignore[no-untyped-def]
        return typed(context, arena, row, columns)  # type: ignore[no-untyped-call]

    return intrinsic(with_sums if noted else without)


share_group, share_row = _share_rows(GROUP, True), _share_rows(1, True)
scale_group, scale_row = _share_rows(GROUP, False), _share_rows(1, False)


@intrinsic
def shift_row(context, arena, row, columns, number, out):  # type: ignore[no-untyped-def]
    """out = row - number, both by their offsets."""

    def generate(target, builder, signature, arguments):  # type: ignore[no-untyped-def]
        arena, row, columns, number, out = arguments
        v = Vectors(builder, arena)
        mask = v.mask(columns, 0)
        v.store(builder.fsub(v.load(row, 0, mask), v.spread(number, v.vector)), out, 0, mask)
        return target.get_dummy_value()

    whole = types.int64
    return types.void(types.CPointer(types.float32), whole, whole, types.float32, whole), generate


def names_of(variant: dict[str, int]) -> dict[str, Any]:
    """Nothing is compiled in."""
    return {}


def softmax(arena: Any, integers: Any, instruction: Any, start: Any, stop: Any) -> None:
    """Rows [start, stop) of a softmax over no more numbers than a vector has lanes."""
    x, y, width = int64(instruction[1]), int64(instruction[2]), int64(instruction[3])
    for i in range(start, stop):
        row = x + i * width
        shift_row(arena, row, width, row_largest(arena, row, width), y + i * width)
    for j in range(y + start * width, y + stop * width):  # one flat run, so that exp fills whole vectors
        arena[j] = exp_of(arena[j])
    i = int64(start)
    while i + GROUP <= stop:
        scale_group(arena, y + i * width, width)
        i += GROUP
    while i < stop:
        scale_row(arena, y + i * width, width)
        i += 1


def class_cross_entropy_softmax(arena: Any, integers: Any, instruction: Any, start: Any, stop: Any) -> None:
    """Rows [start, stop) of -ln p_t and of the softmax p, for no more classes than a vector has lanes."""
    z, t, p, y, classes = (
        int64(instruction[1]), int64(instruction[2]), int64(instruction[3]), int64(instruction[4]), int64(instruction[5])
    )  # fmt: skip
    for i in range(start, stop):
        row = z + i * classes
        shift_row(arena, row, classes, row_largest(arena, row, classes), p + i * classes)
    for j in range(p + start * classes, p + stop * classes):  # one flat run, so that exp fills whole vectors
        arena[j] = exp_of(arena[j])
    i = int64(start)
    while i + GROUP <= stop:
        share_group(arena, p + i * classes, classes, y + i)
        i += GROUP
    while i < stop:
        share_row(arena, p + i * classes, classes, y + i)
        i += 1
    for j in range(y + start, y + stop):
        arena[j] = log_of(arena[j])
    for i in range(start, stop):
        row, chosen = z + i * classes, integers[t + i]
        missing = row_largest(arena, row, classes) - arena[row + chosen] if 0 <= chosen < classes else float32(NAN)
        arena[y + i] = arena[y + i] + missing
