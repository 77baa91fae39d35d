"""Activations as nodes of their own: what bends a sum, drawn as a step one can look into."""

from __future__ import annotations

from typing import Any, ClassVar

from engine.nodes.base import Choice, NodeType, Port, Real, node_type
from engine.problems import ProblemError, shape_mismatch
from engine.program import ACTIVATION_SETTINGS, Builder
from engine.values import Value

X = Port("x", symbol="x")
H = Port("h", symbol="h")
SLOPES_AT_ZERO = {"zero": 0.0, "half": 0.5, "one": 1.0}


class Activation(NodeType):
    """A function of each number, by the name of the node type."""

    category = "Activations"
    inputs: ClassVar[tuple[Port, ...]] = (X,)
    outputs: ClassVar[tuple[Port, ...]] = (H,)

    def lower(self, build: Builder, **values: Any) -> Value:
        try:
            return self.bend(build, values["x"])
        except ProblemError as error:
            raise error.at(port="x") from None

    def bend(self, build: Builder, x: Value) -> Value:
        """What the function makes of the operand."""
        return build.apply(self.name, x, self.values)


@node_type
class Identity(Activation):
    """The number as it is."""

    name, icon = "identity", "arrow-right"
    formula = r"h = x"
    source = "Aggarwal 2023, §1.2.3"

    def bend(self, build: Builder, x: Value) -> Value:
        # A view, not the operand itself: the step of this node has a value of its own to show.
        return build.emit("reshape", x, shape=x.shape)


@node_type
class Sigmoid(Activation):
    """Squeezes a number between 0 and 1: the odds of a yes."""

    name, icon = "sigmoid", "spline"
    formula = r"h = \frac{1}{1 + e^{-x}}"
    source = "Aggarwal 2023, §1.2.3"


@node_type
class Tanh(Activation):
    """Squeezes a number between −1 and 1."""

    name, icon = "tanh", "activity"
    formula = r"h = \tanh x"
    source = "Aggarwal 2023, §1.2.3"


@node_type
class Relu(Activation):
    """Lets positive numbers through and stops the others."""

    name, icon, title = "relu", "trending-up", "ReLU"
    formula = r"h = \max(x, 0)"
    source = "Aggarwal 2023, §1.2.3 and Table 2.1"
    slope_at_zero = Choice(
        "zero", tuple(SLOPES_AT_ZERO), help="The slope taken at 0: Table 2.1 says 0, §2.4.1 says 1, halfway is ½."
    )

    def bend(self, build: Builder, x: Value) -> Value:
        at_zero = SLOPES_AT_ZERO[self.slope_at_zero]
        return build.emit("relu", x, **({"slope_at_zero": at_zero} if at_zero else {}))


@node_type
class LeakyRelu(Activation):
    """Lets positive numbers through, and a small share of the others."""

    name, icon, title = "leaky_relu", "trending-up", "leaky ReLU"
    formula = r"h = \max(x, 0) + a \min(x, 0)"
    source = "Aggarwal 2023, §3.4.3.2"
    slope = Real(
        ACTIVATION_SETTINGS["leaky_relu"][1],
        low=0.0,
        high=1.0,
        symbol="a",
        help="The share of negative numbers let through.",
    )


@node_type
class Elu(Activation):
    """Lets positive numbers through and bends the others smoothly towards −α."""

    name, icon, title = "elu", "spline", "ELU"
    formula = r"h = x \text{ if } x > 0,\quad \alpha(e^x - 1) \text{ else}"
    source = "Clevert, Unterthiner & Hochreiter 2016"
    alpha = Real(
        ACTIVATION_SETTINGS["elu"][1], low=0.0, high=100.0, symbol=r"\alpha", help="How far below 0 it may go."
    )


@node_type
class Selu(Activation):
    """An ELU scaled so that sums of mean 0 and variance 1 stay so, layer after layer."""

    name, icon, title = "selu", "spline", "SELU"
    formula = r"h = \lambda\,(x \text{ if } x > 0,\quad \alpha(e^x - 1) \text{ else})"
    source = "Klambauer et al. 2017: λ = 1.0507, α = 1.6733"


