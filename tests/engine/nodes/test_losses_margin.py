"""Losses with a margin against NumPy and central differences, and the worked numbers of the multiclass machines."""

from __future__ import annotations

import numpy as np
import pytest

from tests.engine.nodes.slopes import Alone, check_derivatives

DRAW = np.random.default_rng(41)
ROWS, UNITS = 4, 3
SCORES = DRAW.normal(size=(ROWS, UNITS)) * 1.5
SIGNS = np.where(DRAW.random((ROWS, UNITS)) < 0.5, -1.0, 1.0)
CLASSES = np.array([2, 0, 1, 1], np.int32)
ONE_HOT = np.eye(UNITS)[CLASSES]
A, P, N = (DRAW.normal(size=(ROWS, UNITS)) for _ in range(3))
PAIRS = np.array([[1.0], [0.0], [0.0], [1.0]])


def relu(x):
    return np.maximum(x, 0)


def huber(d, delta):
    return np.where(np.abs(d) <= delta, d * d / 2, delta * (np.abs(d) - delta / 2))


def ahead(scores):
    """How far each wrong class lies before the right one, row by row."""
    return [np.delete(row - row[c], c) for row, c in zip(scores, CLASSES, strict=True)]


def lengths(x):
    return np.linalg.norm(x, axis=1, keepdims=True)


SIGNED = {"prediction": SCORES, "target": SIGNS}
VOTES = {"logits": SCORES, "target": CLASSES}
# type, operands, properties, terms
CASES = [
    ("hinge", SIGNED, {"margin": 0.4}, relu(0.4 - SIGNS * SCORES)),
    ("squared_hinge", SIGNED, {}, relu(1 - SIGNS * SCORES) ** 2),
    ("squared_hinge", SIGNED, {"margin": 0.7, "half": True}, relu(0.7 - SIGNS * SCORES) ** 2 / 2),
    ("huber", SIGNED, {}, huber(SCORES - SIGNS, 1.0)),
    ("huber", SIGNED, {"delta": 0.3}, huber(SCORES - SIGNS, 0.3)),
    ("multiclass_perceptron", VOTES, {}, [max(0, row.max()) for row in ahead(SCORES)]),
    ("weston_watkins", VOTES, {}, [relu(row + 1).sum() for row in ahead(SCORES)]),
    ("weston_watkins", VOTES, {"margin": 0.2}, [relu(row + 0.2).sum() for row in ahead(SCORES)]),
    ("rank_hinge", {"positive": A, "negative": P}, {}, relu(1 - A + P)),
    ("rank_hinge", {"positive": A[:, :1], "negative": P}, {"margin": 0.5}, relu(0.5 - A[:, :1] + P)),
    (
        "triplet", {"anchor": A, "positive": P, "negative": N}, {"margin": 0.9},
        relu(lengths(A - P) ** 2 - lengths(A - N) ** 2 + 0.9),
    ),
    (
        "triplet", {"anchor": A, "positive": P, "negative": N}, {"distance": "plain"},
        relu(lengths(A - P) - lengths(A - N) + 1),
    ),
    (
        "contrastive", {"first": A, "second": P, "target": PAIRS}, {"margin": 3.0},
        PAIRS * lengths(A - P) ** 2 + (1 - PAIRS) * relu(3 - lengths(A - P)) ** 2,
    ),
]  # fmt: skip
EVERY = pytest.mark.parametrize(("type", "operands", "properties", "terms"), CASES)


@EVERY
def test_a_loss_is_what_its_formula_says(type, operands, properties, terms):
    assert Alone(type, operands, **properties).value() == pytest.approx(np.mean(terms), rel=1e-12)
    assert Alone(type, operands, reduction="sum", **properties).value() == pytest.approx(np.sum(terms), rel=1e-12)
    by_rows = Alone(type, operands, over="examples", **properties)
    assert by_rows.value() == pytest.approx(np.sum(terms) / ROWS, rel=1e-12)


@EVERY
def test_its_derivatives_agree_with_central_differences(type, operands, properties, terms):
    check_derivatives(Alone(type, operands, **properties))


