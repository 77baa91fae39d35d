"""The weights of an opened layer as lines from neuron to neuron: all of them one item, painted a colour at a time."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt, QTimer
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget
from shiboken6 import isValid

from app.canvas.ink import ink
from app.canvas.layer.numbers import Entries, LayerNumbers
from app.canvas.layer.plan import MOST_LABELLED
from app.canvas.live import DASH, zoom_of
from app.canvas.neuron_drawing import mixed
from app.canvas.readings import Words, fixed_level
from app.canvas.resting import leave
from app.canvas.weights import best_place, draw_weight, weight_area
from app.theme import current_theme

if TYPE_CHECKING:
    from app.canvas.layer.plan import Column

NEURONS_FROM = 0.42  # zoom below which an opened layer shows its weights as a picture
LABELS_FROM = 0.55
MOST_SMOOTH = 512  # lines that are drawn antialiased, the strongest: that costs five times as much
MOST_HASTY = 1024  # lines that are drawn while the numbers change with every frame, the strongest
AT_REST_MS = 250  # without a change, after which all are drawn
SHADES, SLICES = 8, 12
FAINTEST = 0.01  # share below which one line among very many is left out: it could not be seen
ROOM, SHORT_ROOM = QRectF(-32, -9, 64, 34), QRectF(-25, -9, 50, 18)  # of a label, whatever its numbers are


class WeightLines(QGraphicsItem):
    """Line `feature * units + unit` is that entry of the weights; a child of the layer, in its pixels."""

    def __init__(self, layer: QGraphicsItem) -> None:
        super().__init__(layer)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
        self.setZValue(-1)  # beneath the neurons, which are on the live layer
        self._begins = self._ends = np.zeros((0, 2))
        self.lines: list[QLineF] = []
        self.labels: list[QPointF] = []
        self._area = QRectF()
        self._shades = np.zeros(0, int)
        self._order = np.zeros(0, int)
        self.numbers = LayerNumbers()
        self.level = 0.0  # of the strongest colour; it only grows, so that colours keep their meaning
        self.hovered = self.focused = -1
        self.boost = 1.0
        self._is_hasty = False
        self.rest = QTimer(singleShot=True, interval=AT_REST_MS)
        self.rest.timeout.connect(self._draw_all)
        # Panning and the mark of the mouse copy a picture instead of painting thousands of lines again.
        self.setCacheMode(QGraphicsItem.CacheMode.DeviceCoordinateCache)
        self.marks = LineMarks(self)

    def place(self, features: Column, units: Column, offset: QPointF, obstacles: list[QRectF]) -> None:
        """Run from the edge of each feature's circle (displaced by an offset) to that of each unit's."""
        begins = np.repeat(features.centres + np.array([offset.x(), offset.y()]), len(units.centres), axis=0)
        ends = np.tile(units.centres, (len(features.centres), 1))
        away = ends - begins
        away /= np.maximum(np.hypot(*away.T), 1e-9)[:, None]
        begins = begins + away * (features.grade.across / 2)
        ends = ends - away * (units.grade.across / 2)
        if np.array_equal(begins, self._begins) and np.array_equal(ends, self._ends):
            return
        self._change_geometry()
        self._begins, self._ends = begins, ends
        self.lines = [QLineF(*line) for line in np.hstack([begins, ends]).tolist()]
        self._place_labels(obstacles)
        self._area = self._bounds()
        self.update()

    def clear(self) -> None:
        """No lines: nothing feeds the layer, or there are too many."""
        self._change_geometry()
        self._begins = self._ends = np.zeros((0, 2))
        self.lines, self.labels, self._area = [], [], QRectF()

    def _change_geometry(self) -> None:
        leave(self)
        leave(self.marks)
        self.prepareGeometryChange()
        self.marks.prepareGeometryChange()

    def _place_labels(self, obstacles: list[QRectF]) -> None:
        self.labels, taken = [], list(obstacles)
        if len(self.lines) > MOST_LABELLED:
            return
        room = self._boosted(ROOM if self.boost == 1.0 else SHORT_ROOM)
        for line in self.lines:
            self.labels.append(best_place(line.pointAt, room, taken))
            taken.append(room.translated(self.labels[-1]))

    def _boosted(self, area: QRectF) -> QRectF:
        return QRectF(area.topLeft() * self.boost, area.size() * self.boost)

    def _bounds(self) -> QRectF:
        if not self.lines:
            return QRectF()
        points = np.vstack([self._begins, self._ends])
        (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
        side = 60 * self.boost
        return QRectF(left, top, right - left, bottom - top).adjusted(-side, -side, side, side)

    def boundingRect(self) -> QRectF:
        """All lines with their labels."""
        return self._area

    def show_numbers(self, numbers: LayerNumbers) -> None:
        """Take other weights."""
        self.numbers = numbers
        if numbers.weights is not None:
            self._sort(numbers.weights)
        if len(self.lines) > MOST_HASTY:
            self._is_hasty = self.rest.isActive()
            self.rest.start()
        self.update()
        self.marks.update()

    def _draw_all(self) -> None:
        if self._is_hasty and isValid(self):  # the layer may have been closed in the meantime
            self._is_hasty = False
            self.update()

    def _sort(self, weights: Entries) -> None:
        """Give every line its shade, and an order from the faintest to the strongest."""
        sizes = np.abs(np.nan_to_num(weights.numbers, nan=0.0, posinf=0.0, neginf=0.0))
        self.level = max(self.level, fixed_level(float(sizes.max(initial=0.0))))
        shares = sizes / self.level
        if len(shares) > MOST_SMOOTH:
            shares **= 2  # among very many only the strong ones should be seen
        shades = np.minimum((shares * SHADES).astype(int), SHADES - 1)
        shades[~np.isfinite(weights.numbers)] = SHADES
        shades = np.where(weights.numbers < 0, -1 - shades, shades)
        order = np.argsort(shares, kind="stable")
        if len(shares) > MOST_SMOOTH:
            order = order[shares[order] >= FAINTEST]
        self._shades, self._order = shades, order

    @property
    def drawn(self) -> np.ndarray:
        """Which lines are drawn, from the faintest to the strongest."""
        return self._order[-MOST_HASTY:] if self._is_hasty else self._order

    def mark(self, hovered: int, focused: int) -> None:
        """Show which line the mouse is at, and which weight ↑ and ↓ change; -1: none."""
        if (hovered, focused) != (self.hovered, self.focused):
            self.hovered, self.focused = hovered, focused
            self.marks.update()

    def words(self, index: int) -> tuple[Words, Words]:
        """A weight and its gradient as text."""
        numbers = self.numbers
        return (
            numbers.words("weights", index, signed=True, digits=2),
            numbers.words("weight_gradients", index, signed=True, token="backward"),
        )

    def label(self, index: int) -> tuple[Words, Words]:
        """What stands on a line: seen from afar there is room for the weight alone, save where the mouse is."""
        weight, gradient = self.words(index)
        return weight, gradient if self.boost == 1.0 or index == self.hovered else DASH

    # hits ------------------------------------------------------------------------------------------------------------

    def at(self, point: QPointF, reach: float, zoom: float) -> int:
        """The line whose label holds a point, or the nearest within `reach`; -1: none."""
        if not self.lines:
            return -1
        if zoom >= LABELS_FROM:
            for index, place in enumerate(self.labels):
                if self._boosted(weight_area(*self.label(index))).translated(place).contains(point):
                    return index
        here = np.array([point.x(), point.y()])
        away = self._ends - self._begins
        lengths = np.maximum((away**2).sum(axis=1), 1e-9)
        shares = np.clip(((here - self._begins) * away).sum(axis=1) / lengths, 0, 1)
        distances = np.hypot(*(self._begins + away * shares[:, None] - here).T)
        nearest = int(distances.argmin())
        return nearest if distances[nearest] <= reach else -1

    def middle(self, index: int) -> QPointF:
        """A point on a line away from its ends, where it can be taken hold of."""
        return self.lines[index].center() if not self.labels else self.labels[index]

    # painting --------------------------------------------------------------------------------------------------------

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """The faint ones first; the strongest antialiased."""
        zoom = zoom_of(painter)
        if zoom < NEURONS_FROM or not self.lines:
            return
        if self.numbers.weights is None or len(self._shades) != len(self.lines):
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, len(self.lines) <= MOST_SMOOTH)
            painter.setPen(ink().pen("border"))
            painter.drawLines(self.lines)
            return
        order = self.drawn
        smooth = len(order) if self._is_hasty else max(0, len(order) - MOST_SMOOTH)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        self._draw(painter, order[:smooth], 0.0)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._draw(painter, order[smooth:], 1.2 if len(self.lines) <= MOST_SMOOTH else 0.4)

    def _draw(self, painter: QPainter, chosen: np.ndarray, widening: float) -> None:
        """In slices of like strength, so that neither sign covers the other."""
        for part in np.array_split(chosen, SLICES):
            shades = self._shades[part]
            for shade in np.unique(shades).tolist():
                painter.setPen(_pen(shade, widening, current_theme().is_dark))
                painter.drawLines([self.lines[index] for index in part[shades == shade].tolist()])


class LineMarks(QGraphicsItem):
    """What is seen over the lines: numbers where there are few, the line at the mouse, the one with the focus."""

    def __init__(self, weights: WeightLines) -> None:
        super().__init__(weights)
        self._weights = weights
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)

    def boundingRect(self) -> QRectF:
        """As large as the lines with their labels."""
        return self._weights.boundingRect()

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """Lines first, so that no label is crossed."""
        weights, zoom = self._weights, zoom_of(painter)
        if zoom < NEURONS_FROM or not weights.lines:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        marked = [index for index in (weights.focused, weights.hovered) if 0 <= index < len(weights.lines)]
        for index in marked:
            painter.setPen(ink().pen("focus" if index == weights.focused else "text", 2.0))
            painter.drawLine(weights.lines[index])
        if zoom >= LABELS_FROM:
            for index in [*range(len(weights.labels)), *marked]:
                self._draw_label(painter, index)

    def _draw_label(self, painter: QPainter, index: int) -> None:
        weights = self._weights
        weight, gradient = weights.label(index)
        edge = "focus" if index == weights.focused else "border_strong" if index == weights.hovered else ""
        painter.save()
        painter.translate(weights.middle(index))
        painter.scale(weights.boost, weights.boost)
        draw_weight(painter, weight_area(weight, gradient), weight, None if gradient is DASH else gradient, edge)
        painter.restore()


@lru_cache(maxsize=64)
def _pen(shade: int, widening: float, is_dark: bool) -> QPen:
    """Opaque: blending thousands of long lines costs three times as much as mixing their colour beforehand."""
    size = shade if shade >= 0 else -1 - shade
    if size == SHADES:
        return ink().pen("error", 1.5)
    share = (size + 0.5) / SHADES
    colour = mixed(ink().colour("canvas"), ink().colour("pos" if shade >= 0 else "neg"), 0.12 + 0.88 * share)
    pen = QPen(colour, 1.0 + widening * share)
    pen.setCosmetic(True)
    return pen
