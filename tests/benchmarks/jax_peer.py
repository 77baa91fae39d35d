"""JAX as a competitor: compiled per step, and as one loop on the device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from tests.benchmarks.nets import EPSILON, HEADS, UNITS
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


class Jax:
    """The nets' operations. Maps with their channels last are no faster."""

    def convolved(self, x: Any, weight: Any, bias: Any, padding: int) -> Any:
        layout, sides = ("NCHW", "OIHW", "NCHW"), [(padding, padding)] * 2
        return jax.lax.conv_general_dilated(x, weight, (1, 1), sides, dimension_numbers=layout) + bias[:, None, None]

    def pooled(self, x: Any, edge: int) -> Any:
        window = (1, 1, edge, edge)
        return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, window, window, "VALID")

    def relu(self, x: Any) -> Any:
        return jax.nn.relu(x)

    def recurrent(self, x: Any, weight: Any, state_weight: Any, bias: Any) -> Any:
        sums = x.transpose(1, 0, 2) @ weight + bias
        start = jnp.zeros((x.shape[0], UNITS), jnp.float32)
        # All steps unrolled at once: faster than a loop over them, and compiled in a second.
        return jax.lax.scan(lambda h, z: (jnp.tanh(z + h @ state_weight), None), start, sums, unroll=len(sums))[0]

    def long_short_term(self, x: Any, weight: Any, state_weight: Any, bias: Any) -> Any:
        def step(state: Any, z: Any) -> Any:
            h, c = state
            write, keep, show, new = jnp.split(z + h @ state_weight, 4, axis=1)
            c = jax.nn.sigmoid(keep) * c + jax.nn.sigmoid(write) * jnp.tanh(new)
            return (jax.nn.sigmoid(show) * jnp.tanh(c), c), None

        sums = x.transpose(1, 0, 2) @ weight + bias
        start = jnp.zeros((x.shape[0], UNITS), jnp.float32)
        return jax.lax.scan(step, (start, start), sums)[0][0]

    def attended(self, queries: Any, keys: Any, values: Any) -> Any:
        scores = queries @ keys.transpose(0, 1, 3, 2) / np.sqrt(queries.shape[-1]).astype(np.float32)
        return jax.nn.softmax(scores, axis=-1) @ values

    def standardised(self, x: Any, gain: Any, shift: Any) -> Any:
        centred = x - x.mean(-1, keepdims=True)
        return centred / jnp.sqrt((centred * centred).mean(-1, keepdims=True) + EPSILON) * gain + shift

    def in_heads(self, x: Any) -> Any:
        return x.reshape(*x.shape[:2], HEADS, -1).transpose(0, 2, 1, 3)

    def side_by_side(self, x: Any) -> Any:
        return x.transpose(0, 2, 1, 3).reshape(x.shape[0], x.shape[2], -1)

    def flat(self, x: Any) -> Any:
        return x.reshape(x.shape[0], -1)


def _step_of(workload: Workload, arrays: Arrays, rate: float) -> Callable[[Parameters], Parameters]:
    inputs, targets = jnp.array(arrays.inputs), jnp.array(arrays.targets)
    activate = jnp.tanh if workload.activation == "tanh" else jax.nn.relu

    def loss(parameters: Parameters) -> Any:
        if workload.net is not None:
            scores = jax.nn.log_softmax(workload.net.scores(Jax(), parameters, inputs))
            return -jnp.mean(jnp.take_along_axis(scores, targets[:, None], axis=1))
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
