"""Line searches on losses of one parameter, and how often they ask."""

import math

import numpy as np
import pytest

from engine.drivers.asking import Sight
from engine.drivers.lines import SEARCHES, Line, bracket, halve, narrow
from tests.engine.drivers.surfaces import Formula, bowl


def asked(surface, asking, at=None):
    """What a search answers, and how often it asked."""
    asks, reply = 0, None
    while True:
        try:
            request = asking.send(reply)
        except StopIteration as end:
            return end.value, asks
        asks += 1
        reply = surface.answer(request, at)


def line(surface, start=0.0, direction=1.0):
    at = np.array([start])
    return Line(Sight(at, surface.loss(at), surface.slope(at), np.zeros(1)), np.array([direction]))


def parabola(bottom):
    """(w − bottom)²."""
    return bowl([[2.0]], [2.0 * bottom])


@pytest.mark.text("03:line-search-binary")
def test_halving_a_width_of_2_to_a_millionth_takes_21_halvings():
    surface = parabola(0.6199)
    (low, high), asks = asked(surface, halve(line(surface), 0.0, 2.0))
    assert asks == 42 and low <= 0.6199 <= high and high - low <= 1e-6


@pytest.mark.text("03:line-search-golden")
def test_golden_section_takes_31_reductions_with_32_evaluations():
    surface = parabola(0.6199)
    (low, high), asks = asked(surface, narrow(line(surface), 0.0, 2.0))
    assert asks == 32 and low <= 0.6199 <= high
    assert high - low == pytest.approx(2 * ((math.sqrt(5) - 1) / 2) ** 31)


@pytest.mark.parametrize(("bottom", "end"), [(0.3, 1.0), (1.2, 2.0), (100.0, 256.0)])
def test_the_interval_is_doubled_while_the_loss_falls(bottom, end):
    surface = parabola(bottom)
    found, _ = asked(surface, bracket(line(surface)))
    assert found == end and found >= bottom


@pytest.mark.parametrize("name", ["quadratic", "binary", "golden", "slope"])
@pytest.mark.parametrize("bottom", [1e-2, 0.62, 1.0, 37.5])
def test_searches_find_the_bottom_of_a_parabola(name, bottom):
    surface = parabola(bottom)
    found, _ = asked(surface, SEARCHES[name](line(surface)), np.zeros(1))
    assert found == pytest.approx(bottom, rel=1e-12 if name in ("quadratic", "slope") else 1e-4)


@pytest.mark.parametrize("name", ["backtracking", "wolfe"])
@pytest.mark.parametrize("bottom", [1e-3, 0.62, 37.5])
def test_inexact_searches_keep_their_promise(name, bottom):
    surface = parabola(bottom)
    along = line(surface)
    found, asks = asked(surface, SEARCHES[name](along))
    assert surface.loss(np.array([found])) <= along.start + 1e-4 * found * along.fall
    if name == "wolfe":
        assert float(surface.slope(np.array([found]))[0]) >= 0.9 * along.fall
    assert found > 0 and asks < 30


@pytest.mark.parametrize("name", ["backtracking", "wolfe", "slope", "binary", "golden"])
def test_uphill_nothing_is_gained(name):
    surface = parabola(-1.0)
    assert asked(surface, SEARCHES[name](line(surface)))[0] == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("name", ["backtracking", "wolfe", "binary", "golden", "slope"])
def test_a_loss_that_is_infinite_further_out_is_searched_this_side_of_it(name):
    def loss(w):
        return float(w[0] ** 2 - w[0]) if w[0] < 0.7 else math.inf

    surface = Formula(loss, lambda w: np.array([2 * w[0] - 1 if w[0] < 0.7 else math.nan]), lambda w: np.eye(1))
    found, _ = asked(surface, SEARCHES[name](line(surface)))
    assert 0 < found < 0.7 and loss(np.array([found])) < 0


@pytest.mark.parametrize("name", list(SEARCHES))
def test_a_loss_without_a_bottom_does_not_hold_a_search_forever(name):
    surface = Formula(lambda w: -float(w[0]), lambda w: -np.ones(1), lambda w: np.zeros((1, 1)))
    found, asks = asked(surface, SEARCHES[name](line(surface)), np.zeros(1))
    assert found >= 1.0 and asks < 400
