"""A program laid out in memory: where every value lies, and one code array with sections as entry points."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from typing import Any, NamedTuple, overload

import numpy as np

from engine.fuse import Fused, Fuser
from engine.in_place import read_in_place
from engine.placement import LINE, RESERVED_INTEGERS, Packed, Places, place
from engine.primitives.base import Kernel, Primitive, Region, Variant, encode_plain, length_of_result, no_variant
from engine.program import Program
from engine.rooms import Rooms
from engine.stretch import Stretch, stretches_of
from engine.values import Call, Origin, Part, Value, resolve, root_of

# The first entries of `integers`, written by the machine before every iteration and read by kernels.
ITERATION, EPOCH, ROW, FLAG = 0, 1, 2, 3
ALL_PHASES = -1  # one turn, in which every phase takes part
SOUGHT = 4  # steps whose calls are sought one by one: behind an edit few are looked at before the next one


@dataclass(slots=True, unsafe_hash=True)  # nobody changes one, but to say so makes a new one three times as slow
class Step:
    """What one press of → plays: the work of one node in one part of an iteration.

    time  the step of a sequence; -1 outside of time
    """

    index: int
    part: Part
    node: str
    phase: int
    time: int = -1

    @property
    def origin(self) -> Origin:
        """What the calls of this step bear."""
        return Origin(self.node, self.part, self.phase, self.time)


class Steps(Sequence[Step]):
    """The steps of an iteration, each made when it is first asked for: behind an edit few are looked at."""

    def __init__(self, origins: Sequence[Origin]) -> None:
        self._origins, self._made = origins, dict[int, Step]()

    def __len__(self) -> int:
        return len(self._origins)

    @overload
    def __getitem__(self, index: int) -> Step: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Step]: ...

    def __getitem__(self, index: int | slice) -> Step | Sequence[Step]:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        at = index if index >= 0 else index + len(self)
        made = self._made.get(at)
        if made is None:
            origin = self._origins[at]
            made = self._made[at] = Step(at, origin.part, origin.node, origin.phase, origin.time)
        return made

    def __iter__(self) -> Iterator[Step]:
        return map(self.__getitem__, range(len(self)))


class Instruction(NamedTuple):
    """One kernel call with its fields; `origins` are the calls it does the work of."""

    kernel: Kernel
    variant: Variant
    fields: tuple[int, ...]
    length: int
    origins: tuple[Origin, ...]
    call: Call


class Section(NamedTuple):
    """A run of instructions."""

    begin: int
    end: int


class StepCode(NamedTuple):
    """What one step plays: bounds among instructions, for whole batches and for a shorter last one."""

    instructions: list[Instruction]
    full: tuple[int, int]
    short: tuple[int, int]


class Turn(NamedTuple):
    """What one iteration plays: a section for whole batches, and one for a shorter last batch; the same if there is none."""

    full: Section
    short: Section


@dataclass
class TapeCode:
    """One code array, and what iterations play of it, one turn after the other: a single one unless phases take turns."""

    instructions: list[Instruction] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)

    @property
    def full(self) -> Section:
        """The first turn, for whole batches."""
        return self.turns[0].full

    @property
    def short(self) -> Section:
        """The first turn, for a shorter last batch."""
        return self.turns[0].short


@dataclass
class Tape:
    """Memory plan and instructions of one program, for one batch size (and the shorter last batch, if there is one).

    There are two codes over the same memory. `fast` plays fused calls alone. `shown` plays the same instructions, and
    behind each fused one the calls it stands for, for whoever looks; stepping plays it part by part.
    """

    program: Program
    batch: int
    short: int
    dtype: str
    fused: Fused
    places: Places = field(default_factory=lambda: Places((), 1))  # by index of the value
    arena_size: int = 0
    integers_size: int = RESERVED_INTEGERS
    steps: Sequence[Step] = ()
    parameter_span: tuple[int, int] = (0, 0)  # all parameters lie within, side by side
    slots: list[Value] = field(default_factory=list)  # settings and constants: numbers that a hand changes
    packed: list[Packed] = field(default_factory=list)  # parameters and states
    data: list[Value] = field(default_factory=list)
    kept_spans: list[tuple[int, int]] = field(default_factory=list)  # of the arena: slots; parameters and states
    kept_integers: list[tuple[int, int]] = field(default_factory=list)
    _steps: dict[int, StepCode] = field(default_factory=dict)  # by index of the step
    _apart: dict[int, bool] = field(default_factory=dict)  # by phase

    @cached_property
    def fast(self) -> TapeCode:
        """The code of full speed."""
        calls = self.fused.calls
        return _encode(self, read_in_place(calls) if self.fused.hidden else calls, self.program.turns)

    @cached_property
    def shown(self) -> TapeCode:
        """The code of an iteration that ends in a picture."""
        return _encode(self, self.fused.shown, self.program.turns) if self.fused.hidden else self.fast

    @cached_property
    def turns(self) -> tuple[Sequence[Step], ...]:
        """The steps of iterations, one turn after the other."""
        played = self.program.turns
        return tuple([tuple([s for s in self.steps if _takes_part(s.origin, phase)]) for phase in played]) or (
            self.steps,
        )

    def shown_step(self, step: Step) -> StepCode:
        """The code of one step: what stepping plays.

        Planned when the step is first played, so that an edit waits for no more than it is about to show. At full speed
        neighbouring updates may be played by one instruction; here each changes its own node and no other.
        """
        code = self._steps.get(step.index)
        if code is None:
            code = self._steps[step.index] = self._alone(step)
        return code

    def _alone(self, step: Step) -> StepCode:
        origin = step.origin
        if step.part == "update":
            calls = (
                [call for call in self.fused.shown if call.origin == origin] if self.moves_apart(step.phase) else None
            )
        else:
            calls = self.fused.shown_of(origin) if len(self._steps) < SOUGHT else None
        if calls is None:
            begin, end = self._spans[step.index]
            calls = self.fused.shown[begin:end]
        instructions: list[Instruction] = []
        full = short = _encode_calls(self, calls, self.batch, instructions)
        if self.short:
            short = _encode_calls(self, calls, self.short, instructions)
        return StepCode(instructions, full, short)

    def moves_apart(self, phase: int) -> bool:
        """Whether each update of a phase can be played by itself, whatever of its neighbours lies between its calls.

        A projection of all parameters behind all their updates can be parted by nodes; what hangs on all of them, such as
        the norm that clips them, cannot: then the first of these steps plays what it needs of the others'.
        """
        known = self._apart.get(phase)
        if known is None:
            updates = [call for call in self.fused.shown if (call.origin.part, call.origin.phase) == ("update", phase)]
            known = self._apart[phase] = can_be_parted(updates, self.position)
        return known

    @cached_property
    def _spans(self) -> list[tuple[int, int]]:
        """Where the calls of each step lie among those that are shown."""
        ends = _step_ends(self.position, [call.origin for call in self.fused.shown])
        return list(zip([0, *ends], ends, strict=False))

    @cached_property
    def position(self) -> dict[Origin, int]:
        """The index of each step, by what its calls bear."""
        return {origin: index for index, origin in enumerate(self.program.steps)}

    def region(self, value: Value) -> Region:
        """Where a value lies. Raises KeyError if simplification removed it."""
        place = self.places[value.index]
        if place is None:
            raise KeyError(f"{value!r} has no place on this tape")
        return place

    def describe(self) -> str:
        """Every instruction of full speed with offsets and origins."""
        lines = []
        sections = {f"turn {number} of whole batches": turn.full for number, turn in enumerate(self.fast.turns)}
        sections |= {f"turn {number} of the short batch": turn.short for number, turn in enumerate(self.fast.turns)}
        for name, section in sections.items():
            lines.append(f"section {name}: {section.begin} to {section.end}")
            for pc in range(section.begin, section.end):
                entry = self.fast.instructions[pc]
                names = " + ".join(dict.fromkeys(f"{origin.part} {origin.node}".strip() for origin in entry.origins))
                variant = "".join(f" {key}={number}" for key, number in entry.variant)
                lines.append(
                    f"{pc:5d} {entry.call.primitive.name}{variant} {list(entry.fields)} × {entry.length}  <- {names}"
                )
        return "\n".join(lines)


class Kept:
    """What is found out about one program, and holds for the next."""

    def __init__(self) -> None:
        self.fuser, self.rooms = Fuser(), Rooms()


def plan(
    program: Program,
    batch: int,
    *,
    short: int = 0,
    dtype: str = "float32",
    stretches: Sequence[Stretch] | None = None,
    kept: Kept | None = None,
) -> Tape:
    """Lay out a program for `batch` rows; with `short`, also for a last batch of that many rows.

    stretches, kept  of whoever plans one edited program after another: all its calls, and what is kept of the others
    """
    if stretches is None:
        stretches = stretches_of(program.calls)
    kept = kept or Kept()
    tape = Tape(program, batch, short, dtype, kept.fuser.fuse(program, stretches))
    place(tape, stretches, kept.rooms)
    tape.steps = Steps(program.steps)
    return tape


def can_be_parted(calls: Iterable[Call], position: Mapping[Origin, int]) -> bool:
    """Whether calls may be played step by step, though those of several steps lie among each other.

    They may where nothing that is written is read or written again by a call behind it that belongs to an earlier step, and
    nothing that is read is written there.
    """
    written: dict[Value, int] = {}  # the last of the steps that did so until now
    touched: dict[Value, int] = {}
    for call in calls:
        step, primitive = position[call.origin], call.primitive
        changed = [call.operands[place] for place in primitive.writes]
        if isinstance(primitive, Primitive) and primitive.is_fused:
            changed += call.operands  # it may store what it finds on its way
        writes = {root_of(value) for value in (*changed, call.result)}
        reads = {root_of(value) for value in call.operands}
        if any(touched.get(value, step) > step for value in writes):
            return False
        if any(written.get(value, step) > step for value in reads):
            return False
        for value in writes:
            written[value] = max(step, written.get(value, step))
        for value in writes | reads:
            touched[value] = max(step, touched.get(value, step))
    return True


def _encode(tape: Tape, calls: Sequence[Call], phases: Sequence[int]) -> TapeCode:
    """The code of these calls; with `phases`, the turns of an iteration each, of which some may come again."""
    code, known = TapeCode(), dict[int, Turn]()
    for phase in phases or (ALL_PHASES,):
        turn = known.get(phase)
        if turn is None:
            mine = [call for call in calls if phase == ALL_PHASES or _takes_part(call.origin, phase)]
            full = short = _encode_section(tape, mine, tape.batch, code.instructions)
            if tape.short:
                short = _encode_section(tape, mine, tape.short, code.instructions)
            turn = known[phase] = Turn(full, short)
        code.turns.append(turn)
    return code


def _takes_part(origin: Origin, phase: int) -> bool:
    """Whether a call is played in a phase's turn: forward in every one, derivatives and updates in their own."""
    return origin.part in ("batch", "forward") or origin.phase == phase


