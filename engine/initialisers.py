"""Where parameters start: functions of a shape and a stream of random numbers."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Initialiser = Callable[[tuple[int, ...], np.random.Generator], Array]


def stream(seed: int, address: str) -> np.random.Generator:
    """Random numbers of the document's seed and of this address alone: adding a node changes nobody else's."""
    digest = hashlib.blake2b(address.encode(), digest_size=8).digest()
    return np.random.Generator(np.random.Philox(key=[seed, int.from_bytes(digest, "little")]))


def _fans(shape: tuple[int, ...]) -> tuple[int, int]:
    if len(shape) < 2:
        return (shape[0] if shape else 1), 1
    return int(np.prod(shape[:-1])), shape[-1]


def zeros(shape: tuple[int, ...], draw: np.random.Generator) -> Array:
    """All 0."""
    return np.zeros(shape)


def glorot_uniform(shape: tuple[int, ...], draw: np.random.Generator) -> Array:
    """Uniform within ±√(6 / (fan_in + fan_out)) (Glorot & Bengio 2010; Aggarwal 2023, §2.7.2)."""
    fan_in, fan_out = _fans(shape)
    limit = math.sqrt(6.0 / (fan_in + fan_out))
    return draw.uniform(-limit, limit, shape)


def he_normal(shape: tuple[int, ...], draw: np.random.Generator) -> Array:
    """Normal with variance 2 / fan_in, for ReLU (He et al. 2015)."""
    return draw.standard_normal(shape) * math.sqrt(2.0 / _fans(shape)[0])


def fan_in_normal(shape: tuple[int, ...], draw: np.random.Generator) -> Array:
    """Normal with variance 1 / fan_in (Aggarwal 2023, §2.7.2)."""
    return draw.standard_normal(shape) / math.sqrt(_fans(shape)[0])


def normal(shape: tuple[int, ...], draw: np.random.Generator) -> Array:
    """Standard normal times 0.1."""
    return draw.standard_normal(shape) * 0.1


def uniform(shape: tuple[int, ...], draw: np.random.Generator) -> Array:
    """Uniform within ±1."""
    return draw.uniform(-1.0, 1.0, shape)


INITIALISERS: dict[str, Initialiser] = {
    function.__name__: function for function in (glorot_uniform, he_normal, fan_in_normal, normal, uniform, zeros)
}
