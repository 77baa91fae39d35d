"""A second way to play a small tape: its whole iteration as one native function, compiled behind the play.

A tape is played at once, kernel by kernel. One that goes on playing is worth more: its kernels, which are kept sealed (see
`sealing`), are put into one function with every offset and length a constant, so that LLVM unrolls the loops and keeps
numbers in registers from one instruction to the next. That takes half a second, in a process of its own (`inlining`), and
is kept on disk. When it is there it takes over between two stretches of play, with the same bits.
"""

from __future__ import annotations

import atexit
import ctypes
import hashlib
import json
import math
import os
import sys
import time
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock, Thread
from typing import TYPE_CHECKING, NamedTuple

from engine.machines import objects
from engine.machines.processor import processor
from engine.tape import EPOCH, FLAG, ITERATION, ROW, Turn

if TYPE_CHECKING:
    from subprocess import Popen

WORTH_S = 0.05  # of play: who has gone on for that long will go on
MOST_S = 100e-6  # of an iteration: what takes longer is held up by its arithmetic
MOST_INSTRUCTIONS, MOST_FIELDS = 128, 3000
KEPT = 200  # functions on disk
LOOK_S = 0.1  # between two looks whether somebody still wants what is compiled
PATIENCE_S = 300.0
POLITENESS = 10  # of the process that compiles: the window goes first
PREFIX, SYMBOL = "whole-", "whole"
PROGRAM = Path(__file__).with_name("inlining.py")

_compiling = Lock()  # one at a time
_addresses: dict[str, int] = {}
_children: weakref.WeakSet[Popen[bytes]] = weakref.WeakSet()


class Piece(NamedTuple):
    """An instruction: its kernel's file, its fields with the number in front, how many outputs."""

    kernel: str
    fields: Sequence[int]
    length: int


class Function(NamedTuple):
    """The text of a whole iteration, the files of the kernels in it, and the name that it is kept by."""

    text: str
    kernels: tuple[str, ...]
    name: str


class Whole:
    """The function of one machine: asked for when it is worth it, there some time later, and left where it is no faster."""

    def __init__(self, describe: Callable[[], Function | None]) -> None:
        self.describe = describe  # what is to be compiled; None where it is not worth it
        self.play: Callable[..., int] | None = None  # (arena, integers, clock, schedule, times), see `function_of`
        self.coming: Thread | None = None
        self._seconds = [0.0, 0.0]  # of play, without it and with it
        self._best = [math.inf, math.inf]  # seconds of an iteration

    def note(self, with_it: bool, iterations: int, seconds: float) -> None:
        """So many iterations were played, with it or without it."""
        if not iterations or self._seconds[1] > WORTH_S:
            return
        self._seconds[with_it] += seconds
        self._best[with_it] = min(self._best[with_it], seconds / iterations)
        if self._seconds[with_it] <= WORTH_S:
            return
        if with_it and self._best[False] < self._best[True]:
            self.play = None
        elif self.coming is None and self._best[False] < MOST_S:
            self.coming = Thread(target=_provide, args=(weakref.ref(self),), daemon=True)
            self.coming.start()

    def provide(self) -> bool:
        """Have it now, compiled here and now if need be; whether there is one."""
        function = self.describe()
        if function is not None:
            self.take(_address(function) or _compiled(function, lambda: True))
        return self.play is not None

    def take(self, address: int | None) -> None:
        """It is there."""
        if address is not None:
            whole = ctypes.c_int64
            self.play = ctypes.CFUNCTYPE(whole, *[whole] * 5)(address)


def _provide(asking: weakref.ref[Whole]) -> None:
    """What the thread does: waits for its turn, unless nobody asks any more."""
    with _compiling:
        whole = asking()
        function = whole.describe() if whole is not None else None
        del whole
        if function is None:
            return
        address = _address(function) or _compiled(function, lambda: asking() is not None)
    whole = asking()
    if whole is not None:
        whole.take(address)


