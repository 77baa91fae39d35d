"""Worked numbers of chapter 4: stability of optimizers, conjugate directions, normalisation, layers with fewer numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engine import Session
from engine.analysis.curvature import Curvature
from tests.texts.drawing import Drawing, both_ways, forward, gradient, table, value

SURE = 0.02  # how far beside a limit of stability both sides are tried


def parabola(curvature: float, **optimizer: Any) -> Session:
    """½ λ w² from 1."""
    g = Drawing()
    loss = g.put("scale", g.put("square", g.learned(1.0, "w")), factor=curvature / 2)
    return g.session(loss, optimizer=optimizer)


def size_after(steps: int, curvature: float, **optimizer: Any) -> float:
    session = parabola(curvature, **optimizer)
    session.run(steps)
    return abs(float(session.parameters["w.value"]))


@pytest.mark.parametrize(
    ("optimizer", "limit"),
    [
        ({"type": "sgd"}, 2.0),
        ({"type": "momentum", "momentum": 0.9}, 3.8),
        ({"type": "momentum", "momentum": 0.5}, 3.0),
        ({"type": "nesterov", "momentum": 0.9}, 3.8 / 2.8),
        ({"type": "nesterov", "momentum": 0.5}, 1.5),
    ],
)
@pytest.mark.text("03:steepest-descent", "03:momentum", "03:nesterov")
def test_rates_are_stable_up_to_their_limit_and_not_beyond(optimizer, limit):
    if optimizer == {"type": "nesterov", "momentum": 0.9}:
        assert limit == pytest.approx(1.357, abs=5e-4)
    assert size_after(2000, 1.0, learning_rate=limit * (1 - SURE), **optimizer) < 1e-3
    assert size_after(2000, 1.0, learning_rate=limit * (1 + SURE), **optimizer) > 1e3


@pytest.mark.text("03:momentum")
def test_under_a_constant_gradient_momentum_makes_steps_ten_times_as_long():
    g = Drawing()
    session = g.session(
        g.put("scale", g.learned(0.0, "w"), factor=3.0),
        optimizer={"type": "momentum", "momentum": 0.9, "learning_rate": 0.01},
    )
    session.run(300)
    before = float(session.parameters["w.value"])
    session.run(1)
    assert float(session.parameters["w.value"]) - before == pytest.approx(-10 * 0.01 * 3, rel=1e-10)


@pytest.mark.parametrize(
    ("curvatures", "optimizer", "rate"),
    [
        ((2, 8), {"type": "sgd", "learning_rate": 0.2}, 0.6),
        ((1, 100), {"type": "sgd", "learning_rate": 2 / 101}, 0.980198),
        ((2, 8), {"type": "momentum", "learning_rate": 2 / 9, "momentum": 1 / 9}, 1 / 3),
    ],
)
@pytest.mark.text("03:steepest-descent", "03:momentum")
def test_the_best_rates_shrink_every_direction_alike(curvatures, optimizer, rate):
    for curvature in curvatures:
        session = parabola(curvature, **optimizer)
        session.run(20)
        before = abs(float(session.parameters["w.value"]))
        session.run(20)
        shrunk = (abs(float(session.parameters["w.value"])) / before) ** (1 / 20)
        # A double root of momentum shrinks as t ρᵗ: the factor t fades slowly.
        assert shrunk == pytest.approx(rate, rel=0.06 if optimizer["type"] == "momentum" else 1e-6)


@pytest.mark.parametrize(("delay", "limit"), [(0, 2), (1, 1), (2, 0.618034), (4, 0.347296), (8, 0.184537)])
@pytest.mark.text("03:async-sgd")
def test_gradients_of_parameters_of_some_steps_ago_allow_smaller_rates(delay, limit):
    """w ← w − αλ w of k steps ago, drawn as delays in a chain and played over 300 steps of time."""
    g = Drawing()
    now = g.put("each_step", g.add("input"))
    w = g.add("delay", initial=1.0, shape=[1])
    old = w
    for _ in range(delay):
        old = g.put("delay", old, initial=1.0, shape=[1])
    moved = g.put("add", w, g.put("scale", old, factor=-limit, id="rate"), now)
    g.connect(moved, w["x"])
    g.put("all_steps", moved, id="walk")
    data = {"train": {"inputs": np.zeros((1, 300, 1)).tolist(), "targets": [[0.0]], "task": "regression"}}
    session = g.session(data=data)
    for rate, dies in ((limit * (1 - SURE), True), (limit * (1 + SURE), False)):
        session.set_setting("rate.factor", -rate)
        session.step("iteration")
        walk = np.abs(value(session, "walk")[0, :, 0])
        assert bool(walk[-40:].max() < walk[60:100].max()) is dies


@pytest.mark.text("03:leaky-relu")
def test_a_leaky_unit_lets_a_tenth_of_negative_numbers_through():
    g = Drawing()
    x = g.learned([-2.0, 3.0, 0.0], "x")
    h = g.put("leaky_relu", x, slope=0.1, id="h")
    session = both_ways(g.session(g.total(h)))
    np.testing.assert_allclose(value(session, "h"), [-0.2, 3, 0])
    np.testing.assert_allclose(gradient(session, "x.value"), [0.1, 1, 0.1])  # 0 belongs to the branch of the slope


H3 = np.array([[4.0, 1, 0], [1, 3, 1], [0, 1, 2]])
B3 = [1.0, 2.0, 3.0]


def quadratic(directions: Any) -> Drawing:
    """½ wᵀHw − bᵀw, where w = Qt and t learns from 0."""
    g = Drawing()
    w = g.put("matmul", g.learned([[0.0, 0, 0]], "t"), g.held(np.transpose(directions)), id="w")
    half = g.put("scale", g.total(g.put("multiply", g.put("matmul", w, g.held(H3)), w)), factor=0.5)
    g.put("subtract", half, g.total(g.put("multiply", w, g.held([B3]))), id="loss")
    return g


@pytest.mark.text("03:gram-schmidt-conjugate")
def test_one_search_along_each_conjugate_direction_reaches_the_bottom():
    bowl = Curvature(quadratic(np.eye(3)).session("loss"))
    directions: list[np.ndarray] = []
    for unit in np.eye(3):
        image = bowl.product(unit)
        parts = [(image @ q) / (q @ bowl.product(q)) * q for q in directions]
        directions.append(unit - sum(parts, np.zeros(3)))
    np.testing.assert_allclose(directions, [[1, 0, 0], [-0.25, 1, 0], [1 / 11, -4 / 11, 1]], atol=1e-14)
    turned = quadratic(np.transpose(directions))
    session = turned.session("loss", optimizer={"type": "coordinate_descent"})
    np.testing.assert_allclose(Curvature(session).hessian(), np.diag([4, 2.75, 1.636363636]), atol=5e-10)
    places = [(0.25, 0, 0), (0.090909091, 0.636363636, 0), (0.222222222, 0.111111111, 1.444444444)]
    for place in places:
        session.run(1)
        forward(session)
        np.testing.assert_allclose(value(session, "w"), [place], atol=5e-10)


FOUR = [[1.0], [2.0], [3.0], [4.0]]


@pytest.mark.text("03:batch-norm-inference", "03:batch-norm-node")
def test_with_the_statistics_that_were_kept_normalisation_is_a_line():
    g = Drawing()
    y = g.put(
        "batch_normalisation", g.add("input"), epsilon=0.0, share=1.0, initial_scale=[2.0], initial_shift=[0.5], id="a"
    )
    loss = g.put("squared_error", y, g.add("target"))
    session = g.session(loss, table(FOUR), optimizer={"type": "sgd", "learning_rate": 0.0})
    session.run(1)
    np.testing.assert_allclose(
        value(session, "a")[:, 0], [-2.183281573, -0.394427191, 1.394427191, 3.183281573], atol=5e-10
    )
    intercept, one, far = session.predict(np.array([[0.0], [1.0], [7.0]]))[:, 0]
    assert intercept == pytest.approx(-3.972135955, abs=5e-10)
    assert one - intercept == pytest.approx(1.788854382, abs=5e-10) == (far - intercept) / 7


def stored(rows: int, columns: int, rank: int = 0) -> int:
    """How many numbers a layer keeps, whole or as a product of two."""
    g = Drawing()
    before = g.add("input")
    for units in (rank, columns) if rank else (columns,):
        before = g.put("dense", before, units=units, use_bias=False)
    session = g.session(data=table(np.zeros((1, rows))))
    return sum(array.size for array in session.parameters.values())


@pytest.mark.parametrize(
    ("rows", "columns", "mean", "largest"),
    [(100, 100, 100, 49), (784, 256, 385.969, 192), (64, 128, 85.333, 42), (200, 50, 80, 39)],
)
@pytest.mark.text("03:low-rank-layer")
def test_a_product_of_two_layers_saves_below_half_the_harmonic_mean(rows, columns, mean, largest):
    whole = stored(rows, columns)
    assert stored(rows, columns, largest) < whole <= stored(rows, columns, largest + 1)
    assert 2 * whole / stored(rows, columns, 1) == pytest.approx(mean, abs=5e-4)


@pytest.mark.text("03:low-rank-layer")
def test_a_square_layer_of_rank_8_keeps_an_eighth():
    assert (stored(128, 128), stored(128, 128, 8)) == (16384, 2048)


@pytest.mark.text("03:hashed-weights")
def test_weights_that_share_a_group_add_up_their_slopes():
    draw = np.random.default_rng(0)
    groups, x = draw.integers(0, 1000, 10_000), draw.normal(size=(10_000, 1))
    sizes = np.bincount(groups, minlength=1000)
    g = Drawing()
    shared = g.learned(draw.normal(size=(1000, 1)), "shared")
    spread = g.put("gather", shared, g.add("target"), id="spread")
    loss = g.total(g.put("tanh", g.put("multiply", spread, g.add("input"))))
    session = both_ways(g.session(loss, {"train": {"inputs": x, "targets": groups, "task": "classes"}}))
    assert value(session, "spread").size == 10_000 and session.parameters["shared.value"].size == 1000
    by_group = np.zeros(1000)
    np.add.at(by_group, groups, gradient(session, "spread")[:, 0])
    np.testing.assert_allclose(gradient(session, "shared.value")[:, 0], by_group, atol=1e-13)
    assert sizes.mean() == 10 and (sizes == 0).sum() <= 1  # 0.045 empty groups are expected


TURNED = [[5.0, -3], [-3, 5]]


def bowl(hessian: Any, start: Any, **optimizer: Any) -> Session:
    """½ wᵀHw."""
    g = Drawing()
    w = g.learned([start], "w")
    loss = g.put("scale", g.total(g.put("multiply", g.put("matmul", w, g.held(hessian)), w)), factor=0.5)
    return g.session(loss, optimizer=optimizer)


def walked(session: Session, steps: int) -> np.ndarray:
    places = []
    for _ in range(steps):
        session.run(1)
        places.append(session.parameters["w.value"][0])
    return np.array(places)


@pytest.mark.text("03:biblio-coordinate-descent")
def test_one_coordinate_after_the_other():
    straight = walked(bowl([[2, 0], [0, 8]], [1.0, 1.0], type="coordinate_descent"), 2)
    np.testing.assert_allclose(straight, [[0, 1], [0, 0]], atol=1e-14)
    turned = walked(bowl(TURNED, [1.0, 1.0], type="coordinate_descent"), 8)[1::2]
    np.testing.assert_allclose(turned[1:] / turned[:-1], 0.36, rtol=1e-12)


@pytest.mark.text("03:biblio-diagonal-hessian")
def test_the_diagonal_of_the_curvature_alone():
    straight = walked(bowl([[2, 0], [0, 8]], [1.0, 1.0], type="diagonal_newton", damping=0.0), 1)
    np.testing.assert_allclose(straight, [[0, 0]], atol=1e-14)
    for start, factor in (([1.0, 1.0], 0.6), ([1.0, -1.0], -0.6)):  # eigenvalues 0.4 and 1.6 behind the diagonal
        turned = walked(bowl(TURNED, start, type="diagonal_newton", damping=0.0), 4)
        np.testing.assert_allclose(turned[0], factor * np.array(start), rtol=1e-12)
        np.testing.assert_allclose(turned[1:] / turned[:-1], factor, rtol=1e-10)


@pytest.mark.text("03:biblio-saddle-free")
def test_the_size_of_the_curvature_doubles_the_way_from_a_saddle():
    session = bowl([[2, 0], [0, -2]], [1.0, 0.001], type="saddle_free_newton", damping=0.0, line_search="none")
    np.testing.assert_allclose(walked(session, 3), [[0, 0.002], [0, 0.004], [0, 0.008]], atol=1e-15)
