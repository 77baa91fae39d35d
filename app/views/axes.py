"""Axes: which numbers they bear, where data stand between them, and how they are painted."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import shiboken6
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPixmap, QPolygonF
from PySide6.QtWidgets import QWidget

from app.theme import current_theme
from app.theme.numbers import MINUS

Array = np.ndarray[Any, np.dtype[Any]]
MOST_TICKS = 6
FARTHEST = 1e6  # pixels from the corner that are still drawn
BOTTOM, TICK_GAP = 36.0, 6.0
NAME_ROOM = 26.0  # left of the numbers of the upward axis


def painted_once(view: QWidget, kept: QPixmap | None, paint: Callable[[QPainter], None]) -> QPixmap:
    """What changes seldom, as large as a view: what was kept where it still fits, else painted anew."""
    size, ratio = view.size(), max(1.0, view.devicePixelRatioF())
    if kept is not None and kept.size() == size * ratio:
        return kept
    made = QPixmap(size * ratio)
    made.setDevicePixelRatio(ratio)
    made.fill(Qt.GlobalColor.transparent)
    painter = QPainter(made)
    paint(painter)
    painter.end()
    return made


@dataclass(frozen=True)
class Axes:
    """A rectangle of pixels for a rectangle of data. `area` is without labels.

    decades  the upward axis bears powers of ten: data are their exponents
    counts   the axis to the right bears whole numbers
    """

    area: QRectF
    left: float
    right: float
    bottom: float
    top: float
    decades: bool = False
    counts: bool = False

    def x(self, value: Any) -> Any:
        """Pixels to the right; also for arrays."""
        return self.area.left() + (value - self.left) / ((self.right - self.left) or 1.0) * self.area.width()

    def y(self, value: Any) -> Any:
        """Pixels down; also for arrays."""
        return self.area.bottom() - (value - self.bottom) / ((self.top - self.bottom) or 1.0) * self.area.height()

    def point(self, x: float, y: float) -> QPointF:
        """Both."""
        return QPointF(self.x(x), self.y(y))

    def paint(self, painter: QPainter, across: str, up: str, grid: bool = True) -> None:
        """Hairlines, numbers and names of the axes. LaTeX in a name is set as mathematics."""
        theme = current_theme()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setFont(theme.font("number_small"))
        metrics = QFontMetricsF(theme.font("number_small"))
        ticks = self.ticks_across()
        for tick, text in zip(ticks, tick_texts(ticks), strict=True):
            x = self.x(tick)
            width = metrics.horizontalAdvance(text)
            painter.setPen(theme.colour("text3"))
            painter.drawText(QPointF(x - width / 2, self.area.bottom() + TICK_GAP + metrics.ascent()), text)
            painter.setPen(theme.pen("border"))
            painter.drawLine(QPointF(x, self.area.bottom()), QPointF(x, self.area.bottom() + 3))
        ticks = nice_ticks(self.bottom, self.top, max(2, min(MOST_TICKS, int(self.area.height() // 26))))
        if self.decades:
            ticks = [tick for tick in ticks if tick == round(tick)]
        for tick, text in zip(ticks, power_texts(ticks) if self.decades else tick_texts(ticks), strict=True):
            y = self.y(tick)
            painter.setPen(theme.pen("grid" if grid else "border"))
            painter.drawLine(
                QPointF(self.area.left() - 3, y), QPointF(self.area.right() if grid else self.area.left(), y)
            )
            painter.setPen(theme.colour("text3"))
            width = metrics.horizontalAdvance(text)
            painter.drawText(QPointF(self.area.left() - TICK_GAP - width, y + metrics.ascent() / 2 - 1), text)
        self._paint_names(painter, across, up)

    def ticks_across(self) -> list[float]:
        """Where the axis to the right bears numbers."""
        ticks = nice_ticks(self.left, self.right, max(2, min(MOST_TICKS, int(self.area.width() // 52))))
        return [tick for tick in ticks if tick == round(tick)] if self.counts else ticks

    def _paint_names(self, painter: QPainter, across: str, up: str) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        paint_name(painter, across, QPointF(self.area.center().x(), self.area.bottom() + BOTTOM - 9), upright=False)
        paint_name(painter, up, QPointF(NAME_ROOM / 2 - 1, self.area.center().y()), upright=True)


def paint_name(painter: QPainter, name: str, middle: QPointF, upright: bool) -> None:
    """The name of an axis around a point; `upright` names of several letters read from bottom to top."""
    if not name:
        return
    theme = current_theme()
    if "_" in name or "\\" in name:
        formula = theme.mathematics(name, 12, "text2")
        top = middle.y() - formula.size.height() / 2
        formula.paint(painter, middle.x() - formula.size.width() / 2, top + formula.baseline)
        return
    metrics = QFontMetricsF(theme.font("caption"))
    width = metrics.horizontalAdvance(name)
    painter.save()
    painter.setFont(theme.font("caption"))
    painter.setPen(theme.colour("text3"))
    painter.translate(middle)
    if upright:
        painter.rotate(-90)
    painter.drawText(QPointF(-width / 2, metrics.ascent() / 2 - 1), name)
    painter.restore()


def axes_in(
    frame: QRectF, x: tuple[float, float], y: tuple[float, float], right: float, named: bool, decades: bool = False
) -> Axes:
    """Axes in a frame, with room for the labels: on the left as wide as they are."""
    metrics = QFontMetricsF(current_theme().font("number_small"))
    texts: list[str] = []
    # Fewer ticks than there is room for, where the area is made square, may bear longer numbers: 0.25 after 0.2.
    for count in range(2, max(2, min(MOST_TICKS, int(frame.height() // 26))) + 1):
        ticks = nice_ticks(*y, count)
        texts += power_texts([round(tick) for tick in ticks]) if decades else tick_texts(ticks)
    widest = max((metrics.horizontalAdvance(text) for text in texts), default=20.0)
    left = widest + TICK_GAP + (NAME_ROOM if named else 10)
    area = frame.adjusted(left, 10, -right, -BOTTOM)
    return Axes(area, *x, *y, decades)


def nice_ticks(low: float, high: float, most: int = MOST_TICKS) -> list[float]:
    """At most `most` round numbers within [low, high]; three of them where two would leave one, which measures nothing."""
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        return [low] if math.isfinite(low) else []
    raw = (high - low) / most
    decade = 10.0 ** math.floor(math.log10(raw))
    finer: list[float] = []
    for factor in (1, 2, 2.5, 5, 10, 20, 25, 50):
        step = factor * decade
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        ticks = [round(index * step, 12) for index in range(first, last + 1)]
        if len(ticks) <= most:
            return finer if len(ticks) < 2 and len(finer) == 3 else ticks
        finer = ticks
    return [low, high]


def tick_texts(ticks: Sequence[float]) -> list[str]:
    """The numbers of one axis, all with the same number of places."""
    if not ticks:
        return []
    step = min((abs(b - a) for a, b in pairwise(ticks)), default=abs(ticks[0]) or 1.0)
    largest = max(abs(tick) for tick in ticks)
    if 1e6 <= largest < 1e9:
        return [f"{tick / 1e6:g} M".replace("-", MINUS) if tick else "0" for tick in ticks]
    if largest >= 1e9 or (0 < largest < 1e-3):
        return [f"{tick:.3g}".replace("-", MINUS) for tick in ticks]
    places = next((count for count in range(5) if abs(round(step, count) - step) < step * 1e-6), 5)
    texts = [f"{tick:,.{places}f}".replace(",", "\u202f") for tick in ticks]
    return [
        text.replace("-", MINUS) if float(tick) != 0 else text.lstrip("-")
        for text, tick in zip(texts, ticks, strict=True)
    ]


def power_texts(exponents: Sequence[float]) -> list[str]:
    """Powers of ten: `0.01`, `1`, `1e−5`."""
    return [f"{10.0**power:g}" if -3 <= power <= 3 else f"1e{int(power)}".replace("-", MINUS) for power in exponents]


def padded(low: float, high: float, share: float = 0.06) -> tuple[float, float]:
    """A range with a little room at both ends; never empty."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return 0.0, 1.0
    room = (high - low) * share or max(abs(high) * 0.1, 0.5)
    return low - room, high + room


