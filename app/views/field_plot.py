"""Paints a prediction over one or two features with the data on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.theme import current_theme
from app.theme.numbers import MINUS
from app.theme.target import paints_elsewhere
from app.views.axes import BOTTOM, Array, Axes, axes_in, padded, painted_once, polygon, segments
from app.views.field import Field, level_line
from app.views.marks import class_tokens, paint_mark

if TYPE_CHECKING:
    from engine.datasets import Dataset

LEGEND, MOST_RINGS, MOST_MARKS = 108.0, 8, 2000
TINT = 0.55
PART = 0.75  # of the diverging scale: its ends are kept for what lies beyond an ordinary answer
ROOM_TO_PAINT = 0.15  # above and below, as a share of the axis
MOST = 1e30  # of an answer that is painted


@dataclass(frozen=True)
class Scene:
    """The data behind the picture.

    points   (rows, 1 or 2) features in their own units; heights (rows,) targets, for one feature
    groups   (rows,) class of each row; tested (rows,) whether it was kept for testing
    rows     where a row of the batch stands among all rows
    level    where two classes part; reach: how far from there the colours are full
    """

    points: Array
    heights: Array
    groups: Array
    tested: Array
    rows: Array
    names: tuple[str, ...]
    classes: tuple[str, ...]
    task: str
    level: float
    reach: float

    @classmethod
    def of(cls, data: Dataset, level: float, reach: float) -> Scene:
        """The scene of a data set."""
        count = len(data.inputs)
        classes: tuple[str, ...]
        targets = data.targets.reshape(count, -1)
        if data.task == "regression":
            groups, classes = np.ones(count, int), ()
        elif targets.shape[1] > 1:
            groups, classes = targets.argmax(axis=1), data.class_names
        else:
            groups = (targets[:, 0] > 0).astype(int) if data.task == "binary" else targets[:, 0].astype(int)
            low = "−1" if float(targets.min()) < 0 else "0"
            classes = (f"target {low}", "target 1") if data.task == "binary" else data.class_names
        tested = np.zeros(count, bool)
        tested[data.test_rows] = True
        names = tuple(axis_name(data, index) for index in range(data.inputs.shape[1]))
        heights = targets[:, 0].astype(float)
        return cls(
            data.measured, heights, groups, tested, data.train_rows, names, tuple(classes), data.task, level, reach
        )  # fmt: skip

    @property
    def is_plane(self) -> bool:
        """Two features, not one."""
        return self.points.shape[1] == 2

    @property
    def title(self) -> str:
        """What such a picture is called."""
        if self.task == "regression":
            return "Fitted surface" if self.is_plane else "Fitted curve"
        return "Decision boundary"

    @property
    def tokens(self) -> tuple[str, ...]:
        """The colour of each class."""
        return class_tokens(max(2, len(self.classes)))


def axis_name(data: Dataset, index: int) -> str:
    """The feature's name, as mathematics where it is a letter with a number."""
    name = data.input_names[index] if index < len(data.input_names) else f"x{index + 1}"
    if len(name) <= 3 and name[:1].isalpha() and (name[1:].isdigit() or len(name) == 1):
        name = f"{name[0]}_{{{name[1:]}}}" if name[1:] else f"{name}_{{}}"
    return name


class Hand(Protocol):
    """Whoever is told what mouse and keys do on a plot."""

    def hear_mouse(self, event: QMouseEvent, /) -> None:
        """A button was pressed or released, or the mouse moved while one was."""

    def hear_key(self, event: QKeyEvent, /) -> bool:
        """A key; whether it meant something."""


