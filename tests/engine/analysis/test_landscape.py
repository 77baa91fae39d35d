"""Lines and planes through the space of all parameters: every height is the loss there, written down once more."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA

from engine import Document, Graph, Session
from engine.analysis.landscape import Direction, Landscape, Way
from engine.analysis.surface import LossSurface
from engine.problems import ProblemError
from tests.engine.documents import layered_document, xor_document


@pytest.fixture(scope="module")
def session() -> Session:
    session = Session(layered_document([4, 5, 3, 2], rows=8), dtype="float64")
    session.run(20)
    return session


def loss_at(session: Session, parts: dict[str, np.ndarray]) -> float:
    """The same network, written down once more."""
    assert session.dataset is not None
    h = session.dataset.inputs
    for place in (1, 2, 3):
        h = h @ parts[f"dense_{place}.weight"] + parts[f"dense_{place}.bias"]
        h = np.tanh(h) if place < 3 else h
    return float(np.mean((h - session.dataset.targets) ** 2))


def at(landscape: Landscape, first: Direction, x: float, second: Direction, y: float) -> dict[str, np.ndarray]:
    return landscape.layout.parts(landscape.centre + x * first.vector + y * second.vector)


def test_every_height_of_a_plane_is_the_loss_there(session):
    landscape = Landscape(session)
    first, second = landscape.random(1), landscape.random(2)
    plane = landscape.plane(first, second, (-1, 2), (-0.5, 0.5), columns=7, rows=5)
    assert plane.losses.shape == (5, 7)
    expected = [[loss_at(session, at(landscape, first, x, second, y)) for x in plane.xs] for y in plane.ys]
    np.testing.assert_allclose(plane.losses, expected, rtol=1e-12)
    assert plane.centre_loss == pytest.approx(loss_at(session, session.parameters), rel=1e-12)
    assert plane.drawn(plane.xs[3], plane.ys[1]) == pytest.approx(plane.losses[1, 3])
    assert np.isnan(plane.drawn(3, 0))


def test_a_line_reaches_another_point_at_one(session):
    other = Session(layered_document([4, 5, 3, 2], rows=8), dtype="float64")
    start = Landscape(other)
    landscape = Landscape(session)
    line = landscape.line(landscape.towards(start.point), 0, 1, points=21)
    assert line.losses[0] == pytest.approx(loss_at(session, session.parameters))
    assert line.losses[-1] == pytest.approx(loss_at(other, other.parameters))
    halfway = landscape.layout.parts((landscape.point + start.point) / 2)
    assert line.losses[10] == pytest.approx(loss_at(session, halfway))


def test_a_plane_of_two_parameters_is_the_surface_of_these(session):
    landscape, drawing = Landscape(session), LossSurface(session)
    entries = ("dense_1.weight", (0, 1)), ("dense_3.bias", (1,))
    axes = [drawing.axis(*entry) for entry in entries]
    surface = drawing.draw(*axes, columns=5, rows=4)
    spans = [(axis.low - at, axis.high - at) for axis, at in zip(axes, surface.centre, strict=True)]
    plane = landscape.plane(*[landscape.entry(*entry) for entry in entries], *spans, columns=5, rows=4)
    np.testing.assert_allclose(plane.losses, surface.losses, rtol=1e-12)
    assert plane.first.name == "dense_1.weight[0, 1]"


def test_random_directions_are_as_long_as_the_weights_filter_by_filter(session):
    landscape = Landscape(session)
    parts, weights = landscape.layout.parts(landscape.random(3).vector), session.parameters
    for place in (1, 2, 3):
        weight, drawn = weights[f"dense_{place}.weight"], parts[f"dense_{place}.weight"]
        np.testing.assert_allclose(np.linalg.norm(drawn, axis=0), np.linalg.norm(weight, axis=0))
        assert not parts[f"dense_{place}.bias"].any()
    np.testing.assert_array_equal(landscape.random(3).vector, landscape.random(3).vector)
    assert abs(np.corrcoef(landscape.random(3).vector, landscape.random(4).vector)[0, 1]) < 0.5


def test_principal_directions_are_those_of_an_independent_analysis():
    session, way = Session(layered_document([4, 3, 2]), dtype="float64"), Way()
    for _ in range(12):
        session.run(5)
        way.note(session)
    landscape = Landscape(session)
    points = way.points(landscape.layout)
    np.testing.assert_array_equal(points[-1], landscape.point)
    # Mirrored at the end of the way, the points have it as their mean.
    pca = PCA(2).fit(np.concatenate([points, 2 * landscape.point - points]))
    first, second = landscape.principal(way)
    for direction, component in zip((first, second), pca.components_, strict=True):
        assert abs(direction.vector @ component) == pytest.approx(1)
    assert first.name == f"principal 1 ({100 * pca.explained_variance_ratio_[0]:.0f} %)"
    coordinates = landscape.coordinates(points, first, second)
    np.testing.assert_allclose(coordinates[-1], 0, atol=1e-12)
    np.testing.assert_allclose(coordinates[:, 0], (points - landscape.point) @ first.vector, atol=1e-12)


def test_a_way_keeps_at_most_so_many_points_evenly_spaced(session):
    way, other = Way(), Session(xor_document())
    for _ in range(1500):
        other.run(1)
        way.note(other)
    iterations = np.diff(way.iterations)
    assert 256 <= len(iterations) <= 512
    assert set(iterations) == {4}
    with pytest.raises(ProblemError, match="Begin the way anew"):
        Landscape(session).principal(way)


def test_a_loss_that_is_not_finite_leaves_a_hole_and_the_rest_is_drawn():
    graph = Graph()
    w, y = graph.add("parameter", "w", initial=1.0), graph.add("log", "loss")
    graph.connect(w, y)
    landscape = Landscape(Session(Document(graph, training={"loss": "loss"}, precision="float64")))
    line = landscape.line(landscape.entry("w.value"), -3, 2, points=11)
    with np.errstate(invalid="ignore", divide="ignore"):
        np.testing.assert_allclose(line.losses, np.log(1 + line.ts))


@pytest.mark.text("03:convexity-chord-test")
def test_the_chord_lies_above_where_a_loss_is_convex_and_below_where_it_is_not():
    graph = Graph()
    w, square, c = (
        graph.add("parameter", "w", initial=[0.0, 0.0]),
        graph.add("square"),
        graph.add("constant", value=[1.0, -1.0]),
    )
    product, total = graph.add("multiply"), graph.add("sum", "loss", over="all")
    for source, target in ((w, square), (square, product["x"]), (c, product["x"]), (product, total)):
        graph.connect(source, target)
    landscape = Landscape(Session(Document(graph, training={"loss": "loss"}, precision="float64")))
    along = {place: landscape.line(landscape.entry("w.value", (place,)), points=3).losses for place in (0, 1)}
    np.testing.assert_allclose(along[0], [1, 0, 1])
    np.testing.assert_allclose(along[1], [-1, 0, -1])  # 0 at λ = ½ is more than −1, so it is not convex


def test_drawing_can_be_cancelled_and_tells_how_far_it_is(session):
    landscape, told = Landscape(session), []
    plane = landscape.plane(
        landscape.random(1), landscape.random(2), columns=4, rows=10, cancelled=lambda: len(told) >= 3,
        progress=told.append,
    )  # fmt: skip
    assert told == pytest.approx([0.1, 0.2, 0.3])
    assert not plane.complete
    assert np.isfinite(plane.losses[:3]).all()
    assert np.isnan(plane.losses[3:]).all()
    line = landscape.line(landscape.random(1), cancelled=lambda: True)
    assert not line.complete
    assert np.isnan(line.losses).all()


def test_drawing_leaves_the_session_untouched(session):
    before, iteration = session.weights.arrays, session.iteration
    landscape = Landscape(session)
    landscape.plane(landscape.random(1), landscape.random(2), columns=3, rows=3)
    assert session.iteration == iteration
    for address, array in session.weights.arrays.items():
        np.testing.assert_array_equal(array, before[address])


def test_it_is_drawn_in_the_precision_of_the_session():
    session = Session(layered_document([4, 5, 2], rows=40))
    fine = Landscape(session, dtype="float64")
    rough = Landscape(session)
    one, other = (each.line(each.random(1), points=11).losses for each in (fine, rough))
    np.testing.assert_allclose(other, one, rtol=1e-5)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda s: s.entry("dense_1.wait"), "dense_1.weight"),
        (lambda s: s.entry("dense_1.weight", (9, 9)), "no entry"),
        (lambda s: s.line(s.random(), 1, 1), "no stretch"),
        (lambda s: s.line(s.random(), points=1), "no stretch"),
        (lambda s: s.plane(s.random(1), s.random(1)), "directions are the same"),
        (lambda s: s.towards(np.zeros(3)), "has 17 numbers"),
    ],
)
def test_what_cannot_be_drawn_is_said(ask, says):
    with pytest.raises(ProblemError, match=says):
        ask(Landscape(Session(xor_document())))
