"""A node on the canvas: the cached body; the live layer above it paints what changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from app.canvas.block import LINES_FROM, Block, draw_name
from app.canvas.geometry import HEADER, SIDE, Geometry, measure, shown_name
from app.canvas.ink import draw_icon, draw_text, elided, ink
from app.canvas.live import (
    HALO,
    TEXT_FROM,
    LiveLayer,
    LiveState,
    draw_border,
    draw_bypass,
    draw_corner,
    draw_glow,
    draw_image,
    draw_lines,
    draw_ringed,
    draw_strip,
    zoom_of,
)
from app.canvas.ports import draw_port, rank_in_words
from app.canvas.wiring import Wiring
from app.theme import current_theme
from engine.graph import Node
from engine.nodes import Port

RADIUS = 8.0
NODES_Z = 10.0


@dataclass(frozen=True)
class PortPlace:
    """One port of a drawn node: where it is and how it looks."""

    address: str
    name: str
    point: QPointF
    kind: str
    rank: int
    is_input: bool
    wired: bool
    shown: bool
    tip: str


class DrawnNode(QGraphicsItem):
    """What rectangular nodes and neurons share: identity, geometry, ports, live layer."""

    cached = True

    def __init__(self, node_id: str) -> None:
        super().__init__()
        self.node_id = node_id
        self.node: Node
        self.geometry: Geometry
        self.ports: list[PortPlace] = []
        self.level = 0.0  # end of the heat strip's scale; it only grows, so that colours keep their meaning
        self.setZValue(NODES_Z)
        self.live = LiveLayer(self)
        if self.cached:
            self.setCacheMode(QGraphicsItem.CacheMode.DeviceCoordinateCache)

    def take(self, wiring: Wiring, shapes: Mapping[str, tuple]) -> None:
        """Show the node as the document has it now."""
        self.prepareGeometryChange()
        self.live.geometry_changes()
        self.node = wiring.nodes[self.node_id]
        self.geometry = measure(wiring, self.node, shapes)
        self.ports = list(self._ports(wiring, shapes))
        self.setPos(*self.node.position)
        self.update()
        self.live.update()

    def _ports(self, wiring: Wiring, shapes: Mapping[str, tuple]) -> list[PortPlace]:
        wires_in, wires_out = wiring.wires_into(self.node_id), wiring.wires_out_of(self.node_id)
        incoming = {wire.target_port: shapes.get(wire.source) for wire in wires_in}
        outgoing = {wire.source_port for wire in wires_out}
        kind, result = self.node.kind, []
        for name, point in self.geometry.inputs.items():
            port = kind.input(name) if kind else None
            result.append(self._port(name, point, port or Port(name), True, name in incoming, incoming.get(name)))
        for name, point in self.geometry.outputs.items():
            port = kind.output(name) if kind else None
            shape = shapes.get(f"{self.node_id}.{name}")
            result.append(self._port(name, point, port or Port(name), False, name in outgoing, shape))
        return result

    def _port(
        self, name: str, point: QPointF, port: Port, is_input: bool, wired: bool, shape: tuple | None
    ) -> PortPlace:
        rank = len(shape) if shape is not None else rank_in_words(port.shape)
        words = f"({', '.join(map(str, shape))})" if shape is not None else port.shape
        tip = f"<b>{name}</b> {words}" + (f"<br>{port.help}" if port.help else "")
        shown = wired or name not in self.geometry.spare or self.geometry.rule > 0
        return PortPlace(f"{self.node_id}.{name}", name, point, port.kind, rank, is_input, wired, shown, tip)

    def port(self, address: str) -> PortPlace | None:
        """The port of that address."""
        return next((port for port in self.ports if port.address == address), None)

    @property
    def category_token(self) -> str:
        """The colour of the node's category."""
        token = f"c_{self.node.kind.category.lower()}" if self.node.kind else "error"
        return token if hasattr(current_theme().palette, token) else "text2"

    def boundingRect(self) -> QRectF:
        """The node with its halo and its ports."""
        return QRectF(0, 0, *self.geometry.size).adjusted(-HALO - 4, -HALO - 2, HALO + 4, HALO + 2)

    def shape(self) -> QPainterPath:
        """What counts as the node for the mouse."""
        path = QPainterPath()
        path.addRect(self.geometry.body)
        return path

    def show_state(self, **changes: Any) -> None:
        """Change parts of the live state."""
        self.live.show_state(replace(self.live.state, **changes))

    def draw_ports(self, painter: QPainter) -> None:
        """The ports that are shown at rest."""
        for port in self.ports:
            if port.shown:
                draw_port(painter, port.point, port.kind, port.rank, port.wired)

    def paint_live(self, painter: QPainter, state: LiveState, zoom: float) -> None:
        """Paint what changes; the live layer calls this."""
        raise NotImplementedError


