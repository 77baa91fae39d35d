"""Elementary functions of one number."""

from __future__ import annotations

import math

from engine.primitives.base import Arena, Code, Integers, Interval, Primitive, kernel, register, same, scalar
from engine.program import Value


@scalar()
def exp_of(x):  # type: ignore[no-untyped-def]
    return math.exp(x)


@kernel
def exp_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, y = instruction[1], instruction[2]
    for i in range(start, stop):
        arena[y + i] = exp_of(arena[x + i])


def exp_derivative(x: Value, y: Value, dy: Value) -> list[Value]:
    return [dy * y]


exp = register(Primitive(
    name="exp", formula=r"y = e^x", shape=same, body=exp_body, derivative=exp_derivative, source="calculus",
))  # fmt: skip


@scalar()
def log_of(x):  # type: ignore[no-untyped-def]
    return math.log(x)


@kernel
def log_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, y = instruction[1], instruction[2]
    for i in range(start, stop):
        arena[y + i] = log_of(arena[x + i])


def log_derivative(x: Value, y: Value, dy: Value) -> list[Value]:
    return [dy / x]


log = register(Primitive(
    name="log", formula=r"y = \ln x", shape=same, body=log_body, derivative=log_derivative,
    domain=Interval(0.3, 4.0), source="calculus",
))  # fmt: skip