@EVERY
def test_float32_agrees_with_float64(type, operands, properties, terms):
    exact, fast = (Alone(type, operands, dtype, **properties) for dtype in ("float64", "float32"))
    assert fast.value() == pytest.approx(exact.value(), rel=4e-6)
    for port, slope in exact.slopes().items():
        np.testing.assert_allclose(fast.slopes()[port], slope, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("type", ["multiclass_perceptron", "weston_watkins"])
def test_columns_say_the_same_as_class_numbers(type):
    by_number, by_column = (Alone(type, {"logits": SCORES, "target": t}) for t in (CLASSES, ONE_HOT))
    assert by_column.value() == pytest.approx(by_number.value(), rel=1e-13)
    np.testing.assert_allclose(by_column.slopes("logits")["logits"], by_number.slopes()["logits"], atol=1e-14)


def test_half_a_contrastive_loss_is_the_papers():
    pairs = {"first": A, "second": P, "target": PAIRS[:, 0]}
    whole, half = (Alone("contrastive", pairs, half=h).value() for h in (False, True))
    assert half == pytest.approx(whole / 2)


@pytest.mark.parametrize("type", ["hinge", "squared_hinge"])
def test_on_the_margin_the_slope_is_zero(type):
    assert Alone(type, {"prediction": [[1.0]], "target": [[1.0]]}).slopes("prediction")["prediction"].tolist() == [[0]]


def test_classes_that_tie_with_the_right_one_send_nothing_back():
    tied = Alone("multiclass_perceptron", {"logits": np.zeros((1, 3)), "target": np.array([1], np.int32)})
    assert (tied.value(), tied.slopes()["logits"].tolist()) == (0, [[0.0, 0.0, 0.0]])


# worked numbers ------------------------------------------------------------------------------------------


def stepped(type: str, weights, x, target, rate=0.1, **properties) -> np.ndarray:
    """The weights after one step of gradient descent on one example: a row for each class."""
    scores = np.asarray(weights, float) @ x
    slope = Alone(type, {"logits": scores[None], "target": np.array([target], np.int32)}, **properties).slopes()
    return weights - rate * np.outer(slope["logits"][0], x)


THREE, X = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]), np.array([1.0, 0.5])


def of_class_two(type: str, scores) -> float:
    return float(Alone(type, {"logits": np.array([scores]), "target": np.array([1], np.int32)}).value())


@pytest.mark.text("02:multiclass-perceptron")
def test_numbers_02_multiclass_perceptron():
    assert of_class_two("multiclass_perceptron", [1, 0.5, 1.5]) == 1
    expected = [[1, 0], [0.1, 1.05], [0.9, 0.95]]
    np.testing.assert_allclose(stepped("multiclass_perceptron", THREE, X, 1), expected, atol=1e-12)


@pytest.mark.text("02:weston-watkins-svm")
def test_numbers_02_weston_watkins_svm():
    assert of_class_two("weston_watkins", [1, 0.5, 1.5]) == 3.5
    expected = [[0.9, -0.05], [0.2, 1.1], [0.9, 0.95]]
    np.testing.assert_allclose(stepped("weston_watkins", THREE, X, 1), expected, atol=1e-12)


@pytest.mark.text("02:weston-watkins-svm")
def test_numbers_02_weston_watkins_svm_right_but_close():
    scores = np.array([[1, 0], [1.2, 0.4], [-1, 0]]) @ X
    assert of_class_two("multiclass_perceptron", scores) == 0
    assert of_class_two("weston_watkins", scores) == pytest.approx(0.6)
    assert of_class_two("softmax_cross_entropy", scores) == pytest.approx(0.565903, abs=5e-7)


@pytest.mark.text("02:multiclass-comparison")
def test_numbers_02_multiclass_comparison():
    losses = ("multiclass_perceptron", "weston_watkins", "softmax_cross_entropy")
    assert [of_class_two(type, [1, 0.5, 1.5]) for type in losses] == pytest.approx([1, 3.5, 1.680270], abs=5e-7)


@pytest.mark.text("02:perceptron-vs-hinge-view")
def test_numbers_02_perceptron_vs_hinge_view():
    for score, criterion, hinge in [(-1, 1, 2), (0, 0, 1), (0.5, 0, 0.5), (1, 0, 0)]:
        operands = {"prediction": [[float(score)]], "target": [[1.0]]}
        assert Alone("perceptron_criterion", operands).value() == criterion
        assert Alone("hinge", operands).value() == hinge
        assert Alone("hinge", operands, margin=0.0).value() == criterion


@pytest.mark.parametrize(
    ("weights", "label", "loss", "after"),
    [([0.5, -0.25], 1, 0.25, [0.7, -0.15]), ([0.5, -0.25], -1, 1.75, [0.3, -0.35]), ([1, -0.5], 1, 0, [1, -0.5])],
)
@pytest.mark.text("02:linear-svm-hinge")
def test_numbers_02_linear_svm_hinge(weights, label, loss, after):
    x = np.array([2.0, 1.0])
    node = Alone("hinge", {"prediction": np.array([[x @ weights]]), "target": np.array([[float(label)]])})
    assert node.value() == pytest.approx(loss)
    np.testing.assert_allclose(weights - 0.1 * node.slopes("prediction")["prediction"][0, 0] * x, after, atol=1e-12)


