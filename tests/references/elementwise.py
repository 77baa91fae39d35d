"""What NumPy and SciPy say to operations that treat every number alone. All let a NaN through."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from scipy import special

from engine.primitives.base import Primitive
from tests.references.registry import ANY, Case, Draw, numbers, reference, shapes, whole_numbers

reference("add")(lambda a, b: a + b)
reference("subtract")(lambda a, b: a - b)
reference("multiply")(lambda a, b: a * b)
reference("divide")(lambda a, b: a / b)
reference("negate")(lambda x: -x)
reference("power")(lambda a, b: np.power(a, b))
reference("power_slope")(lambda a, b: b * np.power(a, b - 1))

reference("exp")(lambda x: np.exp(x))
reference("log")(lambda x: np.log(x))
reference("sqrt")(lambda x: np.sqrt(x))
reference("sin")(lambda x: np.sin(x))
reference("cos")(lambda x: np.cos(x))

reference("erf")(lambda x: special.erf(x))
reference("normal_cdf")(lambda x: special.ndtr(x))
reference("gelu")(lambda x: x * special.ndtr(x))

reference("tanh")(lambda x: np.tanh(x))
reference("sigmoid")(lambda x: special.expit(x))
reference("relu")(lambda x: np.maximum(x, 0))
reference("relu_slope")(lambda x: np.heaviside(x, 0))
reference("softplus")(lambda x: np.logaddexp(0, x))
reference("hard_tanh")(lambda x: np.clip(x, -1, 1))


@reference("leaky_relu")
def leaky_relu(x, slope):
    return np.maximum(x, 0) + slope * np.minimum(x, 0)


@reference("leaky_relu_slope")
def leaky_relu_slope(x, slope):
    return np.heaviside(x, 0) + slope * (1 - np.heaviside(x, 0))


@reference("elu")
def elu(x, alpha):
    return np.maximum(x, 0) + alpha * np.expm1(np.minimum(x, 0))


@reference("elu_slope")
def elu_slope(x, alpha):
    right = np.heaviside(x, 0)
    return right + alpha * np.exp(np.minimum(x, 0)) * (1 - right)


@reference("selu")
def selu(x):
    return 1.0507009873554804934193349852946 * np.where(x > 0, x, 1.6732632423543772848170429916717 * np.expm1(x))


@reference("gelu_tanh")
def gelu_tanh(x):
    return x * special.expit(2 * np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))


reference("sign")(lambda x: np.sign(x))
reference("absolute")(lambda x: np.abs(x))
reference("maximum")(lambda a, b: np.maximum(a, b))
reference("minimum")(lambda a, b: np.minimum(a, b))
reference("at_least")(lambda a, b: np.heaviside(a - b, 1))
reference("greater")(lambda a, b: np.heaviside(a - b, 0))
reference("equal")(lambda a, b: 1 - np.abs(np.sign(a - b)))


@reference("where")
def where(c, a, b):
    return np.where(np.isnan(c), np.nan, np.where(c > 0, a, b))


def class_numbers(draw: Draw, primitive: Primitive) -> Case:
    shape = draw(shapes())
    return Case([whole_numbers(draw, 0, 3, shape) for _ in range(2)])


@reference("equal_whole", class_numbers)
def equal_whole(a, b):
    return (a == b) * 1.0


def addends(draw: Draw, primitive: Primitive) -> Case:
    shape = draw(shapes())
    return Case(numbers(draw, [(shape, ANY)] * draw(st.integers(2, 5))))


@reference("total", addends)
def total(*addends):
    return np.sum(addends, axis=0)
