"""The CPU machine: holds a tape's memory and plays its sections."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property, partial
from typing import Any

import numpy as np

from engine.machines.bodies import body_of, is_chosen
from engine.machines.halves import Halves, halves_of, room_of, whole_room_of
from engine.machines.lanes import Pace, Pieces, available, pieces_of, single_pieces_of, yielding
from engine.machines.memory import aligned
from engine.machines.order import arranged
from engine.machines.pair import TWIN_LOOPS, Pair, pair_of
from engine.machines.runs import RUN, Joined, Played, joined
from engine.machines.slopes import sloped
from engine.machines.standby import side_by_side
from engine.machines.store import (
    address_of,
    addresses_of,
    announce,
    is_loop_ready,
    is_ready,
    link_kept,
    loop_address,
    loop_order,
    native_loop,
    order_of,
)
from engine.machines.together import Together
from engine.machines.twins import may_be_halved
from engine.machines.whole import MOST_INSTRUCTIONS, Function, Piece, Whole, function_of
from engine.machines.workshop import Order
from engine.placement import RESERVED_INTEGERS
from engine.primitives.base import Kernel, Variant
from engine.tape import EPOCH, FLAG, ITERATION, ROW, Step, StepCode, Tape, TapeCode, Turn
from engine.values import Value

Array = np.ndarray[Any, np.dtype[Any]]
LOOPS, SHARED_LOOPS = ("play", "iterate"), ("help_out", "iterate_shared")  # of one thread, of two
SHARED_ITERATIONS = 4  # fewer are done before a second thread has begun
# Seconds of a part of halves or twins, of a trial, and until a second thread has begun, for which the first one waits.
TOGETHER_S, TOGETHER_TRIAL_S, TOGETHER_START_S = 24e-3, 8e-3, 0.25e-3
WORDS_LINE = 16  # whole numbers of 64 bits: two cache lines
NOTHING_OPEN = 0  # no piece of work that nobody has


class _Playable:
    """A tape's code as the native loop wants it: kernel addresses, fields in one array, lengths."""

    def __init__(self, played: Iterable[Played], dtype: str) -> None:
        flat: list[int] = []
        starts, lengths, places = [], [], []
        bodies: list[tuple[Kernel, Variant]] = []
        known: dict[tuple[Any, ...], int] = {}
        for pc, entry in enumerate(played):
            first = entry.first
            starts.append(len(flat))
            lengths.append(first.length)
            key = (first.call.primitive, first.kernel.name, first.variant, first.length == 1, entry.is_run, entry.more)
            place = known.get(key)
            if place is None:
                place = len(bodies)
                bodies.append(_body(entry, dtype))
                if entry.is_run or not is_chosen(first.kernel, dtype):
                    known[key] = place
            places.append(place)
            flat.append(pc)
            flat.extend(entry.fields)
        self.fields = np.array(flat or [0], np.int32)
        self.starts, self.lengths = np.array(starts or [0], np.int64), np.array(lengths or [0], np.int64)
        addresses = addresses_of(bodies, dtype)
        self.kernels = np.array([addresses[place] for place in places] or [0], np.int64)


def _body(entry: Played, dtype: str) -> tuple[Kernel, Variant]:
    """The kernel that plays an entry, and the variant it is compiled in."""
    if entry.is_run:
        return RUN, ()
    kernel, variant = body_of(entry.first, dtype)
    return kernel, (*variant, *entry.more)


