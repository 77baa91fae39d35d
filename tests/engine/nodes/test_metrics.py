"""Metrics: what counts as right, where they are measured, and that nobody can descend them."""

from __future__ import annotations

import numpy as np
import pytest

from engine.document import Document
from engine.graph import Graph
from engine.session import Session


def document(predictions: object, targets: object, threshold: float = 0.5, minimise: str = "") -> Document:
    inputs, wanted = np.asarray(predictions, float), np.asarray(targets)
    width = inputs.shape[1]
    graph = Graph()
    x = graph.add("input")
    h = graph.add("dense", units=width, initial_weight=np.eye(width).tolist(), use_bias=False)
    t = graph.add("target")
    graph.connect(x, h)
    for name in ("accuracy", "mistakes"):
        node = graph.add(name, id=name, threshold=threshold)
        graph.connect(h, node["prediction"])
        graph.connect(t, node["target"])
    data = {
        "inputs": inputs.tolist(),
        "targets": wanted.tolist(),
        "task": "classes" if wanted.dtype.kind == "i" else "regression",
    }
    return Document(graph, data={"train": data}, training={"loss": minimise, "order": "sequential"})


def judged(predictions: object, targets: object, threshold: float = 0.5) -> tuple[float, float]:
    made = document(predictions, targets, threshold)
    assert made.check() == []
    measured = Session(made).evaluate("train")
    return measured["accuracy"], measured["mistakes"]


def test_probabilities_are_judged_at_one_half():
    assert judged([[0.9], [0.2], [0.6], [0.4]], [[1.0], [0.0], [0.0], [1.0]]) == (0.5, 2)


def test_signs_and_scores_are_judged_at_zero():
    assert judged([[3.0], [-0.1], [0.2], [-5.0]], [[1.0], [-1.0], [-1.0], [-1.0]], threshold=0.0) == (0.75, 1)


def test_logits_are_judged_at_zero_with_labels_zero_and_one():
    assert judged([[3.0], [-0.1], [0.2]], [[1.0], [0.0], [1.0]], threshold=0.0) == (1, 0)


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_a_prediction_on_the_threshold_is_wrong_for_either_label(label):
    assert judged([[0.5]], [[label]]) == (0, 1)


SCORES = [[0.1, 0.7, 0.2], [5.0, 1.0, 2.0], [0.0, 0.0, 1.0], [2.0, 2.0, 1.0]]


def test_classes_are_judged_by_the_largest_score_and_of_equal_ones_the_first():
    assert judged(SCORES, np.array([1, 0, 0, 0])) == (0.75, 1)


def test_one_hot_targets_are_judged_like_class_numbers():
    assert judged(SCORES, np.eye(3)[[1, 0, 0, 0]]) == (0.75, 1)


@pytest.mark.parametrize("targets", [[[1.0]], [[1.0, 0.0]]], ids=["one unit", "one-hot"])
def test_a_prediction_that_is_no_number_is_not_counted_as_wrong(targets):
    session = Session(document(np.ones((1, len(targets[0]))), targets))
    session._machine.view(session.program.sources["dense_1.weight"])[:] = np.nan
    assert np.isnan(session.evaluate("train")["accuracy"])


def test_a_metric_cannot_be_minimised_and_says_so():
    (problem,) = document([[0.9]], [[1.0]], minimise="accuracy").check()
    assert problem.node == "accuracy"
    assert "has no derivative" in problem.fact


def test_the_threshold_can_be_dragged_while_it_runs():
    session = Session(document([[0.4]], [[1.0]]))
    assert session.evaluate("train")["mistakes"] == 1
    session.set_setting("mistakes.threshold", 0.3)
    assert session.evaluate("train")["mistakes"] == 0


def test_metrics_are_remembered_for_training_and_test_rows():
    made = document([[0.9], [0.2], [0.6], [0.4]], [[1.0], [0.0], [0.0], [1.0]])
    made.data = {"train": {**made.data["train"], "test_fraction": 0.5}}
    session = Session(made)
    assert set(session.measure()) == {"accuracy.training", "mistakes.training", "accuracy.test", "mistakes.test"}
    assert session.history.arrays()["mistakes.test"].shape == (1, 2)


def test_two_metrics_of_one_type_are_both_measured_the_second_by_its_id():
    made = document([[0.9], [0.2], [0.6], [0.4]], [[1.0], [0.0], [0.0], [1.0]])
    graph = made.graph
    for id, threshold in (("strict", 0.8), ("loss", 0.1)):  # whoever is called like a curve gets a name of its own
        node = graph.add("accuracy", id=id, threshold=threshold)
        graph.connect("dense_1", node["prediction"])
        graph.connect("target_1", node["target"])
    session = Session(made)
    assert session.evaluate("train") == {"accuracy": 0.5, "mistakes": 2, "strict": 0.75, "loss_again": 0.5}
    assert session.measure()["strict.training"] == 0.75
