"""Grouping nodes into a composite and drawing it out again change nothing in what is computed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine import Document, Graph, ProblemError, Session
from engine.composite_library import library
from engine.composites import define
from engine.graph import Frame
from engine.grouping import expanded, grouped, renamed, replaced
from tests.engine.documents import xor_document

INPUTS = np.random.default_rng(5).normal(size=(6, 3)).tolist()
DATA = {"inputs": INPUTS, "targets": np.linspace(0, 1, 6).reshape(6, 1).tolist(), "task": "regression"}


def playing(document: Document, values: dict[str, np.ndarray] | None = None) -> Session:
    session = Session(document, dtype="float64")
    for address, array in (values or {}).items():
        session.set_parameter(address, array)
    return session


def edited(document: Document, edit) -> tuple[Document, Session, object]:
    before = playing(document)
    later = document.copy()
    moved = edit(later.graph)
    later.training = replaced(document.training, moved)
    assert later.check() == []
    session = playing(later)
    for address, array in before.parameters.items():
        session.set_parameter(moved.address(address), array)
    session.run(20)
    before.run(20)
    assert session.loss == before.loss
    for address, array in before.parameters.items():
        np.testing.assert_array_equal(session.parameters[moved.address(address)], array)
    assert Document.from_json(later.to_json()).to_json() == later.to_json()
    return later, session, moved


def test_grouped_nodes_compute_what_they_did_and_keep_their_parameters_by_name():
    document = xor_document()
    later, _, moved = edited(document, lambda graph: grouped(graph, ["dense_1", "dense_2"]))
    assert moved.created == ["block_1"] and moved.address("dense_1.weight") == "block_1/dense_1.weight"
    kind = later.graph.nodes["block_1"].kind
    assert [(port.name, port.shape) for port in kind.inputs] == [("x", "(batch, features)")]
    assert [port.name for port in kind.outputs] == ["h"]
    assert [(wire.source, wire.target) for wire in later.graph.wires if "block_1" in wire.source + wire.target] == [
        ("input_1.value", "block_1.x"), ("block_1.h", "binary_cross_entropy_1.prediction"),
    ]  # fmt: skip
    values = {"dense_1.weight": 1, "input_1.value": 2}
    assert renamed(values, moved) == {"block_1/dense_1.weight": 1}


def test_a_loss_goes_into_the_composite_and_the_training_plan_follows():
    document = xor_document()
    nodes = ["dense_2", "binary_cross_entropy_1"]
    later, _, _ = edited(document, lambda graph: grouped(graph, nodes))
    assert later.training.phases[0].minimise == "block_1/binary_cross_entropy_1"
    assert [port.name for port in later.graph.nodes["block_1"].kind.inputs] == ["x", "target"]
    back, _, _ = edited(later, lambda graph: expanded(graph, "block_1"))
    assert back.training.phases[0].minimise == "binary_cross_entropy_1"


def test_a_phase_that_names_a_composite_names_its_nodes_once_it_is_unpacked():
    """Before, it named the composite's first output, which is no parameter."""
    document = xor_document()
    later, _, _ = edited(document, lambda graph: grouped(graph, ["dense_1", "dense_2"]))
    phase = later.training.phases[0]
    later.training = replace(later.training, phases=(replace(phase, parameters=("block_1",)),))
    back, _, _ = edited(later, lambda graph: expanded(graph, "block_1"))
    assert back.training.phases[0].parameters == ("dense_1", "dense_2")


def test_a_use_drawn_out_again_is_the_graph_it_was_made_of():
    document = xor_document()
    later, _, _ = edited(document, lambda graph: grouped(graph, ["dense_1", "dense_2"]))
    back, _, moved = edited(later, lambda graph: expanded(graph, "block_1"))
    assert back.graph.nodes.keys() == document.graph.nodes.keys()
    places = {name: node.position for name, node in document.graph.nodes.items()}
    assert {name: node.position for name, node in back.graph.nodes.items()} == places
    assert {(w.source, w.target) for w in back.graph.wires} == {(w.source, w.target) for w in document.graph.wires}
    assert moved.address("block_1/dense_1.weight") == "dense_1.weight" and moved.address("block_1.h") == "dense_2.h"
    assert "block" in back.composites


def test_one_value_that_several_nodes_need_comes_in_through_one_port():
    graph = Graph()
    x, a, b, both = graph.add("input"), graph.add("dense"), graph.add("dense"), graph.add("add")
    for layer in (a, b):
        graph.connect(x, layer["x"])
        graph.connect(layer, both)
    grouped(graph, [a, b, both])
    assert [port.name for port in graph.nodes["block_1"].kind.inputs] == ["x"]
    assert [port.name for port in graph.nodes["block_1"].kind.outputs] == ["y"]  # it leads nowhere yet


def test_nodes_between_which_another_lies_are_not_grouped():
    graph = xor_document().graph
    before = graph.copy()
    with pytest.raises(ProblemError, match="leads through “dense_2”"):
        grouped(graph, ["dense_1", "binary_cross_entropy_1"])
    assert graph.nodes == before.nodes and graph.wires == before.wires and not graph.composites
    with pytest.raises(ProblemError, match="nothing is selected"):
        grouped(graph, [])
    with pytest.raises(ProblemError, match="is no composite"):
        expanded(graph, "dense_1")


