"""Ports: the colour is the kind, the shape the rank, filled is wired."""

from __future__ import annotations

from functools import cache

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter

from app.canvas.ink import ink

RADIUS, CATCH = 5.0, 14.0


def draw_port(painter: QPainter, centre: QPointF, kind: str, rank: int, filled: bool) -> None:
    """A circle for a scalar, a bar for a vector, a square for a matrix, stacked squares for more."""
    painter.setPen(ink().pen(f"k_{kind}", 1.3))
    painter.setBrush(ink().colour(f"k_{kind}") if filled else ink().colour("canvas"))
    x, y = centre.x(), centre.y()
    if rank <= 0:
        painter.drawEllipse(centre, RADIUS, RADIUS)
    elif rank == 1:
        painter.drawRoundedRect(QRectF(x - 2.5, y - 6, 5, 12), 1, 1)
    elif rank == 2:
        painter.drawRoundedRect(QRectF(x - 4.5, y - 4.5, 9, 9), 1.5, 1.5)
    else:
        painter.drawRoundedRect(QRectF(x - 2.5, y - 5.5, 8, 8), 1.5, 1.5)
        painter.drawRoundedRect(QRectF(x - 5.5, y - 2.5, 8, 8), 1.5, 1.5)


@cache
def rank_in_words(shape: str) -> int:
    """The rank that a port's written shape promises, e.g. 2 for `(batch, features)`, 0 for `any`."""
    first = shape.split(" or ")[0].strip()
    if not first.startswith("("):
        return 0
    return sum(bool(entry.strip()) for entry in first.strip("()").split(","))
