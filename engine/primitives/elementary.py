"""Elementary functions of one number: exponential, logarithm, square root, sine, cosine.

The float32 versions are branch-free, so that loops over them vectorise: bring the argument near zero, sum a polynomial,
put the exponent back. The float64 versions are the C library's.
"""

from __future__ import annotations

import math

from engine.primitives.base import (
    Arena,
    Code,
    Integers,
    Interval,
    Primitive,
    bits_of,
    float_of_bits,
    kernel,
    real,
    register,
    same,
    scalar,
    whole32,
)
from engine.values import Value

INFINITY = math.inf
LOG2_E = 1.0 / math.log(2.0)
# ln 2 and π/2 in pieces of few bits: k times a leading piece is exact, so the subtraction loses nothing (Cody & Waite 1980).
LN2_HIGH, LN2_LOW = 0.693359375, -2.12194440e-4
HALF_PI_1, HALF_PI_2, HALF_PI_3 = 1.5703125, 4.837512969970703e-4, 7.54978995489188e-8
# Added to a small number it leaves the nearest whole number in the lowest bits.
ROUNDER, ROUNDER_BITS = 12582912.0, 0x4B400000
SQRT_HALF_BITS = 0x3F3504F3


def expm1_reduced(r):  # type: ignore[no-untyped-def]
    """e^r - 1 for |r| ≤ ln 2 / 2: a polynomial that keeps relative accuracy at 0."""
    p = real(1.3981999507e-3) + real(1.9875691500e-4) * r
    p = real(8.3334519073e-3) + r * p
    p = real(4.1665795894e-2) + r * p
    p = real(1.6666665459e-1) + r * p
    p = real(5.0000001201e-1) + r * p
    return r + r * r * p


reduced_expm1 = scalar(expm1_reduced)(expm1_reduced)


def exp_float32(x):  # type: ignore[no-untyped-def]
    """Relative error 1.2e-7; below e^-87 flushed to 0."""
    k = whole32(bits_of(x * real(LOG2_E) + real(ROUNDER)) - ROUNDER_BITS)
    kf = real(k)
    r = (x - kf * real(LN2_HIGH)) - kf * real(LN2_LOW)
    y = float_of_bits(bits_of(real(1) + reduced_expm1(r)) + (k << 23))
    y = real(0) if x < real(-87.33) else y
    y = real(INFINITY) if x > real(88.722839) else y
    return y if x == x else x


@scalar(exp_float32)
def exp_of(x):  # type: ignore[no-untyped-def]
    return math.exp(x)


def expm1_float32(x):  # type: ignore[no-untyped-def]
    """e^x - 1 for x ≤ 88, accurate near 0."""
    x = real(-20) if x < real(-20) else x
    k = whole32(bits_of(x * real(LOG2_E) + real(ROUNDER)) - ROUNDER_BITS)
    kf = real(k)
    r = (x - kf * real(LN2_HIGH)) - kf * real(LN2_LOW)
    power = float_of_bits((k + 127) << 23)
    y = power * reduced_expm1(r) + (power - real(1))
    return y if x == x else x


@scalar(expm1_float32)
def expm1_of(x):  # type: ignore[no-untyped-def]
    return math.expm1(x)


@kernel
def exp_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, y = instruction[1], instruction[2]
    for i in range(start, stop):
        arena[y + i] = exp_of(arena[x + i])


def exp_derivative(x: Value, y: Value, dy: Value) -> list[Value]:
    return [dy * y]


exp = register(Primitive(
    name="exp", formula=r"y = e^x", shape=same, body=exp_body, derivative=exp_derivative, source="calculus",
    convention="float32: results under 1.2·10⁻³⁸ are 0",
))  # fmt: skip


def log_float32(x):  # type: ignore[no-untyped-def]
    """Error under 1 ulp (2 ulp for subnormal numbers): x = 2^e · m with m in [√½, √2), and log m by its atanh series."""
    scaled = x * real(16777216) if x < real(1.2e-38) else x
    bits = bits_of(scaled) - SQRT_HALF_BITS
    e = real(whole32(bits >> 23)) - (real(24) if x < real(1.2e-38) else real(0))
    f = float_of_bits((bits & 0x7FFFFF) + SQRT_HALF_BITS) - real(1)
    s = f / (real(2) + f)
    z = s * s
    half = real(0.5) * f * f
    series = z * (real(0.66666662693) + z * (real(0.40000972152) + z * (real(0.28498786688) + z * real(0.24279078841))))
    y = e * real(LN2_HIGH) + (f - (half - (s * (half + series) + e * real(LN2_LOW))))
    y = real(-INFINITY) if x == real(0) else y
    y = real(math.nan) if x < real(0) else y
    return y if x < real(INFINITY) else x  # infinity and NaN stay what they are


