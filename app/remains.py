"""What an edit leaves of the graph before it: its last numbers stand, greyed, until the new graph has computed its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.snapshot import Reading, Snapshot


class Remains:
    """Remembers the last snapshot before an edit, and fills with it what those after it do not know yet."""

    def __init__(self) -> None:
        self._last: Snapshot | None = None
        self._before: Snapshot | None = None

    def note_edit(self) -> None:
        """The graph is another one from now on."""
        self._before = self._last

    def forget(self) -> None:
        """Another document, or the same at its start: nothing of what was counts."""
        self._last = self._before = None

    def filled(self, snapshot: Snapshot) -> Snapshot:
        """The snapshot, with numbers of before the edit where nothing was computed since, marked as `earlier`."""
        if self._before is not None:
            values = filled(snapshot.values, self._before.values)
            gradients = filled(snapshot.gradients, self._before.gradients)
            if values is snapshot.values and gradients is snapshot.gradients:
                self._before = None  # all of it was computed anew
            else:
                snapshot = replace(snapshot, values=values, gradients=gradients)
        self._last = snapshot
        return snapshot


def filled(now: Mapping[str, Reading], before: Mapping[str, Reading]) -> Mapping[str, Reading]:
    """Readings with those of before in the place of absent ones, where the shape is still the same."""
    found = {
        address: old._replace(state="earlier")
        for address, reading in now.items()
        if reading.state == "absent"
        and (old := before.get(address)) is not None
        and old.state != "absent"
        and old.shape == reading.shape
        and old.is_finite  # an edit may have mended what made a NaN of it
    }
    return {**now, **found} if found else now
