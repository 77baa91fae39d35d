"""Restricted Boltzmann machines of real numbers, ratings and counts: the source text's numbers, and NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

from tests.engine.nodes.playing_rules import document, session, value

RBM = "restricted_boltzmann_machine"
CERTAIN = [100.0, -100.0]  # hidden biases that set the first unit and clear the second


@pytest.mark.text("05:gaussian-rbm")
def test_numbers_05_gaussian_rbm():
    settings = {
        "visible": "Gaussian", "deviation": [1.0, 2.0], "hidden": 2, "initial_weight": [[1, -1], [0.5, 0.5]],
        "initial_visible_bias": [0.5, -0.5],
    }  # fmt: skip
    played = session(RBM, [[1, 2]], initial_hidden_bias=CERTAIN, **settings)
    played.step("iteration")
    np.testing.assert_allclose(value(played, "reconstruction"), [(1.5, 0.5)], atol=1e-12)
    played = session(RBM, [[1, 2]], initial_hidden_bias=[0.2, -0.1], **settings)
    played.step("iteration")
    np.testing.assert_allclose(value(played, "hidden"), [(0.845535, 0.354344)], atol=5e-7)


def test_the_free_energy_of_real_numbers_sums_over_the_hidden_units():
    draw = np.random.default_rng(0)
    w, b, c, sigma, v = (
        draw.normal(size=(3, 2)),
        draw.normal(size=3),
        draw.normal(size=2),
        0.7,
        draw.normal(size=(4, 3)),
    )
    played = session(
        RBM, v, visible="Gaussian", deviation=sigma, hidden=2, initial_weight=w.tolist(), learning_rate=0.0,
        initial_visible_bias=b.tolist(), initial_hidden_bias=c.tolist(),
    )  # fmt: skip
    played.step("iteration")
    states = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    energy = ((v - b) ** 2).sum(1, keepdims=True) / (2 * sigma**2) - states @ c - (v / sigma) @ w @ states.T
    np.testing.assert_allclose(value(played, "free_energy")[:, 0], -special.logsumexp(-energy, axis=1), rtol=1e-9)


def test_real_numbers_are_learned():
    draw = np.random.default_rng(3)
    rows = np.vstack([draw.normal((2, -1), 0.3, (60, 2)), draw.normal((-2, 1), 0.3, (60, 2))])
    played = session(RBM, rows, visible="Gaussian", hidden=4, learning_rate=0.05, sampling="everything")
    played.run(1)
    before = value(played, "error")
    played.run(600)
    assert value(played, "error") < 0.3 * before


@pytest.mark.text("05:rbm-topic-model")
def test_numbers_05_rbm_topic_model():
    settings = {
        "visible": "counts", "hidden": 2, "sampling": "nothing", "learning_rate": 1.0,
        "initial_weight": [[0.8, -0.3], [0.1, 0.2], [-0.5, 0.9]], "initial_visible_bias": [0, 0.1, -0.1],
        "initial_hidden_bias": [-0.2, 0.1],
    }  # fmt: skip
    played = session(RBM, [[2, 0, 1]], **settings)
    before = dict(played.parameters)
    played.step("iteration")
    np.testing.assert_allclose(value(played, "hidden"), [(0.71095, 0.598688)], atol=5e-7)
    np.testing.assert_allclose(value(played, "fantasy"), [(1.135123, 1.028828, 0.836049)], atol=5e-7)
    moved = {key.split(".")[1]: played.parameters[key] - before[key] for key in before}
    wanted = [(0.744237, 0.434466), (-0.614204, -0.691469), (0.211833, 0.036784)]
    np.testing.assert_allclose(moved["weight"], wanted, atol=1e-6)
    np.testing.assert_allclose(moved["visible_bias"], (0.864877, -1.028828, 0.163951), atol=1e-6)
    np.testing.assert_allclose(moved["hidden_bias"], (0.113955, -0.073407), atol=1e-6)
    scaled = session(RBM, [[2, 0, 1]], each_word=True, **settings)
    scaled.step("iteration")
    np.testing.assert_allclose(value(scaled, "hidden"), [(0.622459, 0.645656)], atol=5e-7)


@pytest.mark.text("05:rbm-topic-model")
def test_numbers_05_words_that_hidden_units_send():
    settings = {"visible": "counts", "hidden": 2, "initial_weight": [[0.8, -0.3], [0.1, 0.2], [-0.5, 0.9]]}
    for bias, wanted in ((CERTAIN, (0.556976, 0.305675, 0.137349)), (CERTAIN[::-1], (0.171636, 0.312741, 0.515623))):
        played = session(RBM, [[1, 0, 0]], initial_visible_bias=[0, 0.1, -0.1], initial_hidden_bias=bias, **settings)
        played.step("iteration")
        np.testing.assert_allclose(value(played, "reconstruction"), [wanted], atol=5e-7)


RATINGS = np.array(
    [[1, 0, 0, 0, 0, 1], [0, 1, 0, 0, 0, 0], [0, 0, 1, 1, 0, 0]], float
)  # the second has not seen item 2


@pytest.mark.parametrize("sampling", ["nothing", "everything"])
def test_an_item_that_is_not_rated_teaches_nothing(sampling):
    played = session(RBM, RATINGS[1:2], visible="ratings", levels=3, hidden=2, sampling=sampling, learning_rate=1.0)
    before = dict(played.parameters)
    played.run(5)
    for key in ("rule.weight", "rule.visible_bias"):
        assert (played.parameters[key][3:] == before[key][3:]).all()
        assert (played.parameters[key][:3] != before[key][:3]).any()
    shares = value(played, "reconstruction").reshape(2, 3)
    np.testing.assert_allclose(shares.sum(axis=1), 1)  # it is predicted all the same


def test_drawn_ratings_name_one_level_of_each_item_that_is_rated():
    played = session(RBM, RATINGS, visible="ratings", levels=3, hidden=2, sampling="everything")
    for _ in range(5):
        played.step("iteration")
        drawn = value(played, "fantasy").reshape(3, 2, 3)
        assert set(np.unique(drawn)) <= {0.0, 1.0}
        np.testing.assert_array_equal(drawn.sum(axis=2), RATINGS.reshape(3, 2, 3).sum(axis=2))


@pytest.mark.parametrize(("growth", "steps"), [("by one", [1, 1, 2, 2, 3, 3, 3]), ("double", [1, 1, 2, 2, 3, 3, 3])])
@pytest.mark.text("05:contrastive-divergence")
def test_the_negative_phase_goes_further_as_learning_goes_on(growth, steps):
    draw = np.random.default_rng(1)
    w, v = draw.normal(size=(3, 2)) * 2, np.array([[1.0, 0.0, 1.0]])
    played = session(
        RBM, v, hidden=2, sampling="nothing", learning_rate=0.0, growth=growth, every=2.0, most_steps=3,
        initial_weight=w.tolist(),
    )  # fmt: skip
    for k in steps:
        played.step("iteration")
        hidden = special.expit(v @ w)
        for _ in range(k):
            visible = special.expit(hidden @ w.T)
            hidden = special.expit(visible @ w)
        np.testing.assert_allclose(value(played, "fantasy"), visible, rtol=1e-9)


@pytest.mark.parametrize(
    ("said", "properties"),
    [
        ("knows no visible units", {"visible": "Gaussian", "method": "exact"}),
        ("make no ratings of 4 levels", {"visible": "ratings", "levels": 4}),
        ("a deviation is above 0", {"visible": "Gaussian", "deviation": [1.0, -1.0]}),
    ],
)
def test_what_does_not_fit_is_refused_with_the_mend(said, properties):
    assert any(said in str(problem) for problem in document(RBM, RATINGS, **properties).check())
