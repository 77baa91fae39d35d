"""Two threads that play the same tape, each for its own half of the examples and in a memory of its own.

What examples do not share is halved: a thread computes the first half of the rows, the other the rest, through all steps of
time without meeting. What is the same for all, as an update of the parameters, both do, and so neither ever reads what
the other has written, which would cost more than to compute it. Only what sums over examples is exchanged: of gradients over
time each thread sends the sum over its own rows, of anything else its rows. Both then go on with the same bits.

Calls are put in another order for that: first whatever hangs on no exchange, then what hangs on one, and so forth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from engine.machines.lanes import cost_of
from engine.machines.runs import Played, joined
from engine.machines.slopes import sloped
from engine.machines.spans import reading_of
from engine.placement import LINE
from engine.primitives.base import Primitive, Variant
from engine.primitives.fused_rows import own_slopes
from engine.primitives.fused_time import own_part, parts_of
from engine.tape import Instruction, Tape
from engine.values import Batch, Call, Value, root_of

COPIED, ADDED = range(2)  # what happens to numbers that arrive: the native loop knows both, and the order of all fields
WORTH_NS = 4000.0  # of work saved in an iteration
MEETING_NS, LINE_NS = 500.0, 15.0  # of an exchange, and of a cache line that comes with it
LARGEST = 1 << 21  # entries of a memory that is copied at the beginning of every stretch of work


class Post(NamedTuple):
    """Numbers that a thread sends, and where it puts those that come instead: offsets and counts.

    behind  the place of the part that makes them: they are sent at once, and are under way while the next ones play
    """

    kind: int
    sent: int
    sent_count: int
    received: int
    received_count: int
    behind: int = 0


class Part(NamedTuple):
    """An instruction as one thread plays it: its outputs [first, last), and what is added to its kernel's variant."""

    instruction: Instruction
    fields: Sequence[int]
    first: int
    last: int
    more: Variant = ()


class Script(NamedTuple):
    """What one thread plays: its parts of instructions, its posts, and the stages of all sections by rows.

    turns   of each its stages for whole batches, from where to where, and for a short one
    lacked  what the other thread alone knows behind a whole batch, and behind a short one: offsets and counts
    """

    parts: list[Part]
    posts: list[Post]
    stages: list[tuple[int, int, int, int]]
    turns: list[tuple[int, int, int, int]]
    lacked: tuple[list[tuple[int, int]], list[tuple[int, int]]]


class _Step(NamedTuple):
    """An instruction's part for each thread, and what each sends of what it makes."""

    parts: Sequence[Part]
    posts: list[Sequence[Post]]


class _Sum(NamedTuple):
    """A sum over examples that is made of two: the rows of each by the fields, the fields of one, operands that are read."""

    sizes: Callable[[Sequence[int]], Sequence[int]]
    own: Callable[[Sequence[int], int], Sequence[int]]
    read: Callable[[Call], int]


_SUMS = {
    "products_total": _Sum(
        lambda fields: fields[4:6], own_part, lambda call: len(call.operands) - int(call.attributes["sums"])
    ),
    "row_slopes": _Sum(lambda fields: (fields[4], fields[6]), own_slopes, lambda call: 2),
}


