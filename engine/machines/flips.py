"""The CPU's float32 bodies that put axes in another order: runs copied in vectors, blocks of four by four turned."""

from __future__ import annotations

from functools import cache
from typing import Any

from llvmlite import ir
from numba import int64, njit, types
from numba.extending import intrinsic

from engine.machines.compiling import INLINED
from engine.machines.vectors import VECTOR, Vectors

EDGE = 4
STRIP = 16  # rows of x walked together: what one column brings into the cache serves the next ones too
_FLOAT, _WORD = ir.FloatType(), ir.IntType(32)
_FOUR = ir.VectorType(_FLOAT, EDGE)


def _picked(builder: Any, first: Any, second: Any, lanes: list[int]) -> Any:
    return builder.shuffle_vector(first, second, ir.Constant(ir.VectorType(_WORD, EDGE), lanes))


def _line(builder: Any, arena: Any, begin: Any, row: Any, number: int) -> Any:
    """Where the vector of a row begins, so many rows behind the first."""
    offset = builder.add(begin, builder.mul(row, ir.Constant(ir.IntType(64), number)))
    return builder.bitcast(builder.gep(arena, [offset]), _FOUR.as_pointer())


def _turned(builder: Any, a: Any, b: Any, c: Any, d: Any) -> tuple[Any, ...]:
    """The columns of four rows of four."""
    low_ab, high_ab = _picked(builder, a, b, [0, 4, 1, 5]), _picked(builder, a, b, [2, 6, 3, 7])
    low_cd, high_cd = _picked(builder, c, d, [0, 4, 1, 5]), _picked(builder, c, d, [2, 6, 3, 7])
    return (
        _picked(builder, low_ab, low_cd, [0, 1, 4, 5]), _picked(builder, low_ab, low_cd, [2, 3, 6, 7]),
        _picked(builder, high_ab, high_cd, [0, 1, 4, 5]), _picked(builder, high_ab, high_cd, [2, 3, 6, 7]),
    )  # fmt: skip


@intrinsic
def turn_block(context, arena, x, x_row, y, y_row):  # type: ignore[no-untyped-def]
    """y[c·y_row + r] = x[r·x_row + c] for four rows and four columns, by offsets into the arena."""

    def generate(target, builder, signature, arguments):  # type: ignore[no-untyped-def]
        arena, x, x_row, y, y_row = arguments
        rows = [builder.load(_line(builder, arena, x, x_row, number), align=4) for number in range(EDGE)]
        for number, row in enumerate(_turned(builder, *rows)):
            builder.store(row, _line(builder, arena, y, y_row, number), align=4)
        return target.get_dummy_value()

    return types.void(types.CPointer(types.float32), *[types.int64] * 4), generate


@intrinsic
def turn_few(context, arena, x, x_row, y, y_row, columns):  # type: ignore[no-untyped-def]
    """As `turn_block` for four rows of fewer columns. What lies behind a row is read, but not used: the arena goes on there.

    No masks: a masked store is slow, and what reads it next has to wait for it.
    """

    def generate(target, builder, signature, arguments):  # type: ignore[no-untyped-def]
        arena, x, x_row, y, y_row, columns = arguments
        rows = [builder.load(_line(builder, arena, x, x_row, number), align=4) for number in range(EDGE)]
        for number, row in enumerate(_turned(builder, *rows)[:-1]):
            with builder.if_then(builder.icmp_signed(">", columns, ir.Constant(ir.IntType(64), number))):
                builder.store(row, _line(builder, arena, y, y_row, number), align=4)
        return target.get_dummy_value()

    return types.void(types.CPointer(types.float32), *[types.int64] * 5), generate


def transpose(arena: Any, integers: Any, instruction: Any, start: Any, stop: Any) -> None:
    """Columns [start, stop) of x become rows of y."""
    x, y, columns, rows = (
        int64(instruction[1]), int64(instruction[2]), int64(instruction[3]), int64(instruction[4])
    )  # fmt: skip
    whole = rows - rows % EDGE
    first = int64(0)
    while first < whole:
        last = first + STRIP if first + STRIP < whole else whole
        c = int64(start)
        while c < stop:
            r = first
            while r < last:
                if c + EDGE <= stop:
                    turn_block(arena, x + r * columns + c, columns, y + c * rows + r, rows)
                else:
                    turn_few(arena, x + r * columns + c, columns, y + c * rows + r, rows, stop - c)
                r += EDGE
            c += EDGE
        first = last
    if whole < rows:
        for c in range(start, stop):
            for r in range(whole, rows):
                arena[y + c * rows + r] = arena[x + r * columns + c]


