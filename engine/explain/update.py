"""The update formulas of a step: old − rate × gradient = new, with the optimizer's memory before and after."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from engine.explain.forward import forward_equations
from engine.explain.live import Array, Entry, Live, unravel
from engine.explain.notation import Notation, Symbol, partial
from engine.explain.printing import CLOSE, EQUALS, MINUS, OPEN, PLUS, SHOWN, TIMES, choose, number_term
from engine.explain.reading import Desk
from engine.program import Call, Value
from engine.snapshot import Equation, Term

Numbers = Sequence[float | None]


class Update:
    """Writes the equations of one update call, entry by entry."""

    def __init__(self, live: Live, notation: Notation, phase: int, objective: str, was_played: bool) -> None:
        self.live, self.notation, self.objective = live, notation, objective
        self.phase, self.was_played = phase, was_played

    def write(self, call: Call, unit: int) -> list[Equation]:
        """The equations of the entries of a parameter that belong to a unit."""
        form = FORMS.get(call.primitive.name)
        if form is None:
            return []
        value = call.operands[0]
        return [equation for entry in self._entries(call, value, unit) for equation in form(self, call, value, entry)]

    def _entries(self, call: Call, value: Value, unit: int) -> list[Entry]:
        shape = self.live.shape(value)
        if len(shape) != 2:
            return [unravel(unit, shape)]
        column = min(max(unit, 0), shape[1] - 1)
        changes = self._array(call.operands[1]) if len(call.operands) > 1 else None
        picked = choose(None if changes is None else np.asarray(changes[:, column]), shape[0])
        return [(place, column) for place in picked.places[:SHOWN]]

    def _array(self, value: Value) -> Array | None:
        live = self.live
        if value.source is not None:
            return live.now(value)
        if live.session.tape.places[value.index] is None or live.session.gradient_state(value) == "absent":
            return None
        return live.session.memory_of(value, live.shape(value))

    def symbol(self, value: Value, entry: Entry) -> str:
        """A parameter's symbol."""
        named = self.notation.entry(value, self.live.shape(value), entry)
        return named.latex if named is not None else "w"

    def number(self, value: Value, entry: Entry = ()) -> float | None:
        """An operand's number as the update read it: a gradient, a rate."""
        array = self._array(value)
        return None if array is None else float(array[entry])

    def old(self, value: Value, entry: Entry) -> float | None:
        """The number before the update."""
        before = self.live.session.before_update(value)
        if before is None and not self.was_played:
            before = self.live.now(value)
        return None if before is None else float(before[entry])

    def new(self, value: Value, entry: Entry) -> float | None:
        """The number after it; None while it was not played."""
        return self.number(value, entry) if self.was_played else None

    def gradient(self, call: Call, entry: Entry) -> Term:
        """The derivative by the parameter."""
        name = partial(self.objective, self.symbol(call.operands[0], entry))
        return number_term(name, self.number(call.operands[1], entry), "gradient")

    def rate(self, value: Value) -> Term:
        """The learning rate."""
        return number_term(r"\eta", self.number(value), "rate")


def _sgd(update: Update, call: Call, value: Value, entry: Entry) -> list[Equation]:
    name = update.symbol(value, entry)
    return [
        Equation(
            (
                number_term(name, update.old(value, entry), "old"), MINUS, update.rate(call.operands[2]), TIMES,
                update.gradient(call, entry), EQUALS, number_term(name, update.new(value, entry), "new"),
            )
        )
    ]  # fmt: skip


def _velocity(update: Update, call: Call, entry: Entry) -> Equation:
    memory, rate, momentum = call.operands[2:5]
    return Equation(
        (
            number_term(r"\beta", update.number(momentum), "operand"), TIMES,
            number_term("v", update.old(memory, entry), "state", "before"), MINUS, update.rate(rate), TIMES,
            update.gradient(call, entry), EQUALS, number_term("v", update.new(memory, entry), "state", "now"),
        ),
        "velocity",
    )  # fmt: skip


def _momentum(update: Update, call: Call, value: Value, entry: Entry) -> list[Equation]:
    name, memory = update.symbol(value, entry), call.operands[2]
    step = Equation(
        (
            number_term(name, update.old(value, entry), "old"), PLUS,
            number_term("v", update.new(memory, entry), "state"), EQUALS,
            number_term(name, update.new(value, entry), "new"),
        )
    )  # fmt: skip
    return [_velocity(update, call, entry), step]


