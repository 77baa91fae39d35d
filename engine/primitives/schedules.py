"""Learning rates and momenta that change with time: one number out of another, the clock and the settings of a schedule.

t counts whole epochs, or iterations (`unit`). All but the plateau depend on the clock alone: nothing is carried from one
iteration to the next, so a replay and a drag of any setting give the numbers of their moment.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from engine.primitives.base import (
    Arena,
    Code,
    Integers,
    Interval,
    Primitive,
    Region,
    encode_update,
    kernel,
    need_real,
    real,
    register,
    scalar,
    whole32,
)
from engine.primitives.corrections import once
from engine.primitives.elementary import cos_of, exp_of
from engine.primitives.updates import RATE, SHARE
from engine.problems import shape_mismatch
from engine.values import Shape, Value, shape_text

CLOCK = {"iteration": 0, "epoch": 1}  # the places of both in `integers`, see engine.tape
PI = math.pi
PERIOD = Interval(1, 6)
TEXT = "Aggarwal 2023, §2.6.2"


@scalar()
def whole_power(base, exponent):  # type: ignore[no-untyped-def]
    """base to the power of ⌊exponent⌋ ≥ 0, by squaring: as many products as the exponent has binary digits."""
    left, power = whole32(exponent), real(1) + exponent * real(0)  # NaN stays NaN
    while left > 0:
        if left & 1:
            power = power * base
        base, left = base * base, left >> 1
    return power


def timed(*operands: Value, unit: str) -> Shape:
    """One number out of single numbers."""
    need_real(*operands)
    if any(operand.shape != () for operand in operands):
        shapes = ", ".join(shape_text(operand.shape) for operand in operands)
        raise shape_mismatch(f"a schedule takes single numbers, not {shapes}")
    return ()


def timed_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """The clock's place, y, then the operands."""
    return (CLOCK[attributes["unit"]], result.offset, *encode_update(operands, result, attributes))


def _timed(name: str, formula: str, body: Any, domain: tuple[Interval, ...], **more: str) -> Primitive:
    return register(
        Primitive(
            name=name, formula=formula, shape=timed, body=body, encode=timed_encode, length=once, domain=domain,
            source=more.get("source", TEXT), convention=more.get("convention", "t counts from 0"),
        )
    )  # fmt: skip


@kernel
def step_decay_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    for _ in range(start, stop):
        steps = real(integers[instruction[1]]) / arena[instruction[5]]
        arena[instruction[2]] = arena[instruction[3]] * whole_power(arena[instruction[4]], steps)


step_decay = _timed(
    "step_decay", r"\eta_t = \eta\,\gamma^{\lfloor t / s \rfloor}", step_decay_body, (RATE, SHARE, PERIOD)
)


@kernel
def exponential_decay_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    for _ in range(start, stop):
        t = real(integers[instruction[1]])
        arena[instruction[2]] = arena[instruction[3]] * exp_of(-(arena[instruction[4]] * t))


exponential_decay = _timed(
    "exponential_decay", r"\eta_t = \eta\,e^{-kt}", exponential_decay_body, (RATE, Interval(0.01, 0.2))
)


@kernel
def inverse_decay_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    for _ in range(start, stop):
        t = real(integers[instruction[1]])
        arena[instruction[2]] = arena[instruction[3]] / (real(1) + arena[instruction[4]] * t)


inverse_decay = _timed("inverse_decay", r"\eta_t = \frac{\eta}{1 + kt}", inverse_decay_body, (RATE, SHARE))


@kernel
def cosine_decay_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    for _ in range(start, stop):
        t, rate, low = real(integers[instruction[1]]), arena[instruction[3]], arena[instruction[5]]
        share = t / arena[instruction[4]]
        wave = cos_of(real(PI) * (real(1) if share > real(1) else share))
        arena[instruction[2]] = low + (rate - low) * (real(0.5) + real(0.5) * wave)


cosine_decay = _timed(
    "cosine_decay",
    r"\eta_t = \eta_0 + (\eta - \eta_0)\,\frac{1 + \cos(\pi \min(t / T, 1))}{2}",
    cosine_decay_body,
    (RATE, PERIOD, SHARE),
    source="Loshchilov & Hutter 2017",
    convention="from T on it stays at η₀",
)


@kernel
def linear_ramp_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    for _ in range(start, stop):
        end, begin = arena[instruction[3]], arena[instruction[4]]
        share = real(integers[instruction[1]]) / arena[instruction[5]]
        arena[instruction[2]] = end if share >= real(1) else begin + (end - begin) * share


