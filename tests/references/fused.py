"""What the fused calls stand for, in NumPy."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from scipy import special

from engine.primitives.base import Interval, Primitive
from tests.references.convolution import maps_in_windows, window_choice
from tests.references.registry import ANY, Case, Draw, numbers, reference, same_shape, shapes, whole_numbers


def layer(draw: Draw, primitive: Primitive) -> Case:
    rows, features, units = [draw(st.integers(1, 19)) for _ in range(3)]
    return Case(numbers(draw, [((rows, features), ANY), ((features, units), ANY), ((units,), ANY)]))


@reference("linear", layer)
def linear(x, weight, bias):
    return x @ weight + bias


def layer_backward(draw: Draw, primitive: Primitive) -> Case:
    rows, features, units = [draw(st.integers(1, 19)) for _ in range(3)]
    return Case(numbers(draw, [((rows, features), ANY), ((rows, units), ANY), ((units,), ANY)]))


def bent_layer(draw: Draw, primitive: Primitive) -> Case:
    return layer(draw, primitive)._replace(attributes={"bend": draw(st.sampled_from(["tanh", "sigmoid", "relu"]))})


def bent(sums, bend):
    return {"tanh": np.tanh, "sigmoid": special.expit, "relu": lambda x: np.maximum(x, 0)}[bend](sums)


reference("linear_bent", bent_layer)(lambda x, weight, bias, *, bend: bent(x @ weight + bias, bend))


@reference("linear_gradient", layer_backward)
def linear_gradient(x, dy, bias_gradient):
    """The weight's gradient; the bias' is written over the third operand."""
    return x.T @ dy


reference("tanh_gradient", same_shape(Interval(-1, 1), ANY))(lambda y, dy: dy * (1 - y**2))
reference("sigmoid_gradient", same_shape(Interval(0, 1), ANY))(lambda y, dy: dy * y * (1 - y))
reference("relu_gradient", same_shape(Interval(-3, 3, (0.0,)), ANY))(lambda x, dy: dy * np.heaviside(x, 0))


@reference("mean_square", same_shape(ANY, ANY, ANY))
def mean_square(a, b, difference):
    return np.mean((a - b) ** 2)


def difference_and_loss(draw: Draw, primitive: Primitive) -> Case:
    return Case(numbers(draw, [(draw(shapes(1)), ANY), ((), ANY)]))


@reference("mean_square_gradient", difference_and_loss)
def mean_square_gradient(difference, d_loss):
    return 2 * d_loss * difference / difference.size


def scores(draw: Draw, primitive: Primitive) -> Case:
    """Scores of a batch, the classes wanted, and room for the probabilities."""
    rows, classes = draw(st.integers(1, 9)), draw(st.integers(1, 19))
    wanted = whole_numbers(draw, 0, classes, (rows,))
    z, p = numbers(draw, [((rows, classes), ANY)] * 2)
    return Case([z, wanted, p])


@reference("class_cross_entropy_softmax", scores)
def class_cross_entropy_softmax(z, t, p):
    """The probabilities are written over the third operand."""
    return -special.log_softmax(z, axis=-1)[np.arange(len(t)), t]


def probabilities(draw: Draw, primitive: Primitive) -> Case:
    z, wanted, _ = scores(draw, primitive).operands
    return Case([special.softmax(z, axis=-1), wanted, *numbers(draw, [((), ANY)])])


@reference("class_gradient", probabilities)
def class_gradient(p, t, d_loss):
    return d_loss / len(t) * (p - np.eye(p.shape[1])[t])


# rows --------------------------------------------------------------------------------------------------------------------

ABOUT_1 = Interval(0.5, 2.0)
WITHIN_1 = Interval(-1.0, 1.0)


def table(draw: Draw) -> tuple[int, int]:
    return draw(st.integers(1, 9)), draw(st.integers(1, 40))


def rows_and_room(draw: Draw, primitive: Primitive) -> Case:
    """Rows, a number above 0, and room for the deviations."""
    rows, width = table(draw)
    return Case(numbers(draw, [((rows, width), WITHIN_1), ((), ABOUT_1), ((rows, 1), ANY)]))


@reference("standardise", rows_and_room)
def standardise(x, epsilon, deviations):
    """The deviations are written over the third operand."""
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + epsilon)


def standardised_rows(draw: Draw, primitive: Primitive) -> Case:
    rows, width = table(draw)
    return Case(numbers(draw, [((rows, width), WITHIN_1), ((rows, width), WITHIN_1), ((rows, 1), ABOUT_1)]))


@reference("standardise_gradient", standardised_rows)
def standardise_gradient(dy, y, deviations):
    return (dy - dy.mean(-1, keepdims=True) - y * (dy * y).mean(-1, keepdims=True)) / deviations


def shares_and_slopes(draw: Draw, primitive: Primitive) -> Case:
    shape = table(draw)
    return Case(numbers(draw, [(shape, Interval(0.0, 1.0)), (shape, WITHIN_1)]))


@reference("softmax_gradient", shares_and_slopes)
def softmax_gradient(y, dy):
    return y * (dy - (dy * y).sum(-1, keepdims=True))


def rows_and_gains(draw: Draw, primitive: Primitive) -> Case:
    rows, width = table(draw)
    rest = [((width,), ANY)] * (2 if primitive.name == "scale_shift_rows" else 1)
    return Case(numbers(draw, [((rows, width), ANY), *rest]))


reference("scale_rows", rows_and_gains)(lambda x, gain: x * gain)
reference("scale_shift_rows", rows_and_gains)(lambda x, gain, shift: x * gain + shift)


def slopes_and_rows(draw: Draw, primitive: Primitive) -> Case:
    shape = table(draw)
    return Case(numbers(draw, [(shape, WITHIN_1), (shape, WITHIN_1), (shape[1:], ANY)]))


@reference("row_slopes", slopes_and_rows)
def row_slopes(dy, x, sums):
    """The slopes' sum is written over the third operand."""
    return (dy * x).sum(0)


