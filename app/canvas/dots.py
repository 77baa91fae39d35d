"""Dots that wires are led over: small handles, painted with the wires."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter

from app.canvas.ink import ink
from engine.graph import Dot

RADIUS, PIN, REACH = 5.0, 8.5, 10.0  # pixels: of a dot, of the ring of a pinned one, of all that may be painted


class DrawnDot:
    """One dot where it is shown, which is elsewhere than in the document while the mouse holds it."""

    def __init__(self, dot: Dot, kind: str) -> None:
        self.dot, self.kind = dot, kind
        self.place = QPointF(*dot.position)
        self.selected = False

    @property
    def area(self) -> QRectF:
        """What counts as the dot for the mouse."""
        return QRectF(self.place.x() - RADIUS, self.place.y() - RADIUS, 2 * RADIUS, 2 * RADIUS)

    @property
    def reach(self) -> QRectF:
        """All that it may cover."""
        return QRectF(self.place.x() - REACH, self.place.y() - REACH, 2 * REACH, 2 * REACH)

    def paint(self, painter: QPainter) -> None:
        """A filled circle in the colour of what its wires carry; a ring says that it is pinned, or selected."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ink().colour(f"k_{self.kind}"))
        painter.drawEllipse(self.place, RADIUS, RADIUS)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if self.dot.pinned:
            painter.setPen(ink().pen("text2", 1.2, Qt.PenStyle.DotLine))
            painter.drawEllipse(self.place, PIN, PIN)
        if self.selected:
            painter.setPen(ink().pen("accent", 2.0))
            painter.drawEllipse(self.place, RADIUS + 1.5, RADIUS + 1.5)
