"""Where a note stands beside its node: on the side, or elsewhere around, where it covers least of what is drawn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF

GAPS = (14.0, 30.0, 56.0)  # pixels from the node, tried on every side
GRID, FAR = 36.0, 300.0  # pixels between the places tried elsewhere, and how far away those may be
GAP_COST, SIDE_COST, MOVE_COST = 12.0, 120.0, 900.0  # of a pixel of distance, of each side but the first, of moving


def tail_ends(box: QRectF, own: QRectF) -> tuple[QPointF, QPointF]:
    """From the paper's edge to the node's: straight where they overlap across or down, else to the nearest corner."""
    left, right = max(box.left() + 10, own.left()), min(box.right() - 10, own.right())
    top, bottom = max(box.top() + 10, own.top()), min(box.bottom() - 10, own.bottom())
    if left <= right:
        x = min(max(own.center().x(), left), right)
        return (QPointF(x, box.top()), QPointF(x, own.bottom())) if box.top() >= own.bottom() else (
            QPointF(x, box.bottom()), QPointF(x, own.top()))  # fmt: skip
    if top <= bottom:
        y = min(max(own.center().y(), top), bottom)
        return (QPointF(box.left(), y), QPointF(own.right(), y)) if box.left() >= own.right() else (
            QPointF(box.right(), y), QPointF(own.left(), y))  # fmt: skip
    near_x = (box.left() + 8, own.right()) if box.left() > own.left() else (box.right() - 8, own.left())
    near_y = (box.top(), own.bottom()) if box.top() > own.top() else (box.bottom(), own.top())
    return QPointF(near_x[0], near_y[0]), QPointF(near_x[1], near_y[1])


def best_place(
    own: QRectF,
    size: tuple[float, float],
    room: QRectF,
    obstacles: Sequence[tuple[QRectF, float]],
    offset: tuple[float, float] | None = None,
) -> QRectF:
    """Where in `room` a paper of `size` beside `own` covers least of the obstacles.

    obstacles  rectangles, each with the cost of a covered square pixel
    offset     where it stands now, from the corner of `own`: it moves only where that is worth it
    """
    width, height = size
    beside, costs = _beside(own, width, height)
    if offset is not None:
        beside.append((own.left() + offset[0], own.top() + offset[1]))
        costs = [cost + MOVE_COST for cost in costs] + [0.0]
    least = np.array([room.left(), room.top()])
    most = np.maximum(least, [room.right() - width, room.bottom() - height])
    others = np.array([(r.left(), r.top(), r.right(), r.bottom()) for r, _ in obstacles]).reshape(-1, 4)
    weights = np.array([cost for _, cost in obstacles])
    places = np.clip(beside, least, most)
    total = np.array(costs) + _covered(places, size, others, weights)
    if total.min() > 2 * MOVE_COST:
        near = np.array([own.left() - width - FAR, own.top() - height - FAR])
        begin, end = np.maximum(near, least), np.minimum([own.right() + FAR, own.bottom() + FAR], most)
        columns, rows = (np.arange(low, high, GRID) for low, high in zip(begin, end, strict=True))
        anywhere = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)
        far = 2 * MOVE_COST + GAP_COST * _distances(anywhere, size, own) + _covered(anywhere, size, others, weights)
        places, total = np.vstack([places, anywhere]), np.concatenate([total, far])
    left, top = places[int(np.argmin(total))]
    return QRectF(float(left), float(top), width, height)


def _covered(
    places: NDArray[np.float64], size: tuple[float, float], others: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """What papers of `size` at these corners cost by what they cover."""
    left, top = places[:, 0, None], places[:, 1, None]
    across = np.minimum(left + size[0], others[:, 2]) - np.maximum(left, others[:, 0])
    down = np.minimum(top + size[1], others[:, 3]) - np.maximum(top, others[:, 1])
    covered: NDArray[np.float64] = (np.maximum(across, 0) * np.maximum(down, 0)) @ weights
    return covered


def _distances(places: NDArray[np.float64], size: tuple[float, float], own: QRectF) -> NDArray[np.float64]:
    """Pixels between papers at these corners and a node, across or down, whichever is more."""
    across = np.maximum(places[:, 0] - own.right(), own.left() - places[:, 0] - size[0])
    down = np.maximum(places[:, 1] - own.bottom(), own.top() - places[:, 1] - size[1])
    return np.maximum(np.maximum(across, down), 0.0)


def _beside(own: QRectF, width: float, height: float) -> tuple[list[tuple[float, float]], list[float]]:
    """Corners around a node on every side, aligned in three ways, at growing distances; and what each costs at least."""
    middle = own.center()
    xs = (middle.x() - width / 2, own.left(), own.right() - width)
    ys = (middle.y() - height / 2, own.top(), own.bottom() - height)
    corners, costs = [], []
    for gap in GAPS:
        sides = (
            [(x, own.bottom() + gap) for x in xs],
            [(x, own.top() - gap - height) for x in xs],
            [(own.right() + gap, y) for y in ys],
            [(own.left() - gap - width, y) for y in ys],
        )
        for rank, side in enumerate(sides):
            corners += side
            costs += [GAP_COST * gap + SIDE_COST * rank + 20.0 * aligned for aligned in range(len(side))]
    return corners, costs
