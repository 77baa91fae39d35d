"""What is drawn at random: dropped units and weights, noise, corruption, samples, bags; the same from the same seed.

Every number is a function of the document's seed, the node's address, the iteration and the place (`engine.primitives.draws`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from engine.nodes.base import Choice, Dimensions, Flag, NodeType, Numbers, Port, Real, Whole, node_type
from engine.nodes.layers import features_of
from engine.primitives.draws import key_of
from engine.problems import Problem, ProblemError, shape_mismatch
from engine.program import Builder
from engine.values import B, Batch, Shape, Value, count, shape_text

X = Port("x", "(batch, units)", symbol="x")
H = Port("h", "(batch, units)", symbol="h")
LOGITS = Port("logits", "(batch, classes)", symbol="z", help="One score per class: the node holds the softmax itself.")
ACTIVE = Choice("training", ("training", "always"), help="In training alone, or in every answer too.")
SPREADS: dict[str, Callable[[Builder, Value], Value]] = {
    "log_variance": lambda build, s: build.emit("exp", 0.5 * s),
    "log_deviation": lambda build, s: build.emit("exp", s),
    "variance": lambda build, s: build.emit("sqrt", s),
    "deviation": lambda build, s: s,
}
SPREAD_IS = Choice(
    "log_variance", tuple(SPREADS),
    help="What the spread port brings: ln σ² (any number will do), ln σ, σ², or σ itself, as the text has it.",
)  # fmt: skip


def unchanged(build: Builder, x: Value) -> Value:
    """The operand as a value of this node's own."""
    return build.emit("reshape", x, shape=x.shape)


def hits(build: Builder, chance: Value, shape: Shape, stream: str) -> Value:
    """1 with that chance, else 0."""
    return build.emit("random_bernoulli", chance, shape=shape, key=key_of(build, stream))


def normal(build: Builder, shape: Shape) -> Value:
    """Standard normal numbers."""
    return build.emit("random_normal", shape=shape, key=key_of(build, "noise"))


class Random(NodeType):
    """Something drawn anew at every iteration."""

    category, icon = "Random", "dices"


class Masked(Random):
    """Something multiplied by zeros and ones that are drawn at every iteration."""

    rate = Real(0.5, low=0.0, high=1.0, symbol="p", help="How likely one is dropped (or kept, as “rate is” says).")
    rate_is = Choice("drop", ("drop", "keep"), help="Whether the rate is the chance to be dropped or to be kept.")
    scaling = Choice(
        "inverted", ("inverted", "evaluation", "none"),
        help="Divide by the chance to be kept in training, multiply by it in evaluation (the text), or neither.",
    )  # fmt: skip

    def masked(self, build: Builder, x: Value, shape: Shape) -> Value:
        """The operand under a mask of that shape in training, and what stands for it in evaluation."""
        rate = build.setting("rate", self.rate)
        keep = rate if self.rate_is == "keep" else 1 - rate
        if not build.training:
            return x * keep if self.scaling == "evaluation" else unchanged(build, x)
        mask = hits(build, keep, shape, "mask")
        if self.scaling == "inverted":
            mask = build.emit("ratio_or_zero", mask, keep)  # nothing at all is kept with a chance of 0
        return x * mask


@node_type
class Dropout(Masked):
    """Sets units to 0 at random in training, so that none can rely on another."""

    name = "dropout"
    formula = r"h = \frac{m \odot x}{1 - p}"
    source = "Srivastava et al. 2014; Aggarwal 2023, §5.5.4, which scales in evaluation instead"
    inputs, outputs = (X,), (H,)
    mask = Choice(
        "example", ("example", "batch", "maps", "whole"),
        help="A mask for each example, one for the mini-batch (the text), one number for each map of an image, or one for "
        "the whole example: then a branch of a residual network is dropped at a time (stochastic depth).",
    )  # fmt: skip

    def lower(self, build: Builder, **values: Any) -> Value:
        x: Value = values["x"]
        shape = x.shape
        if self.mask == "batch" and x.rank > 1 and isinstance(x.shape[0], Batch):
            shape = (1, *x.shape[1:])
        elif self.mask in ("maps", "whole") and x.rank > 1:
            kept = 2 if self.mask == "maps" else 1
            shape = (*x.shape[:kept], *[1] * (x.rank - kept))
        return self.masked(build, x, shape)


