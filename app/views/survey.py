"""What the loss surface asks of the session: a little of the drawing each time, so that training goes on between."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from app.views.entries import Entry
from engine.problems import Problem, ProblemError

if TYPE_CHECKING:
    from engine.analysis.surface import Axis, LossSurface, Part, Point, Surface
    from engine.session import Session

Array = np.ndarray[Any, np.dtype[Any]]
Bounds = tuple[tuple[float, float], tuple[float, float]]

ASK_SECONDS = 0.016  # of the worker's time for one question, as long as a chunk of training
PICTURE_SECONDS = 0.04  # for a whole picture while training runs
DEAREST = 1e-3  # seconds for one loss; where all rows cost more, fewer rows are drawn
FINEST, COARSEST, FEWEST_ROWS, MOST_ROWS = 41, 15, 32, 4096
MARGIN = 0.12  # of the picture: when the point comes so near its edge, the picture moves
NEAR = 2e-3  # of the picture: the step for the gradient


@dataclass(frozen=True)
class Look:
    """The answer to one question.

    point     where training stands, its loss, and the height drawn there by the last surface; None before the first one
    gradient  of the loss by the two numbers, over the same rows
    surface   the last one finished; `is_whole`: it was finished just now; `is_done`: nothing finer is left to draw of
              this moment
    rows      how many rows the loss is taken over, and how many there are; `part` of the data that they are
    """

    entries: tuple[Entry, Entry]
    iteration: int
    surface: Surface | None = None
    point: Point | None = None
    gradient: tuple[float, float] = (math.nan, math.nan)
    rows: tuple[int, int] = (0, 0)
    part: Part = "train"
    is_whole: bool = False
    is_done: bool = False
    problem: Problem | None = None


class Survey:
    """Draws surfaces over two numbers piece by piece. Lives in the worker's thread: hand `look` to `Runner.ask`."""

    def __init__(self, first: Entry, second: Entry, bounds: Bounds | None = None, part: Part = "train") -> None:
        self.entries, self.part = (first, second), part
        self._bounds = bounds
        self._most_rows = MOST_ROWS
        self._cost = 0.0  # seconds for one loss; 0: not measured yet
        self._document: object = None
        self._surface: Surface | None = None
        self._sweep: _Sweep | None = None

    def look(self, session: Session, fine: bool = False, held: bool = False) -> Look:
        """Go on drawing. `fine`: nothing else waits, draw it well; `held`: a hand is on the point, keep the frame."""
        try:
            return self._look(session, fine, held)
        except ProblemError as error:
            self._sweep = self._surface = None
            return Look(self.entries, session.iteration, part=self.part, problem=error.problems[0])

    def _look(self, session: Session, fine: bool, held: bool) -> Look:
        from engine.analysis.surface import LossSurface

        if session.document is not self._document:  # edited: what was begun is of another network
            self._document, self._surface, self._sweep = session.document, None, None
            self._most_rows, self._cost = MOST_ROWS, 0.0
        now = self._now(session)
        axes = self._axes(now, held)
        gradient, centre = slope(now, axes)
        rows = self._count_rows(session)
        if self._cost == 0.0:
            self._measure(now, axes, rows[0])
            now, rows = self._now(session), self._count_rows(session)
        if self._sweep is None or not self._sweep.continues(axes):
            count = FINEST if fine else self._count()
            self._sweep = _Sweep(self._now(session), axes, count)
        finished, is_done = self._sweep.go_on(), False
        if finished is not None:
            is_fine = self._sweep.count == FINEST
            is_done = is_fine and finished.iteration == session.iteration and finished.centre == centre
            self._surface, self._sweep = finished, None
        whole, point = finished is not None, None
        if self._surface is not None:
            # A batch is a guess at the loss over all training rows: how good a one is what the gap tells.
            truth = LossSurface(session, most_rows=self._most_rows) if self.part == "batch" else now
            point = truth.point(session, self._surface)
        return Look(self.entries, session.iteration, self._surface, point, gradient, rows, self.part, whole, is_done)

    def _now(self, session: Session) -> LossSurface:
        from engine.analysis.surface import LossSurface

        return LossSurface(session, part=self.part, most_rows=self._most_rows)

    def _axes(self, now: LossSurface, held: bool) -> tuple[Axis, Axis]:
        """The frame: what it was, moved along where the point has come near its edge."""
        first, second = (now.axis(*entry) for entry in self.entries)
        if self._bounds is None:
            self._bounds = (first.low, first.high), (second.low, second.high)
        found = []
        for axis, (low, high) in zip((first, second), self._bounds, strict=True):
            middle, room = (axis.low + axis.high) / 2, MARGIN * (high - low)
            if not held and not low + room <= middle <= high - room:
                low, high = middle - (high - low) / 2, middle + (high - low) / 2
            found.append(axis._replace(low=low, high=high))
        self._bounds = (found[0].low, found[0].high), (found[1].low, found[1].high)
        return found[0], found[1]

    def _count_rows(self, session: Session) -> tuple[int, int]:
        from engine.analysis.surface import rows_of

        rows = rows_of(session, self.part)
        every = 1 if rows is None else len(rows)
        return min(every, self._most_rows), every

    def _measure(self, now: LossSurface, axes: tuple[Axis, Axis], rows: int) -> None:
        """What one loss costs. The kernels are compiled by now; where it is dear, fewer rows are taken from here on."""
        # The window and a chunk of training may be in the way once, hardly three times.
        found = []
        for _ in range(3):
            begun = time.perf_counter()
            slope(now, axes)
            found.append((time.perf_counter() - begun) / 10)
        self._cost = min(found)
        if self._cost > DEAREST and rows > FEWEST_ROWS:
            self._most_rows = max(FEWEST_ROWS, int(rows * DEAREST / self._cost))
            self._cost = DEAREST

    def _count(self) -> int:
        """How many places to each side can be drawn in the time for one picture."""
        return max(COARSEST, min(FINEST, int(math.sqrt(PICTURE_SECONDS / max(self._cost, 1e-7)))))


