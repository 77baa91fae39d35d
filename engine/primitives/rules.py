"""What learning rules write without adding: a number in another's place."""

from __future__ import annotations

from engine.primitives.base import Arena, Code, Integers, Primitive, encode_update, kernel, register
from engine.primitives.updates import walking


@kernel
def set_to_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    w, y = instruction[1], instruction[2]
    for i in range(start, stop):
        arena[w + i] = arena[y + i]


set_to = register(Primitive(
    name="set_to", formula=r"w \leftarrow y", shape=walking(2), body=set_to_body, encode=encode_update, writes=(0,),
    source="learning rules that replace what they know: means of clusters, states of units",
))  # fmt: skip
