"""What the fusing pass puts in place of a maximum over windows: the winners and where they stood, in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.primitives.base import Arena, Code, Integers, Primitive, Region, kernel, register
from engine.primitives.convolution import planes_of_result
from engine.primitives.pooling import beats, encode_pools
from engine.values import Shape, Value


def best_shape(x: Value, places: Value, **attributes: Any) -> Shape:
    """As the places, which are written."""
    return places.shape


def best_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """x, places (written), y, then the windows."""
    x, places = operands
    return (x.offset, places.offset, result.offset, *encode_pools(x, result, attributes))


@kernel
def window_best_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    height, width, rows, columns = instruction[4], instruction[5], instruction[6], instruction[7]
    tall, wide, stride_y, stride_x = instruction[8], instruction[9], instruction[10], instruction[11]
    top, left = instruction[12], instruction[13]
    for plane in range(start, stop):
        x, cells = instruction[1] + plane * height * width, plane * rows * columns
        for r in range(rows):
            above = r * stride_y - top
            low, high = (above if above > 0 else 0), (above + tall if above + tall < height else height)
            for c in range(columns):
                before = c * stride_x - left
                first, last = (before if before > 0 else 0), (before + wide if before + wide < width else width)
                place = low * width + first
                best = arena[x + place]
                for i in range(low, high):
                    for j in range(first, last):
                        v = arena[x + i * width + j]
                        wins = beats(v, best)
                        best, place = (v if wins else best), (i * width + j if wins else place)
                integers[instruction[2] + cells + r * columns + c] = place
                arena[instruction[3] + cells + r * columns + c] = best


window_best = register(Primitive(
    name="window_best", formula=r"y_{i,j} = \max_{r,s} x_{Si+r,\,Sj+s}", shape=best_shape, body=window_best_body,
    encode=best_encode, length=planes_of_result, is_fused=True, source="window_choice, window_take",
))  # fmt: skip
