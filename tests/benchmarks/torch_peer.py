"""PyTorch as a competitor: eager, and through its compiler."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional

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


def _loss_of(workload: Workload, arrays: Arrays, parameters: list[Any]) -> Callable[[], Any]:
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
