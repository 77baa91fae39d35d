"""The CPU's body of the loss of classes where two threads play halves: sums of two parts, loss and slopes in one pass.

As in `engine.machines.rows` a lane is an example and a vector is a class, and every number is made of the same operations;
but nothing on the way is stored and loaded again, and there are as many vectors as classes, all of them in registers.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from llvmlite import ir
from numba import float32, int64, types
from numba.extending import intrinsic

from engine.machines.curves import exp_below_0, log_above_1, rectifier
from engine.machines.rows import GROUP, turned
from engine.machines.vectors import Vectors, not_compiled_in
from engine.placement import LINE

_NAN = float("nan")
_WHOLE, _WORD = ir.IntType(64), ir.IntType(32)
_some_rows = _all_rows = not_compiled_in


def names_of(variant: dict[str, int]) -> dict[str, Any]:
    """What the body's names stand for in a variant: CLASSES columns."""
    return {"_all_rows": _rows(variant["CLASSES"], False), "_some_rows": _rows(variant["CLASSES"], True)}


def _sum(v: Vectors, vectors: Sequence[Any]) -> Any:
    """One after the other. Not plain additions, which the compiler is free to put in another order."""
    total = v.zero
    for vector in vectors:
        total = v.multiply_add(vector, v.full(1.0), total)
    return total


@cache
def _rows(classes: int, ragged: bool) -> Any:
    """Intrinsic `(arena, integers, first, second, t, share, dz, y, rows)` for GROUP rows, or for fewer where it is ragged.

    z = first + second, y = ln Σ e^z - z_t for the classes t, NaN where there is no such class, and dz = share (p - [k = t]).
    Offsets are those of the first row.
    """

    def generate(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        arena, integers, first, second, t, share, dz, y, count = arguments
        b, v, ends = builder, Vectors(builder, arena, whole=True), Vectors(builder, arena)
        numbers = [_WHOLE(row) for row in range(GROUP)]
        if ragged:  # the first row once more in place of one that is not there
            numbers = [b.select(b.icmp_signed("<", number, count), number, _WHOLE(0)) for number in numbers]
        shifts = [b.mul(number, _WHOLE(classes)) for number in numbers]

        def row(shift: Any) -> Any:  # without masks: what lies behind comes along as classes that nobody asks for
            return b.fadd(*[v.load(b.add(part, shift), 0, None) for part in (first, second)])

        scores = turned(v, [row(shift) for shift in shifts])[:classes]
        chosen = b.load(b.bitcast(b.gep(integers, [t]), v.words.as_pointer()), align=4)
        if ragged:
            first_class = v.spread(b.extract_element(chosen, _WORD(0)), v.words)
            chosen = b.select(ends.mask(count, 0), chosen, first_class)
        is_chosen = [b.icmp_signed("==", chosen, ir.Constant(v.words, [k] * v.lanes)) for k in range(classes)]
        largest, wanted = scores[0], v.full(_NAN)
        for score, mine in zip(scores, is_chosen, strict=True):
            largest, wanted = v.larger(score, largest), b.select(mine, score, wanted)
        grown = [exp_below_0(v, b.fsub(score, largest)) for score in scores]
        total = _sum(v, grown)
        part, factor = b.fdiv(v.full(1.0), total), v.spread(share, v.vector)
        # No share is below 0, but behind a product that is compared it is rounded before anything is taken from it.
        shares = [rectifier(v, b.fmul(one, part)) for one in grown]
        slopes = [
            b.fmul(factor, b.fsub(share, b.select(mine, v.full(1.0), v.zero)))
            for share, mine in zip(shares, is_chosen, strict=True)
        ]
        mask = ends.mask(_WHOLE(classes), 0)
        for slope, shift in zip(turned(v, [*slopes, *[v.zero] * (GROUP - classes)]), shifts, strict=True):
            ends.store(slope, b.add(dz, shift), 0, mask)
        loss = b.fadd(log_above_1(v, total), b.fsub(largest, wanted))
        (ends if ragged else v).store(loss, y, 0, ends.mask(count, 0) if ragged else None)
        return target.get_dummy_value()

    def typed(context, arena, integers, first, second, t, share, dz, y, rows):  # type: ignore[no-untyped-def]
        whole, floats = types.int64, types.CPointer(types.float32)
        return types.void(floats, types.CPointer(types.int32), *[whole] * 3, types.float32, *[whole] * 3), generate

    return intrinsic(typed)


@intrinsic
def _fetch(context, arena, place):  # type: ignore[no-untyped-def]
    """Let a cache line be on its way while something else is done."""

    def generate(target, builder, signature, arguments):  # type: ignore[no-untyped-def]
        Vectors(builder, arguments[0]).fetch(arguments[1])
        return target.get_dummy_value()

    return types.void(types.CPointer(types.float32), types.int64), generate


def class_slopes(arena: Any, integers: Any, instruction: Any, start: Any, stop: Any) -> None:
    """Rows [start, stop): what the other thread has sent is fetched all at once."""
    first, second, t = int64(instruction[1]), int64(instruction[2]), int64(instruction[3])
    y, dz, classes = int64(instruction[5]), int64(instruction[6]), int64(instruction[7])
    share = arena[int64(instruction[4])] / float32(instruction[8])
    for place in range(start * classes, stop * classes, LINE):
        _fetch(arena, first + place)
        _fetch(arena, second + place)
    i, many = int64(start), int64(GROUP)
    while i + GROUP <= stop:
        at = i * classes
        _all_rows(arena, integers, first + at, second + at, t + i, share, dz + at, y + i, many)
        i += GROUP
    if i < stop:
        at = i * classes
        _some_rows(arena, integers, first + at, second + at, t + i, share, dz + at, y + i, stop - i)
