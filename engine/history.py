"""Curves that grow while training runs, thinned so that they never outgrow the screen."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
LONGEST = 4096


EXPLODED = 10.0  # times the lowest loss: beyond it a run has left what it had learned


class History:
    """Named curves of (iteration, value). When one is full, every second point goes; the last one always stays."""

    def __init__(self) -> None:
        self._curves: dict[str, list[tuple[int, float]]] = {}

    def add(self, name: str, iteration: int, value: float) -> None:
        """Append a point; a curve that goes back in time is cut there first."""
        curve = self._curves.setdefault(name, [])
        while curve and curve[-1][0] >= iteration:
            curve.pop()
        curve.append((iteration, value))
        if len(curve) > LONGEST:
            self._curves[name] = curve[::2] + ([] if len(curve) % 2 else [curve[-1]])

    def arrays(self) -> dict[str, Array]:
        """Each curve as an array (points, 2)."""
        return {name: np.array(curve, np.float64).reshape(-1, 2) for name, curve in self._curves.items()}


def last_good(curve: Array) -> int | None:
    """The last iteration whose loss is no more than `EXPLODED` times the lowest one; None where no loss is finite.

    curve  (points, 2)  iteration and loss; where losses are merged, an iteration's lowest and highest
    """
    finite = curve[np.isfinite(curve[:, 1])]
    if not len(finite):
        return None
    lowest = float(finite[:, 1].min())
    # A loss may be negative: what counts is how far it has risen.
    limit = lowest + (EXPLODED - 1) * abs(lowest)
    bad = curve[~(curve[:, 1] <= limit), 0]
    good = finite[~np.isin(finite[:, 0], bad), 0]
    return int(good.max()) if len(good) else None
