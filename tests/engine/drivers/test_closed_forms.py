"""Drivers against what mathematics says of them on bowls, where everything is known."""

import numpy as np
import pytest

from engine.drivers import DRIVERS
from engine.drivers.lines import SEARCHES
from engine.explain.driven import ALONE, DIRECTIONS, TOLD, WITH_BEFORE
from engine.training import COUNTS, LINE_SEARCHES, DriverType, optimizer_types
from tests.engine.drivers.surfaces import bowl, random_bowl

DRIVEN = [name for name, kind in optimizer_types().items() if isinstance(kind, DriverType)]
EXACT = {"line_search": "quadratic"}
BOWLS = pytest.mark.parametrize(("size", "seed"), [(1, 0), (2, 1), (5, 2), (12, 3)])


def test_every_driver_that_can_be_chosen_is_there_and_can_be_explained():
    assert list(DRIVERS) and set(DRIVERS) == set(DRIVEN)
    assert set(SEARCHES) == set(LINE_SEARCHES)
    assert {*DIRECTIONS, *ALONE, WITH_BEFORE} == set(DRIVEN)
    assert {*COUNTS, *[name for one in DRIVEN for name in optimizer_types()[one].told]} == set(TOLD)


@BOWLS
@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("newton", {}),
        ("damped_newton", EXACT),
        ("saddle_free_newton", {"damping": 0.0}),
        ("hessian_free", {"damping": 0.0}),
    ],
)
def test_newton_solves_a_bowl_in_one_step(name, settings, size, seed):
    surface, _, bottom = random_bowl(size, seed)
    if name == "hessian_free":
        settings = {**settings, "tolerance": 1e-12}
    (at, counted, _), *_ = surface.walk(name, np.zeros(size), 1, **settings)
    np.testing.assert_allclose(at, bottom, rtol=1e-9, atol=1e-9)
    assert counted.products <= size + 3


@BOWLS
@pytest.mark.parametrize("form", ["linear", "linear_before", "fletcher_reeves", "polak_ribiere"])
def test_conjugate_gradients_solve_a_bowl_in_as_many_steps_as_it_has_dimensions(form, size, seed):
    surface, hessian, bottom = random_bowl(size, seed)
    trail = surface.walk("conjugate_gradient", np.zeros(size), size, form=form, **EXACT)
    np.testing.assert_allclose(trail[-1][0], bottom, rtol=1e-8, atol=1e-8)
    directions = np.array([counted.decision.direction for _, counted, _ in trail])
    products = directions @ hessian @ directions.T
    scale = np.sqrt(np.outer(np.diag(products), np.diag(products)))
    np.testing.assert_allclose(products / scale, np.eye(size), atol=1e-5)  # rounding spoils the last ones


