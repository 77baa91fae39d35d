"""Expectations of a document: played, judged, and told in sentences a person can read."""

from __future__ import annotations

from typing import Any

import pytest

from engine.document import Document
from engine.expects import check
from engine.graph import Graph
from engine.session import Session


def document(*expects: dict[str, Any], data: Any = None) -> Document:
    """y = w x with w = 2 and ½ (y − t)², learning with rate ¼: by hand w becomes 1.75, 1.5625 …"""
    graph = Graph()
    x, t = graph.add("input", id="x"), graph.add("target", id="t")
    y = graph.add("neuron", id="y", use_bias=False, initial_weight=[2])
    e = graph.add("squared_error", id="loss", half=True)
    a = graph.add("mistakes", id="mistakes")
    graph.connect(x, y)
    for node in (e, a):
        graph.connect(y, node["prediction"])
        graph.connect(t, node["target"])
    rows = data or {"inputs": [[1.0]], "targets": [[1.0]], "task": "regression"}
    training = {"loss": "loss", "optimizer": {"type": "sgd", "learning_rate": 0.25}}
    return Document(graph, data={"train": rows}, training=training, precision="float64", expects=expects)


def judged(*expects: dict[str, Any], data: Any = None) -> list[tuple[str, bool]]:
    return check(Session(document(*expects, data=data)))


def test_numbers_are_judged_when_they_are_due_and_told_in_the_order_of_the_document():
    assert judged(
        {"what": "loss", "after": 2, "is": 0.158203125},
        {"what": "loss", "after": 1, "is": 0.28125},
        {"what": "gradient", "of": "y.weight", "is": [[1]]},
        {"what": "value", "of": "y.h", "is": [[2]]},
        {"what": "value", "of": "y.h", "after": 1, "is": [[1.7]], "within": 0.1},
        {"what": "loss", "above": 0.4, "below": 0.5},
        {"what": "mistakes", "is": 0},
    ) == [
        ("loss on the training rows after 2 iterations: 0.158203125, expected 0.158203125", True),
        ("loss on the training rows after 1 iteration: 0.28125, expected 0.28125", True),
        ("gradient of y.weight at the start: [[1]], expected [[1]]", True),
        ("value of y.h at the start: [[2]], expected [[2]]", True),
        ("value of y.h after 1 iteration: [[1.75]], expected [[1.7]] within 0.1", True),
        ("loss on the training rows at the start: 0.5, expected below 0.5 and expected above 0.4", False),
        ("mistakes on the training rows at the start: 0, expected 0", True),
    ]


def test_the_session_starts_anew_whatever_was_played_before():
    session = Session(document({"what": "loss", "is": 0.5}))
    session.run(100)
    assert check(session)[0][1]


def test_test_rows_are_their_own():
    rows = {"inputs": [[1.0]] * 4, "targets": [[1.0]] * 4, "task": "regression", "test_fraction": 0.5}
    ((sentence, holds),) = judged({"what": "loss.test", "below": 0.6}, data=rows)
    assert holds and "on the test rows" in sentence
    assert judged({"what": "loss.test", "below": 0.6})[0] == (
        "loss on the test rows at the start: there is no such number",
        False,
    )


@pytest.mark.parametrize(
    ("expectation", "said"),
    [
        ({"what": "accuracy", "above": 0}, "there is no such number"),
        ({"what": "los", "above": 0}, "there is no such number"),
        ({"what": "loss.validation", "above": 0}, "there is no such number"),
        ({"what": "value", "of": "z.h", "is": 0}, "there is no such number"),
        ({"what": "value", "is": 0}, "there is no such number"),
        ({"what": ["loss"], "is": 0}, "there is no such number"),
        ({"below": 0}, "there is no such number"),
        ({"what": "loss"}, "nothing is expected of it"),
        ({"what": "loss", "below": "little"}, "no number"),
        ({"what": "loss", "is": [[1], [1, 2]]}, "no number"),
        ({"what": "loss", "is": 0.5, "within": "a little"}, "no number"),
        ({"what": "loss", "after": -1, "below": 1}, "a whole number of iterations"),
        ({"what": "loss", "after": 1.5, "below": 1}, "a whole number of iterations"),
        ({"what": "loss", "after": 10**9, "below": 1}, "a whole number of iterations"),
        ({"what": "value", "of": "y.h", "is": [1, 2, 3]}, "expected [1, 2, 3]"),
    ],
)
def test_what_makes_no_sense_fails_with_a_sentence(expectation, said):
    ((sentence, holds),) = judged(expectation)
    assert not holds
    assert said in sentence


def test_a_run_that_stops_fails_and_says_where_the_number_was_born():
    rows = {"inputs": [[1e160]], "targets": [[1.0]], "task": "regression"}
    ((sentence, holds),) = judged({"what": "loss", "after": 5, "below": 1}, data=rows)
    assert not holds
    assert "stopped" in sentence and "infinite" in sentence


def test_without_data_the_loss_is_the_objective_itself():
    graph = Graph()
    w = graph.add("parameter", id="w", initial=3.0)
    y = graph.add("scale", id="y", factor=2.0)
    graph.connect(w, y)
    training = {"loss": "y", "optimizer": {"type": "sgd", "learning_rate": 0.5}}
    made = Document(
        graph, training=training, expects=[{"what": "loss", "is": 6}, {"what": "loss", "after": 2, "is": 2}]
    )
    assert [holds for _, holds in check(Session(made))] == [True, True]


def test_an_iteration_without_an_update_is_played_once_for_all_that_is_expected_of_it():
    graph = Graph()
    graph.add("tree_search", "tree", start="OXX|XOO|X..")
    expects = [
        {"what": "value", "of": f"tree.{port}", "after": after, "above": -2}
        for port in ("visits", "mean")
        for after in (0, 4)
    ]
    session = Session(Document(graph, training={"seed": 0}, expects=expects))
    assert all(holds for _, holds in check(session))
    assert session.iteration == 5 and session.value("tree.visits").sum() == 5