def _encode_section(tape: Tape, calls: Sequence[Call], batch: int, instructions: list[Instruction]) -> Section:
    return Section(*_encode_calls(tape, calls, batch, instructions))


def _step_ends(position: Mapping[Origin, int], origins: Sequence[Origin]) -> list[int]:
    """Where each step ends among calls with these origins."""
    found = [0] * len(position)
    origin, step = None, 0
    for at, mine in enumerate(origins):
        if mine is not origin:
            origin, step = mine, position[mine]
        found[step] = at + 1
    return list(accumulate(found, max))  # a step without calls of its own ends where the one before it does


def _encode_calls(tape: Tape, calls: Sequence[Call], batch: int, instructions: list[Instruction]) -> tuple[int, int]:
    """Append the instructions of calls; where they begin and end."""
    places, begin, same_batch = tape.places, len(instructions), batch == tape.batch
    for call in calls:
        primitive = call.primitive
        assert isinstance(primitive, Primitive)
        if not primitive.is_view and primitive.body is not None:
            operands: list[Region] = [places[value.index] for value in call.operands]  # type: ignore[misc]  # all have one
            result: Region = places[call.result.index] if not primitive.writes else operands[primitive.writes[0]]  # type: ignore[assignment]
            if not same_batch:
                operands = [_shorter(place, value, batch) for place, value in zip(operands, call.operands, strict=True)]
                result = _shorter(
                    result, call.operands[primitive.writes[0]] if primitive.writes else call.result, batch
                )
            append(instructions, begin, call, primitive, operands, result)
    return begin, len(instructions)


