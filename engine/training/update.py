"""The update of one phase: schedules, penalties and clipping, the optimizer's step, projections and means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from engine.program import Builder, Value
from engine.training.choices import Chosen, Work, nothing

if TYPE_CHECKING:
    from engine.training.plan import Phase


def emit_update(
    build: Builder,
    phase: Phase,
    index: int,
    parameters: Sequence[Value],
    gradients: Mapping[int, Value],
    objective: Value,
) -> None:
    """Emit what a phase does to its parameters, stage by stage: neighbouring parameters then share one instruction.

    Clipping sees the gradient with the penalty in it, as both belong to what is made small.
    """
    slopes = {value.index: gradients[value.index] for value in parameters}
    work = Work(build, phase.name, index, list(parameters), slopes, objective)
    work.at(parameters[0])
    work.settings, work.words = _slots(build, phase, "optimizer"), phase.optimizer.words
    slots = {name: _slots(build, phase, name) for name in phase.choices if name != "optimizer"}
    chosen = [(phase.choices[name], numbers) for name, numbers in slots.items() if phase.takes_part(name)]
    around = [(one.kind, numbers, one.words) for one, numbers in chosen if _takes_part(one)]
    for kind, numbers, words in around:
        work.at(parameters[0])
        kind.before_step(work, numbers, words)
    work.at(parameters[0])
    phase.optimizer.kind.prepare(work)
    for value in parameters:
        work.at(value)
        phase.optimizer.kind.emit(work, value, work.slopes[value.index])
    for kind, numbers, words in around:
        work.at(parameters[0])
        kind.after_step(work, numbers, words)


def _takes_part(chosen: Chosen) -> bool:
    return chosen.kind.before_step is not nothing or chosen.kind.after_step is not nothing


def _slots(build: Builder, phase: Phase, family: str) -> dict[str, Value]:
    chosen: Chosen = phase.choices[family]
    return {
        name: build.source("setting", phase.address(family, name), (), number)
        for name, number in chosen.numbers.items()
    }
