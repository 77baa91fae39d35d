"""From real numbers to whole ones that index, and back."""

from __future__ import annotations

from engine.primitives.base import (
    Arena,
    Code,
    Integers,
    Interval,
    Primitive,
    kernel,
    no_derivative,
    real,
    register,
    same,
    whole32,
)
from engine.problems import shape_mismatch
from engine.values import Shape, Value

MOST = 2.0e9  # just under what 32 bits hold


@kernel
def to_whole_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, y = instruction[1], instruction[2]
    for i in range(start, stop):
        v = arena[x + i]
        known = v >= real(-0.5) and v < real(MOST)
        integers[y + i] = whole32(v + real(0.5)) if known else -1


to_whole = register(Primitive(
    name="to_whole", formula=r"y = \lfloor x + 0.5 \rfloor", shape=same, body=to_whole_body, kind="whole",
    domain=Interval(-3, 9, (-1.5, -0.5, 0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5)), source="rounding",
    convention="halves are rounded up; −1, no class, below −½, from 2·10⁹ on and for NaN; it has no derivative",
))  # fmt: skip


def to_real_shape(x: Value) -> Shape:
    """The shape of the whole numbers."""
    if x.kind != "whole":
        raise shape_mismatch("these are real numbers already", "Wire them on without this node.")
    return x.shape


@kernel
def to_real_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, y = instruction[1], instruction[2]
    for i in range(start, stop):
        arena[y + i] = real(integers[x + i])


to_real = register(Primitive(
    name="to_real", formula=r"y = x", shape=to_real_shape, body=to_real_body, derivative=no_derivative,
    source="class numbers as numbers", convention="float32: whole up to 16 777 216",
))  # fmt: skip