def append(
    instructions: list[Instruction],
    begin: int,
    call: Call,
    primitive: Primitive,
    operands: list[Region],
    result: Region,
) -> None:
    """The instruction of a call, as one of its own or as more of the one before it."""
    assert primitive.body is not None
    if primitive.encode is encode_plain:
        fields: tuple[int, ...] = (*[region.offset for region in operands], result.offset)
    else:
        fields = primitive.encode(operands, result, call.attributes)
    length = result.size if primitive.length is length_of_result else primitive.length(operands, result)
    if primitive.is_each_alone and length > 1:
        # To the end of the last cache line: whole vectors only, and nobody else lies there.
        length = min(-(-length // LINE) * LINE, result.room)
    if primitive.walks and len(instructions) > begin:
        longer = _continued(instructions[-1], primitive, fields, length, call.origin)
        if longer is not None:
            instructions[-1] = longer
            return
    variant = () if primitive.variant is no_variant else primitive.variant(operands, result, call.attributes)
    instructions.append(Instruction(primitive.body, variant, fields, length, (call.origin,), call))


def _continued(
    before: Instruction, primitive: Primitive, fields: tuple[int, ...], length: int, origin: Origin
) -> Instruction | None:
    """The instruction before, made longer by an update that continues it in memory; None where it does not."""
    walks = primitive.walks
    if before.kernel is not primitive.body or before.fields[walks:] != fields[walks:]:
        return None
    if any(
        first + before.length != second for first, second in zip(before.fields[:walks], fields[:walks], strict=True)
    ):
        return None
    return before._replace(length=before.length + length, origins=(*before.origins, origin))


def _shorter(place: Region, value: Value, batch: int) -> Region:
    """The front of a value's place, as much of it as a shorter batch fills."""
    front = Region(place.offset, resolve(value.shape, batch))
    front.room = place.room
    return front


def initial_array(value: Value, shape: tuple[int, ...], dtype: Any) -> np.ndarray[Any, Any]:
    """A source's first content, in the shape it has on the tape. Sources filled later start at zero."""
    initial = value.source.initial if value.source else None
    if initial is None or callable(initial):
        return np.zeros(shape, dtype)
    return np.broadcast_to(np.asarray(initial, dtype), shape)
