"""Maxima over windows in vectors: the winners and places of the plain calls, with ties and NaNs, in any pieces."""

from __future__ import annotations

import numpy as np
import pytest

from engine.machines.bodies import body_of
from tests.engine.primitives.playing import build, finish, finish_in_pieces, start

# images, channels, height and width, window, stride, padding; and how its winners are found
GEOMETRIES = {
    "digits": (5, 3, (8, 8), 2, 2, 0, "window_best_blocks"),
    "small maps": (5, 7, (4, 4), 2, 2, 0, "window_best_blocks"),
    "one window": (3, 3, (2, 2), 2, 2, 0, "window_best_blocks"),
    "wide maps": (2, 2, (6, 70), 2, 2, 0, "window_best_lines"),
    "wide maps of threes": (2, 2, (6, 51), 3, 3, 0, "window_best_lines"),
    "maps of eight windows": (2, 2, (16, 16), 2, 2, 0, "window_best_blocks"),
    "threes": (3, 3, (12, 12), 3, 3, 0, "window_best_blocks"),
    "threes with a rest": (2, 2, (11, 13), 3, 3, 0, "window_best_lines"),
    "windows that overlap": (2, 2, (7, 7), 3, 2, 0, "window_best_body"),
    "padded": (2, 2, (8, 8), 2, 2, 1, "window_best_body"),
}
SETTINGS = pytest.mark.parametrize("geometry", GEOMETRIES.values(), ids=GEOMETRIES)


def maps_of(geometry):
    images, channels, size, *_ = geometry
    # Whole numbers: many are equal. And some that are none.
    x = np.random.default_rng(1).integers(-3, 3, (images, channels, *size)).astype(np.float32)
    x[0, 0, 0, :2] = np.nan
    x[-1, -1, -1, -1] = np.nan
    return x


def prepared(geometry, dtype):
    window, stride, padding = ([geometry[3]] * 2, [geometry[4]] * 2, [geometry[5]] * 4)
    attributes = {"window": tuple(window), "stride": tuple(stride), "padding": tuple(padding)}
    given = [maps_of(geometry)]

    def recipe(emit_with, values):
        places = emit_with.emit("window_choice", *values, **attributes)
        return [emit_with.emit("window_take", *values, places), places]

    bench = build(recipe, given)
    return bench, start(bench, given, dtype)


@SETTINGS
def test_the_winners_and_their_places_are_those_of_every_window(geometry):
    bench, machine = prepared(geometry, "float32")
    (instruction,) = machine.tape.fast.instructions
    assert body_of(instruction, "float32")[0].name == geometry[-1]
    y, places = finish(bench, machine)
    x, (_, _, _, window, stride, padding, _) = maps_of(geometry), geometry
    for image, channel, r, c in np.ndindex(y.shape):
        low, first = max(0, r * stride - padding), max(0, c * stride - padding)
        seen = x[image, channel, low : r * stride - padding + window, first : c * stride - padding + window]
        missing = np.isnan(seen).ravel()
        i, j = divmod(int(missing.argmax() if missing.any() else seen.argmax()), seen.shape[1])
        assert places[image, channel, r, c] == (low + i) * x.shape[3] + first + j
        np.testing.assert_equal(y[image, channel, r, c], seen[i, j])


@SETTINGS
def test_any_two_pieces_make_the_same_winners(geometry):
    whole = finish(*prepared(geometry, "float32"))
    for share in (0.1, 0.5, 0.93):
        pieces = finish_in_pieces(*prepared(geometry, "float32"), lambda length, share=share: round(share * length))
        for one, other in zip(whole, pieces, strict=True):
            assert one.tobytes() == other.tobytes()


@SETTINGS
def test_slopes_go_back_to_the_winners_alone(geometry):
    images, channels, size, window, stride, padding, found_by = geometry
    _, places = finish(*prepared(geometry, "float32"))
    dy = np.random.default_rng(2).normal(size=places.shape).astype(np.float32)
    attributes = {"window": (window,) * 2, "stride": (stride,) * 2, "padding": (padding,) * 4}
    wanted = np.zeros((images * channels, size[0] * size[1]))
    for plane, (where, slopes) in enumerate(
        zip(places.reshape(len(wanted), -1), dy.reshape(len(wanted), -1), strict=True)
    ):
        np.add.at(wanted[plane], where, slopes)
    given = [maps_of(geometry), dy]

    def recipe(emit_with, values):
        chosen = emit_with.emit("window_choice", values[0], **attributes)
        return emit_with.emit("window_put", values[1], chosen, size=size)

    bench = build(recipe, given)
    put = start(bench, given, "float32").tape.fast.instructions[-1]
    covers = found_by != "window_best_body" and all(length % window == 0 for length in size) and size[1] // window >= 8
    assert body_of(put, "float32")[0].name == ("window_put_lines" if covers else "window_put_body")
    (whole,) = finish(bench, start(bench, given, "float32"))
    np.testing.assert_allclose(whole.reshape(wanted.shape), wanted, rtol=1e-6)
    machine = start(bench, given, "float32")
    machine.play_once()  # the places come first, then the slopes in two pieces
    (pieces,) = finish_in_pieces(bench, machine, lambda length: length // 3)
    assert pieces.tobytes() == whole.tobytes()
