"""Two machines of one tape that play the same iterations, each for half of the examples; see `engine.machines.twins`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.machines.lanes import yielding
from engine.machines.memory import aligned
from engine.machines.runs import Joined, Played
from engine.machines.standby import side_by_side
from engine.machines.store import native_loop
from engine.machines.twins import Script, scripts_of
from engine.placement import LINE

if TYPE_CHECKING:
    from engine.machines.cpu import CpuMachine

Array = np.ndarray[Any, np.dtype[Any]]
TWIN_LOOPS = ("iterate_twin", "take_over")
COUNTS_APART = 16  # whole numbers: two cache lines lie between words that different threads write


def pair_of(machine: CpuMachine) -> Pair | None:
    """A pair whose first machine this is; None where it would not be faster than one."""
    scripts = scripts_of(machine.tape)
    return Pair(machine, scripts) if scripts is not None else None


class _Actor:
    """What one of the two plays, as the native loop wants it, and the boxes that it fills."""

    def __init__(self, machine: CpuMachine, script: Script) -> None:
        played = [Played(part.instruction, part.fields, False, part.more) for part in script.parts]
        self._memory = machine.memory(Joined(played, []))
        self._cuts = [_whole([part[place] for part in script.parts]) for place in (2, 3)]
        self._rows = [_whole(script.stages), _whole(script.posts)]
        self._turns = [bound for turn in script.turns for bound in turn]
        sent, received = ([-(-post[place] // LINE) * LINE for post in script.posts] for place in (2, 4))
        self._box = max(sum(sent), sum(received)) + LINE  # as large as the other's
        self.boxes = aligned(2 * self._box, "float32")

    def work(self, machine: CpuMachine, times: int, counts: Sequence[int], other: _Actor) -> Callable[[], int]:
        """What plays whole iterations; `counts` are addresses: where this one says how far it is, and where the other does."""
        schedule, meeting = machine.schedule(self._turns), _whole([*counts, yielding(), self._box])
        known = (*self._cuts, machine.arena, machine.integers, machine.clock, schedule)
        rest = (meeting, *self._rows, self.boxes, other.boxes)
        arguments = (*self._memory[:-1], *_addresses(known), times, *_addresses(rest))
        loop = native_loop("iterate_twin", len(arguments))
        return lambda: (loop(*arguments), schedule, meeting)[0]  # which live as long as they are used


class Pair:
    """A second machine beside one that everybody looks at, which is handed in: it holds the pair."""

    def __init__(self, machine: CpuMachine, scripts: tuple[Script, Script]) -> None:
        self._other = machine.copy()
        self._actors = _Actor(machine, scripts[0]), _Actor(self._other, scripts[1])
        self._lacked = [_whole(runs) for runs in scripts[0].lacked]
        self._known_end = machine.tape.kept_spans[-1][1]
        self._is_apart = False

    def play(self, machine: CpuMachine, times: int) -> int:
        """Whole iterations on two threads; the machine then lacks the other's rows until they are taken over."""
        if not self._is_apart:
            self._begin(machine)
        counts = np.zeros(3 * COUNTS_APART, np.int64)
        first, second = (counts[COUNTS_APART * place :].ctypes.data for place in (1, 2))
        mine, its = self._actors
        return side_by_side(
            its.work(self._other, times, (second, first), mine), mine.work(machine, times, (first, second), its)
        )

    def part(self) -> None:
        """The machine goes on alone."""
        self._is_apart = False

    def take_over(self, machine: CpuMachine) -> None:
        """Let the machine have all rows of what was computed last."""
        if self._is_apart:
            full, total = machine.epoch
            lacked = self._lacked[int((machine.clock[2] - 1) % total >= full)]
            arrays = (machine.arena, self._other.arena, lacked)
            native_loop("take_over", 4)(*_addresses(arrays), lacked.size // 2)
            self._is_apart = False

    def _begin(self, machine: CpuMachine) -> None:
        """Let the other begin where the machine is: all else is computed anew in every iteration."""
        self._other.arena[: self._known_end] = machine.arena[: self._known_end]
        self._other.integers[:], self._other.clock[:] = machine.integers, machine.clock
        self._other.epoch = machine.epoch
        self._is_apart = True


def _whole(numbers: Sequence[Any]) -> Array:
    return np.array(numbers, np.int64)


def _addresses(arrays: Sequence[Array]) -> list[int]:
    return [array.ctypes.data for array in arrays]
