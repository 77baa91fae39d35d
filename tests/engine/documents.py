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
