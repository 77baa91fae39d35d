"""The CPU's float32 bodies that sum along rows and use the sums at once: some rows lie in registers from first to last.

The sums of several rows are found together, see `engine.machines.rows`: one row after the other each would wait for its own.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from llvmlite import ir
from numba import int64, types
from numba.core import cgutils
from numba.extending import intrinsic

from engine.machines.rows import each_row
from engine.machines.vectors import VECTOR, Vectors, not_compiled_in

VECTORS = 1  # compiled in: how many a row fills at most
MANY = 1  # compiled in: rows that are done together
_WHOLE = ir.IntType(64)
_Row = list[Any]  # of vectors


class _Rows:
    """Rows in registers, one operation on all of their vectors at a time; `count` of them are there."""

    def __init__(self, builder: Any, arena: Any, width: Any, count: Any, form: tuple[int, int, bool, bool]) -> None:
        vectors, many, whole, ragged = form
        self.v, self.b = Vectors(builder, arena, whole=whole), builder
        self.few = Vectors(builder, arena, many, whole=not ragged)  # a number for each row
        self.vectors, self.count = range(vectors), count
        self.masks = [self.v.mask(width, number) for number in self.vectors]
        self.numbers: list[Any] = [_WHOLE(row) for row in range(many)]
        if ragged:  # the first row once more in place of one that is not there
            self.numbers = [
                builder.select(builder.icmp_signed("<", row, count), row, _WHOLE(0)) for row in self.numbers
            ]
        self.shifts = [builder.mul(row, width) for row in self.numbers]
        self.width = builder.sitofp(width, ir.FloatType())

    def _one(self, place: Any) -> _Row:
        return [self.v.load(place, number, self.masks[number]) for number in self.vectors]

    def load(self, place: Any) -> list[_Row]:
        return [self._one(self.b.add(place, shift)) for shift in self.shifts]

    def same(self, place: Any) -> list[_Row]:
        """One row for all."""
        return [self._one(place)] * len(self.numbers)

    def store(self, rows: list[_Row], place: Any) -> None:
        for row, shift in zip(rows, self.shifts, strict=True):
            for number in self.vectors:
                self.v.store(row[number], self.b.add(place, shift), number, self.masks[number])

    def sums(self, rows: list[_Row]) -> Any:
        """A sum for each row."""
        joined = []
        for row in rows:
            total = row[0]
            for part in row[1:]:
                total = self.b.fadd(total, part)
            joined.append(total)
        return each_row(self.b, self.b.fadd, joined, self.v.lanes)

    def means(self, rows: list[_Row]) -> Any:
        """A mean for each row."""
        return self.b.fdiv(self.sums(rows), self.few.spread(self.width, self.few.vector))

    def spread(self, numbers: Any) -> list[_Row]:
        """A number for each row in all of its lanes."""
        lanes = self.v.lanes
        wide = [
            self.b.shuffle_vector(numbers, numbers, ir.Constant(ir.VectorType(ir.IntType(32), lanes), [row] * lanes))
            for row in range(len(self.numbers))
        ]
        return [[vector] * len(self.vectors) for vector in wide]

    def load_each(self, place: Any) -> Any:
        mask = self.few.mask(self.count, 0)
        numbers = self.few.load(place, 0, mask)
        if mask is None:
            return numbers
        first = self.few.spread(self.b.extract_element(numbers, ir.Constant(ir.IntType(32), 0)), self.few.vector)
        return self.b.select(mask, numbers, first)

    def store_each(self, numbers: Any, place: Any) -> None:
        self.few.store(numbers, place, 0, self.few.mask(self.count, 0))

    def each(self, join: Callable[..., Any], *operands: list[_Row]) -> list[_Row]:
        return [[join(*parts) for parts in zip(*rows, strict=True)] for rows in zip(*operands, strict=True)]


def _standardise(rows: _Rows, x: Any, epsilon: Any, deviations: Any, y: Any) -> None:
    b, v, few = rows.b, rows.v, rows.few
    read = rows.load(x)
    centred = rows.each(b.fsub, read, rows.spread(rows.means(read)))
    if not v.whole:  # what lies beyond the row is 0 minus the mean, and must not count
        centred = [
            [b.select(mask, part, v.zero) for part, mask in zip(row, rows.masks, strict=True)] for row in centred
        ]
    variances = rows.means(rows.each(lambda part: b.fmul(part, part), centred))
    moved = b.fadd(variances, few.spread(b.load(v.at(epsilon)), few.vector))
    deviation = _root(few, moved)
    rows.store_each(deviation, deviations)
    rows.store(rows.each(b.fmul, centred, rows.spread(b.fdiv(few.full(1.0), deviation))), y)


def _root(few: Vectors, numbers: Any) -> Any:
    kind = ir.FunctionType(few.vector, [few.vector])
    return few.b.call(cgutils.get_or_insert_function(few.b.module, kind, f"llvm.sqrt.v{few.lanes}f32"), [numbers])


def _standardise_gradient(rows: _Rows, dy: Any, y: Any, deviations: Any, dx: Any) -> None:
    b = rows.b
    slopes, scaled = rows.load(dy), rows.load(y)
    mean = rows.spread(rows.means(slopes))
    along = rows.spread(rows.means(rows.each(b.fmul, slopes, scaled)))
    share = rows.spread(b.fdiv(rows.few.full(1.0), rows.load_each(deviations)))

    def found(slope: Any, part: Any, mean: Any, along: Any, share: Any) -> Any:
        return b.fmul(b.fsub(b.fsub(slope, mean), b.fmul(part, along)), share)

    rows.store(rows.each(found, slopes, scaled, mean, along, share), dx)


def _softmax_gradient(rows: _Rows, y: Any, dy: Any, dx: Any, none: Any) -> None:
    b = rows.b
    shares = rows.load(y)
    weighted = rows.each(b.fmul, rows.load(dy), shares)
    total = rows.spread(rows.sums(weighted))
    rows.store(rows.each(lambda part, share, all_of: b.fsub(part, b.fmul(share, all_of)), weighted, shares, total), dx)


def _scale(rows: _Rows, x: Any, gain: Any, y: Any, none: Any) -> None:
    rows.store(rows.each(rows.b.fmul, rows.load(x), rows.same(gain)), y)


def _scale_shift(rows: _Rows, x: Any, gain: Any, shift: Any, y: Any) -> None:
    rows.store(rows.each(rows.v.multiply_add, rows.load(x), rows.same(gain), rows.same(shift)), y)


@cache
def _some(work: Any, vectors: int, many: int, whole: bool, ragged: bool) -> Any:
    """An intrinsic `(arena, width, rows, four offsets)` that does `many` rows, or so many fewer where it is ragged."""

    def typed(context, arena, width, rows, first, second, third, fourth):  # type: ignore[no-untyped-def]
        def generate(target, builder, signature, arguments):  # type: ignore[no-untyped-def]
            arena, width, count, *places = arguments
            work(_Rows(builder, arena, width, count, (vectors, many, whole, ragged)), *places)
            return target.get_dummy_value()

        return types.void(types.CPointer(types.float32), *[types.int64] * 6), generate

    return intrinsic(typed)


_standardise_some = _standardise_gradient_some = _softmax_gradient_some = _scale_some = _scale_shift_some = (
    not_compiled_in
)
_standardise_rest = _standardise_gradient_rest = _softmax_gradient_rest = _scale_rest = _scale_shift_rest = (
    not_compiled_in
)
_slopes_of_columns = not_compiled_in


def names_of(variant: dict[str, int]) -> dict[str, Any]:
    """What the bodies' names stand for in a variant: rows of so many VECTORS (WHOLE: exactly)."""
    if "VECTORS" not in variant:
        return {"_slopes_of_columns": column_slopes}
    works = {
        "_standardise": _standardise, "_standardise_gradient": _standardise_gradient,
        "_softmax_gradient": _softmax_gradient, "_scale": _scale, "_scale_shift": _scale_shift,
    }  # fmt: skip
    vectors, whole = variant["VECTORS"], bool(variant["WHOLE"])
    many = min(VECTOR, 8 if vectors <= 2 else 4)  # as many as there are registers for
    names: dict[str, Any] = {"MANY": many}
    for name, work in works.items():
        names[f"{name}_some"] = _some(work, vectors, many, whole, False)
        names[f"{name}_rest"] = _some(work, vectors, many, whole, True)
    return names


