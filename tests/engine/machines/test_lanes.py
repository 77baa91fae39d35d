"""Two threads on one tape: the same bits, the same end, whoever does the work."""

from __future__ import annotations

import numpy as np
import pytest

from engine import Session
from engine.machines import cpu, lanes
from engine.machines.spans import spans_of
from engine.placement import LINE
from engine.values import resolve
from tests.engine.documents import attending, convolving, layered_document, recurrent


@pytest.fixture
def shared(monkeypatch):
    """Everything that can be cut is worth it, and there are two processors whatever the machine has."""
    monkeypatch.setattr(lanes, "WORTH_NS", 0.0)
    monkeypatch.setattr(lanes, "WORTH_TAPE_NS", 0.0)
    monkeypatch.setattr(lanes, "WORTH_ONCE_NS", 0.0)
    monkeypatch.setattr(cpu, "available", lambda: 2)
    monkeypatch.setattr(lanes.Pace, "choose", lambda pace, times: (True, times))


def classifier(*sizes: int, **training):
    return layered_document(list(sizes), rows=200, batch_size=64, loss="softmax_cross_entropy", **training)


def alone(document, iterations):
    session = Session(document)
    lanes.keep_free(64)
    try:
        return session.run(iterations), session
    finally:
        lanes.keep_free(0)


DOCUMENTS = {
    "layers": lambda: classifier(40, 33, 10),
    "maps": convolving,
    "wide maps": lambda: convolving(side=12, kernel=5, rows=9),
    "attention": lambda: attending(32),
    "time": lambda: recurrent("lstm_cell"),
}


@pytest.mark.parametrize("made", DOCUMENTS.values(), ids=DOCUMENTS)
def test_two_threads_make_the_same_bits_as_one(shared, monkeypatch, made):
    document = made()
    together = Session(document)
    assert together.playback.machine._pieces is not None
    done = together.run(300)
    monkeypatch.undo()
    alone_done, single = alone(document, 300)
    assert done == alone_done == 300
    for address, array in together.parameters.items():
        np.testing.assert_array_equal(array, single.parameters[address], err_msg=address)
    assert together.loss == single.loss


@pytest.mark.parametrize("made", [DOCUMENTS["layers"], DOCUMENTS["maps"]], ids=["layers", "maps"])
def test_all_that_is_looked_at_after_a_run_has_the_same_bits(shared, monkeypatch, made):
    document = made()
    together = Session(document)
    assert together.playback.machine._shown_pieces is not None
    together.run(7)
    monkeypatch.undo()
    _, single = alone(document, 7)
    size = together.tape.arena_size
    arenas = [session.playback.machine.arena[:size] for session in (together, single)]
    np.testing.assert_array_equal(*arenas)


def test_a_run_of_two_threads_stops_where_a_number_stops_being_finite(shared, monkeypatch):
    steep = {"type": "sgd", "learning_rate": 2.0}
    document = layered_document([40, 33, 10], rows=200, batch_size=64, activation="identity", optimizer=steep)
    together = Session(document)
    done = together.run(2000)
    monkeypatch.undo()
    alone_done, single = alone(document, 2000)
    assert 4 < done == alone_done < 2000
    assert together.problem is not None and str(together.problem) == str(single.problem)


def test_the_faster_way_is_played_and_the_other_tried_now_and_then():
    pace, seconds, played = lanes.Pace(), {False: 1e-5, True: 2e-5}, {False: 0, True: 0}

    def play(times):
        while times:
            shared, some = pace.choose(times)
            assert 0 < some <= times
            pace.note(shared, some, some * seconds[shared])
            played[shared] += some
            times -= some

    play(100_000)
    assert 0 < played[True] < 2_000
    seconds[True], played[False], played[True] = 0.5e-5, 0, 0  # what a neighbour wanted is free now
    play(100_000)
    assert 0 < played[False] < 20_000


