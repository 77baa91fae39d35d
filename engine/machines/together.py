"""Plays the halves of a tape on two threads: copies of what lasts go out, both run, and what they have made comes back."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.machines.distance import Distance
from engine.machines.halves import Half, Halves
from engine.machines.lanes import yielding
from engine.machines.runs import joined
from engine.machines.standby import side_by_side
from engine.machines.store import native_loop
from engine.tape import FLAG, ITERATION, ROW

if TYPE_CHECKING:
    from engine.machines.cpu import CpuMachine

Array = np.ndarray[Any, np.dtype[Any]]
GONE, NEAR = 1 << 60, 4  # see `engine.machines.waiting`


class _Lane:
    """One thread's half: its code, its copies, its words and its clock."""

    def __init__(self, lane: int, half: Half, machine: CpuMachine) -> None:
        code = joined(half.code)
        self._bounds = [bound for turn in code.turns for section in turn for bound in section[:2]]
        kernels, arena, _, *others = machine.memory(code)
        self.words, self.clock = machine.integers[half.words :], np.zeros(3, np.int64)
        self._memory = (kernels, arena, self.words.ctypes.data, *others)
        self.tally = machine.arena[half.tally : half.tally + 2].view(np.int64)
        pairs = list(_pairs(lane, half, machine, self.words))
        self.out = [(theirs, mine) for theirs, mine, _ in pairs]
        self.back = [(mine, theirs) for theirs, mine, is_halved in pairs if is_halved or lane == 0]

    def begin(self, clock: Array) -> None:
        """Have what lasts as the machine has it."""
        for theirs, mine in self.out:
            mine[...] = theirs
        self.clock[:], self.tally[0], self.words[FLAG] = clock, 0, 0

    def run(self, machine: CpuMachine, times: int, near: bool) -> int:
        """Play; who stops early says so, that the other does not wait for it."""
        self.words[NEAR] = near
        schedule = machine.schedule(self._bounds)
        words, clock = self.words.ctypes.data, self.clock.ctypes.data
        done: int = native_loop("iterate", 10)(*self._memory[:-1], words, clock, schedule.ctypes.data, times)
        if self.words[FLAG]:
            self.tally[0] |= GONE
        return done

    def end(self) -> None:
        """Give back what lasts."""
        for mine, theirs in self.back:
            theirs[...] = mine


class Together:
    """Both threads; the machine that holds them is handed in."""

    def __init__(self, halves: Halves, machine: CpuMachine) -> None:
        self._lanes = [_Lane(lane, half, machine) for lane, half in enumerate(halves.both)]
        self._distance = Distance()
        machine.arena[halves.yielding : halves.yielding + 2].view(np.int64)[0] = yielding()

    def play(self, machine: CpuMachine, times: int) -> bool:
        """Play whole iterations; False where a number stopped being finite, as if nothing had been played."""
        first, second = self._lanes
        for lane in self._lanes:
            lane.begin(machine.clock)
        near, began = self._distance.choose(), time.perf_counter()
        side_by_side(lambda: second.run(machine, times, near), lambda: first.run(machine, times, near))
        if first.words[FLAG] or second.words[FLAG]:
            return False
        self._distance.note(near, times, time.perf_counter() - began)
        for lane in self._lanes:
            lane.end()
        machine.clock[:] = first.clock
        machine.integers[ITERATION : ROW + 1] = first.words[ITERATION : ROW + 1]
        return True


def _pairs(lane: int, half: Half, machine: CpuMachine, words: Array) -> Iterator[tuple[Array, Array, bool]]:
    """Of each lasting value the thread's share in the machine's memory, its own copy, and whether it is but a share."""
    for value, region, axis in half.shares:
        whole = machine.view(value)
        memory = words if value.kind == "whole" else machine.arena
        mine = memory[region.offset : region.offset + region.size].reshape(region.shape)
        if axis is not None:
            length = region.shape[axis]
            share: Sequence[slice] = [slice(None)] * axis + [slice(lane * length, (lane + 1) * length)]
            whole = whole[tuple(share)]
        yield whole, mine, axis is not None
