"""Gradients of the nets in float64: plain NumPy, differentiated by autograd."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd import grad

from tests.benchmarks.nets import EPSILON, HEADS, UNITS, Net
from tests.benchmarks.workloads import Array, Arrays


class Plain:
    """The nets' operations, as their formulas have them."""

    def convolved(self, x: Any, weight: Any, bias: Any, padding: int) -> Any:
        height, width = x.shape[2:]
        sides = ((0, 0), (0, 0), (padding, padding), (padding, padding))
        wide, total = anp.pad(x, sides, "constant"), bias[:, None, None]
        for i in range(weight.shape[2]):
            for j in range(weight.shape[3]):
                total = total + anp.einsum(
                    "bchw,fc->bfhw", wide[:, :, i : i + height, j : j + width], weight[:, :, i, j]
                )
        return total

    def pooled(self, x: Any, edge: int) -> Any:
        batch, channels, height, width = x.shape
        return anp.max(anp.reshape(x, (batch, channels, height // edge, edge, width // edge, edge)), axis=(3, 5))

    def relu(self, x: Any) -> Any:
        return anp.maximum(x, 0.0)

    def recurrent(self, x: Any, weight: Any, state_weight: Any, bias: Any) -> Any:
        h = anp.zeros((x.shape[0], UNITS))
        for time in range(x.shape[1]):
            h = anp.tanh(x[:, time] @ weight + h @ state_weight + bias)
        return h

    def long_short_term(self, x: Any, weight: Any, state_weight: Any, bias: Any) -> Any:
        h = c = anp.zeros((x.shape[0], UNITS))
        for time in range(x.shape[1]):
            write, keep, show, new = anp.split(x[:, time] @ weight + h @ state_weight + bias, 4, axis=1)
            c = _gate(keep) * c + _gate(write) * anp.tanh(new)
            h = _gate(show) * anp.tanh(c)
        return h

    def attended(self, queries: Any, keys: Any, values: Any) -> Any:
        scores = anp.exp(queries @ anp.swapaxes(keys, 2, 3) / np.sqrt(queries.shape[-1]))
        return scores / anp.sum(scores, axis=-1, keepdims=True) @ values

    def standardised(self, x: Any, gain: Any, shift: Any) -> Any:
        centred = x - anp.mean(x, axis=-1, keepdims=True)
        return centred / anp.sqrt(anp.mean(centred**2, axis=-1, keepdims=True) + EPSILON) * gain + shift

    def in_heads(self, x: Any) -> Any:
        return anp.swapaxes(anp.reshape(x, (*x.shape[:2], HEADS, -1)), 1, 2)

    def side_by_side(self, x: Any) -> Any:
        return anp.reshape(anp.swapaxes(x, 1, 2), (x.shape[0], x.shape[2], -1))

    def flat(self, x: Any) -> Any:
        return anp.reshape(x, (x.shape[0], -1))


def _gate(x: Any) -> Any:
    return 1 / (1 + anp.exp(-x))


def net_gradients(net: Net, parameters: Sequence[Array], arrays: Arrays) -> list[Array]:
    """Derivatives of the mean loss by each parameter."""
    inputs, rows = arrays.inputs.astype(np.float64), np.arange(len(arrays.targets))

    def loss(now: Sequence[Any]) -> Any:
        scores = net.scores(Plain(), now, inputs)
        return anp.mean(anp.log(anp.sum(anp.exp(scores), axis=1)) - scores[rows, arrays.targets])

    return list(grad(loss)(list(parameters)))
