"""Nodes for operations and activations: drawn, lowered, played, and the sentences where they do not fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import special

import resources
from engine.graph import Graph
from engine.nodes import node_types
from engine.session import Session
from tests.engine.nodes.drawing import ROWS, SIGNED, answer, document, drawn, refusal


@pytest.mark.parametrize(
    ("type", "expected"),
    [
        ("negate", -SIGNED),
        ("square", SIGNED**2),
        ("power", SIGNED**2),
        ("exp", np.exp(SIGNED)),
        ("sin", np.sin(SIGNED)),
        ("cos", np.cos(SIGNED)),
        ("absolute", np.abs(SIGNED)),
        ("maximum", np.maximum(SIGNED, 0)),
        ("minimum", np.minimum(SIGNED, 0)),
        ("identity", SIGNED),
        ("sigmoid", special.expit(SIGNED)),
        ("tanh", np.tanh(SIGNED)),
        ("relu", np.maximum(SIGNED, 0)),
        ("leaky_relu", np.where(SIGNED > 0, SIGNED, 0.01 * SIGNED)),
        ("elu", np.where(SIGNED > 0, SIGNED, np.expm1(SIGNED))),
        ("softplus", np.log1p(np.exp(SIGNED))),
        ("hard_tanh", np.clip(SIGNED, -1, 1)),
        ("sign", np.sign(SIGNED)),
        ("softmax", special.softmax(SIGNED, axis=1)),
        ("log_softmax", special.log_softmax(SIGNED, axis=1)),
        ("stop_gradient", SIGNED),
        ("transpose", SIGNED.T),
        ("reshape", SIGNED),
        ("slice", SIGNED),
        ("sum", SIGNED.sum(axis=1, keepdims=True)),
        ("mean", SIGNED.mean(axis=1, keepdims=True)),
        ("max", SIGNED.max(axis=1, keepdims=True)),
        ("min", SIGNED.min(axis=1, keepdims=True)),
    ],
)
def test_a_node_of_one_input_answers_what_it_says(type, expected):
    np.testing.assert_allclose(answer(type, SIGNED), expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(("type", "function"), [("log", np.log), ("sqrt", np.sqrt)])
def test_roots_and_logarithms_of_positive_numbers(type, function):
    np.testing.assert_allclose(answer(type, ROWS), function(ROWS), rtol=1e-12)


@pytest.mark.parametrize(
    ("type", "wires", "expected"),
    [
        ("add", 1, ROWS),
        ("add", 2, 2 * ROWS),
        ("add", 3, 3 * ROWS),
        ("multiply", 3, ROWS**3),
        ("subtract", 2, 0 * ROWS),
        ("divide", 2, ROWS / ROWS),
        ("power", 2, ROWS**ROWS),
        ("maximum", 2, ROWS),
        ("concat", 2, np.concatenate([ROWS, ROWS], axis=1)),
    ],
)
def test_a_node_of_several_inputs_takes_them_in_their_order(type, wires, expected):
    np.testing.assert_allclose(answer(type, ROWS, wires), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("type", "properties", "expected"),
    [
        ("power", {"exponent": 3.0}, ROWS**3),
        ("maximum", {"b": 1.0}, np.maximum(ROWS, 1)),
        ("leaky_relu", {"slope": 0.5}, ROWS),
        ("elu", {"alpha": 2.0}, ROWS),
        ("slice", {"start": 1}, ROWS[:, 1:]),
        ("slice", {"start": 1, "stop": 2}, ROWS[:, 1:2]),
        ("reshape", {"shape": [3, 1]}, ROWS[:, :, None]),
        ("sum", {"over": "all"}, ROWS.sum()),
        ("mean", {"over": "all"}, ROWS.mean()),
        ("max", {"over": "all"}, ROWS.max()),
        ("min", {"over": "all"}, ROWS.min()),
    ],
)
def test_properties_say_how(type, properties, expected):
    np.testing.assert_allclose(answer(type, ROWS, **properties), expected, rtol=1e-12)


def test_a_matrix_product_reads_a_parameter():
    graph = Graph()
    data = graph.add("input")
    weight = graph.add("parameter", initial=[[1.0, 2.0], [0.0, 1.0], [3.0, 0.0]])
    product = graph.add("matmul")
    graph.connect(data, product["a"])
    graph.connect(weight, product["b"])
    session = Session(document(graph, ROWS), dtype="float64")
    session.step("iteration")
    np.testing.assert_allclose(session.value(f"{product.id}.y"), ROWS @ [[1, 2], [0, 1], [3, 0]])


def test_the_slope_of_a_leaky_relu_can_be_dragged_while_it_runs():
    graph, address = drawn("leaky_relu", SIGNED)
    session = Session(document(graph, SIGNED), dtype="float64")
    session.set_setting(f"{address.split('.')[0]}.slope", 0.5)
    session.step("iteration")
    np.testing.assert_allclose(session.value(address), np.where(SIGNED > 0, SIGNED, 0.5 * SIGNED))


@pytest.mark.parametrize("activation", ["leaky_relu", "elu"])
def test_layers_can_be_bent_by_activations_with_a_number_of_their_own(activation):
    expected = answer(activation, SIGNED)
    np.testing.assert_allclose(
        answer("dense", SIGNED, units=3, activation=activation, initial_weight=np.eye(3).tolist(), use_bias=False),
        expected,
        rtol=1e-12,
    )


@pytest.mark.parametrize(
    ("type", "properties", "sentence"),
    [
        (
            "slice",
            {"start": 2, "stop": 9},
            "entries 2 to 9 are not within the 3 of axis 1. Choose 0 ≤ start < stop ≤ 3.",
        ),
        (
            "slice",
            {"start": 2, "stop": 2},
            "entries 2 to 2 are not within the 3 of axis 1. Choose 0 ≤ start < stop ≤ 3.",
        ),
        (
            "reshape",
            {"shape": [2, 2]},
            "(batch, 3) cannot be laid out as (batch, 2, 2). The number of entries must agree.",
        ),
    ],
)
def test_what_does_not_fit_is_told_in_a_sentence(type, properties, sentence):
    assert sentence in refusal(type, ROWS, **properties)


def test_rows_and_columns_that_do_not_meet_are_told():
    graph = Graph()
    data, weight, product = graph.add("input"), graph.add("parameter", shape=(4, 2)), graph.add("matmul")
    graph.connect(data, product["a"])
    graph.connect(weight, product["b"])
    (problem,) = document(graph, ROWS).check()
    assert problem.fact == "rows of 3 numbers meet columns of 4"
    assert (problem.node, problem.port) == (product.id, "b")


MINE = {"Maths", "Comparisons", "Activations", "Arrays"}


@pytest.mark.parametrize("kind", [k for k in node_types().values() if k.category in MINE], ids=lambda kind: kind.name)
def test_a_node_type_says_what_palette_and_inspector_ask_for(kind):
    assert kind.formula and kind.help() and kind.title
    assert (Path(next(iter(resources.__path__))) / "icons" / f"{kind.icon}.svg").exists()
    assert all(prop.help for name, prop in kind.properties().items())
