"""The formulas of a step: right numbers, right symbols, at every step of every preset and of random graphs."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.document import Document
from engine.explain import curve, explain, factors
from engine.explain.printing import choose
from engine.graph import Graph
from engine.nodes import node_types
from engine.nodes.layers import ACTIVATIONS
from engine.session import Session
from engine.snapshot import Equation, Explanation, Term
from engine.training import optimizer_types
from tests.engine.documents import optimizer_of, xor_document

PRESETS = sorted(Path(__file__).parents[2].joinpath("presets").rglob("*/*.json"))
LOSSES = [name for name, kind in node_types().items() if kind.category == "Losses" and kind.input("target")]


def xor_net(*, optimizer: dict | None = None, activation: str = "tanh", loss: str = "mean_squared_error") -> Document:
    graph = Graph()
    x = graph.add("input")
    hidden = graph.add("dense", units=3, activation=activation, title="hidden")
    output = graph.add("dense", units=1, activation="sigmoid")
    target, error = graph.add("target"), graph.add(loss)
    graph.connect(x, hidden)
    graph.connect(hidden, output)
    graph.connect(output, error["prediction"])
    graph.connect(target, error["target"])
    settings = optimizer or {"type": "sgd", "learning_rate": 0.5}
    training = {"loss": error.id, "optimizer": settings, "batch_size": 4, "order": "sequential", "seed": 2}
    return Document(graph, data="xor", precision="float64", training=training)


def step_to(session: Session, part: str, node: str) -> Explanation:
    while True:
        step = session.step()
        assert step is not None
        if (step.part, step.node) == (part, node):
            explanation = session.explain(step, row=1, unit=2)
            assert explanation is not None
            return explanation


def written(equation: Equation) -> str:
    return " ".join(term.latex for term in equation.terms)


def numbers(equation: Equation, role: str) -> list[float | None]:
    return [term.number for term in equation.terms if term.role == role]


def test_a_dense_neuron_shows_every_product_and_the_activation():
    session = Session(xor_net())
    explanation = step_to(session, "forward", "dense_1")
    weighted, bent = explanation.equations
    assert written(weighted) == r"z_{3} = w_{1,3} \cdot x_{1} + w_{2,3} \cdot x_{2} + b_{3}"
    weight, inputs = session.parameters["dense_1.weight"], session.value("input_1")
    z = inputs[1] @ weight[:, 2]
    assert numbers(weighted, "result") == [pytest.approx(z)]
    assert numbers(weighted, "operand") == pytest.approx([weight[0, 2], inputs[1, 0], weight[1, 2], inputs[1, 1], 0.0])
    assert written(bent) == r"h_{3} = \tanh z_{3}"
    assert numbers(bent, "result") == [pytest.approx(np.tanh(z))]
    assert explanation.title == "hidden · unit 3"
    assert explanation.note == ""


def test_a_loss_shows_the_row_and_then_the_mean_of_the_batch():
    session = Session(xor_net())
    explanation = step_to(session, "forward", "mean_squared_error_1")
    row, mean = explanation.equations
    assert written(row) == r"\ell_{2} = ( \hat y - t ) {}^{2}"
    assert written(mean) == r"L = \frac{1}{4} ( \ell_{1} + \ell_{2} + \ell_{3} + \ell_{4} )"
    errors = (session.value("dense_2") - session.value("target_1")) ** 2
    assert numbers(mean, "addend") == pytest.approx(list(errors.reshape(-1)))
    assert numbers(mean, "result") == [pytest.approx(session.loss)]


def test_backward_is_incoming_times_local_and_the_slope_of_tanh_is_read_from_its_rule():
    session = Session(xor_net())
    explanation = step_to(session, "backward", "dense_1")
    slope = explanation.equations[0]
    assert written(slope) == (r"\partial L/\partial h_{3} \cdot 1 - h_{3}^{2} = \partial L/\partial z_{3}")
    h, dh = session.value("dense_1")[1, 2], session.gradient("dense_1")[1, 2]
    assert numbers(slope, "incoming") == [pytest.approx(dh)]
    assert numbers(slope, "local") == [pytest.approx(1 - h * h)]
    assert numbers(slope, "outgoing") == [pytest.approx(dh * (1 - h * h))]


def test_every_row_is_an_addend_of_a_weights_derivative():
    session = Session(xor_net())
    explanation = step_to(session, "backward", "dense_1")
    sums = [e for e in explanation.equations if e.caption == "sum over 4 rows"]
    whole = session.gradient("dense_1.weight")[:, 2]
    assert [numbers(e, "outgoing")[0] for e in sums] == pytest.approx([*whole, session.gradient("dense_1.bias")[2]])
    for equation in sums:
        assert sum(numbers(equation, "addend")) == pytest.approx(numbers(equation, "outgoing")[0])


def test_an_input_of_several_units_shows_the_addend_of_each():
    graph = Graph()
    x, first, second = graph.add("input"), graph.add("dense", units=3), graph.add("dense", units=3)
    target, error = graph.add("target"), graph.add("softmax_cross_entropy")
    graph.connect(x, first)
    graph.connect(first, second)
    graph.connect(second, error["logits"])
    graph.connect(target, error["target"])
    document = Document(graph, data="iris", precision="float64", training={"loss": error.id, "batch_size": 5})
    session = Session(document)
    explanation = step_to(session, "backward", "dense_2")
    sums = [e for e in explanation.equations if e.caption == "sum over 3 units"]
    assert [numbers(e, "outgoing")[0] for e in sums] == pytest.approx(list(session.gradient("dense_1")[1]))
    for equation in sums:
        assert sum(numbers(equation, "addend")) == pytest.approx(numbers(equation, "outgoing")[0])


def test_where_two_nodes_use_an_output_their_addends_are_shown():
    graph = Graph()
    x, shared = graph.add("input"), graph.add("dense", units=2)
    upper, lower = graph.add("dense", units=1, title="upper"), graph.add("dense", units=1, title="lower")
    join, target, error = graph.add("neuron"), graph.add("target"), graph.add("mean_squared_error")
    graph.connect(x, shared)
    for branch in (upper, lower):
        graph.connect(shared, branch)
        graph.connect(branch, join["x"])
    graph.connect(join, error["prediction"])
    graph.connect(target, error["target"])
    session = Session(Document(graph, data="xor", precision="float64", training={"loss": error.id, "batch_size": 4}))
    explanation = step_to(session, "backward", "dense_1")
    meeting = explanation.equations[0]
    assert meeting.caption == "where paths join"
    assert {term.caption for term in meeting.terms if term.role == "addend"} == {"via upper", "via lower"}
    assert sum(numbers(meeting, "addend")) == pytest.approx(numbers(meeting, "incoming")[0])


def test_a_delay_that_is_cut_says_what_comes_in_though_nothing_goes_on():
    graph = Graph()
    x, step, before = graph.add("input"), graph.add("each_step"), graph.add("delay", "before", shape=(1,), truncate=1)
    cell, last, loss = graph.add("rnn_cell", units=1), graph.add("last_step"), graph.add("sum", "loss", over="all")
    wires = ((x, step), (step, cell["x"]), (before, cell["state"]), (cell, before), (cell, last), (last, loss))
    for source, sink in wires:
        graph.connect(source, sink)
    data = {"inputs": [[[1.0], [2.0]]], "targets": [[0.0]], "task": "regression"}
    session = Session(Document(graph, data, training={"loss": "loss"}, precision="float64"))
    (equation,) = step_to(session, "backward", "before").equations
    assert numbers(equation, "incoming") == [pytest.approx(float(session.gradient("before.y@1")[0, 0]))]


def test_gradient_descent_is_old_minus_rate_times_gradient():
    session = Session(xor_net())
    before = session.parameters["dense_1.weight"]
    explanation = step_to(session, "update", "dense_1")
    first = explanation.equations[0]
    name = "w_{1,3}"
    assert written(first) == rf"{name} - \eta \cdot \partial L/\partial {name} = {name}"
    gradient = session.gradient("dense_1.weight")[0, 2]
    assert numbers(first, "old") == [before[0, 2]]
    assert numbers(first, "rate") == [0.5]
    assert numbers(first, "gradient") == [pytest.approx(gradient)]
    assert numbers(first, "new") == [pytest.approx(before[0, 2] - 0.5 * gradient)]


@pytest.mark.parametrize("name", list(optimizer_types()))
@pytest.mark.parametrize("node", ["dense_1", "dense_2"])
def test_every_optimizer_shows_old_and_new_in_its_last_line(name, node):
    session = Session(xor_net(optimizer=optimizer_of(name, 0.05)))
    session.step("iteration")
    before = session.parameters[f"{node}.bias"]
    explanation = step_to(session, "update", node)
    last = explanation.equations[-1]
    unit = min(2, before.size - 1)
    assert numbers(last, "old") == [before[unit]]
    assert numbers(last, "new") == [session.parameters[f"{node}.bias"][unit]]
    assert all(term.number is not None for e in explanation.equations for term in e.terms if term.role != "operator")


def test_momentum_shows_its_velocity_before_and_now():
    session = Session(xor_net(optimizer={"type": "momentum", "learning_rate": 0.1, "momentum": 0.9}))
    session.step("iteration")
    explanation = step_to(session, "update", "dense_2")
    velocity, step = explanation.equations[:2]
    before, now = numbers(velocity, "state")
    assert now == pytest.approx(0.9 * before - 0.1 * numbers(velocity, "gradient")[0])
    assert numbers(step, "new")[0] == pytest.approx(numbers(step, "old")[0] + now)


def test_numbers_that_are_not_computed_yet_are_absent_and_not_zero():
    session = Session(xor_net())
    session.step()
    forward = next(step for step in session.steps if step.node == "dense_2")
    terms = session.explain(forward).equations[0].terms
    assert terms[0] == Term("z", None, "absent")
    backward = next(step for step in session.steps if step.node == "dense_2" and step.part == "backward")
    for equation in session.explain(backward).equations:
        assert all(term.role in ("operator", "absent") for term in equation.terms if not term.number)


def test_the_forward_formula_still_holds_after_the_update_moved_the_weights():
    session = Session(xor_net(optimizer={"type": "sgd", "learning_rate": 5.0}))
    session.step("iteration")
    forward = next(step for step in session.steps if step.node == "dense_1" and step.part == "forward")
    assert session.explain(forward, 1, 1).note == ""
    session.run(20)
    assert session.explain(forward, 1, 1).note == ""


def test_a_result_follows_a_weight_that_is_set_by_hand():
    session = Session(xor_net())
    step_to(session, "forward", "dense_1")
    before = session.value("dense_1")
    session.set_parameter("dense_1.weight", session.parameters["dense_1.weight"] + 1)
    assert session.explain(session.last_step, 1, 0).note == ""
    assert not np.array_equal(session.value("dense_1"), before)


def sides(equation: Equation) -> tuple[float, float]:
    """Old − rate × gradient, and new."""
    numbers = {term.role: term.number for term in equation.terms if term.number is not None}
    return numbers["old"] - numbers["rate"] * numbers["gradient"], numbers["new"]


def test_an_update_stays_true_when_a_hand_sets_its_weight_afterwards():
    session = Session(xor_net(optimizer={"type": "sgd", "learning_rate": 5.0}))
    step_to(session, "update", "dense_1")
    update = session.last_step
    played = session.explain(update)
    session.set_parameter("dense_1.weight", session.parameters["dense_1.weight"] + 1)
    session.set_setting("optimizer.learning_rate", 0.1)
    told = session.explain(update)
    assert session.playback.position
    assert [each for each in told.equations if not each.caption] == list(played.equations)
    for equation in told.equations:
        if not equation.caption:
            assert np.subtract(*sides(equation)) == pytest.approx(0, abs=1e-12)
    weight = session.parameters["dense_1.weight"]
    by_hand = [each.terms[0].number for each in told.equations if each.caption == "then set by hand"]
    assert by_hand and set(by_hand) <= set(weight[:, 0])


def test_after_an_iteration_a_hand_on_a_weight_asks_what_would_follow():
    session = Session(xor_net(optimizer={"type": "sgd", "learning_rate": 5.0}))
    session.run(3)
    update = next(step for step in session.steps if step.node == "dense_1" and step.part == "update")
    assert session.explain(update).note == ""
    session.set_parameter("dense_1.weight", session.parameters["dense_1.weight"] + 1)
    told = session.explain(update)
    assert "set by hand" in told.note
    assert all(term.number is None for each in told.equations for term in each.terms if term.role == "absent")
    assert all(term.role != "new" for each in told.equations for term in each.terms)
    gradient = session.gradient("dense_1.weight")
    assert {term.number for each in told.equations for term in each.terms if term.role == "gradient"} <= {
        *gradient[:, 0], *session.gradient("dense_1.bias"),
    }  # fmt: skip


def test_another_rate_leaves_the_update_that_was_played_as_it_was():
    session = Session(xor_net(optimizer={"type": "sgd", "learning_rate": 5.0}))
    session.run(3)
    update = next(step for step in session.steps if step.node == "dense_1" and step.part == "update")
    before = session.explain(update)
    session.set_setting("optimizer.learning_rate", 0.1)
    assert session.explain(update) == before


def test_products_beyond_the_largest_number_are_explained_without_a_warning():
    session = Session(xor_net(activation="relu"))
    for key in ("dense_1.weight", "dense_2.weight"):
        session.set_parameter(key, np.full_like(session.parameters[key], 1e200))
    assert step_to(session, "forward", "dense_2").equations


def test_many_features_show_the_largest_products_and_the_rest_as_one_number():
    graph = Graph()
    x, dense, target = graph.add("input"), graph.add("dense", units=10), graph.add("target")
    error = graph.add("softmax_cross_entropy")
    graph.connect(x, dense)
    graph.connect(dense, error["logits"])
    graph.connect(target, error["target"])
    session = Session(Document(graph, data="digits", precision="float64", training={"loss": error.id, "batch_size": 8}))
    equation = step_to(session, "forward", "dense_1").equations[0]
    more = next(term for term in equation.terms if "more" in term.latex)
    operands = [term.number for term in equation.terms if term.role == "operand"]
    products = np.asarray(operands[:10]).reshape(5, 2).prod(axis=1)
    assert more.latex == r"\text{59 more}"
    assert products.sum() + more.number + operands[10] == pytest.approx(equation.terms[0].number)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_has_a_formula_and_a_slope(activation):
    session = Session(xor_net(activation=activation))
    assert step_to(session, "forward", "dense_1").note == ""
    explanation = step_to(session, "backward", "dense_1")
    assert all(term.role != "absent" for equation in explanation.equations for term in equation.terms)


def check_all_steps(session: Session, rounds: int, rng: random.Random) -> None:
    for _ in range(rounds * len(session.steps)):
        played = session.step()
        for step in session.steps:
            explanation = session.explain(step, rng.randrange(-1, 40), rng.randrange(-1, 40))
            if explanation is None:
                continue
            if played is not None and step.index <= played.index:
                assert explanation.note == ""
            for equation in explanation.equations:
                check_terms(equation)


def check_terms(equation: Equation) -> None:
    assert equation.terms
    for term in equation.terms:
        assert term.latex and (term.number is not None) == (term.role not in ("operator", "absent")), equation
        assert term.latex.count("{") == term.latex.count("}")
        assert not re.search(r"None|nan\b|\$", term.latex)


@pytest.mark.parametrize("path", PRESETS, ids=lambda path: path.stem)
def test_every_step_of_every_preset_is_explained(path):
    document = Document.load(path)
    session = Session(document)
    rng = random.Random(1)
    for step in session.steps:
        session.explain(step, 0, 0)
    session.step("iteration")
    for step in session.steps:
        explanation = session.explain(step, rng.randrange(20), rng.randrange(20))
        if explanation is not None:
            assert explanation.note == "", explanation
            for equation in explanation.equations:
                check_terms(equation)
    session.run(3)
    session.explain()


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("seed", range(4))
def test_random_graphs_are_explained_at_every_moment(loss, seed):
    rng = random.Random(f"{loss} {seed}")
    session = Session(random_document(rng, loss))
    check_all_steps(session, 1, rng)
    session.run(3)
    check_all_steps(session, 1, rng)


def random_document(rng: random.Random, loss: str) -> Document:
    graph = Graph()
    target, error = graph.add("target"), graph.add(loss)
    sources = [graph.add("input")]
    for _ in range(rng.randrange(1, 5)):
        activation = rng.choice(ACTIVATIONS)
        kind = rng.choice(["dense", "neuron", "scale"])
        properties: dict[str, Any] = {"units": rng.randrange(1, 9)} if kind == "dense" else {}
        if kind != "scale":
            properties |= {"activation": activation, "use_bias": rng.random() < 0.8}
        node = graph.add(kind, **properties)
        graph.connect(rng.choice(sources), node["x"])
        if kind == "neuron" and graph.refusal(sources[0] + ".value", node["x"]) is None:
            graph.connect(sources[0], node["x"])
        sources.append(node)
    data = rng.choice(["iris", "xor"]) if loss == "softmax_cross_entropy" else "xor"
    last = graph.add("dense", units=3 if data == "iris" else 1, activation=rng.choice(["identity", "sigmoid"]))
    graph.connect(sources[-1], last)
    port = node_types()[loss].inputs[0].name
    graph.connect(last, error[port])
    graph.connect(target, error["target"])
    training = {
        "loss": error.id, "batch_size": rng.choice([0, 1, 3]), "last_batch": rng.choice(["short", "wrap", "drop"]),
        "optimizer": optimizer_of(rng.choice(list(optimizer_types())), 0.05),
    }  # fmt: skip
    return Document(graph, data=data, training=training, precision=rng.choice(["float32", "float64"]))


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


# What the three features between the dense layers have to be for some node types, and what these have to be told.
BEFORE: dict[str, tuple[str, dict[str, Any]]] = {
    "batched_matmul": ("reshape", {"shape": [1, 3]}),
    "spatial_softmax": ("reshape", {"shape": [1, 3]}),
    "to_real": ("argmax", {}),
    "ctc": ("reshape", {"shape": [1, 1]}),
    "conv1d": ("reshape", {"shape": [1, 3]}),
    **{
        name: ("reshape", {"shape": [1, 1, 3]})
        for name in (
            "conv2d", "transposed_conv2d", "max_pool", "average_pool", "global_pool", "upsample", "max_unpool",
            "local_response_normalisation", "patches", "stochastic_pool",
        )
    },
    **{
        name: ("reshape", {"shape": [3, 1]})
        for name in (
            "attention", "multi_head_attention", "transformer_encoder", "transformer_decoder", "positional_encoding",
        )
    },
    "affine_grid": ("dense", {"units": 6}),
    "bilinear_sampler": ("dense", {"units": 2}),
    "bilinear_sampler.x": ("reshape", {"shape": [1, 1, 2]}),
    "bilinear_sampler.grid": ("reshape", {"shape": [1, 1, 2]}),
    "content_addressing.memory": ("reshape", {"shape": [1, 3]}),
    "conv3d": ("reshape", {"shape": [1, 1, 1, 3]}),
    "glimpse.x": ("reshape", {"shape": [1, 1, 3]}),
    "glimpse.place": ("slice", {"stop": 2}),
    "solve": ("reshape", {"shape": [1, 1]}),
    "inverse": ("reshape", {"shape": [1, 1]}),
    "memory_read.memory": ("reshape", {"shape": [1, 3]}),
    "memory_read.head": ("slice", {"stop": 1}),
    "memory_write.memory": ("reshape", {"shape": [1, 3]}),
    "memory_write.head": ("slice", {"stop": 1}),
    **{f"{name}.{port}": ("argmax", {}) for name in ("neighbours", "edge_softmax", "degree_normalisation")
       for port in ("source", "target")},
    "edge_softmax.score": ("slice", {"stop": 1}),
}  # fmt: skip
# Features before a node type, where they are not 3 (1 before a loss).
UNITS = {"solve": 1, "inverse": 1, "curriculum": 1, "running_mean": 1, "feature_scaling": 2, "length_mask": 1}
FREE = {"discounted_sum.factor", "epsilon_greedy.epsilon"}  # single numbers, which stay at their default
WHOLE = {"batch_size": 4, "order": "sequential"}  # a graph: every row stands in its place
FITTING: dict[str, dict[str, Any]] = {
    **{name: {"heads": 1} for name in ("multi_head_attention", "transformer_encoder", "transformer_decoder")},
    "batched_matmul": {"transpose_b": True},
    "maxout": {"pieces": 3},
    "delay": {"shape": [1]},
    "rollout": {"steps": 3},
    "until_next_time": {"shape": [4, 3]},
    "max_pool": {"window": [1, 2]},
    "average_pool": {"window": [1, 2]},
    "stochastic_pool": {"window": [1, 2]},
    "patches": {"size": 1},
}


@pytest.mark.parametrize("name", [name for name, kind in node_types().items() if kind.inputs and kind.outputs])
def test_every_node_type_is_explained_with_numbers_that_agree(name):
    session = Session(document_around(name))
    session.step("iteration")
    mine = [step for step in session.steps if step.node == f"{name}_1"]
    assert mine
    for step in mine:
        explanation = session.explain(step, row=2, unit=1)
        assert explanation is not None
        assert explanation.note == ""
        for equation in explanation.equations:
            check_terms(equation)
            products = [term for term in equation.terms if term.role in ("incoming", "local", "outgoing")]
            if [term.role for term in products] == ["incoming", "local", "outgoing"]:
                assert products[0].number * products[1].number == pytest.approx(products[2].number)
    curve(session, f"{name}_1", 2, 1)
    factors(session, f"{name}_1", 2, 1)


def document_around(name: str) -> Document:
    """A node of that type between dense layers, and a number behind it to be minimised."""
    kind = node_types()[name]
    graph = Graph()
    x, node, target = graph.add("input"), graph.add(name, **FITTING.get(name, {})), graph.add("target")
    if kind.category == "Worlds" or name == "rollout":
        return document_in_a_world(name, graph)
    narrow = kind.category in ("Losses", "Metrics", "Learning rules")
    layer = graph.add("dense", "before", units=UNITS.get(name, 1 if narrow else 3), activation="sigmoid")
    graph.connect(x, layer)
    if kind.time in ("delays", "closes"):  # three features are a sequence of three numbers
        each = graph.add("each_step", "each")
        graph.connect(layer, each)
        layer = each
    if name in BEFORE:
        type, properties = BEFORE[name]
        between = graph.add(type, "between", **properties)
        graph.connect(layer, between)
        layer = between
    if name == "matmul":  # rows of 3 numbers by 3 rows of 2
        matrix = graph.add("parameter", shape=(3, 2))
        graph.connect(layer, node["a"])
        graph.connect(matrix, node["b"])
    elif name in ("lagging_copy", "magnitude_mask", "quantise"):
        graph.connect(graph.add("parameter", shape=(3, 2)), node)
    elif name == "max_unpool":
        pool = graph.add("max_pool", window=[1])
        graph.connect(layer, pool)
        graph.connect(pool["y"], node["x"])
        graph.connect(pool["index"], node["index"])
    else:
        for port in kind.inputs:
            if port.kind == "target":
                graph.connect(target, node[port.name])
            elif not port.optional and f"{name}.{port.name}" not in FREE:
                source = layer
                if f"{name}.{port.name}" in BEFORE:
                    type, properties = BEFORE[f"{name}.{port.name}"]
                    source = graph.add(type, f"for_{port.name}", **properties)
                    graph.connect(layer, source)
                graph.connect(source, node[port.name])
    if kind.time in ("opens", "delays"):
        last = graph.add("last_step", "last")
        graph.connect(node, last)
        node = last
    objective: str = node
    if kind.category not in ("Losses", "Metrics", "Learning rules"):
        objective = graph.add("mean" if name != "mean" else "sum", "goal", over="all")
        if kind.outputs[0].kind == "index":  # no mean is taken of class numbers
            number = graph.add("to_real" if name != "to_real" else "identity", "number")
            graph.connect(node[kind.outputs[0].name], number)
            node = number
        graph.connect(node[node_types()[graph.nodes[node].type].outputs[0].name], objective)
    training = {"loss": objective, "batch_size": 4, "optimizer": {"type": "sgd", "learning_rate": 0.1}}
    training |= WHOLE if kind.category == "Graphs" else {}
    return Document(graph, data="xor", precision="float64", training=training)


def document_in_a_world(name: str, graph: Graph) -> Document:
    """A node of that type between what is done in four games of three states and three actions."""
    kind, node = node_types()[name], graph.nodes[f"{name}_1"]
    world = graph.add(
        "decision_process", "world", games=4, follows=[[1, 2, 0], [2, -1, 1], [0, 1, 2]], pays=[[1, 2, 3]] * 3
    )
    layer, moved = graph.add("dense", "before", units=3, activation="sigmoid"), graph.add("take_action", "moved")
    at = f"{name}_1.y" if name == "rollout" else world
    graph.connect(world, moved["world"])
    graph.connect(at, layer)
    graph.connect(layer, moved["action"])
    graph.connect(moved["onward"], world["next"])
    if name == "rollout":
        graph.connect(world, f"{name}_1.start")
        graph.connect(at, moved["at"])
        graph.connect(moved["onward"], f"{name}_1.x")
    else:
        came = {"world": world["state"], "next": world["state"], "reward": moved["reward"], "action": layer["h"]}
        for port in kind.inputs:
            if not port.optional:
                graph.connect(came.get(port.name, layer["h"]), f"{node.id}.{port.name}")
    answer = f"{node.id}.{kind.outputs[0].name}"
    if name == "rollout":
        last = graph.add("last_step", "last")
        graph.connect(answer, last)
        answer = "last.y"
    objective: str = node.id
    if name != "score":  # which is one number already
        objective = graph.add("mean", "goal", over="all")
        graph.connect(answer, objective)
    training = {"loss": objective, "batch_size": 4, "optimizer": {"type": "sgd", "learning_rate": 0.1}}
    return Document(graph, data="xor", precision="float64", training=training)


def test_a_gate_shows_the_row_it_judges_and_sends_back_through_what_it_keeps():
    session = Session(document_around("top_r_gate"))
    session.step("iteration")
    forward, backward = [step for step in session.steps if step.node == "top_r_gate_1"]
    mask, kept = session.explain(forward, row=2, unit=1).equations
    assert written(mask).split(" = ")[1] == (r"\mathrm{winners} ( h^{(1)}_{1} , h^{(1)}_{2} , h^{(1)}_{3} , 1 )")
    assert numbers(mask, "operand") == pytest.approx([*session.value("before")[2], 1.0])
    assert written(kept) == r"h^{(2)}_{2} = h^{(1)}_{2} \cdot z^{(2)}_{2}"
    through = session.explain(backward, row=2, unit=1).equations[0]
    assert numbers(through, "local") == numbers(mask, "result")


def test_a_product_for_each_example_shows_the_rows_of_that_example():
    session = Session(document_around("batched_matmul"))
    session.step("iteration")
    forward, backward = [step for step in session.steps if step.node == "batched_matmul_1"]
    (sums,) = session.explain(forward, row=2, unit=0).equations
    row = session.value("before")[2]
    assert numbers(sums, "operand") == pytest.approx([row[0], row[0], row[1], row[1], row[2], row[2]])
    assert numbers(sums, "result") == [pytest.approx(row @ row)]
    locals_of = [numbers(e, "local")[0] for e in session.explain(backward, row=2, unit=0).equations]
    assert locals_of == pytest.approx([row[0], row[0], row[1], row[1], row[2], row[2]])


def test_the_share_of_a_tie_is_shown_as_it_was_sent():
    document = document_around("max")
    document.graph.nodes["max_1"].properties["ties"] = "shared"
    document.graph.nodes["before"].properties["initial_weight"] = [[0.0] * 3] * 2
    session = Session(document)
    session.step("iteration")
    (step,) = [step for step in session.steps if step.node == "max_1" and step.part == "backward"]
    explanation = session.explain(step, row=2, unit=0)
    assert numbers(explanation.equations[0], "local") == [pytest.approx(1 / 3)]
    assert explanation.note == ""


def test_the_perceptron_rule_shows_the_change_of_its_weights():
    session = Session(document_around("perceptron"))
    session.step("iteration")
    step = session.last_step
    assert step.part == "update"
    first, second = session.explain(step, row=1).equations[:2]
    assert written(first).startswith(r"\Delta w = ")
    assert numbers(second, "old")[0] + numbers(first, "result")[0] == pytest.approx(numbers(second, "new")[0])


def test_a_distance_from_a_prototype_is_told_by_the_prototypes_row_and_not_by_that_of_the_batch():
    inputs = np.arange(12.0).reshape(6, 2) / 6
    graph = Graph()
    x, drawn = graph.add("input"), graph.add("parameter", "drawn", shape=(2, 2), initial=[[0.5, 0.0], [1.0, 2.0]])
    far, loss = graph.add("prototype_distances", units=2, form="squared"), graph.add("mean", "loss", over="all")
    graph.connect(x, far["x"])
    graph.connect(drawn, far["prototypes"])
    graph.connect(far, loss)
    data = {"train": {"inputs": inputs.tolist(), "targets": [[0.0]] * 6}}
    training = {"loss": "loss", "batch_size": 6, "order": "sequential", "optimizer": {"type": "sgd"}}
    session = Session(Document(graph, data=data, precision="float64", training=training))
    prototypes = session.parameters["drawn.value"]
    session.step("iteration")
    backward = next(step for step in session.steps if (step.node, step.part) == (far.id, "backward"))
    told = session.explain(backward, row=4, unit=1).equations
    slopes = [numbers(equation, "outgoing")[0] for equation in told if numbers(equation, "local")]
    expected = -2 * (inputs[4] - prototypes[1]) / 12
    assert [slope for slope in slopes if slope is not None] == pytest.approx(list(expected))
    for equation in told:
        if equation.caption == "sum over 6 rows":
            assert sum(numbers(equation, "addend")) == pytest.approx(numbers(equation, "outgoing")[0])


def test_a_filter_shows_the_products_of_its_window_and_leaves_out_what_lies_beyond_the_edge():
    image = np.arange(1.0, 10.0).reshape(1, 3, 3)
    graph = Graph()
    x, layer, loss = graph.add("input"), graph.add("conv2d", filters=2), graph.add("mean", over="all")
    graph.connect(x, layer)
    graph.connect(layer, loss)
    data = {"train": {"inputs": [image.tolist(), (2 * image).tolist()], "targets": [[0.0], [0.0]]}}
    training = {
        "loss": loss,
        "batch_size": 2,
        "order": "sequential",
        "optimizer": {"type": "sgd", "learning_rate": 0.1},
    }
    session = Session(Document(graph, data=data, precision="float64", training=training))
    session.step("iteration")
    weight = session.before_update(session.program.sources["conv2d_1.weight"])[1, 0]
    forward, backward = [step for step in session.steps if step.node == "conv2d_1" and step.part != "update"]
    (sums,) = session.explain(forward, row=1, unit=9).equations  # the second filter's upper left cell
    under = 2 * image[0, :2, :2]
    expected = [number for pair in zip(weight[1:, 1:].flat, under.flat, strict=True) for number in pair]
    assert numbers(sums, "operand") == pytest.approx([*expected, 0.0])
    assert numbers(sums, "result") == pytest.approx([(weight[1:, 1:] * under).sum()])
    told = session.explain(backward, row=1, unit=9).equations
    locals_of = [numbers(equation, "local")[0] for equation in told if numbers(equation, "local")]
    assert locals_of == pytest.approx([*under.flat, 1.0])
    for equation in told:
        if equation.caption == "sum over all windows":
            assert sum(numbers(equation, "addend")) == pytest.approx(numbers(equation, "outgoing")[0])
    check_all = [factors(session, "conv2d_1", row, unit) for row in (0, 1) for unit in range(18)]
    assert all(
        found is None or found.product + found.other_paths == pytest.approx(found.gradient) for found in check_all
    )


def test_derivatives_of_the_last_iteration_are_not_mixed_with_values_of_the_new_one():
    session = Session(xor_document())
    session.step("iteration")
    backward = next(step for step in session.steps if step.part == "backward" and step.node.startswith("dense"))
    before = explain(session, backward)
    assert all(term.number is not None for line in before.equations for term in line.terms if term.role == "incoming")
    while session.next_step.part == "forward":
        session.step("node")
    mixed = explain(session, backward)
    assert mixed.state == "absent" and mixed.equations
    assert all(term.number is None for line in mixed.equations for term in line.terms)
    session.step("phase")
    after = explain(session, backward)
    assert after.state == "current"
    assert any(term.number is not None for line in after.equations for term in line.terms)


def test_the_derivative_by_a_parameter_node_stays_until_it_is_computed_anew_and_is_said_to_be_of_the_last_iteration():
    graph = Graph()
    graph.connect(graph.add("parameter", id="w", initial=3.0), graph.add("square", id="loss"))
    session = Session(Document(graph, training={"loss": "loss", "optimizer": {"type": "sgd", "learning_rate": 0.1}}))
    session.step("iteration")
    session.step("node")
    backward = next(step for step in session.steps if step.part == "backward" and step.node == "w")
    found = explain(session, backward)
    assert found.state == "earlier"
    assert 6.0 in [term.number for line in found.equations for term in line.terms]


def test_what_is_left_of_a_long_sum_with_infinities_is_no_number_and_no_warning():
    numbers = np.array([np.inf, -np.inf, *np.arange(20.0)])
    chosen = choose(numbers, len(numbers))
    assert (chosen.more, chosen.places[:2]) == (len(numbers) - len(chosen.places), [0, 1])
    assert chosen.rest is not None and np.isnan(chosen.rest)


def test_a_weight_that_the_update_wrote_over_is_not_multiplied_with_numbers_of_the_iteration_before():
    """Before, a new iteration showed new weight × old derivative under “outgoing”: a number that never was."""
    session = Session(xor_document())
    session.step("iteration")
    session.step("node")
    output = [step for step in session.steps if step.node == "dense_2"]
    assert [step.part for step in output] == ["forward", "backward", "update"]
    for step in output:
        told = explain(session, step)
        assert told is not None and told.note == ""
        roles = {"result", "incoming", "outgoing", "local", "gradient", "new"}
        assert [t for line in told.equations for t in line.terms if t.role in roles and t.number is not None] == []


def test_an_update_changes_its_own_node_and_no_other_before_it_has_its_turn():
    session = Session(xor_document())
    while session.next_step.part != "update":
        session.step("node")
    while session.next_step.part == "update":
        before, node = session.parameters, session.next_step.node
        session.step("node")
        changed = {address for address, numbers in session.parameters.items() if (numbers != before[address]).any()}
        assert changed == {f"{node}.weight", f"{node}.bias"}
