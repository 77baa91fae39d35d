"""Sequences read from their end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.primitives.base import Primitive, Region, need_real, register, rows_of_result
from engine.primitives.batched import permute_body, permute_encode
from engine.problems import shape_mismatch
from engine.program import Shape, Value, shape_text


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
