"""Pocket, Widrow-Hoff, Winnow and Hebb against the catalogue's steps and rules written out in NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from tests.engine.nodes.playing_rules import session, value


@pytest.mark.parametrize(
    ("start", "label", "loss", "expected"),
    [
        ((0.5, -0.25), 1, 0.0625, (0.55, -0.225)),
        ((0.5, -0.25), -1, 3.0625, (0.15, -0.425)),
        ((1, -0.5), 1, 0.25, (0.9, -0.55)),
    ],
)
@pytest.mark.text("02:widrow-hoff")
def test_numbers_02_widrow_hoff(start, label, loss, expected):
    played = session("widrow_hoff", [(2, 1)], [[label]], initial_weight=list(start), use_bias=False)
    played.step("iteration")
    assert value(played, "error")[0, 0] ** 2 == pytest.approx(loss)
    assert played.parameters["rule.weight"].ravel() == pytest.approx(expected)


def test_widrow_hoff_comes_to_the_least_squares_line_that_an_outlier_turns():
    """02:too-correct-outlier, M = 20: w = 0.058915, b = −0.035659, and the point at 0.5 is wrong."""
    rows, labels = [[-1], [-0.5], [0.5], [1], [20]], [[-1], [-1], [1], [1], [1]]
    played = session("widrow_hoff", rows, labels, learning_rate=0.004)
    played.run(20000)
    weight, bias = played.parameters["rule.weight"][0, 0], played.parameters["rule.bias"][0]
    assert (weight, bias) == (pytest.approx(0.058915, abs=1e-6), pytest.approx(-0.035659, abs=1e-6))
    assert -bias / weight == pytest.approx(0.605263, abs=1e-5)
    assert value(played, "prediction").ravel().tolist() == [-1, -1, -1, 1, 1]


def overlapping():
    random = np.random.default_rng(0)
    points = np.concatenate([random.normal(1, 1.2, (60, 2)), random.normal(-1, 1.2, (60, 2))])
    return points, np.repeat([[1.0], [-1.0]], 60, axis=0)


@pytest.mark.parametrize("batch", [1, 120])
def test_the_pocket_holds_the_best_weights_that_the_perceptron_has_passed(batch):
    points, labels = overlapping()
    played = session("pocket", points, labels, batch=batch, learning_rate=0.1)
    weight, bias, best, kept = np.zeros(2), 0.0, np.inf, None
    running = []
    for step in range(300):
        wrong = int(((points @ weight + bias) * labels[:, 0] <= 0).sum())
        if wrong < best:
            best, kept = wrong, (weight.copy(), bias)
        running.append(wrong)
        chosen = np.arange(120) if batch == 120 else np.array([step % 120])
        mistakes = chosen[(points[chosen] @ weight + bias) * labels[chosen, 0] <= 0]
        weight = weight + 0.1 * (labels[mistakes] * points[mistakes]).sum(axis=0)
        bias += 0.1 * labels[mistakes].sum()
        played.step("iteration")
        assert (value(played, "running"), value(played, "fewest")) == (wrong, best)
    assert max(running[5:]) > 1.2 * best
    assert played.parameters["rule.pocket_weight"].ravel() == pytest.approx(kept[0])
    assert played.parameters["rule.pocket_bias"] == pytest.approx([kept[1]])


def test_winnow_finds_three_of_a_hundred_features_with_few_mistakes():
    """01:winnow: the target is OR of 3 of 100 features of 0 and 1; a mistake doubles or halves active weights."""
    random = np.random.default_rng(1)
    rows = (random.random((400, 100)) < 0.1).astype(float)
    labels = np.where(rows[:, [3, 50, 77]].any(axis=1), 1.0, -1.0)[:, None]
    played, weight, mistakes = session("winnow", rows, labels, batch=1), np.ones(100), 0
    for row, label in zip(rows, labels[:, 0], strict=True):
        answer = 1 if row @ weight >= 100 else -1
        mistakes += answer != label
        weight = weight * 2.0 ** ((label - answer) / 2 * row)
        played.step("iteration")
        assert value(played, "prediction")[0, 0] == answer
    assert played.parameters["rule.weight"].ravel() == pytest.approx(weight, rel=1e-12)
    assert set(np.argsort(-weight)[:3]) == {3, 50, 77}
    assert mistakes < 60


def test_winnow_may_fire_from_half_the_number_of_features_on():
    rows, labels = np.eye(4)[:2] + np.eye(4)[2:] * 1.5, np.array([[1.0], [-1.0]])
    for threshold, fires in (("features", [-1, -1]), ("half", [1, 1])):
        played = session("winnow", rows, labels, threshold=threshold)
        played.step("iteration")
        assert value(played, "prediction").ravel().tolist() == fires
        np.testing.assert_allclose(value(played, "score").ravel(), 2.5 - (4 if threshold == "features" else 2))


def test_the_pocket_may_take_a_score_of_zero_for_plus_one():
    for zero_is_mistake, wrong in ((True, 2), (False, 1)):
        played = session("pocket", [[1, 0], [0, 1]], [[1.0], [-1.0]], zero_is_mistake=zero_is_mistake)
        played.step("iteration")
        assert value(played, "running") == wrong


def test_hebbs_rule_adds_products_and_pairs_inputs_with_targets():
    rows, targets = np.array([[1.0, 2.0], [0.0, -1.0]]), np.array([[1.0], [3.0]])
    plain = session("hebbian", rows, units=1, initial_weight=[[1], [0.5]], learning_rate=0.1)
    paired = session("hebbian", rows, targets, units=1, initial_weight=[[0], [0]], learning_rate=1.0)
    for played in (plain, paired):
        played.step("iteration")
    grown = rows.T @ (rows @ [[1], [0.5]])
    assert plain.parameters["rule.weight"] == pytest.approx(np.array([[1], [0.5]]) + 0.1 * grown)
    np.testing.assert_array_equal(paired.parameters["rule.weight"], rows.T @ targets)


def test_ojas_form_turns_to_the_first_principal_component_at_length_1():
    random = np.random.default_rng(2)
    rows = random.normal(size=(200, 3)) * [3.0, 1.0, 0.3]
    played = session("hebbian", rows, form="Oja", learning_rate=1e-4, initial_weight=[[0.3], [0.5], [0.4]])
    played.run(2000)
    found = played.parameters["rule.weight"].ravel()
    leading = np.linalg.eigh(rows.T @ rows)[1][:, -1]
    assert abs(found @ leading) == pytest.approx(1, abs=1e-6)
    assert np.linalg.norm(found) == pytest.approx(1, abs=1e-6)


def test_too_few_targets_are_named():
    from engine.session import Session
    from tests.engine.nodes.playing_rules import document

    made = Session(document("widrow_hoff", [(1, 2), (3, 4)], [[1, 1], [1, 1]]))
    (problem,) = made.lowered.problems
    assert "meet targets of shape (batch, 2)" in str(problem) and "Give one target for each example" in str(problem)
