"""What changes parameters and states in place: the optimizers' steps.

A step of exactly 0 leaves a parameter untouched bit for bit: adding it would turn -0 into +0.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.primitives.base import (
    Arena,
    Code,
    Integers,
    Interval,
    Primitive,
    encode_update,
    kernel,
    need_real,
    real,
    register,
)
from engine.primitives.elementary import sqrt_of
from engine.problems import shape_mismatch
from engine.values import Shape, Value, shape_text

WATCHED = 0  # compiled in: 1 where an update also raises the flag for what it has written, as `non_finite_flag` does
ANY, RATE, SHARE, SQUARE = Interval(), Interval(0.01, 0.5), Interval(0.1, 0.9), Interval(0.1, 2.0)


def walking(leading: int) -> Callable[..., Shape]:
    """Shape rule of an update: the first operands have one shape, the settings behind them are single numbers."""

    def update_shape(*operands: Value) -> Shape:
        need_real(*operands)
        for operand in operands[1:leading]:
            if operand.shape != operands[0].shape:
                raise shape_mismatch(
                    f"a step of {shape_text(operand.shape)} meets a parameter of {shape_text(operands[0].shape)}"
                )
        for operand in operands[leading:]:
            if operand.shape != ():
                raise shape_mismatch(f"a setting is one number, not {shape_text(operand.shape)}")
        return operands[0].shape

    return update_shape


@kernel
def sgd_update_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    w, g = instruction[1], instruction[2]
    rate = arena[instruction[3]]
    watched = real(0)
    for i in range(start, stop):
        old, step = arena[w + i], rate * arena[g + i]
        new = old - step if step != real(0) else old
        arena[w + i] = new
        if WATCHED:
            watched += new * real(0)
    if watched != real(0):
        integers[3] = 1  # the flag's place, see engine.tape


sgd_update = register(Primitive(
    name="sgd_update", formula=r"w \leftarrow w - \eta g", shape=walking(2), body=sgd_update_body, encode=encode_update,
    writes=(0,), walks=2, domain=(ANY, ANY, RATE), source="Aggarwal 2023, eq. 2.25",
))  # fmt: skip


@kernel
def momentum_update_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    w, g, v = instruction[1], instruction[2], instruction[3]
    rate, momentum = arena[instruction[4]], arena[instruction[5]]
    watched = real(0)
    for i in range(start, stop):
        old, velocity = arena[w + i], momentum * arena[v + i] - rate * arena[g + i]
        arena[v + i] = velocity
        new = old + velocity if velocity != real(0) else old
        arena[w + i] = new
        if WATCHED:
            watched += new * real(0)
    if watched != real(0):
        integers[3] = 1  # the flag's place, see engine.tape


momentum_update = register(Primitive(
    name="momentum_update", formula=r"v \leftarrow \beta v - \eta g,\quad w \leftarrow w + v", shape=walking(3),
    body=momentum_update_body, encode=encode_update, writes=(0, 2), walks=3, domain=(ANY, ANY, ANY, RATE, SHARE),
    source="Aggarwal 2023, §4.4.2",
))  # fmt: skip


@kernel
def nesterov_update_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    w, g, v = instruction[1], instruction[2], instruction[3]
    rate, momentum = arena[instruction[4]], arena[instruction[5]]
    watched = real(0)
    for i in range(start, stop):
        old, push = arena[w + i], rate * arena[g + i]
        velocity = momentum * arena[v + i] - push
        step = momentum * velocity - push
        arena[v + i] = velocity
        new = old + step if step != real(0) else old
        arena[w + i] = new
        if WATCHED:
            watched += new * real(0)
    if watched != real(0):
        integers[3] = 1  # the flag's place, see engine.tape


nesterov_update = register(Primitive(
    name="nesterov_update", formula=r"v \leftarrow \beta v - \eta g,\quad w \leftarrow w + \beta v - \eta g", shape=walking(3),
    body=nesterov_update_body, encode=encode_update, writes=(0, 2), walks=3, domain=(ANY, ANY, ANY, RATE, SHARE),
    source="Aggarwal 2023, §4.4.3, in the form that takes the gradient at w: w stands for the book's w + βv",
))  # fmt: skip


@kernel
def adam_update_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    w, g, m, v = instruction[1], instruction[2], instruction[3], instruction[4]
    rate, beta1, beta2, epsilon = (
        arena[instruction[5]],
        arena[instruction[6]],
        arena[instruction[7]],
        arena[instruction[8]],
    )
    left1, left2 = real(1) - arena[instruction[9]], real(1) - arena[instruction[10]]
    watched = real(0)
    for i in range(start, stop):
        old, slope = arena[w + i], arena[g + i]
        mean = beta1 * arena[m + i] + (real(1) - beta1) * slope
        square = beta2 * arena[v + i] + (real(1) - beta2) * slope * slope
        step = rate * (mean / left1) / (sqrt_of(square / left2) + epsilon)
        arena[m + i] = mean
        arena[v + i] = square
        new = old - step if step != real(0) else old
        arena[w + i] = new
        if WATCHED:
            watched += new * real(0)
    if watched != real(0):
        integers[3] = 1  # the flag's place, see engine.tape


adam_update = register(Primitive(
    name="adam_update",
    formula=r"w \leftarrow w - \eta\,\frac{m / (1 - \beta_1^t)}{\sqrt{v / (1 - \beta_2^t)} + \epsilon}", shape=walking(4),
    body=adam_update_body, encode=encode_update, writes=(0, 2, 3), walks=4,
    domain=(ANY, ANY, ANY, SQUARE, RATE, SHARE, SHARE, Interval(1e-8, 1e-3), SHARE, SHARE),
    source="Kingma & Ba 2015; Aggarwal 2023, §4.5.5",
    convention="the last two operands are β₁ and β₂ to the power of the iteration, kept by decay_power",
))  # fmt: skip


@kernel
def decay_power_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    y, factor = instruction[1], arena[instruction[2]]
    for i in range(start, stop):
        arena[y + i] = arena[y + i] * factor


decay_power = register(Primitive(
    name="decay_power", formula=r"\beta^t \leftarrow \beta^t \cdot \beta", shape=walking(1), body=decay_power_body,
    encode=encode_update, writes=(0,), source="Kingma & Ba 2015: the bias correction needs β to the power of the iteration",
))  # fmt: skip


@kernel
def add_to_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    w, d = instruction[1], instruction[2]
    for i in range(start, stop):
        old, step = arena[w + i], arena[d + i]
        arena[w + i] = old + step if step != real(0) else old


add_to = register(Primitive(
    name="add_to", formula=r"w \leftarrow w + \Delta w", shape=walking(2), body=add_to_body,
    encode=encode_update, writes=(0,),
    walks=2, source="learning rules without a loss",
))  # fmt: skip
