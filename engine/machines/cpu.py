"""The CPU machine: holds a tape's memory and plays its sections."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.machines.store import address_of, cache_folder
from engine.program import Value
from engine.tape import EPOCH, FLAG, ITERATION, ROW, Tape

Array = np.ndarray[Any, np.dtype[Any]]


class CpuMachine:
    """Arena, integers and code of one tape. Whoever holds it is its only thread."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self.arena = _aligned(tape.arena_size + 64, tape.dtype)
        self.integers = np.zeros(tape.integers_size + 16, np.int32)
        self.clock = np.zeros(3, np.int64)
        self.schedule = np.zeros(7, np.int64)
        flat = [0] * 0
        starts = np.zeros(max(1, len(tape.instructions)), np.int64)
        lengths = np.zeros(max(1, len(tape.instructions)), np.int64)
        for pc, instruction in enumerate(tape.instructions):
            starts[pc], lengths[pc] = len(flat), instruction.length
            flat.append(pc)
            flat.extend(instruction.fields)
        self._code = np.array(flat or [0], np.int32)
        self._starts, self._lengths = starts, lengths
        self._kernels: Array | None = None

    def prepare(self) -> None:
        """Compile or load the kernels of this tape; done by itself before the first play."""
        if self._kernels is None:
            tape = self.tape
            self._kernels = np.array([address_of(i.kernel, i.variant, tape.dtype) for i in tape.instructions] or [0], np.int64)
            with cache_folder():
                from engine.machines import player
            self._player = player
            self._memory = (
                self._kernels, self.arena.ctypes.data, self.integers.ctypes.data, self._code.ctypes.data, self._starts, self._lengths,
            )  # fmt: skip

    def set_epoch(self, full: int, total: int) -> None:
        """An epoch is `total` iterations, the first `full` of them of whole batches."""
        long = self.tape.sections["iteration"]
        short = self.tape.sections.get("short_iteration", long)
        self.schedule[:] = (long.begin, long.end, short.begin, short.end, full, total, self.tape.batch)

    def play(self, begin: int, end: int) -> None:
        """Play instructions [begin, end) once, at the present time of the clock."""
        self.prepare()
        self.integers[ITERATION] = self.clock[0] & 0x7FFFFFFF
        self.integers[EPOCH] = self.clock[1] & 0x7FFFFFFF
        self.integers[ROW] = self.clock[2] * self.schedule[6]
        self._player.play(*self._memory, begin, end)

    def iterate(self, times: int) -> int:
        """Play whole iterations; returns how many were done (fewer when a kernel raised the flag)."""
        self.prepare()
        return int(self._player.iterate(*self._memory, self.integers, self.clock, self.schedule, times))

    @property
    def flag(self) -> bool:
        """Whether a kernel met a number that is not finite."""
        return bool(self.integers[FLAG])

    def lower_flag(self) -> None:
        """Forget the flag, before a replay."""
        self.integers[FLAG] = 0

    def view(self, value: Value) -> Array:
        """A value's own memory, in its shape; valid until the next play changes it."""
        region = self.tape.region(value)
        memory = self.integers if value.kind == "whole" else self.arena
        return memory[region.offset : region.offset + region.size].reshape(region.shape)


def _aligned(size: int, dtype: str) -> Array:
    kind = np.dtype(dtype)
    raw = np.zeros(size + 64 // kind.itemsize, kind)
    shift = (-raw.ctypes.data % 64) // kind.itemsize
    return raw[shift : shift + size]
