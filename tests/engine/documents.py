"""Small documents that tests are played on, built as in a notebook."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine import Document, Graph
from engine.training import DriverType, optimizer_types


def optimizer_of(name: str, length: float) -> dict[str, Any]:
    """An optimizer whose steps are that long: by its rate, or of a driver by the share of its step that is taken."""
    is_driven = isinstance(optimizer_types()[name], DriverType)
    return {"type": name, "step_length" if is_driven else "learning_rate": length}


def xor_document(*, optimizer: str = "adam", batch_size: int = 4, **training: Any) -> Document:
    """2-4-1 on XOR, as on the architecture page."""
    graph = Graph()
    x = graph.add("input", shape=(2,))
    h = graph.add("dense", units=4, activation="tanh")
    y = graph.add("dense", units=1, activation="sigmoid")
    t = graph.add("target", shape=(1,))
    e = graph.add("binary_cross_entropy")
    graph.connect(x, h)
    graph.connect(h, y)
    graph.connect(y, e["prediction"])
    graph.connect(t, e["target"])
    plan = {"loss": e.id, "optimizer": {"type": optimizer, "learning_rate": 0.05}, "batch_size": batch_size, "seed": 0}
    return Document(graph, data="xor", training={**plan, **training})


def layered_document(
    sizes: list[int],
    *,
    rows: int = 7,
    batch_size: int = 3,
    activation: str = "tanh",
    loss: str = "mean_squared_error",
    **training: Any,
) -> Document:
    """A chain of dense layers on random numbers."""
    draw = np.random.default_rng(5)
    graph = Graph()
    before = graph.add("input")
    for place, units in enumerate(sizes[1:]):
        layer = graph.add("dense", units=units, activation=activation if place < len(sizes) - 2 else "identity")
        graph.connect(before, layer)
        before = layer
    target, error = graph.add("target"), graph.add(loss)
    classes = loss == "softmax_cross_entropy"
    graph.connect(before, f"{error}.logits" if classes else f"{error}.prediction")
    graph.connect(target, f"{error}.target")
    targets = draw.integers(0, sizes[-1], rows) if classes else draw.normal(size=(rows, sizes[-1]))
    data = {
        "inputs": draw.normal(size=(rows, sizes[0])),
        "targets": targets,
        "task": "classes" if classes else "regression",
    }
    plan = {"loss": error.id, "optimizer": {"type": "sgd", "learning_rate": 0.05}, "batch_size": batch_size, "seed": 3}
    return Document(graph, data=data, training={**plan, **training})


def attending(
    width: int, *, norm: str = "after", precision: str = "float32", rows: int = 6, batch_size: int = 6, heads: int = 1
) -> Document:
    """Two transformer blocks under a loss."""
    graph, draw = Graph(), np.random.default_rng(3)
    last: Any = graph.add("input", shape=(5, width))
    for _ in range(2):
        block = graph.add("transformer_encoder", heads=heads, hidden=7, norm=norm)
        graph.connect(last, block["x"])
        last = block["y"]
    flat, scores = graph.add("reshape"), graph.add("dense", units=3)
    target, loss = graph.add("target"), graph.add("softmax_cross_entropy")
    for source, end in ((last, flat), (flat, scores), (scores, loss["logits"]), (target, loss["target"])):
        graph.connect(source, end)
    inputs, classes = draw.normal(size=(rows, 5, width)), draw.integers(0, 3, rows)
    data = {"train": {"inputs": inputs.tolist(), "targets": classes.tolist(), "task": "classes"}}
    training = {
        "loss": loss.id,
        "optimizer": {"type": "sgd", "learning_rate": 0.05},
        "batch_size": batch_size,
        "order": "sequential",
    }
    return Document(graph, data, {**training, "seed": 0}, precision=precision)


def recurrent(
    kind: str,
    *,
    precision: str = "float32",
    rows: int = 7,
    batch_size: int = 7,
    optimizer: dict[str, Any] | None = None,
    **properties: Any,
) -> Document:
    """A cell over five steps under a loss."""
    graph, draw = Graph(), np.random.default_rng(3)
    source, each, cell = (
        graph.add("input", shape=(5, 3)),
        graph.add("each_step"),
        graph.add(kind, units=6, **properties),
    )
    graph.connect(source, each)
    graph.connect(each, cell["x"])
    for port, state in (("h", "state"), ("c", "memory")):
        if state == "state" or kind == "lstm_cell":
            delay = graph.add("delay", shape=(6,))
            graph.connect(cell[port], delay["x"])
            graph.connect(delay, cell[state])
    last, scores = graph.add("last_step"), graph.add("dense", units=3)
    target, loss = graph.add("target"), graph.add("softmax_cross_entropy")
    for begin, end in ((cell["h"], last["x"]), (last, scores), (scores, loss["logits"]), (target, loss["target"])):
        graph.connect(begin, end)
    inputs, classes = draw.normal(size=(rows, 5, 3)), draw.integers(0, 3, rows)
    data = {"train": {"inputs": inputs.tolist(), "targets": classes.tolist(), "task": "classes"}}
    training = {
        "loss": loss.id,
        "optimizer": optimizer or {"type": "sgd", "learning_rate": 0.1},
        "batch_size": batch_size,
        "order": "sequential",
    }
    return Document(graph, data, {**training, "seed": 0}, precision=precision)


def convolving(*, side: int = 8, kernel: int = 3, rows: int = 24) -> Document:
    """Filters, a pool, filters again, and a layer."""
    graph, draw = Graph(), np.random.default_rng(3)
    last: Any = graph.add("input", shape=(1, side, side))
    for filters in (8, 16):
        maps, pool = (
            graph.add("conv2d", filters=filters, kernel=(kernel, kernel), activation="relu"),
            graph.add("max_pool"),
        )
        graph.connect(last, maps["x"])
        graph.connect(maps, pool["x"])
        last = pool["y"]
    flat, scores = graph.add("reshape"), graph.add("dense", units=3)
    target, loss = graph.add("target"), graph.add("softmax_cross_entropy")
    for begin, end in ((last, flat), (flat, scores), (scores, loss["logits"]), (target, loss["target"])):
        graph.connect(begin, end)
    inputs, classes = draw.normal(size=(rows, 1, side, side)), draw.integers(0, 3, rows)
    data = {"train": {"inputs": inputs.tolist(), "targets": classes.tolist(), "task": "classes"}}
    training = {
        "loss": loss.id,
        "optimizer": {"type": "sgd", "learning_rate": 0.05},
        "batch_size": rows,
        "order": "sequential",
    }
    return Document(graph, data, {**training, "seed": 0})


def chain_of_sigmoids(length: int) -> Document:
    """x = 1, squashed that many times over."""
    graph = Graph()
    before = graph.add("parameter", "x", initial=1.0)
    for _ in range(length):
        following = graph.add("sigmoid")
        graph.connect(before, following)
        before = following
    return Document(graph, training={"loss": before.id}, precision="float64")
