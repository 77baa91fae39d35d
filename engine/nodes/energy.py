"""Hopfield networks: patterns stored in the weights between units, and recalled by letting the units settle."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.nodes.base import Choice, NodeType, Numbers, Port, Real, node_type
from engine.nodes.data import start_of
from engine.nodes.layers import features_of
from engine.primitives.draws import key_of
from engine.problems import shape_mismatch
from engine.program import Builder
from engine.values import Value, shape_text

STATES = ("0/1", "-1/+1")
MOST_UNITS = 4096  # that all pull at each other
WEIGHT = Port("weight", "(units, units)", kind="parameter", symbol="W", help="The pull between each two units.")
BIAS = Port("bias", "(units)", kind="parameter", symbol="b", help="The pull at each unit by itself.")
ENERGY = Port("energy", "(batch, 1)", symbol="E", help="−Σ bᵢsᵢ − Σ wᵢⱼsᵢsⱼ over all pairs.")


def units_of(x: Value, port: str = "x") -> int:
    """How many units rows of states have. Raises `ShapeMismatch` where there are no rows."""
    units = features_of(x)
    if x.rank != 2:
        raise shape_mismatch(f"{shape_text(x.shape)} has no rows of units", "Put a reshape before it.", port=port)
    if units > MOST_UNITS:
        fact = f"{units} units would need {units**2:.3g} weights"
        raise shape_mismatch(fact, f"Give it {MOST_UNITS} units or fewer.", port=port)
    return units


def gaps_of(state: Value, weight: Value, bias: Value) -> Value:
    """How much lower the energy is with each unit at its upper state (0/1; half of it for −1/+1)."""
    return state.program.build.emit("matmul", state, weight, transpose_b=True) + bias


def energy_of(build: Builder, state: Value, weight: Value, bias: Value) -> Value:
    """The energy of each row; every pair stands twice in a symmetric weight."""
    pulls = 0.5 * build.emit("matmul", state, weight, transpose_b=True) + bias
    return 0.0 - build.emit("sum", state * pulls, axes=(1,), keep=True)  # no −0 for a state without a pull


def marks(build: Builder, name: str, units: int, marked: Any) -> Value | None:
    """A row of ones with 0 for the units named; None where none is. Raises `ShapeMismatch` for one that is not there."""
    places = [] if marked is None else np.ravel(marked).tolist()
    if not places:
        return None
    for place in places:
        if place not in range(units):
            fact = f"there is no unit {place:g}: there are {units}"
            raise shape_mismatch(fact, f"Units count from 0 to {units - 1}.")
    row = np.ones((1, units))
    row[0, [int(place) for place in places]] = 0.0
    return build.source("constant", f"{build.origin.node}.{name}", row.shape, row)


def comes_and_goes(build: Builder, x: Value) -> bool:
    """Whether other rows may stand in the batch at the next iteration: then nothing can be kept for each of them."""
    return x.rank > 0 and not isinstance(x.shape[0], int) and "data.inputs.batch" in build.program.named


@node_type
class HopfieldStorage(NodeType):
    """Weights and biases that make the patterns of the batch places of rest."""

    name, category, icon, title = "hopfield_storage", "Learning rules", "database", "Hopfield storage"
    formula = r"w_{ij} = \sum_k x_{ki} x_{kj},\quad b_i = \sum_k x_{ki},\quad w_{ii} = 0"
    source = "Aggarwal 2023, §7.2.1, eq. 7.4; Storkey 1997"
    inputs = (Port("x", "(batch, units)", symbol="x", help="The patterns, one a row."),)
    outputs = (WEIGHT, BIAS)
    states = Choice("0/1", STATES, help="How patterns are written; 0/1 is counted as −1/+1, as the text does.")
    rule = Choice("Hebb", ("Hebb", "Storkey"), help="Hebb's sum of products, or Storkey's, which holds more patterns.")
    bias = Choice(
        "patterns", ("patterns", "none"), help="The patterns' own sum (half their change of energy), or none."
    )
    divide = Choice("no", ("no", "units"), help="Hebb's sum as it is, or divided by the number of units.")
    most = Real(1000.0, low=0.0, high=1e6, symbol="k", help="How many patterns are stored, from the first on.")

    def lower(self, build: Builder, **values: Any) -> dict[str, Value]:
        x, emit = values["x"], build.emit
        units = units_of(x)
        signs = x if self.states == "-1/+1" else 2.0 * x - 1.0
        stored = emit("first_rows", signs, build.setting("most", self.most))
        if self.rule == "Storkey":
            weight = emit("storkey", stored)
        else:
            others = build.source("constant", f"{build.origin.node}.others", (units, units), 1.0 - np.eye(units))
            weight = emit("matmul", stored, stored, transpose_a=True) * others
            weight = weight / float(units) if self.divide == "units" else weight
        bias = emit("sum", stored, axes=(0,))
        return {"weight": weight, "bias": 0.0 * bias if self.bias == "none" else bias}


ORDERS = ("sweep", "one in turn", "one at random", "steepest", "all at once")


@node_type
class HopfieldRecall(NodeType):
    """Units that settle, each answering to the pull of the others: the energy falls to the nearest memory."""

    name, category, icon, title = "hopfield_recall", "Learning rules", "orbit", "Hopfield recall"
    formula = r"s_i \leftarrow [\,b_i + \sum_{j \neq i} w_{ij} s_j \geq 0\,]"
    source = "Aggarwal 2023, §7.2, eqs 7.1 to 7.3"
    inputs = (
        Port(
            "query", "(batch, units)", symbol="q", help="Where the units start: all rows in every iteration, in order."
        ),
        Port(
            "weight",
            "(units, units)",
            kind="parameter",
            symbol="W",
            optional=True,
            help="Wired: from a storage. Free: the node's own, to be set by hand.",
        ),
        Port("bias", "(units)", kind="parameter", symbol="b", optional=True, help="Free: the node's own."),
    )
    outputs = (
        Port("state", "(batch, units)", symbol="s", help="The units after this iteration's tests."),
        ENERGY,
        Port("gap", "(batch, units)", symbol=r"\Delta E", help="The pull at each unit: by its sign it is tested."),
        Port("moved", "(batch, 1)", symbol="m", help="How many units changed in this iteration; 0: it may rest."),
    )
    states = Choice("0/1", STATES, help="What a unit may be.")
    order = Choice(
        "sweep", ORDERS,
        help="What an iteration tests: all units one by one, one of them (in turn, at random, where it pays most), or all "
        "at once, which may swing for ever.",
    )  # fmt: skip
    tie = Choice("up", ("up", "keep"), help="Where the pull is exactly 0: the upper state, or as it is.")
    held = Numbers(None, help="Units that stay as in the query, counted from 0: what is known for sure.")
    initial_weight = Numbers(None, help="Its own weights, symmetric and with 0 in the diagonal.")
    initial_bias = Numbers(None, help="Its own biases, one per unit.")

    def lower(self, build: Builder, **values: Any) -> dict[str, Value]:
        query, weight, bias, emit = values["query"], values.get("weight"), values.get("bias"), build.emit
        units = units_of(query, "query")
        if weight is None:
            weight = build.parameter("weight", *start_of((units, units), self.initial_weight, "zeros"))
        if bias is None:
            bias = build.parameter("bias", *start_of((units,), self.initial_bias, "zeros"))
        if weight.shape != (units, units) or bias.shape != (units,):
            fact = f"{units} units meet weights of {shape_text(weight.shape)} and biases of {shape_text(bias.shape)}"
            raise shape_mismatch(fact, f"Store patterns of {units} units.", port="weight")
        lasting: list[tuple[Value, Value]] = []  # what is kept for the next iteration, and what becomes of it
        before = query
        if not comes_and_goes(build, query):
            begun, kept = build.state("begun", ()), build.state("units", query.shape)
            before = emit("where", begun, kept, query)
        state = self._next(build, before, weight, bias, lasting)
        if before is not query:
            lasting += [(kept, state), (begun, build.constant(1.0))]

        def keep() -> None:
            for old, new in lasting:
                emit("set_to", old, new)

        if lasting:
            build.learn(keep)
        changed = emit("greater", emit("absolute", state - before), 0.0)
        return {
            "state": state, "energy": energy_of(build, state, weight, bias), "gap": gaps_of(state, weight, bias),
            "moved": emit("sum", changed, axes=(1,), keep=True),
        }  # fmt: skip

    def _next(
        self, build: Builder, state: Value, weight: Value, bias: Value, lasting: list[tuple[Value, Value]]
    ) -> Value:
        emit, how = build.emit, {"signed": self.states == "-1/+1", "keep": self.tie == "keep"}
        units = units_of(state)
        held = marks(build, "free", units, self.held)
        free: Value = emit("broadcast", build.constant(1.0), shape=state.shape)
        free = free if held is None else free * held
        if self.order == "sweep":
            return emit("settle", state, weight, bias, free, **how)
        gaps = gaps_of(state, weight, bias)
        low = -1.0 if how["signed"] else 0.0
        still = emit("where", emit("greater", 0.0, gaps), low, state if how["keep"] else 1.0)
        tested: Value = emit("where", free, emit("where", emit("greater", gaps, 0.0), 1.0, still), state)
        if self.order == "all at once":
            return tested
        return emit("where", self._one(build, gaps * (tested - state), lasting), tested, state)

    def _one(self, build: Builder, gain: Value, lasting: list[tuple[Value, Value]]) -> Value:
        """Rows of one 1, at the unit that is tested."""
        emit, units = build.emit, units_of(gain)
        if self.order == "steepest":
            return emit("one_hot", emit("argmax", gain), classes=units)
        if self.order == "one at random":
            lots = emit("random_uniform", shape=(1, units), key=key_of(build, "order"))
            return emit("one_hot", emit("argmax", lots), classes=units)
        turn, numbers = build.state("turn", ()), np.arange(float(units))[None]
        places = build.source("constant", f"{build.origin.node}.places", numbers.shape, numbers)

        following = turn + 1.0
        lasting.append((turn, emit("where", emit("greater", float(units), following), following, 0.0)))
        return emit("equal", places, turn)


def every_state(units: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """All 2ⁿ states of units of 0 and 1, in binary order, one a row."""
    numbers = np.arange(2**units)[:, None] >> np.arange(units)[::-1]
    return (numbers & 1).astype(np.float64)


MOST_ENUMERATED = 12  # 4,096 states: as many as can be summed within an iteration


def state_table(build: Builder, name: str, units: int) -> Value:
    """Every state of so many units as a constant."""
    table = every_state(units)
    return build.source("constant", f"{build.origin.node}.{name}", table.shape, table)


def coin_flips(shape: tuple[int, ...], draw: np.random.Generator) -> Any:
    """A start of units by fair coins."""
    return (draw.random(shape) < 0.5).astype(np.float64)
