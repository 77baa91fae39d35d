"""Rows in groups: which row of each group is the largest, column by column; what aggregates the neighbours in a graph."""

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
    kernel,
    need_real,
    register,
)
from engine.primitives.ordering import exceeds
from engine.primitives.rows import check_rows
from engine.problems import shape_mismatch
from engine.values import Dim, Shape, Value, shape_text


def segment_argmax_shape(x: Value, rows: Value, length: Dim) -> Shape:
    """For each column of `x` the number of one row in each of `length` groups: (columns, length)."""
    need_real(x)
    check_rows(rows)
    if x.rank != 2 or rows.shape != x.shape[:1]:
        raise shape_mismatch(f"{shape_text(rows.shape)} groups meet {shape_text(x.shape)} numbers")
    return (x.shape[1], length)


def segment_argmax_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """x, rows, y, columns, rows of x, groups."""
    x, rows = operands
    return (x.offset, rows.offset, result.offset, x.shape[1], x.shape[0], result.shape[1])


def length_in_groups(operands: Sequence[Region], result: Region) -> int:
    """The work is counted in groups."""
    return result.shape[1]


@kernel
def segment_argmax_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, rows, y = instruction[1], instruction[2], instruction[3]
    width, count, length = instruction[4], instruction[5], instruction[6]
    for c in range(width):
        for g in range(start, stop):
            integers[y + c * length + g] = -1
    for i in range(count):
        g = integers[rows + i]
        if start <= g < stop:  # each piece of the groups looks for its own rows, in their order
            for c in range(width):
                best = integers[y + c * length + g]
                if best < 0 or exceeds(arena[x + i * width + c], arena[x + best * width + c]):
                    integers[y + c * length + g] = i
    for c in range(width):
        for g in range(start, stop):
            if integers[y + c * length + g] < 0:
                integers[y + c * length + g] = 0


segment_argmax = register(Primitive(
    name="segment_argmax", formula=r"y_{cg} = \arg\max_{i : r_i = g} x_{ic}", shape=segment_argmax_shape,
    body=segment_argmax_body, encode=segment_argmax_encode, length=length_in_groups, kind="whole",
    domain=Interval(ties=True), source="Aggarwal 2023, §10.3.3: the largest of the neighbours",
    convention="of equal numbers the first; a NaN counts as the largest; 0 for a group without rows; no derivative",
))  # fmt: skip
