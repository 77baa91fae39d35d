"""Gradients of the workloads in float64, by NumPy and by hand (of the nets by autograd): what all have to agree with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tests.benchmarks.workloads import MSE, Array, Arrays, Workload, ends, scalar_program

TOLERANCE = 1e-3  # of the norm: float32 weights of size 1 hide what is under 6e-8 of a gradient read off one update


def gradients(workload: Workload, arrays: Arrays) -> list[Array]:
    """Derivatives of the mean loss by each parameter, in the order of `arrays.parameters`."""
    parameters = [parameter.astype(np.float64) for parameter in arrays.parameters]
    if workload.is_scalars:
        return _scalar_gradients(workload, parameters)
    if workload.net is not None:
        from tests.benchmarks.reference_nets import net_gradients

        return net_gradients(workload.net, parameters, arrays)
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


def _scalar_gradients(workload: Workload, parameters: list[Array]) -> list[Array]:
    program, values = scalar_program(*workload.sizes), [float(number) for number in parameters]
    for operation, first, second in program:
        x, y = values[first], values[second]
        values.append(x + y if operation == "add" else x * y if operation == "multiply" else float(np.tanh(x)))
    slopes = [0.0] * len(values)
    for place in ends(*workload.sizes):
        slopes[place] = 1.0
    for place in reversed(range(len(parameters), len(values))):
        operation, first, second = program[place - len(parameters)]
        if operation == "tanh":
            slopes[first] += slopes[place] * (1 - values[place] ** 2)
        else:
            slopes[first] += slopes[place] * (values[second] if operation == "multiply" else 1)
            slopes[second] += slopes[place] * (values[first] if operation == "multiply" else 1)
    return [np.array(slope) for slope in slopes[: len(parameters)]]


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
    """The largest ‖found − reference‖ / ‖reference‖ over all parameters; infinite where shapes differ or a NaN is in it.

    Single numbers are taken together: a derivative of one of them may be zero.
    """
    wanted = gradients(workload, arrays)
    if any(one.shape != other.shape for one, other in zip(found, wanted, strict=True)):
        return float("inf")
    if workload.is_scalars:
        found, wanted = [np.stack(list(found))], [np.stack(wanted)]
    worst = 0.0
    for one, other in zip(found, wanted, strict=True):
        error = float(np.linalg.norm(one - other) / np.linalg.norm(other))
        worst = max(worst, error if np.isfinite(error) else float("inf"))
    return worst
