"""Bounds, powers, smooth maxima and ensembles, against NumPy and central differences."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

from engine.problems import ShapeMismatch
from tests.engine.nodes.playing_rules import Array
from tests.engine.nodes.slopes import Alone, check_derivatives

DRAW = np.random.default_rng(9)
X = DRAW.normal(size=(4, 3))


class Summed(Alone):
    """A node of whose first output the squares are added up to one number."""

    def lowered(self, build, values):
        first = next(iter(super().lowered(build, values).values()))
        return {self.kind.outputs[0].name: build.emit("sum", first * first, axes=tuple(range(first.rank)))}


class Together(Alone):
    """A node with many wires at its one port."""

    def lowered(self, build, values):
        return {"y": self.node.lower(build, x=values)}


def test_a_number_is_kept_within_its_bounds():
    node = Alone("clip", {"x": X, "low": -0.3, "high": 0.5})
    np.testing.assert_allclose(node.value(), np.clip(X, -0.3, 0.5))
    around = {"x": X, "low": X[::-1] - 0.4, "high": X[::-1] + 0.4}
    np.testing.assert_allclose(Alone("clip", around).value(), np.clip(X, around["low"], around["high"]))
    check_derivatives(Summed("clip", around))


@pytest.mark.parametrize("degree", [1, 2, 4])
def test_powers_stand_side_by_side(degree):
    node = Alone("power_features", {"x": X}, degree=degree)
    np.testing.assert_allclose(node.value(), np.hstack([X**k for k in range(1, degree + 1)]), rtol=1e-12)
    check_derivatives(Summed("power_features", {"x": X}, degree=degree))


@pytest.mark.parametrize("of", ["sum", "mean"])
def test_a_smooth_maximum_is_that_of_scipy(of):
    wanted = special.logsumexp(X, axis=1, keepdims=True) - (np.log(3) if of == "mean" else 0)
    np.testing.assert_allclose(Alone("log_sum_exp", {"x": X}, of=of).value(), wanted, rtol=1e-12)
    assert np.isfinite(Alone("log_sum_exp", {"x": 1000 * X}).value()).all()
    check_derivatives(Summed("log_sum_exp", {"x": X}, of=of))


def together(method: str, members: list[Array]) -> Array:
    return Together("ensemble", {f"x{k}": member for k, member in enumerate(members)}, method=method).value("y")


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_networks_answer_together(count):
    members = [special.softmax(DRAW.normal(size=(5, 4)), axis=1) for _ in range(count)]
    np.testing.assert_allclose(together("mean", members), np.mean(members, axis=0), rtol=1e-12)
    np.testing.assert_allclose(together("median", members), np.median(members, axis=0), rtol=1e-12)
    product = np.prod(members, axis=0) ** (1 / count)
    np.testing.assert_allclose(together("geometric", members), product / product.sum(axis=1, keepdims=True), rtol=1e-9)
    votes = np.mean([np.eye(4)[member.argmax(axis=1)] for member in members], axis=0)
    np.testing.assert_allclose(together("vote", members), votes, rtol=1e-12)


@pytest.mark.text("04:ensemble-combiners")
def test_numbers_04_ensemble_combiners():
    two = [np.array([[0.9, 0.1]]), np.array([[0.5, 0.5]])]
    np.testing.assert_allclose(together("geometric", two), [(0.75, 0.25)], atol=1e-9)
    np.testing.assert_allclose(together("mean", two), [(0.7, 0.3)])
    three = [np.array([row]) for row in ((0.7, 0.2, 0.1), (0.4, 0.5, 0.1), (0.6, 0.1, 0.3))]
    np.testing.assert_allclose(together("geometric", three), [(0.605390, 0.236374, 0.158236)], atol=5e-7)
    np.testing.assert_allclose(together("mean", three), [(0.566667, 0.266667, 0.166667)], atol=5e-7)
    np.testing.assert_allclose(together("median", three), [(0.6, 0.2, 0.1)])


def test_one_network_that_excludes_a_class_excludes_it_for_all():
    found = together("geometric", [np.array([[0.5, 0.5, 0.0]]), np.array([[0.2, 0.2, 0.6]])])
    np.testing.assert_allclose(found, [[0.5, 0.5, 0.0]])


def test_networks_of_different_answers_are_refused():
    with pytest.raises(ShapeMismatch, match="have no mean"):
        together("mean", [X, X[:, :2]])
