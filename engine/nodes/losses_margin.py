"""Losses that ask for a margin: between a score and its label, among classes, between pairs and triplets."""

from __future__ import annotations

from typing import Any, ClassVar

from engine.nodes.base import Choice, Flag, Port, Real, node_type
from engine.nodes.losses import CLASS, LABEL, MARGIN, SCORE, ElementLoss, TermLoss
from engine.primitives.losses import by_row
from engine.problems import ShapeMismatch, shape_mismatch
from engine.program import Builder
from engine.values import Value, shape_text

VOTES = Port("logits", "(batch, classes)", symbol="v", help="One score per class, as the last layer gives them.")
ALIKE = Port(
    "target", "(batch, 1)", kind="target", symbol="t", help="1 for a pair that belongs together, 0 for another."
)


@node_type
class SquaredHinge(ElementLoss):
    """The hinge squared: a parabola that ends where the margin is kept, with no kink there."""

    name, title = "squared_hinge", "squared hinge"
    formula = r"L = \frac{1}{n}\sum_i \max(a - t_i v_i, 0)^2"
    source = "Aggarwal 2023, §3.2.3 (Hinton's loss), with a = 1"
    inputs = (SCORE, LABEL)
    margin = MARGIN
    half = Flag(False, help="Whether ½ stands before it, so that the derivative is the violation itself.")

    def terms(self, build: Builder, prediction: Value, target: Value) -> Value:
        short = build.emit("relu", build.setting("margin", self.margin) - target * prediction)
        return 0.5 * (short * short) if self.half else short * short


@node_type
class Huber(ElementLoss):
    """A parabola for small errors and a straight line for large ones: c is the size of an error or δ, if that is less."""

    name, title = "huber", "Huber"
    formula = r"L = \frac{1}{n}\sum_i c_i \left(|d_i| - \tfrac{c_i}{2}\right)"
    source = "Huber 1964; Hastie, Tibshirani & Friedman 2009, eq. 10.23"
    delta = Real(1.0, low=0.0, high=1e6, symbol=r"\delta", help="The size of error beyond which the line begins.")

    def terms(self, build: Builder, prediction: Value, target: Value) -> Value:
        distance = build.emit("absolute", prediction - target)
        near = build.emit("minimum", distance, build.setting("delta", self.delta))
        return near * (distance - 0.5 * near)


class ClassMargin(TermLoss):
    """A loss that compares the right class's score with each of the others."""

    inputs = (VOTES, CLASS)

    def lower(self, build: Builder, **values: Any) -> Value:
        scores: Value = values["logits"]
        by_row(scores, values["target"])
        right = values["target"]
        if right.kind == "whole":
            right = build.emit("one_hot", right, classes=scores.shape[-1])
        last = (scores.rank - 1,)
        ahead = scores - build.emit("sum", right * scores, axes=last, keep=True)
        return self.reduce(build, self.per_example(build, ahead, 1 - right))

    def per_example(self, build: Builder, ahead: Value, wrong: Value) -> Value:
        """One number per row: `ahead` is how far each score lies before the right one, `wrong` is 1 for wrong classes."""
        raise TypeError(f"{type(self).__name__} does not say what it costs")


@node_type
class MulticlassPerceptron(ClassMargin):
    """How far the worst of the wrong classes lies before the right one; 0 where none does."""

    name, title = "multiclass_perceptron", "multiclass perceptron"
    formula = r"L = \frac{1}{n}\sum_i \max_{r \neq t_i} \max(v_{ir} - v_{i t_i}, 0)"
    source = "Aggarwal 2023, §3.3.1, eqs 3.22 to 3.24"

    def per_example(self, build: Builder, ahead: Value, wrong: Value) -> Value:
        # The right class is 0 ahead of itself, so that the maximum over all classes is never below 0.
        return build.emit("relu", build.emit("max", ahead * wrong, axes=(ahead.rank - 1,)))


@node_type
class WestonWatkins(ClassMargin):
    """A hinge for every wrong class: the right one has to lie before each by a margin."""

    name, title = "weston_watkins", "Weston-Watkins"
    formula = r"L = \frac{1}{n}\sum_i \sum_{r \neq t_i} \max(v_{ir} - v_{i t_i} + a, 0)"
    source = "Weston & Watkins 1999; Aggarwal 2023, §3.3.2, eqs 3.25 to 3.27, with a = 1"
    margin = MARGIN

    def per_example(self, build: Builder, ahead: Value, wrong: Value) -> Value:
        costs = build.emit("relu", ahead + build.setting("margin", self.margin)) * wrong
        return build.emit("sum", costs, axes=(costs.rank - 1,))


