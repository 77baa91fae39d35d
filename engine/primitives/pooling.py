"""Windows over maps: the winner of each and where it stood, what is put back there, and means.

Maps lie as (batch, channels, height, width). `window` and `stride` are rows and columns, `padding` counts cells above,
below, left and right that are never chosen and never counted as numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.primitives.base import (
    Arena,
    Code,
    Integers,
    Interval,
    Primitive,
    Region,
    Variant,
    kernel,
    need_real,
    real,
    register,
    scalar,
)
from engine.primitives.convolution import planes_of_result, sides, windows
from engine.problems import shape_mismatch
from engine.values import Shape, Value, shape_text

NAN = float("nan")
INSIDE = 0  # compiled in: a mean over the cells within the map, instead of over all of the window
TALL = WIDE = STEP = 0  # compiled in: rows and columns of small windows, none of which reaches beyond the edge; stride
ZERO = 0  # compiled in: 0 for a place outside of its map, instead of NaN

Pair = tuple[int, int]
Margins = tuple[int, int, int, int]


def pooled(x: Value, window: Pair, stride: Pair, padding: Margins) -> Shape:
    """A cell for each window. Raises `ShapeMismatch` where a window would hold no cell of the map."""
    height, width = sides(x)
    counts = []
    for axis, length in enumerate((height, width)):
        before, after = padding[2 * axis : 2 * axis + 2]
        count = windows(length, window[axis], stride[axis], (before, after))
        if before >= window[axis] or (count - 1) * stride[axis] - before >= length:
            raise shape_mismatch("a window would lie beside the map", "Pad by less than the window is long.")
        counts.append(count)
    return (*x.shape[:2], *counts)


def window_shape(x: Value, window: Pair, stride: Pair, padding: Margins) -> Shape:
    """As `pooled`, under the name that a shape rule has."""
    return pooled(x, window, stride, padding)


def encode_pools(maps: Region, cells: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """Height and width of the maps, rows and columns of windows, the window, the stride, cells above and left."""
    top, _, left, _ = attributes["padding"]
    return (*maps.shape[2:], *cells.shape[2:], *attributes["window"], *attributes["stride"], top, left)


def choice_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """x, y, then the windows."""
    return (operands[0].offset, result.offset, *encode_pools(operands[0], result, attributes))


def small_variant(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> Variant:
    """Small windows that lie within the map have their loops unrolled."""
    tall, wide = attributes["window"]
    if tall * wide > 9 or any(attributes["padding"]):
        return ()
    return (("TALL", tall), ("WIDE", wide), ("STEP", attributes["stride"][1]))


@scalar()
def beats(v: float, best: float) -> bool:
    """Whether a number is chosen over the best one before it: it is larger, or the first NaN."""
    return (v > best) | ((v != v) & (best == best))


@kernel
def window_choice_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    height, width, rows, columns = instruction[3], instruction[4], instruction[5], instruction[6]
    tall, wide, stride_y, stride_x = instruction[7], instruction[8], instruction[9], instruction[10]
    top, left = instruction[11], instruction[12]
    for plane in range(start, stop):
        x, y = instruction[1] + plane * height * width, instruction[2] + plane * rows * columns
        for r in range(rows):
            if TALL == 2 and WIDE == 2:
                for c in range(columns):
                    place = r * stride_y * width + c * STEP
                    a, b = arena[x + place], arena[x + place + 1]
                    d, e = arena[x + place + width], arena[x + place + width + 1]
                    right, low_right = beats(b, a), beats(e, d)
                    above, below = (b if right else a), (e if low_right else d)
                    shift, low_shift = (1 if right else 0), (width + 1 if low_right else width)
                    integers[y + r * columns + c] = place + (low_shift if beats(below, above) else shift)
            elif TALL:
                for c in range(columns):
                    begin = r * stride_y * width + c * STEP
                    best, place = arena[x + begin], begin
                    for i in range(TALL):
                        for j in range(WIDE):
                            v, here = arena[x + begin + i * width + j], begin + i * width + j
                            wins = beats(v, best)
                            best, place = (v if wins else best), (here if wins else place)
                    integers[y + r * columns + c] = place
            else:
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
                    integers[y + r * columns + c] = place


window_choice = register(Primitive(
    name="window_choice", formula=r"m_{i,j} = \arg\max_{r,s} x_{Si+r,\,Sj+s}", shape=window_shape,
    body=window_choice_body, encode=choice_encode, length=planes_of_result, kind="whole", domain=Interval(ties=True),
    variant=small_variant, source="Aggarwal 2023, §9.2.4",
    convention="a place counts along the rows of its map; of equal cells the first wins; cells beyond the edge never do",
))  # fmt: skip


def need_places(x: Value, places: Value, shape: Shape) -> None:
    """Raises `ShapeMismatch` where places do not belong to these windows."""
    need_real(x)
    if places.kind != "whole" or places.shape != shape:
        raise shape_mismatch(
            f"places of shape {shape_text(places.shape)} do not belong to {shape_text(x.shape)}",
            "Wire in the index of the pooling that made these maps smaller.",
        )


def take_shape(x: Value, places: Value, zero: bool = False) -> Shape:
    """The shape of the places: as many in each map as one likes; `zero`: 0 for those outside of their map, not NaN."""
    sides(x)
    need_places(x, places, (*x.shape[:2], *places.shape[2:]))
    return places.shape


def take_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """x, places, y, cells of a map of x, cells of a map of y."""
    x, places = operands
    cells = [region.shape[2] * region.shape[3] for region in (x, result)]
    return (x.offset, places.offset, result.offset, *cells)


@kernel
def window_take_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, places, y = instruction[1], instruction[2], instruction[3]
    many, few = instruction[4], instruction[5]
    nothing = real(0) if ZERO else real(NAN)
    for plane in range(start, stop):
        source = x + plane * many
        for i in range(plane * few, (plane + 1) * few):
            place = integers[places + i]
            arena[y + i] = arena[source + place] if 0 <= place < many else nothing


def take_derivative(x: Value, places: Value, y: Value, dy: Value) -> list[Value | None]:
    return [x.program.build.emit("window_put", dy, places, size=x.shape[2:]), None]


def zero_variant(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> Variant:
    """What stands for a place outside is compiled in."""
    return (("ZERO", 1),) if attributes.get("zero") else ()


window_take = register(Primitive(
    name="window_take", formula=r"y_{i,j} = x_{m_{i,j}}", shape=take_shape, body=window_take_body,
    derivative=take_derivative, encode=take_encode, length=planes_of_result, variant=zero_variant,
    source="Aggarwal 2023, §9.2.4 and §9.5.2",
    convention="NaN where a place lies outside of its map; with `zero` 0, as the derivative of putting wants it",
))  # fmt: skip


def put_shape(y: Value, places: Value, size: Pair) -> Shape:
    """Maps of the height and width `size`."""
    sides(y)
    need_places(y, places, y.shape)
    return (*y.shape[:2], *size)


def put_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """y, places, x, cells of a map of x, cells of a map of y, width of a map of x."""
    y, places = operands
    cells = [region.shape[2] * region.shape[3] for region in (result, y)]
    return (y.offset, places.offset, result.offset, *cells, result.shape[3])


@kernel
def window_put_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    y, places, x = instruction[1], instruction[2], instruction[3]
    many, few = instruction[4], instruction[5]
    for i in range(x + start * many, x + stop * many):
        arena[i] = real(0)
    for plane in range(start, stop):
        into = x + plane * many
        for i in range(plane * few, (plane + 1) * few):
            place = integers[places + i]
            if 0 <= place < many:
                arena[into + place] = arena[into + place] + arena[y + i]


def put_derivative(y: Value, places: Value, x: Value, dx: Value) -> list[Value | None]:
    return [y.program.build.emit("window_take", dx, places, zero=True), None]


window_put = register(Primitive(
    name="window_put", formula=r"x_{u} = \sum_{m_{i,j} = u} y_{i,j}", shape=put_shape, body=window_put_body,
    derivative=put_derivative, encode=put_encode, length=planes_of_result, source="Aggarwal 2023, §9.3 and §9.5.2",
    convention="what wins in several windows gets the sum; a place outside of its map gets nothing",
))  # fmt: skip


def mean_shape(x: Value, window: Pair, stride: Pair, padding: Margins, inside: bool = False) -> Shape:
    """A cell for each window; `inside`: divided by the cells within the map instead of by all of the window."""
    return pooled(x, window, stride, padding)


def inside_variant(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> Variant:
    """Whether cells are counted is compiled in."""
    return (("INSIDE", 1),) if attributes.get("inside") else ()


@kernel
def window_mean_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    height, width, rows, columns = instruction[3], instruction[4], instruction[5], instruction[6]
    tall, wide, stride_y, stride_x = instruction[7], instruction[8], instruction[9], instruction[10]
    top, left = instruction[11], instruction[12]
    for plane in range(start, stop):
        x, y = instruction[1] + plane * height * width, instruction[2] + plane * rows * columns
        for r in range(rows):
            above = r * stride_y - top
            low, high = (above if above > 0 else 0), (above + tall if above + tall < height else height)
            for c in range(columns):
                before = c * stride_x - left
                first, last = (before if before > 0 else 0), (before + wide if before + wide < width else width)
                total = real(0)
                for i in range(low, high):
                    for j in range(first, last):
                        total += arena[x + i * width + j]
                cells = (high - low) * (last - first) if INSIDE else tall * wide
                arena[y + r * columns + c] = total / real(cells)


def window_mean_derivative(x: Value, y: Value, dy: Value) -> list[Value]:
    attributes = y.call.attributes if y.call else {}
    return [x.program.build.emit("window_spread", dy, size=x.shape[2:], **attributes)]


window_mean = register(Primitive(
    name="window_mean", formula=r"y_{i,j} = \frac{1}{P^2} \sum_{r,s} x_{Si+r,\,Sj+s}", shape=mean_shape,
    body=window_mean_body, derivative=window_mean_derivative, encode=choice_encode, length=planes_of_result,
    variant=inside_variant, source="Aggarwal 2023, §9.2.4",
    convention="cells beyond the edge count as 0; with `inside` they do not count at all",
))  # fmt: skip


def spread_shape(y: Value, size: Pair, window: Pair, stride: Pair, padding: Margins, inside: bool = False) -> Shape:
    """Maps of the height and width `size`, whose windows are the cells of `y`."""
    cells = sides(y)
    fitting = tuple([
        windows(size[axis], window[axis], stride[axis], (padding[2 * axis], padding[2 * axis + 1])) for axis in (0, 1)
    ])  # fmt: skip
    if fitting != cells:
        raise shape_mismatch(
            f"maps of {cells[0]} × {cells[1]} are not what windows over {size[0]} × {size[1]} make",
            f"Windows over that size make {fitting[0]} × {fitting[1]}.",
        )
    return (*y.shape[:2], *size)


def spread_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """y, x, then the windows."""
    return (operands[0].offset, result.offset, *encode_pools(result, operands[0], attributes))


@kernel
def window_spread_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    height, width, rows, columns = instruction[3], instruction[4], instruction[5], instruction[6]
    tall, wide, stride_y, stride_x = instruction[7], instruction[8], instruction[9], instruction[10]
    top, left = instruction[11], instruction[12]
    for plane in range(start, stop):
        y, x = instruction[1] + plane * rows * columns, instruction[2] + plane * height * width
        for i in range(x, x + height * width):
            arena[i] = real(0)
        for r in range(rows):
            above = r * stride_y - top
            low, high = (above if above > 0 else 0), (above + tall if above + tall < height else height)
            for c in range(columns):
                before = c * stride_x - left
                first, last = (before if before > 0 else 0), (before + wide if before + wide < width else width)
                cells = (high - low) * (last - first) if INSIDE else tall * wide
                share = arena[y + r * columns + c] / real(cells)
                for i in range(low, high):
                    for j in range(first, last):
                        arena[x + i * width + j] = arena[x + i * width + j] + share


def window_spread_derivative(y: Value, x: Value, dx: Value) -> list[Value]:
    attributes = dict(x.call.attributes) if x.call else {}
    attributes.pop("size", None)
    return [y.program.build.emit("window_mean", dx, **attributes)]


window_spread = register(Primitive(
    name="window_spread", formula=r"x_{u,v} = \frac{1}{P^2} \sum_{(u,v) \in (i,j)} y_{i,j}", shape=spread_shape,
    body=window_spread_body, derivative=window_spread_derivative, encode=spread_encode, length=planes_of_result,
    variant=inside_variant, source="Aggarwal 2023, §9.2.4: equal shares",
    convention="cells under several windows get the sum of their shares",
))  # fmt: skip