linear_ramp = _timed(
    "linear_ramp",
    r"\beta_t = \beta_0 + (\beta - \beta_0)\,\min(t / T, 1)",
    linear_ramp_body,
    (SHARE, SHARE, PERIOD),
    source="Goodfellow, Bengio & Courville 2016, §8.3.1",
)


@kernel
def warm_up_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    for _ in range(start, stop):
        t, length = real(integers[instruction[1]]) + real(1), arena[instruction[4]]
        arena[instruction[2]] = arena[instruction[3]] * (t / length) if t < length else arena[instruction[3]]


warm_up = _timed(
    "warm_up",
    r"\eta_t = \eta\,\min\left(\frac{t + 1}{T}, 1\right)",
    warm_up_body,
    (RATE, Interval(0, 6)),
    source="Goyal et al. 2017",
    convention="a length of 0 or 1 warms nothing up",
)


@kernel
def rate_window_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    for _ in range(start, stop):
        rate, begin, end = arena[instruction[3]], arena[instruction[4]], arena[instruction[5]]
        t = real(integers[instruction[1]])
        outside = t < begin or (end > real(0) and t >= end)
        known = begin == begin and end == end
        arena[instruction[2]] = (rate * real(0) if outside else rate) if known else begin + end


rate_window = _timed(
    "rate_window",
    r"\eta_t = \eta\,[\,a \leq t < b\,]",
    rate_window_body,
    (RATE, Interval(0.0, 6.0), Interval(4.0, 12.0)),
    source="layer-wise pretraining: Hinton, Osindero & Teh 2006",
    convention="an end of 0 never comes",
)


@kernel
def growing_momentum_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    for _ in range(start, stop):
        limit, grown = arena[instruction[3]], real(1) - real(3) / (real(integers[instruction[1]]) + real(5))
        arena[instruction[2]] = limit if grown > limit else grown


growing_momentum = _timed(
    "growing_momentum",
    r"\beta_t = \min\left(1 - \frac{3}{t + 5},\ \beta\right)",
    growing_momentum_body,
    (SHARE,),
    source="Sutskever et al. 2013, after Nesterov 1983",
    convention="starts at 2/5; the rate 1/t² of Nesterov's method on convex losses needs such a growth",
)

MEMORY = 6  # reductions, best mean, epochs waited, sum and count of this epoch's losses, 1 + parity of this epoch


def plateau_shape(memory: Value, rate: Value, *numbers: Value) -> Shape:
    """Six numbers of memory, the rate in use, and single numbers."""
    need_real(memory, rate, *numbers)
    if memory.shape != (MEMORY,) or any(value.shape != () for value in (rate, *numbers)):
        raise shape_mismatch(f"a plateau is watched with {MEMORY} numbers of memory, not {shape_text(memory.shape)}")
    return memory.shape


@kernel
def plateau_decay_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    m, rate, factor, low = instruction[1], arena[instruction[3]], arena[instruction[4]], arena[instruction[7]]
    for _ in range(start, stop):
        epoch, loss = real(1 + (integers[1] & 1)), arena[instruction[8]]
        if arena[m + 5] != epoch:
            if arena[m + 5] != real(0):
                mean = arena[m + 3] / arena[m + 4]
                better = mean < arena[m + 1] * (real(1) - arena[instruction[6]])
                if better or arena[m + 2] < real(0):
                    arena[m + 1], arena[m + 2] = mean, real(0)
                else:
                    arena[m + 2] += real(1)
                if arena[m + 2] > arena[instruction[5]]:
                    arena[m] += real(1)
                    arena[m + 2] = real(0)
            else:
                arena[m + 2] = -real(1)  # nothing is best yet: the first mean will be
            arena[m + 3], arena[m + 4], arena[m + 5] = real(0), real(0), epoch
        arena[m + 3] += loss
        arena[m + 4] += real(1)
        reduced = rate * whole_power(factor, arena[m])
        floor = low if low < rate else rate
        arena[instruction[2]] = floor if reduced < floor else reduced


plateau_decay = register(Primitive(
    name="plateau_decay", formula=r"\eta_t = \max(\eta\,\gamma^{n},\ \eta_0)", shape=plateau_shape,
    body=plateau_decay_body, encode=encode_update, length=once, writes=(0, 1),
    source="Aggarwal 2023, §2.6.2; as ReduceLROnPlateau of PyTorch and Keras",
    convention="n grows by one when the mean loss of an epoch has not beaten the best one for more than p epochs",
))  # fmt: skip
