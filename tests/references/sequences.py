"""What NumPy and SciPy say to sequences read from their end, and to sums that forget."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from scipy.signal import lfilter

from engine.primitives.base import Interval, Primitive
from tests.references.registry import ANY, Case, Draw, numbers, reference, shapes


def one_axis(draw: Draw, primitive: Primitive) -> Case:
    shape = draw(shapes(1, 4))
    return Case(numbers(draw, [(shape, ANY)]), {"axis": draw(st.integers(0, len(shape) - 1))})


@reference("reverse", one_axis)
def reverse(x, axis):
    return np.flip(x, axis)


def sequences_with_lengths(draw: Draw, primitive: Primitive) -> Case:
    shape = (*draw(shapes(2, 3, 5)), draw(st.integers(1, 4)))
    return Case(numbers(draw, [(shape, ANY), (shape[:1], Interval(-1.0, 6.0, (0.0, 1.0, 2.0, 3.0, 4.0, 5.0)))]))


@reference("reverse_within", sequences_with_lengths)
def reverse_within(x, lengths):
    result = x.copy()
    for row, length in enumerate(lengths):
        if np.isnan(length):
            result[row] = np.nan
        else:
            inside = int(np.clip(np.floor(length), 0, x.shape[1]))
            result[row, :inside] = x[row, :inside][::-1]
    return result


def rows_and_a_factor(draw: Draw, primitive: Primitive) -> Case:
    shape = (*draw(shapes(0, 2)), draw(st.integers(1, 7)))
    operands = numbers(draw, [(shape, ANY), ((), Interval(0.2, 0.95))])
    return Case(operands, {"reverse": draw(st.booleans())})


@reference("discounted_sum", rows_and_a_factor)
def discounted_sum(x, factor, reverse):
    if np.isnan(factor):
        return np.full_like(x, np.nan)
    turned = x[..., ::-1] if reverse else x
    found = lfilter([1.0], [1.0, -factor], turned, axis=-1)
    return found[..., ::-1] if reverse else found
