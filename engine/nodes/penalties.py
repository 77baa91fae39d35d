"""What hidden units cost: penalties on activations, to be added to a loss. Those on parameters belong to the training plan."""

from __future__ import annotations

from typing import Any

from engine.nodes.base import Choice, Port, Real, node_type
from engine.nodes.losses import Loss, mean_of_all, sum_of_all
from engine.program import Builder, Value


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
