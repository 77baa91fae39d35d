"""The formulas of a step: right numbers, right symbols, worked by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.document import Document
from engine.explain import explain, factors
from engine.explain.notation import Symbol
from engine.explain.printing import choose
from engine.graph import Graph
from engine.session import Session
from engine.snapshot import Equation, Term
from tests.engine.documents import xor_document
from tests.engine.every_type import document_around
from tests.engine.explaining import is_mathematics, numbers, step_to, written, xor_net


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


def test_nothing_has_come_out_of_a_node_before_it_has_gone_back():
    """What comes in is known a step earlier; the product was told with it, beside a dash on the port."""
    session = Session(xor_net())
    step_to(session, "forward", "mean_squared_error_1")
    backward = next(step for step in session.steps if step.node == "mean_squared_error_1" and step.part == "backward")
    waiting = session.explain(backward).equations
    assert [number for line in waiting for number in numbers(line, "outgoing")] == []
    assert numbers(waiting[0], "incoming") == [1.0] and numbers(waiting[0], "local") != []
    session.step()
    done = session.explain(backward).equations
    assert [written(line) for line in done] == [written(line) for line in waiting]
    assert all(numbers(line, "outgoing") for line in done)


def test_one_row_is_the_whole_loss_and_no_addend_of_it():
    document = xor_net()
    document.training = replace(document.training, batch_size=1)
    session = Session(document)
    row, whole = step_to(session, "forward", "mean_squared_error_1").equations
    assert written(whole) == r"L = \ell"
    assert numbers(whole, "addend") == [] and numbers(whole, "operand") == numbers(row, "result")


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


@pytest.mark.parametrize("constraint", ["none", "max_norm"])
def test_an_update_changes_its_own_node_and_no_other_before_it_has_its_turn(constraint):
    """Projections stand behind the updates of all nodes, and are parted by nodes all the same."""
    session = Session(xor_document(constraint={"type": constraint}))
    while session.next_step.part != "update":
        session.step("node")
    while session.next_step.part == "update":
        before, node = session.parameters, session.next_step.node
        session.step("node")
        changed = {address for address, numbers in session.parameters.items() if (numbers != before[address]).any()}
        assert changed == {f"{node}.weight", f"{node}.bias"}


@pytest.mark.parametrize(
    ("symbol", "latex"),
    [
        (Symbol("s_t"), "s_t"),
        (Symbol("h", "2", ("3",)), "h^{(2)}_{3}"),
        (Symbol("s_t", subs=("1", "2")), "s_{t,1,2}"),
        (Symbol("y_{10}", "2", ("3",)), "y^{(2)}_{10,3}"),
        (Symbol("s^-", "1", ("2",)), "s^{-(1)}_{2}"),
        (Symbol("z''", "2", ("1",)), r"z^{\prime \prime (2)}_{1}"),
        (Symbol("u'", subs=("1",)), "u'_{1}"),
        (Symbol(r"\hat y", time="3"), r"\hat y^{\langle 3\rangle }"),
    ],
)
def test_a_symbol_with_indices_of_its_own_takes_others_beside_them(symbol, latex):
    """`s_t_{1,2}` and `z''^{(2)}` are no LaTeX: the formula was shown as its letters."""
    assert symbol.latex == latex
    assert is_mathematics(latex)


def test_every_input_names_the_column_of_the_table_that_it_shows():
    """The second one was a copy of something without a name: the row was taken in the step of the first."""
    graph = Graph()
    first, second = graph.add("input", id="a", columns=[0]), graph.add("input", id="b", columns=[1])
    neuron = graph.add("neuron", id="y")
    graph.connect(first, neuron)
    graph.connect(second, neuron)
    session = Session(Document(graph, data="xor", training={"batch_size": 1, "order": "sequential"}))
    lines = [written(step_to(session, "forward", name).equations[0]) for name in ("a", "b")]
    assert [line.partition(" = ")[2] for line in lines] == ["X_{1,1}", "X_{1,2}"]
