"""The part of a scene that rests: where everything is, and how it is painted; views keep pictures of it."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache

from PySide6.QtCore import QObject, QPointF, QRect, QRectF
from PySide6.QtGui import QPainter, QPolygonF
from PySide6.QtWidgets import QGraphicsScene

from app.canvas.annotations import FrameItem, NoteItem
from app.canvas.backdrop import Backdrop, Sprites
from app.canvas.dots import DrawnDot
from app.canvas.drawn_nodes import DrawnNodes
from app.canvas.figures import Stack, paint_figures
from app.canvas.ink import ink
from app.canvas.live import HALO, zoom_of
from app.canvas.node_item import DrawnNode, NodeItem
from app.canvas.overview import Overview
from app.canvas.places import Areas, Runs
from app.canvas.resting import paint_at_rest
from app.canvas.wire_item import WireItem, paint_wires

GRID = 24.0
MOST_APART = 100  # areas: of more, whoever paints would only join them again


def reach_of(area: QRectF) -> QRectF:
    """The rectangle of a node with its halo and its ports."""
    return area.adjusted(-HALO - 4, -HALO - 2, HALO + 4, HALO + 2)


@lru_cache(maxsize=32)
def _dots(across: int, down: int, step: float) -> QPolygonF:
    return QPolygonF([QPointF(x * step, y * step) for x in range(across) for y in range(down)])


def _paint_touching(painter: QPainter, items: Iterable[FrameItem | NoteItem], areas: Sequence[QRectF]) -> None:
    for item in items:
        if any(item.sceneBoundingRect().intersects(area) for area in areas):
            paint_at_rest(painter, item)


class RestingScene(QGraphicsScene):
    """Nodes, wires, frames and notes with their places; whoever changes them says where."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.nodes = DrawnNodes(self.make_item)
        self.wires: dict[str, WireItem] = {}
        self.frames: dict[str, FrameItem] = {}
        self.notes: dict[str, NoteItem] = {}
        self.dots: dict[str, DrawnDot] = {}
        self.areas, self.runs = Areas(), Runs()  # of nodes and of wires
        self.selected: set[str] = set()
        self.has_grid = True
        self.hides_wires = False  # but those that are pointed at, selected or part of the step
        self.detailed = True
        self.overview = Overview(self)
        self._is_building = False

    @contextmanager
    def building(self) -> Iterator[None]:
        """All is painted anew anyway, and none of the many objects that are made is garbage yet."""
        collects, self._is_building = gc.isenabled(), True
        gc.disable()
        try:
            yield
        finally:
            self._is_building = False
            if collects:
                gc.enable()

    def make_item(self, name: str) -> DrawnNode:
        """The item of a node that somebody asks for the first time."""
        raise NotImplementedError

    def body_of(self, name: str) -> QRectF:
        """The rectangle of a node (for circles: that of the circle) on the scene."""
        return self.nodes.geometries[name].body.translated(*self.areas.corner(name))

    def bodies(self, names: Sequence[str]) -> list[QRectF]:
        """The rectangles of many nodes."""
        geometries = self.nodes.geometries
        corners = zip(names, self.areas.corners(names), strict=True)
        return [geometries[name].body.translated(x, y) for name, (x, y) in corners]

    def seen(self) -> list[str]:
        """The nodes in view; all of them while nobody looks."""
        views = self.views()
        if not views:
            return list(self.nodes)
        return self.areas.within([views[0].mapToScene(views[0].viewport().rect()).boundingRect()])

    def resting_within(self, areas: Iterable[QRectF], edge: float = HALO + 4) -> list[NodeItem]:
        """The nodes that the backdrop paints, with an edge, and that touch some areas; the undermost first."""
        found = self.areas.within([area.adjusted(-edge, -edge, edge, edge) for area in areas])
        return [item for name in found if isinstance(item := self.nodes[name], NodeItem)]

    @property
    def backdrops(self) -> list[Backdrop]:
        """The pictures that the views keep of what rests."""
        return [view.backdrop for view in self.views()]  # type: ignore[attr-defined]  # views are GestureViews

    def forget_pictures(self) -> None:
        """All that rests looks different now."""
        for backdrop in () if self._is_building else self.backdrops:
            backdrop.forget()

    def disturb(self, area: QRectF) -> None:
        """What rests within an area looks different now."""
        for backdrop in () if self._is_building else self.backdrops:
            backdrop.disturb(area)

    def disturb_all(self, areas: Sequence[QRectF]) -> None:
        """What rests within many areas looks different now: of too many, all is painted anew."""
        if len(areas) > MOST_APART:
            self.forget_pictures()
            return
        for area in areas:
            self.disturb(area)

    def disturb_wire(self, wire: WireItem) -> None:
        """A wire looks different now."""
        if not self._is_building:
            self.disturb(wire.boundingRect())

    def rewrite(self, item: NodeItem) -> None:
        """The figures of a node have changed; from afar there are none."""
        for backdrop in self.backdrops if self.detailed else ():
            backdrop.rewrite(item)

    def drawBackground(self, painter: QPainter, rectangle: QRectF | QRect) -> None:
        """All that rests, painted straight: a picture of the scene is drawn. A view copies its backdrop instead."""
        painter.save()
        self.paint_resting(painter, [QRectF(rectangle)])
        if self.detailed:
            items = self.resting_within([QRectF(rectangle)])
            paint_figures(painter, items, Stack(items), zoom_of(painter), painter.device().devicePixelRatio())
        painter.restore()

    def paint_resting(self, painter: QPainter, areas: Sequence[QRectF], sprites: Sprites | None = None) -> None:
        """Ground, frames, wires, notes and nodes, as far as they touch some areas; nodes from sprites, where given."""
        for area in areas:
            painter.fillRect(area, ink().colour("canvas"))
            if self.has_grid:
                self._paint_grid(painter, area)
        _paint_touching(painter, self.frames.values(), areas)
        if self.detailed:
            self._paint_wires(painter, areas)
        _paint_touching(painter, self.notes.values(), areas)
        if not self.detailed:
            self.overview.paint_resting(painter, areas)
        elif sprites is not None:
            sprites.paint(painter, self.resting_within(areas))
        else:
            for item in self.resting_within(areas):
                painter.save()
                painter.translate(item.pos())
                item.paint_resting(painter)
                painter.restore()

    def _paint_wires(self, painter: QPainter, areas: Sequence[QRectF]) -> None:
        wires = [self.wires[name] for name in self.runs.within(areas)]
        paint_wires(painter, [wire for wire in wires if wire.stands_out or not self.hides_wires], areas)
        for dot in () if self.hides_wires else self.dots.values():
            if any(dot.reach.intersects(area) for area in areas):
                dot.paint(painter)

    def _paint_grid(self, painter: QPainter, rectangle: QRectF) -> None:
        """Dots, thinned as one zooms out."""
        zoom = painter.worldTransform().m11()
        step = GRID
        while step * zoom < 16:
            step *= 2
        left, top = int(rectangle.left() // step) - 1, int(rectangle.top() // step) - 1
        right, bottom = int(rectangle.right() // step) + 2, int(rectangle.bottom() // step) + 2
        painter.setPen(ink().pen("grid", 2.0))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.translate(left * step, top * step)
        painter.drawPoints(_dots(right - left, bottom - top, step))
        painter.translate(-left * step, -top * step)
