"""Wires across a large graph: only what of a long curve comes near the view is painted.

Qt flattens all of a curve before it clips it, and a curve of a hundred screens costs half a millisecond.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainterPath

from app.canvas.places import touching

if TYPE_CHECKING:
    from app.canvas.wire_item import Run

LONG, PIECE = 2400.0, 600.0  # pixels of the scene: from which length on a curve is cut, and into pieces of which length
NEAR = 2.0


class LongCurve:
    """A curve in pieces that are always the same ones: a piece looks the same whatever else is painted with it."""

    def __init__(self, run: Run) -> None:
        begin, end = np.array([run.begin_x, run.begin_y]), np.array([run.end_x, run.end_y])
        bend = np.array([run.bend, 0.0])
        handles = np.stack([begin, begin + bend, end - bend, end])
        share = np.linspace(0.0, 1.0, ceil(float(np.abs(end - begin).sum()) / PIECE) + 1)[:, None]
        rest = 1.0 - share
        weights = np.concatenate([rest**3, 3 * share * rest**2, 3 * share**2 * rest, share**3], axis=1)
        slopes = np.concatenate([rest**2, 2 * share * rest, share**2], axis=1)
        places = weights @ handles
        thirds = (
            slopes @ np.diff(handles, axis=0) / (len(share) - 1)
        )  # a third of what the piece goes on in its direction
        self._pieces = np.stack([places[:-1], places[:-1] + thirds[:-1], places[1:] - thirds[1:], places[1:]], axis=1)
        self._boxes = np.concatenate([self._pieces.min(axis=1) - NEAR, self._pieces.max(axis=1) + NEAR], axis=1)
        self._last: tuple[bytes, QPainterPath] | None = None

    def within(self, areas: Iterable[QRectF]) -> QPainterPath:
        """The pieces that touch one of some areas."""
        chosen = touching(self._boxes, areas)
        key = chosen.tobytes()
        if self._last is None or self._last[0] != key:
            self._last = key, self._path(np.flatnonzero(chosen).tolist())
        return self._last[1]

    def _path(self, chosen: list[int]) -> QPainterPath:
        path, before = QPainterPath(), -2
        for at in chosen:
            (x, y), *rest = self._pieces[at].tolist()
            if at != before + 1:
                path.moveTo(x, y)
            path.cubicTo(*[number for point in rest for number in point])
            before = at
        return path


def is_long(run: Run) -> bool:
    """Whether a run had better be painted in pieces."""
    return bool(run.bend) and not run.sag and abs(run.end_x - run.begin_x) + abs(run.end_y - run.begin_y) > LONG
