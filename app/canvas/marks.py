"""Marks that travel along wires: dots forward, chevrons backward. They stand still once they have arrived."""

from __future__ import annotations

from collections.abc import Sequence
from math import atan2, degrees
from typing import TYPE_CHECKING

from PySide6.QtCore import QEasingCurve, QPointF, QRectF, Qt, QVariantAnimation
from PySide6.QtGui import QPainter, QPainterPath, QPolygonF, QRegion
from PySide6.QtWidgets import QGraphicsObject, QStyleOptionGraphicsItem, QWidget

from app.canvas.ink import ink
from app.canvas.resting import leave

if TYPE_CHECKING:
    from app.canvas.resting_scene import RestingScene

TRAVEL_MS, SPACING = 600, 38.0
MARKS_Z = 5.0
CHEVRON = QPolygonF([QPointF(3, -4.5), QPointF(-3, 0), QPointF(3, 4.5)])


class Marks(QGraphicsObject):
    """All marks of the step just played, painted by one item above the wires; its animation goes when it goes."""

    def __init__(self, scene: RestingScene) -> None:
        super().__init__()
        self._scene = scene
        self._paths: list[QPainterPath] = []
        self._part = ""
        self._progress = 1.0
        self.reduced_motion = False
        self.setZValue(MARKS_Z)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
        self.animation = QVariantAnimation(self, startValue=0.0, endValue=1.0, duration=TRAVEL_MS)
        self.animation.setEasingCurve(QEasingCurve.Type.OutCubic)
        self.animation.valueChanged.connect(self._advance)

    def travel(self, paths: Sequence[QPainterPath], part: str, moving: bool = True) -> None:
        """Send marks along these wires (in their drawn direction forward, against it backward)."""
        self.animation.stop()
        self.follow(paths, part)
        self._progress = 1.0
        if paths and moving and not self.reduced_motion:
            self.animation.start()

    def follow(self, paths: Sequence[QPainterPath], part: str) -> None:
        """The wires have moved: run along their new paths."""
        leave(self)
        self.prepareGeometryChange()
        self._paths, self._part = [path for path in paths if not path.isEmpty()], part
        self.update()

    def _advance(self, progress: float) -> None:
        self._progress = progress
        self.update()

    def boundingRect(self) -> QRectF:
        """All paths with the size of a mark."""
        area = QRectF()
        for path in self._paths:
            area = area.united(path.controlPointRect())
        return area.adjusted(-8, -8, 8, 8)

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """Evenly spaced marks that moved by a spacing for each length they travelled."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setClipRegion(self._clear_of_nodes(), Qt.ClipOperation.IntersectClip)
        for path in self._paths:
            self._paint_path(painter, path)

    def _clear_of_nodes(self) -> QRegion:
        """Where wires can be seen: nodes lie over them, and the backdrop has painted those before."""
        area = self.boundingRect()
        region = QRegion(area.toAlignedRect())
        for item in self._scene.resting_within([area]):
            region -= QRegion(item.geometry.body.translated(item.pos()).toAlignedRect())
        for note in self._scene.notes.values():
            region -= QRegion(note.area.toAlignedRect())
        return region

    def _paint_path(self, painter: QPainter, path: QPainterPath) -> None:
        length = path.length()
        count = max(1, int(length / SPACING))
        # Each mark runs the whole wire's first part and comes to rest at its own place.
        for at in range(count):
            rest = (at + 0.5) / count
            self._paint_mark(
                painter, path, rest * self._progress if self._part == "forward" else 1 - rest * self._progress
            )

    def _paint_mark(self, painter: QPainter, path: QPainterPath, share: float) -> None:
        point = path.pointAtPercent(min(1.0, max(0.0, share)))
        if self._part == "forward":
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(ink().colour("forward"))
            painter.drawEllipse(point, 3, 3)
            return
        ahead, behind = path.pointAtPercent(min(1.0, share + 0.01)), path.pointAtPercent(max(0.0, share - 0.01))
        painter.save()
        painter.translate(point)
        painter.rotate(degrees(atan2(ahead.y() - behind.y(), ahead.x() - behind.x())))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(ink().pen("backward", 1.6))
        painter.drawPolyline(CHEVRON)
        painter.restore()
