"""Steps of a sequence that full speed reads where they lie: when, of whom, and with the bits of those that are copied."""

from __future__ import annotations

import pytest

from engine import Document, Session
from tests.engine.documents import recurrent

STEPS, BATCH = 5, 7


def calls(session: Session, name: str, *, shown: bool = False) -> list:
    code = session.tape.shown if shown else session.tape.fast
    return [entry.call for entry in code.instructions if entry.call.primitive.name == name]


def two_readers() -> Document:
    """A plain cell over the steps of a sequence, beside a layer that reads each step as well."""
    document = recurrent("rnn_cell")
    graph = document.graph
    beside, last, total = graph.add("dense", units=6), graph.add("last_step"), graph.add("add")
    last_step = next(wire for wire in graph.wires if wire.target_node == "dense_1")
    graph.disconnect(last_step.source, last_step.target)
    for begin, end in (
        ("each_step_1", beside),
        (beside, last["x"]),
        ("last_step_1", total),
        (last, total),
        (total, "dense_1"),
    ):
        graph.connect(begin, end)
    return Document(graph, document.data, document.training)


@pytest.mark.parametrize("kind", ["rnn_cell", "lstm_cell"])
def test_cells_and_their_gradients_read_steps_where_they_lie(kind):
    session = Session(recurrent(kind))
    assert calls(session, "slice") == []
    assert len(calls(session, "slice", shown=True)) >= STEPS
    rows = {call.operands[0].shape[1:] for call in calls(session, "cell_sums")}
    assert rows == {(STEPS, 3)}
    begun = [call.attributes["before"] for call in calls(session, "products_total") if "before" in call.attributes]
    assert [sorted(entries) for entries in begun] == [[3 * step for step in range(STEPS)]]


@pytest.mark.parametrize("kind", ["rnn_cell", "lstm_cell", "gru_cell"])
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_steps_read_in_place_give_the_bits_of_steps_that_are_copied(kind, precision):
    stepped, run = (Session(recurrent(kind, rows=9, batch_size=4, precision=precision)) for _ in range(2))
    while stepped.iteration < 7:
        stepped.step("node")
    assert run.run(7) == 7
    for name, numbers in run.parameters.items():
        assert numbers.tobytes() == stepped.parameters[name].tobytes(), name


def test_a_step_that_somebody_else_reads_is_copied_for_him():
    stepped, run = Session(two_readers()), Session(two_readers())
    copied = calls(run, "slice")
    assert {call.operands[0].shape[1:] for call in calls(run, "cell_sums")} == {(STEPS, 3)}
    assert len(copied) == STEPS
    while stepped.iteration < 3:
        stepped.step("node")
    run.run(3)
    for name, numbers in run.parameters.items():
        assert numbers.tobytes() == stepped.parameters[name].tobytes(), name
