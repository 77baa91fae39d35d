"""Items that change only when somebody edits: the backdrop paints them, and a frame copies what it has painted."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QPointF
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QGraphicsItem


class Resting(QGraphicsItem):
    """An item that Qt keeps and finds but does not paint. `version` counts its looks, its place apart."""

    version = 0

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemHasNoContents)

    def update(self, *_: Any) -> None:
        """It looks different now."""
        self.version += 1
        self.disturb()

    def prepareGeometryChange(self) -> None:
        """It is about to take another shape: what it covered has to be painted anew."""
        self.disturb()
        super().prepareGeometryChange()

    def setPos(self, *place: Any) -> None:
        """Move: both places have to be painted anew."""
        before = self.pos()
        super().setPos(*place)
        if self.scene() is not None and (after := self.pos()) != before:
            self.disturb(before)
            self.disturb(after)

    def disturb(self, place: QPointF | None = None) -> None:
        """Have the backdrop paint anew what the item covers (or covered, at another place)."""
        scene: Any = self.scene()
        if scene is not None:
            scene.disturb(self.boundingRect().translated(self.pos() if place is None else place))


def paint_at_rest(painter: QPainter, item: QGraphicsItem) -> None:
    """Paint an item where it stands, as the scene would."""
    painter.save()
    painter.translate(item.pos())
    item.paint(painter, None, None)  # type: ignore[arg-type]
    painter.restore()


def leave(item: QGraphicsItem) -> None:
    """An item is about to cover another area: what it covers is painted anew with the next frame.

    Qt would ask for that only later, and a frame that comes between (the backdrop asks for some of its own) makes it
    forget where the item stood: the old picture stayed beside the new one.
    """
    scene = item.scene()
    if scene is not None and item.isVisible():
        scene.update(item.sceneBoundingRect())
