"""Units that fire by chance, noise for pictures and texts, subsamples, and noise whose strength a schedule sets."""

from __future__ import annotations

import numpy as np
import pytest

from engine.document import Document
from engine.graph import Graph
from engine.session import Session
from tests.engine.nodes.test_random import TABLE, evaluated, played


def test_a_unit_is_on_as_often_as_its_probability_says():
    session = played("bernoulli_sample")
    drawn = session.value("node")
    assert set(np.unique(drawn)) == {0.0, 1.0}
    assert np.mean(drawn) == pytest.approx(TABLE.mean(), abs=0.03)
    np.testing.assert_array_equal(evaluated("bernoulli_sample"), TABLE)
    assert set(np.unique(played("bernoulli_sample", states="-1/+1").value("node"))) == {-1.0, 1.0}


def test_a_derivative_passes_straight_through_a_drawn_unit_where_that_is_wanted():
    straight = played("bernoulli_sample", slope="straight_through")
    straight.step("iteration")
    np.testing.assert_allclose(straight.gradient("layer.h"), 1 / TABLE.size)
    assert set(np.unique(straight.value("node"))) == {0.0, 1.0}
    found = played("bernoulli_sample").gradient("layer.h")
    assert found is None or not found.any()


@pytest.mark.parametrize("variance", ["sigmoid", "softplus"])
def test_the_noise_of_a_noisy_rectifier_is_as_wide_as_its_sum_says(variance):
    table = np.full((4000, 1), 3.0)
    h = played("noisy_relu", table, variance=variance).value("node")
    wanted = {"sigmoid": 1 / (1 + np.exp(-3)), "softplus": np.log1p(np.exp(3))}[variance]
    assert h.min() >= 0
    assert np.var(h) == pytest.approx(wanted, rel=0.15)
    np.testing.assert_array_equal(evaluated("noisy_relu", TABLE - 0.5), np.maximum(TABLE - 0.5, 0))


def test_units_may_go_on_drawing_after_training():
    assert set(np.unique(evaluated("bernoulli_sample", evaluation="sample"))) == {0.0, 1.0}
    rectified = evaluated("noisy_relu", np.full((400, 1), 3.0), active="always")
    assert np.var(rectified) == pytest.approx(1 / (1 + np.exp(-3)), rel=0.25)
    spread = np.random.default_rng(0).normal(size=(400, 2))
    assert (evaluated("colour_noise", spread, active="always") != spread).all()
    worth = np.tile([[0.1, 0.9]], (4000, 1))
    chosen = evaluated("epsilon_greedy", worth, port="index", epsilon=0.4, evaluation="sample")
    assert np.mean(chosen) == pytest.approx(0.8, abs=0.03)


def test_a_colour_lies_along_the_axes_in_which_the_data_differ():
    spread = np.random.default_rng(0).normal(size=(2000, 1)) @ np.array([[3.0, 4.0]])
    added = played("colour_noise", spread, variance=1.0).value("node") - spread
    np.testing.assert_allclose(added[:, 0] / 3, added[:, 1] / 4, rtol=1e-9)
    assert np.std(added @ [0.6, 0.8]) == pytest.approx(spread.var(axis=0, ddof=1).sum(), rel=0.1)
    np.testing.assert_array_equal(evaluated("colour_noise", spread), spread)


def test_hidden_symbols_are_masked_exchanged_or_left_as_often_as_said():
    text = np.random.default_rng(1).integers(1, 10, (4000, 5)).astype(float)
    session = played("token_masking", text, share=0.5, masked=0.6, exchanged=0.3, mask=0, symbols=10)
    found, chosen = session.value("node.y"), session.value("node.chosen")
    assert chosen.mean() == pytest.approx(0.5, abs=0.02)
    np.testing.assert_array_equal(found[chosen == 0], text[chosen == 0])
    hidden = found[chosen == 1]
    assert np.mean(hidden == 0) == pytest.approx(0.6 + 0.3 / 10, abs=0.02)
    assert np.mean(hidden == text[chosen == 1]) == pytest.approx(0.1 + 0.3 / 10, abs=0.02)
    assert found.min() >= 0 and found.max() < 10
    np.testing.assert_array_equal(evaluated("token_masking", text, port="y"), text)


def test_a_subsample_holds_every_example_at_most_once_and_stays_the_same_where_that_is_wanted():
    def weights(bag: str, iterations: int) -> np.ndarray:
        session = played("bootstrap_weights", replacement=False, share=0.25, bag=bag)
        session.run(iterations)
        found = session.value("node")
        assert found is not None
        return found

    first = weights("fixed", 1)
    assert set(np.unique(first)) == {0.0, 1.0} and first.sum() == 100
    np.testing.assert_array_equal(first, weights("fixed", 4))
    assert not np.array_equal(weights("fresh", 1), weights("fresh", 2))


@pytest.mark.parametrize(("mask", "shape"), [("whole", (60, 1, 1, 1)), ("maps", (60, 4, 1, 1))])
def test_dropout_drops_whole_examples_or_whole_maps(mask, shape):
    graph = Graph()
    x, images, drop = graph.add("input"), graph.add("reshape", shape=(4, 3, 3)), graph.add("dropout", mask=mask)
    graph.connect(x, images)
    graph.connect(images, drop)
    document = Document(graph, {"inputs": np.ones((60, 36)), "targets": [[0.0]] * 60}, precision="float64")
    session = Session(document)
    session.step("iteration")
    kept = session.value(drop)
    assert kept is not None
    np.testing.assert_array_equal(kept, np.broadcast_to(kept[:, : shape[1], :1, :1], kept.shape))
    assert set(np.unique(kept)) == {0.0, 2.0}


def test_a_schedule_lets_a_noise_fade():
    graph = Graph()
    x, noisy = graph.add("input"), graph.add("gaussian_noise", amount=2.0)
    falling = graph.add("number_schedule", form="linear", start=1.0, end=0.0, length=4.0, unit="iteration")
    graph.connect(x, noisy["x"])
    graph.connect(falling, noisy["strength"])
    rows = np.zeros((3000, 1))
    document = Document(graph, {"inputs": rows, "targets": rows}, precision="float64")
    assert document.check() == []
    session = Session(document)
    for step in range(6):
        session.step("iteration")
        assert np.std(session.value(noisy)) == pytest.approx(2 * max(0, 1 - step / 4), rel=0.1)
