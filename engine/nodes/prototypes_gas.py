"""Competition without a lattice: each prototype moves as near as it comes to the example, counted in ranks."""

from __future__ import annotations

from typing import Any, ClassVar

from engine.nodes.base import Port, Real, Whole, node_type
from engine.nodes.prototypes import Competition, batch_mean, pull
from engine.program import Builder
from engine.values import Value


@node_type
class NeuralGas(Competition):
    """All prototypes move towards an example, the nearest most, the next less: by rank, not by a lattice."""

    name, icon, title = "neural_gas", "orbit", "neural gas"
    formula = r"W_u \leftarrow W_u + \alpha\,e^{-k_u / \lambda}\,(x - W_u)"
    source = "Martinetz & Schulten 1991; named in Aggarwal 2023, §12.9"
    outputs: ClassVar[tuple[Port, ...]] = (
        *Competition.outputs,
        Port(
            "rank",
            "(batch, units)",
            symbol="k",
            help="How many prototypes are nearer to the example: 0 for the winner.",
        ),
    )
    units = Whole(12, low=1, high=512, unit="prototypes", help="How many prototypes there are.")
    learning_rate = Real(0.5, low=0.0, high=1.0, symbol=r"\alpha", help="The share of the way that the winner moves.")
    final_share = Real(0.02, low=0.0, high=1.0, symbol="f", help="How much of α is left in the end, as a share of it.")
    reach = Real(
        4.0, low=1e-3, high=1e3, symbol=r"\lambda", unit="ranks", help="How far down the ranks an example pulls."
    )
    final_reach = Real(0.1, low=1e-3, high=1e3, symbol=r"\lambda_T", unit="ranks", help="How far it pulls in the end.")
    length = Real(2000.0, low=1.0, high=1e7, symbol="T", unit="iterations", help="When both have come to their end.")

    def lower(self, build: Builder, **values: Any) -> dict[str, Value]:
        x = values["x"]
        prototypes, _, outputs = self.compete(build, x, self.units)
        distance = outputs["distance"]
        others = build.emit("reshape", distance, shape=(x.shape[0], 1, self.units))
        own = build.emit("reshape", distance, shape=(x.shape[0], self.units, 1))
        rank = build.emit("sum", build.emit("greater", own, others), axes=(2,))

        def learn() -> None:
            rate, reach = build.setting("learning_rate", self.learning_rate), build.setting("reach", self.reach)
            share = self._ramp(build, build.constant(1.0), "final_share")
            damped = build.emit("exp", -rank / self._ramp(build, reach, "final_reach"))
            build.emit("add_to", prototypes, rate * share * batch_mean(build, x, pull(build, x, prototypes, damped)))

        build.learn(learn)
        return {**outputs, "rank": rank}

    def _ramp(self, build: Builder, begin: Value, end: str) -> Value:
        numbers = [build.setting(name, getattr(self, name)) for name in (end, "length")]
        return build.emit("linear_ramp", numbers[0], begin, numbers[1], unit="iteration")
