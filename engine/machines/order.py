"""The order in which two threads play a tape: what treats every example by itself comes together, what mixes them waits.

A tape is laid out as its nodes are told: in the backward sweep the slopes of a layer's weights, sums over all examples,
stand between what is sent back through this layer and through the next. Both threads would meet around each of them. But
nobody asks for these slopes before the updates, and a copy of weights with rows and columns changed can be laid down
before the first example is looked at. So an instruction that mixes examples is played as late as it may, or first of all.

Only the order differs, never what an instruction reads: every number is the same bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import heappop, heappush

from engine.machines.spans import is_whole, reading_of, sections_of
from engine.primitives.base import Primitive
from engine.tape import Instruction, Tape, TapeCode
from engine.values import root_of


def arranged(tape: Tape) -> TapeCode:
    """Full speed in that order: the same sections, each with the same instructions."""
    code = tape.fast
    instructions = list(code.instructions)
    for section, batch in sections_of(tape):
        begin = section.begin
        for at in range(section.begin, section.end + 1):
            # What writes over a parameter stays where it is, behind all who read the old one.
            if at == section.end or instructions[at].call.primitive.writes:
                instructions[begin:at] = _Segment(instructions[begin:at], batch).in_order()
                begin = at + 1
    return TapeCode(instructions, code.turns)


def independent(instructions: Sequence[Instruction], begin: int, end: int) -> Iterator[range]:
    """Stretches of [begin, end) in which nobody reads or writes what another one writes; an update stands by itself."""
    first, read, written = begin, set[int](), set[int]()
    for at, (its, makes) in enumerate(_touched(instructions[begin:end]), begin):
        if (
            instructions[at].call.primitive.writes
            or not (makes | its).isdisjoint(written)
            or not makes.isdisjoint(read)
        ):
            yield range(first, at)
            first, read, written = at, set(), set()
        read |= its
        written |= makes
        if instructions[at].call.primitive.writes:
            first, read, written = at + 1, set(), set()
    yield range(first, end)


def _touched(instructions: Sequence[Instruction]) -> Iterator[tuple[set[int], set[int]]]:
    """What each instruction reads, and what it writes."""
    made = {root_of(entry.call.result).index for entry in instructions}
    for entry in instructions:
        call = entry.call
        read, written = {root_of(value).index for value in call.operands}, {root_of(call.result).index}
        if isinstance(call.primitive, Primitive) and call.primitive.is_fused:
            # What nobody else makes may be found on the way by this one.
            written |= {root for root in read if root not in made}
        yield read, written


class _Segment:
    """Instructions between two updates, and which of them wait for which."""

    def __init__(self, instructions: Sequence[Instruction], batch: int) -> None:
        self._instructions = instructions
        self._readings = [reading_of(entry, batch) for entry in instructions]
        self._waits = [0] * len(instructions)  # for how many others
        self._followers: list[list[int]] = [[] for _ in instructions]
        self._link()

    def _link(self) -> None:
        writer: dict[int, int] = {}
        readers: dict[int, list[int]] = {}
        for at, (read, written) in enumerate(_touched(self._instructions)):
            before = {writer[root] for root in read | written if root in writer}
            before.update([one for root in written for one in readers.get(root, ())])
            for one in before:
                self._followers[one].append(at)
            self._waits[at] = len(before)
            for root in written:
                writer[root], readers[root] = at, []
            for root in read - written:
                readers.setdefault(root, []).append(at)

    def in_order(self) -> list[Instruction]:
        """Alternately all that mixes examples and may be played now, and all that does not."""
        order: list[int] = []
        mixed: list[int] = []
        alone: list[int] = []

        def ready(at: int) -> None:
            heappush(mixed if self._readings[at] is None else alone, at)

        def play(at: int) -> None:
            order.append(at)
            for following in self._followers[at]:
                self._waits[following] -= 1
                if not self._waits[following]:
                    ready(following)

        for at, others in enumerate(self._waits):
            if not others:
                ready(at)
        while mixed or alone:
            while mixed:
                play(heappop(mixed))
            written: set[int] = set()
            later: list[int] = []
            while alone:
                at = heappop(alone)
                reading = self._readings[at]
                assert reading is not None
                if is_whole(reading, written):
                    later.append(at)  # it reads what other examples of this very stretch have to find first
                    continue
                written.update([root_of(value).index for value in reading.written])
                play(at)
            alone = later
        return [self._instructions[at] for at in order]
