"""Order among the numbers of a row: which are the largest, taking them, putting them back, and marking the winners.

A row is the last axis; where another axis is meant, the node lays it last with `permute`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from engine.primitives.arrays import axis_length
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
    rows_of_result,
    scalar,
    whole32,
)
from engine.primitives.norms import need_row_and_number, row_and_number_encode
from engine.problems import shape_mismatch
from engine.values import Dim, Shape, Value, shape_text

NAN = math.nan
LARGEST = 1  # compiled in: whether the largest come first
SHARE = 0  # compiled in: whether a share of the row wins, or so many


def need_rows(x: Value) -> None:
    """Raises `ShapeMismatch` where there is no axis to put in order."""
    need_real(x)
    if x.rank < 1:
        raise shape_mismatch("a single number has no order", "Give it a row of numbers.")


def check_index(x: Value, index: Value, rows: Shape) -> None:
    """Raises `ShapeMismatch` where `index` holds no places in the rows of `x`."""
    if index.kind != "whole":
        raise shape_mismatch("places are whole numbers, these are not", "Use what an argmax or a sort gives.")
    if index.rank < 1 or rows != x.shape[:-1]:
        raise shape_mismatch(f"{shape_text(index.shape)} places meet {shape_text(x.shape)} numbers")


@scalar()
def exceeds(u, v):  # type: ignore[no-untyped-def]
    """Whether u is larger; a NaN is larger than every number, so that it is not lost behind them."""
    return u > v or (u != u and v == v)


@scalar()
def precedes(arena, x, i, j, largest):  # type: ignore[no-untyped-def]
    """Whether the number at place i of the row comes before the one at j; of equal ones the first."""
    u, v = arena[x + i], arena[x + j]
    first = exceeds(u, v) if largest else exceeds(v, u)
    other = exceeds(v, u) if largest else exceeds(u, v)
    return first or (not other and i < j)


@scalar()
def sink_place(arena, integers, x, heap, size, largest):  # type: ignore[no-untyped-def]
    """Restore a heap of places whose root, the last of them in order, has been replaced."""
    at, sought = 0, integers[heap]
    while 2 * at + 1 < size:
        child = 2 * at + 1
        if child + 1 < size and precedes(arena, x, integers[heap + child], integers[heap + child + 1], largest):
            child += 1
        if not precedes(arena, x, sought, integers[heap + child], largest):
            break
        integers[heap + at] = integers[heap + child]
        at = child
    integers[heap + at] = sought


def order_shape(x: Value, largest: bool = True, keep: int | None = None) -> Shape:
    """As the operand, each row cut to its `keep` first ones (None: all)."""
    need_rows(x)
    if keep is None:
        return x.shape
    length = axis_length(x, x.rank - 1)
    if not 1 <= keep <= length:
        raise shape_mismatch(f"{keep} of {length} numbers cannot be taken", f"Take 1 to {length}.")
    return (*x.shape[:-1], keep)


def order_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """x, y, numbers in a row, how many of them are kept."""
    return (operands[0].offset, result.offset, operands[0].shape[-1], result.shape[-1])


def order_variant(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> Variant:
    """Which come first."""
    return (("LARGEST", int(attributes.get("largest", True))),)


@kernel
def order_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    # A heap of the best so far, the last of them at its root, then taken apart from the end: no memory but the result.
    width, keep = instruction[3], instruction[4]
    for r in range(start, stop):
        x, heap = instruction[1] + r * width, instruction[2] + r * keep
        for c in range(keep):
            at = c
            while at > 0 and precedes(arena, x, integers[heap + (at - 1) // 2], c, LARGEST):
                integers[heap + at] = integers[heap + (at - 1) // 2]
                at = (at - 1) // 2
            integers[heap + at] = c
        for c in range(keep, width):
            if precedes(arena, x, c, integers[heap], LARGEST):
                integers[heap] = c
                sink_place(arena, integers, x, heap, keep, LARGEST)
        for taken in range(1, keep):
            last = heap + keep - taken
            integers[last], integers[heap] = integers[heap], integers[last]
            sink_place(arena, integers, x, heap, keep - taken, LARGEST)


order = register(Primitive(
    name="order", formula=r"x_{y_1} \geq x_{y_2} \geq \dots", shape=order_shape, body=order_body, encode=order_encode,
    length=rows_of_result, variant=order_variant, kind="whole", source="Williams 1964, heapsort",
    convention="of equal numbers the first; a NaN counts as the largest; it has no derivative",
))  # fmt: skip


def take_shape(x: Value, index: Value) -> Shape:
    """One number for each place."""
    need_rows(x)
    check_index(x, index, index.shape[:-1])
    return index.shape


def take_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """x, places, y, numbers in a row of x, places in a row."""
    x, index = operands
    return (x.offset, index.offset, result.offset, x.shape[-1], index.shape[-1])


@kernel
def take_along_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, index, y, width, taken = instruction[1], instruction[2], instruction[3], instruction[4], instruction[5]
    for r in range(start, stop):
        for k in range(r * taken, (r + 1) * taken):
            place = integers[index + k]
            arena[y + k] = arena[x + r * width + place] if 0 <= place < width else real(NAN)


def take_along_derivative(x: Value, index: Value, y: Value, dy: Value) -> list[Value | None]:
    return [x.program.build.emit("put_along", dy, index, length=x.shape[-1]), None]


take_along = register(Primitive(
    name="take_along", formula=r"y_k = x_{p_k}", shape=take_shape, body=take_along_body,
    derivative=take_along_derivative, encode=take_encode, length=rows_of_result, source="what a sort makes of its row",
    convention="NaN where there is no such place",
))  # fmt: skip


def put_shape(x: Value, index: Value, length: Dim) -> Shape:
    """Rows of `length` numbers."""
    need_rows(x)
    check_index(x, index, index.shape[:-1])
    if index.shape != x.shape:
        raise shape_mismatch(f"{shape_text(index.shape)} places meet {shape_text(x.shape)} numbers")
    return (*x.shape[:-1], length)


def put_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """x, places, y, numbers in a row of y, places in a row."""
    x, index = operands
    return (x.offset, index.offset, result.offset, result.shape[-1], index.shape[-1])


@kernel
def put_along_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, index, y, width, taken = instruction[1], instruction[2], instruction[3], instruction[4], instruction[5]
    for r in range(start, stop):
        out, known = y + r * width, True
        for k in range(r * taken, (r + 1) * taken):
            known = known and 0 <= integers[index + k] < width
        fill = real(0) if known else real(NAN)
        for c in range(width):
            arena[out + c] = fill
        if known:
            for k in range(r * taken, (r + 1) * taken):
                place = out + integers[index + k]
                arena[place] = arena[place] + arena[x + k]


def put_along_derivative(x: Value, index: Value, y: Value, dy: Value) -> list[Value | None]:
    return [x.program.build.emit("take_along", dy, index), None]


put_along = register(Primitive(
    name="put_along", formula=r"y_p = \sum_{k : p_k = p} x_k", shape=put_shape, body=put_along_body,
    derivative=put_along_derivative, encode=put_encode, length=rows_of_result,
    source="what numbers taken from a row send back",
    convention="numbers of one place are added up; a row of NaN where one has no such place",
))  # fmt: skip


def winners_shape(x: Value, keep: Value, share: bool = False) -> Shape:
    """The shape of `x`; `keep` is one number."""
    need_row_and_number(x, keep, "how many win")
    return x.shape


def winners_variant(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> Variant:
    """What `keep` counts."""
    return (("SHARE", int(attributes.get("share", False))),)


@scalar()
def sink_number(arena, heap, size):  # type: ignore[no-untyped-def]
    """Restore a heap of numbers whose root, the smallest of them, has been replaced."""
    at, sought = 0, arena[heap]
    while 2 * at + 1 < size:
        child = 2 * at + 1
        if child + 1 < size and exceeds(arena[heap + child], arena[heap + child + 1]):
            child += 1
        if not exceeds(sought, arena[heap + child]):
            break
        arena[heap + at] = arena[heap + child]
        at = child
    arena[heap + at] = sought


@kernel
def winners_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    keep, width = arena[instruction[2]], instruction[4]
    # The next whole number above a share; a product that rounding lifted above a whole number is that number.
    sought = keep * real(width) * real(0.999999) + real(1) if SHARE else keep
    most = width if sought >= real(width) else (whole32(sought) if sought >= real(1) else 1)
    for r in range(start, stop):
        x, y = instruction[1] + r * width, instruction[3] + r * width
        for c in range(most):  # the result's own memory holds the heap of the largest until it is marked
            at = c
            while at > 0 and exceeds(arena[y + (at - 1) // 2], arena[x + c]):
                arena[y + at] = arena[y + (at - 1) // 2]
                at = (at - 1) // 2
            arena[y + at] = arena[x + c]
        for c in range(most, width):
            if exceeds(arena[x + c], arena[y]):
                arena[y] = arena[x + c]
                sink_number(arena, y, most)
        least, free = arena[y], most
        for c in range(width):
            free -= 1 if exceeds(arena[x + c], least) else 0
        for c in range(width):
            v = arena[x + c]
            above, below = exceeds(v, least), exceeds(least, v)
            level = not above and not below and free > 0
            free -= 1 if level else 0
            mark = real(1) if above or level else real(0)
            arena[y + c] = keep if keep != keep else (mark if v == v else v)


winners = register(Primitive(
    name="winners", formula=r"m_i = [\,x_i \text{ is among the } k \text{ largest}\,]", shape=winners_shape,
    body=winners_body, derivative=no_derivative, encode=row_and_number_encode, length=rows_of_result,
    variant=winners_variant, domain=(Interval(ties=True), Interval(1.0, 3.0)),
    source="Aggarwal 2023, §5.10.1.1",
    convention="of equal numbers the first; at least one; of a share of n the next whole number above",
))  # fmt: skip
