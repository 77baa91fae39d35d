"""What LAPACK says to systems of linear equations."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from engine.primitives.base import Primitive
from tests.references.registry import ANY, Case, Draw, numbers, reference, shapes


def well_posed(draw: Draw, primitive: Primitive) -> Case:
    lead, rows, sides = draw(shapes(0, 2, 3)), draw(st.integers(1, 5)), draw(st.integers(1, 3))
    table = numbers(draw, [((*lead, rows, rows + sides), ANY)])[0]
    # Far from dependent, and now and then the equations in another order, so that pivots are sought.
    table[..., :, :rows] += 4 * rows * np.eye(rows)
    return Case([table[..., ::-1, :].copy() if draw(st.booleans()) else table])


@reference("row_reduce", well_posed)
def row_reduce(x):
    rows = x.shape[-2]
    result = np.broadcast_to(np.eye(rows, x.shape[-1]), x.shape).copy()
    for place in np.ndindex(x.shape[:-2]):
        left, right = x[place][:, :rows], x[place][:, rows:]
        if np.isnan(left).any():
            result[place] = np.nan
            continue
        for column in range(right.shape[1]):
            known = not np.isnan(right[:, column]).any()
            result[place][:, rows + column] = np.linalg.solve(left, right[:, column]) if known else np.nan
    return result
