"""Activations that look at several numbers at once: groups, competitions, softmax by temperature and over maps."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.nodes.activations import OverClasses
from engine.nodes.base import Choice, NodeType, Port, Real, Whole, node_type
from engine.nodes.layers import features_of
from engine.nodes.rows import along, example_of
from engine.problems import ShapeMismatch, shape_mismatch
from engine.program import Builder
from engine.values import Shape, Value, count, shape_text

X = Port("x", "(batch, units)", symbol="x")
H = Port("h", "(batch, units)", symbol="h")


@node_type
class Maxout(NodeType):
    """The largest of each group of neighbouring sums: a bend that learns its own shape."""

    name, category, icon = "maxout", "Activations", "maximize-2"
    formula = r"h_i = \max_{1 \leq j \leq k} x_{k(i-1)+j}"
    source = "Aggarwal 2023, §4.4.2.2"
    inputs = (Port("x", "(batch, units · pieces)", symbol="x", help="A dense layer of units · pieces sums."),)
    outputs = (H,)
    pieces = Whole(2, low=1, high=64, unit="sums", help="How many neighbouring sums compete for each unit.")

    def lower(self, build: Builder, **values: Any) -> Value:
        x = values["x"]
        width = features_of(x)
        if width % self.pieces:
            raise shape_mismatch(
                f"{width} sums make no groups of {self.pieces}",
                f"Give it a multiple of {self.pieces}, or set “pieces” to a divisor of {width}.", port="x",
            )  # fmt: skip
        groups = build.emit("reshape", x, shape=(*x.shape[:-1], width // self.pieces, self.pieces))
        return build.emit("max", groups, axes=(x.rank,))


@node_type
class TopRGate(NodeType):
    """Keeps the largest units of each example and sets the others to 0; of equal ones the first are kept."""

    name, category, icon, title = "top_r_gate", "Activations", "list", "top-r gate"
    formula = r"h_i = x_i\,[\,x_i \text{ is among the } r \text{ largest}\,]"
    source = "Aggarwal 2023, §5.10.1.1: r-sparse autoencoder"
    inputs, outputs = (X,), (H,)
    r = Whole(1, low=1, high=65536, unit="units", help="How many units of each example are kept.")

    def lower(self, build: Builder, **values: Any) -> Value:
        x: Value = values["x"]
        width = features_of(x)
        if self.r > width:
            raise shape_mismatch(f"{self.r} of {width} units cannot be kept", f"Set “r” to 1 to {width}.", port="x")
        # A winner more or less is a jump: what is kept counts as a constant.
        return x * build.emit("stop_gradient", build.emit("winners", x, build.constant(float(self.r))))


@node_type
class WinnerTakeAll(NodeType):
    """Lets each unit answer only to the examples of the batch that excite it most, and sets it to 0 for the others."""

    name, category, icon, title = "winner_take_all", "Activations", "gauge", "winner-take-all gate"
    formula = r"h_{n,i} = x_{n,i}\,[\,n \text{ is among the } \lceil f B \rceil \text{ winners of unit } i\,]"
    source = "Aggarwal 2023, §5.10.1.1: winner-take-all autoencoder"
    inputs, outputs = (X,), (H,)
    share = Real(
        0.2, low=0.0, high=1.0, symbol="f",
        help="The share of the batch that each unit keeps: the next whole number above, and at least one example.",
    )  # fmt: skip
    competes = Choice(
        "always", ("always", "training"),
        help="Always, or in training alone: then no answer hangs on the other rows that are asked for with it.",
    )  # fmt: skip

    def lower(self, build: Builder, **values: Any) -> Value:
        x: Value = values["x"]
        lead, example = example_of(x)
        if not lead or not example:
            raise shape_mismatch(
                f"units compete over the batch, and {shape_text(x.shape)} has no batch of units",
                "Wire it behind a layer.", port="x",
            )  # fmt: skip
        share = build.setting("share", self.share)
        if self.competes == "training" and not build.training:
            return build.emit("reshape", x, shape=x.shape)
        table = x if x.rank == 2 else build.emit("reshape", x, shape=(*lead, count(example)))
        mask = along(build, table, 0, lambda rows: build.emit("winners", rows, share, share=True))
        return x * build.emit("stop_gradient", mask if x.rank == 2 else build.emit("reshape", mask, shape=x.shape))


@node_type
class SoftmaxWithTemperature(OverClasses):
    """Turns scores into probabilities; a high temperature makes them alike, a low one lets the largest win."""

    name, icon, title = "softmax_with_temperature", "flame", "softmax with temperature"
    formula = r"h_i = \frac{e^{x_i / T}}{\sum_j e^{x_j / T}}"
    source = "Aggarwal 2023, §12.2.6.3; the inverse: eq. 12.14, content addressing"
    inputs = (
        Port("x", "(batch, classes)", symbol="x"),
        Port(
            "temperature",
            "() or (batch, 1)",
            symbol="T",
            default=1.0,
            help="Free: the number you set. Wired: from there.",
        ),
    )
    form = Choice(
        "temperature", ("temperature", "inverse"),
        help="Scores divided by a temperature T, or multiplied by an inverse temperature β.",
    )  # fmt: skip

    def lower(self, build: Builder, **values: Any) -> Value:
        x, temperature = values["x"], values["temperature"]
        self.check_classes(x)
        name = "multiply" if self.form == "inverse" else "divide"
        try:
            return build.emit("softmax", build.emit(name, x, temperature))
        except ShapeMismatch as error:
            raise error.at(port="temperature") from None


@node_type
class SpatialSoftmax(NodeType):
    """Where a map is brightest: a softmax over all its places, and the place to be expected by it."""

    name, category, icon, title = "spatial_softmax", "Activations", "crosshair", "spatial softmax"
    formula = r"p_{ij} = \frac{e^{x_{ij}}}{\sum e^x},\quad \left(\sum_{ij} p_{ij}\,i,\; \sum_{ij} p_{ij}\,j\right)"
    source = "Aggarwal 2023, §11.8.2.2"
    inputs = (Port("x", "(batch, channels, height, width)", symbol="x"),)
    outputs = (
        Port("position", "(batch, channels, 2)", symbol="s", help="Row and column to be expected, for each map."),
        Port("h", "(batch, channels, height, width)", symbol="p", help="The probability of each place."),
    )
    coordinates = Choice(
        "index", ("index", "centred"), help="Rows and columns counted from 0, or from −1 to 1 across the map."
    )

    def lower(self, build: Builder, **values: Any) -> dict[str, Value]:
        x = values["x"]
        height, width = self._map_of(x)
        lead: Shape = x.shape[:-2]
        flat = build.emit("softmax", build.emit("reshape", x, shape=(*lead, height * width)))
        position = build.emit("matmul", flat, self._places(build, height, width))
        return {"position": position, "h": build.emit("reshape", flat, shape=x.shape)}

    def _map_of(self, x: Value) -> tuple[int, int]:
        height, width = x.shape[-2:] if x.rank >= 2 else (None, None)
        if not isinstance(height, int) or not isinstance(width, int):
            raise shape_mismatch(
                f"a map has rows and columns, and {shape_text(x.shape)} has not", "Put a reshape before it.", port="x"
            )
        return height, width

    def _places(self, build: Builder, height: int, width: int) -> Value:
        rows, columns = [
            np.arange(n, dtype=np.float64) if self.coordinates == "index" else np.linspace(-1, 1, n) if n > 1 else [0.0]
            for n in (height, width)
        ]
        table = np.stack([grid.reshape(-1) for grid in np.meshgrid(rows, columns, indexing="ij")], axis=1)
        return build.source("constant", f"{build.origin.node}.places", table.shape, table)
