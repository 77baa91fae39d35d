"""Strokes across wires: they are cut, muted, or led over a dot; what is crossed shows before the button is let go."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QPainterPath

from app.canvas.ink import ink
from app.canvas.interactions.base import Interaction, Modifiers

if TYPE_CHECKING:
    from app.canvas.view import CanvasView

Crossings = dict[str, QPointF]  # where the stroke met each wire first, by `source>target`


class WireStroke(Interaction):
    """A line drawn by hand; what it crosses is dealt with in one step."""

    cursor = Qt.CursorShape.CrossCursor
    needs_sight = True
    token = "error"  # the colour of the stroke
    preview = "doomed"  # the look of a wire that it has crossed

    def __init__(self, view: CanvasView, start: QPointF) -> None:
        super().__init__(view, start)
        self._stroke = QPainterPath(start)
        self._line = self.scene.addPath(self._stroke, ink().pen(self.token, 1.0, Qt.PenStyle.DashLine))
        self._line.setZValue(100)
        self._crossed: Crossings = {}

    def move(self, point: QPointF, modifiers: Modifiers) -> None:
        """Lengthen the stroke and show what it crosses."""
        piece = QLineF(self._stroke.currentPosition(), point)
        self._stroke.lineTo(point)
        self._line.setPath(self._stroke)
        for name in self.scene.runs.within([_around(piece)]) if not self.scene.hides_wires else ():
            if name not in self._crossed and (place := crossing(self.scene.wires[name].path, piece)) is not None:
                self._crossed[name] = place
        self.scene.preview(self.preview, self._crossed)

    def release(self, point: QPointF, modifiers: Modifiers) -> None:
        """Deal with what was crossed."""
        crossed = dict(self._crossed)
        self.cancel()
        if crossed:
            self.finish(crossed)

    def finish(self, crossed: Crossings) -> None:
        """What becomes of the wires."""
        raise NotImplementedError

    def cancel(self) -> None:
        """Leave every wire as it was."""
        self.scene.preview(self.preview, ())
        self.scene.removeItem(self._line)
        self.done = True


class Cut(WireStroke):
    """Ctrl and the right button, or Y held: the wires are cut."""

    def finish(self, crossed: Crossings) -> None:
        """Cut."""
        self.editor.cut(crossed)


class Mute(WireStroke):
    """Ctrl, Alt and the right button: the wires carry zero and no gradient; crossed once more they work again."""

    token = "warn"

    def finish(self, crossed: Crossings) -> None:
        """Mute, unless all of them are muted."""
        self.editor.set_wires_muted(crossed, not all(self.scene.wires[name].wire.muted for name in crossed))


class LeadOver(WireStroke):
    """Shift and the right button: the wires are led over one dot, in the middle of where they were crossed."""

    token, preview = "accent", "hovered"

    def finish(self, crossed: Crossings) -> None:
        """Add the dot, and select it."""
        middle = QPointF()
        for place in crossed.values():
            middle += place / len(crossed)
        wires = {name: self.scene.wires[name].gap_at(place) for name, place in crossed.items()}
        self.editor.select([self.editor.add_dot(wires, (round(middle.x()), round(middle.y())))])


def crossing(path: QPainterPath, piece: QLineF) -> QPointF | None:
    """Where a piece of a stroke meets a wire; None where it does not."""
    for polygon in path.toSubpathPolygons():
        for first, last in pairwise(polygon.toList()):
            kind, place = QLineF(first, last).intersects(piece)
            if kind == QLineF.IntersectionType.BoundedIntersection:
                return place
    return None


def _around(piece: QLineF) -> QRectF:
    return QRectF(piece.p1(), piece.p2()).normalized().adjusted(-1, -1, 1, 1)
