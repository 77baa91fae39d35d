"""What part of the canvas is in view: zooming at a point, panning, fitting, and the way back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QEasingCurve, QPointF, QRectF, QVariantAnimation
from PySide6.QtGui import QTransform

if TYPE_CHECKING:
    from app.canvas.view import CanvasView

SMALLEST, LARGEST = 0.03, 4.0
MARGIN = 28.0
REMEMBERED = 20
WHOLE = 0.3  # zoom from which a graph is better seen whole: blocks have room for names and heat strips
READABLE = 0.46  # and from which a node has room for its name, its value and its gradient
MOST_READ = 100  # nodes: a larger graph is a map first
GLIDE_MS = 220


def _fitted(area: QRectF, room: QRectF) -> tuple[float, QPointF]:
    """Zoom and place of the scene's origin (pixels of the viewport) that show an area in the middle of a room."""
    zoom = min(1.0, room.width() / max(area.width(), 1.0), room.height() / max(area.height(), 1.0))
    zoom = max(SMALLEST, zoom)
    return zoom, room.center() - area.center() * zoom


def _outside(place: QRectF, room: QRectF) -> QPointF:
    """How far a place lies outside a room, across and down."""
    across = _beyond(place.left(), place.right(), room.left(), room.right())
    return QPointF(across, _beyond(place.top(), place.bottom(), room.top(), room.bottom()))


def _beyond(begin: float, end: float, low: float, high: float) -> float:
    """How far a stretch lies beyond another; of one that is too long its beginning counts."""
    return begin - low if begin < low or end - begin > high - low else max(0.0, end - high)


