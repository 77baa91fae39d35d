"""Bars, letters, days, clouds, a ring and colours: how many rows, which ones, and what their options change."""

from __future__ import annotations

import numpy as np

from engine.datasets import load


def test_bars_and_stripes_are_all_squares_of_whole_lines_once():
    for side in (2, 3, 4):
        data = load({"name": "bars_and_stripes", "side": side})
        squares = data.inputs.reshape(-1, side, side)
        assert len(squares) == len({square.tobytes() for square in squares}) == 2 * 2**side - 2
        stripes = (squares == squares[:, :, :1]).all(axis=(1, 2))
        bars = (squares == squares[:, :1]).all(axis=(1, 2))
        assert (stripes | bars).all() and (stripes & bars).sum() == 2
        np.testing.assert_array_equal(data.targets[:, 0] == 1, ~stripes)


def test_letters_have_exactly_as_many_flipped_pixels_as_asked_for():
    clean = load({"name": "letters", "letters": "A C H L T X", "samples": 6})
    noisy = load({"name": "letters", "letters": "A C H L T X", "samples": 30, "flipped": 4, "seed": 1})
    assert (len(clean.inputs), len(noisy.inputs)) == (6, 30)
    assert ((noisy.inputs != np.tile(clean.inputs, (5, 1))).sum(axis=1) == 4).all()
    signs = load({"name": "letters", "letters": "A C H L T X", "samples": 6, "states": "-1/+1"})
    np.testing.assert_array_equal(signs.inputs, 2 * clean.inputs - 1)


def test_the_entropy_of_the_ice_cream_days_is_the_ceiling_of_the_catalogue():
    """05:rbm-ice-cream-trucks: −1.2629."""
    _, counts = np.unique(load("ice_cream").inputs, axis=0, return_counts=True)
    shares = counts / counts.sum()
    assert abs((shares * np.log(shares)).sum() + 1.2629) < 5e-5


def test_clusters_stand_on_a_circle_and_corners_alternate():
    data = load({"name": "clusters", "samples": 400, "clusters": 4, "deviation": 0.0})
    np.testing.assert_allclose(np.linalg.norm(data.inputs, axis=1), 1)
    assert np.bincount(data.targets).tolist() == [100] * 4
    square = load({"name": "corners", "deviation": 0.0, "side": 2.0})
    product = (square.inputs[:, 0] - 1) * (square.inputs[:, 1] - 1)
    np.testing.assert_array_equal(square.targets[:, 0], product)


def test_a_ring_and_colours_fill_what_they_promise():
    ring = load({"name": "ring", "noise": 0.0})
    angle = np.arctan2(ring.inputs[:, 1], ring.inputs[:, 0]) / (2 * np.pi) % 1
    np.testing.assert_allclose(angle, ring.targets[:, 0], atol=1e-12)
    colours = load("colours")
    assert colours.inputs.min() >= 0 and colours.inputs.max() < 1
    np.testing.assert_array_equal(colours.targets, colours.inputs.argmax(axis=1))


def test_of_many_features_only_the_first_few_decide():
    data = load({"name": "few_of_many", "samples": 500, "features": 20, "relevant": 2, "share": 0.2})
    assert data.inputs.shape == (500, 20) and set(np.unique(data.inputs)) == {0, 1}
    np.testing.assert_array_equal(data.targets[:, 0] == 1, data.inputs[:, :2].max(axis=1) == 1)
