"""How wrong an answer is: losses, as one number for the batch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from engine.nodes.base import Choice, Flag, NodeType, Port, Real, node_type
from engine.problems import shape_mismatch
from engine.program import Builder
from engine.values import Value, shape_text

PREDICTION = Port("prediction", "(batch, units)", symbol=r"\hat y")
SCORE = Port("prediction", "(batch, units)", symbol="v", help="The sum before any activation: its sign is the answer.")
PROBABILITY = Port("prediction", "(batch, units)", symbol=r"\hat y", help="A probability between 0 and 1.")
LOGITS = Port(
    "logits", "(batch, units)", symbol="z", help="The sum before the sigmoid: the loss holds the sigmoid itself."
)
SCORES = Port("logits", "(batch, classes)", symbol="z", help="One score per class: the loss holds the softmax itself.")
TARGET = Port("target", "(batch, units)", kind="target", symbol="t")
LABEL = Port("target", "(batch, units)", kind="target", symbol="t", help="The label, −1 or +1.")
YES_OR_NO = Port("target", "(batch, units)", kind="target", symbol="t", help="1 for yes, 0 for no.")
CLASS = Port(
    "target",
    "(batch) or (batch, classes)",
    kind="target",
    symbol="t",
    help="Class numbers, or one column for each class.",
)
LOSS = Port("loss", "()", kind="loss", symbol="L")
MEAN = re.compile(r"\\frac\{(\S+?)\}\{(2?)(?:n|\\sum [a-z])\}\\sum")  # what a formula says of a mean


def agree(prediction: Value, target: Value) -> None:
    """Raise `ShapeMismatch` unless prediction and target have one shape."""
    if prediction.shape != target.shape or target.kind != "real":
        fact = (
            f"a prediction of shape {shape_text(prediction.shape)} meets a target of shape {shape_text(target.shape)}"
        )
        if target.kind != "real":
            fact += " of class numbers"
        raise shape_mismatch(fact, "Give the last layer as many units as the target has.", port="target")


def number_each(build: Builder, value: Value, like: Value, port: str) -> Value:
    """One number for each row, whether it comes as (batch) or (batch, 1). Raises `ShapeMismatch`."""
    if value.kind != "real" or value.shape not in (like.shape, (*like.shape, 1)):
        fact = f"{shape_text(value.shape)} does not hold one number for each of {shape_text(like.shape)}"
        raise shape_mismatch(fact, "Give one number for each example.", port=port)
    return value if value.shape == like.shape else build.emit("reshape", value, shape=like.shape)


def mean_of_all(build: Builder, x: Value) -> Value:
    """The mean over all axes, as one number."""
    return build.emit("mean", x, axes=tuple(range(x.rank))) if x.rank else x


def sum_of_all(build: Builder, x: Value) -> Value:
    """The sum over all axes, as one number."""
    return build.emit("sum", x, axes=tuple(range(x.rank))) if x.rank else x


def _added(mean: re.Match[str]) -> str:
    """A sum in place of a mean; factors stay."""
    factor, half = mean.groups()
    if half:
        return rf"\frac{{{factor}}}{{2}}\sum"
    return r"\sum" if factor == "1" else rf"{factor}\sum"


class Loss(NodeType):
    """A loss that is computed example by example and then averaged or added over the batch."""

    category, icon = "Losses", "target"
    outputs: ClassVar[tuple[Port, ...]] = (LOSS,)
    reduction = Choice(
        "mean", ("mean", "sum"), help="Over the batch: the mean, or the sum as in Aggarwal 2023, eq. 2.30."
    )

    @classmethod
    def formula_with(cls, values: Mapping[str, Any]) -> str:
        is_sum = values.get("reduction", cls.properties()["reduction"].default) == "sum"
        return MEAN.sub(_added, cls.formula) if is_sum else cls.formula


class ExampleLoss(Loss):
    """A loss with one term for each example."""

    def reduce(self, build: Builder, terms: Value) -> Value:
        """The terms as one number."""
        return sum_of_all(build, terms) if self.reduction == "sum" else mean_of_all(build, terms)


class TermLoss(Loss):
    """A loss with many terms for an example: one for each unit, or each moment of a sequence."""

    over = Choice(
        "elements",
        ("elements", "examples"),
        help="A mean counts every term of every example, or adds an example's terms and counts examples.",
    )

    def reduce(self, build: Builder, terms: Value) -> Value:
        """The terms as one number, as `reduction` and `over` say."""
        if self.reduction == "sum":
            return sum_of_all(build, terms)
        if self.over == "examples" and terms.rank > 1 and terms.shape[1:] != (1,) * (terms.rank - 1):
            terms = build.emit("sum", terms, axes=tuple(range(1, terms.rank)))
        return mean_of_all(build, terms)


class ElementLoss(TermLoss):
    """A loss with one term for every unit of every example."""

    inputs = (PREDICTION, TARGET)

    def lower(self, build: Builder, **values: Any) -> Value:
        agree(values["prediction"], values["target"])
        return self.reduce(build, self.terms(build, values["prediction"], values["target"]))

    def terms(self, build: Builder, prediction: Value, target: Value) -> Value:
        """One term per entry, in the prediction's shape."""
        raise TypeError(f"{type(self).__name__} does not say what its terms are")


