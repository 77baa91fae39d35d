"""Elementwise kernels: nanoseconds per element in float32, beside what moving the bytes alone costs.

The floor is the plainest kernel, the negation, for as many bytes: NumPy's own copy is slower than that.
"""

from __future__ import annotations

import inspect
import statistics
import time
from typing import NamedTuple

import numpy as np

from engine.machines.cpu import CpuMachine
from engine.primitives import all_primitives
from engine.primitives.base import Interval, Primitive, encode_plain, same
from engine.program import Program
from engine.tape import plan
from engine.values import Origin
from tests.benchmarks.tables import number, table

ELEMENTS = 8192  # three such arrays fit the second-level cache, and the Python around a block does not count
BLOCK_S = 0.002
HEAD = ("kernel", "ns/element", "floor", "times the floor")


class Kernel(NamedTuple):
    """A primitive on a machine of its own, and how many arrays of ELEMENTS it reads and writes."""

    name: str
    machine: CpuMachine
    arrays: int


def elementwise() -> list[Primitive]:
    """Primitives that treat every number alone, fused ones among them."""
    every = [p for p in all_primitives() if p.body is not None and p.kind == "real" and p.encode is encode_plain]
    return [p for p in every if p.is_elementwise or p.shape is same]


def prepare(primitive: Primitive, draw: np.random.Generator) -> Kernel:
    """The primitive alone on a tape, on operands of its domain."""
    domains = _domains(primitive)
    program = Program()
    program.build.origin = Origin("node_1", "forward", 0)
    operands = [program.build.source("data", f"data.{k}", (ELEMENTS,), None) for k in range(len(domains))]
    result = program.build.emit(primitive.name, *operands)
    program.steps = [program.build.origin]
    program.outputs["node_1.result"] = result
    machine = CpuMachine(plan(program, 1, dtype="float32"))
    machine.set_epoch(1, 1)
    for operand, domain in zip(operands, domains, strict=True):
        machine.view(operand)[...] = draw.uniform(domain.low, domain.high, ELEMENTS)
    machine.iterate(1)
    return Kernel(primitive.name, machine, len(domains) + 1)


def _domains(primitive: Primitive) -> tuple[Interval, ...]:
    if not isinstance(primitive.domain, Interval):
        return tuple(primitive.domain)
    operands = len(inspect.signature(primitive.derivative).parameters) - 2 if primitive.derivative else 0
    # A fused slope takes what came in as well; a rule for any number of operands is that of a comparison of two.
    pair = primitive.is_elementwise or primitive.is_fused
    return (primitive.domain,) * (operands if operands > 0 else 2 if pair else 1)


def kernel_ns(kernel: Kernel) -> float:
    """Nanoseconds per element, over one block."""
    times, elapsed = 1, 0.0
    while elapsed < BLOCK_S:
        times = 1 + int(times * min(20.0, 1.2 * BLOCK_S / max(elapsed, 1e-7)))
        begun = time.perf_counter()
        kernel.machine.iterate(times)
        elapsed = time.perf_counter() - begun
    return 1e9 * elapsed / times / ELEMENTS


def run(rounds: int) -> None:
    """Measure each kernel in turn."""
    draw = np.random.default_rng(0)
    kernels, refused = [], []
    for primitive in elementwise():
        try:
            kernels.append(prepare(primitive, draw))
        except Exception as error:  # a primitive that wants attributes has no plain form to time
            refused.append(f"{primitive.name} ({type(error).__name__})")
    times: dict[str, list[float]] = {kernel.name: [] for kernel in kernels}
    for _ in range(rounds):
        for kernel in kernels:
            times[kernel.name].append(kernel_ns(kernel))
    array = statistics.median(times["negate"]) / 2
    rows = [_row(kernel, statistics.median(times[kernel.name]), array * kernel.arrays) for kernel in kernels]
    print(f"\nElementwise kernels, {ELEMENTS} elements, median of {rounds} rounds; floor: negating as many bytes\n")
    print(table(HEAD, sorted(rows, key=lambda row: -float(row[1]))), flush=True)
    if refused:
        print(f"not timed: {', '.join(refused)}")


def _row(kernel: Kernel, taken: float, floor: float) -> tuple[str, ...]:
    return kernel.name, f"{taken:.3f}", f"{floor:.3f}", number(taken / floor)
