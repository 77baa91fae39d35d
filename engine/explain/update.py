"""The update formulas of a step: old − rate × gradient = new, with the optimizer's memory before and after."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from engine.explain.driven import decided, taken
from engine.explain.forward import forward_equations
from engine.explain.live import Array, Entry, Live, unravel
from engine.explain.notation import Notation, Symbol, partial
from engine.explain.printing import CLOSE, EQUALS, MINUS, OPEN, PLUS, SHOWN, TIMES, choose, number_term
from engine.explain.reading import Desk
from engine.explain.steps import LATEX, SCHEDULES, Form, Line, form_of
from engine.explain.workers import gathered
from engine.primitives.schedules import CLOCK
from engine.snapshot import Equation, Term
from engine.values import Call, Value

# Updates that move a parameter another one moves too: their second operand keeps what stood there in between.
KEEP_BEFORE, KEEP_AFTER = (
    frozenset({"late_weight_decay", "soft_threshold", "keep_positive", "column_norm_limit"}),
    frozenset({"weight_decay"}),
)


class Update:
    """Writes the equations of the update calls of a node, entry by entry."""

    def __init__(
        self, live: Live, notation: Notation, phase: int, objective: str, was_played: bool, calls: Sequence[Call]
    ) -> None:
        self.live, self.notation, self.objective = live, notation, objective
        self.phase, self.was_played = phase, was_played
        self.overwritten = live.session.playback.overwritten
        self._picked: dict[int, list[Entry]] = {}
        self._between = _kept_between(calls)  # by result of a call: what keeps the parameter before it, and after it

    def write(self, call: Call, unit: int) -> list[Equation]:
        """The equations of the entries of a parameter that belong to a unit."""
        name, value = call.primitive.name, call.operands[0]
        form, lines = FORMS.get(name), form_of(name, call.attributes)
        entries = self._entries(call, unit) if form is not None or lines is not None else []
        equations: list[Equation] = []
        for entry in entries:
            if form is not None:
                equations += form(self, call, value, entry)
            elif lines is not None:
                equations += [self._line(call, lines, one, entry) for one in lines.lines]
            equations += self._by_hand(value, entry)
        return equations

    def _by_hand(self, value: Value, entry: Entry) -> list[Equation]:
        """What a hand has made since of the number that an update left."""
        left, now = self.overwritten.left(value, self.phase), self.live.now(value)
        if left is None or now is None or left[entry] == now[entry]:
            return []
        return [Equation((number_term(self.symbol(value, entry), float(now[entry]), "new"),), "then set by hand")]

    def schedules(self, calls: Sequence[Call]) -> list[Equation]:
        """How the rate and the momentum of the moment were made, as far as these calls read them."""
        made = {call.result.index: call for call in self.live.program.calls if call.primitive.name in SCHEDULES}
        wanted, waiting = {}, [operand for call in calls for operand in call.operands]
        while waiting:
            call = made.get(waiting.pop().index)
            if call is not None and call.result.index not in wanted:
                wanted[call.result.index] = call
                waiting.extend(call.operands)
        return [self._schedule(wanted[index]) for index in sorted(wanted) if not self._is_idle(wanted[index])]

    def _is_idle(self, call: Call) -> bool:
        """Whether a rate is to be warmed up for no time at all."""
        return call.primitive.name == "warm_up" and (self.number(call.operands[1]) or 0.0) <= 1.0

    def _within(self, time: float | None, names: dict[str, Value]) -> float | None:
        """1 while a phase learns, else 0."""
        begin, last = self.number(names["begin"]), self.number(names["last"])
        if time is None or begin is None or last is None:
            return None
        return float(begin <= time and (last <= 0 or time < last))

    def _schedule(self, call: Call) -> Equation:
        form, unit = SCHEDULES[call.primitive.name], call.attributes["unit"]
        names = dict(zip(form.names.split(), call.operands, strict=True))
        letter, what, role = (r"\beta_t", "momentum", "operand") if "end" in names else (r"\eta_t", "rate", "rate")
        time = self._time(unit)
        known = {"t": number_term("t", time, "operand"), "now": number_term(letter, self.number(call.result), role)}
        if "every" in names:  # how often the rate was cut
            every = self.number(names["every"])
            cuts = None if time is None or not every else float(time // every)
            known["{}^{n}"] = number_term(r"{}^{\lfloor t / s \rfloor}", cuts, "operand")
        if "last" in names:
            known["within"] = number_term(r"[a \leq t < b]", self._within(time, names), "operand")
        terms = [
            known.get(word)
            or (
                number_term(LATEX.get(word, word), self.number(names[word]), "operand") if word in names else Term(word)
            )
            for word in form.lines[0].template.split()
        ]
        return Equation(tuple(terms), f"{what} of this {unit}")

    def _time(self, unit: str) -> float | None:
        """The clock as it stood in the iteration that is looked at."""
        playback = self.live.session.playback
        if not self.was_played:
            return None
        if CLOCK[unit] == 0:
            return float(playback.iteration if playback.position else playback.iteration - 1)
        return float(playback.epoch if playback.position or playback.within else playback.epoch - 1)

    def _line(self, call: Call, form: Form, line: Line, entry: Entry) -> Equation:
        """A template with the numbers of one entry."""
        names, words = dict(zip(form.names.split(), call.operands, strict=True)), line.template.split()
        terms = _told_apart(words, [self._word(call, names, word, entry) for word in words])
        return Equation(tuple(terms), line.caption)

    def _word(self, call: Call, names: dict[str, Value], word: str, entry: Entry) -> Term:
        key, moment = (word[:-1], word[-1]) if word[-1] in "<>" else (word, "")
        value = names.get(key)
        if value is None:
            return Term(word)
        if key == "g":
            return self.gradient(value, names.get("w"), entry)
        if key == "w":
            number = self.before(call, value, entry) if moment == "<" else self.after(call, value, entry)
            return number_term(self.symbol(value, entry), number, "old" if moment == "<" else "new")
        if moment:
            number = self.old(value, entry) if moment == "<" else self.new(value, entry)
            return number_term(LATEX.get(key, key), number, "state")
        if key == "rate":
            return self.rate(value)
        return number_term(LATEX.get(key, key), self.number(value), "operand")

    def _entries(self, call: Call, unit: int) -> list[Entry]:
        # Every line of a parameter tells of the same entries: those that its first call moves most.
        value = next((one for one in call.operands if one.source and one.source.role == "parameter"), call.operands[0])
        if value.index not in self._picked:
            self._picked[value.index] = self._chosen(call, value, unit)
        return self._picked[value.index]

    def _chosen(self, call: Call, value: Value, unit: int) -> list[Entry]:
        shape = self.live.shape(value)
        if len(shape) != 2:
            return [unravel(unit, shape)]
        column = min(max(unit, 0), shape[1] - 1)
        changes = self.array(call.operands[1]) if len(call.operands) > 1 else None
        picked = choose(None if changes is None else np.asarray(changes[:, column]), shape[0])
        return [(place, column) for place in picked.places[:SHOWN]]

    def array(self, value: Value) -> Array | None:
        """The numbers of an operand as the update read them."""
        live = self.live
        if value.source is not None:
            left = self.overwritten.after(value, self.phase)
            if left is not None:
                return left
            return live.array(value) if value.source.role == "setting" else live.now(value)
        state = "absent" if live.session.tape.places[value.index] is None else live.session.gradient_state(value)
        if state == "absent" or (state == "earlier" and not self.was_played):  # the last update has used that one up
            return None
        return live.session.memory_of(value, live.shape(value))

    def symbol(self, value: Value, entry: Entry) -> str:
        """A parameter's symbol."""
        named = self.notation.entry(value, self.live.shape(value), entry)
        return named.latex if named is not None else "w"

    def number(self, value: Value, entry: Entry = ()) -> float | None:
        """An operand's number as the update read it: a gradient, a rate."""
        array = self.array(value)
        return None if array is None else float(array[entry])

    def old(self, value: Value, entry: Entry) -> float | None:
        """The number before the update."""
        before = self.overwritten.found(value, self.phase)
        if before is None:
            before = self.overwritten.before(value) if self.was_played else self.live.now(value)
        return None if before is None else float(before[entry])

    def new(self, value: Value, entry: Entry) -> float | None:
        """The number after it; None while it was not played."""
        return self.number(value, entry) if self.was_played else None

    def before(self, call: Call, value: Value, entry: Entry) -> float | None:
        """A parameter's number as this call found it."""
        kept = self._between.get(call.result.index, (None, None))[0]
        return self.old(value, entry) if kept is None else self.new(kept, entry)

    def after(self, call: Call, value: Value, entry: Entry) -> float | None:
        """A parameter's number as this call left it."""
        kept = self._between.get(call.result.index, (None, None))[1]
        return self.new(value if kept is None else kept, entry)

    def gradient(self, slope: Value, parameter: Value | None, entry: Entry) -> Term:
        """The derivative by the parameter; what a penalty or clipping made of it has a name of its own."""
        is_changed = slope.source is not None and slope.source.role == "state"
        symbol = self.symbol(parameter, entry) if parameter is not None else "w"
        name = LATEX["slope"] if is_changed else partial(self.objective, symbol)
        return number_term(name, self.number(slope, entry), "gradient")

    def rate(self, value: Value) -> Term:
        """The learning rate, of this moment where it has a schedule."""
        is_set = value.source is not None and value.source.role != "state"
        return number_term(r"\eta" if is_set else r"\eta_t", self.number(value), "rate")


