"""A layer whose weights join three sides: products of two inputs, weighed for each unit."""

from __future__ import annotations

from typing import Any, ClassVar

from engine.initialisers import INITIALISERS
from engine.nodes.base import Choice, Flag, NodeType, Numbers, Port, Whole, node_type
from engine.nodes.data import start_of
from engine.nodes.layers import ACTIVATIONS, BIAS, features_of
from engine.problems import shape_mismatch
from engine.program import Builder
from engine.values import Value, shape_text

MOST_WEIGHTS = 10**8


@node_type
class Bilinear(NodeType):
    """Weighted sums of all products of two inputs: how they go together, once for each unit."""

    name, category, icon, title = "bilinear", "Layers", "cuboid", "bilinear layer"
    formula = r"h_k = \varphi\left(\sum_{i,j} w_{ijk}\,a_i b_j + c_k\right)"
    source = "third-order terms w_ijk s_i s_j s_k: Aggarwal 2023, §7.9; Sejnowski 1986"
    inputs: ClassVar[tuple[Port, ...]] = (
        Port("a", "(batch, rows)", symbol="a"),
        Port("b", "(batch, columns)", symbol="b"),
        Port(
            "weight", "(rows, columns, units)", kind="parameter", symbol="W", optional=True,
            help="Free: the layer's own. Wired: shared.",
        ),
        BIAS,
    )  # fmt: skip
    outputs: ClassVar[tuple[Port, ...]] = (Port("h", "(batch, units)", symbol="h"),)
    units = Whole(1, low=1, high=65536, unit="neurons", help="How many sums are formed.")
    activation = Choice("identity", ACTIVATIONS, help="What bends the sums.")
    use_bias = Flag(True, help="Whether a bias is added.")
    initialiser = Choice(
        "glorot_uniform", tuple(INITIALISERS), help="How the weights start where no numbers are given."
    )
    initial_weight = Numbers(None, help="Weights to start from, rows × columns × units.")
    initial_bias = Numbers(None, help="Biases to start from, one per unit (or one for all).")

    def lower(self, build: Builder, **values: Any) -> Value:
        a, b, weight = values["a"], values["b"], values.get("weight")
        rows, columns = features_of(a), features_of(b)
        if a.shape[:-1] != b.shape[:-1]:
            fact = f"{shape_text(a.shape)} and {shape_text(b.shape)} make no pairs"
            raise shape_mismatch(fact, "All but their last axes must agree.", port="b")
        if rows * columns * self.units > MOST_WEIGHTS:
            fact = f"{rows} by {columns} by {self.units} weights are too many"
            raise shape_mismatch(fact, "Put a narrower layer before one of the inputs.", port="a")
        if weight is None:
            shape = (rows, columns, self.units)
            weight = build.parameter("weight", *start_of(shape, self.initial_weight, self.initialiser))
        units = weight.shape[-1] if weight.rank == 3 else None
        if not isinstance(units, int) or weight.shape[:2] != (rows, columns):
            fact = f"pairs of {rows} and {columns} meet a weight of shape {shape_text(weight.shape)}"
            raise shape_mismatch(fact, f"Give the weight the shape ({rows}, {columns}, units).", port="weight")
        pairs = build.emit("reshape", a, shape=(*a.shape, 1)) * build.emit(
            "reshape", b, shape=(*b.shape[:-1], 1, columns)
        )
        row = build.emit("reshape", pairs, shape=(*a.shape[:-1], rows * columns))
        z: Value = row @ build.emit("reshape", weight, shape=(rows * columns, units))
        bias = values.get("bias")
        if bias is None and self.use_bias:
            bias = build.parameter("bias", *start_of((units,), self.initial_bias, "zeros"))
        return build.apply(self.activation, z if bias is None else z + bias)
