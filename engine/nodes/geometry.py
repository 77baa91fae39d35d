"""Images read at places that a network chooses: a grid under an affine map, and a sampler that can be learned through."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from engine.initialisers import Array
from engine.nodes.base import NodeType, Port, Whole, node_type
from engine.problems import shape_mismatch
from engine.program import Builder
from engine.values import Value, shape_text

SOURCE = "Aggarwal 2023, §12.2.2.1; Jaderberg et al. 2015"
IDENTITY = "To begin with the identity give the layer before it the biases 1, 0, 0, 1, 0, 0 and weights of 0."


@node_type
class AffineGrid(NodeType):
    """For each pixel of an answer the place in the image it is read from: a map of six numbers, from −1 to 1 each way."""

    name, category, icon, title = "affine_grid", "Geometry", "grid-3x3", "affine grid"
    formula = r"[u, v] = [i, j, 1]\,A"
    source = SOURCE
    inputs: ClassVar[tuple[Port, ...]] = (
        Port("a", "(batch, 6)", symbol="A", help="Rows of A, the shift last. " + IDENTITY),
    )
    outputs: ClassVar[tuple[Port, ...]] = (
        Port("grid", "(batch, height, width, 2)", symbol="g", help="Row and column, −1 and 1 at the outer pixels."),
    )
    height = Whole(8, low=1, high=256, unit="pixels", help="Rows of the answer.")
    width = Whole(8, low=1, high=256, unit="pixels", help="Columns of the answer.")

    def lower(self, build: Builder, **values: Any) -> Value:
        a = values["a"]
        if a.rank < 2 or a.shape[1:] not in ((6,), (3, 2)):
            raise shape_mismatch(
                f"an affine map has six numbers for each example, not {shape_text(a.shape)}",
                "Give the layer before it 6 units.",
                port="a",
            )
        batch = a.shape[0]
        table = self._places()
        places = build.source("constant", f"{build.origin.node}.places", table.shape, table)
        spread = build.emit("broadcast", places, shape=(batch, *table.shape))
        grid = build.emit("batch_matmul", spread, build.emit("reshape", a, shape=(batch, 3, 2)))
        return build.emit("reshape", grid, shape=(batch, self.height, self.width, 2))

    def _places(self) -> Array:
        """A row (i, j, 1) for every pixel, row by row."""
        rows, columns = [np.linspace(-1, 1, count) if count > 1 else np.zeros(1) for count in (self.height, self.width)]
        i, j = np.meshgrid(rows, columns, indexing="ij")
        return np.stack([i.ravel(), j.ravel(), np.ones(i.size)], axis=1)


@node_type
class BilinearSampler(NodeType):
    """Reads an image between its pixels: of the four around a place, each counts as it is near. Outside it is 0."""

    name, category, icon, title = "bilinear_sampler", "Geometry", "crosshair", "bilinear sampler"
    formula = r"y_p = \sum_{m,n} \max(0, 1 - |u_p - m|)\,\max(0, 1 - |v_p - n|)\,x_{mn}"
    source = SOURCE
    inputs: ClassVar[tuple[Port, ...]] = (
        Port("x", "(batch, channels, height, width)", symbol="x"),
        Port("grid", "(batch, height, width, 2)", symbol="g", help="Rows and columns, −1 and 1 at the outer pixels."),
    )
    outputs: ClassVar[tuple[Port, ...]] = (Port("y", "(batch, channels, height, width)", symbol="y"),)

    def lower(self, build: Builder, **values: Any) -> Value:
        x, grid = values["x"], values["grid"]
        if x.rank != 4:
            raise shape_mismatch(
                f"an image has the shape (batch, channels, height, width), not {shape_text(x.shape)}",
                "Put a reshape before it.",
                port="x",
            )
        if grid.rank != 4 or grid.shape[-1] != 2:
            raise shape_mismatch(
                f"places have two coordinates: (batch, height, width, 2), not {shape_text(grid.shape)}",
                "Wire it to an affine grid.",
                port="grid",
            )
        batch, channels, height, width = x.shape
        rows, columns = grid.shape[1:3]
        places = rows * columns
        near_rows = self._near(build, grid, 0, height, places)
        near_columns = self._near(build, grid, 1, width, places)
        # Σ over m first, as a product of matrices for each image; then what is near in the columns, and Σ over n.
        images = build.emit(
            "reshape", build.emit("permute", x, axes=(0, 2, 1, 3)), shape=(batch, height, channels * width)
        )
        lines = build.emit(
            "reshape", build.emit("batch_matmul", near_rows, images), shape=(batch, places, channels, width)
        )
        near = build.emit("reshape", near_columns, shape=(batch, places, 1, width))
        found = build.emit("sum", lines * near, axes=(3,))
        return build.emit(
            "reshape", build.emit("permute", found, axes=(0, 2, 1)), shape=(batch, channels, rows, columns)
        )

    def _near(self, build: Builder, grid: Value, axis: int, length: int, places: int) -> Value:
        """max(0, 1 − |place − m|) for each place and each row (or column) m: (batch, places, length)."""
        coordinate = build.emit("slice", grid, axis=3, start=axis, stop=axis + 1)
        at = build.emit("reshape", coordinate, shape=(grid.shape[0], places, 1))
        index = (at + 1.0) * ((length - 1) / 2)
        name = f"{build.origin.node}.{'rows' if axis == 0 else 'columns'}"
        pixels = build.source("constant", name, (1, length), np.arange(float(length))[None])
        return build.emit("relu", 1 - build.emit("absolute", index - pixels))
