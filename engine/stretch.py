"""Calls that stay together from one program to the next, and what follows from them alone."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Set
from functools import lru_cache
from itertools import chain, groupby
from math import prod
from typing import Any, Generic, TypeVar

import numpy as np

from engine.program import Call, Kind, Shape, Value, resolve

LINE = 16  # entries of the arena that make one cache line of float32
SMALL = 8  # values under this many entries are packed: a vector load across two cache lines costs twice
PRODUCTS = ("matmul", "batch_matmul", "batch_matmul_apart")
SIZES_KEPT = 4096

# Where a result may lie: single or few numbers packed, more of them on cache lines of their own; whole numbers apart.
PACKED, LINED, PACKED_WHOLE, LINED_WHOLE = range(4)

Rooms = np.ndarray[Any, np.dtype[np.int64]]
T = TypeVar("T")


class _Fact(Generic[T]):
    """What is found out when it is first asked for. `functools.cached_property` takes a lock, which is dearer than most."""

    def __init__(self, find: Callable[[Any], T]) -> None:
        self._find = find

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, stretch: Stretch, owner: type) -> T:
        found = stretch.__dict__[self._name] = self._find(stretch)
        return found


class Stretch(list[Call]):
    """Calls that are played in this order, of one node in one part or of one phase's updates. Nobody changes the list.

    An edit leaves most stretches of a program as they are: what is asked of them is found out once.
    """

    @_Fact
    def node(self) -> str | None:
        """The node that the calls are of; None for updates, which belong to several."""
        if not self or self[0].origin.part == "update":
            return None
        return self[0].origin.node

    @_Fact
    def operands(self) -> list[Value]:
        """What the calls read, as often as they do."""
        return list(chain.from_iterable([call.operands for call in self]))

    @_Fact
    def names(self) -> set[str]:
        """The primitives that are called."""
        return {call.primitive.name for call in self}

    @_Fact
    def written(self) -> set[int]:
        """Indices of the operands that updates write over."""
        return {call.operands[place].index for call in self for place in call.primitive.writes}

    @_Fact
    def reads_columns(self) -> bool:
        """Whether a product reads a matrix transposed."""
        return any(reads_columns(call) for call in self if call.attributes)

    @_Fact
    def views(self) -> list[tuple[int, int]]:
        """Results that lie where an operand lies, and these operands, by their indices."""
        return [(call.result.index, call.operands[0].index) for call in self if call.primitive.is_view]

    @_Fact
    def _rooms(self) -> dict[int, bytes]:
        return {}

    def _find_rooms(self, batch: int) -> bytes:
        found = self._rooms[batch] = rooms_of([call.result for call in self if _has_memory(call)], batch)
        return found

    @_Fact
    def results(self) -> set[Value]:
        """What the calls define."""
        return {call.result for call in self}

    def behind(self, followed: Set[Value]) -> set[Value]:
        """What leads to one of these values, or is written to."""
        led: set[Value] = set()
        for call in reversed(self):
            if call.result in followed or call.result in led or call.primitive.writes:
                led.update(call.operands)
        return led

    @_Fact
    def end(self) -> Value | None:
        """What all operands lead to, if the last call defines it and nothing is written to."""
        if not self or self.written:
            return None
        end = self[-1].result
        return end if len(self) == 1 or len(self.behind({end})) == len(set(self.operands)) else None


def reads_columns(call: Call) -> bool:
    """Whether B is asked for transposed, and is no single row that lies as a column would."""
    asked = call.primitive.name in PRODUCTS and call.attributes.get("transpose_b")
    return bool(asked) and call.operands[1].shape[-1] != 1


def _has_memory(call: Call) -> bool:
    return not call.primitive.is_view and not call.primitive.writes


def rooms_of(values: Iterable[Value], batch: int) -> bytes:
    """For each value its index, the entries of the memory that it takes, and where it may lie; see `as_rooms`."""
    rows = chain.from_iterable([(value.index, *room_of(value.shape, value.kind, batch)) for value in values])
    return array("q", rows).tobytes()


def rooms_in(stretches: Iterable[Stretch], batch: int) -> Rooms:
    """What has to have a place of what stretches compute, one after the other."""
    return as_rooms([
        found if (found := stretch._rooms.get(batch)) is not None else stretch._find_rooms(batch) for stretch in stretches
    ])  # fmt: skip


def as_rooms(rows: Iterable[bytes]) -> Rooms:
    """Rows of three whole numbers: of many short pieces it is bytes that are joined fastest."""
    return np.frombuffer(b"".join(rows), np.int64).reshape(-1, 3)


@lru_cache(SIZES_KEPT)
def shape_and_size(shape: Shape, batch: int) -> tuple[tuple[int, ...], int]:
    """A shape in numbers, and how many entries it has: few shapes, many values."""
    resolved = resolve(shape, batch)
    return resolved, prod(resolved)


@lru_cache(SIZES_KEPT)
def room_of(shape: Shape, kind: Kind, batch: int) -> tuple[int, int]:
    """Entries of the memory that a value takes, and where it may lie."""
    size = shape_and_size(shape, batch)[1]
    whole = PACKED_WHOLE if kind == "whole" else PACKED
    return (size, whole) if size < SMALL else (lined(size), whole + LINED)


def lined(size: int) -> int:
    """The next multiple of a cache line."""
    return -(-size // LINE) * LINE


def stretches_of(calls: Iterable[Call]) -> list[Stretch]:
    """Calls of a program nobody has kept anything of, one stretch for each run of a node's, and of a phase's updates."""

    def owner(call: Call) -> tuple[object, ...]:
        origin = call.origin
        return ("update", origin.phase) if origin.part == "update" else origin

    return [Stretch(run) for _, run in groupby(calls, owner)]
