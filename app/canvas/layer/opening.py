"""Opening layers into their neurons and closing them: one step, with the room that this takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF

from app.canvas.geometry import measure
from app.canvas.layer.plan import followers, is_layer, is_opened, room_for_lines
from app.canvas.layer.room import close_gap, make_room
from app.canvas.wiring import Wiring
from engine.problems import Problem, ProblemError

if TYPE_CHECKING:
    from app.canvas.scene import CanvasScene
    from app.canvas.view import CanvasView
    from engine.graph import Graph

READABLE = 0.6  # zoom from which the numbers of neurons can be read
Place = tuple[float, float]


def open_or_close(view: CanvasView, names: Iterable[str]) -> None:
    """Open the layers among these nodes, or close them where all are open. Raises `ProblemError` where there is none."""
    graph = view.canvas.graph
    layers = [name for name in names if is_layer(graph.nodes[name])]
    if not layers:
        raise ProblemError(Problem("only a layer opens into neurons", "Select a dense layer.", kind="selection"))
    opens = not all(is_opened(graph.nodes[name]) for name in layers)
    layers = [name for name in layers if is_opened(graph.nodes[name]) != opens]
    _Opening(view.canvas, layers, opens).play()
    if opens:
        area = view.canvas.content_area(layers)
        if view.zoom < READABLE or not view.visible_area().contains(area):
            view.camera.fit(area)


class _Opening:
    """Works out where everything goes when layers take their other size, from left to right."""

    def __init__(self, scene: CanvasScene, layers: list[str], opens: bool) -> None:
        self._scene, self._layers, self._opens = scene, layers, opens
        self._graph: Graph = scene.graph.copy()
        for name in layers:
            node = self._graph.nodes[name]
            flags = (node.flags - {"collapsed"}) | {"opened"} if opens else node.flags - {"opened"}
            self._graph.nodes[name] = replace(node, flags=flags)
        self._wiring = Wiring(self._graph)
        self._areas = {name: scene.area_of(name) for name in (*scene.nodes, *scene.notes)}
        self._start = dict(self._areas)

    def play(self) -> None:
        """Make the edit, and remember who gave way, so that closing lets everybody return."""
        affected = set(self._layers) | followers(self._wiring, self._layers)
        for name in sorted(affected, key=lambda name: self._areas[name].left()):
            self._resize(name)
        if not self._opens:
            self._return_pushed()
        places = {
            name: _corner(area) for name, area in self._areas.items() if area.topLeft() != self._start[name].topLeft()
        }
        if self._opens:
            pushed = {name: (self._corner_of(name), place) for name, place in places.items()}
            self._scene.layers.made_room[frozenset(self._layers)] = pushed
        self._scene.editor.set_flag(self._layers, "opened", self._opens, places)

    def _corner_of(self, name: str) -> Place:
        return _corner(self._start[name])

    def _resize(self, name: str) -> None:
        """Give one layer its new size: the port that values come in by keeps its height, all else makes room."""
        before = self._areas[name]
        old, new = (
            self._scene.nodes.geometries[name],
            measure(self._wiring, self._graph.nodes[name], self._scene.editor.shapes),
        )
        left = before.left() if name in self._layers else before.right() - new.size[0]
        top = before.top() + old.inputs["x"].y() - new.inputs["x"].y()
        plan = new.layer
        if plan is not None and plan.before:
            left = max(left, self._areas[plan.before].right() + room_for_lines(plan.shape))
        after = QRectF(round(left), round(top), *new.size)
        for other, offset in make_room(self._areas, name, after).items():
            self._areas[other] = self._areas[other].translated(offset)
        self._areas[name] = after

    def _return_pushed(self) -> None:
        """Let those return that gave way at the opening and still stand there, unless somebody took their place."""
        memory = self._scene.layers.made_room
        pushed = memory.pop(frozenset(self._layers), None)
        for layers in [layers for layers in memory if layers & set(self._layers)]:
            del memory[layers]
        if pushed is None:  # opened in another session, or together with others
            for name in self._layers:
                for other, offset in close_gap(self._areas, name, self._start[name]).items():
                    self._areas[other] = self._areas[other].translated(offset)
            return
        returned = dict(self._areas)
        for name, (place, away) in pushed.items():
            if name in returned and _corner(self._start[name]) == away:
                returned[name] = QRectF(QPointF(*place), returned[name].size())
        if not _overlaps(returned, set(pushed) | set(self._layers)):
            self._areas = returned


def _corner(area: QRectF) -> Place:
    return area.left(), area.top()


def _overlaps(areas: Mapping[str, QRectF], moved: set[str]) -> bool:
    """Whether one of those that moved lies over anything."""
    return any(
        areas[name].intersects(area)
        for name in moved
        if name in areas
        for other, area in areas.items()
        if other != name
    )
