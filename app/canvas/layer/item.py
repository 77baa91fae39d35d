"""The item of an opened layer: a frame with its neurons, or with the matrix of its weights where there are too many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from app.canvas.block import Block, draw_name
from app.canvas.geometry import HEADER, SIDE, Geometry, shown_name
from app.canvas.ink import draw_chevron, draw_icon, draw_text, elided, ink, width_of
from app.canvas.layer.lines import NEURONS_FROM, WeightLines
from app.canvas.layer.matrix import WeightMatrix
from app.canvas.layer.numbers import LayerNumbers, numbers_of
from app.canvas.layer.plan import WORDS, Column, LayerPlan
from app.canvas.live import (
    TEXT_FROM,
    LiveState,
    draw_border,
    draw_bypass,
    draw_corner,
    draw_glow,
    draw_ringed,
    enlarged,
)
from app.canvas.neuron_drawing import Neuron, fill_of
from app.canvas.node_item import NODES_Z, RADIUS, DrawnNode
from app.canvas.readings import Words
from app.canvas.wiring import Wiring
from app.theme.mathematics import latex_name
from app.theme.numbers import token_of
from engine.graph import Node

WORDS_FROM = 0.5  # zoom below which the numbers of small circles are left out
LINE = 15.0


class LayerItem(DrawnNode):
    """A layer opened into its neurons; its weights are lines, each a handle."""

    cached = False  # a frame is quickly painted, and kept as a picture it would be as large as the screen
    boost = 1.0

    def __init__(self, node_id: str) -> None:
        super().__init__(node_id)
        self.live.setCacheMode(QGraphicsItem.CacheMode.NoCache)
        self.numbers = LayerNumbers()
        self.lines, self.matrix = WeightLines(self), WeightMatrix(self)
        self.pointed = ("", -1)  # the part the mouse is at: kind and index
        self.focused = ("", -1)
        self._shown: tuple[Any, bool] = (None, False)

    @property
    def plan(self) -> LayerPlan:
        """Where everything stands."""
        assert self.geometry.layer is not None
        return self.geometry.layer

    def take(self, wiring: Wiring, shapes: Mapping[str, tuple], geometry: Geometry) -> None:
        """Show the layer as the document has it now."""
        super().take(wiring, shapes, geometry)
        # Lines lie over the layers they come from, and under everything else.
        self.setZValue(NODES_Z - 1 + min(0.9, 0.01 * self.plan.depth))
        self.matrix.take(self.plan)
        self.show_snapshot(*self._shown)

    def lay_lines(self, layers: Mapping[str, LayerItem]) -> None:
        """Run the lines again: this layer or the one before has moved."""
        plan, before = self.plan, layers.get(self.plan.before)
        begins = plan.features if before is None else before.plan.units
        if plan.units is None or begins is None:
            self.lines.clear()
            return
        offset = QPointF() if before is None else before.pos() - self.pos()
        circles = [column.circle(at) for column in (plan.units,) for at in range(len(column.centres))]
        self.lines.place(begins, plan.units, offset, circles)

    def enlarge(self, boost: float) -> None:
        """Draw numbers and names larger: the canvas is seen from afar."""
        self.boost = self.lines.boost = self.matrix.boost = boost
        self.lines.clear()
        self.update()
        self.live.update()

    def show_snapshot(self, snapshot: Any, stale: bool) -> None:
        """Take the numbers of a snapshot."""
        self._shown = snapshot, stale
        numbers = numbers_of(self.plan, self.node_id, snapshot, stale)
        if not numbers.same(self.numbers):
            self.numbers = numbers
            self.lines.show_numbers(numbers)
            self.matrix.show_numbers(numbers)
            self.live.update()

    def show_focus(self, key: str | None, index: int) -> None:
        """Which weight or bias ↑ and ↓ change."""
        kind = {self.plan.weight: "line", self.plan.bias: "bias"}.get(key, "") if key else ""
        index = index if kind else -1
        if (kind, index) != self.focused:
            self.focused = (kind, index)
            self._mark()

    def point_at(self, kind: str, index: int) -> None:
        """Light the part that the mouse is at; an empty kind: none."""
        if (kind, index) != self.pointed:
            self.pointed = (kind, index)
            self._mark()

    def _mark(self) -> None:
        hovered, focused = (index if kind == "line" else -1 for kind, index in (self.pointed, self.focused))
        if self.plan.matrix is None:
            self.lines.mark(hovered, focused)
        else:
            self.matrix.mark(hovered, focused)
        self.live.update()

    # hits ------------------------------------------------------------------------------------------------------------

    def part_at(self, point: QPointF, reach: float, zoom: float) -> tuple[str, int] | None:
        """What lies at a point of the scene: `bias` or `feature` with its number, `line` with that of the weight."""
        place = point - self.pos()
        if zoom < NEURONS_FROM:
            return None
        if self.plan.matrix is not None:
            index = self.matrix.at(place)
            return ("line", index) if index >= 0 else None
        for kind, column in (("bias", self.plan.units), ("feature", self.plan.features)):
            index = self._circle_at(column, place)
            if index >= 0:
                return kind, index
        index = self.lines.at(place, reach, zoom)
        return ("line", index) if index >= 0 else None

    def _circle_at(self, column: Column | None, place: QPointF) -> int:
        """The neuron whose circle, or the words of whose bias, hold a point."""
        if column is None or not len(column.centres):
            return -1
        grade = column.grade
        index = round((place.y() - column.centres[0, 1]) / grade.pitch)
        if not 0 <= index < len(column.centres):
            return -1
        circle = column.circle(index)
        away = place - circle.center()
        if away.x() ** 2 + away.y() ** 2 <= (grade.across / 2 + 2) ** 2:
            return index
        return index if column is self.plan.units and self._words_of(circle, grade.words).contains(place) else -1

    def _words_of(self, circle: QRectF, words: str) -> QRectF:
        """Where the bias of a neuron stands."""
        if words == "around":
            return QRectF(circle.center().x() - 40, circle.top() - 26, 80, 20)
        return QRectF(circle.right() + 4, circle.top(), WORDS, circle.height()) if words == "beside" else QRectF()

    def unit_of(self, kind: str, index: int) -> int:
        """The neuron that a part belongs to; -1 for a feature."""
        return index % max(1, self.plan.shape[1]) if kind in ("line", "bias") else -1

    def key_of(self, kind: str) -> str:
        """The parameter that a part belongs to."""
        return {"line": self.plan.weight, "bias": self.plan.bias}.get(kind, "")

    # painting --------------------------------------------------------------------------------------------------------

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """The frame."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if "muted" in self.node.flags:
            painter.setOpacity(0.55)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ink().colour("surface"))
        painter.drawRoundedRect(self.geometry.body, RADIUS, RADIUS)
        zoom = painter.worldTransform().m11()
        if zoom < NEURONS_FROM:
            Block(self, zoom).paint_body(painter, zoom)
            return
        self._draw_header(painter)
        if self.plan.features is not None:
            self._draw_fan(painter, self.plan.features)

    def _draw_header(self, painter: QPainter) -> None:
        kind = self.node.kind
        with enlarged(painter, QPointF(0, HEADER / 2), self.boost):
            width = (self.geometry.size[0] - 30) / self.boost  # without the chevron
            draw_icon(painter, SIDE - 4, 7, (kind.icon if kind else "") or "layers", self.category_token)
            left = SIDE + 18
            taken = draw_name(painter, QRectF(left, 0, width - left, HEADER), shown_name(self.node), "strong")
            room = width - left - taken - 8
            if self.geometry.subtitle and room > 24:
                text = elided(self.geometry.subtitle, "caption", room)
                draw_text(painter, QRectF(left + taken + 8, 0, room, HEADER), text, "caption", "text3")

    def _draw_fan(self, painter: QPainter, features: Column) -> None:
        """From the port to every feature of what comes in."""
        port = self.geometry.inputs["x"]
        painter.setPen(ink().pen("k_data", 1.0, alpha=0.28))
        for index in range(len(features.centres)):
            circle = features.circle(index)
            painter.drawLine(port, QPointF(circle.left(), circle.center().y()))

    def paint_live(self, painter: QPainter, state: LiveState, zoom: float) -> None:
        """Border and ports, then every neuron with its numbers."""
        flags = self.node.flags
        if "muted" in flags:
            painter.setOpacity(0.55)
        draw_border(painter, self.geometry.body, RADIUS, state, flags)
        if "frozen" in flags:
            painter.fillRect(QRectF(0, 5, 3, self.geometry.size[1] - 10), ink().colour("c_data"))
        if zoom >= NEURONS_FROM:
            draw_corner(painter, self.geometry, state, flags)
            self._draw_features(painter, zoom)
            self._draw_units(painter, zoom)
            if state.reason:
                draw_reason(painter, self.geometry.body, state.reason)
        else:
            block = Block(self, zoom)
            self.matrix.paint_in(painter, QRectF(block.picture.topLeft() / zoom, block.picture.size() / zoom))
            block.paint_mark(painter, state, zoom)
        if zoom >= TEXT_FROM:
            self.draw_ports(painter)
        if "bypassed" in flags:
            draw_bypass(painter, self)
        if state.lit is not None:
            draw_glow(painter, self, state.lit)
        if state.ringed is not None:
            draw_ringed(painter, self, state.ringed)

    def _draw_features(self, painter: QPainter, zoom: float) -> None:
        column = self.plan.features
        for index in range(0 if column is None else len(column.centres)):
            assert column is not None
            value = self.numbers.words("features", index)
            circle = column.circle(index)
            if column.grade.words == "around":
                neuron = Neuron(circle, f"x_{{{index + 1}}}", boost=self.boost)
                neuron.draw_circle(painter, LiveState(value=value))
                neuron.draw_value(painter, LiveState(value=value))
                neuron.draw_name(painter, LiveState())
            else:
                self._draw_small(painter, circle, value, self._is_pointed("feature", index))
                if column.grade.words != "none" and zoom >= WORDS_FROM:
                    self._write_feature(painter, circle, column.grade.words, value)

    def _write_feature(self, painter: QPainter, circle: QRectF, words: str, value: Words) -> None:
        short = _mean(value)
        if words == "inside" and width_of(short.text, "number_small") * self.boost <= circle.width() - 2:
            with enlarged(painter, circle.center(), self.boost):
                draw_text(painter, circle, short.text, "number_small", short.token, "middle")
        elif words == "beside":
            right = QPointF(circle.left() - 5, circle.center().y())
            with enlarged(painter, right, min(self.boost, 1.25)):
                place = QRectF(right.x() - WORDS, right.y() - LINE / 2, WORDS, LINE)
                draw_text(painter, place, short.text, "number_small", short.token, "right")

    def _draw_units(self, painter: QPainter, zoom: float) -> None:
        column = self.plan.units
        for index in range(0 if column is None else len(column.centres)):
            assert column is not None
            if column.grade.words == "around":
                self._draw_neuron(painter, column.circle(index), index)
                continue
            circle, value = column.circle(index), self.numbers.words("values", index)
            marked = self._is_pointed("bias", index) or self.focused == ("bias", index)
            self._draw_small(painter, circle, value, marked)
            if column.grade.words == "beside" and zoom >= WORDS_FROM:
                self._write_beside(painter, circle, index, value)

    def _is_pointed(self, kind: str, index: int) -> bool:
        """Whether the mouse is at a neuron, or at a weight that it takes part in."""
        pointed, at = self.pointed
        if pointed == "line":
            feature, unit = divmod(at, max(1, self.plan.shape[1]))
            return index == (unit if kind == "bias" else feature)
        return (pointed, at) == (kind, index)

    def _draw_neuron(self, painter: QPainter, circle: QRectF, index: int) -> None:
        """As large as a neuron that stands alone, and drawn alike."""
        numbers = self.numbers
        activation = str(self.node.properties.get("activation", "identity"))
        neuron = Neuron(circle, _symbol(self.node, index), activation, self.node.flags, self.boost)
        state = LiveState(
            value=numbers.words("values", index),
            gradient=numbers.words("gradients", index, signed=True, token="backward"),
            bias=numbers.words("biases", index, signed=True, digits=2) if self.plan.bias else None,
            hovered=self._is_pointed("bias", index),
        )
        neuron.draw_circle(painter, state)
        neuron.draw_curve(painter, state)
        neuron.draw_value(painter, state)
        neuron.draw_name(painter, state)
        neuron.draw_gradient(painter, state)
        if self.focused == ("bias", index):
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(ink().pen("focus", 2.0))
            painter.drawEllipse(circle.adjusted(-3, -3, 3, 3))

    def _draw_small(self, painter: QPainter, circle: QRectF, value: Words, marked: bool) -> None:
        painter.setPen(ink().pen("text" if marked else "border_strong", 1.5 if marked else 1.0))
        painter.setBrush(fill_of(value, 0.8 if circle.width() < 30 else 0.32))
        painter.drawEllipse(circle)

    def _write_beside(self, painter: QPainter, circle: QRectF, index: int, value: Words) -> None:
        """Value (in the circle where it fits), bias and gradient, as many as there is height for."""
        numbers, plan = self.numbers, self.plan
        short = _mean(value)
        fits = width_of(short.text, "number_small") * self.boost <= circle.width() - 2
        if fits:
            with enlarged(painter, circle.center(), self.boost):
                draw_text(painter, circle, short.text, "number_small", short.token, "middle")
        bias = numbers.words("biases", index, signed=True, digits=2)
        gradient = _mean(numbers.words("gradients", index, signed=True, token="backward", digits=2))
        lines = [] if fits else [(short, False)]
        lines += [(replace(bias, token=token_of(bias.value)), False)] if plan.bias else []
        lines += [(gradient, True)]
        assert plan.units is not None
        fitting = max(1, int(plan.units.grade.pitch / (LINE * self.boost)))
        if len(lines) > fitting and plan.bias:
            del lines[-2 if numbers.gradients is not None else -1]  # a gradient says more, once it is there
        with enlarged(painter, QPointF(circle.right() + 6, circle.center().y()), self.boost):
            _write_lines(painter, QPointF(circle.right() + 6, circle.center().y()), lines[:fitting])


