"""Derivatives of whole graphs against autograd: random graphs with shared values, and small networks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad, make_hvp
from autograd.scipy import special
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.differentiate import gradients
from engine.program import Builder
from engine.values import B, Value
from tests.engine.primitives.playing import build, finish, start

# Each operation in both languages; all are bounded or grow slowly, so that no graph of forty of them leaves the floats.
ONE: list[tuple[Callable[[Value], Value], Callable[[Any], Any]]] = [
    (lambda x: emit("tanh", x), anp.tanh),
    (lambda x: emit("sin", x), anp.sin),
    (lambda x: emit("cos", x), anp.cos),
    (lambda x: emit("sigmoid", x), lambda x: 0.5 * (anp.tanh(x / 2) + 1)),
    (lambda x: emit("softplus", emit("tanh", x)), lambda x: anp.log(1 + anp.exp(anp.tanh(x)))),
    (lambda x: emit("exp", -emit("tanh", x)), lambda x: anp.exp(-anp.tanh(x))),
    (lambda x: emit("sqrt", 1 + x * x), lambda x: anp.sqrt(1 + x * x)),
    (lambda x: emit("log", 2 + emit("sin", x)), lambda x: anp.log(2 + anp.sin(x))),
    (lambda x: (1 + emit("tanh", x) ** 2) ** 1.5, lambda x: (1 + anp.tanh(x) ** 2) ** 1.5),
    (lambda x: emit("softmax", x), lambda x: anp.exp(x) / anp.sum(anp.exp(x), axis=-1, keepdims=True)),
    (lambda x: x - emit("mean", x, axes=(0,), keep=True), lambda x: x - anp.mean(x, axis=0, keepdims=True)),
    (lambda x: emit("sum", x, axes=(1,), keep=True) * 0.3, lambda x: anp.sum(x, axis=1, keepdims=True) * 0.3),
    (lambda x: emit("erf", x), special.erf),
    (lambda x: emit("gelu", emit("tanh", x)), lambda x: anp.tanh(x) * 0.5 * (1 + special.erf(anp.tanh(x) / 2**0.5))),
    (lambda x: emit("norm", 2 + emit("tanh", x)) * 0.3, lambda x: 0.3 * length_of(2 + anp.tanh(x))),
    (lambda x: emit("cumulative_sum", emit("tanh", x)) * 0.5, lambda x: anp.cumsum(anp.tanh(x), axis=-1) * 0.5),
    (lambda x: emit("take_along", x, emit("order", x, largest=False)), lambda x: anp.stack([anp.sort(row) for row in x])),
    (lambda x: emit("where", emit("sin", x), emit("tanh", x), x * 0.5),
     lambda x: anp.where(anp.sin(x) > 0, anp.tanh(x), x / 2)),
    (lambda x: gram(emit("tanh", x)), lambda x: anp.matmul(anp.tanh(x), anp.tanh(x).T) @ anp.tanh(x) * 0.1),
]  # fmt: skip
TWO: list[tuple[Callable[[Value, Value], Value], Callable[[Any, Any], Any]]] = [
    (lambda a, b: (a + b) * 0.5, lambda a, b: (a + b) / 2),
    (lambda a, b: (a - b) * 0.5, lambda a, b: (a - b) / 2),
    (lambda a, b: emit("tanh", a) * b, lambda a, b: anp.tanh(a) * b),
    (lambda a, b: a / (2 + emit("sin", b)), lambda a, b: a / (2 + anp.sin(b))),
]


def emit(name: str, *operands: Value, **attributes: Any) -> Value:
    return operands[0].program.build.emit(name, *operands, **attributes)


def length_of(x: Any) -> Any:
    return anp.sqrt(anp.sum(x * x, axis=-1, keepdims=True))


def gram(x: Value) -> Value:
    """X Xᵀ X / 10, by a batch of one matrix, with one of its axes laid elsewhere and back."""
    lone = emit("reshape", x, shape=(1, *x.shape))
    turned = emit("permute", lone, axes=(0, 2, 1))
    inner = emit("batch_matmul", lone, turned)
    return emit("reshape", emit("batch_matmul", inner, lone), shape=x.shape) * 0.1


def total_of(x: Value) -> Value:
    return emit("sum", x, axes=tuple(range(x.rank)))


@st.composite
def recipes(draw: Any) -> list[tuple[int, int, int]]:
    """Up to forty operations: its number, and how far back its operands lie (values are read several times)."""
    operation = st.tuples(st.integers(0, len(ONE) + len(TWO) - 1), st.integers(1, 4), st.integers(1, 4))
    return draw(st.lists(operation, min_size=1, max_size=40))


def follow(recipe: list[tuple[int, int, int]], first: Any, second: Any, language: int) -> Any:
    """The last value of the graph, in the language of the engine (0) or of autograd (1)."""
    values = [first, second]
    for operation, back, further in recipe:
        a, b = values[-min(back, len(values))], values[-min(further, len(values))]
        values.append(
            ONE[operation][language](a) if operation < len(ONE) else TWO[operation - len(ONE)][language](a, b)
        )
    return values[-1]


@settings(max_examples=100)
@given(recipe=recipes(), seed=st.integers(0, 2**32 - 1))
def test_gradients_and_hessian_vector_products_of_random_graphs_agree_with_autograd(recipe, seed):
    random = np.random.default_rng(seed)
    x, y, v = random.normal(size=(3, 4)), random.normal(size=(1, 4)), random.normal(size=(3, 4))

    def program(b: Builder, values: list[Value]) -> list[Value]:
        result = follow(recipe, values[0], values[1], 0)
        loss = total_of(emit("tanh", result) * result)
        slope = gradients(b.program, loss, values[:1]).get(values[0].index)
        slope = emit("multiply", values[0], b.constant(0.0)) if slope is None else slope
        bend = gradients(b.program, total_of(slope * values[2]), values[:1]).get(values[0].index)
        return [loss, slope, emit("multiply", values[0], b.constant(0.0)) if bend is None else bend]

    def loss_of(x: Any) -> Any:
        result = follow(recipe, x, y, 1)
        return anp.sum(anp.tanh(result) * result) + 0.0 * anp.sum(x * x)

    bench = build(program, [x, y, v])
    loss, slope, bend = finish(bench, start(bench, [x, y, v]))
    assert loss == pytest.approx(loss_of(x), rel=1e-10, abs=1e-10)
    np.testing.assert_allclose(slope, grad(loss_of)(x), rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(bend, make_hvp(loss_of)(x)[0](v), rtol=1e-7, atol=1e-7)


def network(language: Any, x: Any, first: Any, bias: Any, second: Any, target: Any) -> Any:
    """Two layers that share their weight, softmax, and the squared error: the same lines for both languages."""
    hidden = language.tanh(x @ first + bias)
    again = language.tanh(hidden @ first + bias)
    error = language.softmax(again @ second) - target
    return language.mean(error * error)


class Engine:
    """The words of `network` in the engine."""

    tanh = staticmethod(lambda x: emit("tanh", x))
    softmax = staticmethod(lambda x: emit("softmax", x))
    mean = staticmethod(lambda x: emit("mean", x, axes=tuple(range(x.rank))))


class Autograd:
    """The words of `network` in autograd."""

    tanh, mean = anp.tanh, anp.mean
    softmax = staticmethod(lambda x: anp.exp(x) / anp.sum(anp.exp(x), axis=-1, keepdims=True))


@pytest.mark.parametrize("batch", [1, 2, 7])
@pytest.mark.parametrize("width", [1, 2, 3])
def test_a_network_with_a_shared_weight_agrees_with_autograd(batch, width):
    random = np.random.default_rng(batch * 10 + width)
    shapes = [(B, width), (width, width), (width,), (width, 5), (B, 5)]
    operands = [random.normal(size=[batch if dim is B else dim for dim in shape]) for shape in shapes]

    def program(b: Builder, values: list[Value]) -> list[Value]:
        loss = network(Engine, *values)
        found = gradients(b.program, loss, values)
        return [loss, *[found[value.index] for value in values]]

    bench = build(program, operands, shapes)
    loss, *slopes = finish(bench, start(bench, operands, batch=batch))
    expected = grad(lambda arrays: network(Autograd, *arrays))(operands)
    assert loss == pytest.approx(network(Autograd, *operands), rel=1e-12)
    for mine, its in zip(slopes, expected, strict=True):
        np.testing.assert_allclose(mine, its, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("batch", [1, 2, 7])
def test_float32_gradients_of_a_network_agree_with_float64(batch):
    random = np.random.default_rng(batch)
    shapes = [(B, 4), (4, 4), (4,), (4, 5), (B, 5)]
    operands = [
        random.normal(size=[batch if dim is B else dim for dim in shape]).astype(np.float32) for shape in shapes
    ]

    def program(b: Builder, values: list[Value]) -> list[Value]:
        found = gradients(b.program, network(Engine, *values), values)
        return [found[value.index] for value in values]

    exact, fast = [
        finish(bench, start(bench, operands, dtype, batch=batch))
        for dtype in ("float64", "float32")
        for bench in [build(program, operands, shapes)]
    ]
    for mine, its in zip(fast, exact, strict=True):
        np.testing.assert_allclose(mine, its, rtol=1e-4, atol=1e-6)
