"""What every mouse mode has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, Qt

if TYPE_CHECKING:
    from app.canvas.view import CanvasView

Modifiers = Qt.KeyboardModifier
NO_MODIFIER = Qt.KeyboardModifier.NoModifier


class Interaction:
    """One gesture. Points are on the scene; `travelled` says whether the mouse has left the place of the press.

    The view calls `move` and `release` until `done` is True, or `cancel` on Esc, which restores the state before.
    """

    cursor: Qt.CursorShape | None = None
    needs_sight = False  # of all that is drawn: what floats over the canvas steps aside

    def __init__(self, view: CanvasView, start: QPointF) -> None:
        self.view, self.start = view, start
        self.scene, self.editor = view.canvas, view.editor
        self.travelled = False
        self.done = False

    def press(self, point: QPointF, modifiers: Modifiers) -> None:
        """Another press while the mode is on (click-click gestures)."""

    def move(self, point: QPointF, modifiers: Modifiers) -> None:
        """The mouse moved."""

    def release(self, point: QPointF, modifiers: Modifiers) -> None:
        """The button was released: make the edit."""
        self.done = True

    def cancel(self) -> None:
        """Esc, or the window lost the mouse: as if nothing had happened."""
