"""Shapes in a picture: what is drawn stands where the box says, and pixels of squares are marked."""

from __future__ import annotations

import numpy as np
import pytest

from engine.datasets import load


def test_a_shape_touches_all_four_sides_of_its_box_and_nothing_lies_outside():
    data = load({"name": "shapes", "samples": 90, "wanted": "both"})
    assert data.inputs.shape == (90, 1, 12, 12) and data.targets.shape == (90, 7)
    np.testing.assert_array_equal(data.targets[:, :3].sum(axis=0), [30, 30, 30])
    for picture, (top, left, height, width) in zip(
        data.inputs[:, 0], np.rint(data.targets[:, 3:] * 12).astype(int), strict=True
    ):
        rows, columns = np.flatnonzero(picture.any(axis=1)), np.flatnonzero(picture.any(axis=0))
        assert (rows[0], rows[-1], columns[0], columns[-1]) == (top, top + height - 1, left, left + width - 1)
        assert 4 <= height <= 6 and set(np.unique(picture)) == {0, 1}


def test_a_square_is_full_and_a_disc_has_no_corners_and_a_cross_has_little_else_than_its_arms():
    data = load({"name": "shapes", "samples": 30, "smallest": 5, "largest": 5})
    cells = data.inputs.sum(axis=(1, 2, 3))
    assert set(cells[data.targets == 0]) == {25} and set(cells[data.targets == 2]) == {9}
    assert set(cells[data.targets == 1]) == {21}


def test_the_same_places_are_drawn_whatever_is_wanted():
    kinds, boxes = (load({"name": "shapes", "samples": 12, "wanted": wanted}) for wanted in ("kind", "box"))
    np.testing.assert_array_equal(kinds.inputs, boxes.inputs)
    assert boxes.targets.shape == (12, 4) and kinds.targets.tolist() == [0, 1, 2] * 4


def test_pixels_of_the_square_are_marked_and_those_of_the_other_shape_are_not():
    data = load({"name": "shapes", "samples": 40, "wanted": "pixels", "noise": 0.0})
    assert data.targets.shape == data.inputs.shape and data.inputs.max() == 1
    assert (data.inputs[data.targets == 1] == 1).all()
    assert (data.inputs.sum(axis=(1, 2, 3)) > data.targets.sum(axis=(1, 2, 3))).all()


@pytest.mark.parametrize("side", [6, 7, 13])
def test_shapes_fit_into_small_pictures(side):
    data = load({"name": "shapes", "samples": 20, "side": side, "largest": 32, "wanted": "box"})
    assert (data.targets[:, :2] + data.targets[:, 2:] <= 1 + 1e-12).all()


def test_noise_moves_no_shape():
    clean, noisy = (load({"name": "shapes", "samples": 6, "noise": noise}) for noise in (0.0, 0.1))
    assert 0.05 < (noisy.inputs - clean.inputs).std() < 0.15
