"""A prediction over the inputs: what is asked of the session, and the numbers that come back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.problems import Problem, ProblemError

if TYPE_CHECKING:
    from engine.datasets import Dataset
    from engine.document import Document
    from engine.session import Session

Array = np.ndarray[Any, np.dtype[Any]]
ROOM = 0.14  # around the data, as a share of their range
RESOLUTION_PLANE, RESOLUTION_LINE = 64, 241


@dataclass(frozen=True)
class Ask:
    """Where the prediction is wanted: (low, high) for each of one or two features, and how many points on each.

    Bounds are in the units of the data, as they were measured.
    """

    bounds: tuple[tuple[float, float], ...]
    resolution: int

    def inputs(self) -> Array:
        """The rows to predict: (resolution, 1), or (resolution², 2) with the first feature running fastest."""
        lines = [np.linspace(low, high, self.resolution) for low, high in self.bounds]
        if len(lines) == 1:
            return lines[0][:, None]
        return np.stack([axis.ravel() for axis in np.meshgrid(*lines)], axis=1)


@dataclass(frozen=True)
class Field:
    """The prediction at these places, and when it was made.

    values  (resolution, outputs), or (resolution, resolution, outputs) with the second feature running down the rows
    """

    ask: Ask
    values: Array
    iteration: int


def prediction(ask: Ask) -> Callable[[Session], Field | Problem]:
    """The question for `Runner.ask`; the answer is the reason where this graph predicts nothing."""

    def predict(session: Session) -> Field | Problem:
        try:
            answers = session.predict(ask.inputs())
        except ProblemError as error:
            return error.problems[0]  # an empty view is no failure of the run
        plane, found = (ask.resolution,) * len(ask.bounds), np.asarray(answers, np.float64)
        if found.size < int(np.prod(plane)):  # an answer that does not look at its rows is the same for all of them
            found = np.broadcast_to(found.reshape(1, -1), (int(np.prod(plane)), found.size))
        values = np.array(found.reshape((*plane, -1)))
        values.flags.writeable = False
        return Field(ask, values, session.iteration)

    return predict


def asked_for(data: Dataset) -> Ask:
    """Bounds around all rows, and a resolution."""
    bounds = []
    for feature in data.measured.T:
        low, high = float(feature.min()), float(feature.max())
        room = (high - low) * ROOM or 1.0
        bounds.append((low - room, high + room))
    return Ask(tuple(bounds), RESOLUTION_PLANE if len(bounds) == 2 else RESOLUTION_LINE)


def level_of(document: Document, data: Dataset) -> tuple[float, float]:
    """Where two classes part, and how far from there the colours are full: ½ ± ½ for probabilities, 0 ± 1 for ±1."""
    if is_scored(document):
        return 0.0, 4.0  # the sigmoid of 4 is 0.98
    return (0.5, 0.5) if float(data.targets.min()) >= 0 else (0.0, 1.0)


def is_scored(document: Document) -> bool:
    """Whether the loss takes scores before any sigmoid (a port called `logits`)."""
    goals = {phase.objective.partition(".")[0] for phase in document.training.phases}
    return any(wire.target_node in goals and wire.target_port == "logits" for wire in document.graph.wires)


def level_line(values: Array, level: float) -> Array:
    """Where a sampled plane crosses a level: segments (k, 2, 2) as (column, row) between the samples.

    Marching squares: each cell is cut on its edges by linear interpolation; a saddle is cut twice.
    """
    height = values - level
    sides = height > 0
    corners = [(0, 0), (0, 1), (1, 1), (1, 0)]  # row, column of a cell's corners, once around
    rows, columns = np.mgrid[: values.shape[0] - 1, : values.shape[1] - 1]
    crossings, is_cut = [], []
    for (r0, c0), (r1, c1) in zip(corners, [*corners[1:], corners[0]], strict=True):
        h0, h1 = height[rows + r0, columns + c0], height[rows + r1, columns + c1]
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(h0 == h1, 0.5, h0 / (h0 - h1))
        crossings.append(np.stack([columns + c0 + share * (c1 - c0), rows + r0 + share * (r1 - r0)], axis=-1))
        is_cut.append(sides[rows + r0, columns + c0] != sides[rows + r1, columns + c1])
    cut, at = np.stack(is_cut, axis=-1), np.stack(crossings, axis=-2)
    count = cut.sum(axis=-1)
    two, four = count == 2, count == 4
    order = np.argsort(~cut, axis=-1, kind="stable")
    pairs = np.take_along_axis(at[two], order[two][:, :2, None], axis=1)
    return np.concatenate([pairs, at[four][:, :2], at[four][:, 2:]])
