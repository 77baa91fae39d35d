"""Two threads that each own half of a dense net's units, and meet only where one needs what the other has computed.

Each thread has a tape of its own: the same calls on halved values, which lie packed in a stretch of the arena that is its
own, parameters and their states included. A part of training begins with copies of these and ends with copies back, so
that nothing of it has happened where it is not kept. What one thread reads of the other's memory stands behind a meeting.

Every sum is still added up in the same order: a product with few columns is defined as the sum of two halves of its
depth (`splits.adds_halves`), one with many goes on with the second half where the first has ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import prod
from typing import NamedTuple

from engine.machines.bending import bent
from engine.machines.blocks import first_rows, in_blocks
from engine.machines.descents import descending
from engine.machines.heads import with_heads
from engine.machines.meetings import Before, Work, meetings
from engine.machines.sharing import MINE, SENT, TURNS, Piece, Place, pieces_of_call
from engine.machines.splits import Axis, splits_of
from engine.placement import LINE, RESERVED_INTEGERS
from engine.primitives.base import Kernel, Primitive, Region
from engine.rooms import SMALL
from engine.tape import Instruction, Section, Tape, TapeCode, Turn, append
from engine.values import Call, Value, resolve, root_of

WORTH_NS = 500.0  # saved in an iteration
MEETING_NS = 1000.0
FLOPS_PER_NS = 100.0
# Entries between what a thread keeps to itself and what the other one reads: a processor that reads lines in a row fetches
# more of them, to the end of a page, and whoever writes there next has to get them back.
APART = 1024


TELL = Kernel("tell", "engine.machines.waiting:tell")
AWAIT = Kernel("await_other", "engine.machines.waiting:await_other")


class Share(NamedTuple):
    """Where a thread's share of a lasting value lies: the whole one's place, the thread's own, and the halved axis."""

    value: Value
    region: Region
    axis: int | None


class Half(NamedTuple):
    """One thread's code, what it copies before and after, and where its tally and the whole numbers it works on lie."""

    code: TapeCode
    shares: list[Share]
    tally: int
    words: int


class Halves(NamedTuple):
    """Both threads' halves, and where the address of the system's yield is kept."""

    both: tuple[Half, Half]
    yielding: int


def room_of(tape: Tape) -> int:
    """Entries of the arena to keep for `halves_of`, where it may be worth it; 0 elsewhere. Told without planning."""
    begin, end = tape.parameter_span
    if tape.dtype != "float32" or not _is_worth(6 * tape.batch * (end - begin)):
        return 0
    return 2 * (tape.arena_size - begin) + 16 * APART


def whole_room_of(tape: Tape) -> int:
    """Whole numbers to keep for it: each thread has clock, flag and states of its own."""
    return 2 * (tape.integers_size - tape.kept_integers[0][0]) + 4 * APART if room_of(tape) else 0


def _is_worth(flops: float) -> bool:
    return flops / FLOPS_PER_NS / 2 - MEETING_NS > WORTH_NS


def halves_of(tape: Tape) -> Halves | None:
    """How full speed is halved; None where it cannot be, or where it is not worth it."""
    room = room_of(tape)
    if not room or len(tape.fast.turns) > 1:
        return None
    calls = [call for call in tape.fused.calls if isinstance(call.primitive, Primitive)]
    axes = splits_of(calls) or {}
    flops = _halved_flops(calls, axes, tape.batch)
    if not flops or not _is_worth(flops):
        return None
    return _Planner(tape, calls, axes, room).plan()


def _halved_flops(calls: Iterable[Call], axes: dict[int, Axis], batch: int) -> float:
    """Multiplications and additions of the products that are halved: for rows, depth and columns, two of each pair."""
    total = 0.0
    for call in calls:
        if call.primitive.name in ("linear", "linear_bent", "linear_gradient", "matmul"):
            three = (*call.operands[:2], call.result)
            if any(axes.get(value.index) is not None for value in three):
                total += 2 * prod([prod(resolve(value.shape, batch)) for value in three]) ** 0.5
    return total


class _Cursor:
    """Hands out places: small values are packed, larger ones have whole cache lines for themselves."""

    def __init__(self, begin: int) -> None:
        self.offset = begin

    def take(self, region: Region) -> None:
        """Give a region the next place."""
        if region.size >= SMALL:
            self.offset = _aligned(self.offset)
            region.room = _aligned(region.size)
        region.offset = self.offset
        self.offset += region.room

    def line(self) -> int:
        """A cache line for a single word."""
        begin = self.offset = _aligned(self.offset)
        self.offset += LINE
        return begin

    def go_apart(self) -> None:
        """Leave room behind what was taken."""
        self.offset = _aligned(self.offset) + APART


