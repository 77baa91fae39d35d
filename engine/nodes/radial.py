"""Radial basis: units that answer to how near an example is, and the choice of their prototypes by least squares."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.nodes.base import Choice, Flag, NodeType, Numbers, Port, Real, Whole, node_type
from engine.nodes.data import start_of
from engine.nodes.layers import features_of
from engine.nodes.prototypes import STARTS, prototypes_of, rows_of_features
from engine.problems import shape_mismatch
from engine.program import Builder
from engine.values import Value, shape_text

X = Port("x", "(batch, features)", symbol="x")
OWN = Port(
    "prototypes", "(units, features)", kind="parameter", symbol=r"\mu", optional=True,
    help="Free: the layer's own. Wired: from there, as from k-means.",
)  # fmt: skip
MOST_COMPARED = 2048  # prototypes or columns that are compared pair by pair
WIDTHS = ("learned", "learned together", "farthest", "average", "neighbour")


@node_type
class PrototypeDistances(NodeType):
    """How far each example lies from each of a set of prototypes."""

    name, category, icon, title = "prototype_distances", "Layers", "move-diagonal", "prototype distances"
    formula = r"d_u = \lVert x - \mu_u \rVert"
    source = "Aggarwal 2023, §6.1; squared: §9.2.6, LeNet-5's output"
    inputs = (X, OWN)
    outputs = (Port("d", "(batch, units)", symbol="d"),)
    units = Whole(4, low=1, high=65536, unit="prototypes", help="How many prototypes there are.")
    form = Choice("Euclidean", ("Euclidean", "squared"), help="The length of the difference, or its square.")
    start = Choice("examples", STARTS, help="Where prototypes start: at training rows, or drawn.")
    initial_prototypes = Numbers(None, help="Prototypes to start from, units × features.")

    def lower(self, build: Builder, **values: Any) -> Value:
        square = _squared(self, build, values["x"], values.get("prototypes"))[0]
        if self.form == "squared":
            return square
        # The length of a vector has the slope 0 where it vanishes; a root would have an infinite one.
        safe = build.emit("where", square, square, 1.0)
        return build.emit("where", square, build.emit("sqrt", safe), 0.0)


@node_type
class GaussianUnits(NodeType):
    """Units that are 1 at their prototype and fade with the distance from it: a radial basis layer."""

    name, category, icon, title = "gaussian_units", "Layers", "sun", "radial basis"
    formula = r"h_u = e^{-\lVert x - \mu_u \rVert^2 / 2\sigma_u^2}"
    source = "Aggarwal 2023, §6.1, eq. 6.1; widths: §6.2.1; derivatives: eqs 6.7 and 6.8"
    inputs = (X, OWN)
    outputs = (
        Port("h", "(batch, units)", symbol="h"),
        Port("sigma", "(units)", symbol=r"\sigma", help="The width of each unit."),
    )
    units = Whole(4, low=1, high=65536, unit="prototypes", help="How many prototypes there are.")
    shape = Choice("Gaussian", ("Gaussian", "ball"), help="Fading with the distance, or 1 within σ and 0 beyond.")
    width = Choice(
        "learned", WIDTHS,
        help="Learned for each unit or for all together; or, of the prototypes' distances, the largest / √units, twice "
        "the mean, or each one's r-th smallest: these are measured, and no derivative passes through them.",
    )  # fmt: skip
    initial_width = Numbers(1.0, help="Widths to start from, where they are learned: one number, or one per unit.")
    neighbour = Whole(1, low=1, high=1000, help="Which neighbour says how wide a unit is.")
    learn_prototypes = Flag(
        True, help="Whether prototypes move with the gradient; else the layer is set before training."
    )
    start = Choice("examples", STARTS, help="Where prototypes start: at training rows, or drawn.")
    initial_prototypes = Numbers(None, help="Prototypes to start from, units × features.")

    def lower(self, build: Builder, **values: Any) -> dict[str, Value]:
        square, prototypes = _squared(self, build, values["x"], values.get("prototypes"))
        width = self._width(build, prototypes)
        if self.shape == "ball":
            h = build.emit("greater", width * width, square)
        else:
            h = build.emit("exp", -square / (2.0 * width * width))
        return {"h": h, "sigma": width}

    def _width(self, build: Builder, prototypes: Value) -> Value:
        units = prototypes.shape[0]
        if not isinstance(units, int):
            raise shape_mismatch(
                f"prototypes are rows of a fixed number, not {shape_text(prototypes.shape)}",
                "Connect a parameter node of (units, features).",
                port="prototypes",
            )
        if self.width.startswith("learned"):
            shape = (units,) if self.width == "learned" else (1,)
            width = build.parameter("width", *start_of(shape, self.initial_width, "ones"))
            return width if width.shape == (units,) else build.emit("broadcast", width, shape=(units,))
        wanted = self.neighbour + 1 if self.width == "neighbour" else 2
        if units < wanted:
            fact = f"{units} prototypes have no {wanted - 1 if units > 1 else 'first'}. neighbours to be measured by"
            raise shape_mismatch(fact, f"Set “units” to {wanted} or more, or let the width be learned.")
        if units > MOST_COMPARED:
            fact = f"{units} prototypes have {units**2:.3g} distances from each other"
            raise shape_mismatch(fact, f"Take {MOST_COMPARED} prototypes or fewer, or let the width be learned.")
        apart = build.emit("sqrt", build.emit("square_distance", prototypes, prototypes))
        width = build.emit("stop_gradient", self._heuristic(build, apart, units))
        return width if width.shape == (units,) else build.emit("broadcast", width, shape=(units,))

    def _heuristic(self, build: Builder, apart: Value, units: int) -> Value:
        if self.width == "farthest":
            farthest: Value = build.emit("max", apart, axes=(0, 1)) / float(np.sqrt(units))
            return farthest
        if self.width == "average":
            average: Value = build.emit("sum", apart, axes=(0, 1)) * (2.0 / (units * (units - 1)))
            return average
        places = build.emit("order", apart, largest=False, keep=self.neighbour + 1)  # the first is the unit itself
        near = build.emit("take_along", apart, places)
        return build.emit("max", near, axes=(1,))


def _squared(node: Any, build: Builder, x: Value, prototypes: Value | None) -> tuple[Value, Value]:
    """Squared distances to the prototypes, own or wired, and the prototypes."""
    width = rows_of_features(x)
    if prototypes is None:
        prototypes = prototypes_of(build, node.units, width, node.initial_prototypes, node.start)
    if prototypes.rank != 2 or prototypes.shape[1] != width:
        raise shape_mismatch(
            f"{width} features meet prototypes of shape {shape_text(prototypes.shape)}",
            f"Give each prototype {width} features.", port="prototypes",
        )  # fmt: skip
    if not getattr(node, "learn_prototypes", True):
        prototypes = build.emit("stop_gradient", prototypes)
    return build.emit("square_distance", x, prototypes), prototypes


@node_type
class OrthogonalLeastSquares(NodeType):
    """Chooses, one an iteration, the column that explains most of what is left of the target, and fits all chosen ones."""

    name, category, icon, title = (
        "orthogonal_least_squares",
        "Learning rules",
        "chart-no-axes-column",
        "orthogonal least squares",
    )
    formula = r"\mathrm{err}_u = \frac{(q_u \cdot t)^2}{\lVert q_u \rVert^2 \lVert t \rVert^2}"
    source = "Aggarwal 2023, §6.2.3; Chen, Cowan & Grant 1991"
    inputs = (
        Port("h", "(batch, units)", symbol="h", help="The candidates, one column each; all rows in every iteration."),
        Port("target", "(batch, 1)", kind="target", symbol="t"),
    )
    outputs = (
        Port("prediction", "(batch, 1)", symbol=r"\hat y", help="The chosen columns by their least-squares weights."),
        Port("ratio", "(1, units)", symbol=r"\mathrm{err}", help="What each candidate would explain; 0 once chosen."),
        Port("weight", "(units, 1)", symbol="w", help="The weights of the chosen columns, 0 for the others."),
        Port("order", "(1, units)", symbol="k", help="When a column was chosen, counted from 1; 0: not chosen."),
        Port("error", "()", symbol="E", help="Sum of squares that is left."),
    )
    most = Whole(4, low=1, high=4096, unit="columns", help="How many columns are chosen in the end.")
    tolerance = Real(
        1e-12, low=0.0, high=1.0, help="A candidate that explains no larger share than this is not chosen."
    )

    def lower(self, build: Builder, **values: Any) -> dict[str, Value]:
        h, target = values["h"], values["target"]
        units = features_of(h)
        if h.rank != 2 or target.kind != "real" or target.shape != (h.shape[0], 1):
            fact = f"columns of shape {shape_text(h.shape)} meet targets of shape {shape_text(target.shape)}"
            raise shape_mismatch(fact, "Give one number for each row.", port="target")
        if units > MOST_COMPARED:
            raise shape_mismatch(f"{units} columns are too many to choose from", f"Give it {MOST_COMPARED} or fewer.")
        emit, node = build.emit, build.origin.node
        eye = build.source("constant", f"{node}.eye", (units + 1, units + 1), np.eye(units + 1))
        begun, rank = build.state("begun", ()), build.state("rank", (1, units))
        joined = emit("concat", h, target, axis=1)
        squares = emit("matmul", joined, joined, transpose_a=True)
        table = build.state("table", (units + 1, units + 1))
        now = emit("where", begun, table, squares)
        whole = self._entry(build, squares, units)
        ratio = self._ratio(build, now, rank, eye, whole, units)
        best = emit("reshape", emit("max", ratio, axes=(1,)), shape=())
        goes = emit("greater", best, build.setting("tolerance", self.tolerance))
        goes = goes * emit("greater", float(self.most), emit("sum", emit("greater", rank, 0.0), axes=(0, 1)))
        pick = emit("one_hot", emit("argmax", ratio), classes=units)
        after = emit("where", goes, self._swept(build, now, pick, units), now)
        count = emit("max", rank, axes=(0, 1)) + 1.0
        chosen = emit("where", goes, rank + pick * count, rank)

        def learn() -> None:
            emit("set_to", table, after)
            emit("set_to", rank, chosen)
            emit("set_to", begun, build.constant(1.0))

        build.learn(learn)
        column = emit("slice", emit("slice", after, axis=0, start=0, stop=units), axis=1, start=units, stop=units + 1)
        taken = emit("reshape", emit("greater", chosen, 0.0), shape=(units, 1))
        weight = column * taken
        return {
            "prediction": h @ weight, "ratio": ratio, "weight": weight, "order": chosen,
            "error": self._entry(build, after, units),
        }  # fmt: skip

    @staticmethod
    def _entry(build: Builder, table: Value, units: int) -> Value:
        row = build.emit("slice", table, axis=0, start=units, stop=units + 1)
        return build.emit("reshape", build.emit("slice", row, axis=1, start=units, stop=units + 1), shape=())

    @staticmethod
    def _ratio(build: Builder, table: Value, rank: Value, eye: Value, whole: Value, units: int) -> Value:
        """Of each candidate the share of the target's square that its part at right angles to the chosen ones explains."""
        emit = build.emit
        lengths = emit("slice", emit("sum", table * eye, axes=(0,), keep=True), axis=1, start=0, stop=units)
        column = emit("slice", emit("slice", table, axis=0, start=0, stop=units), axis=1, start=units, stop=units + 1)
        along = emit("reshape", column, shape=(1, units))
        free = emit("greater", 1.0, rank) * emit("greater", lengths, 1e-12)
        share = along * along / (emit("where", free, lengths, 1.0) * whole)
        return emit("where", free, share, 0.0)

    @staticmethod
    def _swept(build: Builder, table: Value, pick: Value, units: int) -> Value:
        """One step of Gauss and Jordan: the picked column becomes that of the unit matrix."""
        emit = build.emit
        mark = emit("place", pick, axis=1, start=0, length=units + 1)
        row, column = mark @ table, emit("matmul", table, mark, transpose_b=True)
        pivot = emit("sum", row * mark, axes=(0, 1))
        safe = emit("where", emit("absolute", pivot), pivot, 1.0)
        standing = emit("reshape", mark, shape=(units + 1, 1))
        return table - (column - standing) @ (row / safe)
