"""Glimpses, patches and pooling by chance, against NumPy and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from engine.problems import ShapeMismatch
from tests.engine.nodes.slopes import Alone

DRAW = np.random.default_rng(12)
IMAGES = DRAW.random((3, 2, 9, 7))
PLACES = np.array([[0.0, 0.0], [-0.5, 0.25], [0.9, -0.9]])


def test_a_glimpse_is_sharp_in_the_middle_and_coarse_around():
    found = Alone("glimpse", {"x": IMAGES, "place": PLACES}, size=3, scales=2).value()
    assert found.shape == (3, 4, 3, 3)
    for n, (row, column) in enumerate(PLACES):
        middle = [(row + 1) * 4, (column + 1) * 3]
        for scale in (0, 1):
            apart = np.arange(3 * 2**scale) - (3 * 2**scale - 1) / 2
            rows, columns = np.meshgrid(middle[0] + apart, middle[1] + apart, indexing="ij")
            for channel in range(2):
                seen = map_coordinates(IMAGES[n, channel], [rows, columns], order=1, mode="grid-constant")
                seen = seen.reshape(3, 2**scale, 3, 2**scale).mean(axis=(1, 3))
                np.testing.assert_allclose(found[n, 2 * scale + channel], seen, atol=1e-12)


class Summed(Alone):
    """A node of whose first output the squares are added up to one number."""

    def lowered(self, build, values):
        first = next(iter(super().lowered(build, values).values()))
        return {"y": build.emit("sum", first * first, axes=tuple(range(first.rank)))}


def test_derivatives_reach_the_place_only_where_that_is_wanted():
    for slope in ("blocked", "bilinear"):
        found = Summed("glimpse", {"x": IMAGES, "place": PLACES}, size=3, scales=2, slope=slope).slopes()
        assert found["x"].any()
        assert found["place"].any() == (slope == "bilinear")


def test_patches_are_the_squares_of_a_picture_row_by_row():
    images = DRAW.random((2, 3, 4, 6))
    found = Alone("patches", {"x": images}, size=2).value()
    assert found.shape == (2, 6, 12)
    for p, (i, j) in enumerate((i, j) for i in range(2) for j in range(3)):
        square = images[:, :, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
        np.testing.assert_array_equal(found[:, p], square.reshape(2, 12))
    with pytest.raises(ShapeMismatch, match="do not fill a picture"):
        Alone("patches", {"x": IMAGES}, size=2).value()


class Evaluated(Alone):
    """A node as it is lowered for an evaluation."""

    def lowered(self, build, values):
        build.training = False
        return super().lowered(build, values)


def test_a_cell_is_taken_as_often_as_its_share_says():
    window = np.array([[1.0, 3.0], [0.0, -4.0]])
    images = np.tile(window, (4000, 1, 1, 1))
    found = Alone("stochastic_pool", {"x": images}).value().ravel()
    assert set(found) == {1.0, 3.0}
    assert np.mean(found == 3) == pytest.approx(0.75, abs=0.03)
    np.testing.assert_allclose(Evaluated("stochastic_pool", {"x": images[:2]}).value().ravel(), (1 + 9) / 4)


def test_a_window_in_which_nothing_is_positive_answers_zero():
    images = -DRAW.random((2, 1, 4, 4))
    for kind in (Alone, Evaluated):
        np.testing.assert_array_equal(kind("stochastic_pool", {"x": images}).value(), np.zeros((2, 1, 2, 2)))
