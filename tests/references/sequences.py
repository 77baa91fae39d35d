"""What NumPy says to sequences read from their end."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from engine.primitives.base import Primitive
from tests.references.registry import ANY, Case, Draw, numbers, reference, shapes


def one_axis(draw: Draw, primitive: Primitive) -> Case:
    shape = draw(shapes(1, 4))
    return Case(numbers(draw, [(shape, ANY)]), {"axis": draw(st.integers(0, len(shape) - 1))})


@reference("reverse", one_axis)
def reverse(x, axis):
    return np.flip(x, axis)