@node_type
class Dropconnect(Masked):
    """Sets weights to 0 at random in training: wire it between a parameter and a layer's weight."""

    name, icon = "dropconnect", "unplug"
    formula = r"W' = \frac{M \odot W}{1 - p}"
    source = "Wan et al. 2013; Aggarwal 2023, §5.5.4"
    inputs = (Port("weight", "(features, units)", symbol="W", help="A parameter node."),)
    outputs = (Port("kept", "(features, units)", kind="parameter", symbol="W'", help="Wire it to a layer's weight."),)

    def lower(self, build: Builder, **values: Any) -> Value:
        return self.masked(build, values["weight"], values["weight"].shape)


class Corruption(Random):
    """Something that spoils its input."""

    inputs: ClassVar[tuple[Port, ...]] = (
        X,
        Port("strength", "()", symbol="s", optional=True, help="What the amount is multiplied by: wire a schedule."),
    )
    outputs: ClassVar[tuple[Port, ...]] = (Port("y", "(batch, units)", symbol=r"\tilde x"),)
    active = ACTIVE

    def lower(self, build: Builder, **values: Any) -> Value:
        x: Value = values["x"]
        strength: Value | None = values.get("strength")
        if strength is not None and count(strength.shape) != 1:
            fact = f"how strong it is is one number, not {shape_text(strength.shape)}"
            raise shape_mismatch(fact, "Wire a schedule or a constant.", port="strength")
        if not build.training and self.active == "training":
            return unchanged(build, x)
        return self.spoil(build, x, None if strength is None else build.emit("reshape", strength, shape=()))

    def spoil(self, build: Builder, x: Value, strength: Value | None) -> Value:
        """The spoiled input, in its shape."""
        raise TypeError(f"{type(self).__name__} does not say what it does")

    def amount_of(self, build: Builder, name: str, strength: Value | None) -> Value:
        """A number of the node, times the strength of the moment where there is one."""
        amount = build.setting(name, getattr(self, name))
        return amount if strength is None else amount * strength


@node_type
class GaussianNoise(Corruption):
    """Adds normal noise to every number."""

    name, icon, title = "gaussian_noise", "waves", "Gaussian noise"
    formula = r"\tilde x = x + \sigma\,\epsilon"
    source = "Aggarwal 2023, §5.4.1, eqs 5.7 and 5.8; λ there is the variance"
    amount = Real(0.1, low=0.0, high=1e6, symbol=r"\sigma", help="How strong: σ, or σ² as “amount is” says.")
    amount_is = Choice(
        "deviation", ("deviation", "variance"), help="Whether the amount is σ, or the variance σ² (λ in the text)."
    )

    def spoil(self, build: Builder, x: Value, strength: Value | None) -> Value:
        amount = self.amount_of(build, "amount", strength)
        deviation = build.emit("sqrt", amount) if self.amount_is == "variance" else amount
        return x + deviation * normal(build, x.shape)


@node_type
class MaskingNoise(Corruption):
    """Sets a share of the numbers to 0, and leaves the others as they are."""

    name, icon, title = "masking_noise", "eye-off", "masking noise"
    formula = r"\tilde x = (1 - m) \odot x"
    source = "Aggarwal 2023, §5.10.2: denoising autoencoder"
    fraction = Real(0.2, low=0.0, high=1.0, symbol="f", help="The share that is set to 0.")

    def spoil(self, build: Builder, x: Value, strength: Value | None) -> Value:
        return x * hits(build, 1 - self.amount_of(build, "fraction", strength), x.shape, "mask")


@node_type
class SaltAndPepper(Corruption):
    """Sets a share of the numbers to the smallest or the largest value, by a fair coin."""

    name, icon, title = "salt_and_pepper", "binary", "salt and pepper"
    formula = r"\tilde x_i \in \{x_i, a, b\}"
    source = "Aggarwal 2023, §5.10.2: denoising autoencoder"
    fraction = Real(0.2, low=0.0, high=1.0, symbol="f", help="The share that is spoiled.")
    low = Real(0.0, symbol="a", help="What pepper is: the smallest value of the data.")
    high = Real(1.0, symbol="b", help="What salt is: the largest value of the data.")

    def spoil(self, build: Builder, x: Value, strength: Value | None) -> Value:
        low, high = build.setting("low", self.low), build.setting("high", self.high)
        coin = hits(build, build.constant(0.5), x.shape, "coin")
        hit = hits(build, self.amount_of(build, "fraction", strength), x.shape, "mask")
        return build.emit("where", hit, build.emit("where", coin, high, low), x)


