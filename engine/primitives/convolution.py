"""Convolutions of maps with filters: forward, to the input, to the filters. Each is the derivative of the two others.

All three are one trilinear form, Σ g · w · x over the windows; every one fixes two of its factors and asks for the third.
Maps lie as (batch, channels, height, width), filters as (filters, channels of their group, rows, columns). As in every
library the filter is not flipped (cross-correlation). What lies beyond the edge is not there: it adds nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.primitives.axes import over_axes
from engine.primitives.base import (
    Arena,
    Code,
    Integers,
    Primitive,
    Region,
    Variant,
    kernel,
    need_real,
    real,
    register,
    scalar,
)
from engine.problems import shape_mismatch
from engine.values import Dim, Shape, Value, shape_text

BIAS = STRIDED = 0  # compiled in: whether there is a bias; whether columns are skipped


def sides(x: Value) -> tuple[int, int]:
    """Height and width of maps. Raises `ShapeMismatch` where there are none."""
    need_real(x)
    height, width = x.shape[-2:] if x.rank == 4 else (None, None)
    if not isinstance(height, int) or not isinstance(width, int) or not isinstance(x.shape[1], int):
        raise shape_mismatch(
            f"maps are (batch, channels, height, width), not {shape_text(x.shape)}",
            "Put a reshape before it, or choose images as data.",
        )
    return height, width


def windows(length: int, kernel: int, stride: int, padding: tuple[int, int], dilation: int = 1) -> int:
    """How many windows fit along an axis. Raises `ShapeMismatch` where none does."""
    reach = dilation * (kernel - 1) + 1
    room = length + sum(padding) - reach
    if room < 0:
        raise shape_mismatch(
            f"a window that reaches over {reach} cells does not fit into {length + sum(padding)}",
            "Make it smaller, or pad the map.",
        )
    return room // stride + 1


def convolution_shape(
    x: Value, w: Value, *bias: Value, stride: tuple[int, int], padding: tuple[int, int, int, int],
    dilation: tuple[int, int], groups: int,
) -> Shape:  # fmt: skip
    """A map for each filter. `padding` counts cells above, below, left and right."""
    need_real(x, w, *bias)
    filters, depth, *kernel = filters_of(w)
    height, width = sides(x)
    if depth * groups != x.shape[1]:
        raise shape_mismatch(
            f"{x.shape[1]} channels meet filters for {depth * groups}", f"Give it {depth * groups} channels."
        )
    if filters % groups:
        raise shape_mismatch(f"{filters} filters make no {groups} equal groups", f"Take a multiple of {groups}.")
    if any(value.shape != (filters,) for value in bias):
        raise shape_mismatch(f"{filters} filters need as many biases, not {shape_text(bias[0].shape)}")
    rows = windows(height, kernel[0], stride[0], padding[:2], dilation[0])
    columns = windows(width, kernel[1], stride[1], padding[2:], dilation[1])
    return (x.shape[0], filters, rows, columns)


def filters_of(w: Value) -> tuple[int, int, int, int]:
    """Filters, channels of each, rows, columns. Raises `ShapeMismatch` where the value is no bank of filters."""
    filters, depth, rows, columns = w.shape if w.rank == 4 else (None,) * 4
    if not (isinstance(filters, int) and isinstance(depth, int) and isinstance(rows, int) and isinstance(columns, int)):
        raise shape_mismatch(f"filters are (filters, channels, rows, columns), not {shape_text(w.shape)}")
    return filters, depth, rows, columns


def encode_windows(
    x: tuple[int, ...], w: tuple[int, ...], y: tuple[int, ...], attributes: dict[str, Any]
) -> tuple[int, ...]:
    """What the three bodies know of the windows, by the shapes of maps, filters and results."""
    top, _, left, _ = attributes["padding"]
    return (
        x[0], *x[1:], *y[1:], *w[2:], *attributes["stride"], top, left, *attributes["dilation"],
        w[1], y[1] // attributes["groups"],
    )  # fmt: skip


def convolution_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """x, w, y, bias (0: none), then the windows."""
    x, w, *bias = operands
    offsets = (x.offset, w.offset, result.offset, bias[0].offset if bias else 0)
    return (*offsets, *encode_windows(x.shape, w.shape, result.shape, attributes))


def convolution_variant(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> Variant:
    """Neighbouring columns are compiled in where none is skipped: only loops over neighbours vectorise."""
    bias = (("BIAS", 1),) if len(operands) == 3 else ()
    return (*bias, *((("STRIDED", 1),) if attributes["stride"][1] > 1 else ()))


def planes_of_result(operands: Sequence[Region], result: Region) -> int:
    """The work is counted in maps of the result."""
    return result.shape[0] * result.shape[1]


@scalar()
def first_inside(shift: int, stride: int) -> int:
    """The first window whose cell at this shift lies within the map."""
    return 0 if shift >= 0 else (stride - 1 - shift) // stride


@scalar()
def end_inside(shift: int, stride: int, length: int, count: int) -> int:
    """Behind the last window of `count` whose cell at this shift lies within a map of that length."""
    if shift >= length:
        return 0
    end = (length - 1 - shift) // stride + 1
    return count if end > count else end


@kernel
def convolution_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, w, y, bias = instruction[1], instruction[2], instruction[3], instruction[4]
    channels, height, width = instruction[6], instruction[7], instruction[8]
    filters, rows, columns = instruction[9], instruction[10], instruction[11]
    tall, wide, stride_y, stride_x = instruction[12], instruction[13], instruction[14], instruction[15]
    top, left, apart_y, apart_x = instruction[16], instruction[17], instruction[18], instruction[19]
    depth, group = instruction[20], instruction[21]
    step = stride_x if STRIDED else 1
    for plane in range(start, stop):
        image, chosen = plane // filters, plane % filters
        out = y + plane * rows * columns
        begin = arena[bias + chosen] if BIAS else real(0)
        for i in range(out, out + rows * columns):
            arena[i] = begin
        source, tap = (
            x + (image * channels + chosen // group * depth) * height * width,
            w + chosen * depth * tall * wide,
        )
        for _ in range(depth):
            for i in range(tall):
                shift_y = i * apart_y - top
                low, high = first_inside(shift_y, stride_y), end_inside(shift_y, stride_y, height, rows)
                for j in range(wide):
                    shift_x = j * apart_x - left
                    first, last = first_inside(shift_x, step), end_inside(shift_x, step, width, columns)
                    weight = arena[tap]
                    for r in range(low, high):
                        line, into = source + (r * stride_y + shift_y) * width + shift_x, out + r * columns
                        for c in range(first, last):
                            arena[into + c] = arena[into + c] + weight * arena[line + c * step]
                    tap += 1
            source += height * width


def settings_of(y: Value) -> dict[str, Any]:
    """Stride, padding, dilation and groups of the call behind a value."""
    attributes = y.call.attributes if y.call else {}
    return {name: attributes[name] for name in ("stride", "padding", "dilation", "groups")}


def convolution_derivative(*values: Value) -> list[Value]:
    x, w, *bias, y, dy = values
    emit, windows_said = x.program.build.emit, settings_of(y)
    dx = emit("transposed_convolution", dy, w, size=x.shape[2:], **windows_said)
    dw = emit("filter_correlation", x, dy, kernel=w.shape[2:], **windows_said)
    return [dx, dw, *[emit("reshape", over_axes("sum", dy, (0, 2, 3)), shape=b.shape) for b in bias]]


convolution = register(Primitive(
    name="convolution", formula=r"y_{p,i,j} = b_p + \sum_{k,r,s} w_{p,k,r,s}\, x_{k,\,i+r,\,j+s}",
    shape=convolution_shape, body=convolution_body, derivative=convolution_derivative, encode=convolution_encode,
    length=planes_of_result, variant=convolution_variant, source="Aggarwal 2023, §9.2",
    convention="the filter is not flipped; what lies beyond the edge adds nothing",
))  # fmt: skip


def transposed_shape(
    y: Value, w: Value, size: tuple[int, int], stride: tuple[int, int], padding: tuple[int, int, int, int],
    dilation: tuple[int, int], groups: int,
) -> Shape:  # fmt: skip
    """The maps that a convolution with these filters would have been given, of the height and width `size`."""
    need_real(y, w)
    filters, depth, *kernel = filters_of(w)
    height, width = sides(y)
    if filters != y.shape[1]:
        raise shape_mismatch(f"{y.shape[1]} channels meet {filters} filters", f"Give it {filters} channels.")
    fitting = [
        windows(size[axis], kernel[axis], stride[axis], padding[2 * axis : 2 * axis + 2], dilation[axis])  # type: ignore[arg-type]
        for axis in (0, 1)
    ]
    if fitting != [height, width]:
        raise shape_mismatch(
            f"maps of {height} × {width} are not what windows over {size[0]} × {size[1]} make",
            f"Windows over that size make {fitting[0]} × {fitting[1]}.",
        )
    return (y.shape[0], depth * groups, *size)


def transposed_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """dy, w, dx, nothing, then the windows."""
    y, w = operands
    return (y.offset, w.offset, result.offset, 0, *encode_windows(result.shape, w.shape, y.shape, attributes))


@kernel
def transposed_convolution_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    y, w, x = instruction[1], instruction[2], instruction[3]
    channels, height, width = instruction[6], instruction[7], instruction[8]
    filters, rows, columns = instruction[9], instruction[10], instruction[11]
    tall, wide, stride_y, stride_x = instruction[12], instruction[13], instruction[14], instruction[15]
    top, left, apart_y, apart_x = instruction[16], instruction[17], instruction[18], instruction[19]
    depth, group = instruction[20], instruction[21]
    step = stride_x if STRIDED else 1
    for plane in range(start, stop):
        image, channel = plane // channels, plane % channels
        out = x + plane * height * width
        for i in range(out, out + height * width):
            arena[i] = real(0)
        first_filter = channel // depth * group
        for chosen in range(first_filter, first_filter + group):
            source = y + (image * filters + chosen) * rows * columns
            tap = w + (chosen * depth + channel % depth) * tall * wide
            for i in range(tall):
                shift_y = i * apart_y - top
                low, high = first_inside(shift_y, stride_y), end_inside(shift_y, stride_y, height, rows)
                for j in range(wide):
                    shift_x = j * apart_x - left
                    first, last = first_inside(shift_x, step), end_inside(shift_x, step, width, columns)
                    weight = arena[tap]
                    for r in range(low, high):
                        into, line = out + (r * stride_y + shift_y) * width + shift_x, source + r * columns
                        for c in range(first, last):
                            arena[into + c * step] = arena[into + c * step] + weight * arena[line + c]
                    tap += 1


def transposed_derivative(y: Value, w: Value, x: Value, dx: Value) -> list[Value]:
    emit, windows_said = y.program.build.emit, settings_of(x)
    return [
        emit("convolution", dx, w, **windows_said),
        emit("filter_correlation", dx, y, kernel=w.shape[2:], **windows_said),
    ]


transposed_convolution = register(Primitive(
    name="transposed_convolution", formula=r"x_{k,u,v} = \sum_{p} \sum_{i+r=u,\; j+s=v} w_{p,k,r,s}\, y_{p,i,j}",
    shape=transposed_shape, body=transposed_convolution_body, derivative=transposed_derivative, encode=transposed_encode,
    length=planes_of_result, variant=convolution_variant, source="Aggarwal 2023, §9.3.1 to §9.3.3 and §9.5.2",
    convention="every cell spreads a copy of the filter; copies that overlap add up",
))  # fmt: skip


def correlation_shape(
    x: Value, y: Value, kernel: tuple[int, int], stride: tuple[int, int], padding: tuple[int, int, int, int],
    dilation: tuple[int, int], groups: int,
) -> Shape:  # fmt: skip
    """The filters that lead from maps `x` to maps `y`, of `kernel` rows and columns."""
    height, width = sides(x)
    rows = windows(height, kernel[0], stride[0], padding[:2], dilation[0])
    columns = windows(width, kernel[1], stride[1], padding[2:], dilation[1])
    need_real(y)
    if y.rank != 4 or y.shape[0] != x.shape[0] or y.shape[2:] != (rows, columns):
        raise shape_mismatch(f"{shape_text(y.shape)} is not what windows over {shape_text(x.shape)} make")
    filters, depth = _whole(y.shape[1]), _whole(x.shape[1])
    if filters % groups or depth % groups:
        raise shape_mismatch(f"{depth} and {filters} channels make no {groups} equal groups")
    return (filters, depth // groups, *kernel)


def _whole(length: Dim) -> int:
    assert isinstance(length, int), "only the first axis is the batch"
    return length


def correlation_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """x, dy, dw, nothing, then the windows."""
    x, y = operands
    return (x.offset, y.offset, result.offset, 0, *encode_windows(x.shape, result.shape, y.shape, attributes))


@kernel
def filter_correlation_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, y, w = instruction[1], instruction[2], instruction[3]
    images, channels, height, width = instruction[5], instruction[6], instruction[7], instruction[8]
    filters, rows, columns = instruction[9], instruction[10], instruction[11]
    tall, wide, stride_y, stride_x = instruction[12], instruction[13], instruction[14], instruction[15]
    top, left, apart_y, apart_x = instruction[16], instruction[17], instruction[18], instruction[19]
    depth, group = instruction[20], instruction[21]
    step = stride_x if STRIDED else 1
    for slab in range(start, stop):
        chosen, channel = slab // depth, slab // depth // group * depth + slab % depth
        for i in range(tall):
            shift_y = i * apart_y - top
            low, high = first_inside(shift_y, stride_y), end_inside(shift_y, stride_y, height, rows)
            for j in range(wide):
                shift_x = j * apart_x - left
                first, last = first_inside(shift_x, step), end_inside(shift_x, step, width, columns)
                total = real(0)
                for image in range(images):
                    source = x + (image * channels + channel) * height * width
                    against = y + (image * filters + chosen) * rows * columns
                    for r in range(low, high):
                        line, other = source + (r * stride_y + shift_y) * width + shift_x, against + r * columns
                        for c in range(first, last):
                            total += arena[line + c * step] * arena[other + c]
                arena[w + (slab * tall + i) * wide + j] = total


def correlation_derivative(x: Value, y: Value, w: Value, dw: Value) -> list[Value]:
    emit, windows_said = x.program.build.emit, settings_of(w)
    return [
        emit("transposed_convolution", y, dw, size=x.shape[2:], **windows_said),
        emit("convolution", x, dw, **windows_said),
    ]


filter_correlation = register(Primitive(
    name="filter_correlation", formula=r"w_{p,k,r,s} = \sum_{n,i,j} y_{n,p,i,j}\, x_{n,k,\,i+r,\,j+s}",
    shape=correlation_shape, body=filter_correlation_body, derivative=correlation_derivative, encode=correlation_encode,
    length=planes_of_result, variant=convolution_variant, source="Aggarwal 2023, §9.3.1: sums over shared weights",
    convention="what lies beyond the edge adds nothing",
))  # fmt: skip
