"""Weights made fewer or coarser: what is left of them, and what learns."""

from __future__ import annotations

import numpy as np
import pytest

from engine.document import Document
from engine.graph import Graph
from engine.session import Session

START = np.random.default_rng(1).normal(size=(6, 5))


def learning(type: str, **properties: object) -> Session:
    """A layer whose weights come from a node of that type, and whose outputs are summed and made small."""
    graph = Graph()
    x, layer, goal = graph.add("input"), graph.add("dense", units=5, use_bias=False), graph.add("sum", over="all")
    node = graph.add(type, id="node", **properties)  # type: ignore[arg-type]
    if graph.nodes[node].kind.inputs:  # type: ignore[union-attr]
        graph.connect(graph.add("parameter", id="w", initial=START.tolist()), node)
        graph.connect(node["y"], layer["weight"])
    else:
        graph.connect(node, layer["weight"])
    graph.connect(x, layer["x"])
    graph.connect(layer, goal)  # each weight has the slope 2: two rows of ones
    training = {"loss": goal.id, "order": "sequential", "optimizer": {"type": "sgd", "learning_rate": 0.5}}
    data = {"inputs": np.ones((2, 6)).tolist(), "targets": [[0.0], [0.0]]}
    document = Document(graph, data, training=training, precision="float64")
    assert document.check() == []
    return Session(document)


@pytest.mark.parametrize(("by", "kept"), [("threshold", 0.6), ("share", np.quantile(np.abs(START), 0.7))])
def test_small_weights_go_and_learn_no_more(by, kept):
    session = learning("magnitude_mask", by=by, threshold=0.6, share=0.7)
    session.step("iteration")
    mask = np.abs(START) >= kept
    np.testing.assert_array_equal(session.value("node.mask"), mask)
    np.testing.assert_array_equal(session.value("node.y"), START * mask)
    np.testing.assert_allclose(session.parameters["w.value"], START - 1.0 * mask)


@pytest.mark.parametrize("bits", [1, 3, 8])
def test_weights_are_rounded_to_a_few_numbers_and_learn_as_if_they_were_not(bits):
    session = learning("quantise", bits=bits)
    session.step("iteration")
    levels = np.linspace(START.min(), START.max(), 2**bits)
    found = session.value("node")
    assert found is not None
    wanted = levels[np.abs(START[..., None] - levels).argmin(axis=-1)]
    np.testing.assert_allclose(found, wanted, atol=1e-12)
    np.testing.assert_allclose(session.parameters["w.value"], START - 1.0)


def test_weights_that_share_a_place_learn_together():
    session = learning("hashed_weights", shape=(6, 5), buckets=4)
    before = session.parameters["node.weight"]
    session.step("iteration")
    table = session.value("node.weight")
    assert table is not None and table.shape == (6, 5)
    counts = np.array([(np.abs(table - number) < 1e-12).sum() for number in before])
    assert counts.sum() == 30
    np.testing.assert_allclose(session.parameters["node.weight"], before - 0.5 * 2 * counts)