# time and windows --------------------------------------------------------------------------------------------------------


def pairs(draw: Draw, primitive: Primitive) -> Case:
    """Features and slopes of some steps of time, and room for the slopes' sum where it is asked for."""
    batch, features, units, steps = draw(st.integers(1, 7)), *[draw(st.integers(1, 19)) for _ in range(2)], 3
    asked = draw(st.booleans())
    drawn = [((batch, n), WITHIN_1) for _ in range(steps) for n in (features, units)]
    return Case(numbers(draw, [*drawn, *([((units,), ANY)] if asked else [])]), {"sums": asked})


@reference("products_total", pairs)
def products_total(*operands, sums):
    """The slopes' sum is written over the last operand."""
    steps = operands[:-1] if sums else operands
    return sum(x.T @ dy for x, dy in zip(steps[::2], steps[1::2], strict=True))


def maps_and_room(draw: Draw, primitive: Primitive) -> Case:
    case = maps_in_windows(draw, primitive)
    return case._replace(operands=[*case.operands, window_choice(*case.operands, **case.attributes)])


@reference("window_best", maps_and_room)
def window_best(x, places, *, window, stride, padding):
    """The places are written over the second operand."""
    chosen = window_choice(x, window=window, stride=stride, padding=padding)
    flat = x.reshape(*x.shape[:2], -1)
    return np.take_along_axis(flat, chosen.reshape(*x.shape[:2], -1), axis=2).reshape(chosen.shape)


# cells -------------------------------------------------------------------------------------------------------------------


def product_and_begin(draw: Draw, primitive: Primitive) -> Case:
    rows, features, units = [draw(st.integers(1, 19)) for _ in range(3)]
    return Case(numbers(draw, [((rows, units), ANY), ((rows, features), ANY), ((features, units), ANY)]))


@reference("matmul_onto", product_and_begin)
def matmul_onto(begin, a, b):
    return begin + a @ b


def bent_product(draw: Draw, primitive: Primitive) -> Case:
    return product_and_begin(draw, primitive)._replace(attributes={"bend": draw(st.sampled_from(["tanh", "sigmoid"]))})


reference("matmul_onto_bent", bent_product)(lambda begin, a, b, *, bend: bent(begin + a @ b, bend))


def two_products(draw: Draw, primitive: Primitive) -> Case:
    rows, features, units, columns = [draw(st.integers(1, 37)) for _ in range(4)]
    shapes = [(rows, features), (features, columns), (columns,), (rows, units), (units, columns)]
    attributes = draw(st.sampled_from([{}, {"bend": "tanh"}, {"bend": "sigmoid"}]))
    return Case(numbers(draw, [(shape, ANY) for shape in shapes]), attributes=attributes)


@reference("cell_sums", two_products)
def cell_sums(x, weight, bias, h, recurrent, *, bend=""):
    sums = x @ weight + bias + h @ recurrent
    return bent(sums, bend) if bend else sums


def sums_and_memory(draw: Draw, primitive: Primitive) -> Case:
    """Sums of four gates, the memory, and room for what the step makes."""
    rows, units = draw(st.integers(1, 9)), draw(st.integers(1, 40))
    return Case(numbers(draw, [((rows, 4 * units), ANY), *[((rows, units), ANY)] * 7]))


@reference("lstm_step", sums_and_memory)
def lstm_step(z, before, *written):
    """Gates, candidate, memory and its tanh are written over the other operands."""
    write, forget, show, candidate = np.split(z, 4, axis=1)
    memory = special.expit(forget) * before + special.expit(write) * np.tanh(candidate)
    return special.expit(show) * np.tanh(memory)


def gates_and_slopes(draw: Draw, primitive: Primitive) -> Case:
    """Slope of the state; gates, candidate, memory before, tanh of the memory; what comes from and goes to neighbours."""
    shape = draw(st.integers(1, 9)), draw(st.integers(1, 40))
    carried, sent = draw(st.booleans()), draw(st.booleans())
    known = [ANY, *[Interval(0.0, 1.0)] * 3, WITHIN_1, ANY, WITHIN_1]
    more = [ANY] * (carried + sent)
    return Case(numbers(draw, [(shape, interval) for interval in known + more]), {"carried": carried, "sent": sent})


@reference("lstm_step_gradient", gates_and_slopes)
def lstm_step_gradient(dh, write, forget, show, candidate, before, bent, *more, carried, sent):
    """What the memory sends to the step before is written over the last operand."""
    dc = dh * show * (1 - bent**2) + (more[0] if carried else 0.0)
    slopes = (
        dc * candidate * write * (1 - write), dc * before * forget * (1 - forget), dh * bent * show * (1 - show),
        dc * write * (1 - candidate**2),
    )  # fmt: skip
    return np.concatenate(slopes, axis=1)
