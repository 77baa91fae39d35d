"""What a snapshot says about one node, put into words and pictures."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, isfinite, isnan, log10, prod, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from app.canvas.ink import heat_image
from app.theme.numbers import NOT_COMPUTED, number_text, spread_text

if TYPE_CHECKING:
    from PySide6.QtGui import QImage

FEW = 4  # numbers of a vector that are written one by one
MOST_CELLS = 64  # cells across or down that a strip shows; more are averaged in blocks
IMAGES = 4  # axes of arrays that are pictures: images (or filters), maps, height, width
MOST_MAPS, MOST_IMAGES, BREADTH = 32, 8, 2.0  # that a strip shows, and how much broader than high it is about
TALL = 0.5  # of the strip's width for what has more rows than columns: it looks tall beside its transpose


@dataclass(frozen=True)
class Words:
    """A number (or array) as text, with its colour by state: `text` now, `text3` of a former iteration, `error`."""

    text: str
    token: str
    value: float | None = None  # the number, where it is one


def words_of(reading: Any, *, signed: bool = False, token: str = "text", digits: int = 3) -> Words:
    """A reading in short: a number, a few numbers, or mean ± deviation; a dash where nothing was computed."""
    if reading is None or reading.state == "absent":
        return Words(NOT_COMPUTED, "text3")
    if not is_finite(reading):
        return Words("NaN" if reading.mean is None or isnan(reading.mean) else "∞", "error")
    colour = token if reading.state == "current" else "text3"
    value = scalar_of(reading)
    if value is not None:
        return Words(number_text(value, signed=signed, digits=digits), colour, value)
    if len(reading.shape) == 1 and reading.shape[0] <= FEW and reading.array is not None:
        return Words(" ".join([number_text(each, signed=signed, digits=2) for each in reading.array]), colour)
    return Words(spread_text(reading.mean, reading.deviation), colour)


def scalar_of(reading: Any) -> float | None:
    """The number of a reading that holds exactly one."""
    if reading is None or reading.state == "absent" or prod(reading.shape) != 1:
        return None
    return float(reading.array.reshape(-1)[0]) if reading.array is not None else reading.mean


def is_finite(reading: Any) -> bool:
    """Whether every number of a reading is finite (nothing computed, or nothing in it, counts as finite)."""
    if reading is None or reading.state == "absent" or 0 in reading.shape:
        return True
    least, most, mean = reading.minimum, reading.maximum, reading.mean
    return (least is None or isfinite(least)) and (most is None or isfinite(most)) and (mean is None or isfinite(mean))


@dataclass(frozen=True, eq=False)
class Strip:
    """A heat strip: the image on the diverging scale, its level (the colour's end, symmetric) and its extremes.

    breadth  share of the width that there is for it
    """

    image: QImage
    level: float
    minimum: float
    maximum: float
    breadth: float = 1.0

    @property
    def words(self) -> tuple[str, str]:
        """The extremes and the level, as they stand below."""
        smallest, largest = (number_text(each, digits=2) for each in (self.minimum, self.maximum))
        return f"{smallest} … {largest}", f"± {number_text(self.level, digits=2)}"


def strip_of(reading: Any, level: float) -> Strip | None:
    """The picture of an array; `level` is the level so far, which only grows so that colours keep their meaning."""
    if reading is None or reading.state == "absent" or reading.array is None or reading.array.size < 2:
        return None
    array = reading.array if reading.array.dtype.kind == "f" else reading.array.astype(float)
    least, most = float(reading.minimum), float(reading.maximum)
    table = np.atleast_2d(array) if array.ndim < 3 else _mosaic(array) if array.ndim == IMAGES else _samples(array)
    breadth = TALL if table.shape[0] > table.shape[1] else 1.0
    table = _averaged(_averaged(table, 0), 1)
    largest = max(-least, most)
    if not isfinite(largest):
        return None
    level = level if largest <= level else fixed_level(largest)
    share = 1.0 / level if level else 0.0  # nothing but zeros so far
    return Strip(heat_image(table * share), level, least, most, breadth)


def fixed_level(largest: float) -> float:
    """1, 2 or 5 times a power of ten, not below the largest magnitude."""
    if largest <= 0:
        return 1.0
    power = 10.0 ** floor(log10(largest))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= largest * (1 - 1e-9))


def _mosaic(images: np.ndarray) -> np.ndarray:
    """Pictures (images, maps, height, width) side by side: the maps of the first, or several where each is one map."""
    tiles = images[0, :MOST_MAPS] if images.shape[1] > 1 else images[:MOST_IMAGES, 0]
    count, height, width = tiles.shape
    return _sheet(tiles, min(count, max(1, round(sqrt(BREADTH * count * height / width)))))


def _samples(arrays: np.ndarray) -> np.ndarray:
    """The first tables of many (…, time, features) in a row: in each a row for every time, a column for every feature."""
    tiles = arrays.reshape(-1, *arrays.shape[-2:])
    return _sheet(tiles[: max(1, min(MOST_IMAGES, (MOST_CELLS + 1) // (tiles.shape[2] + 1)))], MOST_IMAGES)


def _sheet(tiles: np.ndarray, columns: int) -> np.ndarray:
    """Tables (k, rows, columns) of one size side by side, so many in a row, a gap of NaN between them."""
    count, height, width = tiles.shape
    columns = min(columns, count)
    rows = -(-count // columns)
    sheet = np.full((rows * (height + 1) - 1, columns * (width + 1) - 1), np.nan)
    for place, tile in enumerate(tiles):
        top, left = place // columns * (height + 1), place % columns * (width + 1)
        sheet[top : top + height, left : left + width] = tile
    return sheet


def _averaged(table: np.ndarray, axis: int) -> np.ndarray:
    length = table.shape[axis]
    if length <= MOST_CELLS:
        return table
    edges = np.linspace(0, length, MOST_CELLS + 1).astype(int)[:-1]
    counts = np.diff(np.append(edges, length))
    return np.add.reduceat(table, edges, axis=axis) / (counts[:, None] if axis == 0 else counts)
