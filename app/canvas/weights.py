"""Weights on the wires into a neuron: the number, its gradient beneath, and a handle to drag."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from app.canvas.ink import draw_chevron, draw_plate, draw_text, ink, width_of
from app.canvas.live import DASH, TEXT_FROM, zoom_of
from app.canvas.readings import Words, is_finite
from app.canvas.resting import leave
from app.canvas.wire_item import WireItem
from app.canvas.wiring import Wiring
from app.editor import wire_id
from app.theme.numbers import number_text, token_of

LABELS_Z = 12.0
MOST_LABELS = 240
PLACES = (0.5, 0.4, 0.6, 0.32, 0.68, 0.25, 0.75, 0.45, 0.55)  # shares of the wire at which a label may stand


@dataclass(frozen=True)
class WeightPlace:
    """Where the weights of one wire lie in their neuron's parameter: `count` numbers from `start` of array `key`."""

    key: str
    start: int
    count: int


def weight_places(wiring: Wiring, shapes: Mapping[str, tuple]) -> dict[str, WeightPlace]:
    """By wire: the weights of every neuron that owns its own."""
    places = {}
    for node in wiring.nodes.values():
        if node.type != "neuron" or wiring.wires_into(node.id, "weight"):
            continue
        start = 0
        for wire in wiring.wires_into(node.id, "x"):
            shape = shapes.get(wire.source, ())
            count = shape[-1] if len(shape) > 1 and isinstance(shape[-1], int) else 1
            places[wire_id(wire)] = WeightPlace(f"{node.id}.weight", start, count)
            start += count
    return places


class WeightLabel(QGraphicsItem):
    """The number of a wire; one number can be dragged, several are only shown."""

    def __init__(self, wire: WireItem, place: WeightPlace) -> None:
        super().__init__()
        self.wire, self.place = wire, place
        self.words, self.gradient = DASH, DASH
        self.hovered = self.focused = False
        self.boost = 1.0
        self._measure()
        if not wire.path.isEmpty():  # until there is time to look for a place where it covers nothing
            self.setPos(wire.path.pointAtPercent(PLACES[0]))
        self.setZValue(LABELS_Z)
        if place.count == 1:
            self.setCursor(Qt.CursorShape.SizeAllCursor)

    def show_numbers(self, parameters: Mapping[str, Any], gradients: Mapping[str, Any]) -> float | None:
        """Take the numbers out of a snapshot; the weight, where it is one."""
        weights = self._part(parameters.get(self.place.key))
        words = _words(weights, signed=True, digits=2)
        gradient = _words(self._part(gradients.get(self.place.key)), signed=True, token="backward")
        if (words, gradient) != (self.words, self.gradient):
            self._change_geometry()
            self.words, self.gradient = words, gradient
            self._measure()
            self.update()
        return words.value

    def show_focus(self, focused: bool) -> None:
        """Whether ↑ and ↓ change this number."""
        if focused != self.focused:
            self.focused = focused
            self.update()

    def _part(self, reading: Any) -> tuple[np.ndarray, str] | None:
        if reading is None or reading.array is None or reading.state == "absent" or not is_finite(reading):
            return None
        numbers = np.ravel(reading.array)[self.place.start : self.place.start + self.place.count]
        return (numbers, reading.state) if numbers.size else None

    def enlarge(self, boost: float) -> None:
        """Draw larger: the canvas is seen from afar."""
        self._change_geometry()
        self.boost = boost
        self._measure()
        self.update()

    def move_to(self, place: QPointF) -> None:
        """Stand at a place of the scene."""
        if place != self.pos():
            leave(self)
            self.setPos(place)

    def _change_geometry(self) -> None:
        leave(self)
        self.prepareGeometryChange()

    def boundingRect(self) -> QRectF:
        """Both lines, around the item's place."""
        return self._bounds

    def _measure(self) -> None:
        # Kept: Qt asks for the rectangle of every label at every frame.
        area = self._area()
        self._bounds = QRectF(area.topLeft() * self.boost, area.size() * self.boost)

    def _area(self) -> QRectF:
        """Both lines before they are enlarged."""
        return weight_area(self.words, self.gradient)

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """The canvas's colour beneath, so that the wire does not run through the number."""
        if zoom_of(painter) < TEXT_FROM:
            return
        painter.scale(self.boost, self.boost)
        place, both = self._area(), self.gradient is not DASH and not self.is_short
        if not both:
            place.setHeight(18)
        edge = "focus" if self.focused else "border_strong" if self.hovered and self.place.count == 1 else ""
        draw_weight(painter, place, self.words, self.gradient if both else None, edge)

    @property
    def is_short(self) -> bool:
        """Seen from afar there is room for the weight alone, save on the wires of the step just played."""
        return self.boost > 1.0 and not (self.wire.phase or self.hovered)

    @property
    def room(self) -> QRectF:
        """What the label needs around its place, whatever the numbers are at the moment."""
        width, height = (50, 18) if self.is_short else (64, 34)
        return QRectF(-width / 2 * self.boost, -9 * self.boost, width * self.boost, height * self.boost)


