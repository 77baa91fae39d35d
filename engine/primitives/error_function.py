"""The area under the bell curve: error function, normal distribution, and the GELU that is made of it."""

from __future__ import annotations

import math

from engine.primitives.activations import tanh_of
from engine.primitives.base import (
    Arena,
    Code,
    Integers,
    Interval,
    Primitive,
    kernel,
    real,
    register,
    same,
    scalar,
)
from engine.primitives.elementary import exp_of
from engine.values import Value

SQRT_HALF, SQRT_2, SLOPE_OF_ERF = math.sqrt(0.5), math.sqrt(2.0), 2.0 / math.sqrt(math.pi)
BELL_TOP = 1.0 / math.sqrt(2.0 * math.pi)
GELU_SCALE, GELU_CUBE = math.sqrt(2.0 / math.pi), 0.044715


def normal_tail_float32(t):  # type: ignore[no-untyped-def]
    """e^(-t²/2) times a polynomial in 1 / (1 + 0.35 t), made for t up to 14: relative error 5e-7 at 3, 4e-6 at 12."""
    u = real(1) / (real(1) + real(0.35) * t)
    p = real(0.1591749151) + u * (real(-0.25571496) + u * (real(0.1439720567) + u * real(-0.02914600686)))
    p = real(0.1198328294) + u * (real(0.1055081826) + u * (real(-0.02311031079) + u * p))
    p = real(0.1396214041) + u * (real(0.1398618738) + u * p)
    return exp_of(real(-0.5) * t * t) * (u * p)


@scalar(normal_tail_float32)
def normal_tail_of(t):  # type: ignore[no-untyped-def]
    return 0.5 * math.erfc(t * SQRT_HALF)


@scalar()
def normal_cdf_of(x):  # type: ignore[no-untyped-def]
    # The half that is small is computed itself, not as 1 minus the other half: it keeps its digits.
    small = normal_tail_of(-x if x < real(0) else x)
    return small if x < real(0) else real(1) - small


def erf_float32(x):  # type: ignore[no-untyped-def]
    """Relative error 1.2e-7: a polynomial next to 0, 1 minus the tail further out."""
    size = -x if x < real(0) else x
    z = x * x
    p = real(-0.026778908) + z * (real(0.00501196148) + z * real(-0.000609035342))
    p = z * (real(-0.376125233) + z * (real(0.112821408) + z * p))
    near = x + x * (real(0.12837915) + p)
    far = real(1) - real(2) * normal_tail_of(size * real(SQRT_2))
    return near if size < real(0.9) else (-far if x < real(0) else far)


@scalar(erf_float32)
def erf_of(x):  # type: ignore[no-untyped-def]
    return math.erf(x)


@kernel
def erf_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, y = instruction[1], instruction[2]
    for i in range(start, stop):
        arena[y + i] = erf_of(arena[x + i])


def erf_derivative(x: Value, y: Value, dy: Value) -> list[Value]:
    return [dy * (x.program.build.emit("exp", -(x * x)) * SLOPE_OF_ERF)]


erf = register(Primitive(
    name="erf", formula=r"y = \mathrm{erf}\,x", shape=same, body=erf_body, derivative=erf_derivative,
    source="Abramowitz & Stegun 1964, 7.1.1",
))  # fmt: skip


@kernel
def normal_cdf_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, y = instruction[1], instruction[2]
    for i in range(start, stop):
        arena[y + i] = normal_cdf_of(arena[x + i])


def normal_density(x: Value) -> Value:
    """The bell curve of mean 0 and deviation 1."""
    return x.program.build.emit("exp", x * x * -0.5) * BELL_TOP


def normal_cdf_derivative(x: Value, y: Value, dy: Value) -> list[Value]:
    return [dy * normal_density(x)]


normal_cdf = register(Primitive(
    name="normal_cdf", formula=r"y = \Phi(x)", shape=same, body=normal_cdf_body, derivative=normal_cdf_derivative,
    source="Abramowitz & Stegun 1964, 26.2.2", convention="float32: under 10⁻³⁷ it is 0",
))  # fmt: skip


@kernel
def gelu_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, y = instruction[1], instruction[2]
    for i in range(start, stop):
        v = arena[x + i]
        arena[y + i] = v * normal_cdf_of(v)


def gelu_derivative(x: Value, y: Value, dy: Value) -> list[Value]:
    return [dy * (x.program.build.emit("normal_cdf", x) + x * normal_density(x))]


gelu = register(Primitive(
    name="gelu", formula=r"y = x\,\Phi(x)", shape=same, body=gelu_body, derivative=gelu_derivative,
    source="Hendrycks & Gimpel 2016",
))  # fmt: skip


@kernel
def gelu_tanh_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, y = instruction[1], instruction[2]
    for i in range(start, stop):
        v = arena[x + i]
        inner = real(GELU_SCALE) * v * (real(1) + real(GELU_CUBE) * v * v)
        arena[y + i] = real(0.5) * v * (real(1) + tanh_of(inner))


def gelu_tanh_derivative(x: Value, y: Value, dy: Value) -> list[Value]:
    square = x * x
    bent = x.program.build.emit("tanh", x * (1 + square * GELU_CUBE) * GELU_SCALE)
    steep = (1 + square * (3 * GELU_CUBE)) * GELU_SCALE
    return [dy * (0.5 * (1 + bent) + 0.5 * x * (1 - bent * bent) * steep)]


gelu_tanh = register(Primitive(
    name="gelu_tanh", formula=r"y = \frac{x}{2}\left(1 + \tanh\left(\sqrt{2/\pi}\,(x + 0.044715\,x^3)\right)\right)",
    shape=same, body=gelu_tanh_body, derivative=gelu_tanh_derivative, domain=Interval(-3, 3),
    source="Hendrycks & Gimpel 2016: the approximation by tanh",
))  # fmt: skip
