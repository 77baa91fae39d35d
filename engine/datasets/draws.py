"""Random numbers for data sets: the same points on every machine, whatever the version of NumPy.

Only the raw integers of Philox-4x64-10 are taken from NumPy. Its `Generator` may change how it turns them into floats
(NEP 19), so that is done here: uniform numbers from the upper 53 bits, normal ones by Box and Muller (1958).
"""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


class Draws:
    """A stream of random numbers, keyed by a seed and by what they are for.

    Points and noise use streams of their own: turning up the noise scales it, and moves no point.
    """

    def __init__(self, seed: int, purpose: str) -> None:
        key = np.array([seed, zlib.crc32(purpose.encode())], dtype=np.uint64)
        self._generator = np.random.Philox(key=key)

    def _raw(self, count: int) -> NDArray[np.uint64]:
        return np.asarray(self._generator.random_raw(count), dtype=np.uint64)

    def uniform(self, *shape: int) -> Floats:
        """Numbers of [0, 1) in steps of 2⁻⁵³, of the given shape."""
        raw = self._raw(int(np.prod(shape)))
        return ((raw >> np.uint64(11)).astype(np.float64) * 2.0**-53).reshape(shape)

    def normal(self, *shape: int) -> Floats:
        """Numbers of mean 0 and deviation 1: √(−2 ln(1−u)) · cos 2πv and · sin 2πv from each pair of uniform u, v."""
        count = int(np.prod(shape))
        pairs = self.uniform((count + 1) // 2, 2)
        radius = np.sqrt(-2 * np.log1p(-pairs[:, 0]))
        angle = 2 * np.pi * pairs[:, 1]
        both = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
        return both.ravel()[:count].reshape(shape)

    def order(self, count: int) -> Indices:
        """A random order of 0 … count − 1: the places of that many raw numbers when sorted."""
        return np.argsort(self._raw(count), kind="stable").astype(np.int64)
