"""Linear equations, inverses and least squares, against NumPy and the source text's numbers."""

from __future__ import annotations

import numpy as np
import pytest

from engine.problems import ShapeMismatch
from tests.engine.nodes.playing_rules import session, value
from tests.engine.nodes.slopes import Alone

DRAW = np.random.default_rng(4)
MATRICES = DRAW.normal(size=(3, 4, 4))
SIDES = DRAW.normal(size=(3, 4, 2))
X, T = DRAW.normal(size=(12, 3)), DRAW.normal(size=(12, 2))


def test_every_example_has_equations_of_its_own():
    found = Alone("solve", {"a": MATRICES, "b": SIDES}).value()
    np.testing.assert_allclose(found, np.linalg.solve(MATRICES, SIDES), rtol=1e-9)


def test_an_inverse_undoes_its_matrix():
    np.testing.assert_allclose(
        Alone("inverse", {"x": MATRICES}).value() @ MATRICES, np.tile(np.eye(4), (3, 1, 1)), atol=1e-9
    )


@pytest.mark.parametrize("strength", [0.0, 0.3])
@pytest.mark.parametrize("biases", [False, True])
def test_least_squares_finds_in_one_iteration_what_numpy_finds(strength, biases):
    played = session("least_squares", X, T, strength=strength, biases=biases)
    played.step("iteration")
    table = np.hstack([X, np.ones((12, 1))])
    costs = strength * np.diag([1.0, 1, 1, float(biases)])
    wanted = np.linalg.solve(table.T @ table + costs, table.T @ T)
    np.testing.assert_allclose(value(played, "weight"), wanted[:3], rtol=1e-9)
    np.testing.assert_allclose(value(played, "bias"), wanted[3], rtol=1e-9)
    played.step("iteration")
    np.testing.assert_allclose(value(played, "error"), np.mean((T - table @ wanted) ** 2), rtol=1e-9)


TOY4 = [[2, 1], [1, -1], [-1, -1], [-2, 0.5]], [[1], [1], [-1], [-1]]
LINE3 = [[1], [2], [3]], [[1], [2], [2]]


@pytest.mark.parametrize(
    ("data", "strength", "wanted"),
    [
        (TOY4, 0.0, (0.603239, -0.032389, -0.004049)), (TOY4, 1.0, (0.546460, -0.011062, -0.001106)),
        (LINE3, 0.0, (0.5, 0.666667)), (LINE3, 1.0, (0.583333, 0.375)), (LINE3, 0.3, (0.5630, 0.4915)),
    ],
)  # fmt: skip
@pytest.mark.text("02:least-squares-closed-form")
def test_numbers_02_least_squares_closed_form(data, strength, wanted):
    played = session("least_squares", *data, strength=strength)
    played.run(2)
    found = [*value(played, "weight").ravel(), *value(played, "bias")]
    np.testing.assert_allclose(found, wanted, atol=6e-5 if strength == 0.3 else 6e-7)
    if data is TOY4 and strength == 0:
        assert 4 * value(played, "error") == pytest.approx(0.396761, abs=6e-7)


@pytest.mark.parametrize(
    ("strength", "wanted"), [(0.0, (0.325172, 1.335676)), (0.1, (0.403085, 1.106724)), (1.0, (0.429928, 0.521449))]
)
@pytest.mark.text("02:rbf-output-ridge")
def test_numbers_02_rbf_output_ridge(strength, wanted):
    rows, centres, widths = np.array([[0.0], [1.0], [2.0]]), np.array([0.5, 1.5]), np.array([1.0, 0.5])
    h = np.exp(-((rows - centres) ** 2) / (2 * widths**2))
    played = session("least_squares", h, [[1.0], [0.0], [2.0]], strength=strength, use_bias=False)
    played.step("iteration")
    np.testing.assert_allclose(value(played, "weight").ravel(), wanted, atol=5e-6)


def test_small_batches_of_the_data_still_mean_all_training_rows():
    whole, some = session("least_squares", X, T), session("least_squares", X, T, batch=5)
    whole.step("iteration")
    some.step("iteration")
    np.testing.assert_allclose(value(some, "weight"), value(whole, "weight"), rtol=1e-9)


@pytest.mark.text("06:katz-adjacency")
def test_numbers_06_katz_adjacency():
    joined = np.zeros((5, 5))
    for i, j in ((0, 1), (0, 2), (1, 2), (2, 3), (3, 4)):
        joined[i, j] = joined[j, i] = 1
    for alpha, wanted in (
        (0.1, (0.113768, 0.114823, 0.104384, 0.001160)),
        (0.3, (0.614897, 0.665529, 0.511945, 0.065822)),
    ):
        katz = Alone("inverse", {"x": (np.eye(5) - alpha * joined)[None]}).value()[0] - np.eye(5)
        np.testing.assert_allclose([katz[0, 1], katz[0, 2], katz[2, 3], katz[0, 4]], wanted, atol=1e-6)


def test_equations_that_depend_on_each_other_have_no_number_for_an_answer():
    twice = np.array([[[1.0, 2.0], [2.0, 4.0]]])
    assert not np.isfinite(Alone("inverse", {"x": twice}).value()).any()


def test_a_table_that_is_not_square_is_refused_with_its_reason():
    with pytest.raises(ShapeMismatch, match="a square matrix is needed"):
        Alone("inverse", {"x": DRAW.normal(size=(2, 3, 4))}).value()
