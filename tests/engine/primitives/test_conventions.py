"""What holds at kinks, ties and poles, and what shape rules say to operands that do not fit."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.differentiate import gradients
from engine.primitives import all_primitives
from engine.problems import ShapeMismatch
from engine.program import Builder, Program
from engine.values import B, Shape, Value
from tests.engine.primitives.playing import build, finish, play, start

PRECISIONS = pytest.mark.parametrize("dtype", ["float64", "float32"])


def slopes(
    name: str, *operands: float | list[float], dtype: str = "float64", **attributes: object
) -> list[list[float]]:
    """The derivative of the sum of the results by each operand."""
    arrays = [np.asarray(operand, float) for operand in operands]

    def recipe(b: Builder, values: list[Value]) -> list[Value]:
        result = b.emit(name, *values, **attributes)
        loss = b.emit("sum", result, axes=tuple(range(result.rank))) if result.rank else result
        found = gradients(b.program, loss, values)
        return [found[value.index] for value in values if value.index in found]

    bench = build(recipe, arrays)
    return [result.tolist() for result in finish(bench, start(bench, arrays, dtype))]


@PRECISIONS
@pytest.mark.parametrize(
    ("name", "operands", "expected"),
    [
        ("relu", [0.0], [0.0]),
        ("absolute", [0.0], [0.0]),
        ("hard_tanh", [[-1.0, 1.0, 0.5]], [[0.0, 0.0, 1.0]]),
        ("leaky_relu", [0.0, 0.25], [0.25, 0.0]),
        ("elu", [0.0, 1.5], [1.5, 0.0]),
        ("selu", [0.0], [pytest.approx(1.0507009873554805 * 1.6732632423543772, rel=1e-6)]),
        ("maximum", [1.0, 1.0], [1.0, 0.0]),
        ("minimum", [1.0, 1.0], [1.0, 0.0]),
        ("power", [0.0, 2.0], None),
    ],
)
def test_the_slope_at_a_kink_is_the_stated_one(name, operands, expected, dtype):
    if expected is None:
        assert slopes(name, *operands, dtype=dtype)[0] == 0.0
    else:
        assert slopes(name, *operands, dtype=dtype) == expected


@PRECISIONS
@pytest.mark.parametrize(("name", "numbers"), [("max", [2.0, 3.0, 3.0]), ("min", [2.0, 1.0, 1.0])])
def test_of_equal_extremes_the_first_takes_the_derivative(name, numbers, dtype):
    assert slopes(name, numbers, dtype=dtype, axes=(0,)) == [[0.0, 1.0, 0.0]]


@PRECISIONS
@pytest.mark.parametrize(
    ("name", "operands", "attributes", "expected"),
    [
        ("relu", [[-1.0, 0.0, 1.0]], {"slope_at_zero": 1.0}, [[0.0, 1.0, 1.0]]),
        ("relu", [[-1.0, 0.0, 1.0]], {"slope_at_zero": 0.5}, [[0.0, 0.5, 1.0]]),
        ("hard_tanh", [[-1.0, 1.0, 0.5, 2.0]], {"ends": "closed"}, [[1.0, 1.0, 1.0, 0.0]]),
        ("maximum", [[1.0, 2.0, 3.0], 2.0], {"ties": "shared"}, [[0.0, 0.5, 1.0], 1.5]),
        ("minimum", [[1.0, 2.0, 3.0], 2.0], {"ties": "shared"}, [[1.0, 0.5, 0.0], 1.5]),
        ("max", [[2.0, 3.0, 3.0, 1.0]], {"axes": (0,), "ties": "shared"}, [[0.0, 0.5, 0.5, 0.0]]),
        ("min", [[2.0, 1.0, 1.0, 1.0, 1.0]], {"axes": (0,), "ties": "shared"}, [[0.0, 0.25, 0.25, 0.25, 0.25]]),
    ],
)
def test_another_convention_at_a_kink_or_tie_can_be_chosen(name, operands, attributes, expected, dtype):
    assert slopes(name, *operands, dtype=dtype, **attributes) == expected


@PRECISIONS
@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0, 3.0])
def test_powers_keep_their_derivatives_at_zero(exponent, dtype):
    def recipe(b: Builder, values: list[Value]) -> list[Value]:
        y = b.emit("power", values[0], b.constant(exponent))
        nothing = b.emit("multiply", values[0], 0.0)
        first = gradients(b.program, y, values).get(values[0].index, nothing)
        second = gradients(b.program, first, values).get(values[0].index, nothing)
        return [y, first, second]

    bench = build(recipe, [np.zeros(())])
    value, first, second = [float(x) for x in finish(bench, start(bench, [np.zeros(())], dtype))]
    assert value == (1.0 if exponent == 0 else 0.0)
    assert first == (1.0 if exponent == 1 else 0.0)
    assert second == (2.0 if exponent == 2 else 0.0)


@PRECISIONS
def test_negative_bases_take_whole_exponents_alone(dtype):
    bases, exponents = np.full(5, -2.0), np.array([3.0, -1.0, 4.0, 0.5, 0.0])
    (result,) = play(lambda b, v: b.emit("power", *v), [bases, exponents], dtype)
    np.testing.assert_allclose(result, [-8, -0.5, 16, math.nan, 1], rtol=1e-6)


@PRECISIONS
@pytest.mark.parametrize(
    ("name", "numbers", "expected"),
    [
        ("exp", [-math.inf, math.inf, -1000, 1000, 0], [0, math.inf, 0, math.inf, 1]),
        ("log", [0.0, -0.0, -1.0, math.inf, 1.0], [-math.inf, -math.inf, math.nan, math.inf, 0]),
        ("sqrt", [0.0, -1.0, math.inf], [0, math.nan, math.inf]),
        ("tanh", [-math.inf, math.inf, -100, 100, 0], [-1, 1, -1, 1, 0]),
        ("sigmoid", [-math.inf, math.inf, -1000, 1000, 0], [0, 1, 0, 1, 0.5]),
        ("softplus", [-math.inf, math.inf, -1000, 1000], [0, math.inf, 0, 1000]),
        ("sign", [-math.inf, math.inf, 0.0, -0.0], [-1, 1, 0, 0]),
        ("relu", [-math.inf, math.inf], [0, math.inf]),
        ("erf", [-math.inf, math.inf, -1000, 1000, 0], [-1, 1, -1, 1, 0]),
        ("normal_cdf", [-math.inf, math.inf, -1000, 1000, 0], [0, 1, 0, 1, 0.5]),
        ("gelu", [math.inf, -1000, 1000], [math.inf, 0, 1000]),
        ("selu", [-math.inf, math.inf], [-1.7580993408473766, math.inf]),
    ],
)
def test_infinities_and_huge_numbers_give_what_mathematics_gives(name, numbers, expected, dtype):
    (result,) = play(lambda b, v: b.emit(name, v[0]), [np.array(numbers)], dtype)
    np.testing.assert_allclose(result, expected, rtol=1e-6, atol=1e-7)


@PRECISIONS
def test_softmax_of_large_scores_does_not_overflow(dtype):
    (result,) = play(lambda b, v: b.emit("softmax", v[0]), [np.array([[1e4, 1e4 - 1, -1e4]])], dtype)
    np.testing.assert_allclose(result, [[1 / (1 + math.exp(-1)), 1 / (1 + math.e), 0]], rtol=1e-6)


def test_the_first_of_equal_scores_is_the_answer_and_a_nan_counts_as_the_largest():
    (result,) = play(lambda b, v: b.emit("argmax", v[0]), [np.array([[1.0, 3.0, 3.0], [1.0, math.nan, 3.0]])])
    assert result.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("largest", "expected"), [(True, [[2, 1, 3, 0], [1, 2, 0, 3]]), (False, [[0, 1, 3, 2], [3, 0, 1, 2]])]
)
def test_order_keeps_equal_numbers_in_their_places_and_takes_nan_for_the_largest(largest, expected):
    rows = np.array([[1.0, 3.0, 5.0, 3.0], [2.0, math.nan, math.nan, 1.0]])
    assert play(lambda b, v: b.emit("order", v[0], largest=largest), [rows])[0].tolist() == expected


@PRECISIONS
@pytest.mark.parametrize(
    ("keep", "share", "numbers", "marks"),
    [
        (2.0, False, [1, 3, 3, 3], [0, 1, 1, 0]),
        (0.0, False, [1, 3, 3, 3], [0, 1, 0, 0]),
        (9.0, False, [1, 3, 3, 3], [1, 1, 1, 1]),
        (0.5, True, [1, 3, 2, 0], [0, 1, 1, 0]),
        (0.51, True, [1, 3, 2, 0], [1, 1, 1, 0]),
        (0.0, True, [1, 3, 2, 0], [0, 1, 0, 0]),
        (0.1, True, range(50), [0] * 45 + [1] * 5),
        (0.07, True, range(100), [0] * 93 + [1] * 7),
        (1.0, True, range(100), [1] * 100),
    ],
)
def test_as_many_win_as_the_convention_says(keep, share, numbers, marks, dtype):
    operands = [np.array(numbers, float), np.array(keep)]
    assert play(lambda b, v: b.emit("winners", *v, share=share), operands, dtype)[0].tolist() == marks


def test_the_length_of_the_zero_vector_has_slope_0():
    def recipe(b: Builder, values: list[Value]) -> list[Value]:
        length = b.emit("reshape", b.emit("norm", values[0]), shape=())
        first = gradients(b.program, length, values)[values[0].index]
        second = gradients(b.program, b.emit("sum", first, axes=(0,)), values)[values[0].index]
        return [length, first, second]

    bench = build(recipe, [np.zeros(3)])
    length, first, second = finish(bench, start(bench, [np.zeros(3)]))
    assert length == 0
    assert first.tolist() == [0, 0, 0]
    assert np.isfinite(second).all()


@PRECISIONS
def test_a_choice_sends_everything_to_the_chosen_side_and_nothing_infinite_across(dtype):
    condition, root = [1.0, 0.0, -1.0], [4.0, 0.0, 0.0]

    def recipe(b: Builder, values: list[Value]) -> list[Value]:
        chosen = b.emit("where", values[0], b.emit("log", values[1]), values[2])
        found = gradients(b.program, b.emit("sum", chosen, axes=(0,)), values)
        return [chosen, b.emit("where", values[0], 0.0, found[values[2].index])]

    operands = [np.array(condition), np.array(root), np.array([7.0, 8.0, 9.0])]
    bench = build(recipe, operands)
    chosen, outgoing = finish(bench, start(bench, operands, dtype))
    np.testing.assert_allclose(chosen, [math.log(4), 8, 9], rtol=1e-6)
    assert outgoing.tolist() == [0, 1, 1]


def test_whole_numbers_are_rounded_and_what_is_none_is_no_class():
    numbers = np.array([0.4, 0.5, 2.5, 2.4999, -0.4, -0.6, 3e9, math.nan, math.inf])
    assert play(lambda b, v: b.emit("to_whole", v[0]), [numbers])[0].tolist() == [0, 1, 3, 2, 0, -1, -1, -1, -1]


# ---- sentences ----------------------------------------------------------------------------------------------------------


def refusal(name: str, *shapes: Shape, kinds: str = "rrrr", **attributes: object) -> str:
    b = Program().build
    kind = {"r": "real", "w": "whole"}
    values = [b.source("data", f"data.{k}", s, None, kind=kind[kinds[k]]) for k, s in enumerate(shapes)]  # type: ignore[arg-type]
    with pytest.raises(ShapeMismatch) as caught:
        b.emit(name, *values, **attributes)
    return str(caught.value)


@pytest.mark.parametrize(
    ("sentence", "name", "shapes", "attributes"),
    [
        ("shapes (batch, 2) and (3) do not fit together", "add", [(B, 2), (3,)], {}),
        ("32 features meet a layer for 64", "matmul", [(B, 32), (64, 4)], {}),
        ("a product needs matrices, not (batch, 3) and (3)", "matmul", [(B, 3), (3,)], {}),
        ("only a matrix can be transposed, not (3)", "transpose", [(3,)], {}),
        ("(batch, 4) cannot be laid out as (batch, 3)", "reshape", [(B, 4)], {"shape": (B, 3)}),
        ("(batch, 4) has no axis 2. Axes count from 0 to 1", "slice", [(B, 4)], {"axis": 2, "start": 0, "stop": 1}),
        ("the batch cannot be cut or joined", "slice", [(B, 4)], {"axis": 0, "start": 0, "stop": 1}),
        ("entries 1 to 9 are not within the 4 of axis 1", "slice", [(B, 4)], {"axis": 1, "start": 1, "stop": 9}),
        ("these do not lie side by side: (batch, 4), (3, 4)", "concat", [(B, 4), (3, 4)], {"axis": 1}),
        ("4 entries do not fit into 4 behind entry 1", "place", [(B, 4)], {"axis": 1, "start": 1, "length": 4}),
        ("(batch, 4) has no neighbouring axes 0, 2", "sum", [(B, 4)], {"axes": (0, 2)}),
        ("(3) cannot be spread over (batch, 4)", "broadcast", [(3,)], {"shape": (B, 4)}),
        ("a sum needs at least two addends", "total", [(3,)], {}),
        ("addends of different shapes: (3), (4)", "total", [(3,), (4,)], {}),
        ("classes lie in the last axis, and (batch) has none", "softmax", [(B,)], {}),
        ("a step of (3) meets a parameter of (4)", "sgd_update", [(4,), (3,), ()], {}),
        ("a setting is one number, not (2)", "sgd_update", [(4,), (4,), (2,)], {}),
        ("a history keeps one number in an even number of bins", "history_ring", [(3, 3), (3,), ()], {}),
        ("5 of 4 numbers cannot be taken. Take 1 to 4.", "order", [(B, 4)], {"keep": 5}),
        ("the batch cannot be cut", "order", [(4, B)], {"keep": 2}),
        ("a single number has no order", "order", [()], {}),
        ("how many win is one number, not (2)", "winners", [(B, 4), (2,)], {}),
        ("a single number is no row", "cumulative_sum", [()], {}),
        ("as many matrices are needed on both sides", "batch_matmul", [(B, 2, 3), (3, 4)], {}),
        ("rows of 3 numbers meet columns of 4", "batch_matmul", [(B, 2, 3), (B, 4, 5)], {}),
        ("0, 0 is no order of the 2 axes of (3, 4). Name each of 0 to 1 once.", "permute", [(3, 4)], {"axes": (0, 0)}),
        ("(3) chances meet (4) draws", "random_bernoulli", [(3,)], {"shape": (4,), "key": 1}),
    ],
)
def test_operands_that_do_not_fit_are_refused_in_a_sentence(sentence, name, shapes, attributes):
    assert sentence in refusal(name, *shapes, **attributes)


@pytest.mark.parametrize(
    ("sentence", "name", "shapes", "kinds", "attributes"),
    [
        ("no arithmetic is done on them", "add", [(B,), (B,)], "rw", {}),
        ("no arithmetic is done on them", "exp", [(B,)], "w", {}),
        ("class numbers are whole numbers, these are not", "pick", [(B, 3), (B,)], "rr", {}),
        ("(batch, 2) class numbers meet (batch, 3) scores", "pick", [(B, 3), (B, 2)], "rw", {}),
        ("row numbers are whole numbers, these are not", "gather_rows", [(9, 3), (B,)], "rr", {}),
        ("a single number has no rows", "gather_rows", [(), (B,)], "rw", {}),
        ("class numbers are whole numbers, these are not", "one_hot", [(B,)], "r", {"classes": 3}),
        ("class numbers meet", "unpick", [(B,), (3,)], "rw", {"classes": 3}),
        ("places are whole numbers, these are not", "take_along", [(B, 3), (B, 2)], "rr", {}),
        ("(4, 2) places meet (batch, 3) numbers", "take_along", [(B, 3), (4, 2)], "rw", {}),
        ("(batch, 2) places meet (batch, 3) numbers", "put_along", [(B, 3), (B, 2)], "rw", {"length": 5}),
        ("these are real numbers already", "to_real", [(B,)], "r", {}),
        ("class numbers meet", "equal_whole", [(B,), (3,)], "ww", {}),
        ("(batch) row numbers meet (3, 2) numbers", "scatter_rows", [(3, 2), (B,)], "rw", {"length": 3}),
        ("(2) is not (3, 4) reduced", "first_equal", [(3, 4), (2,)], "rr", {"axes": (1,)}),
    ],
)
def test_kinds_that_do_not_fit_are_refused_in_a_sentence(sentence, name, shapes, kinds, attributes):
    assert sentence in refusal(name, *shapes, kinds=kinds, **attributes)


def test_a_kink_in_the_domain_comes_with_its_convention():
    for primitive in all_primitives():
        domains = (
            primitive.domain
            if isinstance(primitive.domain, tuple) and not hasattr(primitive.domain, "low")
            else [primitive.domain]
        )
        if any(domain.kinks or domain.ties for domain in domains):
            assert primitive.convention, f"say what “{primitive.name}” does at its kinks"
