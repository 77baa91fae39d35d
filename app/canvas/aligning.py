"""Setting nodes in line: edges, centres, equal gaps, and wires that run straight. Every one of them is one step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF
from PySide6.QtWidgets import QMenu

from engine.problems import Problem, ProblemError

if TYPE_CHECKING:
    from app.canvas.view import CanvasView

Place = tuple[float, float]
WAYS = {
    "left": "Align &left edges", "centre": "Align &centres in a column", "right": "Align &right edges",
    "top": "Align &top edges", "middle": "Align &middles in a row", "bottom": "Align &bottom edges",
    "across": "Equal gaps &across", "down": "Equal gaps &down",
}  # fmt: skip


def aligned(areas: Mapping[str, QRectF], way: str) -> dict[str, Place]:
    """The upper left corners of nodes once they stand in line; whatever they are lined up by stays within bounds."""
    if way in ("across", "down"):
        return _spread(areas, way == "across")
    around = QRectF()
    for area in areas.values():
        around = around.united(area)
    found = {}
    for name, area in areas.items():
        moved = QRectF(area)
        if way == "left":
            moved.moveLeft(around.left())
        elif way == "right":
            moved.moveRight(around.right())
        elif way == "centre":
            moved.moveLeft(around.center().x() - area.width() / 2)
        elif way == "top":
            moved.moveTop(around.top())
        elif way == "bottom":
            moved.moveBottom(around.bottom())
        else:
            moved.moveTop(around.center().y() - area.height() / 2)
        found[name] = (moved.left(), moved.top())
    return found


def _spread(areas: Mapping[str, QRectF], is_across: bool) -> dict[str, Place]:
    """The first and the last stay; between all of them is the same gap."""
    sizes = {name: area.width() if is_across else area.height() for name, area in areas.items()}
    begins = {name: area.left() if is_across else area.top() for name, area in areas.items()}
    order = sorted(areas, key=lambda name: begins[name])
    end = begins[order[-1]] + sizes[order[-1]]
    gap = (end - begins[order[0]] - sum(sizes.values())) / max(1, len(order) - 1)
    found, at = {}, begins[order[0]]
    for name in order:
        area = areas[name]
        found[name] = (at, area.top()) if is_across else (area.left(), at)
        at += sizes[name] + gap
    return found


def align(view: CanvasView, way: str) -> None:
    """Set the selected nodes in line; pinned ones stay. Raises `ProblemError` where there are not two."""
    least = 3 if way in ("across", "down") else 2
    areas = {name: view.canvas.area_of(name) for name in _movable(view)}
    if len(areas) < least:
        raise ProblemError(Problem(f"this takes {least} nodes", "Select more of them.", kind="selection"))
    view.editor.place(aligned(areas, way), WAYS[way].replace("&", ""))


def straighten(view: CanvasView) -> None:
    """Move selected nodes up or down until wires among them run straight: of each the first one, to one node from each."""
    scene, chosen = view.canvas, set(_movable(view))
    tops = {name: scene.area_of(name).top() for name in scene.graph.nodes if name in view.editor.selection}
    before = dict(tops)
    used: set[str] = set()
    for name in scene.graph.in_order()[0]:
        wires = scene.wiring.wires_into(name) if name in chosen else []
        wire = next((wire for wire in wires if wire.source_node in tops.keys() - used), None)
        if wire is None:
            continue
        used.add(wire.source_node)
        leaves = scene.nodes.geometries[wire.source_node].departures.get(wire.source_port)
        arrives = scene.nodes.geometries[name].arrivals.get(wire.target_port)
        if leaves is not None and arrives is not None:
            tops[name] = tops[wire.source_node] + leaves[1] - arrives[1]
    if not used:
        raise ProblemError(Problem("no wire joins these nodes", "Select nodes that are wired.", kind="selection"))
    moved = {name: (scene.area_of(name).left(), top) for name, top in tops.items() if top != before[name]}
    view.editor.place(moved, "Straighten wires")


def open_alignments(view: CanvasView) -> None:
    """Ask how the selection is to stand in line; a letter or a click chooses."""
    from app.canvas.actions import attempt

    view.menu = menu = QMenu(view)
    for way, text in WAYS.items():
        action = menu.addAction(text)
        action.triggered.connect(lambda _=False, way=way: attempt(view, lambda v: align(v, way)))
        action.setEnabled(len(_movable(view)) >= (3 if way in ("across", "down") else 2))
        if way in ("right", "bottom"):
            menu.addSeparator()
    menu.popup(view.viewport().mapToGlobal(view.mapFromScene(view.cursor_point())))


def _movable(view: CanvasView) -> list[str]:
    nodes = view.canvas.graph.nodes
    return [name for name in nodes if name in view.editor.selection and "pinned" not in nodes[name].flags]
