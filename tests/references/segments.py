"""What NumPy says to rows in groups."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from engine.primitives.base import Primitive
from tests.references.registry import ANY, Case, Draw, generator, numbers, reference, whole_numbers


def rows_in_groups(draw: Draw, primitive: Primitive) -> Case:
    rows, width, length = draw(st.integers(1, 9)), draw(st.integers(1, 4)), draw(st.integers(1, 5))
    if draw(st.booleans()):
        x = np.asarray(generator(draw).integers(0, 3, (rows, width)), np.float64)
    else:
        x = numbers(draw, [((rows, width), ANY)])[0]
    return Case([x, whole_numbers(draw, -1, length + 1, (rows,))], {"length": length})


@reference("segment_argmax", rows_in_groups)
def segment_argmax(x, rows, length):
    key = np.where(np.isnan(x), np.inf, x)
    found = np.zeros((x.shape[1], length), np.int32)
    for group in range(length):
        members = np.flatnonzero(rows == group)
        if members.size:
            found[:, group] = members[np.argmax(key[members], axis=0)]
    return found
