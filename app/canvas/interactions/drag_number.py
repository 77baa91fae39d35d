"""Numbers one may touch: weights on wires, values of parameters, fields; up or right is more, one step at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, Qt

from app.canvas.hits import LAYER_PARTS, Hit
from app.canvas.interactions.base import Interaction, Modifiers
from app.canvas.readings import scalar_of
from engine.nodes import Numbers, Whole
from engine.problems import ProblemError

if TYPE_CHECKING:
    from app.canvas.view import CanvasView

PER_PIXEL = 0.01  # how much a number changes for a pixel: a tenth of it with Shift, ten times with Ctrl
PIXELS_PER_WHOLE = 12.0


def rate(modifiers: Modifiers) -> float:
    """Change per pixel with these keys held."""
    if modifiers & Modifiers.ShiftModifier:
        return PER_PIXEL / 10
    return PER_PIXEL * 10 if modifiers & Modifiers.ControlModifier else PER_PIXEL


class DragNumber(Interaction):
    """Adds up what the mouse moved; subclasses say what becomes of it."""

    cursor = Qt.CursorShape.SizeAllCursor

    def __init__(self, view: CanvasView, start: QPointF) -> None:
        super().__init__(view, start)
        self._at, self._moved = start, 0.0

    def move(self, point: QPointF, modifiers: Modifiers) -> None:
        """Count the pixels upwards and to the right."""
        if not self.travelled:
            return
        pixels = (point.x() - self._at.x() + self._at.y() - point.y()) * self.view.zoom
        self._moved += pixels * rate(modifiers)
        self._at = point
        self.turned(self._moved)

    def turned(self, by: float) -> None:
        """The number is to be `by` more than at the start."""


class DragParameter(DragNumber):
    """A weight on a wire, or the value of a parameter node: live while it is dragged, one step at the release."""

    def __init__(
        self, view: CanvasView, start: QPointF, key: str, index: int, before: np.ndarray, name: str = ""
    ) -> None:
        super().__init__(view, start)
        self._name = name or key.replace(".", " · ")
        self._key, self._index, self._before = key, index, before
        self._after = before

    def turned(self, by: float) -> None:
        """Tell the runner, who answers with a snapshot."""
        self._after = self._before.copy()
        self._after.flat[self._index] += by
        self.view.show_hint(f"{self._name} = {self._after.flat[self._index]:.3f}")
        self.view.parameter_dragged.emit(self._key, self._after)

    def release(self, point: QPointF, modifiers: Modifiers) -> None:
        """One step; the value then has the focus for ↑ and ↓."""
        self.done = True
        self.view.show_hint("")
        self.view.focus_value(self._key, self._index)
        if self.travelled:
            self.editor.set_values({self._key: self._after}, {self._key: self._before})

    def cancel(self) -> None:
        """The value from before."""
        self.done = True
        self.view.show_hint("")
        if self.travelled and self.editor.exists(self._key.partition(".")[0]):
            self.view.parameter_dragged.emit(self._key, self._before)


class DragField(DragNumber):
    """A field of a node: an edit at every move, all one gesture; a click opens it for typing."""

    def __init__(self, view: CanvasView, start: QPointF, hit: Hit) -> None:
        super().__init__(view, start)
        assert hit.field is not None
        self._hit, self._name = hit, hit.field.name
        self._gesture = self.editor.new_gesture()
        node = self.scene.graph.nodes[hit.name]
        assert node.kind is not None
        self._property = node.kind.properties()[self._name]
        self._before = float(node.properties.get(self._name, self._property.default))
        self._steps = self.editor.stack.index()

    def turned(self, by: float) -> None:
        """Set the property; where its range ends, so does the drag."""
        if isinstance(self._property, Whole):
            value: float = round(self._before + by / PER_PIXEL / PIXELS_PER_WHOLE)
        else:
            value = self._before + by
        low, high = getattr(self._property, "low", -np.inf), getattr(self._property, "high", np.inf)
        value = min(max(value, low), high)
        try:
            self.editor.set_property(self._hit.name, self._name, value, self._gesture)
            if isinstance(self._property, Numbers):
                self.view.parameter_dragged.emit(f"{self._hit.name}.{self._name}", np.array(value))
        except ProblemError as error:
            self.view.tell(error)

    def release(self, point: QPointF, modifiers: Modifiers) -> None:
        """Done; a click types."""
        self.done = True
        self.editor.set_focus(f"{self._hit.name}.{self._name}")
        if not self.travelled:
            self.view.edit_field(self._hit.name, self._name)

    def cancel(self) -> None:
        """Take the gesture back."""
        self.done = True
        if self.editor.stack.index() > self._steps:
            self.editor.stack.undo()


def parameter_at(view: CanvasView, hit: Hit) -> tuple[str, int, np.ndarray] | None:
    """Key, index and array of the number under the mouse, if a snapshot has told it."""
    snapshot = view.canvas.numbers.snapshot
    if hit.kind in LAYER_PARTS:
        key, index = view.canvas.layers[hit.name].key_of(hit.kind), hit.index
    elif hit.kind == "weight":
        place = view.canvas.labels[hit.name].place
        key, index = place.key, place.start
    else:
        key, index = f"{hit.name}.value", 0
    reading = snapshot.parameters.get(key) if snapshot is not None else None
    if reading is None or reading.array is None or (hit.kind == "value" and scalar_of(reading) is None):
        return None
    return key, index, np.array(reading.array, float)
