"""Two blocks of examples, where two threads play halves: what is sent of the first is under way while the second is computed.

Numbers that go to the other core take half a microsecond to arrive, as long as a small product takes. Whatever treats every
example alone, before they are sent and behind, is therefore played for half of the examples and then for the other half.
Nobody waits for what comes of the first block: it was sent before the second was begun; nor for the second: by the time
that it is asked for the first has gone all the way to the slopes.

Only the order differs, and never what an example's numbers are made of.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set

from engine.machines.sharing import SENT, Piece, Place
from engine.machines.spans import SHARED
from engine.placement import LINE
from engine.primitives.base import Primitive, length_of_result, rows_of_result
from engine.values import B

Key = tuple[int, str]  # of memory, see `Place`
BLOCKS = (0, 1)
# Operands that are read by examples, beside those of `SHARED`, of what only halves play.
_SHARED = {**SHARED, "matmul_gated": (0, 2), "matmul_onto_gated": (0, 1, 3), "class_slopes": (0, 1, 2, 4)}


def first_rows(batch: int) -> int:
    """Examples of the first block: whole cache lines of every value."""
    return min(batch, -(-batch // (2 * LINE)) * LINE)


def in_blocks(pieces: Sequence[Piece], written: Sequence[Iterable[Place]]) -> list[Piece]:
    """The same pieces, those around each exchange block by block; `written`: what each of them writes."""
    done, left = list[Piece](), [_Work(*work) for work in zip(pieces, written, strict=True)]
    while True:
        sends = [at for at, work in enumerate(left) if work.piece.call.primitive.name == "send"]
        if not sends:
            return done + [work.piece for work in left]
        around = _Around(left, sends[0])
        done += around.order()
        left = left[around.end :]


class _Work:
    """A piece, the memory that it writes, and what it reads: by examples, and as a whole."""

    def __init__(self, piece: Piece, written: Iterable[Place]) -> None:
        self.piece, self.writes = piece, {place.key for place in written}
        shared = _shared(piece) if _shared(piece.of(1)) is not None else None
        self.is_by_examples, self.shared = shared is not None, shared or ()
        self.reads = {place.key for lane in (0, 1) for place in piece.of(lane).operands}
        self.whole = {place.key for at, place in enumerate(piece.operands) if at not in self.shared}
        both = [place for lane in (0, 1) for place in piece.of(lane).operands]
        self.waits = any(place.lane is not None and place.part != SENT for place in both)  # for the other thread

    def in_block(self, block: int) -> Piece:
        """The piece for one block of examples."""
        return self.piece.in_block(block, self.shared)


class _Around:
    """What is played around an exchange: before it and behind it by examples, and what can wait or can go before."""

    def __init__(self, works: Sequence[_Work], at: int) -> None:
        begin, whole = at, set(works[at].whole)
        while begin and self._goes_before(works[begin - 1], whole):
            begin -= 1
            whole |= works[begin].whole
        self._first, self._front = list(works[:begin]), list(works[begin : at + 1])
        self._back: list[_Work] = []
        self._last: list[_Work] = []
        self.end = at + 1
        self._follow(works)

    def order(self) -> list[Piece]:
        """All of these pieces."""
        first, last = [[work.piece for work in works] for works in (self._first, self._last)]
        around = (self._front, self._back)
        return [*first, *[work.in_block(block) for works in around for block in BLOCKS for work in works], *last]

    @staticmethod
    def _goes_before(work: _Work, whole: Set[Key]) -> bool:
        return work.is_by_examples and not work.waits and work.writes.isdisjoint(whole)

    def _follow(self, works: Sequence[_Work]) -> None:
        made = {key for work in self._front for key in work.writes}
        late: set[Key] = set()
        for work in works[self.end :]:
            if work.waits or work.piece.call.primitive.writes or work.piece.call.primitive.name == "send":
                return
            self.end += 1
            if work.reads.isdisjoint(made | late):
                self._first.append(work)
            elif work.is_by_examples and work.reads.isdisjoint(late) and work.whole.isdisjoint(made):
                self._back.append(work)
                made |= work.writes
            else:
                self._last.append(work)
                late |= work.writes


def _shared(piece: Piece) -> Sequence[int] | None:
    """The operands that are read by examples; None where it mixes them."""
    primitive, places = piece.call.primitive, (*piece.operands, piece.result)
    if not isinstance(primitive, Primitive) or not _is_of_examples(piece.result) or not _is_counted(piece, primitive):
        return None
    if primitive.is_each_alone:
        found: Iterable[int] = [at for at, place in enumerate(piece.operands) if place.value.shape]
    elif primitive.name in _SHARED and not piece.call.attributes.get("transpose_a"):
        found = [at for at in _SHARED[primitive.name] if at < len(piece.operands)]
    else:
        return None
    return list(found) if all(_is_of_examples(places[at]) for at in found) else None


def _is_counted(piece: Piece, primitive: Primitive) -> bool:
    """Whether as many outputs belong to each example."""
    by_rows = primitive.length is rows_of_result and piece.result.value.rank > 1
    return by_rows or primitive.length is length_of_result


def _is_of_examples(place: Place) -> bool:
    return place.half is None and bool(place.value.shape) and place.value.shape[0] == B
