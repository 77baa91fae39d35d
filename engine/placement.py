"""Where every value of a program lies: small ones packed, larger ones on cache lines of their own, parameters side by side."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import partial
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple, overload

import numpy as np

from engine.fuse_flips import matrices_copied
from engine.primitives.base import Region
from engine.program import Program
from engine.rooms import LINE as LINE  # where lines begin concerns machines, too
from engine.rooms import LINED, LINED_WHOLE, PACKED, PACKED_WHOLE, Numbers, Rooms, lined, shape_and_size
from engine.stretch import Stretch
from engine.values import Call, Value

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
    """Values that lie side by side from `begin` on, their indices, and how many entries each has with all before it."""

    values: Sequence[Value]
    indices: Numbers
    sums: Numbers
    begin: int


_index, _kind, _placed, _views = map(attrgetter, ("index", "kind", "placed", "views"))


def indices_of(values: Collection[Value]) -> Numbers:
    """The indices of values."""
    return np.fromiter(map(_index, values), np.int64, len(values))


class _Memory:
    """One of the two memories, and how far it is taken."""

    def __init__(self, begin: int, packed: int, lines: int, rooms: Rooms) -> None:
        self.end, self._packed, self._lines, self._rooms = begin, packed, lines, rooms

    def align(self) -> int:
        """Go on with a new cache line."""
        self.end = lined(self.end)
        return self.end

    def put(self, value: Value, places: Places) -> None:
        """Find a place for a single value."""
        size = int(self._rooms.sizes[value.index])
        if self._rooms.where[value.index] == self._lines:
            self.align()
            places.has_line[value.index] = True
            size = lined(size)
        places.offsets[value.index] = self.end
        self.end += size

    def put_packed(self, values: Sequence[Value], places: Places) -> Packed:
        """Find places side by side."""
        indices, begin = indices_of(values), self.end
        return Packed(values, indices, self._put(indices, self._rooms.sizes[indices], places), begin)

    def put_rest(self, indices: Numbers, places: Places) -> None:
        """Find places for all that have none yet: first for those that are packed, then for those on lines of their own."""
        where = self._rooms.where[indices]
        packed = indices[where == self._packed]
        if packed.size:
            self._put(packed, self._rooms.sizes[packed], places)
        lines = indices[where == self._lines]
        if lines.size:
            self.align()
            places.has_line[lines] = True
            self._put(lines, lined(self._rooms.sizes[lines]), places)

    def _put(self, indices: Numbers, sizes: Numbers, places: Places) -> Numbers:
        """Let them lie one behind the other; the last of the sums of their sizes is how much they take."""
        sums = sizes.cumsum()
        places.offsets[indices] = sums - sizes + self.end
        self.end += int(sums[-1]) if sums.size else 0
        return sums


def place(tape: Tape, stretches: Sequence[Stretch], rooms: Rooms) -> None:
    """Find a place for every value of a tape that is used: settings, data, parameters and states, gradients, results."""
    program, batch = tape.program, tape.batch
    copied = matrices_copied(program, stretches)
    if any(product.primitive.name != "matmul" for product in copied):
        copied = tape.fused.flips  # which are values of the program now
    rooms.know(program.values, batch)
    tape.places = places = Places(program.values, batch)
    reals = _Memory(LINE, PACKED, LINED, rooms)
    wholes = _Memory(RESERVED_INTEGERS, PACKED_WHOLE, LINED_WHOLE, rooms)

    def put(values: Iterable[Value]) -> None:
        for value in values:
            (wholes if value.kind == "whole" else reals).put(value, places)

    def put_packed(values: Sequence[Value]) -> None:
        whole = [value for value in values if value.kind == "whole"] if "whole" in map(_kind, values) else []
        real = [value for value in values if value.kind != "whole"] if whole else values
        for memory, mine in ((reals, real), (wholes, whole)):
            if mine:
                tape.packed.append(memory.put_packed(mine, places))

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
        reals.put_packed([value for value in gradients if value not in placed] if placed else gradients, places)
        placed.update(gradients)
    _put_results(places, stretches, rooms, reals, wholes)
    if copied:
        tape.fused.flips_to(partial(_put_copies, places, reals.align()))
        reals.end += sum([lined(shape_and_size(product.operands[-1].shape, batch)[1]) for product in copied])
    tape.arena_size, tape.integers_size = reals.align(), wholes.end


def _put_results(places: Places, stretches: Sequence[Stretch], rooms: Rooms, reals: _Memory, wholes: _Memory) -> None:
    """Find a place for what calls compute."""
    offsets = places.offsets
    indices = np.frombuffer(b"".join(map(_placed, stretches)), np.int64)
    indices = indices[offsets[indices] == NOWHERE]
    reals.put_rest(indices, places)
    if (rooms.where[indices] >= PACKED_WHOLE).any():
        wholes.put_rest(indices, places)
    for result, origin in chain.from_iterable(map(_views, stretches)):
        if offsets[result] == NOWHERE:
            offsets[result] = offsets[origin]


def _put_copies(places: Places, begin: int, copies: Iterable[Call]) -> None:
    """Give transposed copies the room that was kept for them: which of them there are is known later."""
    for copy in copies:
        begin = places.put_late(copy.result, begin)


def _by_role(program: Program, fused: Fused) -> dict[str, list[Value]]:
    """The sources that need a place. What a hand can change has one even where nothing reads it, as a muted constant's."""
    by_role: dict[str, list[Value]] = {role: [] for role in ("setting", "constant", "data", "parameter", "state")}
    parameters = by_role["parameter"]
    for value in program.sources.values():
        source = value.source
        assert source is not None
        if (role := source.role) == "parameter":
            parameters.append(value)
            continue
        is_asked = source.trainable or role not in ("constant", "state") or fused.is_read(value)
        if is_asked or any(value is gradient for found in program.gradients for gradient in found.values()):
            by_role[role].append(value)
    return by_role


def _families(states: Iterable[Value]) -> list[list[Value]]:
    """State of one kind lies in the parameters' order, so that one update instruction walks parameters, gradients, state."""
    families: dict[str, list[Value]] = {}
    for value in states:
        families.setdefault(value.source.address.rpartition(".")[2] if value.source else "", []).append(value)
    return list(families.values())


def _gradients(program: Program, parameters: Sequence[Value]) -> list[list[Value]]:
    """Of each phase the gradients that are computed, in the parameters' order."""
    indices = list(map(_index, parameters))
    return [
        [
            gradient
            for gradient in dict.fromkeys(filter(None, map(phase.get, indices)))
            if gradient.call is not None and not gradient.call.primitive.is_view
        ]
        for phase in program.gradients
    ]
