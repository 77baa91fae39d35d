"""How fast a run is, and how long an optimizer has been deciding."""

from __future__ import annotations

PATIENCE_SECONDS, TELLING_SECONDS = 0.3, 0.1  # of an optimizer's decision before it is told of, and between two words


class Pace:
    """How fast nodes are really played: counted over about a second."""

    def __init__(self, start: float = 0.0) -> None:
        self._start, self._count, self._before = start, 0, 0.0

    def count(self, nodes: int) -> None:
        """So many nodes were played."""
        self._count += nodes

    def nodes_per_second(self, now: float) -> float:
        """The rate of the last full second; before that, of the begun one."""
        elapsed = now - self._start
        if elapsed >= 1:
            self._before = self._count / elapsed
            self._start, self._count = now, 0
        return self._before or (self._count / elapsed if elapsed > 0 else 0.0)


class Deciding:
    """A decision of an optimizer: told of only where it takes a while, and then ten times a second."""

    def __init__(self, begun: float) -> None:
        self._due = begun + PATIENCE_SECONDS
        self.was_told = False

    def begin_again(self, now: float) -> None:
        """The next one begins, and needs patience of its own unless the one before was long."""
        self._due = now + (TELLING_SECONDS if self.was_told else PATIENCE_SECONDS)

    def is_long(self, now: float) -> bool:
        """Whether somebody should hear of it now."""
        if now < self._due:
            return False
        self._due, self.was_told = now + TELLING_SECONDS, True
        return True
