"""Two threads on one tape: which instructions are worth sharing, and in what pieces.

The first thread plays the tape. Where an instruction is dear it lays its outputs open in a few pieces and takes one after
the other; a helper takes from them as well. Neighbours that treat every example alone lie open together (`spans`).
Nobody waits for a helper to begin, so a busy machine costs little, and where one thread is faster two are not used. Shared
or not, every output is computed by the same code from the same numbers: the bits do not change.
"""

from __future__ import annotations

import ctypes
import math
import os
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from engine.machines.order import independent
from engine.machines.spans import Span, sections_of, spans_of
from engine.placement import LINE
from engine.primitives.base import Primitive, Region
from engine.tape import Instruction, Tape, TapeCode
from engine.values import Value

WORTH_NS = 1500.0  # of work in an instruction: below, cutting it costs more than it saves
WORTH_TAPE_NS = 5000.0  # of work saved in an iteration: below, the other core has better things to do
WORTH_ONCE_NS = 500_000.0  # as well, of an iteration that is played once: a helper takes a while to begin
FLOPS_PER_NS, ENTRIES_PER_NS = 90.0, 20.0  # rough: it only decides what is cut
FIRST, FEWEST = 4, 16  # iterations of a trial at least, and of what is no trial: a helper takes a while to begin
# Seconds: how long the faster way is gone, and how long it would take for as much as a trial of the slower one does.
PART_S, TRIAL_S = 16e-3, 1e-3
SHORT_TRIAL = 0.25  # of a trial, where one thread is tried
SURE_STARTS = 4  # parts shorter than as many starts of a second thread are played by one, and tell nothing of the pace
MOST_PATIENCE = 16  # parts between two trials of the slower way
CLEARLY = 1.3  # times slower: then one thread is tried much more rarely
WORTH_SHARE = 0.92  # of the time of one thread: less gained is not worth a second processor
WORTH_GROUP_NS = (
    5000.0  # of work in neighbours that do not wait for each other: below, each is cut by itself or not at all
)
DEAR_NS = 400_000.0  # as well: above, one meeting after each of them is cheap
PIECE_NS, MOST_PIECES = 2000.0, 8  # small pieces even out who is late, but each of them is one more claim
PRODUCTS = frozenset(
    {"matmul", "linear", "linear_gradient", "linear_bent", "matmul_onto", "matmul_onto_bent", "matmul_sloped"}
)
CONVOLUTIONS = frozenset({"convolution", "transposed_convolution", "filter_correlation"})
TOGETHER = 8  # filters whose slopes are summed at once: a piece of fewer is done by a slower way
FEW_TAPS = 3  # in a row of a filter: of more, half as many filters at once

_free = 0


def keep_free(processors: int) -> None:
    """Leave that many processors to others from now on: a window wants one for itself."""
    global _free
    _free = processors


def available() -> int:
    """Threads that may play a tape: 2, or 1 where there is no second processor to spare."""
    processors = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return 2 if processors - _free >= 2 else 1


class Pieces(NamedTuple):
    """Per instruction in how many pieces it lies open (1: the first thread does it), and the outputs in each but the last.

    spans  how many instructions, from this one on, a piece goes through; what is said here of the first holds for all
    """

    counts: np.ndarray[Any, np.dtype[np.int64]]
    sizes: np.ndarray[Any, np.dtype[np.int64]]
    spans: np.ndarray[Any, np.dtype[np.int64]]