class _Sweep:
    """One surface in the making, of parameters as they stood when it was begun."""

    def __init__(self, frozen: LossSurface, axes: tuple[Axis, Axis], count: int) -> None:
        self._frozen, self._axes, self.count = frozen, axes, count
        self._heights = np.linspace(axes[1].low, axes[1].high, count)
        self._drawn: list[Array] = []

    def continues(self, axes: tuple[Axis, Axis]) -> bool:
        """Whether it is still the same picture that is wanted."""
        return axes == self._axes

    def go_on(self) -> Surface | None:
        """Draw as many rows as the time for one question allows, at least one; the surface when it is whole."""
        from dataclasses import replace

        done, rows = len(self._drawn), 0
        until = time.perf_counter() + ASK_SECONDS

        def count(share: float) -> None:
            nonlocal rows
            rows += 1

        rest = self._axes[1]._replace(low=float(self._heights[done]))
        part = self._frozen.draw(
            self._axes[0], rest, columns=self.count, rows=self.count - done,
            cancelled=lambda: rows > 0 and time.perf_counter() > until, progress=count,
        )  # fmt: skip
        self._drawn.extend(part.losses[:rows])
        if len(self._drawn) < self.count:
            return None
        losses = np.stack(self._drawn)
        for array in (losses, self._heights, part.xs):
            array.flags.writeable = False
        return replace(part, second=self._axes[1], ys=self._heights, losses=losses, complete=True)


def slope(now: LossSurface, axes: tuple[Axis, Axis]) -> tuple[tuple[float, float], tuple[float, float]]:
    """The loss's derivative by the two numbers where they stand (central differences), and where that is."""
    around = []
    for axis in axes:
        here = now.axis(axis.address, axis.entry)
        middle, step = (here.low + here.high) / 2, NEAR * (axis.high - axis.low)
        around.append(axis._replace(low=middle - step, high=middle + step))
    near = now.draw(around[0], around[1], columns=3, rows=3)
    across = (near.losses[1, 2] - near.losses[1, 0]) / (around[0].high - around[0].low)
    up = (near.losses[2, 1] - near.losses[0, 1]) / (around[1].high - around[1].low)
    return (float(across), float(up)), near.centre