def _address(function: Function) -> int | None:
    found = _addresses.get(function.name)
    if found is None and (found := objects.linked(function.name)) is not None:
        _addresses[function.name] = found
        objects.touch(function.name)
    return found


def _compiled(function: Function, is_wanted: Callable[[], bool]) -> int | None:
    """Compile it in a process of its own, as long as it is wanted, and keep it; None where that does not come to an end."""
    if any(objects.read(kernel, objects.SEALED) is None for kernel in function.kernels):
        return None
    cpu, features = processor()
    files = [str(objects.folder() / (kernel + objects.SEALED)) for kernel in function.kernels]
    request = json.dumps({"cpu": cpu, "features": features, "sealed": files}).encode() + b"\n" + function.text.encode()
    code = _answer(request, is_wanted)
    if not code or objects.undefined_symbols(code) - objects.KNOWN_SYMBOLS:
        return None
    objects.keep(function.name, SYMBOL, code)
    objects.forget_old(PREFIX, KEPT)
    return _address(function)


def _answer(request: bytes, is_wanted: Callable[[], bool]) -> bytes | None:
    import subprocess

    if not sys.executable or getattr(sys, "frozen", False):  # no Python to run a program by
        return None
    began = time.monotonic()
    try:
        child = subprocess.Popen(
            [sys.executable, "-I", str(PROGRAM)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        _children.add(child)
        os.setpriority(os.PRIO_PROCESS, child.pid, POLITENESS)
    except OSError:
        return None
    asked: bytes | None = request
    while True:
        try:
            code, _ = child.communicate(asked, LOOK_S)
            return code if child.returncode == 0 else None
        except subprocess.TimeoutExpired:
            asked = None
            if not is_wanted() or time.monotonic() - began > PATIENCE_S:
                child.kill()


@atexit.register
def _end_children() -> None:
    for child in list(_children):
        if child.poll() is None:
            child.kill()


def function_of(pieces: Sequence[Piece], turns: Sequence[Turn]) -> Function | None:
    """The function that plays these turns as `player.iterate` would; None where there is too much to play.

    whole(arena, integers, clock, schedule, times) gives how many iterations it has played; the schedule is as there.
    """
    sections = {section[:2]: section for turn in turns for section in turn}
    played = [pieces[pc] for begin, end in sections for pc in range(begin, end)]
    if len(played) > MOST_INSTRUCTIONS or sum(len(piece.fields) for piece in played) > MOST_FIELDS:
        return None
    kernels = tuple(dict.fromkeys(piece.kernel for piece in played))
    symbols = {}
    for kernel in kernels:
        found = objects.read(kernel, objects.SEALED)
        if found is None:
            return None
        symbols[kernel] = found[0]
    text = _text(pieces, turns, list(sections), symbols)
    digest = hashlib.sha256("\n".join([text, *kernels, PROGRAM.read_text(encoding="utf-8")]).encode())
    return Function(text, kernels, PREFIX + digest.hexdigest()[:32])


def _text(
    pieces: Sequence[Piece], turns: Sequence[Turn], sections: list[tuple[int, int]], symbols: dict[str, str]
) -> str:
    declared = [f'declare ptr @"{symbol}"(ptr, ptr, ptr, i64, i64)' for symbol in symbols.values()]
    constants, blocks = [], []
    for number, (begin, end) in enumerate(sections):
        calls = []
        for pc in range(begin, end):
            fields = ", ".join([f"i32 {field}" for field in pieces[pc].fields])
            constants.append(f"@code.{pc} = internal constant [{len(pieces[pc].fields)} x i32] [{fields}], align 16")
            calls.append(
                f'  call ptr @"{symbols[pieces[pc].kernel]}"(ptr %arena, ptr %integers, ptr @code.{pc}, i64 0, '
                f"i64 {pieces[pc].length})"
            )
        blocks.append("\n".join([f"section.{number}:", *calls, "  br label %behind"]))
    # What is played next: twice the turn, and one more where the batch is a short one.
    ways = [sections.index(section[:2]) for turn in turns for section in turn]
    choice = " ".join([f"i64 {way}, label %section.{section}" for way, section in enumerate(ways)])
    return _FRAME.format(
        declared="\n".join(declared), constants="\n".join(constants), sections="\n".join(blocks), choice=choice,
        turns=len(turns), iteration=ITERATION, epoch=EPOCH, row=ROW, flag=FLAG,
    )  # fmt: skip


_FRAME = """
{declared}
{constants}

define i64 @whole(ptr noalias %arena, ptr noalias %integers, ptr noalias %clock, ptr noalias %schedule, i64 %times) {{
entry:
  %full = load i64, ptr %schedule
  %all.place = getelementptr i64, ptr %schedule, i64 1
  %all = load i64, ptr %all.place
  %rows.place = getelementptr i64, ptr %schedule, i64 2
  %rows = load i64, ptr %rows.place
  %epoch.place = getelementptr i64, ptr %clock, i64 1
  %within.place = getelementptr i64, ptr %clock, i64 2
  %iteration.first = load i64, ptr %clock
  %epoch.first = load i64, ptr %epoch.place
  %within.first = load i64, ptr %within.place
  %turn.first = urem i64 %iteration.first, {turns}
  %shown.iteration = getelementptr i32, ptr %integers, i64 {iteration}
  %shown.epoch = getelementptr i32, ptr %integers, i64 {epoch}
  %shown.row = getelementptr i32, ptr %integers, i64 {row}
  %flag.place = getelementptr i32, ptr %integers, i64 {flag}
  %any = icmp sgt i64 %times, 0
  br i1 %any, label %before, label %end
before:
  %done = phi i64 [ 0, %entry ], [ %done.next, %again ]
  %iteration = phi i64 [ %iteration.first, %entry ], [ %iteration.next, %again ]
  %epoch = phi i64 [ %epoch.first, %entry ], [ %epoch.next, %again ]
  %within = phi i64 [ %within.first, %entry ], [ %within.next, %again ]
  %turn = phi i64 [ %turn.first, %entry ], [ %turn.next, %again ]
  %iteration.word = trunc i64 %iteration to i32
  %iteration.shown = and i32 %iteration.word, 2147483647
  store i32 %iteration.shown, ptr %shown.iteration
  %epoch.word = trunc i64 %epoch to i32
  %epoch.shown = and i32 %epoch.word, 2147483647
  store i32 %epoch.shown, ptr %shown.epoch
  %row = mul i64 %within, %rows
  %row.word = trunc i64 %row to i32
  store i32 %row.word, ptr %shown.row
  %is.short = icmp sge i64 %within, %full
  %short = zext i1 %is.short to i64
  %turn.twice = shl i64 %turn, 1
  %way = or i64 %turn.twice, %short
  switch i64 %way, label %section.0 [ {choice} ]
{sections}
behind:
  %done.next = add i64 %done, 1
  %iteration.next = add i64 %iteration, 1
  %turn.following = add i64 %turn, 1
  %turn.over = icmp eq i64 %turn.following, {turns}
  %turn.next = select i1 %turn.over, i64 0, i64 %turn.following
  %within.following = add i64 %within, 1
  %is.over = icmp sge i64 %within.following, %all
  %within.next = select i1 %is.over, i64 0, i64 %within.following
  %over = zext i1 %is.over to i64
  %epoch.next = add i64 %epoch, %over
  %flag = load i32, ptr %flag.place
  %raised = icmp ne i32 %flag, 0
  %enough = icmp sge i64 %done.next, %times
  %stop = or i1 %raised, %enough
  br i1 %stop, label %last, label %again
again:
  br label %before
last:
  store i64 %iteration.next, ptr %clock
  store i64 %epoch.next, ptr %epoch.place
  store i64 %within.next, ptr %within.place
  br label %end
end:
  %played = phi i64 [ 0, %entry ], [ %done.next, %last ]
  ret i64 %played
}}
"""
