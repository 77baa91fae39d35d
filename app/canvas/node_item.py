"""A node on the canvas: the cached body; the live layer above it paints what changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from app.canvas.block import LINES_FROM, Block, draw_name
from app.canvas.colours import known
from app.canvas.figures import Sheet
from app.canvas.geometry import FORMULA_SIZE, HEADER, SIDE, Geometry, shown_name, shown_value
from app.canvas.ink import draw_icon, draw_text, elided, ink
from app.canvas.live import (
    HALO,
    TEXT_FROM,
    LiveLayer,
    LiveState,
    RestingLive,
    draw_border,
    draw_bypass,
    draw_corner,
    draw_empty_strip,
    draw_glow,
    draw_resting_lines,
    draw_ringed,
    write_lines,
    write_strip,
    zoom_of,
)
from app.canvas.ports import draw_port, rank_in_words
from app.canvas.resting import Resting
from app.canvas.wiring import Wiring
from app.theme import category_token, current_theme
from engine.composites import composite_of
from engine.graph import Node
from engine.nodes import NodeType, Port

RADIUS = 8.0
TINT = 0.16  # of a colour that a person chose, on the body
MUTED = 0.55  # opacity of a muted node
BEHIND = 4.0  # pixels by which the sheet behind a composite sticks out
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


def is_delayed(kind: type[NodeType] | None, name: str) -> bool:
    """Whether what comes in at an input is used one step of time later, or at the very end: its wire may run back."""
    port = port_of(kind, name, True)
    return port is not None and (port.delayed or port.late)


def port_of(kind: type[NodeType] | None, name: str, is_input: bool) -> Port | None:
    """A port of a node type; None where this version knows neither."""
    if kind is None:
        return None
    return kind.input(name) if is_input else kind.output(name)


def colour_of(node: Node) -> str:
    """The token of a node's category, or of the colour that a person gave it."""
    kind = node.kind
    return known(node.colour) or (category_token(kind.category) if kind else "error")


class DrawnNode(QGraphicsItem):
    """What rectangular nodes and neurons share: identity, geometry, ports, live layer."""

    cached = True

    def __init__(self, node_id: str) -> None:
        super().__init__()
        self.node_id = node_id
        self.node: Node
        self.geometry: Geometry
        self.ports: list[PortPlace] = []
        self.value_key = ""  # address of its first output
        self.level = 0.0  # end of the heat strip's scale; it only grows, so that colours keep their meaning
        self.setZValue(NODES_Z)
        self.live: Any = self.make_live()
        if self.cached:
            self.setCacheMode(QGraphicsItem.CacheMode.DeviceCoordinateCache)

    def make_live(self) -> Any:
        """What paints the live state."""
        return LiveLayer(self)

    def take(self, wiring: Wiring, shapes: Mapping[str, tuple], geometry: Geometry) -> None:
        """Show the node as the document has it now."""
        self.prepareGeometryChange()
        self.live.geometry_changes()
        self.node, self.geometry = wiring.nodes[self.node_id], geometry
        self.ports = list(self._ports(wiring, shapes))
        shown = shown_value(self.node, self.node.kind)
        self.value_key = f"{self.node_id}.{shown}" if shown else ""
        self.setPos(*self.node.position)
        self.update()
        self.live.update()

    def _ports(self, wiring: Wiring, shapes: Mapping[str, tuple]) -> list[PortPlace]:
        wires_in, wires_out = wiring.wires_into(self.node_id), wiring.wires_out_of(self.node_id)
        incoming = {wire.target_port: shapes.get(wire.source) for wire in wires_in}
        outgoing = {wire.source_port for wire in wires_out}
        result = []
        for name, point in self.geometry.inputs.items():
            port = port_of(self.node.kind, name, True)
            result.append(self._port(name, point, port or Port(name), True, name in incoming, incoming.get(name)))
        for name, point in self.geometry.outputs.items():
            port = port_of(self.node.kind, name, False)
            shape = shapes.get(f"{self.node_id}.{name}")
            result.append(self._port(name, point, port or Port(name), False, name in outgoing, shape))
        return result

    def _port(
        self, name: str, point: QPointF, port: Port, is_input: bool, wired: bool, shape: tuple | None
    ) -> PortPlace:
        rank = len(shape) if shape is not None else rank_in_words(port.shape)
        words = f"({', '.join(map(str, shape))})" if shape is not None else port.shape
        tip = f"<b>{name}</b> {words}" + (f"<br>{port.help}" if port.help else "")
        shown = wired or (
            "trimmed" not in self.node.flags and (name not in self.geometry.spare or self.geometry.rule > 0)
        )
        return PortPlace(f"{self.node_id}.{name}", name, point, port.kind, rank, is_input, wired, shown, tip)

    def port(self, address: str) -> PortPlace | None:
        """The port of that address."""
        return next((port for port in self.ports if port.address == address), None)

    @property
    def picture_key(self) -> str:
        """The address of what its picture shows; empty where it has none."""
        return f"{self.node_id}.{self.geometry.pictured}" if self.geometry.pictured else ""

    @property
    def category_token(self) -> str:
        """The colour of the node's category."""
        return colour_of(self.node)

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
        self.live.show_state(self.live.state._replace(**changes))

    def draw_ports(self, painter: QPainter) -> None:
        """The ports that are shown at rest."""
        for port in self.ports:
            if port.shown:
                draw_port(painter, port.point, port.kind, port.rank, port.wired)

    def paint_live(self, painter: QPainter, state: LiveState, zoom: float) -> None:
        """Paint what changes; the live layer calls this."""
        raise NotImplementedError


