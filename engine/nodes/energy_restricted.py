"""Restricted Boltzmann machines: two sides that draw each other by chance, of several kinds of visible units."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from engine.initialisers import INITIALISERS
from engine.nodes.base import Choice, Flag, NodeType, Numbers, Port, Real, Whole, node_type
from engine.nodes.data import start_of
from engine.nodes.energy import MOST_ENUMERATED, coin_flips, state_table, units_of
from engine.nodes.energy_boltzmann import LIKELIHOOD, RATE, SURPRISE, Statistics, by_state, mean_products
from engine.nodes.energy_visible import KINDS, CountUnits, GaussianUnits, RatingUnits, VisibleUnits
from engine.primitives.draws import key_of
from engine.problems import Problem, ProblemError, shape_mismatch
from engine.program import Builder
from engine.values import Value

SAMPLING = ("hidden", "everything", "nothing")


class Machine(NamedTuple):
    """The parameters of a restricted machine, and how its sides answer each other."""

    build: Builder
    weight: Value
    visible_bias: Value
    hidden_bias: Value
    units: VisibleUnits

    def pulls(self, visible: Value) -> Value:
        """What the hidden units' sigmoids are taken of, row by row."""
        bias = self.hidden_bias if self.units.factor is None else self.units.factor * self.hidden_bias
        return self.units.seen(visible) @ self.weight + bias

    def hidden(self, visible: Value) -> Value:
        """P(h = 1 | v), row by row."""
        return self.build.emit("sigmoid", self.pulls(visible))

    def visible(self, hidden: Value) -> Value:
        """What is expected of v by h, row by row: P(v = 1 | h) of units of 0 and 1."""
        pulls = self.build.emit("matmul", hidden, self.weight, transpose_b=True)
        return self.units.answer(pulls, self.visible_bias)

    def free_energy(self, visible: Value) -> Value:
        """F(v) = −b·v − Σ ln(1 + exp(c + vW)), as a column; of real numbers with their parabola for −b·v."""
        emit = self.build.emit
        summed = emit("sum", emit("softplus", self.pulls(visible)), axes=(1,), keep=True)
        return -(self.units.own(visible, self.visible_bias) + summed)

    def statistics(self, visible: Value, hidden: Value) -> Statistics:
        """Of rows of both sides: the slopes of −E by weights and biases."""
        emit, factor = self.build.emit, self.units.factor
        return Statistics(
            mean_products(self.build, self.units.seen(visible), hidden),
            emit("mean", self.units.pushed(visible), axes=(0,)),
            emit("mean", hidden if factor is None else factor * hidden, axes=(0,)),
        )

    def drawn(self, chances: Value, name: str) -> Value:
        """Units of 0 and 1 by their chances; another draw for each name."""
        key = key_of(self.build, name)
        return self.build.emit("random_bernoulli", chances, shape=chances.shape, key=key)

    def enumerated(self, visible: int, hidden: int) -> tuple[Statistics, Value]:
        """The statistics of the machine itself, and ln Z, by enumerating its smaller side."""
        emit = self.build.emit
        if hidden <= visible:
            states = state_table(self.build, "states", hidden)
            other = emit("matmul", states, self.weight, transpose_b=True) + self.visible_bias
            own = states * self.hidden_bias
        else:
            states = state_table(self.build, "states", visible)
            other, own = states @ self.weight + self.hidden_bias, states * self.visible_bias
        exponent = emit("sum", own, axes=(1,), keep=True) + emit("sum", emit("softplus", other), axes=(1,), keep=True)
        count = states.shape[0]
        chances, log_z = by_state(self.build, emit("reshape", exponent, shape=(1, count)))
        weighed, answers = states * emit("reshape", chances, shape=(count, 1)), emit("sigmoid", other)
        mine, its = emit("sum", weighed, axes=(0,)), emit("reshape", chances @ answers, shape=(answers.shape[1],))
        if hidden <= visible:
            return Statistics(emit("matmul", answers, weighed, transpose_a=True), its, mine), log_z
        return Statistics(emit("matmul", weighed, answers, transpose_a=True), mine, its), log_z


