"""Sequences of different lengths: read from their own ends, and gathered as far as they go."""

from __future__ import annotations

import numpy as np
import pytest

from engine.document import Document
from engine.graph import Graph
from engine.session import Session
from tests.engine.nodes.slopes import Alone

X = np.random.default_rng(3).normal(size=(3, 4, 2))
LENGTHS = np.array([4.0, 2.0, 0.0])


@pytest.mark.parametrize(
    "lengths", [LENGTHS, LENGTHS[:, None], LENGTHS.astype(np.int32)], ids=["row", "column", "whole"]
)
def test_every_sequence_is_read_from_its_own_end(lengths):
    node = Alone("reverse", {"x": X, "lengths": lengths})
    wanted = X.copy()
    wanted[0], wanted[1, :2] = X[0, ::-1], X[1, 1::-1]
    np.testing.assert_array_equal(node.value(), wanted)


def test_what_lies_behind_the_end_of_a_sequence_is_zero_and_learns_nothing():
    graph = Graph()
    numbers, steps = graph.add("input", columns=tuple(range(8))), graph.add("reshape", shape=(4, 2))
    lengths = graph.add("input", columns=(8,))
    layer, each, all_steps = graph.add("dense", units=8), graph.add("each_step"), graph.add("all_steps")
    total = graph.add("sum", over="all")
    for source, sink in (
        (numbers, layer), (layer, steps), (steps, each), (each, all_steps["x"]), (lengths, all_steps["lengths"]),
        (all_steps, total),
    ):  # fmt: skip
        graph.connect(source, sink)
    rows = np.hstack([X.reshape(3, 8), LENGTHS[:, None]])
    training = {"loss": total.id, "order": "sequential", "optimizer": {"type": "sgd", "learning_rate": 0.0}}
    document = Document(graph, {"inputs": rows, "targets": [[0.0]] * 3}, precision="float64", training=training)
    assert document.check() == []
    session = Session(document)
    session.step("iteration")
    there = np.arange(4) < LENGTHS[:, None]
    found, before = session.value(all_steps), session.value(layer)
    np.testing.assert_allclose(found, before.reshape(3, 4, 2) * there[:, :, None])
    np.testing.assert_allclose(session.gradient(layer).reshape(3, 4, 2), np.repeat(there[:, :, None], 2, axis=2))


@pytest.mark.parametrize(
    "lengths", [LENGTHS, LENGTHS[:, None], LENGTHS.astype(np.int32)], ids=["row", "column", "whole"]
)
def test_a_mask_ends_where_the_sequence_ends(lengths):
    found = Alone("length_mask", {"lengths": lengths}, count=5).value()
    np.testing.assert_array_equal(found, np.arange(5) < LENGTHS[:, None])


def test_attention_looks_at_no_step_behind_the_end():
    mask = Alone("length_mask", {"lengths": np.array([4.0, 2.0, 1.0])}, count=4).value()
    keys = X.copy()
    weights = Alone("attention", {"query": X, "key": keys, "mask": mask}).value("weights")
    np.testing.assert_allclose(weights.sum(axis=2), 1)
    np.testing.assert_array_equal(weights[1, :, 2:], 0)
