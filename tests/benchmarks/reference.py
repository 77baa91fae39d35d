"""Gradients of the workloads in float64, by NumPy and by hand: what every competitor has to agree with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tests.benchmarks.workloads import MSE, Array, Arrays, Workload

TOLERANCE = 1e-3  # of the norm: float32 weights of size 1 hide what is under 6e-8 of a gradient read off one update


def gradients(workload: Workload, arrays: Arrays) -> list[Array]:
    """Derivatives of the mean loss by each parameter, in the order of `arrays.parameters`."""
    parameters = [parameter.astype(np.float64) for parameter in arrays.parameters]
    layers = [arrays.inputs.astype(np.float64)]
    for place in range(0, len(parameters), 2):
        z = layers[-1] @ parameters[place] + parameters[place + 1]
        layers.append(z if place == len(parameters) - 2 else _activate(workload, z))
    incoming = _loss_slope(workload, layers[-1], arrays.targets)
    found: list[Array] = []
    for place in reversed(range(0, len(parameters), 2)):
        below = layers[place // 2]
        found[:0] = [below.T @ incoming, incoming.sum(axis=0)]
        if place:
            incoming = incoming @ parameters[place].T * _slope(workload, below)
    return found


def _activate(workload: Workload, z: Array) -> Array:
    return np.tanh(z) if workload.activation == "tanh" else np.maximum(z, 0)


def _slope(workload: Workload, h: Array) -> Array:
    """The activation's derivative, told from its result."""
    return 1 - h * h if workload.activation == "tanh" else (h > 0).astype(np.float64)


def _loss_slope(workload: Workload, y: Array, targets: Array) -> Array:
    if workload.loss == MSE:
        return 2 * (y - targets) / y.size
    shifted = np.exp(y - y.max(axis=1, keepdims=True))
    probabilities = shifted / shifted.sum(axis=1, keepdims=True)
    probabilities[np.arange(len(y)), targets] -= 1
    return probabilities / len(y)


def disagreement(found: Sequence[Array], workload: Workload, arrays: Arrays) -> float:
    """The largest ‖found − reference‖ / ‖reference‖ over all parameters; infinite where shapes differ or a NaN is in it."""
    worst = 0.0
    for one, other in zip(found, gradients(workload, arrays), strict=True):
        if one.shape != other.shape:
            return float("inf")
        error = float(np.linalg.norm(one - other) / np.linalg.norm(other))
        worst = max(worst, error if np.isfinite(error) else float("inf"))
    return worst
