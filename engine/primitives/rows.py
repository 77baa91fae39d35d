"""Mini-batches: which rows of the data take part in this iteration, and their numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from engine.primitives.base import Arena, Code, Integers, Primitive, Region, kernel, low_product, real, register, scalar
from engine.primitives.draws import WORD, key_words, philox
from engine.problems import shape_mismatch
from engine.values import B, Dim, Shape, Value, shape_text

NAN = math.nan
SHUFFLED = 1  # compiled in
TURN = 0x8DDE6E65  # added to the keys when they are used again


@scalar()
def mixed(number):  # type: ignore[no-untyped-def]
    """A word whose lower bits depend on all bits of the number."""
    number = number & WORD
    return low_product(number ^ (number >> 16), 0x7FEB352D) >> 15


def rows_shape(rows: int, key: int | tuple[int, int] | None) -> Shape:
    """One row number per example of the batch."""
    return (B,)


def rows_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """y, number of rows in the data, bits of the lower half of a row number, bits of the upper one, the key's words."""
    rows, key = attributes["rows"], attributes["key"]
    bits = max(2, (rows - 1).bit_length())
    return (result.offset, rows, bits // 2, bits - bits // 2, *key_words(0 if key is None else key))


def rows_variant(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[tuple[str, int], ...]:
    """Without a key the rows come in their order."""
    return (("SHUFFLED", int(attributes["key"] is not None)),)


@scalar()
def walked(row, low_bits, low, high, k0, k1, k2, k3):  # type: ignore[no-untyped-def]
    """Where one pass of the Feistel network takes a number."""
    left, right = row >> low_bits, row & low
    left = left ^ mixed(right + k0) & high
    right = right ^ mixed(left + k1) & low
    left = left ^ mixed(right + k2) & high
    right = right ^ mixed(left + k3) & low
    left = left ^ mixed(right + k0 + TURN) & high
    right = right ^ mixed(left + k1 + TURN) & low
    left = left ^ mixed(right + k2 + TURN) & high
    right = right ^ mixed(left + k3 + TURN) & low
    return (left << low_bits) | right


@kernel
def batch_rows_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    y, rows = instruction[1], instruction[2]
    # The clock, from the reserved integers (see engine.tape): epoch, and first row of this iteration.
    epoch, first = integers[1], integers[2]
    low_bits, low, high = instruction[3], (1 << instruction[3]) - 1, (1 << instruction[4]) - 1
    # A keyed bijection per epoch: a Feistel network on the halves of the row number, whose round keys are one Philox block;
    # walked on until the number is a row. Fewer than eight rounds leave traces in data of three or five rows.
    k0, k1, k2, k3 = philox(epoch & WORD, 0, 0, 0, instruction[5] & WORD, instruction[6] & WORD)
    for i in range(start, stop):
        row = first + i
        if row >= rows:
            row %= rows  # a last batch that wraps begins again at the front
        integers[y + i] = walked(row, low_bits, low, high, k0, k1, k2, k3) if SHUFFLED else row
    if SHUFFLED:  # apart from the first step, which needs no branch
        for i in range(start, stop):
            row = integers[y + i]
            while row >= rows:
                row = walked(row, low_bits, low, high, k0, k1, k2, k3)
            integers[y + i] = row


batch_rows = register(Primitive(
    name="batch_rows", formula=r"r_i = \pi_{\text{epoch}}(i)", shape=rows_shape, body=batch_rows_body,
    encode=rows_encode,
    variant=rows_variant, kind="whole", source="Aggarwal 2023, §2.6.1; Luby & Rackoff 1988, Black & Rogaway 2002",
    convention="without a key in order; with one, every epoch has its own permutation",
))  # fmt: skip


def check_rows(rows: Value) -> None:
    """Raises `ShapeMismatch` where row numbers are not whole numbers."""
    if rows.kind != "whole":
        raise shape_mismatch("row numbers are whole numbers, these are not", "Use data that holds whole numbers.")


def gather_shape(table: Value, rows: Value) -> Shape:
    """One row of the table per entry of `rows`."""
    check_rows(rows)
    if table.rank < 1:
        raise shape_mismatch("a single number has no rows")
    return (*rows.shape, *table.shape[1:])


def gather_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """table, rows, y, entries per row, rows in the table."""
    table, rows = operands
    return (table.offset, rows.offset, result.offset, math.prod(table.shape[1:]), table.shape[0])


def length_in_rows(operands: Sequence[Region], result: Region) -> int:
    """The work is counted in row numbers."""
    return operands[1].size


@kernel
def gather_rows_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    table, rows, y, width, count = instruction[1], instruction[2], instruction[3], instruction[4], instruction[5]
    for i in range(start, stop):
        row, out = integers[rows + i], y + i * width
        if 0 <= row < count:
            begin = table + row * width
            for j in range(width):
                arena[out + j] = arena[begin + j]
        else:
            for j in range(width):
                arena[out + j] = real(NAN)


def gather_derivative(table: Value, rows: Value, y: Value, dy: Value) -> list[Value | None]:
    return [table.program.build.emit("scatter_rows", dy, rows, length=table.shape[0]), None]


gather_rows = register(Primitive(
    name="gather_rows", formula=r"y_i = x_{r_i}", shape=gather_shape,
    body=gather_rows_body, derivative=gather_derivative,
    encode=gather_encode, length=length_in_rows, source="Aggarwal 2023, §2.6.1",
    convention="NaN where there is no such row",
))  # fmt: skip


@kernel
def gather_whole_rows_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    table, rows, y, width, count = instruction[1], instruction[2], instruction[3], instruction[4], instruction[5]
    for i in range(start, stop):
        row, out = integers[rows + i], y + i * width
        known = 0 <= row < count
        begin = table + (row if known else 0) * width
        for j in range(width):
            integers[out + j] = integers[begin + j] if known else -1


gather_whole_rows = register(Primitive(
    name="gather_whole_rows", formula=r"y_i = x_{r_i}", shape=gather_shape, body=gather_whole_rows_body,
    encode=gather_encode,
    length=length_in_rows, kind="whole", source="Aggarwal 2023, §2.6.1",
    convention="−1, no class, where there is no such row",
))  # fmt: skip


def scatter_shape(x: Value, rows: Value, length: Dim) -> Shape:
    """A table of `length` rows, each as wide as a row of `x`."""
    check_rows(rows)
    if x.shape[: rows.rank] != rows.shape:
        raise shape_mismatch(f"{shape_text(rows.shape)} row numbers meet {shape_text(x.shape)} numbers")
    return (length, *x.shape[rows.rank :])


def scatter_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """x, rows, y, entries per row, row numbers."""
    x, rows = operands
    return (x.offset, rows.offset, result.offset, math.prod(result.shape[1:]), rows.size)


def length_in_table(operands: Sequence[Region], result: Region) -> int:
    """The work is counted in rows of the table."""
    return result.shape[0]


@kernel
def scatter_rows_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, rows, y, width, count = instruction[1], instruction[2], instruction[3], instruction[4], instruction[5]
    for i in range(start * width, stop * width):
        arena[y + i] = real(0)
    for i in range(count):
        row, begin = integers[rows + i], x + i * width
        if start <= row < stop:  # each piece of the table looks for its own rows, in their order
            out = y + row * width
            for j in range(width):
                arena[out + j] = arena[out + j] + arena[begin + j]


def scatter_derivative(x: Value, rows: Value, y: Value, dy: Value) -> list[Value | None]:
    return [x.program.build.emit("gather_rows", dy, rows), None]


scatter_rows = register(Primitive(
    name="scatter_rows", formula=r"y_r = \sum_{i : r_i = r} x_i", shape=scatter_shape, body=scatter_rows_body,
    derivative=scatter_derivative, encode=scatter_encode, length=length_in_table,
    source="what a gather of rows sends back",
    convention="rows drawn twice are added up",
))  # fmt: skip
