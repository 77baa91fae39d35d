"""Copying by a drag: Alt or Ctrl held as a node is taken; outlines show where the copies will stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QPainterPath
from PySide6.QtWidgets import QGraphicsPathItem

from app.canvas.ink import ink
from app.canvas.interactions.base import Modifiers
from app.canvas.interactions.select import Selecting, combined

if TYPE_CHECKING:
    from app.canvas.view import CanvasView


class Copy(Selecting[QGraphicsPathItem]):
    """Carries outlines of what is selected; the copies are made at the release, and a mere click only selects."""

    cursor = Qt.CursorShape.DragCopyCursor

    def __init__(self, view: CanvasView, start: QPointF, name: str, modifiers: Modifiers) -> None:
        line = view.canvas.addPath(QPainterPath(), ink().pen("accent", 1.5, Qt.PenStyle.DashLine))
        super().__init__(view, start, line)
        self._name, self._modifiers = name, modifiers

    def move(self, point: QPointF, modifiers: Modifiers) -> None:
        """Show the outlines where the copies would stand."""
        if not self.travelled:
            return
        if self._name not in self.editor.selection:
            self.editor.select({self._name})
        outlines = QPainterPath()
        for name in self.editor.selection:
            if ">" not in name:
                outlines.addRoundedRect(self.scene.area_of(name).translated(point - self.start), 8, 8)
        self.mark.setPath(outlines)

    def release(self, point: QPointF, modifiers: Modifiers) -> None:
        """Copy in one step; without a drag the click selects."""
        self.end()
        if self.travelled:
            away = point - self.start
            self.editor.duplicate(self.editor.selection, offset=(away.x(), away.y()))
        else:
            self.editor.select(combined(self.before, {self._name}, self._modifiers))
