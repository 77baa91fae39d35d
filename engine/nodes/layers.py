"""Layers and neurons: weighted sums with a bias, through an activation."""

from __future__ import annotations

from typing import Any

from engine.initialisers import INITIALISERS
from engine.nodes.base import Choice, Flag, NodeType, Numbers, Port, Whole, node_type
from engine.nodes.data import INITIAL_SCALE, start_of
from engine.problems import shape_mismatch
from engine.program import Builder
from engine.values import Value, shape_text

ACTIVATIONS = (
    "identity",
    "sigmoid",
    "tanh",
    "relu",
    "leaky_relu",
    "elu",
    "selu",
    "gelu",
    "softplus",
    "hard_tanh",
    "sign",
)
WEIGHT = Port(
    "weight",
    "(features, units)",
    kind="parameter",
    symbol="W",
    optional=True,
    help="Free: the layer's own. Wired: shared.",
)
BIAS = Port(
    "bias", "(units)", kind="parameter", symbol="b", optional=True, help="Free: the layer's own. Wired: shared."
)


@node_type
class Dense(NodeType):
    """Weighted sums of the features plus a bias, through an activation."""

    name, category, icon = "dense", "Layers", "layers"
    formula = r"h = \varphi(xW + b)"
    source = "Aggarwal 2023, §1.4"
    inputs = (Port("x", "(batch, features)", symbol="x"), WEIGHT, BIAS)
    outputs = (Port("h", "(batch, units)", symbol="h"),)
    units = Whole(4, low=1, high=65536, unit="neurons", help="How many sums are formed.")
    activation = Choice("identity", ACTIVATIONS, help="What bends the sums.")
    features = Whole(
        None,
        low=1,
        high=10**6,
        unit="features",
        help="How many features are expected; found from the input where it is not said.",
    )
    use_bias = Flag(True, help="Whether a bias is added.")
    initialiser = Choice(
        "glorot_uniform", tuple(INITIALISERS), help="How the weights start where no numbers are given."
    )
    initial_scale = INITIAL_SCALE
    initial_weight = Numbers(None, help="Weights to start from, features × units.")
    initial_bias = Numbers(None, help="Biases to start from, one per unit (or one for all).")

    def lower(self, build: Builder, **values: Any) -> Value:
        x = values["x"]
        width = features_of(x)
        if self.features is not None and width != self.features:
            mend = f"Set “features” to {width}, or add a dense layer of {self.features}."
            raise shape_mismatch(f"{width} features meet a layer for {self.features}", mend, port="x")
        weight = values.get("weight")
        if weight is None:
            start = start_of((width, self.units), self.initial_weight, self.initialiser, self.initial_scale)
            weight = build.parameter("weight", *start)
        units = weight.shape[-1] if weight.rank == 2 else None
        if not isinstance(units, int) or weight.shape[0] != width:
            mend = f"Give the weight {width} rows."
            raise shape_mismatch(
                f"{width} features meet a weight of shape {shape_text(weight.shape)}", mend, port="weight"
            )
        z = x @ weight
        bias = values.get("bias")
        if bias is None and self.use_bias:
            bias = build.parameter("bias", *start_of((units,), self.initial_bias, "zeros"))
        if bias is not None:
            z = z + bias
        return build.apply(self.activation, z)


@node_type
class Neuron(NodeType):
    """One weighted sum of everything wired to it plus a bias, through an activation."""

    name, category, icon = "neuron", "Layers", "circle-dot"
    formula = r"h = \varphi\left(\sum_i w_i x_i + b\right)"
    source = "Aggarwal 2023, §1.2"
    inputs = (
        Port(
            "x", "(batch, features)", symbol="x", many=True, help="Several wires are set side by side, in their order."
        ),
        Port(
            "weight",
            "(features, 1)",
            kind="parameter",
            symbol="w",
            optional=True,
            help="Free: the neuron's own. Wired: shared.",
        ),
        Port("bias", "(1)", kind="parameter", symbol="b", optional=True, help="Free: the neuron's own. Wired: shared."),
    )
    outputs = (Port("h", "(batch, 1)", symbol="h"),)
    activation = Choice("identity", ACTIVATIONS, help="What bends the sum.")
    use_bias = Flag(True, help="Whether a bias is added.")
    initialiser = Choice(
        "glorot_uniform", tuple(INITIALISERS), help="How the weights start where no numbers are given."
    )
    initial_scale = INITIAL_SCALE
    initial_weight = Numbers(None, help="Weights to start from, one per feature.")
    initial_bias = Numbers(None, help="Bias to start from.")

    def lower(self, build: Builder, **values: Any) -> Value:
        x = side_by_side(build, values["x"])
        width = features_of(x)
        weight = values.get("weight")
        if weight is None:
            numbers = self.initial_weight
            if isinstance(numbers, list | tuple) and numbers and not isinstance(numbers[0], list | tuple):
                numbers = [[number] for number in numbers]
            weight = build.parameter("weight", *start_of((width, 1), numbers, self.initialiser, self.initial_scale))
        if weight.shape != (width, 1):
            fact = f"{width} features meet a weight of shape {shape_text(weight.shape)}"
            raise shape_mismatch(fact, f"Give it the shape ({width}, 1).", port="weight")
        z = x @ weight
        bias = values.get("bias")
        if bias is None and self.use_bias:
            bias = build.parameter("bias", *start_of((1,), self.initial_bias, "zeros"))
        if bias is not None:
            z = z + bias
        return build.apply(self.activation, z)


def features_of(x: Value) -> int:
    """The length of the last axis; a lone batch axis or a single number has none. Raises `ShapeMismatch`."""
    if x.kind != "real" or x.rank < 1 or not isinstance(x.shape[-1], int):
        raise shape_mismatch(
            f"a layer needs (batch, features), not {shape_text(x.shape)}",
            "Put a reshape or another input before it.",
            port="x",
        )
    return x.shape[-1]


def side_by_side(build: Builder, parts: list[Value]) -> Value:
    """Several values as the features of one. Raises `ShapeMismatch` where their other axes differ."""
    ranks = {part.shape[:-1] for part in parts}
    if len(ranks) > 1 or any(part.rank == 0 for part in parts):
        raise shape_mismatch(
            "these do not lie side by side: " + ", ".join(shape_text(part.shape) for part in parts), port="x"
        )
    return parts[0] if len(parts) == 1 else build.emit("concat", *parts, axis=parts[0].rank - 1)
