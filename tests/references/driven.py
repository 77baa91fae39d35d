"""The step that a driver has decided on."""

from __future__ import annotations

from tests.references.registry import reference
from tests.references.updates import stepping


@reference("take_step", stepping(2, 1))
def take_step(w, direction, length):
    return w + length * direction
