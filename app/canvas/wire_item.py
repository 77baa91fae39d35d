"""A wire: a hairline in the colour of its kind, or of its weight where it ends in a neuron."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPainterPathStroker, QPen
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from app.canvas.ink import ink
from app.canvas.neuron_item import edge_point
from app.canvas.node_item import DrawnNode, PortPlace
from app.editor import wire_id
from engine.graph import Wire

WIRES_Z = 0.0
PICK = 6.0  # pixels around the line that still hit it
BEND_LEAST, BEND_MOST = 36.0, 220.0


def bezier(begin: QPointF, end: QPointF) -> QPainterPath:
    """A curve that leaves to the right and arrives from the left."""
    across = end.x() - begin.x()
    bend = min(BEND_MOST, max(BEND_LEAST, abs(across) / 2))
    if across >= 0:
        bend = min(bend, max(across, BEND_LEAST / 2))
    path = QPainterPath(begin)
    path.cubicTo(begin + QPointF(bend, 0), end - QPointF(bend, 0), end)
    return path


def route(
    source: DrawnNode, source_port: PortPlace | None, target: DrawnNode, target_port: PortPlace | None
) -> QPainterPath:
    """From port to port; between circles straight from edge to edge, as networks are drawn in books."""
    if source.geometry.circle is not None and target.geometry.circle is not None and _leads_to_inputs(target_port):
        begin, end = source.pos() + source.geometry.circle.center(), target.pos() + target.geometry.circle.center()
        path = QPainterPath(edge_point(source.geometry, source.pos(), end))
        path.lineTo(edge_point(target.geometry, target.pos(), begin))
        return path
    begin = source.pos() + (source_port.point if source_port else QPointF(source.geometry.size[0], 0))
    return bezier(begin, target.pos() + (target_port.point if target_port else QPointF(0, 0)))


def _leads_to_inputs(port: PortPlace | None) -> bool:
    return port is None or port.kind != "parameter"


class WireItem(QGraphicsItem):
    """Draws one wire; its looks are set by the scene."""

    def __init__(self, wire: Wire, kind: str) -> None:
        super().__init__()
        self.wire, self.kind = wire, kind
        self.wire_id = wire_id(wire)
        self.path = QPainterPath()
        self.weight: float | None = None
        self.phase = ""
        self.selected = self.hovered = self.doomed = False
        self.replaced = False  # an opened layer draws its weights instead, line by line
        self.setZValue(WIRES_Z)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)

    def set_path(self, path: QPainterPath) -> None:
        """Run along another path."""
        if path != self.path:
            self.prepareGeometryChange()
            self.path = path

    def show_as(self, **looks: object) -> None:
        """Change the looks: weight, phase, selected, hovered, doomed (about to be cut), replaced (by the lines of a layer)."""
        if any(getattr(self, name) != look for name, look in looks.items()):
            for name, look in looks.items():
                setattr(self, name, look)
            self.update()

    def boundingRect(self) -> QRectF:
        """The path with room for the band of a phase."""
        return self.path.controlPointRect().adjusted(-8, -8, 8, 8)

    def shape(self) -> QPainterPath:
        """The line with what still hits it."""
        return self.hit_area(PICK)

    def hit_area(self, reach: float) -> QPainterPath:
        """All within `reach` of the line."""
        stroker = QPainterPathStroker()
        stroker.setWidth(2 * reach)
        return stroker.createStroke(self.path)

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """One hairline; thick only where it says something."""
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.phase == "backward":
            band = QPen(ink().colour("backward", 0.22), 7.0)
            band.setCapStyle(Qt.PenCapStyle.FlatCap)
            painter.setPen(band)
            painter.drawPath(self.path)
        painter.setPen(self._pen())
        if self.selected and not self.doomed:
            # Two hairlines: one wide antialiased curve costs several times as much.
            painter.translate(0, -1)
            painter.drawPath(self.path)
            painter.translate(0, 2)
        painter.drawPath(self.path)

    def _pen(self) -> QPen:
        if self.doomed:
            return ink().pen("error", 1.0)
        style = Qt.PenStyle.DashLine if self.wire.muted else Qt.PenStyle.SolidLine
        if self.selected:
            return ink().pen("accent", 1.0, style)
        if self.hovered:
            return ink().pen("text", 1.0, style)
        if self.phase in ("forward", "backward"):
            return ink().pen(self.phase, 1.0, style)
        if self.weight is not None:
            strength = round(0.3 + 0.7 * min(1.0, abs(self.weight)), 1)
            return ink().pen("neg" if self.weight < 0 else "pos", 1.0, style, strength)
        return ink().pen(f"k_{self.kind}", 1.0, style, 0.2 if self.replaced else 0.85)
