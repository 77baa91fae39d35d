"""Panning: middle drag, Space with the left button, right drag that began on empty canvas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, Qt

from app.canvas.interactions.base import Interaction, Modifiers

if TYPE_CHECKING:
    from app.canvas.view import CanvasView


class Pan(Interaction):
    """Keeps the point that was pressed under the mouse. A right press that never travelled opens the menu."""

    cursor = Qt.CursorShape.ClosedHandCursor

    def __init__(self, view: CanvasView, start: QPointF, menu: bool = False) -> None:
        super().__init__(view, start)
        self._menu = menu

    def move(self, point: QPointF, modifiers: Modifiers) -> None:
        """Shift the view by what the mouse moved."""
        if self.travelled:
            self.view.pan_by(point - self.start)

    def release(self, point: QPointF, modifiers: Modifiers) -> None:
        """Done; or the menu."""
        self.done = True
        if self._menu and not self.travelled:
            self.view.open_menu(point)
