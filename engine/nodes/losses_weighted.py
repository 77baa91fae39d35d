"""Losses in which some answers count more than others, or not at all; and how far a softmax is from a distribution."""

from __future__ import annotations

from typing import Any, ClassVar

from engine.nodes.base import Choice, Port, node_type
from engine.nodes.losses import LOGITS, PREDICTION, TARGET, YES_OR_NO, Loss, TermLoss, agree, mean_of_all, sum_of_all
from engine.nodes.random import classes_of
from engine.problems import shape_mismatch
from engine.program import Builder
from engine.values import Value, shape_text

WEIGHT = Port(
    "weight", "(batch, units) or (batch, 1)", symbol="c", help="How much each answer counts; 0 leaves it out."
)


class WeightedLoss(Loss):
    """A loss of terms that count more or less."""

    inputs: ClassVar[tuple[Port, ...]] = (PREDICTION, TARGET, WEIGHT)
    reduction = Choice(
        "mean", ("mean", "sum", "elements"),
        help="The sum divided by that of the weights, the sum itself, or the sum divided by the number of answers.",
    )  # fmt: skip

    def lower(self, build: Builder, **values: Any) -> Value:
        prediction, target, weight = (values[port.name] for port in self.inputs)
        agree(prediction, target)
        column = (*prediction.shape[:-1], 1)
        if weight.kind == "real" and prediction.rank == 2 and weight.shape == prediction.shape[:1]:
            weight = build.emit("reshape", weight, shape=column)
        if weight.kind != "real" or weight.shape not in (prediction.shape, column):
            fact = f"weights of shape {shape_text(weight.shape)} meet answers of shape {shape_text(prediction.shape)}"
            raise shape_mismatch(fact, "Give one weight for each answer, or one for each example.", port="weight")
        weight = build.emit("broadcast", weight, shape=prediction.shape)
        weighted = weight * self.terms(build, prediction, target)
        if self.reduction == "elements":
            return mean_of_all(build, weighted)
        total = sum_of_all(build, weighted)
        if self.reduction == "sum":
            return total
        counted = sum_of_all(build, weight)
        return total / build.emit("where", counted, counted, 1.0)  # where nothing counts, 0 and not 0/0

    def terms(self, build: Builder, prediction: Value, target: Value) -> Value:
        """One term per answer."""
        raise TypeError(f"{type(self).__name__} does not say what its terms are")


@node_type
class WeightedSquaredError(WeightedLoss):
    """Squared differences that count more or less: of the entries of a table that are known, for instance."""

    name, title = "weighted_squared_error", "weighted squared error"
    formula = r"L = \frac{1}{\sum c}\sum_i c_i\,(t_i - \hat y_i)^2"
    source = "Aggarwal 2023, §3.5 and eq. 3.49: matrix factorisation"

    def terms(self, build: Builder, prediction: Value, target: Value) -> Value:
        difference = prediction - target
        return difference * difference


@node_type
class WeightedLogisticCrossEntropy(WeightedLoss):
    """How surprised sigmoids are by yes and no, of answers that count more or less: pairs by how often they were seen."""

    name, title = "weighted_logistic_cross_entropy", "weighted logistic cross-entropy"
    formula = r"L = \frac{1}{\sum c}\sum_i c_i \left[\ln(1 + e^{z_i}) - t_i z_i\right]"
    source = "Aggarwal 2023, eqs 3.50 and 3.51: logistic matrix factorisation"
    inputs: ClassVar[tuple[Port, ...]] = (LOGITS, YES_OR_NO, WEIGHT)

    def terms(self, build: Builder, prediction: Value, target: Value) -> Value:
        return build.emit("logistic_cross_entropy", prediction, target)


SCORES_ARE = ("logits", "log_probabilities", "probabilities")


@node_type
class KLDivergence(TermLoss):
    """How far a softmax is from a distribution that it should be: 0 where they are the same."""

    name, title, icon = "kl_divergence", "KL divergence", "gauge"
    formula = r"L = \frac{1}{n}\sum_{i,k} t_{ik} \ln \frac{t_{ik}}{p_{ik}}"
    source = "Kullback & Leibler 1951; mimic models: Aggarwal 2023, §4.9.3"
    inputs = (
        Port("logits", "(batch, classes)", symbol="z", help="Scores, or what “scores are” says."),
        Port("target", "(batch, classes)", kind="target", symbol="t", help="Probabilities; together 1 for each example."),
    )  # fmt: skip
    scores_are = Choice("logits", SCORES_ARE, help="Scores before the softmax, probabilities or their logarithms.")

    def lower(self, build: Builder, **values: Any) -> Value:
        scores, target = values["logits"], values["target"]
        classes_of(scores)
        agree(scores, target)
        logarithms: Value = scores
        if self.scores_are != "log_probabilities":
            logarithms = build.emit("log_softmax" if self.scores_are == "logits" else "log", scores)
        # A class of probability 0 costs nothing, however surprised the softmax would be.
        some = build.emit("where", target, target, 1.0)
        terms = build.emit("where", target, target * (build.emit("log", some) - logarithms), 0.0)
        return self.reduce(build, build.emit("sum", terms, axes=(terms.rank - 1,)))
