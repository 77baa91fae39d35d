"""How fast a run is to be and how fast it is, and how long an optimizer has been deciding."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.session import Session

CHUNK_SECONDS = 0.016
MEASURE_SECONDS = 0.25  # between two evaluations of the whole data while it plays at a chosen speed
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


class Tempo:
    """Plays at a chosen speed: as many nodes as are due by the clock.

    speed  nodes per second; None is as fast as it goes
    """

    def __init__(self) -> None:
        self.speed: float | None = None
        self._due = 0.0  # nodes that ought to have been played by now
        self._clock = 0.0
        self._measured = 0.0
        self._pace = Pace()

    def begin(self, due: float = 0.0) -> None:
        """Count from now on, with so many nodes due at once."""
        self._due, self._clock = due, time.perf_counter()
        self._pace = Pace(self._clock)

    def seconds_left(self, now: float) -> float:
        """Until the next node is due."""
        return 0.0 if self.speed is None else (1 - self._due) / self.speed - (now - self._clock)

    def nodes_per_second(self, now: float) -> float | None:
        """How fast it really is; None where no speed was chosen."""
        return None if self.speed is None else self._pace.nodes_per_second(now)

    def play_what_is_due(self, session: Session, stops: frozenset[str] = frozenset()) -> bool:
        """Play it, whole iterations in one go (node by node where one of them stops it); whether anything was due."""
        now = time.perf_counter()
        self._due += (now - self._clock) * (self.speed or 0.0)
        self._clock = now
        whole, before, has_played = len(session.steps), session.iteration, False
        while self._due >= 1 and session.problem is None:
            if time.perf_counter() - now > CHUNK_SECONDS:
                self._due = 0.0  # it cannot go that fast: no debt is carried along
                break
            played = whole if session.next_step is session.steps[0] and self._due >= whole and not stops else 1
            if played == whole:
                session.run(1)
            else:
                session.step("node")
            self._due -= played
            self._pace.count(played)
            has_played = True
            if stands_at(session, stops):
                break
        if session.iteration != before and now - self._measured > MEASURE_SECONDS:
            self._measured = now
            session.measure()
        return has_played


def stands_at(session: Session, stops: frozenset[str]) -> bool:
    """Whether the node just played, or a composite around it, is one to stop at."""
    step = session.last_step
    return step is not None and any(step.node == stop or step.node.startswith(f"{stop}/") for stop in stops)


def play_to(session: Session, stops: frozenset[str], seconds: float) -> bool:
    """Play node by node until one of these was played; False where the time was over before, or a number was not finite."""
    end = time.perf_counter() + seconds
    while session.problem is None and time.perf_counter() < end:
        session.step("node")
        if stands_at(session, stops):
            return True
    return False


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
