"""The loss around the network, in the space of all parameters: along random directions, or along those of the way here."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QPointF
from PySide6.QtWidgets import QWidget

from app.views.asking import AskingOneOf
from app.views.axes import Array
from app.views.surface_plot import SurfacePlot
from engine.problems import Problem, ProblemError

if TYPE_CHECKING:
    from app.editor import Change, Editor
    from app.runner import Runner
    from engine.analysis.landscape import Direction, Landscape, Plane, Way
    from engine.session import Session
    from engine.snapshot import Snapshot

RANDOM, PRINCIPAL = "random", "principal"
WAYS = {RANDOM: "random", PRINCIPAL: "the way's"}
SEEDS = 0, 1
PICTURE_SECONDS, DEAREST = 0.05, 5e-4  # for a whole picture; for one loss, of which fewer rows are taken otherwise
FINEST, COARSEST, MOST_ROWS, FEWEST_ROWS = 41, 11, 256, 16
MOST_REMEMBERED = 10_000  # parameters: the way keeps them all, at up to 512 moments
AROUND = 1.25  # how far the picture reaches, as a multiple of the farthest point of the way


@dataclass(frozen=True)
class Seen:
    """A plane through the parameters as they stood at an iteration, and where the way lies in it (points, 2)."""

    iteration: int
    plane: Plane
    path: Array


def measured(session: Session, over: str, way: Way) -> Seen:
    """The loss over a plane, as fine as there is time for. Raises `ProblemError` where there is no such plane."""
    landscape = _affordable(session)
    if over == RANDOM:
        first, second = (landscape.random(seed) for seed in SEEDS)
        return Seen(session.iteration, _drawn(landscape, first, second, 1.0), np.zeros((0, 2)))
    if landscape.layout.size > MOST_REMEMBERED:
        fact = f"the way of {landscape.layout.size:,} parameters is too much to remember".replace(",", "\u202f")
        raise ProblemError(Problem(fact, "Choose random directions above.", kind="size"))
    if session.iteration not in way.iterations:
        way.note(session)
    first, second = landscape.principal(way)
    path = landscape.coordinates(way.points(landscape.layout), first, second)
    return Seen(session.iteration, _drawn(landscape, first, second, AROUND * float(np.abs(path).max())), path)


def _affordable(session: Session) -> Landscape:
    """The loss over as many rows as can be had for the time of one."""
    from engine.analysis.landscape import Landscape

    landscape = Landscape(session, most_rows=MOST_ROWS)
    cost = _cost(landscape)
    if cost <= DEAREST or landscape.rows <= FEWEST_ROWS:
        return landscape
    return Landscape(session, most_rows=max(FEWEST_ROWS, int(landscape.rows * DEAREST / cost)))


def _cost(landscape: Landscape) -> float:
    """Seconds for one loss."""
    landscape.loss(landscape.centre)  # the first one is slower
    begun = time.perf_counter()
    landscape.loss(landscape.centre)
    return time.perf_counter() - begun


def _drawn(landscape: Landscape, first: Direction, second: Direction, reach: float) -> Plane:
    count = int(math.sqrt(PICTURE_SECONDS / _cost(landscape)))
    count = min(FINEST, max(COARSEST, count)) | 1  # odd: the middle is where the network stands
    return landscape.plane(first, second, (-reach, reach), (-reach, reach), columns=count, rows=count)


class LandscapePlot(SurfacePlot):
    """A surface whose point nobody can take in hand: its axes are no numbers of the network."""

    def _is_near(self, point: QPointF) -> bool:
        return False

    def show_seen(self, seen: Seen | None) -> None:
        """The plane, the way in it, and the network in its middle."""
        from engine.analysis.surface import Axis, Point, Surface

        if seen is None:
            self.show_surface(None, ("", ""))
            return
        plane = seen.plane
        ends = (float(plane.xs[0]), float(plane.xs[-1])), (float(plane.ys[0]), float(plane.ys[-1]))
        first, second = (Axis(way.name, (), *end) for way, end in zip((plane.first, plane.second), ends, strict=True))
        self.show_surface(
            Surface(first, second, plane.xs, plane.ys, plane.losses, (0.0, 0.0), plane.centre_loss, seen.iteration),
            (plane.first.name, plane.second.name),
        )
        self.show_path(np.concatenate([seen.path, np.zeros((1, 2))]))
        self.show_point(Point(0.0, 0.0, plane.centre_loss, plane.drawn(0.0, 0.0)), (math.nan, math.nan))


class LandscapeView(AskingOneOf):
    """A plane of the loss through where training stands; which one is chosen in the head."""

    kind, title, icon = "landscape", "Landscape", "map"
    first = "Drawing the first landscape."
    words, setting, step = WAYS, "over", "Choose the directions of the landscape"
    asks = (
        "Directions",
        "Which directions the picture spans: two random ones, filter by filter, or the two that training went farthest in",
    )

    def __init__(self, editor: Editor, runner: Runner | None = None, parent: QWidget | None = None) -> None:
        super().__init__(editor, runner, parent)
        self._latest = -1
        self._begin_anew()

    def make_body(self) -> QWidget:
        """The plot."""
        return LandscapePlot()

    @property
    def plot(self) -> LandscapePlot:
        """The body."""
        body = self.body
        assert isinstance(body, LandscapePlot)
        return body

    def measure(self) -> Callable[[Session], object]:
        """The plane that is chosen."""
        over, way = self.chosen, self._way
        return lambda session: measured(session, over, way)

    def feed(self, snapshot: Snapshot) -> str:
        """Have the landscape drawn; a way that was gone back begins anew."""
        if snapshot.iteration < self._latest:
            self._begin_anew()
        self._latest = snapshot.iteration
        return super().feed(snapshot)

    def fill(self, found: Any) -> str:
        """The picture."""
        self.plot.show_seen(found)
        return ""

    def document_changed(self, change: Change) -> None:
        """Another graph: another space, in which nothing has been noted."""
        super().document_changed(change)
        if "reset" in change.kinds or change.replans:
            self._begin_anew()

    def _begin_anew(self) -> None:
        """Remember a way from here on."""
        from engine.analysis.landscape import Way

        self._way, self._latest = Way(), -1
