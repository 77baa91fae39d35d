"""What bends a sum: the activations, each with the convention at its kinks."""

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
    no_derivative,
    real,
    register,
    same,
    scalar,
    steps,
)
from engine.primitives.elementary import exp_of, expm1_of
from engine.values import Value

STEP_A = STEP_B = 1  # compiled in: 0 where the operand is a single number
BENT = Interval(-3, 3, (0.0,))
SLOPE = Interval(0.01, 0.5)


# tanh x = x P(x²) / Q(x²) on [-9, 9], by minimax (Lawson's weights): as many products as sums of P and Q can do without.
# Highest power first; Q's is 1.
TANH_ABOVE = (
    1.717303691616013e-02,
    2.650145936035314e01,
    4.494996440421677e03,
    1.7206697128817852e05,
    1.2859018306927183e06,
)
TANH_BELOW = (4.225024825727642e02, 3.3275310554246615e04, 6.00700695731722e05, 1.285901857025204e06)


def tanh_float32(x):  # type: ignore[no-untyped-def]
    # Error 2.9e-7. Clamped by conditionals, so that NaN stays NaN.
    x = real(9) if x > real(9) else x
    x = real(-9) if x < real(-9) else x
    u = x * x
    p = real(TANH_ABOVE[2]) + u * (real(TANH_ABOVE[1]) + u * real(TANH_ABOVE[0]))
    p = x * (real(TANH_ABOVE[4]) + u * (real(TANH_ABOVE[3]) + u * p))
    q = real(TANH_BELOW[1]) + u * (real(TANH_BELOW[0]) + u)
    return p / (real(TANH_BELOW[3]) + u * (real(TANH_BELOW[2]) + u * q))


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
    # The half that is small is made from exp, not as 1 minus the other half: probabilities near 0 keep their digits.
    small = exp_of(x if x < real(0) else -x)
    return (small if x < real(0) else real(1)) / (real(1) + small)


@scalar(sigmoid_float32)
def sigmoid_of(x):  # type: ignore[no-untyped-def]
    return 1.0 / (1.0 + math.exp(-x)) if x >= 0 else math.exp(x) / (1.0 + math.exp(x))


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


@scalar()
def rectified(x: float) -> float:
    return real(0) if x < real(0) else x


@kernel
def relu_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, y = instruction[1], instruction[2]
    for i in range(start, stop):
        arena[y + i] = rectified(arena[x + i])


@kernel
def relu_slope_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, y = instruction[1], instruction[2]
    for i in range(start, stop):
        v = arena[x + i]
        flat = real(0) if v <= real(0) else v  # NaN shows in the slope too
        arena[y + i] = real(1) if v > real(0) else flat


relu_slope = register(Primitive(
    name="relu_slope", formula=r"y = [x > 0]", shape=same, body=relu_slope_body, derivative=no_derivative,
    domain=BENT, source="Aggarwal 2023, §2.4.2", convention="0 at x = 0",
))  # fmt: skip


def relu_derivative(x: Value, y: Value, dy: Value) -> list[Value]:
    emit, at_zero = x.program.build.emit, y.call.attributes.get("slope_at_zero", 0.0) if y.call else 0.0
    if at_zero == 1.0:
        return [dy * emit("at_least", x, 0.0)]
    if at_zero == 0.5:
        return [dy * (0.5 * (1 + emit("sign", x)))]
    return [dy * emit("relu_slope", x)]


relu = register(Primitive(
    name="relu", formula=r"y = \max(x, 0)", shape=same, body=relu_body, derivative=relu_derivative,
    domain=BENT, source="Aggarwal 2023, §1.2.3", convention="slope 0 at x = 0 (Table 2.1), or as slope_at_zero says: ½ or 1",
))  # fmt: skip


@kernel
def leaky_relu_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, a, y = instruction[1], instruction[2], instruction[3]
    for i in range(start, stop):
        v, slope = arena[x + i * STEP_A], arena[a + i * STEP_B]
        bent = v if v > real(0) else v * slope
        arena[y + i] = bent if slope == slope else slope


def leaky_relu_derivative(x: Value, slope: Value, y: Value, dy: Value) -> list[Value]:
    emit = x.program.build.emit
    return [dy * emit("leaky_relu_slope", x, slope), dy * emit("minimum", x, 0.0)]


leaky_relu = register(Primitive(
    name="leaky_relu", formula=r"y = \max(x, 0) + a \min(x, 0)", shape=joint, body=leaky_relu_body,
    derivative=leaky_relu_derivative, variant=steps, is_elementwise=True, domain=(BENT, SLOPE),
    source="Aggarwal 2023, §3.4.3.2", convention="slope a at x = 0",
))  # fmt: skip


@kernel
def leaky_relu_slope_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, a, y = instruction[1], instruction[2], instruction[3]
    for i in range(start, stop):
        v, slope = arena[x + i * STEP_A], arena[a + i * STEP_B]
        bent = real(1) if v > real(0) else (slope if v <= real(0) else v)
        arena[y + i] = bent if slope == slope else slope


def leaky_relu_slope_derivative(x: Value, slope: Value, y: Value, dy: Value) -> list[Value | None]:
    return [None, dy * x.program.build.emit("at_least", 0.0, x)]


leaky_relu_slope = register(Primitive(
    name="leaky_relu_slope", formula=r"y = [x > 0] + a\,[x \leq 0]", shape=joint, body=leaky_relu_slope_body,
    derivative=leaky_relu_slope_derivative, variant=steps, is_elementwise=True, domain=(BENT, SLOPE),
    source="Aggarwal 2023, §3.4.3.2", convention="a at x = 0",
))  # fmt: skip


