"""The CPU's float32 bodies of max pooling: squares that lie side by side, the winners of many windows found in vectors.

EDGE     rows and columns of a window, and its stride
COLUMNS  windows beside one another in a map, where whole maps can be walked as one long line: else 0, and it goes row by row
CELLS    windows of a map, at most as many as a vector has lanes
LANES    windows whose winners are found at once
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from llvmlite import ir
from numba import int64, types
from numba.core import cgutils
from numba.extending import intrinsic

from engine.machines.vectors import Vectors, not_compiled_in

_WHOLE, _WORD = ir.IntType(64), ir.IntType(32)


class _Winners:
    """The largest of several vectors so far, lane by lane, and where it stood."""

    def __init__(self, v: Vectors, integers: Any) -> None:
        self.v, self.b, self.integers = v, v.b, integers
        self.best: Any = None
        self.place: Any = None

    def challenge(self, numbers: Any, place: Any) -> None:
        """As `beats` of `engine.primitives.pooling`: larger, or the first NaN."""
        b = self.b
        if self.best is None:
            self.best, self.place = numbers, place
            return
        newly = b.and_(b.fcmp_unordered("uno", numbers, numbers), b.fcmp_ordered("ord", self.best, self.best))
        wins = b.or_(b.fcmp_ordered(">", numbers, self.best), newly)
        self.best, self.place = b.select(wins, numbers, self.best), b.select(wins, place, self.place)

    def store(self, y: Any, places: Any, mask: Any) -> None:
        v = self.v
        v.store(self.best, y, 0, mask)
        kind = ir.FunctionType(
            ir.VoidType(), [v.words, self.integers.type, _WORD, ir.VectorType(ir.IntType(1), v.lanes)]
        )
        store = cgutils.get_or_insert_function(self.b.module, kind, f"llvm.masked.store.v{v.lanes}i32.p0")
        self.b.call(store, [self.place, self.b.gep(self.integers, [places]), _WORD(4), mask])


def _words(v: Vectors, numbers: Sequence[int]) -> Any:
    return ir.Constant(v.words, list(numbers))


@cache
def _block(edge: int, columns: int, cells: int, lanes: int) -> Any:
    """Intrinsic `(arena, integers, x, y, places, shift, count)`: some windows of maps that lie one behind the other.

    shift  what is added to a place, where the first window is not the first one of its map
    """

    def work(v: Vectors, integers: Any, x: Any, y: Any, places: Any, shift: Any, count: Any) -> None:
        b, width = v.b, edge * columns
        left = b.mul(count, _WHOLE(edge * edge))
        sources = [v.load(x, number, v.mask(left, number)) for number in range(edge * edge)]
        winners = _Winners(v, integers)
        moved = v.spread(b.trunc(shift, _WORD), v.words)
        for i in range(edge):
            for j in range(edge):
                at = [(k // columns) * edge * width + i * width + edge * (k % columns) + j for k in range(lanes)]
                place = _words(v, [each % (edge * edge * cells) for each in at])
                winners.challenge(v.picked(sources, at), b.add(place, moved))
        winners.store(y, places, v.mask(count, 0))

    return _intrinsic(work, lanes)


@cache
def _line(edge: int, lanes: int) -> Any:
    """Intrinsic `(arena, integers, x, y, places, shift, count, width)`: some windows beside one another, `shift` as above."""

    def work(v: Vectors, integers: Any, x: Any, y: Any, places: Any, shift: Any, count: Any, width: Any) -> None:
        b = v.b
        left, winners = b.mul(count, _WHOLE(edge)), _Winners(v, integers)
        for i in range(edge):
            row = b.mul(width, _WHOLE(i))
            sources = [v.load(b.add(x, row), number, v.mask(left, number)) for number in range(edge)]
            begin = v.spread(b.trunc(b.add(shift, row), _WORD), v.words)
            for j in range(edge):
                at = [edge * k + j for k in range(lanes)]
                winners.challenge(v.picked(sources, at), b.add(begin, _words(v, at)))
        winners.store(y, places, v.mask(count, 0))

    return _intrinsic(work, lanes, 1)


@cache
def _back(edge: int, lanes: int) -> Any:
    """Intrinsic `(arena, integers, x, y, places, shift, count, width)`: what came to the winners of some windows beside one
    another put back there, and 0 to all others; `shift` is the place of the first cell."""

    def work(v: Vectors, integers: Any, x: Any, y: Any, places: Any, shift: Any, count: Any, width: Any) -> None:
        b, there = v.b, v.mask(count, 0)
        kind = ir.FunctionType(v.words, [integers.type, _WORD, ir.VectorType(ir.IntType(1), lanes), v.words])
        load = cgutils.get_or_insert_function(b.module, kind, f"llvm.masked.load.v{lanes}i32.p0")
        # A window that is not there has won nowhere.
        won = b.call(load, [b.gep(integers, [places]), _WORD(4), there, _words(v, [-1] * lanes)])
        incoming, left = v.load(y, 0, there), b.mul(count, _WHOLE(edge))
        for number in range(edge):
            cells = range(number * lanes, (number + 1) * lanes)
            of_cell = _words(v, [cell // edge for cell in cells])
            winner, slope = b.shuffle_vector(won, won, of_cell), b.shuffle_vector(incoming, incoming, of_cell)
            for i in range(edge):
                row = b.mul(width, _WHOLE(i))
                begin = v.spread(b.trunc(b.add(shift, row), _WORD), v.words)
                here = b.icmp_signed("==", winner, b.add(begin, _words(v, list(cells))))
                v.store(b.select(here, slope, v.zero), b.add(x, row), number, v.mask(left, number))

    return _intrinsic(work, lanes, 1)


def _intrinsic(work: Callable[..., None], lanes: int, more: int = 0) -> Any:
    def generate(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        arena, *others = arguments
        work(Vectors(builder, arena, lanes), *others)
        return target.get_dummy_value()

    def typed(context, arena, integers, x, y, places, shift, count):  # type: ignore[no-untyped-def]
        return types.void(arena, integers, *[types.int64] * 5), generate

    def typed_more(context, arena, integers, x, y, places, shift, count, width):  # type: ignore[no-untyped-def]
        return types.void(arena, integers, *[types.int64] * 6), generate

    return intrinsic(typed_more if more else typed)


EDGE = COLUMNS = CELLS = LANES = 0
_some_windows = _windows_of_line = _back_to_line = not_compiled_in


def names_of(variant: dict[str, int]) -> dict[str, Any]:
    """What the body's names stand for in a variant."""
    edge, lanes = variant["EDGE"], variant["LANES"]
    if variant["COLUMNS"]:
        return {"_some_windows": _block(edge, variant["COLUMNS"], variant["CELLS"], lanes)}
    return {"_windows_of_line": _line(edge, lanes), "_back_to_line": _back(edge, lanes)}


