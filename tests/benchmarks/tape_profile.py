"""The profile of a tape: what every instruction costs by itself, on what shapes, and which node it works for.

Instructions take the same time in sequence as alone (performance.md, “The tape”), so their sum is the iteration.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from math import prod
from typing import Literal, NamedTuple

import numpy as np

from engine import Document, Session
from engine.machines.cpu import CpuMachine
from engine.program import Call, Value, resolve
from engine.tape import Instruction
from tests.benchmarks.ours import document_of
from tests.benchmarks.tables import number, table
from tests.benchmarks.workloads import MSE, WORKLOADS, Workload, arrays_of

BLOCK_S = 0.002
REPEATS = 7
PRODUCTS = ("matmul", "linear", "linear_gradient")


class Cost(NamedTuple):
    """One instruction and its nanoseconds (the median of several blocks)."""

    instruction: Instruction
    ns: float


def costs(session: Session) -> list[Cost]:
    """Every instruction of a whole iteration at full speed; the session's memory is as it was afterwards.

    The tape's sections are narrowed to one instruction at a time, so that the very loop of training plays it.
    """
    machine, code = session.playback.machine, session.tape.fast
    arena, integers, clock = machine.arena.copy(), machine.integers.copy(), machine.clock.copy()
    full, short = code.full, code.short
    found = []
    try:
        for pc in range(full.begin, full.end):
            code.full = code.short = full._replace(begin=pc, end=pc + 1)
            found.append(Cost(code.instructions[pc], 1e9 * _seconds(machine)))
            machine.arena[:], machine.integers[:] = arena, integers
    finally:
        code.full, code.short = full, short
        machine.clock[:] = clock
    return found


def _seconds(machine: CpuMachine) -> float:
    """Of one iteration, as the machine's sections stand."""
    times, elapsed = 1, 0.0
    while elapsed < BLOCK_S:
        times = int(times * min(20.0, 1.2 * BLOCK_S / max(elapsed, 1e-7))) + 1
        elapsed = _block(machine, times)
    return float(np.median([_block(machine, times) for _ in range(REPEATS)])) / times


def _block(machine: CpuMachine, times: int) -> float:
    begun = time.perf_counter()
    machine.iterate(times)
    return time.perf_counter() - begun


def report(session: Session) -> str:
    """A table of the costs, dearest parts visible by their share."""
    found = costs(session)
    total = sum(cost.ns for cost in found)
    rows = [_row(pc, cost, total, session.tape.batch) for pc, cost in enumerate(found)]
    head = ("", "kernel", "ns", "share", "flop/ns", "shapes", "for")
    whole = 1e9 * _seconds(session.playback.machine)
    sums = f"{len(found)} instructions, {number(total)} ns by themselves, {number(whole)} ns as an iteration"
    return f"{table(head, rows)}\n{sums}\n{_by_kernel(found, total)}"


def _row(pc: int, cost: Cost, total: float, batch: int) -> tuple[str, ...]:
    instruction = cost.instruction
    call = instruction.call
    flops = _flops(call, batch)
    variant = "".join(f" {name.lower()}={entry}" for name, entry in instruction.variant)
    return (
        str(pc), call.primitive.name + variant, number(cost.ns), f"{100 * cost.ns / total:.0f}%",
        number(flops / cost.ns) if flops else "", _shapes(call, batch), _origins(instruction),
    )  # fmt: skip


def _flops(call: Call, batch: int) -> int:
    if call.primitive.name not in PRODUCTS:
        return 0
    depth = resolve(call.operands[0].shape, batch)[0 if call.attributes.get("transpose_a") else -1]
    if call.primitive.name == "linear_gradient":
        depth = batch
    return 2 * prod(resolve(call.result.shape, batch)) * depth


def _shapes(call: Call, batch: int) -> str:
    def text(value: Value) -> str:
        return "×".join(str(size) for size in resolve(value.shape, batch)) or "1"

    operands = ", ".join(text(value) for value in call.operands)
    return operands if call.primitive.writes else f"{operands} → {text(call.result)}"


def _origins(instruction: Instruction) -> str:
    names = dict.fromkeys(f"{origin.part} {origin.node}".strip() for origin in instruction.origins)
    first, more = next(iter(names)), len(names) - 1
    return f"{first} and {more} more" if more else first


def _by_kernel(found: Sequence[Cost], total: float) -> str:
    sums: dict[str, float] = {}
    for cost in found:
        name = cost.instruction.call.primitive.name
        sums[name] = sums.get(name, 0.0) + cost.ns
    dearest = sorted(sums.items(), key=lambda entry: -entry[1])[:8]
    return "by kernel: " + ", ".join(f"{name} {100 * ns / total:.0f}%" for name, ns in dearest)


def document_named(name: str, activation: str, batch: int) -> Document | None:
    """The document of a workload, of a preset, or of a chain of sizes such as 2-16-1; None for any other name."""
    if name in WORKLOADS:
        return document_of(WORKLOADS[name], arrays_of(WORKLOADS[name]))
    from app.library import find_preset, load_preset

    preset = find_preset(name)
    if preset is not None:
        return load_preset(preset)
    sizes = name.split("-")
    if len(sizes) < 2 or not all(size.isdigit() and int(size) > 0 for size in sizes):
        return None
    bends: Literal["tanh", "relu"] = "relu" if activation == "relu" else "tanh"
    workload = Workload(name, tuple(int(size) for size in sizes), bends, MSE, batch, None, 1)
    return document_of(workload, arrays_of(workload))


def main(arguments: Sequence[str]) -> int:
    """`profile NAME [--activation tanh|relu] [--batch ROWS]`."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks profile")
    parser.add_argument("name", help="a workload, a preset, or sizes such as 2-16-1")
    parser.add_argument("--activation", choices=("tanh", "relu"), default="tanh", help="of a chain of sizes")
    parser.add_argument("--batch", type=int, default=32, help="rows, of a chain of sizes")
    options = parser.parse_args(arguments)
    document = document_named(options.name, options.activation, options.batch)
    if document is None:
        print(f"“{options.name}” is no workload, no preset and no chain of sizes.")
        return 2
    session = Session(document)
    session.run_for(0.1)
    print(report(session))
    return 0
