"""How numbers are written. One rule for all: a value looks the same on a node, in a table and in an export."""

from __future__ import annotations

import math
from collections.abc import Sequence

NOT_COMPUTED = "–"
MINUS = "−"
NOISE = 1e-6  # of the deviation
SMALLEST_PLAIN, LARGEST_PLAIN = 1e-3, 1e5


def number_text(value: float | None, signed: bool = False, digits: int = 3) -> str:
    """`value` with `digits` to `digits + 1` significant digits.

    None is "not computed" and becomes a dash, never 0. Whole numbers are written without a point, very
    small and very large ones as `1.23e−5`. `signed` writes the plus too, as on gradients and weights; zero has no sign.
    """
    if value is None:
        return NOT_COMPUTED
    value = float(value)
    if math.isnan(value):
        return "NaN"
    if value == 0:
        return "0"
    return sign_of(value, signed) + magnitude_text(abs(value), digits)


def sign_of(value: float, signed: bool) -> str:
    """The sign in front of a magnitude: a real minus, a plus only when asked for."""
    return MINUS if value < 0 else "+" if signed else ""


def magnitude_text(size: float, digits: int) -> str:
    """A positive number without its sign."""
    if math.isinf(size):
        return "∞"
    if size == round(size) and size < 1e6:
        return str(round(size))
    # Rounding first: 9.9996 has to be laid out as the 10.00 it becomes, 0.00099999 as 0.00100.
    rounded = float(f"{size:.{digits}e}")
    if not SMALLEST_PLAIN <= rounded < LARGEST_PLAIN:
        mantissa, exponent = f"{size:.{digits - 1}e}".split("e")
        return f"{mantissa}e{number_text(int(exponent))}"
    return f"{size:.{decimals_for(rounded, digits)}f}"


def decimals_for(size: float, digits: int) -> int:
    """Places behind the point: `digits` from 0.1 to 10, fewer above, more below (leading zeros cost no digit)."""
    exponent = math.floor(math.log10(size))
    if exponent >= 1:
        return max(0, digits - exponent)
    return digits if exponent >= -1 else digits - exponent - 1


def spread_text(mean: float | None, deviation: float | None, digits: int = 2) -> str:
    """An array in short: mean ± standard deviation, or a dash."""
    if mean is None or deviation is None:
        return NOT_COMPUTED
    # What rounding leaves of a sum that cancels is no mean: −3.3e−17 would say so, at the length of three numbers.
    mean = 0.0 if abs(mean) < NOISE * deviation else mean
    return f"{number_text(mean, digits=digits)} ± {number_text(deviation, digits=digits)}"


def shape_text(shape: Sequence[int | str]) -> str:
    """A shape as people write it: `()`, `(4)`, `(B, 3)`."""
    return f"({', '.join(str(length) for length in shape)})"


def token_of(value: float | None) -> str:
    """The colour of a value: `pos`, `neg`, `text2` (zero), `text3` (not computed) or `error` (not finite)."""
    if value is None:
        return "text3"
    if not math.isfinite(value):
        return "error"
    return "pos" if value > 0 else "neg" if value < 0 else "text2"
