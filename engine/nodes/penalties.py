"""What hidden units and wired parameters cost: penalties for a loss. Those on all parameters belong to the training plan."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from engine.nodes.base import Choice, Flag, NodeType, Port, Real, node_type
from engine.nodes.losses import LOSS, Loss, mean_of_all, sum_of_all
from engine.problems import shape_mismatch
from engine.program import Builder
from engine.values import Value, shape_text


@node_type
class ActivationPenalty(Loss):
    """What active units cost; added to a loss it keeps most of them silent."""

    name, title = "activation_penalty", "activation penalty"
    formula = r"L = \lambda \sum_i |h_i|"
    source = "Aggarwal 2023, §2.6.5 and §5.4.4, eqs 5.9 to 5.11"
    inputs = (
        Port("h", "(batch, units)", symbol="h", help="Wire hidden units here, and the result and a loss to an add."),
    )
    norm = Choice("l1", ("l1", "l2"), help="The sum of sizes, which makes many exactly 0, or of squares.")
    strength = Real(0.01, low=0.0, high=1000.0, symbol=r"\lambda", help="How much an activation of 1 costs.")

    def lower(self, build: Builder, **values: Any) -> Value:
        h = values["h"]
        costs = build.emit("absolute", h) if self.norm == "l1" else h * h
        if costs.rank > 1:
            costs = build.emit("sum", costs, axes=tuple(range(1, costs.rank)))
        total = sum_of_all(build, costs) if self.reduction == "sum" else mean_of_all(build, costs)
        return build.setting("strength", self.strength) * total


class ParameterPenalty(NodeType):
    """What parameters cost that are wired to it."""

    category, icon = "Losses", "magnet"
    outputs: ClassVar[tuple[Port, ...]] = (LOSS,)
    strength = Real(0.01, low=0.0, high=1e6, symbol=r"\lambda", help="How much it costs.")


@node_type
class SoftWeightSharing(ParameterPenalty):
    """Draws two arrays of weights towards each other: the softer kind of sharing."""

    name, title = "soft_weight_sharing", "soft weight sharing"
    formula = r"L = \frac{\lambda}{2} \sum_i (v_i - w_i)^2"
    source = "Aggarwal 2023, §5.9; Nowlan & Hinton 1992"
    inputs = (Port("v", "any", symbol="v", help="A parameter node."), Port("w", "any", symbol="w", help="Another one."))

    def lower(self, build: Builder, **values: Any) -> Value:
        v: Value = values["v"]
        w: Value = values["w"]
        if v.shape != w.shape or "whole" in (v.kind, w.kind):
            fact = f"weights of shape {shape_text(v.shape)} and {shape_text(w.shape)} cannot be drawn together"
            raise shape_mismatch(fact, "Give both the same shape.", port="w")
        apart = v - w
        return (0.5 * build.setting("strength", self.strength)) * sum_of_all(build, apart * apart)


@node_type
class OrthogonalityPenalty(ParameterPenalty):
    """Keeps the columns of a matrix of weights at right angles, and 1 long where that is wanted."""

    name, title = "orthogonality_penalty", "orthogonality penalty"
    formula = r"L = \lambda \lVert W^\top W - I \rVert^2"
    source = "Brock et al. 2017; Bansal, Chen & Wang 2018"
    inputs = (Port("w", "(features, units)", symbol="W", help="A parameter node."),)
    lengths = Flag(True, help="Whether columns shall be 1 long too; else only their angles cost.")

    def lower(self, build: Builder, **values: Any) -> Value:
        w: Value = values["w"]
        if w.rank != 2 or w.kind != "real" or not isinstance(w.shape[1], int):
            fact = f"{shape_text(w.shape)} is no matrix of weights"
            raise shape_mismatch(fact, "Wire a parameter of two axes.", port="w")
        eye = np.eye(w.shape[1])
        off = build.emit("matmul", w, w, transpose_a=True)
        node = build.origin.node
        if self.lengths:
            off = off - build.source("constant", f"{node}.eye", eye.shape, eye)
        else:
            off = off * build.source("constant", f"{node}.angles", eye.shape, 1.0 - eye)
        return build.setting("strength", self.strength) * sum_of_all(build, off * off)
