"""Layers of filters that slide over maps: convolutions in one and two directions, and the transposed one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from engine.initialisers import INITIALISERS, scaled
from engine.nodes.base import Choice, Dimensions, Flag, NodeType, Numbers, Port, Whole, node_type
from engine.nodes.data import INITIAL_SCALE, start_of
from engine.nodes.layers import ACTIVATIONS
from engine.primitives.convolution import filters_of
from engine.problems import Problem, ProblemError, ShapeMismatch, shape_mismatch
from engine.program import Builder
from engine.values import Value, shape_text

MAPS = "(batch, channels, height, width)"
PADDINGS = ("same", "valid", "full", "cells")
PADDING_HELP = (
    "same: as many cells as make the result as large as the map (divided by the stride). valid: none. "
    "full: the filter may lie with one cell alone on the map. cells: the number below, on every side."
)
Pair = tuple[int, int]
Margins = tuple[int, int, int, int]


def pair(numbers: tuple[int, ...] | None, name: str, otherwise: Pair = (1, 1)) -> Pair:
    """Rows and columns out of two numbers, or of one for both. Raises `ProblemError` for any other count."""
    if numbers is None:
        return otherwise
    if len(numbers) not in (1, 2):
        fact = f"“{name}” holds {len(numbers)} numbers"
        mend = "Give one for rows and one for columns, or one for both."
        raise ProblemError(Problem(fact, mend, path=f"properties.{name}", kind="property"))
    return numbers[0], numbers[-1]


def ends(padding: str, cells: int, length: int, reach: int, stride: int) -> Pair:
    """Cells before and behind an axis; `reach` is how far a window's last cell lies from its first."""
    if padding == "same":
        missing = max((-(-length // stride) - 1) * stride + reach + 1 - length, 0)
        return missing // 2, missing - missing // 2
    if padding == "causal":
        return reach, 0
    return (reach, reach) if padding == "full" else (cells, cells) if padding == "cells" else (0, 0)


def sides_of(x: Value, port: str = "x") -> Pair:
    """Height and width of maps. Raises `ShapeMismatch` at the port where there are none."""
    height, width = x.shape[2:] if x.rank == 4 and x.kind == "real" else (None, None)
    if not isinstance(height, int) or not isinstance(width, int) or not isinstance(x.shape[1], int):
        mend = "Choose images as data (for digits: shape “image”), or put a reshape to [channels, height, width] before it."
        raise shape_mismatch(f"maps are {MAPS}, not {shape_text(x.shape)}", mend, port=port)
    return height, width


BY_FAN_OUT = ("glorot_uniform", "glorot_normal", "fan_out_normal")


def started(name: str, scale: float = 1.0) -> Callable[..., Any]:
    """An initialiser for filters (filters, channels, rows, columns), whose fan-in is the window that one filter sees.

    Fan-out is what one cell feeds: all filters at each place of the window.
    """
    draw_table = scaled(name, scale)

    def draw_filters(shape: tuple[int, ...], draw: np.random.Generator) -> Any:
        window = int(np.prod(shape[1:]))
        units = shape[0] * int(np.prod(shape[2:])) if name in BY_FAN_OUT else shape[0]
        return draw_table((window, units), draw)[:, : shape[0]].T.reshape(shape)

    return draw_filters


class FilterLayer(NodeType):
    """What layers of filters share: their parameters and the bend behind them."""

    category = "Images"
    filters = Whole(
        8, low=1, high=65536, unit="filters", help="How many filters there are: the channels of the result."
    )
    use_bias = Flag(True, help="Whether each filter adds a bias.")
    activation = Choice("identity", ACTIVATIONS, help="What bends the sums.")
    initialiser = Choice(
        "he_normal", tuple(INITIALISERS), help="How the filters start where no numbers are given; fan-in is a window."
    )
    initial_scale = INITIAL_SCALE
    initial_weight = Numbers(None, help="Filters to start from: one nested list of numbers for each.")
    initial_bias = Numbers(None, help="Biases to start from, one per filter (or one for all).")

    def weight(self, build: Builder, wired: Value | None, shape: tuple[int, ...]) -> Value:
        """The filters that were wired in, or the layer's own. Raises `ShapeMismatch` where they do not fit."""
        if wired is None:
            numbers = None if self.initial_weight is None else _shaped(self.initial_weight, shape)
            return build.parameter(
                "weight", shape, started(self.initialiser, self.initial_scale) if numbers is None else numbers
            )
        if wired.rank != len(shape):
            raise shape_mismatch(
                f"filters of shape {shape_text(shape)} are needed, not {shape_text(wired.shape)}",
                "Wire in a parameter of that shape.", port="weight",
            )  # fmt: skip
        return wired

    def bias(self, build: Builder, wired: Value | None, filters: int) -> Value | None:
        """The biases that were wired in, the layer's own, or none."""
        if wired is None and self.use_bias:
            return build.parameter("bias", *start_of((filters,), self.initial_bias, "zeros"))
        return wired


def _shaped(numbers: Any, shape: tuple[int, ...]) -> Any:
    """Numbers typed by hand as filters: nested as deep as they are, or a plain kernel where there is one of each."""
    array = np.asarray(numbers, np.float64)
    lacking = len(shape) - array.ndim
    if lacking > 0 and all(length == 1 for length in shape[1 : lacking + 1]) and array.shape[:1] == shape[:1]:
        array = array.reshape(shape[0], *shape[1 : lacking + 1], *array.shape[1:])
    return start_of(shape, array, "zeros")[1]


WEIGHT = Port(
    "weight", "(filters, channels, rows, columns)", kind="parameter", symbol="W", optional=True,
    help="Free: the layer's own. Wired: shared.",
)  # fmt: skip
BIAS = Port(
    "bias", "(filters)", kind="parameter", symbol="b", optional=True, help="Free: the layer's own. Wired: shared."
)
STRIDE = "How many cells the window moves at a time: down and to the right, or one number for both."
DILATION = "How far the cells of a filter lie apart: 1 is side by side. Rows and columns, or one number for both."
GROUPS = "Channels and filters are parted into so many groups; a filter sees the channels of its own group alone."
SIDES = "Rows and columns of a filter, or one number for both."


@node_type
class Conv2d(FilterLayer):
    """Slides filters over maps: each cell of the result is one window weighed by one filter, all windows alike."""

    name, icon, title = "conv2d", "scan-search", "convolution"
    formula = r"h_{p,i,j} = \varphi\left(b_p + \sum_{k,r,s} w_{p,k,r,s}\, x_{k,\,i+r,\,j+s}\right)"
    source = "Aggarwal 2023, §9.2"
    inputs = (Port("x", MAPS, symbol="x"), WEIGHT, BIAS)
    outputs = (Port("h", "(batch, filters, height, width)", symbol="h"),)
    kernel = Dimensions((3, 3), high=1024, help=SIDES)
    stride = Dimensions((1, 1), high=1024, help=STRIDE)
    padding = Choice("same", PADDINGS, help=PADDING_HELP)
    cells = Whole(0, low=0, high=1024, unit="cells", help="Cells put on every side, where the padding is “cells”.")
    dilation = Dimensions((1, 1), high=1024, help=DILATION)
    groups = Whole(1, low=1, high=65536, unit="groups", help=GROUPS)

    def lower(self, build: Builder, **values: Any) -> Value:
        x = values["x"]
        size = sides_of(x)
        kernel, stride = pair(self.kernel, "kernel"), pair(self.stride, "stride")
        dilation = pair(self.dilation, "dilation")
        depth = channels_of_a_group(x, self.groups)
        w = self.weight(build, values.get("weight"), (self.filters, depth, *kernel))
        filters, _, *sides = filters_of(w)
        margins = [
            ends(self.padding, self.cells, size[axis], dilation[axis] * (sides[axis] - 1), stride[axis])
            for axis in (0, 1)
        ]
        bias = self.bias(build, values.get("bias"), filters)
        z = windowed(
            build, "convolution", *([x, w] if bias is None else [x, w, bias]), stride=stride,
            padding=(*margins[0], *margins[1]), dilation=dilation, groups=self.groups,
        )  # fmt: skip
        return build.apply(self.activation, z)


def channels_of_a_group(x: Value, groups: int) -> int:
    """Channels that a filter sees. Raises `ShapeMismatch` where the groups would be unequal."""
    channels = x.shape[1]
    assert isinstance(channels, int)
    if channels % groups:
        raise shape_mismatch(
            f"{channels} channels make no {groups} equal groups", f"Set “groups” to a divisor of {channels}.", port="x"
        )
    return channels // groups


def windowed(build: Builder, name: str, *operands: Value, **attributes: Any) -> Value:
    """A call whose complaints belong to the first port."""
    try:
        return build.emit(name, *operands, **attributes)
    except ShapeMismatch as error:
        raise error.at(port="x") from None


@node_type
class Conv1d(FilterLayer):
    """Slides filters along sequences: each number of the result is one stretch of time weighed by one filter."""

    name, icon, title = "conv1d", "waves", "convolution over time"
    formula = r"h_{p,i} = \varphi\left(b_p + \sum_{k,r} w_{p,k,r}\, x_{k,\,i+r}\right)"
    source = "Aggarwal 2023, §9.6.4"
    inputs = (
        Port("x", "(batch, channels, length)", symbol="x"),
        Port(
            "weight", "(filters, channels, length)", kind="parameter", symbol="W", optional=True,
            help="Free: the layer's own. Wired: shared.",
        ),
        BIAS,
    )  # fmt: skip
    outputs = (Port("h", "(batch, filters, length)", symbol="h"),)
    kernel = Whole(3, low=1, high=4096, unit="steps", help="How many neighbours a filter sees.")
    stride = Whole(1, low=1, high=4096, unit="steps", help="How far the window moves at a time.")
    padding = Choice(
        "same",
        (*PADDINGS, "causal"),
        help=PADDING_HELP + " causal: before the first step only, so that nothing looks ahead.",
    )
    cells = Whole(0, low=0, high=4096, unit="cells", help="Cells put at both ends, where the padding is “cells”.")
    dilation = Whole(1, low=1, high=4096, unit="steps", help="How far a filter's cells lie apart: 1 is side by side.")
    groups = Whole(1, low=1, high=65536, unit="groups", help=GROUPS)

    def lower(self, build: Builder, **values: Any) -> Value:
        x = values["x"]
        length = x.shape[2] if x.rank == 3 and x.kind == "real" else None
        if not isinstance(length, int) or not isinstance(x.shape[1], int):
            raise shape_mismatch(
                f"sequences are (batch, channels, length), not {shape_text(x.shape)}",
                "Put a reshape to [channels, length] before it.", port="x",
            )  # fmt: skip
        depth = channels_of_a_group(x, self.groups)
        w = self.weight(build, values.get("weight"), (self.filters, depth, self.kernel))
        flat = build.emit("reshape", x, shape=(*x.shape[:2], 1, length))
        line = build.emit("reshape", w, shape=(*w.shape[:2], 1, w.shape[2]))
        filters, _, _, width = filters_of(line)
        margins = ends(self.padding, self.cells, length, self.dilation * (width - 1), self.stride)
        bias = self.bias(build, values.get("bias"), filters)
        z = windowed(
            build, "convolution", *([flat, line] if bias is None else [flat, line, bias]), stride=(1, self.stride),
            padding=(0, 0, *margins), dilation=(1, self.dilation), groups=self.groups,
        )  # fmt: skip
        return build.apply(self.activation, build.emit("reshape", z, shape=(*z.shape[:2], z.shape[3])))


@node_type
class TransposedConv2d(FilterLayer):
    """Lets every cell of a map spread a copy of a filter: maps grow, as in a decoder. The way back of a convolution."""

    name, icon, title = "transposed_conv2d", "maximize", "transposed convolution"
    formula = r"h_{k,u,v} = \varphi\left(b_k + \sum_p \sum_{i+r=u,\;j+s=v} w_{p,k,r,s}\, x_{p,i,j}\right)"
    source = "Aggarwal 2023, §9.3.3 and §9.5.2"
    inputs = (
        Port("x", MAPS, symbol="x"),
        Port(
            "weight", "(channels, filters, rows, columns)", kind="parameter", symbol="W", optional=True,
            help="Free: the layer's own. Wired: shared, for instance with the convolution that it undoes.",
        ),
        BIAS,
    )  # fmt: skip
    outputs = (Port("h", "(batch, filters, height, width)", symbol="h"),)
    kernel = Dimensions((2, 2), high=1024, help=SIDES)
    stride = Dimensions(
        (2, 2),
        high=1024,
        help="How far copies of neighbouring cells lie apart: down and to the right, or one number for both.",
    )
    padding = Choice(
        "valid",
        PADDINGS,
        help="What the convolution had that this one undoes: so many cells are cut off. same: size times stride.",
    )
    cells = Whole(0, low=0, high=1024, unit="cells", help="Cells cut off on every side, where the padding is “cells”.")
    extra = Dimensions(
        None, low=0, high=1024, help="Rows and columns added below and at the right, where several sizes would fit."
    )
    dilation = Dimensions((1, 1), high=1024, help=DILATION)
    groups = Whole(1, low=1, high=65536, unit="groups", help=GROUPS)

    def lower(self, build: Builder, **values: Any) -> Value:
        x = values["x"]
        sides_of(x)
        stride, dilation = pair(self.stride, "stride"), pair(self.dilation, "dilation")
        channels = channels_of_a_group(x, self.groups) * self.groups
        if self.filters % self.groups:
            raise shape_mismatch(
                f"{self.filters} filters make no {self.groups} equal groups",
                f"Take a multiple of {self.groups}.",
                port="x",
            )
        shape = (channels, self.filters // self.groups, *pair(self.kernel, "kernel"))
        w = self.weight(build, values.get("weight"), shape)
        _, depth, *kernel = filters_of(w)
        reach = (dilation[0] * (kernel[0] - 1), dilation[1] * (kernel[1] - 1))
        size, margins = self._grown(sides_of(x), reach, stride)
        z = windowed(
            build, "transposed_convolution", x, w, size=size, stride=stride, padding=margins, dilation=dilation,
            groups=self.groups,
        )  # fmt: skip
        bias = self.bias(build, values.get("bias"), depth * self.groups)
        if bias is not None:
            z = z + build.emit("reshape", bias, shape=(depth * self.groups, 1, 1))
        return build.apply(self.activation, z)

    def _grown(self, small: Pair, reach: Pair, stride: Pair) -> tuple[Pair, Margins]:
        """Height and width of the result, and the cells cut off above, below, left and right."""
        extra, sizes, margins = pair(self.extra, "extra", (0, 0)), [], []
        for axis in (0, 1):
            whole = (small[axis] - 1) * stride[axis] + reach[axis] + 1
            if self.padding == "same":
                size = small[axis] * stride[axis]
                before, after = ends("same", 0, size, reach[axis], stride[axis])
            else:
                before, after = ends(self.padding, self.cells, whole, reach[axis], stride[axis])
                size = whole - before - after + extra[axis]
            if size < 1:
                raise shape_mismatch(
                    f"of {whole} cells {before + after} would be cut off",
                    "Cut off less, or take larger maps.",
                    port="x",
                )
            sizes.append(size)
            margins += [before, after]
        return (sizes[0], sizes[1]), (margins[0], margins[1], margins[2], margins[3])
