"""What a tape costs: every instruction of full speed by itself, on what shapes, and for which nodes.

Instructions take the same time in sequence as alone (performance.md, “The tape”), so their sum is the iteration.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from math import prod
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from engine.machines.cpu import CpuMachine
from engine.machines.lanes import flops_of
from engine.machines.runs import Joined, Played
from engine.program import Program
from engine.tape import Instruction, Section, plan
from engine.values import Call, Origin, Value, resolve

if TYPE_CHECKING:
    from engine.session import Session

BLOCK_S = 0.0005  # a block is played at least that long, so that the clock's own grain does not count
BLOCKS = 9  # others use the processor too: the shortest of several blocks is what the work takes
PICKING = frozenset({"gather_rows", "gather_whole_rows"})  # they read no more than they write
NOTED = 3  # numbers that noting a loss touches


class Peak(NamedTuple):
    """What one core of this processor can do: additions and multiplications, and bytes to and from its first cache."""

    flops_per_ns: float
    bytes_per_ns: float


@dataclass(frozen=True)
class Line:
    """One instruction, or a run of single numbers.

    plays   how often an iteration plays it: less than 1 where phases take turns
    ns      nanoseconds of one play
    flops   multiplications and additions of products; 0 for anything else
    bytes   its operands read once and its result written once
    origins the parts of nodes it works for
    """

    kernel: str
    ns: float
    plays: float
    shapes: str
    flops: int
    bytes: int
    origins: tuple[Origin, ...]

    def floor_ns(self, peak: Peak) -> float:
        """What it cannot be faster than."""
        return max(self.flops / peak.flops_per_ns, self.bytes / peak.bytes_per_ns)


@dataclass(frozen=True)
class Profile:
    """The lines of an iteration in the order they are played.

    iteration_ns  one whole iteration, measured as training plays it, on as many threads
    """

    lines: tuple[Line, ...]
    iteration_ns: float
    peak: Peak

    @property
    def total_ns(self) -> float:
        """The lines of an iteration by themselves, added up."""
        return sum(line.plays * line.ns for line in self.lines)

    @property
    def floor_ns(self) -> float:
        """What an iteration cannot be faster than on one core."""
        return sum(line.plays * line.floor_ns(self.peak) for line in self.lines)

    def by_kernel(self) -> dict[str, float]:
        """Nanoseconds of an iteration by kernel, the dearest first."""
        return _summed((line.kernel.partition(" ")[0], line.plays * line.ns) for line in self.lines)

    def by_node(self) -> dict[str, float]:
        """Nanoseconds of an iteration by node: what is done for several is shared among them. Batches belong to none."""
        return _summed(
            (origin.node, line.plays * line.ns / len(line.origins)) for line in self.lines for origin in line.origins
        )


def profile(session: Session, *, seconds: float = math.inf, cancelled: Callable[[], bool] = lambda: False) -> Profile:
    """Measure every instruction on a copy of the session's memory; the session stays as it is.

    seconds  it may take about so long, kernels that are compiled for the first time apart: where there are many
             instructions, each of them is measured for a shorter time, and less well
    Where it is `cancelled`, the lines that are missing are left out.
    """
    machine = session.playback.machine.copy()
    machine.prepare()
    arena, integers, clock = machine.arena.copy(), machine.integers.copy(), machine.clock.copy()

    played = machine.played
    wanted = list(_plays(played))
    block = min(BLOCK_S, seconds / ((len(wanted) + 2) * (BLOCKS + 2)))

    def measured(play: Callable[[int], object]) -> float:
        found = _seconds(machine, play, block)
        machine.arena[:], machine.integers[:], machine.clock[:] = arena, integers, clock
        return 1e9 * found

    whole = measured(machine.iterate)
    idle = measured(lambda times: machine.repeat(0, 0, times))
    lines: list[Line] = []
    for pc, plays in wanted:
        if cancelled():
            break
        ns = measured(lambda times, pc=pc: machine.repeat(pc, pc + 1, times))  # type: ignore[misc]
        lines.append(_line(session, played.played[pc], plays, max(0.0, ns - idle)))
    return Profile(tuple(lines), whole, _fastest(peak(), lines))


def _seconds(machine: CpuMachine, play: Callable[[int], object], shortest: float = BLOCK_S) -> float:
    """Of one play: the least of several blocks that are no shorter."""

    def block(times: int) -> float:
        machine.lower_flag()  # a number that grows while it is played over and over must not end the block
        begun = time.perf_counter()
        play(times)
        return time.perf_counter() - begun

    times, elapsed = 1, 0.0
    while elapsed < shortest:
        times = int(times * min(20.0, 1.2 * shortest / max(elapsed, 1e-7))) + 1
        elapsed = block(times)
    return min(block(times) for _ in range(BLOCKS)) / times


def _fastest(alone: Peak, lines: Sequence[Line]) -> Peak:
    """The peak, or what a line came to where the processor was busy with others while the peak was measured."""
    timed = [line for line in lines if line.ns > 0]
    flops, moved = ([getattr(line, name) / line.ns for line in timed] for name in ("flops", "bytes"))
    return Peak(max([alone.flops_per_ns, *flops]), max([alone.bytes_per_ns, *moved]))


def _plays(played: Joined) -> Iterator[tuple[int, float]]:
    """The instructions for whole batches, and how often an iteration plays each of them."""
    sections: dict[int, Section] = {turn.full.begin: turn.full for turn in played.turns}
    for begin, section in sections.items():
        share = sum(turn.full.begin == begin for turn in played.turns) / len(played.turns)
        for pc in range(begin, section.end):
            yield pc, share


def _line(session: Session, played: Played, plays: float, ns: float) -> Line:
    tape, first = session.tape, played.first
    members = (first, *played.others)
    origins = tuple(dict.fromkeys(origin for member in members for origin in member.origins))
    item = np.dtype(tape.dtype).itemsize
    if played.is_run:
        places = sum(len(member.call.operands) + 1 for member in members)
        return Line("scalar_run", ns, plays, f"{len(members)} operations", 0, item * places, origins)
    variant = "".join(f" {name.lower()}={entry}" for name, entry in first.variant)
    kernel, shapes = first.call.primitive.name + variant, _shapes(first.call, tape.batch)
    return Line(kernel, ns, plays, shapes, flops_of(first), item * _entries(first, tape.batch), origins)


def _entries(instruction: Instruction, batch: int) -> int:
    call = instruction.call
    if call.primitive.walks:  # type: ignore[attr-defined]  # calls on a tape are of whole primitives
        # An update walks over neighbours in one go: longer than its first call, and each array is read and written.
        return instruction.length * (call.primitive.walks + len(call.primitive.writes))  # type: ignore[attr-defined,no-any-return]
    if call.primitive.name == "history_ring":
        return NOTED
    if call.primitive.name in PICKING:
        return 2 * prod(resolve(call.result.shape, batch))
    values = call.operands if call.primitive.writes else (*call.operands, call.result)
    return sum(prod(resolve(value.shape, batch)) for value in values)


def _shapes(call: Call, batch: int) -> str:
    def text(value: Value) -> str:
        return "×".join(str(size) for size in resolve(value.shape, batch)) or "1"

    operands = ", ".join(text(value) for value in call.operands)
    return operands if call.primitive.writes else f"{operands} → {text(call.result)}"


def _summed(parts: Iterator[tuple[str, float]]) -> dict[str, float]:
    sums: dict[str, float] = {}
    for name, ns in parts:
        sums[name] = sums.get(name, 0.0) + ns
    return dict(sorted(sums.items(), key=lambda entry: -entry[1]))


# what the processor can do -------------------------------------------------------------------------------------------


@cache
def peak() -> Peak:
    """Measured once: a product whose tiles are all full, and a sum of arrays that lie in the first cache."""
    rows, depth, columns, length = 64, 256, 64, 2048
    product = _alone("matmul", (rows, depth), (depth, columns))
    addition = _alone("add", (length,), (length,))
    flops = 2 * rows * depth * columns / (1e9 * _seconds(product, product.iterate))
    return Peak(flops, 3 * 4 * length / (1e9 * _seconds(addition, addition.iterate)))


def _alone(primitive: str, *shapes: tuple[int, ...]) -> CpuMachine:
    program = Program()
    program.build.origin = Origin("alone", "forward", 0)
    operands = [program.build.source("data", f"data.{n}", shape, None) for n, shape in enumerate(shapes)]
    program.outputs["alone.y"] = program.build.emit(primitive, *operands)
    program.steps = [program.build.origin]
    machine = CpuMachine(plan(program, 1))
    machine.set_epoch(1, 1)
    for operand in operands:
        view = machine.view(operand)
        view[...] = np.linspace(0.5, 1.5, view.size).reshape(view.shape)
    return machine


# as text -------------------------------------------------------------------------------------------------------------


def report(found: Profile) -> str:
    """A table of the lines, and below it what they come to by kernel and by node."""
    head = ("kernel", "ns", "share", "floor", "flop/ns", "shapes", "for")
    rows = [head, *[_row(line, found) for line in found.lines]]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    numbers = range(1, 5)
    table = [
        "  ".join(
            cell.rjust(width) if column in numbers else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    table.insert(1, "  ".join("─" * width for width in widths))
    sums = (
        f"{len(found.lines)} instructions: {found.total_ns:,.0f} ns by themselves, {found.iteration_ns:,.0f} ns as an "
        f"iteration; not under {found.floor_ns:,.0f} ns on a core with {found.peak.flops_per_ns:.0f} flop/ns and "
        f"{found.peak.bytes_per_ns:.0f} bytes/ns"
    )
    return "\n".join([*table, sums, *_dearest("by kernel", found.by_kernel()), *_dearest("by node", found.by_node())])


def _row(line: Line, found: Profile) -> tuple[str, ...]:
    return (
        line.kernel, f"{line.ns:,.1f}", f"{_percent(line.plays * line.ns, found.total_ns)}",
        f"{line.floor_ns(found.peak):,.1f}", f"{line.flops / line.ns:.1f}" if line.flops and line.ns else "",
        line.shapes, _names(line.origins),
    )  # fmt: skip


def _names(origins: Sequence[Origin]) -> str:
    names = list(dict.fromkeys(f"{origin.part} {origin.node}".strip() for origin in origins))
    return names[0] + (f" and {len(names) - 1} more" if len(names) > 1 else "")


def _dearest(title: str, sums: dict[str, float]) -> list[str]:
    total = sum(sums.values())
    named = [(name or "batch", ns) for name, ns in sums.items()][:8]
    return [f"{title}: " + ", ".join(f"{name} {_percent(ns, total)}" for name, ns in named)] if named else []


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.0f}%" if whole else ""
