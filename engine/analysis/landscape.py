"""The loss along directions in the space of all parameters: lines, and planes that two directions span.

Random directions are scaled filter by filter, so that flat and steep places of different networks can be compared (Li et
al. 2018, “Visualizing the Loss Landscape of Neural Nets”, §4); principal directions show the way that training took.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.analysis.surface import drawn_at
from engine.analysis.trial import Layout, Rows, Trial
from engine.problems import Problem, ProblemError, did_you_mean
from engine.values import Origin, Value

if TYPE_CHECKING:
    from engine.session import Session

Array = np.ndarray[Any, np.dtype[Any]]
MOST_NOTED = 512  # points of a way: when there are more, every other one is left out
MOST_POINTS = 4096  # of a line, or of a row of a plane
PIECE = 8  # points of a line between two questions whether to go on


@dataclass(frozen=True)
class Direction:
    """Where to go from the centre: centre + t · vector. `name` is what the axis is called."""

    name: str
    vector: Array


@dataclass(frozen=True)
class Line:
    """Losses along a direction: `ts` (points,), `losses` (points,), NaN where it was cancelled."""

    direction: Direction
    ts: Array
    losses: Array
    iteration: int
    complete: bool = True


@dataclass(frozen=True)
class Plane:
    """Losses over two directions from the centre.

    xs, ys       (columns,), (rows,)  how far along the first and the second
    losses       (rows, columns)  NaN where it was cancelled
    centre_loss  where both are 0
    """

    first: Direction
    second: Direction
    xs: Array
    ys: Array
    losses: Array
    centre_loss: float
    iteration: int
    complete: bool = True

    def drawn(self, x: float, y: float) -> float:
        """The height that the picture shows at a point, between four grid points; NaN outside."""
        return drawn_at(self.xs, self.ys, self.losses, x, y)


class Landscape:
    """The loss of a session around a centre: its parameters as they stood when this was made, or a point that is given.

    rows        of the data, at most `most_rows`
    parameters  nodes or `node.parameter` whose space it is; by default all that the phase changes
    Made in the session's thread; lines and planes may then be drawn in any one thread. Raises `ProblemError` where there is
    no loss, no such row or no such parameter.
    """

    def __init__(
        self, session: Session, *, rows: Rows = "train", most_rows: int = 512, parameters: Sequence[str] = (),
        phase: int = 0, dtype: str = "", centre: Array | None = None,
    ) -> None:  # fmt: skip
        trial = Trial(session, rows, most_rows=most_rows, dtype=dtype)
        values = trial.parameters(parameters, phase)
        self._walk = _Walk(trial, trial.objective(phase), list(values.values()))
        self.layout = Layout(self._walk.machine, values)
        self.point = self.layout.read(self._walk.machine, self._walk.parameters)
        self.centre = self.point if centre is None else self._fitting(centre)
        self.iteration, self.rows = session.iteration, trial.rows

    def loss(self, at: Array) -> float:
        """The loss at a point of the space."""
        self._begin(at, np.zeros(self.layout.size))
        return float(self._walk.go(0.0, 0.0, 1)[0])

    # directions ------------------------------------------------------------------------------

    def entry(self, address: str, position: tuple[int, ...] = ()) -> Direction:
        """One entry of a parameter. Raises `ProblemError` where there is none."""
        for span in self.layout.spans:
            if span.address == address:
                if len(position) != len(span.shape) or any(
                    not 0 <= i < n for i, n in zip(position, span.shape, strict=True)
                ):
                    fact = f"“{address}” has the shape {span.shape}, and {position} is no entry of it"
                    raise ProblemError(Problem(fact, "Count entries from 0.", kind="shape"))
                vector = np.zeros(self.layout.size)
                vector[span.begin + (int(np.ravel_multi_index(position, span.shape)) if position else 0)] = 1
                return Direction(f"{address}{list(position) if position else ''}", vector)
        known = [span.address for span in self.layout.spans]
        raise ProblemError(Problem(f"no parameter is called “{address}”", did_you_mean(address, known), kind="unknown"))

    def random(self, seed: int = 0) -> Direction:
        """A direction drawn at random, each filter as long as the centre's own; biases and other vectors stay.

        A filter is what leads into one unit: a column of a weight matrix, or all of a convolution's weights for a channel.
        Where there are vectors only, each of them is one.
        """
        draw, centre = np.random.default_rng(seed), list(self.layout.parts(self.centre).values())
        if all(part.ndim < 2 for part in centre):
            centre = [part.reshape(-1, 1) for part in centre]
        vector = np.concatenate([_filtered(part, draw).reshape(-1) for part in centre])
        return Direction(f"random {seed}", vector)

    def towards(self, point: Array, name: str = "towards") -> Direction:
        """From the centre to another point: it lies at t = 1."""
        return Direction(name, self._fitting(point) - self.centre)

    def principal(self, way: Way) -> tuple[Direction, Direction]:
        """The two directions, of length 1, in which the points of a way lie furthest from the centre.

        Raises `ProblemError` where the way has not yet left a line.
        """
        spread = way.points(self.layout) - self.centre
        _, sizes, directions = np.linalg.svd(spread, full_matrices=False)
        if len(sizes) < 2 or sizes[1] <= 1e-12 * max(sizes[0], 1e-300):
            fact = "the way has no two directions yet"
            raise ProblemError(Problem(fact, "Train for some iterations first.", kind="range"))
        shares = sizes**2 / (sizes**2).sum()
        first, second = (
            Direction(f"principal {place + 1} ({100 * share:.0f} %)", direction)
            for place, (share, direction) in enumerate(zip(shares[:2], directions[:2], strict=True))
        )
        return first, second

    def coordinates(self, points: Array, first: Direction, second: Direction) -> Array:
        """(points, 2)  where points lie in the plane of two directions: their nearest places in it."""
        basis = np.column_stack([first.vector, second.vector])
        return np.asarray(np.linalg.lstsq(basis, (points - self.centre).T, rcond=None)[0].T)

    # pictures --------------------------------------------------------------------------------

    def line(
        self, direction: Direction, low: float = -1.0, high: float = 1.0, *, points: int = 101,
        cancelled: Callable[[], bool] = lambda: False, progress: Callable[[float], None] = lambda share: None,
    ) -> Line:  # fmt: skip
        """The loss from `low` to `high` along a direction."""
        ts, losses = _stretch(low, high, points), np.full(points, np.nan)
        self._begin(self.centre, direction.vector)
        for begin in range(0, points, PIECE):
            if cancelled():
                return Line(direction, ts, losses, self.iteration, complete=False)
            piece = ts[begin : begin + PIECE]
            losses[begin : begin + PIECE] = self._walk.go(piece[0], ts[1] - ts[0], len(piece))
            progress(min(1.0, (begin + PIECE) / points))
        return Line(direction, ts, losses, self.iteration)

    def plane(
        self, first: Direction, second: Direction, x: tuple[float, float] = (-1.0, 1.0),
        y: tuple[float, float] = (-1.0, 1.0), *, columns: int = 100, rows: int = 100,
        cancelled: Callable[[], bool] = lambda: False, progress: Callable[[float], None] = lambda share: None,
    ) -> Plane:  # fmt: skip
        """The loss over two directions. Raises `ProblemError` where they are one and the same, or a stretch is empty."""
        if np.linalg.matrix_rank(np.column_stack([first.vector, second.vector])) < 2:
            raise ProblemError(
                Problem("both directions are the same", "Choose another one for one of them.", kind="range")
            )
        xs, ys = _stretch(*x, columns), _stretch(*y, rows)
        found = Plane(first, second, xs, ys, np.full((rows, columns), np.nan), self.loss(self.centre), self.iteration)
        for row, height in enumerate(ys):
            if cancelled():
                return replace(found, complete=False)
            self._begin(self.centre + height * second.vector, first.vector)
            found.losses[row] = self._walk.go(xs[0], xs[1] - xs[0], columns)
            progress((row + 1) / rows)
        return found

    def _begin(self, start: Array, direction: Array) -> None:
        self.layout.write(self._walk.machine, self._walk.parameters, start)
        self.layout.write(self._walk.machine, self._walk.directions, direction)

    def _fitting(self, point: Array) -> Array:
        numbers = np.asarray(point, np.float64)
        if numbers.shape != (self.layout.size,):
            fact = f"a point of this space has {self.layout.size} numbers, not {numbers.shape}"
            raise ProblemError(Problem(fact, "Take it from the same parameters.", kind="shape"))
        return numbers


class _Walk:
    """The loss at evenly spaced points of a straight line, one after the other on the tape.

    Every parameter is replaced by parameter + (from + n · step) · direction, n being the number of losses noted so far: so
    that one call plays a whole row of a picture, and nothing but the losses comes back.
    """

    def __init__(self, trial: Trial, loss: Value, parameters: list[Value]) -> None:
        program, build = trial.program, trial.program.build
        self.parameters = parameters
        drawn, program.calls = program.calls, []
        build.origin = Origin("", "forward")
        self._bins = build.source("state", "analysis.losses", (MOST_POINTS, 3), 0.0)
        self._counters = build.source("state", "analysis.counters", (3,), 0, kind="whole")
        self._from, self._step = (build.source("data", f"analysis.{name}", (), 0.0) for name in ("from", "step"))
        noted = build.emit("slice", build.emit("to_real", self._counters), axis=0, start=0, stop=1)
        t = self._from + build.emit("sum", noted, axes=(0,)) * self._step
        self.directions = [trial.fed(f"direction{place}", value) for place, value in enumerate(parameters)]
        moved = {
            value.index: value + t * direction for value, direction in zip(parameters, self.directions, strict=True)
        }
        for call in drawn:
            call.operands = tuple([moved.get(operand.index, operand) for operand in call.operands])
        program.calls += drawn
        # A loss that no parameter leads to, or that is one itself, is noted just the same.
        ring = build.emit("history_ring", self._bins, self._counters, moved.get(loss.index, loss))
        self.machine = trial.start(ring)

    def go(self, start: float, step: float, points: int) -> Array:
        """(points,)  the losses from `start` on."""
        machine = self.machine
        machine.view(self._from)[()], machine.view(self._step)[()] = start, step
        machine.view(self._counters)[:] = 0
        done = 0
        while done < points:
            machine.lower_flag()  # a loss that is not finite ends an iteration, but no picture
            done += machine.iterate(points - done)
        return machine.view(self._bins)[:points, 2].astype(np.float64)


class Way:
    """Where training has been: parameters at up to 512 moments, as evenly spaced as they were noted."""

    def __init__(self) -> None:
        self._noted: list[tuple[int, dict[str, Array]]] = []
        self._every, self._calls = 1, 0

    def note(self, session: Session) -> None:
        """Note where the session stands, in the session's thread; call it as often as points are wanted."""
        if self._calls % self._every == 0:
            self._noted.append((session.iteration, session.parameters))
            if len(self._noted) > MOST_NOTED:
                self._noted, self._every = self._noted[::2], 2 * self._every
        self._calls += 1

    @property
    def iterations(self) -> list[int]:
        """When each point was noted."""
        return [iteration for iteration, _ in self._noted]

    def points(self, layout: Layout) -> Array:
        """(noted, size)  the points in a space. Raises `ProblemError` where one of its parameters was not there."""
        for _, arrays in self._noted:
            for span in layout.spans:
                if span.address not in arrays or arrays[span.address].shape != span.shape:
                    fact = f"“{span.address}” has not been noted all the way"
                    raise ProblemError(Problem(fact, "Begin the way anew after an edit.", kind="unknown"))
        rows = [[arrays[span.address].reshape(-1) for span in layout.spans] for _, arrays in self._noted]
        return np.array([np.concatenate(row) for row in rows], np.float64).reshape(len(rows), layout.size)


def _filtered(weight: Array, draw: np.random.Generator) -> Array:
    """Random numbers, as long in each filter as the weights; zeros for a vector."""
    drawn = draw.normal(size=weight.shape)
    if weight.ndim < 2:
        return np.zeros_like(drawn)
    axes = 0 if weight.ndim == 2 else tuple(range(1, weight.ndim))  # columns lead into units; channels come first
    own, drawn_length = (np.sqrt(np.sum(array**2, axis=axes, keepdims=True)) for array in (weight, drawn))
    return np.asarray(drawn * (own / drawn_length))


def _stretch(low: float, high: float, points: int) -> Array:
    if not low < high or not 2 <= points <= MOST_POINTS:
        fact = f"{low:g} to {high:g} in {points} points is no stretch to draw over"
        raise ProblemError(Problem(fact, f"Let it begin below its end, in 2 to {MOST_POINTS:,} points.", kind="range"))
    return np.linspace(low, high, points)
