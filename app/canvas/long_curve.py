"""Wires across a large graph: only what of a long curve comes near the view is painted.

Qt flattens all of a curve before it clips it, and a curve of a hundred screens costs half a millisecond.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainterPath

from app.canvas.places import touching

if TYPE_CHECKING:
    from app.canvas.routes import Run

LONG, PIECE = 3000.0, 1000.0  # pixels of the scene: from which length on a curve is cut, and how long a piece is
NEAR = 2.0


class LongCurve:
    """A curve in pieces that are always the same ones: each looks the same whatever else is painted with it.

    pieces  (pieces, 4, 2): the ends and handles of each; boxes: (pieces, 4) around them
    """

    def __init__(self, pieces: np.ndarray, boxes: np.ndarray) -> None:
        self.pieces, self.boxes = pieces, boxes
        self._last: tuple[list[int], QPainterPath] | None = None

    def path(self, chosen: list[int]) -> QPainterPath:
        """Some of the pieces."""
        if self._last is None or self._last[0] != chosen:
            self._last = chosen, self._joined(chosen)
        return self._last[1]

    def _joined(self, chosen: list[int]) -> QPainterPath:
        path, before = QPainterPath(), -2
        for at in chosen:
            (x, y), *rest = self.pieces[at].tolist()
            if at != before + 1:
                path.moveTo(x, y)
            path.cubicTo(*[number for point in rest for number in point])
            before = at
        return path


def is_long(run: Run) -> bool:
    """Whether a run had better be painted in pieces."""
    return bool(run.bend) and not run.sag and abs(run.end_x - run.begin_x) + abs(run.end_y - run.begin_y) > LONG


def long_curves(runs: Sequence[Run]) -> list[LongCurve]:
    """Many curves, cut at once."""
    numbers = np.array(runs)
    begin, end, bend = numbers[:, :2], numbers[:, 2:4], numbers[:, 4:5] * (1.0, 0.0)
    handles = np.stack([begin, begin + bend, end - bend, end], axis=1)
    counts = np.ceil(np.abs(end - begin).sum(axis=1) / PIECE).astype(int)
    ends = np.cumsum(counts)
    wire = np.repeat(np.arange(len(numbers)), counts)
    count, at = counts[wire], np.arange(ends[-1]) - (ends - counts)[wire]
    first, out = _point(handles[wire], at / count)
    last, into = _point(handles[wire], (at + 1) / count)
    pieces = np.stack([first, first + out / count[:, None], last - into / count[:, None], last], axis=1)
    boxes = np.concatenate([pieces.min(axis=1) - NEAR, pieces.max(axis=1) + NEAR], axis=1)
    return [LongCurve(*parts) for parts in zip(np.split(pieces, ends[:-1]), np.split(boxes, ends[:-1]), strict=True)]


def _point(handles: np.ndarray, share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points on curves, and a third of how they go on from there."""
    share = share[:, None]
    rest = 1.0 - share
    weights = np.concatenate([rest**3, 3 * share * rest**2, 3 * share**2 * rest, share**3], axis=1)
    slopes = np.concatenate([rest**2, 2 * share * rest, share**2], axis=1)
    return np.einsum("ij,ijk->ik", weights, handles), np.einsum("ij,ijk->ik", slopes, np.diff(handles, axis=1))


def paths_within(curves: Sequence[LongCurve], areas: Iterable[QRectF]) -> list[QPainterPath]:
    """Of each curve what touches one of some areas."""
    if not curves:
        return []
    ends = np.cumsum([len(curve.boxes) for curve in curves]).tolist()
    chosen = np.flatnonzero(touching(np.concatenate([curve.boxes for curve in curves]), areas))
    begins = [0, *ends[:-1]]
    parts = zip(np.searchsorted(chosen, begins), np.searchsorted(chosen, ends), begins, curves, strict=True)
    return [curve.path((chosen[first:last] - begin).tolist()) for first, last, begin, curve in parts]
