"""Paints a symmetric matrix as a heat map and its eigenvalues as bars: up where the loss bends up, down where down."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QHelpEvent, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.theme import current_theme
from app.theme.matrix import heat_pixels
from app.theme.numbers import number_text
from app.views.axes import Array

if TYPE_CHECKING:
    from engine.analysis.curvature import Spectrum

LEFT, TOP, BETWEEN, FOOT = 12.0, 30.0, 72.0, 26.0  # pixels
DECADES = 6  # below the largest: smaller eigenvalues are as good as 0 in the picture
WIDEST_BAR = 26.0
BRIGHTEST = 0.99  # of all entries are told apart by colour
ROUNDING = 1e-12  # of the largest: what is smaller is 0, but for rounding


class HessianPlot(QWidget):
    """The map is measured by its large entries, the bars stand on a scale of powers of ten below the largest one."""

    def __init__(self) -> None:
        super().__init__()
        self.matrix: Array | None = None
        self.spectrum: Spectrum | None = None
        self.names: list[str] = []
        self._pixels: Array | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Hessian and eigenvalues")
        current_theme().changed.connect(self._repaint)

    def show_curvature(self, matrix: Array | None, spectrum: Spectrum | None, names: Sequence[str]) -> None:
        """Other numbers; `names` are of rows and columns."""
        self.matrix, self.spectrum, self.names = matrix, spectrum, list(names)
        self._repaint()

    def _repaint(self) -> None:
        self._pixels = None
        self.update()

    @property
    def limit(self) -> float:
        """The magnitude at the ends of the colours: a few entries of a large matrix may lie beyond, or all else were grey."""
        return (
            float(np.quantile(np.abs(self.matrix), BRIGHTEST)) if self.matrix is not None and self.matrix.size else 0.0
        )

    @property
    def words(self) -> str:
        """What the eigenvalues say, in a line."""
        if self.spectrum is None or not len(self.spectrum.values):
            return ""
        values, negative = self.spectrum.values, self.spectrum.negative
        condition, rounding = self.spectrum.condition_number, ROUNDING * float(np.abs(values).max())
        low, high = (float(value) if abs(value) > rounding else 0.0 for value in (values[-1], values[0]))
        parts = [
            f"λ from {number_text(low)} to {number_text(high)}",
            f"{negative} negative" if negative else "none negative",
            "condition ∞" if math.isinf(condition) else f"condition {number_text(condition)}",
        ]
        return " · ".join(parts)

    # places ----------------------------------------------------------------------------------------------------------

    @property
    def map_area(self) -> QRectF:
        """A square at the left."""
        side = max(1.0, min(self.height() - TOP - FOOT, 0.5 * self.width() - LEFT - BETWEEN / 2))
        return QRectF(LEFT, TOP, side, side)

    @property
    def bars_area(self) -> QRectF:
        """What is left at the right, as high as the map."""
        beside = self.map_area
        return QRectF(beside.right() + BETWEEN, TOP, self.width() - beside.right() - BETWEEN - LEFT, beside.height())

    def share(self, value: float) -> float:
        """How long a bar is, from −1 to 1: the power of ten of a magnitude, in parts of the decades that are shown."""
        largest = float(np.abs(self.spectrum.values).max()) if self.spectrum is not None else 0.0
        if not largest or not value:
            return 0.0
        below = math.log10(largest / abs(value))
        return math.copysign(max(0.0, 1.0 - below / DECADES), value)

    @property
    def zero(self) -> float:
        """The height at which 0 stands: at the foot where no eigenvalue is negative."""
        area = self.bars_area
        has_negative = self.spectrum is not None and self.spectrum.negative > 0
        return area.center().y() if has_negative else area.bottom()

    def bar(self, place: int) -> QRectF:
        """The bar of an eigenvalue, the largest at the left."""
        assert self.spectrum is not None
        area, count = self.bars_area, len(self.spectrum.values)
        step = min(area.width() / count, WIDEST_BAR)
        width = step - 2 if step > 5 else step + 1  # narrow ones overlap, or the seams between them would shimmer
        height = self.share(float(self.spectrum.values[place])) * (self.zero - area.top())
        return QRectF(area.left() + place * step, self.zero - height, width, height).normalized()

    # painting --------------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.matrix is None or self.spectrum is None or not self.matrix.size:
            return
        painter = QPainter(self)
        theme = current_theme()
        metrics = QFontMetricsF(theme.font("caption"))
        painter.setFont(theme.font("caption"))
        painter.setPen(theme.colour("text2"))
        line = metrics.elidedText(self.words, Qt.TextElideMode.ElideRight, self.width() - 2 * LEFT)
        painter.drawText(QPointF(LEFT, TOP - 12), line)
        self._paint_map(painter)
        self._paint_bars(painter)
        painter.setFont(theme.font("caption"))
        painter.setPen(theme.colour("text3"))
        count = len(self.matrix)
        for area, text in (
            (self.map_area, f"{count} × {count}, ± {number_text(self.limit)}"),
            (self.bars_area, "eigenvalues"),
        ):
            painter.drawText(QPointF(area.left(), area.bottom() + 6 + metrics.ascent()), text)

    def _paint_map(self, painter: QPainter) -> None:
        assert self.matrix is not None
        if self._pixels is None:
            self._pixels = heat_pixels(self.matrix, self.limit or 1.0)
        count, area = len(self.matrix), self.map_area
        image = QImage(self._pixels.data, count, count, 3 * count, QImage.Format.Format_RGB888)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, area.width() < count)
        painter.drawImage(area, image)
        painter.setPen(current_theme().pen("border"))
        painter.drawRect(area)

    def _paint_bars(self, painter: QPainter) -> None:
        assert self.spectrum is not None
        theme, area = current_theme(), self.bars_area
        for decade in range(0, DECADES, 2):
            for sign in (1, -1) if self.zero < area.bottom() else (1,):
                self._paint_level(painter, sign, decade)
        for place, value in enumerate(self.spectrum.values):
            painter.fillRect(self.bar(place), theme.colour("pos" if value > 0 else "neg"))
        painter.setPen(theme.pen("border_strong"))
        painter.drawLine(QPointF(area.left(), self.zero), QPointF(area.right(), self.zero))

    def _paint_level(self, painter: QPainter, sign: int, decade: int) -> None:
        """A hairline so many powers of ten below the largest magnitude, and its number."""
        assert self.spectrum is not None
        theme, area = current_theme(), self.bars_area
        metrics = QFontMetricsF(theme.font("number_small"))
        y = self.zero - sign * (1 - decade / DECADES) * (self.zero - area.top())
        painter.setPen(theme.pen("grid"))
        painter.drawLine(QPointF(area.left() - 3, y), QPointF(area.right(), y))
        text = number_text(sign * float(np.abs(self.spectrum.values).max()) / 10**decade, digits=2)
        painter.setFont(theme.font("number_small"))
        painter.setPen(theme.colour("text3"))
        left = area.left() - 6 - metrics.horizontalAdvance(text)
        painter.drawText(QPointF(left, y + metrics.ascent() / 2 - 1), text)

    # by hand ---------------------------------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), self.text_at(QPointF(event.pos())), self)
            return True
        return super().event(event)

    def text_at(self, at: QPointF) -> str:
        """The entry or the eigenvalue under the pointer."""
        if self.matrix is None or self.spectrum is None:
            return ""
        area, count = self.map_area, len(self.matrix)
        if area.contains(at):
            row, column = (
                min(count - 1, int(distance / area.width() * count))
                for distance in (at.y() - area.top(), at.x() - area.left())
            )
            number = number_text(float(self.matrix[row, column]), signed=True)
            return f"∂²L by {self.names[row]} and {self.names[column]}: {number}"
        for place, value in enumerate(self.spectrum.values):
            bar = self.bar(place)
            if bar.left() <= at.x() < bar.right() and self.bars_area.contains(at):
                return (
                    f"eigenvalue {place + 1} of {len(self.spectrum.values)}: {number_text(float(value), signed=True)}"
                )
        return ""
