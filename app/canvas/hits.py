"""What lies under the mouse: handles before ports, ports before nodes, nodes before dots, dots before wires."""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF

from app.canvas.block import LINES_FROM
from app.canvas.geometry import HEADER
from app.canvas.node_item import DrawnNode, PortPlace
from app.canvas.ports import CATCH
from app.canvas.wire_item import PICK

if TYPE_CHECKING:
    from app.canvas.geometry import FieldRow
    from app.canvas.scene import CanvasScene

DOT_CATCH = 9.0  # pixels on screen
INNER_CATCH = 9.0  # inside its own node a port reaches less far, so that the body can be grabbed beside it


@dataclass(frozen=True)
class Hit:
    """What lies at a point.

    kind    weight, port, fold, field, value, node, note, dot, wire, frame, empty; of an opened layer also line, bias, feature
    name    id, address or `source>target`
    index   which weight, neuron or feature of an opened layer
    """

    kind: str
    name: str = ""
    port: PortPlace | None = None
    field: FieldRow | None = None
    index: int = -1


EMPTY = Hit("empty")
LAYER_PARTS = ("line", "bias", "feature")  # of a layer that is opened


def hit_at(scene: CanvasScene, point: QPointF, zoom: float) -> Hit:
    """The uppermost thing at a point of the scene."""
    if not scene.detailed:
        return next((Hit("node", name) for name in scene.areas.within([_around(point, 0)])), EMPTY)
    for name, label in scene.labels.items():
        if label.place.count == 1 and label.sceneBoundingRect().contains(point):
            return Hit("weight", name)
    node = node_at(scene, point)
    if (port := port_at(scene, point, zoom, node)) is not None:
        return Hit("port", port.address, port)
    if (part := layer_part_at(scene, point, zoom, node)) is not None:
        return part
    if node is not None:
        return _part_of(node, point, zoom)
    for name, note in scene.notes.items():
        if note.area.contains(point):
            return Hit("note", name)
    if (dot := dot_at(scene, point, DOT_CATCH / zoom)) is not None:
        return Hit("dot", dot)
    if (wire := wire_at(scene, point, PICK / zoom)) is not None:
        return Hit("wire", wire)
    return next((Hit("frame", name) for name, item in scene.frames.items() if item.title_area.contains(point)), EMPTY)


def _around(point: QPointF, reach: float) -> QRectF:
    return QRectF(point.x() - reach, point.y() - reach, 2 * reach, 2 * reach)


def node_at(scene: CanvasScene, point: QPointF) -> DrawnNode | None:
    """The node whose body holds a point."""
    found = [scene.nodes[name] for name in scene.areas.within([_around(point, 0)])]
    hit = [item for item in found if item.shape().contains(point - item.pos())]
    # Of those at one height, the one that came last lies over the others.
    return max(reversed(hit), key=DrawnNode.zValue, default=None)


def port_at(scene: CanvasScene, point: QPointF, zoom: float, inside: DrawnNode | None = None) -> PortPlace | None:
    """The nearest port within the catch radius, which is measured on the screen."""
    best, nearest = None, CATCH / zoom
    for item in reversed([scene.nodes[name] for name in scene.areas.within([_around(point, CATCH / zoom)])]):
        for port in item.ports:
            place = item.pos() + port.point
            away = hypot(place.x() - point.x(), place.y() - point.y())
            if item is inside:
                away *= CATCH / INNER_CATCH
            if away < nearest:
                best, nearest = port, away
    return best


def layer_part_at(scene: CanvasScene, point: QPointF, zoom: float, inside: DrawnNode | None) -> Hit | None:
    """The weight, neuron or feature of an opened layer; under another node and in a header there is none."""
    if inside is not None and (inside.geometry.layer is None or point.y() - inside.pos().y() < HEADER):
        return None
    for name, layer in scene.layers.items():
        if (part := layer.part_at(point, PICK / zoom, zoom)) is not None:
            return Hit(part[0], name, index=part[1])
    return None


def _part_of(item: DrawnNode, point: QPointF, zoom: float) -> Hit:
    place, geometry, name = point - item.pos(), item.geometry, item.node_id
    if geometry.circle is not None or (
        zoom < LINES_FROM and geometry.layer is None
    ):  # a block shows neither fields nor the chevron that folds
        return Hit("node", name)
    if geometry.fold.contains(place):
        return Hit("fold", name)
    for row in geometry.fields:
        if row.text is not None and row.box.contains(place):
            return Hit("field", name, field=row)
    if item.node.type == "parameter" and geometry.rule and geometry.value_line.contains(place):
        return Hit("value", name)
    return Hit("node", name)


def dot_at(scene: CanvasScene, point: QPointF, reach: float) -> str | None:
    """The dot within `reach` of a point."""
    if scene.hides_wires:
        return None
    away = {name: (dot.place - point).manhattanLength() for name, dot in scene.dots.items()}
    nearest = min(away, key=lambda name: away[name], default=None)
    return nearest if nearest is not None and away[nearest] <= reach else None


def wire_at(scene: CanvasScene, point: QPointF, reach: float) -> str | None:
    """The wire that runs within `reach` of a point."""
    if scene.hides_wires:
        return None
    near = _around(point, reach)
    for name in scene.runs.within([near]):
        if scene.wires[name].hit_area(reach, near).contains(point):
            return name
    return None
