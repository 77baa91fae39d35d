"""What NumPy says to units that pull at each other, to stored patterns, to distances, and to what is put in place."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from engine.primitives.base import Interval, Primitive
from tests.references.registry import ANY, Array, Case, Draw, generator, numbers, reference
from tests.references.updates import stepping


def pulling_units(draw: Draw, primitive: Primitive) -> Case:
    """Units of −1/+1 or 0/1, some of them held, symmetric weights; drawn by chance at a temperature, or not."""
    random, rows, units, signed = generator(draw), draw(st.integers(1, 3)), draw(st.integers(1, 5)), draw(st.booleans())
    state = random.integers(0, 2, (rows, units)) * (2.0 if signed else 1.0) - (1.0 if signed else 0.0)
    weight = random.normal(size=(units, units))
    free = random.integers(0, 2, (rows, units)).astype(np.float64)
    operands: list[Array] = [state, weight + weight.T, np.asarray(random.normal(size=units)), free]
    if draw(st.booleans()):
        operands += [np.array(random.uniform(0.5, 2)), random.uniform(size=(rows, units))]
    return Case(operands, {"signed": signed, "keep": draw(st.booleans())})


@reference("settle", pulling_units)
def settle(state, weight, bias, free, *chance, signed, keep):
    state, low = state.copy(), -1.0 if signed else 0.0
    others = weight - np.diag(np.diag(weight))
    for unit in range(state.shape[1]):
        gap = bias[unit] + state @ others[unit]
        if chance:
            temperature, draws = chance
            answer = np.where(draws[:, unit] < 1 / (1 + np.exp(-(1 - low) * gap / temperature)), 1.0, low)
        else:
            answer = np.where(gap == 0, state[:, unit] if keep else 1.0, np.where(gap > 0, 1.0, low))
        state[:, unit] = np.where(free[:, unit] > 0, np.where(np.isnan(gap), np.nan, answer), state[:, unit])
    return state


def some_rows(draw: Draw, primitive: Primitive) -> Case:
    shape = draw(st.tuples(st.integers(1, 4), st.integers(1, 3)))
    return Case(numbers(draw, [(shape, ANY), ((), Interval(0.0, 4.0, (1.0, 2.0, 3.0)))]))


@reference("first_rows", some_rows)
def first_rows(x, most):
    if np.isnan(most):
        return np.full_like(x, np.nan)
    return np.where(np.arange(len(x))[:, None] < most, x, 0)


def patterns(draw: Draw, primitive: Primitive) -> Case:
    shape = draw(st.tuples(st.integers(1, 3), st.integers(1, 5)))
    return Case(numbers(draw, [(shape, Interval(-1.0, 1.0))]))


@reference("storkey", patterns)
def storkey(x):
    d = x.shape[1]
    w = np.zeros((d, d))
    for row in x:
        old = w.copy()
        for i in range(d):
            for j in range(d):
                if i != j:
                    h_ij = sum(old[i, k] * row[k] for k in range(d) if k not in (i, j))
                    h_ji = sum(old[j, k] * row[k] for k in range(d) if k not in (i, j))
                    w[i, j] = old[i, j] + (row[i] * row[j] - row[i] * h_ji - h_ij * row[j]) / d
    return w


def rows_and_prototypes(draw: Draw, primitive: Primitive) -> Case:
    rows, units, width = (draw(st.integers(1, 4)) for _ in range(3))
    return Case(numbers(draw, [((rows, width), ANY), ((units, width), ANY)]))


@reference("square_distance", rows_and_prototypes)
def square_distance(x, w):
    return np.linalg.norm(x[:, None, :] - w[None], axis=2) ** 2


reference("set_to", stepping(2, 0))(lambda w, y: y)
