"""What NumPy and SciPy say to the terms of losses, and to what is right and wrong."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from scipy import special

from engine.primitives.base import Primitive
from tests.references.registry import Case, Draw, generator, intervals_of, numbers, reference, shapes


def rows_of_scores(draw: Draw, primitive: Primitive) -> Case:
    """Rows of scores, and a row of targets for each."""
    shape = (*draw(shapes(0, 2)), draw(st.integers(2, 5)))
    return Case(numbers(draw, [(shape, interval) for interval in intervals_of(primitive, 2)]))


def scores_and_classes(draw: Draw, primitive: Primitive) -> Case:
    """Rows of scores, and the number of a class for each."""
    rows, classes = draw(shapes(0, 2)), draw(st.integers(2, 5))
    (scores,) = numbers(draw, [((*rows, classes), intervals_of(primitive, 1)[0])])
    return Case([scores, np.asarray(generator(draw).integers(0, classes, rows), np.int32)])


@reference("binary_cross_entropy")
def binary_cross_entropy(p, t):
    return -special.xlogy(t, p) - special.xlog1py(1 - t, -p)


@reference("binary_cross_entropy_slope")
def binary_cross_entropy_slope(p, t):
    return (p - t) / (p * (1 - p))


@reference("ratio_or_zero")
def ratio_or_zero(a, b):
    return np.where((a == 0) & ~np.isnan(b), 0, a / b)


@reference("logistic_cross_entropy")
def logistic_cross_entropy(z, t):
    return np.logaddexp(0, z) - t * z


@reference("class_cross_entropy", scores_and_classes)
def class_cross_entropy(z, c):
    return special.logsumexp(z, axis=-1) - np.take_along_axis(z, c[..., None], -1)[..., 0]


@reference("softmax_cross_entropy", rows_of_scores)
def softmax_cross_entropy(z, t):
    return -(t * special.log_softmax(z, axis=-1)).sum(axis=-1)


@reference("log_sum_exp", lambda draw, primitive: Case(rows_of_scores(draw, primitive).operands[:1]))
def log_sum_exp(x):
    return special.logsumexp(x, axis=-1)


@reference("right_side")
def right_side(p, t, c):
    return np.where(np.isnan(p - c), np.nan, (p != c) & ((p > c) == (t > 0.5)))


@reference("right_class", scores_and_classes)
def right_class(z, c):
    return np.where(np.isnan(z).any(axis=-1), np.nan, z.argmax(axis=-1) == c)


@reference("right_column", rows_of_scores)
def right_column(z, t):
    return np.where(np.isnan(z).any(axis=-1), np.nan, z.argmax(axis=-1) == t.argmax(axis=-1))


@reference("side")
def side(x):
    return 2 * np.heaviside(x, 1) - 1


@reference("label_error")
def label_error(v, t):
    return np.where(np.isnan(v * t), np.nan, np.where(np.sign(v) == np.sign(t), 0, 2 * t))
