"""The numbers and pictures that change while the graph runs: those of many nodes are written together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPixmap, QTransform

from app.canvas.ink import font, ink, metrics, width_of

if TYPE_CHECKING:
    from app.canvas.node_item import NodeItem
    from app.canvas.readings import Strip

GAP_FROM = 5.0  # pixels: cells of a strip as large as this stand apart


class Text(NamedTuple):
    """A line of text: the left end of its baseline, and the place it takes."""

    role: str
    token: str
    text: str
    x: float
    baseline: float
    place: QRectF


class Sheet:
    """What one node shows, in its own pixels (or in the screen's: `scale` is the zoom at which it is painted)."""

    def __init__(self, scale: float, opacity: float) -> None:
        self.scale, self.opacity = scale, opacity
        self.texts: list[Text] = []
        self.strips: list[tuple[QRectF, Strip]] = []
        self.others: list[tuple[QRectF, Callable[[QPainter], None]]] = []

    def write(self, place: QRectF, text: str, role: str, token: str, align: str = "left") -> None:
        """One line of text in a rectangle, in the middle of its height."""
        wide, (ascent, height) = width_of(text, role), _heights(role)
        spare = place.width() - wide
        x = place.x() + (0.0 if align == "left" else spare if align == "right" else spare / 2)
        top = place.y() + (place.height() - height) / 2
        self.texts.append(Text(role, token, text, x, top + ascent, QRectF(x, top, wide, height)))

    def show(self, place: QRectF, strip: Strip) -> None:
        """The cells of a strip."""
        self.strips.append((QRectF(place.topLeft(), QSizeF(strip.breadth * place.width(), place.height())), strip))

    def draw(self, place: QRectF, paint: Callable[[QPainter], None]) -> None:
        """Anything else that changes with the numbers."""
        self.others.append((place, paint))


@lru_cache(maxsize=32)
def _heights(role: str) -> tuple[float, float]:
    return metrics(role).ascent(), metrics(role).height()


class Stack:
    """Nodes that rest, the undermost first, and which of them lie over others."""

    def __init__(self, items: Sequence[NodeItem]) -> None:
        self.items = items
        bodies = [item.geometry.body.translated(item.pos()) for item in items]
        boxes = np.array([(b.left(), b.top(), b.right(), b.bottom()) for b in bodies]).reshape(-1, 4)
        left, top, right, bottom = boxes.T
        meets = (left[:, None] < right) & (left < right[:, None]) & (top[:, None] < bottom) & (top < bottom[:, None])
        self._pairs: list[list[int]] = np.argwhere(np.triu(meets, 1)).tolist()  # under, over
        self.covers: dict[str, list[QRectF]] = {}  # by node: the bodies that lie over it, on the scene
        for under, over in self._pairs:
            self.covers.setdefault(items[under].node_id, []).append(bodies[over])

    def with_neighbours(self, names: Collection[str]) -> list[NodeItem]:
        """Those nodes, all that overlap them, all that overlap those and so on: what is written as one."""
        chosen = np.array([item.node_id in names for item in self.items], bool)
        count = -1
        while count != (count := int(chosen.sum())) and self._pairs:
            for under, over in self._pairs:
                if chosen[under] or chosen[over]:
                    chosen[under] = chosen[over] = True
        return [item for item, wanted in zip(self.items, chosen, strict=True) if wanted]


def paint_figures(painter: QPainter, items: Iterable[NodeItem], stack: Stack, zoom: float, ratio: float) -> None:
    """The figures of some nodes of a stack; what is covered stays hidden."""
    hand = _Hand(painter, zoom, ratio)
    for item in items:
        hand.take(item, stack.covers.get(item.node_id, ()))
    hand.finish()


class _Hand:
    """Paints sheets; the painter's transform is that of the view. All places here are in pixels of the screen."""

    def __init__(self, painter: QPainter, zoom: float, ratio: float) -> None:
        self._painter, self._zoom, self._ratio = painter, zoom, ratio
        self._base = painter.worldTransform()
        self._lines: dict[tuple[float, float, str, str], list[tuple[float, float, str]]] = defaultdict(list)
        self._use(1.0)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def take(self, item: NodeItem, covers: Iterable[QRectF]) -> None:
        """Paint the pictures of a node, and keep its texts to be written with others of their kind."""
        sheet, zoom, place = item.sheet(self._zoom), self._zoom, item.pos()
        x, y = on_pixel(place.x() * zoom, self._ratio), on_pixel(place.y() * zoom, self._ratio)
        hidden = [_scaled(cover, zoom) for cover in covers]
        scale, opacity = sheet.scale, sheet.opacity
        self._painter.setOpacity(opacity)
        for area, strip in sheet.strips:
            area = _scaled(area, scale).translated(x, y)
            self._show(area, hidden, lambda area=area, strip=strip: self._draw_strip(area, strip))  # type: ignore[misc]
        for area, paint in sheet.others:
            area = _scaled(area, scale).translated(x, y)
            self._show(area, hidden, lambda paint=paint: self._draw_other(paint, x, y, scale))  # type: ignore[misc]
        for text in sheet.texts:
            line = (text.x + x / scale, text.baseline + y / scale, text.text)
            area = _scaled(text.place, scale).translated(x, y) if hidden else text.place
            if hidden and any(area.intersects(cover) for cover in hidden):
                self._show(area, hidden, lambda text=text, line=line: self._write(text, [line], scale))  # type: ignore[misc]
            else:
                self._lines[scale, opacity, text.role, text.token].append(line)

    def finish(self) -> None:
        """Write the texts that were kept."""
        painter = self._painter
        used = 1.0
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for (scale, opacity, role, token), lines in self._lines.items():
            if scale != used:
                self._use(scale)
                used = scale
            painter.setOpacity(opacity)
            painter.setFont(font(role))
            painter.setPen(ink().colour(token))
            write = painter.drawText
            for x, y, text in lines:
                write(QPointF(x, y), text)

    def _use(self, scale: float) -> None:
        self._painter.setWorldTransform(QTransform(scale, 0, 0, scale, self._base.dx(), self._base.dy()))

    def _show(self, area: QRectF, hidden: list[QRectF], paint: Callable[[], None]) -> None:
        """Paint what of an area no other node covers."""
        seen = visible_part(area, hidden)
        if seen is area:
            paint()
        elif seen is not None:
            self._painter.save()
            if isinstance(seen, QRectF):
                self._painter.setClipRect(seen, Qt.ClipOperation.IntersectClip)
            else:
                self._painter.setClipPath(seen, Qt.ClipOperation.IntersectClip)
            paint()
            self._painter.restore()

    def _write(self, text: Text, lines: list[tuple[float, float, str]], scale: float) -> None:
        self._use(scale)
        self._painter.setFont(font(text.role))
        self._painter.setPen(ink().colour(text.token))
        for x, y, words in lines:
            self._painter.drawText(QPointF(x, y), words)
        self._use(1.0)

    def _draw_other(self, paint: Callable[[QPainter], None], x: float, y: float, scale: float) -> None:
        painter = self._painter
        painter.save()
        painter.translate(x, y)
        painter.scale(scale, scale)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint(painter)
        painter.restore()

    def _draw_strip(self, area: QRectF, strip: Strip) -> None:
        ratio, image = self._ratio, strip.image
        left, top = on_pixel(area.left(), ratio), on_pixel(area.top(), ratio)
        right, bottom = on_pixel(area.right(), ratio), on_pixel(area.bottom(), ratio)
        size = (round((right - left) * ratio), round((bottom - top) * ratio))
        # Where a pixel holds several cells their mean is shown, not one of them.
        is_fine = image.width() > size[0] or image.height() > size[1]
        self._painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, is_fine)
        self._painter.drawImage(QRectF(left, top, right - left, bottom - top), image)
        gaps = _gaps(size, (image.width(), image.height()), ink().colour("raised").rgba(), ratio)
        if gaps is not None:
            self._painter.drawPixmap(QPointF(left, top), gaps)


