"""Convolutions through vectors of cells: against the plain float64 bodies, and in any pieces."""

from __future__ import annotations

import numpy as np
import pytest

from engine.machines.bodies import body_of
from tests.engine.primitives.playing import Array, build, finish, finish_in_pieces, start

# images, groups, channels and filters of a group, size, kernel, padding, dilation, and where it is not 1 the stride
GEOMETRIES = {
    "digits": (5, 1, 1, 8, (8, 8), (3, 3), (1, 1, 1, 1), (1, 1)),
    "small maps": (3, 1, 8, 16, (4, 4), (3, 3), (1, 1, 1, 1), (1, 1)),
    "one cell": (2, 1, 3, 5, (1, 1), (1, 1), (0, 0, 0, 0), (1, 1)),
    "rows longer than a vector": (2, 1, 2, 9, (5, 37), (3, 3), (0, 0, 0, 0), (1, 1)),
    "twelve filters of five taps": (2, 1, 3, 12, (9, 11), (5, 5), (2, 2, 2, 2), (1, 1)),
    "lopsided": (2, 1, 2, 3, (6, 7), (2, 4), (0, 1, 2, 1), (1, 1)),
    "groups with holes": (2, 3, 4, 11, (9, 9), (3, 2), (2, 0, 1, 1), (2, 3)),
    "more padding than map": (2, 1, 2, 4, (2, 3), (5, 5), (4, 4, 4, 4), (1, 1)),
    "sequences": (3, 1, 4, 10, (1, 50), (1, 3), (0, 0, 2, 0), (1, 1)),
    "one big map": (1, 1, 3, 8, (33, 32), (3, 3), (1, 1, 1, 1), (1, 1)),
    "every second cell": (3, 1, 2, 9, (8, 8), (3, 3), (1, 1, 1, 1), (1, 1), (2, 2)),
    "every second cell of an odd map": (2, 1, 3, 4, (9, 35), (2, 2), (0, 0, 0, 0), (1, 1), (2, 2)),
    "every third, with holes": (2, 2, 2, 3, (13, 12), (3, 2), (2, 1, 1, 1), (2, 3), (3, 2)),
    "steps longer than the filter": (2, 1, 2, 8, (11, 10), (2, 1), (0, 0, 0, 0), (1, 1), (3, 4)),
    "rows alone": (2, 1, 2, 3, (9, 6), (3, 3), (1, 1, 1, 1), (1, 1), (2, 1)),
    "holes as long as steps": (2, 1, 2, 3, (9, 9), (3, 2), (2, 2, 2, 2), (2, 2), (2, 2)),
    "a map shorter than a step": (2, 1, 2, 8, (2, 1), (1, 1), (0, 0, 0, 0), (1, 1), (3, 4)),
}
SETTINGS = pytest.mark.parametrize("geometry", GEOMETRIES.values(), ids=GEOMETRIES)
NAMES = pytest.mark.parametrize("name", ["convolution", "transposed_convolution", "filter_correlation"])


def call_of(name: str, geometry) -> tuple[list[Array], dict]:
    images, groups, depth, group, size, kernel, padding, dilation, *more = geometry
    stride = more[0] if more else (1, 1)
    random = np.random.default_rng(0)
    count = [
        (size[axis] + sum(padding[2 * axis : 2 * axis + 2]) - dilation[axis] * (kernel[axis] - 1) - 1) // stride[axis]
        + 1
        for axis in (0, 1)
    ]
    x = random.normal(size=(images, groups * depth, *size)).astype(np.float32).astype(float)
    w = random.normal(size=(groups * group, depth, *kernel)).astype(np.float32).astype(float)
    y = random.normal(size=(images, groups * group, *count)).astype(np.float32).astype(float)
    bias = random.normal(size=groups * group).astype(np.float32).astype(float)
    attributes = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    if name == "convolution":
        return [x, w, bias], attributes
    if name == "transposed_convolution":
        return [y, w], {**attributes, "size": size}
    return [x, y], {**attributes, "kernel": kernel}


def prepared(name: str, geometry, dtype: str):
    operands, attributes = call_of(name, geometry)
    bench = build(lambda emit_with, values: emit_with.emit(name, *values, **attributes), operands)
    return bench, start(bench, operands, dtype)


@SETTINGS
@NAMES
def test_vectors_of_cells_say_what_the_plain_loops_say(name, geometry):
    bench, machine = prepared(name, geometry, "float32")
    (instruction,) = machine.tape.fast.instructions
    assert body_of(instruction, "float32")[0].name.startswith("windows_")
    (fast,) = finish(bench, machine)
    (exact,) = finish(*prepared(name, geometry, "float64"))
    np.testing.assert_allclose(fast, exact, rtol=1e-5, atol=3e-5)


@SETTINGS
@NAMES
def test_any_two_pieces_make_the_same_bits(name, geometry):
    (whole,) = finish(*prepared(name, geometry, "float32"))
    for share in (0.1, 0.37, 0.5, 0.93):
        (pieces,) = finish_in_pieces(
            *prepared(name, geometry, "float32"), lambda length, share=share: round(share * length)
        )
        assert whole.tobytes() == pieces.tobytes()


def test_cells_that_lie_far_apart_are_left_to_the_plain_loops():
    _, machine = prepared("convolution", (1, 1, 1, 2, (4, 11), (2, 2), (0, 0, 0, 0), (1, 1), (1, 5)), "float32")
    (instruction,) = machine.tape.fast.instructions
    assert body_of(instruction, "float32")[0].name == "convolution_body"