def _nesterov(update: Update, call: Call, value: Value, entry: Entry) -> list[Equation]:
    name = update.symbol(value, entry)
    memory, rate, momentum = call.operands[2:5]
    step = Equation(
        (
            number_term(name, update.old(value, entry), "old"), PLUS,
            number_term(r"\beta", update.number(momentum), "operand"), TIMES,
            number_term("v", update.new(memory, entry), "state"), MINUS, update.rate(rate), TIMES,
            update.gradient(call, entry), EQUALS, number_term(name, update.new(value, entry), "new"),
        )
    )  # fmt: skip
    return [_velocity(update, call, entry), step]


def _mean(update: Update, call: Call, entry: Entry, memory: Value, decay: Value, letter: str, beta: str) -> Equation:
    factor = update.number(decay)
    square = [Term("{}^{2}")] if letter == "v" else []
    return Equation(
        (
            number_term(beta, factor, "operand"), TIMES, number_term(letter, update.old(memory, entry), "state", "before"),
            PLUS, OPEN, Term("1"), MINUS, number_term(beta, factor, "operand"), CLOSE, TIMES, update.gradient(call, entry),
            *square, EQUALS, number_term(letter, update.new(memory, entry), "state", "now"),
        ),
        "mean gradient" if letter == "m" else "mean squared gradient",
    )  # fmt: skip


def _corrected(update: Update, entry: Entry, memory: Value, power: Value, letter: str, beta: str) -> Equation:
    mean, left = update.new(memory, entry), update.new(power, ())
    share = None if mean is None or left is None or left >= 1 else mean / (1 - left)
    return Equation(
        (
            number_term(letter, mean, "state"), Term("/"), OPEN, Term("1"), MINUS,
            number_term(f"{beta}^{{t}}", left, "operand"), CLOSE, EQUALS, number_term(rf"\hat {letter}", share, "state"),
        ),
        "corrected for its start at 0",
    )  # fmt: skip


def _adam(update: Update, call: Call, value: Value, entry: Entry) -> list[Equation]:
    m, v, rate, beta1, beta2, epsilon, power1, power2 = call.operands[2:10]
    first = _corrected(update, entry, m, power1, "m", r"\beta_1")
    second = _corrected(update, entry, v, power2, "v", r"\beta_2")
    name, root = update.symbol(value, entry), second.terms[-1].number
    step = Equation(
        (
            number_term(name, update.old(value, entry), "old"), MINUS, update.rate(rate), TIMES,
            number_term(r"\hat m", first.terms[-1].number, "state"), Term("/"), OPEN,
            number_term(r"\sqrt{\hat v}", None if root is None else max(root, 0.0) ** 0.5, "state"), PLUS,
            number_term(r"\epsilon", update.number(epsilon), "operand"), CLOSE, EQUALS,
            number_term(name, update.new(value, entry), "new"),
        )
    )  # fmt: skip
    return [
        _mean(update, call, entry, m, beta1, "m", r"\beta_1"),
        _mean(update, call, entry, v, beta2, "v", r"\beta_2"),
        first,
        second,
        step,
    ]


def _added(update: Update, call: Call, value: Value, entry: Entry) -> list[Equation]:
    name = update.symbol(value, entry)
    return [
        Equation(
            (
                number_term(name, update.old(value, entry), "old"), PLUS,
                number_term(rf"\Delta {name}", update.number(call.operands[1], entry), "gradient"), EQUALS,
                number_term(name, update.new(value, entry), "new"),
            )
        )
    ]  # fmt: skip


FORMS: dict[str, Callable[[Update, Call, Value, Entry], list[Equation]]] = {
    "sgd_update": _sgd,
    "momentum_update": _momentum,
    "nesterov_update": _nesterov,
    "adam_update": _adam,
    "add_to": _added,
}


def update_equations(
    desk: Desk, live: Live, node: str, phase: int, row: int, unit: int, was_played: bool
) -> list[Equation]:
    """The equations of all parameters of a node that a step changes; those of learning rules with how they are computed."""
    objectives = desk.notation.objectives
    objective = objectives[phase] if phase < len(objectives) else "L"
    writer = Update(live, desk.notation, phase, objective, was_played)
    equations: list[Equation] = []
    for call in desk.calls(node, "update"):
        if call.origin.phase != phase:
            continue
        if call.primitive.name == "add_to" and was_played:
            reading = desk.read(node, call.operands[1], row, unit, live, "update")
            change = Symbol(rf"\Delta {writer.symbol(call.operands[0], reading.stages[-1].result.entry)}")
            reading.stages[-1] = replace(reading.stages[-1], symbol=change)
            if len(reading.stages) > 1 or reading.stages[-1].tree != reading.stages[-1].result:
                equations += forward_equations(reading)
        equations += writer.write(call, unit)
    return equations
