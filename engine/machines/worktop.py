"""Arrays that kernels of no tape work on: what is not drawn, and yet done too often for Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from math import prod
from typing import Any

import numpy as np

from engine.machines.store import addresses_of, brief_kernel, order_of
from engine.machines.workshop import Order
from engine.primitives.base import Kernel

Array = np.ndarray[Any, np.dtype[Any]]
Shapes = Mapping[str, tuple[int, ...]]
DTYPE = "float64"  # as exact as NumPy


class Worktop:
    """Numbers (float64) and whole numbers (int32) by name, all 0 at first, and some kernels that know their order.

    An instruction tells them where each array begins, numbers first, and behind that the sizes that were handed over.
    """

    def __init__(self, kernels: Sequence[Kernel], numbers: Shapes, wholes: Shapes, sizes: Sequence[int]) -> None:
        self._arena, self.numbers = _side_by_side(numbers, np.float64)
        self._integers, self.wholes = _side_by_side(wholes, np.int32)
        begins = [*_begins(numbers)[:-1], *_begins(wholes)[:-1]]
        self._instruction = np.array([*begins, *sizes], np.int32)
        addresses_of([(kernel, ()) for kernel in kernels], DTYPE)
        self._memory = [part.ctypes.data for part in (self._arena, self._integers, self._instruction)]

    def play(self, kernel: Kernel, stop: int) -> None:
        """Have the outputs from 0 to `stop` worked out."""
        brief_kernel(kernel, DTYPE)(*self._memory, 0, stop)


def worktop_orders(kernels: Sequence[Kernel]) -> list[Order]:
    """What to tell a workshop that is to compile the kernels of a worktop."""
    return [order_of(kernel, (), DTYPE) for kernel in kernels]


def _begins(shapes: Shapes) -> list[int]:
    """Where each array begins when they lie one after the other, and where the last one ends."""
    return list(accumulate(map(prod, shapes.values()), initial=0))


def _side_by_side(shapes: Shapes, dtype: type) -> tuple[Array, dict[str, Array]]:
    """An array of zeros, and its parts by name."""
    begins = _begins(shapes)
    whole: Array = np.zeros(begins[-1], dtype)
    parts = zip(shapes.items(), begins, begins[1:], strict=False)
    return whole, {name: whole[begin:end].reshape(shape) for (name, shape), begin, end in parts}
