"""What runs along rows, the last axis: the length of a vector, and running sums."""

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
    kernel,
    need_real,
    real,
    register,
    rows_of_result,
)
from engine.primitives.elementary import sqrt_of
from engine.problems import shape_mismatch
from engine.values import Shape, Value, count, shape_text

REVERSE = EXCLUSIVE = 0  # compiled in: from the end on; without the number itself


def norm_shape(x: Value) -> Shape:
    """One number for each row, in an axis of 1."""
    need_row(x)
    return (*x.shape[:-1], 1)


def need_row(x: Value) -> None:
    """Raises `ShapeMismatch` where there is no axis to run along."""
    need_real(x)
    if x.rank < 1:
        raise shape_mismatch("a single number is no row", "Give it a row of numbers.")


def need_row_and_number(x: Value, number: Value, what: str) -> None:
    """Raises `ShapeMismatch` where there is no axis to run along, or `number`, called `what`, is not a single one."""
    need_row(x)
    need_real(number)
    if count(number.shape) != 1:
        raise shape_mismatch(f"{what} is one number, not {shape_text(number.shape)}")


def row_and_number_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """x, the number, y, numbers in a row."""
    return (operands[0].offset, operands[1].offset, result.offset, result.shape[-1])


def row_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """x, y, numbers in a row of x."""
    return (operands[0].offset, result.offset, operands[0].shape[-1])


@kernel
def norm_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, y, width = instruction[1], instruction[2], instruction[3]
    for r in range(start, stop):
        total, begin = real(0), x + r * width
        for c in range(width):
            total += arena[begin + c] * arena[begin + c]
        arena[y + r] = sqrt_of(total)


def norm_derivative(x: Value, y: Value, dy: Value) -> list[Value]:
    # Where the length is 0 the division is by 1: every x is 0 there, and so is the slope.
    return [dy * (x / x.program.build.emit("where", y, y, 1.0))]


norm = register(Primitive(
    name="norm", formula=r"y = \sqrt{\sum_i x_i^2}", shape=norm_shape, body=norm_body, derivative=norm_derivative,
    encode=row_encode, length=rows_of_result, domain=Interval(0.4, 3.0), source="Euclidean length",
    convention="slope 0 at the zero vector",
))  # fmt: skip


def cumulative_sum_shape(x: Value, reverse: bool = False, exclusive: bool = False) -> Shape:
    """The shape of the operand, which has rows."""
    need_row(x)
    return x.shape


def cumulative_variant(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> Variant:
    """Which way it runs, and whether a number counts into its own sum."""
    names = ("reverse", "exclusive")
    return tuple([(name.upper(), 1) for name in names if attributes.get(name)])


@kernel
def cumulative_sum_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, y, width = instruction[1], instruction[2], instruction[3]
    for r in range(start, stop):
        total = real(0)
        for k in range(width):
            i = r * width + (width - 1 - k if REVERSE else k)
            if EXCLUSIVE:
                arena[y + i] = total
                total += arena[x + i]
            else:
                total += arena[x + i]
                arena[y + i] = total


def cumulative_sum_derivative(x: Value, y: Value, dy: Value) -> list[Value]:
    # A number counts into all sums behind it, so it collects their derivatives from the other end.
    attributes = y.call.attributes if y.call else {}
    flags = {"reverse": not attributes.get("reverse"), "exclusive": bool(attributes.get("exclusive"))}
    return [x.program.build.emit("cumulative_sum", dy, **{name: True for name, flag in flags.items() if flag})]


cumulative_sum = register(Primitive(
    name="cumulative_sum", formula=r"y_i = \sum_{j \leq i} x_j", shape=cumulative_sum_shape, body=cumulative_sum_body,
    derivative=cumulative_sum_derivative, encode=row_encode, length=rows_of_result, variant=cumulative_variant,
    source="running sums: the return of Aggarwal 2023, §11.3, without discount",
    convention="exclusive: the sum of what lies before",
))  # fmt: skip
