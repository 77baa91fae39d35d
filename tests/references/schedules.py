"""Learning rates and momenta at a moment, as the texts print them."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from engine.primitives.base import Primitive
from tests.references.registry import Case, Draw, Drawing, generator, intervals_of, numbers, reference


def timed(settings: int) -> Drawing:
    """Single numbers, at some moment."""

    def drawing(draw: Draw, primitive: Primitive) -> Case:
        numbers_drawn = numbers(draw, [((), interval) for interval in intervals_of(primitive, settings)])
        unit, clock = draw(st.sampled_from(["iteration", "epoch"])), st.integers(0, 20)
        return Case(numbers_drawn, {"unit": unit}, draw(clock), draw(clock))

    return drawing


def moment(unit, iteration, epoch):
    return epoch if unit == "epoch" else iteration


@reference("step_decay", timed(3))
def step_decay(rate, factor, every, unit, iteration, epoch):
    return rate * factor ** (moment(unit, iteration, epoch) // every)


@reference("exponential_decay", timed(2))
def exponential_decay(rate, k, unit, iteration, epoch):
    return rate * np.exp(-k * moment(unit, iteration, epoch))


@reference("inverse_decay", timed(2))
def inverse_decay(rate, k, unit, iteration, epoch):
    return rate / (1 + k * moment(unit, iteration, epoch))


@reference("cosine_decay", timed(3))
def cosine_decay(rate, length, low, unit, iteration, epoch):
    share = np.minimum(moment(unit, iteration, epoch) / length, 1)
    return low + (rate - low) * (1 + np.cos(np.pi * share)) / 2


@reference("linear_ramp", timed(3))
def linear_ramp(end, begin, length, unit, iteration, epoch):
    share = moment(unit, iteration, epoch) / length
    return end if share >= 1 else begin + (end - begin) * share


@reference("warm_up", timed(2))
def warm_up(rate, length, unit, iteration, epoch):
    t = moment(unit, iteration, epoch) + 1
    return rate * (t / length if t < length else 1)


@reference("rate_window", timed(3))
def rate_window(rate, begin, end, unit, iteration, epoch):
    if np.isnan(begin) or np.isnan(end):
        return np.float64(np.nan)
    return rate * (begin <= moment(unit, iteration, epoch) < end)


@reference("growing_momentum", timed(1))
def growing_momentum(limit, unit, iteration, epoch):
    grown = 1 - 3 / (moment(unit, iteration, epoch) + 5)
    return limit if grown > limit else grown


def watched(draw: Draw, primitive: Primitive) -> Case:
    """A plateau's memory somewhere between its first iteration and its fifth reduction."""
    random = generator(draw)
    begun = draw(st.booleans())
    memory = [draw(st.integers(0, 5)), random.uniform(0.5, 2), draw(st.integers(-1, 3)), random.uniform(1, 5),
              draw(st.integers(1, 4)), draw(st.integers(1, 2))]  # fmt: skip
    settings = [0.5, draw(st.integers(0, 3)), 0.01, random.uniform(0, 0.05)]
    operands = [memory if begun else [0] * 6, 0.0, random.uniform(0.01, 0.5), *settings, random.uniform(0, 3)]
    return Case([np.asarray(operand, float) for operand in operands], epoch=draw(st.integers(0, 9)))


@reference("plateau_decay", watched)
def plateau_decay(memory, used, rate, factor, patience, threshold, low, loss, epoch):
    reductions, best, waited, total, count, parity = memory
    if parity == 0:
        waited, total, count = -1, 0, 0
    elif parity != 1 + epoch % 2:
        if waited < 0 or total / count < best * (1 - threshold):
            best, waited = total / count, 0
        else:
            waited += 1
        if waited > patience:
            reductions, waited = reductions + 1, 0
        total, count = 0, 0
    reduced, floor = rate * factor**reductions, low if low < rate else rate
    used = floor if reduced < floor else reduced
    return np.array([reductions, best, waited, total + loss, count + 1, 1 + epoch % 2]), used