def standardise(arena: Any, integers: Any, instruction: Any, start: Any, stop: Any) -> None:
    """Rows [start, stop) brought to mean 0 and deviation 1; the deviations are written down."""
    x, epsilon, deviations = int64(instruction[1]), int64(instruction[2]), int64(instruction[3])
    y, width, row, many = int64(instruction[4]), int64(instruction[5]), int64(start), int64(MANY)
    while row + MANY <= stop:
        at = row * width
        _standardise_some(arena, width, many, x + at, epsilon, deviations + row, y + at)
        row += MANY
    if row < stop:
        at = row * width
        _standardise_rest(arena, width, stop - row, x + at, epsilon, deviations + row, y + at)


def standardise_gradient(arena: Any, integers: Any, instruction: Any, start: Any, stop: Any) -> None:
    """Rows [start, stop) of what standardised rows send back."""
    dy, y, deviations = int64(instruction[1]), int64(instruction[2]), int64(instruction[3])
    dx, width, row, many = int64(instruction[4]), int64(instruction[5]), int64(start), int64(MANY)
    while row + MANY <= stop:
        at = row * width
        _standardise_gradient_some(arena, width, many, dy + at, y + at, deviations + row, dx + at)
        row += MANY
    if row < stop:
        at = row * width
        _standardise_gradient_rest(arena, width, stop - row, dy + at, y + at, deviations + row, dx + at)


