"""The weights of an opened layer as lines from neuron to neuron: all of them one item, painted a colour at a time."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from app.canvas.ink import ink
from app.canvas.layer.numbers import Entries, LayerNumbers
from app.canvas.live import DASH, zoom_of
from app.canvas.neuron_drawing import mixed
from app.canvas.readings import Words, fixed_level
from app.canvas.weights import best_place, draw_weight, weight_area
from app.theme import current_theme

if TYPE_CHECKING:
    from app.canvas.layer.plan import Column

NEURONS_FROM = 0.42  # zoom below which an opened layer shows its weights as a picture
LABELS_FROM = 0.55
MOST_LABELLED = 24  # lines that bear their number at all times
MOST_SMOOTH = 512  # lines that are drawn antialiased, the strongest: that costs five times as much
SHADES = 8
FAINTEST = 0.07  # share of the level below which one line among very many is left out
ROOM = QRectF(-32, -9, 64, 34)  # of a label, whatever the numbers are at the moment


class WeightLines(QGraphicsItem):
    """Line `feature * units + unit` is that entry of the weights; a child of the layer, in its pixels."""

    def __init__(self, layer: QGraphicsItem) -> None:
        super().__init__(layer)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
        self.setZValue(-1)  # beneath the neurons, which are on the live layer
        self._begins = self._ends = np.zeros((0, 2))
        self._lines: list[QLineF] = []
        self._labels: list[QPointF] = []
        self._area = QRectF()
        self._shades = np.zeros(0, int)
        self._order = np.zeros(0, int)
        self._numbers = LayerNumbers()
        self.level = 0.0  # of the strongest colour; it only grows, so that colours keep their meaning
        self.hovered = self.focused = -1
        self.boost = 1.0

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
        self.prepareGeometryChange()
        self._begins, self._ends = begins, ends
        self._lines = [QLineF(*line) for line in np.hstack([begins, ends]).tolist()]
        self._place_labels(obstacles)
        self._area = self._bounds()
        self.update()

    def clear(self) -> None:
        """No lines: nothing feeds the layer, or there are too many."""
        self.prepareGeometryChange()
        self._begins = self._ends = np.zeros((0, 2))
        self._lines, self._labels, self._area = [], [], QRectF()

    def _place_labels(self, obstacles: list[QRectF]) -> None:
        self._labels, taken = [], list(obstacles)
        if len(self._lines) > MOST_LABELLED:
            return
        room = self._boosted(ROOM)
        for line in self._lines:
            self._labels.append(best_place(line.pointAt, room, taken))
            taken.append(room.translated(self._labels[-1]))

    def _boosted(self, area: QRectF) -> QRectF:
        return QRectF(area.topLeft() * self.boost, area.size() * self.boost)

    def _bounds(self) -> QRectF:
        if not self._lines:
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
        self._numbers = numbers
        if numbers.weights is not None:
            self._sort(numbers.weights)
        self.update()

    def _sort(self, weights: Entries) -> None:
        """Give every line its shade, and an order from the faintest to the strongest."""
        sizes = np.abs(np.nan_to_num(weights.numbers, nan=0.0, posinf=0.0, neginf=0.0))
        self.level = max(self.level, fixed_level(float(sizes.max(initial=0.0))))
        shares = sizes / self.level
        shades = np.minimum((shares * SHADES).astype(int), SHADES - 1)
        shades[~np.isfinite(weights.numbers)] = SHADES
        shades = np.where(weights.numbers < 0, -1 - shades, shades)
        order = np.argsort(shares, kind="stable")
        if len(shares) > MOST_SMOOTH:
            order = order[shares[order] >= FAINTEST / 2]
        self._shades, self._order = shades, order

    def light(self, hovered: int) -> None:
        """Show which line the mouse is at; -1: none."""
        if hovered != self.hovered:
            self.hovered = hovered
            self.update()

    def focus(self, focused: int) -> None:
        """Show which weight ↑ and ↓ change; -1: none."""
        if focused != self.focused:
            self.focused = focused
            self.update()

    def words(self, index: int) -> tuple[Words, Words]:
        """A weight and its gradient as text."""
        numbers = self._numbers
        return (
            numbers.words("weights", index, signed=True, digits=2),
            numbers.words("weight_gradients", index, signed=True, token="backward"),
        )

    # hits ------------------------------------------------------------------------------------------------------------

    def at(self, point: QPointF, reach: float, zoom: float) -> int:
        """The line whose label holds a point, or the nearest within `reach`; -1: none."""
        if not self._lines:
            return -1
        if zoom >= LABELS_FROM:
            for index, place in enumerate(self._labels):
                if self._boosted(weight_area(*self.words(index))).translated(place).contains(point):
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
        return self._lines[index].center() if not self._labels else self._labels[index]

    # painting --------------------------------------------------------------------------------------------------------

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """The faint ones first; the strongest antialiased; labels where there are few."""
        zoom = zoom_of(painter)
        if zoom < NEURONS_FROM or not self._lines:
            return
        if self._numbers.weights is None or len(self._shades) != len(self._lines):
            painter.setPen(ink().pen("border_strong", 1.0, alpha=0.4))
            painter.drawLines(self._lines)
            return
        smooth = max(0, len(self._order) - MOST_SMOOTH)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        self._draw(painter, self._order[:smooth], 0.0)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._draw(painter, self._order[smooth:], 1.2 if len(self._lines) <= MOST_SMOOTH else 0.4)
        for index in (self.focused, self.hovered):
            if 0 <= index < len(self._lines):
                painter.setPen(ink().pen("focus" if index == self.focused else "text", 2.0))
                painter.drawLine(self._lines[index])
        if zoom >= LABELS_FROM:
            self._draw_labels(painter)

    def _draw(self, painter: QPainter, chosen: np.ndarray, widening: float) -> None:
        shades = self._shades[chosen]
        for size in range(SHADES + 1):
            for shade in (size, -1 - size):
                found = chosen[shades == shade]
                if len(found):
                    painter.setPen(_pen(shade, widening, current_theme().is_dark))
                    painter.drawLines([self._lines[index] for index in found.tolist()])

    def _draw_labels(self, painter: QPainter) -> None:
        shown = range(len(self._labels)) if self._labels else sorted({self.focused, self.hovered} - {-1})
        for index in shown:
            if index >= len(self._lines):
                continue
            weight, gradient = self.words(index)
            place = self._labels[index] if self._labels else self._lines[index].pointAt(0.5)
            edge = "focus" if index == self.focused else "border_strong" if index == self.hovered else ""
            painter.save()
            painter.translate(place)
            painter.scale(self.boost, self.boost)
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
