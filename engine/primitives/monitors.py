"""What watches a run from within the tape: the flag that stops it, and the history of a number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.primitives.base import Arena, Code, Integers, Primitive, Region, encode_update, kernel, real, register, same
from engine.problems import shape_mismatch
from engine.values import Shape, Value, shape_text


def length_of_operand(operands: Sequence[Region], result: Region) -> int:
    """The work is counted in entries of the operand."""
    return operands[0].size


@kernel
def non_finite_flag_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x = instruction[1]
    total = real(0)
    for i in range(start, stop):
        total += arena[x + i] * real(0)  # NaN and infinity become NaN, everything else 0
    if total != real(0):
        integers[3] = 1  # the flag's place, see engine.tape


non_finite_flag = register(Primitive(
    name="non_finite_flag", formula=r"x \in \mathbb{R}?", shape=same, body=non_finite_flag_body, encode=encode_update,
    length=length_of_operand, writes=(0,), walks=1, source="a run stops where a number stops being one",
    convention="raised by NaN and by either infinity; it writes nothing but the flag",
))  # fmt: skip


def history_shape(bins: Value, counters: Value, x: Value) -> Shape:
    """`bins` (capacity, 3) holds minimum, maximum and last number; `counters` (3) bins begun, iterations per bin, filled."""
    capacity = bins.shape[0] if bins.rank == 2 else 0
    if (
        x.shape != ()
        or bins.shape[1:] != (3,)
        or counters.shape != (3,)
        or not isinstance(capacity, int)
        or capacity < 2
        or capacity % 2
    ):
        shapes = ", ".join([shape_text(value.shape) for value in (bins, counters, x)])
        raise shape_mismatch(
            f"a history keeps one number in an even number of bins of 3, with 3 counters; not {shapes}"
        )
    return bins.shape


def history_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """bins, counters, x, number of bins."""
    return (*encode_update(operands, result, attributes), operands[0].shape[0])


def once(operands: Sequence[Region], result: Region) -> int:
    """One piece of work."""
    return 1


@kernel
def history_ring_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    bins, counters, capacity = instruction[1], instruction[2], instruction[4]
    for _ in range(start, stop):
        v = arena[instruction[3]]
        if v * real(0) != real(0):
            integers[3] = 1  # the flag's place, see engine.tape
        begun, width, filled = integers[counters], integers[counters + 1], integers[counters + 2]
        if begun == 0 or filled >= width:
            if begun == 0:
                width = 1
            if begun >= capacity:
                for k in range(capacity // 2):
                    pair, single = bins + 6 * k, bins + 3 * k
                    low, lower = arena[pair], arena[pair + 3]
                    high, higher = arena[pair + 1], arena[pair + 4]
                    arena[single + 2] = arena[pair + 5]
                    arena[single] = lower if lower < low or lower != lower else low
                    arena[single + 1] = higher if higher > high or higher != higher else high
                begun, width = capacity // 2, width * 2
            for k in range(3):
                arena[bins + 3 * begun + k] = v
            begun, filled = begun + 1, 0
        here = bins + 3 * (begun - 1)
        low, high = arena[here], arena[here + 1]
        arena[here] = v if v < low or v != v else low
        arena[here + 1] = v if v > high or v != v else high
        arena[here + 2] = v
        integers[counters], integers[counters + 1], integers[counters + 2] = begun, width, filled + 1


history_ring = register(Primitive(
    name="history_ring", formula=r"h \leftarrow h \cup \{x\}", shape=history_shape, body=history_ring_body,
    encode=history_encode,
    length=once, writes=(0, 1), source="a curve of any length in a fixed memory",
    convention="when all bins are full, neighbours merge: minimum, maximum and last number stay exact; a number that is "
    "not finite raises the flag",
))  # fmt: skip
