"""What losses are made of: one number per entry or per row for how wrong it is, safe where an answer saturates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from engine.primitives.activations import log1p_of
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
    real,
    register,
    steps,
)
from engine.primitives.elementary import exp_of, log_of
from engine.problems import shape_mismatch
from engine.values import Shape, Value, shape_text

STEP_A = STEP_B = 1  # compiled in: 0 where the operand is a single number
NAN = math.nan
PROBABILITY = Interval(0.1, 0.9)


@kernel
def binary_cross_entropy_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    p, t, y = instruction[1], instruction[2], instruction[3]
    for i in range(start, stop):
        probability, target = arena[p + i * STEP_A], arena[t + i * STEP_B]
        other, rest = real(1) - probability, real(1) - target
        # 0 · ln 0 is 0. The comparison is false for NaN and for what is no probability: these stay visible.
        yes = real(0) if target == real(0) and probability >= real(0) else target * log_of(probability)
        no = real(0) if rest == real(0) and other >= real(0) else rest * log_of(other)
        arena[y + i] = -(yes + no)


def binary_cross_entropy_derivative(p: Value, t: Value, y: Value, dy: Value) -> list[Value]:
    emit = p.program.build.emit
    return [dy * emit("binary_cross_entropy_slope", p, t), dy * (emit("log", 1 - p) - emit("log", p))]


register(Primitive(
    name="binary_cross_entropy", formula=r"y = -\left[t \ln p + (1 - t) \ln (1 - p)\right]", shape=joint,
    body=binary_cross_entropy_body, derivative=binary_cross_entropy_derivative, variant=steps, is_elementwise=True,
    domain=(PROBABILITY, Interval(0, 1)), source="Goodfellow, Bengio & Courville 2016, §6.2.2.2",
    convention="0 · ln 0 is 0; a wrong answer of 0 or 1 is infinite, a p outside 0 to 1 is NaN",
))  # fmt: skip


@kernel
def binary_cross_entropy_slope_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    p, t, y = instruction[1], instruction[2], instruction[3]
    for i in range(start, stop):
        probability, target = arena[p + i * STEP_A], arena[t + i * STEP_B]
        other, rest = real(1) - probability, real(1) - target
        yes = target / (real(1) if target == real(0) and probability == real(0) else probability)
        no = rest / (real(1) if rest == real(0) and other == real(0) else other)
        arena[y + i] = no - yes


def binary_cross_entropy_slope_derivative(p: Value, t: Value, y: Value, dy: Value) -> list[Value]:
    # t/p² + (1 − t)/(1 − p)², written so that it is y² for the labels 0 and 1 even where an answer saturates.
    variance = p * (1 - p)
    between = p.program.build.emit("ratio_or_zero", t * (1 - t), variance * variance)
    return [dy * (y * y + between), -(dy / variance)]


register(Primitive(
    name="binary_cross_entropy_slope", formula=r"y = \frac{1 - t}{1 - p} - \frac{t}{p}", shape=joint,
    body=binary_cross_entropy_slope_body, derivative=binary_cross_entropy_slope_derivative, variant=steps, is_elementwise=True,
    domain=(PROBABILITY, Interval(0, 1)), source="Aggarwal 2023, eq. 2.18, for two classes", convention="0 / 0 is 0",
))  # fmt: skip


@kernel
def ratio_or_zero_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    a, b, y = instruction[1], instruction[2], instruction[3]
    for i in range(start, stop):
        above, below = arena[a + i * STEP_A], arena[b + i * STEP_B]
        arena[y + i] = above / (real(1) if above == real(0) and below == real(0) else below)


def ratio_or_zero_derivative(a: Value, b: Value, y: Value, dy: Value) -> list[Value]:
    return [dy / b, -(dy * a.program.build.emit("ratio_or_zero", y, b))]


register(Primitive(
    name="ratio_or_zero", formula=r"y = \frac{a}{b}", shape=joint,
    body=ratio_or_zero_body, derivative=ratio_or_zero_derivative,
    variant=steps, is_elementwise=True, domain=(Interval(), Interval(0.4, 3.0)),
    source="curvature of the cross-entropy",
    convention="0 / 0 is 0",
))  # fmt: skip


@kernel
def logistic_cross_entropy_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    z, t, y = instruction[1], instruction[2], instruction[3]
    for i in range(start, stop):
        logit, target = arena[z + i * STEP_A], arena[t + i * STEP_B]
        size = -logit if logit < real(0) else logit
        # max(z, 0) − z t exactly as it stands: ln(1 + e^z) − z t would cancel where the answer is right.
        arena[y + i] = ((logit if logit > real(0) else real(0)) - logit * target) + log1p_of(exp_of(-size))


def logistic_cross_entropy_derivative(z: Value, t: Value, y: Value, dy: Value) -> list[Value]:
    return [dy * (z.program.build.emit("sigmoid", z) - t), -(dy * z)]


register(Primitive(
    name="logistic_cross_entropy", formula=r"y = \ln(1 + e^z) - t z", shape=joint,
    body=logistic_cross_entropy_body, derivative=logistic_cross_entropy_derivative, variant=steps, is_elementwise=True,
    domain=(Interval(-4, 4), Interval(0, 1)), source="Goodfellow, Bengio & Courville 2016, §6.2.2.2",
))  # fmt: skip


def by_row(scores: Value, target: Value, **attributes: Any) -> Shape:
    """One number per row of scores; targets are class numbers or rows as wide as the scores. Raises `ShapeMismatch`."""
    if scores.rank < 1 or not isinstance(scores.shape[-1], int):
        raise shape_mismatch(
            f"classes need one score each, and {shape_text(scores.shape)} has no axis of classes", port="logits"
        )
    wanted = scores.shape[:-1] if target.kind == "whole" else scores.shape
    if target.shape != wanted:
        fact = f"scores of shape {shape_text(scores.shape)} meet targets of shape {shape_text(target.shape)}"
        raise shape_mismatch(fact, "Give class numbers, or one column for each class.", port="target")
    return scores.shape[:-1]


def row_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """scores, targets, y, classes."""
    scores, target = operands
    return (scores.offset, target.offset, result.offset, scores.shape[-1])


@kernel
def class_cross_entropy_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    z, t, y, classes = instruction[1], instruction[2], instruction[3], instruction[4]
    for i in range(start, stop):
        begin = z + i * classes
        largest = arena[begin]
        for k in range(1, classes):
            largest = arena[begin + k] if arena[begin + k] > largest else largest
        total = real(0)
        for k in range(classes):
            total += exp_of(arena[begin + k] - largest)
        chosen = integers[t + i]
        arena[y + i] = log_of(total) - (arena[begin + chosen] - largest) if 0 <= chosen < classes else real(NAN)


def class_cross_entropy_derivative(z: Value, t: Value, y: Value, dy: Value) -> list[Value | None]:
    return [
        _per_row(dy) * (z.program.build.emit("softmax", z) - z.program.build.emit("one_hot", t, classes=z.shape[-1])),
        None,
    ]


def _per_row(dy: Value) -> Value:
    """A number per row, ready to meet the row's entries."""
    return dy.program.build.emit("reshape", dy, shape=(*dy.shape, 1))


