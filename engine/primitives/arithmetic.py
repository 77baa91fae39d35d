"""Arithmetic of two operands and of one: the result has the operands' common shape."""

from __future__ import annotations

import math

from engine.primitives.base import (
    Arena,
    Code,
    Integers,
    Interval,
    Primitive,
    joint,
    kernel,
    real,
    register,
    same,
    scalar,
    steps,
)
from engine.program import Value

STEP_A = STEP_B = 1  # compiled in: 0 where the operand is a single number


@kernel
def add_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    a, b, y = instruction[1], instruction[2], instruction[3]
    for i in range(start, stop):
        arena[y + i] = arena[a + i * STEP_A] + arena[b + i * STEP_B]


def add_derivative(a: Value, b: Value, y: Value, dy: Value) -> list[Value]:
    return [dy, dy]


add = register(Primitive(
    name="add", formula=r"y = a + b", shape=joint, body=add_body, derivative=add_derivative,
    variant=steps, is_elementwise=True, source="Aggarwal 2023, §2.3",
))  # fmt: skip


@kernel
def subtract_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    a, b, y = instruction[1], instruction[2], instruction[3]
    for i in range(start, stop):
        arena[y + i] = arena[a + i * STEP_A] - arena[b + i * STEP_B]


def subtract_derivative(a: Value, b: Value, y: Value, dy: Value) -> list[Value]:
    return [dy, -dy]


subtract = register(Primitive(
    name="subtract", formula=r"y = a - b", shape=joint, body=subtract_body, derivative=subtract_derivative,
    variant=steps, is_elementwise=True, source="Aggarwal 2023, §2.3",
))  # fmt: skip


@kernel
def multiply_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    a, b, y = instruction[1], instruction[2], instruction[3]
    for i in range(start, stop):
        arena[y + i] = arena[a + i * STEP_A] * arena[b + i * STEP_B]


def multiply_derivative(a: Value, b: Value, y: Value, dy: Value) -> list[Value]:
    return [dy * b, dy * a]


multiply = register(Primitive(
    name="multiply", formula=r"y = a \cdot b", shape=joint, body=multiply_body, derivative=multiply_derivative,
    variant=steps, is_elementwise=True, source="Aggarwal 2023, §2.3.2",
))  # fmt: skip


@kernel
def divide_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    a, b, y = instruction[1], instruction[2], instruction[3]
    for i in range(start, stop):
        arena[y + i] = arena[a + i * STEP_A] / arena[b + i * STEP_B]


def divide_derivative(a: Value, b: Value, y: Value, dy: Value) -> list[Value]:
    slope = dy / b
    return [slope, -(slope * y)]


divide = register(Primitive(
    name="divide", formula=r"y = \frac{a}{b}", shape=joint, body=divide_body, derivative=divide_derivative,
    variant=steps, is_elementwise=True, domain=(Interval(), Interval(0.4, 3.0)), source="quotient rule",
))  # fmt: skip


@kernel
def negate_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, y = instruction[1], instruction[2]
    for i in range(start, stop):
        arena[y + i] = -arena[x + i]


def negate_derivative(x: Value, y: Value, dy: Value) -> list[Value]:
    return [-dy]


negate = register(Primitive(
    name="negate", formula=r"y = -x", shape=same, body=negate_body, derivative=negate_derivative, source="sum rule",
))  # fmt: skip


@scalar()
def power_of(base, exponent):  # type: ignore[no-untyped-def]
    return math.pow(base, exponent)


@kernel
def power_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    a, b, y = instruction[1], instruction[2], instruction[3]
    for i in range(start, stop):
        arena[y + i] = power_of(arena[a + i * STEP_A], arena[b + i * STEP_B])


@kernel
def whole_power_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    a, y, exponent = instruction[1], instruction[2], instruction[3]
    for i in range(start, stop):
        x, product = arena[a + i], real(1)
        for _ in range(exponent):
            product = product * x
        arena[y + i] = product


def power_derivative(a: Value, b: Value, y: Value, dy: Value) -> list[Value | None]:
    emit = a.program.build.emit
    by_base = dy * (b * a ** (b - 1))
    if b.source is not None and b.source.role == "constant":
        return [by_base, None]  # a fixed exponent: no logarithm of a base that may be negative
    return [by_base, dy * (y * emit("log", a))]


power = register(Primitive(
    name="power", formula=r"y = a^b", shape=joint, body=power_body, derivative=power_derivative,
    variant=steps, is_elementwise=True, domain=(Interval(0.3, 3.0), Interval(-2.0, 2.0)), source="power rule",
))  # fmt: skip