def winners_of_blocks(arena: Any, integers: Any, instruction: Any, start: Any, stop: Any) -> None:
    """Maps [start, stop) of winners and their places, all windows of these maps one after the other."""
    cells = int64(instruction[6]) * int64(instruction[7])
    x, places, y = int64(instruction[1]), int64(instruction[2]), int64(instruction[3])
    done, end, square = start * cells, stop * cells, int64(EDGE * EDGE)
    shift = int64(0)
    while done < end:
        _some_windows(arena, integers, x + done * square, y + done, places + done, shift, end - done)
        done += LANES
        shift += LANES * square
        if shift >= cells * square:
            shift = int64(0)


def winners_of_lines(arena: Any, integers: Any, instruction: Any, start: Any, stop: Any) -> None:
    """Maps [start, stop) of winners and their places, row by row."""
    x, places, y = int64(instruction[1]), int64(instruction[2]), int64(instruction[3])
    height, width = int64(instruction[4]), int64(instruction[5])
    rows, columns = int64(instruction[6]), int64(instruction[7])
    for plane in range(start, stop):
        for r in range(rows):
            at, out = plane * height * width + r * EDGE * width, (plane * rows + r) * columns
            c = int64(0)
            while c < columns:
                shift = r * EDGE * width + c * EDGE
                _windows_of_line(
                    arena, integers, x + at + c * EDGE, y + out + c, places + out + c, shift, columns - c, width
                )
                c += LANES


def back_to_winners(arena: Any, integers: Any, instruction: Any, start: Any, stop: Any) -> None:
    """Maps [start, stop) of slopes put where the winners stood, row by row of windows that cover their maps."""
    y, places, x = int64(instruction[1]), int64(instruction[2]), int64(instruction[3])
    many, few, width = int64(instruction[4]), int64(instruction[5]), int64(instruction[6])
    columns = width // EDGE
    for plane in range(start, stop):
        for r in range(few // columns):
            shift, out = r * EDGE * width, plane * few + r * columns
            c = int64(0)
            while c < columns:
                begin = shift + c * EDGE
                _back_to_line(
                    arena, integers, x + plane * many + begin, y + out + c, places + out + c, begin, columns - c, width
                )
                c += LANES
