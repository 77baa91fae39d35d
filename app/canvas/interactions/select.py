"""Gestures that select, and the rubber band: Shift adds, Ctrl toggles; what it touches is selected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtWidgets import QGraphicsItem, QGraphicsRectItem

from app.canvas.ink import ink
from app.canvas.interactions.base import Interaction, Modifiers

if TYPE_CHECKING:
    from app.canvas.view import CanvasView


Mark = TypeVar("Mark", bound=QGraphicsItem)


class Selecting(Interaction, Generic[Mark]):
    """Leaves a mark over the canvas as long as it lasts; Esc brings the former selection back."""

    def __init__(self, view: CanvasView, start: QPointF, mark: Mark) -> None:
        super().__init__(view, start)
        self.before, self.mark = self.editor.selection, mark
        mark.setZValue(100)

    def cancel(self) -> None:
        """The former selection comes back."""
        self.editor.select(self.before)
        self.end()

    def end(self) -> None:
        """The mark goes, and the selection stays."""
        self.scene.removeItem(self.mark)
        self.done = True


class RubberBand(Selecting[QGraphicsRectItem]):
    """Selects while it is drawn."""

    def __init__(self, view: CanvasView, start: QPointF) -> None:
        band = view.canvas.addRect(QRectF(), ink().pen("accent"), ink().colour("accent", 0.12))
        super().__init__(view, start, band)

    def move(self, point: QPointF, modifiers: Modifiers) -> None:
        """Select what the band touches."""
        if not self.travelled:
            return
        area = QRectF(self.start, point).normalized()
        self.mark.setRect(area)
        near = [*self.scene.areas.within([area]), *self.scene.notes, *self.scene.dots]
        touched = {name for name in near if self.scene.area_of(name).intersects(area)}
        frames = {name for name, item in self.scene.frames.items() if item.title_area.intersects(area)}
        self.editor.select(combined(self.before, touched | frames, modifiers))

    def release(self, point: QPointF, modifiers: Modifiers) -> None:
        """Keep the selection; a mere click on empty canvas clears it."""
        if not self.travelled and not modifiers & (Modifiers.ShiftModifier | Modifiers.ControlModifier):
            self.editor.select([])
            self.editor.set_focus(None)
            self.view.emptied.emit()
        self.end()


def combined(before: set[str], touched: set[str], modifiers: Modifiers) -> set[str]:
    """What is selected when something is touched with these keys held."""
    if modifiers & Qt.KeyboardModifier.ControlModifier:
        return before ^ touched
    if modifiers & Qt.KeyboardModifier.ShiftModifier:
        return before | touched
    return touched
