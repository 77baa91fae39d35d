"""The step that a driver has decided on: a direction and a length, found between backward and update."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.primitives.base import (
    Arena,
    Code,
    Integers,
    Primitive,
    Region,
    encode_update,
    kernel,
    need_real,
    real,
    register,
)
from engine.primitives.updates import ANY, RATE, walking
from engine.values import Shape, Value

_leading = walking(2)


def step_shape(w: Value, direction: Value, length: Value, *memory: Value, method: str = "", phase: str = "") -> Shape:
    """A parameter, a direction of its shape, one length; behind them whatever the driver remembers."""
    need_real(*memory)
    return _leading(w, direction, length)


def encode_step(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """The kernel reads the first three alone: the memory is an operand so that it has a place on the tape."""
    return encode_update(operands[:3], result, attributes)


@kernel
def take_step_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    w, direction = instruction[1], instruction[2]
    length = arena[instruction[3]]
    for i in range(start, stop):
        old, step = arena[w + i], length * arena[direction + i]
        arena[w + i] = old + step if step != real(0) else old


take_step = register(Primitive(
    name="take_step", formula=r"w \leftarrow w + \alpha p", shape=step_shape, body=take_step_body, encode=encode_step,
    writes=(0,), walks=2, domain=(ANY, ANY, RATE), source="Aggarwal 2023, eq. 4.13",
    convention="method and phase name the driver that fills direction, length and memory",
))  # fmt: skip
