"""The fast float32 functions against NumPy's float64, over the whole range they are used in."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

from tests.engine.primitives.playing import Array, play

TINY = np.finfo(np.float32).tiny


def fast(name: str, x: Array) -> Array:
    return play(lambda b, v: b.emit(name, v[0]), [x], "float32")[0].astype(np.float64)


def grid(low: float, high: float) -> Array:
    return np.linspace(low, high, 200_001).astype(np.float32).astype(np.float64)


def selu(x: Array) -> Array:
    return 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0)))


def powers_of_ten(low: float, high: float) -> Array:
    return np.logspace(low, high, 200_001).astype(np.float32).astype(np.float64)


@pytest.mark.parametrize(
    ("name", "exact", "x", "relative"),
    [
        ("exp", np.exp, grid(-87.3, 88.7), 1.5e-7),
        ("log", np.log, powers_of_ten(-37.9, 38.5), 1.2e-7),
        ("log", np.log, powers_of_ten(-44, -38), 1.2e-7),
        ("log", np.log, grid(0.5, 2.0), 2e-7),
        ("sqrt", np.sqrt, powers_of_ten(-37, 38), 1e-7),
        ("tanh", np.tanh, np.concatenate([grid(-10, 10), powers_of_ten(-30, 0)]), 4e-7),
        ("sigmoid", lambda x: 1 / (1 + np.exp(-x)), grid(-87, 80), 3e-7),
        ("softplus", lambda x: np.logaddexp(0, x), grid(-87, 100), 3e-7),
        ("sin", np.sin, grid(-3.1, 3.1), 2.5e-7),
        ("erf", special.erf, np.concatenate([grid(-6, 6), powers_of_ten(-30, 0)]), 2e-7),
        ("normal_cdf", special.ndtr, grid(-5, 9), 1e-6),
        ("normal_cdf", special.ndtr, grid(-12.8, 0), 5e-6),
        ("gelu", lambda x: x * special.ndtr(x), np.concatenate([grid(-5, 9), powers_of_ten(-30, 0)]), 1e-6),
        ("selu", selu, np.concatenate([-powers_of_ten(-30, 1), grid(-10, 10)]), 4e-7),
    ],
)
def test_the_relative_error_stays_within_a_few_units_of_the_last_place(name, exact, x, relative):
    np.testing.assert_allclose(fast(name, x), exact(x), rtol=relative, atol=TINY)


@pytest.mark.parametrize(("name", "exact"), [("sin", np.sin), ("cos", np.cos)])
@pytest.mark.parametrize(("reach", "absolute"), [(10.0, 1.3e-7), (1000.0, 1.5e-7), (8000.0, 5e-7)])
def test_waves_keep_their_absolute_error(name, exact, reach, absolute):
    x = grid(-reach, reach)
    np.testing.assert_allclose(fast(name, x), exact(x), rtol=0, atol=absolute)


def test_an_elu_keeps_its_digits_next_to_zero():
    x = np.concatenate([-powers_of_ten(-30, 1), grid(-10, -0.01)])
    (mine,) = play(lambda b, v: b.emit("elu", v[0], 1.0), [x], "float32")
    np.testing.assert_allclose(mine, np.expm1(x), rtol=3e-7)


@pytest.mark.parametrize("exponent", [-2.0, -1.0, -0.5, 0.5, 1.5, 2.0, 3.0, 8.0, 9.0])
def test_powers_of_one_exponent(exponent):
    x = powers_of_ten(-2, 2)
    (mine,) = play(lambda b, v: b.emit("power", v[0], exponent), [x], "float32")
    np.testing.assert_allclose(mine, x**exponent, rtol=6e-6)
