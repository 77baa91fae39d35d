"""What the data do to descent: scales of features, and how a batch is counted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engine import Document, Graph, Session


def linear(inputs: Any, targets: Any, rate: float, *, half: bool = True, reduction: str = "sum") -> Session:
    """One linear unit without a bias, from 0, on a squared loss."""
    graph = Graph()
    x, t = graph.add("input"), graph.add("target")
    y = graph.add("dense", units=1, use_bias=False, initial_weight=0.0)
    e = graph.add("squared_error", half=half, reduction=reduction)
    graph.connect(x, y)
    graph.connect(y, e["prediction"])
    graph.connect(t, e["target"])
    data = {
        "inputs": np.asarray(inputs, float),
        "targets": np.asarray(targets, float).reshape(-1, 1),
        "task": "regression",
    }
    plan = {"loss": e.id, "optimizer": {"type": "sgd", "learning_rate": rate}, "order": "sequential"}
    return Session(Document(graph, data=data, training=plan, precision="float64"))


def losses(session: Session, steps: int) -> list[float]:
    """The loss before each step."""
    found: list[float] = []
    for _ in range(steps + 1):
        session.step("iteration")
        assert session.loss is not None
        found.append(session.loss)
    return found


RAW = np.array([[8.0, 8500.0], [8.5, 9000.0], [9.0, 8000.0]])


@pytest.mark.text("03:ex-4-2-normalise")
def test_features_of_unequal_scale_allow_only_tiny_steps():
    found = losses(linear(RAW, [1, 2, 3], 1e-8), 10)
    assert found[0] == pytest.approx(7) and found[10] == pytest.approx(143, abs=1)


@pytest.mark.text("03:feature-normalization")
def test_standardised_features_descend_in_a_few_steps():
    standard = (RAW - RAW.mean(axis=0)) / RAW.std(axis=0)
    session = linear(standard, [-1, 0, 1], 0.4)
    found = losses(session, 10)
    assert [found[0], found[5], found[10]] == pytest.approx([1, 0.080557, 0.0086469], rel=1e-4)
    session.run(300)
    np.testing.assert_allclose(session.parameters["dense_1.weight"][:, 0], [0.81649658, 0], atol=1e-8)


@pytest.mark.text("03:whitening")
def test_whitened_features_descend_in_one_step():
    centred = RAW - RAW.mean(axis=0)
    variances, turn = np.linalg.eigh(centred.T @ centred / len(RAW))
    white = centred @ turn / np.sqrt(variances)
    np.testing.assert_allclose(white.T @ white, 3 * np.eye(2), atol=1e-8)
    assert losses(linear(white, [-1, 0, 1], 1 / 3), 1)[1] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("rows", [1, 2, 5])
@pytest.mark.text("01:sgd-family")
def test_a_sum_over_the_batch_steps_as_far_as_a_mean_with_a_rate_so_much_greater(rows):
    random = np.random.default_rng(rows)
    x, t = random.normal(size=(rows, 3)), random.normal(size=rows)
    summed, averaged = linear(x, t, 0.01), linear(x, t, 0.01 * rows, reduction="mean")
    for session in (summed, averaged):
        session.run(20)
    np.testing.assert_allclose(summed.parameters["dense_1.weight"], averaged.parameters["dense_1.weight"], rtol=1e-10)
