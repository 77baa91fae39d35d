"""Node types dropped from the palette: placed where they fall, inserted where they fall on a wire."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QMimeData, QPointF, Qt

from app.canvas.hits import wire_at
from app.canvas.making_room import make_room_for

if TYPE_CHECKING:
    from app.canvas.gesture_view import GestureView

MIME = "application/x-chainrule-node"
REACH = 10.0  # pixels on screen


class DropHand:
    """What is held over the canvas; Alt forbids inserting."""

    def __init__(self, view: GestureView) -> None:
        self._view = view
        self._wire: str | None = None

    def enter(self, data: QMimeData) -> bool:
        """Whether a known node type is held."""
        return _type_in(data) in self._view.editor.placeable

    def move(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        """Light the wire beneath."""
        wire = wire_at(self._view.canvas, point, REACH / self._view.zoom)
        self._light(None if modifiers & Qt.KeyboardModifier.AltModifier else wire)

    def leave(self) -> None:
        """Nothing is held any more."""
        self._light(None)

    def drop(self, data: QMimeData, point: QPointF) -> None:
        """Add the node around the point, into the lit wire if there is one."""
        wire, name = self._wire, _type_in(data)
        self.leave()
        source, _, target = (wire or "").partition(">")
        place = (round(point.x() - 60), round(point.y() - 20))
        node = self._view.editor.add_node(name, place, source or None, target or None)
        self._view.editor.select([node])
        if wire is not None:
            make_room_for(self._view.whole, node)

    def _light(self, wire: str | None) -> None:
        if wire != self._wire:
            for name in (self._wire, wire):
                if name in self._view.canvas.wires:
                    self._view.canvas.wires[name].show_as(selected=name == wire)
            self._wire = wire


def _type_in(data: QMimeData) -> str:
    return bytes(data.data(MIME).data()).decode("ascii", "replace")
