"""What patterns of calls are found by: who reads a value, and what a find makes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any, NamedTuple

from engine.program import Call, Program, Value

LASTING = 1_000_000  # readers of a value that is drawn, minimised or asked for: it may not vanish


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
    """How often each value is read, and which may not vanish because they are drawn, minimised or lasting."""

    def __init__(self, program: Program) -> None:
        self.count = [0] * len(program.values)
        self.readers: dict[int, list[Call]] = {}
        for call in program.calls:
            for operand in call.operands:
                self.count[operand.index] += 1
                self.readers.setdefault(operand.index, []).append(call)
        for value in [*program.outputs.values(), *program.losses]:
            self.count[value.index] += LASTING
        self._calls = program.calls

    @cached_property
    def place(self) -> dict[int, int]:
        """By index of a result: where it is computed. Indices themselves say nothing: a value may be older than its call."""
        return {call.result.index: place for place, call in enumerate(self._calls)}

    def only(self, value: Value, name: str, times: int = 1) -> Call | None:
        """The call that defines a value, if it is of that primitive and nobody else reads the value."""
        call = value.call
        return call if call is not None and call.primitive.name == name and self.count[value.index] == times else None

    def read_within(self, value: Value, calls: list[Call]) -> bool:
        """Whether nobody but these calls reads a value."""
        known = {id(call) for call in calls}
        return self.count[value.index] < LASTING and all(id(one) in known for one in self.readers.get(value.index, ()))


Pattern = Callable[[Call, Uses], Match | None]


def before_views(value: Value) -> Value:
    """The value whose numbers these are, in whatever shape."""
    while value.call is not None and value.call.primitive.name == "reshape":
        value = value.call.operands[0]
    return value


def is_constant(value: Value, number: float) -> bool:
    """Whether a value is a number that nobody can change."""
    source = value.source
    return source is not None and source.role == "constant" and source.initial == number and not source.trainable
