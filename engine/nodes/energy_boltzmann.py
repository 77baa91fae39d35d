"""Boltzmann machines: units drawn by chance, learned from the difference of two phases."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from engine.initialisers import INITIALISERS
from engine.nodes.base import Choice, NodeType, Numbers, Port, Real, Whole, node_type
from engine.nodes.data import start_of
from engine.nodes.energy import MOST_ENUMERATED, coin_flips, energy_of, state_table, units_of
from engine.primitives.draws import key_of
from engine.problems import shape_mismatch
from engine.program import Builder
from engine.values import Value

X = Port("x", "(batch, visible)", symbol="v", help="Examples of 0 and 1.")
RATE = Real(0.1, low=0.0, high=100.0, symbol=r"\alpha", help="How far each iteration climbs the log-likelihood.")
LIKELIHOOD = Port(
    "log_likelihood", "()", symbol=r"\ln P",
    help=f"Mean log-probability of the batch, by enumeration; only where a side has {MOST_ENUMERATED} units or fewer.",
)  # fmt: skip
SURPRISE = Port("surprise", "()", symbol="S", help="−ln P: how unlikely the batch still is; where that is enumerated.")


class Statistics(NamedTuple):
    """Means over examples, samples or states: of products visible by hidden, of visible units, of hidden units."""

    products: Value
    visible: Value
    hidden: Value


def mean_products(build: Builder, left: Value, right: Value) -> Value:
    """⟨leftᵢ rightⱼ⟩ over the rows of both."""
    rows = build.emit("sum", build.emit("broadcast", build.constant(1.0), shape=(left.shape[0], 1)), axes=(0, 1))
    return build.emit("matmul", left, right, transpose_a=True) / rows


def by_state(build: Builder, exponent: Value) -> tuple[Value, Value]:
    """Of −E of every state, a row: the states' probabilities, and ln Z."""
    logarithm = build.emit("log_softmax", exponent)
    return build.emit("exp", logarithm), build.emit("mean", exponent - logarithm, axes=(0, 1))


