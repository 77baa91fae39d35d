"""Units that fire by chance, and noise made for pictures and for texts."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from engine.nodes.base import Choice, Port, Real, Whole, node_type
from engine.nodes.ordering import whole_numbers
from engine.nodes.random import ACTIVE, Corruption, H, Random, hits, normal, unchanged
from engine.primitives.draws import key_of
from engine.problems import shape_mismatch
from engine.program import Builder
from engine.values import Value, shape_text


@node_type
class BernoulliSample(Random):
    """Units that are on as often as their probability says: the stochastic unit of Boltzmann machines."""

    name, title = "bernoulli_sample", "Bernoulli sample"
    formula = r"P(s = 1) = p"
    source = "Aggarwal 2023, eq. 7.6; straight-through: Bengio, Léonard & Courville 2013"
    inputs: ClassVar[tuple[Port, ...]] = (
        Port("probability", "(batch, units)", symbol="p", help="How likely each unit is on, from a sigmoid."),
    )
    outputs: ClassVar[tuple[Port, ...]] = (Port("s", "(batch, units)", symbol="s"),)
    states = Choice("0/1", ("0/1", "-1/+1"), help="What a unit may be.")
    slope = Choice(
        "none", ("none", "straight_through"),
        help="Whether a derivative passes: none, or as if the unit answered its probability.",
    )  # fmt: skip
    evaluation = Choice("probability", ("probability", "sample"), help="What it answers when it is evaluated.")

    def lower(self, build: Builder, **values: Any) -> Value:
        chance: Value = values["probability"]
        drawn = chance
        if build.training or self.evaluation == "sample":
            drawn = hits(build, build.emit("stop_gradient", chance), chance.shape, "units")
            if self.slope == "straight_through":
                drawn = drawn + (chance - build.emit("stop_gradient", chance))
        return 2.0 * drawn - 1.0 if self.states == "-1/+1" else unchanged(build, drawn)


@node_type
class NoisyReLU(Random):
    """A rectifier whose sum is noisy: many binary units of one weight, together."""

    name, title, icon = "noisy_relu", "noisy ReLU", "zap"
    formula = r"h = \max(0,\ v + \mathcal{N}(0, \sigma(v)))"
    source = "Nair & Hinton 2010; Aggarwal 2023, §7.6, which prints ln(1 + e^v)"
    inputs, outputs = (Port("v", "(batch, units)", symbol="v"),), (H,)
    variance = Choice(
        "sigmoid", ("sigmoid", "softplus"),
        help="The noise's variance: σ(v), or ln(1 + e^v) as the text prints it. No derivative passes through it.",
    )  # fmt: skip
    active = ACTIVE

    def lower(self, build: Builder, **values: Any) -> Value:
        v: Value = values["v"]
        if build.training or self.active == "always":
            deviation = build.emit("sqrt", build.emit(self.variance, build.emit("stop_gradient", v)))
            v = v + deviation * normal(build, v.shape)
        return build.emit("relu", v)


@node_type
class ColourNoise(Corruption):
    """Adds one random colour to all pixels of an image, along the colours that differ most in the data."""

    name, title, icon = "colour_noise", "colour noise", "palette"
    formula = r"\tilde x_{\cdot ij} = x_{\cdot ij} + \sum_k p_k\,\epsilon_k \lambda_k"
    source = "Krizhevsky, Sutskever & Hinton 2012; Aggarwal 2023, §9.3.4"
    inputs: ClassVar[tuple[Port, ...]] = (
        Port("x", "(batch, channels, height, width)", symbol="x"),
        *Corruption.inputs[1:],
    )
    outputs: ClassVar[tuple[Port, ...]] = (Port("y", "(batch, channels, height, width)", symbol=r"\tilde x"),)
    variance = Real(0.01, low=0.0, high=1e4, symbol=r"\sigma^2", help="Variance of each ε.")

    def spoil(self, build: Builder, x: Value, strength: Value | None) -> Value:
        channels = x.shape[1] if x.rank > 1 else None
        if not isinstance(channels, int):
            fact = f"{shape_text(x.shape)} has no channels behind the batch"
            raise shape_mismatch(fact, "Put a reshape before it.", port="x")
        axes = _main_colours(build, channels)
        table = build.source("constant", f"{build.origin.node}.colours", axes.shape, axes)
        amount = build.emit("sqrt", self.amount_of(build, "variance", strength))
        colour = (amount * normal(build, (x.shape[0], channels))) @ table
        return x + build.emit("reshape", colour, shape=(x.shape[0], channels, *[1] * (x.rank - 2)))


def _main_colours(build: Builder, channels: int) -> np.ndarray[Any, np.dtype[Any]]:
    """Principal axes of the training images' pixels as rows, each times its variance; the unit matrix without."""
    table = None if build.examples is None else build.examples()
    if table is None or table.ndim < 2 or table.shape[1] != channels:
        return np.eye(channels)
    pixels = np.moveaxis(table, 1, -1).reshape(-1, channels)
    apart = pixels - pixels.mean(axis=0)
    variances, axes = np.linalg.eigh(apart.T @ apart / max(1, len(pixels) - 1))
    return np.asarray((axes * np.maximum(variances, 0.0)).T)


