"""Recurrent cells: what a network with a memory computes at one step of time; a delay brings their states back."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from engine.initialisers import INITIALISERS
from engine.nodes.base import Choice, Flag, NodeType, Numbers, Port, Real, Whole, node_type
from engine.nodes.data import INITIAL_SCALE, start_of
from engine.nodes.layers import ACTIVATIONS, features_of
from engine.problems import shape_mismatch
from engine.program import Builder
from engine.values import Value, shape_text

X = Port("x", "(batch, features)", symbol="x")
H = Port("h", "(batch, units)", symbol="h")
BEFORE = Port(
    "state", "(batch, units)", symbol=r"h^{-}", optional=True, help="The state one step ago, from a delay. Free: zeros."
)
LEAST_DEVIATION = 1e-5


class Cell(NodeType):
    """A cell with a state `h`; its weights are the same at every step of time."""

    category, icon = "Time", "repeat"
    inputs: ClassVar[tuple[Port, ...]] = (X, BEFORE)
    outputs: ClassVar[tuple[Port, ...]] = (H,)
    units = Whole(8, low=1, high=4096, unit="units", help="How many numbers the state has.")
    use_bias = Flag(True, help="Whether a bias is added.")
    layer_norm = Flag(
        False, help="Whether the sums are centred and scaled over the units of an example before they are bent."
    )
    epsilon = Real(
        LEAST_DEVIATION, low=0.0, high=1.0, symbol=r"\varepsilon",
        help="Added to the variance under the root of the layer normalisation.",
    )  # fmt: skip
    initialiser = Choice("glorot_uniform", tuple(INITIALISERS), help="How the weights of the input start.")
    recurrent_initialiser = Choice("orthogonal", tuple(INITIALISERS), help="How the weights of the state start.")
    initial_scale = INITIAL_SCALE
    recurrent_scale = Real(
        1.0, low=0.0, high=1e6, is_slot=False,
        help="What the drawn weights of the state are multiplied by: below 1 a reservoir forgets, above it may run away.",
    )  # fmt: skip
    initial_weight = Numbers(None, help="Weights of the input to start from, features × sums.")
    initial_recurrent = Numbers(None, help="Weights of the state to start from, units × sums.")
    initial_bias = Numbers(None, help="Biases to start from, one per sum (or one for all).")

    def state(self, build: Builder, value: Value | None, x: Value, port: str) -> Value:
        """A state that came in, or zeros. Raises `ShapeMismatch` where it has another width."""
        shape = (*x.shape[:-1], self.units)
        if value is None:
            return build.emit("broadcast", build.constant(0.0), shape=shape)
        if value.shape == shape:
            return value
        if value.rank and value.shape[-1] == self.units:  # what does not fit are the rows
            fact = f"a state of shape {shape_text(value.shape)} meets an input of shape {shape_text(x.shape)}"
            raise shape_mismatch(
                fact, "A delay keeps a row for each example: bring the input from the data.", port=port
            )
        fact = f"a state of shape {shape_text(value.shape)} meets a cell of {self.units} units"
        raise shape_mismatch(fact, f"Set the “shape” of the delay to {self.units}.", port=port)

    def sums(self, build: Builder, x: Value, h: Value, columns: int, bias: Any = None, *, blocks: int = 1) -> Value:
        """x W + h U + b, in `columns` columns; `bias` is where it starts if nothing is said."""
        width = features_of(x)
        weight, recurrent = self.weights(build, (width, columns), (self.units, columns))
        z = x @ weight
        if self.use_bias and not self.layer_norm:
            z = z + self.bias(build, "bias", columns, bias)
        z = z + h @ recurrent
        return layer_normalised(build, z, self.epsilon, bias=bias, groups=blocks) if self.layer_norm else z

    def weights(self, build: Builder, of_input: tuple[int, int], of_state: tuple[int, int]) -> tuple[Value, Value]:
        """The weights of the input and those of the state."""
        weight = start_of(of_input, self.initial_weight, self.initialiser, self.initial_scale)
        recurrent = start_of(of_state, self.initial_recurrent, self.recurrent_initialiser, self.recurrent_scale)
        return build.parameter("weight", *weight), build.parameter("recurrent", *recurrent)

    def bias(self, build: Builder, name: str, columns: int, start: Any) -> Value:
        """The cell's own bias."""
        numbers = self.initial_bias if self.initial_bias is not None else start
        return build.parameter(name, *start_of((columns,), numbers, "zeros"))