@node_type
class RestrictedBoltzmannMachine(NodeType):
    """Visible and hidden units that draw each other by chance; learned by contrastive divergence or exactly."""

    name, category, icon = "restricted_boltzmann_machine", "Learning rules", "arrow-left-right"
    title = "restricted Boltzmann machine"
    formula = (
        r"P(h_j = 1 \mid v) = \sigma(c_j + \sum_i v_i w_{ij}),\quad P(v_i = 1 \mid h) = \sigma(b_i + \sum_j w_{ij} h_j)"
    )
    source = "Aggarwal 2023, §7.4 to §7.6, eqs 7.14 to 7.30; Hinton 2002; Tieleman 2008"
    measures = ("surprise", "error")
    inputs = (Port("x", "(batch, visible)", symbol="v", help="Examples, of what “visible” says."),)
    outputs = (
        Port("reconstruction", "(batch, visible)", symbol=r"\hat v", help="What the hidden probabilities send back."),
        Port("hidden", "(batch, hidden)", symbol="h", help="The probability of each hidden unit."),
        Port(
            "sample", "(batch, hidden)", symbol="s", help="Hidden units drawn by it: where the negative phase starts."
        ),
        Port("fantasy", "(chains or batch, visible)", symbol="v'", help="Visible units of the negative phase."),
        Port("free_energy", "(batch, 1)", symbol="F", help="−ln of an example's probability, up to ln Z."),
        Port("error", "()", symbol="E", help="Mean squared difference of examples and reconstruction."),
        LIKELIHOOD,
        SURPRISE,
        Port(
            "weight", "(visible, hidden)", "parameter", "W", "To be shared: an unrolled network starts where this is."
        ),
        Port("visible_bias", "(visible)", "parameter", "b", "The pull at each visible unit by itself."),
        Port("hidden_bias", "(hidden)", "parameter", "c", "The pull at each hidden unit by itself."),
    )
    hidden = Whole(4, low=1, high=4096, unit="units", help="How many hidden units there are.")
    visible = Choice(
        "binary", KINDS,
        help="0 and 1; real numbers (standardise them); ratings, of whose columns one is 1; or counts of words.",
    )  # fmt: skip
    deviation = Numbers(1.0, help="Of real numbers: how far they stray from their mean; one number, or one each.")
    levels = Whole(5, low=2, high=100, unit="columns", help="Of ratings: how many columns stand for an item.")
    each_word = Flag(
        False, help="Of counts: whether hidden biases count once for each word, or once for a document (text)."
    )
    method = Choice(
        "contrastive divergence", ("contrastive divergence", "persistent", "exact"),
        help="Where the negative phase comes from: a few steps away from the data, chains that go on from iteration to "
        "iteration, or the machine itself by enumeration.",
    )  # fmt: skip
    steps = Whole(1, low=1, high=100, unit="steps", help="k: how often the negative phase goes to and fro.")
    growth = Choice("none", ("none", "by one", "double"), help="Whether k grows while it learns.")
    every = Real(10000.0, low=1.0, high=1e7, unit="iterations", help="How long k stays the same.")
    most_steps = Whole(20, low=1, high=100, unit="steps", help="How far k grows.")
    sampling = Choice(
        "hidden", SAMPLING,
        help="What is drawn: hidden units between steps (probabilities elsewhere), everything, or nothing.",
    )  # fmt: skip
    chains = Whole(16, low=1, high=4096, unit="chains", help="How many persistent chains there are.")
    learning_rate = RATE
    initialiser = Choice("small_normal", tuple(INITIALISERS), help="How weights start where no numbers are given.")
    initial_weight = Numbers(None, help="Weights to start from, visible × hidden.")
    visible_start = Choice(
        "zeros", ("zeros", "log odds"), help="Where visible biases start: 0, or the data's log odds."
    )
    initial_visible_bias = Numbers(None, help="Visible biases to start from.")
    initial_hidden_bias = Numbers(None, help="Hidden biases to start from.")

    def lower(self, build: Builder, **values: Any) -> dict[str, Value]:
        x, emit = values["x"], build.emit
        width = units_of(x)
        self._refuse(width)
        machine = self._machine(build, x)
        chances = machine.hidden(x)
        sample = machine.drawn(chances, "hidden")
        model, log_z = None, None
        if min(width, self.hidden) <= MOST_ENUMERATED and self.visible == "binary":
            model, log_z = machine.enumerated(width, self.hidden)
        back = machine.visible(chances)
        free = machine.free_energy(x)
        fantasy, negative, advance = self._negative(machine, x, chances, sample, model)
        positive = machine.statistics(x, sample if self.sampling == "everything" else chances)

        def learn() -> None:
            rate = build.setting("learning_rate", self.learning_rate)
            parameters = (machine.weight, machine.visible_bias, machine.hidden_bias)
            for parameter, data, model in zip(parameters, positive, negative, strict=True):
                emit("add_to", parameter, rate * (data - model))
            advance()

        build.learn(learn)
        missed = x - back
        outputs = {
            "reconstruction": back, "hidden": chances, "sample": sample, "fantasy": fantasy, "free_energy": free,
            "error": emit("mean", missed * missed, axes=(0, 1)), "weight": machine.weight,
            "visible_bias": machine.visible_bias, "hidden_bias": machine.hidden_bias,
        }  # fmt: skip
        if log_z is not None:
            outputs["surprise"] = emit("mean", free, axes=(0, 1)) + log_z
            outputs["log_likelihood"] = -outputs["surprise"]
        return outputs

    def _refuse(self, width: int) -> None:
        """Raises `ShapeMismatch` where so many visible units, or such, have no negative phase of the kind that is asked for."""
        smaller = min(width, self.hidden)
        if self.method == "exact" and smaller > MOST_ENUMERATED:
            raise shape_mismatch(
                f"the smaller side has {smaller} units, and no more than {MOST_ENUMERATED} are enumerated",
                "Choose contrastive divergence, or fewer hidden units.",
            )
        if self.visible != "binary" and (
            self.method == "exact" or (self.visible, self.method) == ("counts", "persistent")
        ):
            fact = f"“{self.method}” knows no visible units that are {self.visible}"
            raise shape_mismatch(fact, "Choose contrastive divergence.")

    def _machine(self, build: Builder, x: Value) -> Machine:
        width = units_of(x)
        weight = build.parameter("weight", *start_of((width, self.hidden), self.initial_weight, self.initialiser))
        if self.initial_visible_bias is None and self.visible_start == "log odds" and self.visible == "binary":
            visible = build.parameter("visible_bias", (width,), log_odds(build, width))
        else:
            visible = build.parameter("visible_bias", *start_of((width,), self.initial_visible_bias, "zeros"))
        hidden = build.parameter("hidden_bias", *start_of((self.hidden,), self.initial_hidden_bias, "zeros"))
        return Machine(build, weight, visible, hidden, self._units(build, x))

    def _units(self, build: Builder, x: Value) -> VisibleUnits:
        if self.visible == "Gaussian":
            return GaussianUnits(build, self._deviations(build, x))
        if self.visible == "ratings":
            return RatingUnits(build, self.levels, x)
        return CountUnits(build, x, self.each_word) if self.visible == "counts" else VisibleUnits(build)

    def _deviations(self, build: Builder, x: Value) -> Value:
        deviations = np.ravel(np.asarray(self.deviation, np.float64))
        if (deviations <= 0).any() or deviations.size not in (1, units_of(x)):
            mend = "Give one number above 0, or one for each unit."
            raise ProblemError(Problem("a deviation is above 0", mend, path="properties.deviation", kind="property"))
        shape = (1, deviations.size)
        return build.source("constant", f"{build.origin.node}.deviations", shape, deviations.reshape(shape))

    def _negative(
        self, machine: Machine, x: Value, chances: Value, sample: Value, model: Statistics | None
    ) -> tuple[Value, Statistics, Callable[[], None]]:
        """What the negative phase shows, its statistics, and what it keeps for the next iteration."""
        build = machine.build
        if self.method == "exact":
            assert model is not None
            return machine.visible(sample), model, lambda: None
        if self.method == "contrastive divergence":
            begin = chances if self.sampling == "nothing" else sample
            visible, probable, drawn = self._to_and_fro(machine, begin)
            return (
                visible,
                machine.statistics(visible, drawn if self.sampling == "everything" else probable),
                lambda: None,
            )
        kept = build.state("chains", (self.chains, self.hidden), coin_flips)  # type: ignore[arg-type]
        visible, probable, drawn = self._to_and_fro(machine, kept)

        def go_on() -> None:
            build.emit("set_to", kept, drawn)

        return visible, machine.statistics(visible, probable), go_on

    def _to_and_fro(self, machine: Machine, hidden: Value) -> tuple[Value, Value, Value]:
        """After k steps from hidden units: the visible side, the hidden probabilities, and hidden units drawn by them."""
        build, now = machine.build, self._steps_now(machine.build)
        found: tuple[Value, Value, Value] = (hidden, hidden, hidden)
        for step in range(1, (self.most_steps if now is not None else self.steps) + 1):
            visible = machine.units.limited(machine.visible(found[2]))
            if self.sampling == "everything":
                visible = machine.units.drawn(visible, f"visible {step}")
            probable = machine.hidden(visible)
            drawn = probable if self.sampling == "nothing" else machine.drawn(probable, f"hidden {step}")
            taken = (visible, probable, drawn)
            if now is None or step <= self.steps:
                found = taken
                continue
            goes = build.emit("at_least", now, float(step))
            pairs = zip(taken, found, strict=True)
            found = tuple([build.emit("where", goes, new, old) for new, old in pairs])  # type: ignore[assignment]
        return found

    def _steps_now(self, build: Builder) -> Value | None:
        """k at this moment, cut to a whole number by whoever compares it; None where it does not grow."""
        if self.growth == "none" or self.most_steps <= self.steps:
            return None
        begin, every = build.constant(float(self.steps)), build.setting("every", self.every)
        if self.growth == "double":
            return build.emit("step_decay", begin, build.constant(2.0), every, unit="iteration")
        missing = float(self.most_steps - self.steps)
        return build.emit("linear_ramp", float(self.most_steps), begin, every * missing, unit="iteration")


def log_odds(build: Builder, width: int) -> Any:
    """Visible biases ln(p / (1 − p)) of the training rows' means, p kept within 0.01 and 0.99 (Aggarwal 2023, §7.4.2)."""
    examples = build.examples

    def start(shape: tuple[int, ...], draw: np.random.Generator) -> Any:
        table = None if examples is None else examples()
        if table is None or table.ndim != 2 or table.shape[1] != width:
            return np.zeros(shape)
        chance = np.clip(table.mean(axis=0), 0.01, 0.99)
        return np.log(chance / (1 - chance))

    return start
