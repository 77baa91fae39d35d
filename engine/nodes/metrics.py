"""What is watched beside the loss: metrics, as one number for the batch. They have no derivative to descend."""

from __future__ import annotations

from typing import Any

from engine.nodes.base import NodeType, Port, Real, node_type
from engine.nodes.losses import mean_of_all, sum_of_all
from engine.problems import shape_mismatch
from engine.program import Builder
from engine.values import Value, shape_text

PREDICTION = Port(
    "prediction", "(batch, units)", symbol=r"\hat y", help="A probability, a score, or one score per class."
)
TARGET = Port(
    "target",
    "(batch, units) or (batch)",
    kind="target",
    symbol="t",
    help="0 or 1, −1 or +1, class numbers, or one column per class.",
)


class Judgement(NodeType):
    """A metric that counts right answers."""

    category, icon = "Metrics", "gauge"
    inputs = (PREDICTION, TARGET)
    threshold = Real(
        0.5,
        symbol="c",
        help="A single unit says yes above it: ½ for probabilities, 0 for scores and signs. Classes are not touched by it.",
    )

    def right_answers(self, build: Builder, prediction: Value, target: Value) -> Value:
        """1 or 0 for each answer. Raises `ShapeMismatch` where the target has another number of them."""
        if target.kind == "whole":
            return build.emit("right_class", prediction, target)
        if prediction.shape != target.shape:
            fact = f"a prediction of shape {shape_text(prediction.shape)} meets a target of shape {shape_text(target.shape)}"
            raise shape_mismatch(fact, "Give the last layer as many units as the target has.", port="target")
        if prediction.rank > 1 and prediction.shape[-1] != 1:
            return build.emit("right_column", prediction, target)
        return build.emit("right_side", prediction, target, build.setting("threshold", self.threshold))


@node_type
class Accuracy(Judgement):
    """The share of right answers."""

    name = "accuracy"
    formula = r"\frac{1}{n}\sum_i [\,\hat y_i = t_i\,]"
    source = "Aggarwal 2023, §1.2: a wrong sign, or a prediction on the threshold, is a mistake"
    outputs = (Port("accuracy", "()", symbol="a"),)

    def lower(self, build: Builder, **values: Any) -> Value:
        return mean_of_all(build, self.right_answers(build, values["prediction"], values["target"]))


@node_type
class Mistakes(Judgement):
    """The number of wrong answers."""

    name = "mistakes"
    formula = r"\sum_i [\,\hat y_i \neq t_i\,]"
    source = "Aggarwal 2023, §1.2: the number of misclassified points"
    outputs = (Port("mistakes", "()", symbol="m"),)

    def lower(self, build: Builder, **values: Any) -> Value:
        return sum_of_all(build, 1 - self.right_answers(build, values["prediction"], values["target"]))
