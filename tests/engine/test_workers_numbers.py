"""Many workers, one store of parameters: late gradients as the text's model has them, gathered ones as larger batches."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine import Document, Graph, Session
from tests.engine.test_optimizers_numbers import scaled_bowl, trace


def asynchronous(curvature: float, rate: float, delay: int) -> Session:
    """J = curvature/2 · w² from 1, its gradients late by some updates."""
    optimizer = {"type": "asynchronous", "learning_rate": rate, "delay": delay}
    return scaled_bowl([curvature / 2], [1.0], optimizer=optimizer)


@pytest.mark.parametrize("delay", [0, 1, 2, 4, 8])
def test_a_gradient_is_as_old_as_is_said(delay):
    rate, curvature = 0.15, 0.8
    way = [1.0]
    for step in range(40):
        old = way[step - delay] if step >= delay else 0.0
        way.append(way[-1] - rate * curvature * old)
    points = trace(asynchronous(curvature, rate, delay), 40)[:, 0]
    np.testing.assert_allclose(points, way[1:], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(("delay", "limit"), [(0, 2), (1, 1), (2, 0.618034), (4, 0.347296), (8, 0.184537)])
@pytest.mark.text("03:async-sgd")
def test_the_greatest_rate_falls_with_the_delay(delay, limit):
    assert limit == pytest.approx(2 * math.sin(math.pi / (2 * (2 * delay + 1))), abs=5e-7)
    below, above = (asynchronous(1.0, share * limit, delay) for share in (0.98, 1.02))
    ends = []
    for session in (below, above):
        session.run(100)
        early = np.abs(trace(session, 60)).max()
        session.run(400)
        ends.append(np.abs(trace(session, 60)).max() / early)
    assert ends[0] < 0.9
    assert ends[1] > 1.1


def moons(batch: int, **optimizer: object) -> Session:
    graph = Graph()
    inputs, target = graph.add("input"), graph.add("target")
    hidden, output = graph.add("dense", units=5, activation="tanh"), graph.add("dense", units=1, activation="sigmoid")
    loss = graph.add("mean_squared_error")
    for begin, end in [(inputs, hidden), (hidden, output), (output, loss["prediction"]), (target, loss["target"])]:
        graph.connect(begin, end)
    training = {"loss": loss.id, "optimizer": optimizer, "batch_size": batch, "order": "sequential", "seed": 3}
    data = {"train": {"name": "moons", "samples": 120}}
    return Session(Document(graph, data, training, precision="float64"))


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.text("03:data-parallelism-sync")
def test_workers_that_wait_for_each_other_are_one_with_a_larger_batch(workers):
    many = moons(8, type="data_parallel", learning_rate=0.3, workers=workers)
    one = moons(8 * workers, type="sgd", learning_rate=0.3)
    for _ in range(6):
        many.run(workers)
        one.run(1)
        for address, expected in one.parameters.items():
            np.testing.assert_allclose(many.parameters[address], expected, rtol=1e-10, atol=1e-12)


def test_before_the_last_worker_is_there_nothing_moves():
    session = moons(8, type="data_parallel", learning_rate=0.3, workers=3)
    begun = session.parameters
    session.run(2)
    for address, numbers in session.parameters.items():
        np.testing.assert_array_equal(numbers, begun[address])