@pytest.mark.parametrize(("label", "after"), [(1, [0.6, -0.2]), (-1, [-0.2, -0.6])])
@pytest.mark.text("02:l2-svm-hinton")
def test_numbers_02_l2_svm_hinton(label, after):
    weights, x = np.array([0.5, -0.25]), np.array([2.0, 1.0])
    node = Alone("squared_hinge", {"prediction": np.array([[x @ weights]]), "target": np.array([[float(label)]])})
    np.testing.assert_allclose(weights - 0.1 * node.slopes("prediction")["prediction"][0, 0] * x, after, atol=1e-12)


@pytest.mark.text("02:l2-svm-hinton")
def test_numbers_02_l2_svm_hinton_by_margin():
    for margin, loss in [(-3, 16), (-2, 9), (-1, 4), (-0.5, 2.25), (0, 1), (0.5, 0.25), (1, 0), (2, 0), (3, 0)]:
        assert Alone("squared_hinge", {"prediction": [[float(margin)]], "target": [[1.0]]}).value() == loss


@pytest.mark.text("02:softmax-classifier")
def test_numbers_02_softmax_classifier():
    expected = [[0.969280, -0.015360], [0.081368, 1.040684], [0.949352, 0.974676]]
    np.testing.assert_allclose(stepped("softmax_cross_entropy", THREE, X, 1), expected, atol=5e-7)


@pytest.mark.parametrize(("label", "loss"), [(1.0, 0.675557), (-1.0, 1.324443)])
@pytest.mark.text("02:stacking-net")
def test_numbers_02_stacking_net(label, loss):
    score = np.array([[1 - 0.675557]])  # what the top level says of both members
    assert Alone("hinge", {"prediction": score, "target": [[label]]}).value() == pytest.approx(loss)


@pytest.mark.parametrize(("code", "cost"), [([1.5, 0.0], 1.0), ([0.817574, 0.164516], 1.017909)])
@pytest.mark.text("04:hinge-latent-penalty")
def test_numbers_04_hinge_latent_penalty(code, cost):
    node = Alone("hinge", {"prediction": np.array([code]), "target": [[1.0, 1.0]]}, reduction="sum")
    assert node.value() == pytest.approx(cost, abs=2e-6)
    assert node.slopes("prediction")["prediction"].tolist() == [[-1.0 if h < 1 else 0.0 for h in code]]


@pytest.mark.parametrize(("margin", "loss"), [(0.2, 0), (0.3, 0.4)])
@pytest.mark.text("08:visual-semantic-embedding")
def test_numbers_08_visual_semantic_embedding(margin, loss):
    images, texts = np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([[0.8, 0.6], [0.6, 0.8]])
    right, wrong = (images * texts).sum(axis=1, keepdims=True), (images * texts[::-1]).sum(axis=1, keepdims=True)
    both_ways = [
        Alone("rank_hinge", {"positive": right, "negative": other}, margin=margin, reduction="sum").value()
        for other in (wrong, (images[::-1] * texts).sum(axis=1, keepdims=True))
    ]
    assert sum(both_ways) == pytest.approx(loss, abs=1e-12)


@pytest.mark.parametrize(
    ("z", "t", "loss", "slope", "by_score"),
    [(0.8, 1.0, 0.223144, -1.25, -0.2), (0.8, 0.0, 1.609438, 5, 0.8), (0.01, 1.0, 4.605170, -100, -0.99)],
)
@pytest.mark.text("08:cross-entropy-binary")
def test_numbers_08_cross_entropy_binary(z, t, loss, slope, by_score):
    on_probability = Alone("binary_cross_entropy", {"prediction": [[z]], "target": [[t]]})
    on_score = Alone("logistic_cross_entropy", {"logits": [[float(np.log(z / (1 - z)))]], "target": [[t]]})
    assert on_probability.value() == pytest.approx(loss, abs=5e-7)
    assert on_score.value() == pytest.approx(loss, abs=5e-7)
    assert on_probability.slopes("prediction")["prediction"][0, 0] == pytest.approx(slope)
    assert on_score.slopes("logits")["logits"][0, 0] == pytest.approx(by_score)
