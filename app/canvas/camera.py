"""What part of the canvas is in view: zooming at a point, panning, fitting, and the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QTransform

if TYPE_CHECKING:
    from app.canvas.view import CanvasView

SMALLEST, LARGEST = 0.03, 4.0
MARGIN = 48.0
REMEMBERED = 20


class Camera:
    """Moves a view; nothing here is a step of the history."""

    def __init__(self, view: CanvasView) -> None:
        self._view = view
        self._visited: list[tuple[float, QPointF]] = []
        self._placed = False

    def resized(self) -> None:
        """The first time the canvas has a size, it shows the whole graph."""
        if not self._placed and self._view.viewport().width() > 120:
            self._placed = True
            self.fit(self._view.canvas.content_area(), remember=False)

    def fit(self, area: QRectF, remember: bool = True) -> None:
        """Show an area (scene pixels) with a margin, never larger than full size."""
        if remember:
            self._remember()
        if area.isNull():
            self._look(1.0, QPointF(0, 0))
            return
        port = self._view.viewport().rect()
        across = (port.width() - 2 * MARGIN) / max(area.width(), 1.0)
        down = (port.height() - 2 * MARGIN) / max(area.height(), 1.0)
        self._look(max(SMALLEST, min(1.0, across, down)), area.center())

    def centre_at(self, point: QPointF) -> None:
        """Bring a point to the middle."""
        self._remember()
        self._look(self._view.zoom, point)

    def back(self) -> None:
        """To what was in view before; again to come back."""
        if self._visited:
            zoom, centre = self._visited.pop()
            self._remember()
            self._look(zoom, centre)

    def zoom_at(self, position: QPointF, factor: float) -> None:
        """Zoom so that what is under a position of the viewport stays there."""
        zoom = max(SMALLEST, min(LARGEST, self._view.zoom * factor))
        under = self._scene_point(position)
        middle = QPointF(self._view.viewport().rect().center())
        self._look(zoom, under - (position - middle) / zoom)

    def pan_by(self, offset: QPointF) -> None:
        """Move what is in view by an offset of the scene."""
        self._look(self._view.zoom, self._centre() - offset)

    def _scene_point(self, position: QPointF) -> QPointF:
        # mapToScene takes whole pixels only: at a small zoom the point under the cursor would drift.
        inverted, _ = self._view.viewportTransform().inverted()
        return inverted.map(position)

    def _centre(self) -> QPointF:
        return self._scene_point(QPointF(self._view.viewport().rect().center()))

    def _remember(self) -> None:
        self._visited = [*self._visited[-REMEMBERED:], (self._view.zoom, self._centre())]

    def _look(self, zoom: float, centre: QPointF) -> None:
        view = self._view
        if zoom != view.zoom:
            view.setTransform(QTransform.fromScale(zoom, zoom))
        view.centerOn(centre)
        view.camera_moved()
