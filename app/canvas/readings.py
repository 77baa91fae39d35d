"""What a snapshot says about one node, put into words and pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from app.canvas.ink import indexed_image
from app.theme.numbers import NOT_COMPUTED, number_text, spread_text

if TYPE_CHECKING:
    from PySide6.QtGui import QImage

MOST_CELLS = 64  # cells across or down that a strip shows; more are averaged in blocks


@dataclass(frozen=True)
class Words:
    """A number (or array) as text, with its colour by state: `text` now, `text3` of a former iteration, `error`."""

    text: str
    token: str
    value: float | None = None  # the number, where it is one


def words_of(reading: Any, *, signed: bool = False, token: str = "text", digits: int = 3) -> Words:
    """A reading in short: a number, or mean ± deviation; a dash where nothing was computed."""
    if reading is None or reading.state == "absent":
        return Words(NOT_COMPUTED, "text3")
    if not is_finite(reading):
        return Words("NaN" if reading.mean is None or np.isnan(reading.mean) else "∞", "error")
    colour = token if reading.state == "current" else "text3"
    value = scalar_of(reading)
    if value is not None:
        return Words(number_text(value, signed=signed, digits=digits), colour, value)
    return Words(spread_text(reading.mean, reading.deviation), colour)


def scalar_of(reading: Any) -> float | None:
    """The number of a reading that holds exactly one."""
    if reading is None or reading.state == "absent" or int(np.prod(reading.shape)) != 1:
        return None
    return float(np.ravel(reading.array)[0]) if reading.array is not None else reading.mean


def is_finite(reading: Any) -> bool:
    """Whether every number of a reading is finite (nothing computed, or nothing in it, counts as finite)."""
    if reading is None or reading.state == "absent" or 0 in reading.shape:
        return True
    return all(entry is None or np.isfinite(entry) for entry in (reading.minimum, reading.maximum, reading.mean))


@dataclass(frozen=True)
class Strip:
    """A heat strip: the image on the diverging scale, its level (the colour's end, symmetric) and its extremes."""

    image: QImage
    level: float
    minimum: float
    maximum: float


def strip_of(reading: Any, level: float) -> Strip | None:
    """The picture of an array; `level` is the level so far, which only grows so that colours keep their meaning."""
    if reading is None or reading.state == "absent" or reading.array is None or reading.array.size < 2:
        return None
    table = _table(reading.array)
    if not np.isfinite(table).all():
        return None
    level = max(level, fixed_level(float(np.abs(table).max())))
    indices = np.rint((np.clip(table / level, -1, 1) + 1) * 127.5).astype(np.uint8)
    image = indexed_image(indices.tobytes(), table.shape[1], table.shape[0])
    return Strip(image, level, float(table.min()), float(table.max()))


def fixed_level(largest: float) -> float:
    """1, 2 or 5 times a power of ten, not below the largest magnitude."""
    if largest <= 0:
        return 1.0
    power = 10.0 ** np.floor(np.log10(largest))
    return float(next(step * power for step in (1, 2, 5, 10) if step * power >= largest * (1 - 1e-9)))


def _table(array: np.ndarray) -> np.ndarray:
    """Two axes, the longer one across, at most MOST_CELLS each."""
    table = np.asarray(array, float)
    table = table.reshape(1, -1) if table.ndim < 2 else table.reshape(table.shape[0], -1)
    if table.shape[0] > table.shape[1]:
        table = table.T
    return _averaged(_averaged(table, 0), 1)


def _averaged(table: np.ndarray, axis: int) -> np.ndarray:
    length = table.shape[axis]
    if length <= MOST_CELLS:
        return table
    edges = np.linspace(0, length, MOST_CELLS + 1).astype(int)[:-1]
    counts = np.diff(np.append(edges, length))
    return np.add.reduceat(table, edges, axis=axis) / (counts[:, None] if axis == 0 else counts)
