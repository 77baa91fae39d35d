"""The run's numbers in files: where the person wants them, and beside the journal in case of a crash."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from engine.problems import ProblemError

if TYPE_CHECKING:
    from pathlib import Path

    from engine.problems import Problem
    from engine.session import Session

LEAST_SECONDS = 2.0  # between two writings
SPARED = 50  # of the worker's time at most one part in so many goes into writing


class RunKeeper:
    """Keeps a run beside its journal, on the worker's thread: when there is something new, and never often."""

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
        try:
            write_run(self._path, session)
        except ProblemError:
            self._path = None  # the disk is full or gone: the journal says so, if anybody can
        spent = time.perf_counter() - now
        self._due = now + max(LEAST_SECONDS, SPARED * spent)


def write_run(path: Path, session: Session) -> None:
    """Write all that lasts of a run. Raises `ProblemError`."""
    from engine.weights_file import write_weights

    write_weights(path, session.weights)


def go_on_from(path: Path, session: Session) -> list[Problem]:
    """Let a run go on where a saved one stood; what of that does not fit. Raises `ProblemError`."""
    from engine.weights_file import read_weights

    weights, problems = read_weights(path)
    return problems + session.resume(weights)
