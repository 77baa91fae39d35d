"""Setting the selection in line by a stroke with A held: towards the edge by which the nodes shall stand."""

from __future__ import annotations

from PySide6.QtCore import QPointF, Qt

from app.canvas.aligning import WAYS, align
from app.canvas.interactions.base import Interaction, Modifiers


class AlignSwipe(Interaction):
    """Left, right, up or down; a hint says what will come of it when the button is let go."""

    cursor = Qt.CursorShape.SizeAllCursor

    def move(self, point: QPointF, modifiers: Modifiers) -> None:
        """Say by which edge."""
        self.view.show_hint(WAYS[self._way(point)].replace("&", ""))

    def release(self, point: QPointF, modifiers: Modifiers) -> None:
        """Set them in line; a press alone does nothing."""
        self.cancel()
        if self.travelled:
            align(self.view, self._way(point))

    def cancel(self) -> None:
        """Everything stays."""
        self.view.show_hint("")
        self.done = True

    def _way(self, point: QPointF) -> str:
        away = point - self.start
        if abs(away.x()) >= abs(away.y()):
            return "left" if away.x() < 0 else "right"
        return "top" if away.y() < 0 else "bottom"
