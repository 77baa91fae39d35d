"""Metrics for answers of several kinds: the right class among the first few, yes and no, numbers."""

from __future__ import annotations

from typing import Any, ClassVar

from engine.nodes.base import NodeType, Port, Real, Whole, node_type
from engine.nodes.losses import agree, mean_of_all, sum_of_all
from engine.nodes.losses_reward import taken
from engine.nodes.metrics import PREDICTION, TARGET
from engine.nodes.random import classes_of
from engine.problems import shape_mismatch
from engine.program import Builder
from engine.values import Value, shape_text


class Score(NodeType):
    """A metric."""

    category, icon = "Metrics", "gauge"
    inputs: ClassVar[tuple[Port, ...]] = (PREDICTION, TARGET)


@node_type
class TopKError(Score):
    """The share of examples whose right class is not among those with the largest scores."""

    name, title = "top_k_error", "top-k error"
    formula = r"\frac{1}{n}\sum_i [\,|\{j : z_{ij} > z_{i t_i}\}| \geq k\,]"
    source = "Aggarwal 2023, §9.4.1: top-5 error; scores as large as the right one do not count against it"
    outputs = (Port("error", "()", symbol="e"),)
    k = Whole(5, low=1, high=65536, unit="classes", help="How many guesses are allowed.")

    def lower(self, build: Builder, **values: Any) -> Value:
        scores, target = values["prediction"], values["target"]
        classes_of(scores)
        right = taken(build, scores, target, port="target")
        right = build.emit("reshape", right, shape=(*right.shape, 1))
        larger = build.emit("sum", build.emit("greater", scores, right), axes=(scores.rank - 1,))
        return mean_of_all(build, build.emit("at_least", larger, float(self.k)))


@node_type
class FScore(Score):
    """How well yes is told from no: precision, recall, and their harmonic mean."""

    name, title = "f_score", "F score"
    formula = r"F_\beta = \frac{(1 + \beta^2)\,P R}{\beta^2 P + R}"
    source = "van Rijsbergen 1979; the harmonic mean of Aggarwal 2023, §4.7.2"
    outputs = (
        Port("f", "()", symbol="F", help="0 where nothing right was found."),
        Port("precision", "()", symbol="P", help="The share of yes answers that are right; 0 without any."),
        Port("recall", "()", symbol="R", help="The share of yes targets that were found; 0 without any."),
    )
    threshold = Real(0.5, symbol="c", help="An answer above it is a yes: ½ for probabilities, 0 for scores.")
    beta = Real(1.0, low=0.0, high=100.0, symbol=r"\beta", help="How many times as much recall counts as precision.")

    def lower(self, build: Builder, **values: Any) -> dict[str, Value]:
        prediction, target = values["prediction"], values["target"]
        agree(prediction, target)
        yes = build.emit("greater", prediction, build.setting("threshold", self.threshold))
        meant = build.emit("greater", target, 0.0)
        right, said, wanted = (sum_of_all(build, value) for value in (yes * meant, yes, meant))
        weight = build.setting("beta", self.beta)
        square = weight * weight
        return {
            "f": self._share(build, (1.0 + square) * right, square * wanted + said),
            "precision": self._share(build, right, said), "recall": self._share(build, right, wanted),
        }  # fmt: skip

    @staticmethod
    def _share(build: Builder, part: Value, whole: Value) -> Value:
        return part / build.emit("where", whole, whole, 1.0)


@node_type
class RSquared(Score):
    """The share of the targets' variance that answers explain: 1 is perfect, 0 no better than their mean."""

    name, title = "r_squared", "R squared"
    formula = r"R^2 = 1 - \frac{\sum_i (t_i - \hat y_i)^2}{\sum_i (t_i - \bar t)^2}"
    source = "coefficient of determination: Hastie, Tibshirani & Friedman 2009, §3.2"
    outputs = (Port("share", "()", symbol="R^2", help="Each unit's spread is taken about its own mean."),)

    def lower(self, build: Builder, **values: Any) -> Value:
        prediction, target = values["prediction"], values["target"]
        agree(prediction, target)
        if target.rank < 1:
            raise shape_mismatch(
                f"{shape_text(target.shape)} has no spread", "Give one target for each example.", port="target"
            )
        apart = target - prediction
        centred = target - build.emit("mean", target, axes=(0,), keep=True)
        spread = sum_of_all(build, centred * centred)
        return 1.0 - sum_of_all(build, apart * apart) / spread
