"""Pictures of a matrix of signed numbers: a pixel a number, or a square a number (Hinton diagram)."""

from __future__ import annotations

from typing import Any

import numpy as np

from app.theme.theme import current_theme

Array = np.ndarray[Any, np.dtype[Any]]


def heat_pixels(array: Array, limit: float) -> Array:
    """Colours (rows, columns, 3) of numbers (rows, columns); ±`limit` are the ends, what is not finite is in error."""
    shares = np.nan_to_num(np.clip(array / limit, -1, 1))
    steps = ((shares + 1) * 127.5 + 0.5).astype(np.uint8)
    theme = current_theme()
    pixels = theme.diverging[steps]
    if not np.isfinite(array).all():
        wrong = theme.colour("error")
        pixels[~np.isfinite(array)] = wrong.red(), wrong.green(), wrong.blue()
    return np.ascontiguousarray(pixels)


def square_pixels(array: Array, limit: float, size: int) -> Array:
    """Pixels (rows · size, columns · size) as 0xffRRGGBB: a square's area is the number, its colour the sign.

    As NumPy arrays, not rectangles: a thousand squares cost as much as a few.
    """
    theme = current_theme()
    sides = np.sqrt(np.clip(np.nan_to_num(np.abs(array) / limit, nan=1.0), 0, 1)) * (size - 1)
    sides = np.where((array != 0) & (sides < 1), 1.0, sides)  # what is not zero is seen
    away = np.abs(2 * np.arange(size) - (size - 1)) + 1
    inside = np.maximum(away[:, None, None], away[None, None, :]) <= sides[:, None, :, None] + 0.5
    table = np.array([theme.colour(token).rgb() for token in ("zero", "pos", "neg", "error")], np.uint32)
    colours = np.where(np.isfinite(array), np.where(array < 0, 2, 1), 3)
    painted = np.where(inside, table[colours][:, None, :, None], table[0])
    return np.ascontiguousarray(painted.reshape(array.shape[0] * size, -1))
