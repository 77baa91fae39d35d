"""Losses against formulas in NumPy, their derivatives against central differences, and their manners at the edges."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from scipy import special

from engine.document import Document
from engine.graph import Graph
from engine.lowering import lower
from engine.nodes import node_types
from engine.session import Session

ROWS, UNITS = 5, 3
DRAW = np.random.default_rng(20)
LABELS = np.where(DRAW.random((ROWS, UNITS)) < 0.5, 0.0, 1.0)
SIGNS = 2 * LABELS - 1
SCORES = DRAW.normal(size=(ROWS, UNITS)) * 1.7
PROBABILITIES = DRAW.uniform(0.05, 0.95, (ROWS, UNITS))
CLASSES = DRAW.integers(0, UNITS, ROWS)
ONE_HOT = np.eye(UNITS)[CLASSES]

# name: predictions, targets, one term per entry
TERMS = {
    "squared_error": (SCORES, LABELS, lambda p, t: (t - p) ** 2),
    "mean_squared_error": (SCORES, LABELS, lambda p, t: (p - t) ** 2),
    "absolute_error": (SCORES, LABELS, lambda p, t: np.abs(p - t)),
    "perceptron_criterion": (SCORES, SIGNS, lambda v, t: np.maximum(-t * v, 0)),
    "hinge": (SCORES, SIGNS, lambda v, t: np.maximum(1 - t * v, 0)),
    "logistic_loss": (SCORES, SIGNS, lambda v, t: -np.log(np.abs(t / 2 - 0.5 + special.expit(v)))),
    "binary_cross_entropy": (PROBABILITIES, LABELS, lambda p, t: -special.xlogy(t, p) - special.xlogy(1 - t, 1 - p)),
    "logistic_cross_entropy": (SCORES, LABELS, lambda z, t: np.logaddexp(0, z) - t * z),
}
ALL = pytest.mark.parametrize("name", TERMS)


def document(
    name: str, predictions: object, targets: object, precision: str = "float64", **properties: Any
) -> Document:
    """The inputs pass an identity matrix: `dense_1.h` is the prediction, and its gradient can be read."""
    inputs, wanted = np.asarray(predictions, float), np.asarray(targets)
    width = inputs.shape[1]
    graph = Graph()
    x = graph.add("input")
    h = graph.add("dense", units=width, initial_weight=np.eye(width).tolist(), initial_bias=[0.0] * width)
    t = graph.add("target")
    e = graph.add(name, id="loss", **properties)
    graph.connect(x, h)
    graph.connect(h, e["logits" if name in ("logistic_cross_entropy", "softmax_cross_entropy") else "prediction"])
    graph.connect(t, e["target"])
    data = {
        "inputs": inputs.tolist(),
        "targets": wanted.tolist(),
        "task": "classes" if wanted.dtype.kind == "i" else "regression",
    }
    training = {"loss": "loss", "optimizer": {"type": "sgd", "learning_rate": 0.0}, "order": "sequential"}
    return Document(graph, data={"train": data}, training=training, precision=precision)


def played(name: str, predictions: object, targets: object, precision: str = "float64", **properties: Any) -> Session:
    made = document(name, predictions, targets, precision, **properties)
    assert made.check() == []
    session = Session(made)
    session.program.verify()
    session.step("iteration")
    return session


def by_differences(loss, predictions: np.ndarray, step: float = 1e-6) -> np.ndarray:
    slope = np.zeros_like(predictions)
    for place in np.ndindex(*predictions.shape):
        moved = np.zeros_like(predictions)
        moved[place] = step
        slope[place] = (loss(predictions + moved) - loss(predictions - moved)) / (2 * step)
    return slope


@ALL
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("over", ["elements", "examples"])
def test_a_loss_is_the_sum_of_its_terms_over_what_it_counts(name, reduction, over):
    predictions, targets, terms = TERMS[name]

    def loss(p):
        return (
            terms(p, targets).sum()
            / {"sum": 1, "elements": p.size, "examples": len(p)}[over if reduction == "mean" else "sum"]
        )

    session = played(name, predictions, targets, reduction=reduction, over=over)
    assert session.loss == pytest.approx(loss(predictions), rel=1e-13)
    np.testing.assert_allclose(session.gradient("dense_1.h"), by_differences(loss, predictions), rtol=1e-6, atol=1e-9)


@ALL
def test_float32_agrees_with_float64(name):
    predictions, targets, _ = TERMS[name]
    exact, fast = (played(name, predictions, targets, precision) for precision in ("float64", "float32"))
    assert fast.loss == pytest.approx(exact.loss, rel=2e-6)
    np.testing.assert_allclose(fast.gradient("dense_1.h"), exact.gradient("dense_1.h"), rtol=1e-5, atol=1e-7)


def test_by_default_the_squared_error_adds_units_and_the_mean_squared_error_counts_them():
    assert played("squared_error", SCORES, LABELS).loss == pytest.approx(((LABELS - SCORES) ** 2).sum(axis=1).mean())
    assert played("mean_squared_error", SCORES, LABELS).loss == pytest.approx(((LABELS - SCORES) ** 2).mean())


def test_half_a_squared_error_has_the_difference_as_its_derivative():
    session = played("squared_error", SCORES, LABELS, half=True, reduction="sum")
    assert session.loss == pytest.approx(((LABELS - SCORES) ** 2).sum() / 2)
    np.testing.assert_allclose(session.gradient("dense_1.h"), SCORES - LABELS, rtol=1e-12)


@pytest.mark.parametrize("targets", [CLASSES, ONE_HOT], ids=["class numbers", "one-hot"])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_the_softmax_cross_entropy_sends_back_o_minus_y(targets, reduction):
    session = played("softmax_cross_entropy", SCORES, targets, reduction=reduction)
    share = 1 / ROWS if reduction == "mean" else 1
    surprise = special.logsumexp(SCORES, axis=1) - SCORES[np.arange(ROWS), CLASSES]
    assert session.loss == pytest.approx(surprise.sum() * share, rel=1e-13)
    expected = share * (special.softmax(SCORES, axis=1) - ONE_HOT)
    np.testing.assert_allclose(session.gradient("dense_1.h"), expected, rtol=1e-12, atol=1e-15)


def test_soft_targets_that_do_not_add_up_to_one_have_their_true_derivative():
    targets = DRAW.uniform(0, 1, (ROWS, UNITS))

    def loss(z):
        return -(targets * special.log_softmax(z, axis=1)).sum() / ROWS

    session = played("softmax_cross_entropy", SCORES, targets)
    assert session.loss == pytest.approx(loss(SCORES), rel=1e-12)
    np.testing.assert_allclose(session.gradient("dense_1.h"), by_differences(loss, SCORES), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_a_right_answer_that_saturates_costs_nothing_and_pushes_nothing_away(precision):
    session = played("binary_cross_entropy", [[1.0], [0.0]], [[1.0], [0.0]], precision, reduction="sum")
    assert session.loss == 0
    assert session.problem is None
    assert session.gradient("dense_1.h").tolist() == [[-1.0], [1.0]]


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_a_wrong_answer_that_saturates_is_infinite_and_told(precision):
    session = played("binary_cross_entropy", [[1.0]], [[0.0]], precision)
    assert session.loss == np.inf
    assert session.problem.node == "loss"
    assert "infinite" in session.problem.fact


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("target", [0.0, 1.0])
def test_what_is_no_probability_does_not_pass_silently(precision, target):
    session = played("binary_cross_entropy", [[1.5 if target else -0.5]], [[target]], precision)
    assert np.isnan(session.loss)
    assert session.problem.node == "loss"


@ALL
def test_a_nan_stays_visible_in_every_loss(name):
    predictions, targets, _ = TERMS[name]
    session = Session(document(name, predictions, targets))
    # Nobody can set a NaN by hand, so it is put where one would be born.
    session._machine.view(session.program.sources["dense_1.bias"])[0] = np.nan
    assert np.isnan(session.evaluate("train")["loss"])


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize(
    ("name", "targets"), [("logistic_cross_entropy", [[1.0], [0.0]]), ("logistic_loss", [[1.0], [-1.0]])]
)
def test_scores_of_any_size_are_safe(name, targets, precision):
    right = played(name, [[1000.0], [-1000.0]], targets, precision, reduction="sum")
    wrong = played(name, [[-1000.0], [1000.0]], targets, precision, reduction="sum")
    assert (right.loss, wrong.loss) == (0, 2000)
    assert wrong.gradient("dense_1.h").tolist() == [[-1.0], [1.0]]


@pytest.mark.parametrize("targets", [[1, 0], [[0.0, 1.0], [1.0, 0.0]]], ids=["class numbers", "one-hot"])
def test_the_softmax_is_safe_for_scores_of_any_size(targets):
    session = played(
        "softmax_cross_entropy", [[0.0, 2000.0], [0.0, 2000.0]], np.asarray(targets), "float32", reduction="sum"
    )
    assert session.loss == 2000
    assert session.problem is None


@pytest.mark.parametrize(
    ("name", "prediction", "target"),
    [
        ("absolute_error", 1.0, 1.0),
        ("perceptron_criterion", 0.0, 1.0),
        ("perceptron_criterion", 0.0, -1.0),
        ("hinge", 1.0, 1.0),
    ],
)
def test_at_a_kink_the_slope_is_zero(name, prediction, target):
    session = played(name, [[prediction]], [[target]])
    assert session.loss == 0
    assert session.gradient("dense_1.h").tolist() == [[0.0]]


@ALL
def test_a_prediction_of_another_width_is_refused_with_both_shapes(name):
    made = document(name, SCORES, LABELS[:, :2])
    (problem,) = lower(made, made.load_data()[0]).problems
    assert (problem.node, problem.port, problem.kind) == ("loss", "target", "shape")
    assert "(batch, 3)" in problem.fact and "(batch, 2)" in problem.fact


def test_class_numbers_are_refused_where_numbers_are_compared():
    made = document("mean_squared_error", SCORES, CLASSES)
    (problem,) = lower(made, made.load_data()[0]).problems
    assert "class numbers" in problem.fact


@pytest.mark.text("01:softmax-ce-backprop")
def test_numbers_01_softmax_ce_backprop():
    session = played("softmax_cross_entropy", [[1.0, 2.0, 3.0]], [[0.0, 1.0, 0.0]])
    assert session.loss == pytest.approx(1.4076059644, abs=5e-11)
    expected = [[0.0900305732, -0.7552715289, 0.6652409558]]
    np.testing.assert_allclose(session.gradient("dense_1.h"), expected, atol=5e-11)


@pytest.mark.text("01:softmax-ce-net")
def test_numbers_01_softmax_ce_net():
    assert played("softmax_cross_entropy", [[1.0, 2.0, 3.0]], np.array([1])).loss == pytest.approx(
        1.4076059644, abs=5e-11
    )


@pytest.mark.parametrize(
    ("label", "loss", "slope"), [(1.0, 0.5543552445, -0.4255574832), (-1.0, 0.8543552445, 0.5744425168)]
)
@pytest.mark.text("01:logistic-pm1-net")
def test_numbers_01_logistic_pm1_net(label, loss, slope):
    session = played("logistic_loss", [[0.3]], [[label]])
    assert session.loss == pytest.approx(loss, abs=5e-11)
    assert session.gradient("dense_1.h")[0, 0] == pytest.approx(slope, abs=5e-11)


@pytest.mark.parametrize(("target", "loss"), [(1.0, 0.2231435513), (0.0, 1.6094379124)])
@pytest.mark.text("01:logistic-pm1-net")
def test_numbers_01_logistic_pm1_net_on_probabilities(target, loss):
    assert played("binary_cross_entropy", [[0.8]], [[target]]).loss == pytest.approx(loss, abs=5e-11)


@pytest.mark.text("01:perceptron-criterion")
def test_numbers_01_perceptron_criterion():
    points = np.array([[1, 3], [2, 1], [2, 1], [1, 3]])
    scores = points @ [[1], [-1]]
    labels = [[1.0], [-1.0], [1.0], [-1.0]]
    for row, loss in enumerate([2, 1, 0, 0]):
        assert played("perceptron_criterion", scores[[row]], [labels[row]]).loss == loss


@pytest.mark.text("01:linear-regression-graph")
def test_numbers_01_linear_regression_graph():
    session = played("squared_error", [[3.0]], [[5.0]])
    assert session.loss == 4
    assert session.gradient("dense_1.h").tolist() == [[-4.0]]  # −2 (y − ô)


@pytest.mark.parametrize(
    ("name", "mean", "total"),
    [
        ("hinge", r"L = \frac{1}{n}\sum_i \max(a - t_i v_i, 0)", r"L = \sum_i \max(a - t_i v_i, 0)"),
        ("gaussian_kl", r"L = \frac{1}{2n}\sum_i \left(", r"L = \frac{1}{2}\sum_i \left("),
        ("gradient_penalty", r"L = \frac{\lambda}{n}\sum_i", r"L = \lambda\sum_i"),
        ("weighted_squared_error", r"L = \frac{1}{\sum c}\sum_i c_i", r"L = \sum_i c_i"),
    ],
)
def test_a_loss_that_adds_up_shows_no_mean(name, mean, total):
    kind = node_types()[name]
    assert kind.formula_with({"reduction": "mean"}).startswith(mean)
    assert kind.formula_with({"reduction": "sum"}).startswith(total)


def test_every_loss_that_shows_a_mean_can_show_a_sum():
    losses = [
        kind for kind in node_types().values() if "sum" in getattr(kind.properties().get("reduction"), "options", ())
    ]
    assert len(losses) > 20
    for kind in losses:
        assert not re.search(r"\{2?n\}", kind.formula_with({"reduction": "sum"})), kind.name


def test_the_half_of_a_squared_error_stands_in_its_formula():
    kind = node_types()["squared_error"]
    assert (r"\tfrac{1}{2}" in kind.formula_with({"half": True}), r"\tfrac" in kind.formula_with({})) == (True, False)