def test_a_second_thread_that_was_held_up_is_soon_tried_again_where_iterations_are_dear():
    pace, alone = lanes.Pace(), 8e-3
    pace.note(False, 16, 16 * alone)
    for _ in range(6):  # trials while a neighbour wants the processor: they come more and more rarely
        pace.note(True, 4, 4 * 1.2 * alone)
        while not (chosen := pace.choose(16))[0]:
            pace.note(*chosen, chosen[1] * alone)
    pace.note(True, 4, 4 * 1.2 * alone)
    runs = 0
    while not pace.choose(16)[0]:
        runs += 1
    assert runs * 16 * alone < 0.5


def test_what_is_too_short_for_a_second_thread_to_begin_is_played_by_one_and_changes_no_mind():
    pace = lanes.Pace(start=1e-3)
    pace.note(False, 1000, 10e-3)
    pace.note(True, 1000, 7e-3)
    assert pace.choose(1000)[0] and not pace.choose(100)[0]
    pace.note(True, 100, 1.5e-3)
    assert [pace.choose(1000)[0] for _ in range(3)] == [False, True, True]  # one thread is tried, and that is all


def test_whoever_plays_stops_behind_the_iteration_that_raised_the_flag(monkeypatch):
    monkeypatch.setattr(lanes, "WORTH_NS", 0.0)
    monkeypatch.setattr(lanes, "WORTH_TAPE_NS", 0.0)
    monkeypatch.setattr(cpu, "available", lambda: 2)
    session = Session(classifier(40, 33, 10))
    machine = session.playback.machine
    assert machine._pieces is not None
    machine.view(session.program.sources["data.inputs"])[0, 0] = np.nan
    assert machine.iterate(10) == 1


def test_small_tapes_are_played_by_one_thread():
    session = Session(classifier(4, 8, 3))
    assert session.playback.machine._pieces is None


@pytest.mark.parametrize("made", DOCUMENTS.values(), ids=DOCUMENTS)
def test_within_a_span_nothing_reads_of_other_examples_what_the_span_computes(made):
    session = Session(made())
    instructions, batch = session.tape.fast.instructions, session.tape.batch
    found = list(spans_of(instructions, *session.tape.fast.full[:2], batch))
    assert max(len(span.outputs) for span in found) > 2
    for span in found:
        inside = instructions[span.begin : span.end]
        written = {id(entry.call.result): resolve(entry.call.result.shape, batch) for entry in inside}
        for entry, outputs in zip(inside, span.outputs, strict=True):
            assert outputs * batch == entry.length or entry.call.primitive.is_each_alone
            for operand in entry.call.operands:
                if id(operand) in written:
                    assert written[id(operand)][0] % batch == 0, entry.call
                    assert not entry.call.attributes.get("transpose_a") or entry.call.primitive.name == "batch_matmul"


def test_a_cell_in_time_lies_open_over_many_steps_at_once():
    session = Session(recurrent("lstm_cell"))
    spans = spans_of(session.tape.fast.instructions, *session.tape.fast.full[:2], session.tape.batch)
    nodes = [{entry.origins[0].time for entry in session.tape.fast.instructions[s.begin : s.end]} for s in spans]
    assert max(map(len, nodes)) > 2


def test_pieces_cover_every_output_once(shared):
    session = Session(classifier(40, 33, 10))
    machine = session.playback.machine
    pieces, instructions = machine._pieces, machine._arranged.instructions
    assert any(count > 1 for count in pieces.counts)
    for count, size, entry in zip(pieces.counts, pieces.sizes, instructions, strict=True):
        # The last piece goes on to the end of its line; of a group of instructions one thread may do all of one.
        assert count == 2 or (count - 1) * size < entry.length <= count * size + LINE
        assert (count - 1) * size <= entry.length


def test_processors_kept_free_are_not_used(monkeypatch):
    monkeypatch.setattr(lanes.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(lanes.sys, "platform", "elsewhere")
    assert lanes.available() == 2
    lanes.keep_free(1)
    try:
        assert lanes.available() == 1
    finally:
        lanes.keep_free(0)