@scalar(log_float32)
def log_of(x):  # type: ignore[no-untyped-def]
    return math.log(x) if x > 0 else (-INFINITY if x == 0 else math.nan)


@kernel
def log_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, y = instruction[1], instruction[2]
    for i in range(start, stop):
        arena[y + i] = log_of(arena[x + i])


def log_derivative(x: Value, y: Value, dy: Value) -> list[Value]:
    return [dy / x]


log = register(Primitive(
    name="log", formula=r"y = \ln x", shape=same, body=log_body, derivative=log_derivative,
    domain=Interval(0.3, 4.0), source="calculus", convention="−∞ at 0, NaN below",
))  # fmt: skip


@scalar()
def sqrt_of(x):  # type: ignore[no-untyped-def]
    return math.sqrt(x)


@kernel
def sqrt_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, y = instruction[1], instruction[2]
    for i in range(start, stop):
        arena[y + i] = sqrt_of(arena[x + i])


def sqrt_derivative(x: Value, y: Value, dy: Value) -> list[Value]:
    return [dy * 0.5 / y]


sqrt = register(Primitive(
    name="sqrt", formula=r"y = \sqrt{x}", shape=same, body=sqrt_body, derivative=sqrt_derivative,
    domain=Interval(0.3, 4.0), source="calculus", convention="NaN below 0; the slope at 0 is infinite",
))  # fmt: skip


def wave_float32(x, quarter):  # type: ignore[no-untyped-def]
    """The sine of x + quarter · π/2; absolute error 1.2e-7 up to |x| = 8000, beyond it the reduction loses digits."""
    k = whole32(bits_of(x * real(2 / math.pi) + real(ROUNDER)) - ROUNDER_BITS)
    kf = real(k)
    r = ((x - kf * real(HALF_PI_1)) - kf * real(HALF_PI_2)) - kf * real(HALF_PI_3)
    z = r * r
    sine = r + r * z * (real(-1.6666654611e-1) + z * (real(8.3321608736e-3) + z * real(-1.9515295891e-4)))
    cosine = real(4.166664568298827e-2) + z * (real(-1.388731625493765e-3) + z * real(2.443315711809948e-5))
    cosine = real(1) - real(0.5) * z + z * z * cosine
    turn = whole32(k + quarter)
    y = cosine if turn & 1 else sine
    return -y if turn & 2 else y


quarter_wave = scalar(wave_float32)(wave_float32)


def sin_float32(x):  # type: ignore[no-untyped-def]
    return quarter_wave(x, 0)


def cos_float32(x):  # type: ignore[no-untyped-def]
    return quarter_wave(x, 1)


@scalar(sin_float32)
def sin_of(x):  # type: ignore[no-untyped-def]
    return math.sin(x)


@scalar(cos_float32)
def cos_of(x):  # type: ignore[no-untyped-def]
    return math.cos(x)


@kernel
def sin_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, y = instruction[1], instruction[2]
    for i in range(start, stop):
        arena[y + i] = sin_of(arena[x + i])


def sin_derivative(x: Value, y: Value, dy: Value) -> list[Value]:
    return [dy * x.program.build.emit("cos", x)]


sin = register(Primitive(
    name="sin", formula=r"y = \sin x", shape=same, body=sin_body, derivative=sin_derivative,
    source="calculus; x in radians",
))  # fmt: skip


@kernel
def cos_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, y = instruction[1], instruction[2]
    for i in range(start, stop):
        arena[y + i] = cos_of(arena[x + i])


def cos_derivative(x: Value, y: Value, dy: Value) -> list[Value]:
    return [-(dy * x.program.build.emit("sin", x))]


cos = register(Primitive(
    name="cos", formula=r"y = \cos x", shape=same, body=cos_body, derivative=cos_derivative,
    source="calculus; x in radians",
))  # fmt: skip