class Pace:
    """Whether two threads are faster than one here and now: both ways are timed while the work is done.

    Two processors may lie far apart, and then what each reads of the other's numbers costs more than the help is worth; a
    neighbour may want one of them. Neither can be foreseen, and both may change.
    """

    def __init__(self, part: float = PART_S, trial: float = TRIAL_S, start: float = 0.0) -> None:
        """Seconds of a part and of a trial, and for how long the first thread waits until the second has begun."""
        self._part, self._trial, self._start = part, trial, start
        self._seconds = [0.0, 0.0]  # an iteration alone, and shared; 0: not known
        self._learned = [0.0, 0.0]  # from how long a part
        self._parts, self._patience = 0, 1  # since the slower way was tried; until it is tried again

    def choose(self, times: int) -> tuple[bool, int]:
        """Whether to share, and for how many of these iterations."""
        alone, shared = self._seconds
        if not alone or not shared:
            return bool(alone), min(times, max(FIRST, int(self._trial / alone)) if alone else FIRST)
        if times * alone < SURE_STARTS * self._start:
            return False, times
        faster = shared < WORTH_SHARE * alone
        part = max(FEWEST, int(self._part / self._seconds[faster]))
        some = times if times < 1.5 * part else part  # what would be left for a short part is done at once
        # Parts of dear iterations are long: one thread is not gone on with for as many of them.
        self._parts += 1 if faster else max(1, int(some * alone / self._part))
        if self._parts <= self._patience:
            return faster, some
        # A first trial finds cold memory: the next ones come soon, later ones where nothing changes more and more rarely.
        growth = 4 if alone > CLEARLY * shared else 2
        self._parts, self._patience = 0, min(growth * self._patience, MOST_PATIENCE)
        if faster:  # one thread has nobody to wait for: a short trial tells
            return False, min(times, max(1, int(SHORT_TRIAL * self._trial / alone)))
        return True, min(times, max(FIRST, int(self._trial / alone)))

    def is_long(self, times: int) -> bool:
        """Whether so few iterations are known to take long enough for a second thread to begin."""
        return times * self._seconds[0] > self._trial

    def note(self, shared: bool, iterations: int, seconds: float) -> None:
        """How long these iterations took."""
        if not iterations or seconds < min(SURE_STARTS * self._start, self._learned[shared]):
            return
        before = self._seconds[1] < WORTH_SHARE * self._seconds[0]
        self._learned[shared] = seconds
        self._seconds[shared] = max(seconds - shared * self._start, seconds / 2) / iterations
        if before != (self._seconds[1] < WORTH_SHARE * self._seconds[0]):
            self._parts, self._patience = 0, 1


def pieces_of(tape: Tape, code: TapeCode) -> Pieces | None:
    """How full speed, in that order, is shared; None where it is not worth it."""
    instructions, places = code.instructions, tape.places
    costs = [cost_of(entry, places) for entry in instructions]
    cuts = [_cut(entry.length, cost, _grain(entry)) for entry, cost in zip(instructions, costs, strict=True)]
    spans = [1] * len(cuts)
    for span, batch in _spans(tape, code):
        mine = costs[span.begin : span.end]
        rows = span.outputs[mine.index(max(mine))]
        count, size = _cut(batch, sum(mine), _examples(batch, rows))
        if count > 1 and len(span.outputs) > 1:
            cuts[span.begin : span.end] = [(count, size * outputs) for outputs in span.outputs]
            spans[span.begin] = len(span.outputs)
    for group in _groups(tape, code, spans):
        mine = [costs[at] for at in group]
        if len(group) > 1 and WORTH_GROUP_NS <= sum(mine) < DEAR_NS:
            cuts[group.start : group.stop] = _dealt(instructions[group.start : group.stop], mine, places)
            spans[group.start] = len(group)
    return _worth(costs, cuts, spans, WORTH_TAPE_NS)


def single_pieces_of(tape: Tape, code: TapeCode) -> Pieces | None:
    """How an iteration that is played once is shared: each instruction by itself; None where it is not worth it."""
    costs = [cost_of(entry, tape.places) for entry in code.instructions]
    cuts = [_cut(entry.length, cost, _grain(entry)) for entry, cost in zip(code.instructions, costs, strict=True)]
    return _worth(costs, cuts, [1] * len(cuts), WORTH_ONCE_NS)


def _worth(
    costs: Sequence[float], cuts: Sequence[tuple[int, int]], spans: Sequence[int], least_ns: float
) -> Pieces | None:
    """These pieces, if less time than that is not all that they save."""
    saved = sum([cost / 2 for cost, (count, _) in zip(costs, cuts, strict=True) if count > 1])
    if saved < least_ns:
        return None
    counts, sizes = zip(*cuts, strict=True)
    return Pieces(*[np.array(column, np.int64) for column in (counts, sizes, spans)])


def _spans(tape: Tape, code: TapeCode) -> Iterator[tuple[Span, int]]:
    """All spans of a code, with the examples of their section."""
    for section, batch in sections_of(tape):
        for span in spans_of(code.instructions, section.begin, section.end, batch):
            yield span, batch


def _groups(tape: Tape, code: TapeCode, spans: Sequence[int]) -> Iterator[range]:
    """Neighbours that mix examples and do not wait for each other."""
    for section, _ in sections_of(tape):
        at = first = section.begin
        while at <= section.end:
            if at == section.end or spans[at] > 1:
                yield from independent(code.instructions, first, at)
                at += 1 if at == section.end else spans[at]
                first = at
            else:
                at += 1


