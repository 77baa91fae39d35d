"""PyTorch as a competitor: eager, and through its compiler."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional

from tests.benchmarks.nets import EPSILON, HEADS, UNITS
from tests.benchmarks.workloads import MSE, Array, Arrays, Workload, ends, scalar_program


class Eager:
    """Tensors with gradients, `backward`, and PyTorch's own descent in its fused form (the fastest of its three)."""

    def __init__(self, workload: Workload, arrays: Arrays, rate: float, *, threads: int) -> None:
        torch.set_num_threads(threads)
        self._parameters = [torch.from_numpy(numbers.copy()).requires_grad_() for numbers in arrays.parameters]
        self._optimizer = torch.optim.SGD(self._parameters, lr=rate, fused=True)
        self._loss = self._prepared(_loss_of(workload, arrays, self._parameters))

    def _prepared(self, loss: Callable[[], Any]) -> Callable[[], Any]:
        return loss

    def step(self, steps: int) -> None:
        """The loop that tutorials write."""
        for _ in range(steps):
            self._optimizer.zero_grad(set_to_none=True)
            self._loss().backward()
            self._optimizer.step()

    def parameters(self) -> list[Array]:
        """Copies."""
        return [tensor.detach().numpy().copy() for tensor in self._parameters]


class Compiled(Eager):
    """The same, loss and derivatives through `torch.compile`."""

    def _prepared(self, loss: Callable[[], Any]) -> Callable[[], Any]:
        torch._dynamo.reset()
        compiled: Callable[[], Any] = torch.compile(loss)
        return compiled


_SCALARS: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda x, y: x + y, "multiply": lambda x, y: x * y, "tanh": lambda x, y: torch.tanh(x),
}  # fmt: skip


class Torch:
    """The nets' operations, each by the function that the library has for all of it."""

    def convolved(self, x: Any, weight: Any, bias: Any, padding: int) -> Any:
        return functional.conv2d(x, weight, bias, padding=padding)

    def pooled(self, x: Any, edge: int) -> Any:
        return functional.max_pool2d(x, edge)

    def relu(self, x: Any) -> Any:
        return torch.relu(x)

    def recurrent(self, x: Any, weight: Any, state_weight: Any, bias: Any) -> Any:
        start, none = torch.zeros(1, x.shape[0], UNITS), torch.zeros_like(bias)
        tables = [weight.T, state_weight.T, bias, none]
        return torch.rnn_tanh(x, start, tables, True, 1, 0.0, True, False, True)[1][0]

    def long_short_term(self, x: Any, weight: Any, state_weight: Any, bias: Any) -> Any:
        start, none = torch.zeros(1, x.shape[0], UNITS), torch.zeros_like(bias)
        # Its order of gates is input, forget, candidate, output.
        write, keep, show, new = [torch.arange(UNITS) + UNITS * block for block in range(4)]
        order = torch.cat([write, keep, new, show])
        tables = [weight[:, order].T, state_weight[:, order].T, bias[order], none]
        return torch.lstm(x, (start, start), tables, True, 1, 0.0, True, False, True)[1][0]

    def attended(self, queries: Any, keys: Any, values: Any) -> Any:
        return functional.scaled_dot_product_attention(queries, keys, values)

    def standardised(self, x: Any, gain: Any, shift: Any) -> Any:
        return functional.layer_norm(x, x.shape[-1:], gain, shift, EPSILON)

    def in_heads(self, x: Any) -> Any:
        return x.reshape(*x.shape[:2], HEADS, -1).transpose(1, 2)

    def side_by_side(self, x: Any) -> Any:
        return x.transpose(1, 2).reshape(x.shape[0], x.shape[2], -1)

    def flat(self, x: Any) -> Any:
        return x.flatten(1)


def _loss_of(workload: Workload, arrays: Arrays, parameters: list[Any]) -> Callable[[], Any]:
    if workload.net is not None:
        net, examples, classes = workload.net, torch.from_numpy(arrays.inputs), torch.from_numpy(arrays.targets)
        return lambda: functional.cross_entropy(net.scores(Torch(), parameters, examples), classes)
    if workload.is_scalars:

        def total() -> Any:
            values = list(parameters)
            for operation, first, second in scalar_program(*workload.sizes):
                values.append(_SCALARS[operation](values[first], values[second]))
            return sum(values[place] for place in ends(*workload.sizes))

        return total
    inputs, targets = torch.from_numpy(arrays.inputs), torch.from_numpy(arrays.targets)
    activate = torch.tanh if workload.activation == "tanh" else torch.relu
    measure = functional.mse_loss if workload.loss == MSE else functional.cross_entropy
    last = len(parameters) - 2

    def loss() -> Any:
        h = inputs
        for place in range(0, len(parameters), 2):
            h = torch.addmm(parameters[place + 1], h, parameters[place])
            h = h if place == last else activate(h)
        return measure(h, targets)

    return loss
