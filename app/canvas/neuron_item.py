"""A neuron as a circle: fill = value, a small curve with the operating point, bias above, gradient below."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from app.canvas.curves import curve, operating_point
from app.canvas.geometry import GRADIENT_ROW, NAME_ROW, Geometry, latex_name, shown_name
from app.canvas.ink import draw_chevron, draw_icon, draw_text, ink, width_of
from app.canvas.live import (
    HALO,
    ICONS,
    TEXT_FROM,
    LiveState,
    border_token,
    draw_focus,
    draw_glow,
    draw_ringed,
    enlarged,
    state_icon,
)
from app.canvas.node_item import DrawnNode
from app.canvas.readings import Words
from app.theme import current_theme
from app.theme.numbers import token_of

BESIDE = 30.0  # pixels beside the circle that name and gradient may take
SATURATED = 4 / 3  # level at which ±1 has the full blue or orange; the ends of the scale are nearly white or black
FILL = 0.32  # share of the diverging scale's colour, so that the number on it can always be read


class NeuronItem(DrawnNode):
    """A neuron, or a single feature of the data (smaller, without curve and gradient)."""

    cached = False  # nearly everything on it is live
    boost = 1.0

    def enlarge(self, boost: float) -> None:
        """Draw numbers and names larger: the canvas is seen from afar."""
        self.prepareGeometryChange()
        self.live.geometry_changes()
        self.boost = boost
        self.live.update()

    @property
    def circle(self) -> QRectF:
        """The circle, in the item's pixels."""
        assert self.geometry.circle is not None
        return self.geometry.circle

    @property
    def centre(self) -> QPointF:
        """The centre of the circle on the scene."""
        return self.mapToScene(self.circle.center())

    def boundingRect(self) -> QRectF:
        """The circle with its halo, the name and the gradient, which may be wider."""
        side = BESIDE * self.boost
        more = (self.boost - 1) * NAME_ROW
        return QRectF(0, 0, *self.geometry.size).adjusted(-side, -HALO - more, side, HALO + more)

    def shape(self) -> QPainterPath:
        """The circle counts for the mouse."""
        path = QPainterPath()
        path.addEllipse(self.circle)
        return path

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """Nothing rests on a neuron; the live layer paints it."""

    def paint_live(self, painter: QPainter, state: LiveState, zoom: float) -> None:
        """Circle first, then what is written on and around it."""
        if "muted" in self.node.flags:
            painter.setOpacity(0.5)
        self._draw_circle(painter, state)
        if zoom >= TEXT_FROM:
            if self.node.type == "neuron":
                self._draw_curve(painter, state)
                wide = width_of(state.gradient.text, "number_small") + 16
                boost = min(self.boost, (self.circle.width() + 2 * BESIDE * self.boost) / wide)
                with enlarged(painter, QPointF(self.circle.center().x(), self.circle.bottom() + 4), boost):
                    self._draw_gradient(painter, state)
            self._draw_value(painter, state)
            with enlarged(painter, QPointF(self.circle.center().x(), NAME_ROW - 4), self.boost):
                self._draw_name(painter, state)
            self._draw_mark(painter, state)
        for port in self.ports:
            if port.shown and not port.wired and zoom >= TEXT_FROM:
                self._draw_port(painter, port.point, port.kind)
        if state.lit is not None:
            draw_glow(painter, self, state.lit)
        if state.ringed is not None:
            draw_ringed(painter, self, state.ringed)

    def _draw_port(self, painter: QPainter, point: QPointF, kind: str) -> None:
        painter.setPen(ink().pen(f"k_{kind}", 1.3))
        painter.setBrush(ink().colour("canvas"))
        painter.drawEllipse(point, 4, 4)

    def _draw_circle(self, painter: QPainter, state: LiveState) -> None:
        token, _ = border_token(state, self.node.flags)
        radius = self.circle.width() / 2
        centre = self.circle.center()
        if state.phase:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(ink().colour(token, 0.22))
            painter.drawEllipse(centre, radius + HALO, radius + HALO)
        resting = "border_strong" if token == "border" else token
        dashed = self.node.flags & {"muted", "bypassed"}
        painter.setPen(
            ink().pen(resting, 1.5 if state.phase else 1.0, Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine)
        )
        painter.setBrush(self._fill(state.value))
        painter.drawEllipse(self.circle)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if state.phase:
            painter.setPen(ink().pen(token, 1.5))
            painter.drawEllipse(centre, radius + 3, radius + 3)
        if "frozen" in self.node.flags:
            painter.setPen(ink().pen("c_data", 3.0))
            painter.drawArc(self.circle, 120 * 16, 120 * 16)
        if state.selected:
            painter.setPen(ink().pen("accent", 2.0))
            painter.drawEllipse(centre, radius + 3, radius + 3)

    def _fill(self, words: Words) -> QColor:
        base = ink().colour("raised")
        if words.value is None or words.token == "text3":
            return base
        tint, share = current_theme().signed_colour(words.value, SATURATED), FILL
        mixed = (part(base) * (1 - share) + part(tint) * share for part in (QColor.red, QColor.green, QColor.blue))
        return QColor(*map(round, mixed))

    def _draw_curve(self, painter: QPainter, state: LiveState) -> None:
        area = QRectF(self.circle.left() + 17, self.circle.top() + 14, self.circle.width() - 34, 22)
        activation = str(self.node.properties.get("activation", "identity"))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(ink().pen("border_strong", 1.0, alpha=0.5))
        painter.drawLine(QPointF(area.left(), area.center().y()), QPointF(area.right(), area.center().y()))
        painter.setPen(QPen(ink().colour("text2"), 1.2))
        painter.drawPolyline(curve(activation, area))
        if state.value.value is not None:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(ink().colour("text"))
            painter.drawEllipse(operating_point(activation, state.value.value, area), 3, 3)

    def _draw_value(self, painter: QPainter, state: LiveState) -> None:
        offset = 14 if self.node.type == "neuron" else 0
        words = Words("0", "text3") if "muted" in self.node.flags else state.value
        mean, _, deviation = words.text.partition(" ± ")
        if deviation:  # of a batch: one line would be too small to be read
            for text, beside in ((mean, offset - 7.5), (f"±{deviation}", offset + 7)):
                self._draw_number(painter, text, beside, Words(text, words.token), state)
        else:
            self._draw_number(painter, mean, offset, words, state)

    def _draw_number(self, painter: QPainter, text: str, offset: float, words: Words, state: LiveState) -> None:
        room = self.circle.width() - 10 - abs(offset) / 2
        fits = width_of(text, "number_large") <= room / self.boost and text == state.value.text
        role = "number_large" if fits else "number_small"
        wide = width_of(text, role)
        place = QRectF(self.circle.left() - 10, self.circle.center().y() - 9 + offset, self.circle.width() + 20, 18)
        with enlarged(painter, place.center(), max(1.0, min(self.boost, room / max(wide, 1.0)))):
            draw_text(painter, place, text, role, words.token, "middle")
            if state.focused:
                draw_focus(painter, QRectF(place.center().x() - wide / 2, place.top(), wide, place.height()), text)

    def _draw_name(self, painter: QPainter, state: LiveState) -> None:
        name, bias = shown_name(self.node), state.bias
        numbers = width_of(bias.text, "number_small") + 8 if bias is not None else 0.0
        middle, baseline = self.circle.center().x(), NAME_ROW - 8
        if symbol := latex_name(name):
            set_name = current_theme().mathematics(symbol, 15)
            width = set_name.size.width()
            set_name.paint(painter, middle - (width + numbers) / 2, baseline)
        else:
            width = width_of(name, "strong")
            place = QRectF(middle - (width + numbers) / 2, baseline - 14, width + 2, 18)
            draw_text(painter, place, name, "strong", "text")
        if bias is not None:
            place = QRectF(middle + (width - numbers) / 2 + 8, baseline - 14, numbers, 18)
            token = token_of(bias.value) if bias.token == "text" else bias.token
            draw_text(painter, place, bias.text, "number_small", token)

    def _draw_gradient(self, painter: QPainter, state: LiveState) -> None:
        words = Words("frozen", "text2") if "frozen" in self.node.flags else state.gradient
        width = width_of(words.text, "number_small")
        place = QRectF(self.circle.center().x() - width / 2 + 5, self.circle.bottom() + 6, width + 4, GRADIENT_ROW - 4)
        token = "backward" if words.token == "backward" else "text3"
        draw_chevron(painter, QPointF(place.left() - 8, place.center().y()), 3.0, token, leftward=True)
        draw_text(painter, place, words.text, "number_small", words.token)

    def _draw_mark(self, painter: QPainter, state: LiveState) -> None:
        name = state_icon(state, self.node.flags)
        if name in ICONS and name != "update":
            icon, token = ICONS[name]
            draw_icon(painter, self.circle.right() - 8, self.circle.top() - 4, icon, token)


def edge_point(geometry: Geometry, origin: QPointF, towards: QPointF) -> QPointF:
    """Where the straight line from a circle's centre towards a point leaves the circle."""
    assert geometry.circle is not None
    centre = origin + geometry.circle.center()
    away = towards - centre
    length = (away.x() ** 2 + away.y() ** 2) ** 0.5 or 1.0
    return centre + away * (geometry.circle.width() / 2 / length)
