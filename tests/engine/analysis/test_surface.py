"""Loss surfaces: every height is the loss there, the session is left alone, and the gap is told."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.analysis.surface import LossSurface
from engine.document import Document
from engine.graph import Graph
from engine.problems import ProblemError
from engine.session import Session
from tests.engine.documents import xor_document


@pytest.fixture
def session() -> Session:
    session = Session(xor_document(), dtype="float64")
    session.run(30)
    return session


def two_weights(surface: LossSurface) -> tuple:
    return surface.axis("dense_1.weight", (0, 1)), surface.axis("dense_2.weight", (2, 0))


def test_every_height_is_the_loss_with_these_two_weights(session):
    drawing = LossSurface(session)
    surface = drawing.draw(*two_weights(drawing), columns=7, rows=5)
    assert surface.losses.shape == (5, 7)
    first, second = session.parameters["dense_1.weight"], session.parameters["dense_2.weight"]
    for j, i in ((0, 0), (3, 6), (4, 2)):
        other = Session(xor_document(), dtype="float64")
        for name, array in session.parameters.items():
            other.set_parameter(name, array)
        first[0, 1], second[2, 0] = surface.xs[i], surface.ys[j]
        other.set_parameter("dense_1.weight", first)
        other.set_parameter("dense_2.weight", second)
        assert surface.losses[j, i] == pytest.approx(other.evaluate("train")["loss"], abs=1e-12)


def test_drawing_leaves_the_session_untouched(session):
    before = {name: array.copy() for name, array in session.parameters.items()}
    drawing = LossSurface(session)
    drawing.draw(*two_weights(drawing), columns=3, rows=3)
    for name, array in session.parameters.items():
        np.testing.assert_array_equal(array, before[name])


def test_the_axes_reach_around_where_the_parameter_stands(session):
    drawing = LossSurface(session)
    axis = drawing.axis("dense_1.bias", (3,))
    now = session.parameters["dense_1.bias"][3]
    assert axis.low == pytest.approx(now - 2)
    assert axis.high == pytest.approx(now + 2)
    assert drawing.axis("dense_1.bias", (3,), -1, 6)[2:] == (-1, 6)


def test_the_gap_is_0_where_it_was_drawn_and_grows_as_the_other_weights_move(session):
    drawing = LossSurface(session)
    first, second = two_weights(drawing)
    surface = drawing.draw(first, second, columns=41, rows=41)
    point = drawing.point(session, surface)
    assert (point.x, point.y) == surface.centre
    assert point.loss == pytest.approx(surface.centre_loss)
    assert abs(point.gap) < 0.01
    session.run(500)
    later = drawing.point(session, surface)
    assert later.loss == pytest.approx(session.evaluate("train")["loss"])
    assert math.isnan(later.drawn) or later.gap < -0.05


def test_between_grid_points_heights_are_interpolated():
    graph = Graph()
    x, y, total = graph.add("constant", "x", value=1.0), graph.add("constant", "y", value=2.0), graph.add("add", "o")
    graph.connect(x, total["x"])
    graph.connect(y, total["x"])
    session = Session(Document(graph, precision="float64", training={"loss": "o"}))
    drawing = LossSurface(session)
    surface = drawing.draw(drawing.axis("x.value", (), 0, 4), drawing.axis("y.value", (), 0, 4), columns=5, rows=5)
    np.testing.assert_allclose(surface.losses, np.add.outer(np.arange(5.0), np.arange(5.0)))
    assert surface.drawn(1.25, 3.5) == pytest.approx(4.75)
    assert surface.drawn(4, 4) == pytest.approx(8)
    assert math.isnan(surface.drawn(4.01, 0))
    assert surface.centre == (1, 2)


def test_drawing_can_be_cancelled_and_tells_how_far_it_is(session):
    drawing = LossSurface(session)
    told: list[float] = []
    surface = drawing.draw(
        *two_weights(drawing), columns=4, rows=10, cancelled=lambda: len(told) >= 3, progress=told.append
    )
    assert told == pytest.approx([0.1, 0.2, 0.3])
    assert not surface.complete
    assert np.isfinite(surface.losses[:3]).all()
    assert np.isnan(surface.losses[3:]).all()


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda s: s.axis("dense_1.wait", (0, 0)), "dense_1.weight"),
        (lambda s: s.axis("dense_1.weight", (9, 9)), "no entry"),
        (lambda s: s.axis("dense_1.weight", (0,)), "no entry"),
        (lambda s: s.axis("dense_1.bias", (0,), 2, 1), "no stretch"),
        (lambda s: s.draw(s.axis("dense_1.bias", (0,)), s.axis("dense_1.bias", (0,))), "same parameter"),
    ],
)
def test_what_cannot_be_drawn_is_said(session, ask, says):
    with pytest.raises(ProblemError, match=says):
        ask(LossSurface(session))
