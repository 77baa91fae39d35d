"""What plain NumPy says to mini-batches: rows taken from a table, and put back."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from engine.primitives.base import Primitive
from tests.references.philox import philox_4x32_10
from tests.references.registry import ANY, Case, Draw, numbers, reference, seldom, shapes, whole_numbers


def rows_of_a_table(draw: Draw, primitive: Primitive) -> Case:
    shape = draw(shapes(1))
    beyond = seldom(draw)
    rows = whole_numbers(draw, -1 if beyond else 0, shape[0] + beyond, draw(shapes(0, 2)))
    if primitive.kind == "whole":
        return Case([whole_numbers(draw, 0, 100, shape), rows])
    return Case([*numbers(draw, [(shape, ANY)]), rows])


def taken(table, rows, otherwise):
    known = (rows >= 0) & (rows < len(table))
    spread = np.reshape(known, (*rows.shape, *[1] * (table.ndim - 1)))
    return np.where(spread, table[np.where(known, rows, 0)], otherwise)


@reference("gather_rows", rows_of_a_table)
def gather_rows(table, rows):
    return taken(table, rows, np.nan)


@reference("gather_whole_rows", rows_of_a_table)
def gather_whole_rows(table, rows):
    return taken(table, rows, -1)


def rows_for_a_table(draw: Draw, primitive: Primitive) -> Case:
    length, places, width = draw(st.integers(1, 6)), draw(shapes(0, 2)), draw(shapes(0, 2))
    rows = whole_numbers(draw, 0, length, places)
    return Case([*numbers(draw, [((*places, *width), ANY)]), rows], {"length": length})


@reference("scatter_rows", rows_for_a_table)
def scatter_rows(x, rows, length):
    table = np.zeros((length, *x.shape[rows.ndim :]))
    np.add.at(table, rows, x)
    return table


def epochs_of_data(draw: Draw, primitive: Primitive) -> Case:
    rows = draw(st.integers(1, 70))
    key = draw(st.none() | st.integers(0, 2**64 - 1))
    return Case([], {"rows": rows, "key": key}, epoch=draw(st.integers(0, 1000)), batch=draw(st.integers(1, rows)))


@reference("batch_rows", epochs_of_data)
def batch_rows(rows, key, epoch, batch):
    """A Feistel network on the two halves of a row number, written as words on paper."""
    if key is None:
        return np.arange(batch)
    bits = max(2, (rows - 1).bit_length())
    low, high = 2 ** (bits // 2), 2 ** (bits - bits // 2)
    keys = philox_4x32_10((epoch, 0, 0, 0), (key % 2**32, key >> 32))

    def mixed(half: int, turn: int) -> int:
        word = (half + keys[turn % 4] + (0x8DDE6E65 if turn >= 4 else 0)) % 2**32
        return (word ^ word // 2**16) * 0x7FEB352D % 2**32 // 2**15

    def walk(row: int) -> int:
        left, right = divmod(row, low)
        for turn in range(0, 8, 2):
            left ^= mixed(right, turn) % high
            right ^= mixed(left, turn + 1) % low
        return left * low + right

    order = []
    for row in range(batch):
        row = walk(row)
        while row >= rows:
            row = walk(row)
        order.append(row)
    return np.array(order)
