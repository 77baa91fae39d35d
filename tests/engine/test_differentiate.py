"""Derivative rules against central differences: first order, and second order by reverse over reverse, in float64."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.differentiate import gradients
from engine.primitives import all_primitives
from engine.problems import ProblemError
from engine.program import Builder
from engine.values import Value, resolve
from tests.engine.primitives.playing import Array, build, finish, start
from tests.references.registry import all_references

REFERENCES = all_references()
BY_DECISION = {
    "stop_gradient": "its derivative is 0 although it is the identity",
    "random_bernoulli": "a draw jumps where its chance crosses the random number",
    "label_error": "a learning signal, constant by decision where the label is",
}
DIFFERENTIABLE = [
    p for p in all_primitives() if p.derivative is not None and p.name in REFERENCES and p.name not in BY_DECISION
]
STEP = 1e-3


class Slopes:
    """The loss Σ w · y of one call, its gradient along v, and the gradient of that along u, at any operands."""

    def __init__(self, primitive, data) -> None:
        case = REFERENCES[primitive.name].draw(data.draw, primitive)
        random = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
        self.reals = [k for k, x in enumerate(case.operands) if x.dtype.kind == "f"]
        self.operands = case.operands
        sizes = [case.operands[k].shape for k in self.reals]
        self.v, self.u = [[np.asarray(random.uniform(-1, 1, size)) for size in sizes] for _ in range(2)]

        def recipe(emit_with: Builder, values: list[Value]) -> list[Value]:
            operands, v, u = self._split(values, len(case.operands))
            result = emit_with.emit(primitive.name, *operands, **case.attributes)
            weight = emit_with.source(
                "constant", "weight", result.shape, random.uniform(0.5, 1.5, resolve(result.shape, 1))
            )
            loss = total_of(emit_with, result * weight)
            slope = along(emit_with, loss, [operands[k] for k in self.reals], v)
            bend = along(emit_with, slope, [operands[k] for k in self.reals], u)
            return [loss, slope, bend]

        everything: list[Array] = [*self.operands, *self.v, *self.u]
        self.bench = build(recipe, everything)
        self.machine = start(self.bench, everything, batch=case.batch)

    def _split(self, values: list[Value], count: int) -> tuple[list[Value], list[Value], list[Value]]:
        directions = len(self.reals)
        return values[:count], values[count : count + directions], values[count + directions :]

    def at(self, step: float, direction: Sequence[Array]) -> list[float]:
        """Loss, slope and bend at the operands moved by step · direction."""
        for k, way in zip(self.reals, direction, strict=True):
            place = self.bench.operands[k]
            if self.machine.tape.places[place.index] is not None:
                self.machine.view(place)[...] = self.operands[k] + step * way
        return [float(result) for result in finish(self.bench, self.machine)]

    def difference(self, which: int, direction: Sequence[Array]) -> float:
        """A central difference of fourth order of the loss (0) or the slope (1)."""
        near = self.at(STEP, direction)[which] - self.at(-STEP, direction)[which]
        far = self.at(2 * STEP, direction)[which] - self.at(-2 * STEP, direction)[which]
        return (8 * near - far) / (12 * STEP)


def total_of(build: Builder, x: Value) -> Value:
    """The sum of all entries."""
    return build.emit("sum", x, axes=tuple(range(x.rank))) if x.rank else x


def along(build: Builder, loss: Value, operands: Sequence[Value], direction: Sequence[Value]) -> Value:
    """The slope of `loss` along a direction: the gradients' inner product with it."""
    found = gradients(build.program, loss, operands)
    terms = [
        total_of(build, found[x.index] * way) for x, way in zip(operands, direction, strict=True) if x.index in found
    ]
    result = build.emit("multiply", loss, 0.0)
    for term in terms:
        result = result + term
    return result


@pytest.mark.parametrize("primitive", DIFFERENTIABLE, ids=str)
@settings(max_examples=10)
@given(data=st.data())
def test_a_derivative_agrees_with_central_differences(primitive, data):
    slopes = Slopes(primitive, data)
    expected = slopes.difference(0, slopes.v)
    assert slopes.at(0, slopes.v)[1] == pytest.approx(expected, rel=1e-6, abs=1e-7, nan_ok=True)


@pytest.mark.parametrize("primitive", DIFFERENTIABLE, ids=str)
@settings(max_examples=10)
@given(data=st.data())
def test_a_second_derivative_agrees_with_central_differences_of_the_first(primitive, data):
    slopes = Slopes(primitive, data)
    expected = slopes.difference(1, slopes.u)
    assert slopes.at(0, slopes.u)[2] == pytest.approx(expected, rel=1e-6, abs=1e-6, nan_ok=True)


@pytest.mark.parametrize("name", BY_DECISION)
def test_what_has_no_slope_by_decision_sends_nothing_back(name):
    case_numbers = [np.full((), 0.5)] * (2 if name == "label_error" else 1)
    attributes = {"random_bernoulli": {"shape": (), "key": 1}, "label_error": {"zero_is_mistake": True}}.get(name, {})

    def recipe(b: Builder, v: list[Value]) -> list[Value]:
        assert not {x.index for x in v} & gradients(b.program, b.emit(name, *v, **attributes), v).keys()
        return v

    build(recipe, case_numbers)


def test_a_loss_is_one_number():
    with pytest.raises(ProblemError) as caught:
        build(lambda b, v: list(gradients(b.program, v[0], v).values()), [np.zeros(3)])
    assert "a loss is one number, but this one has the shape (3)" in str(caught.value)


def test_what_only_measures_has_no_derivative():
    def recipe(b: Builder, v: list[Value]) -> list[Value]:
        return list(gradients(b.program, b.emit("equal", v[0], v[1]), v).values())

    with pytest.raises(ProblemError) as caught:
        build(recipe, [np.zeros(()), np.ones(())])
    assert "“equal” has no derivative" in str(caught.value)
    assert caught.value.problems[0].node == "node_1"


def test_a_value_that_does_not_reach_the_loss_has_no_gradient():
    def recipe(b: Builder, v: list[Value]) -> list[Value]:
        found = gradients(b.program, b.emit("exp", v[0]), v)
        assert v[1].index not in found
        return [found[v[0].index]]

    bench = build(recipe, [np.zeros(()), np.ones(())])
    assert finish(bench, start(bench, [np.zeros(()), np.ones(())]))[0] == 1.0
