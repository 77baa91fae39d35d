"""The field of arrows over a loss surface: which way, and how steeply, the loss goes down at each spot."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtGui import QPainter

from app.theme import current_theme
from app.views.axes import Array, Axes, segments

if TYPE_CHECKING:
    from engine.analysis.surface import Surface

SPACING = 34.0  # pixels between two arrows
SHORTEST, LONGEST, HEAD, TURN = 5.0, 24.0, 4.0, 0.5  # pixels; radians between the shaft and a barb
STRENGTH = 0.62


def descent(surface: Surface, xs: Array, ys: Array) -> Array:
    """The negative gradient of what is drawn, at spots.

    xs, ys   (k,)    spots within the grid
    returns  (k, 2)  −∂L/∂x, −∂L/∂y between the four grid points around each; NaN where one of them is not finite
    """
    with np.errstate(invalid="ignore", over="ignore"):
        up, across = np.gradient(surface.losses, surface.ys, surface.xs)
    columns = np.interp(xs, surface.xs, np.arange(len(surface.xs)))
    rows = np.interp(ys, surface.ys, np.arange(len(surface.ys)))
    i = np.minimum(columns.astype(int), len(surface.xs) - 2)
    j = np.minimum(rows.astype(int), len(surface.ys) - 2)
    u, v = columns - i, rows - j
    found = [
        (1 - v) * ((1 - u) * part[j, i] + u * part[j, i + 1]) + v * ((1 - u) * part[j + 1, i] + u * part[j + 1, i + 1])
        for part in (across, up)
    ]
    return -np.stack(found, axis=1)


def lengths(ahead: Array, heights: float) -> Array:
    """Pixels of each arrow: longer where it is steeper, by the logarithm; 0 where it is flat.

    ahead    (k,)  how far the loss would change within the picture, going on like this
    heights  between the lowest and the highest loss in the picture
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        share = 1 + np.log10(ahead / (heights or 1.0)) / 3
    found: Array = SHORTEST + (LONGEST - SHORTEST) * np.clip(share, 0.0, 1.0)
    return np.where(np.isfinite(share) & (share > 0), found, 0.0)


def field_lines(surface: Surface, axes: Axes, heights: float) -> Array:
    """Shafts and barbs of all arrows, in pixels: (k, 3, 4)."""
    across, down = (max(2, int(size / SPACING)) for size in (axes.area.width(), axes.area.height()))
    shares = np.meshgrid((np.arange(across) + 0.5) / across, (np.arange(down) + 0.5) / down)
    x, y = (share.ravel() for share in shares)
    xs = axes.left + x * (axes.right - axes.left)
    ys = axes.top - y * (axes.top - axes.bottom)
    slopes = descent(surface, xs, ys)
    wide, high = axes.right - axes.left, axes.top - axes.bottom
    step = slopes * [axes.area.width() / wide, -axes.area.height() / high]
    size = np.hypot(step[:, 0], step[:, 1])
    length = lengths(np.hypot(slopes[:, 0] * wide, slopes[:, 1] * high), heights)
    seen = (length > 0) & (size > 0)
    middle = np.stack([axes.area.left() + x * axes.area.width(), axes.area.top() + y * axes.area.height()], axis=1)[
        seen
    ]
    half = step[seen] * (length[seen] / size[seen] / 2)[:, None]
    tips = middle + half
    angles = np.arctan2(half[:, 1], half[:, 0])[:, None] + math.pi + np.array([TURN, -TURN])
    barbs = tips[:, None] + HEAD * np.stack([np.cos(angles), np.sin(angles)], axis=2)
    starts = np.stack([middle - half, barbs[:, 0], barbs[:, 1]], axis=1)
    return np.concatenate([starts, np.broadcast_to(tips[:, None], starts.shape)], axis=2)


def paint_field(painter: QPainter, surface: Surface, axes: Axes, heights: float) -> None:
    """All arrows in one call, faint beside the one at the point."""
    theme = current_theme()
    pen = theme.pen("update", 1.0)
    pen.setColor(theme.colour("update", STRENGTH))
    painter.setPen(pen)
    painter.drawLines(segments(field_lines(surface, axes, heights)))
