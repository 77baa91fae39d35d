"""Arithmetic of two operands and of one: the result has the operands' common shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.primitives.base import (
    Arena,
    Code,
    Integers,
    Interval,
    Primitive,
    Region,
    joint,
    kernel,
    need_real,
    register,
    same,
    steps,
)
from engine.problems import shape_mismatch
from engine.values import Shape, Value, shape_text

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
    convention="a division by 0 gives an infinity or NaN, never an error",
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


def total_shape(*operands: Value) -> Shape:
    """All addends have one shape, and there are at least two."""
    need_real(*operands)
    if len(operands) < 2:
        raise shape_mismatch("a sum needs at least two addends")
    if any(operand.shape != operands[0].shape for operand in operands):
        raise shape_mismatch(
            "addends of different shapes: " + ", ".join([shape_text(operand.shape) for operand in operands])
        )
    return operands[0].shape


def total_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """y, number of addends, their offsets."""
    return (result.offset, len(operands), *[region.offset for region in operands])


@kernel
def total_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    y, addends, a, b = instruction[1], instruction[2], instruction[3], instruction[4]
    for i in range(start, stop):
        arena[y + i] = arena[a + i] + arena[b + i]
    for k in range(2, addends):
        x = instruction[3 + k]
        for i in range(start, stop):
            arena[y + i] = arena[y + i] + arena[x + i]


def total_derivative(*values: Value) -> list[Value]:
    *addends, _, dy = values
    return [dy for _ in addends]


total = register(Primitive(
    name="total", formula=r"y = \sum_k x_k", shape=total_shape, body=total_body, derivative=total_derivative,
    encode=total_encode, source="Aggarwal 2023, §2.3.2, pathwise aggregation",
))  # fmt: skip
