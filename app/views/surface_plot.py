"""Paints a loss surface: colours, contour lines, the optimizer's path, the point with its slope; the point can be dragged."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QEvent, QLineF, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPixmap, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.theme import current_theme
from app.theme.numbers import MINUS, number_text
from app.theme.target import paints_elsewhere
from app.views.axes import Array, Axes, axes_in, painted_once, polygon, segments
from app.views.contours import HeightScale, contour_lines
from app.views.slopes import paint_field

if TYPE_CHECKING:
    from engine.analysis.surface import Point, Surface

LEGEND, LEVELS = 92.0, 12
PART = 0.86  # of the sequential scale: lines and the point are seen on what is left
CATCH, DOT = 14.0, 5.0
AGES = (0.25, 0.45, 0.7, 1.0)  # how strong the path is painted, oldest part first
SHORTEST, LONGEST = 14.0, 52.0  # of the arrow, in pixels


class SurfacePlot(QWidget):
    """Colours, lines and axes are kept until another surface comes; path and point are painted each time.

    drag_began, dragged(x, y), drag_ended(taken back or not)   by mouse; Escape takes back
    """

    drag_began = Signal()
    dragged = Signal(float, float)
    drag_ended = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self.surface: Surface | None = None
        self.point: Point | None = None
        self.gradient = (math.nan, math.nan)
        self.at: tuple[float, float] | None = None  # where the two numbers are now, newer than `point`
        self.names = ("", "")
        self._has_field = True
        self._path: Array = np.zeros((0, 2))
        self._scale = HeightScale(np.zeros(0))
        self._kept: QPixmap | None = None
        self._grip: QPointF | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setMouseTracking(True)
        current_theme().changed.connect(self._repaint)

    # numbers ---------------------------------------------------------------------------------------------------------

    def show_surface(self, surface: Surface | None, names: tuple[str, str]) -> None:
        """Another surface; None for none."""
        if surface is not self.surface or names != self.names:
            self.surface, self.names, self._kept = surface, names, None
            if surface is not None:
                self._scale = HeightScale(surface.losses)
            self.update()

    def show_point(self, point: Point | None, gradient: tuple[float, float]) -> None:
        """What the loss is at the point, what is drawn there, and its slope."""
        self.point, self.gradient = point, gradient
        if point is not None:
            words = f"{self.names[0]} {number_text(point.x)}, {self.names[1]} {number_text(point.y)}"
            self.setAccessibleName(f"Loss surface; {words}; loss {number_text(point.loss)}, {self.gap_text}")
        self.update()

    def show_path(self, path: Array) -> None:
        """Where the two numbers have been (k, 2), oldest first; a row of NaN where they were set by hand."""
        self._path = path
        if self._grip is None:
            self.at = (float(path[-1, 0]), float(path[-1, 1])) if len(path) else None
        self.update()

    @property
    def gap_text(self) -> str:
        """How far the true loss is from what is drawn: `gap 0.000`."""
        if self.point is None or not math.isfinite(self.point.gap):
            return "gap –"
        gap, loss = self.point.gap, abs(self.point.loss)
        if loss >= 0.01 or gap == 0:
            return f"gap {round(gap, 3):+.3f}".replace("+0.000", "0.000").replace("-0.000", "0.000").replace("-", MINUS)
        return f"gap {number_text(gap, signed=True, digits=2)}" if abs(gap) > 0.01 * loss else "gap 0.000"

    @property
    def has_field(self) -> bool:
        """Whether arrows show everywhere which way is down."""
        return self._has_field

    @has_field.setter
    def has_field(self, on: bool) -> None:
        if on != self._has_field:
            self._has_field = on
            self._repaint()

    def _repaint(self) -> None:
        self._kept = None
        self.update()

    # painting --------------------------------------------------------------------------------------------------------

    @property
    def has_legend(self) -> bool:
        """Whether there is room for words at the right."""
        return self.width() >= 300

    def axes(self) -> Axes:
        """Where data stand."""
        assert self.surface is not None
        first, second = self.surface.first, self.surface.second
        right = LEGEND if self.has_legend else 14.0
        return axes_in(QRectF(self.rect()), (first.low, first.high), (second.low, second.high), right, named=True)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.surface is None:
            return
        painter, axes = QPainter(self), self.axes()
        if paints_elsewhere():
            self._paint_furniture(painter, axes)
        else:
            painter.drawPixmap(0, 0, self._furniture(axes))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.save()
        painter.setClipRect(axes.area)
        self._paint_path(painter, axes)
        self._paint_point(painter, axes)
        painter.restore()
        self._paint_words(painter, axes)

    def _furniture(self, axes: Axes) -> QPixmap:
        self._kept = painted_once(self, self._kept, lambda painter: self._paint_furniture(painter, axes))
        return self._kept

    def _paint_furniture(self, painter: QPainter, axes: Axes) -> None:
        self._paint_heights(painter, axes)
        axes.paint(painter, *self.names, grid=False)
        if self.has_legend:
            self._paint_legend(painter, axes)

    def _paint_heights(self, painter: QPainter, axes: Axes) -> None:
        assert self.surface is not None
        losses, theme = self.surface.losses, current_theme()
        rows, columns = losses.shape
        shares = np.nan_to_num(self._scale.share(losses), nan=0.0, posinf=1.0)
        pixels = theme.sequential[np.clip(PART * 255 * shares, 0, 255).astype(np.uint8)]
        pixels[~np.isfinite(losses)] = _rgb("canvas")
        pixels = np.ascontiguousarray(pixels[::-1])
        image = QImage(pixels.data, columns, rows, 3 * columns, QImage.Format.Format_RGB888)
        # Samples lie on the edges of the area, pixels in the middle of theirs: half a sample more on each side.
        half = axes.area.width() / (2 * (columns - 1)), axes.area.height() / (2 * (rows - 1))
        painter.save()
        painter.setClipRect(axes.area)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(axes.area.adjusted(-half[0], -half[1], half[0], half[1]), image)
        lines = contour_lines(losses, self._scale.levels(LEVELS))
        xs = axes.area.left() + lines[..., 0] / (columns - 1) * axes.area.width()
        ys = axes.area.bottom() - lines[..., 1] / (rows - 1) * axes.area.height()
        flat = np.stack([xs[:, 0], ys[:, 0], xs[:, 1], ys[:, 1]], axis=1)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pen = theme.pen("text", 1)
        pen.setColor(theme.colour("text", 0.34))
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)  # other ends would overlap, and the line look dotted
        painter.setPen(pen)
        painter.drawLines(segments(flat))
        if self.has_field:
            paint_field(painter, self.surface, axes, self._scale.high - self._scale.low)
        painter.restore()

    def _paint_path(self, painter: QPainter, axes: Axes) -> None:
        path = self._path
        if len(path) < 2:
            return
        theme = current_theme()
        # Both NaN: set by hand. Each stretch between is the optimizer's own.
        cuts = np.flatnonzero(np.isnan(path[:, 0]))
        bounds = np.unique(np.concatenate([np.linspace(0, len(path), len(AGES) + 1).astype(int), cuts]))
        pen, edge = theme.pen("text", 1.6), theme.pen("canvas", 3.6)
        for start, end in zip(bounds, [*bounds[1:], len(path)], strict=True):
            part = path[start : end + 1]
            part = part[~np.isnan(part[:, 0])]
            if len(part) < 2:
                continue
            strength = AGES[min(len(AGES) - 1, int(len(AGES) * start / len(path)))]
            line = polygon(axes.x(part[:, 0]), axes.y(part[:, 1]))
            for each, token, share in ((edge, "canvas", 0.55), (pen, "text", 1.0)):
                each.setColor(theme.colour(token, share * strength))
                painter.setPen(each)
                painter.drawPolyline(line)

    def _spot(self, axes: Axes) -> QPointF | None:
        """Where the point is, in pixels; at the edge where it is beyond."""
        if self.at is None or not all(math.isfinite(number) for number in self.at):
            return None
        at, area = axes.point(*self.at), axes.area
        return QPointF(min(max(at.x(), area.left()), area.right()), min(max(at.y(), area.top()), area.bottom()))

    def _paint_point(self, painter: QPainter, axes: Axes) -> None:
        at, theme = self._spot(axes), current_theme()
        if at is None:
            return
        tip = self._tip(axes, at)
        if tip is not None:
            for token, width in (("canvas", 4.0), ("update", 1.8)):
                painter.setPen(theme.pen(token, width))
                painter.drawLine(at, tip)
                painter.drawPolyline(_barbs(at, tip))
        painter.setPen(theme.pen("canvas", 2))
        painter.setBrush(theme.colour("text"))
        painter.drawEllipse(at, DOT, DOT)

    def _tip(self, axes: Axes, at: QPointF) -> QPointF | None:
        """Where the arrow ends: downhill, longer where it is steeper (by the logarithm); None where it is flat."""
        across, up = self.gradient
        if not (math.isfinite(across) and math.isfinite(up)) or across == up == 0:
            return None
        ahead = QPointF(
            -across * axes.area.width() / (axes.right - axes.left),
            up * axes.area.height() / (axes.top - axes.bottom),
        )
        length = math.hypot(ahead.x(), ahead.y())
        # A slope that would cross the whole picture's heights within the picture gets the longest arrow.
        rise = math.hypot(across * (axes.right - axes.left), up * (axes.top - axes.bottom))
        steepness = rise / ((self._scale.high - self._scale.low) or 1.0)
        size = SHORTEST + (LONGEST - SHORTEST) * min(1.0, max(0.0, 1 + math.log10(max(steepness, 1e-9)) / 3))
        return at + ahead * (size / length) if length > 0 else None

    def _paint_words(self, painter: QPainter, axes: Axes) -> None:
        """Loss and gap, in the corner of the picture that is farthest from the point."""
        if self.point is None:
            return
        theme = current_theme()
        font = theme.font("number_small")
        metrics = QFontMetricsF(font)
        lines = [f"loss {number_text(self.point.loss)}", self.gap_text]
        width = max(metrics.horizontalAdvance(line) for line in lines) + 12
        room, at = QRectF(0, 0, width, 2 * metrics.height() + 6), self._spot(axes)
        area = axes.area.adjusted(6, 6, -6, -6)
        is_high = at is not None and at.y() < area.center().y()
        is_left = at is not None and at.x() < area.center().x()
        room.moveTop(area.bottom() - room.height() if is_high else area.top())
        room.moveLeft(area.right() - width if is_left else area.left())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("surface", 0.82))
        painter.drawRoundedRect(room, 4, 4)
        painter.setFont(font)
        painter.setPen(theme.colour("text"))
        for index, line in enumerate(lines):
            painter.drawText(
                QPointF(room.left() + 6, room.top() + 3 + metrics.ascent() + index * metrics.height()), line
            )

    def _paint_legend(self, painter: QPainter, axes: Axes) -> None:
        theme, left = current_theme(), axes.area.right() + 14
        table = theme.sequential[: round(PART * 256)]
        pixels = np.ascontiguousarray(table[::-1].reshape(-1, 1, 3))
        bar = QRectF(left, axes.area.top(), 9, max(48.0, min(110.0, axes.area.height() * 0.5)))
        painter.drawImage(bar, QImage(pixels.data, 1, len(pixels), 3, QImage.Format.Format_RGB888))
        painter.setFont(theme.font("number_small"))
        painter.setPen(theme.colour("text3"))
        ascent = QFontMetricsF(theme.font("number_small")).ascent()
        for share in (1.0, 0.5, 0.0):
            y = bar.bottom() - share * bar.height() + ascent * share
            painter.drawText(QPointF(bar.right() + 6, y - 1), number_text(float(self._scale.height(share)), digits=2))
        self._paint_key(painter, left, bar.bottom() + 18, axes.area.bottom())

    def _paint_key(self, painter: QPainter, left: float, top: float, bottom: float) -> None:
        theme = current_theme()
        painter.setFont(theme.font("caption"))
        metrics = QFontMetricsF(theme.font("caption"))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        entries: Sequence[tuple[str, str]] = (("text", "path"), ("update", "downhill"))
        for token, words in entries:
            if top > bottom:
                return
            start, end = QPointF(left - 2, top), QPointF(left + 12, top)
            painter.setPen(theme.pen(token, 1.8))
            painter.drawLine(start, end)
            if token == "update":
                painter.drawPolyline(_barbs(start, end, 4.0))
            painter.setPen(theme.colour("text2"))
            painter.drawText(QPointF(left + 19, top + metrics.ascent() / 2 - 1), words)
            top += 17

    # dragging --------------------------------------------------------------------------------------------------------

    @property
    def is_held(self) -> bool:
        """Whether a hand is on the point."""
        return self._grip is not None

    def _is_near(self, point: QPointF) -> bool:
        spot = self._spot(self.axes()) if self.surface is not None else None
        return spot is not None and QLineF(spot, point).length() <= CATCH

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton or not self._is_near(event.position()):
            event.ignore()
            return
        spot = self._spot(self.axes())
        assert spot is not None
        self._grip = spot - event.position()
        self.setCursor(Qt.CursorShape.ClosedHandCursor)
        self.drag_began.emit()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._grip is None:
            near = self._is_near(event.position())
            self.setCursor(Qt.CursorShape.OpenHandCursor if near else Qt.CursorShape.ArrowCursor)
            self.setToolTip("Drag: the network takes these two numbers" if near else "")
            return
        axes, place = self.axes(), event.position() + self._grip
        x = min(max(place.x(), axes.area.left()), axes.area.right())
        y = min(max(place.y(), axes.area.top()), axes.area.bottom())
        across = axes.left + (x - axes.area.left()) / axes.area.width() * (axes.right - axes.left)
        up = axes.bottom + (axes.area.bottom() - y) / axes.area.height() * (axes.top - axes.bottom)
        self.at = across, up
        self.update()
        self.dragged.emit(across, up)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._grip is not None and event.button() == Qt.MouseButton.LeftButton:
            self._let_go(taken_back=False)

    def event(self, event: QEvent) -> bool:
        """Escape is the drag's while there is one, whatever it means to the window."""
        is_asked = self._grip is not None and event.type() == QEvent.Type.ShortcutOverride
        if is_asked and isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self._grip is not None and event.key() == Qt.Key.Key_Escape:
            self._let_go(taken_back=True)
            return
        super().keyPressEvent(event)

    def _let_go(self, taken_back: bool) -> None:
        self._grip = None
        self.setCursor(Qt.CursorShape.ArrowCursor)
        self.drag_ended.emit(taken_back)
        self.update()


def _rgb(token: str) -> tuple[int, int, int]:
    colour = current_theme().colour(token)
    return colour.red(), colour.green(), colour.blue()


def _barbs(start: QPointF, end: QPointF, size: float = 6.0) -> QPolygonF:
    """The head of an arrow."""
    angle = math.atan2(end.y() - start.y(), end.x() - start.x())
    ends = [end - QPointF(math.cos(angle + turn), math.sin(angle + turn)) * size for turn in (0.5, -0.5)]
    return QPolygonF([ends[0], end, ends[1]])