class NodeItem(Resting, DrawnNode):
    """A rectangular node: header, formula, fields, picture, value and gradient."""

    cached = False  # the backdrop keeps it as a picture
    live: RestingLive

    def __init__(self, node_id: str) -> None:
        self._sheet: tuple[float, Sheet] | None = None
        super().__init__(node_id)

    def make_live(self) -> RestingLive:
        """No layer of its own: the figures of all nodes are one item."""
        return RestingLive(self)

    def update(self, *area: Any) -> None:
        """Body and figures look different now."""
        self._sheet = None
        super().update(*area)

    def rewrite(self) -> None:
        """Only the figures look different now."""
        self._sheet = None
        scene: Any = self.scene()
        if scene is not None:
            scene.rewrite(self)

    def sheet(self, zoom: float) -> Sheet:
        """The figures, as they are written at a zoom."""
        if self._sheet is None or self._sheet[0] != zoom:
            self._sheet = zoom, self._written(zoom)
        return self._sheet[1]

    def _written(self, zoom: float) -> Sheet:
        state, geometry, flags = self.live.state, self.geometry, self.node.flags
        opacity = MUTED if "muted" in flags else 1.0
        if zoom >= LINES_FROM:
            sheet = Sheet(zoom, opacity)
            if geometry.rule:
                if state.strip is not None and geometry.picture is not None:
                    write_strip(sheet, geometry.picture, state.strip)
                write_lines(sheet, self)
            return sheet
        sheet, block = Sheet(1.0, opacity), Block(self, zoom)
        if state.strip is not None and block.picture.height() > 6:
            sheet.show(block.picture, state.strip)
        elif geometry.rule and not state.reason:
            block.write_numbers(sheet, state)
        return sheet

    def paint_resting(self, painter: QPainter) -> None:
        """Body, border, ports and marks: all but the figures. The painter's origin is the node's corner."""
        painter.save()
        self.paint(painter, None)  # type: ignore[arg-type]
        painter.restore()
        self.paint_live(painter, self.live.state, zoom_of(painter))

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """The body, which only an edit or the theme changes."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.node.flags & {"muted"}:
            painter.setOpacity(MUTED)
        rectangle = self.geometry.body
        if composite_of(self.node) is not None:  # it opens: there is something behind it
            painter.setPen(ink().pen("border_strong"))
            painter.setBrush(ink().colour("surface"))
            painter.drawRoundedRect(rectangle.adjusted(BEHIND, BEHIND, BEHIND, BEHIND), RADIUS, RADIUS)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ink().colour("raised"))
        painter.drawRoundedRect(rectangle, RADIUS, RADIUS)
        if chosen := known(self.node.colour):
            painter.setBrush(ink().colour(chosen, TINT))
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
            formula = self.node.kind.formula_with(self.node.properties)
            current_theme().mathematics(formula, FORMULA_SIZE).paint(painter, place.x(), place.y())
        for row in self.geometry.fields:
            draw_text(painter, row.rectangle, row.label, "body", "text2")
            if row.text is not None:
                painter.setPen(ink().pen("border"))
                painter.setBrush(ink().colour("canvas"))
                painter.drawRoundedRect(row.box, 4, 4)
                draw_text(painter, row.box.adjusted(8, 0, -4, 0), row.text, "number", "text")

    def paint_live(self, painter: QPainter, state: LiveState, zoom: float) -> None:
        """Border, ports and marks; numbers and pictures are figures."""
        flags = self.node.flags
        if "muted" in flags:
            painter.setOpacity(MUTED)
        draw_border(painter, self.geometry.body, RADIUS, state, flags)
        if "frozen" in flags:
            painter.fillRect(QRectF(0, 5, 3, self.geometry.size[1] - 10), ink().colour("c_data"))
        if zoom < LINES_FROM:
            self._paint_block(painter, state, zoom)
            return
        self.draw_ports(painter)  # over the border, which is live
        draw_corner(painter, self.geometry, state, flags)
        if self.geometry.rule:
            if state.strip is None and self.geometry.picture is not None:
                draw_empty_strip(painter, self.geometry.picture)
            draw_resting_lines(painter, self)
        if "bypassed" in flags:
            draw_bypass(painter, self)
        if state.lit is not None:
            draw_glow(painter, self, state.lit)
        if state.ringed is not None:
            draw_ringed(painter, self, state.ringed)

    def _paint_block(self, painter: QPainter, state: LiveState, zoom: float) -> None:
        block = Block(self, zoom)
        if state.reason and self.geometry.rule and (state.strip is None or block.picture.height() <= 6):
            block.paint_reason(painter, state.reason, zoom)
        block.paint_mark(painter, state, zoom)
        if zoom >= TEXT_FROM:
            self.draw_ports(painter)
        if state.lit is not None:
            draw_glow(painter, self, state.lit)
        if state.ringed is not None:
            draw_ringed(painter, self, state.ringed)
