"""How outputs hang on inputs: Jacobians between any two nodes, saliency, guided pictures, and inputs that excite a unit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from engine.analysis.trial import Rows, Trial
from engine.differentiate import RULES, Rule
from engine.problems import Problem, ProblemError
from engine.values import Batch

if TYPE_CHECKING:
    from engine.session import Session

Array = np.ndarray[Any, np.dtype[Any]]
Backward = Literal["gradient", "guided", "deconvolution"]
INPUTS = "data.inputs"
MOST_ENTRIES = 4_000_000  # of a Jacobian: 32 MB
RECTIFIERS = frozenset({"relu"})


def _guided(own: Rule) -> Rule:
    """Past a ReLU only what is positive, and only where the unit is active (Springenberg et al. 2015)."""

    return lambda x, y, dy: own(x, y, dy.program.build.emit("relu", dy))


def _deconvolution(own: Rule) -> Rule:
    """Past a ReLU whatever is positive, active or not (Zeiler & Fergus 2014)."""
    return lambda x, y, dy: [dy.program.build.emit("relu", dy)]


RULES.setdefault("guided", _guided)
RULES.setdefault("deconvolution", _deconvolution)


@dataclass(frozen=True)
class Jacobian:
    """The derivatives of every entry of one value by every entry of another.

    of, by       their names
    derivatives  (*shape of the one, *shape of the other)
    """

    of: str
    by: str
    derivatives: Array
    of_shape: tuple[int, ...]
    by_shape: tuple[int, ...]

    @property
    def matrix(self) -> Array:
        """(entries of the one, entries of the other)"""
        return self.derivatives.reshape(prod(self.of_shape), prod(self.by_shape))

    @property
    def singular_values(self) -> Array:
        """How much it stretches at most, and in the other directions; the largest first."""
        return np.asarray(np.linalg.svd(self.matrix, compute_uv=False))


def jacobian(
    session: Session, of: str, by: str, *, rows: Rows = (0,), cancelled: Callable[[], bool] = lambda: False,
    progress: Callable[[float], None] = lambda share: None,
) -> Jacobian:  # fmt: skip
    """∂of/∂by between any two outputs (`node`, `node.port`), or by a parameter (`node.parameter`) or `data.inputs`.

    rows  of the data to compute them for; the first one by default. Its axis stays in both shapes
    A backward pass for each entry of `of`, in float64; where it is cancelled, what is missing is NaN. Raises `ProblemError`
    for unknown names, whole numbers, operations without a derivative, and more than four million entries.
    """
    trial = Trial(session, rows)
    target, source = trial.find(of), trial.find(by)
    for name, value in ((of, target), (by, source)):
        if value.kind != "real":
            raise ProblemError(Problem(f"“{name}” holds whole numbers", "They have no derivative.", kind="derivative"))
    seed = trial.fed("seed", target)
    (slope,) = trial.slopes(trial.weighted(target, seed), [source])
    machine = trial.start(target, slope)
    one, other = machine.tape.region(target).shape, machine.tape.region(slope).shape
    if prod(one) * prod(other) > MOST_ENTRIES:
        fact = f"this Jacobian has {prod(one):,} × {prod(other):,} entries"
        raise ProblemError(Problem(fact, "Choose fewer rows, or smaller nodes.", kind="size"))
    found = np.full((prod(one), prod(other)), np.nan)
    incoming, outgoing = machine.view(seed).reshape(-1), machine.view(slope).reshape(-1)
    for place in range(len(found)):
        if cancelled():
            break
        incoming[:] = 0
        incoming[place] = 1
        machine.play_once()
        found[place] = outgoing
        progress((place + 1) / len(found))
    return Jacobian(of, by, found.reshape((*one, *other)), one, other)


# saliency ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Saliency:
    """What the chosen unit hangs on, row by row.

    inputs     (rows, …)  what went in, or the values of the node asked for
    slopes     (rows, …)  the derivative of each row's unit by them
    units      (rows,)    which entry of the output was asked for in each row, flat
    outputs    (rows,)    its value
    """

    of: str
    by: str
    inputs: Array
    slopes: Array
    units: Array
    outputs: Array

    @property
    def magnitudes(self) -> Array:
        """(rows, …)  |slopes|: what ranks the inputs."""
        return np.abs(self.slopes)


def saliency(
    session: Session, of: str = "", by: str = INPUTS, *, unit: int | None = None, rows: Rows = (0,),
    backward: Backward = "gradient",
) -> Saliency:  # fmt: skip
    """The derivative of one unit of an output by the inputs (or by a node before it).

    of        an output; by default what the network answers
    unit      which entry of each row, flat; by default the largest one of each row, the winner
    backward  `gradient`, or another way past the ReLUs (Aggarwal 2023, §9.5.1): `guided`, `deconvolution`: pictures of what
              speaks for a unit, and no derivatives
    Rows are taken to know nothing of each other. Raises `ProblemError` for unknown names and units, without data, and where
    `of` has no rows.
    """
    plan = _Unit(session, of, by, rows, backward)
    machine = plan.machine
    machine.play_once()
    outputs = machine.view(plan.target).reshape(plan.rows, -1)
    chosen = plan.chosen(unit, outputs)
    everything = np.arange(plan.rows)
    values = outputs[everything, chosen].copy()
    plan.ask(chosen)
    machine.play_once()
    return Saliency(
        plan.of, by, machine.view(plan.source).copy(), machine.view(plan.slope).copy(), chosen, values
    )  # fmt: skip


class _Unit:
    """One entry of an output in every row, with its derivative by a source, on a machine of their own."""

    def __init__(self, session: Session, of: str, by: str, rows: Rows, backward: Backward) -> None:
        trial = Trial(session, rows)
        self.of = of or _answer(session)
        self.target, self.source = trial.find(self.of), trial.find(by)
        for name, value in ((self.of, self.target), (by, self.source)):
            if value.kind != "real" or not value.shape or not isinstance(value.shape[0], Batch):
                fact = f"“{name}” has no row for each example"
                raise ProblemError(Problem(fact, "Choose a node whose values have rows.", kind="shape"))
        if backward != "gradient":
            for call in trial.program.calls:
                call.rule = backward if call.primitive.name in RECTIFIERS else call.rule
        self._seed = trial.fed("seed", self.target)
        self.score = trial.weighted(self.target, self._seed)
        (self.slope,) = trial.slopes(self.score, [self.source])
        self.machine = trial.start(self.target, self.source, self.slope, self.score)
        self.rows = trial.rows

    @property
    def units(self) -> int:
        """Entries of the output in a row."""
        return prod(self.machine.tape.region(self.target).shape[1:])

    def chosen(self, unit: int | None, outputs: Array) -> Array:
        """The entry of every row."""
        if unit is not None and not 0 <= unit < self.units:
            fact = f"“{self.of}” has {self.units} entries in a row, and {unit} is none of them"
            raise ProblemError(Problem(fact, "Count units from 0.", kind="range"))
        return outputs.argmax(axis=1) if unit is None else np.full(self.rows, unit)

    def ask(self, chosen: Array) -> None:
        """From now on derivatives are those of these entries."""
        seed = self.machine.view(self._seed).reshape(self.rows, -1)
        seed[:] = 0
        seed[np.arange(self.rows), chosen] = 1


def _answer(session: Session) -> str:
    answer = session.side.prediction
    found = next((a for a, v in session.side.program.outputs.items() if v is answer), "")
    if answer is None or not found:
        raise ProblemError(Problem("nothing here predicts", "Name the output that is meant.", kind="prediction"))
    return found


# activation maximisation ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Excitement:
    """An input that was changed until a unit liked it.

    input      (…)       what came out
    outputs    (steps + 1,)  the unit's value from the start on
    norms      (steps + 1,)  ‖x‖
    trace      (steps + 1, …)  the input at each step
    """

    of: str
    unit: int
    input: Array
    outputs: Array
    norms: Array
    trace: Array


def activation_maximisation(
    session: Session, of: str = "", unit: int = 0, *, decay: float = 0.1, rate: float = 0.5, steps: int = 200,
    start: Sequence[float] | Array | None = None, cancelled: Callable[[], bool] = lambda: False,
    progress: Callable[[float], None] = lambda share: None,
) -> Excitement:  # fmt: skip
    """Climb o − λ‖x‖² by the input, from 0 or a start of the data's shape: x ← x + α (∂o/∂x − 2 λ x).

    Aggarwal 2023, §9.5.1, eq. 9.2. `decay` is λ, `rate` is α. Where it is cancelled it ends earlier. Raises `ProblemError`
    for unknown names and units, a start of another shape, and where the input stops being finite.
    """
    plan = _Unit(session, of, INPUTS, (0,), "gradient")
    x = plan.machine.view(plan.source)
    x[...] = 0 if start is None else _started(start, x.shape[1:])
    plan.chosen(unit, np.zeros((1, plan.units)))
    plan.ask(np.array([unit]))
    score, slope = plan.machine.view(plan.score), plan.machine.view(plan.slope)
    outputs, trace = [], []
    for step in range(steps + 1):
        plan.machine.play_once()
        outputs.append(float(score[()]))
        trace.append(x[0].copy())
        if step == steps or cancelled():
            break
        with np.errstate(over="ignore", invalid="ignore"):  # it is told in a sentence below
            x += rate * (slope - 2 * decay * x)
        if not np.isfinite(x).all():
            raise ProblemError(Problem("the input grew beyond all bounds", "Lower the rate.", kind="finite"))
        progress((step + 1) / steps)
    norms = [float(np.linalg.norm(each)) for each in trace]
    return Excitement(plan.of, unit, trace[-1], np.array(outputs), np.array(norms), np.array(trace))


def _started(start: Sequence[float] | Array, shape: tuple[int, ...]) -> Array:
    numbers = np.asarray(start, np.float64)
    if numbers.shape != shape or not np.isfinite(numbers).all():
        fact = f"a start has the shape of the inputs, {shape}, not {numbers.shape}, and finite numbers"
        raise ProblemError(Problem(fact, "Leave it out to start from 0.", kind="shape"))
    return numbers