class FieldPlot(QWidget):
    """Image, level line and rings are painted each time; axes, marks and legend are kept until something resizes."""

    def __init__(self) -> None:
        super().__init__()
        self.scene: Scene | None = None
        self._field: Field | None = None
        self._image: QImage | None = None
        self._pixels: Array | None = None
        self._lines: Array = np.zeros((0, 2, 2))
        self._rings: Sequence[int] = ()
        self._kept: QPixmap | None = None
        self._held: tuple[float, float] | None = None
        self.hand: Hand | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        current_theme().changed.connect(self._repaint)

    # numbers ---------------------------------------------------------------------------------------------------------

    def show_scene(self, scene: Scene) -> None:
        """Other data."""
        self.scene, self._image, self._field, self._kept = scene, None, None, None
        self.update()

    @property
    def has_axes(self) -> bool:
        """Whether a place in the picture stands for numbers: only once there is a prediction to draw."""
        return self.scene is not None and self._field is not None

    def hold(self, on: bool) -> None:
        """Let the upward axis of a curve stay as it is, with room for points beyond; or follow the numbers again."""
        self._held = None
        if on and self.has_axes and self.scene is not None and not self.scene.is_plane:
            axes = self.axes()
            room = (axes.top - axes.bottom) * ROOM_TO_PAINT
            self._held = (axes.bottom - room, axes.top + room)
        self._kept = None
        self.update()

    def show_rows(self, rows: Sequence[int]) -> None:
        """The rows in hand, by their place among the training rows; none are ringed where they are many."""
        self._rings = rows if len(rows) <= MOST_RINGS else ()

    def show_field(self, field: Field) -> None:
        """Another prediction."""
        self._field = field
        if self.scene is not None and self.scene.is_plane:
            self._make_image(field.values)
        elif self.scene is not None:
            self._kept = None  # the upward axis follows the curve
        self.setAccessibleName(f"{self.scene.title if self.scene else ''} at iteration {field.iteration}")
        self.update()

    def _repaint(self) -> None:
        self._kept = None
        if self._field is not None:
            self.show_field(self._field)

    def _make_image(self, values: Array) -> None:
        """Colours of the samples, the second feature upwards."""
        assert self.scene is not None
        theme, scene = current_theme(), self.scene
        values = np.clip(values, -MOST, MOST)  # a run that diverges is painted until it stops; infinities overflow
        self._lines = np.zeros((0, 2, 2))
        if values.shape[-1] > 1:
            self._pixels = tinted(values, scene.tokens)
        else:
            plane = values[..., 0]
            if scene.task == "regression":
                low, high = padded(float(scene.heights.min()), float(scene.heights.max()), 0.0)
                share, table = (plane - low) / (high - low), theme.sequential
            else:
                share, table = PART * (plane - scene.level) / (2 * scene.reach) + 0.5, theme.diverging
                self._lines = level_line(plane, scene.level)
            self._pixels = table[np.clip(np.nan_to_num(share, nan=0.5) * 255, 0, 255).astype(np.uint8)]
        self._pixels = np.ascontiguousarray(self._pixels[::-1])
        rows, columns = self._pixels.shape[:2]
        self._image = QImage(self._pixels.data, columns, rows, 3 * columns, QImage.Format.Format_RGB888)

    # the hand --------------------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._hand_on(event)

    mouseMoveEvent = mouseReleaseEvent = mouseDoubleClickEvent = mousePressEvent

    def _hand_on(self, event: QMouseEvent) -> None:
        event.setAccepted(self.hand is not None)
        if self.hand is not None:
            self.hand.hear_mouse(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self.hand is None or not self.hand.hear_key(event):
            super().keyPressEvent(event)

    # painting --------------------------------------------------------------------------------------------------------

    @property
    def has_legend(self) -> bool:
        """Whether there is room and need for words at the right."""
        return self.scene is not None and self.width() >= 300

    def axes(self) -> Axes:
        """Where data stand."""
        assert self.scene is not None and self._field is not None
        frame, bounds = QRectF(self.rect()), self._field.ask.bounds
        right = LEGEND if self.has_legend else 14.0
        if not self.scene.is_plane:
            curve = self._field.values[:, 0]
            inner = slice(len(curve) // 8, -len(curve) // 8)  # beyond the data a polynomial runs away
            every = np.r_[self.scene.heights, curve[inner][np.isfinite(curve[inner])]]
            span = self._held or padded(float(every.min()), float(every.max()), 0.1)
            return axes_in(frame, bounds[0], span, right, named=False)
        made = axes_in(frame, bounds[0], bounds[1], right, named=True)
        return Axes(squared(made.area, bounds), *bounds[0], *bounds[1])

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.scene is None or self._field is None:
            return
        painter, axes = QPainter(self), self.axes()
        if self.scene.is_plane:
            self._paint_plane(painter, axes)
        if paints_elsewhere():
            self._paint_furniture(painter, axes)
        else:
            painter.drawPixmap(0, 0, self._furniture(axes))
        if not self.scene.is_plane:
            self._paint_curve(painter, axes)
        self._paint_rings(painter, axes)

    def _paint_plane(self, painter: QPainter, axes: Axes) -> None:
        if self._image is None:
            return
        # Samples lie on the edges of the area, pixels in the middle of theirs: half a sample more on each side.
        half = (
            axes.area.width() / (2 * (self._image.width() - 1)),
            axes.area.height() / (2 * (self._image.height() - 1)),
        )
        painter.save()
        painter.setClipRect(axes.area)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(axes.area.adjusted(-half[0], -half[1], half[0], half[1]), self._image)
        if len(self._lines):
            steps = self._image.width() - 1
            xs = axes.area.left() + self._lines[..., 0] / steps * axes.area.width()
            ys = axes.area.bottom() - self._lines[..., 1] / steps * axes.area.height()
            flat = np.stack([xs[:, 0], ys[:, 0], xs[:, 1], ys[:, 1]], axis=1)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(current_theme().pen("text", 1))
            painter.drawLines(segments(flat))
        painter.restore()

    def _paint_curve(self, painter: QPainter, axes: Axes) -> None:
        assert self._field is not None and self.scene is not None
        theme = current_theme()
        xs = np.linspace(*self._field.ask.bounds[0], self._field.ask.resolution)
        painter.save()
        painter.setClipRect(axes.area)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        tokens = ("accent",) if self._field.values.shape[1] == 1 else self.scene.tokens
        for output, token in zip(range(self._field.values.shape[1]), tokens, strict=False):
            ys = self._field.values[:, output]
            sound = np.isfinite(ys)
            painter.setPen(theme.pen(token, 1.5))
            painter.drawPolyline(polygon(axes.x(xs[sound]), axes.y(ys[sound])))
        painter.restore()

    def _paint_rings(self, painter: QPainter, axes: Axes) -> None:
        assert self.scene is not None
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for row in self._rings:
            if 0 <= row < len(self.scene.rows):
                at = self._at(axes, int(self.scene.rows[row]))
                for token, width in (("canvas", 3.5), ("focus", 1.8)):
                    painter.setPen(current_theme().pen(token, width))
                    painter.drawEllipse(at, 8, 8)

    def places(self) -> Array:
        """Where the rows stand, in pixels: (rows, 2)."""
        assert self.scene is not None
        axes, scene = self.axes(), self.scene
        return np.stack(
            [axes.x(scene.points[:, 0]), axes.y(scene.points[:, 1] if scene.is_plane else scene.heights)], axis=1
        )

    def _at(self, axes: Axes, row: int) -> QPointF:
        assert self.scene is not None
        height = self.scene.points[row, 1] if self.scene.is_plane else self.scene.heights[row]
        return axes.point(float(self.scene.points[row, 0]), float(height))

    def _furniture(self, axes: Axes) -> QPixmap:
        """Axes, marks, legend: a thousand marks cost milliseconds, so they are painted once."""
        self._kept = painted_once(self, self._kept, lambda painter: self._paint_furniture(painter, axes))
        return self._kept

    def _paint_furniture(self, painter: QPainter, axes: Axes) -> None:
        assert self.scene is not None
        names = (*self.scene.names, "")[:2] if self.scene.is_plane else (self.scene.names[0], "")
        axes.paint(painter, names[0], names[1], grid=not self.scene.is_plane)
        self._paint_marks(painter, axes)
        if self.has_legend:
            self._paint_legend(painter, axes)

    def _paint_marks(self, painter: QPainter, axes: Axes) -> None:
        assert self.scene is not None
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        scene, tokens = self.scene, self.scene.tokens
        step = max(1, len(scene.points) // MOST_MARKS)
        radius = 4.5 if len(scene.points) <= 60 else 3.2
        for row in range(0, len(scene.points), step):
            paint_mark(painter, self._at(axes, row), int(scene.groups[row]), tokens, radius, bool(scene.tested[row]))

    def _paint_legend(self, painter: QPainter, axes: Axes) -> None:
        assert self.scene is not None
        scene, left, top = self.scene, axes.area.right() + 16, axes.area.top() + 8
        if scene.is_plane and len(scene.classes) <= 2:
            top = self._paint_bar(painter, left, axes) + 18
        room = self.width() - left - 4
        for words, group, hollow in self._legend():
            if top > self.height() - BOTTOM + 8:
                break
            paint_legend_row(painter, QPointF(left + 5, top), words, group, scene.tokens, hollow, room)
            top += 17

    def _legend(self) -> list[tuple[str, int, bool]]:
        """Words, class (-1: the level line, -2: the curve) and whether hollow, from above."""
        assert self.scene is not None
        classes = list(enumerate(self.scene.classes))
        if len(classes) == 2:
            classes.reverse()
        entries = [(words, group, False) for group, words in classes] or [("data", 1, False)]
        if self.scene.tested.any():
            entries.append(("test row", 1, True))
        if self.scene.is_plane and self.scene.task == "binary":
            entries.append((f"answer {self.scene.level:g}", -1, False))
        if not self.scene.is_plane:
            entries.append(("answer", -2, False))
        return entries

    def _paint_bar(self, painter: QPainter, left: float, axes: Axes) -> float:
        """The scale of colours with its ends and middle; where it ends."""
        assert self.scene is not None
        theme, scene = current_theme(), self.scene
        if scene.task == "regression":
            low, high = padded(float(scene.heights.min()), float(scene.heights.max()), 0.0)
            table = theme.sequential
        else:
            low, high = scene.level - scene.reach, scene.level + scene.reach
            unused = round((1 - PART) / 2 * len(theme.diverging))
            table = theme.diverging[unused:-unused]
        pixels = np.ascontiguousarray(table[::-1].reshape(-1, 1, 3))
        area = QRectF(left, axes.area.top(), 9, max(40.0, min(96.0, axes.area.height() * 0.45)))
        painter.drawImage(area, QImage(pixels.data, 1, len(pixels), 3, QImage.Format.Format_RGB888))
        painter.setFont(theme.font("number_small"))
        painter.setPen(theme.colour("text3"))
        ascent = QFontMetricsF(theme.font("number_small")).ascent()
        for share, number in ((0.0, high), (0.5, (low + high) / 2), (1.0, low)):
            y = area.top() + share * area.height() + ascent * (1 - share)
            painter.drawText(QPointF(area.right() + 6, y - 1), f"{number:.3g}".replace("-", MINUS))
        return area.bottom()


def paint_legend_row(
    painter: QPainter, at: QPointF, words: str, group: int, tokens: tuple[str, ...], hollow: bool, room: float
) -> None:
    """A mark (or the level line, -1, or the curve, -2) and its words."""
    theme = current_theme()
    if group < 0:
        painter.setPen(theme.pen("text" if group == -1 else "accent", 1.2))
        painter.drawLine(QPointF(at.x() - 5, at.y()), QPointF(at.x() + 6, at.y()))
    else:
        paint_mark(painter, at, group, tokens, 3.6, hollow)
    font = theme.font("caption")
    metrics = QFontMetricsF(font)
    painter.setFont(font)
    painter.setPen(theme.colour("text2"))
    shown = metrics.elidedText(words, Qt.TextElideMode.ElideRight, room - 14)
    painter.drawText(QPointF(at.x() + 12, at.y() + metrics.ascent() / 2 - 1), shown)


def tinted(values: Array, tokens: Sequence[str]) -> Array:
    """The colour of the largest output, mixed into the canvas. values (…, outputs); returns (…, 3) bytes."""
    theme = current_theme()
    canvas = theme.colour("canvas")
    ground = np.array([canvas.red(), canvas.green(), canvas.blue()], float)
    wanted = [theme.colour(tokens[index % len(tokens)]) for index in range(values.shape[-1])]
    colours = np.array([[colour.red(), colour.green(), colour.blue()] for colour in wanted], float)
    mixed = ground + TINT * (colours - ground)
    return np.asarray(mixed[values.argmax(axis=-1)], np.uint8)


def squared(area: QRectF, bounds: Sequence[tuple[float, float]]) -> QRectF:
    """The largest part of an area in which both features have one scale, unless their ranges differ much."""
    spans = [high - low for low, high in bounds]
    if not 0.4 < spans[0] / spans[1] < 2.5:
        return area
    share = min(area.width() / spans[0], area.height() / spans[1])
    width, height = share * spans[0], share * spans[1]
    return QRectF(area.left(), area.top() + (area.height() - height) / 2, width, height)