def over_time() -> Document:
    graph = Graph()
    x, step, late = graph.add("input", shape=(4, 3)), graph.add("each_step"), graph.add("delay", shape=(2,))
    cell, last, target, loss = graph.add("rnn_cell", units=2), graph.add("last_step"), graph.add("target"), None
    answer, loss = graph.add("dense", units=1), graph.add("mean_squared_error")
    for source, end in ((x, step), (step, f"{cell}.x"), (late, f"{cell}.state"), (cell, f"{late}.x"),
                        (cell, f"{last}.x"), (last, f"{answer}.x"), (answer, f"{loss}.prediction"),
                        (target, f"{loss}.target")):  # fmt: skip
        graph.connect(source, end)
    inputs = np.random.default_rng(3).normal(size=(5, 4, 3)).tolist()
    data = {"inputs": inputs, "targets": [[0.1], [0.2], [0.3], [0.4], [0.5]], "task": "regression"}
    return Document(graph, data, {"loss": loss, "optimizer": {"type": "sgd", "learning_rate": 0.1}})


@pytest.mark.parametrize(
    "nodes", [["rnn_cell_1"], ["rnn_cell_1", "delay_1"], ["delay_1"], ["each_step_1", "rnn_cell_1", "delay_1", "last_step_1"]],
    ids=len,
)  # fmt: skip
def test_a_loop_through_a_delay_is_grouped_in_any_way(nodes):
    later, _, _ = edited(over_time(), lambda graph: grouped(graph, nodes))
    ports = later.graph.nodes["block_1"].kind.inputs
    assert [port.delayed for port in ports] == [nodes == ["delay_1"]] * len(ports)
    edited(later, lambda graph: expanded(graph, "block_1"))


@pytest.mark.parametrize(
    "name",
    sorted(name for name, each in library().items() if not any("height" in port.shape for port in each.kind.inputs)),
)
def test_every_shipped_composite_is_drawn_out_with_its_own_properties(name):
    kind = library()[name].kind
    graph = Graph()
    sequence = any("time" in port.shape for port in kind.inputs)
    x, use = graph.add("input", shape=(4, 8) if sequence else (8,)), graph.add(name)
    if "units" in kind.properties():
        graph.nodes[use] = replace(graph.nodes[use], properties={"of": name, "units": 3})
    else:
        graph.nodes[use] = replace(
            graph.nodes[use], properties={"of": name, **({"features": 8} if name != "attention_head" else {})}
        )
    layer = graph.add("dense", units=3)
    graph.connect(x, layer["x"])
    for port in kind.inputs:
        graph.connect(x if port.name == "x" else layer, use[port.name])
    flat, answer, target, loss = (
        graph.add("reshape"),
        graph.add("dense", units=1),
        graph.add("target"),
        graph.add("mean_squared_error"),
    )
    graph.connect(use[kind.outputs[0].name], flat)
    graph.connect(flat, answer["x"])
    graph.connect(answer, loss["prediction"])
    graph.connect(target, loss["target"])
    inputs = np.random.default_rng(3).normal(size=(5, *((4, 8) if sequence else (8,)))).tolist()
    data = {"inputs": inputs, "targets": [[0.1], [0.2], [0.3], [0.4], [0.5]], "task": "regression"}
    document = Document(graph, data, {"loss": loss, "optimizer": {"type": "sgd", "learning_rate": 0.1}})
    later, _, moved = edited(document, lambda graph: expanded(graph, use))
    assert len(moved.created) == len(library()[name].graph.nodes) - len(kind.inputs) - len(kind.outputs)
    nested = [node.id for node in later.graph if node.type == "composite"]
    for inner in nested:
        later, _, _ = edited(later, lambda graph, inner=inner: expanded(graph, inner))


def test_a_number_at_a_free_port_becomes_a_constant_and_frames_and_flags_follow():
    graph = Graph()
    x, factor, product = graph.add("input"), graph.add("constant", value=3.0), graph.add("multiply")
    graph.connect(x, product)
    graph.connect(factor, product)
    graph.frames["frame_1"] = Frame("frame_1", "all", (x, product))
    grouped(graph, [product])
    assert graph.frames["frame_1"].nodes == (x, "block_1")
    composite = graph.composites["block"]
    inner = composite.graph.copy()
    inner.nodes["x_1"] = replace(inner.nodes["x_1"], properties={"default": 2.0})
    graph.disconnect(f"{factor}.value", "block_1.x_1")
    define(graph, replace(composite, graph=inner))
    graph.nodes["block_1"] = replace(graph.nodes["block_1"], flags=frozenset({"frozen"}))
    session = playing(Document(graph, DATA))
    session.step("phase")
    before = session.value("block_1")
    moved = expanded(graph, "block_1")
    assert [graph.nodes[name].type for name in moved.created] == ["multiply"]
    assert graph.nodes["constant_2"].properties == {"value": 2.0} and graph.nodes["multiply_1"].flags == {"frozen"}
    assert graph.frames["frame_1"].nodes == (x, "multiply_1")
    session = playing(Document(graph, DATA))
    session.step("phase")
    np.testing.assert_array_equal(session.value("multiply_1"), before)


def test_inner_ids_that_are_taken_outside_are_numbered_on():
    document = xor_document()
    graph = document.graph
    grouped(graph, ["dense_1"])
    graph.add("dense", "dense_1", units=2)
    moved = expanded(graph, "block_1")
    assert moved.nodes == {"block_1/dense_1": "dense_3"}
    assert {wire.target for wire in graph.wires if wire.source == "input_1.value"} == {"dense_3.x"}


def test_definitions_are_counted_from_the_second_on():
    graph = Graph()
    for _ in range(3):
        grouped(graph, [graph.add("tanh")])
    assert sorted(graph.composites) == ["block", "block_2", "block_3"]