class _Planner:
    """Finds for every instruction of a section behind which meeting it can be played, and by how many threads."""

    def __init__(self, tape: Tape, batch: int) -> None:
        self._tape, self._batch = tape, batch
        self._rows = parts_of(batch)
        self._known: dict[int, int] = {}  # by root: the stage from which on a thread knows its own rows
        self._all_known: dict[int, int] = {}  # or all rows
        self._fence = 0
        self._makers: dict[int, _Step] = {}  # by root: of what is known by rows
        self.stages: list[list[_Step]] = []
        self.saved_ns = 0.0

    def play(self, code: Iterable[Played]) -> None:
        for played in code:
            entry = played.first
            if len(self._rows) == 2 and (self._as_part(entry) or self._by_examples(entry)):
                self.saved_ns += cost_of(entry, self._tape.places) / 2
            else:
                self._by_both(entry, played.more)
        self.saved_ns -= MEETING_NS * sum([_meets(stage) for stage in self.stages])

    def _as_part(self, entry: Instruction) -> bool:
        """A sum over examples that is made of a sum over those of each thread."""
        call = entry.call
        kind = _SUMS.get(call.primitive.name)
        if kind is None or not self._is_halved(*kind.sizes(entry.fields)):
            return False
        stored = call.operands[kind.read(call) :]
        pairs = call.operands[: kind.read(call)]
        if any(not _is_by_examples(value) for value in pairs):
            return False
        stage = max(self._fence, max([self._stage_of(root_of(value).index) for value in pairs]))
        step = self._put(stage, [Part(entry, kind.own(entry.fields, thread), 0, entry.length) for thread in (0, 1)])
        for value in (call.result, *stored):
            region = self._tape.region(value)
            post = Post(ADDED, region.offset, region.size, region.offset, region.size)
            self._send(step, [post, post])
            self._all_known[root_of(value).index] = stage + 1
        return True

    def _is_halved(self, first: int, rest: int) -> bool:
        """Whether so many rows each are those of the examples of each thread."""
        return first > 0 and [first * own for own in self._rows] == [self._rows[0] * rows for rows in (first, rest)]

    def _by_examples(self, entry: Instruction) -> bool:
        call, reading = entry.call, reading_of(entry, self._batch)
        if reading is None or not _is_by_examples(call.result):
            return False
        made, values = self._made(call), self._tape.program.values
        if any(values[root].kind == "whole" for root in made):
            return False
        whole = [root_of(value).index for value in reading.whole]
        if any(root in self._known and root not in self._all_known for root in whole):
            return False
        stage = max([self._fence, *[self._all_known.get(root, 0) for root in whole]])
        stage = max([stage, *[self._stage_of(root_of(value).index) for value in reading.shared]])
        cut = self._rows[0] * reading.outputs
        step = self._put(stage, [Part(entry, entry.fields, 0, cut), Part(entry, entry.fields, cut, entry.length)])
        for root in made:
            self._known[root], self._makers[root] = stage, step
        return True

    def _by_both(self, entry: Instruction, more: Variant) -> None:
        """What mixes examples, or has nothing to do with them: each thread does all of it, when all rows are known."""
        call, stage = entry.call, self._fence
        for value in call.operands:
            root = root_of(value).index
            if root in self._known and root not in self._all_known:
                self._all_known[root] = self._known[root] + 1
                self._send(self._makers[root], self._rows_of(root))
            stage = max(stage, self._stage_of(root, all_rows=True))
        if call.primitive.writes:
            # One instruction updates neighbours as well, whose gradients come with any of the meetings before it.
            stage = self._fence = max(stage, len(self.stages) - (not self.stages or not _meets(self.stages[-1])))
        self._put(stage, [Part(entry, entry.fields, 0, entry.length, more)] * 2)
        for root in self._made(call):
            self._all_known[root] = stage

    def _made(self, call: Call) -> list[int]:
        """The roots of what a call computes: a fused one may store what nobody has computed before, too."""
        is_fused = isinstance(call.primitive, Primitive) and call.primitive.is_fused
        stored = [root_of(value).index for value in call.operands] if is_fused else []
        values = self._tape.program.values
        fresh = [root for root in stored if values[root].source is None and not self._is_known(root)]
        return [root_of(call.result).index, *fresh]

    def _is_known(self, root: int) -> bool:
        return root in self._known or root in self._all_known

    def _rows_of(self, root: int) -> list[Post]:
        value = self._tape.program.values[root]
        region = self._tape.region(value)
        each = region.size // self._tape.batch
        cut, end = self._rows[0] * each, self._batch * each
        mine = Post(COPIED, region.offset, cut, region.offset + cut, end - cut)
        return [mine, Post(COPIED, mine.received, mine.received_count, mine.sent, mine.sent_count)]

    def _stage_of(self, root: int, *, all_rows: bool = False) -> int:
        return self._all_known.get(root, 0) if all_rows or root not in self._known else self._known[root]

    def write(self, scripts: tuple[Script, Script], is_short: bool) -> tuple[int, int]:
        """Append the stages to both scripts; from which one to which."""
        for thread, script in enumerate(scripts):
            begin = len(script.stages)
            for stage in self.stages:
                first, sent = len(script.parts), len(script.posts)
                for step in stage:
                    script.posts.extend([post[thread]._replace(behind=len(script.parts)) for post in step.posts])
                    script.parts.append(step.parts[thread])
                script.stages.append((first, len(script.parts), sent, len(script.posts)))
            halved = [self._rows_of(root)[thread] for root in self._known if root not in self._all_known]
            script.lacked[is_short].extend([(post.received, post.received_count) for post in halved])
        return begin, len(script.stages)

    def _put(self, stage: int, parts: Sequence[Part]) -> _Step:
        while len(self.stages) <= stage:
            self.stages.append([])
        step = _Step(parts, [])
        self.stages[stage].append(step)
        return step

    def _send(self, step: _Step, posts: Sequence[Post]) -> None:
        step.posts.append(posts)
        self.saved_ns -= LINE_NS * max(1, posts[0].received_count // LINE)


def _meets(stage: Iterable[_Step]) -> bool:
    return any(step.posts for step in stage)


def _is_by_examples(value: Value) -> bool:
    return bool(value.shape) and isinstance(value.shape[0], Batch)


def may_be_halved(tape: Tape) -> bool:
    """Whether it is of the kind, and small enough: gradients over time are what is known to be a sum of two halves."""
    if tape.dtype != "float32" or tape.arena_size > LARGEST:
        return False
    return any(call.primitive.name == "products_total" for call in tape.fused.calls)


def scripts_of(tape: Tape) -> tuple[Script, Script] | None:
    """What each of two threads plays; None where it is not worth it."""
    if not may_be_halved(tape):
        return None
    scripts = Script([], [], [], [], ([], [])), Script([], [], [], [], ([], []))
    known: dict[int, tuple[int, int]] = {}
    saved = 0.0
    code = joined(sloped(tape), runs=False)
    for turn in code.turns:
        for is_short, section in enumerate(turn):
            if section.begin not in known:
                planner = _Planner(tape, tape.short if is_short else tape.batch)
                planner.play(code.played[section.begin : section.end])
                saved = max(saved, planner.saved_ns)
                known[section.begin] = planner.write(scripts, bool(is_short))
        for script in scripts:
            script.turns.append((*known[turn.full.begin], *known[turn.short.begin]))
    return scripts if saved > WORTH_NS else None
