"""Cutting wires: a stroke with Ctrl and the right button, or with Y held; crossed wires turn red before they are cut."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QPainterPath

from app.canvas.ink import ink
from app.canvas.interactions.base import Interaction, Modifiers

if TYPE_CHECKING:
    from app.canvas.view import CanvasView


class Cut(Interaction):
    """Cuts every wire that its stroke crosses, in one step."""

    cursor = Qt.CursorShape.CrossCursor
    needs_sight = True

    def __init__(self, view: CanvasView, start: QPointF) -> None:
        super().__init__(view, start)
        self._stroke = QPainterPath(start)
        self._line = self.scene.addPath(self._stroke, ink().pen("error", 1.0, Qt.PenStyle.DashLine))
        self._line.setZValue(100)
        self._crossed: set[str] = set()

    def move(self, point: QPointF, modifiers: Modifiers) -> None:
        """Lengthen the stroke and show what it crosses."""
        piece = QPainterPath(self._stroke.currentPosition())
        piece.lineTo(point)
        self._stroke.lineTo(point)
        self._line.setPath(self._stroke)
        reached = piece.boundingRect().adjusted(-1, -1, 1, 1)
        for name in self.scene.runs.within([reached]):
            if self.scene.wires[name].hit_area(0.5, reached).intersects(piece):
                self._crossed.add(name)
        self.scene.cut_preview(self._crossed)

    def release(self, point: QPointF, modifiers: Modifiers) -> None:
        """Cut."""
        crossed = list(self._crossed)
        self.cancel()
        if crossed:
            self.editor.cut(crossed)

    def cancel(self) -> None:
        """Leave every wire whole."""
        self.scene.cut_preview([])
        self.scene.removeItem(self._line)
        self.done = True
