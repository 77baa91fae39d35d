"""JAX as a competitor: compiled per step, and as one loop on the device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from tests.benchmarks.workloads import MSE, Array, Arrays, Workload, ends, scalar_program

Parameters = list[Any]


class PerStep:
    """`jax.jit` around one step, called from Python; the parameters' memory is given back to it."""

    def __init__(self, workload: Workload, arrays: Arrays, rate: float) -> None:
        self._parameters: Parameters = [jnp.array(numbers) for numbers in arrays.parameters]
        self._step = jax.jit(_step_of(workload, arrays, rate), donate_argnums=0)

    def step(self, steps: int) -> None:
        """Calls are queued; the last one is waited for."""
        parameters = self._parameters
        for _ in range(steps):
            parameters = self._step(parameters)
        self._parameters = jax.block_until_ready(parameters)

    def parameters(self) -> list[Array]:
        """Copies."""
        return [np.array(numbers) for numbers in self._parameters]


class Loop(PerStep):
    """All steps in one compiled `fori_loop`: Python is called once per block."""

    def __init__(self, workload: Workload, arrays: Arrays, rate: float) -> None:
        super().__init__(workload, arrays, rate)
        step = _step_of(workload, arrays, rate)

        def loop(parameters: Parameters, steps: Any) -> Any:
            return jax.lax.fori_loop(0, steps, lambda _, now: step(now), parameters)

        self._loop = jax.jit(loop, donate_argnums=0)

    def step(self, steps: int) -> None:
        """One call; the number of steps is an operand, so that it never compiles again."""
        self._parameters = jax.block_until_ready(self._loop(self._parameters, steps))


_SCALARS: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda x, y: x + y, "multiply": lambda x, y: x * y, "tanh": lambda x, y: jnp.tanh(x),
}  # fmt: skip


def _step_of(workload: Workload, arrays: Arrays, rate: float) -> Callable[[Parameters], Parameters]:
    inputs, targets = jnp.array(arrays.inputs), jnp.array(arrays.targets)
    activate = jnp.tanh if workload.activation == "tanh" else jax.nn.relu

    def loss(parameters: Parameters) -> Any:
        if workload.is_scalars:
            values = list(parameters)
            for operation, first, second in scalar_program(*workload.sizes):
                values.append(_SCALARS[operation](values[first], values[second]))
            return sum(values[place] for place in ends(*workload.sizes))
        h = inputs
        for place in range(0, len(parameters), 2):
            h = h @ parameters[place] + parameters[place + 1]
            h = h if place == len(parameters) - 2 else activate(h)
        if workload.loss == MSE:
            return jnp.mean((h - targets) ** 2)
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(h), targets[:, None], axis=1))

    slopes = jax.grad(loss)

    def step(parameters: Parameters) -> Parameters:
        return [now - rate * slope for now, slope in zip(parameters, slopes(parameters), strict=True)]

    return step