@BOWLS
@pytest.mark.parametrize("name", ["bfgs", "dfp"])
def test_quasi_newton_methods_learn_the_inverse_hessian_of_a_bowl(name, size, seed):
    surface, hessian, bottom = random_bowl(size, seed)
    trail = surface.walk(name, np.zeros(size), size + 1, **EXACT)
    np.testing.assert_allclose(trail[-2][0], bottom, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(trail[-1][2].memory["inverse"], np.linalg.inv(hessian), rtol=1e-6, atol=1e-8)


@BOWLS
def test_with_exact_line_searches_all_conjugate_methods_walk_the_same_path(size, seed):
    surface, _, _ = random_bowl(size, seed)
    walk = {
        name: [at for at, _, _ in surface.walk(name, np.ones(size), size, **EXACT, **settings)]
        for name, settings in {
            "conjugate_gradient": {}, "bfgs": {}, "dfp": {}, "l_bfgs": {"pairs": "30", "start": "identity"},
        }.items()
    }  # fmt: skip
    for path in walk.values():
        np.testing.assert_allclose(path, walk["conjugate_gradient"], rtol=1e-6, atol=1e-7)


def test_two_loops_over_all_pairs_are_the_matrix_of_bfgs():
    surface, _, _ = random_bowl(6, 7)
    with_matrix = surface.walk("bfgs", np.ones(6), 5, line_search="backtracking")
    with_pairs = surface.walk("l_bfgs", np.ones(6), 5, line_search="backtracking", start="identity", pairs="30")
    for (one, _, _), (other, _, _) in zip(with_matrix, with_pairs, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9)


def test_one_coordinate_after_the_other_is_gauss_and_seidels_method():
    surface, hessian, bottom = random_bowl(4, 4)
    b, w = hessian @ bottom, np.zeros(4)
    for step, (at, counted, _) in enumerate(surface.walk("coordinate_descent", np.zeros(4), 12)):
        entry = step % 4
        w[entry] = (b[entry] - hessian[entry] @ w + hessian[entry, entry] * w[entry]) / hessian[entry, entry]
        np.testing.assert_allclose(at, w, rtol=1e-10)
        assert counted.decision.told["entry"] == entry + 1


@pytest.mark.parametrize("order", ["steepest", "random"])
def test_other_orders_of_coordinates_reach_the_bottom_too(order):
    surface, _, bottom = random_bowl(4, 4)
    trail = surface.walk("coordinate_descent", np.zeros(4), 200, order=order)
    np.testing.assert_allclose(trail[-1][0], bottom, atol=1e-6)
    entries = [int(counted.decision.told["entry"]) for _, counted, _ in trail]
    if order == "steepest":
        assert all(
            entry == 1 + np.argmax(np.abs(sight.slope)) for entry, (_, _, sight) in zip(entries, trail, strict=True)
        )
    assert set(entries) == {1, 2, 3, 4}


def test_the_diagonal_alone_solves_a_bowl_whose_axes_are_the_parameters():
    surface = bowl(np.diag([2.0, 8.0, 0.5]), [1.0, -1.0, 3.0])
    (at, counted, _), *_ = surface.walk("diagonal_newton", np.zeros(3), 1, damping=0.0)
    np.testing.assert_allclose(at, [0.5, -0.125, 6.0])
    assert counted.decision.told["lowest"] == 0.5


def test_a_direction_without_curvature_is_left_alone_by_newton():
    surface = bowl([[2.0, 0.0], [0.0, 0.0]], [2.0, 0.0])
    (at, counted, _), *_ = surface.walk("newton", [0.0, 5.0], 1)
    np.testing.assert_allclose(at, [1.0, 5.0])
    assert counted.decision.told["lowest"] == 0.0


def test_saddles_pull_newton_and_push_the_saddle_free_one():
    saddle = bowl([[2.0, 0.0], [0.0, -2.0]])
    assert np.allclose(saddle.walk("newton", [3.0, -2.0], 1)[0][0], 0.0)
    (at, counted, _), *_ = saddle.walk("saddle_free_newton", [3.0, -2.0], 1, damping=0.0)
    np.testing.assert_allclose(at, [0.0, -4.0])
    assert counted.decision.told["lowest"] == -2.0


def test_hessian_free_stops_where_the_curvature_is_not_positive():
    saddle = bowl([[2.0, 0.0], [0.0, -2.0]])
    (at, counted, _), *_ = saddle.walk("hessian_free", [0.0, -2.0], 1, damping=0.0)
    np.testing.assert_allclose(at, [0.0, -6.0])  # along the negative gradient, which points away from the saddle
    assert counted.decision.told["inner"] == 0


def test_levenberg_marquardt_raises_its_damping_until_the_step_pays_and_lowers_it_after():
    surface, _, bottom = random_bowl(3, 5)
    trail = surface.walk("levenberg_marquardt", np.zeros(3), 6)
    used = [counted.decision.told["damping_used"] for _, counted, _ in trail]
    np.testing.assert_allclose(used[:3], [0.01, 0.001, 0.0001])
    np.testing.assert_allclose(trail[-1][0], bottom, rtol=1e-8)
    steep = bowl([[2.0]])
    steep.loss = lambda w: float(np.sqrt(1 + w[0] ** 2))  # the model bottoms out far beyond the loss
    steep.slope = lambda w: w / np.sqrt(1 + w**2)
    steep.hessian = lambda w: np.array([[(1 + w[0] ** 2) ** -1.5]])
    (at, counted, _), *_ = steep.walk("levenberg_marquardt", [10.0], 1)
    assert counted.losses > 1 and abs(at[0]) < 10.0
    np.testing.assert_allclose(counted.decision.told["damping_used"], 0.01 * 10.0 ** (counted.losses - 1))


@pytest.mark.parametrize("scaling", ["identity", "diagonal"])
def test_levenberg_damps_all_parameters_alike_and_marquardt_each_by_its_curvature(scaling):
    surface, hessian, bottom = random_bowl(3, 5)
    (at, *_), *_ = surface.walk("levenberg_marquardt", np.zeros(3), 1, damping=0.5, scaling=scaling)
    damped = hessian + 0.5 * (np.eye(3) if scaling == "identity" else np.diag(np.diag(hessian)))
    np.testing.assert_allclose(at, np.linalg.solve(damped, hessian @ bottom), rtol=1e-9)


def test_restarts_forget_the_direction():
    surface, _, _ = random_bowl(6, 6)
    trail = surface.walk("conjugate_gradient", np.zeros(6), 6, restart=2.0)
    assert [counted.decision.told["beta"] > 0 for _, counted, _ in trail] == [False, True] * 3


@pytest.mark.parametrize("name", DRIVEN)
def test_at_the_bottom_nothing_moves(name):
    surface, _, _ = random_bowl(3, 8)
    surface = bowl(surface.hessian(np.zeros(3)))
    for at, counted, _ in surface.walk(name, np.zeros(3), 3):
        np.testing.assert_array_equal(at, 0.0)
        assert np.isfinite(counted.decision.length)


@pytest.mark.parametrize("name", DRIVEN)
def test_where_the_loss_is_no_number_the_step_is_none_either(name):
    surface = bowl(np.eye(2))
    surface.loss = lambda w: float("nan")
    (at, counted, _), *_ = surface.walk(name, np.ones(2), 1)
    assert np.isnan(at).all() and counted[1:] == (0, 0, 0)