@node_type
class Gelu(Activation):
    """A number times the chance that a normal draw lies below it: a ReLU with a smooth bend."""

    name, icon, title = "gelu", "spline", "GELU"
    formula = r"h = x\,\Phi(x)"
    source = "Hendrycks & Gimpel 2016"
    form = Choice("exact", ("exact", "tanh"), help="By the error function, or by the approximation with tanh.")

    def bend(self, build: Builder, x: Value) -> Value:
        return build.emit("gelu" if self.form == "exact" else "gelu_tanh", x)


@node_type
class Gaussian(Activation):
    """A bell: 1 at 0, and less the further away."""

    name, icon, title = "gaussian", "mountain", "Gaussian"
    formula = r"h = e^{-x^2 / (2 \sigma^2)}"
    source = "Aggarwal 2023, eq. 6.1"
    sigma = Real(1.0, low=1e-6, high=1e6, symbol=r"\sigma", help="How wide the bell is: its standard deviation.")

    def bend(self, build: Builder, x: Value) -> Value:
        scaled = build.emit("divide", x, build.setting("sigma", self.sigma))
        return build.emit("exp", scaled * scaled * -0.5)


@node_type
class Step(Activation):
    """1 from a threshold on, else 0; it has no slope to learn by."""

    name, icon = "step", "chart-no-axes-column"
    formula = r"h = [\,x \geq \theta\,]"
    source = "Aggarwal 2023, §4.2.1; McCulloch & Pitts 1943"
    threshold = Real(0.0, symbol=r"\theta", help="Where it jumps.")
    at_threshold = Choice("one", ("one", "zero"), help="What it is on the threshold itself.")

    def bend(self, build: Builder, x: Value) -> Value:
        name = "at_least" if self.at_threshold == "one" else "greater"
        return build.emit(name, x, build.setting("threshold", self.threshold))


@node_type
class Softplus(Activation):
    """A smooth ReLU."""

    name, icon = "softplus", "spline"
    formula = r"h = \ln(1 + e^x)"
    source = "Goodfellow, Bengio & Courville 2016, eq. 3.31"


@node_type
class HardTanh(Activation):
    """Cuts a number at −1 and 1."""

    name, icon, title = "hard_tanh", "activity", "hard tanh"
    formula = r"h = \max(\min(x, 1), -1)"
    source = "Aggarwal 2023, §1.2.3"
    ends = Choice(
        "open", ("open", "closed"), help="The slope taken at −1 and 1: 0 (open, §2.4.2) or 1 (closed, Table 2.1)."
    )

    def bend(self, build: Builder, x: Value) -> Value:
        return build.emit("hard_tanh", x, **({"ends": "closed"} if self.ends == "closed" else {}))


@node_type
class Sign(Activation):
    """Plus or minus 1; it has no slope to learn by."""

    name, icon = "sign", "plus"
    formula = r"h = \mathrm{sign}\,x"
    source = "Aggarwal 2023, eq. 1.1"
    at_zero = Choice("zero", ("zero", "plus", "minus"), help="What it is at 0, which the text leaves open: 0, 1 or −1.")

    def bend(self, build: Builder, x: Value) -> Value:
        if self.at_zero == "minus":
            return -build.emit("side", -x)
        return build.emit("sign" if self.at_zero == "zero" else "side", x)


class OverClasses(Activation):
    """A function of a whole row of scores."""

    inputs: ClassVar[tuple[Port, ...]] = (Port("x", "(batch, classes)", symbol="x"),)
    outputs: ClassVar[tuple[Port, ...]] = (Port("h", "(batch, classes)", symbol="h"),)

    def lower(self, build: Builder, **values: Any) -> Value:
        self.check_classes(values["x"])
        return super().lower(build, **values)

    @staticmethod
    def check_classes(x: Value) -> None:
        """Raises `ShapeMismatch` where there are no scores to choose among."""
        if x.rank < 2:
            raise shape_mismatch(
                "one score for each class is needed, these have no classes", "Put a dense layer before it.", port="x"
            )


@node_type
class Softmax(OverClasses):
    """Turns scores into probabilities that add up to 1."""

    name, icon = "softmax", "percent"
    formula = r"h_i = \frac{e^{x_i}}{\sum_j e^{x_j}}"
    source = "Aggarwal 2023, eq. 1.7"


@node_type
class LogSoftmax(OverClasses):
    """The logarithms of the probabilities that a softmax makes of scores."""

    name, icon, title = "log_softmax", "percent", "log softmax"
    formula = r"h_i = x_i - \ln \sum_j e^{x_j}"
    source = "Aggarwal 2023, §2.5.2"