def _dealt(
    group: Sequence[Instruction], costs: Sequence[float], places: Sequence[Region | None]
) -> list[tuple[int, int]]:
    """Of each instruction of a group the outputs in the first of two pieces: all, then none, and of one in between a part.

    Not half of each: what one processor has written the other one fetches slowly, and neighbours read the same. They are
    gone through as their results lie in memory, so that slopes are found by who moves these parameters.
    """

    def lies(at: int) -> int:
        region = places[group[at].call.result.index]
        return region.offset if region is not None else 0

    sizes, left = [0] * len(group), sum(costs) / 2
    for at in sorted(range(len(group)), key=lies):
        length, grain, cost = group[at].length, _grain(group[at]), costs[at]
        if left >= cost:
            sizes[at] = length
        elif cost >= WORTH_NS and left > 0:
            sizes[at] = min(length, round(left / cost * length / grain) * grain)
        else:
            sizes[at] = length if left > cost / 2 else 0
        left -= sizes[at] / max(1, length) * cost
    return [(2, size) for size in sizes]


def _examples(batch: int, rows: int) -> int:
    """Examples that are best left together: as many as the rows of a product's tile, `rows` of which are one example."""
    return 1 if batch < 2 * TOGETHER or rows >= TOGETHER else TOGETHER if batch < 4 * TOGETHER else LINE


def _cut(length: int, cost: float, grain: int) -> tuple[int, int]:
    """Number and size of an instruction's pieces, each but the last a multiple of the grain."""
    if cost < WORTH_NS or length < 2 * grain:
        return 1, length
    most = min(MOST_PIECES, max(2, int(cost / PIECE_NS)))
    sizes = [-(-length // count // grain) * grain for count in range(2, most + 1)]
    # Two threads take turns: what matters is how much the busier one does, then that who is late finds something left.
    size = min(sizes, key=lambda size: ((_pieces(length, size) + 1) // 2 * size, size))
    return _pieces(length, size), size


def _pieces(length: int, size: int) -> int:
    return -(-length // size)


def _grain(instruction: Instruction) -> int:
    """Outputs that are best left together: whole cache lines, or rows in as many; the slopes of some filters."""
    if instruction.call.primitive.name == "filter_correlation":
        wide, depth = instruction.fields[12], instruction.fields[19]
        return (TOGETHER if wide <= FEW_TAPS else TOGETHER // 2) * depth
    return 8 if instruction.call.primitive.name == "products_total" else LINE


def cost_of(instruction: Instruction, places: Sequence[Region | None]) -> float:
    """Nanoseconds, roughly. The shorter last batch has instructions of its own, which are taken for as dear."""

    def size(value: Value) -> int:
        region = places[value.index]
        return region.size if region is not None else 0

    call = instruction.call
    # Of a whole sequence only a step is read, see `engine.in_place`.
    read = call.operands[1::2] if "before" in call.attributes else call.operands
    entries = size(call.result) + sum([size(operand) for operand in read])
    if isinstance(call.primitive, Primitive) and call.primitive.walks:  # more of them than the first one's
        entries = instruction.length * (call.primitive.walks + 1)
    return max(flops_of(instruction) / FLOPS_PER_NS, entries / ENTRIES_PER_NS)


def flops_of(instruction: Instruction) -> int:
    """Multiplications and additions of a product in any form; 0 for anything else."""
    name, fields = instruction.call.primitive.name, instruction.fields
    if name in PRODUCTS and len(fields) > 5:
        return 2 * math.prod(fields[3:6])
    if name == "cell_sums":
        return 2 * math.prod(fields[3:5]) * (fields[5] + fields[13])
    if name in ("batch_matmul", "batch_matmul_apart"):
        return 2 * instruction.length * fields[4] * fields[5]
    if name == "products_total":
        return 2 * math.prod(fields[1:3]) * (fields[4] + fields[5]) * fields[7]
    if name in CONVOLUTIONS:  # images, filters and cells of the result, taps, and channels that a filter sees
        return 2 * fields[4] * math.prod(fields[8:13]) * fields[19]
    return 0


@cache
def yielding() -> int:
    """The address of what hands the processor to another thread, for who has waited long."""
    if sys.platform == "win32":
        function = ctypes.WinDLL("kernel32").SwitchToThread
    else:
        function = ctypes.CDLL(None).sched_yield
    return ctypes.cast(function, ctypes.c_void_p).value or 0
