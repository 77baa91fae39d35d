"""Quasi-Newton methods: the inverse Hessian learned from steps s and the changes y of the gradient that they brought."""

from __future__ import annotations

import numpy as np

from engine.drivers.asking import Array, Ask, Decision, Sight, driver
from engine.drivers.lines import search

SMALLEST = 1e-280  # of what is divided by: at the very bottom steps are so short that their products underflow


def _pair(sight: Sight) -> tuple[Array, Array] | None:
    """The last step and change of the gradient; None at the beginning, and where the curvature along it is not positive."""
    point, slope = sight.memory["point_before"], sight.memory["slope_before"]
    is_first = not slope.any()
    step, change = sight.point - point, sight.slope - slope
    point[:], slope[:] = sight.point, sight.slope
    met = step @ change
    is_curved = met > SMALLEST and met > sight.epsilon * np.linalg.norm(step) * np.linalg.norm(change)
    return (step, change) if is_curved and not is_first else None


@driver("bfgs")
def bfgs(sight: Sight) -> Ask[Decision]:
    """G ← (I − Δsyᵀ) G (I − Δysᵀ) + Δssᵀ."""
    inverse = _known(sight)
    pair = _pair(sight)
    if pair is not None:
        step, change = pair
        share = 1.0 / float(step @ change)
        left = np.eye(step.size) - share * np.outer(step, change)
        inverse[:] = left @ inverse @ left.T + share * np.outer(step, step)
    return (yield from _along(sight, inverse))


@driver("dfp")
def dfp(sight: Sight) -> Ask[Decision]:
    """G ← G + ssᵀ / sᵀy − Gyyᵀ G / yᵀGy."""
    inverse = _known(sight)
    pair = _pair(sight)
    if pair is not None:
        step, change = pair
        bent = inverse @ change
        inverse += np.outer(step, step) / float(step @ change) - np.outer(bent, bent) / float(change @ bent)
    return (yield from _along(sight, inverse))


def _known(sight: Sight) -> Array:
    """The inverse Hessian as learned so far; I at the beginning."""
    inverse = sight.memory["inverse"]
    if not inverse.any():
        inverse[:] = np.eye(len(inverse))
    return inverse


def _along(sight: Sight, inverse: Array) -> Ask[Decision]:
    direction = -inverse @ sight.slope
    if not direction @ sight.slope <= 0:  # rounding has spoilt it
        inverse[:] = np.eye(len(inverse))
        direction = -sight.slope
    return Decision(direction, (yield from search(sight, direction)))


@driver("l_bfgs")
def l_bfgs(sight: Sight) -> Ask[Decision]:
    """The two loops of Nocedal 1980 over the last pairs, the oldest first."""
    steps, changes = sight.memory["steps"], sight.memory["changes"]
    pair = _pair(sight)
    if pair is not None:
        steps[:-1], changes[:-1] = steps[1:].copy(), changes[1:].copy()
        steps[-1], changes[-1] = pair
    pairs = [(s, y, 1.0 / float(s @ y)) for s, y in zip(steps, changes, strict=True) if s @ y > 0]
    direction, shares = -sight.slope.copy(), []
    for step, change, share in reversed(pairs):
        shares.append(share * float(step @ direction))
        direction -= shares[-1] * change
    if pairs and sight.words["start"] == "scaled":
        _, change, share = pairs[-1]
        direction /= share * float(change @ change)
    for step, change, share in pairs:
        direction += (shares.pop() - share * float(change @ direction)) * step
    if not direction @ sight.slope <= 0:
        direction = -sight.slope.copy()
    return Decision(direction, (yield from search(sight, direction)))
