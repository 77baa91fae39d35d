"""“What does this do?”: the curve of what bends the numbers, its slope, and where on them the node works now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.theme import current_theme
from app.theme.mathematics import plain_text
from app.theme.numbers import number_text

if TYPE_CHECKING:
    from engine.explain import Curve

HEIGHT, MARGIN, LABEL_SIZE = 104, 10, 12
Numbers = Sequence[float] | np.ndarray


class CurvePicture(QWidget):
    """Paints the curve in `text`, the slope dashed in `backward`; both have a dot where the node is."""

    def __init__(self) -> None:
        super().__init__()
        self._curve: Curve | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        current_theme().changed.connect(self.update)

    def show_curve(self, curve: Curve) -> None:
        """Show another curve or another point on it."""
        self._curve = curve
        here = (
            ""
            if curve.y is None
            else f"{plain_text(curve.result)} = {number_text(curve.y)}, slope {number_text(curve.slope)}"
        )
        self.setAccessibleName(f"Curve; {here}")
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(300, HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(120, HEIGHT)

    def point(self, x: float, y: float) -> QPointF:
        """Where a pair stands, in pixels."""
        curve = self._curve
        assert curve is not None
        low, high = self._range()
        across = (x - float(curve.xs[0])) / ((float(curve.xs[-1]) - float(curve.xs[0])) or 1.0)
        up = (min(max(y, low), high) - low) / ((high - low) or 1.0)
        area = QRectF(self.rect()).adjusted(0, MARGIN + 6, 0, -MARGIN)
        return QPointF(area.left() + min(max(across, 0.0), 1.0) * area.width(), area.bottom() - up * area.height())

    def _range(self) -> tuple[float, float]:
        assert self._curve is not None
        both = np.concatenate([np.asarray(self._curve.ys, float), np.asarray(self._curve.slopes, float)])
        both = both[np.isfinite(both)]
        return (float(both.min()), float(both.max())) if both.size else (0.0, 1.0)

    def paintEvent(self, event: QPaintEvent) -> None:
        curve, theme = self._curve, current_theme()
        if curve is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(theme.pen("border"))
        painter.drawLine(self.point(float(curve.xs[0]), 0.0), self.point(float(curve.xs[-1]), 0.0))
        low, high = self._range()
        painter.drawLine(self.point(0.0, low), self.point(0.0, high))
        self._paint_line(painter, curve.slopes, "backward", Qt.PenStyle.DashLine)
        self._paint_line(painter, curve.ys, "text", Qt.PenStyle.SolidLine)
        if curve.x is None or curve.y is None:
            return
        above = self.point(curve.x, curve.y)
        if curve.slope is not None:
            below = self.point(curve.x, curve.slope)
            painter.setPen(theme.pen("border_strong"))
            painter.drawLine(above, below)
            apart = 1 if below.y() >= above.y() else -1
            self._paint_dot(painter, below, "backward", "", f"slope {number_text(curve.slope)}", apart)
        else:
            apart = 1
        self._paint_dot(painter, above, "text", curve.result, f" = {number_text(curve.y)}", -apart)

    def _paint_line(self, painter: QPainter, heights: Numbers, token: str, style: Qt.PenStyle) -> None:
        assert self._curve is not None
        pairs = zip(self._curve.xs, heights, strict=True)
        painter.setPen(current_theme().pen(token, 1.25, style))
        painter.drawPolyline(QPolygonF([self.point(float(x), float(y)) for x, y in pairs if np.isfinite(y)]))

    def _paint_dot(self, painter: QPainter, at: QPointF, token: str, latex: str, text: str, side: int) -> None:
        """A dot and its label: a symbol set as mathematics, if there is one, and the text behind it."""
        theme = current_theme()
        painter.setPen(theme.pen("surface", 1))
        painter.setBrush(theme.colour(token))
        painter.drawEllipse(at, 4, 4)
        font = theme.font("number_small")
        symbol = theme.mathematics(latex, LABEL_SIZE, token) if latex else None
        ahead = symbol.size.width() if symbol is not None else 0.0
        width = ahead + QFontMetricsF(font).horizontalAdvance(text)
        left = at.x() + 8 if at.x() + 8 + width < self.width() else at.x() - 8 - width
        top = min(max(at.y() + side * 10, 8.0), self.height() - 8.0)
        painter.fillRect(QRectF(left - 2, top - 7, width + 4, 14), theme.colour("surface", 0.8))
        painter.setFont(font)
        painter.setPen(theme.colour(token))
        baseline = top + QFontMetricsF(font).capHeight() / 2
        painter.drawText(QPointF(left + ahead, baseline), text)
        if symbol is not None:
            symbol.paint(painter, left, baseline)
