"""Products of many matrices, axes in another order, and softmax over rows: the float32 bodies against NumPy, in any pieces."""

from __future__ import annotations

import numpy as np
import pytest

from tests.engine.primitives.playing import build, finish_in_pieces, play, start

SIZES = [(1, 3, 5), (7, 8, 16), (16, 8, 16), (9, 16, 8), (4, 5, 33), (17, 4, 20), (3, 1, 2), (12, 7, 1)]
SHARES = (0.1, 0.37, 0.5, 0.93)


def drawn(*shapes):
    draw = np.random.default_rng(7)
    return [draw.normal(size=shape).astype(np.float32) for shape in shapes]


def checked(recipe, given, wanted, tolerance=1e-5):
    (whole,) = play(recipe, given, "float32")
    np.testing.assert_allclose(whole, wanted, rtol=tolerance, atol=tolerance)
    for share in SHARES:
        bench = build(recipe, given)
        cut = lambda length, share=share: round(share * length)  # noqa: E731
        assert finish_in_pieces(bench, start(bench, given, "float32"), cut)[0].tobytes() == whole.tobytes()


@pytest.mark.parametrize(("rows", "depth", "columns"), SIZES)
@pytest.mark.parametrize("turned", ["neither", "transpose_a", "transpose_b"])
def test_each_matrix_of_a_batch_gets_its_product(rows, depth, columns, turned):
    a, b = drawn((2, 3, rows, depth), (2, 3, depth, columns))
    given = [a.swapaxes(-1, -2) if turned == "transpose_a" else a, b.swapaxes(-1, -2) if turned == "transpose_b" else b]
    given = [np.ascontiguousarray(each) for each in given]
    flags = {} if turned == "neither" else {turned: True}
    checked(lambda build, values: build.emit("batch_matmul", *values, **flags), given, a @ b)


def test_a_nan_stays_in_the_rows_and_columns_that_it_reaches():
    a, b = drawn((2, 5, 3), (2, 3, 20))
    a[0, 1, 2] = np.nan
    (found,) = play(lambda build, values: build.emit("batch_matmul", *values), [a, b], "float32")
    np.testing.assert_array_equal(np.isnan(found), np.isnan(a @ b))


@pytest.mark.parametrize("axes", [(0, 2, 1, 3), (0, 1, 3, 2), (3, 2, 1, 0), (1, 0, 2, 3), (2, 0, 3, 1)])
@pytest.mark.parametrize("shape", [(2, 5, 3, 8), (3, 4, 2, 37), (2, 9, 6, 7), (1, 1, 4, 1)])
def test_axes_in_another_order_hold_the_same_numbers(axes, shape):
    given = drawn(shape)
    checked(lambda build, values: build.emit("permute", *values, axes=axes), given, given[0].transpose(axes), 0.0)


@pytest.mark.parametrize("width", [2, 5, 10, 16, 17, 40])
@pytest.mark.parametrize("rows", [1, 7, 20])
def test_softmax_of_rows_of_any_width(rows, width):
    (x,) = drawn((3, rows, width))
    x[0, 0, 0] = 80.0
    shifted = np.exp(x.astype(float) - x.max(-1, keepdims=True))
    checked(lambda build, values: build.emit("softmax", *values), [x], shifted / shifted.sum(-1, keepdims=True))


@pytest.mark.parametrize("width", [3, 16, 40])
def test_softmax_shows_a_nan_in_its_row_alone(width):
    (x,) = drawn((4, width))
    x[2, width - 1] = np.nan
    (found,) = play(lambda build, values: build.emit("softmax", *values), [x], "float32")
    np.testing.assert_array_equal(np.isnan(found).all(axis=1), [False, False, True, False])
