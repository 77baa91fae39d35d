"""Prototypes that compete for the examples: competitive learning, vector quantisation, Kohonen maps and k-means."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from engine.initialisers import INITIALISERS, Initialiser
from engine.nodes.base import Choice, NodeType, Numbers, Port, Real, Whole, node_type
from engine.nodes.data import start_of
from engine.nodes.layers import features_of
from engine.problems import shape_mismatch
from engine.program import Builder
from engine.values import Value, shape_text

X = Port("x", "(batch, features)", symbol="x")
CLOSENESS = Port(
    "closeness", "(batch, units)", symbol="a", help="How excited each prototype is: minus the distance to the example."
)
NEAREST = Port("nearest", "(batch, features)", symbol=r"\hat x", help="The winner's prototype: the example, quantised.")
WINNER = Port("winner", "(batch)", kind="index", symbol="p", help="Which prototype lies nearest, counted from 0.")
DISTANCE = Port("distance", "(batch, units)", symbol="d", help="How far each example lies from each prototype.")
PROTOTYPES = Port("prototypes", "(units, features)", kind="parameter", symbol="W", help="The prototypes themselves.")
STARTS = ("examples", *INITIALISERS)


def at_examples(build: Builder, width: int) -> Initialiser:
    """A start at training rows drawn without repetition (with, where there are too few); normal where they do not fit."""
    examples = build.examples

    def start(shape: tuple[int, ...], draw: np.random.Generator) -> Any:
        table = None if examples is None else examples()
        if table is None or table.ndim != 2 or table.shape[1] != width:
            return draw.standard_normal(shape)
        return table[draw.choice(len(table), shape[0], replace=shape[0] > len(table))]

    return start


def prototypes_of(build: Builder, units: int, width: int, numbers: Any, start: str) -> Value:
    """The parameter `prototypes`, from numbers, from training rows, or by an initialiser."""
    if numbers is None and start == "examples":
        return build.parameter("prototypes", (units, width), at_examples(build, width))
    return build.parameter("prototypes", *start_of((units, width), numbers, "normal" if start == "examples" else start))


def rows_of_features(x: Value) -> int:
    """How many features rows have. Raises `ShapeMismatch` where there are no rows of them."""
    width = features_of(x)
    if x.rank != 2:
        raise shape_mismatch(f"{shape_text(x.shape)} has no rows of features", "Put a reshape before it.", port="x")
    return width


def members_of(build: Builder, winners: Value) -> Value:
    """How many examples of the batch each prototype won, as a column."""
    return build.emit("reshape", build.emit("sum", winners, axes=(0,)), shape=(winners.shape[1], 1))


def mean_over_rows(build: Builder, x: Value) -> Value:
    """The mean of all entries."""
    return build.emit("mean", x, axes=tuple(range(x.rank)))


class Competition(NodeType):
    """What competing prototypes share: distances, the winner, and the quantised example."""

    category: ClassVar[str] = "Learning rules"
    measures = ("error",)
    inputs = (X,)
    outputs: ClassVar[tuple[Port, ...]] = (
        CLOSENESS,
        NEAREST,
        WINNER,
        DISTANCE,
        Port("error", "()", symbol="E", help="Mean distance to the winner."),
        PROTOTYPES,
    )
    start = Choice("examples", STARTS, help="Where prototypes start: at training rows, or drawn.")
    initial_prototypes = Numbers(None, help="Prototypes to start from, units × features.")

    def compete(
        self, build: Builder, x: Value, units: int, handicap: Value | None = None
    ) -> tuple[Value, Value, dict[str, Value]]:
        """The prototypes, the winners as rows of one 1, and the outputs."""
        prototypes = prototypes_of(build, units, rows_of_features(x), self.initial_prototypes, self.start)
        distance = build.emit("sqrt", build.emit("square_distance", x, prototypes))
        closeness = -distance
        winner = build.emit("argmax", closeness if handicap is None else closeness + handicap)
        winners = build.emit("one_hot", winner, classes=units)
        error = build.emit("sum", winners * distance, axes=(1,))
        outputs = {
            "closeness": closeness,
            "nearest": winners @ prototypes, "winner": winner, "distance": distance,
            "error": mean_over_rows(build, error), "prototypes": prototypes,
        }  # fmt: skip
        return prototypes, winners, outputs


def pull(build: Builder, x: Value, prototypes: Value, strength: Value) -> Value:
    """Σ over the batch of strength (x − prototype), for each prototype."""
    return build.emit("matmul", strength, x, transpose_a=True) - members_of(build, strength) * prototypes


def batch_mean(build: Builder, x: Value, summed: Value) -> Value:
    """A sum over the batch divided by its number of rows, which the mean of ones over it gives."""
    rows = build.emit("sum", build.emit("broadcast", build.constant(1.0), shape=(x.shape[0], 1)), axes=(0, 1))
    return summed / rows


@node_type
class CompetitiveLearning(Competition):
    """The prototype nearest to an example moves towards it, the others stay: winner takes all."""

    name, icon, title = "competitive_learning", "crosshair", "competitive learning"
    formula = r"W_p \leftarrow W_p + \alpha\,(x - W_p),\quad p = \arg\min_u \lVert x - W_u \rVert"
    source = "Aggarwal 2023, §12.6, eq. 12.23"
    units = Whole(4, low=1, high=4096, unit="prototypes", help="How many prototypes compete.")
    step = Choice(
        "fixed", ("fixed", "running mean"),
        help="A fixed share α of the way, or 1 / (examples won so far): then a prototype is the mean of what it won.",
    )  # fmt: skip
    learning_rate = Real(0.1, low=0.0, high=1.0, symbol=r"\alpha", help="The share of the way that the winner moves.")

    def lower(self, build: Builder, **values: Any) -> dict[str, Value]:
        x = values["x"]
        prototypes, winners, outputs = self.compete(build, x, self.units)

        def learn() -> None:
            pulled = pull(build, x, prototypes, winners)
            if self.step == "fixed":
                rate = build.setting("learning_rate", self.learning_rate)
                build.emit("add_to", prototypes, rate * batch_mean(build, x, pulled))
                return
            won = build.state("won", (self.units, 1))
            build.emit("add_to", won, members_of(build, winners))
            build.emit("add_to", prototypes, pulled / build.emit("maximum", won, 1.0))

        build.learn(learn)
        return outputs


@node_type
class VectorQuantisation(Competition):
    """Competition in which losers grow more sensitive until they win: no prototype stays dead."""

    name, icon, title = "vector_quantisation", "square-stack", "vector quantisation"
    formula = r"p = \arg\min_u \lVert x - W_u \rVert - s_u,\quad s_u \leftarrow s_u + \gamma,\quad s_p \leftarrow 0"
    source = "Aggarwal 2023, §12.6.1"
    outputs = (
        *Competition.outputs,
        Port("sensitivity", "(1, units)", symbol="s", help="What is taken off each distance."),
    )
    units = Whole(
        4, low=1, high=4096, unit="prototypes", help="How many prototypes compete: the size of the code book."
    )
    learning_rate = Real(0.1, low=0.0, high=1.0, symbol=r"\alpha", help="The share of the way that the winner moves.")
    gamma = Real(
        0.01, low=0.0, high=100.0, symbol=r"\gamma",
        help="What a prototype that won nothing in an iteration gains in sensitivity; 0 is plain competition.",
    )  # fmt: skip

    def lower(self, build: Builder, **values: Any) -> dict[str, Value]:
        x = values["x"]
        sensitivity = build.state("patience", (1, self.units))
        prototypes, winners, outputs = self.compete(build, x, self.units, sensitivity)

        def learn() -> None:
            rate, gamma = build.setting("learning_rate", self.learning_rate), build.setting("gamma", self.gamma)
            build.emit("add_to", prototypes, rate * batch_mean(build, x, pull(build, x, prototypes, winners)))
            won = build.emit("sum", winners, axes=(0,), keep=True)
            build.emit("set_to", sensitivity, build.emit("where", won, 0.0, sensitivity + gamma))

        build.learn(learn)
        return {**outputs, "sensitivity": 1.0 * sensitivity}


@node_type
class KMeans(Competition):
    """Every prototype moves to the mean of the examples that are nearest to it; one that has none stays."""

    name, icon, title = "k_means", "chart-scatter", "k-means"
    formula = r"W_u \leftarrow W_u + \alpha\left(\frac{1}{n_u} \sum_{p_n = u} x_n - W_u\right)"
    source = "Aggarwal 2023, §6.2.1 and exercise 12.3"
    outputs = (
        *Competition.outputs[:4],
        Port("error", "()", symbol="E", help="Sum of the squared distances to the winners, over the batch."),
        PROTOTYPES,
    )
    units = Whole(3, low=1, high=4096, unit="clusters", help="How many clusters are sought.")
    learning_rate = Real(
        1.0, low=0.0, high=1.0, symbol=r"\alpha", help="The share of the way to the mean; 1 is k-means."
    )

    def lower(self, build: Builder, **values: Any) -> dict[str, Value]:
        x = values["x"]
        prototypes, winners, outputs = self.compete(build, x, self.units)
        outputs["error"] = build.emit("sum", winners * outputs["distance"] * outputs["distance"], axes=(0, 1))

        def learn() -> None:
            members = members_of(build, winners)
            means = build.emit("matmul", winners, x, transpose_a=True) / build.emit("maximum", members, 1.0)
            rate = build.setting("learning_rate", self.learning_rate)
            build.emit("add_to", prototypes, rate * build.emit("where", members, means - prototypes, 0.0))

        build.learn(learn)
        return outputs


def lattice_places(rows: int, columns: int, kind: str) -> np.ndarray[Any, Any]:
    """Where the units of a lattice stand, (units, 2): neighbours are 1 apart; hexagonal: every other row half a step on.

    Source: Aggarwal 2023, figure 12.14; rows of a hexagonal lattice are √3/2 apart.
    """
    row, column = [grid.reshape(-1).astype(np.float64) for grid in np.indices((rows, columns))]
    if kind == "square":
        return np.stack([row, column], axis=1)
    return np.stack([row * math.sqrt(3) / 2, column + 0.5 * (row % 2)], axis=1)


@node_type
class KohonenMap(Competition):
    """Prototypes on a lattice: the winner and its neighbours on the lattice move towards the example."""

    name, icon, title = "kohonen_map", "grid-3x3", "Kohonen map"
    formula = r"W_u \leftarrow W_u + \alpha\,e^{-\ell(u, p)^2 / 2\sigma^2}\,(x - W_u)"
    source = "Aggarwal 2023, §12.6.2, eqs 12.24 and 12.25"
    outputs = (
        *Competition.outputs,
        Port("position", "(batch, 2)", symbol="q", help="Where on the lattice the winner stands: row and column."),
        Port("torn", "()", symbol="T", help="The share of examples whose two nearest units are no neighbours."),
    )
    rows = Whole(6, low=1, high=32, unit="units", help="Rows of the lattice; 1 makes a string.")
    columns = Whole(6, low=1, high=32, unit="units", help="Units in each row.")
    lattice = Choice("square", ("square", "hexagonal"), help="Four neighbours at distance 1, or six.")
    neighbourhood = Choice("Gaussian", ("Gaussian", "step"), help="Damped with the distance, or all within σ alike.")
    learning_rate = Real(0.5, low=0.0, high=1.0, symbol=r"\alpha", help="The share of the way that the winner moves.")
    final_share = Real(0.04, low=0.0, high=1.0, symbol="f", help="How much of α is left in the end, as a share of it.")
    radius = Real(3.0, low=1e-3, high=100.0, symbol=r"\sigma", help="How far a winner pulls along the lattice.")
    final_radius = Real(0.3, low=1e-3, high=100.0, symbol=r"\sigma_T", help="How far it pulls in the end.")
    length = Real(2000.0, low=1.0, high=1e7, symbol="T", unit="iterations", help="When both have come to their end.")

    def lower(self, build: Builder, **values: Any) -> dict[str, Value]:
        x, units = values["x"], self.rows * self.columns
        prototypes, winners, outputs = self.compete(build, x, units)
        places = lattice_places(self.rows, self.columns, self.lattice)
        apart = np.linalg.norm(places[:, None] - places[None], axis=2)
        node = build.origin.node
        lattice = build.source("constant", f"{node}.apart", apart.shape, apart)
        outputs["position"] = winners @ build.source("constant", f"{node}.places", places.shape, places)
        from_winner = winners @ lattice
        outputs["torn"] = self._torn(build, outputs["distance"], from_winner, units)
        build.learn(lambda: self._learn(build, x, prototypes, from_winner))
        return outputs

    def _torn(self, build: Builder, distance: Value, from_winner: Value, units: int) -> Value:
        if units == 1:
            return mean_over_rows(build, 0.0 * distance)
        second = build.emit("order", distance, largest=False, keep=2)
        reached = build.emit("take_along", from_winner, second)
        farthest = build.emit("max", reached, axes=(1,))  # the winner's own distance is 0
        return mean_over_rows(build, build.emit("greater", farthest, 1.001))

    def _learn(self, build: Builder, x: Value, prototypes: Value, from_winner: Value) -> None:
        rate = build.setting("learning_rate", self.learning_rate) * self._ramp(
            build, build.constant(1.0), "final_share"
        )
        radius = self._ramp(build, build.setting("radius", self.radius), "final_radius")
        if self.neighbourhood == "step":
            damped = build.emit("greater", radius, from_winner)
        else:
            damped = build.emit("exp", -(from_winner * from_winner) / (2.0 * radius * radius))
        build.emit("add_to", prototypes, rate * batch_mean(build, x, pull(build, x, prototypes, damped)))

    def _ramp(self, build: Builder, begin: Value, end: str) -> Value:
        numbers = [build.setting(name, getattr(self, name)) for name in (end, "length")]
        return build.emit("linear_ramp", numbers[0], begin, numbers[1], unit="iteration")