class NodeItem(DrawnNode):
    """A rectangular node: header, formula, fields, picture, value and gradient."""

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """The body, which only an edit or the theme changes."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.node.flags & {"muted"}:
            painter.setOpacity(0.55)
        rectangle = self.geometry.body
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ink().colour("raised"))
        painter.drawRoundedRect(rectangle, RADIUS, RADIUS)
        if (zoom := zoom_of(painter)) < LINES_FROM:
            Block(self, zoom).paint_body(painter, zoom)
            return
        self._draw_header(painter)
        if self.geometry.rule:
            self._draw_body(painter)

    def _draw_header(self, painter: QPainter) -> None:
        kind, width = self.node.kind, self.geometry.size[0]
        draw_icon(painter, SIDE - 4, 7, (kind.icon if kind else "") or "square-function", self.category_token)
        left, right = SIDE + 18, width - 30
        taken = draw_name(painter, QRectF(left, 0, right - left, HEADER), shown_name(self.node), "strong")
        room = right - left - taken - 10
        if self.geometry.subtitle and room > 24:
            text = elided(self.geometry.subtitle, "caption", room)
            draw_text(painter, QRectF(right - room, 0, room, HEADER), text, "caption", "text3", "right")

    def _draw_body(self, painter: QPainter) -> None:
        width = self.geometry.size[0]
        painter.setPen(ink().pen("border"))
        painter.drawLine(QPointF(0, HEADER), QPointF(width, HEADER))
        painter.drawLine(QPointF(0, self.geometry.rule), QPointF(width, self.geometry.rule))
        if self.geometry.formula is not None and self.node.kind is not None:
            place = self.geometry.formula
            current_theme().mathematics(self.node.kind.formula, 13).paint(painter, place.x(), place.y())
        for row in self.geometry.fields:
            draw_text(painter, row.rectangle, row.label, "body", "text2")
            if row.text is not None:
                painter.setPen(ink().pen("border"))
                painter.setBrush(ink().colour("canvas"))
                painter.drawRoundedRect(row.box, 4, 4)
                draw_text(painter, row.box.adjusted(8, 0, -4, 0), row.text, "number", "text")

    def paint_live(self, painter: QPainter, state: LiveState, zoom: float) -> None:
        """Border, numbers, picture."""
        flags = self.node.flags
        if "muted" in flags:
            painter.setOpacity(0.55)
        draw_border(painter, self.geometry.body, RADIUS, state, flags)
        if "frozen" in flags:
            painter.fillRect(QRectF(0, 5, 3, self.geometry.size[1] - 10), ink().colour("c_data"))
        if zoom < LINES_FROM:
            self._paint_block(painter, state, zoom)
            return
        self.draw_ports(painter)  # over the border, which is live
        draw_corner(painter, self.geometry, state, flags)
        if self.geometry.rule:
            draw_strip(painter, self.geometry, state.strip)
            draw_lines(painter, self.geometry, state, flags)
        if "bypassed" in flags:
            draw_bypass(painter, self)
        if state.lit is not None:
            draw_glow(painter, self, state.lit)
        if state.ringed is not None:
            draw_ringed(painter, self, state.ringed)

    def _paint_block(self, painter: QPainter, state: LiveState, zoom: float) -> None:
        block = Block(self, zoom)
        if state.strip is not None and block.picture.height() > 6:
            place = block.picture
            draw_image(painter, QRectF(place.topLeft() / zoom, place.size() / zoom), state.strip, zoom)
        elif self.geometry.rule:
            block.paint_numbers(painter, state, zoom)
        block.paint_mark(painter, state, zoom)
        if zoom >= TEXT_FROM:
            self.draw_ports(painter)
        if state.lit is not None:
            draw_glow(painter, self, state.lit)
        if state.ringed is not None:
            draw_ringed(painter, self, state.ringed)
