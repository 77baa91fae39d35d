"""Where two threads that do the same work on halves of their own must meet: before one reads what the other has written,
and before it overwrites what the other still reads.

Told of every piece of work what it writes of the thread's own values and what it reads of the other's, in the order of an
iteration that comes again and again. A thread tells that it has come to a place (a count that grows by one); the other
awaits a count where it must. Both are far apart where they can be, so that nobody waits for long.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import NamedTuple


class Work(NamedTuple):
    """What a piece of work writes of this thread's, what it reads of the other's; whether it goes on from its neighbour."""

    writes: frozenset[Hashable]
    reads: frozenset[Hashable]
    goes_on: bool = False


class Before(NamedTuple):
    """In front of a piece of work: how far the other may be behind (None: no need to ask); behind it: whether to tell."""

    lag: int | None
    tells: bool


def meetings(work: Sequence[Work]) -> list[Before]:
    """For each piece of work what stands before and behind it."""
    tells = _tells(work)
    told = [sum(tells[:at]) for at in range(len(work) + 1)]  # counts before each piece
    all_told = told[-1]
    heads = _heads(work)
    lags: dict[int, int] = {}
    for at in range(len(work)):
        for event in _events(work, at):
            # The count that the event's tell makes, as an iteration ago where it stands behind the piece of work.
            head = heads[at]
            made = told[event] + 1 - (all_told if event >= head else 0)
            lag = told[head] - made
            lags[head] = min(lag, lags.get(head, lag))
    needed = _without_known(lags, told, all_told)
    return [Before(needed.get(at), tells[at]) for at in range(len(work))]


def _tells(work: Sequence[Work]) -> list[bool]:
    """Behind which pieces of work a thread tells: behind what the other waits for."""
    tells = [False] * len(work)
    for at in range(len(work)):
        for event in _events(work, at):
            tells[_told_behind(work, event)] = True
    return tells


def _told_behind(work: Sequence[Work], event: int) -> int:
    """Pieces that go on from each other stay together: what one of them has done is told behind the last."""
    while event + 1 < len(work) and work[event + 1].goes_on:
        event += 1
    return event


def _heads(work: Sequence[Work]) -> list[int]:
    """Before which piece of work is waited for each: before the first of those that go on from each other."""
    heads: list[int] = []
    for at, piece in enumerate(work):
        heads.append(heads[-1] if piece.goes_on and at else at)
    return heads


def _events(work: Sequence[Work], at: int) -> Iterator[int]:
    """The other thread's pieces of work that must be done before this one: the last before it, or of the iteration before."""
    for value in work[at].reads:
        yield _last(at, [value in piece.writes for piece in work])
    for value in work[at].writes:
        readers = [value in piece.reads for piece in work]
        if any(readers):
            yield _last(at, readers)


def _last(at: int, concerned: Sequence[bool]) -> int:
    """The nearest piece of these before one, going round."""
    count = len(concerned)
    return next(place for place in [(at - step) % count for step in range(1, count + 1)] if concerned[place])


def _without_known(lags: dict[int, int], told: Sequence[int], all_told: int) -> dict[int, int]:
    """Without waits for what an earlier wait has seen already."""
    seen, needed = -all_told, dict[int, int]()
    for turn in (0, 1):
        needed = {}
        for at in sorted(lags):
            wanted = turn * all_told + told[at] - lags[at]
            if wanted > seen:
                needed[at], seen = lags[at], wanted
    return needed
