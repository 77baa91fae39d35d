"""Numbers kept within bounds, raised to powers, put together from several networks."""

from __future__ import annotations

from typing import Any, ClassVar

from engine.nodes.arrays import ArrayOperation
from engine.nodes.base import Choice, NodeType, Port, Whole, node_type
from engine.nodes.layers import features_of
from engine.problems import shape_mismatch
from engine.program import Builder
from engine.values import Value, shape_text


@node_type
class Clip(NodeType):
    """Keeps a number within bounds; beyond them its slope is 0."""

    name, category, icon = "clip", "Maths", "frame"
    formula = r"y = \min(\max(x, a), b)"
    source = "projection on a box: Aggarwal 2023, §12.4"
    inputs: ClassVar[tuple[Port, ...]] = (
        Port("x", symbol="x"),
        Port("low", symbol="a", default=-1.0, help="The least."),
        Port("high", symbol="b", default=1.0, help="The greatest; where the bounds cross it counts."),
    )
    outputs: ClassVar[tuple[Port, ...]] = (Port("y", symbol="y"),)

    def lower(self, build: Builder, **values: Any) -> Value:
        raised = build.emit("maximum", values["x"], values["low"])
        return build.emit("minimum", raised, values["high"])


@node_type
class PowerFeatures(ArrayOperation):
    """Every feature with its powers beside it: what makes a polynomial of a weighted sum."""

    name, icon, title = "power_features", "superscript", "power features"
    formula = r"y = [x, x^2, \dots, x^d]"
    source = "Aggarwal 2023, §5.1.2, eq. 5.2"
    inputs: ClassVar[tuple[Port, ...]] = (Port("x", "(batch, features)", symbol="x"),)
    outputs: ClassVar[tuple[Port, ...]] = (
        Port("y", "(batch, features)", symbol="y", help="All features, then all squares, and so on."),
    )
    degree = Whole(3, low=1, high=64, help="The highest power.")

    def lower(self, build: Builder, **values: Any) -> Value:
        x: Value = values["x"]
        features_of(x)
        powers = [x]
        for _ in range(1, self.degree):
            powers.append(powers[-1] * x)
        return x * 1.0 if len(powers) == 1 else build.emit("concat", *powers, axis=x.rank - 1)


@node_type
class LogSumExp(ArrayOperation):
    """The logarithm of a sum of exponentials: a smooth maximum, safe for numbers of any size."""

    name, icon, title = "log_sum_exp", "sigma", "log-sum-exp"
    formula = r"y = \ln \sum_i e^{x_i}"
    source = "Goodfellow, Bengio & Courville 2016, §4.1; as a mean: the Parzen window's likelihood"
    inputs: ClassVar[tuple[Port, ...]] = (Port("x", "(batch, features)", symbol="x"),)
    outputs: ClassVar[tuple[Port, ...]] = (Port("y", "(batch, 1)", symbol="y"),)
    of = Choice("sum", ("sum", "mean"), help="Of the sum, or of the mean.")

    def lower(self, build: Builder, **values: Any) -> Value:
        x: Value = values["x"]
        width = features_of(x)
        y = build.emit("log_sum_exp", x)
        if self.of == "mean":
            y = y - build.emit("log", build.constant(float(width)))
        return build.emit("reshape", y, shape=(*x.shape[:-1], 1))


@node_type
class Ensemble(ArrayOperation):
    """One answer out of those of several networks."""

    name, icon = "ensemble", "group"
    formula = r"y = \frac{1}{m} \sum_j y^{(j)}"
    source = "Aggarwal 2023, §5.5.1, eqs 5.12 and 5.13"
    inputs: ClassVar[tuple[Port, ...]] = (
        Port("x", "(batch, units)", symbol="y^{(j)}", many=True, help="Wire the answer of each network here."),
    )
    outputs: ClassVar[tuple[Port, ...]] = (Port("y", "(batch, units)", symbol="y"),)
    method = Choice(
        "mean", ("mean", "median", "geometric", "vote"),
        help="Mean; median of each unit; geometric mean of probabilities, made to sum to 1; or the share of networks whose "
        "largest unit it is.",
    )  # fmt: skip

    def lower(self, build: Builder, **values: Any) -> Value:
        emit, members = build.emit, values["x"]
        first: Value = members[0]
        for member in members:
            if member.shape != first.shape or member.kind != "real":
                fact = f"answers of shape {shape_text(first.shape)} and {shape_text(member.shape)} have no mean"
                raise shape_mismatch(fact, "Let all networks answer alike.", port="x")
        units = features_of(first)
        last = (first.rank - 1,)
        if self.method == "vote":
            members = [emit("one_hot", emit("argmax", member), classes=units) for member in members]
        elif self.method == "geometric":
            members = [emit("log", member) for member in members]
        table = [emit("reshape", member, shape=(*first.shape, 1)) for member in members]
        stacked = table[0] if len(table) == 1 else emit("concat", *table, axis=first.rank)
        if self.method == "median":
            return self._median(build, stacked, len(table))
        mean = emit("mean", stacked, axes=(first.rank,))
        if self.method != "geometric":
            return mean
        product = emit("exp", mean)
        return product / emit("sum", product, axes=last, keep=True)

    @staticmethod
    def _median(build: Builder, stacked: Value, count: int) -> Value:
        ordered = build.emit("take_along", stacked, build.emit("order", stacked, largest=False))
        low, high = (count - 1) // 2, count // 2 + 1
        middle = build.emit("slice", ordered, axis=stacked.rank - 1, start=low, stop=high)
        return build.emit("mean", middle, axes=(stacked.rank - 1,))
