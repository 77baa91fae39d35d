"""Curves that are thinned out, and where a run that exploded was still good."""

import numpy as np
import pytest

from engine.history import last_good
from engine.session import Session
from tests.engine.test_session import exploding


@pytest.mark.parametrize(
    ("losses", "good"),
    [
        ([3.0, 1.0, 0.5, 4.0, 60.0, np.inf], 3),  # 4 is within ten times 0.5, 60 is not
        ([3.0, 1.0, np.nan], 1),
        ([np.inf], None),
        ([], None),
        ([-2.0, -4.0, 30.0, 80.0], 2),  # a loss below zero: ten times as far up from it
        ([0.0, 1e-9], 0),
    ],
)
def test_the_last_good_iteration_is_the_last_before_the_loss_exploded(losses, good):
    assert last_good(np.array(list(enumerate(losses))).reshape(-1, 2)) == good


def test_where_losses_are_merged_the_highest_counts():
    assert last_good(np.array([[0, 0.5], [0, 0.7], [8, 0.4], [8, 90.0]])) == 0


def test_a_session_that_diverged_returns_to_where_it_was_good():
    session = Session(exploding())
    session.run(10_000)
    losses = session.snapshot().history["loss.batch"]
    failed = session.iteration
    good = session.step_back_to_good()
    assert good < failed
    assert session.problem is None
    assert session.iteration == good
    assert losses[good, 1] <= 10 * np.nanmin(losses[:, 1])
    kept = {name: array.tobytes() for name, array in session.parameters.items()}
    again = Session(exploding())
    again.run(good)
    assert {name: array.tobytes() for name, array in again.parameters.items()} == kept
    session.set_setting("optimizer.learning_rate", 0.01)
    assert session.run(50) == 50