@node_type
class TokenMasking(Random):
    """Hides some symbols of a text, for a network to guess: mostly by a mask, some by others, some not at all."""

    name, title, icon = "token_masking", "token masking", "eye-off"
    formula = r"\tilde c_t \in \{c_t,\ \mathrm{mask},\ \mathrm{any}\}"
    source = "Devlin et al. 2019; Aggarwal 2023, §12.2.6.2"
    inputs: ClassVar[tuple[Port, ...]] = (
        Port("x", "(batch, time)", kind="index", symbol="c", help="Numbers of symbols; real ones are rounded."),
    )
    outputs: ClassVar[tuple[Port, ...]] = (
        Port("y", "(batch, time)", kind="index", symbol=r"\tilde c"),
        Port("chosen", "(batch, time)", symbol="m", help="1 where a symbol is to be guessed: the weight of its loss."),
    )
    share = Real(0.15, low=0.0, high=1.0, help="The share of symbols that are to be guessed.")
    masked = Real(0.8, low=0.0, high=1.0, help="Of these, the share that the mask stands for.")
    exchanged = Real(0.1, low=0.0, high=1.0, help="Of these, the share that any symbol stands for; the rest stays.")
    mask = Whole(0, low=0, high=65535, help="The number of the symbol that is the mask.")
    symbols = Whole(16, low=1, high=65536, unit="symbols", help="How many different symbols there are.")

    def lower(self, build: Builder, **values: Any) -> dict[str, Value]:
        index = whole_numbers(build, values["x"])
        shape = index.shape
        if not build.training:
            nothing = build.emit("broadcast", build.constant(0.0), shape=shape)
            return {"y": build.emit("to_whole", build.emit("to_real", index)), "chosen": nothing}
        symbol = build.emit("to_real", index)
        share, masked, exchanged = (
            build.setting(name, getattr(self, name)) for name in ("share", "masked", "exchanged")
        )
        chosen = hits(build, share, shape, "chosen")
        lots = build.emit("random_uniform", shape=shape, key=key_of(build, "how"))
        # From −½ up to ½ below how many there are, then rounded: each as likely as the next.
        any_symbol = self.symbols * build.emit("random_uniform", shape=shape, key=key_of(build, "any")) - 0.5
        other = build.emit("where", build.emit("greater", masked + exchanged, lots), any_symbol, symbol)
        hidden = build.emit("where", build.emit("greater", masked, lots), float(self.mask), other)
        return {"y": build.emit("to_whole", build.emit("where", chosen, hidden, symbol)), "chosen": chosen}
