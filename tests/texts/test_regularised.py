"""Worked numbers of chapter 5: what is held out, combined answers, penalties, blurred losses, codes that are drawn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from engine import Session
from tests.texts.drawing import Drawing, both_ways, forward, gradient, table, value


def constant(rows: int, targets: Sequence[float], **options: object) -> Session:
    """A model that knows nothing of its inputs: one number for all rows, the mean after a step of Newton's method."""
    g = Drawing()
    y = g.put("dense", g.add("input"), g.held(np.zeros((1, 1))), g.learned([0.0], "b"), units=1, id="y")
    loss = g.put("squared_error", y, g.add("target"), half=True)
    return g.session(loss, table(np.arange(rows)[:, None], targets, **options), optimizer={"type": "newton"})


@pytest.mark.parametrize(("fraction", "trained"), [(0.5, 500), (0.02, 980)])
@pytest.mark.text("04:train-validation-test-split")
def test_rows_are_held_out_in_the_shares_of_the_text(fraction, trained):
    """2:1:1 and 98:1:1 of a thousand: what is held out is then halved, once for choosing and once for the end."""
    dataset = constant(1000, [0.0] * 1000, test_fraction=fraction).dataset
    assert dataset is not None
    held = dataset.test_rows
    assert (len(dataset.train_rows), len(held)) == (trained, 1000 - trained)
    again = constant(len(held), [0.0] * len(held), test_fraction=0.5).dataset
    assert again is not None
    assert len(again.train_rows) == len(again.test_rows) == len(held) // 2


@pytest.mark.parametrize(("held", "share"), [(10, 0.571429), (15, 0.5), (20, 0.428571)])
@pytest.mark.text("04:holdout-evaluation")
def test_what_is_left_of_a_pool_leans_the_other_way(held, share):
    """Of 100 rows, half of them positive, 30 are held out with so many positives: the mean of the rest is learned."""
    targets = np.r_[np.ones(50), np.zeros(50)]
    out = np.r_[np.arange(held), 50 + np.arange(30 - held)]
    session = constant(70, np.delete(targets, out))
    session.run(1)
    assert session.parameters["b.value"] == pytest.approx([share], abs=5e-7)


@pytest.mark.text("04:leave-one-out-cv")
def test_the_majority_of_the_others_is_always_wrong_on_a_balanced_set():
    targets = np.r_[np.ones(4), -np.ones(4)]
    right = 0
    for row in range(8):
        session = constant(7, np.delete(targets, row))
        session.run(1)
        right += float(session.predict(np.zeros((1, 1))).item()) * targets[row] > 0
    assert right == 0


