"""Where a number stopped being finite: the first call of a step with finite operands and a result that is not."""

from __future__ import annotations

import numpy as np

from engine.graph import Graph
from engine.playback import Playback
from engine.problems import Problem
from engine.program import Call, Value
from engine.tape import Step


def birth_in(playback: Playback, step: Step, graph: Graph) -> Problem | None:
    """The problem born in a step that was just played, or None."""
    code = playback.tape.shown_part(step)
    begin, end = code.full.span(step.index)
    for instruction in code.instructions[begin:end]:
        call = instruction.call
        for target in [call.operands[k] for k in call.primitive.writes] or [call.result]:
            if target.kind == "real" and not np.isfinite(playback.machine.view(target)).all():
                return _born(playback, step, call, target, graph)
    return None


def _born(playback: Playback, step: Step, call: Call, result: Value, graph: Graph) -> Problem:
    view = playback.machine.view(result).reshape(-1)
    where = int(np.argmin(np.isfinite(view)))
    said = "infinite" if np.isinf(view[where]) else "not a number"
    numbers = []
    for operand in call.operands:
        if operand.kind == "real" and operand is not result:
            flat = playback.machine.view(operand).reshape(-1)
            numbers.append(f"{float(flat[where if flat.size == view.size else 0]):.4g}")
    rates = ", ".join(
        f"{playback.machine.view(value)[()]:g}"
        for address, value in playback.tape.program.sources.items()
        if address.endswith(".learning_rate")
    )
    iteration = playback.iteration if playback.position else playback.iteration - 1
    fact = f"{call.primitive.name} became {said} at iteration {iteration} in the {step.part} part"
    operands = f" (operands {', '.join(numbers)})" if numbers else ""
    mend = f"Lower the learning rate (now {rates})." if rates else "Look at its operands."
    return Problem(fact + operands, mend, node=step.node if step.node in graph.nodes else "", kind="finite")
