"""All that rests on the canvas as one picture of the viewport: a frame copies it, and only edits paint on it.

Panning moves the picture and paints the strips that come into view; nodes are painted there from pictures of their own.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from math import ceil, floor
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPixmap, QRegion, QTransform

from app.canvas.figures import Stack, on_pixel, paint_figures

if TYPE_CHECKING:
    from PySide6.QtWidgets import QGraphicsView

    from app.canvas.node_item import NodeItem
    from app.canvas.resting_scene import RestingScene

FEW_PIECES = 2  # the strips that panning brings into view
MOST_PIECES = 32  # separate places that are painted anew one by one; of more, the rectangle around them is
MOST_REMEMBERED = 1024  # changes since the last frame; after more, all is painted anew
SPRITES_BYTES = 160 * 2**20  # bodies of about eight hundred nodes in their own size


class Sprites:
    """Pictures of nodes at rest, by node; the oldest go where there are too many."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[tuple, QPixmap, QPointF]] = OrderedDict()
        self._bytes = 0

    def paint(self, painter: QPainter, items: Iterable[NodeItem]) -> None:
        """Paint nodes on whole pixels; the painter's transform is that of a view."""
        transform, ratio = painter.worldTransform(), painter.device().devicePixelRatio()
        painter.setWorldTransform(QTransform.fromTranslate(transform.dx(), transform.dy()))
        for item in items:
            self._paint(painter, item, transform.m11(), ratio)
        painter.setWorldTransform(transform)

    def _paint(self, painter: QPainter, item: NodeItem, zoom: float, ratio: float) -> None:
        key = (id(item), item.version, zoom, ratio)
        found = self._kept.get(item.node_id)
        if found is None or found[0] != key:
            found = (key, *_drawn(item, zoom, ratio))
            self._keep(item.node_id, found)
        else:
            self._kept.move_to_end(item.node_id)
        place = item.pos()
        corner = QPointF(on_pixel(place.x() * zoom, ratio), on_pixel(place.y() * zoom, ratio)) + found[2]
        painter.drawPixmap(corner, found[1])

    def _keep(self, name: str, entry: tuple[tuple, QPixmap, QPointF]) -> None:
        self._bytes += _size(entry[1]) - (_size(self._kept[name][1]) if name in self._kept else 0)
        self._kept[name] = entry
        self._kept.move_to_end(name)
        while self._bytes > SPRITES_BYTES and len(self._kept) > 1:
            _, (_, gone, _) = self._kept.popitem(last=False)
            self._bytes -= _size(gone)


def _drawn(item: NodeItem, zoom: float, ratio: float) -> tuple[QPixmap, QPointF]:
    """The picture of a node, and where its corner is from the node's, in pixels of the screen."""
    area = item.boundingRect()
    left, top = floor(area.left() * zoom), floor(area.top() * zoom)
    width, height = ceil(area.right() * zoom) - left, ceil(area.bottom() * zoom) - top
    pixmap = QPixmap(QSize(ceil(width * ratio), ceil(height * ratio)))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setTransform(QTransform(zoom, 0, 0, zoom, -left, -top))
    item.paint_resting(painter)
    painter.end()
    return pixmap, QPointF(left, top)


def _size(pixmap: QPixmap) -> int:
    return 4 * pixmap.width() * pixmap.height()


