"""What changes parameters and states in place: the optimizers' steps, and the flag that stops a run."""

from __future__ import annotations

from engine.primitives.base import Arena, Code, Integers, Primitive, encode_update, kernel, real, register, same
from engine.program import Shape, Value


@kernel
def sgd_update_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    w, g = instruction[1], instruction[2]
    rate = arena[instruction[3]]
    for i in range(start, stop):
        arena[w + i] = arena[w + i] - rate * arena[g + i]


sgd_update = register(Primitive(
    name="sgd_update", formula=r"w \leftarrow w - \eta g", shape=same, body=sgd_update_body, encode=encode_update, writes=(0,), walks=2,
    source="Aggarwal 2023, eq. 2.25",
))  # fmt: skip


@kernel
def momentum_update_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    w, g, v = instruction[1], instruction[2], instruction[3]
    rate, momentum = arena[instruction[4]], arena[instruction[5]]
    for i in range(start, stop):
        velocity = momentum * arena[v + i] - rate * arena[g + i]
        arena[v + i] = velocity
        arena[w + i] = arena[w + i] + velocity


momentum_update = register(Primitive(
    name="momentum_update", formula=r"v \leftarrow \beta v - \eta g,\quad w \leftarrow w + v", shape=same,
    body=momentum_update_body, encode=encode_update, writes=(0, 2), walks=3, source="Aggarwal 2023, §4.4.2",
))  # fmt: skip


@kernel
def nesterov_update_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    w, g, v = instruction[1], instruction[2], instruction[3]
    rate, momentum = arena[instruction[4]], arena[instruction[5]]
    for i in range(start, stop):
        velocity = momentum * arena[v + i] - rate * arena[g + i]
        arena[v + i] = velocity
        arena[w + i] = arena[w + i] + momentum * velocity - rate * arena[g + i]


nesterov_update = register(Primitive(
    name="nesterov_update", formula=r"v \leftarrow \beta v - \eta g,\quad w \leftarrow w + \beta v - \eta g", shape=same,
    body=nesterov_update_body, encode=encode_update, writes=(0, 2), walks=3,
    source="Aggarwal 2023, §4.4.3, in the form that takes the gradient at w: w stands for the book's w + βv",
))  # fmt: skip


@kernel
def adam_update_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    w, g, m, v = instruction[1], instruction[2], instruction[3], instruction[4]
    rate, beta1, beta2, epsilon = arena[instruction[5]], arena[instruction[6]], arena[instruction[7]], arena[instruction[8]]
    left1, left2 = real(1) - arena[instruction[9]], real(1) - arena[instruction[10]]
    for i in range(start, stop):
        slope = arena[g + i]
        mean = beta1 * arena[m + i] + (real(1) - beta1) * slope
        square = beta2 * arena[v + i] + (real(1) - beta2) * slope * slope
        arena[m + i] = mean
        arena[v + i] = square
        arena[w + i] = arena[w + i] - rate * (mean / left1) / ((square / left2) ** real(0.5) + epsilon)


adam_update = register(Primitive(
    name="adam_update",
    formula=r"w \leftarrow w - \eta\,\frac{m / (1 - \beta_1^t)}{\sqrt{v / (1 - \beta_2^t)} + \epsilon}", shape=same,
    body=adam_update_body, encode=encode_update, writes=(0, 2, 3), walks=4, source="Kingma & Ba 2015; Aggarwal 2023, §4.5.5",
))  # fmt: skip


@kernel
def decay_power_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    y, x = instruction[1], instruction[2]
    arena[y] = arena[y] * arena[x]


decay_power = register(Primitive(
    name="decay_power", formula=r"\beta^t \leftarrow \beta^t \cdot \beta", shape=same, body=decay_power_body, encode=encode_update, writes=(0,),
    source="Kingma & Ba 2015: the bias correction needs β to the power of the iteration",
))  # fmt: skip


@kernel
def add_to_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    w, d = instruction[1], instruction[2]
    for i in range(start, stop):
        arena[w + i] = arena[w + i] + arena[d + i]


add_to = register(Primitive(
    name="add_to", formula=r"w \leftarrow w + \Delta w", shape=same, body=add_to_body, encode=encode_update, writes=(0,), walks=2,
    source="learning rules without a loss",
))  # fmt: skip


def flag_shape(x: Value) -> Shape:
    """Nothing is defined: the flag is one of the machine's integers."""
    return x.shape


@kernel
def non_finite_flag_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x = instruction[1]
    total = real(0)
    for i in range(start, stop):
        total += arena[x + i] * real(0)  # NaN and infinity become NaN, everything else 0
    if not total == real(0):
        integers[3] = 1


non_finite_flag = register(Primitive(
    name="non_finite_flag", formula=r"x \in \mathbb{R}?", shape=flag_shape, body=non_finite_flag_body, encode=encode_update,
    length=lambda operands, result: operands[0].size, writes=(0,), walks=1,
    source="promise 12: a run stops where a number stops being one",
))  # fmt: skip
