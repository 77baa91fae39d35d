"""Wiring without aiming: Alt and the right button from one node to another; the ports that fit best are joined."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QLineF, QPointF, Qt

from app.canvas.ink import ink
from app.canvas.interactions.base import Interaction, Modifiers

if TYPE_CHECKING:
    from app.canvas.view import CanvasView


class LazyConnect(Interaction):
    """A line from node to node; its release is one step."""

    cursor = Qt.CursorShape.CrossCursor
    needs_sight = True

    def __init__(self, view: CanvasView, start: QPointF) -> None:
        super().__init__(view, start)
        self._begin = self._node_at(start)
        self._end = ""
        self._line = self.scene.addLine(QLineF(start, start), ink().pen("accent", 1.5, Qt.PenStyle.DashLine))
        self._line.setZValue(100)
        self._light()

    def _node_at(self, point: QPointF) -> str:
        hit = self.view.hit(point)
        name = hit.name.partition(".")[0]
        return name if name in self.scene.nodes and ">" not in hit.name else ""

    def _light(self) -> None:
        self.editor.select({name for name in (self._begin, self._end) if name})

    def move(self, point: QPointF, modifiers: Modifiers) -> None:
        """The line follows, and both nodes light up."""
        self._line.setLine(QLineF(self.start, point))
        if self._node_at(point) != self._end:
            self._end = self._node_at(point)
            self._light()

    def release(self, point: QPointF, modifiers: Modifiers) -> None:
        """Wire the two; elsewhere nothing happens."""
        begin, end = self._begin, self._node_at(point)
        self.cancel()
        if begin and end and begin != end:
            self.editor.connect_nodes(begin, end)

    def cancel(self) -> None:
        """No wire."""
        self.scene.removeItem(self._line)
        self.done = True
