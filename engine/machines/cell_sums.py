"""The CPU's float32 body of a recurrent cell's sums: x W + b + h U in the registers from first to last, bent or not."""

from __future__ import annotations

from functools import cache
from typing import Any

from numba import int64, njit

from engine.machines.compiling import INLINED
from engine.machines.tile import tile_behind
from engine.machines.vectors import not_compiled_in


@cache
def _sweep(rows: int, wide: int, tile: Any) -> Any:
    """Examples [start, stop), at least so many rows, by tiles of so many rows and columns."""

    def sweep(arena, instruction, start, stop):  # type: ignore[no-untyped-def]
        u, columns, depth = int64(instruction[2]), int64(instruction[5]), int64(instruction[6])
        bias, w, length = int64(instruction[11]), int64(instruction[13]), int64(instruction[14])
        h, x, y = int64(instruction[1]), int64(instruction[12]), int64(instruction[3])
        step, one = int64(instruction[15]), int64(1)
        for c in range(0, columns, wide):
            r = int64(start)
            while r < stop:
                # What is left over is done once more with some rows that are done: the same bits, in fewer and fuller tiles.
                r = r if r + rows <= stop else stop - rows
                tile(
                    arena, x + r * step, w + c, step, one, columns, length,
                    h + r * depth, u + c, y + r * columns + c, depth, columns, columns - c, depth, one, columns, bias + c,
                )  # fmt: skip
                r += rows

    return njit(**INLINED)(sweep)


_by_8 = _by_4 = _by_1 = not_compiled_in


def names_of(variant: dict[str, int]) -> dict[str, Any]:
    """What the names of sweeps stand for in a variant: by rows."""
    vectors, lanes = variant["VECTORS"], variant["LANES"]
    more = {"lanes": lanes, "whole": bool(variant["WHOLE"]), "bend": variant.get("BEND", 0)}
    return {f"_by_{rows}": _sweep(rows, lanes * vectors, tile_behind(rows, vectors, **more)) for rows in (8, 4, 1)}


def cell_sums(arena: Any, integers: Any, instruction: Any, start: Any, stop: Any) -> None:
    """Examples [start, stop) of the sums."""
    # One sweep each: what a loop over sizes needs for all of them would stand before every tile.
    if stop - start >= 8:
        _by_8(arena, instruction, start, stop)
    elif stop - start >= 4:
        _by_4(arena, instruction, start, stop)
    else:
        _by_1(arena, instruction, start, stop)
