"""Runs of single numbers: the same bits as one kernel call for each, whatever the order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import Document, Graph, Session
from engine.machines import runs
from engine.machines.runs import OPERATIONS, WATCHED, _grouped, _Operation
from tests.engine.documents import layered_document

BENDS = ("tanh", "sigmoid", "relu", "negate")


@st.composite
def drawings(draw):
    """Graphs of single numbers in which values are read by several nodes, and sums have several addends."""
    graph, values = Graph(), []
    for _ in range(draw(st.integers(2, 5))):
        values.append(graph.add("parameter", shape=(), initial=draw(st.floats(-1, 1, width=32))))
    for _ in range(draw(st.integers(6, 40))):
        kind = draw(st.sampled_from(("add", "subtract", "multiply", "bend")))
        operands = draw(st.lists(st.sampled_from(values), min_size=2, max_size=2, unique=True))
        node = graph.add(draw(st.sampled_from(BENDS)) if kind == "bend" else kind)
        ports = graph.nodes[node.id].kind.inputs
        for place, operand in enumerate(operands[:1] if kind == "bend" else operands):
            graph.connect(operand, f"{node}.{ports[min(place, len(ports) - 1)].name}")
        values.append(node)
    total, loss = graph.add("add"), graph.add("tanh")
    for value in values[-4:]:
        graph.connect(value, total)
    graph.connect(total, loss)
    return Document(graph, {}, {"loss": loss.id, "optimizer": {"type": "sgd", "learning_rate": 0.01}})


def played(document: Document) -> tuple[Session, int]:
    session = Session(document)
    session.run(20)
    joined = session.playback.machine._joined
    assert joined is not None
    return session, len(joined.played)


@settings(max_examples=25, deadline=None)
@given(drawings())
def test_a_run_makes_the_bits_of_its_instructions(document):
    together, count = played(document)
    before, runs.SHORTEST = runs.SHORTEST, 10**9
    try:
        single, single_count = played(document)
    finally:
        runs.SHORTEST = before
    assert count < single_count
    for address, array in together.parameters.items():
        np.testing.assert_array_equal(array, single.parameters[address], err_msg=address)
    assert together.loss == single.loss


def test_what_waits_for_nothing_is_sorted_by_operation():
    add, tanh = OPERATIONS["add"], OPERATIONS["tanh"]
    fields = _grouped(
        [_Operation(add, 1, 2, 10), _Operation(tanh, 3, 3, 11), _Operation(add, 4, 5, 12), _Operation(tanh, 10, 10, 13)]
    )
    assert fields == [3, add, 2, 1, 2, 10, 4, 5, 12, tanh, 1, 3, 3, 11, tanh, 1, 10, 10, 13]


def test_a_sum_over_several_addends_keeps_their_order():
    add = OPERATIONS["add"]
    fields = _grouped([_Operation(add, 1, 2, 9), _Operation(add, 9, 3, 9), _Operation(add, 9, 4, 9)])
    assert fields == [3, add, 1, 1, 2, 9, add, 1, 9, 3, 9, add, 1, 9, 4, 9]


def test_a_place_is_not_written_over_while_somebody_waits_to_read_it():
    add, negate = OPERATIONS["add"], OPERATIONS["negate"]
    fields = _grouped([_Operation(negate, 5, 5, 6), _Operation(add, 6, 7, 8), _Operation(negate, 1, 1, 7)])
    assert fields[1:6] == [negate, 1, 5, 5, 6] and fields[-5:] == [negate, 1, 1, 1, 7]


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "nesterov", "adam"])
def test_an_update_looks_by_itself_whether_its_parameters_are_finite(optimizer, monkeypatch):
    document = layered_document([3, 4, 2], rows=8, batch_size=8, optimizer={"type": optimizer, "learning_rate": 0.1})
    session = Session(document)
    session.run(20)
    machine = session.playback.machine
    entries = machine.played.played
    place = next(pc for pc, entry in enumerate(entries) if entry.more)
    assert entries[place].more == (WATCHED,)
    assert all(entry.first.call.primitive.name != "non_finite_flag" for entry in entries)
    monkeypatch.setattr(runs, "WATCHING", frozenset())
    apart = Session(document)
    apart.run(20)
    for address, array in session.parameters.items():
        np.testing.assert_array_equal(array, apart.parameters[address], err_msg=address)
    machine.repeat(place, place + 1, 1)
    assert not machine.flag
    machine.view(session.program.sources["dense_2.bias"])[0] = np.inf
    machine.repeat(place, place + 1, 1)
    assert machine.flag