@pytest.mark.parametrize(
    ("answers", "raw", "whole", "geometric", "arithmetic", "median"),
    [
        ([(0.9, 0.1), (0.5, 0.5)], (0.670820, 0.223607), 0.894427, (0.75, 0.25), (0.7, 0.3), (0.7, 0.3)),
        (
            [(0.7, 0.2, 0.1), (0.4, 0.5, 0.1), (0.6, 0.1, 0.3)],
            (0.551785, 0.215443, 0.144225),
            0.911453,
            (0.605390, 0.236374, 0.158236),
            (0.566667, 0.266667, 0.166667),
            (0.6, 0.2, 0.1),
        ),
    ],
)
@pytest.mark.text("04:ensemble-combiners")
def test_answers_of_several_networks_are_combined(answers, raw, whole, geometric, arithmetic, median):
    count = len(answers)
    g = Drawing()
    members = g.held(answers)
    logs = g.put("mean", g.put("log", members), axes=[0])
    product = g.put("exp", logs, id="product")
    g.put("divide", product, g.total(product), id="geometric")
    g.put("mean", members, axes=[0], id="arithmetic")
    ordered = g.put("sort", g.put("transpose", members))
    middle = g.put("slice", ordered["y"], axis=1, start=(count - 1) // 2, stop=count // 2 + 1)
    g.put("mean", middle, axes=[1], id="median")
    session = forward(g.session())
    assert float(value(session, "product").sum()) == pytest.approx(whole, abs=5e-7)
    for name, expected in (
        ("product", raw), ("geometric", geometric), ("arithmetic", arithmetic), ("median", median),
    ):  # fmt: skip
        np.testing.assert_allclose(value(session, name).ravel(), expected, atol=5.1e-7)


@pytest.mark.text("04:ensemble-combiners")
def test_one_zero_vetoes_a_class_under_the_geometric_mean():
    g = Drawing()
    members = g.held([(0.0, 1.0), (0.9, 0.1), (0.9, 0.1)])
    product = g.put("power", g.put("multiply", *[g.put("slice", members, axis=0, start=k, stop=k + 1) for k in range(3)]),
                    g.held(1 / 3))  # fmt: skip
    shares = g.put("divide", product, g.total(product))
    np.testing.assert_array_equal(value(forward(g.session()), shares), [[0, 1]])


@pytest.mark.text("04:soft-weight-sharing")
def test_two_weights_that_should_be_alike_draw_near_each_other():
    g = Drawing()
    one, other = g.learned(1.0, "one"), g.learned(0.4, "other")
    loss = g.put("scale", g.put("square", g.put("subtract", one, other)), factor=0.25)
    session = g.session(loss, optimizer={"type": "sgd", "learning_rate": 0.1})
    assert forward(session).loss == pytest.approx(0.09)
    gap = 0.6
    for step in range(5):
        session.run(1)
        pair = [float(session.parameters[f"{name}.value"]) for name in ("one", "other")]
        if step == 0:
            assert pair == pytest.approx([0.97, 0.43], rel=1e-14)
        assert sum(pair) == pytest.approx(1.4, rel=1e-14)
        assert pair[0] - pair[1] == pytest.approx(0.9 * gap, rel=1e-12)
        gap = pair[0] - pair[1]


def blurred(start: float) -> Session:
    """0.1 ((w − 1)² + σ²) − exp(−9σ²/2) cos 3(w − 1): the mean of a rugged loss around w, with σ as a number to be set."""
    g = Drawing()
    away = g.put("subtract", g.learned(start, "w"), g.held(1.0))
    width = g.put("square", g.held(0.0, "sigma"))
    bowl = g.put("scale", g.put("add", g.put("square", away), width), factor=0.1)
    wave = g.put(
        "multiply", g.put("exp", g.put("scale", width, factor=-4.5)), g.put("cos", g.put("scale", away, factor=3.0))
    )
    return g.session(g.put("subtract", bowl, wave), optimizer={"type": "sgd", "learning_rate": 0.02})


@pytest.mark.text("04:continuation-learning")
def test_losses_from_blurred_to_sharp_lead_to_the_bottom():
    stuck = blurred(6.0)
    stuck.run(2000)
    assert float(stuck.parameters["w.value"]) == pytest.approx(5.096584, abs=5e-7)
    assert forward(stuck).loss == pytest.approx(0.716216, abs=5e-7)
    session = blurred(6.0)
    for sigma, place in ((2, 2.006249), (1, 1.116138), (0.5, 1.0), (0.25, 1.0), (0, 1.0)):
        session.set_parameter("sigma.value", sigma)
        session.run(400)
        assert float(session.parameters["w.value"]) == pytest.approx(place, abs=5.1e-7)
    assert forward(session).loss == pytest.approx(-1)
    session.reset()
    session.set_parameter("w.value", 2.0)
    session.set_parameter("sigma.value", 0.5)
    assert forward(session).loss == pytest.approx(0.446404, abs=5e-7)


@pytest.mark.text("04:reparameterisation", "04:gaussian-kl", "04:variational-autoencoder")
def test_slopes_reach_mean_and_deviation_through_a_drawn_code():
    g = Drawing()
    mean, deviation = g.learned([[1, -0.5]], "mean"), g.learned([[0.5, 0.8]], "deviation")
    z = g.held([[0.3, -1.2]])
    h = g.put("add", g.put("multiply", z, deviation), mean, id="h")
    back = g.put("matmul", h, g.held([[1, 0.5, -1], [0, 1, 2]]), id="back")
    error = g.total(g.put("square", g.put("subtract", back, g.held([[1, 0, -2]]))), id="error")
    kl = g.put("gaussian_kl", mean, deviation, spread_is="deviation", reduction="sum", id="kl")
    loss = g.put("add", error, g.put("scale", kl, factor=0.1))
    session = both_ways(g.session(loss))
    np.testing.assert_allclose(value(session, "h"), [[1.15, -1.46]], rtol=1e-14)
    np.testing.assert_allclose(value(session, "back"), [[1.15, -0.885, -4.07]], rtol=1e-14)
    assert float(value(session, "error")) == pytest.approx(5.090625, rel=1e-12)
    assert float(value(session, "kl")) == pytest.approx(0.986291, abs=5e-7)
    assert session.loss == pytest.approx(5.189254, abs=5e-7)
    np.testing.assert_allclose(gradient(session, "h"), [[3.555, -10.05]], rtol=1e-12)
    np.testing.assert_allclose(gradient(session, "mean.value"), [[3.655, -10.1]], rtol=1e-12)
    np.testing.assert_allclose(gradient(session, "deviation.value"), [[0.9165, 12.015]], rtol=1e-12)


@pytest.mark.text("04:reparameterisation")
def test_a_sample_moves_with_its_mean_and_by_its_draw_with_its_deviation():
    g = Drawing()
    mean, deviation = g.learned([[1, -0.5]], "mean"), g.learned([[0.5, 0.8]], "deviation")
    h = g.put("gaussian_sample", mean, deviation, spread_is="deviation", id="h")
    session = both_ways(g.session(g.total(h)))
    draw = (value(session, "h") - [[1, -0.5]]) / [[0.5, 0.8]]
    np.testing.assert_array_equal(gradient(session, "mean.value"), [[1, 1]])
    np.testing.assert_allclose(gradient(session, "deviation.value"), draw, rtol=1e-12)


FIVE = [[1, 1, 0, 0, 0], [2, 0, 1, 0, 0], [3, 0, 0, 1, 0], [4, 0, 0, 0, 1]]


def five(steps: int, start: Sequence[float] = (0.0,) * 5, **training: object) -> np.ndarray:
    """Weights of one linear unit on four rows of five features behind a descent at the rate 0.01."""
    g = Drawing()
    y = g.put(
        "dense", g.add("input"), units=1, use_bias=False, initial_weight=np.reshape(start, (5, 1)).tolist(), id="y"
    )
    loss = g.put("squared_error", y, g.add("target"), reduction="sum")
    optimizer = {"type": "sgd", "learning_rate": 0.01}
    session = g.session(loss, table(FIVE, [2, 4, 6, 8]), optimizer=optimizer, **training)
    session.run(steps)
    return session.parameters["y.weight"][:, 0]


@pytest.mark.parametrize(
    ("strength", "expected"),
    [
        (0.1, [1.929260, 0.064309, 0.128617, 0.192926, 0.257235]),
        (1.0, [1.875, 0.0625, 0.125, 0.1875, 0.25]),
        (10.0, [1.463415, 0.048780, 0.097561, 0.146341, 0.195122]),
    ],
)
@pytest.mark.text("04:l2-penalty", "04:linreg-five-features-regularised")
def test_a_ridge_pulls_weights_towards_zero(strength, expected):
    found = five(2000, penalty={"type": "l2", "convention": "whole", "strength": strength})
    np.testing.assert_allclose(found, expected, atol=5.1e-7)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ((0, 0, 0, 0, 0), [1.935484, 0.064516, 0.129032, 0.193548, 0.258065]),
        ((-1, 1, 1, 1, 1), [1.580645, 0.419355, 0.838710, 1.258065, 1.677419]),
    ],
)
@pytest.mark.text("04:linreg-five-features-four-points")
def test_without_a_penalty_the_start_decides_which_solution_is_found(start, end):
    np.testing.assert_allclose(five(2000, start), end, atol=5.1e-7)


