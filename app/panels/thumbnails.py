"""Small pictures of documents for the gallery: data beside layers, or the graph; at rest from the file alone, or live."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QBrush, QImage, QPainter, QPainterPath, QPixmap, QPolygonF

from app.library import LEARNING, Widths, dataset_of, layers_of, nodes_of, wires_of
from app.theme import current_theme
from app.theme.numbers import number_text

if TYPE_CHECKING:
    from app.panels.rehearsal import Scene
    from engine.datasets import Dataset

DRAWN_UNITS = 8  # of a layer; more would be a grey column
DRAWN_POINTS = 240
EDGE = 0.16  # of the picture of data is margin
TINT = 0.8  # of the diverging scale: its ends are for what lies beyond an ordinary answer


def thumbnail(document: dict[str, Any], size: QSizeF, ratio: float, scene: Scene | None = None) -> QPixmap:
    """The picture of a parsed file in the colours of now; `size` in device-independent pixels, `scene` a live moment."""
    pixmap = QPixmap(round(size.width() * ratio), round(size.height() * ratio))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(current_theme().colour("canvas"))
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    paint_thumbnail(painter, QRectF(QPointF(0, 0), size), document, scene)
    painter.end()
    return pixmap


def paint_thumbnail(painter: QPainter, area: QRectF, document: dict[str, Any], scene: Scene | None = None) -> None:
    """Data on the left third where it can be drawn, layers or nodes on the rest; with what a scene adds to them."""
    inner = area.adjusted(20, 20, -20, -14)
    data = dataset_of(document.get("data"))
    place = QRectF(inner.topLeft(), QSizeF(min(inner.height(), 0.4 * inner.width()), inner.height()))
    place.moveTop(inner.top() + (inner.height() - place.width()) / 2)
    place.setHeight(place.width())
    if data is not None and _paint_data(painter, place, data, scene):
        inner.setLeft(place.right() + 24)
    layers = layers_of(document)
    if layers:
        columns = [(kind, width, min(width, DRAWN_UNITS)) for kind, width in layers]
        _paint_layers(painter, inner, columns, [] if scene is None else _matrices(document, scene))
    else:
        _paint_graph(painter, inner, document, scene)
    if scene is not None:
        _paint_words(painter, QRectF(area.left(), area.top() + 2, area.width() - 10, 16), document, scene)


# data ----------------------------------------------------------------------------------------------------------------


def _paint_data(painter: QPainter, area: QRectF, data: Dataset, scene: Scene | None) -> bool:
    """Draw data that a flat picture can hold, with the answers or the losses of a scene; whether it was drawn."""
    inputs = np.asarray(data.inputs, dtype=float)
    targets = np.asarray(data.targets, dtype=float).reshape(len(inputs), -1)
    flat = inputs.reshape(len(inputs), -1)
    features = flat.shape[1]
    if len(flat) < 3:
        return False
    answers = None if scene is None else scene.answers
    if features == 2:
        classes = 0
        if scene is not None and answers is not None and answers.ndim == 3:
            _paint_field(painter, area, scene, answers, targets)
            classes = answers.shape[-1] if targets.shape[1] == 1 else 0
        _paint_points(painter, area, flat, targets[:, 0], classes)
    elif features == 1:
        points = np.column_stack([flat[:, 0], targets[:, 0]])
        _paint_points(painter, area, points, None)
        if answers is not None and answers.ndim == 2:
            _paint_line(painter, area, points, answers[:, 0])
    elif features in (64, 784) and scene is not None and len(scene.curve) > 1:
        _paint_curve(painter, area, scene.curve)
    elif features in (64, 784):
        _paint_image(painter, area, flat[0].reshape(round(features**0.5), -1))
    else:
        return False
    return True


def _paint_points(painter: QPainter, area: QRectF, points: Any, targets: Any, classes: int = 0) -> None:
    """Points told apart in two, or by their class where there are more and their field is behind them."""
    theme = current_theme()
    painter.setPen(theme.pen("border"))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(area, 4, 4)
    inside = _inside(area)
    low, high = points.min(axis=0), points.max(axis=0)
    shares = (points - low) / np.where(high > low, high - low, 1)
    radius = 5.0 if len(points) <= 8 else 2.5
    stride = max(1, len(points) // DRAWN_POINTS)
    middle = 0.0 if targets is None else (targets.min() + targets.max()) / 2
    painter.setPen(theme.pen("canvas"))
    for index in range(0, len(points), stride):
        x, y = shares[index]
        centre = QPointF(inside.left() + x * inside.width(), inside.bottom() - y * inside.height())
        if classes > 2:
            _paint_class(painter, centre, int(targets[index]), classes, radius)
            continue
        is_one = targets is None or targets[index] > middle
        painter.setBrush(theme.colour("pos" if is_one else "neg"))
        if is_one:
            painter.drawEllipse(centre, radius, radius)
        else:
            painter.drawPath(_diamond(centre, radius * 1.3))


def _paint_class(painter: QPainter, centre: QPointF, group: int, classes: int, radius: float) -> None:
    from app.views.marks import class_tokens, paint_mark  # here: the gallery is painted without the views

    paint_mark(painter, centre, group, class_tokens(classes), radius)


def _inside(area: QRectF) -> QRectF:
    """Where the data lie in their picture."""
    margin = EDGE * area.width()
    return area.adjusted(margin, margin, -margin, -margin)


def _paint_field(painter: QPainter, area: QRectF, scene: Scene, answers: Any, targets: Any) -> None:
    """The prediction behind the points."""
    theme = current_theme()
    if answers.shape[-1] > 1:
        from app.views.field_plot import tinted
        from app.views.marks import class_tokens

        pixels = tinted(answers, class_tokens(answers.shape[-1]))
    else:
        is_split = set(np.unique(targets)) <= {-1.0, 0.0, 1.0}
        level, reach = (
            (scene.level, scene.reach) if is_split else (float(targets.mean()), float(np.ptp(targets)) or 1.0)
        )
        shares = 0.5 + TINT * (np.nan_to_num(answers[..., 0], nan=level) - level) / (2 * reach)
        pixels = theme.diverging[np.rint(255 * np.clip(shares, 0.0, 1.0)).astype(np.uint8)]
    pixels = np.ascontiguousarray(pixels[::-1])  # the second feature runs upwards
    rows, columns = pixels.shape[:2]
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.drawImage(area, QImage(pixels.data, columns, rows, 3 * columns, QImage.Format.Format_RGB888))


def _paint_line(painter: QPainter, area: QRectF, points: Any, answers: Any) -> None:
    """The fitted curve over the points, cut off at the frame."""
    inside = _inside(area)
    low, high = points[:, 1].min(), points[:, 1].max()
    ys = inside.bottom() - inside.height() * (answers - low) / ((high - low) or 1.0)
    xs = np.linspace(area.left(), area.right(), len(answers))
    is_seen = np.isfinite(ys)
    line = [QPointF(x, y) for x, y in zip(xs[is_seen], np.clip(ys[is_seen], -1e4, 1e4), strict=True)]
    painter.save()
    painter.setClipRect(area)
    painter.setPen(current_theme().pen("accent", 2))
    painter.drawPolyline(QPolygonF(line))
    painter.restore()


def _paint_curve(painter: QPainter, area: QRectF, curve: Any) -> None:
    """The loss over the pictures so far: there are the more iterations between two of them the longer it runs."""
    theme = current_theme()
    painter.setPen(theme.pen("border"))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(area, 4, 4)
    inside = area.adjusted(8, 10, -8, -8)
    losses = curve[np.isfinite(curve[:, 1]), 1]
    top = losses.max(initial=0.0) or 1.0
    xs = np.linspace(inside.left(), inside.right(), max(2, len(losses)))
    ys = inside.bottom() - inside.height() * np.clip(losses / top, 0.0, 1.0)
    painter.setPen(theme.pen("accent", 1.5))
    painter.drawPolyline(QPolygonF([QPointF(x, y) for x, y in zip(xs, ys, strict=False)]))


def _diamond(centre: QPointF, radius: float) -> QPainterPath:
    path = QPainterPath(centre + QPointF(0, -radius))
    for x, y in ((radius, 0), (0, radius), (-radius, 0)):
        path.lineTo(centre + QPointF(x, y))
    path.closeSubpath()
    return path


def _paint_image(painter: QPainter, area: QRectF, image: Any) -> None:
    """Grey values as pixels with sharp edges."""
    span = image.max() - image.min() or 1.0
    levels = np.rint(255 * (image - image.min()) / span).astype(int)
    pixels = np.ascontiguousarray(current_theme().sequential[levels])
    rows, columns = image.shape
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
    painter.drawImage(area.toRect(), QImage(pixels.data, columns, rows, 3 * columns, QImage.Format.Format_RGB888))


# layers --------------------------------------------------------------------------------------------------------------


def _matrices(document: dict[str, Any], scene: Scene) -> list[Any]:
    """For each layer behind the first its weights (inputs, units), scaled to at most 1; None where they are not known."""
    widths = Widths(document)
    names: dict[int, list[str]] = {}
    for name in widths.all():
        if widths.types[name] in ("input", *LEARNING):
            names.setdefault(widths.depth(name), []).append(name)
    found = []
    for _, layer in sorted(names.items())[1:]:
        parts = [scene.weights[name] for name in layer if name in scene.weights]
        fits = len(parts) == len(layer) and len({part.shape[0] for part in parts if part.ndim == 2}) == 1
        matrix = np.hstack(parts) if fits and all(part.ndim == 2 for part in parts) else None
        found.append(None if matrix is None else matrix / (np.abs(matrix).max(initial=0.0) or 1.0))
    return found


def _paint_layers(painter: QPainter, area: QRectF, columns: list[tuple[str, int, int]], matrices: list[Any]) -> None:
    theme = current_theme()
    tallest = max(drawn for _, _, drawn in columns)
    pitch = min(34.0, area.height() / max(tallest, 3))
    radius = min(10.0, 0.36 * pitch)
    step = (area.width() - 2 * radius) / max(1, len(columns) - 1)
    rows = []
    for index, (_, _, drawn) in enumerate(columns):
        x = area.left() + radius + index * step
        top = area.center().y() - pitch * (drawn - 1) / 2
        rows.append([QPointF(x, top + pitch * row) for row in range(drawn)])
    resting = 0.55 if tallest <= 5 else 0.3
    for index, (left, right) in enumerate(itertools.pairwise(rows)):
        matrix = matrices[index] if index < len(matrices) else None
        if matrix is not None and matrix.shape != (columns[index][1], columns[index + 1][1]):
            matrix = None
        for row, start in enumerate(left):
            for column, end in enumerate(right):
                weight = None if matrix is None else float(matrix[row, column])
                painter.setPen(theme.pen("border_strong" if weight is None else "neg" if weight < 0 else "pos"))
                painter.setOpacity(resting if weight is None else 0.15 + 0.85 * abs(weight))
                painter.drawLine(start, end)
    painter.setOpacity(1)
    for (kind, width, drawn), places in zip(columns, rows, strict=True):
        painter.setPen(theme.pen("c_data" if kind == "input" else "c_layers", 1.5))
        painter.setBrush(theme.colour("raised"))
        for place in places:
            painter.drawEllipse(place, radius, radius)
        if width > drawn:
            painter.setFont(theme.font("number_small"))
            painter.setPen(theme.colour("text3"))
            below = QRectF(places[-1].x() - 40, places[-1].y() + radius - 1, 80, 16)
            painter.drawText(below, Qt.AlignmentFlag.AlignCenter, f"{width}")


# graphs --------------------------------------------------------------------------------------------------------------


def _paint_graph(painter: QPainter, area: QRectF, document: dict[str, Any], scene: Scene | None) -> None:
    theme = current_theme()
    places = _places(document, area.adjusted(16, 10, -16, -10))
    width = max(10.0, min(26.0, 0.7 * _spacing([place.x() for place in places.values()])))
    height = max(9.0, min(16.0, 0.7 * _spacing([place.y() for place in places.values()])))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(theme.pen("k_data"))
    for start, end in wires_of(document):
        if start in places and end in places:
            painter.drawPath(_wire(places[start], places[end]))
    if not places:
        painter.setPen(theme.pen("border"))
        painter.drawRoundedRect(area, 6, 6)
    for node in nodes_of(document):
        centre = places[str(node["id"])]
        box = QRectF(centre.x() - width / 2, centre.y() - height / 2, width, height)
        painter.setPen(theme.pen(_colour_token(str(node.get("type", ""))), 1.5))
        painter.setBrush(QBrush(theme.colour("raised")))
        if scene is not None:
            _dress(painter, box, str(node["id"]), scene)
        painter.drawRoundedRect(box, 4, 4)


def _dress(painter: QPainter, box: QRectF, node: str, scene: Scene) -> None:
    """Fill a node by the sign and size of its value, and ring it where it is the step just played."""
    theme = current_theme()
    if node in scene.values:
        limit = max((abs(number) for number in scene.values.values() if np.isfinite(number)), default=1.0)
        painter.setBrush(theme.signed_colour(scene.values[node], limit or 1.0))
    if node == scene.node and scene.part:
        painter.save()
        painter.setPen(theme.pen(scene.part, 3))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(box.adjusted(-3.5, -3.5, 3.5, 3.5), 6, 6)
        painter.restore()


def _paint_words(painter: QPainter, area: QRectF, document: dict[str, Any], scene: Scene) -> None:
    """One line at the upper edge: the step and its number, or iteration and loss."""
    theme = current_theme()
    if scene.part:
        titles = {str(node["id"]): str(node.get("title") or node["id"]) for node in nodes_of(document)}
        sign = "∂ " if scene.part == "backward" else ""
        words = f"{sign}{titles.get(scene.node, scene.node)}  {number_text(scene.number)}"
    else:
        loss = f"   loss {number_text(float(scene.curve[-1, 1]))}" if len(scene.curve) else ""
        words = f"iteration {scene.iteration}{loss}"
    painter.setFont(theme.font("number_small"))
    painter.setPen(theme.colour(scene.part or "text2"))
    painter.drawText(area, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, words)


def _spacing(numbers: list[float]) -> float:
    """The smallest distance between two places that are not the same."""
    places = sorted(numbers)
    gaps = [after - before for before, after in itertools.pairwise(places) if after - before > 2]
    return min(gaps, default=100.0)


def _wire(start: QPointF, end: QPointF) -> QPainterPath:
    path = QPainterPath(start)
    bend = QPointF(max(12.0, abs(end.x() - start.x()) / 2), 0)
    path.cubicTo(start + bend, end - bend, end)
    return path


def _places(document: dict[str, Any], area: QRectF) -> dict[str, QPointF]:
    """Where nodes stand: as saved, else a column per depth; stretched into the area."""
    nodes = nodes_of(document)
    positions = {str(node["id"]): node.get("position") for node in nodes}
    if not all(_is_position(position) for position in positions.values()) or len(_distinct(positions)) < len(nodes):
        positions = _by_depth(document)
    if not positions:
        return {}
    points = np.array([positions[name] for name in positions], dtype=float)
    low, high = points.min(axis=0), points.max(axis=0)
    shares = np.where(high > low, (points - low) / np.where(high > low, high - low, 1), 0.5)
    return {
        name: QPointF(area.left() + x * area.width(), area.top() + y * area.height())
        for name, (x, y) in zip(positions, shares, strict=True)
    }


def _is_position(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) == 2 and all(isinstance(part, int | float) for part in value)


def _distinct(positions: dict[str, Any]) -> set[tuple[Any, ...]]:
    return {tuple(position) for position in positions.values()}


def _by_depth(document: dict[str, Any]) -> dict[str, Any]:
    widths = Widths(document)
    columns: dict[int, list[str]] = {}
    for name in widths.types:
        columns.setdefault(widths.depth(name), []).append(name)
    return {
        name: (depth, row - (len(names) - 1) / 2) for depth, names in columns.items() for row, name in enumerate(names)
    }


def _colour_token(kind: str) -> str:
    from engine.nodes import node_types

    found = node_types().get(kind)
    token = f"c_{found.category.lower()}" if found else "text3"
    return token if token == "text3" or hasattr(current_theme().palette, token) else "text3"
