"""Moving the selection: Shift locks the axis, guides snap, a drop on a wire inserts (Alt forbids), a shake takes out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtWidgets import QGraphicsLineItem

from app.canvas.hits import wire_at
from app.canvas.ink import ink
from app.canvas.interactions.base import Interaction, Modifiers
from app.canvas.interactions.select import combined
from app.canvas.interactions.shaking import Shaking
from app.canvas.making_room import make_room_for
from app.canvas.resting_scene import GRID
from app.editor.commands.arrangement import with_content
from engine.problems import ProblemError

if TYPE_CHECKING:
    from app.canvas.view import CanvasView

LEAST = 1e-6  # pixels: a guide that meets the old place leaves a rest of rounding, which is no step
SNAP = 5.0  # pixels on screen within which an edge or centre is met


class Move(Interaction):
    """Carries what is selected; the document is edited once, at the release."""

    cursor = Qt.CursorShape.ClosedHandCursor

    def __init__(self, view: CanvasView, start: QPointF, name: str, modifiers: Modifiers) -> None:
        super().__init__(view, start)
        self._name, self._pressed_selection = name, self.editor.selection
        self._modifiers = modifiers
        if name not in self._pressed_selection:
            self.editor.select(combined(self._pressed_selection, {name}, modifiers))
        self._carried = with_content(self.scene.graph, self.editor.selection or {name})
        self._area = self.scene.content_area(self._carried)
        self._offset = QPointF()
        self._guides: list[QGraphicsLineItem] = []
        self._wire: str | None = None
        self._shaking = Shaking(start * view.zoom)

    def move(self, point: QPointF, modifiers: Modifiers) -> None:
        """Show the things where they would be dropped."""
        if not self.travelled or not self.editor.selection:
            return
        offset = point - self.start
        if modifiers & Modifiers.ShiftModifier:
            offset = QPointF(offset.x(), 0) if abs(offset.x()) >= abs(offset.y()) else QPointF(0, offset.y())
        self._offset = self._snapped(offset, modifiers)
        self.scene.displace(self._carried, self._offset)
        self._shaking.note(point * self.view.zoom)
        if self._is_taken_out:
            self.scene.preview("doomed", [wire.wire_id for wire in self.scene.wires_at(self._name)])
        self._aim(modifiers)

    @property
    def _is_taken_out(self) -> bool:
        """Whether one node was shaken, and leaves its wires behind."""
        return self._shaking.is_shaken and self._name in self.scene.nodes and len(self._carried) == 1

    def _snapped(self, offset: QPointF, modifiers: Modifiers) -> QPointF:
        self._clear_guides()
        if self.view.snap_to_grid:
            corner = self._area.topLeft() + offset
            return QPointF(round(corner.x() / GRID) * GRID, round(corner.y() / GRID) * GRID) - self._area.topLeft()
        if modifiers & (Modifiers.ShiftModifier | Modifiers.AltModifier):
            return offset
        area = self._area.translated(offset)
        across = self._nearest([area.left(), area.center().x(), area.right()], vertical=True)
        down = self._nearest([area.top(), area.center().y(), area.bottom()], vertical=False)
        return offset + QPointF(across, down)

    def _nearest(self, places: list[float], vertical: bool) -> float:
        """How far to the nearest edge or centre of a neighbour in view; a guide is drawn there."""
        reach, visible = SNAP / self.view.zoom, self.view.visible_area()
        neighbours = [name for name in self.scene.areas.within([visible]) if name not in self._carried]
        if not neighbours:
            return 0.0
        low, high = self.scene.areas.of_all(neighbours)[:, 0 if vertical else 1 :: 2].T
        edges = np.stack([low, (low + high) / 2, high], axis=1)
        gaps = edges - np.array(places)
        best = int(np.abs(gaps).argmin())
        if abs(gap := float(gaps.flat[best])) > reach:
            return 0.0
        self._draw_guide(float(edges.flat[best]), vertical, visible)
        return gap

    def _draw_guide(self, place: float, vertical: bool, visible: QRectF) -> None:
        line = (
            QLineF(place, visible.top(), place, visible.bottom())
            if vertical
            else QLineF(visible.left(), place, visible.right(), place)
        )
        guide = self.scene.addLine(line, ink().pen("accent", 1.0, Qt.PenStyle.DotLine))
        guide.setZValue(100)
        self._guides.append(guide)

    def _clear_guides(self) -> None:
        for guide in self._guides:
            self.scene.removeItem(guide)
        self._guides = []

    def _aim(self, modifiers: Modifiers) -> None:
        """Light the wire into which the node would be inserted."""
        wire = None
        free = self._name in self.scene.nodes and not self.scene.wires_at(self._name)
        if free and len(self._carried) == 1 and not modifiers & Modifiers.AltModifier:
            wire = wire_at(self.scene, self.scene.area_of(self._name).center(), 12.0)
        if wire != self._wire:
            for name in (self._wire, wire):
                if name in self.scene.wires:
                    self.scene.wires[name].show_as(selected=name == wire)
            self._wire = wire

    def release(self, point: QPointF, modifiers: Modifiers) -> None:
        """One edit: insert, or move; a click without travel settles the selection."""
        self._clear_guides()
        self.done = True
        if not self.travelled:
            if self._name in self._pressed_selection:
                self.editor.select(combined(self._pressed_selection, {self._name}, self._modifiers))
            return
        if self._is_taken_out and self.scene.wires_at(self._name):
            self.scene.preview("doomed", ())
            self.editor.take_out(self._name, (self._offset.x(), self._offset.y()))
            return
        if self._wire is not None and self._inserted():
            return
        if self._offset.manhattanLength() < LEAST:
            self.scene.displace(self._carried, QPointF())
        else:
            self.editor.move(self._carried, self._offset.x(), self._offset.y())

    def _inserted(self) -> bool:
        source, _, target = str(self._wire).partition(">")
        self.scene.wires[str(self._wire)].show_as(selected=False)
        try:
            self.editor.insert_node(self._name, source, target, (self._offset.x(), self._offset.y()))
            make_room_for(self.view, self._name)
        except ProblemError as error:
            self.view.tell(error)
            return False
        return True

    def cancel(self) -> None:
        """Everything goes back."""
        self._clear_guides()
        self.scene.preview("doomed", ())
        if self._wire in self.scene.wires:
            self.scene.wires[str(self._wire)].show_as(selected=False)
        self.scene.displace(self._carried, QPointF())
        self.editor.select(self._pressed_selection)
        self.done = True
