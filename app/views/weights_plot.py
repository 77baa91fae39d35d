"""Paints one parameter: as a heat map, as a Hinton diagram (areas), or as a histogram."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF
from PySide6.QtGui import QFontMetricsF, QHelpEvent, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.theme import current_theme
from app.theme.matrix import heat_pixels, square_pixels
from app.theme.numbers import MINUS, number_text, spread_text
from app.views.axes import Array, axes_in

PICTURES = ("heat map", "Hinton diagram", "histogram")
LARGEST_CELL, SMALLEST_SQUARE = 44.0, 3  # pixels; in smaller cells areas cannot be told apart
LOWEST_ROW = 16.0  # pixels of a row of colours, where few long rows leave room for it
LEGEND, BARS = 64.0, 40
FEWEST, FAINTEST = 5.0, 0.45  # the upward axis of a histogram; its palest bar
SHRINK = 0.3  # the levels come down when all weights are within this share of them


def level_above(size: float) -> float:
    """The smallest of …, 0.5, 1, 2, 5, 10, … that is not below `size`; 1 for 0 and for what is not finite."""
    if not math.isfinite(size) or size <= 0:
        return 1.0
    decade = 10.0 ** math.floor(math.log10(size))
    return next(factor * decade for factor in (1, 2, 5, 10) if factor * decade >= size * (1 - 1e-12))


class WeightsPlot(QWidget):
    """Numbers (rows, columns); colours and areas are measured by `limit`, which moves only when it has to."""

    def __init__(self) -> None:
        super().__init__()
        self._array: Array = np.zeros((0, 0))
        self._shape: tuple[int, ...] = ()
        self._axes: tuple[str, ...] = ()
        self._image: QImage | None = None
        self._pixels: Array | None = None
        self._made_for: tuple[object, ...] = ()
        self.name = ""
        self.picture = PICTURES[0]
        self.limit = 1.0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        current_theme().changed.connect(self._repaint)

    def show_array(self, name: str, array: Array, axes: Sequence[str] = ()) -> None:
        """Other numbers, of any shape: the last axis runs to the right, all others downwards.

        axes  what each axis counts, where it is not features downwards and units to the right
        """
        self._axes = tuple(axes)
        if name != self.name or array.shape != self._shape:
            self.name, self._shape, self.limit = name, array.shape, 0.0
        finite = array[np.isfinite(array)]
        largest = float(np.abs(finite).max()) if finite.size else 0.0
        if not self.limit or largest > self.limit or largest < SHRINK * self.limit:
            self.limit = level_above(largest)
        self._array = array.reshape(-1, array.shape[-1]) if array.ndim else array.reshape(1, 1)
        self._image = None
        self.update()

    def show_picture(self, picture: str) -> None:
        """Paint it in another way."""
        self.picture, self._image = picture, None
        self.update()

    def _repaint(self) -> None:
        self._image = None
        self.update()

    # cells -----------------------------------------------------------------------------------------------------------

    @property
    def has_legend(self) -> bool:
        """Whether there is room for the scale at the right."""
        return self.width() >= 260

    @property
    def is_turned(self) -> bool:
        """Whether rows run to the right, because that way the cells are larger."""
        rows, columns = self._array.shape
        width, height = self._room().width(), self._room().height()
        return min(width / rows, height / columns) > 1.2 * min(width / columns, height / rows)

    def _room(self) -> QRectF:
        return QRectF(self.rect()).adjusted(36, 6, -(LEGEND if self.has_legend else 12), -26)

    def cells(self) -> tuple[QRectF, int, int]:
        """The area of all cells, and how many are beside and below each other."""
        rows, columns = self._array.shape[::-1] if self.is_turned else self._array.shape
        room = self._room()
        size = min(room.width() / columns, room.height() / rows, LARGEST_CELL)
        whole = self._ratio() * size
        if whole >= 2:
            size = math.floor(whole) / self._ratio()  # all cells of one size, on whole pixels
        high = size
        if size < SMALLEST_SQUARE or self.picture == PICTURES[0]:  # colours need no squares
            high = max(size, math.floor(min(LOWEST_ROW, room.height() / rows)))
        return QRectF(room.left(), room.top(), size * columns, high * rows), rows, columns

    def _ratio(self) -> float:
        return max(1.0, self.devicePixelRatioF())

    @property
    def shown_picture(self) -> str:
        """What is really painted: no areas where cells are too small for them."""
        if self.picture == PICTURES[1] and self._array.size:
            area, _, columns = self.cells()
            if area.width() / columns * self._ratio() < SMALLEST_SQUARE:
                return PICTURES[0]
        return self.picture

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._array.size:
            return
        painter = QPainter(self)
        if self.picture == PICTURES[2]:
            self._paint_histogram(painter)
            return
        area, rows, columns = self.cells()
        made_for = (area, rows, columns)
        if self._image is None or self._made_for != made_for:
            array = self._array.T if self.is_turned else self._array
            is_map = self.shown_picture == PICTURES[0]
            self._image = self._make_map(array) if is_map else self._make_squares(array, area)
            self._made_for = made_for
        # Where a pixel holds several cells their mean is shown, not one of them.
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, area.width() < columns)
        painter.drawImage(area, self._image)
        self._paint_frame(painter, area, rows, columns)
        if self.has_legend:
            self._paint_scale(painter, area)

    def _make_map(self, array: Array) -> QImage:
        self._pixels = pixels = heat_pixels(array, self.limit)
        rows, columns = pixels.shape[:2]
        return QImage(pixels.data, columns, rows, 3 * columns, QImage.Format.Format_RGB888)

    def _make_squares(self, array: Array, area: QRectF) -> QImage:
        size = max(1, round(area.width() / array.shape[1] * self._ratio()))
        self._pixels = pixels = square_pixels(array, self.limit, size)
        return QImage(pixels.data, pixels.shape[1], pixels.shape[0], 4 * pixels.shape[1], QImage.Format.Format_RGB32)

    def _paint_frame(self, painter: QPainter, area: QRectF, rows: int, columns: int) -> None:
        """Numbers of the first and last row and column, and what rows and columns are."""
        theme = current_theme()
        painter.setPen(theme.pen("border"))
        painter.drawRect(area.adjusted(-0.5, -0.5, 0.5, 0.5))
        font = theme.font("number_small")
        metrics = QFontMetricsF(font)
        painter.setFont(font)
        painter.setPen(theme.colour("text3"))
        size, high = area.width() / columns, area.height() / rows
        for index in sorted({0, rows - 1}):
            text, middle = str(index + 1), area.top() + (index + 0.5) * high
            if index and (rows - 1) * high < metrics.height():
                continue
            painter.drawText(
                QPointF(area.left() - 6 - metrics.horizontalAdvance(text), middle + metrics.ascent() / 2 - 1), text
            )
        base = area.bottom() + 5 + metrics.ascent()
        across = self.axis_words[0]
        spots = [(str(index + 1), area.left() + (index + 0.5) * size) for index in sorted({0, columns - 1})]
        end = 0.0
        for text, middle in spots:
            left = middle - metrics.horizontalAdvance(text) / 2
            if left > end:
                painter.drawText(QPointF(left, base), text)
                end = left + metrics.horizontalAdvance(text) + 4
        painter.setFont(theme.font("caption"))
        words = QFontMetricsF(theme.font("caption"))
        width = words.horizontalAdvance(across)
        inside = area.width() - 4 * metrics.averageCharWidth() - 12
        left = area.center().x() - width / 2 if width < inside else end + 4
        if columns > 1:
            painter.drawText(QPointF(left, base), across)
        if rows > 1:  # there is nothing to count
            middle = max(area.center().y(), area.top() + words.horizontalAdvance(self.axis_words[1]) / 2)  # not cut off
            self._paint_upright(painter, QPointF(9, middle), self.axis_words[1])

    @property
    def axis_words(self) -> tuple[str, str]:
        """What runs to the right and what downwards."""
        if len(self._shape) < 2:
            return "entry", ""
        *others, last = self._axes or ("feature", "unit")
        down = " × ".join(word for word in others if word)
        return (down, last) if self.is_turned else (last, down)

    def _paint_upright(self, painter: QPainter, middle: QPointF, words: str) -> None:
        metrics = QFontMetricsF(painter.font())
        painter.save()
        painter.translate(middle)
        painter.rotate(-90)
        painter.drawText(QPointF(-metrics.horizontalAdvance(words) / 2, metrics.ascent() / 2), words)
        painter.restore()

    def _paint_scale(self, painter: QPainter, area: QRectF) -> None:
        """The fixed levels: ends and middle of the colours, or the square that the largest number would have."""
        theme, left = current_theme(), min(area.right() + 14, self.width() - LEGEND + 12)
        font = theme.font("number_small")
        ascent = QFontMetricsF(font).ascent()
        bar = QRectF(left, area.top(), 9, max(48.0, min(96.0, self._room().height() * 0.5)))
        if self.shown_picture == PICTURES[0]:
            pixels = np.ascontiguousarray(theme.diverging[::-1].reshape(-1, 1, 3))
            painter.drawImage(bar, QImage(pixels.data, 1, len(pixels), 3, QImage.Format.Format_RGB888))
            shares: tuple[tuple[float, float], ...] = ((0.0, self.limit), (0.5, 0.0), (1.0, -self.limit))
        else:
            for share, token in ((0.0, "pos"), (1.0, "neg")):
                painter.fillRect(QRectF(left, bar.top() + share * (bar.height() - 9), 9, 9), theme.colour(token))
            shares = ((0.0, self.limit), (1.0, -self.limit))
        painter.setFont(font)
        painter.setPen(theme.colour("text3"))
        for share, number in shares:
            text = f"{number:+g}".replace("-", MINUS) if number else "0"
            painter.drawText(
                QPointF(bar.right() + 6, bar.top() + share * bar.height() + ascent * (1 - share) - 1), text
            )

    # histogram -------------------------------------------------------------------------------------------------------

    def _paint_histogram(self, painter: QPainter) -> None:
        """How many numbers lie where, over fixed bounds; the bar of each in the colour of its numbers."""
        theme, numbers = current_theme(), self._array[np.isfinite(self._array)]
        counts, edges = np.histogram(numbers, BARS, (-self.limit, self.limit))
        top = level_above(float(counts.max())) if counts.any() else 1.0
        axes = axes_in(QRectF(self.rect()), (-self.limit, self.limit), (0.0, max(top, FEWEST)), 14, named=False)
        axes.paint(painter, "weight", "")
        for count, low, high in zip(counts, edges[:-1], edges[1:], strict=True):
            if count:
                corner, end = axes.point(low, float(count)), axes.point(high, 0.0)
                middle = float(low + high) / 2  # near 0 its colour would be that of the ground
                colour = theme.signed_colour(math.copysign(max(abs(middle), FAINTEST * self.limit), middle), self.limit)
                painter.fillRect(QRectF(corner, end).adjusted(0.5, 0, -0.5, 0), colour)
        painter.setFont(theme.font("number_small"))
        painter.setPen(theme.colour("text2"))
        words = spread_text(float(numbers.mean()), float(numbers.std())) if numbers.size else "nothing finite"
        width = QFontMetricsF(theme.font("number_small")).horizontalAdvance(words)
        painter.drawText(QPointF(axes.area.right() - width - 2, axes.area.top() + 10), words)

    # reading ---------------------------------------------------------------------------------------------------------

    def entry_at(self, point: QPointF) -> tuple[int, int] | None:
        """Row and column of the array under a point; None beside the cells."""
        if not self._array.size or self.picture == PICTURES[2]:
            return None
        area, rows, columns = self.cells()
        if not area.contains(point):
            return None
        column = min(columns - 1, int((point.x() - area.left()) / area.width() * columns))
        row = min(rows - 1, int((point.y() - area.top()) / area.height() * rows))
        return (column, row) if self.is_turned else (row, column)

    def event(self, event: QEvent) -> bool:
        """A tooltip names the number under the mouse."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            found = self.entry_at(QPointF(event.pos()))
            if found is None:
                QToolTip.hideText()
            else:
                row, column = found
                place = f"{column + 1}" if len(self._shape) < 2 else f"{row + 1}, {column + 1}"
                number = number_text(float(self._array[row, column]), signed=True)
                QToolTip.showText(event.globalPos(), f"{self.name} [{place}] = {number}", self)
            return True
        return super().event(event)
