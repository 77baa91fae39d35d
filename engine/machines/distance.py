"""Whether two threads send each other numbers through the caches or past them: whatever is faster here and now."""

from __future__ import annotations

TELLING_S = 4e-3  # of a part: a shorter one says nothing of how its numbers were sent
PATIENCE = 16  # parts from one trial of the slower way to the next
AT_MOST = 1.1  # times what it was before: whoever took longer was held up


class Distance:
    """Whether what is sent goes through the caches or past them: both ways are timed while the work is done.

    Processors lie near to each other or far apart, and a machine that is shared moves them while a net learns.
    """

    def __init__(self) -> None:
        self._seconds = [0.0, 0.0]  # an iteration past the caches, and through them; 0: not known
        self._parts = 0

    def choose(self) -> bool:
        """Whether to go through them in the part that comes."""
        far, near = self._seconds
        self._parts += 1
        return (near < far) != (self._parts % PATIENCE == 0)

    def note(self, near: bool, times: int, seconds: float) -> None:
        """How long a part of so many iterations took."""
        if seconds >= TELLING_S:
            most = AT_MOST * self._seconds[near] or seconds
            self._seconds[near] = min(seconds / times, most)
