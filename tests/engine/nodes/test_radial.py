"""Radial basis layers and orthogonal least squares against the catalogue's numbers of chapter 6."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engine.document import Document
from engine.graph import Graph
from engine.session import Session
from tests.engine.nodes.playing_rules import assert_steps_runs_and_ways_back_agree

CORNERS = [[0, 0], [1, 0], [0, 1], [1, 1]]


def layer(rows: Any, **properties: Any) -> Session:
    graph = Graph()
    graph.connect(graph.add("input"), graph.add("gaussian_units", id="layer", **properties))
    targets = np.zeros((len(rows), 1)).tolist()
    data = {"train": {"inputs": rows, "targets": targets, "task": "regression"}}
    made = Session(Document(graph, data=data, training={"order": "sequential"}, precision="float64"))
    assert made.lowered.problems == []
    made.step("iteration")
    return made


@pytest.mark.text("02:rbf-network")
def test_numbers_02_rbf_network():
    points, prototypes = [[0, 0], [1, 0], [0, 1], [1, 1]], [[0, 0], [1, 1]]
    h = layer(points, units=2, initial_prototypes=prototypes).value("layer.h")
    expected = [[1, 0.367879], [0.606531, 0.606531], [0.606531, 0.606531], [0.367879, 1]]
    np.testing.assert_allclose(h, expected, atol=5e-7)
    np.testing.assert_allclose(h @ [-12.918384, -12.918384] + 16.670792, [-1, 1, 1, -1], atol=2e-6)


@pytest.mark.parametrize(
    ("prototypes", "rule", "neighbour", "expected"),
    [
        (CORNERS, "farthest", 1, [0.707107] * 4),
        (CORNERS, "average", 1, [2.276142] * 4),
        ([[0], [1], [3], [7]], "farthest", 1, [3.5] * 4),
        ([[0], [1], [3], [7]], "average", 1, [7.666667] * 4),
        ([[0], [1], [3], [7]], "neighbour", 1, [1, 1, 2, 4]),
        ([[0], [1], [3], [7]], "neighbour", 2, [3, 2, 3, 6]),
    ],
)
@pytest.mark.text("02:rbf-bandwidth-heuristics")
def test_numbers_02_rbf_bandwidth_heuristics(prototypes, rule, neighbour, expected):
    made = layer(prototypes, units=4, initial_prototypes=prototypes, width=rule, neighbour=neighbour)
    assert made.value("layer.sigma") == pytest.approx(expected, abs=5e-7)


@pytest.mark.text("02:rbf-step-units")
def test_numbers_02_rbf_step_units():
    made = layer(
        [[0.2, 0.1], [0.5, 0.5], [3, 3]], units=2, initial_prototypes=[[0, 0], [1, 1]], shape="ball", initial_width=0.8
    )
    assert made.value("layer.h").tolist() == [[1, 0], [1, 1], [0, 0]]


@pytest.mark.parametrize(("width", "vote"), [(2, 0.579131), (1, -0.041498), (0.5, -0.220369), (0.25, -0.005966)])
@pytest.mark.text("02:rbf-nearest-neighbour-limit")
def test_numbers_02_rbf_nearest_neighbour_limit(width, vote):
    h = layer([[1.8]], units=3, initial_prototypes=[[0], [1], [3]], initial_width=width).value("layer.h")
    assert (h @ [1, -1, 1])[0] == pytest.approx(vote, abs=5e-7)


@pytest.mark.parametrize(("width", "score"), [(1, 0.999329), (2, 0.747645), (3, 0.346789), (5, 0.074994)])
@pytest.mark.text("02:rbf-four-clusters")
def test_numbers_02_rbf_four_clusters(width, score):
    centres = [[0, 0], [4, 0], [4, 4], [0, 4]]
    h = layer(centres, units=4, initial_prototypes=centres, initial_width=width).value("layer.h")
    np.testing.assert_allclose(h @ [1, -1, 1, -1], np.array([1, -1, 1, -1]) * score, atol=5e-7)


def toy(**properties: Any) -> Session:
    """02:rbf-output-ridge's three points, ½ Σ (Hw − y)² at w = (1, 2)."""
    graph = Graph()
    hidden = graph.add("gaussian_units", id="hidden", units=2, initial_prototypes=[[0.5], [1.5]], **properties)
    graph.connect(graph.add("input"), hidden)
    output = graph.add("dense", id="output", units=1, use_bias=False, initial_weight=[[1], [2]])
    graph.connect(hidden + ".h", output)
    mean = graph.add("mean_squared_error")
    graph.connect(output, mean + ".prediction")
    graph.connect(graph.add("target"), mean + ".target")
    graph.connect(mean, graph.add("scale", id="loss", factor=1.5))  # half the sum over three rows
    data = {"train": {"inputs": [[0], [1], [2]], "targets": [[1], [0], [2]], "task": "regression"}}
    training = {"loss": "loss", "order": "sequential", "optimizer": {"type": "sgd", "learning_rate": 0.1}}
    made = Session(Document(graph, data=data, training=training, precision="float64"))
    assert made.lowered.problems == []
    made.step("phase")
    made.step("phase")
    return made


