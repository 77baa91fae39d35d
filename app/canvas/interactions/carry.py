"""Moving all wires of a port to another one: Ctrl, and a drag from the port."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QPainterPath

from app.canvas.hits import port_at
from app.canvas.ink import ink
from app.canvas.interactions.base import Interaction, Modifiers
from app.canvas.node_item import PortPlace
from app.canvas.routes import loose_path

if TYPE_CHECKING:
    from app.canvas.view import CanvasView


class CarryWires(Interaction):
    """Holds one end of all wires of a port; dropped on a port of the same side they belong to that, in one step."""

    cursor = Qt.CursorShape.CrossCursor
    needs_sight = True

    def __init__(self, view: CanvasView, start: QPointF, port: PortPlace) -> None:
        super().__init__(view, start)
        self._port = port
        self._wires = [
            item for item in self.scene.wires.values() if port.address in (item.wire.source, item.wire.target)
        ]
        self._line = self.scene.addPath(QPainterPath(), ink().pen(f"k_{port.kind}", 1.0))
        self._line.setZValue(90)
        for item in self._wires:
            item.show_as(faded=True)

    def move(self, point: QPointF, modifiers: Modifiers) -> None:
        """Lead all of them to the mouse."""
        path = QPainterPath()
        for item in self._wires:
            begin, end = item.path.pointAtPercent(0), item.path.pointAtPercent(1)
            ends = (begin, point) if self._port.is_input else (point, end)
            path.addPath(loose_path(*ends, self.scene.wire_style))
        self._line.setPath(path)

    def release(self, point: QPointF, modifiers: Modifiers) -> None:
        """Move them; elsewhere than on a port of that side nothing happens."""
        port = port_at(self.scene, point, self.view.zoom)
        self.cancel()
        if port is not None and port.is_input == self._port.is_input and port.address != self._port.address:
            self.editor.move_wires(self._port.address, port.address)

    def cancel(self) -> None:
        """They stay."""
        self.scene.removeItem(self._line)
        for item in self._wires:
            item.show_as(faded=False)
        self.done = True
