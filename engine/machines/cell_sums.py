"""The CPU's float32 body of a recurrent cell's sums: x W + b + h U in the registers from first to last, bent or not."""

from __future__ import annotations

from typing import Any

from numba import int64

from engine.machines.tile import tile_behind
from engine.machines.vectors import VECTOR, not_compiled_in

LANES = VECTOR  # compiled in: floats in a vector
VECTORS = 1  # compiled in: vectors of columns that are summed at once


_tile_8 = _tile_4 = _tile_1 = not_compiled_in


def names_of(variant: dict[str, int]) -> dict[str, Any]:
    """What the tiles' names stand for in a variant: by rows."""
    more = {"lanes": variant["LANES"], "whole": bool(variant["WHOLE"]), "bend": variant.get("BEND", 0)}
    return {f"_tile_{rows}": tile_behind(rows, variant["VECTORS"], **more) for rows in (8, 4, 1)}


def cell_sums(arena: Any, integers: Any, instruction: Any, start: Any, stop: Any) -> None:
    """Examples [start, stop) of the sums."""
    u, columns, depth = int64(instruction[2]), int64(instruction[5]), int64(instruction[6])
    h_row, h_depth, u_depth = int64(instruction[7]), int64(instruction[8]), int64(instruction[9])
    bias, w, length = int64(instruction[11]), int64(instruction[13]), int64(instruction[14])
    h, x, y = int64(instruction[1]), int64(instruction[12]), int64(instruction[3])
    one, c, rows = int64(1), int64(0), stop - start
    size = int64(8) if rows >= 8 else int64(4) if rows >= 4 else one
    while c < columns:
        left, r = columns - c, int64(start)
        while r < stop:
            # What is left over is done once more with some rows that are done: the same bits, in fewer and fuller tiles.
            r = r if r + size <= stop else stop - size
            some = (
                arena, x + r * length, w + c, length, one, columns, length,
                h + r * h_row, u + c, y + r * columns + c, h_row, columns, left, depth, h_depth, u_depth, bias + c,
            )  # fmt: skip
            if size == 8:
                _tile_8(*some)
            elif size == 4:
                _tile_4(*some)
            else:
                _tile_1(*some)
            r += size
        c += LANES * VECTORS