@node_type
class SquaredError(ElementLoss):
    """The squared differences, added over the units of an example."""

    name = "squared_error"
    formula = r"L = \sum_i (t_i - \hat y_i)^2"
    source = "Aggarwal 2023, §1.3.3, without ½"
    half = Flag(False, help="Whether ½ stands before it, so that the derivative is the difference itself.")

    @classmethod
    def formula_with(cls, values: Mapping[str, Any]) -> str:
        formula = super().formula_with(values)
        return formula.replace(r"\sum", r"\tfrac{1}{2}\sum") if values.get("half") else formula

    over = Choice("examples", ("elements", "examples"), help=ElementLoss.over.help)

    def terms(self, build: Builder, prediction: Value, target: Value) -> Value:
        difference = prediction - target
        return difference * difference

    def reduce(self, build: Builder, terms: Value) -> Value:
        total = super().reduce(build, terms)
        return 0.5 * total if self.half else total


@node_type
class MeanSquaredError(ElementLoss):
    """The mean of the squared differences, over all entries of the batch."""

    name = "mean_squared_error"
    formula = r"L = \frac{1}{n}\sum_i (\hat y_i - t_i)^2"
    source = "Goodfellow, Bengio & Courville 2016, eq. 5.5"

    def terms(self, build: Builder, prediction: Value, target: Value) -> Value:
        difference = prediction - target
        return difference * difference


@node_type
class AbsoluteError(ElementLoss):
    """The mean distance between prediction and target; the slope is 0 where they meet."""

    name = "absolute_error"
    formula = r"L = \frac{1}{n}\sum_i |\hat y_i - t_i|"
    source = "Hastie, Tibshirani & Friedman 2009, §10.6"

    def terms(self, build: Builder, prediction: Value, target: Value) -> Value:
        return build.emit("absolute", prediction - target)


@node_type
class PerceptronCriterion(ElementLoss):
    """How far a wrong score lies on the wrong side, for labels −1 and +1."""

    name = "perceptron_criterion"
    formula = r"L = \frac{1}{n}\sum_i \max(-t_i v_i, 0)"
    source = "Aggarwal 2023, eq. 1.5"
    inputs = (SCORE, LABEL)
    at_zero = Choice(
        "right", ("right", "mistake"),
        help="What a score of exactly 0 counts as. Right: its slope is 0, and weights that start at 0 never move. "
        "Mistake: it is corrected as the rule corrects it.",
    )  # fmt: skip

    def terms(self, build: Builder, prediction: Value, target: Value) -> Value:
        kink = {"slope_at_zero": 1.0} if self.at_zero == "mistake" else {}
        return build.emit("relu", -(target * prediction), **kink)


