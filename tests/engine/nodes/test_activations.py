"""Activations of one number and of several: values, groups, competitions, and their sentences."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats

from engine.document import Document
from engine.graph import Graph
from engine.session import Session
from tests.engine.nodes.drawing import SIGNED, answer, document, drawn, refusal

CODE = np.array(
    [[1.0, 5.0, 2.0, 4.0], [3.0, 1.0, 2.0, 0.0], [0.0, 2.0, 9.0, 1.0], [2.0, 3.0, 3.0, 7.0], [4.0, 4.0, 1.0, 8.0]]
)


@pytest.mark.parametrize(
    ("type", "properties", "expected"),
    [
        ("selu", {}, np.where(SIGNED > 0, 1.0507009873554805 * SIGNED, 1.7580993408473766 * np.expm1(SIGNED))),
        ("gelu", {}, SIGNED * stats.norm.cdf(SIGNED)),
        ("gelu", {"form": "tanh"}, SIGNED * special.expit(1.5957691216057308 * (SIGNED + 0.044715 * SIGNED**3))),
        ("erf", {}, special.erf(SIGNED)),
        ("gaussian", {}, np.exp(-(SIGNED**2) / 2)),
        ("gaussian", {"sigma": 0.5}, np.exp(-2 * SIGNED**2)),
        ("step", {}, SIGNED >= 0),
        ("step", {"at_threshold": "zero"}, SIGNED > 0),
        ("step", {"threshold": 1.0}, SIGNED >= 1),
        ("relu", {"slope_at_zero": "half"}, np.maximum(SIGNED, 0)),
        ("hard_tanh", {"ends": "closed"}, np.clip(SIGNED, -1, 1)),
        ("sign", {"at_zero": "plus"}, np.where(SIGNED >= 0, 1, -1)),
        ("sign", {"at_zero": "minus"}, np.where(SIGNED > 0, 1, -1)),
        ("maxout", {"pieces": 3}, SIGNED.max(axis=1, keepdims=True)),
        ("softmax_with_temperature", {}, special.softmax(SIGNED, axis=1)),
        ("softmax_with_temperature", {"temperature": 4.0}, special.softmax(SIGNED / 4, axis=1)),
        ("softmax_with_temperature", {"temperature": 4.0, "form": "inverse"}, special.softmax(SIGNED * 4, axis=1)),
    ],
)
def test_a_node_of_one_input_answers_what_it_says(type, properties, expected):
    np.testing.assert_allclose(answer(type, SIGNED, **properties), expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("activation", ["selu", "gelu"])
def test_layers_can_be_bent_by_them(activation):
    layer = answer("dense", SIGNED, units=3, activation=activation, initial_weight=np.eye(3).tolist(), use_bias=False)
    np.testing.assert_allclose(layer, answer(activation, SIGNED), rtol=1e-12)


def test_the_r_largest_units_of_each_example_are_kept():
    kept = answer("top_r_gate", CODE, r=2)
    expected = [[0, 5, 0, 4], [3, 0, 2, 0], [0, 2, 9, 0], [0, 3, 0, 7], [4, 0, 0, 8]]
    assert kept.tolist() == expected


@pytest.mark.parametrize(("share", "most"), [(0.0, 1), (0.2, 1), (0.21, 2), (0.4, 2), (0.6, 3), (1.0, 5)])
def test_each_unit_keeps_its_share_of_the_batch(share, most):
    kept = answer("winner_take_all", CODE, share=share)
    rank = np.argsort(np.argsort(-CODE, axis=0, kind="stable"), axis=0)
    np.testing.assert_array_equal(kept, np.where(rank < most, CODE, 0))


def test_maps_of_units_compete_over_the_batch_place_by_place():
    graph = Graph()
    data, cube, gate = graph.add("input"), graph.add("reshape", shape=[2, 2]), graph.add("winner_take_all", "gate")
    graph.connect(data, cube)
    graph.connect(cube, gate)
    session = Session(document(graph, CODE), dtype="float64")
    session.step("iteration")
    np.testing.assert_array_equal(session.value("gate").reshape(5, 4), answer("winner_take_all", CODE))


@pytest.mark.parametrize(("type", "properties"), [("top_r_gate", {"r": 2}), ("winner_take_all", {"share": 0.5})])
def test_only_what_is_kept_learns(type, properties):
    graph = Graph()
    data, layer = graph.add("input"), graph.add("dense", "layer", units=4, initial_weight=np.eye(4).tolist())
    gate, goal = graph.add(type, "gate", **properties), graph.add("sum", "goal", over="all")
    for one, next_one in ((data, layer), (layer, gate), (gate, goal)):
        graph.connect(one, next_one)
    inputs = CODE + 1  # none is 0, so that what the gate shows tells what it kept
    training = {"loss": "goal", "batch_size": 5, "order": "sequential"}
    session = Session(Document(graph, data=document(graph, inputs).data, training=training), dtype="float64")
    session.step("iteration")
    np.testing.assert_array_equal(session.gradient("layer"), session.value("gate") != 0)


@pytest.mark.parametrize("competes", ["always", "training"])
def test_the_gate_may_stand_open_when_the_network_is_only_asked(competes):
    graph = Graph()
    data, gate = graph.add("input"), graph.add("winner_take_all", "gate", competes=competes)
    target, goal = graph.add("target"), graph.add("mean_squared_error", "goal")
    graph.connect(data, gate)
    graph.connect(gate, goal["prediction"])
    graph.connect(target, goal["target"])
    made = Document(
        graph, data={"train": {"inputs": CODE.tolist(), "targets": CODE.tolist()}},
        training={"loss": "goal", "batch_size": 5, "order": "sequential"},
    )  # fmt: skip
    session = Session(made, dtype="float64")
    session.step("iteration")
    gated = answer("winner_take_all", CODE)
    np.testing.assert_array_equal(session.value("gate"), gated)
    np.testing.assert_array_equal(session.predict(CODE), gated if competes == "always" else CODE)


def test_a_share_can_be_dragged_while_it_runs():
    graph, address = drawn("winner_take_all", CODE)
    session = Session(document(graph, CODE), dtype="float64")
    session.set_setting(f"{address.partition('.')[0]}.share", 1.0)
    session.step("iteration")
    np.testing.assert_array_equal(session.value(address), CODE)


def test_maxout_takes_the_winning_head_and_its_gradient_goes_there_alone():
    # Catalogue 03, maxout-unit: heads (1, −2) and (½, 1) at (2, 1) give 0 and 2; the second takes it all.
    graph = Graph()
    data = graph.add("input")
    heads = graph.add("dense", "heads", units=2, initial_weight=[[1.0, 0.5], [-2.0, 1.0]])
    unit, goal = graph.add("maxout", "unit"), graph.add("sum", "goal", over="all")
    for one, next_one in ((data, heads), (heads, unit), (unit, goal)):
        graph.connect(one, next_one)
    made = document(graph, [[2.0, 1.0]])
    session = Session(Document(graph, data=made.data, training={"loss": "goal"}), dtype="float64")
    session.step("iteration")
    assert session.value("unit").tolist() == [[2.0]]
    assert session.gradient("heads.weight").tolist() == [[0.0, 2.0], [0.0, 1.0]]


def spatial(coordinates: str) -> Session:
    graph = Graph()
    data, cube = graph.add("input"), graph.add("reshape", shape=[1, 2, 2])
    node = graph.add("spatial_softmax", "node", coordinates=coordinates)
    graph.connect(data, cube)
    graph.connect(cube, node)
    session = Session(document(graph, [[0.0, 1.0, 2.0, 3.0]]), dtype="float64")
    session.step("iteration")
    return session


def test_a_spatial_softmax_expects_the_place_where_the_map_is_bright():
    # Catalogue 07, spatial-softmax.
    session = spatial("index")
    np.testing.assert_allclose(session.value("node.h")[0, 0], [[0.0321, 0.0871], [0.2369, 0.6439]], atol=5e-5)
    np.testing.assert_allclose(session.value("node.position"), [[[0.8808, 0.7311]]], atol=5e-5)


def test_centred_coordinates_run_from_minus_one_to_one():
    expected = 2 * spatial("index").value("node.position") - 1
    np.testing.assert_allclose(spatial("centred").value("node.position"), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("type", "properties", "sentence"),
    [
        ("maxout", {}, "3 sums make no groups of 2. Give it a multiple of 2, or set “pieces” to a divisor of 3."),
        ("top_r_gate", {"r": 4}, "4 of 3 units cannot be kept. Set “r” to 1 to 3."),
        ("spatial_softmax", {}, "a map has rows and columns, and (batch, 3) has not. Put a reshape before it."),
    ],
)
def test_what_does_not_fit_is_told_in_a_sentence(type, properties, sentence):
    assert sentence in refusal(type, SIGNED, **properties)


def test_a_temperature_of_another_shape_is_told_at_its_port():
    graph = Graph()
    data, other, node = graph.add("input"), graph.add("parameter", shape=(4,)), graph.add("softmax_with_temperature")
    graph.connect(data, node["x"])
    graph.connect(other, node["temperature"])
    (problem,) = document(graph, SIGNED).check()
    assert (problem.node, problem.port) == (node.id, "temperature")


@pytest.mark.parametrize(
    ("type", "properties", "at", "slope"),
    [
        ("relu", {}, 0.0, 0.0),
        ("relu", {"slope_at_zero": "half"}, 0.0, 0.5),
        ("relu", {"slope_at_zero": "one"}, 0.0, 1.0),
        ("hard_tanh", {}, 1.0, 0.0),
        ("hard_tanh", {"ends": "closed"}, 1.0, 1.0),
        ("maximum", {}, 0.0, 1.0),
        ("maximum", {"ties": "shared"}, 0.0, 0.5),
        ("minimum", {"ties": "shared"}, 0.0, 0.5),
        ("max", {}, 0.0, [1.0, 0.0]),
        ("min", {"ties": "shared"}, 0.0, [0.5, 0.5]),
        ("max", {"ties": "shared", "axes": [1]}, 0.0, [0.5, 0.5]),
    ],
)
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_the_convention_at_a_kink_or_tie_is_a_property(type, properties, at, slope, precision):
    graph = Graph()
    data, layer = graph.add("input"), graph.add("dense", "layer", units=2, initial_weight=np.eye(2).tolist())
    node, goal = graph.add(type, "node", **properties), graph.add("sum", "goal", over="all")
    graph.connect(data, layer)
    graph.connect(layer, node["a" if type in ("maximum", "minimum") else "x"])
    graph.connect(node, goal)
    made = Document(graph, data=document(graph, [[at, at]]).data, training={"loss": "goal"})
    session = Session(made, dtype=precision)
    session.step("iteration")
    assert session.gradient("layer").tolist() == [np.broadcast_to(slope, 2).tolist()]
