"""Linear equations and what is fitted by them at once: solve, inverse, least squares and ridge regression."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from engine.nodes.arrays import ArrayOperation
from engine.nodes.base import Flag, NodeType, Port, Real, node_type
from engine.nodes.layers import features_of
from engine.nodes.rules_linear import whole_table
from engine.problems import shape_mismatch
from engine.program import Builder
from engine.values import Value, shape_text

MOST_UNKNOWNS = 2048
MATRIX = "(batch, rows, rows) or (rows, rows)"


def unknowns_of(a: Value, port: str) -> int:
    """How many unknowns a system has. Raises `ShapeMismatch` where the matrix is not square."""
    rows, columns = a.shape[-2:] if a.rank in (2, 3) else (None, None)
    if a.kind != "real" or not isinstance(rows, int) or rows != columns:
        fact = f"a square matrix is needed, not {shape_text(a.shape)}"
        raise shape_mismatch(fact, "Give as many rows as columns.", port=port)
    if rows > MOST_UNKNOWNS:
        raise shape_mismatch(f"{rows} unknowns are more than {MOST_UNKNOWNS}", "Give it fewer.", port=port)
    return rows


def solved(build: Builder, a: Value, b: Value) -> Value:
    """X of A X = B; no number where the equations of A depend on each other."""
    last, rows, columns = a.rank - 1, a.shape[-1], b.shape[-1]
    assert isinstance(rows, int) and isinstance(columns, int)
    reduced = build.emit("row_reduce", build.emit("concat", a, b, axis=last))
    return build.emit("slice", reduced, axis=last, start=rows, stop=rows + columns)


@node_type
class Solve(ArrayOperation):
    """The solution of linear equations; where they depend on each other it is no number."""

    name, icon, title = "solve", "equal", "linear equations"
    formula = r"A X = B"
    source = "Aggarwal 2023, eqs 3.10 to 3.12; Gauss–Jordan elimination"
    inputs: ClassVar[tuple[Port, ...]] = (
        Port("a", MATRIX, symbol="A", help="The left side: as many equations as unknowns."),
        Port("b", "(batch, rows, columns) or (rows, columns)", symbol="B", help="The right side, or several of them."),
    )
    outputs: ClassVar[tuple[Port, ...]] = (Port("x", "(batch, rows, columns) or (rows, columns)", symbol="X"),)

    def lower(self, build: Builder, **values: Any) -> Value:
        a, b = values["a"], values["b"]
        unknowns_of(a, "a")
        if b.rank != a.rank or b.shape[:-1] != a.shape[:-1] or not isinstance(b.shape[-1], int):
            fact = f"equations of shape {shape_text(a.shape)} meet right sides of shape {shape_text(b.shape)}"
            raise shape_mismatch(fact, "Give one row for each equation.", port="b")
        return solved(build, a, b)


@node_type
class Inverse(ArrayOperation):
    """The matrix that undoes another; where nothing undoes it, it is no number."""

    name, icon = "inverse", "undo-2"
    formula = r"Y = X^{-1}"
    source = "Aggarwal 2023, eq. 3.11 and §10.2.1: the Katz measure"
    inputs: ClassVar[tuple[Port, ...]] = (Port("x", MATRIX, symbol="X"),)
    outputs: ClassVar[tuple[Port, ...]] = (Port("y", MATRIX, symbol="Y"),)

    def lower(self, build: Builder, **values: Any) -> Value:
        x: Value = values["x"]
        rows = unknowns_of(x, "x")
        eye = build.source("constant", f"{build.origin.node}.eye", (rows, rows), np.eye(rows))
        return solved(build, x, eye if x.rank == 2 else build.emit("broadcast", eye, shape=x.shape))


@node_type
class LeastSquares(NodeType):
    """A linear layer whose weights are computed at once: least squares, or ridge regression where weights cost."""

    name, category, icon, title = "least_squares", "Learning rules", "chart-spline", "least squares"
    formula = r"W = (X^\top X + \lambda I)^{-1} X^\top T"
    source = "Aggarwal 2023, eqs 3.10 to 3.12 and 6.4 to 6.6; §8.4: the output of an echo state network"
    measures = ("error",)
    inputs = (
        Port("x", "(batch, features)", symbol="x", help="All training rows count where they come straight from the data."),
        Port("target", "(batch, outputs)", kind="target", symbol="t"),
    )  # fmt: skip
    outputs = (
        Port("prediction", "(batch, outputs)", symbol=r"\hat y", help="By the weights of the iteration before."),
        Port("error", "()", symbol="E", help="Mean squared difference, over the batch."),
    )
    strength = Real(
        0.0, low=0.0, high=1e6, symbol=r"\lambda",
        help="What large weights cost. 0: least squares, which needs features that do not depend on each other.",
    )  # fmt: skip
    use_bias = Flag(True, help="Whether a bias is added.")
    biases = Flag(
        True, help="Whether the bias costs as much as weights do: in the text it is the weight of a feature 1."
    )

    def lower(self, build: Builder, **values: Any) -> dict[str, Value]:
        x, target = values["x"], values["target"]
        width = features_of(x)
        if x.rank != 2 or target.kind != "real" or target.rank != 2 or target.shape[0] != x.shape[0]:
            fact = f"inputs of shape {shape_text(x.shape)} meet targets of shape {shape_text(target.shape)}"
            raise shape_mismatch(fact, "Give one row of numbers for each example.", port="target")
        if width >= MOST_UNKNOWNS:
            raise shape_mismatch(f"{width} features are too many", f"Give it fewer than {MOST_UNKNOWNS}.", port="x")
        outputs = features_of(target)
        weight = build.parameter("weight", (width, outputs), np.zeros((width, outputs)))
        prediction = x @ weight
        bias = None
        if self.use_bias:
            bias = build.parameter("bias", (outputs,), np.zeros(outputs))
            prediction = prediction + bias
        rows, wanted = whole_table(x, target)
        build.learn(lambda: self._learn(build, rows, wanted, weight, bias))
        apart = target - prediction
        return {"prediction": prediction, "error": build.emit("mean", apart * apart, axes=(0, 1))}

    def _learn(self, build: Builder, x: Value, target: Value, weight: Value, bias: Value | None) -> None:
        emit, width = build.emit, features_of(x)
        if bias is not None:
            x = emit("concat", x, emit("broadcast", build.constant(1.0), shape=(x.shape[0], 1)), axis=1)
        unknowns = features_of(x)
        costs = np.eye(unknowns)
        costs[width:, width:] = float(self.biases)
        table = build.source("constant", f"{build.origin.node}.costs", costs.shape, costs)
        squares = emit("matmul", x, x, transpose_a=True) + build.setting("strength", self.strength) * table
        found = solved(build, squares, emit("matmul", x, target, transpose_a=True))
        emit("set_to", weight, emit("slice", found, axis=0, start=0, stop=width))
        if bias is not None:
            row = emit("slice", found, axis=0, start=width, stop=unknowns)
            emit("set_to", bias, emit("reshape", row, shape=bias.shape))
