"""The optimizers' steps as the texts print them, and what watches a run."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from engine.primitives.base import Primitive
from tests.references.registry import ANY, Case, Draw, Drawing, generator, intervals_of, numbers, reference, shapes


def stepping(walking: int, settings: int) -> Drawing:
    """Parameters and what belongs to each of them, then single settings."""

    def drawing(draw: Draw, primitive: Primitive) -> Case:
        shape = draw(shapes())
        intervals = intervals_of(primitive, walking + settings)
        return Case(numbers(draw, list(zip([shape] * walking + [()] * settings, intervals, strict=True))))

    return drawing


@reference("sgd_update", stepping(2, 1))
def sgd_update(w, g, rate):
    return w - rate * g


@reference("momentum_update", stepping(3, 2))
def momentum_update(w, g, v, rate, momentum):
    v = momentum * v - rate * g
    return w + v, v


@reference("nesterov_update", stepping(3, 2))
def nesterov_update(w, g, v, rate, momentum):
    """The book's own form: w stands for W + βV, and the gradient was taken there."""
    book_w = w - momentum * v
    v = momentum * v - rate * g
    book_w = book_w + v
    return book_w + momentum * v, v


@reference("adam_update", stepping(4, 6))
def adam_update(w, g, m, v, rate, beta1, beta2, epsilon, beta1_to_t, beta2_to_t):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    return w - rate * (m / (1 - beta1_to_t)) / (np.sqrt(v / (1 - beta2_to_t)) + epsilon), m, v


reference("decay_power", stepping(1, 1))(lambda power, factor: power * factor)
reference("add_to", stepping(2, 0))(lambda w, step: w + step)
reference("non_finite_flag", stepping(1, 0))(lambda x: x)


def half_filled(draw: Draw, primitive: Primitive) -> Case:
    """A history with some bins begun, the last of them partly filled (or wholly, and perhaps no bin is free)."""
    random, capacity = generator(draw), 2 * draw(st.integers(1, 4))
    begun, width = draw(st.integers(0, capacity)), 2 ** draw(st.integers(0, 3))
    middle = random.normal(size=capacity)
    bins = np.stack([middle - random.uniform(0, 1, capacity), middle + random.uniform(0, 1, capacity), middle], axis=1)
    counters = np.array([begun, width if begun else 0, draw(st.integers(1, width)) if begun else 0], np.int32)
    (x,) = numbers(draw, [((), ANY)])
    return Case([bins, counters, x])


@reference("history_ring", half_filled)
def history_ring(bins, counters, x):
    bins, (begun, width, filled) = bins.copy(), counters
    if begun == 0:
        begun, width, filled = 1, 1, 0
        bins[0] = x
    elif filled == width:
        if begun == len(bins):
            pairs = bins.reshape(-1, 2, 3)
            bins[: begun // 2] = np.stack([pairs[..., 0].min(1), pairs[..., 1].max(1), pairs[:, 1, 2]], axis=1)
            begun, width = begun // 2, 2 * width
        bins[begun] = x
        begun, filled = begun + 1, 0
    last = bins[begun - 1]
    bins[begun - 1] = np.minimum(last[0], x), np.maximum(last[1], x), x
    return bins, np.array([begun, width, filled + 1])
