"""Remove what nobody asks for. Only calls that derivative rules emitted: a call with a drawn origin stays."""

from __future__ import annotations

from collections.abc import Iterable

from engine.program import Program
from engine.values import Value


def remove_dead_calls(program: Program, roots: Iterable[Value]) -> None:
    """Drop backward calls whose result reaches neither a root, nor an update, nor another call that stays."""
    needed = {value.index for value in roots}
    kept = []
    for call in reversed(program.calls):
        if call.origin.part != "backward" or call.primitive.writes or call.result.index in needed:
            kept.append(call)
            needed.update([operand.index for operand in call.operands])
    kept.reverse()
    program.calls = kept
