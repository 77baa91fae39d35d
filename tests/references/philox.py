"""Philox-4x32-10 in plain Python, and what is drawn with it."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import strategies as st
from scipy.stats import gumbel_r

from engine.primitives.base import Interval, Primitive
from tests.references.registry import Case, Draw, numbers, reference, shapes

WORD = st.integers(0, 2**32 - 1)


def philox_4x32_10(counter: tuple[int, int, int, int], key: tuple[int, int]) -> tuple[int, int, int, int]:
    """The ten rounds as the paper prints them (Salmon, Moraes, Dror & Shaw 2011)."""
    a, b, c, d = counter
    first, second = key
    for _ in range(10):
        left, right = 0xD2511F53 * a, 0xCD9E8D57 * c
        a, b, c, d = (right >> 32) ^ b ^ first, right & 0xFFFFFFFF, (left >> 32) ^ d ^ second, left & 0xFFFFFFFF
        first, second = (first + 0x9E3779B9) % 2**32, (second + 0xBB67AE85) % 2**32
    return a, b, c, d


def words(shape, key, iteration):
    """The four words of each entry."""
    size = int(np.prod(shape))
    drawn = [philox_4x32_10((iteration, place, 0, 0), key) for place in range(size)]
    return np.array(drawn, np.uint64).reshape(*shape, 4)


def drawn(draw: Draw, primitive: Primitive) -> Case:
    attributes = {"shape": draw(shapes(0, 3)), "key": draw(st.tuples(WORD, WORD))}
    return Case([], attributes, iteration=draw(st.integers(0, 2**31 - 1)))


def drawn_once(draw: Draw, primitive: Primitive) -> Case:
    case = drawn(draw, primitive)
    return case._replace(attributes=case.attributes | {"once": draw(st.booleans())})


@reference("random_uniform", drawn_once)
def random_uniform(shape, key, iteration, once=False):
    return (words(shape, key, 0 if once else iteration)[..., 0] >> np.uint64(8)) / 2**24


@reference("random_normal", drawn)
def random_normal(shape, key, iteration):
    both = words(shape, key, iteration) >> np.uint64(8)
    return np.sqrt(-2 * np.log((both[..., 0] + np.uint64(1)) / 2**24)) * np.cos(both[..., 1] * (2 * math.pi / 2**24))


def drawn_by_chance(draw: Draw, primitive: Primitive) -> Case:
    case = drawn(draw, primitive)
    shape = draw(st.sampled_from([(), case.attributes["shape"]]))
    return case._replace(operands=numbers(draw, [(shape, Interval(0.1, 0.9))]))


@reference("random_bernoulli", drawn_by_chance)
def random_bernoulli(chance, shape, key, iteration):
    return np.where(np.isnan(chance), np.nan, random_uniform(shape, key, iteration) < chance)


@reference("random_gumbel", drawn)
def random_gumbel(shape, key, iteration):
    return gumbel_r.ppf(((words(shape, key, iteration)[..., 0] >> np.uint64(9)) + 0.5) / 2**23)


@reference("random_bag", drawn_once)
def random_bag(shape, key, once, iteration):
    drawn_rows = [
        int(word[0]) * math.prod(shape) >> 32 for word in words(shape, key, 0 if once else iteration).reshape(-1, 4)
    ]
    return np.bincount(drawn_rows, minlength=math.prod(shape)).reshape(shape).astype(float)
