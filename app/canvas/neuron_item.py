"""The item of a neuron, or of a single feature of the data."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter, QPainterPath
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from app.canvas.geometry import NAME_ROW, Geometry, shown_name
from app.canvas.ink import draw_icon, ink
from app.canvas.live import HALO, ICONS, TEXT_FROM, LiveState, draw_glow, draw_ringed, draw_stop, state_icon
from app.canvas.neuron_drawing import BESIDE, Neuron
from app.canvas.node_item import DrawnNode
from app.canvas.resting import leave


class NeuronItem(DrawnNode):
    """A neuron, or a single feature of the data (smaller, without curve and gradient)."""

    cached = False  # nearly everything on it is live
    boost = 1.0

    def setPos(self, *place: Any) -> None:
        """Move: Qt paints it, so the place that it leaves is told first."""
        leave(self)
        super().setPos(*place)

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
        neuron = self._neuron()
        neuron.draw_circle(painter, state)
        if state.stops:
            draw_stop(painter, self.geometry.body)
        if zoom >= TEXT_FROM:
            if neuron.activation:
                neuron.draw_curve(painter, state)
                neuron.draw_gradient(painter, state)
            neuron.draw_value(painter, state)
            neuron.draw_name(painter, state)
            self._draw_mark(painter, state)
        for port in self.ports:
            if port.shown and not port.wired and zoom >= TEXT_FROM:
                self._draw_port(painter, port.point, port.kind)
        if state.lit is not None:
            draw_glow(painter, self, state.lit)
        if state.ringed is not None:
            draw_ringed(painter, self, state.ringed)

    def _neuron(self) -> Neuron:
        is_neuron = self.node.type == "neuron"
        activation = str(self.node.properties.get("activation", "identity")) if is_neuron else ""
        return Neuron(self.circle, shown_name(self.node), activation, self.node.flags, self.boost)

    def _draw_port(self, painter: QPainter, point: QPointF, kind: str) -> None:
        painter.setPen(ink().pen(f"k_{kind}", 1.3))
        painter.setBrush(ink().colour("canvas"))
        painter.drawEllipse(point, 4, 4)

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
