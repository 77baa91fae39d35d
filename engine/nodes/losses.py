"""How wrong an answer is: losses, as one number for the batch."""

from __future__ import annotations

from typing import Any

from engine.nodes.base import NodeType, Port, node_type
from engine.problems import shape_mismatch
from engine.program import Builder, Value, shape_text

PREDICTION = Port("prediction", "(batch, units)", symbol=r"\hat y")
TARGET = Port("target", "(batch, units)", kind="target", symbol="t")
LOSS = Port("loss", "()", kind="loss", symbol="L")


def mean_of_all(build: Builder, x: Value) -> Value:
    """The mean over all axes, as one number."""
    return build.emit("mean", x, axes=tuple(range(x.rank))) if x.rank else x


def agree(prediction: Value, target: Value) -> None:
    """Raise `ShapeMismatch` unless prediction and target have one shape."""
    if prediction.shape != target.shape or target.kind != "real":
        fact = f"a prediction of shape {shape_text(prediction.shape)} meets a target of shape {shape_text(target.shape)}"
        raise shape_mismatch(fact, "Give the last layer as many units as the target has.", port="target")


@node_type
class MeanSquaredError(NodeType):
    """The mean of the squared differences, over all entries of the batch."""

    name, category, icon = "mean_squared_error", "Losses", "target"
    formula = r"L = \frac{1}{n}\sum_i (\hat y_i - t_i)^2"
    source = "Aggarwal 2023, §2.3.1"
    inputs = (PREDICTION, TARGET)
    outputs = (LOSS,)

    def lower(self, build: Builder, **values: Any) -> Value:
        prediction, target = values["prediction"], values["target"]
        agree(prediction, target)
        difference = prediction - target
        return mean_of_all(build, difference * difference)


@node_type
class BinaryCrossEntropy(NodeType):
    """How surprised a probability is by a yes or no (1 or 0)."""

    name, category, icon = "binary_cross_entropy", "Losses", "target"
    formula = r"L = -\frac{1}{n}\sum_i \left[t_i \ln \hat y_i + (1 - t_i) \ln (1 - \hat y_i)\right]"
    source = "Aggarwal 2023, §1.2.4"
    inputs = (PREDICTION, TARGET)
    outputs = (LOSS,)

    def lower(self, build: Builder, **values: Any) -> Value:
        prediction, target = values["prediction"], values["target"]
        agree(prediction, target)
        surprise = target * build.emit("log", prediction) + (1 - target) * build.emit("log", 1 - prediction)
        return -mean_of_all(build, surprise)
