"""The rubber band: Shift adds, Ctrl toggles; what it touches is selected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt

from app.canvas.ink import ink
from app.canvas.interactions.base import Interaction, Modifiers

if TYPE_CHECKING:
    from app.canvas.view import CanvasView


class RubberBand(Interaction):
    """Selects while it is drawn; Esc brings the former selection back."""

    def __init__(self, view: CanvasView, start: QPointF) -> None:
        super().__init__(view, start)
        self._before = self.editor.selection
        self._band = self.scene.addRect(QRectF(), ink().pen("accent"), ink().colour("accent", 0.12))
        self._band.setZValue(100)

    def move(self, point: QPointF, modifiers: Modifiers) -> None:
        """Select what the band touches."""
        if not self.travelled:
            return
        area = QRectF(self.start, point).normalized()
        self._band.setRect(area)
        near = [*self.scene.areas.within([area]), *self.scene.notes, *self.scene.dots]
        touched = {name for name in near if self.scene.area_of(name).intersects(area)}
        frames = {name for name, item in self.scene.frames.items() if item.title_area.intersects(area)}
        self.editor.select(combined(self._before, touched | frames, modifiers))

    def release(self, point: QPointF, modifiers: Modifiers) -> None:
        """Keep the selection; a mere click on empty canvas clears it."""
        if not self.travelled and not modifiers & (Modifiers.ShiftModifier | Modifiers.ControlModifier):
            self.editor.select([])
            self.editor.set_focus(None)
            self.view.emptied.emit()
        self._end()

    def cancel(self) -> None:
        """The former selection comes back."""
        self.editor.select(self._before)
        self._end()

    def _end(self) -> None:
        self.scene.removeItem(self._band)
        self.done = True


def combined(before: set[str], touched: set[str], modifiers: Modifiers) -> set[str]:
    """What is selected when something is touched with these keys held."""
    if modifiers & Qt.KeyboardModifier.ControlModifier:
        return before ^ touched
    if modifiers & Qt.KeyboardModifier.ShiftModifier:
        return before | touched
    return touched