register(Primitive(
    name="class_cross_entropy", formula=r"y = \ln \sum_k e^{z_k} - z_t", shape=by_row, encode=row_encode,
    body=class_cross_entropy_body, derivative=class_cross_entropy_derivative, source="Aggarwal 2023, eqs 1.8 and 2.19",
    convention="NaN where there is no such class",
))  # fmt: skip


@kernel
def softmax_cross_entropy_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    z, t, y, classes = instruction[1], instruction[2], instruction[3], instruction[4]
    for i in range(start, stop):
        begin, target = z + i * classes, t + i * classes
        largest = arena[begin]
        for k in range(1, classes):
            largest = arena[begin + k] if arena[begin + k] > largest else largest
        total, wanted, weight = real(0), real(0), real(0)
        for k in range(classes):
            above = arena[begin + k] - largest
            total += exp_of(above)
            wanted += arena[target + k] * above
            weight += arena[target + k]
        arena[y + i] = weight * log_of(total) - wanted


def softmax_cross_entropy_derivative(z: Value, t: Value, y: Value, dy: Value) -> list[Value]:
    emit, row = z.program.build.emit, _per_row(dy)
    # The text's o − y holds for targets that add up to 1; times their sum it holds for all.
    weight = emit("sum", t, axes=(t.rank - 1,), keep=True)
    return [row * (weight * emit("softmax", z) - t), -(row * emit("log_softmax", z))]


register(Primitive(
    name="softmax_cross_entropy", formula=r"y = -\sum_k t_k \ln \frac{e^{z_k}}{\sum_j e^{z_j}}", shape=by_row,
    encode=row_encode, body=softmax_cross_entropy_body, derivative=softmax_cross_entropy_derivative,
    domain=(Interval(), Interval(0, 1)),
    source="Aggarwal 2023, eqs 2.18 and 2.19",
))  # fmt: skip


def row_shape(x: Value) -> Shape:
    """One number per row. Raises `ShapeMismatch`."""
    need_real(x)
    if x.rank < 1 or not isinstance(x.shape[-1], int):
        raise shape_mismatch(f"{shape_text(x.shape)} has no rows to go over", "Give it a row of numbers.")
    return x.shape[:-1]


def lone_row_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """x, y, entries per row."""
    return (operands[0].offset, result.offset, operands[0].shape[-1])


@kernel
def log_sum_exp_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, y, width = instruction[1], instruction[2], instruction[3]
    for i in range(start, stop):
        begin = x + i * width
        largest = arena[begin]
        for k in range(1, width):
            largest = arena[begin + k] if arena[begin + k] > largest else largest
        total = real(0)
        for k in range(width):
            total += exp_of(arena[begin + k] - largest)
        arena[y + i] = largest + log_of(total)


def log_sum_exp_derivative(x: Value, y: Value, dy: Value) -> list[Value]:
    return [_per_row(dy) * x.program.build.emit("softmax", x)]


register(Primitive(
    name="log_sum_exp", formula=r"y = \ln \sum_k e^{x_k}", shape=row_shape, encode=lone_row_encode,
    body=log_sum_exp_body, derivative=log_sum_exp_derivative, source="sums of probabilities by their logarithms",
))  # fmt: skip
