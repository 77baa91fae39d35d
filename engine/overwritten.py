"""What the updates of an iteration wrote over: formulas are told with the numbers that took part, not with what came after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.program import MONITORS
from engine.tape import Step, Tape
from engine.values import Origin, Value

Array = np.ndarray[Any, np.dtype[Any]]


class Overwritten:
    """Parameters and states as the iteration looked at found them, and as each of its phases found and left them.

    Several phases may move one parameter in the same iteration: what the second one found is what the first one left.
    """

    def __init__(self) -> None:
        self._first: dict[int, Array] = {}  # by value
        self._found: dict[int, dict[int, Array]] = {}  # by value and phase, in the order of the updates
        self._left: dict[int, dict[int, Array]] = {}  # what an update left, where a hand has written over it since

    def keep(self, value: Value, phase: int, numbers: Array) -> None:
        """Before a phase's updates: the numbers that they find."""
        found = self._found.setdefault(value.index, {})
        if phase not in found:
            found[phase] = numbers.copy()
            self._first.setdefault(value.index, found[phase])

    def keep_from_hand(self, value: Value, numbers: Array) -> None:
        """Before a hand writes, after an update: the numbers that stood there."""
        if value.index not in self._first:
            self._first[value.index] = numbers.copy()
        elif found := self._found.get(value.index):
            self._left.setdefault(value.index, {}).setdefault(list(found)[-1], numbers.copy())

    def before(self, value: Value) -> Array | None:
        """As the iteration found it; None where nothing was written over."""
        return self._first.get(value.index)

    def found(self, value: Value, phase: int) -> Array | None:
        """As a phase's update found it; None where that was not played."""
        return self._found.get(value.index, {}).get(phase)

    def left(self, value: Value, phase: int) -> Array | None:
        """As a phase's update left it; None where no hand has written over that."""
        return self._left.get(value.index, {}).get(phase)

    def after(self, value: Value, phase: int) -> Array | None:
        """As a phase's update left it; None where that still stands in memory."""
        left, found = self.left(value, phase), self._found.get(value.index, {})
        if left is not None or phase not in found:
            return left
        later = list(found)[list(found).index(phase) + 1 :]
        return found[later[0]] if later else None


def written_by_step(tape: Tape) -> list[list[Value]]:
    """Per step, what its updates write over: parameters and their states."""
    written: dict[Origin, dict[int, Value]] = {}
    for call in tape.program.calls:
        if call.origin.part == "update" and call.primitive.name not in MONITORS:
            mine = written.setdefault(call.origin, {})
            mine.update({call.operands[place].index: call.operands[place] for place in call.primitive.writes})
    return [list(written.get(step.origin, {}).values()) for step in tape.steps]


def moved_by_several(steps: Sequence[Step], written: Sequence[Sequence[Value]]) -> bool:
    """Whether two phases of one iteration write over the same value."""
    phases: dict[int, int] = {}
    return any(
        phases.setdefault(value.index, step.phase) != step.phase for step in steps for value in written[step.index]
    )