@pytest.mark.parametrize("start", [(0.0,) * 5, (-1.0, 1, 1, 1, 1)])
@pytest.mark.text("04:l1-penalty", "04:l1-feature-selection", "04:linreg-five-features-regularised")
def test_a_penalty_of_sizes_drops_every_feature_that_is_not_needed(start):
    """What is left is smaller than 10⁻⁶, the bound of the text: by proximal steps it is 0 itself."""
    found = five(20_000, start, penalty={"type": "l1", "form": "proximal", "strength": 0.01})
    assert found[0] == pytest.approx(2, abs=1e-3)
    np.testing.assert_array_equal(found[1:], 0)


@pytest.mark.text("04:l1-penalty", "04:l1-subgradient-at-zero")
def test_the_size_of_a_weight_has_no_slope_at_zero():
    """s = 0 at exactly 0 (the text's default), so that a weight that is 0 stays there; elsewhere steps are αλ long."""
    g = Drawing()
    w = g.learned([0.0, 0.1, -0.1], "w")
    session = g.session(
        g.put("scale", g.total(w), factor=0.0), optimizer={"type": "sgd", "learning_rate": 0.05},
        penalty={"type": "l1", "form": "subgradient", "strength": 0.3},
    )  # fmt: skip
    session.run(1)
    np.testing.assert_allclose(session.parameters["w.value"], [0, 0.085, -0.085], rtol=1e-14)


@pytest.mark.text("04:l1-subgradient-at-zero")
def test_the_slope_at_zero_may_be_drawn():
    """s in {−1, +1} at exactly 0 (the text's other choice): each as often, and elsewhere the sign as ever."""
    g = Drawing()
    w = g.learned([0.0] * 400 + [0.1], "w")
    session = g.session(
        g.put("scale", g.total(w), factor=0.0), optimizer={"type": "sgd", "learning_rate": 0.05},
        penalty={"type": "l1", "form": "subgradient", "at_zero": "drawn", "strength": 0.3},
    )  # fmt: skip
    session.run(1)
    found = session.parameters["w.value"]
    np.testing.assert_allclose(np.abs(found[:400]), 0.015, rtol=1e-14)
    assert 150 < np.count_nonzero(found[:400] > 0) < 250
    assert found[400] == pytest.approx(0.085, rel=1e-14)
    session.set_parameter("w.value", [0.0] * 400 + [0.1])
    session.run(1)
    assert (session.parameters["w.value"] != found).any(), "drawn anew at every iteration"
