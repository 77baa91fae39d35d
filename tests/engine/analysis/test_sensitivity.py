"""How outputs hang on inputs: against autograd and the texts' numbers, past ReLUs in three ways, and uphill."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import jacobian as autograd_jacobian

from engine import Document, Graph, Session
from engine.analysis.sensitivity import activation_maximisation, jacobian, saliency
from engine.problems import ProblemError
from tests.engine.documents import chain_of_sigmoids, layered_document, xor_document


@pytest.fixture(scope="module")
def session() -> Session:
    session = Session(layered_document([4, 5, 3], rows=6, loss="softmax_cross_entropy"), dtype="float64")
    session.run(20)
    return session


def scores(session: Session, x: Any) -> Any:
    """The same network, written down once more."""
    w = session.parameters
    hidden = anp.tanh(anp.dot(x, w["dense_1.weight"]) + w["dense_1.bias"])
    return anp.dot(hidden, w["dense_2.weight"]) + w["dense_2.bias"]


def rectified(weights, x, first) -> Session:
    """z = W₁ x, o = w₂ᵀ ReLU(z), with these weights."""
    graph = Graph()
    data = graph.add("input")
    z = graph.add("dense", "z", units=len(first), activation="identity", use_bias=False)
    h, o = graph.add("relu", "h"), graph.add("dense", "o", units=1, activation="identity", use_bias=False)
    for one, other in ((data, z), (z, h), (h, o)):
        graph.connect(one, other)
    table = {"inputs": np.array([x], float), "targets": np.zeros((1, 1)), "task": "regression"}
    session = Session(Document(graph, data=table, precision="float64"))
    session.set_parameter("z.weight", np.array(first, float).T)
    session.set_parameter("o.weight", np.array([weights], float).T)
    return session


# Jacobians -----------------------------------------------------------------------------------------------------------


def test_the_jacobian_of_an_output_by_the_inputs_is_that_of_autograd(session):
    found = jacobian(session, "dense_2", "data.inputs", rows=[4, 1])
    x = session.dataset.inputs[[4, 1]]
    np.testing.assert_allclose(found.derivatives, autograd_jacobian(lambda x: scores(session, x))(x), atol=1e-13)
    assert found.derivatives.shape == (2, 3, 2, 4)
    assert found.matrix.shape == (6, 8)
    np.testing.assert_allclose(found.singular_values, np.linalg.svd(found.matrix)[1])


def test_any_node_by_any_node_and_by_a_parameter(session):
    w = session.parameters
    found = jacobian(session, "dense_2", "dense_1", rows=[0])
    np.testing.assert_allclose(found.matrix, w["dense_2.weight"].T, atol=1e-13)
    by_weight = jacobian(session, "dense_2.h", "dense_2.bias", rows=[0, 3])
    np.testing.assert_allclose(by_weight.derivatives, np.tile(np.eye(3), (2, 1, 1)), atol=1e-13)
    np.testing.assert_allclose(jacobian(session, "dense_1", "dense_1").matrix, np.eye(5))
    assert not jacobian(session, "dense_1", "dense_2").matrix.any()


@pytest.mark.text("03:vanishing-gradient-chain")
def test_the_chain_of_sigmoids_vanishes_as_the_text_says():
    session = Session(chain_of_sigmoids(10))
    expected = {
        10: 1,
        9: 0.2247043,
        8: 0.0504920,
        7: 0.0113457,
        6: 0.00254940,
        5: 5.72829e-4,
        4: 1.28684e-4,
        1: 1.41638e-6,
    }
    for place, derivative in expected.items():
        assert jacobian(session, "sigmoid_10", f"sigmoid_{place}").derivatives == pytest.approx(derivative, rel=5e-6)
    assert jacobian(session, "sigmoid_10", "x.value").derivatives == pytest.approx(2.78477e-7, rel=5e-6)


def test_a_jacobian_can_be_cancelled_and_tells_how_far_it_is(session):
    told: list[float] = []
    found = jacobian(session, "dense_2", "dense_1", cancelled=lambda: len(told) >= 1, progress=told.append)
    assert told == pytest.approx([1 / 3])
    assert np.isfinite(found.matrix[0]).all()
    assert np.isnan(found.matrix[1:]).all()


# saliency ------------------------------------------------------------------------------------------------------------


def test_saliency_is_the_derivative_of_each_rows_winner(session):
    found = saliency(session, rows=[0, 5, 2])
    x = session.dataset.inputs[[0, 5, 2]]
    np.testing.assert_array_equal(found.inputs, x)
    np.testing.assert_allclose(found.outputs, scores(session, x).max(axis=1), atol=1e-13)
    np.testing.assert_array_equal(found.units, scores(session, x).argmax(axis=1))
    for row in range(3):
        expected = autograd_jacobian(lambda one: scores(session, one))(x[row])[found.units[row]]
        np.testing.assert_allclose(found.slopes[row], expected, atol=1e-13)
    assert (found.magnitudes >= 0).all()


@pytest.mark.text("01:saliency-gradient")
def test_the_texts_network_by_its_inputs_and_by_its_hidden_units():
    from app.library import find_preset, load_preset

    document = load_preset(find_preset("vector-worked-example"))
    session = Session(document, dtype="float64")
    by_input, by_hidden = jacobian(session, "o", "x").matrix[0], jacobian(session, "o", "h2").matrix[0]
    np.testing.assert_allclose(by_input, [-0.5898358, 1.3762835, -0.1966119], atol=5e-8)
    np.testing.assert_allclose(by_hidden, [-0.1966119, 0.1966119, -0.5898358], atol=5e-8)


@pytest.mark.text("06:relu-backward-variants")
@pytest.mark.parametrize(
    ("backward", "expected"), [("gradient", (1, -2, 3)), ("deconvolution", (4, -3, 1)), ("guided", (1, 0, 1))]
)
def test_three_ways_back_through_a_small_net(backward, expected):
    session = rectified((1, -2, 3), (1, 2, 1), [(1, 0, 1), (0, 1, -1), (1, -1, 0)])
    found = saliency(session, "o", unit=0, backward=backward)
    assert found.outputs == [0]
    np.testing.assert_allclose(found.slopes[0], expected)


@pytest.mark.text("06:relu-backward-variants")
@pytest.mark.parametrize(
    ("backward", "expected"),
    [
        ("gradient", [-2, 0, -1, 6, 0, 0, 0, -1, 3]),
        ("deconvolution", [0, 3, 0, 6, 0, 1, 2, 0, 3]),
        ("guided", [0, 0, 0, 6, 0, 0, 0, 0, 3]),
    ],
)
def test_three_ways_back_through_nine_units(backward, expected):
    session = rectified([-2, 3, -1, 6, -3, 1, 2, -1, 3], [1, -1, 5, 2, -5, -7, -3, 2, 4], np.eye(9))
    found = saliency(session, "o", "z", unit=0, backward=backward)
    np.testing.assert_array_equal(found.slopes[0], expected)


# activation maximisation ---------------------------------------------------------------------------------------------


def linear_score() -> Session:
    graph = Graph()
    x, o = graph.add("input"), graph.add("dense", "o", units=1, activation="identity", use_bias=False)
    graph.connect(x, o)
    table = {"inputs": np.ones((2, 3)), "targets": np.zeros((2, 1)), "task": "regression"}
    session = Session(Document(graph, data=table, precision="float64"))
    session.set_parameter("o.weight", np.array([[1.0], [-2], [0.5]]))
    return session


@pytest.mark.text("06:activation-maximisation")
def test_an_input_grows_until_the_unit_likes_it():
    found = activation_maximisation(linear_score(), "o", decay=0.1, rate=0.5, steps=300)
    np.testing.assert_allclose(found.trace[1:4], [(0.5, -1, 0.25), (0.95, -1.9, 0.475), (1.355, -2.71, 0.6775)])
    np.testing.assert_allclose(found.input, (5, -10, 2.5), rtol=1e-9)
    assert found.outputs[0] == 0
    assert found.outputs[-1] - 0.1 * found.norms[-1] ** 2 == pytest.approx(13.125)


def test_climbing_begins_at_a_start_and_can_be_cancelled():
    asked: list[int] = []
    found = activation_maximisation(
        linear_score(), start=[1, 1, 1], steps=50, cancelled=lambda: asked.append(1) or len(asked) > 2
    )
    np.testing.assert_array_equal(found.trace[0], [1, 1, 1])
    assert len(found.outputs) == len(found.norms) == len(found.trace) == 3


def test_all_leave_the_session_untouched(session):
    before = session.weights.arrays
    jacobian(session, "dense_2", "dense_1")
    saliency(session)
    activation_maximisation(session, steps=3)
    for address, array in session.weights.arrays.items():
        np.testing.assert_array_equal(array, before[address])


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda s: jacobian(s, "dense_3", "data.inputs"), "dense_2"),
        (lambda s: jacobian(s, "dense_2", "dense_1", rows=[10]), "rows 0 to 3"),
        (lambda s: saliency(s, unit=1), "1 entries in a row, and 1 is none"),
        (lambda s: saliency(s, "binary_cross_entropy_1"), "no row for each example"),
        (lambda s: activation_maximisation(s, start=[1.0]), "shape of the inputs"),
        (lambda s: activation_maximisation(s, unit=-1), "Count units from 0"),
        (lambda s: activation_maximisation(s, decay=-1e9, rate=1e30, steps=60, start=[1, 1]), "Lower the rate"),
    ],
)
def test_what_cannot_be_done_is_said(ask, says):
    with pytest.raises(ProblemError, match=says):
        ask(Session(xor_document(), dtype="float64"))
