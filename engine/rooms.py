"""How much memory each value of a program takes, and where it may lie."""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import Any, TypeVar

import numpy as np

from engine.values import Shape, Value, resolve

LINE = 16  # entries of the arena that make one cache line of float32
SMALL = 8  # values under this many entries are packed: a vector load across two cache lines costs twice
SHAPES_KEPT = 4096

# Where a value may lie: single or few numbers packed, more of them on cache lines of their own; whole numbers apart.
PACKED, LINED, PACKED_WHOLE, LINED_WHOLE = range(4)

Size = TypeVar("Size", int, "Numbers")
Numbers = np.ndarray[Any, np.dtype[np.int64]]


class Rooms:
    """The rooms of values by their index, in arrays; of values that one program shares with the next they are found once.

    sizes  entries
    where  one of PACKED, LINED, PACKED_WHOLE, LINED_WHOLE
    """

    def __init__(self) -> None:
        self._values: list[Value] | None = None
        self._batch = self._known = 0
        self.sizes: Numbers = np.zeros(0, np.int64)
        self.where: Numbers = np.zeros(0, np.int64)

    def know(self, values: list[Value], batch: int) -> None:
        """Find out about all these values; a list that was known before may have become longer."""
        if values is not self._values or batch != self._batch:
            self._values, self._batch, self._known = values, batch, 0
        if len(values) > len(self.sizes):
            longer = np.zeros(len(values) - self._known, np.int64)  # twice as many, so that few edits come here
            self.sizes = np.concatenate([self.sizes[: self._known], longer, longer])
            self.where = np.concatenate([self.where[: self._known], longer, longer])
        for value in values[self._known :]:
            index, size = value.index, shape_and_size(value.shape, batch)[1]
            self.sizes[index] = size
            self.where[index] = (PACKED if size < SMALL else LINED) + (
                PACKED_WHOLE if value.kind == "whole" else PACKED
            )
        self._known = len(values)


@lru_cache(SHAPES_KEPT)
def shape_and_size(shape: Shape, batch: int) -> tuple[tuple[int, ...], int]:
    """A shape in numbers, and how many entries it has: few shapes, many values."""
    resolved = resolve(shape, batch)
    return resolved, prod(resolved)


def lined(size: Size) -> Size:
    """The next multiple of a cache line, of each size."""
    return -(-size // LINE) * LINE
