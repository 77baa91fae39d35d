"""Every number shown is the right one: odd graphs against arithmetic, births of what is not finite, memory."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import Document, Graph, Session
from engine.nodes import node_types
from engine.structure import structure_of
from engine.tape import Tape
from tests.engine.documents import layered_document, xor_document
from tests.engine.test_session import assert_same, everything

DRAW = np.random.default_rng(3)
INPUTS, TARGETS = DRAW.normal(size=(7, 3)), DRAW.normal(size=(7, 1))
DATA = {"inputs": INPUTS, "targets": TARGETS, "task": "regression"}
PRECISE = {"float32": 2e-5, "float64": 1e-11}


def wired(graph: Graph, *pairs: tuple[str, str]) -> None:
    for source, target in pairs:
        graph.connect(source, target)


# odd graphs ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", PRECISE)
def test_wires_of_a_neuron_count_in_their_order_whatever_their_place_in_the_file(dtype):
    graph = Graph()
    x, t, error = graph.add("input"), graph.add("target"), graph.add("mean_squared_error")
    a, b, n = graph.add("dense", units=2), graph.add("neuron"), graph.add("neuron", activation="tanh")
    wired(graph, (x, a), (x, b["x"]), (b, n["x"]), (x, n["x"]), (a, n["x"]))
    wired(graph, (n, error["prediction"]), (t, error["target"]))
    order = {"neuron_1.h": 7, "input_1.value": 3, "dense_1.h": 5}
    into = f"{n}.x"
    graph.wires = [replace(wire, order=order[wire.source]) if wire.target == into else wire for wire in graph.wires]
    graph.wires.reverse()
    plan = {"loss": error.id, "batch_size": 7, "order": "sequential"}
    session = Session(Document(graph, data=DATA, training=plan), dtype=dtype)
    weights = session.parameters

    def loss(w: dict[str, Any]) -> Any:
        wide = INPUTS @ w["dense_1.weight"] + w["dense_1.bias"]
        alone = INPUTS @ w["neuron_1.weight"] + w["neuron_1.bias"]
        side = anp.concatenate([INPUTS, wide, alone], axis=1)
        return anp.mean((anp.tanh(side @ w["neuron_2.weight"] + w["neuron_2.bias"]) - TARGETS) ** 2)

    slopes = grad(loss)({name: array.astype(np.float64) for name, array in weights.items()})
    session.run(1)
    for name, slope in slopes.items():
        np.testing.assert_allclose(session.gradient(name), slope, rtol=PRECISE[dtype], atol=PRECISE[dtype])


@pytest.mark.parametrize("dtype", PRECISE)
def test_parameters_shared_by_three_layers_get_the_sum_of_three_derivatives(dtype):
    graph = Graph()
    x, t, error = graph.add("input"), graph.add("target"), graph.add("mean_squared_error")
    w, b = graph.add("parameter", shape=(3, 3)), graph.add("parameter", shape=(3,))
    layers = [graph.add("dense", units=3, activation=name) for name in ("tanh", "sigmoid", "relu")]
    last = graph.add("dense", units=1)
    for layer in layers:
        wired(graph, (w, layer["weight"]), (b, layer["bias"]))
    wired(graph, (x, layers[0]["x"]), (layers[0], layers[1]["x"]), (layers[1], layers[2]["x"]), (layers[2], last))
    wired(graph, (last, error["prediction"]), (t, error["target"]))
    session = Session(Document(graph, data=DATA, training={"loss": error.id, "batch_size": 3}), dtype=dtype)
    for _ in range(4):
        weights = {name: array.astype(np.float64) for name, array in session.parameters.items()}
        session.step("phase")
        rows = session.snapshot().row_indices

        def loss(p: dict[str, Any], rows: Any = rows) -> Any:
            w, b = p["parameter_1.value"], p["parameter_2.value"]
            h = anp.tanh(INPUTS[rows] @ w + b)
            h = anp.maximum((1 / (1 + anp.exp(-(h @ w + b)))) @ w + b, 0)
            return anp.mean((h @ p["dense_4.weight"] + p["dense_4.bias"] - TARGETS[rows]) ** 2)

        session.step("phase")
        for name, slope in grad(loss)(weights).items():
            np.testing.assert_allclose(session.gradient(name), slope, rtol=PRECISE[dtype], atol=PRECISE[dtype])
        session.step("iteration")


def test_a_value_that_meets_itself_gets_both_derivatives():
    graph = Graph()
    x, product, copy = graph.add("parameter", initial=[3.0, 4.0]), graph.add("multiply"), graph.add("identity")
    total, ratio = graph.add("sum", over="all"), graph.add("divide")
    wired(graph, (x, product["x"]), (x, copy), (copy, product["x"]), (product, total))
    wired(graph, (x, ratio["a"]), (x, ratio["b"]))
    session = Session(Document(graph, training={"loss": total.id}), dtype="float64")
    session.step("phase")
    session.step("phase")
    np.testing.assert_array_equal(session.gradient(x), [6.0, 8.0])
    np.testing.assert_array_equal(session.value(ratio), [1.0, 1.0])
    assert session.gradient(ratio) is None, "a dead branch has no derivative, not a derivative of 0"


def test_a_loss_that_is_one_constant_is_played_and_shown():
    graph = Graph()
    constant = graph.add("constant", value=2.0)
    session = Session(Document(graph, training={"loss": constant}))
    session.run(3)
    assert session.loss == 2.0
    assert session.snapshot().gradients["constant_1.value"].array == 1.0
    session.step_back("node")
    assert session.iteration == 2


def test_components_that_the_objective_does_not_reach_stay_and_ids_may_begin_alike():
    graph = Graph()
    for name in ("d", "d_1", "d_11"):
        x, t = graph.add("input"), graph.add("target")
        layer, error = graph.add("dense", id=name, units=1), graph.add("mean_squared_error")
        wired(graph, (x, layer), (layer, error["prediction"]), (t, error["target"]))
    session = Session(Document(graph, data=DATA, training={"loss": "mean_squared_error_2", "batch_size": 2}))
    before = session.parameters
    session.run(4)
    moved = {name for name, numbers in session.parameters.items() if (numbers != before[name]).any()}
    assert moved == {"d_1.weight", "d_1.bias"}
    assert session.value("d") is not None and session.gradient("d.weight") is None


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_layers_around_a_frozen_one_move_as_if_they_were_alone(optimizer):
    document = layered_document([2, 3, 3, 1], optimizer={"type": optimizer, "learning_rate": 0.05})
    frozen = document.copy()
    frozen.graph.nodes["dense_2"].flags = frozenset({"frozen"})
    free, held = Session(document, dtype="float64"), Session(frozen, dtype="float64")
    start = held.parameters
    free.run(1)
    held.run(1)
    for name, numbers in held.parameters.items():
        wanted = start[name] if name.startswith("dense_2") else free.parameters[name]
        np.testing.assert_array_equal(numbers, wanted, err_msg=name)


def test_a_muted_wire_carries_zero_and_no_derivative_and_a_bypassed_layer_is_not_there():
    muted = layered_document([2, 3, 3, 1])
    muted.graph.wires = [replace(wire, muted=wire.target == "dense_2.x") for wire in muted.graph.wires]
    session = Session(muted, dtype="float64")
    bias = session.parameters["dense_2.bias"]
    session.run(1)
    np.testing.assert_array_equal(session.value("dense_2"), np.broadcast_to(np.tanh(bias), (3, 3)))
    assert session.gradient("dense_1.weight") is None
    bypassed = layered_document([2, 3, 3, 1])
    bypassed.graph.nodes["dense_2"].flags = frozenset({"bypassed"})
    session = Session(bypassed, dtype="float64")
    start = session.parameters
    session.step("phase")
    rows = session.snapshot().row_indices
    h = np.tanh(session.dataset.inputs[rows] @ start["dense_1.weight"] + start["dense_1.bias"])
    answer = h @ start["dense_3.weight"] + start["dense_3.bias"]
    np.testing.assert_allclose(session.value("dense_3"), answer, rtol=1e-12)


def test_a_metric_is_no_objective_and_a_graph_without_parameters_still_shows_its_loss():
    document = xor_document()
    metric = document.graph.add("accuracy")
    wired(document.graph, ("dense_2", metric["prediction"]), ("target_1", metric["target"]))
    document.training = replace(document.training, phases=(replace(document.training.phases[0], minimise=metric.id),))
    assert any("no derivative" in problem.fact for problem in document.check())
    graph = Graph()
    x, t, error = graph.add("input"), graph.add("target"), graph.add("mean_squared_error")
    wired(graph, (x, error["prediction"]), (t, error["target"]))
    data = {"inputs": [[1.0], [2.0], [3.0]], "targets": [[0.0], [0.0], [1.0]], "task": "regression"}
    session = Session(Document(graph, data=data, training={"loss": error.id, "batch_size": 2, "order": "sequential"}))
    session.step("phase")
    assert session.loss == 2.5
    session.run(1)
    assert session.loss == 4.0


# one definition, one place -----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", PRECISE)
@pytest.mark.parametrize("batch", [1, 2, 5])
def test_prediction_and_evaluation_are_the_forward_pass_of_training_on_the_same_rows(dtype, batch):
    session = Session(layered_document([3, 4, 2], rows=5, batch_size=batch), dtype=dtype)
    session.run(3)
    session.step("phase")
    rows = session.snapshot().row_indices
    data = session.dataset
    np.testing.assert_array_equal(session.predict(data.inputs[rows]), session.value("dense_2"))
    if batch == 5:
        assert session.evaluate("train")["loss"] == pytest.approx(session.loss, rel=PRECISE[dtype])


def test_rows_to_test_on_are_never_trained_on_and_are_scaled_as_the_others():
    document = xor_document(batch_size=7)
    document.data = {"train": {"name": "moons", "samples": 60, "standardise": True, "test_fraction": 0.3, "seed": 1}}
    session = Session(document, dtype="float64")
    data = session.dataset
    shown = set()
    for _ in range(2 * session.lowered.iterations):
        session.step("phase")
        shown.update(map(tuple, session.value("input_1")))
        session.step("iteration")
    assert shown == set(map(tuple, data.inputs[data.train_rows]))
    np.testing.assert_allclose(data.inputs[data.train_rows].mean(axis=0), 0, atol=1e-12)
    answer = session.predict(data.measured[data.test_rows]).ravel()
    target = data.targets[data.test_rows].ravel()
    expected = -np.mean(target * np.log(answer) + (1 - target) * np.log(1 - answer))
    assert session.evaluate("test")["loss"] == pytest.approx(expected, rel=1e-10)


NUMBERS = [
    (name, number)
    for name, kind in node_types().items()
    for number, entry in kind.properties().items()
    if entry.is_number
]


@pytest.mark.parametrize(("name", "number"), NUMBERS)
def test_a_number_changed_in_a_running_plan_counts_as_in_a_fresh_one(name, number):
    graph, kind = Graph(), node_types()[name]
    node, x, t = graph.add(name), graph.add("input"), graph.add("target")
    layer, error = graph.add("dense", units=1), graph.add("mean_squared_error")
    for port in kind.inputs:
        if not port.may_stay_free:
            graph.connect(t if port.name == "target" else x, node[port.name])
    wired(graph, (x, layer), (layer, error["prediction"]), (t, error["target"]))
    data = {"inputs": [[0.55], [-1.5], [0.7]], "targets": [[1.0], [-1.0], [1.0]], "task": "regression"}
    document = Document(graph, data=data, training={"loss": error.id, "order": "sequential"}, precision="float64")
    changed = document.copy()
    entry = kind.properties()[number]
    up = entry.default < 1 and entry.default + 0.12 <= entry.high
    changed.graph.nodes[node].properties[number] = float(entry.default) + (0.12 if up else -0.12)
    session, fresh = Session(document), Session(changed)
    tape = session.tape
    session.edit(changed, revision=1)
    assert session.tape is tape and structure_of(document) == structure_of(changed)
    session.run(3)
    fresh.run(3)
    assert_same(everything(session), everything(fresh))


# what is not finite -------------------------------------------------------------------------------------


def overflowing(optimizer: str) -> Document:
    graph = Graph()
    x, t, error = graph.add("input"), graph.add("target"), graph.add("mean_squared_error")
    first, second = graph.add("dense", units=3), graph.add("dense", units=1)
    wired(graph, (x, first), (first, second), (second, error["prediction"]), (t, error["target"]))
    data = {"inputs": [[1.0, 2.0], [2.0, 1.0]], "targets": [[1.0], [0.0]], "task": "regression"}
    plan = {"loss": error.id, "optimizer": {"type": optimizer, "learning_rate": 1000.0}}
    return Document(graph, data=data, training=plan)


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "nesterov"])
@pytest.mark.parametrize("way", ["running", "stepping"])
def test_an_update_that_overflows_is_named_with_its_own_layer(optimizer, way):
    session = Session(overflowing(optimizer))
    session.set_parameter("dense_1.weight", np.full((2, 3), 1e18))
    session.set_parameter("dense_2.weight", np.zeros((3, 1)))
    session.set_parameter("dense_2.bias", [1e17])
    if way == "running":
        session.run(5)
    while session.problem is None:
        session.step()
    assert session.problem.node == "dense_2"
    assert f"{optimizer}_update became infinite at iteration 0 in the update part" in session.problem.fact
    assert session.playback.moment == (1, 0) and not session._machine.flag
    session.step_back("iteration")
    session.set_setting("optimizer.learning_rate", 0.0)
    assert session.run(3) == 3 and session.problem is None


def test_a_run_and_its_steps_tell_the_same_birth_for_adam():
    told = []
    for way in ("running", "stepping"):
        session = Session(overflowing("adam"))
        session.set_parameter("dense_1.weight", np.full((2, 3), 1e13))
        session.set_parameter("dense_2.weight", np.full((3, 1), 1e4))  # the square of its derivative overflows
        if way == "running":
            session.run(5)
        for _ in range(5 * len(session.steps)):
            session.step()
        told.append((session.problem, session.playback.moment))
        assert not session._machine.flag
    assert told[0] == told[1] and told[0][0] is not None


def test_a_loss_that_is_not_a_number_stops_a_run_even_where_nothing_learns():
    graph = Graph()
    x, logarithm, mean = graph.add("input"), graph.add("log"), graph.add("mean", over="all")
    wired(graph, (x, logarithm), (logarithm, mean))
    data = {"inputs": [[1.0], [-2.0], [3.0]], "targets": [[0.0], [0.0], [1.0]], "task": "regression"}
    session = Session(Document(graph, data=data, training={"loss": mean.id}))
    session.run(10)
    assert session.problem is not None and session.problem.node == "log_1"
    assert not session._machine.flag


def test_rows_of_a_former_batch_are_never_taken_for_a_birth():
    document = layered_document([2, 3, 1], rows=3, batch_size=2, order="sequential")
    document.data = {"train": {"inputs": [[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]], "targets": [[1.0], [2.0], [0.0]],
                               "task": "regression"}}  # fmt: skip
    document.graph.connect("input_1", document.graph.add("log"))
    session = Session(document)
    session.run(1)
    session._machine.view(session.program.outputs["log_1.y"])[1] = np.nan  # as a row of a former batch may have left it
    session.step("iteration")  # a short batch: one row
    assert session.problem is None and session.value("log_1").shape == (1, 2)


# explanations -------------------------------------------------------------------------------------------


def test_the_explanation_of_an_update_holds_the_numbers_before_and_after_it():
    session = Session(xor_document(optimizer="sgd"), dtype="float64")
    session.run(3)
    before = session.parameters
    session.step("phase")
    session.step("phase")
    slope = session.gradient("dense_1.weight")
    session.step("node")
    explanation = session.explain(unit=0)
    old, new = before["dense_1.weight"].flat[0], session.parameters["dense_1.weight"].flat[0]
    shown = [term.number for equation in explanation.equations for term in equation.terms]
    assert {old, new, slope.flat[0]} <= set(shown)
    assert new == pytest.approx(old - 0.05 * slope.flat[0], rel=1e-14)


# memory -------------------------------------------------------------------------------------------------


def root_of(value: Any) -> Any:
    """The value whose memory a view looks at."""
    while value.call is not None and value.call.primitive.is_view:
        value = value.call.operands[0]
    return value


def overlaps(tape: Tape) -> list[tuple[Any, Any]]:
    """Pairs of values that share memory, though neither is a view of the other."""
    found = []
    spans = []
    for value in tape.program.values:
        place = tape.places[value.index] if value.index < len(tape.places) else None
        if place is not None and place.size:
            spans.append((value.kind, place.offset, place.offset + place.size, root_of(value).index, value))
    spans.sort(key=lambda span: span[:3])
    for index, (kind, _, end, root, value) in enumerate(spans):
        for other in spans[index + 1 :]:
            if other[0] != kind or other[1] >= end:
                break
            if other[3] != root:
                found.append((value, other[4]))
    return found


def assert_laid_out(session: Session) -> None:
    tape = session.tape
    assert not overlaps(tape)
    for value in session.program.values:
        place = tape.places[value.index] if value.index < len(tape.places) else None
        if place is None:
            continue
        assert place.offset + place.size <= (tape.integers_size if value.kind == "whole" else tape.arena_size)
        spans = tape.kept_integers if value.kind == "whole" else tape.kept_spans
        lies_within = any(begin <= place.offset and place.offset + place.size <= end for begin, end in spans)
        source = root_of(value).source
        lasts = source is not None and source.role != "data"
        assert lies_within == lasts or not place.size, value


@settings(max_examples=40)
@given(
    sizes=st.lists(st.integers(1, 20), min_size=2, max_size=5),
    rows=st.integers(1, 20),
    batch=st.integers(1, 25),
    activation=st.sampled_from(["identity", "tanh", "sigmoid", "relu", "leaky_relu", "softplus"]),
    loss=st.sampled_from(["mean_squared_error", "softmax_cross_entropy", "hinge"]),
    optimizer=st.sampled_from(["sgd", "momentum", "nesterov", "adam"]),
    flag=st.sampled_from(["", "frozen", "muted"]),
)
def test_no_two_values_share_memory_and_what_lasts_is_kept(sizes, rows, batch, activation, loss, optimizer, flag):
    document = layered_document(
        sizes, rows=rows, batch_size=batch, activation=activation, loss=loss, optimizer={"type": optimizer}
    )
    if flag:
        document.graph.nodes["dense_1"].flags = frozenset({flag})
    assert_laid_out(Session(document))
