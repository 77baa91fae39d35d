"""Where parameters start: functions of a shape and a stream of random numbers."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from functools import lru_cache
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
    return math.prod(shape[:-1]), shape[-1]


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


def fan_out_normal(shape: tuple[int, ...], draw: np.random.Generator) -> Array:
    """Normal with variance 1 / fan_out: derivatives keep their size on the way back (COMP9444, “Weight Initialization”).

    Times √2 for ReLU (He et al. 2015, eq. 14).
    """
    return draw.standard_normal(shape) / math.sqrt(_fans(shape)[1])


def normal(shape: tuple[int, ...], draw: np.random.Generator) -> Array:
    """Standard normal times 0.1."""
    return draw.standard_normal(shape) * 0.1


def uniform(shape: tuple[int, ...], draw: np.random.Generator) -> Array:
    """Uniform within ±1."""
    return draw.uniform(-1.0, 1.0, shape)


def glorot_normal(shape: tuple[int, ...], draw: np.random.Generator) -> Array:
    """Normal with variance 2 / (fan_in + fan_out) (Glorot & Bengio 2010; Aggarwal 2023, §2.7.3 and §4.5.1)."""
    return draw.standard_normal(shape) * math.sqrt(2.0 / sum(_fans(shape)))


def he_uniform(shape: tuple[int, ...], draw: np.random.Generator) -> Array:
    """Uniform within ±√(6 / fan_in), the variance of `he_normal` (He et al. 2015)."""
    limit = math.sqrt(6.0 / _fans(shape)[0])
    return draw.uniform(-limit, limit, shape)


def lecun_normal(shape: tuple[int, ...], draw: np.random.Generator) -> Array:
    """Normal with variance 1 / fan_in (LeCun et al. 1998), as libraries call the text's fan-in rule; for SELU."""
    return fan_in_normal(shape, draw)


def lecun_uniform(shape: tuple[int, ...], draw: np.random.Generator) -> Array:
    """Uniform within ±√(3 / fan_in), the variance of `lecun_normal` (LeCun et al. 1998)."""
    limit = math.sqrt(3.0 / _fans(shape)[0])
    return draw.uniform(-limit, limit, shape)


def fan_in_uniform(shape: tuple[int, ...], draw: np.random.Generator) -> Array:
    """Uniform within ±1 / √fan_in: a third of the variance of `fan_in_normal` (Aggarwal 2023, §2.7.3)."""
    limit = 1.0 / math.sqrt(_fans(shape)[0])
    return draw.uniform(-limit, limit, shape)


def small_normal(shape: tuple[int, ...], draw: np.random.Generator) -> Array:
    """Normal with standard deviation 0.01, whatever the shape (Aggarwal 2023, §2.7.3)."""
    return draw.standard_normal(shape) * 0.01


def standard_normal(shape: tuple[int, ...], draw: np.random.Generator) -> Array:
    """Normal with standard deviation 1 (Aggarwal 2023, §4.3.2: one unit per layer)."""
    return draw.standard_normal(shape)


def orthogonal(shape: tuple[int, ...], draw: np.random.Generator) -> Array:
    """Columns (or rows, where these are fewer) at right angles and 1 long, evenly drawn (Saxe et al. 2014)."""
    rows, columns = _as_matrix(shape)
    gaussian = draw.standard_normal((max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(gaussian)
    q = q * np.where(np.diagonal(r) < 0, -1.0, 1.0)  # without the signs of r the draw would favour some directions
    return (q if rows >= columns else q.T).reshape(shape)


def unit_spectral_radius(shape: tuple[int, ...], draw: np.random.Generator) -> Array:
    """Normal, divided by the size of its largest eigenvalue: a reservoir that neither grows nor fades (Jaeger 2001).

    Of a matrix that is not square, by its largest singular value.
    """
    matrix = draw.standard_normal(_as_matrix(shape))
    if matrix.shape[0] == matrix.shape[1]:
        largest = np.abs(np.linalg.eigvals(matrix)).max(initial=0.0)
    else:
        largest = np.linalg.norm(matrix, 2)
    return (matrix / (largest or 1.0)).reshape(shape)


def truncated_normal(shape: tuple[int, ...], draw: np.random.Generator) -> Array:
    """Normal with standard deviation 0.02, drawn again beyond two deviations (Devlin et al. 2019)."""
    numbers = draw.standard_normal(shape)
    while (far := np.abs(numbers) > 2).any():
        numbers = np.where(far, draw.standard_normal(shape), numbers)
    return 0.02 * numbers


def identity(shape: tuple[int, ...], draw: np.random.Generator) -> Array:
    """Ones on the diagonal, zeros beside it: a recurrent layer that begins by remembering (IRNN: Le et al. 2015)."""
    return np.eye(*_as_matrix(shape)).reshape(shape)


def ones(shape: tuple[int, ...], draw: np.random.Generator) -> Array:
    """All 1: scales, and the bias of a forget gate that begins by remembering (Jozefowicz et al. 2015)."""
    return np.ones(shape)


def _as_matrix(shape: tuple[int, ...]) -> tuple[int, int]:
    return math.prod(shape[:-1]), (shape[-1] if shape else 1)


INITIALISERS: dict[str, Initialiser] = {
    function.__name__: function
    for function in (
        glorot_uniform, glorot_normal, he_normal, he_uniform, lecun_normal, lecun_uniform, fan_in_normal, fan_in_uniform,
        fan_out_normal, orthogonal, identity, unit_spectral_radius, truncated_normal, normal, small_normal,
        standard_normal, uniform, zeros, ones,
    )
}  # fmt: skip


@lru_cache(maxsize=256)
def scaled(name: str, scale: float) -> Initialiser:
    """An initialiser whose numbers are multiplied; the same function for the same name and number."""
    plain = INITIALISERS[name]

    def start(shape: tuple[int, ...], draw: np.random.Generator) -> Array:
        return scale * plain(shape, draw)

    return plain if scale == 1.0 else start
