"""Same seed, same numbers: stepped, at full speed, by one thread or two, and again after a reset.

For every node type, every optimizer and driver, and whatever else a phase of training can choose.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from engine import Document, Graph, Session
from engine.nodes import node_types
from engine.training import DriverType, optimizer_types
from engine.training.plan import FAMILIES
from tests.engine.documents import layered_document, optimizer_of
from tests.engine.every_type import document_around
from tests.engine.test_session import assert_same, everything
from tests.engine.two_threads import alone, shared

ITERATIONS = 5
ROWS = np.random.default_rng(4).normal(size=(90, 2)).round(3)


def seen(session: Session) -> dict[str, Any]:
    """All that can be looked at, and what lasts."""
    assert session.problem is None, str(session.problem)
    return everything(session) | {f"lasting {name}": array.copy() for name, array in session._lasting().items()}


def assert_repeatable(document: Document) -> None:
    """Stepped by one thread, run by one and by two, and run once more after a reset: every bit the same."""
    with alone():
        stepped, ran = Session(document), Session(document)
        for _ in range(ITERATIONS * len(stepped.steps)):
            stepped.step("node")
        expected = seen(stepped)
        ran.run(ITERATIONS)
        assert_same(expected, seen(ran))
    with shared():
        together = Session(document)
        pieces = together.playback.machine._pieces
        assert pieces is not None and max(pieces.counts) > 1
        together.run(ITERATIONS)
        assert_same(expected, seen(together))
        together.reset()
        together.run(ITERATIONS)
        assert_same(expected, seen(together))


def standing_free(name: str) -> Document:
    """A node without inputs, beside a loss: what it draws or holds is seen."""
    graph = Graph()
    x, t, node = graph.add("input"), graph.add("target"), graph.add(name)
    y, error = graph.add("dense", units=1), graph.add("mean_squared_error")
    graph.connect(x, y)
    graph.connect(y, error["prediction"])
    graph.connect(t, error["target"])
    training = {"loss": error.id, "optimizer": {"type": "sgd", "learning_rate": 0.1}}
    assert node.id in graph.nodes
    return Document(graph, training=training)


def with_rows(document: Document, kind: Any) -> Document:
    """In float32 on ninety rows, shuffled, forty at a time: the last batch is short, and forty outputs are two pieces."""
    labels = np.where(ROWS[:, :1] > 0, 1.0, -1.0)
    document.precision = "float32"
    document.data = {"train": {"inputs": ROWS.tolist(), "targets": labels.tolist(), "task": "regression"}}
    whole = kind.category == "Graphs"  # every row stands in its place
    document.training = replace(
        document.training, batch_size=90 if whole else 40, order="sequential" if whole else "shuffled"
    )
    return document


# The frames of composites stand only within one; what differentiates other nodes has no wire from data.
WITHIN = {"port_in", "port_out"}
TYPES = [name for name in node_types() if name not in WITHIN]


@pytest.mark.parametrize("name", TYPES)
def test_a_node_of_every_type_repeats_its_bits(name):
    kind = node_types()[name]
    document = document_around(name) if kind.inputs and kind.outputs else standing_free(name)
    assert_repeatable(with_rows(document, kind))


CHOICES = [
    (family, name)
    for family, chosen in FAMILIES.items()
    for name in chosen.family.types
    if family not in ("optimizer", "stopping") and name not in ("none", "constant")
]


@cache
def words(family: str, name: str) -> tuple[dict[str, Any], ...]:
    """All that can be said in words of a choice: each by itself beside the defaults."""
    settings = FAMILIES[family].family.types[name].settings
    said: list[dict[str, Any]] = [{}]
    said += [
        {key: word} for key, one in settings.items() for word in getattr(one, "options", ()) if word != one.default
    ]
    return tuple(said)


@pytest.mark.parametrize(("family", "name"), CHOICES)
def test_what_a_phase_can_choose_repeats_its_bits(family, name):
    optimizer = {"type": "nesterov" if family == "momentum_schedule" else "adam", "learning_rate": 0.02}
    for said in words(family, name):
        chosen = {family: {"type": name, **said}, "optimizer": optimizer}
        assert_repeatable(layered_document([4, 9, 3], rows=90, batch_size=40, **chosen))


@pytest.mark.parametrize("name", list(optimizer_types()))
def test_every_optimizer_and_driver_repeats_its_bits(name):
    whole = isinstance(optimizer_types()[name], DriverType)
    sizes = [3, 3, 2] if whole else [3, 9, 2]
    for said in words("optimizer", name):
        if "line_search" in said and name != "steepest_descent":  # searches are the same for all
            continue
        optimizer = {**optimizer_of(name, 0.1), **said}
        assert_repeatable(layered_document(sizes, rows=90, batch_size=90 if whole else 40, optimizer=optimizer))
