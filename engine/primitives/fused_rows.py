"""What the fusing pass puts in place of calls on rows, the runs of numbers along the last axis."""

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
    real,
    register,
    rows_of_result,
    same,
)
from engine.primitives.elementary import sqrt_of
from engine.primitives.fused_time import rows_of_parts
from engine.values import Shape, Value


def rows_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """The operands, y, entries per row."""
    return (*[region.offset for region in operands], result.offset, result.shape[-1])


@kernel
def softmax_gradient_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    y, dy, dx, width = instruction[1], instruction[2], instruction[3], instruction[4]
    for row in range(start, stop):
        total = real(0)
        for i in range(row * width, (row + 1) * width):
            weighted = arena[dy + i] * arena[y + i]
            arena[dx + i] = weighted
            total += weighted
        for i in range(row * width, (row + 1) * width):
            arena[dx + i] = arena[dx + i] - arena[y + i] * total


softmax_gradient = register(Primitive(
    name="softmax_gradient", formula=r"\mathrm{d}x_i = y_i\,(\mathrm{d}y_i - \sum_j \mathrm{d}y_j\,y_j)", shape=same,
    body=softmax_gradient_body, encode=rows_encode, length=rows_of_result, is_fused=True,
    source="multiply, sum, broadcast, multiply, subtract",
))  # fmt: skip


@kernel
def standardise_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, deviations, y, width = instruction[1], instruction[3], instruction[4], instruction[5]
    epsilon, count = arena[instruction[2]], real(instruction[5])
    for row in range(start, stop):
        begin, total, squares = row * width, real(0), real(0)
        for i in range(begin, begin + width):
            total += arena[x + i]
        mean = total / count
        for i in range(begin, begin + width):
            centred = arena[x + i] - mean
            arena[y + i] = centred
            squares += centred * centred
        deviation = sqrt_of(squares / count + epsilon)
        arena[deviations + row] = deviation
        for i in range(begin, begin + width):
            arena[y + i] = arena[y + i] / deviation


standardise = register(Primitive(
    name="standardise", formula=r"y_i = \frac{x_i - \mu}{\sqrt{\sigma^2 + \epsilon}}", shape=same, body=standardise_body,
    encode=rows_encode, length=rows_of_result, is_fused=True,
    source="mean, broadcast, subtract, multiply, mean, add, sqrt, broadcast, divide",
))  # fmt: skip


@kernel
def standardise_gradient_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    dy, y, deviations, dx, width = instruction[1], instruction[2], instruction[3], instruction[4], instruction[5]
    count = real(instruction[5])
    for row in range(start, stop):
        begin, total, along = row * width, real(0), real(0)
        for i in range(begin, begin + width):
            total += arena[dy + i]
            along += arena[dy + i] * arena[y + i]
        mean, slope, deviation = total / count, along / count, arena[deviations + row]
        for i in range(begin, begin + width):
            arena[dx + i] = (arena[dy + i] - mean - arena[y + i] * slope) / deviation


standardise_gradient = register(Primitive(
    name="standardise_gradient",
    formula=r"\mathrm{d}x_i = \frac{\mathrm{d}y_i - \overline{\mathrm{d}y} - y_i\,\overline{\mathrm{d}y\,y}}{\sigma}",
    shape=same, body=standardise_gradient_body, encode=rows_encode, length=rows_of_result, is_fused=True,
    source="divide, multiply, negate, sum, multiply, divide, spread, multiply, total, negate, sum, spread, total",
))  # fmt: skip


def row_shape(x: Value, *rows: Value) -> Shape:
    """The shape of the rows; gains and shifts are one row each."""
    return x.shape


@kernel
def scale_rows_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, gain, y, width = instruction[1], instruction[2], instruction[3], instruction[4]
    for row in range(start, stop):
        begin = row * width
        for i in range(width):
            arena[y + begin + i] = arena[x + begin + i] * arena[gain + i]


scale_rows = register(Primitive(
    name="scale_rows", formula=r"y_{n,i} = g_i\,x_{n,i}", shape=row_shape, body=scale_rows_body, encode=rows_encode,
    length=rows_of_result, is_fused=True, source="broadcast, multiply",
))  # fmt: skip


@kernel
def scale_shift_rows_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, gain, shift, y, width = instruction[1], instruction[2], instruction[3], instruction[4], instruction[5]
    for row in range(start, stop):
        begin = row * width
        for i in range(width):
            arena[y + begin + i] = arena[x + begin + i] * arena[gain + i] + arena[shift + i]


scale_shift_rows = register(Primitive(
    name="scale_shift_rows", formula=r"y_{n,i} = g_i\,x_{n,i} + b_i", shape=row_shape, body=scale_shift_rows_body,
    encode=rows_encode, length=rows_of_result, is_fused=True, source="broadcast, multiply, broadcast, add",
))  # fmt: skip


def one_row(dy: Value, *others: Value) -> Shape:
    """One number for each column."""
    return dy.shape[-1:]


def row_slopes_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """dy, x, Σ dy (written), y, rows of the first part, columns, rows of the second part."""
    shape = operands[0].shape
    parts = rows_of_parts(math.prod(shape[:-1]), math.prod(shape[1:-1]))
    rest = math.prod(shape[:-1]) - parts[0]
    return (*[region.offset for region in operands], result.offset, parts[0], shape[-1], rest)


def own_slopes(fields: Sequence[int], part: int) -> tuple[int, ...]:
    """Fields of the slopes from one of two parts alone."""
    dy, x, sums, y, first, width, rest = fields
    return (dy + first * width, x + first * width, sums, y, rest, width, 0) if part else (*fields[:6], 0)


@kernel
def row_slopes_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    dy, x, sums, y, rows, width = (
        instruction[1], instruction[2], instruction[3], instruction[4], instruction[5] + instruction[7], instruction[6]
    )  # fmt: skip
    for i in range(start, stop):
        arena[y + i] = real(0)
        arena[sums + i] = real(0)
    for row in range(rows):
        begin = row * width
        for i in range(start, stop):
            arena[y + i] = arena[y + i] + arena[dy + begin + i] * arena[x + begin + i]
            arena[sums + i] = arena[sums + i] + arena[dy + begin + i]


row_slopes = register(Primitive(
    name="row_slopes",
    formula=r"\mathrm{d}g_i = \sum_n \mathrm{d}y_{n,i}\,x_{n,i},\quad \mathrm{d}b_i = \sum_n \mathrm{d}y_{n,i}",
    shape=one_row, body=row_slopes_body, encode=row_slopes_encode, is_fused=True, source="multiply, sum, sum",
))  # fmt: skip
