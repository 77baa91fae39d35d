"""The loss over two parameters: a grid of losses, everything else held as it is now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from engine.analysis.trial import Part as Part
from engine.analysis.trial import rows_of as rows_of
from engine.problems import Problem, ProblemError, did_you_mean
from engine.sideplan import SidePlan
from engine.values import Value

if TYPE_CHECKING:
    from engine.session import Session

Array = np.ndarray[Any, np.dtype[Any]]
MOST_ROWS = 4096


class Axis(NamedTuple):
    """One entry of a parameter or constant, and the stretch it is drawn over."""

    address: str
    entry: tuple[int, ...]
    low: float
    high: float


@dataclass(frozen=True)
class Surface:
    """Losses over two parameters.

    xs, ys     (columns,), (rows,)  values of the first and of the second parameter
    losses     (rows, columns)      not finite where the loss is not
    centre     where the parameters stood when it was drawn, and `centre_loss` their loss over the same rows
    iteration  the iteration it belongs to
    complete   False where drawing was cancelled: what is missing is NaN
    """

    first: Axis
    second: Axis
    xs: Array
    ys: Array
    losses: Array
    centre: tuple[float, float]
    centre_loss: float
    iteration: int
    complete: bool = True

    def drawn(self, x: float, y: float) -> float:
        """The height that the picture shows at a point: between four grid points; NaN outside."""
        return drawn_at(self.xs, self.ys, self.losses, x, y)


class Point(NamedTuple):
    """Where training stands over a surface: `gap` is how far its true loss lies above (or below) what is drawn there.

    The other parameters move too, so a surface drawn earlier is only a picture of the past.
    """

    x: float
    y: float
    loss: float
    drawn: float

    @property
    def gap(self) -> float:
        """True loss minus drawn loss."""
        return self.loss - self.drawn


class LossSurface:
    """Draws surfaces of one session's loss on a plan beside it; `Session` stays untouched.

    part   of the data whose loss is drawn; `batch` is the one that the session is at
    Made in the thread that owns the session (it copies parameters); `draw` may then run in any one thread.
    Raises `ProblemError` where there is no loss, or no such parameter entry.
    """

    def __init__(self, session: Session, *, part: Part = "train", most_rows: int = MOST_ROWS) -> None:
        document, dataset = session.document, session.dataset
        self._side = SidePlan(document, dataset, session.dtype)
        found = rows_of(session, part)
        rows = None if found is None else found[:most_rows]
        self._rows = 1 if rows is None else len(rows)
        if self._rows == 0:
            raise ProblemError(Problem(f"there are no {part} rows", "Choose the other part of the data.", kind="data"))
        self._inputs = None if dataset is None or rows is None else dataset.inputs[rows]
        self._targets = None if dataset is None or rows is None else dataset.targets[rows]
        self._loss = self._objective(session)
        self._refresh(session)

    def axis(
        self, address: str, index: tuple[int, ...] = (), low: float | None = None, high: float | None = None
    ) -> Axis:
        """An axis around an entry's present value; without bounds, as far to each side as it is from 0, at least 2."""
        value = self._numbers.get(address)
        if value is None:
            raise ProblemError(
                Problem(f"no parameter is called “{address}”", did_you_mean(address, self._numbers), kind="unknown")
            )
        if len(index) != value.ndim or any(not 0 <= i < n for i, n in zip(index, value.shape, strict=True)):
            fact = f"“{address}” has the shape {value.shape}, and {index} is no entry of it"
            raise ProblemError(Problem(fact, "Count entries from 0.", kind="shape"))
        now = float(value[index])
        reach = max(2.0, 1.5 * abs(now))
        low, high = now - reach if low is None else low, now + reach if high is None else high
        if not low < high:
            raise ProblemError(
                Problem(f"{low:g} to {high:g} is no stretch to draw over", "Let it begin below its end.", kind="range")
            )
        return Axis(address, index, low, high)

    def draw(
        self, first: Axis, second: Axis, *, columns: int = 41, rows: int = 41,
        cancelled: Callable[[], bool] = lambda: False, progress: Callable[[float], None] = lambda share: None,
    ) -> Surface:  # fmt: skip
        """The losses on a grid; asks `cancelled` and tells `progress` (0 to 1) once a row."""
        if (first.address, first.entry) == (second.address, second.entry):
            raise ProblemError(
                Problem("both axes are the same parameter", "Choose another one for one of them.", kind="range")
            )
        machine = self._side.run(self._numbers, self._inputs, self._targets, self._rows)
        program = self._side.program
        loss = machine.view(self._loss)
        centre_loss = float(loss[()])
        x, y = (machine.view(program.sources[axis.address]) for axis in (first, second))
        centre = (float(x[first.entry]), float(y[second.entry]))
        xs, ys = np.linspace(first.low, first.high, columns), np.linspace(second.low, second.high, rows)
        losses = np.full((rows, columns), np.nan)
        complete = True
        for j, v in enumerate(ys):
            if cancelled():
                complete = False
                break
            y[second.entry] = v
            for i, u in enumerate(xs):
                x[first.entry] = u
                machine.iterate(1)
                losses[j, i] = loss[()]
            progress((j + 1) / rows)
        x[first.entry], y[second.entry] = centre
        return Surface(first, second, xs, ys, losses, centre, centre_loss, self.iteration, complete)

    def point(self, session: Session, surface: Surface) -> Point:
        """Where the session stands now over a surface; only from the session's thread."""
        self._refresh(session)
        machine = self._side.run(self._numbers, self._inputs, self._targets, self._rows)
        x, y = (float(self._numbers[axis.address][axis.entry]) for axis in (surface.first, surface.second))
        return Point(x, y, float(machine.view(self._loss)[()]), surface.drawn(x, y))

    def _refresh(self, session: Session) -> None:
        self.iteration = session.iteration
        self._numbers = {
            address: session.memory_of(value).copy()
            for address, value in session.program.sources.items()
            if value.source is not None and value.source.role != "data" and session.tape.places[value.index] is not None
            and address in self._side.program.sources and not address.startswith("=")
        }  # fmt: skip

    def _objective(self, session: Session) -> Value:
        outputs = self._side.program.outputs
        for phase in session.document.training.phases:
            name = phase.objective
            found = outputs.get(name) or next((v for a, v in outputs.items() if a.partition(".")[0] == name), None)
            if found is not None and found.shape == ():
                return found
        raise ProblemError(Problem("there is no loss to draw", "Choose what training makes small.", kind="loss"))


def drawn_at(xs: Array, ys: Array, losses: Array, x: float, y: float) -> float:
    """A height between four points of a grid; NaN outside."""
    column, row = _between(xs, x), _between(ys, y)
    if column is None or row is None:
        return float("nan")
    (i, u), (j, v) = column, row
    upper = losses[j, i] * (1 - u) + losses[j, i + 1] * u
    lower = losses[j + 1, i] * (1 - u) + losses[j + 1, i + 1] * u
    return float(upper * (1 - v) + lower * v)


def _between(axis: Array, at: float) -> tuple[int, float] | None:
    """The grid interval a number lies in, and how far along it."""
    if not axis[0] <= at <= axis[-1] or len(axis) < 2:
        return None
    place = min(int(np.searchsorted(axis, at, side="right")) - 1, len(axis) - 2)
    return place, float((at - axis[place]) / (axis[place + 1] - axis[place]))
