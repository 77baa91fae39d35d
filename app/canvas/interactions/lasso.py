"""Selecting with a loop drawn by hand: Ctrl, Alt and the left button; with Shift what is selected stays so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QPainterPath, QPolygonF
from PySide6.QtWidgets import QGraphicsPathItem

from app.canvas.ink import ink
from app.canvas.interactions.base import Modifiers
from app.canvas.interactions.select import Selecting

if TYPE_CHECKING:
    from app.canvas.view import CanvasView


class Lasso(Selecting[QGraphicsPathItem]):
    """Selects what its loop touches while it is drawn."""

    cursor = Qt.CursorShape.CrossCursor

    def __init__(self, view: CanvasView, start: QPointF) -> None:
        line = view.canvas.addPath(QPainterPath(), ink().pen("accent"), ink().colour("accent", 0.12))
        super().__init__(view, start, line)
        self._points = [start]

    def move(self, point: QPointF, modifiers: Modifiers) -> None:
        """Lengthen the loop, which closes by itself."""
        if not self.travelled:
            return
        self._points.append(point)
        loop = QPainterPath()
        loop.addPolygon(QPolygonF(self._points))
        loop.closeSubpath()
        self.mark.setPath(loop)
        near = [*self.scene.areas.within([loop.boundingRect()]), *self.scene.notes, *self.scene.dots]
        touched = {name for name in near if loop.intersects(self.scene.area_of(name))}
        kept = self.before if modifiers & Modifiers.ShiftModifier else set()
        self.editor.select(kept | touched)

    def release(self, point: QPointF, modifiers: Modifiers) -> None:
        """Keep the selection; a click without a loop changes nothing."""
        self.end()
