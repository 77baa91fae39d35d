"""Two threads on one tape: the same bits, the same end, whoever does the work."""

from __future__ import annotations

import numpy as np
import pytest

from engine import Session
from engine.machines import cpu, lanes
from tests.engine.documents import attending, convolving, layered_document, recurrent


@pytest.fixture
def shared(monkeypatch):
    """Everything that can be cut is worth it, and there are two processors whatever the machine has."""
    monkeypatch.setattr(lanes, "WORTH_NS", 0.0)
    monkeypatch.setattr(lanes, "WORTH_TAPE_NS", 0.0)
    monkeypatch.setattr(cpu, "available", lambda: 2)


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


def test_a_run_of_two_threads_stops_where_a_number_stops_being_finite(shared, monkeypatch):
    steep = {"type": "sgd", "learning_rate": 2.0}
    document = layered_document([40, 33, 10], rows=200, batch_size=64, activation="identity", optimizer=steep)
    together = Session(document)
    done = together.run(2000)
    monkeypatch.undo()
    alone_done, single = alone(document, 2000)
    assert 4 < done == alone_done < 2000
    assert together.problem is not None and str(together.problem) == str(single.problem)


def test_small_tapes_are_played_by_one_thread():
    session = Session(classifier(4, 8, 3))
    assert session.playback.machine._pieces is None


def test_pieces_cover_every_output_once(shared):
    session = Session(classifier(40, 33, 10))
    pieces, instructions = session.playback.machine._pieces, session.tape.fast.instructions
    assert any(count > 1 for count in pieces.counts)
    for count, size, entry in zip(pieces.counts, pieces.sizes, instructions, strict=True):
        assert (count - 1) * size < entry.length <= count * size


def test_processors_kept_free_are_not_used(monkeypatch):
    monkeypatch.setattr(lanes.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(lanes.sys, "platform", "elsewhere")
    assert lanes.available() == 2
    lanes.keep_free(1)
    try:
        assert lanes.available() == 1
    finally:
        lanes.keep_free(0)
