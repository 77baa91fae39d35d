"""The CPU's float32 bodies that sum along rows and use the sums at once: a row lies in a few vectors from first to last."""

from __future__ import annotations

from functools import cache
from typing import Any

from llvmlite import ir
from numba import int64, types
from numba.core import cgutils
from numba.extending import intrinsic

from engine.machines.vectors import VECTOR, Vectors

VECTORS = 1  # compiled in: how many a row fills at most
_WHOLE = ir.IntType(64)


class _Rows:
    """Rows in registers, one operation on all of their vectors at a time."""

    def __init__(self, builder: Any, arena: Any, width: Any, vectors: int) -> None:
        self.v, self.b = Vectors(builder, arena), builder
        self.numbers = range(vectors)
        self.masks = [self.v.mask(width, number) for number in self.numbers]
        self.count = builder.sitofp(width, ir.FloatType())

    def load(self, row: Any) -> list[Any]:
        return [self.v.load(row, number, self.masks[number]) for number in self.numbers]

    def store(self, row: list[Any], place: Any) -> None:
        for number in self.numbers:
            self.v.store(row[number], place, number, self.masks[number])

    def total(self, row: list[Any]) -> Any:
        joined = row[0]
        for part in row[1:]:
            joined = self.b.fadd(joined, part)
        return self.v.reduce(self.b.fadd, joined)

    def mean(self, row: list[Any]) -> Any:
        return self.v.spread(self.b.fdiv(self.total(row), self.count), self.v.vector)

    def root(self, number: Any) -> Any:
        kind = ir.FunctionType(ir.FloatType(), [ir.FloatType()])
        return self.b.call(cgutils.get_or_insert_function(self.b.module, kind, "llvm.sqrt.f32"), [number])

    def each(self, join: Any, *rows: list[Any]) -> list[Any]:
        return [join(*[row[number] for row in rows]) for number in self.numbers]


def _standardise(rows: _Rows, x: Any, epsilon: Any, deviations: Any, y: Any) -> None:
    b, v = rows.b, rows.v
    read = rows.load(x)
    mean = rows.mean(read)
    # What lies beyond the row is 0 minus the mean, and must not count.
    centred = [
        b.select(mask, b.fsub(part, mean), v.zero) for part, mask in zip(read, rows.masks, strict=True)
    ]  # fmt: skip
    variance = b.fdiv(rows.total(rows.each(lambda part: b.fmul(part, part), centred)), rows.count)
    deviation = rows.root(b.fadd(variance, b.load(v.at(epsilon))))
    b.store(deviation, v.at(deviations))
    wide = v.spread(deviation, v.vector)
    rows.store(rows.each(lambda part: b.fdiv(part, wide), centred), y)


def _standardise_gradient(rows: _Rows, dy: Any, y: Any, deviations: Any, dx: Any) -> None:
    b, v = rows.b, rows.v
    slopes, scaled = rows.load(dy), rows.load(y)
    mean, along = rows.mean(slopes), rows.mean(rows.each(b.fmul, slopes, scaled))
    wide = v.spread(b.load(v.at(deviations)), v.vector)
    found = rows.each(lambda s, part: b.fdiv(b.fsub(b.fsub(s, mean), b.fmul(part, along)), wide), slopes, scaled)
    rows.store(found, dx)


def _softmax_gradient(rows: _Rows, y: Any, dy: Any, dx: Any, none: Any) -> None:
    b, v = rows.b, rows.v
    shares = rows.load(y)
    weighted = rows.each(b.fmul, rows.load(dy), shares)
    total = v.spread(rows.total(weighted), v.vector)
    rows.store(rows.each(lambda part, share: b.fsub(part, b.fmul(share, total)), weighted, shares), dx)


def _scale(rows: _Rows, x: Any, gain: Any, y: Any, none: Any) -> None:
    rows.store(rows.each(rows.b.fmul, rows.load(x), rows.load(gain)), y)


def _scale_shift(rows: _Rows, x: Any, gain: Any, shift: Any, y: Any) -> None:
    rows.store(rows.each(rows.v.multiply_add, rows.load(x), rows.load(gain), rows.load(shift)), y)


@cache
def _row(work: Any, vectors: int) -> Any:
    """An intrinsic `(arena, width, four offsets)` that does one row."""

    def typed(context, arena, width, first, second, third, fourth):  # type: ignore[no-untyped-def]
        def generate(target, builder, signature, arguments):  # type: ignore[no-untyped-def]
            arena, width, *places = arguments
            work(_Rows(builder, arena, width, vectors), *places)
            return target.get_dummy_value()

        return types.void(types.CPointer(types.float32), *[types.int64] * 5), generate

    return intrinsic(typed)


def _not_compiled_in(*arguments: Any) -> None:
    raise NotImplementedError("put in by `names_of`")


_standardise_row = _standardise_gradient_row = _softmax_gradient_row = _scale_row = _scale_shift_row = _not_compiled_in
_slopes_of_columns = _not_compiled_in


