"""A step of an LSTM cell played as two calls: where it may be, where it may not, and with everything there to be seen."""

from __future__ import annotations

import numpy as np
import pytest

from engine import Session
from tests.engine.documents import recurrent

STEPS = 5
SEEN = ("sigmoid", "tanh", "add", "multiply", "slice", "subtract", "total", "place")


def names(session):
    return [entry.call.primitive.name for entry in session.tape.fast.instructions]


def test_the_gates_of_a_step_are_one_call_forward_and_one_back():
    played = names(Session(recurrent("lstm_cell")))
    assert played.count("lstm_step") == played.count("lstm_step_gradient") == played.count("cell_sums") == STEPS
    assert not {"sigmoid", "sigmoid_gradient", "concat", "place"} & set(played)


@pytest.mark.parametrize(
    "changed", [{"peepholes": True}, {"coupled": True}, {"output_gate": False}, {"squash": "identity"}]
)
def test_a_cell_with_other_gates_is_played_call_by_call(changed):
    session = Session(recurrent("lstm_cell", **changed))
    assert not {"lstm_step", "lstm_step_gradient"} & set(names(session))
    assert session.run(5) == 5


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_every_number_of_a_step_is_there_to_be_looked_at(precision):
    session = Session(recurrent("lstm_cell", precision=precision))
    for _ in session.steps:
        session.step("node")
    close = {"rtol": 1e-5, "atol": 1e-6} if precision == "float32" else {"rtol": 1e-12, "atol": 1e-14}
    view, looked = session._machine.view, set()
    compute = {
        "add": np.add, "multiply": np.multiply, "subtract": np.subtract, "tanh": np.tanh,
        "sigmoid": lambda x: 1 / (1 + np.exp(-x)), "total": lambda *parts: sum(parts),
    }  # fmt: skip
    for call in session.program.calls:
        name = call.primitive.name
        if not call.origin.node.startswith("lstm") or name not in SEEN or call.origin.part == "update":
            continue
        operands = [view(operand) if operand.shape else np.asarray(operand.source.initial) for operand in call.operands]
        found, cut = view(call.result), call.attributes
        if name == "slice":
            wanted = operands[0][:, cut["start"] : cut["stop"]]
        elif name == "place":
            found, wanted = found[:, cut["start"] : cut["start"] + operands[0].shape[1]], operands[0]
        else:
            wanted = compute[name](*operands)
        np.testing.assert_allclose(found, wanted, err_msg=str(call), **close)
        looked.add(name)
    assert looked == set(SEEN)


def test_a_nan_in_one_example_stays_within_it():
    session = Session(recurrent("lstm_cell"))
    view, program = session._machine.view, session.program
    view(program.sources["data.inputs"])[0] = np.nan
    session._machine.play_once()
    steps = [call for call in session.tape.fused.calls if call.primitive.name in ("lstm_step", "lstm_step_gradient")]
    assert {call.primitive.name for call in steps} == {"lstm_step", "lstm_step_gradient"}
    for call in steps:
        found = view(call.result)
        assert np.isnan(found[0]).all() and np.isfinite(found[1:]).all(), call


@pytest.mark.parametrize("kind", ["rnn_cell", "lstm_cell"])
@pytest.mark.parametrize(("rows", "batch"), [(7, 7), (9, 4), (3, 1)])
def test_the_sums_of_a_cell_have_the_same_bits_stepped_and_played(kind, rows, batch):
    stepped, run = (Session(recurrent(kind, rows=rows, batch_size=batch)) for _ in range(2))
    assert names(run).count("cell_sums") == STEPS * (2 if rows % batch else 1)
    for _ in range(3 * len(stepped.steps)):
        stepped.step("node")
    run.run(3)
    for name, numbers in run.parameters.items():
        assert numbers.tobytes() == stepped.parameters[name].tobytes(), name
