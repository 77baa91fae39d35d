"""The run's numbers beside the journal: what a crash leaves behind goes on where it stood a moment before."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from engine.problems import ProblemError

if TYPE_CHECKING:
    from pathlib import Path

    from engine.session import Session

LEAST_SECONDS = 2.0  # between two writings
SPARED = 50  # of the worker's time at most one part in so many goes into writing


class RunKeeper:
    """Lives on the worker's thread. Writes when there is something new, and never often."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._is_old = False
        self._due = 0.0

    def keep_in(self, path: Path | None) -> None:
        """Where to write from now on; None: nowhere."""
        self._path, self._is_old, self._due = path, False, 0.0

    def note(self) -> None:
        """What was written is not how the run stands any more."""
        self._is_old = True

    def seconds_left(self, now: float) -> float | None:
        """Until it is time to write; None where there is nothing to write."""
        return max(0.0, self._due - now) if self._path is not None and self._is_old else None

    def keep(self, session: Session | None) -> None:
        """Write if it is time; a run that has gone astray is not kept."""
        now = time.perf_counter()
        if session is None or self._path is None or self.seconds_left(now) != 0.0:
            return
        self._is_old = False
        if session.problem is not None:
            return
        from engine.weights_file import write_weights

        try:
            write_weights(self._path, session.weights)
        except ProblemError:
            self._path = None  # the disk is full or gone: the journal says so, if anybody can
        spent = time.perf_counter() - now
        self._due = now + max(LEAST_SECONDS, SPARED * spent)
