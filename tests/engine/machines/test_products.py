"""The float32 products against NumPy at every width that has a tile of its own, ragged and whole."""

from __future__ import annotations

import numpy as np
import pytest

from tests.engine.primitives.playing import build, finish_in_pieces, play, start

WIDTHS = (*range(1, 19), 31, 32, 33, 48)
ROWS, DEPTHS = (1, 2, 3, 5, 8, 15, 17), (1, 2, 3, 8, 9)


def drawn(*shapes):
    draw = np.random.default_rng(7)
    return [draw.normal(size=shape).astype(np.float32) for shape in shapes]


@pytest.mark.parametrize("columns", WIDTHS)
def test_products_biases_and_gradients_agree_with_numpy(columns):
    for rows in ROWS:
        for depth in DEPTHS:
            x, w, b, dy, db = drawn((rows, depth), (depth, columns), (columns,), (rows, columns), (columns,))
            found = play(
                lambda build, given: [
                    build.emit("matmul", *given[:2]),
                    build.emit("linear", *given[:3]),
                    build.emit("matmul", given[3], given[1], transpose_b=True),
                    build.emit("linear_gradient", given[0], given[3], given[4]),
                    given[4],
                    build.emit("transpose", given[1]),
                ],
                [x, w, b, dy, db],
                "float32",
            )
            wanted = [x @ w, x @ w + b, dy @ w.T, x.T @ dy, dy.sum(0), w.T]
            for mine, theirs in zip(found, wanted, strict=True):
                np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-5, err_msg=f"{rows} x {depth} x {columns}")


@pytest.mark.parametrize("columns", (2, 3, 4, 7, 8, 10, 16))
def test_rows_do_not_depend_on_where_the_work_is_split(columns):
    given = drawn((17, 5), (5, columns), (columns,))
    bench = build(lambda build, values: [build.emit("linear", *values)], given)
    whole = play(lambda build, values: [build.emit("linear", *values)], given, "float32")
    pieces = finish_in_pieces(bench, start(bench, given, "float32"), lambda length: length // 16 * 8)
    np.testing.assert_array_equal(pieces[0], whole[0])