@cache
def _some(lanes: int, whole: bool, filled: bool) -> Any:
    """Intrinsic `(arena, x, y, count)`: y[: count] = x[: count], or = x[0], for no more numbers than there are lanes."""

    def typed(context, arena, x, y, count):  # type: ignore[no-untyped-def]
        def generate(target, builder, signature, arguments):  # type: ignore[no-untyped-def]
            arena, x, y, count = arguments
            v = Vectors(builder, arena, lanes, whole=whole)
            mask = v.mask(count, 0)
            v.store(v.spread(builder.load(v.at(x)), v.vector) if filled else v.load(x, 0, mask), y, 0, mask)
            return target.get_dummy_value()

        return types.void(types.CPointer(types.float32), *[types.int64] * 3), generate

    return intrinsic(typed)


LANES = VECTOR  # compiled in: numbers that are moved at once
_copy_some = _fill_some = turn_block  # compiled in


def names_of(variant: dict[str, int]) -> dict[str, Any]:
    """What the bodies' names stand for in a variant: LANES numbers at a time (WHOLE: never fewer)."""
    if "LANES" not in variant:
        return {}
    lanes, whole = variant["LANES"], bool(variant["WHOLE"])
    return {"_copy_some": _some(lanes, whole, False), "_fill_some": _some(lanes, whole, True)}


@njit(**INLINED)
def _begin(instruction, row, rank):  # type: ignore[no-untyped-def]
    """Where in x a row of the result begins; `rank` axes take part, the row counts through them."""
    rest, begin = row, int64(0)
    for before in range(rank):
        axis = rank - 1 - before
        length = int64(instruction[4 + 2 * axis])
        begin += (rest % length) * int64(instruction[5 + 2 * axis])
        rest //= length
    return begin


def permute_runs(arena: Any, integers: Any, instruction: Any, start: Any, stop: Any) -> None:
    """Rows [start, stop) of axes in another order, where the last axis stays: rows along the axis before it at a time."""
    x, y, rank = int64(instruction[1]), int64(instruction[2]), int64(instruction[3])
    inner, rows, step = (
        int64(instruction[2 + 2 * rank]), int64(instruction[2 * rank]), int64(instruction[1 + 2 * rank])
    )  # fmt: skip
    above, next_above = (
        (int64(instruction[2 * rank - 2]), int64(instruction[2 * rank - 1])) if rank > 2 else (int64(1), int64(0))
    )
    row = int64(start)
    here, place = row % rows, (row // rows) % above
    line = x + _begin(instruction, row // rows, rank - 2)
    while row < stop:
        many = rows - here if rows - here < stop - row else stop - row
        begin, out = line + here * step, y + row * inner
        for r in range(many):
            at = int64(0)
            while at < inner:
                _copy_some(arena, begin + r * step + at, out + r * inner + at, inner - at)
                at += LANES
        row += many
        here, place, line = int64(0), place + 1, line + next_above
        if place == above:
            place, line = int64(0), x + _begin(instruction, row // rows, rank - 2)


def permute_blocks(arena: Any, integers: Any, instruction: Any, start: Any, stop: Any) -> None:
    """Rows [start, stop) of axes in another order, where neighbours in x become neighbours in a column of y."""
    x, y, rank = int64(instruction[1]), int64(instruction[2]), int64(instruction[3])
    inner, step, rows = (
        int64(instruction[2 + 2 * rank]), int64(instruction[3 + 2 * rank]), int64(instruction[2 * rank])
    )  # fmt: skip
    whole = inner - inner % EDGE
    row = int64(start)
    while row < stop:
        here = row % rows
        many = rows - here if rows - here < stop - row else stop - row
        begin, out = x + _begin(instruction, row // rows, rank - 2) + here, y + row * inner
        blocks = many - many % EDGE
        r = int64(0)
        while r < blocks:
            i = int64(0)
            while i < whole:
                turn_block(arena, begin + i * step + r, step, out + r * inner + i, inner)
                i += EDGE
            r += EDGE
        for r in range(many):
            # Behind the blocks, and all of the rows below them.
            for i in range(whole if r < blocks else int64(0), inner):
                arena[out + r * inner + i] = arena[begin + i * step + r]
        row += many


# Compiled in: 0 where all rows of the result are one, 1 where each is filled with a number of its own, 2 all with the same.
EACH = 0


def broadcast(arena: Any, integers: Any, instruction: Any, start: Any, stop: Any) -> None:
    """Entries [start, stop) of rows that are copies of one, or each of one number, or all of the same."""
    x, y, rank = int64(instruction[1]), int64(instruction[2]), int64(instruction[4])
    width = int64(instruction[3 + 2 * rank])
    i = int64(start)
    while EACH == 2 and i < stop:
        _fill_some(arena, x, y + i, stop - i)
        i += LANES
    while i < stop:
        column = i % width
        some = width - column if width - column < stop - i else stop - i
        begin = x + i // width if EACH == 1 else x + column
        at = int64(0)
        while at < some:
            if EACH == 1:
                _fill_some(arena, begin, y + i + at, some - at)
            else:
                _copy_some(arena, begin + at, y + i + at, some - at)
            at += LANES
        i += some
