"""Optimizers that give each parameter a pace of its own, out of the gradients that it has seen.

ε stands inside the root of the mean square, as the text prints it, or outside as most libraries have it (`outside`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from engine.primitives.base import (
    Arena,
    Code,
    Integers,
    Interval,
    Primitive,
    Region,
    Variant,
    encode_update,
    kernel,
    real,
    register,
)
from engine.primitives.elementary import sqrt_of
from engine.primitives.updates import ANY, RATE, SHARE, SQUARE, walking
from engine.values import Shape, Value

OUTSIDE = 0  # compiled in: whether ε is added to the root instead of under it
EPSILON = Interval(1e-8, 1e-3)


def walking_roots(leading: int) -> Callable[..., Shape]:
    """As `walking`, for an update that is told where its ε stands."""
    plain = walking(leading)

    def update_shape(*operands: Value, outside: bool = False) -> Shape:
        return plain(*operands)

    return update_shape


def root_variant(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> Variant:
    """The body with ε under the root, or beside it."""
    return (("OUTSIDE", 1),) if attributes.get("outside") else ()


@kernel
def adagrad_update_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    w, g, a = instruction[1], instruction[2], instruction[3]
    rate, epsilon = arena[instruction[4]], arena[instruction[5]]
    under, beside = (real(0), epsilon) if OUTSIDE else (epsilon, real(0))
    for i in range(start, stop):
        old, slope = arena[w + i], arena[g + i]
        square = arena[a + i] + slope * slope
        step = rate * slope / (sqrt_of(square + under) + beside)
        arena[a + i] = square
        arena[w + i] = old - step if step != real(0) else old


adagrad_update = register(Primitive(
    name="adagrad_update", formula=r"A \leftarrow A + g^2,\quad w \leftarrow w - \frac{\eta}{\sqrt{A + \epsilon}}\, g",
    shape=walking_roots(3), body=adagrad_update_body, encode=encode_update, variant=root_variant, writes=(0, 2), walks=3,
    domain=(ANY, ANY, SQUARE, RATE, EPSILON), source="Aggarwal 2023, eq. 4.3; Duchi, Hazan & Singer 2011",
    convention="with ε = 0 a gradient that was always 0 gives 0 / 0: NaN, as the formula says",
))  # fmt: skip


@kernel
def rmsprop_update_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    w, g, a = instruction[1], instruction[2], instruction[3]
    rate, decay, epsilon = arena[instruction[4]], arena[instruction[5]], arena[instruction[6]]
    under, beside = (real(0), epsilon) if OUTSIDE else (epsilon, real(0))
    for i in range(start, stop):
        old, slope = arena[w + i], arena[g + i]
        square = decay * arena[a + i] + (real(1) - decay) * slope * slope
        step = rate * slope / (sqrt_of(square + under) + beside)
        arena[a + i] = square
        arena[w + i] = old - step if step != real(0) else old


rmsprop_update = register(Primitive(
    name="rmsprop_update",
    formula=r"A \leftarrow \rho A + (1 - \rho)\, g^2,\quad w \leftarrow w - \frac{\eta}{\sqrt{A + \epsilon}}\, g",
    shape=walking_roots(3), body=rmsprop_update_body, encode=encode_update, variant=root_variant, writes=(0, 2), walks=3,
    domain=(ANY, ANY, SQUARE, RATE, SHARE, EPSILON), source="Aggarwal 2023, eq. 4.4; Hinton 2012",
))  # fmt: skip


@kernel
def rmsprop_nesterov_update_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    w, g, a, v = instruction[1], instruction[2], instruction[3], instruction[4]
    rate, decay, momentum, epsilon = (
        arena[instruction[5]],
        arena[instruction[6]],
        arena[instruction[7]],
        arena[instruction[8]],
    )
    under, beside = (real(0), epsilon) if OUTSIDE else (epsilon, real(0))
    for i in range(start, stop):
        old, slope = arena[w + i], arena[g + i]
        square = decay * arena[a + i] + (real(1) - decay) * slope * slope
        push = rate * slope / (sqrt_of(square + under) + beside)
        velocity = momentum * arena[v + i] - push
        step = momentum * velocity - push
        arena[a + i] = square
        arena[v + i] = velocity
        arena[w + i] = old + step if step != real(0) else old


rmsprop_nesterov_update = register(Primitive(
    name="rmsprop_nesterov_update",
    formula=r"v \leftarrow \beta v - \frac{\eta}{\sqrt{A + \epsilon}}\, g,\quad"
    r" w \leftarrow w + \beta v - \frac{\eta}{\sqrt{A + \epsilon}}\, g",
    shape=walking_roots(4), body=rmsprop_nesterov_update_body, encode=encode_update, variant=root_variant,
    writes=(0, 2, 3), walks=4, domain=(ANY, ANY, SQUARE, ANY, RATE, SHARE, SHARE, EPSILON),
    source="Aggarwal 2023, eq. 4.6, in the form that takes the gradient at w: w stands for the book's w + βv",
    convention="A is refreshed before the velocity: printed the other way round, the first step divides by 0",
))  # fmt: skip


@kernel
def adadelta_update_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    w, g, a, d = instruction[1], instruction[2], instruction[3], instruction[4]
    rate, decay, epsilon = arena[instruction[5]], arena[instruction[6]], arena[instruction[7]]
    for i in range(start, stop):
        old, slope = arena[w + i], arena[g + i]
        square = decay * arena[a + i] + (real(1) - decay) * slope * slope
        change = sqrt_of(arena[d + i] + epsilon) / sqrt_of(square + epsilon) * slope
        step = rate * change
        arena[a + i] = square
        arena[d + i] = decay * arena[d + i] + (real(1) - decay) * change * change
        arena[w + i] = old - step if step != real(0) else old


adadelta_update = register(Primitive(
    name="adadelta_update",
    formula=r"\Delta = \sqrt{\frac{\delta + \epsilon}{A + \epsilon}}\, g,\quad w \leftarrow w - \eta\,\Delta,\quad"
    r" \delta \leftarrow \rho\delta + (1 - \rho)\Delta^2",
    shape=walking(4), body=adadelta_update_body, encode=encode_update, writes=(0, 2, 3), walks=4,
    domain=(ANY, ANY, SQUARE, SQUARE, RATE, SHARE, EPSILON), source="Aggarwal 2023, eq. 4.5; Zeiler 2012",
    convention="ε stands in both roots: without it, as printed, nothing ever moves",
))  # fmt: skip


@kernel
def adam_text_update_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    w, g, m, v = instruction[1], instruction[2], instruction[3], instruction[4]
    rate, beta1, beta2, epsilon = (
        arena[instruction[5]],
        arena[instruction[6]],
        arena[instruction[7]],
        arena[instruction[8]],
    )
    left1, left2 = real(1) - arena[instruction[9]], real(1) - arena[instruction[10]]
    pace = rate * sqrt_of(left2) / left1
    for i in range(start, stop):
        old, slope = arena[w + i], arena[g + i]
        mean = beta1 * arena[m + i] + (real(1) - beta1) * slope
        square = beta2 * arena[v + i] + (real(1) - beta2) * slope * slope
        step = pace * mean / sqrt_of(square + epsilon)
        arena[m + i] = mean
        arena[v + i] = square
        arena[w + i] = old - step if step != real(0) else old


MOMENTS = (ANY, ANY, ANY, SQUARE, RATE, SHARE, SHARE, EPSILON, SHARE, SHARE)
adam_text_update = register(Primitive(
    name="adam_text_update",
    formula=r"w \leftarrow w - \eta\,\frac{\sqrt{1 - \beta_2^t}}{1 - \beta_1^t}\,\frac{m}{\sqrt{v + \epsilon}}",
    shape=walking(4), body=adam_text_update_body, encode=encode_update, writes=(0, 2, 3), walks=4, domain=MOMENTS,
    source="Aggarwal 2023, eqs 4.7 to 4.9",
    convention="ε under the root of the uncorrected mean square; the last operands are β₁ and β₂ to the power of t",
))  # fmt: skip


@kernel
def adamw_update_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    w, g, m, v = instruction[1], instruction[2], instruction[3], instruction[4]
    rate, beta1, beta2, epsilon = (
        arena[instruction[5]],
        arena[instruction[6]],
        arena[instruction[7]],
        arena[instruction[8]],
    )
    left1, left2 = real(1) - arena[instruction[9]], real(1) - arena[instruction[10]]
    shrink = rate * arena[instruction[11]]
    for i in range(start, stop):
        old, slope = arena[w + i], arena[g + i]
        mean = beta1 * arena[m + i] + (real(1) - beta1) * slope
        square = beta2 * arena[v + i] + (real(1) - beta2) * slope * slope
        step = shrink * old + rate * (mean / left1) / (sqrt_of(square / left2) + epsilon)
        arena[m + i] = mean
        arena[v + i] = square
        arena[w + i] = old - step if step != real(0) else old


adamw_update = register(Primitive(
    name="adamw_update",
    formula=r"w \leftarrow w - \eta\lambda w - \eta\,\frac{m / (1 - \beta_1^t)}{\sqrt{v / (1 - \beta_2^t)} + \epsilon}",
    shape=walking(4), body=adamw_update_body, encode=encode_update, writes=(0, 2, 3), walks=4,
    domain=(*MOMENTS, SHARE), source="Loshchilov & Hutter 2019",
    convention="the weights decay by themselves: λ never enters the mean gradients",
))  # fmt: skip


@kernel
def delta_bar_delta_update_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    w, g, p, d = instruction[1], instruction[2], instruction[3], instruction[4]
    rate, growth, cut, memory = (
        arena[instruction[5]],
        arena[instruction[6]],
        arena[instruction[7]],
        arena[instruction[8]],
    )
    more = growth / rate if rate != real(0) else real(0)
    for i in range(start, stop):
        old, slope, pace, trace = arena[w + i], arena[g + i], arena[p + i], arena[d + i]
        agreed = trace * slope
        grown = pace + more if agreed > real(0) else pace
        pace = pace * (real(1) - cut) if agreed < real(0) else grown
        step = rate * pace * slope
        arena[p + i] = pace
        arena[d + i] = (real(1) - memory) * slope + memory * trace
        arena[w + i] = old - step if step != real(0) else old


delta_bar_delta_update = register(Primitive(
    name="delta_bar_delta_update",
    formula=r"\eta_i \leftarrow \eta_i + \kappa\ (\bar\delta g > 0),\quad"
    r" \eta_i \leftarrow \eta_i (1 - \phi)\ (\bar\delta g < 0),\quad w \leftarrow w - \eta_i g",
    shape=walking(4), body=delta_bar_delta_update_body, encode=encode_update, writes=(0, 2, 3), walks=4,
    domain=(ANY, ANY, SQUARE, ANY, RATE, SHARE, SHARE, SHARE), source="Jacobs 1988; Aggarwal 2023, §4.5.4",
    convention="each parameter keeps its rate as a multiple of η (at first 1), so that η = 0 holds it still",
))  # fmt: skip
