"""Several objectives on one tape: every derivative is that of the values shown, and what cannot be played is said."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad

from engine import Document, Graph, ProblemError, Session
from tests.engine.documents import xor_document
from tests.engine.test_session import assert_same, everything

INPUTS = np.random.default_rng(0).normal(size=(9, 2))
TARGETS = np.random.default_rng(1).normal(size=(9, 1))


def contest(first: dict[str, Any] | None = None, second: dict[str, Any] | None = None) -> Document:
    """One half of a network makes an error small, the other makes another one large; a metric looks on."""
    graph = Graph()
    x, t = graph.add("input"), graph.add("target")
    makes, judges = graph.add("dense", units=3, activation="tanh"), graph.add("dense", units=1)
    small, large, metric = graph.add("mean_squared_error"), graph.add("squared_error"), graph.add("accuracy")
    graph.connect(x, makes)
    graph.connect(makes, judges)
    for node in (small, large, metric):
        graph.connect(judges, node["prediction"])
        graph.connect(t, node["target"])
    phases = [
        {
            "name": "judge", "minimise": small.id, "parameters": ["dense_2"],
            "optimizer": {"type": "adam", "learning_rate": 0.05},
        },
        {
            "name": "make", "maximise": large.id, "parameters": ["dense_1.weight"],
            "optimizer": {"type": "momentum", "learning_rate": 0.01},
        },
    ]  # fmt: skip
    phases[0].update(first or {})
    phases[1].update(second or {})
    data = {"inputs": INPUTS, "targets": TARGETS, "task": "regression"}
    return Document(graph, data=data, training={"phases": phases, "batch_size": 4}, precision="float64")


def answer(weights: dict[str, Any], rows: Any) -> Any:
    h = anp.tanh(INPUTS[rows] @ weights["dense_1.weight"] + weights["dense_1.bias"])
    return h @ weights["dense_2.weight"] + weights["dense_2.bias"]


def test_derivatives_of_both_phases_belong_to_the_values_that_are_shown():
    session = Session(contest())
    for _ in range(7):
        weights = session.parameters
        for _ in range(3):  # forward, backward, backward
            session.step("phase")
        rows = session.snapshot().row_indices
        wanted = (
            grad(lambda w, rows=rows: anp.mean((answer(w, rows) - TARGETS[rows]) ** 2))(weights),
            grad(lambda w, rows=rows: -anp.mean((answer(w, rows) - TARGETS[rows]) ** 2))(weights),
        )
        for phase, slopes in enumerate(wanted):
            for address, slope in slopes.items():
                found = session.program.gradients[phase][session.program.sources[address].index]
                np.testing.assert_allclose(session.memory_of(found), slope, rtol=1e-10, atol=1e-13)
        session.step("iteration")
        moved = {name for name, numbers in session.parameters.items() if (numbers != weights[name]).any()}
        assert moved == {"dense_1.weight", "dense_2.weight", "dense_2.bias"}


def test_two_phases_give_the_same_bits_stepped_and_running_and_step_back_exactly():
    stepped, running = Session(contest()), Session(contest())
    for _ in range(6 * len(stepped.steps)):
        stepped.step()
    running.run(6)
    assert_same(everything(stepped), everything(running))
    trail = []
    for _ in range(2 * len(stepped.steps) + 3):
        trail.append(everything(stepped))
        stepped.step()
    for seen in reversed(trail):
        stepped.step_back()
        assert_same(everything(stepped), seen)


def test_two_phases_over_the_same_parameters_both_move_them():
    document = contest({"parameters": "all"}, {"parameters": "all", "optimizer": {"type": "sgd", "learning_rate": 0.1}})
    first = contest({"parameters": "all", "optimizer": {"type": "sgd", "learning_rate": 0.2}}).training.phases[0]
    document.training = replace(document.training, phases=(first, document.training.phases[1]))
    session = Session(document)
    before = session.parameters
    for _ in range(3):
        session.step("phase")
    slopes = [
        {name: session.memory_of(found[session.program.sources[name].index]).copy() for name in before}
        for found in session.program.gradients
    ]
    session.step("iteration")
    for name, old in before.items():
        expected = (old - 0.2 * slopes[0][name]) - 0.1 * slopes[1][name]
        np.testing.assert_allclose(session.parameters[name], expected, rtol=1e-14, atol=1e-15)


def both_move_all() -> Document:
    """Two phases of gradient descent, both over every parameter."""
    descent = {"parameters": "all", "optimizer": {"type": "sgd", "learning_rate": 0.2}}
    return contest(descent, descent)


@pytest.mark.parametrize("stepwise", [True, False])
def test_each_of_two_phases_over_the_same_parameters_tells_what_it_found_and_left(stepwise):
    session = Session(both_move_all())
    before = session.parameters["dense_2.weight"]
    session.step("iteration") if stepwise else session.run(1)
    after = session.parameters["dense_2.weight"]
    update = [step for step in session.steps if (step.part, step.node) == ("update", "dense_2")]
    told = [session.explain(step).equations[0].terms for step in update]
    numbers = [{term.role: term.number for term in terms if term.number is not None} for terms in told]
    assert len(numbers) == 2
    place = int(np.argmin(abs(before[:, 0] - numbers[0]["old"])))
    assert numbers[0]["old"] == before[place, 0]
    assert numbers[1]["new"] in after[:, 0]
    for step in session.steps:
        assert step.part == "update" or session.explain(step).note == ""
    for phase in numbers:
        assert phase["new"] == pytest.approx(phase["old"] - phase["rate"] * phase["gradient"], abs=1e-15)


def test_what_each_phase_found_and_left_outlives_a_hand_that_writes_between_them():
    session = Session(both_move_all())
    before = session.parameters["dense_2.weight"]
    value = session.program.sources["dense_2.weight"]
    while not any(step.phase == 0 and step.part == "update" for step in session.steps[: session.playback.position]):
        session.step("phase")
    left = session.parameters["dense_2.weight"]
    session.set_parameter("dense_2.weight", left + 1)
    session.step("iteration")
    overwritten = session.playback.overwritten
    np.testing.assert_array_equal(overwritten.before(value), before)
    np.testing.assert_array_equal(overwritten.found(value, 0), before)
    np.testing.assert_array_equal(overwritten.after(value, 0), left)
    np.testing.assert_array_equal(overwritten.found(value, 1), left + 1)
    assert overwritten.after(value, 1) is None


def test_what_is_maximised_is_shown_with_its_own_sign_everywhere():
    document = contest()
    document.training = replace(document.training, phases=document.training.phases[1:])
    session = Session(document)
    session.run(2)
    session.step("phase")
    rows = session.snapshot().row_indices
    worth = float(np.mean((answer(session.parameters, rows) - TARGETS[rows]) ** 2))
    assert session.loss == pytest.approx(worth, rel=1e-12)
    session.step("iteration")
    assert session.snapshot().history["loss.batch"][-1, 1] == pytest.approx(worth, rel=1e-12)
    assert session.evaluate("train")["loss"] > 0
    before = session.evaluate("train")["loss"]
    session.run(30)
    assert session.evaluate("train")["loss"] > before


def test_the_formula_of_what_is_maximised_says_that_its_negative_is_descended():
    document = contest()
    document.training = replace(document.training, phases=document.training.phases[1:])
    session = Session(document)
    while session.last_step is None or session.last_step.part != "update":
        session.step()
    text = "".join(term.latex for equation in session.explain().equations for term in equation.terms)
    assert "(-" in text


@pytest.mark.parametrize("objective", ["dense_1", "nobody", "mean_squared_error_1.bogus", "accuracy_1", ""])
def test_a_phase_that_cannot_be_played_leaves_the_others_sound(objective):
    document = contest({"minimise": objective})
    alone = contest()
    alone.training = replace(alone.training, phases=alone.training.phases[1:])
    session, other = Session(document), Session(alone)
    session.run(5)
    other.run(5)
    assert_same(session.parameters, other.parameters)
    assert session.loss == other.loss
    assert [step.phase for step in session.steps] == [step.phase for step in other.steps]
    if objective:
        assert any(problem.severity == "error" for problem in document.check())


def test_an_objective_may_name_a_port_and_an_unknown_port_is_told():
    document = xor_document()
    phase = document.training.phases[0]
    document.training = replace(document.training, phases=(replace(phase, minimise="binary_cross_entropy_1.loss"),))
    named, usual = Session(document), Session(xor_document())
    named.run(5)
    usual.run(5)
    assert_same(named.parameters, usual.parameters)
    document.training = replace(document.training, phases=(replace(phase, minimise="binary_cross_entropy_1.lost"),))
    problem = next(entry for entry in document.check() if entry.path == "training.phases[0].minimise")
    assert "no output “lost”" in problem.fact and "binary_cross_entropy_1.loss" in problem.mend


def test_two_phases_of_one_name_are_never_played_with_one_anothers_settings():
    document = contest(second={"name": "judge", "optimizer": {"type": "sgd", "learning_rate": 0.0}})
    session = Session(document)
    before = session.parameters
    session.run(3)
    np.testing.assert_array_equal(session.parameters["dense_1.weight"], before["dense_1.weight"])
    problem = next(entry for entry in document.check() if entry.path == "training.phases[1].name")
    assert problem.severity == "error" and "two phases are called “judge”" in problem.fact


def test_what_is_named_as_a_parameter_and_is_none_is_told():
    document = contest({"parameters": ["dense_2.wieght"]})
    problem = next(entry for entry in document.check() if entry.path == "training.phases[0].parameters[0]")
    assert "dense_2.weight" in problem.mend
    assert not [entry for entry in contest().check() if "parameters" in entry.path]


def test_a_phase_that_asks_to_be_played_several_times_is_told_that_it_is_not():
    problem = next(entry for entry in contest({"times": 2}).check() if entry.path == "training.phases[0].times")
    assert problem.severity == "warning" and "once an iteration and not 2 times" in problem.fact


def test_a_learning_rule_beside_two_phases_keeps_what_each_update_wrote_over():
    document = contest()
    graph = document.graph
    rule = graph.add("perceptron")
    graph.connect("input_1", rule["x"])
    graph.connect("target_1", rule["target"])
    session = Session(document)
    session.run(2)
    before = session.parameters
    for _ in session.steps:
        session.step()
    for name in ("dense_2.weight", "dense_1.weight", "perceptron_1.weight"):
        np.testing.assert_array_equal(session.before_update(session.program.sources[name]), before[name])


def test_predicting_inputs_of_another_shape_is_refused_in_a_sentence():
    session = Session(xor_document())
    for inputs in ([[1, 2, 3]], [0, 1], np.zeros((0, 2)), 5.0, "words", [[1, 2], [3]]):
        with pytest.raises(ProblemError, match="inputs"):
            session.predict(inputs)


# in turn ------------------------------------------------------------------------------------------------


def duel(times: int = 2) -> Document:
    """The judge learns `times` iterations, then the other half learns one."""
    document = contest({"times": times, "optimizer": {"type": "sgd", "learning_rate": 0.1}})
    second = replace(document.training.phases[1], optimizer=document.training.phases[0].optimizer)
    phases = (document.training.phases[0], second)
    document.training = replace(document.training, phases=phases, turns="in_turn")
    return document


def test_phases_in_turn_learn_one_after_the_other_from_batches_of_their_own():
    session = Session(duel())
    for iteration in range(9):
        weights = session.parameters
        session.step("iteration")
        rows = session.snapshot().row_indices
        judges = iteration % 3 < 2
        sign = 1 if judges else -1
        slopes = grad(lambda w, rows=rows, sign=sign: sign * anp.mean((answer(w, rows) - TARGETS[rows]) ** 2))(weights)
        learning = {"dense_2.weight", "dense_2.bias"} if judges else {"dense_1.weight"}
        for name, old in weights.items():
            wanted = old - 0.1 * slopes[name] if name in learning else old
            np.testing.assert_allclose(session.parameters[name], wanted, rtol=1e-10, atol=1e-13)
        assert {step.phase for step in session.snapshot().steps if step.part != "forward"} == {0 if judges else 1}


def test_turns_give_the_same_bits_stepped_and_running_and_step_back_exactly():
    stepped, running = Session(duel()), Session(duel())
    while stepped.iteration < 8:
        stepped.step()
    running.run(8)
    assert_same(everything(stepped), everything(running))
    trail = []
    for _ in range(40):
        trail.append(everything(stepped))
        stepped.step()
    for seen in reversed(trail):
        stepped.step_back()
        assert_same(everything(stepped), seen)


def test_back_before_the_first_turn_of_a_phase_nothing_of_it_is_left():
    session, trail = Session(duel(times=5)), []
    makes = session.program.gradients[1][session.program.sources["dense_1.weight"].index]
    session.run(3)
    assert session.gradient_state(makes) == "absent"
    for _ in range(5 * len(session.steps)):
        trail.append(everything(session))
        session.step()
    assert session.gradient_state(makes) != "absent"
    for seen in reversed(trail):
        session.step_back()
        assert_same(everything(session), seen)
    assert session.gradient_state(makes) == "absent"


def test_the_loss_curve_of_a_phase_stands_at_its_own_iterations():
    session = Session(duel(times=1))
    session.run(10)
    curve = session.snapshot().history["loss.batch"]
    assert len(curve) == 5 and np.all(np.diff(curve[:, 0]) == 2)


def test_turns_survive_the_file_and_times_without_turns_are_told():
    document = duel()
    again = Document.from_json(document.to_json())
    assert again.training == document.training and again.check() == []
    together = replace(document.training, turns="together")
    document.training = together
    assert any("take turns" in problem.mend for problem in document.check())
