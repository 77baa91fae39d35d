"""Parts of pictures: a glimpse of one place, patches in a row, and pooling by chance."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from engine.nodes.base import Choice, NodeType, Port, Whole, node_type
from engine.nodes.convolution import MAPS, sides_of, windowed
from engine.nodes.geometry import BilinearSampler
from engine.nodes.pooling import Pooling, as_maps, like
from engine.nodes.random import gumbel
from engine.problems import shape_mismatch
from engine.program import Builder
from engine.values import Value, shape_text


@node_type
class Glimpse(NodeType):
    """What an eye sees of a picture: sharp where it looks, coarser and coarser around."""

    name, category, icon = "glimpse", "Geometry", "eye"
    formula = r"\rho(x, l)"
    source = "Mnih et al. 2014; Aggarwal 2023, §12.2.1"
    inputs: ClassVar[tuple[Port, ...]] = (
        Port("x", MAPS, symbol="x"),
        Port("place", "(batch, 2)", symbol="l", help="Row and column of the middle, −1 and 1 at the outer pixels."),
    )
    outputs: ClassVar[tuple[Port, ...]] = (
        Port("y", "(batch, scales · channels, size, size)", symbol="y", help="The sharpest first; outside it is 0."),
    )
    size = Whole(8, low=1, high=128, unit="pixels", help="Rows and columns of each picture of the glimpse.")
    scales = Whole(3, low=1, high=6, unit="pictures", help="Each is twice as wide as the one before, and as coarse.")
    slope = Choice(
        "blocked", ("blocked", "bilinear"), help="Whether derivatives reach the place: in the text they do not."
    )

    def lower(self, build: Builder, **values: Any) -> Value:
        x, place = values["x"], values["place"]
        height, width = sides_of(x)
        if place.kind != "real" or place.shape != (x.shape[0], 2):
            fact = f"a place has a row and a column for each example, not {shape_text(place.shape)}"
            raise shape_mismatch(fact, "Give the layer before it 2 units.", port="place")
        if self.slope == "blocked":
            place = build.emit("stop_gradient", place)
        middle = build.emit("reshape", place, shape=(x.shape[0], 1, 1, 2))
        pictures = []
        for scale in range(self.scales):
            offsets = self._offsets(self.size * 2**scale, height, width)
            table = build.source("constant", f"{build.origin.node}.offsets_{scale}", offsets.shape, offsets)
            found = BilinearSampler().lower(build, x=x, grid=middle + table)
            window = (2**scale, 2**scale)
            if scale:
                found = build.emit("window_mean", found, window=window, stride=window, padding=(0, 0, 0, 0))
            pictures.append(found)
        return pictures[0] if len(pictures) == 1 else build.emit("concat", *pictures, axis=1)

    @staticmethod
    def _offsets(pixels: int, height: int, width: int) -> np.ndarray[Any, np.dtype[np.float64]]:
        """How far each pixel of a square lies from its middle: (1, pixels, pixels, 2), in halves of the picture."""
        apart = np.arange(pixels) - (pixels - 1) / 2
        rows, columns = np.meshgrid(apart, apart, indexing="ij")
        halves = [2 / max(1, side - 1) for side in (height, width)]
        return np.stack([rows * halves[0], columns * halves[1]], axis=-1)[None]


@node_type
class Patches(NodeType):
    """Cuts a picture into squares and lays each out as a row: the words of a vision transformer."""

    name, category, icon = "patches", "Geometry", "layout-grid"
    formula = r"y_{p} = (x_{c, Pi + r, Pj + s})_{c, r, s}"
    source = "Dosovitskiy et al. 2021; Aggarwal 2023, §12.2.7"
    inputs: ClassVar[tuple[Port, ...]] = (Port("x", MAPS, symbol="x"),)
    outputs: ClassVar[tuple[Port, ...]] = (Port("y", "(batch, patches, features)", symbol="y"),)
    size = Whole(
        4, low=1, high=1024, unit="pixels", help="Rows and columns of a patch; they must divide the picture's."
    )

    def lower(self, build: Builder, **values: Any) -> Value:
        x, side = values["x"], self.size
        height, width = sides_of(x)
        if height % side or width % side:
            fact = f"patches of {side} by {side} do not fill a picture of {height} by {width}"
            raise shape_mismatch(fact, "Choose a size that divides both.", port="x")
        batch, channels = x.shape[:2]
        apart = build.emit("reshape", x, shape=(batch, channels, height // side, side, width // side, side))
        together = build.emit("permute", apart, axes=(0, 2, 4, 1, 3, 5))
        return build.emit("reshape", together, shape=(batch, height * width // side**2, channels * side * side))


@node_type
class StochasticPool(Pooling):
    """Takes a cell of each window by chance, the likelier the larger it is; in evaluation their mean, weighed alike."""

    name, icon, title = "stochastic_pool", "dices", "stochastic pooling"
    formula = r"P(y = x_{r,s}) = \frac{x_{r,s}}{\sum x}"
    source = "Zeiler & Fergus 2013"

    def lower(self, build: Builder, **values: Any) -> Value:
        x = as_maps(build, values["x"])
        positive = build.emit("relu", x)  # a cell below 0 has no chance
        if build.training:
            chance = build.emit("log", build.emit("stop_gradient", positive))
            index = windowed(build, "window_choice", chance + gumbel(build, x.shape), **self.windows(x))
            return like(build, build.emit("window_take", positive, index), values["x"])
        squares, sums = (
            windowed(build, "window_mean", cells, **self.windows(x)) for cells in (positive * positive, positive)
        )
        return like(build, squares / build.emit("where", sums, sums, 1.0), values["x"])
