"""How far one distribution is from another: Gaussians from the standard one, activities from a wanted one, and entropy."""

from __future__ import annotations

import math
from typing import Any

from engine.nodes.base import Choice, Port, Real, node_type
from engine.nodes.losses import TARGET, Loss, TermLoss, agree, number_each, sum_of_all
from engine.nodes.random import SPREAD_IS, alike
from engine.problems import shape_mismatch
from engine.program import Builder
from engine.values import Value, shape_text


def variances(build: Builder, spread: Value, meaning: str) -> tuple[Value, Value]:
    """σ² and ln σ² of what a spread port brings."""
    if meaning.startswith("log"):
        log_variance = spread if meaning == "log_variance" else 2 * spread
        return build.emit("exp", log_variance), log_variance
    variance = spread if meaning == "variance" else spread * spread
    return variance, build.emit("log", variance)


@node_type
class GaussianKL(TermLoss):
    """How far normal distributions are from the standard one: 0 at mean 0 and deviation 1."""

    name, title = "gaussian_kl", "Gaussian KL"
    formula = r"L = \frac{1}{2n}\sum_i \left(\mu_i^2 + \sigma_i^2 - \ln \sigma_i^2 - 1\right)"
    source = "Kingma & Welling 2014; Aggarwal 2023, eq. 5.20"
    inputs = (
        Port("mean", "(batch, units)", symbol=r"\mu"),
        Port("spread", "(batch, units)", symbol="s", help="How wide, as “spread is” says."),
    )
    spread_is = SPREAD_IS
    over = Choice("examples", ("elements", "examples"), help=TermLoss.over.help)

    def lower(self, build: Builder, **values: Any) -> Value:
        mean: Value = values["mean"]
        spread: Value = values["spread"]
        alike(mean, spread)
        variance, log_variance = variances(build, spread, self.spread_is)
        return self.reduce(build, 0.5 * (mean * mean + variance - log_variance - 1))


@node_type
class GaussianLikelihood(TermLoss):
    """How surprised normal distributions are by a target: an error counts the less, the wider they say they are."""

    name, title = "gaussian_likelihood", "Gaussian likelihood"
    formula = r"L = \frac{1}{2n}\sum_i \left[\frac{(t_i - \mu_i)^2}{\sigma_i^2} + \ln 2\pi\sigma_i^2\right]"
    source = "Goodfellow, Bengio & Courville 2016, §6.2.2.4; Aggarwal 2023, eq. 11.27, for actions"
    inputs = (
        Port("mean", "(batch, units)", symbol=r"\mu"),
        Port("spread", "(batch, units)", symbol="s", help="How wide, as “spread is” says."),
        TARGET,
        Port(
            "weight", "(batch)", symbol="w", optional=True,
            help="How much each example counts, a constant to the derivative: the return of an action, for instance.",
        ),
    )  # fmt: skip
    spread_is = SPREAD_IS
    over = Choice("examples", ("elements", "examples"), help=TermLoss.over.help)

    def lower(self, build: Builder, **values: Any) -> Value:
        mean: Value = values["mean"]
        alike(mean, values["spread"])
        agree(mean, values["target"])
        variance, log_variance = variances(build, values["spread"], self.spread_is)
        off = values["target"] - mean
        terms = 0.5 * (off * off / variance + log_variance + math.log(2 * math.pi))
        if values.get("weight") is not None:
            rows = build.emit("sum", terms, axes=tuple(range(1, terms.rank))) if terms.rank > 1 else terms
            terms = build.emit("stop_gradient", number_each(build, values["weight"], rows, "weight")) * rows
        return self.reduce(build, terms)


@node_type
class BernoulliKL(Loss):
    """What it costs that units are active more or less often than wanted, on average over the batch."""

    name, title, icon = "bernoulli_kl", "Bernoulli KL", "gauge"
    formula = r"L = \beta \sum_j \mathrm{KL}(\rho, \hat\rho_j)"
    source = "Ng 2011: sparse autoencoder"
    inputs = (
        Port("h", "(batch, units)", symbol="h", help="Activations between 0 and 1, as a sigmoid gives them."),
    )  # fmt: skip
    reduction = Choice("sum", ("mean", "sum"), help="Over the units: the sum as in the text, or the mean.")
    rho = Real(0.05, low=0.001, high=0.999, symbol=r"\rho", help="How active a unit should be on average.")
    strength = Real(1.0, low=0.0, high=1e6, symbol=r"\beta", help="How much it costs.")

    def lower(self, build: Builder, **values: Any) -> Value:
        h: Value = values["h"]
        if h.rank < 2 or h.kind != "real":
            raise shape_mismatch(f"{shape_text(h.shape)} holds no batch of units", "Wire a layer here.", port="h")
        rho = build.setting("rho", self.rho)
        active = build.emit("mean", h, axes=(0,))
        # The entropy of ρ is a cross-entropy too: the difference is exactly 0 where a unit is as active as wanted.
        terms = build.emit("binary_cross_entropy", active, rho) - build.emit("binary_cross_entropy", rho, rho)
        axes = tuple(range(terms.rank))
        total = sum_of_all(build, terms) if self.reduction == "sum" else build.emit("mean", terms, axes=axes)
        return build.setting("strength", self.strength) * total


@node_type
class Entropy(TermLoss):
    """How undecided a softmax is: 0 for a single class, ln k for k classes alike. To raise it, subtract it from a loss."""

    name, title, icon = "entropy", "entropy", "gauge"
    formula = r"L = -\frac{1}{n}\sum_{i,k} p_{ik} \ln p_{ik}"
    source = "Aggarwal 2023, §10.5: assignment entropy"
    inputs = (
        Port("logits", "(batch, classes)", symbol="z", help="One score per class: the node holds the softmax itself."),
    )  # fmt: skip

    def lower(self, build: Builder, **values: Any) -> Value:
        logits: Value = values["logits"]
        if logits.rank < 1 or logits.kind != "real" or not isinstance(logits.shape[-1], int):
            raise shape_mismatch(f"{shape_text(logits.shape)} holds no scores of classes", port="logits")
        terms = build.emit("softmax", logits) * build.emit("log_softmax", logits)
        return self.reduce(build, -build.emit("sum", terms, axes=(logits.rank - 1,)))
