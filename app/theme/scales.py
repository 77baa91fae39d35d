"""Colour scales: anchors interpolated in OKLab, where equal steps look equal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.theme.palette import channels

STEPS = 256

# Ottosson 2020, "A perceptual color space for image processing": linear sRGB -> cone response -> OKLab.
TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def lookup_table(anchors: Sequence[str]) -> NDArray[np.uint8]:
    """256 colours through evenly spaced `anchors` (`#RRGGBB`); shape (256, 3), red, green, blue."""
    lab = to_oklab(np.array([channels(anchor) for anchor in anchors]) / 255)
    places = np.linspace(0, len(anchors) - 1, STEPS)
    mixed = np.stack([np.interp(places, np.arange(len(anchors)), lab[:, axis]) for axis in range(3)], axis=1)
    table = np.rint(255 * np.clip(from_oklab(mixed), 0, 1)).astype(np.uint8)
    table.flags.writeable = False  # shared by every view
    return table


def to_oklab(srgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """(colours, 3) from sRGB 0 to 1 to OKLab."""
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    return np.cbrt(linear @ TO_CONES.T) @ TO_LAB.T


def from_oklab(lab: NDArray[np.float64]) -> NDArray[np.float64]:
    """(colours, 3) from OKLab to sRGB; colours outside the screen's range fall outside 0 to 1."""
    cones = (lab @ np.linalg.inv(TO_LAB).T) ** 3
    linear = np.maximum(cones @ np.linalg.inv(TO_CONES).T, 0)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
