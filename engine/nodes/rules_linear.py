"""Learning rules of one weighted sum: pocket, Widrow-Hoff, Winnow and Hebb."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.initialisers import INITIALISERS
from engine.nodes.base import Choice, Flag, NodeType, Numbers, Port, Real, Whole, node_type
from engine.nodes.data import start_of
from engine.nodes.layers import features_of
from engine.nodes.rules import LABEL, PREDICTION, SCORE, Line, Perceptron, X, check_labels
from engine.problems import shape_mismatch
from engine.program import Builder
from engine.values import Value, shape_text

FEWEST = 1e9  # more mistakes than any table has rows


def whole_table(*values: Value) -> tuple[Value, ...]:
    """All training rows, where each of these was gathered straight from them; else the batch itself."""
    calls = [value.call for value in values]
    if any(call is None or call.primitive.name != "gather_rows" for call in calls):
        return values
    return tuple([call.operands[0] for call in calls if call is not None])


@node_type
class Pocket(Perceptron):
    """The perceptron rule, with the weights of the fewest mistakes so far kept in a pocket; the pocket predicts."""

    name, title, icon = "pocket", "pocket perceptron", "star"
    formula = r"\hat y = \mathrm{sign}(x\,W_{\mathrm{pocket}} + b_{\mathrm{pocket}})"
    source = "Aggarwal 2023, §1.2.2; Gallant 1990"
    outputs = (
        Port("prediction", "(batch, 1)", symbol=r"\hat y", help="What the weights in the pocket say."),
        Port("score", "(batch, 1)", symbol="v", help="The weighted sum by the weights that still turn."),
        Port("running", "()", symbol="m", help="Mistakes of the weights that turn, over the training rows."),
        Port("fewest", "()", symbol=r"m^*", help="Mistakes of the weights in the pocket, over the training rows."),
    )

    def lower(self, build: Builder, **values: Any) -> dict[str, Value]:
        x, target = values["x"], values["target"]
        turning = super().lower(build, **values)
        sources, node = build.program.sources, build.origin.node
        line = Line(sources[f"{node}.weight"], sources.get(f"{node}.bias"))
        pocket = Line.of(self, build, features_of(x), "pocket_")
        rows, labels = whole_table(x, target)
        count = self._mistakes(build, rows, labels, line)
        fewest = build.state("fewest", (), FEWEST)
        best = build.emit("minimum", fewest, count)
        score = pocket.score(x)

        def keep() -> None:
            better = build.emit("greater", fewest, count)
            for mine, its in zip(pocket, line, strict=True):
                if mine is not None and its is not None:
                    build.emit("set_to", mine, build.emit("where", better, its, mine))
            build.emit("set_to", fewest, best)

        self._keep = keep
        return {
            "prediction": build.emit("side", score), "score": turning["score"], "running": count, "fewest": best,
        }  # fmt: skip

    def _learn(self, build: Builder, x: Value, score: Value, target: Value, line: Line) -> None:
        self._keep()  # before the weights turn: the pocket holds those that were counted
        super()._learn(build, x, score, target, line)

    def _mistakes(self, build: Builder, x: Value, target: Value, line: Line) -> Value:
        error = build.emit("label_error", line.score(x), target, zero_is_mistake=self.zero_is_mistake)
        wrong = build.emit("greater", build.emit("absolute", error), 0.0)
        return build.emit("sum", wrong, axes=(0, 1))


@node_type
class WidrowHoff(NodeType):
    """A weighted sum that moves towards its target by its own error, the least mean squares or delta rule."""

    name, category, icon, title = "widrow_hoff", "Learning rules", "scale", "Widrow-Hoff (LMS)"
    formula = r"W \leftarrow W + \alpha\,x^\top (t - v),\quad v = xW + b"
    source = "Aggarwal 2023, §3.2.2.1; Widrow & Hoff 1960"
    inputs = (X, Port("target", "(batch, 1)", kind="target", symbol="t", help="A number, or a label −1 or +1."))
    outputs = (PREDICTION, SCORE, Port("error", "(batch, 1)", symbol="e", help="What is missing to the target: t − v."))
    learning_rate = Real(0.1, low=0.0, high=1000.0, symbol=r"\alpha", help="How much of its error moves the weights.")
    use_bias = Flag(True, help="Whether a bias is added, and learned.")
    initialiser = Choice("zeros", tuple(INITIALISERS), help="How the weights start where no numbers are given.")
    initial_weight = Numbers(None, help="Weights to start from, one per feature.")
    initial_bias = Numbers(None, help="Bias to start from.")

    def lower(self, build: Builder, **values: Any) -> dict[str, Value]:
        x, target = values["x"], values["target"]
        line = Line.of(self, build, check_labels(x, target))
        score = line.score(x)
        error = target - score
        build.learn(lambda: line.turn(build, x, build.setting("learning_rate", self.learning_rate) * error))
        return {"prediction": build.emit("side", score), "score": score, "error": error}


@node_type
class Winnow(NodeType):
    """Weights that double or halve at a mistake: few of many features of 0 and 1 are found with few mistakes."""

    name, category, icon = "winnow", "Learning rules", "chevrons-right"
    formula = (
        r"w_j \leftarrow w_j\,a^{\eta \sum_n e_n x_{nj}},\quad e = \tfrac12(t - \hat y),\quad \hat y = [xw \geq \theta]"
    )
    source = "Aggarwal 2023, §1.9; Littlestone 1988"
    inputs = (Port("x", "(batch, features)", symbol="x", help="Features of 0 and 1."), LABEL)
    outputs = (
        PREDICTION,
        Port("score", "(batch, 1)", symbol="v", help="The weighted sum less the threshold: 0 on the line."),
    )
    factor = Real(2.0, low=1.0, high=100.0, symbol="a", help="What a mistake multiplies or divides active weights by.")
    learning_rate = Real(
        1.0, low=0.0, high=10.0, symbol=r"\eta", help="The power that factor is taken to; 1 is Winnow."
    )
    threshold = Choice("features", ("features", "half"), help="θ: the number of features, or half of it.")
    initial_weight = Real(
        1.0, low=1e-6, high=1e6, is_slot=False, help="Where every weight starts; weights stay positive."
    )

    def lower(self, build: Builder, **values: Any) -> dict[str, Value]:
        x, target = values["x"], values["target"]
        width = check_labels(x, target)
        weight = build.parameter("weight", (width, 1), np.full((width, 1), self.initial_weight))
        score = x @ weight - (float(width) if self.threshold == "features" else width / 2)

        def learn() -> None:
            wrong = 0.5 * build.emit("label_error", score, target, zero_is_mistake=False)
            push = build.emit("matmul", x, wrong, transpose_a=True)
            rate, factor = build.setting("learning_rate", self.learning_rate), build.setting("factor", self.factor)
            power = build.emit("power", factor, rate * push)
            build.emit("set_to", weight, weight * power)

        build.learn(learn)
        return {"prediction": build.emit("side", score), "score": score}


@node_type
class Hebbian(NodeType):
    """Weights that grow where input and output are active together; Oja's form keeps them of length 1."""

    name, category, icon, title = "hebbian", "Learning rules", "link", "Hebbian rule"
    formula = r"W \leftarrow W + \alpha\,x^\top y,\quad y = xW"
    source = "Hebb 1949; Oja 1982; the storage of Aggarwal 2023, §7.2.1, is of this kind"
    inputs = (
        X,
        Port(
            "target", "(batch, units)", kind="target", symbol="t", optional=True,
            help="Free: the sums are what the inputs are paired with. Wired: these.",
        ),
    )  # fmt: skip
    outputs = (Port("y", "(batch, units)", symbol="y", help="The weighted sums."),)
    units = Whole(1, low=1, high=4096, unit="neurons", help="How many sums are formed.")
    form = Choice("Hebb", ("Hebb", "Oja"), help="Plain growth, or Oja's, which takes away what y² makes too much.")
    learning_rate = Real(0.01, low=0.0, high=1000.0, symbol=r"\alpha", help="How fast weights grow.")
    initialiser = Choice("normal", tuple(INITIALISERS), help="How the weights start where no numbers are given.")
    initial_weight = Numbers(None, help="Weights to start from, features × units.")

    def lower(self, build: Builder, **values: Any) -> Value:
        x, target = values["x"], values.get("target")
        width = features_of(x) if target is None else check_labels(x, target, self.units)
        if x.rank != 2:
            raise shape_mismatch(f"{shape_text(x.shape)} has no rows of features", "Put a reshape before it.", port="x")
        weight = build.parameter("weight", *start_of((width, self.units), self.initial_weight, self.initialiser))
        y: Value = x @ weight
        build.learn(lambda: self._learn(build, x, y if target is None else target, weight))
        return y

    def _learn(self, build: Builder, x: Value, y: Value, weight: Value) -> None:
        grown = build.emit("matmul", x, y, transpose_a=True)
        if self.form == "Oja":
            grown = grown - weight * build.emit("sum", y * y, axes=(0,))
        build.emit("add_to", weight, build.setting("learning_rate", self.learning_rate) * grown)
