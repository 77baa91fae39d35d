"""The canvas without a mouse: focus walks along wires and over ports, arrows change the focused value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSizeF

from app.canvas.interactions.pull import PullWire
from engine.problems import ProblemError

if TYPE_CHECKING:
    from app.canvas.node_item import PortPlace
    from app.canvas.view import CanvasView

USUAL, APART, GAP = QSizeF(240, 160), 72.0, 24.0  # pixels: of a node, and what stays free beside it and below others
SEARCH_ABOVE = 20.0  # pixels by which a node stands above the point that was searched at
STEP = 0.1  # what ↑ and ↓ change a number by; a tenth of it with Shift, ten times with Ctrl


class KeyboardHand:
    """Which port has the keyboard's focus, and what the keys do with it."""

    def __init__(self, view: CanvasView) -> None:
        self._view = view
        self.port: str | None = None

    @property
    def node(self) -> str | None:
        """The one selected node."""
        nodes = [name for name in self._view.editor.selection if name in self._view.canvas.nodes]
        return nodes[0] if len(nodes) == 1 else None

    def current_port(self) -> PortPlace | None:
        """The focused port, while its node is the selected one."""
        item = self._view.canvas.nodes.get(self.node or "")
        return item.port(self.port) if item is not None and self.port is not None else None

    def next_port(self, by: int = 1) -> None:
        """Walk on to the next port of the selected node."""
        item = self._view.canvas.nodes[self.node or ""]
        addresses = [port.address for port in item.ports]
        if addresses:
            at = addresses.index(self.port) + by if self.port in addresses else (0 if by > 0 else -1)
            self.port = addresses[at % len(addresses)]
            self._view.show_port_focus()

    def walk(self, across: int, down: int) -> None:
        """Select the node at the other end of a wire (left, right), or the nearest above or below."""
        canvas, node = self._view.canvas, self.node
        if node is None:
            first = next(iter(canvas.nodes), None)
            self._view.editor.select([first] if first else [])
            return
        if across:
            wires = canvas.graph.wires_out_of(node) if across > 0 else canvas.graph.wires_into(node)
            candidates = [wire.target_node if across > 0 else wire.source_node for wire in wires]
        else:
            candidates = [name for name in canvas.nodes if name != node]
        here = canvas.area_of(node).center()
        places = {name: canvas.area_of(name).center() - here for name in candidates if name in canvas.nodes}
        if down:
            places = {name: away for name, away in places.items() if away.y() * down > 0}
        if places:
            weight = (lambda p: abs(p.x()) * 2 + abs(p.y())) if down else (lambda p: abs(p.y()))
            self._view.editor.select([min(places, key=lambda name: weight(places[name]))])
            self.port = None
            self._view.bring_into_view()

    def add_node(self) -> None:
        """Ask which node to add: one for the port that has the focus, beside its node, or any where the mouse is."""
        port = self.current_port()
        if port is None:
            self._view.open_search(self._view.cursor_point())
            return
        area = self._view.canvas.area_of(port.address.partition(".")[0])
        left = area.left() - APART - USUAL.width() if port.is_input else area.right() + APART
        ends = {"wire_to" if port.is_input else "wire_from": port.address}
        self._view.open_search(self._free_place(QRectF(QPointF(left, area.top()), USUAL)), **ends)

    def _free_place(self, area: QRectF) -> QPointF:
        """The first place from an area downwards where it covers no node, as `open_search` takes it."""
        while covered := self._view.canvas.areas.within([area]):
            area.moveTop(max(self._view.canvas.area_of(name).bottom() for name in covered) + GAP)
        return area.topLeft() + QPointF(0, SEARCH_ABOVE)

    def begin_wire(self) -> bool:
        """Enter on a port takes a wire into the hand; Enter on a second one connects them. False: no port has the focus."""
        port = self.current_port()
        if port is None:
            return False
        place = self._place(port)
        mode = self._view.mode
        if isinstance(mode, PullWire):
            mode.press(place, self._view.no_modifiers)
            self._view.settle_mode()
        else:
            self._view.begin(PullWire(self._view, place, port))
            self._view.mode.release(place, self._view.no_modifiers)
        return True

    def _place(self, port: PortPlace) -> QPointF:
        return self._view.canvas.nodes[port.address.partition(".")[0]].pos() + port.point

    def turn(self, by: float) -> bool:
        """Change the focused value by so many steps. False: no value has the focus."""
        address = self._view.editor.focus
        if address is None:
            return False
        node_id, _, name = address.partition(".")
        node = self._view.canvas.graph.nodes.get(node_id)
        known = node.kind.properties() if node is not None and node.kind is not None else {}
        try:
            if node is not None and name in known:
                whole = not known[name].is_number and isinstance(known[name].default, int)
                value = node.properties.get(name, known[name].default)
                self._view.editor.set_property(node_id, name, value + (np.sign(by) if whole else by * STEP))
            else:
                self._turn_parameter(address, by * STEP)
        except (ProblemError, TypeError) as error:
            self._view.tell(error)
        return True

    def _turn_parameter(self, key: str, by: float) -> None:
        snapshot = self._view.canvas.numbers.snapshot
        reading = snapshot.parameters.get(key) if snapshot is not None else None
        if reading is None or reading.array is None:
            return
        before = np.array(reading.array, float)
        after = before.copy()
        after.flat[min(self._view.canvas.numbers.focus_index, after.size - 1)] += by
        self._view.parameter_dragged.emit(key, after)
        self._view.editor.set_values({key: after}, {key: before})
