"""Pictograms of activation functions: the curve in a neuron, and where on it the neuron works."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPolygonF

REACH, POINTS = 3.0, 61
LEAK = 0.1  # steeper than the default, so that the pictogram shows that it leaks

CURVES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "identity": lambda z: z,
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "leaky_relu": lambda z: np.where(z > 0, z, LEAK * z),
    "elu": lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))),
    "selu": lambda z: 1.0507 * np.where(z > 0, z, 1.6733 * np.expm1(np.minimum(z, 0))),
    "gelu": lambda z: 0.5 * z * (1 + np.tanh(0.7979 * (z + 0.044715 * z**3))),
    "softplus": lambda z: np.log1p(np.exp(z)),
    "hard_tanh": lambda z: np.clip(z, -1, 1),
    "sign": np.sign,
}


@cache
def samples(activation: str) -> tuple[np.ndarray, np.ndarray]:
    """Operands from -REACH to REACH and what the activation makes of them; unknown ones are drawn straight."""
    z = np.linspace(-REACH, REACH, POINTS)
    return z, np.asarray(CURVES.get(activation, CURVES["identity"])(z), float)


def _place(z: np.ndarray | float, y: np.ndarray | float, activation: str, area: QRectF) -> tuple:
    heights = samples(activation)[1]
    low, high = float(heights.min()), float(heights.max())
    x = area.left() + (z + REACH) / (2 * REACH) * area.width()
    return x, area.bottom() - (y - low) / ((high - low) or 1.0) * area.height()


def curve(activation: str, area: QRectF) -> QPolygonF:
    """The activation's curve within an area."""
    z, y = samples(activation)
    xs, ys = _place(z, y, activation, area)
    return QPolygonF([QPointF(float(across), float(down)) for across, down in zip(xs, ys, strict=True)])


def operating_point(activation: str, value: float, area: QRectF) -> QPointF:
    """Where on the curve a neuron with this result works; results off the picture stand at its end."""
    z, y = samples(activation)
    at = int(np.abs(y - value).argmin())
    x, down = _place(float(z[at]), float(np.clip(value, y.min(), y.max())), activation, area)
    return QPointF(float(x), float(down))
