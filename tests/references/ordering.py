"""What NumPy and SciPy say to order among numbers: sorting, taking, putting back, marking; running sums."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import strategies as st

from engine.primitives.base import Primitive
from tests.references.registry import (
    ANY,
    Array,
    Case,
    Draw,
    generator,
    numbers,
    reference,
    seldom,
    shapes,
    whole_numbers,
)


def row_of_numbers(draw: Draw, ties: bool) -> Array:
    """Rows of numbers; of a few different ones where ties are wanted."""
    shape = (*draw(shapes(0, 2)), draw(st.integers(1, 9)))
    if ties:
        return np.asarray(generator(draw).integers(0, 4, shape), np.float64)
    return numbers(draw, [(shape, ANY)])[0]


def rows_to_order(draw: Draw, primitive: Primitive) -> Case:
    x = row_of_numbers(draw, draw(st.booleans()))
    keep = draw(st.none() | st.integers(1, x.shape[-1]))
    return Case([x], {"largest": draw(st.booleans()), "keep": keep})


@reference("order", rows_to_order)
def order(x, largest, keep):
    # NumPy puts NaN last; turned round and back, the first of equal numbers is first again.
    key = np.where(np.isnan(x), np.inf, x)
    return np.argsort(-key if largest else key, axis=-1, kind="stable")[..., :keep]


def places_in_rows(draw: Draw, primitive: Primitive) -> Case:
    rows, width, taken = draw(shapes(0, 2)), draw(st.integers(1, 5)), draw(st.integers(1, 5))
    beyond = seldom(draw)
    places = whole_numbers(draw, -1 if beyond else 0, width + beyond, (*rows, taken))
    if primitive.name == "put_along":
        return Case([*numbers(draw, [((*rows, taken), ANY)]), places], {"length": width})
    return Case([*numbers(draw, [((*rows, width), ANY)]), places])


@reference("take_along", places_in_rows)
def take_along(x, index):
    known = (index >= 0) & (index < x.shape[-1])
    return np.where(known, np.take_along_axis(x, np.where(known, index, 0), -1), np.nan)


@reference("put_along", places_in_rows)
def put_along(x, index, length):
    rows = np.zeros((*x.shape[:-1], length))
    for at in np.ndindex(x.shape):
        if 0 <= index[at] < length:
            rows[(*at[:-1], index[at])] += x[at]
        else:
            rows[at[:-1]] = np.nan
    return rows


def competition(draw: Draw, primitive: Primitive) -> Case:
    """Rows, and how many win: half way between whole numbers, where a central difference finds no jump."""
    x = row_of_numbers(draw, ties=False)
    keep, share = draw(st.integers(0, x.shape[-1] + 1)) + 0.5, draw(st.booleans())
    return Case([x, np.full((), keep / x.shape[-1] if share else keep)], {"share": share})


@reference("winners", competition)
def winners(x, keep, share):
    if np.isnan(keep):
        return np.full(x.shape, np.nan)
    most = math.ceil(float(keep) * x.shape[-1]) if share else int(keep)
    rank = np.argsort(order(x, True, None), axis=-1)
    return np.where(np.isnan(x), np.nan, rank < max(most, 1))


def runs(draw: Draw, primitive: Primitive) -> Case:
    return Case([row_of_numbers(draw, ties=False)], {name: draw(st.booleans()) for name in ("reverse", "exclusive")})


@reference("cumulative_sum", runs)
def cumulative_sum(x, reverse, exclusive):
    width = x.shape[-1]
    counted = np.tri(width, k=-1 if exclusive else 0)
    return np.stack([np.where(row, x, 0).sum(-1) for row in (counted.T if reverse else counted).astype(bool)], -1)
