"""Build a small program from arrays, play it, and read its results: what the tests of primitives stand on."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

import engine.primitives  # noqa: F401  # registers every family
from engine.machines.cpu import CpuMachine
from engine.program import Builder, Program
from engine.tape import Tape, plan
from engine.values import Origin, Shape, Value

Array = np.ndarray[Any, np.dtype[Any]]
Built = Value | Sequence[Value]


class Bench(NamedTuple):
    """A program with its operands as data sources, and the values to be read."""

    program: Program
    operands: list[Value]
    results: list[Value]


def build(
    recipe: Callable[[Builder, list[Value]], Built], operands: Sequence[Array], shapes: Sequence[Shape] | None = None
) -> Bench:
    """A program that calls `recipe` on sources shaped like the operands (or `shapes`, which may hold the batch)."""
    program = Program()
    program.build.origin = Origin("node_1", "forward", 0)
    sources = [
        program.build.source(
            "data", f"data.operand_{k}", operand.shape if shapes is None else shapes[k], None,
            kind="whole" if operand.dtype.kind == "i" else "real",
        )
        for k, operand in enumerate(operands)
    ]  # fmt: skip
    built = recipe(program.build, sources)
    return Bench(program, sources, [built] if isinstance(built, Value) else list(built))


def start(bench: Bench, operands: Sequence[Array], dtype: str = "float64", *, batch: int = 1) -> CpuMachine:
    """A machine that holds the operands, ready to play."""
    program = bench.program
    program.verify()
    program.steps = list(dict.fromkeys([call.origin for call in program.calls]))
    for k, value in enumerate(bench.results):
        program.outputs[f"result.{k}"] = value
    machine = CpuMachine(plan(program, batch, dtype=dtype))
    for value in program.values:
        if value.source is not None and value.source.role == "constant" and _placed(machine.tape, value):
            machine.view(value)[...] = value.source.initial
    for source, operand in zip(bench.operands, operands, strict=True):
        if _placed(machine.tape, source):
            machine.view(source)[...] = operand
    return machine


def _placed(tape: Tape, value: Value) -> bool:
    return tape.places[value.index] is not None


def finish(bench: Bench, machine: CpuMachine) -> list[Array]:
    """Play every instruction once and copy the results out."""
    machine.play_once()
    return [machine.view(value).copy() for value in bench.results]


def play(
    recipe: Callable[[Builder, list[Value]], Built], operands: Sequence[Array], dtype: str = "float64", *,
    iteration: int = 0, epoch: int = 0,
) -> list[Array]:  # fmt: skip
    """The results of a recipe on operands."""
    bench = build(recipe, operands)
    machine = start(bench, operands, dtype)
    machine.clock[:2] = iteration, epoch
    return finish(bench, machine)


BODY = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)


def finish_in_pieces(bench: Bench, machine: CpuMachine, cut: Callable[[int], int]) -> list[Array]:
    """As `finish`, but each instruction in two pieces, the later one first: outputs must not lean on each other."""
    machine.tell_time()  # no instruction: it only tells the kernels the time
    _, arena, integers, fields, *_, played = machine._shown
    for pc, instruction in enumerate(machine.tape.shown.instructions):
        middle = cut(instruction.length)
        for begin, end in ((middle, instruction.length), (0, middle)):
            if begin < end:
                BODY(int(played.kernels[pc]))(arena, integers, fields + 4 * int(played.starts[pc]), begin, end)
    return [machine.view(value).copy() for value in bench.results]
