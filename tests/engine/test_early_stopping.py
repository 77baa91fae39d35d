"""Early stopping: in hindsight, on rows that are not learned from, with the parameters of the best moment."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pytest

from engine import Document, Graph, Session
from engine.training import Training
from tests.engine.test_session import assert_same, everything

pytestmark = pytest.mark.text("04:early-stopping")


def noisy(**stopping: Any) -> Document:
    """Six noisy rows to learn from, six others to be watched: soon learned by heart."""
    random = np.random.default_rng(3)
    x = random.uniform(-1, 1, (12, 2))
    graph = Graph()
    before, t = graph.add("input"), graph.add("target")
    for units, activation in ((16, "tanh"), (1, "identity")):
        layer = graph.add("dense", units=units, activation=activation)
        graph.connect(before, layer)
        before = layer
    e = graph.add("mean_squared_error")
    graph.connect(before, e["prediction"])
    graph.connect(t, e["target"])
    data = {"inputs": x, "targets": x[:, :1] - x[:, 1:] + random.normal(0, 0.6, (12, 1)), "test_fraction": 0.5}
    plan = {"loss": e.id, "optimizer": {"type": "adam", "learning_rate": 0.05}, "batch_size": 3, "stopping": stopping}
    return Document(graph, data=data, training=plan)


def watched_losses(epochs: int, part: Literal["train", "test"] = "test") -> list[float]:
    """The loss of a part after each epoch of a run that nothing stops."""
    session = Session(noisy(type="never"))
    found = []
    for _ in range(epochs):
        session.step("epoch")
        found.append(session.evaluate(part)["loss"])
    return found


def expected_stop(losses: list[float], patience: int) -> tuple[int, int]:
    """The best epoch and the one at which patience is over, counted from 1."""
    best = 0
    for epoch, loss in enumerate(losses):
        if loss < losses[best]:
            best = epoch
        elif epoch - best >= patience:
            return best + 1, epoch + 1
    raise AssertionError("this run never stops")


@pytest.mark.parametrize("patience", [1, 5, 20])
def test_a_run_goes_back_to_the_moment_at_which_the_watched_loss_was_best(patience):
    best, _ = expected_stop(watched_losses(300), patience)
    session = Session(noisy(type="early", patience=patience))
    session.run(100_000)
    assert session.problem is not None and session.problem.kind == "stopped" and session.problem.severity == "warning"
    assert f"best in epoch {best}," in session.problem.fact
    assert (session.epoch, session.iteration) == (best, 2 * best)
    plain = Session(noisy(type="never"))
    plain.run(2 * best)
    assert_same(session.parameters, plain.parameters)
    assert session.run(10) == 0


def test_a_run_may_stay_where_it_stopped():
    _, end = expected_stop(watched_losses(300), 5)
    session = Session(noisy(type="early", patience=5, restore_best=False))
    session.run(100_000)
    assert session.epoch == end


def test_stepping_stops_where_running_does():
    running = Session(noisy(type="early", patience=3))
    running.run(100_000)
    for kind in ("node", "iteration", "epoch"):
        stepped = Session(noisy(type="early", patience=3))
        while stepped.problem is None:
            stepped.step(kind)
        assert stepped.problem == running.problem
        assert_same(stepped.parameters, running.parameters)


def test_in_pieces_it_stops_where_it_stops_in_one():
    whole, pieces = Session(noisy(type="early", patience=3)), Session(noisy(type="early", patience=3))
    whole.run(100_000)
    while pieces.problem is None:
        pieces.run(3)
    assert pieces.problem == whole.problem
    assert_same(everything(pieces), everything(whole))


def test_going_back_forgets_what_has_not_happened_yet():
    session, plain = Session(noisy(type="early", patience=5)), Session(noisy(type="early", patience=5))
    session.run(30)
    for _ in range(25):
        session.step_back("iteration")
    for one in (session, plain):
        one.run(100_000)
    assert session.problem == plain.problem
    assert_same(session.parameters, plain.parameters)


def test_more_patience_lets_it_go_on_without_a_new_plan():
    document = noisy(type="early", patience=1)
    session = Session(document)
    session.run(100_000)
    first, tape = session.epoch, session.tape
    patient = document.copy()
    plan = patient.training.to_json()
    plan["phases"][0]["stopping"]["patience"] = 20
    patient.training, _ = Training.from_json(plan)
    session.edit(patient, 1)
    assert session.problem is None and session.tape is tape and session.epoch == first
    session.run(100_000)
    assert session.epoch == expected_stop(watched_losses(300), 20)[0]


def test_the_training_loss_can_be_watched_as_well():
    session = Session(noisy(type="early", patience=2, watch="training"))
    session.run(100_000)
    assert session.problem is not None and session.problem.fact.startswith("stopped early: the training loss was best")


def test_without_rows_to_watch_nothing_stops():
    document = noisy(type="early", patience=1)
    table = document.load_data()[0]
    alone = {"inputs": table.inputs, "targets": table.targets, "test_fraction": 0.0}
    session = Session(Document(document.graph, data=alone, training=document.training.to_json()))
    assert session.run(200) == 200 and session.problem is None


def test_a_reset_begins_to_watch_anew():
    session = Session(noisy(type="early", patience=2))
    session.run(100_000)
    stopped = session.problem
    session.reset()
    assert session.problem is None
    session.run(100_000)
    assert session.problem == stopped


def test_a_patience_that_is_dragged_counts_at_once():
    session = Session(noisy(type="early", patience=1))
    session.run(100_000)
    session.set_setting("training.main.stopping.patience", 20)
    assert session.problem is None
    session.run(100_000)
    assert session.epoch == expected_stop(watched_losses(300), 20)[0]
