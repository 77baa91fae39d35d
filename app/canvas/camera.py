"""What part of the canvas is in view: zooming at a point, panning, fitting, and the way back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QTransform

if TYPE_CHECKING:
    from app.canvas.view import CanvasView

SMALLEST, LARGEST = 0.03, 4.0
MARGIN = 28.0
REMEMBERED = 20


def _fitted(area: QRectF, room: QRectF) -> tuple[float, QPointF]:
    """Zoom and place of the scene's origin (pixels of the viewport) that show an area in the middle of a room."""
    zoom = min(1.0, room.width() / max(area.width(), 1.0), room.height() / max(area.height(), 1.0))
    zoom = max(SMALLEST, zoom)
    return zoom, room.center() - area.center() * zoom


class Camera:
    """Moves a view; nothing here is a step of the history."""

    def __init__(self, view: CanvasView) -> None:
        self._view = view
        self._visited: list[tuple[float, QPointF]] = []
        self._placed = False
        self._shows_all = False  # everything was fitted in, and nothing has moved the camera since
        self._path: tuple[str, ...] = ()
        self._left: dict[tuple[str, ...], tuple[float, QPointF]] = {}  # what was in view where somebody went on from

    def resized(self) -> None:
        """The first time the canvas has a size, it shows the whole graph."""
        if not self._placed and self._view.viewport().width() > 120:
            self._placed = True
            self.fit_all(remember=False)

    def moved_to(self, path: tuple[str, ...]) -> None:
        """Another level is shown: what was in view when it was left, or all of it."""
        self._left[self._path], before = (self._view.zoom, self._centre()), self._path
        self._path, self._visited = path, []
        if path == before[: len(path)] and path in self._left:
            self._look(*self._left[path])
        else:
            self.fit_all(remember=False)

    def fit_again(self) -> None:
        """Show everything once more after a change of size, where everything was shown and nobody has moved since."""
        if self._shows_all:
            self.fit_all(remember=False)

    def fit_all(self, remember: bool = True) -> None:
        """Show the whole graph."""
        self.fit(self._view.canvas.content_area(), remember)
        self._shows_all = True

    def fit(self, area: QRectF, remember: bool = True) -> None:
        """Show an area (scene pixels) with a margin, never larger than full size."""
        if remember:
            self._remember()
        if area.isNull():
            self._look(1.0, QPointF(0, 0))
            return
        port = QRectF(self._view.viewport().rect()).adjusted(MARGIN, MARGIN, -MARGIN, -MARGIN)
        covers = [QRectF(widget.geometry()) for widget in self._view.corner_widgets()]
        above = port.adjusted(0, 0, 0, -max((cover.height() for cover in covers), default=0.0))
        beside = port.adjusted(0, 0, -max((cover.width() for cover in covers), default=0.0), 0)
        looks = [_fitted(area, room) for room in (port, above, beside)]
        clear = [look for look in looks if not self._is_covered(area, look, covers)] or looks[:1]
        zoom, origin = max(clear, key=lambda look: look[0])
        middle = QPointF(self._view.viewport().rect().center())
        self._look(zoom, (middle - origin) / zoom)

    def _is_covered(self, area: QRectF, look: tuple[float, QPointF], covers: Sequence[QRectF]) -> bool:
        """Whether a corner widget would lie over something drawn."""
        zoom, origin = look
        on_scene = [QRectF((cover.topLeft() - origin) / zoom, cover.size() / zoom) & area for cover in covers]
        return bool(self._view.canvas.areas.within([part for part in on_scene if not part.isEmpty()]))

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
        view, self._shows_all = self._view, False
        if zoom != view.zoom:
            view.setTransform(QTransform.fromScale(zoom, zoom))
        view.centerOn(centre)
        view.camera_moved()
