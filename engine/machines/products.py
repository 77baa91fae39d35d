"""The CPU's float32 bodies of products: the same instructions as the plain bodies, played through the register tile."""

from __future__ import annotations

from typing import Any

from numba import int64

from engine.machines.tile import VECTOR, tile

WIDE = 2 * VECTOR
BIAS = 0  # compiled in: 1 where the instruction's last field is a bias
SUMS = 0  # compiled in: 1 where the last field is where the sums of B's columns go
NARROW = 0  # compiled in: 1 where the columns fit one vector, so that the loop over columns folds away

_rows_8, _rows_4, _rows_2, _rows_1 = tile(8, 1), tile(4, 1), tile(2, 1), tile(1, 1)
_wide_8, _wide_2, _wide_1 = tile(8, 2), tile(2, 2), tile(1, 2)


def product(arena: Any, integers: Any, instruction: Any, start: Any, stop: Any) -> None:
    """Rows [start, stop) of y = a · b, or of y = a · b + bias."""
    a_row, a_depth, b_depth = int64(instruction[7]), int64(instruction[8]), int64(instruction[9])
    b, columns, depth = int64(instruction[2]), int64(instruction[5]), int64(instruction[6])
    a, y = int64(instruction[1]) + start * a_row, int64(instruction[3]) + start * columns
    bias = int64(instruction[11]) if BIAS == 1 else int64(-1)
    rows = stop - start
    r = int64(0)
    if NARROW == 1:
        while r + 8 <= rows:
            _rows_8(arena, a + r * a_row, b, y + r * columns, a_row, columns, columns, depth, a_depth, b_depth, bias)
            r += 8
        while r + 4 <= rows:
            _rows_4(arena, a + r * a_row, b, y + r * columns, a_row, columns, columns, depth, a_depth, b_depth, bias)
            r += 4
        while r + 2 <= rows:
            _rows_2(arena, a + r * a_row, b, y + r * columns, a_row, columns, columns, depth, a_depth, b_depth, bias)
            r += 2
        while r < rows:
            _rows_1(arena, a + r * a_row, b, y + r * columns, a_row, columns, columns, depth, a_depth, b_depth, bias)
            r += 1
    c = columns if NARROW == 1 else int64(0)
    while c < columns:
        n, begin, out = columns - c, b + c, y + c
        base = bias + c if bias >= 0 else bias
        r = int64(0)
        if n > VECTOR:
            while r + 8 <= rows:
                _wide_8(
                    arena, a + r * a_row, begin, out + r * columns, a_row, columns, n, depth, a_depth, b_depth, base
                )
                r += 8
            while r + 2 <= rows:
                _wide_2(
                    arena, a + r * a_row, begin, out + r * columns, a_row, columns, n, depth, a_depth, b_depth, base
                )
                r += 2
            while r < rows:
                _wide_1(
                    arena, a + r * a_row, begin, out + r * columns, a_row, columns, n, depth, a_depth, b_depth, base
                )
                r += 1
            c += WIDE
        else:
            while r + 8 <= rows:
                _rows_8(
                    arena, a + r * a_row, begin, out + r * columns, a_row, columns, n, depth, a_depth, b_depth, base
                )
                r += 8
            while r + 4 <= rows:
                _rows_4(
                    arena, a + r * a_row, begin, out + r * columns, a_row, columns, n, depth, a_depth, b_depth, base
                )
                r += 4
            while r < rows:
                _rows_1(
                    arena, a + r * a_row, begin, out + r * columns, a_row, columns, n, depth, a_depth, b_depth, base
                )
                r += 1
            c += VECTOR
    if SUMS == 1 and start == 0:
        # Whoever computes the first row sums B's columns too: the same tile, with a single 1 for A (the arena begins with it).
        sums, zero = int64(instruction[11]), int64(0)
        c = zero
        while c < columns:
            if columns - c > VECTOR:
                _wide_1(arena, zero, b + c, sums + c, zero, zero, columns - c, depth, zero, b_depth, int64(-1))
            else:
                _rows_1(arena, zero, b + c, sums + c, zero, zero, columns - c, depth, zero, b_depth, int64(-1))
            c += WIDE
