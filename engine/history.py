"""Curves that grow while training runs, thinned so that they never outgrow the screen."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
LONGEST = 4096


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
