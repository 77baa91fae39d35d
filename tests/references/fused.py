"""What the fused calls stand for, in NumPy."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from scipy import special

from engine.primitives.base import Interval, Primitive
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