def on_pixel(place: float, ratio: float) -> float:
    """The nearest whole pixel of the device, in pixels of the screen."""
    return round(place * ratio) / ratio


def _scaled(area: QRectF, scale: float) -> QRectF:
    return QRectF(area.x() * scale, area.y() * scale, area.width() * scale, area.height() * scale)


def visible_part(area: QRectF, covers: Iterable[QRectF]) -> QRectF | QPainterPath | None:
    """What of an area is not covered: the area itself, a part of it, or None."""
    seen, odd = area, []
    for cover in covers:
        if not cover.intersects(seen):
            continue
        if cover.contains(seen):
            return None
        if cover.left() > seen.left() or cover.right() < seen.right():
            odd.append(cover)
        elif cover.top() <= seen.top():
            seen = QRectF(seen.left(), cover.bottom(), seen.width(), seen.bottom() - cover.bottom())
        elif cover.bottom() >= seen.bottom():
            seen = QRectF(seen.left(), seen.top(), seen.width(), cover.top() - seen.top())
        else:
            odd.append(cover)
    if not odd:
        return seen
    path = QPainterPath()
    path.addRect(seen)
    for cover in odd:
        taken = QPainterPath()
        taken.addRect(cover)
        path = path.subtracted(taken)
    return path


@lru_cache(maxsize=256)
def _gaps(size: tuple[int, int], cells: tuple[int, int], colour: int, ratio: float) -> QPixmap | None:
    """The lines between the cells of a strip that takes `size` pixels of the device; None where cells are too small."""
    steps = [pixels / count for pixels, count in zip(size, cells, strict=True)]
    apart = [step >= GAP_FROM * ratio for step in steps]
    if not any(apart) or not all(size):
        return None
    pixmap = QPixmap(*size)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    thick = max(1, round(ratio))
    for at in range(1, cells[0]) if apart[0] else ():
        painter.fillRect(int(steps[0] * at), 0, thick, size[1], QColor.fromRgba(colour))
    for at in range(1, cells[1]) if apart[1] else ():
        painter.fillRect(0, int(steps[1] * at), size[0], thick, QColor.fromRgba(colour))
    painter.end()
    pixmap.setDevicePixelRatio(ratio)
    return pixmap
