"""What the answer hangs on: the slope of each example's winning score by its inputs, or what the other two ways back show."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from app.theme import current_theme
from app.views.asking import AskingOneOf
from app.views.axes import Array
from app.views.weights_plot import WeightsPlot

if TYPE_CHECKING:
    from engine.analysis.sensitivity import Backward, Saliency
    from engine.session import Session

WAYS = {"gradient": "gradient", "guided": "guided", "deconvolution": "deconvnet"}
MOST_EXAMPLES, LEAST_PIXELS = 8, 16


@dataclass(frozen=True)
class Shown:
    """The slopes as they stood at an iteration."""

    iteration: int
    saliency: Saliency


def measured(session: Session, backward: Backward) -> Shown:
    """Of the first training rows. Raises `ProblemError` where nothing predicts, or without data."""
    from engine.analysis.sensitivity import saliency
    from engine.analysis.trial import rows_of

    rows = rows_of(session, "train")
    chosen = (0,) if rows is None else tuple(int(row) for row in rows[:MOST_EXAMPLES])
    return Shown(session.iteration, saliency(session, rows=chosen, backward=backward))


def pictures(numbers: Array) -> Array | None:
    """Inputs (rows, …) as pictures (rows, height, width), of several channels what is largest; None where they are none."""
    if numbers.ndim == 4:
        largest = np.abs(numbers).argmax(axis=1)[:, None]
        return np.asarray(np.take_along_axis(numbers, largest, axis=1)[:, 0])
    side = math.isqrt(numbers.shape[1]) if numbers.ndim == 2 else 0
    if numbers.ndim == 2 and side * side == numbers.shape[1] >= LEAST_PIXELS:
        return numbers.reshape(-1, side, side)
    return None


def side_by_side(tiles: Array) -> Array:
    """Pictures (k, height, width) in one row, a column of zeros between."""
    apart = np.pad(tiles, ((0, 0), (0, 0), (0, 1)))
    return np.concatenate(list(apart), axis=1)[:, :-1]


class SaliencyPlot(WeightsPlot):
    """Pictures with their slopes below, or a row of slopes for each example."""

    def __init__(self) -> None:
        super().__init__()
        self.height_of_pictures = 0  # 0: there are none

    def show_saliency(self, found: Saliency | None) -> None:
        """Inputs are brought to the size of the slopes, so that one scale of colours does for both."""
        self.height_of_pictures = 0
        if found is None:
            self.show_array("", np.zeros((0, 0)))
            return
        slopes, inputs = pictures(found.slopes), pictures(found.inputs)
        if slopes is None or inputs is None:
            self.show_array("slope", found.slopes.reshape(len(found.slopes), -1), ("example", "feature"))
            return
        self.height_of_pictures = slopes.shape[1]
        scale = float(np.abs(slopes).max()) / (float(np.abs(inputs).max()) or 1.0)
        above, below = side_by_side(scale * inputs), side_by_side(slopes)
        self.show_array("slope", np.concatenate([above, np.zeros((1, above.shape[1])), below]))

    @property
    def is_turned(self) -> bool:
        """Never: a picture stands upright."""
        return False

    def entry_at(self, point: QPointF) -> tuple[int, int] | None:
        """As of any numbers; pictures above their slopes are none."""
        found = super().entry_at(point)
        return None if found is not None and found[0] <= self.height_of_pictures and self.height_of_pictures else found

    def _paint_frame(self, painter: QPainter, area: QRectF, rows: int, columns: int) -> None:
        """What stands above and what below."""
        if not self.height_of_pictures:
            super()._paint_frame(painter, area, rows, columns)
            return
        painter.setFont(current_theme().font("caption"))
        painter.setPen(current_theme().colour("text3"))
        for share, words in ((0.25, "inputs"), (0.75, "slopes")):
            self._paint_upright(painter, QPointF(22, area.top() + share * area.height()), words)


class SaliencyView(AskingOneOf):
    """Which inputs the winning score of each example hangs on, by a way back that is chosen in the head."""

    kind, title, icon = "saliency", "Saliency", "scan-eye"
    first = "Asking what the answer hangs on."

    words, setting, step = WAYS, "way", "Choose the way back to the inputs"
    asks = "Way back", "How derivatives pass a ReLU on their way to the inputs"

    def make_body(self) -> QWidget:
        """The plot."""
        return SaliencyPlot()

    @property
    def plot(self) -> SaliencyPlot:
        """The body."""
        body = self.body
        assert isinstance(body, SaliencyPlot)
        return body

    def measure(self) -> Callable[[Session], object]:
        """The slopes by the way that is chosen."""
        backward = cast("Backward", self.chosen)
        return lambda session: measured(session, backward)

    def fill(self, found: Any) -> str:
        """The picture."""
        self.plot.show_saliency(found.saliency if found is not None else None)
        return ""
