"""What a step cannot be faster than on one core of this machine: the multiplications and additions of its products."""

from __future__ import annotations

import os
import time
from functools import cache

import numpy as np

from engine.machines.cpu import CpuMachine
from engine.machines.lanes import keep_free
from engine.program import Program
from engine.tape import plan
from engine.values import Origin
from tests.benchmarks.workloads import Workload

ROWS, DEPTH, COLUMNS = 64, 256, 64  # fits the second-level cache, and every tile is full
TRIES, TIMES = 40, 50


@cache
def peak_flops_per_ns() -> float:
    """The fastest a product has run here in many tries, in multiplications and additions per nanosecond."""
    machine = _product()
    keep_free(os.cpu_count() or 1)  # one core's speed is asked for
    flops = 2 * ROWS * DEPTH * COLUMNS * TIMES
    best = float("inf")
    for _ in range(TRIES):
        begun = time.perf_counter()
        machine.iterate(TIMES)
        best = min(best, time.perf_counter() - begun)
    keep_free(0)
    return flops / (1e9 * best)


def floor_us(workload: Workload) -> float:
    """Microseconds of a step whose products run at the peak and where nothing else takes time."""
    return workload.flops / peak_flops_per_ns() / 1e3


def _product() -> CpuMachine:
    program = Program()
    program.build.origin = Origin("node_1", "forward", 0)
    shapes = {"a": (ROWS, DEPTH), "b": (DEPTH, COLUMNS)}
    operands = [program.build.source("data", f"data.{name}", shape, None) for name, shape in shapes.items()]
    program.outputs["node_1.y"] = program.build.emit("matmul", *operands)
    program.steps = [program.build.origin]
    machine = CpuMachine(plan(program, 1, dtype="float32"))
    machine.set_epoch(1, 1)
    draw = np.random.default_rng(0)
    for operand in operands:
        view = machine.view(operand)
        view[...] = draw.normal(size=view.shape)
    machine.iterate(1)
    return machine
