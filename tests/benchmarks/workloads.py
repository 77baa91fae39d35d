"""The nets that Chainrule and its peers train: one fixed batch each, float32, the same numbers for everybody."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import Any, Literal, NamedTuple

import numpy as np

from tests.benchmarks.nets import NETS, Net, drawn

Array = np.ndarray[Any, np.dtype[Any]]
Loss = Literal["mean_squared_error", "softmax_cross_entropy", "sum"]


class Workload(NamedTuple):
    """A net of dense layers, its activation between them, and the rows of its batch; or one of `NETS`, by its name.

    goal   how many times faster than the fastest peer a step has to be by now; None: not promised yet
    later  how many times faster it is meant to become
    """

    name: str
    sizes: tuple[int, ...]
    activation: Literal["tanh", "relu"]
    loss: Loss
    batch: int
    goal: float | None
    later: float

    @property
    def is_scalars(self) -> bool:
        """Whether it is a graph of single numbers: `sizes` are then its nodes and its parameters."""
        return self.loss == SUM

    @property
    def net(self) -> Net | None:
        """What it is where it is more than dense layers in a row."""
        return NETS.get(self.name)

    @property
    def flops(self) -> int:
        """Multiplications and additions of all products in a step: forward, weight gradients, input gradients."""
        if self.is_scalars:
            return 4 * self.sizes[0]
        if self.net is not None:
            return self.batch * (3 * self.net.flops - self.net.first)
        edges = [first * second for first, second in pairwise(self.sizes)]
        return 2 * self.batch * (3 * sum(edges) - edges[0])


class Arrays(NamedTuple):
    """Everything a competitor starts from; `parameters` are weight (inputs, units) and bias (units), layer by layer."""

    inputs: Array
    targets: Array
    parameters: tuple[Array, ...]


MSE: Loss = "mean_squared_error"
CROSS_ENTROPY: Loss = "softmax_cross_entropy"
SUM: Loss = "sum"

WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload("2-4-2-1", (2, 4, 2, 1), "tanh", MSE, 10, 12, 25),
        Workload("2-8-8-1", (2, 8, 8, 1), "tanh", MSE, 32, 7, 15),
        Workload("7-8x6-1", (7, 8, 8, 8, 8, 8, 8, 1), "tanh", MSE, 30, 6.5, 13),
        Workload("64-32-10", (64, 32, 10), "relu", CROSS_ENTROPY, 64, 2.5, 4),
        Workload("784-128-10", (784, 128, 10), "relu", CROSS_ENTROPY, 64, 1.0, 1.5),
        Workload("784-512-512-10", (784, 512, 512, 10), "relu", CROSS_ENTROPY, 256, 0.8, 1.25),
        Workload("1000 scalar nodes", (1000, 64), "tanh", SUM, 1, 10, 30),
        Workload("CNN on 8x8 digits", (), "relu", CROSS_ENTROPY, 32, None, 8),
        Workload("ConvNetJS's MNIST net", (), "relu", CROSS_ENTROPY, 20, None, 4),
        Workload("vanilla RNN", (), "tanh", CROSS_ENTROPY, 16, None, 6),
        Workload("LSTM", (), "tanh", CROSS_ENTROPY, 16, None, 5),
        Workload("transformer", (), "relu", CROSS_ENTROPY, 16, None, 2.8),
    )
}


def arrays_of(workload: Workload, seed: int = 0) -> Arrays:
    """Normal inputs, normal or class targets, weights of variance 1 / inputs; float32, classes as int64."""
    draw = np.random.default_rng(seed)
    if workload.net is not None:
        return Arrays(*drawn(workload.net, workload.batch, draw))
    if workload.is_scalars:
        leaves = [np.array(number, np.float32) for number in draw.normal(size=workload.sizes[1])]
        return Arrays(np.zeros((1, 1), np.float32), np.zeros((1, 1), np.float32), tuple(leaves))
    inputs = draw.normal(size=(workload.batch, workload.sizes[0])).astype(np.float32)
    if workload.loss == MSE:
        targets: Array = draw.normal(size=(workload.batch, workload.sizes[-1])).astype(np.float32)
    else:
        targets = draw.integers(0, workload.sizes[-1], workload.batch)
    parameters: list[Array] = []
    for before, units in pairwise(workload.sizes):
        parameters.append((draw.normal(size=(before, units)) / np.sqrt(before)).astype(np.float32))
        # Not zero: a peer that forgot the biases would pass.
        parameters.append((0.1 * draw.normal(size=units)).astype(np.float32))
    return Arrays(inputs, targets, tuple(parameters))


@cache
def scalar_program(nodes: int, leaves: int) -> tuple[tuple[str, int, int], ...]:
    """Eight interleaved chains: (operation, first, second) by place, parameters first.

    Even places add or multiply two earlier numbers, odd ones squash the one before, so that numbers stay bounded.
    """
    seed = 12345

    def drawn(below: int) -> int:
        nonlocal seed
        seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
        return (seed >> 8) % below

    program: list[tuple[str, int, int]] = []
    for place in range(nodes):
        here = leaves + place
        if place % 2:
            program.append(("tanh", here - 1, here - 1))
            continue
        operation = "multiply" if drawn(2) else "add"
        first = drawn(leaves) if place < 16 else here - 15
        second = drawn(leaves + max(1, place - 1))
        program.append((operation, first, second if second != first else (second + 1) % here))
    return tuple(program)


def ends(nodes: int, leaves: int) -> range:
    """The places whose numbers are summed as the loss: the last one, and seven before it."""
    return range(nodes + leaves - 15, nodes + leaves, 2)
