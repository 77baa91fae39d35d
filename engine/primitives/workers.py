"""What many workers with one store of parameters do to it: gradients that come late, and gradients that are waited for."""

from __future__ import annotations

from engine.primitives.base import Arena, Code, Integers, Interval, Primitive, encode_update, kernel, real, register
from engine.primitives.updates import ANY, RATE, walking
from engine.values import Shape, Value

COUNT = Interval(1.0, 4.0)


def on_its_way(late: Value, sooner: Value, *, arrives: bool = False) -> Shape:
    """A gradient one update nearer to the store; `arrives` at its last place."""
    return walking(2)(late, sooner)


@kernel
def hand_on_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    late, sooner = instruction[1], instruction[2]
    for i in range(start, stop):
        arena[late + i] = arena[sooner + i]


hand_on = register(Primitive(
    name="hand_on", formula=r"q_i \leftarrow q_{i+1}", shape=on_its_way, body=hand_on_body, encode=encode_update,
    writes=(0,), walks=2, domain=(ANY, ANY), source="Aggarwal 2023, §4.9.2: a gradient that is on its way to the store",
))  # fmt: skip


@kernel
def gathered_update_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    w, g, gathered = instruction[1], instruction[2], instruction[3]
    rate, here, workers = arena[instruction[4]], arena[instruction[5]], arena[instruction[6]]
    if here < workers:
        for i in range(start, stop):
            arena[gathered + i] = arena[gathered + i] + arena[g + i]
    else:
        share = rate / workers
        for i in range(start, stop):
            old, step = arena[w + i], share * (arena[gathered + i] + arena[g + i])
            arena[w + i] = old - step if step != real(0) else old
            arena[gathered + i] = real(0)


gathered_update = register(Primitive(
    name="gathered_update",
    formula=r"G \leftarrow G + g;\quad \text{all } k \text{ are there: } w \leftarrow w - \frac{\eta}{k}\, G,\ G \leftarrow 0",
    shape=walking(3), body=gathered_update_body, encode=encode_update, writes=(0, 2), walks=3,
    domain=(ANY, ANY, ANY, RATE, COUNT, COUNT), source="Aggarwal 2023, §4.9.2",
    convention="the gradient of each worker is that of its own batch; their mean is that of a batch k times as large",
))  # fmt: skip


@kernel
def count_round_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    workers = arena[instruction[2]]
    for i in range(start, stop):
        here = arena[instruction[1] + i]
        arena[instruction[1] + i] = real(1) if here >= workers else here + real(1)


count_round = register(Primitive(
    name="count_round", formula=r"n \leftarrow n + 1, \text{ after } k \text{ again } 1", shape=walking(1),
    body=count_round_body, encode=encode_update, writes=(0,), domain=(Interval(0.0, 4.0), COUNT),
    source="Aggarwal 2023, §4.9.2: how many workers have brought their gradient",
))  # fmt: skip
