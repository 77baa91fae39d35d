"""Checkpoints of a run and what a hand changed in it: enough to go back to any step and arrive at the same bits."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
LIMIT = 256 * 2**20  # bytes of checkpoints
MOST = 4096  # checkpoints


class Moment(NamedTuple):
    """A point between two steps: `position` steps of `iteration` have been played."""

    iteration: int
    position: int


class Checkpoint(NamedTuple):
    """All that lasts from one iteration to the next: parameters, states, whole-number states, clock."""

    iteration: int
    reals: Array
    wholes: Array
    clock: Array

    @property
    def size(self) -> int:
        """Bytes."""
        return self.reals.nbytes + self.wholes.nbytes + self.clock.nbytes


class Intervention(NamedTuple):
    """A hand put numbers into a parameter, a constant or a setting at this moment."""

    moment: Moment
    address: str
    numbers: Array

    @property
    def is_computed_with(self) -> bool:
        """Whether values and derivatives depend on it; the numbers of training only say how parameters move."""
        return not self.address.startswith("training.")


class Timeline:
    """Checkpoints by iteration, thinned when they outgrow their limit, and interventions in order."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._checkpoints: list[Checkpoint] = []
        self._bytes = 0
        self.interventions: list[Intervention] = []

    @property
    def earliest(self) -> int:
        """The first iteration that can be gone back to."""
        return self._checkpoints[0].iteration if self._checkpoints else 0

    def reaches(self, iteration: int) -> bool:
        """Whether there is a checkpoint of this iteration, or of a later one."""
        return bool(self._checkpoints) and self._checkpoints[-1].iteration >= iteration

    def keep(self, checkpoint: Checkpoint) -> None:
        """Add a checkpoint behind all others; one of the same iteration is there already."""
        if self.reaches(checkpoint.iteration):
            return
        self._checkpoints.append(checkpoint)
        self._bytes += checkpoint.size
        if self._bytes > self._limit or len(self._checkpoints) > MOST:
            self._thin()

    def before(self, iteration: int) -> Checkpoint:
        """The last checkpoint at or before an iteration; the first one if there is none."""
        index = bisect_right([entry.iteration for entry in self._checkpoints], iteration)
        return self._checkpoints[max(0, index - 1)]

    def forget_after(self, moment: Moment) -> None:
        """The future is open again: drop what was kept of it."""
        while len(self._checkpoints) > 1 and self._checkpoints[-1].iteration > moment.iteration:
            self._bytes -= self._checkpoints.pop().size
        self.interventions = [entry for entry in self.interventions if entry.moment <= moment]

    def intervene(self, moment: Moment, address: str, numbers: Array) -> None:
        """Remember numbers set by hand; of a drag at one moment only the last counts."""
        self.forget_after(moment)
        self.interventions = [e for e in self.interventions if (e.moment, e.address) != (moment, address)]
        self.interventions.append(Intervention(moment, address, numbers.copy()))

    def is_touched(self, moment: Moment) -> bool:
        """Whether a hand has set something at this moment that values depend on."""
        return any(entry.moment == moment and entry.is_computed_with for entry in self.interventions)

    def _thin(self) -> None:
        # Every second one goes, the newest sixteenth stays whole: going back is mostly going back a little.
        recent = max(1, len(self._checkpoints) // 16)
        old, new = self._checkpoints[:-recent], self._checkpoints[-recent:]
        self._checkpoints = old[::2] + new
        self._bytes = sum(entry.size for entry in self._checkpoints)
