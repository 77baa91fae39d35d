"""Prototypes that move by rank, against the rule written out."""

from __future__ import annotations

import numpy as np
import pytest

from tests.engine.nodes.playing_rules import session, value

STARTS = [[0.0], [4.0], [1.0]]


def test_each_prototype_moves_as_its_rank_says():
    played = session(
        "neural_gas", [[0.9]], units=3, initial_prototypes=STARTS, reach=2.0, final_reach=2.0, final_share=1
    )
    played.step("iteration")
    assert value(played, "rank").tolist() == [[1, 2, 0]]
    damped = np.exp([-0.5, -1.0, 0.0])
    wanted = np.ravel(STARTS) + 0.5 * damped * (0.9 - np.ravel(STARTS))
    np.testing.assert_allclose(played.parameters["rule.prototypes"].ravel(), wanted, rtol=1e-12)


def test_a_short_reach_is_plain_competition():
    rows = np.random.default_rng(0).normal(size=(30, 2))
    common = {"units": 4, "initial_prototypes": rows[:4].tolist(), "learning_rate": 0.1}
    gas = session("neural_gas", rows, batch=1, reach=0.001, final_reach=0.001, final_share=1, **common)
    plain = session("competitive_learning", rows, batch=1, **common)
    for played in (gas, plain):
        played.run(60)
    np.testing.assert_allclose(gas.parameters["rule.prototypes"], plain.parameters["rule.prototypes"], rtol=1e-9)


def test_no_prototype_is_left_behind():
    rows = np.concatenate([np.zeros((50, 2)), np.full((50, 2), 3.0)]) + np.random.default_rng(1).normal(
        0, 0.2, (100, 2)
    )
    far = [[0, 0], [40, 40], [50, 50], [60, 60]]
    played = session("neural_gas", rows, batch=1, units=4, initial_prototypes=far, length=1000)
    played.run(1000)
    assert np.abs(played.parameters["rule.prototypes"]).max() < 4
    assert float(value(played, "error")) == pytest.approx(0.2, abs=0.25)
