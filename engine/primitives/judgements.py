"""Right or wrong: what metrics count, and what the perceptron learns from. None of it has a derivative to descend."""

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
    Variant,
    joint,
    kernel,
    no_derivative,
    real,
    register,
    same,
    steps,
)
from engine.primitives.losses import by_row, row_encode
from engine.values import Value

STEP_A = STEP_B = STEP_C = 1  # compiled in: 0 where the operand is a single number
LABELS = Interval(-1, 1, (0.0, 0.5))


@kernel
def right_side_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    p, t, c, y = instruction[1], instruction[2], instruction[3], instruction[4]
    for i in range(start, stop):
        above = arena[p + i * STEP_A] - arena[c + i * STEP_C]
        # 0 and 1 as well as −1 and +1 lie on two sides of ½.
        side = real(1) if arena[t + i * STEP_B] > real(0.5) else real(-1)
        right = real(1) if above * side > real(0) else real(0)
        arena[y + i] = right if above == above else above


right_side = register(Primitive(
    name="right_side", formula=r"y = [\,p > c \text{ as } t = 1\,]", shape=joint,
    body=right_side_body, variant=steps, is_elementwise=True, domain=(Interval(ties=True), LABELS, Interval(ties=True)),
    source="Aggarwal 2023, eq. 1.1",
    convention="on the threshold is wrong for either label",
))  # fmt: skip


@kernel
def right_class_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    z, t, y, classes = instruction[1], instruction[2], instruction[3], instruction[4]
    for i in range(start, stop):
        begin = z + i * classes
        best, largest, total = 0, arena[begin], real(0)
        for k in range(classes):
            v = arena[begin + k]
            best, largest = (k, v) if v > largest else (best, largest)
            total += v
        right = real(1) if best == integers[t + i] else real(0)
        arena[y + i] = right if total == total else total


right_class = register(Primitive(
    name="right_class", formula=r"y = [\,\arg\max_k z_k = t\,]", shape=by_row, encode=row_encode, body=right_class_body,
    domain=Interval(ties=True), source="Aggarwal 2023, §1.3.2", convention="of equal scores the first counts",
))  # fmt: skip


@kernel
def right_column_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    z, t, y, classes = instruction[1], instruction[2], instruction[3], instruction[4]
    for i in range(start, stop):
        begin, target = z + i * classes, t + i * classes
        best, wanted, total = 0, 0, real(0)
        for k in range(classes):
            best = k if arena[begin + k] > arena[begin + best] else best
            wanted = k if arena[target + k] > arena[target + wanted] else wanted
            total += arena[begin + k]
        right = real(1) if best == wanted else real(0)
        arena[y + i] = right if total == total else total


right_column = register(Primitive(
    name="right_column", formula=r"y = [\,\arg\max_k z_k = \arg\max_k t_k\,]", shape=by_row, encode=row_encode,
    body=right_column_body, domain=Interval(ties=True),
    source="Aggarwal 2023, §1.3.2", convention="of equal scores the first counts",
))  # fmt: skip

ZERO_IS_MISTAKE = 1  # compiled in


@kernel
def side_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, y = instruction[1], instruction[2]
    for i in range(start, stop):
        v = arena[x + i]
        arena[y + i] = real(1) if v >= real(0) else (real(-1) if v < real(0) else v)


side = register(Primitive(
    name="side", formula=r"y = +1 \text{ if } x \geq 0,\quad -1 \text{ else}", shape=same, body=side_body,
    derivative=no_derivative, domain=Interval(-3, 3, (0.0,)),
    source="Aggarwal 2023, eq. 1.1", convention="+1 at x = 0 (the text leaves it open)",
))  # fmt: skip


def zero_variant(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> Variant:
    """Whether a score of exactly 0 counts as a mistake, beside the usual steps."""
    return (*steps(operands, result, attributes), ("ZERO_IS_MISTAKE", int(attributes.get("zero_is_mistake", True))))


@kernel
def label_error_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    v, t, y = instruction[1], instruction[2], instruction[3]
    for i in range(start, stop):
        score, label = arena[v + i * STEP_A], arena[t + i * STEP_B]
        agreement = score * label
        wrong = (
            agreement <= real(0) if ZERO_IS_MISTAKE else agreement < real(0) or (score == real(0) and label < real(0))
        )
        error = label + label if wrong else real(0)
        arena[y + i] = error if agreement == agreement else agreement


def label_error_shape(score: Value, label: Value, zero_is_mistake: bool = True) -> Any:
    """Shape rule: the common shape."""
    return joint(score, label)


label_error = register(Primitive(
    name="label_error", formula=r"e = t - \hat y,\quad \hat y = \mathrm{sign}\,v", shape=label_error_shape,
    body=label_error_body, derivative=no_derivative, variant=zero_variant, is_elementwise=True,
    domain=(Interval(-3, 3, (0.0,)), Interval(-1, 1, (0.0,))),
    source="Aggarwal 2023, eqs 1.1 and 1.2",
    convention="v = 0: a mistake for either label, or +1 (zero_is_mistake false)",
))  # fmt: skip
