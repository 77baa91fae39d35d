"""Where a view's picture goes: to the screen, or into a file of another sharpness."""

from __future__ import annotations

from PySide6.QtGui import QPaintEngine, QPainter
from PySide6.QtWidgets import QWidget


def paints_elsewhere(painter: QPainter, widget: QWidget) -> bool:
    """Whether a widget's painter paints vectors, or pixels of another size: what is kept for the screen is no use then."""
    engine = painter.paintEngine()
    is_vector = engine.type() == QPaintEngine.Type.SVG
    return is_vector or engine.paintDevice().devicePixelRatioF() != widget.devicePixelRatioF()
