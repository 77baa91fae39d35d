"""Newton's method and what keeps it from saddles: steps by the curvature of the loss."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engine.drivers.asking import Array, Ask, Decision, Factors, GaussNewton, Loss, Product, Sight, driver
from engine.drivers.lines import search

MOST_TRIALS = 30  # dampings that Levenberg-Marquardt tries before it stays where it is


def matrix(sight: Sight, request: type[Product] | type[GaussNewton]) -> Ask[Array]:
    """The curvature as a matrix: its products with the unit vectors, made symmetric."""
    rows: list[Array] = []
    for unit in np.eye(sight.point.size):
        rows.append((yield request(unit)))
    found: Array = np.array(rows)
    symmetric: Array = (found + found.T) / 2
    return symmetric


def solved(hessian: Array, slope: Array, bend: Callable[[Array], Array], epsilon: float) -> tuple[Array, float]:
    """−f(H)⁻¹∇L for a function f of the eigenvalues, and the lowest of them. Directions with f = 0 are left out."""
    if not np.isfinite(hessian).all():
        return np.full(slope.shape, np.nan), float("nan")
    eigenvalues, axes = np.linalg.eigh(hessian)
    bent = bend(eigenvalues)
    flat = np.abs(bent) <= epsilon * slope.size * np.abs(bent).max(initial=0.0)
    inverse = np.where(flat, 0.0, 1.0 / np.where(flat, 1.0, bent))
    return -axes @ (inverse * (axes.T @ slope)), float(eigenvalues[0])


@driver("newton", builds_matrix=True)
def newton(sight: Sight) -> Ask[Decision]:
    """The whole step to where the quadratic model has its stationary point."""
    hessian = yield from matrix(sight, Product)
    direction, lowest = solved(hessian, sight.slope, lambda values: values, sight.epsilon)
    return Decision(direction, 1.0, {"lowest": lowest})


@driver("damped_newton", builds_matrix=True)
def damped_newton(sight: Sight) -> Ask[Decision]:
    """The same direction, and a line search along it."""
    hessian, damping = (yield from matrix(sight, Product)), sight.numbers["damping"]
    direction, lowest = solved(hessian, sight.slope, lambda values: values + damping, sight.epsilon)
    return Decision(direction, (yield from search(sight, direction)), {"lowest": lowest})


@driver("saddle_free_newton", builds_matrix=True)
def saddle_free_newton(sight: Sight) -> Ask[Decision]:
    """Every curvature by its size alone."""
    hessian, damping = (yield from matrix(sight, Product)), sight.numbers["damping"]
    direction, lowest = solved(hessian, sight.slope, lambda values: np.abs(values) + damping, sight.epsilon)
    return Decision(direction, (yield from search(sight, direction)), {"lowest": lowest})


@driver("diagonal_newton", builds_matrix=True)
def diagonal_newton(sight: Sight) -> Ask[Decision]:
    """The curvature of every parameter alone."""
    curvatures = np.zeros(sight.point.size)
    for place, unit in enumerate(np.eye(sight.point.size)):
        curvatures[place] = (yield Product(unit))[place]
    sizes = np.abs(curvatures) + sight.numbers["damping"]
    direction = np.where(sizes > 0, -sight.slope / np.where(sizes > 0, sizes, 1.0), 0.0)
    return Decision(direction, (yield from search(sight, direction)), {"lowest": float(curvatures.min())})


@driver("levenberg_marquardt", builds_matrix=True)
def levenberg_marquardt(sight: Sight) -> Ask[Decision]:
    """Raise the damping until the step pays, and lower it for the next one."""
    normal = yield from matrix(sight, GaussNewton)
    damping, factor = float(sight.memory["damping_now"][0]) or sight.numbers["damping"], sight.numbers["factor"]
    scale = np.diag(np.diag(normal)) if sight.words["scaling"] == "diagonal" else np.eye(len(normal))
    for _ in range(MOST_TRIALS):
        direction, _ = solved(normal + damping * scale, sight.slope, lambda values: values, sight.epsilon)
        if (yield Loss(sight.point + direction)) < sight.loss:
            sight.memory["damping_now"][0] = damping / factor
            return Decision(direction, 1.0, {"damping_used": damping})
        damping = max(damping, sight.epsilon) * factor
    return Decision(direction, 0.0, {"damping_used": damping})


@driver("k_fac")
def k_fac(sight: Sight) -> Ask[Decision]:
    """A⁻¹ ∇L S⁻¹ for every dense layer, its bias as one more row of the weight; the damping is shared as traces are."""
    direction, layers = -sight.slope.copy(), (yield Factors())
    root = np.sqrt(sight.numbers["damping"])
    for weight, bias, inputs, outputs in layers:
        units = len(outputs)
        slope = np.vstack([sight.slope[weight].reshape(-1, units), sight.slope[bias].reshape(-1, units)])
        traces = np.trace(inputs) / len(inputs), np.trace(outputs) / units
        share = np.sqrt(traces[0] / traces[1]) if min(traces) > 0 else 1.0
        left = np.linalg.pinv(inputs + share * root * np.eye(len(inputs)), hermitian=True)
        step = left @ slope @ np.linalg.pinv(outputs + root / share * np.eye(units), hermitian=True)
        rows = (weight.stop - weight.start) // units
        direction[weight], direction[bias] = -step[:rows].ravel(), -step[rows:].ravel()
    return Decision(direction, (yield from search(sight, direction)), {"layers": float(len(layers))})
