"""Mini-batches: which rows of the data take part in this iteration, and their numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.primitives.base import Arena, Code, Integers, Primitive, Region, kernel, register
from engine.program import B, Shape, Value

# The kernel reads the clock from the reserved integers: epoch at 1, first row of the iteration at 2 (see engine.tape).


def rows_shape(**attributes: Any) -> Shape:
    """One row number per example of the batch."""
    return (B,)


def rows_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """y, number of rows in the data, low and high half of the key (or -1: in order)."""
    key = attributes["key"]
    bits = max(2, (attributes["rows"] - 1).bit_length())
    half = (bits + 1) // 2
    return (result.offset, attributes["rows"], half, -1 if key is None else key & 0x7FFFFFFF)


@kernel
def batch_rows_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    y, rows, half, key = instruction[1], instruction[2], instruction[3], instruction[4]
    epoch, first = integers[1], integers[2]
    mask = (1 << half) - 1
    for i in range(start, stop):
        row = first + i
        if row >= rows:
            row -= rows  # a last batch that wraps begins again at the front
        if key >= 0:
            # A keyed bijection per epoch: a Feistel network over 2·half bits, walked until the number is a row.
            while True:
                left, right = row >> half, row & mask
                for turn in range(4):
                    mix = (right * 0x9E3779B1 + (key + epoch * 0x85EBCA6B + turn * 0xC2B2AE35)) & 0xFFFFFFFF
                    mix ^= mix >> 15
                    mix = (mix * 0x2C1B3C6D) & 0xFFFFFFFF
                    mix ^= mix >> 12
                    left, right = right, left ^ (mix & mask)
                row = (left << half) | right
                if row < rows:
                    break
        integers[y + i] = row


batch_rows = register(Primitive(
    name="batch_rows", formula=r"r_i = \pi_{\text{epoch}}(i)", shape=rows_shape, body=batch_rows_body, encode=rows_encode,
    kind="whole", source="Aggarwal 2023, §2.6.1",
))  # fmt: skip


def gather_shape(table: Value, rows: Value) -> Shape:
    """One row of the table per entry of `rows`."""
    return (*rows.shape, *table.shape[1:])


def gather_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """table, rows, y, entries per row."""
    table, rows = operands
    return (table.offset, rows.offset, result.offset, result.size // max(1, rows.size))


def length_in_rows(operands: Sequence[Region], result: Region) -> int:
    """The work is counted in rows."""
    return operands[1].size


@kernel
def gather_rows_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    table, rows, y, width = instruction[1], instruction[2], instruction[3], instruction[4]
    for i in range(start, stop):
        begin, out = table + integers[rows + i] * width, y + i * width
        for j in range(width):
            arena[out + j] = arena[begin + j]


gather_rows = register(Primitive(
    name="gather_rows", formula=r"y_i = x_{r_i}", shape=gather_shape, body=gather_rows_body, encode=gather_encode,
    length=length_in_rows, source="Aggarwal 2023, §2.6.1",
))  # fmt: skip


@kernel
def gather_whole_rows_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    table, rows, y, width = instruction[1], instruction[2], instruction[3], instruction[4]
    for i in range(start, stop):
        begin, out = table + integers[rows + i] * width, y + i * width
        for j in range(width):
            integers[out + j] = integers[begin + j]


gather_whole_rows = register(Primitive(
    name="gather_whole_rows", formula=r"y_i = x_{r_i}", shape=gather_shape, body=gather_whole_rows_body, encode=gather_encode,
    length=length_in_rows, kind="whole", source="Aggarwal 2023, §2.6.1",
))  # fmt: skip
