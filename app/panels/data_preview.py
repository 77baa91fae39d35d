"""What data look like: points in the plane, points on a line, small pictures, or the first rows of a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.theme import current_theme
from app.theme.numbers import MINUS, number_text
from app.views.marks import class_tokens, paint_mark

if TYPE_CHECKING:
    from engine.datasets import Dataset

PLOT_HEIGHT, LINE, MOST_ROWS, MOST_COLUMNS, PICTURES, PICTURE = 196, 20, 8, 6, 10, 30
MOST_POINTS = 1000


class DataPreview(QWidget):
    """Paints a data set; what was kept for testing is hollow."""

    def __init__(self) -> None:
        super().__init__()
        self._data: Dataset | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        current_theme().changed.connect(self.update)

    def show_data(self, data: Dataset | None) -> None:
        """Show other data."""
        self._data = data
        self.setAccessibleName(summary(data))
        self.setVisible(data is not None)
        self.updateGeometry()
        self.update()

    @property
    def manner(self) -> str:
        """plane, line, pictures or table."""
        data = self._data
        if data is None or data.inputs.ndim not in (2, 3, 4):
            return "table"
        if side_of(data) is not None:
            return "pictures"
        width = data.inputs.shape[1] if data.inputs.ndim == 2 else 0
        single = data.targets.ndim == 1 or data.targets.shape[1] == 1
        return "plane" if width == 2 and data.task != "regression" else "line" if width == 1 and single else "table"

    def sizeHint(self) -> QSize:
        manner = self.manner
        if manner in ("plane", "line"):
            return QSize(300, PLOT_HEIGHT + LINE)
        rows = 0 if self._data is None else min(MOST_ROWS, len(self._data.inputs))
        return QSize(300, LINE + (PICTURE + LINE + 4 if manner == "pictures" else LINE * (rows + 1)))

    def minimumSizeHint(self) -> QSize:
        return QSize(160, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._data is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        {"plane": self._paint_points, "line": self._paint_points, "pictures": self._paint_pictures}.get(
            self.manner, self._paint_table
        )(painter, self._data)
        painter.setFont(current_theme().font("caption"))
        painter.setPen(current_theme().colour("text3"))
        below = QRectF(0, self.height() - LINE, self.width(), LINE)
        painter.drawText(below, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self._caption(self._data))

    def _caption(self, data: Dataset) -> str:
        marked = len(data.test_rows) and self.manner in ("plane", "line")
        return summary(data) + (" (hollow)" if marked else "")

    def _paint_points(self, painter: QPainter, data: Dataset) -> None:
        theme = current_theme()
        area = QRectF(0.5, 0.5, self.width() - 1, PLOT_HEIGHT - 4)
        painter.setPen(theme.pen("border"))
        painter.setBrush(theme.colour("canvas"))
        painter.drawRoundedRect(area, theme.radius.field, theme.radius.field)
        across = data.inputs[:, 0]
        is_line = data.inputs.shape[1] == 1
        up = data.targets.reshape(len(across), -1)[:, 0] if is_line else data.inputs[:, 1]
        inner = area.adjusted(14, 12, -14, -12)
        xs, ys = spread(across, inner.left(), inner.right()), spread(up, inner.bottom(), inner.top())
        groups = classes_of(data)
        tokens = class_tokens(int(groups.max()) + 1 if len(groups) else 1)
        hollow = np.zeros(len(xs), bool)
        hollow[data.test_rows] = True
        step = max(1, len(xs) // MOST_POINTS)
        for index in range(0, len(xs), step):
            group = int(groups[index])
            at = QPointF(float(xs[index]), float(ys[index]))
            paint_mark(painter, at, group, tokens, 3.2, bool(hollow[index]))

    def _paint_pictures(self, painter: QPainter, data: Dataset) -> None:
        theme, side = current_theme(), side_of(data)
        assert side is not None
        largest = float(data.inputs.max()) or 1.0
        painter.setFont(theme.font("number_small"))
        painter.setPen(theme.colour("text3"))
        count = min(PICTURES, len(data.inputs), int(self.width() // (PICTURE + 3)))
        classes = classes_of(data)
        for index in range(count):
            steps = np.clip(data.inputs[index].reshape(side, side) / largest * 255, 0, 255).astype(np.uint8)
            pixels = np.ascontiguousarray(theme.sequential[steps])
            image = QImage(pixels.data, side, side, 3 * side, QImage.Format.Format_RGB888)
            left = index * (PICTURE + 3)
            painter.drawImage(QRectF(left, 0, PICTURE, PICTURE), image)
            painter.drawText(
                QRectF(left, PICTURE, PICTURE, LINE), Qt.AlignmentFlag.AlignCenter, str(int(classes[index]))
            )

    def _paint_table(self, painter: QPainter, data: Dataset) -> None:
        heads, rows = table_of(data)
        theme = current_theme()
        width = self.width() / max(1, len(heads))
        caption, number = theme.font("caption"), theme.font("number_small")
        for column, head in enumerate(heads):
            painter.setFont(caption)
            painter.setPen(theme.colour("text3"))
            place = QRectF(column * width, 0, width - 6, LINE)
            shown = QFontMetricsF(caption).elidedText(head, Qt.TextElideMode.ElideRight, width - 6)
            painter.drawText(place, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, shown)
            painter.setFont(number)
            painter.setPen(theme.colour("text"))
            for index, row in enumerate(rows):
                place = QRectF(column * width, (index + 1) * LINE, width - 6, LINE)
                painter.drawText(place, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, row[column])


def preparation_of(data: Dataset) -> list[str]:
    """Everything that was done to the rows, and that nothing else was."""
    said = list(data.preparation)
    if data.input_mean is None:
        said.append("Nothing else is done to the rows: the inputs are not standardised.")
    return said


def classes_of(data: Dataset) -> np.ndarray:
    """A class number for each row; 1 everywhere for regression."""
    if data.task == "regression":
        return np.ones(len(data.inputs), int)
    if data.targets.ndim == 2 and data.targets.shape[1] > 1:
        return np.asarray(data.targets.argmax(axis=1))
    flat = data.targets.reshape(len(data.inputs))
    return (flat > 0).astype(int) if data.task == "binary" else flat.astype(int)


def side_of(data: Dataset) -> int | None:
    """The side of square grey pictures, where the rows are such; None where they are not."""
    shape = data.inputs.shape[1:]
    size = int(np.prod(shape))
    side = round(size**0.5)
    is_picture = len(shape) == 3 and shape[0] == 1 and shape[1] == shape[2]
    return side if side * side == size and side > 4 and (is_picture or data.name == "digits") else None


def spread(values: np.ndarray, first: float, last: float) -> np.ndarray:
    """Values on a span of pixels; a single value stands in the middle."""
    low, high = float(values.min()), float(values.max())
    share = (values - low) / (high - low) if high > low else np.full(len(values), 0.5)
    return first + share * (last - first)


def table_of(data: Dataset) -> tuple[Sequence[str], list[list[str]]]:
    """Heads and the first rows, as many columns as there is room for."""
    inputs = data.inputs.reshape(len(data.inputs), -1)
    targets = data.targets.reshape(len(data.inputs), -1)
    shown = min(inputs.shape[1], MOST_COLUMNS - 1)
    heads = [data.input_names[index] if index < len(data.input_names) else f"x{index + 1}" for index in range(shown)]
    heads += ["…"] * (inputs.shape[1] > shown) + [data.target_names[0] if len(data.target_names) == 1 else "target"]
    one_hot = targets.shape[1] > 1 and data.task == "classes"
    answers = targets[:MOST_ROWS].argmax(axis=1) if one_hot else targets[:MOST_ROWS, 0]
    columns = [column_text(inputs[:MOST_ROWS, index]) for index in range(shown)]
    columns += [["…"] * len(answers)] * (inputs.shape[1] > shown) + [column_text(answers)]
    return heads, [list(row) for row in zip(*columns, strict=True)]


def column_text(numbers: np.ndarray) -> list[str]:
    """Numbers with as many places as the column needs, three at the most: their points stand below each other."""
    sizes = np.abs(np.asarray(numbers, float))
    if sizes.max(initial=0.0) >= 1e5:
        return [number_text(float(number)) for number in numbers]
    places = next(count for count in (0, 1, 2, 3) if count == 3 or np.allclose(sizes, sizes.round(count), atol=1e-9))
    return [f"{number:.{places}f}".replace("-", MINUS) for number in numbers]


def summary(data: Dataset | None) -> str:
    """Rows, features and the split in one line."""
    if data is None:
        return "No data"
    features = " × ".join(str(length) for length in data.inputs.shape[1:])
    word = "feature" if features == "1" else "features"
    split = f", {len(data.test_rows)} of them for testing" if len(data.test_rows) else ""
    return f"{len(data.inputs)} rows of {features} {word}{split}"