def _mean(update: Update, call: Call, entry: Entry, memory: Value, decay: Value, letter: str, beta: str) -> Equation:
    factor = update.number(decay)
    square = [Term("{}^{2}")] if letter == "v" else []
    return Equation(
        (
            number_term(beta, factor, "operand"), TIMES, number_term(letter, update.old(memory, entry), "state", "before"),
            PLUS, OPEN, Term("1"), MINUS, number_term(beta, factor, "operand"), CLOSE, TIMES,
            update.gradient(call.operands[1], call.operands[0], entry), *square, EQUALS,
            number_term(letter, update.new(memory, entry), "state", "now"),
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
    m, v, rate, beta1, beta2, epsilon, power1, power2, *decay = call.operands[2:]
    first = _corrected(update, entry, m, power1, "m", r"\beta_1")
    second = _corrected(update, entry, v, power2, "v", r"\beta_2")
    name, root = update.symbol(value, entry), second.terms[-1].number
    old = number_term(name, update.before(call, value, entry), "old")
    # AdamW: the weight decays by itself, beside the step.
    again, share = (
        old._replace(role="operand"),
        [number_term(r"\lambda", update.number(one), "operand") for one in decay],
    )
    faded = [MINUS, update.rate(rate), TIMES, *share, TIMES, again] if decay else []
    step = Equation(
        (
            old, *faded, MINUS, update.rate(rate), TIMES,
            number_term(r"\hat m", first.terms[-1].number, "state"), Term("/"), OPEN,
            number_term(r"\sqrt{\hat v}", None if root is None else max(root, 0.0) ** 0.5, "state"), PLUS,
            number_term(r"\epsilon", update.number(epsilon), "operand"), CLOSE, EQUALS,
            number_term(name, update.after(call, value, entry), "new"),
        )
    )  # fmt: skip
    return [
        _mean(update, call, entry, m, beta1, "m", r"\beta_1"),
        _mean(update, call, entry, v, beta2, "v", r"\beta_2"),
        first,
        second,
        step,
    ]


def _adam_of_text(update: Update, call: Call, value: Value, entry: Entry) -> list[Equation]:
    m, v, rate, beta1, beta2, epsilon, power1, power2 = call.operands[2:]
    name = update.symbol(value, entry)
    left = [
        (OPEN, Term("1"), MINUS, number_term(rf"\beta_{k}^{{t}}", update.new(power, ()), "operand"), CLOSE)
        for k, power in ((1, power1), (2, power2))
    ]
    step = Equation(
        (
            number_term(name, update.before(call, value, entry), "old"), MINUS, update.rate(rate), TIMES, *left[1],
            Term("{}^{1/2}"), Term("/"), *left[0], TIMES, number_term("m", update.new(m, entry), "state"), Term("/"), OPEN,
            number_term("v", update.new(v, entry), "state"), PLUS, number_term(r"\epsilon", update.number(epsilon), "operand"),
            CLOSE, Term("{}^{1/2}"), EQUALS, number_term(name, update.after(call, value, entry), "new"),
        )
    )  # fmt: skip
    means = [
        _mean(update, call, entry, m, beta1, "m", r"\beta_1"),
        _mean(update, call, entry, v, beta2, "v", r"\beta_2"),
    ]
    return [*means, step]


def _limited(update: Update, call: Call, value: Value, entry: Entry) -> list[Equation]:
    """A column of weights that is no longer than the limit."""
    name, found = update.symbol(value, entry), update.before(call, value, entry)
    norm = update.new(call.operands[2], entry[1:])
    terms = (
        number_term(name, found, "old"), TIMES, Term(r"\min"), OPEN, Term("1"), Term(","),
        number_term("c", update.number(call.operands[3]), "operand"), Term("/"),
        number_term(r"\lVert w_j \rVert", norm, "state"), CLOSE, EQUALS,
        number_term(name, update.after(call, value, entry), "new"),
    )  # fmt: skip
    return [Equation(terms, "no longer than c")]


def _added(update: Update, call: Call, value: Value, entry: Entry) -> list[Equation]:
    name = update.symbol(value, entry)
    return [
        Equation(
            (
                number_term(name, update.before(call, value, entry), "old"), PLUS,
                number_term(rf"\Delta {name}", update.number(call.operands[1], entry), "gradient"), EQUALS,
                number_term(name, update.after(call, value, entry), "new"),
            )
        )
    ]  # fmt: skip


def _replaced(update: Update, call: Call, value: Value, entry: Entry) -> list[Equation]:
    name = update.symbol(value, entry)
    old = number_term(name, update.before(call, value, entry), "old")
    return [Equation((old, Term(r"\to"), number_term(name, update.after(call, value, entry), "new")))]


def _told_apart(words: Sequence[str], terms: list[Term]) -> list[Term]:
    """Captions where a state stands before and after in one line; of a parameter that is read twice, the first is the old."""
    for place, (word, term) in enumerate(zip(words, terms, strict=True)):
        if term.role == "old" and word in words[:place]:
            terms[place] = term._replace(role="operand")
        if term.role == "state" and word[-1] in "<>" and {f"{word[:-1]}<", f"{word[:-1]}>"} <= set(words):
            terms[place] = term._replace(caption="before" if word[-1] == "<" else "now")
    return terms


def _kept_between(calls: Sequence[Call]) -> dict[int, tuple[Value | None, Value | None]]:
    """Where a parameter is moved several times: what keeps its number before a call, and after it."""
    moves: dict[int, list[Call]] = {}
    for call in calls:
        source = call.operands[0].source if call.operands else None
        if 0 in call.primitive.writes and source is not None and source.role == "parameter":
            moves.setdefault(call.operands[0].index, []).append(call)
    kept: dict[int, tuple[Value | None, Value | None]] = {}
    for line in moves.values():
        line = [call for call in line if call.primitive.name != "non_finite_flag"]
        between = [
            one.operands[1] if one.primitive.name in KEEP_AFTER else other.operands[1] for one, other in pairwise(line)
        ]
        edges = [None, *between, None]
        kept.update({call.result.index: (edges[k], edges[k + 1]) for k, call in enumerate(line)})
    return kept


FORMS: dict[str, Callable[[Update, Call, Value, Entry], list[Equation]]] = {
    "adam_update": _adam,
    "adamw_update": _adam,
    "adam_text_update": _adam_of_text,
    "column_norm_limit": _limited,
    "add_to": _added,
    "take_step": taken,
    "gathered_update": gathered,
    "set_to": _replaced,
}


def update_equations(
    desk: Desk, live: Live, node: str, phase: int, row: int, unit: int, was_played: bool
) -> list[Equation]:
    """The equations of all parameters of a node that a step changes; those of learning rules with how they are computed."""
    objectives = desk.notation.objectives
    objective = objectives[phase] if phase < len(objectives) else "L"
    calls = [call for call in desk.calls(node, "update") if call.origin.phase == phase]
    writer = Update(live, desk.notation, phase, objective, was_played, calls)
    equations: list[Equation] = [*writer.schedules(calls), *decided(writer, calls)]
    for call in calls:
        if call.primitive.name in ("add_to", "set_to") and was_played:
            reading = desk.read(node, call.operands[1], row, unit, live, "update")
            symbol, added = (
                writer.symbol(call.operands[0], reading.stages[-1].result.entry),
                call.primitive.name == "add_to",
            )
            reading.stages[-1] = replace(reading.stages[-1], symbol=Symbol(rf"\Delta {symbol}" if added else symbol))
            if len(reading.stages) > 1 or reading.stages[-1].tree != reading.stages[-1].result:
                equations += forward_equations(reading)
        equations += writer.write(call, unit)
    return equations
