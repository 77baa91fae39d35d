"""Penalties on hidden units: the numbers of the texts, by value and by derivative."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engine import Document, Graph, Session

ENCODER = np.array([[0.5, -1.0], [1.0, 0.25], [-0.5, 0.75]])
DECODER = np.array([[0.2, -0.4], [0.6, 0.1], [-0.3, 0.5]]).T


def autoencoder(inputs: Any = ((1.0, 0.5, -1.0),), **properties: Any) -> Session:
    """3-2-3 with tanh inside: a squared loss, and what the hidden units cost."""
    graph = Graph()
    x, t = graph.add("input"), graph.add("target")
    a = graph.add("dense", "code", units=2, use_bias=False, initial_weight=ENCODER.tolist())
    h, penalty = graph.add("tanh"), graph.add("activation_penalty", **properties)
    y = graph.add("dense", "answer", units=3, use_bias=False, initial_weight=DECODER.tolist())
    loss, total = graph.add("squared_error"), graph.add("add", "total")
    for source, sink in ((x, a), (a, h), (h, penalty), (h, y)):
        graph.connect(source, sink)
    graph.connect(y, loss["prediction"])
    graph.connect(t, loss["target"])
    for part in (loss, penalty):
        graph.connect(part, total["x"])
    data = {"inputs": np.array(inputs), "targets": np.array(inputs)}
    plan = {"loss": "total", "optimizer": {"type": "sgd", "learning_rate": 0.1}}
    return Session(Document(graph, data=data, training=plan, precision="float64"))


@pytest.mark.text("04:l1-hidden-activation-penalty")
def test_hidden_units_pay_for_their_size():
    session = autoencoder(strength=0.1)
    session.step("iteration")
    np.testing.assert_allclose(session.value("code"), [[1.5, -1.625]])
    np.testing.assert_allclose(session.value("tanh_1"), [[0.905148, -0.925346]], atol=6e-7)
    assert float(session.value("squared_error_1")) == pytest.approx(0.274535, abs=6e-7)
    assert float(session.value("total")) == pytest.approx(0.457585, abs=6e-7)
    sent_back, extra = np.array([[-0.071982, 0.088391]]), np.array([[0.018071, -0.014373]])
    np.testing.assert_allclose(session.gradient("code"), sent_back + extra, atol=1.2e-6)
    unpunished = autoencoder(strength=0.0)
    unpunished.step("iteration")
    np.testing.assert_allclose(unpunished.gradient("code"), sent_back, atol=6e-7)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("norm", ["l1", "l2"])
def test_the_cost_is_added_over_units_and_averaged_over_rows(norm, reduction):
    inputs = np.random.default_rng(0).normal(size=(5, 3))
    session = autoencoder(inputs, norm=norm, reduction=reduction, strength=0.3)
    session.step("iteration")
    h = np.tanh(inputs[session.snapshot().row_indices] @ ENCODER)
    costs = 0.3 * (np.abs(h) if norm == "l1" else h**2).sum(axis=1)
    assert float(session.value("activation_penalty_1")) == pytest.approx(
        costs.mean() if reduction == "mean" else costs.sum()
    )


def test_the_strength_is_dragged_without_a_new_plan():
    session = autoencoder(strength=0.1)
    session.step("iteration")
    before = float(session.value("activation_penalty_1"))
    session.reset()
    session.set_setting("activation_penalty_1.strength", 0.2)
    session.step("iteration")
    assert float(session.value("activation_penalty_1")) == pytest.approx(2 * before)


def test_a_loss_among_other_addends_still_says_what_the_network_answers():
    session = autoencoder()
    inputs = np.array([[0.3, -0.2, 1.0]])
    np.testing.assert_allclose(session.predict(inputs), np.tanh(inputs @ ENCODER) @ DECODER)
