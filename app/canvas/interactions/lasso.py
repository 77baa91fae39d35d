"""Selecting with a loop drawn by hand: Ctrl, Alt and the left button; with Shift what is selected stays so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QPainterPath, QPolygonF

from app.canvas.ink import ink
from app.canvas.interactions.base import Interaction, Modifiers

if TYPE_CHECKING:
    from app.canvas.view import CanvasView


class Lasso(Interaction):
    """Selects what its loop touches while it is drawn; Esc brings the former selection back."""

    cursor = Qt.CursorShape.CrossCursor

    def __init__(self, view: CanvasView, start: QPointF) -> None:
        super().__init__(view, start)
        self._before = self.editor.selection
        self._points = [start]
        self._line = self.scene.addPath(QPainterPath(), ink().pen("accent"), ink().colour("accent", 0.12))
        self._line.setZValue(100)

    def move(self, point: QPointF, modifiers: Modifiers) -> None:
        """Lengthen the loop, which closes by itself."""
        if not self.travelled:
            return
        self._points.append(point)
        loop = QPainterPath()
        loop.addPolygon(QPolygonF(self._points))
        loop.closeSubpath()
        self._line.setPath(loop)
        near = [*self.scene.areas.within([loop.boundingRect()]), *self.scene.notes, *self.scene.dots]
        touched = {name for name in near if loop.intersects(self.scene.area_of(name))}
        kept = self._before if modifiers & Modifiers.ShiftModifier else set()
        self.editor.select(kept | touched)

    def release(self, point: QPointF, modifiers: Modifiers) -> None:
        """Keep the selection; a click without a loop changes nothing."""
        self._end()

    def cancel(self) -> None:
        """The former selection comes back."""
        self.editor.select(self._before)
        self._end()

    def _end(self) -> None:
        self.scene.removeItem(self._line)
        self.done = True
