"""A look at what passes a port, without wiring anything: held V shows value and gradient beside the mouse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel

from app.theme import current_theme
from app.theme.numbers import NOT_COMPUTED, number_text

if TYPE_CHECKING:
    from app.canvas.scene import CanvasScene
    from app.canvas.view import CanvasView

MOST_ROWS, MOST_COLUMNS = 6, 6  # of an array that are written out


def readings_at(scene: CanvasScene, address: str) -> tuple[Any, Any]:
    """Value and gradient of what comes out of a port, or in at it, as last shown; None where there is none."""
    snapshot = scene.numbers.snapshot
    if snapshot is None:
        return None, None
    wires = scene.graph.wires_into(*address.split(".", 1))
    source = wires[-1].source if wires else address
    value = snapshot.values.get(source, snapshot.parameters.get(address))
    return value, snapshot.gradients.get(source, snapshot.gradients.get(address))


def range_words(scene: CanvasScene, address: str) -> str:
    """Between which numbers a port's value lies now; empty before anything was computed."""
    reading = readings_at(scene, address)[0]
    if reading is None or reading.state == "absent":
        return ""
    low, high = number_text(reading.minimum), number_text(reading.maximum)
    return f"now {low}" if low == high else f"now from {low} to {high}"


class Peek(QFrame):
    """Shape, value and gradient of one port; it never takes the mouse."""

    def __init__(self, view: CanvasView) -> None:
        super().__init__(view)
        self._view = view
        self.setObjectName("peek")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        grid = QGridLayout(self)
        grid.setContentsMargins(12, 8, 12, 10)
        grid.setHorizontalSpacing(20)
        self.head, self.value, self.gradient = QLabel(self), QLabel(self), QLabel(self)
        grid.addWidget(self.head, 0, 0, 1, 2)
        top = Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft
        grid.addWidget(self.value, 1, 0, top)
        grid.addWidget(self.gradient, 1, 1, top)
        for label in (self.value, self.gradient):
            label.setFont(current_theme().font("number"))
        self.hide()

    def look_at(self, address: str, place: QPoint) -> None:
        """Show a port beside a place of the view; an empty address hides it."""
        if not address:
            self.hide()
            return
        value, gradient = readings_at(self._view.canvas, address)
        self._dress()
        shape = f"  ({', '.join(map(str, value.shape))})" if value is not None else ""
        self.head.setText(f"{address.replace('.', ' · ')}{shape}")
        self.value.setText(f"value\n{written(value)}")
        self.gradient.setText(f"gradient\n{written(gradient)}")
        self.adjustSize()
        x = min(place.x() + 18, self._view.width() - self.width() - 4)
        below = place.y() + 18
        y = below if below + self.height() < self._view.height() else place.y() - 18 - self.height()
        self.move(max(4, x), max(4, y))
        self.show()
        self.raise_()

    def _dress(self) -> None:
        palette = current_theme().palette
        self.setStyleSheet(
            f"#peek {{ background: {palette.raised}; border: 1px solid {palette.border_strong}; border-radius: 8px; }}"
            "#peek QLabel { background: transparent; }"
        )
        for label, token in ((self.head, "text"), (self.value, "forward"), (self.gradient, "backward")):
            label.setStyleSheet(f"color: {getattr(palette, token)}")


def written(reading: Any) -> str:
    """The numbers of a reading, or the first of many with their extremes."""
    if reading is None or reading.state == "absent" or reading.array is None:
        return NOT_COMPUTED
    array = np.asarray(reading.array)
    rows = array.reshape(-1, array.shape[-1]) if array.ndim else array.reshape(1, 1)
    lines = ["  ".join([number_text(float(n)) for n in row[:MOST_COLUMNS]]) for row in rows[:MOST_ROWS]]
    if rows.shape[1] > MOST_COLUMNS:
        lines = [f"{line}  …" for line in lines]
    if len(rows) > MOST_ROWS:
        lines.append("…")
    if array.size > 1:
        lines.append(f"{number_text(reading.minimum)} … {number_text(reading.maximum)}")
    return "\n".join(lines)
