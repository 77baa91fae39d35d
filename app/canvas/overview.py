"""The whole graph from afar: below a quarter of full size every node is a filled rectangle, many drawn in one call."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from app.canvas.ink import ink
from app.canvas.live import zoom_of

if TYPE_CHECKING:
    from app.canvas.resting_scene import RestingScene

SHORTEST = 4.0  # pixels on screen: shorter wires are dropped
SHARE = 0.8  # of the colour of a node, on the canvas


class Overview(QGraphicsItem):
    """Rectangles by category and straight wires for the backdrop; the item itself paints what stands out over them."""

    def __init__(self, scene: RestingScene) -> None:
        super().__init__()
        self._scene = scene
        self._lit: dict[str, str] = {}  # nodes that stand out, and their colour
        self.setZValue(20)
        self.setVisible(False)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)

    def relight(self, names: Iterable[str] | None = None) -> None:
        """Faults, the step of now and the selection may have changed: anywhere, or of some nodes."""
        if not self.isVisible():
            return
        scene, before = self._scene, dict(self._lit)
        for name in {*scene.nodes.made, *scene.selected, *before} if names is None else names:
            self._lit.pop(name, None)
            if name in scene.nodes and (token := self._token(name)):
                self._lit[name] = token
        if before != self._lit:
            self.update()

    def boundingRect(self) -> QRectF:
        """Anywhere: it need not follow every move."""
        return self._scene.sceneRect()

    def shape(self) -> QPainterPath:
        """Nothing for the mouse."""
        return QPainterPath()

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """The nodes that stand out, over what the backdrop has of them."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        bodies = self._scene.bodies(list(self._lit))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ink().colour("canvas"))
        painter.drawRects(bodies)
        by_token: dict[str, list[QRectF]] = defaultdict(list)
        for token, body in zip(self._lit.values(), bodies, strict=True):
            by_token[token].append(body)
        for token, those in by_token.items():
            painter.setBrush(ink().colour(token, SHARE))
            painter.drawRects(those)

    def paint_resting(self, painter: QPainter, areas: Sequence[QRectF]) -> None:
        """One call for the wires and one a category, as far as they touch some areas."""
        scene = self._scene
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        shortest = SHORTEST / max(zoom_of(painter), 1e-6)
        painter.setPen(ink().pen("border_strong", 1.0, alpha=0.6))
        painter.drawLines([QLineF(*ends) for ends in scene.runs.chords(areas, shortest).tolist()])
        rectangles: dict[str, list[QRectF]] = defaultdict(list)
        names, colours = scene.areas.within(areas), scene.nodes.colours
        for name, body in zip(names, scene.bodies(names), strict=True):
            rectangles[colours[name]].append(body)
        painter.setPen(Qt.PenStyle.NoPen)
        for token, those in rectangles.items():
            painter.setBrush(ink().colour(token, SHARE))
            painter.drawRects(those)

    def _token(self, name: str) -> str:
        """The colour in which a node stands out; empty where it does not."""
        item = self._scene.nodes.made.get(name)
        if item is None:
            return "accent" if name in self._scene.selected else ""
        state = item.live.state
        if state.reason or state.born:
            return "error"
        return state.phase or ("accent" if state.selected else "")
