"""Calls that stay together from one program to the next, and what follows from them alone."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Set
from itertools import chain, groupby
from operator import attrgetter
from typing import Any, Generic, TypeVar

from engine.values import Call, Value

PRODUCTS = ("matmul", "batch_matmul", "batch_matmul_apart")

T = TypeVar("T")
_operands, _name = attrgetter("operands"), attrgetter("primitive.name")


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

    placed         indices of the results that take memory, in whole numbers of 64 bits: bytes are joined fastest
    views          results that lie where an operand lies, and these operands, by their indices
    written        indices of the operands that updates write over
    reads_columns  whether a product reads a matrix transposed
    """

    __slots__ = ("__dict__", "placed", "reads_columns", "views", "written")

    def __init__(self, calls: Iterable[Call] = ()) -> None:
        super().__init__(calls)
        self.views: list[tuple[int, int]] = []
        self.written: set[int] = set()
        self.reads_columns = False
        takes: list[int] = []
        for call in self:
            primitive = call.primitive
            if primitive.is_view:
                self.views.append((call.result.index, call.operands[0].index))
            elif not primitive.writes:
                takes.append(call.result.index)
            for place in primitive.writes:
                self.written.add(call.operands[place].index)
            if call.attributes and reads_columns(call):
                self.reads_columns = True
        self.placed = array("q", takes).tobytes()

    @classmethod
    def of_flags(cls, flags: Iterable[Call]) -> Stretch:
        """Of calls that watch one value each and write nothing, of which there is nothing to find out."""
        stretch = cls()
        stretch.extend(flags)
        stretch.__dict__["names"] = {"non_finite_flag"}
        return stretch

    @_Fact
    def node(self) -> str | None:
        """The node that the calls are of; None for updates, which belong to several."""
        if not self or self[0].origin.part == "update":
            return None
        return self[0].origin.node

    @_Fact
    def operands(self) -> list[Value]:
        """What the calls read, as often as they do."""
        return list(chain.from_iterable(map(_operands, self)))

    @_Fact
    def names(self) -> set[str]:
        """The primitives that are called."""
        return set(map(_name, self))

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


def stretches_of(calls: Iterable[Call]) -> list[Stretch]:
    """Calls of a program nobody has kept anything of, one stretch for each run of a node's, and of a phase's updates."""

    def owner(call: Call) -> tuple[object, ...]:
        origin = call.origin
        return ("update", origin.phase) if origin.part == "update" else origin

    return [Stretch(run) for _, run in groupby(calls, owner)]
