"""Where the painting of the moment goes: to the screen, or into a picture in pixels of another size or in vectors.

Whoever makes a picture says so. Asking the painter for its engine instead ended, now and then, in a crash inside Qt: what
it hands out belongs to the window's backing store, which is replaced under it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

_kinds: list[str] = []


@contextmanager
def painting_into(kind: Literal["pixels", "vectors"]) -> Iterator[None]:
    """What is painted within goes into a picture of that kind."""
    _kinds.append(kind)
    try:
        yield
    finally:
        _kinds.pop()


def paints_vectors() -> bool:
    """Whether lines and text stay lines and text: pictures kept for the screen are no use then."""
    return bool(_kinds) and _kinds[-1] == "vectors"


def paints_elsewhere() -> bool:
    """Whether the screen is not what is painted on."""
    return bool(_kinds)
