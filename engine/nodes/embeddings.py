"""Sequences of symbols as vectors: embeddings, and where in the sequence a symbol stands."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.initialisers import INITIALISERS, Array
from engine.nodes.base import Choice, NodeType, Numbers, Port, Whole, node_type
from engine.nodes.data import start_of
from engine.nodes.layers import features_of
from engine.nodes.ordering import whole_numbers
from engine.problems import shape_mismatch
from engine.program import Builder
from engine.values import Value, shape_text


@node_type
class Embedding(NodeType):
    """A row of learned numbers for each symbol: looked up forward, added up backward where a symbol comes twice."""

    name, category, icon = "embedding", "Attention", "table"
    formula = r"y_t = W_{c_t}"
    source = "Aggarwal 2023, §3.5 and §8.2.1"
    inputs = (
        Port("x", "(batch, time) or (batch)", kind="index", symbol="c", help="Class numbers; real ones are rounded."),
        Port(
            "weight", "(symbols, units)", kind="parameter", symbol="W", optional=True,
            help="Free: the node's own table. Wired: shared.",
        ),
    )  # fmt: skip
    outputs = (Port("y", "(batch, time, units)", symbol="y"),)
    symbols = Whole(16, low=1, high=65536, unit="symbols", help="How many different symbols there are.")
    units = Whole(8, low=1, high=4096, unit="units", help="How many numbers stand for a symbol.")
    initialiser = Choice("normal", tuple(INITIALISERS), help="How the table starts where no numbers are given.")
    initial_weight = Numbers(None, help="The table to start from, symbols × units.")

    def lower(self, build: Builder, **values: Any) -> Value:
        index, table = whole_numbers(build, values["x"]), values["weight"]
        if table is None:
            shape = (self.symbols, self.units)
            table = build.parameter("weight", *start_of(shape, self.initial_weight, self.initialiser))
        if table.rank != 2:
            raise shape_mismatch(
                f"a table has rows and columns, not {shape_text(table.shape)}", "Give it the shape (symbols, units).",
                port="weight",
            )  # fmt: skip
        rows = build.emit("gather_rows", table, index)
        if build.step >= 0 and rows.rank == 3 and rows.shape[1] == 1:  # one symbol at each step of time
            return build.emit("reshape", rows, shape=(rows.shape[0], rows.shape[2]))
        return rows


@node_type
class PositionalEncoding(NodeType):
    """Adds to each vector of a sequence a vector that tells its place: waves of many lengths, or learned ones."""

    name, category, icon, title = "positional_encoding", "Attention", "waves", "positional encoding"
    formula = r"y_{t,2k} = x_{t,2k} + \sin(t\,\omega_{2k}),\; y_{t,2k+1} = x_{t,2k+1} + \cos(t\,\omega_{2k})"
    source = "Aggarwal 2023, §12.2.5; Vaswani et al. 2017, §3.5"
    inputs = (Port("x", "(batch, time, features)", symbol="x"),)
    outputs = (Port("y", "(batch, time, features)", symbol="y"),)
    kind = Choice("sinusoidal", ("sinusoidal", "learned"), help="Sines and cosines of fixed lengths, or learned.")
    period = Whole(10000, low=1, high=10**6, unit="steps", help="The longest wave is 2π times this many steps.")

    def lower(self, build: Builder, **values: Any) -> Value:
        x: Value = values["x"]
        steps, width = steps_of(x, "x"), features_of(x)
        if self.kind == "learned":
            return x + build.parameter("position", (steps, width), INITIALISERS["normal"])
        table = waves(steps, width, self.period)
        return x + build.source("constant", f"{build.origin.node}.position", table.shape, table)


def steps_of(x: Value, port: str) -> int:
    """How many steps a sequence has. Raises `ShapeMismatch` where it is none."""
    if x.kind != "real" or x.rank != 3 or not isinstance(x.shape[1], int):
        raise shape_mismatch(
            f"a sequence of vectors has the shape (batch, time, features), not {shape_text(x.shape)}",
            "Put an embedding before it, or gather the steps of time with “all steps”.",
            port=port,
        )
    return x.shape[1]


def waves(steps: int, width: int, period: int) -> Array:
    """Row t: sin(t ω_j) in even columns j, cos(t ω_{j−1}) in odd ones, with ω_j = period^(−j / width)."""
    columns = np.arange(width)
    angles = np.arange(steps)[:, None] * period ** (-(columns - columns % 2) / width)
    return np.where(columns % 2 == 0, np.sin(angles), np.cos(angles))
