"""A program laid out in memory: where every value lies, and one code array with sections as entry points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from engine.primitives.base import Kernel, Primitive, Region, Variant
from engine.program import Origin, Part, Program, Value, resolve

# The first entries of `integers`, written by the machine before every iteration and read by kernels.
ITERATION, EPOCH, ROW, FLAG = 0, 1, 2, 3
RESERVED_INTEGERS = 16
LINE = 16  # entries of the arena that make one cache line of float32
SMALL = 16  # values under this many entries are packed


class Step(NamedTuple):
    """What one press of → plays: the work of one node in one part of an iteration."""

    index: int
    part: Part
    node: str
    phase: int


class Instruction(NamedTuple):
    """One kernel call with its fields; `origins` are the calls it does the work of."""

    kernel: Kernel
    variant: Variant
    fields: tuple[int, ...]
    length: int
    origins: tuple[Origin, ...]
    result: Value


class Section(NamedTuple):
    """A run of instructions, and the end of each step within it (in the order of the tape's steps)."""

    begin: int
    end: int
    step_ends: tuple[int, ...]


@dataclass
class Tape:
    """Memory plan and instructions of one program, for one batch size (and the shorter last batch, if there is one)."""

    program: Program
    batch: int
    dtype: str
    places: list[Region | None] = field(default_factory=list)  # by index of the value
    arena_size: int = 0
    integers_size: int = RESERVED_INTEGERS
    instructions: list[Instruction] = field(default_factory=list)
    sections: dict[str, Section] = field(default_factory=dict)  # "iteration", "short_iteration"
    steps: tuple[Step, ...] = ()
    parameter_span: tuple[int, int] = (0, 0)  # all parameters lie within, side by side
    kept_spans: list[tuple[int, int]] = field(default_factory=list)  # of the arena: parameters and states
    kept_integers: list[tuple[int, int]] = field(default_factory=list)

    def region(self, value: Value) -> Region:
        """Where a value lies. Raises KeyError if simplification removed it."""
        place = self.places[value.index]
        if place is None:
            raise KeyError(f"{value!r} has no place on this tape")
        return place

    def describe(self) -> str:
        """Every instruction with offsets and origins, section by section."""
        lines = []
        for name, section in self.sections.items():
            lines.append(f"section {name}: {section.begin} to {section.end}")
            for pc in range(section.begin, section.end):
                entry = self.instructions[pc]
                names = " + ".join(f"{origin.part} {origin.node}".strip() for origin in entry.origins)
                variant = "".join(f" {key}={number}" for key, number in entry.variant)
                lines.append(f"{pc:5d} {entry.kernel.name}{variant} {list(entry.fields)} × {entry.length}  <- {names}")
        return "\n".join(lines)


def plan(program: Program, batch: int, *, short: int = 0, dtype: str = "float32") -> Tape:
    """Lay out a program for `batch` rows; with `short`, a second section for a last batch of that many rows."""
    tape = Tape(program, batch, dtype)
    _place(tape)
    tape.steps = _steps(program)
    _encode(tape, "iteration", batch)
    if short:
        _encode(tape, "short_iteration", short)
    return tape


class _Cursor:
    """Hands out offsets: small values are packed, larger ones begin at a cache line."""

    def __init__(self, begin: int) -> None:
        self.offset = begin

    def take(self, size: int) -> int:
        if size >= SMALL:
            self.offset = -(-self.offset // LINE) * LINE
        begin = self.offset
        self.offset += size
        return begin


def _place(tape: Tape) -> None:
    program, batch = tape.program, tape.batch
    places: list[Region | None] = [None] * len(program.values)
    arena, integers = _Cursor(LINE), _Cursor(RESERVED_INTEGERS)
    used = {value.index for call in program.calls for value in call.operands}
    used.update(value.index for value in program.outputs.values())

    def put(value: Value, *, packed: bool = False) -> None:
        shape = resolve(value.shape, batch)
        region = Region(0, shape)
        cursor = integers if value.kind == "whole" else arena
        if packed:
            offset, cursor.offset = cursor.offset, cursor.offset + region.size
        else:
            offset = cursor.take(region.size)
        places[value.index] = Region(offset, shape)

    by_role: dict[str, list[Value]] = {role: [] for role in ("setting", "constant", "data", "parameter", "state")}
    for value in program.values:
        if value.source is not None and (value.index in used or value.source.role in ("parameter", "setting", "data")):
            by_role[value.source.role].append(value)
    for role in ("setting", "constant", "data"):
        for value in by_role[role]:
            put(value)
    arena.take(SMALL)
    kept, kept_whole = _aligned(arena), integers.offset
    for value in by_role["parameter"]:
        put(value, packed=True)
    tape.parameter_span = (kept, arena.offset)
    # State of one kind lies in the parameters' order, so that one update instruction can walk parameters, gradients and state.
    families: dict[str, list[Value]] = {}
    for value in by_role["state"]:
        families.setdefault(value.source.address.rpartition(".")[2] if value.source else "", []).append(value)
    for family in families.values():
        _aligned(arena)
        for value in family:
            put(value, packed=True)
    tape.kept_spans, tape.kept_integers = [(kept, arena.offset)], [(kept_whole, integers.offset)]
    for phase in program.gradients:
        _aligned(arena)
        for value in by_role["parameter"]:
            gradient = phase.get(value.index)
            if gradient is not None and gradient.call is not None and places[gradient.index] is None and not gradient.call.primitive.is_view:
                put(gradient, packed=True)
    for call in program.calls:
        result = call.result
        if places[result.index] is not None:
            continue
        if call.primitive.is_view:
            origin = places[call.operands[0].index]
            assert origin is not None
            places[result.index] = Region(origin.offset, resolve(result.shape, batch))
        elif not call.primitive.writes:
            put(result)
    tape.places, tape.arena_size, tape.integers_size = places, _aligned(arena), integers.offset


def _aligned(cursor: _Cursor) -> int:
    cursor.offset = -(-cursor.offset // LINE) * LINE
    return cursor.offset


def _steps(program: Program) -> tuple[Step, ...]:
    return tuple([Step(i, origin.part, origin.node, origin.phase) for i, origin in enumerate(program.steps)])


def _encode(tape: Tape, name: str, batch: int) -> None:
    program, places = tape.program, tape.places
    begin = len(tape.instructions)
    same_batch = batch == tape.batch
    position = {origin: index for index, origin in enumerate(program.steps)}
    ends = [begin] * len(program.steps)
    for call in program.calls:
        primitive = call.primitive
        assert isinstance(primitive, Primitive)
        if primitive.is_view or primitive.body is None:
            continue
        operands = [_at(places, value, batch, same_batch) for value in call.operands]
        result = _at(places, call.result, batch, same_batch) if not primitive.writes else operands[primitive.writes[0]]
        fields = primitive.encode(operands, result, call.attributes)
        length = primitive.length(operands, result)
        variant = primitive.variant(operands, result, call.attributes)
        if primitive.walks and len(tape.instructions) > begin:
            longer = _continued(tape.instructions[-1], primitive, fields, length, call.origin)
            if longer is not None:
                tape.instructions[-1] = longer
                ends[position[call.origin]] = len(tape.instructions)
                continue
        tape.instructions.append(Instruction(primitive.body, variant, fields, length, (call.origin,), call.result))
        ends[position[call.origin]] = len(tape.instructions)
    for index in range(1, len(ends)):  # a step without instructions of its own ends where the one before it does
        ends[index] = max(ends[index], ends[index - 1])
    tape.sections[name] = Section(begin, len(tape.instructions), tuple(ends))


def _continued(
    before: Instruction, primitive: Primitive, fields: tuple[int, ...], length: int, origin: Origin
) -> Instruction | None:
    """The instruction before, made longer by an update that continues it in memory; None where it does not."""
    walks = primitive.walks
    if before.kernel is not primitive.body or before.fields[walks:] != fields[walks:]:
        return None
    if any(first + before.length != second for first, second in zip(before.fields[:walks], fields[:walks], strict=True)):
        return None
    return before._replace(length=before.length + length, origins=(*before.origins, origin))


def _at(places: Sequence[Region | None], value: Value, batch: int, same_batch: bool) -> Region:
    place = places[value.index]
    assert place is not None, f"{value!r} has no place"
    return place if same_batch else Region(place.offset, resolve(value.shape, batch))


def initial_array(value: Value, shape: tuple[int, ...], dtype: Any) -> np.ndarray[Any, Any]:
    """A source's first content, in the shape it has on the tape. Sources filled later start at zero."""
    initial = value.source.initial if value.source else None
    if initial is None or callable(initial):
        return np.zeros(shape, dtype)
    return np.broadcast_to(np.asarray(initial, dtype), shape)
