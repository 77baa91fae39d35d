"""The steps of one iteration as a row of marks: a diamond draws rows, dots go forward, chevrons back, squares update."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QHelpEvent, QPainter, QPaintEvent, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.theme import current_theme

if TYPE_CHECKING:
    from engine.snapshot import Snapshot
    from engine.tape import Step

PITCH = 13.0  # between two marks
SMALLEST_PITCH = 6.5  # below, a group becomes a bar
MARK = 3.0
GAP, NARROWEST_GAP = 20.0, 10.0
RING = 3.5  # the ring of the step just played, beyond its mark
PARTS = {"batch": "k_index", "forward": "forward", "backward": "backward", "update": "update"}  # and their colours


class PhaseLane(QWidget):
    """Paints `snapshot.steps`; what was played is filled, the step just played is ringed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._by_phase: list[list[Step]] = []
        self._by_part: list[list[Step]] = []
        self._steps: Sequence[Step] = ()
        self._last: Step | None = None
        self.names: dict[str, str] = {}  # titles of nodes, for the tooltip
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Steps of this iteration")
        current_theme().changed.connect(self.update)

    def sizeHint(self) -> QSize:
        """Room for a small network."""
        return QSize(300, 40)

    def minimumSizeHint(self) -> QSize:
        """Room for the three words."""
        return QSize(176, 40)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show another moment."""
        if snapshot.steps is self._steps and snapshot.last_step == self._last:
            return  # at full speed every snapshot stands at the end of an iteration: nothing to paint again
        if snapshot.steps is not self._steps:
            self._steps = snapshot.steps
            self._by_phase = [list(group) for _, group in itertools.groupby(snapshot.steps, _group_key)]
            self._by_part = [list(group) for _, group in itertools.groupby(snapshot.steps, lambda step: step.part)]
        self._last = snapshot.last_step
        self.update()

    @property
    def moment(self) -> str:
        """Where in time the step just played stands, behind the name of its part; empty for what has no steps of time."""
        if self._last is None or self._last.time < 0:
            return ""
        steps = 1 + max(step.time for step in self._steps)
        return f" · time {self._last.time + 1} of {steps}"

    def clear(self) -> None:
        """Nothing is open."""
        self._by_phase, self._by_part, self._steps, self._last = [], [], (), None
        self.update()

    # geometry --------------------------------------------------------------------------------------------------------

    @property
    def _groups(self) -> list[list[Step]]:
        """What stands under one word: a phase's part, or where several phases have no room, the part of all of them."""
        least = self._least(self._by_phase)
        fits = sum(least) + NARROWEST_GAP * (len(least) - 1) <= self.width() - 2 * RING
        return self._by_phase if fits else self._by_part

    def _least(self, groups: Sequence[Sequence[Step]]) -> list[float]:
        words = QFontMetricsF(current_theme().font("caption_strong"))
        return [max(words.horizontalAdvance(group[0].part) + 2, 2 * PITCH) for group in groups]

    def _areas(self) -> list[QRectF]:
        """Where each group is painted, side by side; narrower when there is not room for every mark."""
        least = self._least(self._groups)
        wanted = [max(least_width, len(group) * PITCH) for least_width, group in zip(least, self._groups, strict=True)]
        gap = min(GAP, max(NARROWEST_GAP, (self.width() - 2 * RING - sum(wanted)) / max(1, len(least) - 1)))
        room = self.width() - 2 * RING - gap * (len(wanted) - 1)
        if sum(wanted) > room:
            extra = sum(wanted) - sum(least)
            share = max(0.0, (room - sum(least)) / extra) if extra > 0 else 0.0
            wanted = [low + share * (high - low) for low, high in zip(least, wanted, strict=True)]
        areas, x = [], RING
        for width in wanted:
            areas.append(QRectF(x, 0, width, self.height()))
            x += width + gap
        return areas

    def _place(self, area: QRectF, group: Sequence[Step], index: int) -> QPointF:
        pitch = min(PITCH, (area.width() - 2 * (MARK + 1)) / max(1, len(group) - 1))
        return QPointF(area.left() + MARK + 1 + index * pitch, area.center().y() + 10)

    # painting --------------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Words above, marks below."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for area, group in zip(self._areas(), self._groups, strict=True):
            self._paint_group(painter, area, group)

    def _paint_group(self, painter: QPainter, area: QRectF, group: Sequence[Step]) -> None:
        theme = current_theme()
        part = group[0].part
        is_current = self._last is not None and any(step.index == self._last.index for step in group)
        painter.setFont(theme.font("caption_strong" if is_current else "caption"))
        painter.setPen(theme.colour(PARTS[part] if is_current else "text3"))
        line = QRectF(area.left(), area.center().y() - 15, area.width() + GAP, 16)
        where = self.moment if is_current else ""
        fits = painter.fontMetrics().horizontalAdvance(part + where) <= area.width() + GAP - RING
        words = part + where if fits else part
        painter.drawText(line, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, words)
        if len(group) * SMALLEST_PITCH > area.width():
            self._paint_bar(painter, area, group)
            return
        for index, step in enumerate(group):
            self._paint_step(painter, self._place(area, group, index), step)

    def _paint_step(self, painter: QPainter, place: QPointF, step: Step) -> None:
        theme = current_theme()
        last = -1 if self._last is None else self._last.index
        played = step.index <= last
        token = PARTS[step.part] if played else "border_strong"
        if step.index == last:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(theme.pen(PARTS[step.part], 1.5))
            painter.drawEllipse(place, MARK + RING, MARK + RING)
        painter.setPen(theme.pen(token, 1.5))
        painter.setBrush(theme.colour(token) if played else Qt.BrushStyle.NoBrush)
        paint_mark(painter, place, step.part)

    def _paint_bar(self, painter: QPainter, area: QRectF, group: Sequence[Step]) -> None:
        """Too many steps for marks: a line, filled as far as it was played, with the mark of now on it."""
        theme = current_theme()
        part = group[0].part
        last = -1 if self._last is None else self._last.index
        done = sum(step.index <= last for step in group)
        y = area.center().y() + 10
        width = area.width() - 2 * MARK - 2
        left = area.left() + MARK + 1
        painter.setPen(theme.pen("border_strong", 2))
        painter.drawLine(QPointF(left, y), QPointF(left + width, y))
        if done:
            end = QPointF(left + width * done / len(group), y)
            painter.setPen(theme.pen(PARTS[part], 2))
            painter.drawLine(QPointF(left, y), end)
            if done < len(group) or group[-1].index == last:
                self._paint_step(painter, end, group[done - 1])

    def event(self, event: QEvent) -> bool:
        """The tooltip names the step under the mouse."""
        if isinstance(event, QHelpEvent):
            step = self._step_at(event.pos().x())
            if step is not None:
                name = self.names.get(step.node, step.node)
                at = f" at step {step.time + 1} of time" if step.time >= 0 else ""
                QToolTip.showText(event.globalPos(), f"{step.part}: {name}{at}  (step {step.index + 1})", self)
                return True
        return super().event(event)

    def _step_at(self, x: float) -> Step | None:
        for area, group in zip(self._areas(), self._groups, strict=True):
            if area.left() <= x <= area.right():
                distances = [abs(self._place(area, group, index).x() - x) for index in range(len(group))]
                return group[distances.index(min(distances))]
        return None


def paint_mark(painter: QPainter, place: QPointF, part: str) -> None:
    """The mark of a phase with the pen and brush in force."""
    if part == "backward":
        painter.setBrush(Qt.BrushStyle.NoBrush)
        tip, back = QPointF(-MARK + 0.5, 0), MARK - 1
        painter.drawPolyline(
            QPolygonF([place + QPointF(back, -MARK - 0.5), place + tip, place + QPointF(back, MARK + 0.5)])
        )
    elif part == "batch":
        painter.drawPolygon(
            QPolygonF([place + QPointF(x, y) for x, y in ((0, -MARK), (MARK, 0), (0, MARK), (-MARK, 0))])
        )
    elif part == "update":
        painter.drawRect(QRectF(place.x() - MARK + 0.5, place.y() - MARK + 0.5, 2 * MARK - 1, 2 * MARK - 1))
    else:
        painter.drawEllipse(place, MARK - 0.5, MARK - 0.5)


def _group_key(step: Step) -> tuple[int, str]:
    return step.phase, step.part
