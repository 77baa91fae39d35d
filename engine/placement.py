"""Where every value of a program lies: small ones packed, larger ones on cache lines of their own, parameters side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple, overload

import numpy as np

from engine.fuse_flips import matrices_copied
from engine.primitives.base import Region
from engine.program import Call, Program, Value
from engine.stretch import LINE as LINE  # where lines begin concerns machines, too
from engine.stretch import (
    LINED,
    LINED_WHOLE,
    PACKED,
    PACKED_WHOLE,
    Rooms,
    Stretch,
    lined,
    room_of,
    rooms_in,
    shape_and_size,
)

if TYPE_CHECKING:
    from engine.fuse import Fused
    from engine.tape import Tape

RESERVED_INTEGERS = 16  # what the machine writes before every iteration, see `engine.tape`
NOWHERE = -1


class Places(Sequence["Region | None"]):
    """The place of every value, by its index; None for one that is not used. A region is made when it is first asked for.

    offsets   by index of the value: where it begins, or NOWHERE
    has_line  whether it has whole cache lines for itself
    """

    def __init__(self, values: Sequence[Value], batch: int) -> None:
        self._values, self._batch = values, batch
        self.offsets = np.full(len(values), NOWHERE, np.int64)
        self.has_line = np.zeros(len(values), np.bool_)
        self._regions: dict[int, Region | None] = {}

    def __len__(self) -> int:
        return len(self.offsets)

    @overload
    def __getitem__(self, index: int) -> Region | None: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Region | None]: ...

    def __getitem__(self, index: int | slice) -> Region | Sequence[Region | None] | None:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        try:
            return self._regions[index]
        except KeyError:
            found = self._regions[index] = self._region(index)
            return found

    def put_late(self, value: Value, begin: int) -> int:
        """Let a value that came after planning begin there, on a line of its own; where the next one may begin."""
        region = self._regions[value.index] = Region(begin, *shape_and_size(value.shape, self._batch))
        region.room = lined(region.size)
        return begin + region.room

    def _region(self, index: int) -> Region | None:
        offset = int(self.offsets[index])
        if offset == NOWHERE:
            return None
        region = Region(offset, *shape_and_size(self._values[index].shape, self._batch))
        if self.has_line[index]:
            region.room = lined(region.size)
        return region


class Packed(NamedTuple):
    """Values that lie side by side, how many entries each of them has, and where the first one begins."""

    values: Sequence[Value]
    sizes: list[int]
    begin: int


class _Memory:
    """One of the two memories, and how far it is taken."""

    def __init__(self, begin: int, packed: int, lines: int) -> None:
        self.end, self._packed, self._lines = begin, packed, lines

    def align(self) -> int:
        """Go on with a new cache line."""
        self.end = lined(self.end)
        return self.end

    def put(self, value: Value, places: Places, batch: int) -> None:
        """Find a place for a single value."""
        room, where = room_of(value.shape, value.kind, batch)
        if where == self._lines:
            self.align()
            places.has_line[value.index] = True
        places.offsets[value.index] = self.end
        self.end += room

    def put_packed(self, values: Sequence[Value], places: Places, batch: int) -> Packed:
        """Find places side by side."""
        packed = Packed(values, [shape_and_size(value.shape, batch)[1] for value in values], self.end)
        if len(values) == 1:
            places.offsets[values[0].index] = self.end
            self.end += packed.sizes[0]
        elif values:
            *begins, self.end = accumulate(packed.sizes, initial=self.end)
            places.offsets[[value.index for value in values]] = begins
        return packed

    def put_rest(self, rooms: Rooms, places: Places) -> None:
        """Find places for all that have none yet: first for those that are packed, then for those on lines of their own."""
        index, room, where = rooms.T
        for kind in (self._packed, self._lines):
            (mine,) = (where == kind).nonzero()
            if not mine.size:
                continue
            indices, sizes = index[mine], room[mine]
            if kind == self._lines:
                self.align()
                places.has_line[indices] = True
            ends = sizes.cumsum()
            ends += self.end
            self.end = int(ends[-1])
            ends -= sizes
            places.offsets[indices] = ends


def place(tape: Tape, stretches: Sequence[Stretch]) -> None:
    """Find a place for every value of a tape that is used: settings, data, parameters and states, gradients, results."""
    program, batch = tape.program, tape.batch
    copied = matrices_copied(program, stretches)
    if any(product.primitive.name != "matmul" for product in copied):
        copied = tape.fused.flips  # which are values of the program now
    tape.places = places = Places(program.values, batch)
    reals, wholes = _Memory(LINE, PACKED, LINED), _Memory(RESERVED_INTEGERS, PACKED_WHOLE, LINED_WHOLE)

    def put(values: Iterable[Value]) -> None:
        for value in values:
            (wholes if value.kind == "whole" else reals).put(value, places, batch)

    def put_packed(values: Sequence[Value]) -> None:
        whole = [value for value in values if value.kind == "whole"]
        real = [value for value in values if value.kind != "whole"] if whole else values
        for memory, mine in ((reals, real), (wholes, whole)):
            if mine:
                tape.packed.append(memory.put_packed(mine, places, batch))

    by_role = _by_role(program, tape.fused)
    tape.slots = [*by_role["setting"], *by_role["constant"]]
    put(tape.slots)
    slots_end = reals.end
    tape.data = by_role["data"]
    put(tape.data)
    reals.end += LINE // 2
    tape.packed, kept, kept_whole = [], reals.align(), wholes.end
    put_packed(by_role["parameter"])
    tape.parameter_span = (kept, reals.end)
    for family in _families(by_role["state"]):
        reals.align()
        put_packed(family)
    tape.kept_spans = [(LINE, slots_end), (kept, reals.end)]
    tape.kept_integers = [(kept_whole, wholes.end)]
    placed: set[Value] = set()
    for gradients in _gradients(program, by_role["parameter"]):
        reals.align()
        reals.put_packed([value for value in gradients if value not in placed], places, batch)
        placed.update(gradients)
    _put_results(tape, stretches, reals, wholes)
    if copied:
        tape.fused.flips_to(partial(_put_copies, places, reals.align()))
        reals.end += sum([lined(shape_and_size(product.operands[-1].shape, batch)[1]) for product in copied])
    tape.arena_size, tape.integers_size = reals.align(), wholes.end


def _put_results(tape: Tape, stretches: Sequence[Stretch], reals: _Memory, wholes: _Memory) -> None:
    """Find a place for what calls compute."""
    places, batch = tape.places, tape.batch
    rooms = rooms_in(stretches, batch)
    rooms = rooms[places.offsets[rooms[:, 0]] == NOWHERE]
    reals.put_rest(rooms, places)
    wholes.put_rest(rooms, places)
    offsets = places.offsets
    for views in [stretch.views for stretch in stretches if stretch.views]:
        for result, origin in views:
            if offsets[result] == NOWHERE:
                offsets[result] = offsets[origin]


def _put_copies(places: Places, begin: int, copies: Iterable[Call]) -> None:
    """Give transposed copies the room that was kept for them: which of them there are is known later."""
    for copy in copies:
        begin = places.put_late(copy.result, begin)


def _by_role(program: Program, fused: Fused) -> dict[str, list[Value]]:
    """The sources that need a place. What a hand can change has one even where nothing reads it, as a muted constant's."""
    by_role: dict[str, list[Value]] = {role: [] for role in ("setting", "constant", "data", "parameter", "state")}
    for value in program.sources.values():
        source = value.source
        assert source is not None
        is_asked = source.trainable or source.role not in ("constant", "state") or fused.is_read(value)
        if is_asked or any(value is gradient for found in program.gradients for gradient in found.values()):
            by_role[source.role].append(value)
    return by_role


def _families(states: Iterable[Value]) -> list[list[Value]]:
    """State of one kind lies in the parameters' order, so that one update instruction walks parameters, gradients, state."""
    families: dict[str, list[Value]] = {}
    for value in states:
        families.setdefault(value.source.address.rpartition(".")[2] if value.source else "", []).append(value)
    return list(families.values())


def _gradients(program: Program, parameters: Sequence[Value]) -> list[list[Value]]:
    """Of each phase the gradients that are computed, in the parameters' order."""
    return [
        list(dict.fromkeys([
            gradient
            for value in parameters
            if (gradient := phase.get(value.index)) is not None
            and gradient.call is not None
            and not gradient.call.primitive.is_view
        ]))
        for phase in program.gradients
    ]  # fmt: skip