def layer_normalised(
    build: Builder, x: Value, epsilon: float, name: str = "", *, bias: Any = None, groups: int = 1
) -> Value:
    """(x − mean) / deviation over the features (of each of several groups alike), times a gain, plus a shift: both learned.

    The variance divides by the number of features and `epsilon` is added to it (Aggarwal 2023, eq. 8.7; Ba et al. 2016).
    """
    width = features_of(x)
    shape = (*x.shape[:-1], groups, width // groups) if groups > 1 else x.shape
    parts = build.emit("reshape", x, shape=shape) if groups > 1 else x
    last = (parts.rank - 1,)
    centred = parts - build.emit("mean", parts, axes=last, keep=True)
    variance = build.emit("mean", centred * centred, axes=last, keep=True)
    scaled = centred / build.emit("sqrt", variance + build.setting(f"{name}epsilon", epsilon))
    if groups > 1:
        scaled = build.emit("reshape", scaled, shape=x.shape)
    gain = build.parameter(f"{name}gain", (width,), np.ones(width))
    return scaled * gain + build.parameter(f"{name}shift", *start_of((width,), bias, "zeros"))


def block(build: Builder, z: Value, place: int, width: int) -> Value:
    """One of several groups of sums that lie side by side."""
    return build.emit("slice", z, axis=z.rank - 1, start=place * width, stop=(place + 1) * width)


@node_type
class RecurrentCell(Cell):
    """The plain recurrent cell: sums of input and last state, bent. Wire its state back through a delay."""

    name, title = "rnn_cell", "recurrent cell"
    formula = r"h = \varphi\left(x W + h^{-} U + b\right)"
    source = "Aggarwal 2023, eqs 8.1 and 8.7; Elman 1990"
    activation = Choice("tanh", ACTIVATIONS, help="What bends the sums.")

    def lower(self, build: Builder, **values: Any) -> Value:
        x: Value = values["x"]
        features_of(x)
        h = self.state(build, values["state"], x, "state")
        return build.apply(self.activation, self.sums(build, x, h, self.units))


GATES = ("input", "forget", "output")


@node_type
class LongShortTermMemory(Cell):
    """A cell whose memory is kept, written and shown through gates. Wire both its states back through delays."""

    name, title = "lstm_cell", "LSTM cell"
    formula = (
        r"i, f, o = \sigma\left(x W + h^{-} U + b\right),\; \tilde c = \tanh(\dots),\;"
        r" c = f \odot c^{-} + i \odot \tilde c,\; h = o \odot \tanh c"
    )
    source = "Aggarwal 2023, §8.5; Hochreiter & Schmidhuber 1997; Gers et al. 2000, 2002; Kiros et al. 2014"
    inputs: ClassVar[tuple[Port, ...]] = (
        X,
        BEFORE,
        Port("memory", "(batch, units)", symbol=r"c^{-}", optional=True, help="The memory one step ago. Free: zeros."),
    )
    outputs: ClassVar[tuple[Port, ...]] = (H, Port("c", "(batch, units)", symbol="c"))
    input_gate = Flag(True, help="Whether what is written passes a gate; without it everything is written.")
    forget_gate = Flag(True, help="Whether the memory passes a gate; without it nothing is ever forgotten.")
    output_gate = Flag(True, help="Whether what is shown passes a gate; without it the whole memory is shown.")
    coupled = Flag(False, help="Whether as much is written as is forgotten: the input gate is 1 minus the forget gate.")
    peepholes = Flag(False, help="Whether the gates also see the memory itself.")
    peephole_weights = Choice(
        "one a unit", ("one a unit", "matrix"),
        help="What a gate sees of the memory: its own unit (Gers et al.), or every unit by a matrix (Kiros et al.).",
    )  # fmt: skip
    initial_peephole = Numbers(0.0, help="Weights of the peepholes to start from: one number, or as many as there are.")
    squash = Choice("tanh", ("tanh", "identity"), help="What bends the memory where it is shown.")
    forget_bias = Numbers(
        1.0, help="Where the biases of the forget gate start: above 0 it begins by remembering (the text has 0)."
    )

    def lower(self, build: Builder, **values: Any) -> dict[str, Value]:
        x: Value = values["x"]
        features_of(x)
        h, before = self.state(build, values["state"], x, "state"), self.state(build, values["memory"], x, "memory")
        blocks = [*self._open_gates(), "candidate"]
        z = self.sums(build, x, h, self.units * len(blocks), self._start(blocks), blocks=len(blocks))
        part = {name: block(build, z, place, self.units) for place, name in enumerate(blocks)}
        candidate = build.emit("tanh", part["candidate"])
        forget = self._gate(build, "forget", part, before)
        write = 1 - forget if self.coupled and forget is not None else self._gate(build, "input", part, before)
        kept = before if forget is None else forget * before
        c = kept + (candidate if write is None else write * candidate)
        show = self._gate(build, "output", part, c)
        bent = build.apply(self.squash, c)
        return {"h": bent if show is None else show * bent, "c": c}

    def _open_gates(self) -> list[str]:
        on = {"input": self.input_gate, "forget": self.forget_gate, "output": self.output_gate}
        on["input"] = on["input"] and not (self.coupled and self.forget_gate)
        return [name for name in GATES if on[name]]

    def _start(self, blocks: list[str]) -> Any:
        start = np.zeros((len(blocks), self.units))
        if "forget" in blocks:
            start[blocks.index("forget")] = start_of((self.units,), self.forget_bias, "zeros")[1]
        return start.reshape(-1)

    def _gate(self, build: Builder, name: str, part: dict[str, Value], memory: Value) -> Value | None:
        z = part.get(name)
        if z is None:
            return None
        if self.peepholes:
            z = z + self._peeped(build, name, memory)
        return build.emit("sigmoid", z)

    def _peeped(self, build: Builder, name: str, memory: Value) -> Value:
        """What a gate sees of the memory."""
        is_matrix = self.peephole_weights == "matrix"
        shape = (self.units, self.units) if is_matrix else (self.units,)
        weight = build.parameter(f"{name}_peephole", *start_of(shape, self.initial_peephole, "zeros"))
        return memory @ weight if is_matrix else memory * weight


@node_type
class GatedRecurrentUnit(Cell):
    """A cell whose state is a mixture of the old one and a candidate, mixed by a gate. Wire it back through a delay."""

    name, title = "gru_cell", "GRU cell"
    formula = (
        r"z, r = \sigma\left(x W + h^{-} U + b\right),\; n = \tanh\left(x W_n + (r \odot h^{-}) V + b_n\right),\;"
        r" h = z \odot h^{-} + (1 - z) \odot n"
    )
    source = "Aggarwal 2023, eqs 8.10 and 8.11; Cho et al. 2014"
    gate = Choice(
        "keeps", ("keeps", "admits"),
        help="What z does: keeps the old state (Aggarwal, Cho et al., most libraries), or lets the candidate in.",
    )  # fmt: skip
    reset = Choice(
        "before", ("before", "after"),
        help="Whether the old state is reset before the product with V (Aggarwal), or the product behind it (libraries).",
    )  # fmt: skip
    initial_candidate = Numbers(None, help="Weights V of the state in the candidate to start from, units × units.")

    def lower(self, build: Builder, **values: Any) -> Value:
        x: Value = values["x"]
        width, p = features_of(x), self.units
        h = self.state(build, values["state"], x, "state")
        weight, recurrent = self.weights(build, (width, 3 * p), (p, 2 * p))
        start = start_of((p, p), self.initial_candidate, self.recurrent_initialiser, self.recurrent_scale)
        v = build.parameter("candidate", *start)
        z = x @ weight
        if self.use_bias:
            z = z + self.bias(build, "bias", 3 * p, None)
        gates = block(build, z, 0, 2 * p) + h @ recurrent
        if self.layer_norm:
            gates = layer_normalised(build, gates, self.epsilon, groups=2)
        gates = build.emit("sigmoid", gates)
        mix, reset = block(build, gates, 0, p), block(build, gates, 1, p)
        sums = build.emit("slice", z, axis=z.rank - 1, start=2 * p, stop=3 * p) + self._brought(build, h, reset, v)
        if self.layer_norm:
            sums = layer_normalised(build, sums, self.epsilon, "candidate_")
        candidate = build.emit("tanh", sums)
        old, new = (mix, 1 - mix) if self.gate == "keeps" else (1 - mix, mix)
        return old * h + new * candidate

    def _brought(self, build: Builder, h: Value, reset: Value, v: Value) -> Value:
        """What the old state brings to the candidate."""
        if self.reset == "before":
            return (reset * h) @ v
        product = h @ v
        if self.use_bias:
            product = product + build.parameter("recurrent_bias", (self.units,), INITIALISERS["zeros"])
        return reset * product
