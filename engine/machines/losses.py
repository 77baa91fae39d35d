"""The CPU's float32 body of the mean squared error: whole vectors also where there are few numbers."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import float32, int64, types
from numba.core import cgutils
from numba.extending import intrinsic

from engine.machines.vectors import VECTOR, Vectors

WAYS = 4  # sums side by side: each waits for its own last addition
_WHOLE = ir.IntType(64)


@intrinsic
def _sum_of_squares(context, arena, a, b, d, count):  # type: ignore[no-untyped-def]
    """d = a - b entry by entry, and Σ d²; offsets into the arena."""

    def generate(target, builder, signature, arguments):  # type: ignore[no-untyped-def]
        arena, a, b, d, count = arguments
        wide = Vectors(builder, arena, whole=True)
        sums = [cgutils.alloca_once_value(builder, wide.zero) for _ in range(WAYS)]

        def add(v: Vectors, first: Any, way: int) -> None:
            x, y, place = (builder.add(begin, first) for begin in (a, b, d))
            difference = builder.fsub(v.load(x, 0, None), v.load(y, 0, None))
            v.store(difference, place, 0, None)
            lanes = ir.Constant(wide.words, [min(lane, v.lanes) for lane in range(VECTOR)])
            filled = difference if v is wide else builder.shuffle_vector(difference, v.zero, lanes)
            builder.store(wide.multiply_add(filled, filled, builder.load(sums[way])), sums[way])

        block = _WHOLE(WAYS * VECTOR)
        done = builder.mul(builder.udiv(count, block), block)
        with cgutils.for_range_slice(builder, _WHOLE(0), done, block) as (first, _):
            for way in range(WAYS):
                add(wide, builder.add(first, _WHOLE(way * VECTOR)), way)
        # What is left in ever shorter vectors, not under masks: what is stored so can be read again at once.
        place = cgutils.alloca_once_value(builder, done)
        lanes = WAYS * VECTOR // 2
        while lanes:
            with builder.if_then(builder.icmp_unsigned("!=", builder.and_(count, _WHOLE(lanes)), _WHOLE(0))):
                first = builder.load(place)
                v = wide if lanes >= VECTOR else Vectors(builder, arena, lanes, whole=True)
                for way in range(max(1, lanes // VECTOR)):
                    add(v, builder.add(first, _WHOLE(way * VECTOR)), way)
                builder.store(builder.add(first, _WHOLE(lanes)), place)
            lanes //= 2
        first, *others = [builder.load(place) for place in sums]
        for other in others:
            first = builder.fadd(first, other)
        return wide.reduce(builder.fadd, first)

    return types.float32(types.CPointer(types.float32), *[types.int64] * 4), generate


def names_of(variant: dict[str, int]) -> dict[str, Any]:
    """Nothing is compiled in."""
    return {}


def mean_square(arena: Any, integers: Any, instruction: Any, start: Any, stop: Any) -> None:
    """The mean of (a - b)², and a - b on the way."""
    count = int64(instruction[5])
    total = _sum_of_squares(arena, int64(instruction[1]), int64(instruction[2]), int64(instruction[3]), count)
    arena[int64(instruction[4])] = total / float32(count)
