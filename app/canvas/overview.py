"""The whole graph in one item: below a quarter of full size every node is a filled rectangle, many drawn in one call."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from app.canvas.ink import ink
from app.canvas.live import zoom_of

if TYPE_CHECKING:
    from app.canvas.node_item import DrawnNode
    from app.canvas.scene import CanvasScene

SHORTEST = 4.0  # pixels on screen: shorter wires are dropped


class Overview(QGraphicsItem):
    """Rectangles by category, straight wires, the step of now in the colour of its phase."""

    def __init__(self, scene: CanvasScene) -> None:
        super().__init__()
        self._scene = scene
        self._area = QRectF()
        self._rectangles: dict[str, list[QRectF]] = {}
        self._lines: list[QLineF] = []
        self._stale = True
        self.setZValue(20)
        self.setVisible(False)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)

    def forget(self) -> None:
        """Something moved or changed its looks."""
        self._stale = True
        if self.isVisible():
            self.refresh()

    def refresh(self) -> None:
        """Collect rectangles and lines anew where they are stale."""
        if not self._stale:
            return
        self.prepareGeometryChange()
        rectangles: dict[str, list[QRectF]] = defaultdict(list)
        for item in self._scene.nodes.values():
            rectangles[self._token(item)].append(item.geometry.body.translated(item.pos()))
        self._rectangles = dict(rectangles)
        self._lines = [_chord(wire.path) for wire in self._scene.wires.values()]
        self._area = self._scene.content_area().adjusted(-20, -20, 20, 20)
        self._stale = False
        self.update()

    def _token(self, item: DrawnNode) -> str:
        state = item.live.state
        if state.reason or state.born:
            return "error"
        if state.phase or state.selected:
            return state.phase or "accent"
        return item.category_token

    def boundingRect(self) -> QRectF:
        """All of the graph."""
        return self._area

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """One call for the wires and one a category."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        shortest = SHORTEST / max(zoom_of(painter), 1e-6)
        painter.setPen(ink().pen("border_strong", 1.0, alpha=0.6))
        painter.drawLines([line for line in self._lines if abs(line.dx()) + abs(line.dy()) > shortest])
        painter.setPen(Qt.PenStyle.NoPen)
        for token, rectangles in self._rectangles.items():
            painter.setBrush(ink().colour(token, 0.8))
            painter.drawRects(rectangles)


def _chord(path: QPainterPath) -> QLineF:
    begin = path.elementAt(0)
    return QLineF(QPointF(begin.x, begin.y), path.currentPosition())
