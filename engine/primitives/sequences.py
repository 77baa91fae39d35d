"""Sequences read from their end, the whole of them or as far as each goes, and sums that forget what is long past."""

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
    whole32,
)
from engine.primitives.batched import permute_body, permute_encode
from engine.primitives.norms import need_row_and_number, row_and_number_encode
from engine.primitives.settling import leading_rows
from engine.problems import shape_mismatch
from engine.values import Shape, Value, shape_text

REVERSE = 0  # compiled in: from the end on
ANY = Interval()


def reverse_shape(x: Value, axis: int) -> Shape:
    """The shape stays; only entries change places along the axis."""
    need_real(x)
    if not 0 <= axis < x.rank:
        raise shape_mismatch(f"{shape_text(x.shape)} has no axis {axis}")
    return x.shape


def reverse_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """As for axes in their own order, but along one of them from its last entry backwards."""
    axis, rank = attributes["axis"], len(result.shape)
    begin, out, axes, *pairs = permute_encode(operands, result, {"axes": tuple(range(rank))})
    length, step = pairs[2 * axis], pairs[2 * axis + 1]
    pairs[2 * axis + 1] = -step
    return (begin + (length - 1) * step, out, axes, *pairs)


def reverse_derivative(x: Value, y: Value, dy: Value) -> list[Value]:
    return [x.program.build.emit("reverse", dy, **(y.call.attributes if y.call else {}))]


reverse = register(Primitive(
    name="reverse", formula=r"y_t = x_{T + 1 - t}", shape=reverse_shape, body=permute_body,
    derivative=reverse_derivative, encode=reverse_encode, length=rows_of_result, source="Aggarwal 2023, §8.2.3",
))  # fmt: skip


def reverse_within_shape(x: Value, lengths: Value) -> Shape:
    """Sequences (rows, time, …), and for each row how many of its steps change places."""
    need_real(x, lengths)
    if x.rank < 2 or lengths.shape != x.shape[:1]:
        raise shape_mismatch(
            f"{shape_text(lengths.shape)} lengths meet sequences of shape {shape_text(x.shape)}",
            "Give one length for each sequence.",
        )
    return x.shape


def reverse_within_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """x, lengths, y, steps, numbers of one step."""
    rows, steps = result.shape[:2]
    return (operands[0].offset, operands[1].offset, result.offset, steps, result.size // max(1, rows * steps))


@kernel
def reverse_within_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    lengths, steps, width = instruction[2], instruction[4], instruction[5]
    for r in range(start, stop):
        x, y = instruction[1] + r * steps * width, instruction[3] + r * steps * width
        length = arena[lengths + r]
        inside = steps if length >= real(steps) else (whole32(length) if length >= real(1) else 0)
        for t in range(steps):
            source = x + (inside - 1 - t if t < inside else t) * width
            for i in range(width):
                arena[y + t * width + i] = arena[source + i] if length == length else length


def reverse_within_derivative(x: Value, lengths: Value, y: Value, dy: Value) -> list[Value | None]:
    return [x.program.build.emit("reverse_within", dy, lengths), None]


reverse_within = register(Primitive(
    name="reverse_within", formula=r"y_t = x_{T_n + 1 - t} \text{ for } t \leq T_n,\quad x_t \text{ else}",
    shape=reverse_within_shape, body=reverse_within_body, derivative=reverse_within_derivative,
    encode=reverse_within_encode, length=leading_rows,
    domain=(ANY, Interval(0.0, 5.0, (1.0, 2.0, 3.0, 4.0))), source="Aggarwal 2023, §8.2.3",
    convention="a length between two whole numbers counts as the lower one; steps behind it stay where they are",
))  # fmt: skip


def discounted_sum_shape(x: Value, factor: Value, reverse: bool = False) -> Shape:
    """The shape of `x`, which has rows; the factor is one number."""
    need_row_and_number(x, factor, "a discount")
    return x.shape


def discounted_sum_variant(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> Variant:
    """Which way it runs."""
    return (("REVERSE", 1),) if attributes.get("reverse") else ()


@kernel
def discounted_sum_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    factor, width = arena[instruction[2]], instruction[4]
    for r in range(start, stop):
        x, y, total = instruction[1] + r * width, instruction[3] + r * width, real(0)
        for k in range(width):
            i = width - 1 - k if REVERSE else k
            total = arena[x + i] + factor * total
            arena[y + i] = total


def discounted_sum_derivative(x: Value, factor: Value, y: Value, dy: Value) -> list[Value | None]:
    emit, last, width = x.program.build.emit, x.rank - 1, x.shape[-1]
    reverse = bool(y.call and y.call.attributes.get("reverse"))
    # A number counts into all sums behind it, so it collects their derivatives from the other end.
    dx = emit("discounted_sum", dy, factor, **({} if reverse else {"reverse": True}))
    if not isinstance(width, int) or width == 1:
        return [dx, None]
    here, there = ((0, width - 1), (1, width)) if reverse else ((1, width), (0, width - 1))
    met = emit("slice", dx, axis=last, start=here[0], stop=here[1])
    before = emit("slice", y, axis=last, start=there[0], stop=there[1])
    return [dx, emit("reshape", emit("sum", met * before, axes=tuple(range(x.rank))), shape=factor.shape)]


discounted_sum = register(Primitive(
    name="discounted_sum", formula=r"y_i = x_i + \gamma\,y_{i-1}", shape=discounted_sum_shape,
    body=discounted_sum_body, derivative=discounted_sum_derivative, encode=row_and_number_encode,
    length=rows_of_result, variant=discounted_sum_variant, domain=(ANY, Interval(0.2, 0.95)),
    source="Aggarwal 2023, §11.3 and eq. 11.2: a return, run from the end",
    convention="before the first number there is nothing",
))  # fmt: skip
