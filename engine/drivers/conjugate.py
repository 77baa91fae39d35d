"""Directions without a matrix: steepest descent, conjugate gradients, Hessian-free steps, one coordinate at a time."""

from __future__ import annotations

import numpy as np

from engine.drivers.asking import Array, Ask, Decision, GaussNewton, Product, Sight, driver
from engine.drivers.lines import search


@driver("steepest_descent")
def steepest_descent(sight: Sight) -> Ask[Decision]:
    """The negative gradient, as far as it pays."""
    return Decision(-sight.slope, (yield from search(sight, -sight.slope)))


@driver("conjugate_gradient")
def conjugate_gradient(sight: Sight) -> Ask[Decision]:
    """The gradient made conjugate to the direction before; anew after `restart` steps, and where it would lead upwards."""
    memory, slope, before = sight.memory, sight.slope, sight.memory["slope_before"].copy()
    restart = sight.numbers["restart"] or slope.size
    beta = 0.0
    if before.any() and memory["since"][0] < restart:
        beta = yield from _beta(sight, before)
    direction = beta * sight.previous - slope
    if direction @ slope >= 0:
        beta, direction = 0.0, -slope
    memory["since"][0] = memory["since"][0] + 1 if beta else 1
    memory["slope_before"][:] = slope
    if sight.words["form"] == "linear_before":
        memory["product_before"][:] = yield Product(direction)
    return Decision(direction, (yield from search(sight, direction)), {"beta": beta})


def _beta(sight: Sight, before: Array) -> Ask[float]:
    form, slope, direction = sight.words["form"], sight.slope, sight.previous
    if form == "fletcher_reeves":
        return float(slope @ slope / (before @ before))
    if form == "polak_ribiere":
        return max(0.0, float(slope @ (slope - before) / (before @ before)))
    product = sight.memory["product_before"] if form == "linear_before" else (yield Product(direction))
    bend = float(product @ direction)
    return float(product @ slope) / bend if bend else 0.0


@driver("hessian_free")
def hessian_free(sight: Sight) -> Ask[Decision]:
    """Newton's equation solved by conjugate gradients that stop early, or where the curvature is not positive."""
    request = GaussNewton if sight.words["curvature"] == "gauss_newton" else Product
    target = sight.numbers["tolerance"] * float(np.linalg.norm(sight.slope))
    direction, left = np.zeros(sight.point.size), -sight.slope
    along, inner = left.copy(), 0
    while inner < int(sight.numbers["inner_steps"]) and np.linalg.norm(left) > target:
        product = (yield request(along)) + sight.numbers["damping"] * along
        bend = float(along @ product)
        if not bend > 0:
            direction = direction if inner else along
            break
        inner, size = inner + 1, float(left @ left)
        direction = direction + size / bend * along
        left = left - size / bend * product
        along = left + float(left @ left) / size * along
    told = {"inner": float(inner), "residual": float(np.linalg.norm(left))}
    return Decision(direction, (yield from search(sight, direction)), told)


@driver("coordinate_descent")
def coordinate_descent(sight: Sight) -> Ask[Decision]:
    """One entry of the gradient alone."""
    turn, size = sight.memory["turn"], sight.point.size
    if sight.words["order"] == "cyclic":
        entry = int(turn[0]) % size
    elif sight.words["order"] == "steepest":
        entry = int(np.argmax(np.abs(sight.slope)))
    else:
        entry = int(np.random.default_rng((sight.seed, sight.iteration)).integers(size))
    turn[0] = entry + 1
    direction = np.zeros(size)
    direction[entry] = -sight.slope[entry]
    return Decision(direction, (yield from search(sight, direction)), {"entry": entry + 1.0})