class Camera:
    """Moves a view; nothing here is a step of the history."""

    def __init__(self, view: CanvasView) -> None:
        self._view = view
        self._visited: list[tuple[float, QPointF]] = []
        self._placed = False
        self._shown: Callable[[], None] | None = None  # shows the same again; None once somebody has moved the camera
        self._gliding = QVariantAnimation(view, duration=GLIDE_MS)
        self._gliding.setEasingCurve(QEasingCurve.Type.OutCubic)
        self._gliding.valueChanged.connect(lambda centre: self._look(self._view.zoom, centre))
        self._path: tuple[str, ...] = ()
        self._left: dict[tuple[str, ...], tuple[float, QPointF]] = {}  # what was in view where somebody went on from

    def resized(self) -> None:
        """The first time the canvas has a size, it shows the graph."""
        if not self._placed and self._view.viewport().width() > 120:
            self._placed = True
            self.begin()

    def moved_to(self, path: tuple[str, ...]) -> None:
        """Another level is shown: what was in view when it was left, or as it is opened."""
        self._left[self._path], before = (self._view.zoom, self._centre()), self._path
        self._path, self._visited = path, []
        if path == before[: len(path)] and path in self._left:
            self._look(*self._left[path])
        else:
            self.begin()

    def begin(self) -> None:
        """Show a graph that was just opened: all of it, or its beginning where its blocks could not be told apart.

        What is selected, because a tour speaks of it, is in sight as well.
        """
        self.fit_all(remember=False)
        if self._view.zoom < WHOLE and len(self._view.canvas.nodes) <= MOST_READ:
            self._look(READABLE, self._beginning(READABLE))
            self.reveal(self._view.canvas.content_area(self._view.editor.selection))
        self._shown = self.begin

    def _beginning(self, zoom: float) -> QPointF:
        """The middle of what is seen from the left edge of the graph on, at the height of what stands there."""
        canvas, area = self._view.canvas, self._view.canvas.content_area()
        room = QRectF(self._view.viewport().rect()).size() / zoom
        area = area.adjusted(-MARGIN / zoom, -max(MARGIN, self._top) / zoom, MARGIN / zoom, MARGIN / zoom)
        first = min((canvas.area_of(name) for name in canvas.nodes), key=lambda each: each.left(), default=area)
        y = min(max(first.center().y(), area.top() + room.height() / 2), area.bottom() - room.height() / 2)
        return QPointF(
            area.left() + room.width() / 2 if area.width() > room.width() else area.center().x(),
            y if area.height() > room.height() else area.center().y(),
        )

    def fit_again(self) -> None:
        """Show the same once more after a change of size, where nobody has moved the camera since."""
        if self._shown is not None:
            self._shown()

    def fit_all(self, remember: bool = True) -> None:
        """Show the whole graph."""
        self.fit(self._view.canvas.content_area(), remember)
        self._shown = lambda: self.fit_all(remember=False)

    def reveal(self, area: QRectF, glide: bool = False) -> None:
        """Move just so far that an area of the scene is seen, and not below what lies in a corner."""
        zoom, port = self._view.zoom, QRectF(self._view.viewport().rect())
        place = self._view.viewportTransform().mapRect(area)
        if area.isNull() or (port.contains(place) and not self._meets_corner(place)):
            return
        room = port.adjusted(MARGIN, MARGIN, -MARGIN, -MARGIN)
        away = _outside(place, room)
        if self._meets_corner(place.translated(-away)):
            away = _outside(place, self._between_corners(room))
        centre = self._centre() + away / zoom
        if glide and not self._view.reduced_motion:
            self._gliding.stop()
            self._gliding.setStartValue(self._centre())
            self._gliding.setEndValue(centre)
            self._gliding.start()
        else:
            self._look(zoom, centre)

    def _meets_corner(self, place: QRectF) -> bool:
        return any(corner.intersects(place) for corner in self._view.corners())

    def _between_corners(self, room: QRectF) -> QRectF:
        """The room below what lies in the upper corners, and above what lies in the lower ones."""
        left = QRectF(room)
        for corner in self._view.corners():
            if corner.center().y() > room.center().y():
                left.setBottom(min(left.bottom(), corner.top() - MARGIN / 2))
            else:
                left.setTop(max(left.top(), corner.bottom() + MARGIN / 2))
        return left

    @property
    def _top(self) -> float:
        """Down to where a path above the canvas covers it; 0 where there is none."""
        path = self._view.breadcrumbs
        return 0.0 if path.isHidden() else path.place.bottom() + MARGIN / 2

    def fit(self, area: QRectF, remember: bool = True) -> None:
        """Show an area (scene pixels) with a margin, never larger than full size."""
        if remember:
            self._remember()
        if area.isNull():
            self._look(1.0, QPointF(0, 0))
            return
        port = QRectF(self._view.viewport().rect()).adjusted(MARGIN, MARGIN, -MARGIN, -MARGIN)
        covers = self._view.corners()
        below = port.adjusted(0, max(0.0, self._top - port.top()), 0, 0)
        above = (0.0, 0.0, 0.0, -max((cover.height() for cover in covers), default=0.0))
        beside = (0.0, 0.0, -max((cover.width() for cover in covers), default=0.0), 0.0)
        rooms = [each.adjusted(*less) for each in (below, port) for less in ((0.0,) * 4, above, beside)]
        looks = [_fitted(area, room) for room in rooms]
        clear = [look for look in looks if not self._is_covered(area, look, covers)] or looks[:1]
        zoom, origin = max(clear, key=lambda look: look[0])
        middle = QPointF(self._view.viewport().rect().center())
        self._look(zoom, (middle - origin) / zoom)

    def _is_covered(self, area: QRectF, look: tuple[float, QPointF], covers: Sequence[QRectF]) -> bool:
        """Whether a corner widget would lie over something drawn."""
        zoom, origin = look
        on_scene = [QRectF((cover.topLeft() - origin) / zoom, cover.size() / zoom) & area for cover in covers]
        return bool(self._view.canvas.areas.within([part for part in on_scene if not part.isEmpty()]))

    @property
    def place(self) -> tuple[float, QPointF]:
        """Zoom, and what of the scene is in the middle."""
        return self._view.zoom, self._centre()

    def look_at(self, zoom: float, centre: QPointF) -> None:
        """Jump to a place."""
        self._remember()
        self._look(max(SMALLEST, min(LARGEST, zoom)), centre)

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
        view, self._shown = self._view, None
        if zoom != view.zoom:
            view.setTransform(QTransform.fromScale(zoom, zoom))
        view.centerOn(centre)
        view.camera_moved()
