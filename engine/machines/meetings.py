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
    awaited = _without_known(_awaited(work), len(work))
    tells = [at in awaited.values() for at in range(len(work))]
    told = [sum(tells[:at]) for at in range(len(work) + 1)]  # counts before each piece

    def lag(head: int) -> int | None:
        if head not in awaited:
            return None
        # The count that the event's tell makes, as an iteration ago where it stands behind the piece of work.
        event = awaited[head]
        return told[head] - (told[event] + 1 - (told[-1] if event >= head else 0))

    return [Before(lag(at), tells[at]) for at in range(len(work))]


def _awaited(work: Sequence[Work]) -> dict[int, int]:
    """By piece of work that must wait the other thread's piece behind which it may go on: the nearest before it."""
    heads = _heads(work)
    awaited: dict[int, int] = {}
    for at in range(len(work)):
        for event in _events(work, at):
            head, event = heads[at], _told_behind(work, event)
            nearest = min(event, awaited.get(head, event), key=lambda event: _distance(head, event, len(work)))
            awaited[head] = nearest
    return awaited


def _distance(head: int, event: int, count: int) -> int:
    """How many pieces of work ago an event was told of, going round."""
    return (head - event - 1) % count + 1


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


def _without_known(awaited: dict[int, int], count: int) -> dict[int, int]:
    """Without waits for what an earlier wait has seen already."""
    seen, needed = -count, dict[int, int]()
    for turn in (0, 1):
        needed = {}
        for head in sorted(awaited):
            wanted = turn * count + head - _distance(head, awaited[head], count)
            if wanted > seen:
                needed[head], seen = awaited[head], wanted
    return needed