class Backdrop:
    """The pictures of one view: what rests, and the same with the figures written on it.

    It follows the view by itself; `disturb` and `rewrite` tell it what has changed.
    """

    def __init__(self, view: QGraphicsView, scene: RestingScene) -> None:
        self._view, self._scene = view, scene
        self._rest, self._written = QPixmap(), QPixmap()
        self._transform = QTransform()
        self._disturbed: list[QRectF] = []  # areas of the scene
        self._rewritten: set[str] = set()  # nodes
        self._asked = QRect()  # what of the viewport is to be painted on their behalf
        self._stack: tuple[tuple, Stack] | None = None
        self._blank = True  # nothing on them is worth keeping
        self._sprites = Sprites()

    def disturb(self, area: QRectF) -> None:
        """What rests in an area of the scene has changed: paint it anew at the next frame."""
        if self._blank or (place := self._on_view(area)).isEmpty():
            return
        self._disturbed.append(area)
        if len(self._disturbed) > MOST_REMEMBERED:
            self.forget()
        else:
            self._view.viewport().update(place)

    def rewrite(self, item: NodeItem) -> None:
        """Only the figures of a node have changed: write them anew at the next frame."""
        if self._blank or item.node_id in self._rewritten:
            return
        place = self._on_view(item.geometry.body.translated(item.pos()))
        if place.isEmpty():
            return
        self._rewritten.add(item.node_id)
        if not self._asked.contains(place):
            # One rectangle around all of them: a frame clipped to dozens costs more than it saves.
            self._asked = self._asked.united(place)
            self._view.viewport().update(self._asked)

    def forget(self) -> None:
        """Paint everything anew at the next frame."""
        self._blank = True
        self._view.viewport().update()

    def paint(self, painter: QPainter) -> None:
        """Bring the pictures up to date and copy; the painter is the view's own."""
        pieces = self._follow()
        # One by one where they are few: Qt paints a line as far as the rectangle around all that is not clipped away.
        for part in [[piece] for piece in pieces] if len(pieces) <= FEW_PIECES else [pieces]:
            self._repair(part)
            self._write(part)
        if self._rewritten:
            self._write_nodes(self._rewritten)
        self._disturbed, self._rewritten, self._asked = [], set(), QRect()
        painter.save()
        painter.resetTransform()
        painter.drawPixmap(0, 0, self._written)
        painter.restore()

    def _on_view(self, area: QRectF) -> QRect:
        place = self._view.viewportTransform().mapRect(area).toAlignedRect().adjusted(-1, -1, 1, 1)
        return place & self._view.viewport().rect()

    def _follow(self) -> list[QRect]:
        """Be where the view is; where what rests has to be painted, in pixels of the viewport."""
        viewport, transform = self._view.viewport(), self._view.viewportTransform()
        ratio, room = viewport.devicePixelRatioF(), viewport.rect()
        before, self._transform = self._transform, transform
        if self._rest.size() != room.size() * ratio or self._rest.devicePixelRatio() != ratio:
            self._rest, self._written = _sheet_of(room.size(), ratio), _sheet_of(room.size(), ratio)
            self._blank = True
        shift = QPointF(transform.dx() - before.dx(), transform.dy() - before.dy())
        pixels = QPoint(round(shift.x() * ratio), round(shift.y() * ratio))
        is_whole = (QPointF(pixels) - shift * ratio).manhattanLength() < 1e-6
        if self._blank or transform.m11() != before.m11() or not is_whole:
            self._blank, self._rewritten = False, set()
            return [room]
        pieces = [place for area in self._disturbed if not (place := self._on_view(area)).isEmpty()]
        if not pixels.isNull():
            pieces += self._scrolled(room, shift.toPoint(), pixels)
        return _joined(pieces)

    def _scrolled(self, room: QRect, shift: QPoint, pixels: QPoint) -> list[QRect]:
        """Move the pictures along; the strips that have come into view."""
        kept = room & room.translated(shift)
        if kept.isEmpty():
            return [room]
        for picture in (self._rest, self._written):
            picture.scroll(pixels.x(), pixels.y(), picture.rect())
        strips = []
        if shift.x():
            left = kept.right() + 1 if shift.x() < 0 else room.left()
            strips.append(QRect(left - 1, room.top(), abs(shift.x()) + 2, room.height()) & room)
        if shift.y():
            top = kept.bottom() + 1 if shift.y() < 0 else room.top()
            strips.append(QRect(room.left(), top - 1, room.width(), abs(shift.y()) + 2) & room)
        return strips

    def _repair(self, pieces: list[QRect]) -> None:
        painter = QPainter(self._rest)
        _clip(painter, pieces)
        painter.setTransform(self._transform)
        self._scene.paint_resting(painter, self._areas(pieces), self._sprites)
        painter.end()

    def _write(self, pieces: list[QRect]) -> None:
        """Copy what rests in some places, and write the figures on it."""
        painter = QPainter(self._written)
        _clip(painter, pieces)
        painter.drawPixmap(0, 0, self._rest)
        if self._scene.detailed:
            items = self._scene.resting_within(self._areas(pieces), edge=0.0)
            self._paint_figures(painter, items)
        painter.end()

    def _write_nodes(self, names: set[str]) -> None:
        """Copy some nodes at rest, and write their figures: these never leave the body."""
        painter, ratio = QPainter(self._written), self._rest.devicePixelRatio()
        items = self._in_view().with_neighbours(names)
        for item in items:
            place = self._on_view(item.geometry.body.translated(item.pos()))
            painter.drawPixmap(
                place, self._rest, QRectF(QPointF(place.topLeft()) * ratio, place.size() * ratio).toRect()
            )
        self._paint_figures(painter, items)
        painter.end()

    def _paint_figures(self, painter: QPainter, items: list[NodeItem]) -> None:
        painter.setTransform(self._transform)
        paint_figures(painter, items, self._in_view(), self._transform.m11(), self._rest.devicePixelRatio())

    def _in_view(self) -> Stack:
        """The nodes in view, sorted out once for as long as nothing moves."""
        key = (self._transform, self._view.viewport().size(), self._scene.areas.version)
        if self._stack is None or self._stack[0] != key:
            areas = self._areas([self._view.viewport().rect()])
            self._stack = key, Stack(self._scene.resting_within(areas, edge=0.0))
        return self._stack[1]

    def _areas(self, pieces: list[QRect]) -> list[QRectF]:
        inverted, _ = self._transform.inverted()
        return [inverted.mapRect(QRectF(piece)) for piece in pieces]


def _sheet_of(size: QSize, ratio: float) -> QPixmap:
    pixmap = QPixmap(size * ratio)
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.black)  # without alpha: copying is twice as fast
    return pixmap


def _clip(painter: QPainter, pieces: list[QRect]) -> None:
    if len(pieces) == 1:
        painter.setClipRect(pieces[0])
        return
    region = QRegion()
    for piece in pieces:
        region += piece
    painter.setClipRegion(region)


def _joined(pieces: list[QRect]) -> list[QRect]:
    """The pieces, or the rectangle around them where they are many."""
    if len(pieces) <= MOST_PIECES:
        return pieces
    around = QRect()
    for piece in pieces:
        around = around.united(piece)
    return [around]
