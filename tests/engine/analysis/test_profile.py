"""The profile of a tape: a line for every instruction, told for whom, and the session left alone."""

from __future__ import annotations

import numpy as np
import pytest

from engine.analysis.profile import profile, report
from engine.document import Document
from engine.graph import Graph
from engine.session import Session
from tests.engine.documents import layered_document
from tests.engine.test_trust_phases import duel


@pytest.fixture(scope="module")
def session() -> Session:
    session = Session(layered_document([5, 6, 3]))
    session.run(10)
    return session


@pytest.fixture(scope="module")
def found(session):
    return profile(session)


def test_every_instruction_of_a_whole_batch_has_a_line(session, found):
    instructions = session.tape.fast.instructions[slice(*session.tape.fast.full)]
    # The update before it raises the flag by itself, and the product takes the slope of the tanh that it goes back through.
    inside = ("non_finite_flag", "tanh_gradient")
    assert len(found.lines) == sum(entry.call.primitive.name not in inside for entry in instructions)
    told = {origin for line in found.lines for origin in line.origins}
    assert told == {origin for entry in instructions for origin in entry.origins}
    assert all(line.plays == 1 for line in found.lines)
    assert found.iteration_ns > 0


def test_the_multiplications_and_additions_of_products_are_counted(session, found):
    batch = session.tape.batch
    # Forward 5×6 and 6×3, back to the weights the same again, back to the hidden layer 6×3.
    assert sum(line.flops for line in found.lines) == 2 * batch * (2 * (5 * 6 + 6 * 3) + 6 * 3)


def test_no_line_is_faster_than_its_floor(found):
    assert all(line.floor_ns(found.peak) <= line.ns * (1 + 1e-9) for line in found.lines)
    assert 0 < found.floor_ns <= found.total_ns * (1 + 1e-9)


def test_nodes_and_kernels_share_all_of_the_time(found):
    assert sum(found.by_node().values()) == pytest.approx(found.total_ns)
    assert sum(found.by_kernel().values()) == pytest.approx(found.total_ns)
    assert {"dense_1", "dense_2"} <= set(found.by_node())


def test_measuring_leaves_the_session_untouched(session):
    before, iteration = session.weights, session.iteration
    profile(session)
    assert session.iteration == iteration
    for address, array in session.weights.arrays.items():
        np.testing.assert_array_equal(array, before.arrays[address])


def test_a_run_of_single_numbers_is_one_line():
    graph = Graph()
    x = graph.add("constant", "x", value=0.5)
    for _ in range(6):
        y = graph.add("tanh")
        graph.connect(x, y)
        x = y
    found = profile(Session(Document(graph, training={"loss": y.id})))
    runs = [line for line in found.lines if line.kernel == "scalar_run"]
    assert runs
    assert "operations" in runs[0].shapes
    assert {f"tanh_{n}" for n in range(1, 7)} <= {origin.node for line in runs for origin in line.origins}


def test_where_phases_take_turns_a_line_counts_as_often_as_it_is_played():
    found = profile(Session(duel(times=2)))
    assert {round(line.plays, 3) for line in found.lines} == {0.333, 0.667}
    judge = next(line for line in found.lines if line.plays > 0.5)
    assert {origin.phase for origin in judge.origins} == {0}


def test_it_can_be_cancelled(session):
    assert profile(session, cancelled=lambda: True).lines == ()


def test_it_prints_as_a_table(found):
    text = report(found)
    lines = text.splitlines()
    assert lines[0].split() == ["kernel", "ns", "share", "floor", "flop/ns", "shapes", "for"]
    assert len(lines) == len(found.lines) + 5
    assert "by node: " in text