MARGIN = Real(
    1.0, low=0.0, high=1e6, symbol="a", help="How far on its side a score has to lie; 0 asks for the right side alone."
)


@node_type
class Hinge(ElementLoss):
    """As the perceptron criterion, but a right score must keep a margin; the slope is 0 on the margin."""

    name = "hinge"
    formula = r"L = \frac{1}{n}\sum_i \max(a - t_i v_i, 0)"
    source = "Aggarwal 2023, §3.2.4, support vector machine, with a = 1; exercise 3.1"
    inputs = (SCORE, LABEL)
    margin = MARGIN

    def terms(self, build: Builder, prediction: Value, target: Value) -> Value:
        return build.emit("relu", build.setting("margin", self.margin) - target * prediction)


@node_type
class LogisticLoss(ElementLoss):
    """How surprised the sigmoid of a score is by a label −1 or +1."""

    name = "logistic_loss"
    formula = r"L = \frac{1}{n}\sum_i \ln\left(1 + e^{-t_i v_i}\right)"
    source = "Aggarwal 2023, §1.3.3: −ln|t/2 − ½ + σ(v)|, written in the score"
    inputs = (SCORE, LABEL)

    def terms(self, build: Builder, prediction: Value, target: Value) -> Value:
        return build.emit("softplus", -(target * prediction))


@node_type
class BinaryCrossEntropy(ElementLoss):
    """How surprised a probability is by a yes or no (1 or 0)."""

    name = "binary_cross_entropy"
    formula = r"L = -\frac{1}{n}\sum_i \left[t_i \ln \hat y_i + (1 - t_i) \ln (1 - \hat y_i)\right]"
    source = "Goodfellow, Bengio & Courville 2016, §6.2.2.2"
    inputs = (PROBABILITY, YES_OR_NO)

    def terms(self, build: Builder, prediction: Value, target: Value) -> Value:
        return build.emit("binary_cross_entropy", prediction, target)


@node_type
class LogisticCrossEntropy(ElementLoss):
    """How surprised the sigmoid of a logit is by a yes or no (1 or 0); safe for logits of any size."""

    name = "logistic_cross_entropy"
    formula = r"L = \frac{1}{n}\sum_i \left[\ln(1 + e^{z_i}) - t_i z_i\right]"
    source = "Goodfellow, Bengio & Courville 2016, §6.2.2.2"
    inputs = (LOGITS, YES_OR_NO)

    def lower(self, build: Builder, **values: Any) -> Value:
        return super().lower(build, prediction=values["logits"], target=values["target"])

    def terms(self, build: Builder, prediction: Value, target: Value) -> Value:
        return build.emit("logistic_cross_entropy", prediction, target)


@node_type
class SoftmaxCrossEntropy(TermLoss):
    """How surprised the softmax of the scores is by the right class; safe for scores of any size."""

    name = "softmax_cross_entropy"
    formula = r"L = -\frac{1}{n}\sum_i \ln \frac{e^{z_{i t_i}}}{\sum_k e^{z_{ik}}}"
    source = "Aggarwal 2023, eqs 1.8 and 2.19"
    inputs = (SCORES, CLASS)
    primitive: ClassVar[dict[str, str]] = {"whole": "class_cross_entropy", "real": "softmax_cross_entropy"}

    def lower(self, build: Builder, **values: Any) -> Value:
        scores, target = values["logits"], values["target"]
        classes = build.classes if target.kind == "whole" else None
        if classes is not None and scores.rank and isinstance(scores.shape[-1], int) and scores.shape[-1] < classes:
            fact = f"the data has {classes} classes, and there are scores for {scores.shape[-1]}"
            raise shape_mismatch(fact, f"Give the last layer {classes} units.", port="logits")
        return self.reduce(build, build.emit(self.primitive[target.kind], scores, target))
