"""Networks over time and attention, on the presets themselves; the catalogue's entry stands in each test's name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.session import Session
from tests.presets.gallery import played, preset


@pytest.mark.text("05:backpropagation-through-time")
def test_numbers_05_backpropagation_through_time():
    session = played(preset("rnn-language-model-lion"))
    before = np.zeros((1, 2))
    wanted = [
        ((0, 0), (0, 0)),
        ((0.266679, -0.219261), (-0.030104, 0.024751)),
        ((-0.000721, 0.00216), (-0.043151, 0.129366)),
        ((-0.000471, -0.002632), (0.038388, 0.214366)),
    ]
    for time, share in enumerate(wanted):
        state, slope = session.value(f"state.h@{time}"), session.gradient(f"state.h@{time}")
        found = ((1 - state**2) * slope).T @ before
        np.testing.assert_allclose(found, share, atol=7e-7)
        before = state


def test_without_its_memory_the_lion_costs_two_times_ln_2():
    document = preset("rnn-language-model-lion")
    wires = document.graph.wires
    place = next(place for place, wire in enumerate(wires) if wire.target == "memory.x")
    wires[place] = replace(wires[place], muted=True)
    session = Session(document)
    session.run(5000)
    assert session.evaluate("train")["loss"] == pytest.approx(2 * np.log(2), abs=2e-3)


def test_on_the_way_back_the_plain_cell_loses_what_the_lstm_keeps():
    session = played(preset("lstm-vs-rnn"))
    plain = [np.abs(session.gradient(f"rnn.h@{time}")).mean() for time in (0, 22)]
    gated = [np.abs(session.gradient(f"lstm.c@{time}")).mean() for time in (0, 22)]
    assert plain[0] < 1e-6 * plain[1]
    assert gated[0] > 0.5 * gated[1]


def test_attention_learns_to_look_at_the_mirrored_place():
    session = Session(preset("self-attention"))
    session.run(400)
    session.step("iteration")
    shares = session.value("look.weights")[:, 0]
    assert np.all(shares.argmax(axis=2) == [4, 3, 2, 1, 0])


def test_without_places_attention_cannot_turn_a_row_around():
    document = preset("self-attention")
    document.graph.nodes["places"].flags = frozenset({"bypassed"})
    session = Session(document)
    session.run(400)
    assert session.evaluate("test")["accuracy"] < 0.6
