"""Learning rules: nodes that change their own parameters, with no loss and no derivative behind it."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

from engine.initialisers import INITIALISERS
from engine.nodes.base import Choice, Flag, NodeType, Numbers, Port, Real, node_type
from engine.nodes.data import start_of
from engine.nodes.layers import features_of
from engine.problems import shape_mismatch
from engine.program import Builder
from engine.values import Value, shape_text

X = Port("x", "(batch, features)", symbol="x")
LABEL = Port("target", "(batch, 1)", kind="target", symbol="t", help="The label, −1 or +1.")
PREDICTION = Port("prediction", "(batch, 1)", symbol=r"\hat y", help="The sign of the score, −1 or +1.")
SCORE = Port("score", "(batch, 1)", symbol="v", help="The weighted sum: 0 on the separating line.")


def check_labels(x: Value, target: Value, units: int = 1) -> int:
    """The number of features. Raises `ShapeMismatch` where there is not one target for each example and unit."""
    width = features_of(x)
    if x.rank != 2 or target.kind != "real" or target.shape != (x.shape[0], units):
        fact = f"inputs of shape {shape_text(x.shape)} meet targets of shape {shape_text(target.shape)}"
        mend = f"Give {'one target' if units == 1 else f'{units} targets'} for each example."
        raise shape_mismatch(fact, mend, port="target")
    return width


def as_column(numbers: Any) -> Any:
    """Weights typed as one list, laid out as the column that they are."""
    if isinstance(numbers, list | tuple) and numbers and not isinstance(numbers[0], list | tuple):
        return [[number] for number in numbers]
    return numbers


class Line(NamedTuple):
    """A weighted sum that learns: weights (features, 1), and a bias (1) where one is added."""

    weight: Value
    bias: Value | None

    @classmethod
    def of(cls, rule: Any, build: Builder, width: int, name: str = "") -> Line:
        """Parameters that start as the properties of a rule say, called `weight` and `bias` with `name` before it."""
        start = start_of((width, 1), as_column(rule.initial_weight), rule.initialiser)
        weight = build.parameter(f"{name}weight", *start)
        bias = build.parameter(f"{name}bias", *start_of((1,), rule.initial_bias, "zeros")) if rule.use_bias else None
        return cls(weight, bias)

    def score(self, x: Value) -> Value:
        """The weighted sum, one number for each example."""
        return x @ self.weight if self.bias is None else x @ self.weight + self.bias

    def turn(self, build: Builder, x: Value, step: Value) -> None:
        """Move along every example by its step (batch, 1)."""
        build.emit("add_to", self.weight, build.emit("matmul", x, step, transpose_a=True))
        if self.bias is not None:
            build.emit("add_to", self.bias, build.emit("sum", step, axes=(0,)))


@node_type
class Perceptron(NodeType):
    """The sign of a weighted sum; every mistake turns the weights towards the label, −1 or +1."""

    name, category, icon = "perceptron", "Learning rules", "circle-dot"
    formula = r"\hat y = \mathrm{sign}(xW + b)"
    source = "Aggarwal 2023, §1.2, eqs 1.1 to 1.4"
    inputs = (X, LABEL)
    outputs: ClassVar[tuple[Port, ...]] = (
        Port(
            "prediction",
            "(batch, 1)",
            symbol=r"\hat y",
            help="The sign of the score; 0 where a score of 0 counts as a mistake.",
        ),
        SCORE,
    )
    form = Choice(
        "mistake",
        ("mistake", "error"),
        help="Step by α t x on a mistake (eq. 1.3), or by α (t − ŷ) x, twice as far (eq. 1.2).",
    )
    learning_rate = Real(1.0, low=0.0, high=1000.0, symbol=r"\alpha", help="How far a mistake turns the weights.")
    zero_is_mistake = Flag(True, help="Whether a score of exactly 0 is wrong for either label; otherwise it says +1.")
    use_bias = Flag(True, help="Whether a bias is added, and learned.")
    initialiser = Choice("zeros", tuple(INITIALISERS), help="How the weights start where no numbers are given.")
    initial_weight = Numbers(None, help="Weights to start from, one per feature.")
    initial_bias = Numbers(None, help="Bias to start from.")

    def lower(self, build: Builder, **values: Any) -> dict[str, Value]:
        x, target = values["x"], values["target"]
        line = Line.of(self, build, check_labels(x, target))
        score = line.score(x)
        build.learn(lambda: self._learn(build, x, score, target, line))
        return {"prediction": build.emit("sign" if self.zero_is_mistake else "side", score), "score": score}

    def _learn(self, build: Builder, x: Value, score: Value, target: Value, line: Line) -> None:
        error = build.emit("label_error", score, target, zero_is_mistake=self.zero_is_mistake)
        step = build.setting("learning_rate", self.learning_rate) * error
        if self.form == "mistake":  # the error of a mistake is twice its label
            step = 0.5 * step
        line.turn(build, x, step)
