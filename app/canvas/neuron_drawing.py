"""How one neuron looks, alone or in an opened layer: a circle filled by its value, its curve, name, bias and gradient."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from app.canvas.curves import curve, operating_point
from app.canvas.geometry import GRADIENT_ROW
from app.canvas.ink import draw_chevron, draw_text, ink, width_of
from app.canvas.live import HALO, LiveState, border_token, draw_focus, enlarged
from app.canvas.readings import Words
from app.theme import current_theme
from app.theme.mathematics import latex_name
from app.theme.numbers import token_of

BESIDE = 30.0  # pixels beside the circle that name and gradient may take
SATURATED = 4 / 3  # level at which ±1 has the full blue or orange; the ends of the scale are nearly white or black
MOST_FOR_TWO = 1.25  # enlargement above which mean and deviation would run into each other
FILL = 0.32  # share of the diverging scale's colour, so that the number on it can always be read


@dataclass(frozen=True)
class Neuron:
    """What is drawn of one neuron.

    circle      where, in pixels of the item
    name        a symbol or words, above the circle
    activation  whose curve is in it; empty for a feature of the data
    flags       of the node it belongs to
    boost       how much larger its words are drawn
    """

    circle: QRectF
    name: str = ""
    activation: str = ""
    flags: frozenset[str] = frozenset()
    boost: float = 1.0

    def draw_circle(self, painter: QPainter, state: LiveState) -> None:
        """Halo, border and fill."""
        token, _ = border_token(state, self.flags)
        radius, centre = self.circle.width() / 2, self.circle.center()
        if state.phase:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(ink().colour(token, 0.22))
            painter.drawEllipse(centre, radius + HALO, radius + HALO)
        resting = "border_strong" if token == "border" else token
        dashed = self.flags & {"muted", "bypassed"}
        painter.setPen(
            ink().pen(resting, 1.5 if state.phase else 1.0, Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine)
        )
        painter.setBrush(fill_of(state.value))
        painter.drawEllipse(self.circle)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if state.phase:
            painter.setPen(ink().pen(token, 1.5))
            painter.drawEllipse(centre, radius + 3, radius + 3)
        if "frozen" in self.flags:
            painter.setPen(ink().pen("c_data", 3.0))
            painter.drawArc(self.circle, 120 * 16, 120 * 16)
        if state.selected:
            painter.setPen(ink().pen("accent", 2.0))
            painter.drawEllipse(centre, radius + 3, radius + 3)

    def draw_curve(self, painter: QPainter, state: LiveState) -> None:
        """The activation, and where on it the neuron works."""
        area = QRectF(self.circle.left() + 17, self.circle.top() + 14, self.circle.width() - 34, 22)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(ink().pen("border_strong", 1.0, alpha=0.5))
        painter.drawLine(QPointF(area.left(), area.center().y()), QPointF(area.right(), area.center().y()))
        painter.setPen(QPen(ink().colour("text2"), 1.2))
        painter.drawPolyline(curve(self.activation, area))
        if state.value.value is not None:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(ink().colour("text"))
            painter.drawEllipse(operating_point(self.activation, state.value.value, area), 3, 3)

    def draw_value(self, painter: QPainter, state: LiveState) -> None:
        """The number in the circle, under the curve where there is one."""
        offset = 14 if self.activation else 0
        words = Words("0", "text3") if "muted" in self.flags else state.value
        mean, _, deviation = words.text.partition(" ± ")
        if deviation and self.boost <= MOST_FOR_TWO:  # of a batch: one line would be too small to be read
            for text, beside in ((mean, offset - 7.5), (f"±{deviation}", offset + 7)):
                self._draw_number(painter, Words(text, words.token), beside, "number_small", state.focused)
        else:
            self._draw_number(painter, Words(mean, words.token), offset, "number_large", state.focused)

    def _draw_number(self, painter: QPainter, words: Words, offset: float, role: str, focused: str) -> None:
        room = self.circle.width() - 10 - abs(offset) / 2
        if width_of(words.text, role) > room / self.boost:
            role = "number_small"
        wide = width_of(words.text, role)
        place = QRectF(self.circle.left() - 10, self.circle.center().y() - 9 + offset, self.circle.width() + 20, 18)
        with enlarged(painter, place.center(), max(1.0, min(self.boost, room / max(wide, 1.0)))):
            draw_text(painter, place, words.text, role, words.token, "middle")
            if focused:
                ring = QRectF(place.center().x() - wide / 2, place.top(), wide, place.height())
                draw_focus(painter, ring, words.text)

    def draw_name(self, painter: QPainter, state: LiveState) -> None:
        """Name and bias, above the circle."""
        with enlarged(painter, QPointF(self.circle.center().x(), self.circle.top() - 4), self.boost):
            name, bias = self.name, state.bias
            numbers = width_of(bias.text, "number_small") + 8 if bias is not None else 0.0
            middle, baseline = self.circle.center().x(), self.circle.top() - 8
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

    def draw_gradient(self, painter: QPainter, state: LiveState) -> None:
        """The gradient with its chevron, under the circle."""
        words = Words("frozen", "text2") if "frozen" in self.flags else state.gradient
        width = width_of(words.text, "number_small")
        boost = min(self.boost, (self.circle.width() + 2 * BESIDE * self.boost) / (width + 16))
        with enlarged(painter, QPointF(self.circle.center().x(), self.circle.bottom() + 4), boost):
            left = self.circle.center().x() - width / 2 + 5
            place = QRectF(left, self.circle.bottom() + 6, width + 4, GRADIENT_ROW - 4)
            token = "backward" if words.token == "backward" else "text3"
            draw_chevron(painter, QPointF(place.left() - 8, place.center().y()), 3.0, token, leftward=True)
            draw_text(painter, place, words.text, "number_small", words.token)


def fill_of(words: Words, share: float = FILL) -> QColor:
    """The colour of a circle with this value: the diverging scale, not stronger than `share`."""
    base = ink().colour("raised")
    if words.value is None or words.token == "text3":
        return base
    return mixed(base, current_theme().signed_colour(words.value, SATURATED), share)


def mixed(base: QColor, tint: QColor, share: float) -> QColor:
    """So much of the second colour in the first, as an opaque colour."""
    parts = (part(base) * (1 - share) + part(tint) * share for part in (QColor.red, QColor.green, QColor.blue))
    return QColor(*map(round, parts))