def _words(part: tuple[np.ndarray, str] | None, *, signed: bool, token: str = "text", digits: int = 3) -> Words:
    if part is None:
        return DASH
    numbers, state = part
    colour = token if state == "current" else "text3"
    if numbers.size == 1:
        return Words(number_text(float(numbers[0]), signed=signed, digits=digits), colour, float(numbers[0]))
    shown = " ".join(number_text(float(number), signed=signed, digits=2) for number in numbers[:2])
    return Words(shown + (" …" if numbers.size > 2 else ""), colour)


def weight_area(weight: Words, gradient: Words) -> QRectF:
    """What a weight takes with its gradient beneath, around the middle of the upper line."""
    lines = 1 if gradient is DASH else 2
    width = max(width_of(weight.text, "number_small"), width_of(gradient.text, "number_small") + 14) + 10
    return QRectF(-width / 2, -9, width, 16 * lines + 2)


def draw_weight(painter: QPainter, place: QRectF, weight: Words, gradient: Words | None, edge: str = "") -> None:
    """A weight and its gradient over the line it belongs to; `edge` is the colour of a border."""
    draw_plate(painter, place, "canvas", 0.88)
    if edge:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(ink().pen(edge, 1.5 if edge == "focus" else 1.0))
        painter.drawRoundedRect(place, 4, 4)
    token = token_of(weight.value) if weight.token == "text" else weight.token
    first = QRectF(place.left(), place.top() + 1, place.width(), 16)
    draw_text(painter, first, weight.text, "number_small", token, "middle")
    if gradient is not None:
        second = first.translated(5, 15)
        width = width_of(gradient.text, "number_small")
        chevron = QPointF(second.center().x() - width / 2 - 7, second.center().y())
        draw_chevron(painter, chevron, 3.0, gradient.token, leftward=True)
        draw_text(painter, second, gradient.text, "number_small", gradient.token, "middle")


def place_labels(labels: Iterable[WeightLabel], obstacles: Iterable[QRectF]) -> None:
    """Put every label on its wire where it covers neither another label nor a node, as far as there is room."""
    taken = list(obstacles)
    for label in labels:
        path = label.wire.path
        if path.isEmpty():
            continue
        place = best_place(path.pointAtPercent, label.room, taken)
        label.move_to(place)
        taken.append(label.room.translated(place))


def best_place(point_at: Callable[[float], QPointF], room: QRectF, taken: Iterable[QRectF]) -> QPointF:
    """Where on a line a label covers least of what is there; the later a place in the list, the worse."""
    return min(map(point_at, PLACES), key=lambda place: _covered(room.translated(place), taken))


def _covered(place: QRectF, taken: Iterable[QRectF]) -> float:
    parts = (place.intersected(other) for other in taken)
    return sum(part.width() * part.height() for part in parts if not part.isEmpty())
