"""The marks of classes: shape and colour together, so that neither has to be told from the other alone."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QPainter, QPolygonF

from app.theme import current_theme

# Two classes are told apart as negative and positive are everywhere; more of them by the kinds' colours.
TWO = ("neg", "pos")
MANY = (
    "pos", "neg", "c_activations", "c_images", "update", "c_maths", "k_loss", "c_layers", "c_worlds", "k_data",
)  # fmt: skip
CIRCLE, DIAMOND, SQUARE, UP, DOWN, PENTAGON = range(6)
_SHAPES_OF_TWO = (DIAMOND, CIRCLE)
_CORNERS = {DIAMOND: (4, -90.0), SQUARE: (4, -45.0), UP: (3, -90.0), DOWN: (3, 90.0), PENTAGON: (5, -90.0)}


def class_tokens(count: int) -> tuple[str, ...]:
    """A colour token for each of `count` classes."""
    return TWO if count <= 2 else tuple(MANY[index % len(MANY)] for index in range(count))


def shape_of(group: int, count: int) -> int:
    """The shape of a class: with two, a diamond for 0 and a circle for 1."""
    return _SHAPES_OF_TWO[group % 2] if count <= 2 else group % 6


def paint_mark(
    painter: QPainter, at: QPointF, group: int, tokens: tuple[str, ...], radius: float, hollow: bool = False
) -> None:
    """One point of a class; `hollow` for what was kept for testing."""
    theme = current_theme()
    colour = theme.colour(tokens[group % len(tokens)])
    painter.setPen(theme.pen(tokens[group % len(tokens)], 1.2) if hollow else theme.pen("canvas", 1.5))
    painter.setBrush(theme.colour("canvas", 0.5) if hollow else colour)
    shape = shape_of(group, len(tokens))
    if shape == CIRCLE:
        painter.drawEllipse(at, radius, radius)
        return
    painter.drawPolygon(outline(shape, at, radius * 1.2))
    painter.setBrush(Qt.BrushStyle.NoBrush)


def outline(shape: int, at: QPointF, radius: float) -> QPolygonF:
    """The corners of a mark."""
    count, start = _CORNERS[shape]
    angles = (math.radians(start + 360 * index / count) for index in range(count))
    return QPolygonF([QPointF(at.x() + radius * math.cos(a), at.y() + radius * math.sin(a)) for a in angles])
