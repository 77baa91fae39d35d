"""Numbers that a hand sets: when they count, what follows from them, and what stays as it was."""

import numpy as np
import pytest

from engine import Session
from tests.engine.documents import xor_document
from tests.engine.test_session import assert_same, everything


def test_numbers_set_by_hand_are_replayed_where_they_were_set():
    session = Session(xor_document())
    session.run(10)
    session.set_parameter("dense_1.bias", [1.0, 2.0, 3.0, 4.0])
    session.set_setting("optimizer.learning_rate", 0.2)
    session.step("node")
    session.run(7)
    seen = everything(session)
    session.run(20)
    for _ in range(20):
        session.step_back("iteration")
    assert_same(everything(session), seen)


def fresh(document, weights, steps):
    """A session that has played so many steps with these weights from the start."""
    session = Session(document)
    for key, numbers in weights.items():
        session.set_parameter(key, numbers)
    for _ in range(steps):
        session.step("node")
    return session


@pytest.mark.parametrize("part", ["forward", "backward"])
def test_numbers_set_by_hand_before_the_update_count_as_if_they_had_stood_there_from_the_start(part):
    session = Session(xor_document())
    while session.step().part != part:
        pass
    position = session.playback.position
    weight = session.parameters["dense_1.weight"] + 0.5
    for share in (0.3, 0.7, 1.0):  # as a drag does
        session.set_parameter("dense_1.weight", weight * share)
    session.set_parameter("dense_1.bias", [0.1, 0.2, 0.3, 0.4])
    twin = fresh(xor_document(), {"dense_1.weight": weight, "dense_1.bias": [0.1, 0.2, 0.3, 0.4]}, position)
    assert session.playback.moment == twin.playback.moment
    assert_same(everything(session), everything(twin))
    session.step("iteration")
    twin.step("iteration")
    assert_same(everything(session), everything(twin))


def test_after_an_iteration_everything_shown_follows_a_hand_and_nothing_is_learned_from_it():
    session, twin = Session(xor_document()), Session(xor_document())
    session.run(5)
    twin.run(5)
    weight = session.parameters["dense_1.weight"] + 0.5
    session.set_parameter("dense_1.weight", weight)
    assert session.iteration == 5
    bias = session.parameters["dense_1.bias"]
    hidden = np.tanh(session.value("input_1") @ weight + bias)
    assert np.allclose(session.value("dense_1"), hidden)
    assert session.loss == pytest.approx(session.evaluate("train")["loss"])
    for key, numbers in twin.parameters.items():
        assert np.array_equal(session.parameters[key], weight if key == "dense_1.weight" else numbers)
    seen = everything(session)
    for _ in range(7):
        session.step("node")
    for _ in range(7):
        session.step_back("node")
    assert_same(everything(session), seen)


def test_between_two_updates_what_a_hand_made_old_is_shown_as_earlier():
    session = Session(xor_document())
    while session.step().part != "update":
        pass
    assert session.snapshot().values["dense_1.h"].state == "current"
    session.set_setting("optimizer.learning_rate", 0.2)
    assert session.snapshot().values["dense_1.h"].state == "current"
    session.set_parameter("dense_1.weight", session.parameters["dense_1.weight"] + 1)
    assert session.snapshot().values["dense_1.h"].state == "earlier"
    assert session.snapshot().parameters["dense_1.weight"].state == "current"
    session.step("iteration")
    session.step("phase")
    assert session.snapshot().values["dense_1.h"].state == "current"


def test_a_weight_beyond_all_numbers_stops_where_the_numbers_end_and_comes_back():
    session = Session(xor_document())
    session.step("phase")
    session.step("phase")
    weight = session.parameters["dense_2.weight"]
    session.set_parameter("dense_2.weight", np.full_like(weight, 3e38 if session.dtype == "float32" else 1e308))
    if session.problem is not None:
        assert session.problem.kind == "finite"
    session.set_parameter("dense_2.weight", weight)
    assert session.problem is None
