"""Worked numbers of the texts for layers that draw: shares of classes, of rows left out, of what noise and dropout add."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

from engine.document import Document
from engine.graph import Graph
from engine.session import Session
from tests.engine.nodes.test_random import document, played


@pytest.mark.parametrize(
    ("counts", "shares"),
    [
        ([8, 4, 2, 1, 1], [0.422189, 0.251035, 0.149266, 0.088754, 0.088754]),
        ([100, 10, 1], [0.826822, 0.147032, 0.026146]),
    ],
)
@pytest.mark.text("02:negative-sampling-distribution")
def test_numbers_02_negative_sampling_distribution(counts, shares):
    session = Session(document("negative_sampler", np.zeros((2000, 1)), frequencies=counts, draws=20))
    session.step("phase")
    logits = next(v for v in session.program.values if v.call and v.call.operands and v.shape == (len(counts),))
    np.testing.assert_allclose(special.softmax(session._machine.view(logits)), shares, atol=5e-7)
    drawn = np.bincount(session.value("node").reshape(-1), minlength=len(counts)) / 40_000
    np.testing.assert_allclose(drawn, shares, atol=0.01)


@pytest.mark.parametrize(("power", "shares"), [(1.0, [0.5, 0.25, 0.125, 0.0625, 0.0625]), (0.0, [0.2] * 5)])
@pytest.mark.text("02:negative-sampling-distribution")
def test_numbers_02_negative_sampling_distribution_of_other_powers(power, shares):
    session = Session(
        document("negative_sampler", np.zeros((2000, 1)), frequencies=[8, 4, 2, 1, 1], draws=20, power=power)
    )
    session.step("phase")
    drawn = np.bincount(session.value("node").reshape(-1), minlength=5) / 40_000
    np.testing.assert_allclose(drawn, shares, atol=0.01)


@pytest.mark.parametrize(
    ("rows", "share"), [(2, 0.25), (5, 0.327680), (10, 0.348678), (100, 0.366032), (1000, 0.367695)]
)
@pytest.mark.text("04:bagging")
def test_numbers_04_bagging_share_left_out(rows, share):
    bags = 40_000 // rows
    session = Session(document("bootstrap_weights", np.zeros((rows, 1)), bag="fresh"))
    missing = []
    for _ in range(min(bags, 2000)):
        session.step("phase")
        missing.append(np.mean(session.value("node") == 0))
        session.step("iteration")
    assert np.mean(missing) == pytest.approx(share, abs=6 * (0.12 / rows / len(missing)) ** 0.5)


@pytest.mark.text("04:input-noise-equals-l2")
def test_numbers_04_input_noise_equals_l2():
    graph = Graph()
    x, t, noise = graph.add("input"), graph.add("target"), graph.add("gaussian_noise", amount=0.1, amount_is="variance")
    neuron = graph.add("dense", units=1, initial_weight=[[1.0], [-2.0], [0.5]], use_bias=False)
    error = graph.add("squared_error", "error")
    graph.connect(x, noise)
    graph.connect(noise, neuron)
    graph.connect(neuron, error["prediction"])
    graph.connect(t, error["target"])
    data = {"inputs": [[1.0, 2.0, 3.0]] * 200_000, "targets": [[1.0]] * 200_000}
    session = Session(Document(graph, data={"train": data}, training={"loss": "error", "order": "sequential"}))
    session.step("phase")
    assert session.loss == pytest.approx(6.775, abs=0.04)  # 6.25 without noise, and λ Σ w² = 0.525
    assert session.evaluate("train")["loss"] == pytest.approx(6.25, rel=1e-5)


@pytest.mark.parametrize(
    ("activation", "mean", "scaled"),
    [("identity", -0.75, -0.75), ("sigmoid", -0.413129, -0.419829), ("relu", -0.625, -0.75)],
)
@pytest.mark.text("04:weight-scaling-inference")
def test_numbers_04_weight_scaling_inference(activation, mean, scaled):
    graph = Graph()
    x, t, first, second = (
        graph.add("input"), graph.add("target"), graph.add("dropout", scaling="evaluation"),
        graph.add("dropout", scaling="evaluation"),
    )  # fmt: skip
    hidden = graph.add(
        "dense", "hidden", units=2, activation=activation, use_bias=False, initial_weight=[[2.0, 1.0], [-1.0, 1.0]]
    )
    last = graph.add("dense", "last", units=1, use_bias=False, initial_weight=[[1.0], [-2.0]])
    error = graph.add("mean_squared_error", "error")
    for begin, end in ((x, first), (first, hidden), (hidden, second), (second, last)):
        graph.connect(begin, end)
    graph.connect(last, error["prediction"])
    graph.connect(t, error["target"])
    rows = 100_000
    data = {"inputs": [[1.0, 1.0]] * rows, "targets": [[0.0]] * rows}
    session = Session(Document(graph, data={"train": data}, training={"loss": "error", "order": "sequential"}))
    session.step("phase")
    assert session.value("last").mean() == pytest.approx(mean, abs=0.02)
    assert session.predict(np.array([[1.0, 1.0]]))[0, 0] == pytest.approx(scaled, abs=1e-6)


@pytest.mark.text("08:dropout")
def test_numbers_08_dropout():
    session = played("dropout", np.ones((2000, 5)))
    assert set(np.unique(session.value("node"))) == {0.0, 2.0}
    assert session.value("node").mean() == pytest.approx(1, abs=0.05)
