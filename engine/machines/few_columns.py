"""The CPU's body of xᵀ · dy where dy has few columns: lanes are rows of the result, which is turned as it leaves the registers.

Ten classes leave six of sixteen lanes to masks in a tile whose lanes are columns. Here all lanes work, one vector for each
column; every number is the same sum in the same order.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from llvmlite import ir
from numba import int64, types
from numba.core import cgutils
from numba.extending import intrinsic

from engine.machines.rows import turned
from engine.machines.tile import tile
from engine.machines.vectors import VECTOR, Vectors, not_compiled_in, tight_loop

SUMS = 0  # compiled in: 1 where the last field is where the sums of dy's columns go
_WHOLE = ir.IntType(64)
_some = _first = not_compiled_in
_line, _first_line = tile(1, 1), tile(1, 1, with_sums=True)


def names_of(variant: dict[str, int]) -> dict[str, Any]:
    """What the body's names stand for in a variant: COLUMNS of dy."""
    columns = variant["COLUMNS"]
    return {"_some": _rows(columns, False), "_first": _rows(columns, bool(variant["SUMS"]))}


@cache
def _rows(columns: int, with_sums: bool) -> Any:
    """Intrinsic `(arena, x, dy, y, sums, depth, x_depth, dy_depth)` for as many rows as a vector has lanes."""

    def generate(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        arena, x, dy, y, sums, depth, x_depth, dy_depth = arguments
        b, v, ends = builder, Vectors(builder, arena, whole=True), Vectors(builder, arena)
        mask = ends.mask(_WHOLE(columns), 0)
        totals = [cgutils.alloca_once_value(b, v.zero) for _ in range(columns + with_sums)]

        def add(place: Any, left: Any, right: Any) -> None:
            b.store(v.multiply_add(left, right, b.load(place)), place)

        with tight_loop(b, depth) as k:
            features, slopes = b.add(x, b.mul(k, x_depth)), b.add(dy, b.mul(k, dy_depth))
            line = v.load(features, 0, None)
            for column in range(columns):
                slope = v.spread(b.load(v.at(b.add(slopes, _WHOLE(column)))), v.vector)
                add(totals[column], slope, line)
            if with_sums:  # not plain additions, which the compiler is free to put in another order
                add(totals[columns], ends.load(slopes, 0, mask), v.full(1.0))
        found = [b.load(place) for place in totals]
        for row, numbers in enumerate(turned(v, [*found[:columns], *[v.zero] * (v.lanes - columns)])):
            ends.store(numbers, b.add(y, _WHOLE(row * columns)), 0, mask)
        if with_sums:
            ends.store(found[columns], sums, 0, mask)
        return target.get_dummy_value()

    def typed(context, arena, x, dy, y, sums, depth, x_depth, dy_depth):  # type: ignore[no-untyped-def]
        return types.void(types.CPointer(types.float32), *[types.int64] * 7), generate

    return intrinsic(typed)


def gradient(arena: Any, integers: Any, instruction: Any, start: Any, stop: Any) -> None:
    """Rows [start, stop) of y = xᵀ · dy; with SUMS also the sums of dy's columns, by whoever has the first row."""
    x, dy, y = int64(instruction[1]), int64(instruction[2]), int64(instruction[3])
    columns, depth = int64(instruction[5]), int64(instruction[6])
    x_depth, dy_depth = int64(instruction[8]), int64(instruction[9])
    sums = int64(instruction[11]) if SUMS == 1 else int64(-1)
    r, none, zero = int64(start), int64(-1), int64(0)
    if SUMS == 1 and start == 0:
        if stop >= VECTOR:
            _first(arena, x, dy, y, sums, depth, x_depth, dy_depth)
            r += VECTOR
        else:
            _first_line(arena, x, dy, y, zero, zero, columns, depth, x_depth, dy_depth, sums)
            r += 1
    while r + VECTOR <= stop:
        _some(arena, x + r, dy, y + r * columns, none, depth, x_depth, dy_depth)
        r += VECTOR
    while r < stop:  # only where the rows are cut in pieces
        _line(arena, x + r, dy, y + r * columns, zero, zero, columns, depth, x_depth, dy_depth, none)
        r += 1
