"""The factors of dense layers' Fisher matrices, and the steps that K-FAC makes of them."""

import numpy as np
import pytest

from engine import Session
from engine.drivers.asking import Factors
from tests.engine.drivers.test_on_nets import Answers, net


def mean_of_products(rows):
    return rows.T @ rows / len(rows)


@pytest.fixture
def session():
    return Session(net({"type": "k_fac", "damping": 0.1, "line_search": "none"}), dtype="float64")


def by_hand(session):
    """What comes into both layers (with a 1 for the bias) and back to them from each example, from session arrays."""
    session.step("phase")
    session.step("phase")
    inputs, hidden = session.value("input_1.value"), session.value("dense_1.h")
    back_2 = 7 * session.gradient("dense_2.h")
    back_1 = 7 * session.gradient("dense_1.h") * (1 - hidden**2)
    ones = np.ones((7, 1))
    return [(np.hstack([inputs, ones]), back_1), (np.hstack([hidden, ones]), back_2)]


def test_factors_are_the_means_of_what_comes_in_and_comes_back(session):
    answers = Answers(session)
    layers = answers(Factors())
    for layer, (inputs, back) in zip(layers, by_hand(session), strict=True):
        np.testing.assert_allclose(layer.inputs, mean_of_products(inputs), rtol=1e-10)
        np.testing.assert_allclose(layer.outputs, mean_of_products(back), rtol=1e-10, atol=1e-14)
    assert [(layer.weight, layer.bias) for layer in layers] == [
        (slice(0, 12), slice(12, 16)),
        (slice(16, 24), slice(24, 26)),
    ]


def test_a_step_solves_with_the_kronecker_product_of_its_factors(session):
    hands = by_hand(session)
    before = session.parameters
    session.step("iteration")
    for name, (inputs, back) in zip(("dense_1", "dense_2"), hands, strict=True):
        a, s = mean_of_products(inputs), mean_of_products(back)
        share = np.sqrt(np.trace(a) / len(a) / (np.trace(s) / len(s)))
        a, s = a + share * np.sqrt(0.1) * np.eye(len(a)), s + np.sqrt(0.1) / share * np.eye(len(s))
        slope = np.vstack([session.gradient(f"{name}.weight"), session.gradient(f"{name}.bias")])
        expected = np.linalg.solve(np.kron(a, s), slope.ravel()).reshape(slope.shape)
        moved = [before[f"{name}.{part}"] - session.parameters[f"{name}.{part}"] for part in ("weight", "bias")]
        np.testing.assert_allclose(np.vstack(moved), expected, rtol=1e-8, atol=1e-12)


def test_the_natural_gradient_does_not_care_how_inputs_are_scaled():
    """Of one layer without damping: stretched inputs change the weights but not what the network answers."""
    draw = np.random.default_rng(0)
    stretch = np.array([[1.0, 0.3], [0.0, 20.0]])
    inputs, targets = draw.normal(size=(9, 2)), draw.normal(size=(9, 1))
    answers = []
    for rows in (inputs, inputs @ stretch):
        document = net({"type": "k_fac", "damping": 0.0}, sizes=(2, 1))
        document.data = {"train": {"inputs": rows, "targets": targets, "task": "regression"}}
        session = Session(document, dtype="float64")
        session.set_parameter("dense_1.weight", np.zeros((2, 1)))
        session.run(3)
        answers.append(session.predict(rows))
    np.testing.assert_allclose(answers[0], answers[1], rtol=1e-6)


def test_what_is_in_no_dense_layer_follows_the_gradient():
    document = net({"type": "k_fac", "line_search": "none"})
    graph = document.graph
    shift = graph.add("parameter", id="shift", initial=[0.1, -0.2])
    graph.disconnect("dense_2.h", "mean_squared_error_1.prediction")
    total = graph.add("add")
    for one in ("dense_2", shift):
        graph.connect(one, total["x"])
    graph.connect(total, "mean_squared_error_1.prediction")
    session = Session(document, dtype="float64")
    before = session.parameters["shift.value"]
    session.step("iteration")
    np.testing.assert_allclose(session.parameters["shift.value"], before - session.gradient("shift.value"), rtol=1e-12)
