"""The weights of a layer as a picture: a heat map, or squares by their size (Hinton diagram) where cells are large."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from app.canvas.ink import draw_text, ink
from app.canvas.layer.numbers import Entries, LayerNumbers
from app.canvas.layer.plan import LayerPlan
from app.canvas.live import enlarged, zoom_of
from app.canvas.readings import fixed_level
from app.canvas.resting import leave
from app.theme import current_theme
from app.theme.matrix import heat_pixels, square_pixels
from app.theme.numbers import NOT_COMPUTED, number_text
from engine.snapshot import LARGEST_SHOWN

SQUARES_FROM = 5.0  # pixels of the screen: in smaller cells areas cannot be told apart
FINEST = 24  # pixels of a square; larger ones are scaled
LARGEST_PICTURE = 1600  # pixels across or down


class WeightMatrix(QGraphicsItem):
    """Features run to the right, units downwards; a child of the layer, in its pixels."""

    def __init__(self, layer: QGraphicsItem) -> None:
        super().__init__(layer)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
        self.setZValue(-1)
        self._place: QRectF | None = None
        self._shape = (0, 0)
        self._weights: Entries | None = None
        self._pixels: np.ndarray | None = None
        self._image: QImage | None = None
        self._made_for: tuple[object, ...] = ()
        self.level = 0.0
        self.hovered = self.focused = -1
        self.boost = 1.0

    def take(self, plan: LayerPlan) -> None:
        """Stand where the plan says; nowhere where there are lines."""
        if plan.matrix != self._place:
            leave(self)
            self.prepareGeometryChange()
            self._place = plan.matrix
        self._shape = plan.shape
        self.setVisible(plan.matrix is not None)

    def show_numbers(self, numbers: LayerNumbers) -> None:
        """Take other weights."""
        self._weights, self._image = numbers.weights, None
        if self._weights is not None:
            finite = np.nan_to_num(np.abs(self._weights.numbers), nan=0.0, posinf=0.0)
            self.level = max(self.level, fixed_level(float(finite.max(initial=0.0))))
        self.update()

    def at(self, point: QPointF) -> int:
        """The weight whose cell holds a point, as `feature * units + unit`; -1: none."""
        if self._place is None or self._weights is None or not self._place.contains(point):
            return -1
        features, units = self._shape
        across = int((point.x() - self._place.left()) / self._place.width() * features)
        down = int((point.y() - self._place.top()) / self._place.height() * units)
        return min(across, features - 1) * units + min(down, units - 1)

    def mark(self, hovered: int, focused: int) -> None:
        """Show which cell the mouse is at, and which one ↑ and ↓ change; -1: none."""
        if (hovered, focused) != (self.hovered, self.focused):
            self.hovered, self.focused = hovered, focused
            self.update()

    def middle(self, index: int) -> QPointF:
        """The middle of a cell."""
        return self._cell(index).center()

    def _cell(self, index: int) -> QRectF:
        assert self._place is not None
        feature, unit = divmod(index, self._shape[1])
        width, height = self._place.width() / self._shape[0], self._place.height() / self._shape[1]
        return QRectF(self._place.left() + feature * width, self._place.top() + unit * height, width, height)

    def boundingRect(self) -> QRectF:
        """The picture with the line beneath it."""
        return QRectF() if self._place is None else self._place.adjusted(-2, -2, 2, 26)

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """The picture, and what its colours mean."""
        if self._place is None:
            return
        self.paint_in(painter, self._place)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for index, token in ((self.hovered, "text"), (self.focused, "focus")):
            if 0 <= index < self._shape[0] * self._shape[1]:
                painter.setPen(ink().pen(token, 2.0))
                painter.drawRect(self._cell(index))
        with enlarged(painter, self._place.bottomLeft(), self.boost):
            caption = QRectF(self._place.left(), self._place.bottom() + 3, self._place.width() / self.boost, 16)
            features, units = self._shape
            draw_text(painter, caption, f"{features} × {units}", "number_small", "text3")
            if self._weights is not None:
                level = f"± {number_text(self.level, digits=2)}"
                draw_text(painter, caption, level, "number_small", "text3", "right")

    @property
    def words(self) -> str:
        """What stands in place of a picture: nothing is known yet, or snapshots carry a summary alone."""
        count = self._shape[0] * self._shape[1]
        if count <= LARGEST_SHOWN:
            return NOT_COMPUTED
        return f"{count:,} weights are too many to show each".replace(",", "\u202f")

    def paint_in(self, painter: QPainter, place: QRectF) -> None:
        """The picture in some place; a dash before anything is known."""
        if place.width() < 2 or place.height() < 2:
            return
        if self._weights is None:
            painter.setPen(ink().pen("border"))
            painter.setBrush(ink().colour("canvas"))
            painter.drawRect(place)
            draw_text(painter, place, self.words, "number_small", "text3", "middle")
            return
        self._make(place.width() * zoom_of(painter) * painter.device().devicePixelRatioF())
        assert self._image is not None
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, self._image.width() > place.width())
        painter.drawImage(place, self._image)

    def _make(self, across: float) -> None:
        """The image for a picture so many pixels wide."""
        assert self._weights is not None
        features, units = self._shape
        cell = across / max(1, features)
        size = min(round(cell), FINEST, LARGEST_PICTURE // max(features, units, 1)) if cell >= SQUARES_FROM else 1
        made_for = (size, current_theme().is_dark)
        if self._image is not None and made_for == self._made_for:
            return
        self._made_for = made_for
        array = self._weights.numbers.reshape(features, units).T
        if size >= SQUARES_FROM:
            pixels = square_pixels(array, self.level, size)
            form, bytes_each = QImage.Format.Format_RGB32, 4
        else:
            pixels = heat_pixels(array, self.level)
            form, bytes_each = QImage.Format.Format_RGB888, 3
        self._pixels = pixels
        self._image = QImage(pixels.data, pixels.shape[1], pixels.shape[0], bytes_each * pixels.shape[1], form)
