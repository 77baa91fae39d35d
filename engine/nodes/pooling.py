"""Maps made smaller and larger: pooling, the way back to the winners, and upsampling."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from engine.nodes.base import Choice, Dimensions, Flag, NodeType, Port, Whole, node_type
from engine.nodes.convolution import MAPS, PADDING_HELP, PADDINGS, Margins, Pair, ends, pair, sides_of, windowed
from engine.problems import shape_mismatch
from engine.program import Builder
from engine.values import Value, shape_text

X = Port("x", MAPS, symbol="x", help="Maps, or sequences (batch, channels, length).")
Y = Port("y", MAPS, symbol="y")
INDEX = Port(
    "index", MAPS, kind="index", symbol="m", help="Where each winner stood, counted along the rows of its map."
)


def as_maps(build: Builder, x: Value) -> Value:
    """Maps as they are; a sequence (batch, channels, length) as maps of one row."""
    if x.rank == 3 and x.kind == "real":
        return build.emit("reshape", x, shape=(*x.shape[:2], 1, x.shape[2]))
    sides_of(x)
    return x


class Pooling(NodeType):
    """What windows over maps share."""

    category = "Images"
    inputs: ClassVar[tuple[Port, ...]] = (X,)
    outputs: ClassVar[tuple[Port, ...]] = (Y,)
    window = Dimensions((2, 2), high=1024, help="Rows and columns of a window, or one number for both.")
    stride = Dimensions(
        None, high=1024, help="How far the window moves at a time; by its own length where it is not said."
    )
    padding = Choice("valid", PADDINGS[:2] + PADDINGS[3:], help=PADDING_HELP)
    cells = Whole(0, low=0, high=1024, unit="cells", help="Cells put on every side, where the padding is “cells”.")
    rounding = Choice(
        "down",
        ("down", "up"),
        help="What happens to cells that fill no window: they are left out, or make a smaller one.",
    )

    def windows(self, x: Value) -> dict[str, Any]:
        """Window, stride and padding of the call."""
        window = pair(self.window, "window")
        if x.shape[2] == 1:  # sequences
            window = (1, window[1])
        stride = pair(self.stride, "stride", window)
        return {"window": window, "stride": stride, "padding": self._margins(sides_of(x), window, stride)}

    def _margins(self, size: Pair, window: Pair, stride: Pair) -> Margins:
        margins: list[int] = []
        for length, wide, step in zip(size, window, stride, strict=True):
            before, after = ends(self.padding, self.cells if wide > 1 else 0, length, wide - 1, step)
            if self.rounding == "up":
                left_over = -(length + before + after - wide) % step
                begins = length + before + after + left_over - wide
                after += left_over if begins < length + before else 0
            margins += [before, after]
        return margins[0], margins[1], margins[2], margins[3]


@node_type
class MaxPool(Pooling):
    """The largest cell of each window, map by map: what was found, wherever in the window it stood."""

    name, icon, title = "max_pool", "shrink", "max pooling"
    formula = r"y_{i,j} = \max_{r,s} x_{Si+r,\,Sj+s}"
    source = "Aggarwal 2023, §9.2.4 and §9.3"
    outputs = (Y, INDEX)
    ties = Choice("first", ("first", "shared"), help="Who gets the derivative where the largest cells are equal.")

    def lower(self, build: Builder, **values: Any) -> dict[str, Value]:
        x = as_maps(build, values["x"])
        index = windowed(build, "window_choice", x, **self.windows(x))
        if self.ties == "shared":
            y = build.emit("max", cells_of_windows(build, x, **self.windows(x)), axes=(2,), ties="shared")
        else:
            y = build.emit("window_take", x, index)
        return {"y": like(build, y, values["x"]), "index": index}


LOWEST = -3e38  # below every number of a map, and finite: what stands where a window reaches beyond the edge


def cells_of_windows(build: Builder, x: Value, window: Pair, stride: Pair, padding: Margins) -> Value:
    """The cells of each window side by side, (batch, channels, cells, rows, columns), moved there by filters of one 1."""
    channels, cells = x.shape[1], window[0] * window[1]
    assert isinstance(channels, int)
    filters = np.tile(np.eye(cells).reshape(cells, 1, *window), (channels, 1, 1, 1))
    node, moved = build.origin.node, {"stride": stride, "padding": padding, "dilation": (1, 1)}
    ones = build.source("constant", f"{node}.cells", filters.shape, filters)
    found = build.emit("convolution", x, ones, groups=channels, **moved)
    apart = build.emit("reshape", found, shape=(x.shape[0], channels, cells, *found.shape[2:]))
    if not any(padding):
        return apart
    one = build.source("constant", f"{node}.cell", filters[:cells].shape, filters[:cells])
    map_of_ones = build.emit("broadcast", build.constant(1.0), shape=(1, 1, *x.shape[2:]))
    inside = build.emit("convolution", map_of_ones, one, groups=1, **moved)
    inside = build.emit("broadcast", build.emit("reshape", inside, shape=inside.shape[1:]), shape=apart.shape)
    return build.emit("where", inside, apart, LOWEST)


def like(build: Builder, y: Value, x: Value) -> Value:
    """Maps of one row as sequences again, where sequences came in."""
    return build.emit("reshape", y, shape=(*y.shape[:2], y.shape[3])) if x.rank == 3 else y


@node_type
class AveragePool(Pooling):
    """The mean of each window, map by map."""

    name, icon, title = "average_pool", "grid-2x2", "average pooling"
    formula = r"y_{i,j} = \frac{1}{P^2} \sum_{r,s} x_{Si+r,\,Sj+s}"
    source = "Aggarwal 2023, §9.2.4"
    count_padding = Flag(True, help="Whether cells beyond the edge count as zeros; otherwise they do not count at all.")

    def lower(self, build: Builder, **values: Any) -> Value:
        x = as_maps(build, values["x"])
        inside = {} if self.count_padding else {"inside": True}
        return like(build, windowed(build, "window_mean", x, **self.windows(x), **inside), values["x"])


@node_type
class GlobalPool(NodeType):
    """One number for each map: its mean, its largest cell, or its sum."""

    name, category, icon, title = "global_pool", "Images", "square-dot", "global pooling"
    formula = r"y_k = \frac{1}{HW} \sum_{i,j} x_{k,i,j}"
    source = "Aggarwal 2023, §9.2.5 and §9.4.6; max over time: §9.6.4"
    inputs = (X,)
    outputs = (Port("y", "(batch, channels)", symbol="y"),)
    of = Choice("mean", ("mean", "max", "sum"), help="What is made of all cells of a map.")

    def lower(self, build: Builder, **values: Any) -> Value:
        x = as_maps(build, values["x"])
        height, width = sides_of(x)
        return build.emit(self.of, build.emit("reshape", x, shape=(*x.shape[:2], height * width)), axes=(2,))


@node_type
class MaxUnpool(NodeType):
    """Puts numbers back where the winners of a max pooling stood, and zeros everywhere else."""

    name, category, icon, title = "max_unpool", "Images", "move-diagonal", "max unpooling"
    formula = r"y_{u} = \sum_{m_{i,j} = u} x_{i,j}"
    source = "Aggarwal 2023, §9.5.2"
    inputs = (
        Port("x", MAPS, symbol="x", help="Maps as small as the pooled ones."),
        Port("index", MAPS, kind="index", symbol="m", help="The index of the pooling that is undone."),
    )
    outputs = (Y,)
    size = Dimensions(
        None, high=4096, help="Height and width of the result; those before the pooling where it is not said."
    )

    def lower(self, build: Builder, **values: Any) -> Value:
        x, index = values["x"], values["index"]
        small = as_maps(build, x)
        size: Any = pair(self.size, "size") if self.size else None
        if size is None:
            if index.call is None or index.call.primitive.name != "window_choice":
                raise shape_mismatch(
                    f"places of shape {shape_text(index.shape)} do not tell how large the maps were",
                    "Set “size”.",
                    port="index",
                )
            size = index.call.operands[0].shape[2:]
        return like(build, windowed(build, "window_put", small, index, size=size), x)


@node_type
class Upsample(NodeType):
    """Makes maps larger: every cell repeated, neighbours blended, or zeros put between."""

    name, category, icon, title = "upsample", "Images", "zoom-in", "upsampling"
    formula = r"y_{i,j} = x_{\lfloor i/f \rfloor,\,\lfloor j/f \rfloor}"
    source = "Aggarwal 2023, §9.5.2: stretched with zeros, or interpolated"
    inputs = (Port("x", MAPS, symbol="x"),)
    outputs = (Y,)
    factor = Dimensions((2, 2), high=64, help="How many times higher and wider, or one number for both.")
    mode = Choice(
        "nearest", ("nearest", "bilinear", "zeros"),
        help="nearest: every cell repeated. bilinear: the four nearest blended. zeros: cells in the upper left, zeros between.",
    )  # fmt: skip
    align = Choice(
        "centres", ("centres", "corners"),
        help="Of a bilinear blend: what lies on each other, the edges of both maps or the middles of their corner cells.",
    )  # fmt: skip

    def lower(self, build: Builder, **values: Any) -> Value:
        x, factor = values["x"], pair(self.factor, "factor")
        height, width = sides_of(x)
        if self.mode == "bilinear":
            return self._blended(build, x, factor)
        apart = build.emit("reshape", x, shape=(*x.shape[:2], height, 1, width, 1))
        spread_out = (*x.shape[:2], height, factor[0], width, factor[1])
        if self.mode == "nearest":
            apart = build.emit("broadcast", apart, shape=spread_out)
        else:
            for axis in (5, 3):
                apart = _zeros_behind(build, apart, axis, spread_out[axis] - 1)
        return build.emit("reshape", apart, shape=(*x.shape[:2], height * factor[0], width * factor[1]))

    def _blended(self, build: Builder, x: Value, factor: Pair) -> Value:
        """Rows and columns one after the other, each by a table of shares."""
        for axis, times in ((3, factor[1]), (2, factor[0])):
            width = x.shape[3]
            assert isinstance(width, int)
            table = blend(width, times, self.align)
            shares = build.source("constant", f"{build.origin.node}.shares_{axis}", table.shape, table)
            x = build.emit("permute", build.emit("matmul", x, shares), axes=(0, 1, 3, 2))
        return x


def _zeros_behind(build: Builder, x: Value, axis: int, count: int) -> Value:
    if count == 0:
        return x
    zeros = build.emit("broadcast", build.constant(0.0), shape=(*x.shape[:axis], count, *x.shape[axis + 1 :]))
    return build.emit("concat", x, zeros, axis=axis)


def blend(length: int, times: int, align: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Shares (length, length · times) of the old cells in the new ones, along an axis."""
    place = np.arange(length * times)
    if align == "corners":
        where = place * (length - 1) / max(1, length * times - 1)
    else:
        where = np.clip((place + 0.5) / times - 0.5, 0, length - 1)
    low = np.minimum(where.astype(int), max(0, length - 2))
    table = np.zeros((length, length * times))
    table[low, place] += 1 - (where - low)
    table[np.minimum(low + 1, length - 1), place] += where - low
    return table
