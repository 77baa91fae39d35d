"""Who trains the workloads: by which library, on how many threads, started how. Each module is imported by its own worker."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Protocol

from tests.benchmarks.workloads import Array, Arrays, Workload


class Trainer(Protocol):
    """One workload, ready to be trained: every step is forward, backward and a plain gradient descent update."""

    def step(self, steps: int) -> None:
        """Take that many steps and return when the last one is done."""

    def parameters(self) -> Sequence[Array]:
        """Weight (inputs, units) and bias (units) of each layer, as they are now."""


Make = Callable[[Workload, Arrays, float], Trainer]


@dataclass(frozen=True)
class Competitor:
    """A library in one way of using it.

    maker        `module:function` under this package, called with workload, arrays, learning rate and `options`
    check        `module:function`, called with workload and arrays; answers "" or what is wrong
    one_core     its process may use one core only (where the system can say so): a library's own wish for one thread is
                 not always granted
    """

    name: str
    title: str
    maker: str
    is_ours: bool = False
    check: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    one_core: bool = False

    def make(self, workload: Workload, arrays: Arrays, rate: float) -> Trainer:
        """A trainer that begins with the arrays' parameters."""
        trainer: Trainer = _named(self.maker)(workload, arrays, rate, **self.options)
        return trainer

    def complaint(self, workload: Workload, arrays: Arrays) -> str:
        """What a check of its own finds wrong with this competitor; empty if nothing, or if it has none."""
        return str(_named(self.check)(workload, arrays)) if self.check else ""


def _named(place: str) -> Callable[..., Any]:
    module, _, name = place.partition(":")
    found: Callable[..., Any] = getattr(import_module(f"tests.benchmarks.{module}"), name)
    return found


COMPETITORS = {
    competitor.name: competitor
    for competitor in (
        Competitor("chainrule", "Chainrule, session.run", "ours:Played", True, "ours:nan_complaint"),
        Competitor("chainrule-bare", "Chainrule, bare loop", "ours:Bare", True),
        Competitor("torch-1", "PyTorch, 1 thread", "torch_peer:Eager", options={"threads": 1}),
        Competitor("torch-2", "PyTorch, 2 threads", "torch_peer:Eager", options={"threads": 2}),
        Competitor("torch-compile", "torch.compile, 1 thread", "torch_peer:Compiled", options={"threads": 1}),
        Competitor("jax-step", "JAX jit per step", "jax_peer:PerStep"),
        Competitor("jax-loop", "JAX loop on device", "jax_peer:Loop"),
        Competitor("jax-loop-1", "JAX loop, 1 core", "jax_peer:Loop", one_core=True),
    )
}