def names_of(variant: dict[str, int]) -> dict[str, Any]:
    """What the bodies' names stand for in a variant: rows of so many VECTORS."""
    works = {
        "_standardise_row": _standardise, "_standardise_gradient_row": _standardise_gradient,
        "_softmax_gradient_row": _softmax_gradient, "_scale_row": _scale, "_scale_shift_row": _scale_shift,
    }  # fmt: skip
    if "VECTORS" not in variant:
        return {"_slopes_of_columns": column_slopes}
    return {name: _row(work, variant["VECTORS"]) for name, work in works.items()}


def standardise(arena: Any, integers: Any, instruction: Any, start: Any, stop: Any) -> None:
    """Rows [start, stop) brought to mean 0 and deviation 1; the deviations are written down."""
    x, epsilon, deviations = int64(instruction[1]), int64(instruction[2]), int64(instruction[3])
    y, width = int64(instruction[4]), int64(instruction[5])
    for row in range(start, stop):
        _standardise_row(arena, width, x + row * width, epsilon, deviations + row, y + row * width)


def standardise_gradient(arena: Any, integers: Any, instruction: Any, start: Any, stop: Any) -> None:
    """Rows [start, stop) of what standardised rows send back."""
    dy, y, deviations = int64(instruction[1]), int64(instruction[2]), int64(instruction[3])
    dx, width = int64(instruction[4]), int64(instruction[5])
    for row in range(start, stop):
        at = row * width
        _standardise_gradient_row(arena, width, dy + at, y + at, deviations + row, dx + at)


def softmax_gradient(arena: Any, integers: Any, instruction: Any, start: Any, stop: Any) -> None:
    """Rows [start, stop) of what a softmax sends back."""
    y, dy, dx, width = int64(instruction[1]), int64(instruction[2]), int64(instruction[3]), int64(instruction[4])
    for row in range(start, stop):
        at = row * width
        _softmax_gradient_row(arena, width, y + at, dy + at, dx + at, at)


def scale_rows(arena: Any, integers: Any, instruction: Any, start: Any, stop: Any) -> None:
    """Rows [start, stop) times a row of gains."""
    x, gain, y, width = int64(instruction[1]), int64(instruction[2]), int64(instruction[3]), int64(instruction[4])
    for row in range(start, stop):
        at = row * width
        _scale_row(arena, width, x + at, gain, y + at, at)


def scale_shift_rows(arena: Any, integers: Any, instruction: Any, start: Any, stop: Any) -> None:
    """Rows [start, stop) times a row of gains, plus a row of shifts."""
    x, gain, shift = int64(instruction[1]), int64(instruction[2]), int64(instruction[3])
    y, width = int64(instruction[4]), int64(instruction[5])
    for row in range(start, stop):
        at = row * width
        _scale_shift_row(arena, width, x + at, gain, shift, y + at)


WAYS = 4  # sums side by side, so that none waits for its own last addition


@intrinsic
def column_slopes(context, arena, dy, x, width, rows, sums, out, left):  # type: ignore[no-untyped-def]
    """Some columns of Σ dy · x and of Σ dy, over so many rows."""

    def generate(target, builder, signature, arguments):  # type: ignore[no-untyped-def]
        arena, dy, x, width, rows, sums, out, left = arguments
        v = Vectors(builder, arena)
        mask = v.mask(left, 0)
        totals = [[cgutils.alloca_once(builder, v.vector) for _ in range(WAYS)] for _ in range(2)]
        for total in (*totals[0], *totals[1]):
            builder.store(v.zero, total)

        def add_up(row: Any, way: int) -> None:
            at = builder.mul(row, width)
            slope, number = v.load(builder.add(dy, at), 0, mask), v.load(builder.add(x, at), 0, mask)
            products, slopes = totals[0][way], totals[1][way]
            builder.store(v.multiply_add(slope, number, builder.load(products)), products)
            builder.store(builder.fadd(slope, builder.load(slopes)), slopes)

        whole = builder.udiv(rows, _WHOLE(WAYS))
        with cgutils.for_range(builder, whole) as loop:
            for way in range(WAYS):
                add_up(builder.add(builder.mul(loop.index, _WHOLE(WAYS)), _WHOLE(way)), way)
        begun = builder.mul(whole, _WHOLE(WAYS))
        with cgutils.for_range(builder, builder.sub(rows, begun)) as loop:
            add_up(builder.add(begun, loop.index), 0)
        for parts, place in zip(totals, (out, sums), strict=True):
            first, second, third, fourth = [builder.load(part) for part in parts]
            v.store(builder.fadd(builder.fadd(first, second), builder.fadd(third, fourth)), place, 0, mask)
        return target.get_dummy_value()

    return types.void(types.CPointer(types.float32), *[types.int64] * 7), generate


def row_slopes(arena: Any, integers: Any, instruction: Any, start: Any, stop: Any) -> None:
    """Columns [start, stop) of what reaches a row of gains and a row of shifts."""
    dy, x, sums = int64(instruction[1]), int64(instruction[2]), int64(instruction[3])
    y, rows, width = int64(instruction[4]), int64(instruction[5]), int64(instruction[6])
    c = int64(start)
    while c < stop:
        _slopes_of_columns(arena, dy + c, x + c, width, rows, sums + c, y + c, stop - c)
        c += VECTOR
