"""Powers, with the conventions that keep x², x¹ and x⁰ differentiable at 0."""

from __future__ import annotations

import math

from engine.primitives.base import (
    Arena,
    Code,
    Integers,
    Interval,
    Primitive,
    joint,
    kernel,
    real,
    register,
    scalar,
    steps,
    whole32,
)
from engine.primitives.elementary import exp_of, log_of
from engine.values import Value

STEP_A = STEP_B = 1  # compiled in: 0 where the operand is a single number
MOST_PRODUCTS = 8  # one exponent for all, whole and at most this: multiplied out, exact and fast


def power_float32(base, exponent):  # type: ignore[no-untyped-def]
    """e^(b ln |a|), with the sign of whole odd exponents; relative error about 1e-7 (1 + |b ln a|)."""
    y = exp_of(exponent * log_of(-base if base < real(0) else base))
    bounded = real(1e6) if exponent > real(1e6) else (real(-1e6) if exponent < real(-1e6) else exponent)
    nearest = whole32(bounded if bounded == bounded else real(0))
    odd = -y if nearest & 1 else y
    negative = odd if real(nearest) == bounded else real(math.nan)
    y = negative if base < real(0) else y
    return real(1) if exponent == real(0) else y


@scalar(power_float32)
def power_of(base, exponent):  # type: ignore[no-untyped-def]
    return math.pow(base, exponent)


def power_slope_float32(base, exponent):  # type: ignore[no-untyped-def]
    return real(0) * base if exponent == real(0) else exponent * power_of(base, exponent - real(1))


@scalar(power_slope_float32)
def power_slope_of(base, exponent):  # type: ignore[no-untyped-def]
    return 0.0 if exponent == 0.0 else exponent * math.pow(base, exponent - 1.0)


@kernel
def power_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    a, b, y = instruction[1], instruction[2], instruction[3]
    products = 0
    if STEP_B == 0:
        exponent = arena[b]
        for n in range(1, MOST_PRODUCTS + 1):
            products = n if exponent == real(n) else products
    if products > 0:
        for i in range(start, stop):
            arena[y + i] = arena[a + i * STEP_A]
        for _ in range(1, products):
            for i in range(start, stop):
                arena[y + i] = arena[y + i] * arena[a + i * STEP_A]
    else:
        for i in range(start, stop):
            arena[y + i] = power_of(arena[a + i * STEP_A], arena[b + i * STEP_B])


def power_derivative(a: Value, b: Value, y: Value, dy: Value) -> list[Value | None]:
    emit, exponent = a.program.build.emit, b.source
    if exponent is not None and exponent.role in ("constant", "setting") and not exponent.trainable:
        if exponent.role == "constant" and exponent.initial == 0:
            return [None, None]  # a⁰ is 1 everywhere; the rule below would ask for a⁻² one derivative later
        return [dy * emit("power_slope", a, b), None]  # no logarithm of a base that may be negative
    return [dy * emit("power_slope", a, b), dy * (y * emit("log", a))]


power = register(Primitive(
    name="power", formula=r"y = a^b", shape=joint, body=power_body, derivative=power_derivative,
    variant=steps, is_elementwise=True, domain=(Interval(0.3, 3.0), Interval(-2.0, 2.0)), source="power rule",
    convention="a⁰ = 1; a negative base needs a whole exponent, else NaN; the slope by the exponent needs a positive base",
))  # fmt: skip


@kernel
def power_slope_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    a, b, y = instruction[1], instruction[2], instruction[3]
    exponent = arena[b]
    if STEP_B == 0 and exponent == real(2):
        for i in range(start, stop):
            arena[y + i] = real(2) * arena[a + i * STEP_A]
    else:
        for i in range(start, stop):
            arena[y + i] = power_slope_of(arena[a + i * STEP_A], arena[b + i * STEP_B])


def power_slope_derivative(a: Value, b: Value, y: Value, dy: Value) -> list[Value]:
    emit = a.program.build.emit
    lower = b - 1
    by_exponent = emit("power", a, lower) * (1 + b * emit("log", a))
    return [dy * (b * emit("power_slope", a, lower)), dy * by_exponent]


power_slope = register(Primitive(
    name="power_slope", formula=r"y = b\,a^{b-1}", shape=joint,
    body=power_slope_body, derivative=power_slope_derivative,
    variant=steps, is_elementwise=True, domain=(Interval(0.3, 3.0), Interval(-2.0, 2.0)), source="power rule",
    convention="0 where b = 0, even at a = 0: a constant has slope 0",
))  # fmt: skip