@node_type
class Noise(Random):
    """Random numbers for each example, from nothing: what a generator starts from."""

    name, icon = "noise", "sparkles"
    formula = r"z \sim \mathcal{N}(0, 1)"
    source = "Aggarwal 2023, §12.5"
    outputs = (Port("z", "(batch, units)", symbol="z"),)
    shape = Dimensions((2,), help="Shape of the noise of one example.")
    distribution = Choice(
        "normal", ("normal", "uniform", "signed"),
        help="Normal with deviation 1, or uniform between 0 and 1, or between −1 and 1.",
    )  # fmt: skip

    def lower(self, build: Builder, **values: Any) -> Value:
        shape = (B, *(self.shape or ()))
        if self.distribution == "normal":
            return normal(build, shape)
        uniform = build.emit("random_uniform", shape=shape, key=key_of(build, "noise"))
        return uniform if self.distribution == "uniform" else 2 * uniform - 1


@node_type
class RandomMixture(Random):
    """A point between two, anywhere on the way: of a real and a made example, where a gradient penalty looks."""

    name, icon, title = "random_mixture", "combine", "random mixture"
    formula = r"y = u\,a + (1 - u)\,b"
    source = "Gulrajani et al. 2017: Wasserstein GAN with gradient penalty"
    inputs = (Port("a", "(batch, features)", symbol="a"), Port("b", "(batch, features)", symbol="b"))
    outputs = (Port("y", "(batch, features)", symbol="y"),)

    def lower(self, build: Builder, **values: Any) -> Value:
        a: Value = values["a"]
        b: Value = values["b"]
        if a.shape != b.shape or a.rank < 1 or "whole" in (a.kind, b.kind):
            fact = f"{shape_text(a.shape)} and {shape_text(b.shape)} cannot be mixed"
            raise shape_mismatch(fact, "Give both the same shape.", port="b")
        each = (a.shape[0], *[1] * (a.rank - 1))
        share = build.emit("random_uniform", shape=each, key=key_of(build, "mixture"))
        return share * a + (1 - share) * b


@node_type
class GaussianSample(Random):
    """A normal number around a mean, drawn so that the derivative reaches mean and spread: reparameterised."""

    name, title = "gaussian_sample", "Gaussian sample"
    formula = r"h = \mu + \sigma\,\epsilon"
    source = "Kingma & Welling 2014; Aggarwal 2023, eqs 5.18, 5.23 and 5.24"
    inputs = (
        Port("mean", "(batch, units)", symbol=r"\mu"),
        Port("spread", "(batch, units)", symbol="s", help="How wide, as “spread is” says."),
    )
    outputs = (H,)
    spread_is = SPREAD_IS
    evaluation = Choice("mean", ("mean", "sample"), help="What it answers when it is evaluated: the mean, or a sample.")

    def lower(self, build: Builder, **values: Any) -> Value:
        mean: Value = values["mean"]
        spread: Value = values["spread"]
        alike(mean, spread)
        if not build.training and self.evaluation == "mean":
            return unchanged(build, mean)
        return mean + SPREADS[self.spread_is](build, spread) * normal(build, mean.shape)


def alike(mean: Value, spread: Value) -> None:
    """Raise `ShapeMismatch` unless mean and spread are real numbers of one shape."""
    if mean.shape != spread.shape or "whole" in (mean.kind, spread.kind):
        fact = f"means of shape {shape_text(mean.shape)} meet spreads of shape {shape_text(spread.shape)}"
        raise shape_mismatch(fact, "Give both as many units.", port="spread")


def gumbel(build: Builder, shape: Shape) -> Value:
    """Numbers whose sum with logits has its maximum at a class as often as the softmax says."""
    return build.emit("random_gumbel", shape=shape, key=key_of(build, "gumbel"))


@node_type
class CategoricalSample(Random):
    """Draws a class as often as the softmax of its score says; no derivative passes."""

    name, title = "categorical_sample", "categorical sample"
    formula = r"c \sim \mathrm{softmax}(z)"
    source = "Aggarwal 2023, §11.6; drawn as the argmax of z + Gumbel noise"
    inputs = (LOGITS,)
    outputs = (
        Port("y", "(batch, classes)", symbol="y", help="A column for each class: 1 in the one drawn."),
        Port("index", "(batch)", kind="index", symbol="c", help="The class drawn, counted from 0."),
    )
    evaluation = Choice(
        "sample", ("sample", "likeliest"), help="What it answers when it is evaluated: a draw, or the largest score."
    )

    def lower(self, build: Builder, **values: Any) -> dict[str, Value]:
        logits = values["logits"]
        classes = classes_of(logits)
        sampled = build.training or self.evaluation == "sample"
        index = build.emit("argmax", logits + gumbel(build, logits.shape) if sampled else logits)
        return {"y": build.emit("one_hot", index, classes=classes), "index": index}


