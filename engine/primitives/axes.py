"""Sums, means and extremes over axes, and what they send back: spreading over axes."""

from __future__ import annotations

import math
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
    no_derivative,
    real,
    register,
)
from engine.problems import shape_mismatch
from engine.values import Shape, Value, shape_text

MEAN = SHARE = LOWEST = 0  # compiled in: whether a sum is divided, a copy is a share, an extreme is the lowest


def reduced(x: Value, axes: tuple[int, ...], keep: bool = False) -> Shape:
    """The shape without the axes named (`keep`: with ones in their place). Axes count from 0 and lie side by side."""
    need_real(x)
    if not axes or axes[0] < 0 or axes[-1] >= x.rank or axes != tuple(range(axes[0], axes[-1] + 1)):
        raise shape_mismatch(
            f"{shape_text(x.shape)} has no neighbouring axes {', '.join(map(str, axes)) or '(none named)'}"
        )
    return tuple([1 if i in axes else dim for i, dim in enumerate(x.shape) if keep or i not in axes])


def reduce_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """x, y, entries summed (the middle axes), entries behind them."""
    shape, axes = operands[0].shape, attributes["axes"]
    return (
        operands[0].offset,
        result.offset,
        math.prod(shape[axes[0] : axes[-1] + 1]),
        math.prod(shape[axes[-1] + 1 :]),
    )


@kernel
def sum_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, y, middle, inner = instruction[1], instruction[2], instruction[3], instruction[4]
    if inner == 1:
        for o in range(start, stop):
            total, begin = real(0), x + o * middle
            for k in range(middle):
                total += arena[begin + k]
            arena[y + o] = total
    else:
        outer = start // inner
        while outer * inner < stop:
            low = start if start > outer * inner else outer * inner
            high = stop if stop < (outer + 1) * inner else (outer + 1) * inner
            shift = x + outer * (middle - 1) * inner
            for i in range(low, high):
                arena[y + i] = arena[shift + i]
            for _ in range(1, middle):
                shift += inner
                for i in range(low, high):
                    arena[y + i] = arena[y + i] + arena[shift + i]
            outer += 1
    if MEAN:
        share = real(1) / real(middle)
        for i in range(start, stop):
            arena[y + i] = arena[y + i] * share


def sum_derivative(x: Value, y: Value, dy: Value) -> list[Value]:
    return [spread_back("broadcast", x, y, dy)]


def spread_back(name: str, x: Value, y: Value, value: Value) -> Value:
    """A value of the reduced shape, spread over the axes that were reduced."""
    emit, axes = x.program.build.emit, y.call.attributes["axes"] if y.call else ()
    wide = tuple([1 if i in axes else dim for i, dim in enumerate(x.shape)])
    if value.shape != wide:
        value = emit("reshape", value, shape=wide)
    return emit(name, value, shape=x.shape)


sum_ = register(Primitive(
    name="sum", formula=r"y = \sum_i x_i", shape=reduced, body=sum_body, derivative=sum_derivative,
    encode=reduce_encode,
    source="Aggarwal 2023, §2.3.2",
))  # fmt: skip


