"""Everything that can be cut or halved is, and played by two threads whatever the machine has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from engine.machines import cpu, halves, lanes, twins


@contextmanager
def shared() -> Iterator[None]:
    """Sessions made within are played by two threads."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lanes, "WORTH_NS", 0.0)
        patch.setattr(lanes, "WORTH_TAPE_NS", -1.0)
        patch.setattr(twins, "WORTH_NS", -1e9)
        patch.setattr(halves, "WORTH_NS", -float("inf"))
        patch.setattr(cpu, "available", lambda: 2)
        patch.setattr(lanes.Pace, "choose", lambda pace, times: (True, times))
        yield


@contextmanager
def alone() -> Iterator[None]:
    """Sessions within are played by one thread."""
    lanes.keep_free(64)
    try:
        yield
    finally:
        lanes.keep_free(0)