@kernel
def elu_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, a, y = instruction[1], instruction[2], instruction[3]
    for i in range(start, stop):
        v, alpha = arena[x + i * STEP_A], arena[a + i * STEP_B]
        bent = v if v > real(0) else alpha * expm1_of(v if v < real(0) else v * real(0))
        arena[y + i] = bent if alpha == alpha else alpha


def elu_derivative(x: Value, alpha: Value, y: Value, dy: Value) -> list[Value]:
    emit = x.program.build.emit
    return [dy * emit("elu_slope", x, alpha), dy * emit("elu", emit("minimum", x, 0.0), 1.0)]


elu = register(Primitive(
    name="elu", formula=r"y = x \text{ if } x > 0,\quad \alpha(e^x - 1) \text{ else}", shape=joint, body=elu_body,
    derivative=elu_derivative, variant=steps, is_elementwise=True, domain=(BENT, Interval(0.5, 2.0)),
    source="Clevert, Unterthiner & Hochreiter 2016", convention="slope α at x = 0",
))  # fmt: skip


@kernel
def elu_slope_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, a, y = instruction[1], instruction[2], instruction[3]
    for i in range(start, stop):
        v, alpha = arena[x + i * STEP_A], arena[a + i * STEP_B]
        bent = real(1) if v > real(0) else alpha * exp_of(v)
        arena[y + i] = bent if alpha == alpha else alpha


def elu_slope_derivative(x: Value, alpha: Value, y: Value, dy: Value) -> list[Value]:
    emit = x.program.build.emit
    right = emit("relu_slope", x)
    return [dy * (y - right), dy * (emit("elu_slope", x, 1.0) - right)]


elu_slope = register(Primitive(
    name="elu_slope", formula=r"y = 1 \text{ if } x > 0,\quad \alpha e^x \text{ else}", shape=joint,
    body=elu_slope_body,
    derivative=elu_slope_derivative, variant=steps, is_elementwise=True, domain=(BENT, Interval(0.5, 2.0)),
    source="Clevert, Unterthiner & Hochreiter 2016", convention="α at x = 0",
))  # fmt: skip


SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772  # mean 0 and variance 1 are its fixed point


@kernel
def selu_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, y = instruction[1], instruction[2]
    for i in range(start, stop):
        v = arena[x + i]
        below = real(SELU_ALPHA) * expm1_of(v if v < real(0) else v * real(0))
        arena[y + i] = real(SELU_SCALE) * (v if v > real(0) else below)


def selu_derivative(x: Value, y: Value, dy: Value) -> list[Value]:
    return [dy * (x.program.build.emit("elu_slope", x, SELU_ALPHA) * SELU_SCALE)]


selu = register(Primitive(
    name="selu", formula=r"y = \lambda\,(x \text{ if } x > 0,\quad \alpha(e^x - 1) \text{ else})", shape=same,
    body=selu_body, derivative=selu_derivative, domain=BENT, source="Klambauer et al. 2017",
    convention="λ = 1.0507, α = 1.6733; slope λα at x = 0",
))  # fmt: skip


def log1p_float32(z):  # type: ignore[no-untyped-def]
    """ln(1 + z) for 0 ≤ z ≤ 1 as 2 artanh(z / (2 + z)): no digit is lost where z is small."""
    s = z / (real(2) + z)
    u = s * s
    p = real(1 / 11) + u * (real(1 / 13) + u * real(1 / 15))
    p = real(1 / 3) + u * (real(1 / 5) + u * (real(1 / 7) + u * (real(1 / 9) + u * p)))
    return real(2) * (s + s * u * p)


@scalar(log1p_float32)
def log1p_of(z):  # type: ignore[no-untyped-def]
    return math.log1p(z)


@kernel
def softplus_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, y = instruction[1], instruction[2]
    for i in range(start, stop):
        v = arena[x + i]
        # The larger of x and 0, and what the smaller one adds: nothing overflows.
        arena[y + i] = (v if v > real(0) else real(0)) + log1p_of(exp_of(-v if v > real(0) else v))


def softplus_derivative(x: Value, y: Value, dy: Value) -> list[Value]:
    return [dy * x.program.build.emit("sigmoid", x)]


softplus = register(Primitive(
    name="softplus", formula=r"y = \ln(1 + e^x)", shape=same, body=softplus_body, derivative=softplus_derivative,
    domain=Interval(-5, 5), source="Goodfellow, Bengio & Courville 2016, eq. 3.31",
))  # fmt: skip


@kernel
def hard_tanh_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, y = instruction[1], instruction[2]
    for i in range(start, stop):
        v = arena[x + i]
        v = real(1) if v > real(1) else v
        arena[y + i] = real(-1) if v < real(-1) else v


def hard_tanh_derivative(x: Value, y: Value, dy: Value) -> list[Value]:
    emit, ends = x.program.build.emit, y.call.attributes.get("ends", "open") if y.call else "open"
    return [dy * emit("at_least" if ends == "closed" else "greater", 1.0, emit("absolute", x))]


hard_tanh = register(Primitive(
    name="hard_tanh", formula=r"y = \max(\min(x, 1), -1)", shape=same,
    body=hard_tanh_body, derivative=hard_tanh_derivative,
    domain=Interval(-3, 3, (-1.0, 1.0)), source="Aggarwal 2023, §1.2.3",
    convention="slope 0 at x = ±1: the open interval of §2.4.2; with closed ends 1, as §2.4.1 and Table 2.1 print it",
))  # fmt: skip
