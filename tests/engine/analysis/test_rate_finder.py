"""The learning-rate finder on a bowl, whose largest rate is known, and on a net."""

import numpy as np
import pytest

from engine import Document, Graph, ProblemError, Session
from engine.analysis.rate_finder import find_rate
from tests.engine.documents import layered_document
from tests.engine.test_session import assert_same, everything


def bowl(steepness, **training):
    """½ λ w² from 1."""
    graph = Graph()
    w, square = graph.add("parameter", initial=[1.0]), graph.add("square")
    half, total = graph.add("scale", factor=steepness / 2), graph.add("sum", over="all")
    for one, other in ((w, square), (square, half), (half, total)):
        graph.connect(one, other)
    plan = {"loss": total.id, "optimizer": {"type": "sgd", "learning_rate": 0.1}, **training}
    return Session(Document(graph, training=plan, precision="float64"))


@pytest.mark.parametrize("steepness", [0.5, 2.0, 40.0])
def test_no_rate_is_proposed_at_which_a_bowl_diverges(steepness):
    curve = find_rate(bowl(steepness), lowest=1e-5, highest=100.0, iterations=300)
    assert curve.exploded and curve.rates[-1] > 2 / steepness
    assert 0.001 / steepness < curve.steepest < 2 / steepness
    assert curve.steepest <= curve.largest
    np.testing.assert_allclose(curve.rates[1:] / curve.rates[:-1], (1e7) ** (1 / 299))


def test_losses_are_those_behind_the_updates():
    session = bowl(2.0)
    curve = find_rate(session, lowest=0.01, highest=0.1, iterations=5)
    w, expected = 1.0, []
    for rate in np.geomspace(0.01, 0.1, 5):
        w -= rate * 2 * w
        expected.append(w * w)
    np.testing.assert_allclose(curve.losses, expected)
    assert not curve.exploded


def test_the_session_stays_as_it_is():
    session = Session(layered_document([3, 4, 2], optimizer={"type": "adam", "learning_rate": 0.01}))
    session.run(7)
    seen = everything(session)
    curve = find_rate(session, iterations=60)
    assert len(curve.rates) > 10 and np.isfinite(curve.smoothed).all()
    assert session.iteration == 7
    assert_same(everything(session), seen)


def test_a_schedule_does_not_bend_the_rates():
    plain = find_rate(bowl(2.0), iterations=20)
    scheduled = find_rate(bowl(2.0, schedule={"type": "cosine", "length": 5}), iterations=20)
    np.testing.assert_array_equal(plain.losses, scheduled.losses)


def test_it_can_be_cancelled():
    shares = []
    curve = find_rate(bowl(2.0), iterations=50, go_on=lambda share: shares.append(share) or len(shares) < 10)
    assert len(curve.rates) == 9 and shares == pytest.approx([k / 50 for k in range(10)])


def test_without_a_learning_rate_there_is_none_to_be_found():
    session = Session(layered_document([3, 4, 2], batch_size=0, optimizer={"type": "newton"}))
    with pytest.raises(ProblemError, match=r"Newton .* has no learning rate"):
        find_rate(session)
    with pytest.raises(ProblemError, match="cannot be tried"):
        find_rate(bowl(1.0), lowest=0.0)