def softmax_gradient(arena: Any, integers: Any, instruction: Any, start: Any, stop: Any) -> None:
    """Rows [start, stop) of what a softmax sends back."""
    y, dy, dx, width = int64(instruction[1]), int64(instruction[2]), int64(instruction[3]), int64(instruction[4])
    row, many = int64(start), int64(MANY)
    while row + MANY <= stop:
        at = row * width
        _softmax_gradient_some(arena, width, many, y + at, dy + at, dx + at, at)
        row += MANY
    if row < stop:
        at = row * width
        _softmax_gradient_rest(arena, width, stop - row, y + at, dy + at, dx + at, at)


def scale_rows(arena: Any, integers: Any, instruction: Any, start: Any, stop: Any) -> None:
    """Rows [start, stop) times a row of gains."""
    x, gain, y, width = int64(instruction[1]), int64(instruction[2]), int64(instruction[3]), int64(instruction[4])
    row, many = int64(start), int64(MANY)
    while row + MANY <= stop:
        at = row * width
        _scale_some(arena, width, many, x + at, gain, y + at, at)
        row += MANY
    if row < stop:
        at = row * width
        _scale_rest(arena, width, stop - row, x + at, gain, y + at, at)


def scale_shift_rows(arena: Any, integers: Any, instruction: Any, start: Any, stop: Any) -> None:
    """Rows [start, stop) times a row of gains, plus a row of shifts."""
    x, gain, shift = int64(instruction[1]), int64(instruction[2]), int64(instruction[3])
    y, width, row, many = int64(instruction[4]), int64(instruction[5]), int64(start), int64(MANY)
    while row + MANY <= stop:
        at = row * width
        _scale_shift_some(arena, width, many, x + at, gain, shift, y + at)
        row += MANY
    if row < stop:
        at = row * width
        _scale_shift_rest(arena, width, stop - row, x + at, gain, shift, y + at)


WAYS = 4  # sums side by side, so that none waits for its own last addition


def _column_sums(v: Vectors, dy: Any, x: Any, width: Any, rows: Any, mask: Any) -> list[Any]:
    """Some columns of Σ dy · x and of Σ dy, over so many rows."""
    builder = v.b
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
    found = []
    for parts in totals:
        first, second, third, fourth = [builder.load(part) for part in parts]
        found.append(builder.fadd(builder.fadd(first, second), builder.fadd(third, fourth)))
    return found


@intrinsic
def column_slopes(context, arena, dy, x, width, rows, rest, sums, out, left):  # type: ignore[no-untyped-def]
    """Some columns of Σ dy · x and of Σ dy, over so many rows, and then over the rest: each by itself, and the two added."""

    def generate(target, builder, signature, arguments):  # type: ignore[no-untyped-def]
        arena, dy, x, width, rows, rest, sums, out, left = arguments
        v = Vectors(builder, arena)
        mask = v.mask(left, 0)
        for total, place in zip(_column_sums(v, dy, x, width, rows, mask), (out, sums), strict=True):
            v.store(total, place, 0, mask)
        with builder.if_then(builder.icmp_signed(">", rest, _WHOLE(0))):
            begun = builder.mul(rows, width)
            more = _column_sums(v, builder.add(dy, begun), builder.add(x, begun), width, rest, mask)
            for total, place in zip(more, (out, sums), strict=True):
                v.store(builder.fadd(v.load(place, 0, mask), total), place, 0, mask)
        return target.get_dummy_value()

    return types.void(types.CPointer(types.float32), *[types.int64] * 8), generate


def row_slopes(arena: Any, integers: Any, instruction: Any, start: Any, stop: Any) -> None:
    """Columns [start, stop) of what reaches a row of gains and a row of shifts."""
    dy, x, sums = int64(instruction[1]), int64(instruction[2]), int64(instruction[3])
    y, rows, width, rest = int64(instruction[4]), int64(instruction[5]), int64(instruction[6]), int64(instruction[7])
    c = int64(start)
    while c < stop:
        _slopes_of_columns(arena, dy + c, x + c, width, rows, rest, sums + c, y + c, stop - c)
        c += VECTOR
