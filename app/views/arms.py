"""Slot machines with what an agent believes of them: the mean of each arm so far, how much more it may be, and the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.theme import current_theme
from app.theme.numbers import number_text
from app.views.choosing import ChoosingView

if TYPE_CHECKING:
    from engine.snapshot import Snapshot

Array = np.ndarray[Any, np.dtype[Any]]
LEFT, RIGHT, TOP, FOOT = 44.0, 14.0, 12.0, 36.0  # pixels
MOST_BELIEVED = 1e4  # bounds beyond it stand for arms that must be tried first


class Believed(NamedTuple):
    """Of each arm in one game: mean and pulls so far, the upper bound or None, the true mean, which arm was chosen."""

    mean: Array
    pulls: Array
    bound: Array | None
    truth: Array | None
    chosen: int | None


class ArmsView(ChoosingView):
    """The first game of one “what arms paid” node, chosen in the head where there are several."""

    kind, title, icon = "arms", "Arms", "chart-no-axes-column"
    asks, step = ("Agent", "Whose beliefs are shown"), "Choose whose arms are shown"

    def sizeHint(self) -> QSize:
        return QSize(420, 240)

    def make_body(self) -> QWidget:
        """The plot."""
        return ArmsPlot()

    @property
    def plot(self) -> ArmsPlot:
        """The body."""
        body = self.body
        assert isinstance(body, ArmsPlot)
        return body

    def feed(self, snapshot: Snapshot) -> str:
        """What is believed in the first game."""
        graph = self.editor.document.graph
        found = tuple(node.id for node in graph if node.type == "arm_statistics")
        if not found:
            return "Beliefs are kept by “what arms paid”. Place one, and wire a world, the action and its reward to it."
        self.offer(found, found)
        node = str(self.of.currentData())
        mean, count = _first(snapshot, f"{node}.mean"), _first(snapshot, f"{node}.count")
        if mean is None or count is None:
            return "Nothing is computed yet. Press → to step, or Space to play."
        bounds = [w.target_node for w in graph.wires_out_of(node) if graph.nodes[w.target_node].type == "upper_bound"]
        worlds = [w.source_node for w in graph.wires_into(node, "world")]
        bound = _first(snapshot, f"{bounds[0]}.bound") if bounds else None
        truth = _first(snapshot, f"{worlds[0]}.means") if worlds else None
        actions = [snapshot.values.get(wire.source) for wire in graph.wires_into(node, "action")]
        action = actions[0].array if actions and actions[0] is not None else None
        chosen = None if action is None else int(action[0].argmax() if action.ndim > 1 else round(float(action[0])))
        self.plot.show_arms(Believed(mean, count, bound, truth, chosen))
        return ""

    def describe(self, snapshot: Snapshot) -> str:
        """Of which game, and whose."""
        return f"first game, {self.of.currentText()}" if len(self._offered) > 1 else "first game"


def _first(snapshot: Snapshot, address: str) -> Array | None:
    reading = snapshot.values.get(address)
    if reading is None or reading.state == "absent" or reading.array is None:
        return None
    return np.asarray(reading.array[0], np.float64)


class ArmsPlot(QWidget):
    """A bar for each arm's mean, a thin one up to its bound, a line at the truth, and below how often it was pulled."""

    def __init__(self) -> None:
        super().__init__()
        self.arms: Believed | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Arms")
        current_theme().changed.connect(self.update)

    def show_arms(self, arms: Believed) -> None:
        """Another moment."""
        self.arms = arms
        self.update()

    @property
    def limits(self) -> tuple[float, float]:
        """The lowest and the highest number that is drawn, 0 among them."""
        arms = self.arms
        assert arms is not None
        drawn = [part[np.abs(part) < MOST_BELIEVED] for part in (arms.mean, arms.bound, arms.truth) if part is not None]
        every = np.concatenate([*drawn, np.zeros(1)])
        low, high = float(every.min()), float(every.max())
        room = 0.06 * (high - low or 1.0)
        return low - room * (low < 0), high + room

    def height_of(self, value: float) -> float:
        """Where a number stands."""
        low, high = self.limits
        return self.height() - FOOT - (value - low) / (high - low) * (self.height() - FOOT - TOP)

    def bar(self, arm: int) -> QRectF:
        """The bar of an arm's mean."""
        assert self.arms is not None
        step = (self.width() - LEFT - RIGHT) / len(self.arms.mean)
        width, zero, top = min(0.62 * step, 46.0), self.height_of(0.0), self.height_of(float(self.arms.mean[arm]))
        middle = LEFT + (arm + 0.5) * step
        return QRectF(middle - width / 2, min(zero, top), width, abs(zero - top))

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.arms is None:
            return
        painter, theme, arms = QPainter(self), current_theme(), self.arms
        painter.setFont(theme.font("number_small"))
        metrics = QFontMetricsF(painter.font())
        zero = self.height_of(0.0)
        painter.setPen(theme.pen("border_strong"))
        painter.drawLine(QPointF(LEFT, zero), QPointF(self.width() - RIGHT, zero))
        painter.setPen(theme.colour("text3"))
        for value in (0.0, self.limits[1], self.limits[0]):
            if value == 0 or abs(self.height_of(value) - zero) > 14:
                at = QRectF(0, self.height_of(value) - 8, LEFT - 6, 16)
                painter.drawText(
                    at, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, number_text(value, digits=1)
                )
        for arm in range(len(arms.mean)):
            bar = self.bar(arm)
            mean = float(arms.mean[arm])
            painter.fillRect(bar, theme.colour("pos" if mean >= 0 else "neg", 1.0 if arm == arms.chosen else 0.6))
            middle = bar.center().x()
            if arms.bound is not None and abs(arms.bound[arm]) < MOST_BELIEVED:
                painter.setPen(theme.pen("text2", 1.5))
                top = self.height_of(float(arms.bound[arm]))
                painter.drawLine(QPointF(middle, self.height_of(mean)), QPointF(middle, top))
                painter.drawLine(QPointF(middle - 5, top), QPointF(middle + 5, top))
            if arms.truth is not None:
                painter.setPen(theme.pen("update", 2.0))
                height = self.height_of(float(arms.truth[arm]))
                painter.drawLine(QPointF(bar.left() - 4, height), QPointF(bar.right() + 4, height))
            self._paint_foot(painter, metrics, bar, arm)

    def _paint_foot(self, painter: QPainter, metrics: QFontMetricsF, bar: QRectF, arm: int) -> None:
        """How often it was pulled, and a mark under the one that was chosen."""
        assert self.arms is not None
        theme, text = current_theme(), number_text(float(self.arms.pulls[arm]))
        painter.setPen(theme.colour("text2" if arm == self.arms.chosen else "text3"))
        base = self.height() - FOOT + 16
        if metrics.horizontalAdvance(text) < bar.width() * 1.5:
            painter.drawText(QPointF(bar.center().x() - metrics.horizontalAdvance(text) / 2, base), text)
        if arm == self.arms.chosen:
            painter.fillRect(QRectF(bar.left(), self.height() - 12, bar.width(), 3), theme.colour("forward"))