@node_type
class GumbelSoftmax(Random):
    """A draw among classes that derivatives can pass: the softmax of noisy scores, sharp at a low temperature."""

    name, icon, title = "gumbel_softmax", "flame", "Gumbel-softmax"
    formula = r"h = \mathrm{softmax}\left(\frac{z + g}{T}\right)"
    source = "Jang, Gu & Poole 2017; Maddison, Mnih & Teh 2017"
    inputs = (LOGITS,)
    outputs = (Port("h", "(batch, classes)", symbol="h"),)
    temperature = Real(1.0, low=1e-3, high=1e3, symbol="T", help="Low: nearly a single class. High: nearly even.")
    hard = Flag(False, help="Whether it answers one class alone, and sends back as if it were the soft answer.")

    def lower(self, build: Builder, **values: Any) -> Value:
        logits: Value = values["logits"]
        classes = classes_of(logits)
        soft = build.emit(
            "softmax", (logits + gumbel(build, logits.shape)) / build.setting("temperature", self.temperature)
        )
        if not self.hard:
            return soft
        chosen = build.emit("one_hot", build.emit("argmax", soft), classes=classes)
        return chosen + (soft - build.emit("stop_gradient", soft))


def classes_of(logits: Value) -> int:
    """How many classes there are scores for. Raises `ShapeMismatch`."""
    try:
        return features_of(logits)
    except ProblemError:
        fact = f"classes need one score each, and {shape_text(logits.shape)} has no axis of classes"
        raise shape_mismatch(fact, "Wire it behind a layer.", port="logits") from None


@node_type
class NegativeSampler(Random):
    """Draws words (or nodes) that do not belong, as often as a power of how often each occurs."""

    name, icon, title = "negative_sampler", "circle-slash", "negative sampler"
    formula = r"P(j) \propto f_j^{\,a}"
    source = "Mikolov et al. 2013; Aggarwal 2023, §3.6.2, with the power ¾, and §3.7.1, without"
    outputs = (Port("index", "(batch, draws)", kind="index", symbol="j", help="What was drawn, counted from 0."),)
    frequencies = Numbers([4, 2, 1, 1], help="How often each of them occurs, in the order of their numbers.")
    power = Real(0.75, low=0.0, high=2.0, symbol="a", help="1 draws as often as they occur, 0 evenly.")
    draws = Whole(5, low=1, high=1000, unit="draws", help="How many are drawn for each example.")

    def lower(self, build: Builder, **values: Any) -> Value:
        frequencies = np.asarray(self.frequencies, np.float64).reshape(-1)
        if not (frequencies > 0).all():
            mend = "Give each a number above 0, or leave it out."
            raise ProblemError(Problem("what never occurs cannot be drawn", mend, path="properties.frequencies"))
        logs = build.source("constant", f"{build.origin.node}.log_frequencies", frequencies.shape, np.log(frequencies))
        logits = build.setting("power", self.power) * logs
        return build.emit("argmax", logits + gumbel(build, (B, self.draws, len(frequencies))))


@node_type
class BootstrapWeights(Random):
    """How often each example of the batch comes into a bag of as many draws with replacement: weights for a loss."""

    name, icon, title = "bootstrap_weights", "clipboard", "bootstrap weights"
    formula = r"w_i = |\{j : u_j = i\}|"
    source = "Breiman 1996; Aggarwal 2023, §5.5.1"
    outputs = (Port("weight", "(batch)", symbol="w", help="0 for about 37 % of the examples; 1 each in evaluation."),)
    bag = Choice(
        "fixed", ("fixed", "fresh"),
        help="The same bag for the whole training (bagging: let the batch be all rows, in order), or a fresh one each time.",
    )  # fmt: skip
    replacement = Flag(True, help="Whether an example may come twice; else a share of them comes once (subsampling).")
    share = Real(0.5, low=0.0, high=1.0, symbol="s", help="The share of the batch that comes, without replacement.")

    def lower(self, build: Builder, **values: Any) -> Value:
        if not build.training:
            return build.emit("broadcast", build.constant(1.0), shape=(B,))
        if not self.replacement:
            lots = build.emit("random_uniform", shape=(1, B), key=key_of(build, "bag"), once=self.bag == "fixed")
            drawn = build.emit("winners", lots, build.setting("share", self.share), share=True)
            return build.emit("reshape", drawn, shape=(B,))
        return build.emit("random_bag", shape=(B,), key=key_of(build, "bag"), once=self.bag == "fixed")