@node_type
class BoltzmannMachine(NodeType):
    """Units that all pull at each other and are drawn by chance; learned from clamped and free statistics."""

    name, category, icon, title = "boltzmann_machine", "Learning rules", "dices", "Boltzmann machine"
    formula = r"P(s_i = 1 \mid \cdot) = \sigma\left(\frac{b_i + \sum_j w_{ij} s_j}{T}\right)"
    source = "Aggarwal 2023, §7.3, eqs 7.5 to 7.13"
    measures = ("surprise",)
    inputs = (X,)
    outputs = (
        Port("free", "(chains, units)", symbol="s", help="The chains: visible units first, then the hidden ones."),
        Port(
            "clamped",
            "(batch, units)",
            symbol="s^+",
            help="The examples with their hidden units: drawn, or their means.",
        ),
        Port("energy", "(chains, 1)", symbol="E", help="The energy of each chain."),
        Port("couplings", "(units, units)", symbol="W", help="The pull between each two units, both ways."),
        LIKELIHOOD,
        SURPRISE,
    )
    hidden = Whole(1, low=0, high=256, unit="units", help="How many units no example sets.")
    method = Choice(
        "exact", ("exact", "sampled"),
        help="Both phases by enumeration of all states (units at T = 1), or by Gibbs sampling.",
    )  # fmt: skip
    sweeps = Whole(1, low=1, high=100, unit="sweeps", help="How often every unit is drawn in an iteration.")
    chains = Whole(32, low=1, high=4096, unit="chains", help="How many free chains are sampled.")
    temperature = Real(1.0, low=1e-3, high=1e3, symbol="T", help="The higher, the more a unit is left to chance.")
    learning_rate = RATE
    initialiser = Choice("small_normal", tuple(INITIALISERS), help="How weights start where no numbers are given.")
    initial_weight = Numbers(None, help="Weights to start from, units × units; read above the diagonal.")
    initial_bias = Numbers(None, help="Biases to start from, one per unit.")

    def lower(self, build: Builder, **values: Any) -> dict[str, Value]:
        x, emit = values["x"], build.emit
        visible = units_of(x)
        units = visible + self.hidden
        if self.method == "exact" and units > MOST_ENUMERATED:
            raise shape_mismatch(
                f"{units} units have {2.0**units:.3g} states, and no more than {MOST_ENUMERATED} units are enumerated",
                "Choose “sampled”, or fewer units.",
            )
        upper = self._mask(build, "upper", np.triu(np.ones((units, units)), 1))
        half = build.parameter("weight", *start_of((units, units), self.initial_weight, self.initialiser)) * upper
        own = build.program.sources[f"{build.origin.node}.weight"]
        bias = build.parameter("bias", *start_of((units,), self.initial_bias, "zeros"))
        weight = half + emit("transpose", half)
        chains = build.state("chains", (self.chains, units), coin_flips)  # type: ignore[arg-type]
        free = self._sampled(build, chains, weight, bias, None, "free")
        outputs = {"free": free, "energy": energy_of(build, free, weight, bias), "couplings": weight}
        model = (mean_products(build, free, free), emit("mean", free, axes=(0,)))
        clamped, data = x, (mean_products(build, x, x), emit("mean", x, axes=(0,)))
        if units <= MOST_ENUMERATED:
            exact, log_z = self._enumerated(build, half, bias, units)
            clamped, statistics_of_data, log_visible = self._posterior(build, x, half, bias, visible)
            outputs["log_likelihood"] = emit("mean", log_visible, axes=(0, 1)) - log_z
            outputs["surprise"] = -outputs["log_likelihood"]
            if self.method == "exact":
                model, data = exact, statistics_of_data
        if self.method == "sampled" and self.hidden:
            clamped = self._clamped(build, x, weight, bias, visible)
            data = (mean_products(build, clamped, clamped), emit("mean", clamped, axes=(0,)))

        def learn() -> None:
            rate = build.setting("learning_rate", self.learning_rate)
            emit("add_to", own, rate * (data[0] - model[0]) * upper)
            emit("add_to", bias, rate * (data[1] - model[1]))
            emit("set_to", chains, free)

        build.learn(learn)
        return {**outputs, "clamped": clamped}

    @staticmethod
    def _mask(build: Builder, name: str, table: Any) -> Value:
        return build.source("constant", f"{build.origin.node}.{name}", table.shape, table)

    def _sampled(
        self, build: Builder, state: Value, weight: Value, bias: Value, free: Value | None, name: str
    ) -> Value:
        """The units after so many sweeps, each drawn by its chance while the others stand."""
        emit, temperature = build.emit, build.setting("temperature", self.temperature)
        marks = emit("broadcast", build.constant(1.0) if free is None else free, shape=state.shape)
        for sweep in range(self.sweeps):
            lots = emit("random_uniform", shape=state.shape, key=key_of(build, f"{name} {sweep}"))
            state = emit("settle", state, weight, bias, marks, temperature, lots)
        return state

    def _clamped(self, build: Builder, x: Value, weight: Value, bias: Value, visible: int) -> Value:
        emit, units = build.emit, visible + self.hidden
        coins = emit("random_bernoulli", 0.5, shape=(x.shape[0], self.hidden), key=key_of(build, "coins"))
        free = self._mask(build, "unclamped", (np.arange(units) >= visible).astype(np.float64)[None])
        return self._sampled(build, emit("concat", x, coins, axis=1), weight, bias, free, "clamped")

    def _enumerated(self, build: Builder, half: Value, bias: Value, units: int) -> tuple[tuple[Value, Value], Value]:
        """Mean products and means of all units in the machine's own distribution, and ln Z."""
        emit, states = build.emit, state_table(build, "states", units)
        exponent = emit("sum", states * (states @ half + bias), axes=(1,))
        chances, log_z = by_state(build, emit("reshape", exponent, shape=(1, 2**units)))
        weighed = states * emit("reshape", chances, shape=(2**units, 1))
        return (emit("matmul", weighed, states, transpose_a=True), emit("sum", weighed, axes=(0,))), log_z

    def _posterior(
        self, build: Builder, x: Value, half: Value, bias: Value, visible: int
    ) -> tuple[Value, tuple[Value, Value], Value]:
        """Examples with their hidden units' means, the statistics of that, and ln of each one's probability, plus ln Z."""
        emit, units = build.emit, visible + self.hidden

        def part(rows: tuple[int, int], columns: tuple[int, int]) -> Value:
            cut = emit("slice", half, axis=0, start=rows[0], stop=rows[1])
            return emit("slice", cut, axis=1, start=columns[0], stop=columns[1])

        seen, unseen = (0, visible), (visible, units)
        own = emit("slice", bias, axis=0, start=0, stop=visible)
        energy = emit("sum", x * (x @ part(seen, seen) + own), axes=(1,), keep=True)
        if not self.hidden:
            return x, (mean_products(build, x, x), emit("mean", x, axes=(0,))), energy
        states = state_table(build, "hidden_states", self.hidden)
        hidden_bias = emit("slice", bias, axis=0, start=visible, stop=units)
        alone = emit("sum", states * (states @ part(unseen, unseen) + hidden_bias), axes=(1,))
        exponent = emit("matmul", x @ part(seen, unseen), states, transpose_b=True) + alone
        logarithm = emit("log_softmax", exponent)
        chances = emit("exp", logarithm)
        log_sum = emit("mean", exponent - logarithm, axes=(1,), keep=True)
        joined = emit("concat", x, chances @ states, axis=1)
        weighed = states * emit("reshape", emit("mean", chances, axes=(0,)), shape=(2**self.hidden, 1))
        pairs = emit("matmul", weighed, states, transpose_a=True)
        products = mean_products(build, joined, joined)
        placed = emit(
            "place", emit("place", pairs, axis=0, start=visible, length=units), axis=1, start=visible, length=units
        )
        beside = self._mask(build, "beside", 1.0 - np.outer(*[(np.arange(units) >= visible).astype(np.float64)] * 2))
        return joined, (products * beside + placed, emit("mean", joined, axes=(0,))), energy + log_sum
