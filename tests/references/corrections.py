"""Penalties, clipping, projections and means of parameters."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from engine.primitives.base import Primitive
from tests.references.philox import WORD, words
from tests.references.registry import ANY, Case, Draw, intervals_of, numbers, reference, shapes
from tests.references.updates import stepping


def penalised(draw: Draw, primitive: Primitive) -> Case:
    return stepping(3, 1)(draw, primitive)._replace(attributes=draw(st.sampled_from([{}, {"whole": True}])))


reference("l2_gradient", penalised)(lambda out, g, w, strength, whole=False: g + (2 if whole else 1) * strength * w)
reference("l1_gradient", stepping(3, 1))(lambda out, g, w, strength: g + strength * np.sign(w))


def drawn_at_zero(draw: Draw, primitive: Primitive) -> Case:
    case = stepping(3, 1)(draw, primitive)
    out, g, w, strength = case.operands
    w = np.where(np.arange(w.size).reshape(w.shape) % 2 == 0, 0.0, w)
    key, iteration = draw(st.tuples(WORD, WORD)), draw(st.integers(0, 2**31 - 1))
    return case._replace(operands=[out, g, w, strength], attributes={"key": key}, iteration=iteration)


@reference("l1_gradient_drawn", drawn_at_zero)
def l1_gradient_drawn(out, g, w, strength, key, iteration):
    drawn = np.where(words(w.shape, key, iteration)[..., 0] >= 2**31, 1.0, -1.0)
    return g + strength * np.where(w == 0, drawn, np.sign(w))


@reference("clip_value", stepping(2, 2))
def clip_value(out, g, low, high):
    return np.where(g < low, low, np.where(g > high, high, g))


def several(draw: Draw, primitive: Primitive) -> Case:
    wanted = draw(st.lists(shapes(), min_size=1, max_size=4))
    return Case(numbers(draw, [(shape, ANY) for shape in wanted]))


@reference("gradient_norm", several)
def gradient_norm(*gradients):
    return np.linalg.norm(np.concatenate([gradient.ravel() for gradient in gradients]))


@reference("clip_norm", stepping(2, 2))
def clip_norm(out, g, norm, threshold):
    return g * (threshold / norm if norm > threshold else 1.0)


reference("unit_norm", stepping(2, 1))(lambda out, g, norm: g / norm if norm > 0 else g)


@reference("weight_decay", stepping(2, 2))
def weight_decay(w, out, rate, strength):
    return w * (1 - rate * strength), w * (1 - rate * strength)


@reference("late_weight_decay", stepping(2, 2))
def late_weight_decay(w, out, rate, strength):
    return w * (1 - rate * strength), w


@reference("soft_threshold", stepping(2, 2))
def soft_threshold(w, out, rate, strength):
    return np.sign(w) * np.maximum(np.abs(w) - rate * strength, 0), w


reference("keep_positive", stepping(2, 0))(lambda w, out: (np.maximum(w, 0), w))


def matrix(draw: Draw, primitive: Primitive) -> Case:
    shape = draw(shapes(2, 2))
    return Case(numbers(draw, list(zip([shape, shape, shape[1:], ()], intervals_of(primitive, 4), strict=True))))


@reference("column_norm_limit", matrix)
def column_norm_limit(w, out, norms, limit):
    norms = np.linalg.norm(w, axis=0)
    return np.where(norms > limit, w * (limit / norms), w), w, norms


reference("count_up", stepping(1, 0))(lambda count: count + 1)
reference("average_towards", stepping(2, 1))(lambda mean, w, share: (1 - share) * mean + share * w)
