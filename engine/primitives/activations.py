"""Functions of one number with a bounded or half-bounded range: the activations."""

from __future__ import annotations

import math

from engine.primitives.base import Arena, Code, Integers, Interval, Primitive, kernel, real, register, same, scalar
from engine.program import Value


def tanh_float32(x):  # type: ignore[no-untyped-def]
    # Odd degree 13 over even degree 6 on [-9, 9], error 1.9e-7. Clamped by conditionals, so that NaN stays NaN.
    x = real(9) if x > real(9) else x
    x = real(-9) if x < real(-9) else x
    u = x * x
    p = real(1.48572235717979e-05) + u * (
        real(5.12229709037114e-08)
        + u * (real(-8.60467152213735e-11) + u * (real(2.00018790482477e-13) + u * real(-2.76076847742355e-16)))
    )
    p = x * (real(4.89352455891786e-03) + u * (real(6.37261928875436e-04) + u * p))
    q = real(1.18534705686654e-04) + u * real(1.19825839466702e-06)
    return p / (real(4.89352518554385e-03) + u * (real(2.26843463243900e-03) + u * q))


@scalar(tanh_float32)
def tanh_of(x):  # type: ignore[no-untyped-def]
    return math.tanh(x)


@kernel
def tanh_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, y = instruction[1], instruction[2]
    for i in range(start, stop):
        arena[y + i] = tanh_of(arena[x + i])


def tanh_derivative(x: Value, y: Value, dy: Value) -> list[Value]:
    # From the result, not the operand: y is in the arena already, so no second tanh is paid for.
    return [dy * (1 - y * y)]


tanh = register(Primitive(
    name="tanh", formula=r"y = \tanh x", shape=same, body=tanh_body, derivative=tanh_derivative,
    domain=Interval(-4, 4),  # beyond it the slope drowns in rounding
    source="Aggarwal 2023, §1.2.3",
))  # fmt: skip


def sigmoid_float32(x):  # type: ignore[no-untyped-def]
    return real(0.5) + real(0.5) * tanh_float32(real(0.5) * x)


@scalar()
def sigmoid_of(x):  # type: ignore[no-untyped-def]
    return real(1) / (real(1) + math.exp(-x)) if x >= 0 else math.exp(x) / (real(1) + math.exp(x))


@kernel
def sigmoid_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, y = instruction[1], instruction[2]
    for i in range(start, stop):
        arena[y + i] = sigmoid_of(arena[x + i])


def sigmoid_derivative(x: Value, y: Value, dy: Value) -> list[Value]:
    return [dy * (y * (1 - y))]


sigmoid = register(Primitive(
    name="sigmoid", formula=r"y = \frac{1}{1 + e^{-x}}", shape=same, body=sigmoid_body, derivative=sigmoid_derivative,
    domain=Interval(-5, 5), source="Aggarwal 2023, §1.2.3",
))  # fmt: skip


@kernel
def relu_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, y = instruction[1], instruction[2]
    for i in range(start, stop):
        v = arena[x + i]
        arena[y + i] = real(0) if v < real(0) else v


@kernel
def relu_slope_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, y = instruction[1], instruction[2]
    for i in range(start, stop):
        v = arena[x + i]
        slope = real(1) if v > real(0) else real(0)
        arena[y + i] = slope if v == v else v  # NaN shows in the slope too


def no_slope(x: Value, y: Value, dy: Value) -> list[None]:
    """The derivative of a function that is flat wherever it has a derivative."""
    return [None]


relu_slope = register(Primitive(
    name="relu_slope", formula=r"y = [x > 0]", shape=same, body=relu_slope_body, derivative=no_slope,
    domain=Interval(-3, 3, (0.0,)), source="Aggarwal 2023, §2.4.2", convention="0 at x = 0",
))  # fmt: skip


def relu_derivative(x: Value, y: Value, dy: Value) -> list[Value]:
    return [dy * x.program.build.emit("relu_slope", x)]


relu = register(Primitive(
    name="relu", formula=r"y = \max(x, 0)", shape=same, body=relu_body, derivative=relu_derivative,
    domain=Interval(-3, 3, (0.0,)), source="Aggarwal 2023, §1.2.3", convention="slope 0 at x = 0",
))  # fmt: skip