def mean_variant(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> Variant:
    """The sum's body, with a division behind it."""
    return (("MEAN", 1),)


def mean_derivative(x: Value, y: Value, dy: Value) -> list[Value]:
    return [spread_back("spread", x, y, dy)]


mean = register(Primitive(
    name="mean", formula=r"y = \frac{1}{n}\sum_i x_i", shape=reduced, body=sum_body, derivative=mean_derivative,
    encode=reduce_encode, variant=mean_variant, source="Aggarwal 2023, §2.6.1",
))  # fmt: skip


@kernel
def extreme_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, y, middle, inner = instruction[1], instruction[2], instruction[3], instruction[4]
    outer = start // inner
    while outer * inner < stop:
        low = start if start > outer * inner else outer * inner
        high = stop if stop < (outer + 1) * inner else (outer + 1) * inner
        shift = x + outer * (middle - 1) * inner
        for i in range(low, high):
            best = arena[shift + i]
            for k in range(1, middle):
                v = arena[shift + i + k * inner]
                if LOWEST:
                    best = v if v < best or v != v else best  # NaN wins, and nothing wins over it
                else:
                    best = v if v > best or v != v else best
            arena[y + i] = best
        outer += 1


def extreme_shape(x: Value, axes: tuple[int, ...], keep: bool = False, ties: str = "first") -> Shape:
    """As for a sum; `ties` tells who takes the derivative of equal extremes: the first, or all in equal shares."""
    return reduced(x, axes, keep)


def extreme_derivative(x: Value, y: Value, dy: Value) -> list[Value]:
    attributes = y.call.attributes if y.call else {}
    emit, axes = x.program.build.emit, attributes["axes"]
    if attributes.get("ties", "first") == "shared":
        equal = emit("stop_gradient", emit("equal", x, spread_back("broadcast", x, y, y)))
        chosen = equal / emit("sum", equal, axes=axes, keep=True)
    else:
        chosen = emit("first_equal", x, y, axes=axes)
    return [spread_back("broadcast", x, y, dy) * chosen]


def lowest_variant(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> Variant:
    """The maximum's body with the comparison turned round."""
    return (("LOWEST", 1),)


max_ = register(Primitive(
    name="max", formula=r"y = \max_i x_i", shape=extreme_shape, body=extreme_body, derivative=extreme_derivative,
    encode=reduce_encode, domain=Interval(ties=True), source="Aggarwal 2023, §2.5.1",
    convention="of equal numbers the first is taken; with shared ties all, in equal shares",
))  # fmt: skip
min_ = register(Primitive(
    name="min", formula=r"y = \min_i x_i", shape=extreme_shape, body=extreme_body, derivative=extreme_derivative,
    encode=reduce_encode, variant=lowest_variant, domain=Interval(ties=True), source="as the maximum",
    convention="of equal numbers the first is taken; with shared ties all, in equal shares",
))  # fmt: skip


def first_equal_shape(x: Value, y: Value, axes: tuple[int, ...]) -> Shape:
    """The shape of `x`; `y` is `x` without the axes, or with ones in their place."""
    if y.shape not in (reduced(x, axes), reduced(x, axes, keep=True)):
        raise shape_mismatch(f"{shape_text(y.shape)} is not {shape_text(x.shape)} reduced")
    return x.shape


def first_equal_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """x, y, result, entries compared (the middle axes), entries behind them."""
    _, _, middle, inner = reduce_encode(operands, result, attributes)
    return (operands[0].offset, operands[1].offset, result.offset, middle, inner)


def length_of_second(operands: Sequence[Region], result: Region) -> int:
    """The work is counted in entries of the second operand."""
    return operands[1].size


@kernel
def first_equal_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, y, mark, middle, inner = instruction[1], instruction[2], instruction[3], instruction[4], instruction[5]
    outer, column = start // inner, start % inner
    for o in range(start, stop):
        begin, sought, free = outer * middle * inner + column, arena[y + o], real(1)
        for k in range(middle):
            i = begin + k * inner
            hit = free if arena[x + i] == sought else real(0)
            free = free - hit
            arena[mark + i] = hit if sought == sought else sought
        column += 1
        if column == inner:
            column, outer = 0, outer + 1


first_equal = register(Primitive(
    name="first_equal", formula=r"m_i = [i = \min\{j : x_j = y\}]", shape=first_equal_shape, body=first_equal_body,
    derivative=no_derivative, encode=first_equal_encode, length=length_of_second,
    domain=Interval(ties=True), source="the slope of a maximum", convention="of equal numbers the first is marked",
))  # fmt: skip


def spread_shape(x: Value, shape: Shape) -> Shape:
    """The shape asked for, if every axis of the operand is 1 or agrees."""
    need_real(x)
    lead = len(shape) - x.rank
    if lead < 0 or any(mine not in (1, its) for mine, its in zip(x.shape, shape[lead:], strict=True)):
        raise shape_mismatch(f"{shape_text(x.shape)} cannot be spread over {shape_text(shape)}")
    return shape


def spread_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """x, y, number of copies, rank, then per axis of the result its length and the operand's step (0: repeated)."""
    x = operands[0]
    shape = result.shape or (1,)
    lead = len(shape) - len(x.shape)
    fields: list[int] = []
    step = 1
    for axis in reversed(range(len(shape))):
        length = x.shape[axis - lead] if axis >= lead else 1
        fields = [shape[axis], 0 if length == 1 else step, *fields]
        step *= length
    return (x.offset, result.offset, result.size // max(1, x.size), len(shape), *fields)


def share_variant(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> Variant:
    """The broadcast's body, each copy divided by their number."""
    return (("SHARE", 1),)


@kernel
def broadcast_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, y, rank = instruction[1], instruction[2], instruction[4]
    share = real(1) / real(instruction[3]) if SHARE else real(1)
    inner, step = instruction[3 + 2 * rank], instruction[4 + 2 * rank]
    outer = start // inner
    while outer * inner < stop:
        rest, begin = outer, x
        for before in range(1, rank):
            axis = rank - 1 - before
            length = instruction[5 + 2 * axis]
            begin += (rest % length) * instruction[6 + 2 * axis]
            rest //= length
        low = start - outer * inner if start > outer * inner else 0
        high = stop - outer * inner if stop < (outer + 1) * inner else inner
        out = y + outer * inner
        if step == 0:
            value = arena[begin] * share
            for i in range(low, high):
                arena[out + i] = value
        else:
            for i in range(low, high):
                arena[out + i] = arena[begin + i] * share
        outer += 1


def broadcast_derivative(x: Value, y: Value, dy: Value) -> list[Value]:
    return [dy]  # the differentiation sums over the axes that were repeated


def spread_derivative(x: Value, y: Value, dy: Value) -> list[Value]:
    lead = y.rank - x.rank
    repeated = [axis for axis, dim in enumerate(y.shape) if axis < lead or x.shape[axis - lead] != dim]
    mean_of_copies = over_axes("mean", dy, repeated)
    return [mean_of_copies.program.build.emit("reshape", mean_of_copies, shape=x.shape) if lead else mean_of_copies]


def over_axes(name: str, x: Value, axes: Sequence[int], **attributes: Any) -> Value:
    """A reduction over any axes, ones in their place: one call for each run of neighbours."""
    run: list[int] = []
    for axis in sorted(axes):
        if run and axis != run[-1] + 1:
            x, run = x.program.build.emit(name, x, axes=tuple(run), keep=True, **attributes), []
        run.append(axis)
    return x.program.build.emit(name, x, axes=tuple(run), keep=True, **attributes) if run else x


broadcast = register(Primitive(
    name="broadcast", formula=r"y = x", shape=spread_shape, body=broadcast_body, derivative=broadcast_derivative,
    encode=spread_encode, source="the same number at several places",
))  # fmt: skip
spread = register(Primitive(
    name="spread", formula=r"y = \frac{x}{n}", shape=spread_shape, body=broadcast_body, derivative=spread_derivative,
    encode=spread_encode, variant=share_variant, source="what a mean sends back: an equal share",
))  # fmt: skip
