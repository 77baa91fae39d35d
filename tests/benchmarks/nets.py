"""Nets beyond layers in a row: what they compute, the same for everybody who trains them, and as documents.

A loss is written once over `Operations`; who trains hands in his library's own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from engine import Document, Graph

Array = np.ndarray[Any, np.dtype[Any]]
CLASSES = 10
STEPS, FEATURES, UNITS = 25, 8, 32  # of the recurrent nets
WIDTH, LENGTH, HEADS, HIDDEN, BLOCKS = 32, 16, 4, 128, 2  # of the transformer
EPSILON = 1e-5


class Operations(Protocol):
    """What the nets are made of, in some library."""

    def convolved(self, x: Any, weight: Any, bias: Any, padding: int) -> Any:
        """Maps (batch, channels, height, width) under filters (filters, channels, rows, columns)."""

    def pooled(self, x: Any, edge: int) -> Any:
        """The largest of each square of that edge."""

    def relu(self, x: Any) -> Any:
        """The larger of x and 0."""

    def recurrent(self, x: Any, weight: Any, state_weight: Any, bias: Any) -> Any:
        """The last state of a plain recurrent cell over x of (batch, time, features)."""

    def long_short_term(self, x: Any, weight: Any, state_weight: Any, bias: Any) -> Any:
        """The last state of an LSTM cell; columns of the weights: input, forget and output gate, candidate."""

    def attended(self, queries: Any, keys: Any, values: Any) -> Any:
        """softmax(Q Kᵀ / √width) V of (batch, heads, time, width)."""

    def standardised(self, x: Any, gain: Any, shift: Any) -> Any:
        """Layer normalisation of the last axis, ε = 1e-5 within the root."""

    def in_heads(self, x: Any) -> Any:
        """(batch, time, features) as (batch, heads, time, width)."""

    def side_by_side(self, x: Any) -> Any:
        """The way back."""

    def flat(self, x: Any) -> Any:
        """(batch, everything else)."""


class Net(NamedTuple):
    """A net under a softmax cross-entropy of ten classes.

    inputs  the shape of one example
    shapes  of the parameters, by the name that the document gives them
    scores  (operations, parameters, inputs) -> (batch, classes)
    build   adds the net to a graph whose input is given, and gives the port of the scores
    flops   multiplications and additions of the products of one example, forward
    first   how many of these belong to the first layer, whose inputs ask for no derivative
    """

    inputs: tuple[int, ...]
    shapes: dict[str, tuple[int, ...]]
    scores: Callable[[Operations, Sequence[Any], Any], Any]
    build: Callable[[Graph, Any], Any]
    flops: int
    first: int


def drawn(net: Net, batch: int, draw: np.random.Generator) -> tuple[Array, Array, tuple[Array, ...]]:
    """Inputs, classes, and parameters: tables of variance 1 / fan-in, gains about 1, the rest about 0."""
    inputs = draw.normal(size=(batch, *net.inputs)).astype(np.float32)
    targets = draw.integers(0, CLASSES, batch)
    parameters = []
    for name, shape in net.shapes.items():
        if len(shape) == 1:
            numbers = 0.1 * draw.normal(size=shape) + name.endswith("gain")
        else:
            fan_in = math.prod(shape[1:]) if len(shape) == 4 else shape[0]
            numbers = draw.normal(size=shape) / math.sqrt(fan_in)
        parameters.append(numbers.astype(np.float32))
    return inputs, targets, tuple(parameters)


def document_of(net: Net, inputs: Array, targets: Array, rate: float) -> Document:
    """The net on its one batch, as a person would draw it."""
    graph = Graph()
    scores = graph.add("dense", units=CLASSES)
    graph.connect(net.build(graph, graph.add("input", shape=net.inputs)), scores)
    target, loss = graph.add("target"), graph.add("softmax_cross_entropy")
    graph.connect(scores, loss["logits"])
    graph.connect(target, loss["target"])
    data = {"train": {"inputs": inputs.tolist(), "targets": targets.tolist(), "task": "classes"}}
    optimizer = {"type": "sgd", "learning_rate": rate}
    training = {"loss": loss.id, "optimizer": optimizer, "batch_size": len(inputs), "order": "sequential", "seed": 0}
    return Document(graph, data, training)


# maps -----------------------------------------------------------------------------------------------------------------


def _convolutional(side: int, kernel: int, edges: tuple[int, int]) -> Net:
    """Eight filters, a pool, sixteen filters, a pool."""
    half = side // edges[0]
    last = half // edges[1]
    shapes = {
        "conv2d_1.weight": (8, 1, kernel, kernel), "conv2d_1.bias": (8,),
        "conv2d_2.weight": (16, 8, kernel, kernel), "conv2d_2.bias": (16,),
        "dense_1.weight": (16 * last * last, CLASSES), "dense_1.bias": (CLASSES,),
    }  # fmt: skip

    def scores(do: Operations, p: Sequence[Any], x: Any) -> Any:
        x = do.pooled(do.relu(do.convolved(x, p[0], p[1], kernel // 2)), edges[0])
        x = do.pooled(do.relu(do.convolved(x, p[2], p[3], kernel // 2)), edges[1])
        return do.flat(x) @ p[4] + p[5]

    def build(graph: Graph, last_port: Any) -> Any:
        for filters, edge in zip((8, 16), edges, strict=True):
            maps = graph.add("conv2d", filters=filters, kernel=(kernel, kernel), activation="relu")
            pool = graph.add("max_pool", window=(edge, edge), stride=(edge, edge))
            graph.connect(last_port, maps["x"])
            graph.connect(maps, pool["x"])
            last_port = pool["y"]
        row = graph.add("reshape")
        graph.connect(last_port, row)
        return row

    first = 2 * side * side * 8 * kernel * kernel
    flops = first + 2 * half * half * 16 * 8 * kernel * kernel + 2 * 16 * last * last * CLASSES
    return Net((1, side, side), shapes, scores, build, flops, first)


# sequences ------------------------------------------------------------------------------------------------------------


def _recurrent(cell: str, blocks: int) -> Net:
    """A cell over 25 steps, and a layer on its last state."""
    name, columns = f"{cell}_1", blocks * UNITS
    shapes = {
        f"{name}.weight": (FEATURES, columns), f"{name}.recurrent": (UNITS, columns), f"{name}.bias": (columns,),
        "dense_1.weight": (UNITS, CLASSES), "dense_1.bias": (CLASSES,),
    }  # fmt: skip

    def scores(do: Operations, p: Sequence[Any], x: Any) -> Any:
        over_time = do.recurrent if cell == "rnn_cell" else do.long_short_term
        return over_time(x, p[0], p[1], p[2]) @ p[3] + p[4]

    def build(graph: Graph, source: Any) -> Any:
        each, node = graph.add("each_step"), graph.add(cell, units=UNITS)
        graph.connect(source, each)
        graph.connect(each, node["x"])
        for port, state in (("h", "state"), ("c", "memory"))[: 1 + (cell == "lstm_cell")]:
            delay = graph.add("delay", shape=(UNITS,))
            graph.connect(node[port], delay["x"])
            graph.connect(delay, node[state])
        last = graph.add("last_step")
        graph.connect(node["h"], last["x"])
        return last

    first = 2 * STEPS * FEATURES * columns
    return Net(
        (STEPS, FEATURES), shapes, scores, build, first + 2 * STEPS * UNITS * columns + 2 * UNITS * CLASSES, first
    )


_BLOCK = {
    "self_query_weight": (WIDTH, WIDTH), "self_key_weight": (WIDTH, WIDTH), "self_value_weight": (WIDTH, WIDTH),
    "self_output_weight": (WIDTH, WIDTH), "self_gain": (WIDTH,), "self_shift": (WIDTH,),
    "in_weight": (WIDTH, HIDDEN), "in_bias": (HIDDEN,), "out_weight": (HIDDEN, WIDTH), "out_bias": (WIDTH,),
    "network_gain": (WIDTH,), "network_shift": (WIDTH,),
}  # fmt: skip


def _transformer() -> Net:
    """Two encoder blocks, and a layer on all steps."""
    shapes = {f"transformer_encoder_{n + 1}.{name}": shape for n in range(BLOCKS) for name, shape in _BLOCK.items()}
    shapes |= {"dense_1.weight": (LENGTH * WIDTH, CLASSES), "dense_1.bias": (CLASSES,)}

    def block(do: Operations, p: Sequence[Any], x: Any) -> Any:
        queries, keys, values = (do.in_heads(x @ weight) for weight in p[:3])
        x = do.standardised(x + do.side_by_side(do.attended(queries, keys, values)) @ p[3], p[4], p[5])
        return do.standardised(x + do.relu(x @ p[6] + p[7]) @ p[8] + p[9], p[10], p[11])

    def scores(do: Operations, p: Sequence[Any], x: Any) -> Any:
        for n in range(BLOCKS):
            x = block(do, p[len(_BLOCK) * n : len(_BLOCK) * (n + 1)], x)
        return do.flat(x) @ p[-2] + p[-1]

    def build(graph: Graph, last: Any) -> Any:
        for _ in range(BLOCKS):
            node = graph.add("transformer_encoder", heads=HEADS, hidden=HIDDEN)
            graph.connect(last, node["x"])
            last = node["y"]
        row = graph.add("reshape")
        graph.connect(last, row)
        return row

    first = 2 * LENGTH * WIDTH * 3 * WIDTH
    each = first + 2 * LENGTH * WIDTH * (WIDTH + 2 * HIDDEN) + 4 * LENGTH * LENGTH * WIDTH
    return Net((LENGTH, WIDTH), shapes, scores, build, BLOCKS * each + 2 * LENGTH * WIDTH * CLASSES, first)


NETS = {
    "CNN on 8x8 digits": _convolutional(8, 3, (2, 2)),
    "ConvNetJS's MNIST net": _convolutional(24, 5, (2, 3)),
    "vanilla RNN": _recurrent("rnn_cell", 1),
    "LSTM": _recurrent("lstm_cell", 4),
    "transformer": _transformer(),
}
