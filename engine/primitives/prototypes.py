"""Distances between rows and prototypes."""

from __future__ import annotations

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
    real,
    register,
    rows_of_result,
)
from engine.problems import shape_mismatch
from engine.values import Shape, Value, shape_text


def square_distance_shape(x: Value, w: Value) -> Shape:
    """(rows, features) and (prototypes, features) make (rows, prototypes)."""
    need_real(x, w)
    if x.rank != 2 or w.rank != 2 or x.shape[1] != w.shape[1]:
        raise shape_mismatch(
            f"rows of {shape_text(x.shape)} meet prototypes of {shape_text(w.shape)}",
            "Give both the same number of features.",
        )
    return (x.shape[0], w.shape[0])


def square_distance_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """x, w, y, prototypes, features."""
    x, w = operands
    return (x.offset, w.offset, result.offset, w.shape[0], w.shape[1])


@kernel
def square_distance_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    units, width = instruction[4], instruction[5]
    for r in range(start, stop):
        x = instruction[1] + r * width
        for u in range(units):
            w, total = instruction[2] + u * width, real(0)
            for c in range(width):
                # The differences themselves: |x|² + |w|² − 2xw would lose the digits of what lies close together.
                apart = arena[x + c] - arena[w + c]
                total += apart * apart
            arena[instruction[3] + r * units + u] = total


def square_distance_derivative(x: Value, w: Value, y: Value, dy: Value) -> list[Value]:
    emit = x.program.build.emit
    by_row, by_unit = emit("sum", dy, axes=(1,), keep=True), emit("sum", dy, axes=(0,))
    column = emit("reshape", by_unit, shape=(w.shape[0], 1))
    return [2.0 * (by_row * x - dy @ w), 2.0 * (column * w - emit("matmul", dy, x, transpose_a=True))]


square_distance = register(Primitive(
    name="square_distance", formula=r"y_{nu} = \lVert x_n - w_u \rVert^2", shape=square_distance_shape,
    body=square_distance_body, derivative=square_distance_derivative, encode=square_distance_encode,
    length=rows_of_result, source="Aggarwal 2023, eqs 6.1 and 12.23",
))  # fmt: skip