@pytest.mark.text("02:rbf-full-backprop")
def test_numbers_02_rbf_full_backprop():
    made = toy(initial_width=[1, 0.5])
    np.testing.assert_allclose(made.value("output.h").ravel(), [0.904715, 2.095558, 1.537714], atol=5e-7)
    assert made.loss == pytest.approx(2.307076, abs=5e-7)
    assert made.gradient("output.weight").ravel() == pytest.approx([1.615152, 0.989571], abs=5e-7)
    assert made.gradient("hidden.width") == pytest.approx([0.103623, 3.924411], abs=5e-7)
    assert made.gradient("hidden.prototypes").ravel() == pytest.approx([0.741583, -6.192942], abs=5e-7)


@pytest.mark.text("02:rbf-full-backprop")
def test_numbers_02_rbf_full_backprop_with_one_width_for_all():
    made = toy(initial_width=1, width="learned together")
    assert made.loss == pytest.approx(3.650028, abs=5e-7)
    assert made.gradient("hidden.width") == pytest.approx([2.751599], abs=5e-7)


def test_prototypes_that_are_set_before_training_get_no_gradient():
    made = toy(initial_width=[1, 0.5], learn_prototypes=False)
    assert made.gradient("hidden.prototypes") is None or not made.gradient("hidden.prototypes").any()
    before = made.parameters["hidden.prototypes"]
    made.run(5)
    np.testing.assert_array_equal(made.parameters["hidden.prototypes"], before)


def test_a_single_prototype_has_no_neighbour_to_be_measured_by():
    graph = Graph()
    graph.connect(graph.add("input"), graph.add("gaussian_units", units=1, width="average"))
    made = Session(Document(graph, data="xor"))
    (problem,) = made.lowered.problems
    assert "Set “units” to 2 or more" in str(problem)


def test_widths_are_not_measured_between_more_prototypes_than_fit_into_memory():
    graph = Graph()
    graph.connect(graph.add("input"), graph.add("gaussian_units", units=3000, width="average"))
    made = Session(Document(graph, data="xor"))
    (problem,) = made.lowered.problems
    assert "3000 prototypes have 9e+06 distances" in str(problem) and "Take 2048 prototypes or fewer" in str(problem)


def test_distances_and_their_squares():
    for form, expected in (("Euclidean", [[5, 0]]), ("squared", [[25, 0]])):
        graph = Graph()
        node = graph.add("prototype_distances", id="d", units=2, form=form, initial_prototypes=[[3, 4], [0, 0]])
        graph.connect(graph.add("input"), node)
        data = {"train": {"inputs": [[0, 0]], "targets": [[0]], "task": "regression"}}
        made = Session(Document(graph, data=data, precision="float64"))
        made.step("iteration")
        assert made.value("d").tolist() == expected


def selection(**more: Any) -> Session:
    """02:rbf-orthogonal-least-squares: x = 0, 1, 2, 3 are the candidates themselves, σ = 1, y = 0, 1, 1, 0."""
    graph, points = Graph(), [[0], [1], [2], [3]]
    hidden = graph.add("gaussian_units", id="hidden", units=4, initial_prototypes=points)
    graph.connect(graph.add("input"), hidden)
    rule = graph.add("orthogonal_least_squares", id="rule", **more)
    graph.connect(hidden + ".h", rule["h"])
    graph.connect(graph.add("target"), rule["target"])
    data = {"train": {"inputs": points, "targets": [[0], [1], [1], [0]], "task": "regression"}}
    made = Session(Document(graph, data=data, training={"order": "sequential"}, precision="float64"))
    assert made.lowered.problems == []
    return made


@pytest.mark.text("02:rbf-orthogonal-least-squares")
def test_numbers_02_rbf_orthogonal_least_squares():
    made, ratios, errors = selection(most=4), [], []
    for _ in range(5):
        made.step("iteration")
        ratios.append(made.value("rule.ratio").ravel())
        errors.append(float(made.value("rule.error")))
    np.testing.assert_allclose(ratios[0], [0.198499, 0.735699, 0.735699, 0.198499], atol=5e-7)
    np.testing.assert_allclose(ratios[1], [0.232188, 0, 0.088539, 0.009904], atol=5e-7)
    assert (ratios[2][3], ratios[3][2]) == (pytest.approx(0.012130, abs=5e-7), pytest.approx(0.019984, abs=5e-7))
    assert made.value("rule.order").tolist() == [[2, 1, 4, 3]]
    assert errors == pytest.approx([0.528603, 0.064227, 0.039967, 0, 0], abs=5e-7)
    np.testing.assert_allclose(made.value("rule.prediction").ravel(), [0, 1, 1, 0], atol=1e-9)


def test_chosen_columns_have_the_weights_of_their_own_least_squares_fit():
    made = selection(most=2)
    made.run(5)
    h = made.value("hidden.h")
    expected, *_ = np.linalg.lstsq(h[:, [1, 0]], [0, 1, 1, 0], rcond=None)
    assert made.value("rule.weight").ravel() == pytest.approx([expected[1], expected[0], 0, 0])
    assert made.value("rule.order").tolist() == [[2, 1, 0, 0]]


def test_choosing_step_by_step_running_and_going_back_agree_bit_for_bit():
    assert_steps_runs_and_ways_back_agree(selection, 4)
