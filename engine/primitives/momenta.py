"""Momentum whose velocity adds up gradients and not steps: the form of PyTorch. It parts from the text's form where the
rate changes meanwhile: here a new rate counts for all of the velocity at once."""

from __future__ import annotations

from engine.primitives.base import Arena, Code, Integers, Primitive, encode_update, kernel, real, register
from engine.primitives.updates import ANY, RATE, SHARE, walking


@kernel
def gradient_momentum_update_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    w, g, v = instruction[1], instruction[2], instruction[3]
    rate, momentum = arena[instruction[4]], arena[instruction[5]]
    for i in range(start, stop):
        old, velocity = arena[w + i], momentum * arena[v + i] + arena[g + i]
        step = rate * velocity
        arena[v + i] = velocity
        arena[w + i] = old - step if step != real(0) else old


gradient_momentum_update = register(Primitive(
    name="gradient_momentum_update", formula=r"v \leftarrow \beta v + g,\quad w \leftarrow w - \eta v", shape=walking(3),
    body=gradient_momentum_update_body, encode=encode_update, writes=(0, 2), walks=3,
    domain=(ANY, ANY, ANY, RATE, SHARE), source="Polyak 1964, in PyTorch's form",
))  # fmt: skip


@kernel
def gradient_nesterov_update_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    w, g, v = instruction[1], instruction[2], instruction[3]
    rate, momentum = arena[instruction[4]], arena[instruction[5]]
    for i in range(start, stop):
        old, slope = arena[w + i], arena[g + i]
        velocity = momentum * arena[v + i] + slope
        step = rate * (slope + momentum * velocity)
        arena[v + i] = velocity
        arena[w + i] = old - step if step != real(0) else old


gradient_nesterov_update = register(Primitive(
    name="gradient_nesterov_update", formula=r"v \leftarrow \beta v + g,\quad w \leftarrow w - \eta\,(g + \beta v)",
    shape=walking(3), body=gradient_nesterov_update_body, encode=encode_update, writes=(0, 2), walks=3,
    domain=(ANY, ANY, ANY, RATE, SHARE), source="Nesterov 1983, in PyTorch's form",
))  # fmt: skip
