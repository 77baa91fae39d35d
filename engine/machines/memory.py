"""Memory as kernels and native loops want it."""

from __future__ import annotations

from typing import Any

import numpy as np

LINE_BYTES = 64


def aligned(size: int, dtype: str) -> np.ndarray[Any, np.dtype[Any]]:
    """Zeros that begin where a cache line begins."""
    kind = np.dtype(dtype)
    raw = np.zeros(size + LINE_BYTES // kind.itemsize, kind)
    shift = (-raw.ctypes.data % LINE_BYTES) // kind.itemsize
    return raw[shift : shift + size]
