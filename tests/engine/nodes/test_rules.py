"""The perceptron rule, against the text's worked steps and a perceptron written out in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engine.document import Document
from engine.graph import Graph
from engine.session import Session


def document(inputs: object, labels: object, *, batch: int = 1, **properties: Any) -> Document:
    graph = Graph()
    x, t = graph.add("input"), graph.add("target")
    node = graph.add("perceptron", id="rule", **properties)
    graph.connect(x, node["x"])
    graph.connect(t, node["target"])
    data = {"inputs": np.asarray(inputs).tolist(), "targets": np.asarray(labels).tolist(), "task": "regression"}
    training = {"batch_size": batch, "order": "sequential"}
    return Document(graph, data={"train": data}, training=training, precision="float64")


def weights(session: Session) -> list[float]:
    return session.parameters["rule.weight"].ravel().tolist()


@pytest.mark.parametrize(
    ("point", "label", "mistake", "error"),
    [((1, 3), 1, [2, 2], [3, 5]), ((2, 1), -1, [-1, -2], [-3, -3]), ((2, 1), 1, [1, -1], [1, -1])],
)
@pytest.mark.text("01:perceptron")
def test_numbers_01_perceptron(point, label, mistake, error):
    for form, expected in (("mistake", mistake), ("error", error)):
        session = Session(document([point], [[label]], form=form, initial_weight=[1, -1], use_bias=False))
        session.step("iteration")
        assert session.value("rule.score")[0, 0] == np.dot((1, -1), point)
        assert weights(session) == expected


XOR = [(-1, -1), (1, 1), (1, -1), (-1, 1)], [[1], [1], [-1], [-1]]


def path(session: Session, steps: int = 8) -> list[list[float]]:
    seen = []
    for _ in range(steps):
        session.step("iteration")
        seen.append(weights(session))
    return seen


@pytest.mark.text("01:xor-perceptron-cycle")
def test_numbers_01_xor_perceptron_cycle():
    cycle = [[-1, -1], [0, 0], [-1, 1], [0, 0]]
    assert path(Session(document(*XOR, use_bias=False))) == cycle * 2


@pytest.mark.text("01:xor-perceptron-cycle")
def test_numbers_01_xor_perceptron_cycle_with_a_bias():
    session = Session(document(*XOR))
    seen = []
    for _ in range(4):
        session.step("iteration")
        seen.append([*weights(session), *session.parameters["rule.bias"].tolist()])
    assert seen == [[-1, -1, 1], [0, 0, 2], [-1, 1, 1], [0, 0, 0]]


def test_where_a_score_of_zero_says_plus_one_only_the_second_half_of_the_cycle_happens():
    session = Session(document(*XOR, use_bias=False, zero_is_mistake=False))
    assert path(session, 4) == [[0, 0], [0, 0], [-1, 1], [0, 0]]
    session.reset()
    session.step("phase")
    assert session.value("rule.prediction").tolist() == [[1]]


def test_a_score_of_zero_predicts_neither_label_while_it_counts_as_a_mistake():
    session = Session(document(*XOR, use_bias=False))
    session.step("phase")
    assert session.value("rule.prediction").tolist() == [[0]]


@pytest.mark.parametrize("form", ["mistake", "error"])
@pytest.mark.parametrize("batch", [1, 4, 7])
def test_it_learns_as_the_rule_written_out_in_numpy(form, batch):
    draw = np.random.default_rng(3)
    points = draw.normal(size=(10, 3))
    labels = np.where(points @ [1.0, -2.0, 0.5] + 0.3 > 0, 1.0, -1.0)
    session = Session(document(points, labels[:, None], batch=batch, form=form, learning_rate=0.25))
    session.run(12)
    w, b, begin = np.zeros(3), 0.0, 0
    for _ in range(12):
        rows = range(begin, min(begin + batch, 10))
        begin = (begin + batch) % 10 if begin + batch < 10 else 0
        change, shift = np.zeros(3), 0.0
        for row in rows:
            if labels[row] * (points[row] @ w + b) <= 0:
                change, shift = change + labels[row] * points[row], shift + labels[row]
        factor = 0.25 * (2 if form == "error" else 1)
        w, b = w + factor * change, b + factor * shift
    np.testing.assert_allclose(weights(session), w, rtol=1e-12)
    assert session.parameters["rule.bias"][0] == pytest.approx(b)


def test_stepping_by_node_and_running_give_the_same_bits_and_steps_go_back_exactly():
    made = document(
        np.random.default_rng(1).normal(size=(9, 2)), np.sign(np.random.default_rng(2).normal(size=(9, 1))), batch=2
    )
    stepped, ran = Session(made), Session(made)
    before = []
    for _ in range(20 * len(stepped.steps)):
        before.append(stepped.parameters)
        stepped.step()
    ran.run(20)
    assert all((stepped.parameters[name] == ran.parameters[name]).all() for name in ran.parameters)
    for values in reversed(before):
        stepped.step_back()
        assert all((stepped.parameters[name] == values[name]).all() for name in values)


def test_the_update_is_a_step_of_its_own_and_a_frozen_rule_has_none():
    made = document(*XOR)
    assert [(step.part, step.node) for step in Session(made).steps][-1] == ("update", "rule")
    made.graph.nodes["rule"].flags = frozenset({"frozen"})
    session = Session(made)
    session.run(5)
    assert "update" not in {step.part for step in session.steps}
    assert weights(session) == [0, 0]


def test_its_learning_rate_can_be_dragged_and_zero_leaves_the_weights_untouched():
    session = Session(document(*XOR, initial_weight=[0.1, 0.2]))
    session.set_setting("rule.learning_rate", 0.0)
    session.run(9)
    assert weights(session) == [0.1, 0.2]


def test_it_predicts_with_the_sign_of_its_score():
    session = Session(document(*XOR, initial_weight=[1, 0], use_bias=False))
    assert session.predict([[2.0, 5.0], [-3.0, 5.0]]).tolist() == [[1], [-1]]


def test_a_run_stops_where_its_weights_stop_being_finite():
    session = Session(document([[1e200, 1.0]], [[1]], learning_rate=1000.0, initial_weight=[-1e306, 0]))
    session.run(50)
    assert session.problem is None
    session = Session(document([[1e308, 1.0]], [[1]], learning_rate=1000.0, initial_weight=[-1, 0]))
    session.run(50)
    assert session.problem.node == "rule"
    assert session.iteration < 2


def test_labels_of_another_shape_are_refused():
    (problem,) = document(XOR[0], [[1, 1], [1, 1], [-1, -1], [-1, -1]]).check()
    assert (problem.node, problem.port, problem.kind) == ("rule", "target", "shape")


def test_a_loss_behind_its_score_leaves_the_weights_to_the_rule():
    made = document(*XOR, initial_weight=[0.5, 0.5], use_bias=False, learning_rate=0.0)
    made.graph.add("perceptron_criterion", id="loss")
    made.graph.connect("rule.score", "loss.prediction")
    made.graph.connect("target_1.value", "loss.target")
    made.training = Document(training={"loss": "loss", "batch_size": 1, "order": "sequential"}).training
    session = Session(made)
    session.run(8)
    assert weights(session) == [0.5, 0.5]
    assert session.gradient("rule.weight") is not None
