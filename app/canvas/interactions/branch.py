"""A second wire from the same source: Shift, and a drag from a wire or from one of its dots."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF

from app.canvas.interactions.base import Modifiers
from app.canvas.interactions.pull import PullWire
from app.canvas.interactions.select import combined

if TYPE_CHECKING:
    from app.canvas.view import CanvasView


class Branch(PullWire):
    """Pulls a wire that is led over the same dots as far as where it begins; a mere click selects what was clicked."""

    def __init__(self, view: CanvasView, start: QPointF, name: str) -> None:
        self._name = name
        graph = view.canvas.graph
        if name in graph.dots:
            wire = next(wire for wire in graph.wires if name in wire.via)
            via = wire.via[: wire.via.index(name) + 1]
        else:
            drawn = view.canvas.wires[name]
            wire, via = drawn.wire, drawn.wire.via[: drawn.gap_at(start)]
        port = view.canvas.nodes[wire.source_node].port(wire.source)
        assert port is not None
        super().__init__(view, start, port, via)

    def move(self, point: QPointF, modifiers: Modifiers) -> None:
        """Lead the new wire to the mouse."""
        if self.travelled:
            super().move(point, modifiers)

    def release(self, point: QPointF, modifiers: Modifiers) -> None:
        """Drop the wire; without a drag the thing is added to the selection."""
        if self.travelled:
            super().release(point, modifiers)
            return
        self.cancel()
        self.editor.select(combined(self.editor.selection, {self._name}, modifiers))
