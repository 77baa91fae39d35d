"""Paints sizes on a scale of powers of ten, a row for each layer: weights, gradients, updates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QFontMetricsF,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.theme import current_theme
from app.theme.numbers import number_text
from app.views.axes import power_texts

ROW, TALLEST_ROW, RADIUS, TOP, FOOT = 16.0, 44.0, 4.0, 30.0, 24.0  # pixels: of a row at least, and at most
RATIO_WIDTH, LEAST_FOR_RATIO = 64.0, 340.0
MOST_DECADES = 14
WORDS = {
    "parameters": (("weights", "text2"), ("gradient", "backward"), ("update", "update")),
    "signals": (("values", "forward"), ("gradient", "backward")),
}
HELP = "Roots of mean squares, so that layers of different size compare"


@dataclass(frozen=True)
class Row:
    """One layer: the root mean square of its numbers, of their gradient, and of the next update.

    ratio  how far it moves in parts of its own length; None for signals
    """

    address: str
    title: str
    size: float
    gradient: float
    update: float | None = None
    ratio: float | None = None

    @property
    def marks(self) -> list[float]:
        """What is painted, in the order of the legend."""
        return [self.size, self.gradient, *([] if self.update is None else [self.update])]


class FlowPlot(QWidget):
    """Rows from input to loss; a click chooses one. Where there are more than fit, the wheel and the keys move them."""

    chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[Row] = []
        self.mode = "parameters"
        self.first = 0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Sizes of weights, gradients and updates")
        current_theme().changed.connect(self.update)

    def show_rows(self, rows: Sequence[Row], mode: str) -> None:
        """Other numbers."""
        self.rows, self.mode = list(rows), mode
        self._scroll(0)
        self.update()

    # places ----------------------------------------------------------------------------------------------------------

    @property
    def fitting(self) -> int:
        """How many rows there is room for."""
        return max(1, int((self.height() - TOP - FOOT) // ROW))

    @property
    def row_height(self) -> float:
        """Pixels of a row: more where there are few."""
        room = (self.height() - TOP - FOOT) / max(1, len(self.rows))
        return min(max(ROW, room), TALLEST_ROW)

    @property
    def area(self) -> QRectF:
        """The scale, without titles and ratios."""
        metrics = QFontMetricsF(current_theme().font("caption"))
        widest = max((metrics.horizontalAdvance(row.title) for row in self.rows), default=0.0)
        left = min(widest + 22, 0.4 * self.width())
        right = RATIO_WIDTH if self.has_ratios else 16.0
        return QRectF(left, TOP, self.width() - left - right, self.row_height * min(self.fitting, len(self.rows)))

    @property
    def has_ratios(self) -> bool:
        """Whether the share that each layer moves stands at the right."""
        return self.mode == "parameters" and self.width() >= LEAST_FOR_RATIO

    @property
    def decades(self) -> tuple[int, int]:
        """The powers of ten between which everything lies that is not 0."""
        known = [mark for row in self.rows for mark in row.marks if mark > 0 and math.isfinite(mark)]
        if not known:
            return -1, 1
        low, high = math.floor(math.log10(min(known))), math.ceil(math.log10(max(known)))
        high = max(high, low + 1)
        return max(low, high - MOST_DECADES), high

    def place_of(self, size: float) -> float:
        """Pixels to the right of a size; the left edge for 0 and for what is too small, the right one for infinity."""
        area, (low, high) = self.area, self.decades
        if not size > 0:
            return area.left()
        exponent = min(max(math.log10(size), low), high) if math.isfinite(size) else high
        return area.left() + (exponent - low) / (high - low) * area.width()

    def row_at(self, y: float) -> Row | None:
        """The row at a height."""
        place = int((y - TOP) // self.row_height)
        shown = self.rows[self.first : self.first + self.fitting]
        return shown[place] if 0 <= place < len(shown) else None

    # painting --------------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self.rows:
            return
        painter = QPainter(self)
        self._paint_scale(painter)
        self._paint_legend(painter)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for place, row in enumerate(self.rows[self.first : self.first + self.fitting]):
            self._paint_row(painter, row, TOP + (place + 0.5) * self.row_height)
        self._paint_rest(painter)

    def _paint_scale(self, painter: QPainter) -> None:
        theme, area, (low, high) = current_theme(), self.area, self.decades
        metrics = QFontMetricsF(theme.font("number_small"))
        painter.setFont(theme.font("number_small"))
        room_until = -math.inf
        for power, text in zip(range(low, high + 1), power_texts(range(low, high + 1)), strict=True):
            x = area.left() + (power - low) / (high - low) * area.width()
            painter.setPen(theme.pen("grid"))
            painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
            width = metrics.horizontalAdvance(text)
            if x - width / 2 > room_until + 10 and x + width / 2 <= self.width():
                painter.setPen(theme.colour("text3"))
                painter.drawText(QPointF(x - width / 2, area.bottom() + 4 + metrics.ascent()), text)
                room_until = x + width / 2

    def _paint_legend(self, painter: QPainter) -> None:
        theme = current_theme()
        painter.setFont(theme.font("caption"))
        metrics = QFontMetricsF(theme.font("caption"))
        x, y = self.area.left(), TOP / 2
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for place, (words, _) in enumerate(WORDS[self.mode]):
            self._paint_mark(painter, QPointF(x + RADIUS, y), place)
            painter.setPen(theme.colour("text2"))
            painter.drawText(QPointF(x + 14, y + metrics.ascent() / 2 - 1), words)
            x += 14 + metrics.horizontalAdvance(words) + 14
        words = "Δw / w"
        left = self.width() - 12 - metrics.horizontalAdvance(words)
        if self.has_ratios and x <= left:
            painter.setPen(theme.colour("text3"))
            painter.drawText(QPointF(left, y + metrics.ascent() / 2 - 1), words)

    def _paint_row(self, painter: QPainter, row: Row, middle: float) -> None:
        theme, area = current_theme(), self.area
        metrics = QFontMetricsF(theme.font("caption"))
        painter.setFont(theme.font("caption"))
        painter.setPen(theme.colour("text2"))
        title = metrics.elidedText(row.title, Qt.TextElideMode.ElideRight, area.left() - 22)
        painter.drawText(QPointF(12, middle + metrics.ascent() / 2 - 1), title)
        painter.setPen(theme.pen("border"))
        painter.drawLine(QPointF(area.left(), middle), QPointF(area.right(), middle))
        for place, size in enumerate(row.marks):
            self._paint_mark(painter, QPointF(self.place_of(size), middle), place, is_zero=not size > 0)
        if self.has_ratios and row.ratio is not None:
            text = number_text(row.ratio, digits=2)
            numbers = QFontMetricsF(theme.font("number_small"))
            painter.setFont(theme.font("number_small"))
            painter.setPen(theme.colour("text2"))
            left = self.width() - 12 - numbers.horizontalAdvance(text)
            painter.drawText(QPointF(left, middle + numbers.ascent() / 2 - 1), text)

    def _paint_mark(self, painter: QPainter, at: QPointF, place: int, is_zero: bool = False) -> None:
        """A ring for what is there, a disc for its gradient, a square for its update: not by colour alone."""
        theme = current_theme()
        token = WORDS[self.mode][place][1]
        painter.setPen(theme.pen(token, 1.5))
        is_hollow = place == 0 or is_zero
        painter.setBrush(theme.colour("surface") if is_hollow else theme.colour(token))
        size = RADIUS - 0.5
        if place == 2:
            painter.drawRect(QRectF(at.x() - size, at.y() - size, 2 * size, 2 * size))
        else:
            painter.drawEllipse(at, size, size)
        painter.setBrush(Qt.BrushStyle.NoBrush)

    def _paint_rest(self, painter: QPainter) -> None:
        """How many rows there are above and below, where they do not fit."""
        above, below = self.first, len(self.rows) - self.first - self.fitting
        words = " · ".join([*([f"{above} above"] if above > 0 else []), *([f"{below} below"] if below > 0 else [])])
        if words:
            theme = current_theme()
            metrics = QFontMetricsF(theme.font("caption"))
            painter.setFont(theme.font("caption"))
            painter.setPen(theme.colour("text3"))
            painter.drawText(QPointF(12, self.area.bottom() + 4 + metrics.ascent()), words)

    # by hand ---------------------------------------------------------------------------------------------------------

    def _scroll(self, rows: int) -> None:
        first = min(max(0, self.first + rows), max(0, len(self.rows) - self.fitting))
        if first != self.first:
            self.first = first
            self.update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        self._scroll(-1 if event.angleDelta().y() > 0 else 1)
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        moves = {
            Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1, Qt.Key.Key_PageUp: -self.fitting, Qt.Key.Key_PageDown: self.fitting,
        }  # fmt: skip
        key = Qt.Key(event.key())
        if key in moves:
            self._scroll(moves[key])
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        row = self.row_at(event.position().y())
        if row is not None and event.button() == Qt.MouseButton.LeftButton:
            self.chosen.emit(row.address)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), self.text_at(event.pos().y()), self)
            return True
        return super().event(event)

    def text_at(self, y: float) -> str:
        """What a pointer at a height is told."""
        row = self.row_at(y)
        if row is None:
            return HELP
        lines = [f"{words} {number_text(size)}" for (words, _), size in zip(WORDS[self.mode], row.marks, strict=True)]
        return "\n".join([row.title, *lines])

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._scroll(0)
