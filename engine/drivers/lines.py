"""How far to go along a direction: line searches, each a way to ask for losses and gradients at points of the line.

Only lengths from 0 on are tried. A search that finds nothing lower than where it stands answers 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from engine.drivers.asking import Array, Ask, Loss, Product, Sight, Slope

FALL, FLATTER = (
    1e-4,
    0.9,
)  # shares of the first slope: of the decrease that is asked for, and of the slope that may be left
WIDTH, RELATIVE = 1e-6, 1e-9  # of the last interval, in lengths, and as a share of its far end where that is farther
NEAR = 1e-3  # share of an interval between the two probes in its middle
GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0
EXACT = 1e-14  # share of the first slope that counts as 0
MOST_DOUBLINGS, MOST_HALVINGS = 60, 60


class Line:
    """The loss along a direction from the point in hand."""

    def __init__(self, sight: Sight, direction: Array) -> None:
        self.point, self.direction, self.start = sight.point, direction, sight.loss
        self.fall = float(sight.slope @ direction)

    def loss(self, length: float) -> Ask[float]:
        """The loss at a length; what is no number counts as infinite."""
        found = float((yield Loss(self.point + length * self.direction)))
        return found if math.isfinite(found) else math.inf

    def slope(self, length: float) -> Ask[float]:
        """The derivative along the line; what is no number counts as infinite."""
        found = yield Slope(self.point + length * self.direction)
        along = float(found @ self.direction)
        return along if math.isfinite(along) else math.inf


Search = Callable[[Line], Ask[float]]


def none(line: Line) -> Ask[float]:
    """The whole step."""
    yield from ()
    return 1.0


def quadratic(line: Line) -> Ask[float]:
    """α = −∇Lᵀp / pᵀHp: exact on a bowl. Where the line bends downwards the golden section looks for its end."""
    bend = float((yield Product(line.direction)) @ line.direction)
    if bend > 0 and math.isfinite(bend):
        return -line.fall / bend
    return (yield from golden(line))


def backtracking(line: Line) -> Ask[float]:
    """Halve until the loss falls by a ten-thousandth of what the slope promises (Armijo 1966)."""
    length = 1.0
    for _ in range(MOST_HALVINGS if line.fall < 0 else 0):
        if (yield from line.loss(length)) <= line.start + FALL * length * line.fall:
            return length
        length /= 2
    return 0.0


def wolfe(line: Line) -> Ask[float]:
    """Halve where the loss does not fall enough, go on where the slope is still steep (Lewis & Overton 2013)."""
    low, high, length = 0.0, math.inf, 1.0
    for _ in range(MOST_HALVINGS if line.fall < 0 else 0):
        if (yield from line.loss(length)) > line.start + FALL * length * line.fall:
            high = length
        elif (yield from line.slope(length)) < FLATTER * line.fall:
            low = length
        else:
            return length
        length = 2 * low if high == math.inf else (low + high) / 2
    return low


def bracket(line: Line) -> Ask[float]:
    """The end of the interval that is searched: doubled from 1 while the loss still falls."""
    end, lowest = 1.0, (yield from line.loss(1.0))
    if lowest > line.start:
        return end
    for _ in range(MOST_DOUBLINGS):
        following = yield from line.loss(2 * end)
        end *= 2
        if following >= lowest:
            break
        lowest = following
    return end


def halve(line: Line, low: float, high: float, width: float = WIDTH) -> Ask[tuple[float, float]]:
    """Keep the half in which the lower of two probes near the middle lies, until the interval is narrow."""
    while high - low > max(width, RELATIVE * high):
        middle, near = (low + high) / 2, NEAR * (high - low) / 2
        left, right = (yield from line.loss(middle - near)), (yield from line.loss(middle + near))
        if left == right and math.isfinite(left):
            return middle - near, middle + near  # too flat to be told apart
        low, high = (low, middle + near) if right >= left else (middle - near, high)
    return low, high


def narrow(line: Line, low: float, high: float, width: float = WIDTH) -> Ask[tuple[float, float]]:
    """Golden section: of two probes one serves again in the interval that is kept."""
    left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    at_left, at_right = (yield from line.loss(left)), (yield from line.loss(right))
    while True:
        falls = at_right < at_left
        if falls:
            low, left, at_left = left, right, at_right
            right = low + GOLDEN * (high - low)
        else:
            high, right, at_right = right, left, at_left
            left = high - GOLDEN * (high - low)
        if high - low <= max(width, RELATIVE * high):
            return low, high
        if falls:
            at_right = yield from line.loss(right)
        else:
            at_left = yield from line.loss(left)


def _middle(line: Line, ends: tuple[float, float]) -> Ask[float]:
    """The middle of what is left, if the loss is not higher there; else as far as it falls."""
    length = sum(ends) / 2
    return length if (yield from line.loss(length)) <= line.start else (yield from backtracking(line))


def binary(line: Line) -> Ask[float]:
    """Two probes near the middle tell which half to keep (Aggarwal 2023, §4.6)."""
    end = yield from bracket(line)
    return (yield from _middle(line, (yield from halve(line, 0.0, end))))


def golden(line: Line) -> Ask[float]:
    """Golden-section search (Kiefer 1953)."""
    end = yield from bracket(line)
    return (yield from _middle(line, (yield from narrow(line, 0.0, end))))


def slope(line: Line) -> Ask[float]:
    """Where the derivative along the line is 0: as exact as numbers are, which no search by losses can be."""
    if line.fall >= 0:
        return 0.0
    low, at_low, high = 0.0, line.fall, 1.0
    for _ in range(MOST_DOUBLINGS):
        at_high = yield from line.slope(high)
        if at_high >= 0:
            break
        low, at_low, high = high, at_high, 2 * high
    else:
        return low
    side = 0
    for _ in range(MOST_HALVINGS):
        # Where the chord meets 0; an end that stays counts half the next time (Illinois), so that both ends move.
        length = low + (high - low) * (at_low / (at_low - at_high) if math.isfinite(at_high) else 0.5)
        if not low < length < high:
            break
        found = yield from line.slope(length)
        if abs(found) <= EXACT * abs(line.fall):
            break
        if found < 0:
            low, at_low, at_high, side = length, found, at_high / 2 if side < 0 else at_high, -1
        else:
            high, at_high, at_low, side = length, found, at_low / 2 if side > 0 else at_low, 1
    return length


SEARCHES: dict[str, Search] = {
    "none": none,
    "quadratic": quadratic,
    "backtracking": backtracking,
    "wolfe": wolfe,
    "binary": binary,
    "golden": golden,
    "slope": slope,
}


def search(sight: Sight, direction: Array) -> Ask[float]:
    """The length by the line search that was chosen; 0 along a direction of 0."""
    if not direction.any():
        return 0.0
    return (yield from SEARCHES[sight.words["line_search"]](Line(sight, direction)))
