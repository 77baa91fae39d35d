"""Gradients against finite differences: the text's ratio, its numbers, and planted bugs that are found."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.analysis.gradient_check import gradient_check
from engine.document import Document
from engine.graph import Graph
from engine.problems import ProblemError
from engine.session import Session
from tests.engine.documents import layered_document, xor_document


def one_number(kind: str, x: float) -> Session:
    """A loss that is a function of one constant."""
    graph = Graph()
    start, function = graph.add("constant", "x", value=x), graph.add(kind, "f")
    graph.connect(start, function)
    return Session(Document(graph, precision="float64", training={"loss": "f"}))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_sound_network_passes_whatever_precision_it_trains_in(dtype):
    session = Session(xor_document(), dtype=dtype)
    session.run(20)
    report = gradient_check(session)
    assert report.passed
    assert len(report.entries) == 17
    assert report.worst.ratio < 1e-6


def test_the_ratio_is_the_texts_and_the_relative_error_the_usual_one():
    session = Session(xor_document(), dtype="float64")
    for entry in gradient_check(session).entries:
        apart = abs(entry.backpropagation - entry.estimate)
        assert entry.ratio == pytest.approx(apart / abs(entry.backpropagation + entry.estimate))
        assert entry.relative == pytest.approx(apart / max(abs(entry.backpropagation), abs(entry.estimate)))


def test_forward_differences_lose_a_digit_with_each_digit_of_epsilon_and_central_ones_two():
    session = one_number("exp", 0.5)
    forward = [gradient_check(session, difference="forward", epsilon=e).worst.ratio for e in (1e-1, 1e-2, 1e-3, 1e-4)]
    central = [gradient_check(session, difference="central", epsilon=e).worst.ratio for e in (1e-1, 1e-2, 1e-3)]
    # (f(x + ε) − f(x)) / ε = f' + ε f''/2 + …: for exp the ratio is ε/4; central: ε²/6 of f', half of that as a ratio
    assert forward == pytest.approx([e / 4 for e in (1e-1, 1e-2, 1e-3, 1e-4)], rel=0.05)
    assert central == pytest.approx([e * e / 12 for e in (1e-1, 1e-2, 1e-3)], rel=0.01)


@pytest.mark.text("01:gradient-check")
def test_across_a_kink_the_ratio_is_1_as_the_catalogue_says():
    report = gradient_check(one_number("relu", -5e-8), difference="forward", epsilon=1e-7)
    (entry,) = report.entries
    assert (entry.backpropagation, entry.estimate) == (0.0, pytest.approx(0.5))
    assert entry.ratio == 1.0
    assert report.threshold == 1e-3
    assert not report.passed


@pytest.mark.parametrize(("rule", "ratio"), [("doubled", 1 / 3), ("reversed", math.inf), ("blocked", 1.0)])
def test_a_planted_rule_is_found_by_its_ratio(rule, ratio):
    report = gradient_check(one_number("sin", 0.7), planted="sin", rule=rule)
    assert report.planted == f"{rule} sin"
    assert not report.passed
    assert report.worst.ratio == pytest.approx(ratio, rel=1e-3) or report.worst.ratio > 1e6


def test_a_bug_in_an_activation_shows_before_it_and_not_behind_it():
    session = Session(layered_document([3, 5, 4, 2]), dtype="float64")
    clean = gradient_check(session)
    assert clean.passed
    report = gradient_check(session, planted="dense_2", rule="doubled")
    wrong = {entry.address.partition(".")[0] for entry in report.failed}
    assert wrong == {"dense_1", "dense_2"}
    assert report.by_parameter()["dense_3.weight"] < 1e-6
    assert report.by_parameter()["dense_2.weight"] == pytest.approx(1 / 3, rel=1e-6)


def test_a_plant_leaves_the_session_as_it_was():
    session = Session(xor_document(), dtype="float64")
    other = Session(xor_document(), dtype="float64")
    gradient_check(session, planted="tanh", rule="reversed")
    session.run(10)
    other.run(10)
    for name, array in session.parameters.items():
        np.testing.assert_array_equal(array, other.parameters[name])


def test_of_many_parameters_a_sample_is_checked():
    session = Session(layered_document([6, 20, 20, 3]), dtype="float64")
    report = gradient_check(session, sample=30, seed=4)
    assert len(report.entries) == 30
    assert report.passed
    assert [e.index for e in report.entries] == [e.index for e in gradient_check(session, sample=30, seed=4).entries]


def test_an_unknown_plant_or_rule_is_a_problem_with_a_guess():
    session = Session(xor_document(), dtype="float64")
    with pytest.raises(ProblemError, match="tanh"):
        gradient_check(session, planted="tanhh")
    with pytest.raises(ProblemError, match="Did you mean “doubled”"):
        gradient_check(session, planted="tanh", rule="doubledd")


def test_without_a_loss_there_is_nothing_to_check():
    graph = Graph()
    graph.connect(graph.add("constant"), graph.add("sin"))
    with pytest.raises(ProblemError, match="no loss"):
        gradient_check(Session(Document(graph)))


def test_zero_against_zero_passes():
    graph = Graph()
    start, scale = graph.add("constant", value=2.0), graph.add("scale", factor=0.0)
    graph.connect(start, scale)
    report = gradient_check(Session(Document(graph, training={"loss": scale.id})))
    assert report.passed
    assert report.worst.ratio == 0


def test_straight_through_passes_what_a_threshold_holds_back():
    (flat,) = gradient_check(one_number("sign", 0.7)).entries
    (passed,) = gradient_check(one_number("sign", 0.7), planted="sign", rule="straight_through").entries
    assert (flat.backpropagation, passed.backpropagation) == (0.0, 1.0)
