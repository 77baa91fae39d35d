"""Where every value of a program lies: small ones packed, larger ones on cache lines of their own, parameters side by side."""

from __future__ import annotations

from itertools import chain
from math import prod
from typing import TYPE_CHECKING

from engine.primitives.base import Region
from engine.program import Call, Shape, Value, resolve

if TYPE_CHECKING:
    from engine.fuse import Fused
    from engine.tape import Tape

RESERVED_INTEGERS = 16  # what the machine writes before every iteration, see `engine.tape`
LINE = 16  # entries of the arena that make one cache line of float32
SMALL = 8  # values under this many entries are packed: a vector load across two cache lines costs twice


class _Cursor:
    """Hands out places: small values are packed, larger ones have whole cache lines for themselves."""

    def __init__(self, begin: int) -> None:
        self.offset = begin

    def take(self, region: Region) -> None:
        if region.size >= SMALL:
            self.offset = -(-self.offset // LINE) * LINE
            region.room = -(-region.size // LINE) * LINE
        region.offset = self.offset
        self.offset += region.room


def place(tape: Tape) -> None:
    """Find a place for every value of a tape that is used: settings, data, parameters and states, gradients, results."""
    program, batch = tape.program, tape.batch
    places: list[Region | None] = [None] * len(program.values)
    arena, integers = _Cursor(LINE), _Cursor(RESERVED_INTEGERS)
    used = set(chain.from_iterable([call.operands for call in program.calls]))
    used.update(program.outputs.values(), *[found.values() for found in program.gradients])

    sizes: dict[Shape, tuple[tuple[int, ...], int]] = {}  # few shapes, many values

    def region_of(shape: Shape, offset: int = 0) -> Region:
        known = sizes.get(shape)
        if known is None:
            resolved = resolve(shape, batch)
            known = sizes[shape] = resolved, prod(resolved)
        return Region(offset, *known)

    def put(value: Value, *, packed: bool = False) -> None:
        shape = value.shape
        places[value.index] = region = region_of(shape)
        cursor = integers if value.kind == "whole" else arena
        if not shape:
            region.offset, cursor.offset = cursor.offset, cursor.offset + 1
        elif packed:
            region.offset, cursor.offset = cursor.offset, cursor.offset + region.size
        else:
            cursor.take(region)

    by_role: dict[str, list[Value]] = {role: [] for role in ("setting", "constant", "data", "parameter", "state")}
    for value in program.sources.values():
        source = value.source
        assert source is not None
        # What a hand can change has a place even where nothing reads it, as the number of a muted constant.
        if value in used or source.trainable or source.role in ("parameter", "setting", "data"):
            by_role[source.role].append(value)
    for role in ("setting", "constant"):
        for value in by_role[role]:
            put(value)
    tape.slots, slots_end = [*by_role["setting"], *by_role["constant"]], arena.offset
    for value in by_role["data"]:
        put(value)
    arena.offset += SMALL
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
    tape.kept_spans = [(LINE, slots_end), (kept, arena.offset)]
    tape.kept_integers = [(kept_whole, integers.offset)]
    for phase in program.gradients:
        _aligned(arena)
        for value in by_role["parameter"]:
            gradient = phase.get(value.index)
            if (
                gradient is not None
                and gradient.call is not None
                and places[gradient.index] is None
                and not gradient.call.primitive.is_view
            ):
                put(gradient, packed=True)
    for call in [*program.calls, *_only_fused(tape.fused)]:
        result, primitive = call.result, call.primitive
        if places[result.index] is not None:
            continue
        if not result.shape and result.kind == "real" and not primitive.is_view and not primitive.writes:
            places[result.index] = Region(arena.offset, (), 1)
            arena.offset += 1
        elif primitive.is_view:
            origin = places[call.operands[0].index]
            assert origin is not None
            places[result.index] = region_of(result.shape, origin.offset)
        elif not primitive.writes:
            put(result)
    tape.places, tape.arena_size, tape.integers_size = places, _aligned(arena), integers.offset


def _aligned(cursor: _Cursor) -> int:
    cursor.offset = -(-cursor.offset // LINE) * LINE
    return cursor.offset


def _only_fused(fused: Fused) -> list[Call]:
    """Calls that fusing brought in with results of their own (transposed copies)."""
    return [call for call in fused.calls if call.result.call is call]