@node_type
class RankHinge(TermLoss):
    """A score that should be higher than another's has to lie before it by a margin."""

    name, title = "rank_hinge", "pairwise rank"
    formula = r"L = \frac{1}{n}\sum_i \max(a - s^+_i + s^-_i, 0)"
    source = "Schütze 2015: multimodal embeddings, ranking loss"
    inputs = (
        Port("positive", "(batch, units)", symbol="s^+", help="Scores of what belongs together."),
        Port("negative", "(batch, units)", symbol="s^-", help="Scores of what does not: one for each positive, or several."),
    )  # fmt: skip
    margin = MARGIN

    def lower(self, build: Builder, **values: Any) -> Value:
        positive, negative = values["positive"], values["negative"]
        try:
            behind = build.setting("margin", self.margin) - positive + negative
        except ShapeMismatch as error:
            raise error.at(port="negative") from None
        return self.reduce(build, build.emit("relu", behind))


class EmbeddingLoss(TermLoss):
    """A loss that pulls rows of numbers together and pushes others apart."""

    margin = Real(1.0, low=0.0, high=1e6, symbol="a", help="How far apart is far enough.")

    def rows(self, first: Value, other: Value, port: str) -> None:
        """Raise `ShapeMismatch` unless both are rows of one shape."""
        if first.shape != other.shape or first.rank < 1 or "whole" in (first.kind, other.kind):
            fact = f"rows of shape {shape_text(first.shape)} meet rows of shape {shape_text(other.shape)}"
            raise shape_mismatch(fact, "Give both as many units.", port=port)


@node_type
class Triplet(EmbeddingLoss):
    """An example has to lie nearer to one of its kind than to a stranger: d⁺ and d⁻ differ by a margin."""

    name, title = "triplet", "triplet"
    formula = r"L = \frac{1}{n}\sum_i \max(d^+_i - d^-_i + a, 0)"
    source = "Schroff, Kalenichenko & Philbin 2015"
    inputs: ClassVar[tuple[Port, ...]] = (
        Port("anchor", "(batch, units)", symbol="x"),
        Port("positive", "(batch, units)", symbol="x^+", help="One of the anchor's kind."),
        Port("negative", "(batch, units)", symbol="x^-", help="One of another kind."),
    )
    distance = Choice("squared", ("squared", "plain"), help="Whether distances are squared, or as they are.")

    def lower(self, build: Builder, **values: Any) -> Value:
        anchor = values["anchor"]
        away = {}
        for port in ("positive", "negative"):
            self.rows(anchor, values[port], port)
            difference = anchor - values[port]
            if self.distance == "plain":
                away[port] = build.emit("norm", difference)
            else:
                away[port] = build.emit("sum", difference * difference, axes=(anchor.rank - 1,), keep=True)
        behind = away["positive"] - away["negative"] + build.setting("margin", self.margin)
        return self.reduce(build, build.emit("relu", behind))


@node_type
class Contrastive(EmbeddingLoss):
    """Pairs that belong together are pulled together, others are pushed apart until their distance d is far enough."""

    name, title = "contrastive", "contrastive"
    formula = r"L = \frac{1}{n}\sum_i \left[t_i d_i^2 + (1 - t_i) \max(a - d_i, 0)^2\right]"
    source = "Hadsell, Chopra & LeCun 2006, which puts ½ before it"
    inputs: ClassVar[tuple[Port, ...]] = (
        Port("first", "(batch, units)", symbol="x"),
        Port("second", "(batch, units)", symbol="y"),
        ALIKE,
    )
    half = Flag(False, help="Whether ½ stands before it, as in the paper.")

    def lower(self, build: Builder, **values: Any) -> Value:
        first, second, target = values["first"], values["second"], values["target"]
        self.rows(first, second, "second")
        distance = build.emit("norm", first - second)
        if target.kind != "real" or target.shape not in (distance.shape, distance.shape[:-1]):
            fact = f"{shape_text(distance.shape)} pairs meet targets of shape {shape_text(target.shape)}"
            raise shape_mismatch(fact, "Give one number, 1 or 0, for each pair.", port="target")
        if target.shape != distance.shape:
            target = build.emit("reshape", target, shape=distance.shape)
        near = build.emit("relu", build.setting("margin", self.margin) - distance)
        costs = target * (distance * distance) + (1 - target) * (near * near)
        return self.reduce(build, 0.5 * costs if self.half else costs)
