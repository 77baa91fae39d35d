"""The float32 products against NumPy at every width that has a tile of its own, ragged and whole."""

from __future__ import annotations

import numpy as np
import pytest

from tests.engine.primitives.playing import build, finish, finish_in_pieces, play, start

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


SUMS = [("linear", {}), *[("linear_bent", {"bend": bend}) for bend in ("tanh", "sigmoid", "relu")]]


@pytest.mark.parametrize(("name", "attributes"), SUMS)
@pytest.mark.parametrize("columns", (1, 2, 3, 4, 7, 8, 10, 16, 20, 37))
def test_rows_do_not_depend_on_where_the_work_is_split(name, attributes, columns):
    for depth in (5, 9, 40):
        given = drawn((17, depth), (depth, columns), (columns,))
        bench = build(lambda build, values: [build.emit(name, *values, **attributes)], given)
        whole = finish(bench, start(bench, given, "float32"))
        for cut in (3, 8, 13):
            pieces = finish_in_pieces(bench, start(bench, given, "float32"), lambda length, cut=cut: cut)
            assert pieces[0].tobytes() == whole[0].tobytes(), (depth, cut)


@pytest.mark.parametrize("rows", (2, 3))
def test_slopes_of_few_inputs_do_not_depend_on_where_the_work_is_split(rows):
    for depth in (1, 3, 8, 33):
        given = drawn((depth, rows), (depth, 8), (8,))
        bench = build(lambda build, values: [build.emit("linear_gradient", *values), values[2]], given)
        whole = finish(bench, start(bench, given, "float32"))
        np.testing.assert_allclose(whole[0], given[0].T @ given[1], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(whole[1], given[1].sum(0), rtol=1e-4, atol=1e-5)
        for cut in (1, 2, 3):
            pieces = finish_in_pieces(bench, start(bench, given, "float32"), lambda length, cut=cut: cut)
            assert [part.tobytes() for part in pieces] == [part.tobytes() for part in whole], (depth, cut)


@pytest.mark.parametrize("columns", (9, 10, 15))
def test_slopes_of_few_columns_have_the_bits_of_a_row_by_itself(columns):
    """Sixteen rows at once are turned about; those of a piece that is shorter go one by one."""
    for depth, rows in ((1, 16), (7, 32), (64, 48)):
        given = drawn((depth, rows), (depth, columns), (columns,))
        for name, places in (("linear_gradient", (0, 1, 2)), ("matmul", (0, 1))):
            attributes = {"transpose_a": True} if name == "matmul" else {}

            def emit(build, values, name=name, places=places, attributes=attributes):
                return [build.emit(name, *[values[place] for place in places], **attributes), values[2]]

            bench = build(emit, given)
            whole = finish(bench, start(bench, given, "float32"))
            np.testing.assert_allclose(whole[0], given[0].T @ given[1], rtol=1e-4, atol=1e-5)
            np.testing.assert_allclose(
                whole[1], given[1].sum(0) if len(places) == 3 else given[2], rtol=1e-4, atol=1e-5
            )
            for cut in (1, 5, 16):
                pieces = finish_in_pieces(bench, start(bench, given, "float32"), lambda length, cut=cut: cut)
                assert [part.tobytes() for part in pieces] == [part.tobytes() for part in whole], (depth, rows, cut)


def test_many_rows_are_the_same_in_blocks_and_in_pieces():
    given = drawn((300, 9), (9, 40), (40,))
    bench = build(lambda build, values: [build.emit("linear", *values)], given)
    whole = finish(bench, start(bench, given, "float32"))
    pieces = finish_in_pieces(bench, start(bench, given, "float32"), lambda length: 104)
    assert pieces[0].tobytes() == whole[0].tobytes()
    np.testing.assert_allclose(whole[0], given[0] @ given[1] + given[2], rtol=1e-4, atol=1e-5)