class CpuMachine:
    """Arena, integers and code of one tape. Whoever holds it is its only thread."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self.arena = aligned(tape.arena_size + 64 + room_of(tape), tape.dtype)
        self.arena[0] = 1  # kernels that sum by a product read their factor here
        self.integers = np.zeros(tape.integers_size + 16 + whole_room_of(tape), np.int32)
        self.clock = np.zeros(3, np.int64)
        self.epoch = (1, 1)
        self._pace: Pace | None = None  # of two threads, where there are two
        self._stepped: dict[int, tuple[Any, ...]] = {}  # by the identity of a step's instructions

    def set_epoch(self, full: int, total: int) -> None:
        """An epoch is `total` iterations, the first `full` of them of whole batches."""
        self.epoch = (full, total)

    @cached_property
    def _joined(self) -> Joined:
        """Full speed with its single numbers in runs, for one thread."""
        return joined(self.tape.fast, dtype=self.tape.dtype)

    @property
    def played(self) -> Joined:
        """What one thread plays at full speed, runs of single numbers as one, and the stretches of its turns."""
        return self._joined

    @cached_property
    def _fast(self) -> tuple[Any, ...]:
        return self.memory(self._joined)

    @cached_property
    def _laid_open(self) -> tuple[Any, ...]:
        """Full speed for two threads, which share the work by instructions."""
        return self.memory(self._arranged)

    @cached_property
    def _arranged(self) -> TapeCode:
        return arranged(self.tape)

    @cached_property
    def _shown(self) -> tuple[Any, ...]:
        return self.memory(self.tape.shown)

    def memory(self, code: TapeCode | StepCode | Joined) -> tuple[Any, ...]:
        """What the native loops are handed first: addresses, and what must live as long as they are used."""
        played = _Playable(code.played if isinstance(code, Joined) else _each(code), self.tape.dtype)
        kernels, starts, lengths = (array.ctypes.data for array in (played.kernels, played.starts, played.lengths))
        fields = played.fields.ctypes.data
        return kernels, self.arena.ctypes.data, self.integers.ctypes.data, fields, starts, lengths, played

    def prepare(
        self,
        progress: Callable[[int, int], None] | None = None,
        *,
        before: Iterable[CpuMachine] = (),
        first: Iterable[Order] = (),
    ) -> None:
        """Compile or load all native code of this tape now, telling `progress(done, all)` before each piece.

        What the first steps need comes first; before it what other machines play at full speed, and kernels of none.
        """
        dtype = self.tape.dtype
        loops, bodies = self._unprepared(before)
        self._announce(loops, bodies, first, urgent=True)
        link_kept(loops, bodies, dtype)
        needed, later = _parted(loops)
        waiting = [partial(loop_address, name) for name in needed if not is_loop_ready(name)]
        waiting += [partial(address_of, *body, dtype) for body in bodies if not is_ready(*body, dtype)]
        waiting += [partial(loop_address, name) for name in later if not is_loop_ready(name)]
        for done, have in enumerate(waiting):
            if progress is not None:
                progress(done, len(waiting))
            have()
        if progress is not None and waiting:
            progress(len(waiting), len(waiting))

    def announce(self, *, urgent: bool = False, before: Iterable[CpuMachine] = (), first: Iterable[Order] = ()) -> None:
        """Let a workshop, if there is one, compile what `prepare` would ask for; at its leisure, or before all else."""
        self._announce(*self._unprepared(before), first, urgent=urgent)

    def _announce(
        self, loops: list[str], bodies: list[tuple[Kernel, Variant]], first: Iterable[Order], *, urgent: bool
    ) -> None:
        orders = [order_of(*body, self.tape.dtype) for body in bodies]
        needed, later = _parted(loops)
        announce([*map(loop_order, needed), *first, *orders, *map(loop_order, later)], urgent=urgent)

    def _unprepared(self, before: Iterable[CpuMachine]) -> tuple[list[str], list[tuple[Kernel, Variant]]]:
        """The native loops and the kernels that this process does not have yet, in the order in which steps need them."""
        tape = self.tape
        codes = [tape.shown_step(step).instructions for step in tape.steps]
        codes += [tape.shown.instructions, tape.fast.instructions]
        wanted = dict.fromkeys(_body(entry, tape.dtype) for machine in before for entry in machine.played.played)
        wanted.update(dict.fromkeys(body_of(entry, tape.dtype) for code in codes for entry in code))
        wanted.update(dict.fromkeys(_body(entry, tape.dtype) for entry in self._joined.played))
        if self._halves is not None and available() > 1:
            codes = [half.code.instructions for half in self._halves.both]
            wanted.update(dict.fromkeys(body_of(entry, tape.dtype) for code in codes for entry in code))
        if may_be_halved(tape) and available() > 1:
            wanted.update(dict.fromkeys(body_of(entry, tape.dtype) for entry in sloped(tape).instructions))
        loops = LOOPS if self._pieces is None else (*LOOPS, *SHARED_LOOPS)
        loops = (*loops, *TWIN_LOOPS) if may_be_halved(tape) else loops
        return (
            [name for name in loops if not is_loop_ready(name)],
            [body for body in wanted if not is_ready(*body, tape.dtype)],
        )

    def tell_time(self) -> None:
        """Show the clock to the kernels; playing does it by itself."""
        self.integers[ITERATION] = self.clock[0] & 0x7FFFFFFF
        self.integers[EPOCH] = self.clock[1] & 0x7FFFFFFF
        self.integers[ROW] = self.clock[2] * self.tape.batch

    def play_once(self, *, shown: bool = True) -> None:
        """Play all of the code once, as it is shown or as at full speed; the clock stands still."""
        self.tell_time()
        memory, turns = (self._shown, self.tape.shown.turns) if shown else (self._fast, self._joined.turns)
        native_loop("play", 8)(*memory[:-1], *turns[0].full[:2])

    def play(self, step: Step, *, short: bool = False) -> None:
        """Play one step of the shown code, at the present time of the clock."""
        self.tell_time()
        code = self.tape.shown_step(step)
        memory = self._stepped.get(id(code.instructions))
        if memory is None:
            memory = self._stepped[id(code.instructions)] = self.memory(code)
        native_loop("play", 8)(*memory[:-1], *(code.short if short else code.full))

    def iterate(self, times: int, *, shown: bool = False) -> int:
        """Play whole iterations; returns how many were done (fewer when a kernel raised the flag)."""
        if shown:
            return self._play_shown(times)
        if self._halves is None and self._pair is None and self._pieces is None:
            return self._play_small(times)
        is_short = times < SHARED_ITERATIONS and not (self._pace is not None and self._pace.is_long(times))
        if is_short or available() < 2:
            return self._play_whole(self._fast, self._joined.turns, times)
        pace = self._pace = self._pace or self._new_pace()
        done = 0
        while done < times:
            shared, some = pace.choose(times - done)
            began = time.perf_counter()
            played = self._play_together(some) if shared else self._play_alone(some)
            pace.note(shared, played, time.perf_counter() - began)
            done += played
            if played < some or self.flag:
                break
        if self._pair is not None:
            self._pair.take_over(self)
        return done

    def _play_shown(self, times: int) -> int:
        """What is looked at: all of its values are to be in the arena, so threads share it by instructions or not at all."""
        turns, pieces = self.tape.shown.turns, self._shown_pieces
        if pieces is None or available() < 2:
            return self._play_whole(self._shown, turns, times)
        return self._play_shared(self._shown, turns, pieces, times)

    def _new_pace(self) -> Pace:
        if self._halved is None and self._pair is None:
            return Pace()
        # Neither can go on before the second thread has begun.
        return Pace(TOGETHER_S, TOGETHER_TRIAL_S, TOGETHER_START_S)

    def _play_alone(self, times: int) -> int:
        if self._pair is not None:
            self._pair.part()
        return self._play_whole(self._fast, self._joined.turns, times)

    def _play_together(self, times: int) -> int:
        if self._halved is None:
            if self._pair is not None:
                return self._pair.play(self, times)
            assert self._pieces is not None, "only what is worth it is shared"
            return self._play_shared(self._laid_open, self._arranged.turns, self._pieces, times)
        if self._halved.play(self, times):
            return times
        return self._play_alone(times)  # what was not finite is met where it is

    def _play_small(self, times: int) -> int:
        """What one thread does alone; where the iteration has become one function, by that."""
        play, began = self._whole.play, time.perf_counter()
        if play is None:
            played = self._play_whole(self._fast, self._joined.turns, times)
        else:
            schedule = self._schedule_of(self._joined.turns)
            played = play(self.arena.ctypes.data, *self._clockwork, schedule.ctypes.data, times)
        self._whole.note(play is not None, played, time.perf_counter() - began)
        return played

    @cached_property
    def _whole(self) -> Whole:
        tape = self.tape  # and not this machine: it may go while its code is compiled

        def describe() -> Function | None:
            if len(tape.fast.instructions) > MOST_INSTRUCTIONS:
                return None
            # Runs only save calls, and here there are none; but who has not stepped may not have the kernels of their parts.
            return _function(tape, runs=False) or _function(tape, runs=True)

        return Whole(describe)

    def compile_whole(self) -> bool:
        """Have the whole iteration as one function now instead of some time later; whether there is one for this tape."""
        return self._whole.provide()

    def _play_whole(self, memory: tuple[Any, ...], turns: Iterable[Turn], times: int) -> int:
        schedule = self._schedule_of(turns)
        return int(native_loop("iterate", 10)(*memory[:-1], *self._clockwork, schedule.ctypes.data, times))

    @property
    def _clockwork(self) -> tuple[int, int]:
        return self.integers.ctypes.data, self.clock.ctypes.data

    def _schedule_of(self, turns: Iterable[Turn]) -> Array:
        return self.schedule([bound for turn in turns for section in turn for bound in section[:2]])

    def schedule(self, bounds: Sequence[int]) -> Array:
        """What the native loops know of time; `bounds` are of each turn those of its full section and of its short one."""
        return np.array([*self.epoch, self.tape.batch, len(bounds) // 4, *bounds], np.int64)

    def repeat(self, begin: int, end: int, times: int) -> None:
        """Play a stretch of what is `played` over and over, as iterations of its own; only for who measures it."""
        schedule = self.schedule([begin, end, begin, end])
        words = np.zeros(RESERVED_INTEGERS, np.int32)  # nobody raises a flag here: numbers may grow without end
        native_loop("iterate", 10)(
            *self._fast[:-1], words.ctypes.data, self.clock.ctypes.data, schedule.ctypes.data, times
        )

    def copy(self) -> CpuMachine:
        """Another machine of the same tape with the same numbers at the same time: playing it leaves this one alone."""
        twin = CpuMachine(self.tape)
        twin.arena[:], twin.integers[:], twin.clock[:] = self.arena, self.integers, self.clock
        twin.epoch = self.epoch
        return twin

    @cached_property
    def _pair(self) -> Pair | None:
        return pair_of(self) if self._halves is None else None

    @cached_property
    def _pieces(self) -> Pieces | None:
        return pieces_of(self.tape, self._arranged)

    @cached_property
    def _shown_pieces(self) -> Pieces | None:
        return single_pieces_of(self.tape, self.tape.shown)

    @cached_property
    def _halves(self) -> Halves | None:
        return halves_of(self.tape)

    @cached_property
    def _halved(self) -> Together | None:
        halves = self._halves
        return Together(halves, self) if halves is not None else None

    def _play_shared(self, code: tuple[Any, ...], turns: Iterable[Turn], pieces: Pieces, times: int) -> int:
        # Words that both threads write lie in cache lines of their own.
        words = np.zeros(3 * WORDS_LINE, np.int64)
        work, done = (words[WORDS_LINE * place :].ctypes.data for place in (1, 2))
        words[WORDS_LINE] = NOTHING_OPEN
        cuts = [column.ctypes.data for column in pieces]
        sharing, schedule = np.array([work, done, yielding(), *cuts], np.int64), self._schedule_of(turns)
        memory = code[:-1]
        helping = (*memory, sharing.ctypes.data)
        arguments = (*memory, *self._clockwork, schedule.ctypes.data, times, sharing.ctypes.data)
        return side_by_side(
            lambda: native_loop("help_out", 7)(*helping) or 0,
            lambda: int(native_loop("iterate_shared", 11)(*arguments)),
        )

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


def _parted(loops: Iterable[str]) -> tuple[list[str], list[str]]:
    """The native loops that steps wait for, and those of two threads."""
    return [name for name in loops if name in LOOPS], [name for name in loops if name not in LOOPS]


def _function(tape: Tape, *, runs: bool) -> Function | None:
    dtype = tape.dtype
    code = joined(tape.fast, runs=runs, dtype=dtype)
    pieces = [
        Piece(order_of(*_body(entry, dtype), dtype).file, (pc, *entry.fields), entry.first.length)
        for pc, entry in enumerate(code.played)
    ]
    return function_of(pieces, code.turns)


def _each(code: TapeCode | StepCode) -> Iterator[Played]:
    for entry in code.instructions:
        yield Played(entry, entry.fields, False)
