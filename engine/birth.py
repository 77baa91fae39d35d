"""Where a number stopped being finite: the first call of a step with finite operands and a result that is not."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engine.graph import Graph
from engine.playback import Playback
from engine.problems import Problem
from engine.program import MONITORS
from engine.tape import Instruction, Step
from engine.values import Call, Value, resolve

Array = np.ndarray[Any, np.dtype[Any]]


def birth_in(playback: Playback, step: Step, graph: Graph) -> Problem | None:
    """The problem born in a step that was just played, or None."""
    code = playback.tape.shown_step(step)
    begin, end = code.full
    for instruction in code.instructions[begin:end]:
        if instruction.call.primitive.name in MONITORS:
            continue
        for call in _calls_of(instruction, playback):
            for target in [call.operands[k] for k in call.primitive.writes] or [call.result]:
                if target.kind == "real" and not np.isfinite(_numbers(playback, target)).all():
                    return _born(playback, step, call, target, graph)
    return None


def _calls_of(instruction: Instruction, playback: Playback) -> list[Call]:
    """The calls that an instruction plays: several, where updates that continue each other in memory were joined."""
    first, tape = instruction.call, playback.tape
    if len(instruction.origins) == 1:
        return [first]
    begin = instruction.fields[0]
    return [
        call
        for call in tape.program.calls
        if call.primitive is first.primitive
        and call.origin in instruction.origins
        and begin <= tape.region(call.operands[0]).offset < begin + instruction.length
    ]


def _numbers(playback: Playback, value: Value) -> Array:
    """What the step left in a value, flat. A short batch fills only its front: behind it lies a former batch."""
    flat: Array = playback.machine.view(value).reshape(-1)
    if value.source is not None:
        return flat
    return flat[: math.prod(resolve(value.shape, playback.rows_of(0)))]


# What helps where a rate has no part in it, by the operation that had no answer.
_MENDS = {
    "row_reduce": "Some of its rows depend on each other, so that there is no one answer. Leave features out that repeat "
    "others, or let weights cost something: a strength above 0.",
}


def _born(playback: Playback, step: Step, call: Call, result: Value, graph: Graph) -> Problem:
    flat = _numbers(playback, result)
    where = int(np.argmin(np.isfinite(flat)))
    said = "infinite" if np.isinf(flat[where]) else "not a number"
    numbers = []
    for operand in call.operands:
        if operand.kind == "real" and operand is not result:
            other = _numbers(playback, operand)
            numbers.append(f"{float(other[where if other.size == flat.size else 0]):.4g}")
    rates = ", ".join(
        f"{playback.machine.view(value)[()]:g}"
        for address, value in playback.tape.program.sources.items()
        if address.endswith(".learning_rate")
    )
    iteration = playback.iteration if playback.position else playback.iteration - 1
    fact = f"{call.primitive.name} became {said} at iteration {iteration} in the {step.part} part"
    operands = f" (operands {', '.join(numbers)})" if numbers else ""
    mend = _MENDS.get(call.primitive.name) or (
        f"Lower the learning rate (now {rates}), then step back some way or reset."
        if rates
        else "Look at its operands."
    )
    node = call.origin.node
    return Problem(fact + operands, mend, node=node if node in graph.nodes else "", kind="finite")
