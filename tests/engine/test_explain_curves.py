"""Beside the formulas: curves with their operating point, and the factors of a derivative along its path."""

from __future__ import annotations

import random

import numpy as np
import pytest

from engine.document import Document
from engine.explain import curve, factors
from engine.graph import Graph
from engine.session import Session
from tests.engine.explaining import random_document, step_to, xor_net


def test_the_curve_of_an_activation_holds_the_operating_point_and_its_slope():
    session = Session(xor_net())
    assert curve(session, "dense_1").x is None
    step_to(session, "forward", "dense_1")
    found = curve(session, "dense_1", row=1, unit=2)
    np.testing.assert_allclose(found.ys, np.tanh(found.xs), rtol=1e-12)
    np.testing.assert_allclose(found.slopes, 1 - np.tanh(found.xs) ** 2, rtol=1e-10, atol=1e-12)
    assert (found.symbol, found.result) == ("z_{3}", "h_{3}")
    assert found.y == session.value("dense_1")[1, 2]
    assert found.slope == pytest.approx(1 - found.y**2)


def test_nodes_that_are_no_function_of_one_number_have_no_curve():
    session = Session(xor_net(activation="identity"))
    session.step("iteration")
    assert curve(session, "dense_1") is None
    assert curve(session, "input_1") is None
    assert curve(session, "nobody") is None


def test_what_a_node_keeps_by_itself_is_no_function():
    graph = Graph()
    graph.add("bandit")
    assert curve(Session(Document(graph)), "bandit_1") is None


def test_the_factors_of_a_derivative_multiply_to_it_and_the_smallest_is_named():
    session = Session(xor_net())
    assert factors(session, "dense_1") is None
    session.step("iteration")
    found = factors(session, "dense_1", row=1, unit=2)
    h, y = session.value("dense_1")[1, 2], session.value("dense_2")[1, 0]
    weight = session.before_update(session.program.sources["dense_2.weight"])[2, 0]
    assert [factor.number for factor in found.factors] == pytest.approx(
        [session.gradient("dense_2")[1, 0], y * (1 - y), weight, 1 - h * h]
    )
    assert [factor.words for factor in found.factors] == [
        "loss", "slope of sigmoid", "weight into dense_2", "slope of tanh",
    ]  # fmt: skip
    assert (
        found.product == pytest.approx(found.gradient) == pytest.approx(session.gradient("dense_1")[1, 2] * (1 - h * h))
    )
    sizes = [abs(factor.number) for factor in found.factors]
    assert found.smallest == sizes.index(min(sizes))


def test_of_several_paths_the_largest_is_followed_and_the_others_are_one_number():
    session = Session(xor_net())
    session.step("iteration")
    graph_wide = factors(session, "input_1")
    assert graph_wide is None  # nothing is learned there
    wide = Session(random_document(random.Random("wide"), "softmax_cross_entropy"))
    wide.step("iteration")
    for node in wide.document.graph.nodes:
        found = factors(wide, node, 0, 1)
        if found is not None:
            assert found.product + found.other_paths == pytest.approx(found.gradient)


def test_a_dead_relu_is_to_blame():
    session = Session(xor_net(activation="relu"))
    session.set_parameter("dense_1.bias", [-9.0, -9.0, -9.0])
    session.step("iteration")
    found = factors(session, "dense_1", row=3, unit=0)
    assert found.gradient == 0
    assert found.factors[found.smallest].words == "dead ReLU"
