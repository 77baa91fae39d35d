"""What the fusing pass puts in place of several calls. Nobody draws these; each equals the calls it stands for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from engine.primitives.activations import rectified, sigmoid_of, tanh_of
from engine.primitives.base import (
    Arena,
    Code,
    Integers,
    Primitive,
    Region,
    Variant,
    kernel,
    real,
    register,
    rows_of_result,
    same,
    scalar,
)
from engine.primitives.elementary import exp_of, log_of
from engine.primitives.products import matmul_encode, matmul_shape
from engine.values import Shape, Value

NAN = math.nan
BEND = 0  # compiled in: what bends the sums, by its place in `BENDS`
BENDS = ("", "tanh", "sigmoid", "relu")


def bend_variant(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> Variant:
    """What bends the sums, if anything does, is compiled in."""
    return (("BEND", BENDS.index(attributes["bend"])),) if "bend" in attributes else ()


@scalar()
def bent(total: float, bend: int) -> float:
    """A sum, bent as `BENDS` says."""
    result: float = tanh_of(total) if bend == 1 else sigmoid_of(total) if bend == 2 else rectified(total)
    return result


def linear_shape(x: Value, weight: Value, bias: Value, **attributes: Any) -> Shape:
    """(batch, features) by (features, units)."""
    return matmul_shape(x, weight)


def linear_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """As for a product, and the offset of the bias."""
    return (*matmul_encode(operands[:2], result, attributes), operands[2].offset)


@kernel
def linear_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    a, b, y = instruction[1], instruction[2], instruction[3]
    columns, depth = instruction[5], instruction[6]
    a_row, a_depth, b_depth, bias = instruction[7], instruction[8], instruction[9], instruction[11]
    for r in range(start, stop):
        row, out = a + r * a_row, y + r * columns
        for c in range(columns):
            arena[out + c] = real(0)
        for k in range(depth):
            x, begin = arena[row + k * a_depth], b + k * b_depth
            for c in range(columns):
                arena[out + c] = arena[out + c] + x * arena[begin + c]
        for c in range(columns):
            total = arena[out + c] + arena[bias + c]
            arena[out + c] = bent(total, BEND) if BEND > 0 else total


linear = register(Primitive(
    name="linear", formula=r"Y = X W + b", shape=linear_shape, body=linear_body, encode=linear_encode,
    length=rows_of_result, is_fused=True, source="matmul, broadcast, add",
))  # fmt: skip


def linear_gradient_shape(x: Value, dy: Value, bias_gradient: Value, **attributes: Any) -> Shape:
    """(features, units)."""
    return matmul_shape(x, dy, transpose_a=True)


def linear_gradient_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """As for a product of xᵀ by dy, and the offset of the bias gradient (written)."""
    return (*matmul_encode(operands[:2], result, {"transpose_a": True}), operands[2].offset)


@kernel
def linear_gradient_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, dy, dw, columns, depth = instruction[1], instruction[2], instruction[3], instruction[5], instruction[6]
    a_row, a_depth, db = instruction[7], instruction[8], instruction[11]
    for r in range(start, stop):
        out = dw + r * columns
        for c in range(columns):
            arena[out + c] = real(0)
        for k in range(depth):
            factor, begin = arena[x + r * a_row + k * a_depth], dy + k * columns
            for c in range(columns):
                arena[out + c] = arena[out + c] + factor * arena[begin + c]
    if start == 0:  # whoever computes the first row sums the bias gradient as well
        for c in range(columns):
            total = real(0)
            for k in range(depth):
                total += arena[dy + k * columns + c]
            arena[db + c] = total


linear_gradient = register(Primitive(
    name="linear_gradient", formula=r"\mathrm{d}W = X^\top \mathrm{d}Y,\quad \mathrm{d}b = \sum_i \mathrm{d}Y_i",
    shape=linear_gradient_shape, body=linear_gradient_body, encode=linear_gradient_encode, length=rows_of_result,
    is_fused=True, source="matmul, sum",
))  # fmt: skip


@kernel
def tanh_gradient_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    y, dy, dx = instruction[1], instruction[2], instruction[3]
    for i in range(start, stop):
        arena[dx + i] = arena[dy + i] * (real(1) - arena[y + i] * arena[y + i])


tanh_gradient = register(Primitive(
    name="tanh_gradient", formula=r"\mathrm{d}x = \mathrm{d}y\,(1 - y^2)", shape=same, body=tanh_gradient_body,
    is_fused=True, source="multiply, subtract, multiply",
))  # fmt: skip


@kernel
def sigmoid_gradient_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    y, dy, dx = instruction[1], instruction[2], instruction[3]
    for i in range(start, stop):
        arena[dx + i] = arena[dy + i] * (arena[y + i] * (real(1) - arena[y + i]))


sigmoid_gradient = register(Primitive(
    name="sigmoid_gradient", formula=r"\mathrm{d}x = \mathrm{d}y\,y(1 - y)", shape=same, body=sigmoid_gradient_body,
    is_fused=True, source="subtract, multiply, multiply",
))  # fmt: skip


@kernel
def relu_gradient_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, dy, dx = instruction[1], instruction[2], instruction[3]
    for i in range(start, stop):
        v = arena[x + i]
        slope = real(1) if v > real(0) else real(0)
        arena[dx + i] = arena[dy + i] * (slope if v == v else v)


relu_gradient = register(Primitive(
    name="relu_gradient", formula=r"\mathrm{d}x = \mathrm{d}y\,[x > 0]", shape=same, body=relu_gradient_body,
    is_fused=True, source="relu_slope, multiply",
))  # fmt: skip


def one_number(*operands: Value) -> Shape:
    """The result is one number."""
    return ()


def mean_square_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """a, b, their difference (written), y, number of entries."""
    return (*[region.offset for region in operands], result.offset, operands[0].size)


@kernel
def mean_square_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    a, b, d, y, entries = instruction[1], instruction[2], instruction[3], instruction[4], instruction[5]
    total = real(0)
    for i in range(entries):
        difference = arena[a + i] - arena[b + i]
        arena[d + i] = difference
        total += difference * difference
    arena[y] = total / real(entries)


mean_square = register(Primitive(
    name="mean_square", formula=r"y = \frac{1}{n}\sum_i (a_i - b_i)^2", shape=one_number, body=mean_square_body,
    encode=mean_square_encode, is_fused=True, source="subtract, multiply, mean",
))  # fmt: skip


@kernel
def mean_square_gradient_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    d, y, entries = instruction[1], instruction[3], instruction[4]
    factor = arena[instruction[2]] / real(entries)
    for i in range(start, stop):
        half = factor * arena[d + i]
        arena[y + i] = half + half


def mean_square_gradient_encode(
    operands: Sequence[Region], result: Region, attributes: dict[str, Any]
) -> tuple[int, ...]:
    """d, dL, y, number of entries."""
    return (operands[0].offset, operands[1].offset, result.offset, result.size)


mean_square_gradient = register(Primitive(
    name="mean_square_gradient", formula=r"\mathrm{d}d = \frac{2}{n}\,\mathrm{d}L\,d", shape=same,
    body=mean_square_gradient_body, encode=mean_square_gradient_encode, is_fused=True,
    source="spread, multiply, total",
))  # fmt: skip


def rows_alone(scores: Value, *others: Value, **attributes: Any) -> Shape:
    """One number per row of scores."""
    return scores.shape[:-1]


def class_cross_entropy_encode(
    operands: Sequence[Region], result: Region, attributes: dict[str, Any]
) -> tuple[int, ...]:
    """scores, classes wanted, softmax (written), y, classes."""
    return (*[region.offset for region in operands], result.offset, operands[0].shape[-1])


@kernel
def class_cross_entropy_softmax_body(
    arena: Arena, integers: Integers, instruction: Code, start: int, stop: int
) -> None:
    z, t, p, y, classes = instruction[1], instruction[2], instruction[3], instruction[4], instruction[5]
    for i in range(start, stop):
        begin, out = z + i * classes, p + i * classes
        largest = arena[begin]
        for k in range(1, classes):
            largest = arena[begin + k] if arena[begin + k] > largest else largest
        for k in range(classes):
            arena[out + k] = arena[begin + k] - largest
        chosen = integers[t + i]
        arena[y + i] = -arena[out + chosen] if 0 <= chosen < classes else real(NAN)
    for j in range(p + start * classes, p + stop * classes):  # one flat run, so that exp fills whole vectors
        arena[j] = exp_of(arena[j])
    for i in range(start, stop):
        out = p + i * classes
        total = real(0)
        for k in range(classes):
            total += arena[out + k]
        share = real(1) / total
        for k in range(classes):
            arena[out + k] = arena[out + k] * share
        arena[y + i] = arena[y + i] + log_of(total)


class_cross_entropy_softmax = register(Primitive(
    name="class_cross_entropy_softmax", formula=r"y = \ln \sum_k e^{z_k} - z_t,\quad p = \mathrm{softmax}\,z",
    shape=rows_alone, body=class_cross_entropy_softmax_body, encode=class_cross_entropy_encode, is_fused=True,
    source="class_cross_entropy, softmax",
))  # fmt: skip


def class_gradient_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """softmax, classes wanted, dL, y, classes, rows."""
    return (*[region.offset for region in operands], result.offset, *reversed(operands[0].shape))


@kernel
def class_gradient_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    p, t, y, classes = instruction[1], instruction[2], instruction[4], instruction[5]
    share = arena[instruction[3]] / real(instruction[6])
    for j in range(start * classes, stop * classes):
        arena[y + j] = share * arena[p + j]
    for i in range(start, stop):
        chosen = integers[t + i]
        if 0 <= chosen < classes:
            place = y + i * classes + chosen
            arena[place] = share * (arena[p + i * classes + chosen] - real(1))


class_gradient = register(Primitive(
    name="class_gradient", formula=r"\mathrm{d}z = \frac{\mathrm{d}L}{n}\,(p - [k = t])", shape=same,
    body=class_gradient_body, encode=class_gradient_encode, length=rows_of_result, is_fused=True,
    source="spread, broadcast, one_hot, subtract, multiply",
))  # fmt: skip
