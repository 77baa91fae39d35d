"""Optimizer steps, the flag, and the history: what the values tests cannot say in one call."""

from __future__ import annotations

import numpy as np
import pytest

from engine.program import Builder
from engine.values import Value
from tests.engine.primitives.playing import Array, build, finish, start

UPDATES = {
    "sgd_update": (2, [0.0]),
    "momentum_update": (3, [0.0, 0.9]),
    "nesterov_update": (3, [0.0, 0.9]),
    "adam_update": (4, [0.0, 0.9, 0.999, 1e-8, 0.9, 0.999]),
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", UPDATES)
def test_a_learning_rate_of_zero_leaves_every_bit_alone(name, dtype):
    walking, settings = UPDATES[name]
    random = np.random.default_rng(0)
    weights = np.array([0.0, -0.0, 1e-40, -1e-40, 1e30, *random.normal(size=40)]).astype(dtype)
    states = [np.zeros(len(weights)) for _ in range(walking - 2)]
    operands = [weights, random.normal(size=len(weights)), *states, *map(np.asarray, settings)]

    def recipe(b: Builder, values: list[Value]) -> list[Value]:
        b.emit(name, *values)
        return values[:1]

    bench = build(recipe, operands)
    machine = start(bench, operands, dtype)
    for _ in range(3):
        (after,) = finish(bench, machine)
        assert after.tobytes() == weights.tobytes()


def test_adam_follows_its_paper_for_many_steps():
    gradients = np.random.default_rng(1).normal(size=(50, 3))
    rate, beta1, beta2, epsilon = 0.01, 0.9, 0.999, 1e-8
    start_values = [np.zeros(3), gradients[0], np.zeros(3), np.zeros(3), rate, beta1, beta2, epsilon, 1.0, 1.0]
    operands = [np.asarray(value, float) for value in start_values]

    def recipe(b: Builder, values: list[Value]) -> list[Value]:
        b.emit("decay_power", values[8], values[5])
        b.emit("decay_power", values[9], values[6])
        b.emit("adam_update", *values)
        return values[:1]

    bench = build(recipe, operands)
    machine = start(bench, operands)
    w, m, v = np.zeros(3), np.zeros(3), np.zeros(3)
    for t, g in enumerate(gradients, start=1):
        machine.view(bench.operands[1])[...] = g
        (mine,) = finish(bench, machine)
        m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g * g
        w = w - rate * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + epsilon)
        np.testing.assert_allclose(mine, w, rtol=1e-12)


def raised(numbers: Array, dtype: str = "float32") -> bool:
    def recipe(b: Builder, values: list[Value]) -> list[Value]:
        b.emit("non_finite_flag", values[0])
        return []

    bench = build(recipe, [numbers])
    machine = start(bench, [numbers], dtype)
    finish(bench, machine)
    return machine.flag


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("size", [1, 7, 16, 100])
def test_the_flag_is_raised_by_a_single_number_that_is_none(number, size, dtype):
    for place in range(size):
        numbers = np.ones(size)
        numbers[place] = number
        assert raised(numbers, dtype)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_large_numbers_do_not_raise_the_flag(dtype):
    huge = float(np.finfo(dtype).max)
    assert not raised(np.array([huge, -huge, 0.0, 1e-45] * 10), dtype)


@pytest.mark.parametrize(("capacity", "length"), [(2, 100), (8, 3), (8, 1000), (64, 64), (64, 65), (64, 5000)])
def test_a_history_of_any_length_keeps_its_extremes_and_its_end(capacity, length):
    numbers = np.random.default_rng(length).normal(size=length).cumsum()
    operands = [np.zeros((capacity, 3)), np.zeros(3, np.int32), np.zeros(())]

    def recipe(b: Builder, values: list[Value]) -> list[Value]:
        b.emit("history_ring", *values)
        return values[:2]

    bench = build(recipe, operands)
    machine = start(bench, operands)
    for number in numbers:
        machine.view(bench.operands[2])[...] = number
        bins, (begun, width, filled) = finish(bench, machine)
    assert (begun - 1) * width + filled == length
    assert begun <= capacity and (length <= capacity or begun > capacity // 2)
    for k in range(begun):
        piece = numbers[k * width : (k + 1) * width]
        assert bins[k].tolist() == [piece.min(), piece.max(), piece[-1]]
