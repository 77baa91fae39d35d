"""Going back in time: whatever a hand changed meanwhile, the same numbers come back, and go on as the document says."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from engine import Document, Graph, ProblemError, Session
from engine.timeline import Moment, Timeline
from engine.training import Optimizer
from tests.engine.documents import layered_document, xor_document
from tests.engine.test_session import assert_same, everything


def slot_document() -> Document:
    """A constant, a factor and a parameter: all that a hand can change."""
    graph = Graph()
    constant, parameter = graph.add("constant", value=[1.0, 2.0]), graph.add("parameter", initial=[3.0, -1.0])
    product, scaled, total = graph.add("multiply"), graph.add("scale", factor=0.5), graph.add("sum", over="all")
    square = graph.add("square")
    graph.connect(constant, product["x"])
    graph.connect(parameter, product["x"])
    for before, after in ((product, scaled), (scaled, square), (square, total)):
        graph.connect(before, after)
    plan = {"loss": total.id, "optimizer": {"type": "momentum", "learning_rate": 0.01}}
    return Document(graph, training=plan, precision="float64")


def test_going_back_past_a_changed_learning_rate_replays_with_the_rate_of_that_time():
    session = Session(xor_document())
    session.run(10)
    seen = everything(session)
    session.set_setting("optimizer.learning_rate", 0.3)
    session.run(5)
    session.set_setting("optimizer.learning_rate", 0.7)
    session.run(5)
    later = Session(xor_document())
    later.run(10)
    later.set_setting("optimizer.learning_rate", 0.3)
    later.run(3)
    for _ in range(7):
        session.step_back("iteration")
    assert_same(everything(session), everything(later))
    for _ in range(3):
        session.step_back("iteration")
    assert_same(everything(session), seen)
    for _ in range(6):
        session.step_back("iteration")
    early = Session(xor_document())
    early.run(4)
    assert_same(everything(session), everything(early))


def test_what_is_played_after_going_back_uses_the_numbers_that_the_document_shows():
    session = Session(xor_document())
    session.run(10)
    session.set_setting("optimizer.learning_rate", 0.3)
    session.run(5)
    for _ in range(9):
        session.step_back("iteration")
    assert session.snapshot().settings["training.main.learning_rate"] == np.float32(0.3)
    session.run(4)
    other = Session(xor_document())
    other.run(6)
    other.set_setting("optimizer.learning_rate", 0.3)
    other.run(4)
    assert_same(everything(session), everything(other))
    for _ in range(4):
        session.step_back("iteration")
    assert_same(session.parameters, _after(6).parameters)


def _after(iterations: int) -> Session:
    session = Session(xor_document())
    session.run(iterations)
    return session


@pytest.mark.parametrize("seed", range(4))
def test_however_time_is_walked_and_numbers_are_set_a_replay_gives_the_same_bits(seed):
    draw, session = random.Random(seed), Session(slot_document())
    hands: list[Callable[[], None]] = [
        lambda: session.set_parameter("constant_1.value", [draw.random(), draw.random()]),
        lambda: session.set_parameter("parameter_1.value", [draw.random(), draw.random()]),
        lambda: session.set_setting("scale_1.factor", draw.random()),
        lambda: session.set_setting("optimizer.learning_rate", draw.random() * 0.05),
    ]
    for _ in range(120):
        what = draw.random()
        if what < 0.3:
            draw.choice(hands)()
        elif what < 0.65:
            session.step(draw.choice(["node", "phase", "iteration"]))
        elif what < 0.75:
            session.run(draw.randint(1, 20))
        else:
            session.step_back(draw.choice(["node", "phase", "iteration"]))
        seen, settings = everything(session), session.snapshot().settings
        session.playback.go_to(session.playback.moment)
        assert_same(everything(session), seen)
        assert session.snapshot().settings == settings


def test_a_thinned_timeline_still_leads_back_to_every_bit():
    session = Session(layered_document([3, 4, 2], optimizer={"type": "adam", "learning_rate": 0.01}))
    first = session.playback.timeline.before(0)
    session.playback.timeline = Timeline(limit=4 * first.size)
    session.playback.checkpoint()
    trail = []
    for _ in range(40):
        session.step("phase")
        trail.append((session.playback.moment, everything(session)))
        session.step("iteration")
    for moment, seen in trail[::-9]:
        session.playback.go_to(moment)
        assert_same(everything(session), seen)


def test_every_row_comes_once_an_epoch_however_its_end_is_crossed():
    draw, session = random.Random(1), Session(layered_document([2, 1], rows=7, batch_size=3))
    rows: dict[int, tuple[int, ...]] = {}
    for _ in range(300):
        kind = draw.choice(["node", "phase", "iteration"])
        session.step(kind) if draw.random() < 0.57 else session.step_back(kind)
        taken = session.snapshot().row_indices
        if session.playback.position >= 2 and taken is not None:
            assert rows.setdefault(session.iteration, tuple(taken)) == tuple(taken)
    epochs = [[rows.get(3 * epoch + k) for k in range(3)] for epoch in range(len(rows) // 3)]
    whole = [epoch for epoch in epochs if None not in epoch]
    assert len(whole) >= 2
    for epoch in whole:
        assert sorted(sum(epoch, ())) == list(range(7))


@pytest.mark.parametrize("loss", ["mean_squared_error", "softmax_cross_entropy"])
def test_a_short_batch_shows_its_own_rows_only(loss):
    session = Session(layered_document([3, 4], rows=7, batch_size=3, loss=loss), dtype="float64")
    data = session.dataset
    for _ in range(7):
        session.step("phase")
        shot = session.snapshot()
        rows = shot.row_indices
        np.testing.assert_array_equal(shot.values["input_1.value"].array, data.inputs[rows])
        np.testing.assert_array_equal(shot.values["target_1.value"].array, data.targets[rows])
        session.step("iteration")
        assert len(session.gradient("dense_1.h")) == len(rows)
        session.step("node")
        old = session.snapshot().gradients["dense_1.h"]
        assert (old.state, old.shape[0]) == ("earlier", len(rows))
        session.step_back("node")


def test_rows_of_a_batch_that_was_not_taken_yet_are_unknown():
    session = Session(layered_document([2, 1]))
    assert session.snapshot().row_indices is None
    session.step("node")
    assert len(session.snapshot().row_indices) == 3


def test_the_history_of_a_loss_that_is_chosen_late_begins_where_it_was_chosen():
    document = xor_document()
    aimless = document.copy()
    aimless.training = replace(aimless.training, phases=())
    session = Session(aimless)
    session.run(50)
    session.edit(document, revision=1)
    session.run(3)
    assert session.snapshot().history["loss.batch"][:, 0].tolist() == [50, 51, 52]
    for _ in session.steps[:-1]:
        session.step()
    assert session.snapshot().history["loss.batch"][:, 0].tolist() == [50, 51, 52]
    session.step()
    assert session.snapshot().history["loss.batch"][:, 0].tolist() == [50, 51, 52, 53]


def _widen(document: Document) -> None:
    document.graph.nodes["dense_1"].properties["units"] = 6


def _bend(document: Document) -> None:
    document.graph.nodes["dense_1"].properties["activation"] = "relu"


def _switch(document: Document) -> None:
    document.training = document.training.with_optimizer(Optimizer("nesterov", {"learning_rate": 0.01}))


def _shrink(document: Document) -> None:
    document.training = replace(document.training, batch_size=2)


def _freeze(document: Document) -> None:
    document.graph.nodes["dense_1"].flags = frozenset({"frozen"})


def _mute(document: Document) -> None:
    document.graph.nodes["dense_2"].flags = frozenset({"muted"})


def _swap_data(document: Document) -> None:
    draw = np.random.default_rng(77)
    inputs, targets = draw.normal(size=(7, 3)), draw.normal(size=(7, 2))
    document.data = {"train": {"inputs": inputs, "targets": targets, "task": "regression"}}


def _skip(document: Document) -> None:
    document.graph.disconnect("dense_1.h", "dense_2.x")
    document.graph.connect("input_1", "dense_2.x")


@pytest.mark.parametrize("edit", [_widen, _bend, _switch, _shrink, _freeze, _mute, _swap_data, _skip])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_an_edit_within_an_iteration_begins_it_again_so_that_no_update_counts_twice(edit, optimizer):
    document = layered_document([3, 4, 4, 2], optimizer={"type": optimizer, "learning_rate": 0.05})
    steps = len(Session(document).steps)
    edited = document.copy()
    edit(edited)
    at_once = Session(document)
    at_once.run(4)
    at_once.edit(edited, revision=1)
    at_once.run(5)
    for played in (1, steps - 2, steps - 1):
        session = Session(document)
        session.run(4)
        for _ in range(played):
            session.step()
        session.edit(edited, revision=1)
        session.run(5)
        assert_same(everything(session), everything(at_once))


def test_a_number_set_within_an_iteration_survives_an_edit():
    session = Session(layered_document([3, 4, 2]))
    session.run(4)
    session.step("phase")
    session.set_parameter("dense_2.bias", [5.0, 6.0])
    edited = session.document.copy()
    _bend(edited)
    session.edit(edited, revision=1)
    np.testing.assert_array_equal(session.parameters["dense_2.bias"], [5.0, 6.0])


def test_an_edit_that_fails_within_an_iteration_changes_nothing():
    session = Session(xor_document())
    session.run(3)
    for _ in range(8):
        session.step()
    seen, moment = everything(session), session.playback.moment
    with pytest.raises(ProblemError, match="empty"):
        session.edit(Document(Graph()), revision=2)
    assert session.playback.moment == moment
    assert_same(everything(session), seen)
    session.step_back()
    session.step()
    assert_same(everything(session), seen)


def test_a_document_that_comes_back_finds_its_own_numbers_even_after_a_setting_was_changed_beside_it():
    document = xor_document()
    session = Session(document)
    session.set_setting("optimizer.learning_rate", 0.9)
    moved = document.copy()
    moved.graph.nodes["dense_1"].position = (9.0, 9.0)
    session.edit(moved, revision=1)
    session.run(5)
    plain = Session(document)
    plain.run(5)
    assert_same(session.parameters, plain.parameters)


def test_epochs_step_from_the_middle_of_one_and_back():
    session = Session(layered_document([2, 1], rows=7, batch_size=3))
    session.step("iteration")
    session.step("node")
    session.step("epoch")
    assert (session.iteration, session.epoch, session.playback.position) == (3, 1, 0)
    seen = everything(session)
    session.step("epoch")
    session.step_back("epoch")
    assert session.playback.moment == Moment(3, 0)
    assert_same(everything(session), seen)
