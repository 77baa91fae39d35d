"""Activations on vectors of the processor, for bodies written in them: the polynomials of `engine.primitives`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir

from engine.machines.vectors import Vectors
from engine.primitives.activations import TANH_ABOVE, TANH_BELOW
from engine.primitives.elementary import LN2_HIGH, LN2_LOW, LOG2_E, ROUNDER, ROUNDER_BITS, SQRT_HALF_BITS

# See `expm1_reduced` and `log_float32`: highest power first.
EXPM1 = (1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1)
LOG = (0.24279078841, 0.28498786688, 0.40000972152, 0.66666662693)
LEAST_EXPONENT, FLATTEST = -87.33, 9.0


def _series(v: Vectors, x: Any, factors: Sequence[float]) -> Any:
    """A polynomial, highest power first."""
    return _series_of_each(v, [x], [v.full(factors[0])], factors[1:])[0]


def _series_of_each(v: Vectors, each: Sequence[Any], totals: Sequence[Any], factors: Sequence[float]) -> list[Any]:
    """A polynomial of each, highest power first; `totals` stand for those that come before."""
    for factor in factors:
        totals = [v.multiply_add(total, x, v.full(factor)) for total, x in zip(totals, each, strict=True)]
    return list(totals)


def _words(v: Vectors, number: int) -> Any:
    return ir.Constant(v.words, [number] * v.lanes)


def tanh(v: Vectors, x: Any) -> Any:
    """tanh x as `tanh_float32` has it; NaN stays NaN."""
    return tanh_of_each(v, [x])[0]


def tanh_of_each(v: Vectors, each: Sequence[Any]) -> list[Any]:
    """tanh of several vectors, one operation after the other on all of them: none waits for the one before."""
    b, high, low = v.b, v.full(FLATTEST), v.full(-FLATTEST)
    each = [b.select(b.fcmp_ordered(">", x, high), high, x) for x in each]
    each = [b.select(b.fcmp_ordered("<", x, low), low, x) for x in each]
    squares = [b.fmul(x, x) for x in each]
    below = [b.fadd(square, v.full(TANH_BELOW[0])) for square in squares]
    below = _series_of_each(v, squares, below, TANH_BELOW[1:])
    above = _series_of_each(v, squares, [v.full(TANH_ABOVE[0])] * len(squares), TANH_ABOVE[1:])
    above = [b.fmul(x, total) for x, total in zip(each, above, strict=True)]
    return [b.fdiv(over, under) for over, under in zip(above, below, strict=True)]


def _grown(v: Vectors, x: Any) -> Any:
    """e to what is not above 0: a power of 2, and a polynomial in what is left (Cody & Waite 1980). Of a NaN anything."""
    b = v.b
    moved = b.bitcast(v.multiply_add(x, v.full(LOG2_E), v.full(ROUNDER)), v.words)
    power = b.sub(moved, _words(v, ROUNDER_BITS))
    count = b.sitofp(power, v.vector)
    rest = v.multiply_add(count, v.full(-LN2_LOW), v.multiply_add(count, v.full(-LN2_HIGH), x))
    grown = v.multiply_add(b.fmul(rest, rest), _series(v, rest, EXPM1), rest)
    bits = b.add(b.bitcast(b.fadd(v.full(1.0), grown), v.words), b.shl(power, _words(v, 23)))
    return b.select(b.fcmp_ordered("<", x, v.full(LEAST_EXPONENT)), v.zero, b.bitcast(bits, v.vector))


def exp_below_0(v: Vectors, x: Any) -> Any:
    """e to what is not above 0; NaN stays NaN."""
    return v.b.select(v.b.fcmp_unordered("uno", x, x), x, _grown(v, x))


def log_above_1(v: Vectors, x: Any) -> Any:
    """ln x of what is not under 1, by its atanh series, see `log_float32`; infinity and NaN stay what they are."""
    b, one = v.b, v.full(1.0)
    bits = b.sub(b.bitcast(x, v.words), _words(v, SQRT_HALF_BITS))
    power = b.sitofp(b.ashr(bits, _words(v, 23)), v.vector)
    mantissa = b.add(b.and_(bits, _words(v, 0x7FFFFF)), _words(v, SQRT_HALF_BITS))
    f = b.fsub(b.bitcast(mantissa, v.vector), one)
    s = b.fdiv(f, b.fadd(v.full(2.0), f))
    square, half = b.fmul(s, s), b.fmul(b.fmul(v.full(0.5), f), f)
    series = b.fmul(square, _series(v, square, LOG))
    rest = b.fsub(half, v.multiply_add(power, v.full(LN2_LOW), b.fmul(s, b.fadd(half, series))))
    found = v.multiply_add(power, v.full(LN2_HIGH), b.fsub(f, rest))
    return b.select(b.fcmp_ordered("<", x, v.full(float("inf"))), found, x)


def sigmoid(v: Vectors, x: Any) -> Any:
    """1 / (1 + e⁻ˣ), small where it is small without loss; NaN stays NaN."""
    b, one = v.b, v.full(1.0)
    negative = b.fcmp_ordered("<", x, v.zero)
    small = _grown(v, b.select(negative, x, b.fsub(v.full(-0.0), x)))
    share = b.fdiv(b.select(negative, small, one), b.fadd(one, small))
    return b.select(b.fcmp_unordered("uno", x, x), x, share)


def rectifier(v: Vectors, x: Any) -> Any:
    """max(x, 0); NaN stays NaN."""
    return v.b.select(v.b.fcmp_ordered("<", x, v.zero), v.zero, x)


def tanh_slope(v: Vectors, y: Any) -> Any:
    """1 - y² where y is a tanh, rounded as in the kernel that stepping plays: once where the processor can."""
    may_fuse = ("contract",)
    return v.b.fsub(v.full(1.0), v.b.fmul(y, y, flags=may_fuse), flags=may_fuse)


def rectifier_slope(v: Vectors, x: Any) -> Any:
    """[x > 0]; NaN stays NaN."""
    slope = v.b.select(v.b.fcmp_ordered(">", x, v.zero), v.full(1.0), v.zero)
    return v.b.select(v.b.fcmp_unordered("uno", x, x), x, slope)


CURVES = {2: sigmoid, 3: rectifier}  # by their places in `engine.primitives.fused.BENDS`


def bent(v: Vectors, bend: int, each: Sequence[Any]) -> list[Any]:
    """Several vectors bent by the curve of that place in `engine.primitives.fused.BENDS`, side by side where it pays."""
    return tanh_of_each(v, each) if bend == 1 else [CURVES[bend](v, x) for x in each]
