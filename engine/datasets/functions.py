"""Curves to be learned: one input, one output."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engine.datasets.draws import Draws, Floats
from engine.datasets.options import Choice, Real, Reals
from engine.datasets.registry import SEED, Table, dataset, noise_deviation, sample_count
from engine.problems import Problem, ProblemError

CUBIC = (0.0, -1.0, 0.0, 1.0)


def sine(u: Floats) -> Floats:
    """sin 2πu"""
    return np.sin(2 * np.pi * u)


def cosine_of_square(u: Floats) -> Floats:
    """cos u²"""
    return np.cos(u * u)


def step(u: Floats) -> Floats:
    """0 for u < 0, else 1"""
    return np.where(u < 0, 0.0, 1.0)


def absolute(u: Floats) -> Floats:
    """|u|"""
    return np.abs(u)


def square(u: Floats) -> Floats:
    """u²"""
    return u * u


def bump(u: Floats) -> Floats:
    """exp(−u²)"""
    return np.exp(-u * u)


def sawtooth(u: Floats) -> Floats:
    """u − ⌊u⌋"""
    return u - np.floor(u)


def line(u: Floats) -> Floats:
    """u"""
    return u


FUNCTIONS: dict[str, Callable[[Floats], Floats]] = {
    function.__name__: function for function in (sine, cosine_of_square, step, absolute, square, bump, sawtooth, line)
}


@dataset(
    "function_1d",
    title="A curve",
    help="Points on a curve of one variable, with noise if you like.",
    task="regression",
    source="Formulas",
    options={
        "function": Choice("sine", (*FUNCTIONS, "polynomial"), help="Which curve: f in y = f(frequency · x)."),
        "samples": sample_count(100),
        "low": Real(-1.0, low=-100, high=100, help="Where x begins."),
        "high": Real(1.0, low=-100, high=100, help="Where x ends."),
        "frequency": Real(1.0, low=-100, high=100, help="x is multiplied by this before the function is taken."),
        "coefficients": Reals(longest=11, help="Of the polynomial, from the constant upwards; x³ − x where empty."),
        "placing": Choice("even", ("even", "random"), help="x evenly spaced, both ends included, or drawn uniformly."),
        "noise": noise_deviation(0.0, "y"),
        "seed": SEED,
    },
)
def function_1d(
    function: str,
    samples: int,
    low: float,
    high: float,
    frequency: float,
    coefficients: tuple[float, ...],
    placing: str,
    noise: float,
    seed: int,
) -> Table:
    """y = f(frequency · x) + noise · normal, x over [low, high] in ascending order."""
    if not low < high:
        fact = f"x would run from {low:g} to {high:g}"
        raise ProblemError(Problem(fact, "Choose “high” greater than “low”.", path="high", kind="option"))
    if coefficients and function != "polynomial":
        mend = "Leave “coefficients” out, or set “function” to polynomial."
        raise ProblemError(
            Problem(f"The function “{function}” has no coefficients", mend, path="coefficients", kind="option")
        )
    share = np.linspace(0, 1, samples) if placing == "even" else np.sort(Draws(seed, "points").uniform(samples))
    x = low + (high - low) * share
    y, formula = _curve(function, frequency * x, coefficients or CUBIC)
    placed = "evenly spaced" if placing == "even" else f"drawn uniformly with seed {seed}"
    said = [f"{samples} points of y = {formula} with u = {frequency:g} · x, x {placed} from {low:g} to {high:g}."]
    if noise > 0:
        y = y + noise * Draws(seed, "noise").normal(samples)
        said.append(f"Normal noise of deviation {noise:g} was added to y, seed {seed}.")
    return Table(x[:, None], y[:, None], ("x",), ("y",), "regression", preparation=tuple(said))


def _curve(function: str, u: Floats, coefficients: tuple[float, ...]) -> tuple[Floats, str]:
    """The values, and the formula in u to be read."""
    if function != "polynomial":
        return FUNCTIONS[function](u), (FUNCTIONS[function].__doc__ or function).strip()
    y = np.zeros_like(u)
    for coefficient in reversed(coefficients):  # Horner's rule: exact where the textbook's hand calculation is
        y = y * u + coefficient
    powers = ("", "u", "u²", "u³", "u⁴", "u⁵", "u⁶", "u⁷", "u⁸", "u⁹", "u¹⁰")
    terms = [f"{c:g}{' ' if p else ''}{p}" for c, p in zip(coefficients, powers, strict=False) if c]
    return y, " + ".join(terms).replace("+ -", "− ") or "0"