def peaks(points: Array, columns: int) -> Array:
    """At most two points for each column of pixels: its lowest and its highest, in the order they came; and the last.

    A mean would hide the one bad batch. points (k, 2), finite, with about even steps in the first column.
    """
    count = len(points)
    if count <= 2 * columns:
        return points
    size = -(-count // columns)
    whole = count // size
    heights = points[: whole * size, 1].reshape(whole, size)
    starts = np.arange(whole) * size
    both = np.stack([starts + heights.argmin(axis=1), starts + heights.argmax(axis=1)], axis=1)
    both.sort(axis=1)
    rest = np.arange(whole * size, count)
    if len(rest):
        tail = points[rest, 1]
        rest = np.unique([rest[tail.argmin()], rest[tail.argmax()], count - 1])
    return points[np.concatenate([both.ravel(), rest])]


def segments(lines: Array) -> list[QLineF]:
    """Lines (k, 4) in pixels for one call of the painter, those left out that lie nowhere or very far out.

    Qt's rasteriser takes them for coordinates all the same, and writes where it should not.
    """
    flat = np.asarray(lines, float).reshape(-1, 4)
    with np.errstate(invalid="ignore"):
        sound = (np.abs(flat) < FARTHEST).all(axis=1)  # a NaN is not less than anything
    return [QLineF(*line) for line in flat[sound].tolist()]


def polygon(xs: Array, ys: Array) -> QPolygonF:
    """Points in pixels, written into Qt's memory at once: a thousand QPointF from Python would take a millisecond."""
    with np.errstate(invalid="ignore"):
        sound = (np.abs(xs) < FARTHEST) & (np.abs(ys) < FARTHEST)  # as for `segments`
    if not sound.all():
        xs, ys = xs[sound], ys[sound]
    count = len(xs)
    line = QPolygonF()
    if not count:
        return line
    line.resize(count)
    # Shiboken's stubs know only addresses; a pointer with a size is what makes the memory writable.
    pointer: Any = shiboken6.VoidPtr(line.data(), count * 16, True)  # type: ignore[call-arg, arg-type]
    memory = np.frombuffer(pointer, np.float64).reshape(-1, 2)
    memory[:, 0], memory[:, 1] = xs, ys
    return line


LegendEntry = tuple[str, str, Qt.PenStyle]  # words, token of the line's colour, its style
LINE_ROOM, ENTRY_GAP, LEGEND_ROW = 24.0, 14.0, 15.0


def legend_rows(entries: Sequence[LegendEntry], room: float) -> list[list[LegendEntry]]:
    """The entries of a legend in rows that are no wider than the room, as long as single ones are not."""
    rows: list[list[LegendEntry]] = []
    for entry in entries:
        if rows and _width([*rows[-1], entry]) <= room:
            rows[-1].append(entry)
        else:
            rows.append([entry])
    return rows


def _width(row: Sequence[LegendEntry]) -> float:
    metrics = QFontMetricsF(current_theme().font("caption"))
    return sum(LINE_ROOM + metrics.horizontalAdvance(words) for words, _, _ in row) + ENTRY_GAP * (len(row) - 1)


def paint_legend(painter: QPainter, rows: Sequence[Sequence[LegendEntry]], middle: QPointF) -> None:
    """Words with the line they stand for, each row around a middle; the first at the point given, the others below."""
    theme = current_theme()
    metrics = QFontMetricsF(theme.font("caption"))
    painter.setFont(theme.font("caption"))
    for index, row in enumerate(rows):
        left, y = middle.x() - _width(row) / 2, middle.y() + index * LEGEND_ROW
        for words, token, style in row:
            painter.setPen(theme.pen(token, 1.5, style))
            painter.drawLine(QPointF(left, y), QPointF(left + 18, y))
            painter.setPen(theme.colour("text2"))
            painter.drawText(QPointF(left + LINE_ROOM, y + metrics.ascent() / 2 - 1), words)
            left += LINE_ROOM + metrics.horizontalAdvance(words) + ENTRY_GAP