class _Planner:
    """Both threads' places and codes."""

    def __init__(self, tape: Tape, calls: list[Call], axes: dict[int, Axis], room: int) -> None:
        self.tape, self.calls, self.axes, self.room = tape, calls, axes, room
        self.lasting = {value.index for value in tape.program.sources.values()}
        played = [call for call in calls if isinstance(call.primitive, Primitive) and call.primitive.body is not None]
        pieces = with_heads(bent([piece for call in played for piece in pieces_of_call(call, axes)], axes))
        self.pieces = descending(pieces, axes)
        if tape.batch >= 2 * LINE:
            self.pieces = in_blocks(self.pieces, _written(self.pieces, self.lasting))
        self.written = _written(self.pieces, self.lasting)
        self.places: list[dict[tuple[int, str], Region]] = [{}, {}]
        self.tallies, self.words = [0, 0], [0, 0]
        self.yielding = 0

    def plan(self) -> Halves | None:
        """None where there is no room for them."""
        if not self._place():
            return None
        before, needed = meetings(self._works()), self._needed()
        first, second = [
            Half(self._code(lane, before, needed), self._shares(lane), self.tallies[lane], self.words[lane])
            for lane in (0, 1)
        ]
        return Halves((first, second), self.yielding)

    # where everything lies ---------------------------------------------------------------------

    def _place(self) -> bool:
        """Find a place for all that a thread computes or keeps; False where the room does not suffice."""
        arena, words = _Cursor(_aligned(self.tape.arena_size)), _aligned(self.tape.integers_size) + APART
        self.yielding = arena.line()
        for lane in (0, 1):
            arena.go_apart()
            self.tallies[lane], self.words[lane] = arena.line(), words
            arena.go_apart()
            integers = _Cursor(RESERVED_INTEGERS)
            for piece in self.pieces:
                for turn in TURNS if piece.result.part == SENT else ():
                    self._put(lane, piece.result.in_turn(turn), arena, integers)
            arena.go_apart()
            for group in self._groups():
                arena.offset = _aligned(arena.offset)
                for value in group:
                    self._put(lane, Place(value), arena, integers, packed=True)
            for piece in self.pieces:
                for place in (*piece.operands, piece.result):
                    for turn in TURNS:
                        self._put(lane, place.in_turn(turn), arena, integers)
            words += _aligned(integers.offset) + APART
        has_words = words <= self.tape.integers_size + whole_room_of(self.tape)
        return has_words and arena.offset <= self.tape.arena_size + self.room

    def _groups(self) -> Iterator[list[Value]]:
        """Values that lie side by side: parameters, their states of one kind, their gradients."""
        used = {value for call in self.calls for value in call.operands}
        kept = [value for value in self.tape.program.sources.values() if value in used]
        parameters = [value for value in kept if _role(value) == "parameter"]
        yield parameters
        families: dict[str, list[Value]] = {}
        for value in kept:
            if value.source is not None and value.source.role == "state":
                families.setdefault(value.source.address.rpartition(".")[2], []).append(value)
        yield from families.values()
        for phase in self.tape.program.gradients:
            yield [phase[value.index] for value in parameters if value.index in phase]

    def _put(self, lane: int, place: Place, arena: _Cursor, integers: _Cursor, *, packed: bool = False) -> None:
        value, places, key = root_of(place.value), self.places[lane], place.key
        if key in places or (value.call is not None and value.call.primitive.writes):
            return
        if _role(value) in ("data", "setting", "constant"):
            # Nobody writes these: they stay where they are, before the whole numbers that a thread calls its own.
            found = self.tape.region(value)
            shift = self.words[lane] if value.kind == "whole" else 0
            places[key] = Region(found.offset - shift, found.shape)
            return
        cursor = integers if value.kind == "whole" else arena
        places[key] = region = Region(cursor.offset, self._shape(value, self.tape.batch))
        if packed:
            cursor.offset += region.size
        elif place.part:  # it is sent in whole cache lines
            region.offset, region.room = _aligned(cursor.offset), _aligned(region.size)
            cursor.offset = region.offset + region.room
        else:
            cursor.take(region)

    def _shape(self, value: Value, batch: int) -> tuple[int, ...]:
        """The shape of a thread's share."""
        axis, shape = self.axes.get(value.index), resolve(value.shape, batch)
        return tuple([length // 2 if place == axis else length for place, length in enumerate(shape)])

    def _region(self, lane: int, place: Place, batch: int) -> Region:
        whose = lane if place.lane is None else place.lane
        found = self.places[whose][place.key]
        region = Region(found.offset, self._shape(place.value, batch))
        region.room = max(region.size, found.room)
        if place.block:
            region.offset += first_rows(batch) * (region.size // batch)
        if place.half is None:
            return region
        half = lane if place.half == MINE else place.half
        rows, *others = region.shape
        return Region(region.offset + half * region.size // 2, (rows // 2, *others))

    def _shares(self, lane: int) -> list[Share]:
        """Parameters and states: what a thread needs to begin with, and what is left of it in the end."""
        used = {value for call in self.calls for value in call.operands if _role(value) in ("parameter", "state")}
        found = [
            (value, self.places[lane][value.index, ""]) for value in self.tape.program.sources.values() if value in used
        ]
        return [Share(value, region, self.axes.get(value.index)) for value, region in found]

    # what is played ------------------------------------------------------------------------------

    def _works(self) -> list[Work]:
        """What the pieces write, and what they read of the other thread's, in an iteration of each turn."""
        works, walked = [], False
        for turn in TURNS:
            for piece, written in zip(self.pieces, self.written, strict=True):
                walks = _walks(piece)
                others = [place.in_turn(turn) for place in piece.operands if place.lane is not None]
                reads = [told for place in others for told in place.told]
                writes = [told for place in written for told in place.in_turn(turn).told]
                works.append(Work(frozenset(writes), frozenset(reads), walks and walked))
                walked = walks
        return works

    def _needed(self) -> list[bool]:
        """The pieces that the second thread plays: what its own halves hang on, and what the first one reads of it."""
        pieces = [piece.of(1) for piece in self.pieces]
        wanted = {place.key for piece in pieces for place in piece.operands if place.lane is not None}
        wanted |= {(index, "") for index, axis in self.axes.items() if axis is not None and index in self.lasting}
        needed, before = [False] * len(pieces), -1
        while sum(needed) != before:
            before = sum(needed)
            for at, (piece, written) in enumerate(zip(pieces, self.written, strict=True)):
                if not needed[at] and not wanted.isdisjoint([place.key for place in written]):
                    needed[at] = True
                    wanted.update([place.key for place in piece.operands])
        return needed

    def _code(self, lane: int, before: Sequence[Before], needed: Sequence[bool]) -> TapeCode:
        code = TapeCode()
        for turn in TURNS:
            begin = turn * len(self.pieces)
            planned = before[begin : begin + len(self.pieces)]
            full = short = self._section(lane, turn, planned, needed, self.tape.batch, code.instructions)
            if self.tape.short:
                short = self._section(lane, turn, planned, needed, self.tape.short, code.instructions)
            code.turns.append(Turn(full, short))
        return code

    def _section(
        self,
        lane: int,
        turn: int,
        before: Sequence[Before],
        needed: Sequence[bool],
        batch: int,
        instructions: list[Instruction],
    ) -> Section:
        begin, mine, other = len(instructions), self.tallies[lane], self.tallies[1 - lane]
        for at, (symmetric, (lag, tells)) in enumerate(zip(self.pieces, before, strict=True)):
            piece = symmetric.of(lane).in_turn(turn)
            call, primitive = piece.call, piece.call.primitive
            assert isinstance(primitive, Primitive)
            if lag is not None:
                fields = (mine, other, lag, self.yielding)
                instructions.append(Instruction(AWAIT, (), fields, 0, (call.origin,), call))
            if not lane or needed[at]:
                operands = [self._region(lane, place, batch) for place in piece.operands]
                writes = primitive.writes
                result = operands[writes[0]] if writes else self._region(lane, piece.result, batch)
                append(instructions, begin, call, primitive, operands, result)
                if piece.result.block is not None:
                    instructions[-1] = _of_block(instructions[-1], piece.result.block, batch)
            if tells:
                instructions.append(Instruction(TELL, (), (mine,), 0, (call.origin,), call))
        return Section(begin, len(instructions))


def _of_block(entry: Instruction, block: int, batch: int) -> Instruction:
    """An instruction for the first of two blocks of examples, or for as many as the second one has."""
    rows = first_rows(batch)
    first = entry.length // batch * rows if rows < batch else entry.length
    return entry._replace(length=entry.length - first if block else first)


def _written(pieces: Iterable[Piece], lasting: Iterable[int]) -> list[set[Place]]:
    """By piece what it writes: its result, what an update moves, and what is stored on the way into operands of its own."""
    lasts, known = set(lasting), set[tuple[int, str, int]]()
    found = []
    for piece in pieces:
        primitive = piece.call.primitive
        places = [piece.operands[place] for place in primitive.writes] if primitive.writes else [piece.result]
        places += [place for place in piece.operands if place.key[0] not in lasts and not known.issuperset(place.told)]
        known.update([told for place in places for told in place.told])
        found.append({Place(root_of(place.value), place.part, block=place.block) for place in places})
    return found


def _walks(piece: Piece) -> bool:
    primitive = piece.call.primitive
    return isinstance(primitive, Primitive) and primitive.walks > 0


def _role(value: Value) -> str:
    return value.source.role if value.source is not None else ""


def _aligned(offset: int) -> int:
    return -(-offset // LINE) * LINE
