"""Primitives of classifiers: softmax, the entry of a class, the number of the largest entry."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from engine.primitives.base import (
    Arena,
    Code,
    Integers,
    Primitive,
    Region,
    kernel,
    need_real,
    no_derivative,
    real,
    register,
    rows_of_result,
)
from engine.primitives.elementary import exp_of, log_of
from engine.problems import shape_mismatch
from engine.values import Shape, Value, shape_text

NAN = math.nan


def classes_of(x: Value) -> int:
    """The length of the last axis. Raises `ShapeMismatch` where the last axis is the batch, or there is none."""
    need_real(x)
    if x.rank < 1 or not isinstance(x.shape[-1], int):
        raise shape_mismatch(
            f"classes lie in the last axis, and {shape_text(x.shape)} has none", "Give it (batch, classes)."
        )
    return x.shape[-1]


def softmax_shape(x: Value) -> Shape:
    """The shape of the operand; its last axis holds the classes."""
    classes_of(x)
    return x.shape


def row_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """x, y, entries per row."""
    return (operands[0].offset, result.offset, result.shape[-1])


@kernel
def softmax_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, y, width = instruction[1], instruction[2], instruction[3]
    for r in range(start, stop):
        begin, out = x + r * width, y + r * width
        highest = arena[begin]
        for c in range(1, width):
            v = arena[begin + c]
            highest = v if v > highest or v != v else highest
        for c in range(width):
            arena[out + c] = arena[begin + c] - highest
    for i in range(start * width, stop * width):  # one flat run: rows of ten classes alone would not vectorise
        arena[y + i] = exp_of(arena[y + i])
    for r in range(start, stop):
        out, total = y + r * width, real(0)
        for c in range(width):
            total += arena[out + c]
        share = real(1) / total
        for c in range(width):
            arena[out + c] = arena[out + c] * share


def softmax_derivative(x: Value, y: Value, dy: Value) -> list[Value]:
    weighted = dy * y
    return [weighted - y * x.program.build.emit("sum", weighted, axes=(x.rank - 1,), keep=True)]


softmax = register(Primitive(
    name="softmax", formula=r"y_i = \frac{e^{x_i - \max x}}{\sum_j e^{x_j - \max x}}", shape=softmax_shape,
    body=softmax_body,
    derivative=softmax_derivative, encode=row_encode, length=rows_of_result, source="Aggarwal 2023, §2.5.2",
))  # fmt: skip


@kernel
def log_softmax_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, y, width = instruction[1], instruction[2], instruction[3]
    for r in range(start, stop):
        begin, out = x + r * width, y + r * width
        highest = arena[begin]
        for c in range(1, width):
            v = arena[begin + c]
            highest = v if v > highest or v != v else highest
        total = real(0)
        for c in range(width):
            v = arena[begin + c] - highest
            arena[out + c] = v
            total += exp_of(v)
        surprise = log_of(total)
        for c in range(width):
            arena[out + c] = arena[out + c] - surprise


def log_softmax_derivative(x: Value, y: Value, dy: Value) -> list[Value]:
    emit = x.program.build.emit
    return [dy - emit("exp", y) * emit("sum", dy, axes=(x.rank - 1,), keep=True)]


log_softmax = register(Primitive(
    name="log_softmax", formula=r"y_i = x_i - \max x - \ln \sum_j e^{x_j - \max x}", shape=softmax_shape,
    body=log_softmax_body,
    derivative=log_softmax_derivative, encode=row_encode, length=rows_of_result, source="Aggarwal 2023, §2.5.2",
))  # fmt: skip


def pick_shape(x: Value, index: Value) -> Shape:
    """One entry of each row: the shape of the class numbers."""
    classes_of(x)
    if index.kind != "whole":
        raise shape_mismatch("class numbers are whole numbers, these are not", "Use targets that hold class numbers.")
    if index.shape != x.shape[:-1]:
        raise shape_mismatch(
            f"{shape_text(index.shape)} class numbers meet {shape_text(x.shape)} scores",
            "One class number for each row.",
        )
    return index.shape


def pick_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """x, index, y, entries per row."""
    return (operands[0].offset, operands[1].offset, result.offset, operands[0].shape[-1])


@kernel
def pick_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, index, y, width = instruction[1], instruction[2], instruction[3], instruction[4]
    for r in range(start, stop):
        chosen = integers[index + r]
        arena[y + r] = arena[x + r * width + chosen] if 0 <= chosen < width else real(NAN)


def pick_derivative(x: Value, index: Value, y: Value, dy: Value) -> list[Value | None]:
    return [x.program.build.emit("unpick", dy, index, classes=classes_of(x)), None]


pick = register(Primitive(
    name="pick", formula=r"y_i = x_{i, c_i}", shape=pick_shape, body=pick_body, derivative=pick_derivative,
    encode=pick_encode,
    source="Aggarwal 2023, eq. 1.8", convention="NaN where there is no such class",
))  # fmt: skip


def unpick_shape(x: Value, index: Value, classes: int) -> Shape:
    """A row of `classes` entries for each number."""
    if index.kind != "whole" or index.shape != x.shape:
        raise shape_mismatch(f"{shape_text(index.shape)} class numbers meet {shape_text(x.shape)} numbers")
    return (*x.shape, classes)


def unpick_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """x, index, y, entries per row."""
    return (operands[0].offset, operands[1].offset, result.offset, result.shape[-1])


@kernel
def unpick_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, index, y, width = instruction[1], instruction[2], instruction[3], instruction[4]
    for r in range(start, stop):
        out, chosen = y + r * width, integers[index + r]
        known = 0 <= chosen < width
        fill = real(0) if known else real(NAN)
        for c in range(width):
            arena[out + c] = fill
        if known:
            arena[out + chosen] = arena[x + r]


def unpick_derivative(x: Value, index: Value, y: Value, dy: Value) -> list[Value | None]:
    return [x.program.build.emit("pick", dy, index), None]


unpick = register(Primitive(
    name="unpick", formula=r"y_{i,j} = x_i\,[j = c_i]", shape=unpick_shape,
    body=unpick_body, derivative=unpick_derivative,
    encode=unpick_encode, length=rows_of_result, source="what a pick sends back",
    convention="NaN where there is no such class",
))  # fmt: skip


def one_hot_shape(index: Value, classes: int) -> Shape:
    """A row of `classes` entries for each class number."""
    if index.kind != "whole":
        raise shape_mismatch("class numbers are whole numbers, these are not", "Use targets that hold class numbers.")
    return (*index.shape, classes)


@kernel
def one_hot_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    index, y, width = instruction[1], instruction[2], instruction[3]
    for r in range(start, stop):
        out, chosen = y + r * width, integers[index + r]
        known = 0 <= chosen < width
        fill = real(0) if known else real(NAN)
        for c in range(width):
            arena[out + c] = fill
        if known:
            arena[out + chosen] = real(1)


one_hot = register(Primitive(
    name="one_hot", formula=r"y_{i,j} = [j = c_i]", shape=one_hot_shape, body=one_hot_body, derivative=no_derivative,
    encode=row_encode, length=rows_of_result, source="Aggarwal 2023, §1.2.2",
    convention="NaN where there is no such class",
))  # fmt: skip


def argmax_shape(x: Value) -> Shape:
    """One class number for each row."""
    classes_of(x)
    return x.shape[:-1]


def argmax_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """x, y, entries per row."""
    return (operands[0].offset, result.offset, operands[0].shape[-1])


@kernel
def argmax_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, y, width = instruction[1], instruction[2], instruction[3]
    for r in range(start, stop):
        best, chosen = arena[x + r * width], 0
        for c in range(1, width):
            v = arena[x + r * width + c]
            if best == best and not v <= best:
                best, chosen = v, c
        integers[y + r] = chosen


argmax = register(Primitive(
    name="argmax", formula=r"y_i = \arg\max_j x_{i,j}", shape=argmax_shape, body=argmax_body,
    encode=argmax_encode, kind="whole",
    source="Aggarwal 2023, §1.2.2", convention="of equal numbers the first; a NaN counts as the largest; it has no derivative",
))  # fmt: skip
