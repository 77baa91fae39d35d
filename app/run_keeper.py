"""The run's numbers in files: where the person wants them, and beside the journal in case of a crash."""

from __future__ import annotations

import time
from dataclasses import replace
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
        self._since = 0
        self._is_old = False
        self._due = 0.0

    def keep_in(self, path: Path | None, since: int = 0) -> None:
        """Where to write from now on; None: nowhere.

        since  revision of the document that the journal begins with: entries are counted from there
        """
        # Of a journal that began anew the entries are counted otherwise than in the file that is there.
        self._is_old = path is not None and path == self._path
        self._path, self._since, self._due = path, since, 0.0

    def note(self) -> None:
        """What was written is not how the run stands any more."""
        self._is_old = True

    def hurry(self) -> None:
        """Write as soon as there is a moment: the run rests, and somebody may build on how it stands."""
        self._due = 0.0

    def seconds_left(self, now: float) -> float | None:
        """Until it is time to write; None where there is nothing to write."""
        return max(0.0, self._due - now) if self._path is not None and self._is_old else None

    def keep(self, session: Session | None, revision: int) -> None:
        """Write if it is time; a run that has gone astray is not kept.

        revision  of the document that the session plays
        """
        now = time.perf_counter()
        if session is None or self._path is None or self.seconds_left(now) != 0.0:
            return
        self._is_old = False
        if session.problem is not None:
            return
        try:
            write_run(self._path, session, edits=revision - self._since)
        except ProblemError:
            self._path = None  # the disk is full or gone: the journal says so, if anybody can
        spent = time.perf_counter() - now
        self._due = now + max(LEAST_SECONDS, SPARED * spent)


def write_run(path: Path, session: Session, edits: int | None = None) -> None:
    """Write all that lasts of a run, and how many entries of the journal it has seen. Raises `ProblemError`."""
    from engine.weights_file import EDITS, write_weights

    weights = session.weights
    clock = weights.clock if edits is None else {**weights.clock, EDITS: edits}
    write_weights(path, replace(weights, clock=clock))


def edits_before(path: Path) -> int | None:
    """How many entries of the journal a kept run had seen; None where it cannot be read, or does not say."""
    from engine.weights_file import EDITS, read_weights

    try:
        return read_weights(path)[0].clock.get(EDITS)
    except ProblemError:
        return None


def go_on_from(path: Path, session: Session) -> list[Problem]:
    """Let a run go on where a saved one stood; what of that does not fit. Raises `ProblemError`."""
    from engine.weights_file import read_weights

    weights, problems = read_weights(path)
    return problems + session.resume(weights)