def _symbol(node: Node, index: int) -> str:
    """What one unit is called: `h_3`, with the layer's own letter where it is called by a single one."""
    name = shown_name(node)
    return f"{name if len(name) == 1 and latex_name(name) else 'h'}_{{{index + 1}}}"


def _mean(words: Words) -> Words:
    """Only the mean of numbers that spread: there is no room for more."""
    return replace(words, text=words.text.partition(" ± ")[0])


def _write_lines(painter: QPainter, left: QPointF, lines: list[tuple[Words, bool]]) -> None:
    """Numbers below each other, in the middle of a height; gradients behind their chevron."""
    for at, (words, is_gradient) in enumerate(lines):
        place = QRectF(left.x(), left.y() + LINE * (at - len(lines) / 2), WORDS, LINE)
        if is_gradient:
            draw_chevron(painter, QPointF(place.left() + 3, place.center().y()), 3.0, words.token, leftward=True)
            place.adjust(10, 0, 0, 0)
        draw_text(painter, place, words.text, "number_small", words.token)


def draw_reason(painter: QPainter, body: QRectF, reason: str) -> None:
    """What is wrong, along the lower edge of the frame."""
    place = QRectF(body.left() + SIDE, body.bottom() - 22, body.width() - 2 * SIDE, 18)
    draw_text(painter, place, elided(reason, "caption", place.width()), "caption", "error")
