"""Small pictures of documents for the gallery, drawn from the file alone: its data beside its layers, or its graph."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPainterPath, QPixmap

from app.library import Widths, dataset_of, layers_of, nodes_of, wires_of
from app.theme import current_theme

if TYPE_CHECKING:
    from engine.datasets import Dataset

DRAWN_UNITS = 8  # of a layer; more would be a grey column
DRAWN_POINTS = 240


def thumbnail(document: dict[str, Any], size: QSizeF, ratio: float) -> QPixmap:
    """The picture of a parsed file in the colours of now; `size` in device-independent pixels."""
    pixmap = QPixmap(round(size.width() * ratio), round(size.height() * ratio))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(current_theme().colour("canvas"))
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    paint_thumbnail(painter, QRectF(QPointF(0, 0), size), document)
    painter.end()
    return pixmap


def paint_thumbnail(painter: QPainter, area: QRectF, document: dict[str, Any]) -> None:
    """Data on the left third where it can be drawn, layers or nodes on the rest."""
    inner = area.adjusted(20, 16, -20, -16)
    data = dataset_of(document.get("data"))
    place = QRectF(inner.topLeft(), QSizeF(min(inner.height(), 0.4 * inner.width()), inner.height()))
    place.moveTop(inner.top() + (inner.height() - place.width()) / 2)
    place.setHeight(place.width())
    if data is not None and _paint_data(painter, place, data):
        inner.setLeft(place.right() + 24)
    layers = layers_of(document)
    if layers:
        _paint_layers(painter, inner, [(kind, width, min(width, DRAWN_UNITS)) for kind, width in layers])
    else:
        _paint_graph(painter, inner, document)


# data ----------------------------------------------------------------------------------------------------------------


def _paint_data(painter: QPainter, area: QRectF, data: Dataset) -> bool:
    """Draw data that a flat picture can hold; whether it was drawn."""
    inputs = np.asarray(data.inputs, dtype=float)
    targets = np.asarray(data.targets, dtype=float).reshape(len(inputs), -1)
    flat = inputs.reshape(len(inputs), -1)
    features = flat.shape[1]
    if len(flat) < 3:
        return False
    if features == 2:
        _paint_points(painter, area, flat, targets[:, 0])
    elif features == 1:
        _paint_points(painter, area, np.column_stack([flat[:, 0], targets[:, 0]]), None)
    elif features in (64, 784):
        _paint_image(painter, area, flat[0].reshape(round(features**0.5), -1))
    else:
        return False
    return True


def _paint_points(painter: QPainter, area: QRectF, points: Any, targets: Any) -> None:
    theme = current_theme()
    painter.setPen(theme.pen("border"))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(area, 4, 4)
    inside = area.adjusted(14, 14, -14, -14)
    low, high = points.min(axis=0), points.max(axis=0)
    shares = (points - low) / np.where(high > low, high - low, 1)
    radius = 5.0 if len(points) <= 8 else 2.5
    stride = max(1, len(points) // DRAWN_POINTS)
    middle = 0.0 if targets is None else (targets.min() + targets.max()) / 2
    painter.setPen(theme.pen("canvas"))
    for index in range(0, len(points), stride):
        x, y = shares[index]
        centre = QPointF(inside.left() + x * inside.width(), inside.bottom() - y * inside.height())
        is_one = targets is None or targets[index] > middle
        painter.setBrush(theme.colour("pos" if is_one else "neg"))
        if is_one:
            painter.drawEllipse(centre, radius, radius)
        else:
            painter.drawPath(_diamond(centre, radius * 1.3))


def _diamond(centre: QPointF, radius: float) -> QPainterPath:
    path = QPainterPath(centre + QPointF(0, -radius))
    for x, y in ((radius, 0), (0, radius), (-radius, 0)):
        path.lineTo(centre + QPointF(x, y))
    path.closeSubpath()
    return path


def _paint_image(painter: QPainter, area: QRectF, image: Any) -> None:
    table = current_theme().sequential
    span = image.max() - image.min() or 1.0
    levels = np.rint(255 * (image - image.min()) / span).astype(int)
    rows, columns = image.shape
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setPen(Qt.PenStyle.NoPen)
    for row in range(rows):
        for column in range(columns):
            red, green, blue = (int(part) for part in table[levels[row, column]])
            left, right = (area.left() + area.width() * edge / columns for edge in (column, column + 1))
            top, bottom = (area.top() + area.height() * edge / rows for edge in (row, row + 1))
            cell = QRectF(QPointF(round(left), round(top)), QPointF(round(right), round(bottom)))
            painter.fillRect(cell, QColor(red, green, blue))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)


# layers --------------------------------------------------------------------------------------------------------------


def _paint_layers(painter: QPainter, area: QRectF, columns: list[tuple[str, int, int]]) -> None:
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
    painter.setPen(theme.pen("border_strong"))
    painter.setOpacity(0.55 if tallest <= 5 else 0.3)
    for left, right in itertools.pairwise(rows):
        for start in left:
            for end in right:
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


def _paint_graph(painter: QPainter, area: QRectF, document: dict[str, Any]) -> None:
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
        painter.setPen(theme.pen(_colour_token(str(node.get("type", ""))), 1.5))
        painter.setBrush(QBrush(theme.colour("raised")))
        painter.drawRoundedRect(QRectF(centre.x() - width / 2, centre.y() - height / 2, width, height), 4, 4)


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
