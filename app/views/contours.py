"""Contour lines of a sampled plane, all levels at once; and the levels that tell most."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
_CORNERS = ((0, 0), (0, 1), (1, 1), (1, 0))  # row and column of a cell's corners, once around


def contour_lines(values: Array, levels: Array) -> Array:
    """Where a plane (rows, columns) crosses levels (k,): segments (n, 2, 2) as (column, row) between the samples.

    Marching squares: a cell is cut on its edges by linear interpolation, a saddle twice. Cells with a corner that is
    not finite have no lines. Only cells that some level crosses are looked at closer.
    """
    rows, columns = values.shape
    corners = np.stack([values[r : rows - 1 + r, c : columns - 1 + c] for r, c in _CORNERS], axis=-1).reshape(-1, 4)
    with np.errstate(invalid="ignore"):
        low, high = corners.min(axis=1), corners.max(axis=1)
        crossed = (low <= levels[:, None]) & (high > levels[:, None]) & np.isfinite(high - low)
    level, cell = np.nonzero(crossed)
    heights = corners[cell] - levels[level][:, None]
    following = np.roll(heights, -1, axis=1)
    is_cut = (heights > 0) != (following > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(is_cut, heights / (heights - following), 0.0)
    start = np.array([(c, r) for r, c in _CORNERS], float)
    along = np.roll(start, -1, axis=0) - start
    at = start + share[..., None] * along + np.stack([cell % (columns - 1), cell // (columns - 1)], axis=1)[:, None]
    count = is_cut.sum(axis=1)
    order = np.argsort(~is_cut, axis=1, kind="stable")
    two, four = count == 2, count == 4
    pairs = np.take_along_axis(at[two], order[two][:, :2, None], axis=1)
    return np.concatenate([pairs, at[four][:, :2], at[four][:, 2:]])


class HeightScale:
    """Puts heights between 0 (the lowest) and 1 (the highest) so that half of the plane has half of the scale.

    Near a straight line where heights are spread evenly, and like a logarithm where a few are very high: a valley keeps
    its lines beside a cliff. Heights that are not finite are left out.
    """

    def __init__(self, heights: Array) -> None:
        found = heights[np.isfinite(heights)]
        self.low, self.high = (float(found.min()), float(found.max())) if len(found) else (0.0, 1.0)
        middle = float(np.median(found)) - self.low if len(found) else 0.5
        # One unit of the logarithm; a plane has no heights to tell apart and gets the whole scale.
        self._unit = middle or self.high - self.low or 1.0
        self._top = float(np.log1p((self.high - self.low) / self._unit)) or 1.0

    def share(self, heights: Any) -> Any:
        """From heights to shares; also for arrays."""
        return np.log1p(np.maximum(heights - self.low, 0.0) / self._unit) / self._top

    def height(self, share: Any) -> Any:
        """From shares to heights; also for arrays."""
        return self.low + np.expm1(np.asarray(share) * self._top) * self._unit

    def levels(self, count: int) -> Array:
        """Heights (count,) at even shares, without the ends."""
        return np.asarray(self.height(np.arange(1, count + 1) / (count + 1)))
