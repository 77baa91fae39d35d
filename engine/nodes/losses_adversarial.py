"""Two networks against each other, and penalties on derivatives: what a critic or an encoder does to a small step."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.differentiate import slope_within
from engine.nodes.base import Choice, Flag, NodeType, Port, Real, node_type
from engine.nodes.losses import ExampleLoss, TermLoss
from engine.problems import shape_mismatch
from engine.program import Builder
from engine.values import Value, count, shape_text

REAL = Port("real", "(batch, 1)", symbol="a", help="The discriminator's scores of real examples.")
FAKE = Port("fake", "(batch, 1)", symbol="b", help="The discriminator's scores of made ones.")
SCORES_ARE = Choice(
    "logits", ("logits", "probabilities"),
    help="Scores before the sigmoid, which the loss holds itself (safe at any size), or probabilities behind it.",
)  # fmt: skip
MOST_UNITS = 256


@node_type
class DiscriminatorLoss(TermLoss):
    """What it costs a discriminator to take real for made and made for real; for a critic, the gap it leaves."""

    name, title, icon = "discriminator_loss", "discriminator loss", "scan-search"
    formula = r"L = -\frac{1}{n}\sum_i \left[\ln D(x_i) + \ln(1 - D(y_i))\right]"
    source = "Goodfellow et al. 2014; Aggarwal 2023, eq. 12.22, which maximises sums; Arjovsky et al. 2017"
    inputs = (REAL, FAKE)
    form = Choice(
        "cross_entropy", ("cross_entropy", "wasserstein"),
        help="The surprise at both, or a critic's mean score of made examples less that of real ones.",
    )  # fmt: skip
    scores_are = SCORES_ARE

    def lower(self, build: Builder, **values: Any) -> Value:
        real, fake = values["real"], values["fake"]
        if self.form == "wasserstein":
            return self.reduce(build, fake) - self.reduce(build, real)
        return self.reduce(build, self.surprise(build, real, 1.0)) + self.reduce(build, self.surprise(build, fake, 0.0))

    def surprise(self, build: Builder, scores: Value, answer: float) -> Value:
        """−ln D for the answer 1, −ln(1 − D) for 0."""
        if self.scores_are == "probabilities":
            return build.emit("binary_cross_entropy", scores, answer)
        return build.emit("softplus", -scores if answer else scores)


@node_type
class GeneratorLoss(TermLoss):
    """What it costs a generator that its examples are seen through."""

    name, title, icon = "generator_loss", "generator loss", "wand-sparkles"
    formula = r"L = -\frac{1}{n}\sum_i \ln D(G(z_i))"
    source = "Goodfellow et al. 2014; Aggarwal 2023, §12.5.1; Arjovsky et al. 2017"
    inputs = (FAKE,)
    form = Choice(
        "non_saturating", ("non_saturating", "minimax", "wasserstein"),
        help="−ln D, which pulls hard while D is sure; ln(1 − D) as the game has it; or minus a critic's score.",
    )  # fmt: skip
    scores_are = SCORES_ARE

    def lower(self, build: Builder, **values: Any) -> Value:
        fake = values["fake"]
        if self.form == "wasserstein":
            return self.reduce(build, -fake)
        if self.scores_are == "probabilities":
            if self.form == "minimax":
                return self.reduce(build, -build.emit("binary_cross_entropy", fake, 0.0))
            return self.reduce(build, build.emit("binary_cross_entropy", fake, 1.0))
        terms = -build.emit("softplus", fake) if self.form == "minimax" else build.emit("softplus", -fake)
        return self.reduce(build, terms)


def slope_of(y: Value, x: Value, along: Value | None = None) -> Value:
    """The derivative of the sum of all of y (weighed by `along`) by x, in its shape. Raises `ShapeMismatch` without one."""
    slope = slope_within(y, x, along) if "whole" not in (y.kind, x.kind) else None
    if slope is None:
        raise shape_mismatch(
            "it does not depend on what is wired to “x”", "Wire to “x” a node that leads to it.", port="x"
        )
    return slope


@node_type
class Derivative(NodeType):
    """The derivative of one node by another before it, as a value to go on with; examples do not mix."""

    name, category, icon, title = "derivative", "Maths", "tangent", "derivative"
    looks_back = True
    formula = r"g = \frac{\partial \sum y}{\partial x}"
    source = "Aggarwal 2023, §2.3; of a derivative again: Pearlmutter 1994"
    inputs = (
        Port("y", symbol="y", help="What is differentiated; of several numbers, their sum."),
        Port("x", symbol="x", help="By what: a node that leads to it."),
    )
    outputs = (Port("g", "as x", symbol="g"),)

    def lower(self, build: Builder, **values: Any) -> Value:
        # A view: where y is linear in x the derivative is a value of another node.
        slope = slope_of(values["y"], values["x"])
        return build.emit("reshape", slope, shape=slope.shape)


@node_type
class GradientPenalty(ExampleLoss):
    """What it costs a critic that its slope at an example is not 1 long."""

    name, title, icon = "gradient_penalty", "gradient penalty", "trending-up"
    looks_back = True
    formula = r"L = \frac{\lambda}{n}\sum_i \left(\lVert \nabla_{x_i} f(x_i) \rVert - k\right)^2"
    source = "Gulrajani et al. 2017: Wasserstein GAN with gradient penalty"
    inputs = (
        Port("y", "(batch, 1)", symbol="f", help="The critic's scores, one for each example."),
        Port("x", "(batch, features)", symbol="x", help="What it scores: a mixture of real and made examples."),
    )
    strength = Real(10.0, low=0.0, high=1e6, symbol=r"\lambda", help="How much it costs.")
    length = Real(1.0, low=0.0, high=1e6, symbol="k", help="How long a slope should be.")
    side = Choice(
        "both",
        ("both", "above"),
        help="Whether shorter slopes cost too, or longer ones alone (for one feature: no slope turns round past 0 otherwise).",
    )

    def lower(self, build: Builder, **values: Any) -> Value:
        x: Value = values["x"]
        slope = slope_of(values["y"], x)
        if x.rank < 2:
            raise shape_mismatch(f"{shape_text(x.shape)} holds no rows of features", "Wire examples here.", port="x")
        length = build.emit("norm", build.emit("reshape", slope, shape=(x.shape[0], count(x.shape[1:]))))
        off = length - build.setting("length", self.length)
        if self.side == "above":
            off = build.emit("relu", off)
        terms = off * off
        return build.setting("strength", self.strength) * self.reduce(build, terms)


@node_type
class ContractivePenalty(ExampleLoss):
    """What it costs that hidden units move when the input moves: the squares of all their derivatives, exactly."""

    name, title, icon = "contractive_penalty", "contractive penalty", "shrink"
    looks_back = True
    formula = r"L = \frac{\lambda}{2n}\sum_i \sum_{j,k} \left(\frac{\partial h_{ij}}{\partial x_{ik}}\right)^2"
    source = "Rifai et al. 2011; Aggarwal 2023, eqs 5.14 to 5.16"
    inputs = (
        Port("h", "(batch, units)", symbol="h", help="The code: whatever stands between it and x is differentiated."),
        Port("x", "(batch, features)", symbol="x", help="What is encoded."),
    )
    strength = Real(0.1, low=0.0, high=1e6, symbol=r"\lambda", help="How much it costs.")
    half = Flag(True, help="Whether ½ stands before it, as in the text.")

    def lower(self, build: Builder, **values: Any) -> Value:
        h: Value = values["h"]
        x: Value = values["x"]
        units = h.shape[1] if h.rank == 2 and h.kind == "real" else None
        if not isinstance(units, int):
            raise shape_mismatch(f"{shape_text(h.shape)} holds no batch of units", "Wire a layer here.", port="h")
        if units > MOST_UNITS:
            fact = f"{units} units mean as many derivatives, and {MOST_UNITS} are the most"
            raise shape_mismatch(fact, "Use a smaller code.", port="h")
        if x.rank < 2:
            raise shape_mismatch(f"{shape_text(x.shape)} holds no rows of features", "Wire examples here.", port="x")
        squares = []
        for unit, row in enumerate(np.eye(units)):  # the Jacobian's rows, each in the shape of x
            along = build.source("constant", f"{build.origin.node}.unit_{unit}", (units,), row)
            slope = slope_of(h, x, build.emit("broadcast", along, shape=h.shape))
            squares.append(build.emit("sum", slope * slope, axes=tuple(range(1, x.rank))))
        total = self.reduce(build, squares[0] if units == 1 else build.emit("total", *squares))
        return build.setting("strength", self.strength) * (0.5 * total if self.half else total)
