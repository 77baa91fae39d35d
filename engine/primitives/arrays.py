"""Primitives that rearrange numbers without calculating: views, parts, and what is set side by side."""

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
    same,
)
from engine.problems import shape_mismatch
from engine.values import Dim, Shape, Value, count, shape_text


def reshape_shape(x: Value, shape: Shape) -> Shape:
    """Any shape with as many entries."""
    need_real(x)
    if count(shape) != count(x.shape):
        raise shape_mismatch(
            f"{shape_text(x.shape)} cannot be laid out as {shape_text(shape)}", "The number of entries must agree."
        )
    return shape


def reshape_derivative(x: Value, y: Value, dy: Value) -> list[Value]:
    return [x.program.build.emit("reshape", dy, shape=x.shape)]


reshape = register(Primitive(
    name="reshape", formula=r"y = x", shape=reshape_shape, derivative=reshape_derivative, is_view=True,
    source="the same numbers in another shape",
))  # fmt: skip

stop_gradient = register(Primitive(
    name="stop_gradient", formula=r"y = x,\quad \frac{\partial y}{\partial x} := 0", shape=same, derivative=no_derivative,
    is_view=True, source="targets that must not move: Aggarwal 2023, §11.4",
    convention="its derivative is 0 by decision",
))  # fmt: skip


def axis_length(x: Value, axis: int) -> int:
    """The length of an axis that can be cut. Raises `ShapeMismatch` where there is none, or where it is the batch."""
    if not 0 <= axis < x.rank:
        raise shape_mismatch(
            f"{shape_text(x.shape)} has no axis {axis}", f"Axes count from 0 to {x.rank - 1}." if x.rank else ""
        )
    length = x.shape[axis]
    if not isinstance(length, int):
        raise shape_mismatch(
            "the batch cannot be cut or joined inside a network", "Choose another axis than the first."
        )
    return length


def concat_shape(*operands: Value, axis: int) -> Shape:
    """The operands one behind the other along an axis; their other axes agree."""
    need_real(*operands)
    lengths = [axis_length(operand, axis) for operand in operands]
    others = {operand.shape[:axis] + operand.shape[axis + 1 :] for operand in operands}
    if len(others) > 1:
        raise shape_mismatch(
            "these do not lie side by side: " + ", ".join([shape_text(operand.shape) for operand in operands])
        )
    first = operands[0].shape
    return (*first[:axis], sum(lengths), *first[axis + 1 :])


def cut_axis(operands: Sequence[Region], result: Region) -> int:
    """The axis along which operand and result differ; 0, one block, where they are the same."""
    pairs = zip(operands[0].shape, result.shape, strict=True)
    return next((axis for axis, (mine, its) in enumerate(pairs) if mine != its), 0)


def blocks(operands: Sequence[Region], result: Region) -> int:
    """The work is counted in blocks: as many as the axes before the cut make."""
    return math.prod(result.shape[: cut_axis(operands, result)])


def concat_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """y, numbers of y in a block, number of operands, then of each its offset and its numbers in a block."""
    axis = cut_axis(operands, result)
    parts = [number for region in operands for number in (region.offset, math.prod(region.shape[axis:]))]
    return (result.offset, math.prod(result.shape[axis:]), len(operands), *parts)


@kernel
def concat_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    shift, row, parts = instruction[1], instruction[2], instruction[3]
    for k in range(parts):
        x, width = instruction[4 + 2 * k], instruction[5 + 2 * k]
        for o in range(start, stop):
            out, begin = shift + o * row, x + o * width
            for i in range(width):
                arena[out + i] = arena[begin + i]
        shift += width


def concat_derivative(*values: Value) -> list[Value]:
    *operands, y, dy = values
    axis, begin, parts = y.call.attributes["axis"] if y.call else 0, 0, []
    for operand in operands:
        end = begin + axis_length(operand, axis)
        parts.append(dy.program.build.emit("slice", dy, axis=axis, start=begin, stop=end))
        begin = end
    return parts


concat = register(Primitive(
    name="concat", formula=r"y = [x_1, x_2, \dots]", shape=concat_shape, body=concat_body, derivative=concat_derivative,
    encode=concat_encode, length=blocks, source="block vectors",
))  # fmt: skip


def slice_shape(x: Value, axis: int, start: int, stop: int) -> Shape:
    """Entries start, start + 1, … stop - 1 of an axis."""
    need_real(x)
    length = axis_length(x, axis)
    if not 0 <= start < stop <= length:
        raise shape_mismatch(
            f"entries {start} to {stop} are not within the {length} of axis {axis}",
            f"Choose 0 ≤ start < stop ≤ {length}.",
        )
    return (*x.shape[:axis], stop - start, *x.shape[axis + 1 :])


def slice_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """x at the first number taken, y, numbers of x in a block, numbers taken of a block."""
    axis, shape = cut_axis(operands, result), operands[0].shape
    inner = math.prod(shape[axis + 1 :])
    first = operands[0].offset + attributes["start"] * inner
    return (first, result.offset, shape[axis] * inner, result.shape[axis] * inner)


@kernel
def slice_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, y, row, width = instruction[1], instruction[2], instruction[3], instruction[4]
    for o in range(start, stop):
        out, begin = y + o * width, x + o * row
        for i in range(width):
            arena[out + i] = arena[begin + i]


def slice_derivative(x: Value, y: Value, dy: Value) -> list[Value]:
    cut = y.call.attributes if y.call else {}
    axis = cut["axis"]
    return [x.program.build.emit("place", dy, axis=axis, start=cut["start"], length=axis_length(x, axis))]


slice_ = register(Primitive(
    name="slice", formula=r"y_i = x_{a + i}", shape=slice_shape, body=slice_body, derivative=slice_derivative,
    encode=slice_encode, length=blocks, source="a part of a vector",
))  # fmt: skip


def place_shape(x: Value, axis: int, start: int, length: int) -> Shape:
    """The operand within zeros: an axis grows to `length`, the operand begins at `start`."""
    need_real(x)
    width = axis_length(x, axis)
    if not 0 <= start <= length - width:
        raise shape_mismatch(f"{width} entries do not fit into {length} behind entry {start}")
    grown: list[Dim] = [*x.shape[:axis], length, *x.shape[axis + 1 :]]
    return tuple(grown)


def place_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """x, y, numbers of y in a block, numbers of x in a block, zeros before them."""
    axis, shape = cut_axis(operands, result), operands[0].shape
    inner = math.prod(shape[axis + 1 :])
    row, width = result.shape[axis] * inner, shape[axis] * inner
    return (operands[0].offset, result.offset, row, width, attributes["start"] * inner)


@kernel
def place_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, y, row, width, lead = instruction[1], instruction[2], instruction[3], instruction[4], instruction[5]
    for o in range(start, stop):
        out, begin = y + o * row, x + o * width
        for i in range(lead):
            arena[out + i] = real(0)
        for i in range(width):
            arena[out + lead + i] = arena[begin + i]
        for i in range(lead + width, row):
            arena[out + i] = real(0)


def place_derivative(x: Value, y: Value, dy: Value) -> list[Value]:
    put = y.call.attributes if y.call else {}
    axis, start = put["axis"], put["start"]
    return [x.program.build.emit("slice", dy, axis=axis, start=start, stop=start + axis_length(x, axis))]


place = register(Primitive(
    name="place", formula=r"y_{a + i} = x_i,\quad 0 \text{ else}", shape=place_shape, body=place_body,
    derivative=place_derivative, encode=place_encode, length=blocks, source="what a slice sends back",
))  # fmt: skip
