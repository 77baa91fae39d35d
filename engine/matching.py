"""What patterns of calls are found by: who reads a value, and what a find makes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from functools import cached_property
from types import MappingProxyType
from typing import Any, NamedTuple

from engine.values import Call, Value


class Match(NamedTuple):
    """What a pattern found: the primitive that does it all, its operands, and the calls it makes unnecessary.

    swallowed  calls whose results are left out
    stored     calls whose results the fused one computes as well; these are among its operands, to be written
    attributes of the fused call
    """

    primitive: str
    operands: tuple[Value, ...]
    swallowed: tuple[Call, ...] = ()
    stored: tuple[Call, ...] = ()
    attributes: Mapping[str, Any] = MappingProxyType({})


class Uses:
    """Who of a node's calls reads a value, how often it is read in all, and which may not vanish because they last.

    Notes what its answers hang on apart from the calls, so that what was made of them can be kept: see `hold`.

    views  values whose shape was seen through, and the calls that were behind them
    """

    def __init__(self, calls: Sequence[Call], counts: Mapping[Value, int], lasting: Set[Value]) -> None:
        self._calls, self._counts, self._lasting = calls, counts, lasting
        self._asked: dict[Value, tuple[int, bool]] = {}
        self.views: list[tuple[Value, Call]] = []

    def close(self) -> Set[Value]:
        """Nothing more will be asked: forget all but the answers. The values that they are about."""
        self._calls, self._counts, self._lasting = (), {}, frozenset()
        self.__dict__.pop("place", None)
        self.__dict__.pop("readers", None)
        return self._asked.keys()

    def hold(self, counts: Mapping[Value, int], lasting: Set[Value]) -> bool:
        """Whether all answers would be the same where values are read so often, and these last."""
        for value, (count, lasts) in self._asked.items():
            if counts.get(value, 0) != count or (value in lasting) is not lasts:
                return False
        return True

    @cached_property
    def place(self) -> dict[int, int]:
        """By index of a result: where it is computed. Indices themselves say nothing: a value may be older than its call."""
        return {call.result.index: place for place, call in enumerate(self._calls)}

    @cached_property
    def readers(self) -> dict[int, list[Call]]:
        """The node's calls that read a value, by its index."""
        readers: dict[int, list[Call]] = {}
        for call in self._calls:
            for operand in call.operands:
                readers.setdefault(operand.index, []).append(call)
        return readers

    def only(self, value: Value, name: str, times: int = 1) -> Call | None:
        """The call that defines a value, if it is of that primitive and nobody else reads the value."""
        call = value.call
        if call is None or call.primitive.name != name:
            return None
        return call if self._asking(value) == (times, False) else None

    def read_within(self, value: Value, calls: Iterable[Call]) -> bool:
        """Whether nobody but these calls reads a value."""
        inside = {id(call): call.operands.count(value) for call in calls}
        return self._asking(value) == (sum(inside.values()), False)

    def before_views(self, value: Value) -> Value:
        """The value whose numbers these are, in whatever shape."""
        while value.call is not None and value.call.primitive.name == "reshape":
            self.views.append((value, value.call))
            value = value.call.operands[0]
        return value

    def _asking(self, value: Value) -> tuple[int, bool]:
        answer = self._asked[value] = (self._counts.get(value, 0), value in self._lasting)
        return answer


Pattern = Callable[[Call, Uses], Match | None]


def is_constant(value: Value, number: float) -> bool:
    """Whether a value is a number that nobody can change."""
    source = value.source
    return source is not None and source.role == "constant" and source.initial == number and not source.trainable
