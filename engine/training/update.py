"""The update of one phase: schedules, penalties and clipping, the optimizer's step, projections and means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.program import Builder, Call, Value
from engine.training.choices import Chosen, Work, nothing
from engine.training.optimizers import Emit
from engine.training.whole_batch import DriverType

if TYPE_CHECKING:
    from engine.training.plan import Phase


class Moves(NamedTuple):
    """What moves each parameter by its slope, and what all of it was emitted from: kept from one edit to the next."""

    basis: tuple[Any, ...]
    by_parameter: dict[Value, Move]


class Move(NamedTuple):
    """What moves one parameter; `sources` are those that were asked for."""

    slope: Value
    calls: list[Call]
    sources: dict[str, Value]

    def again(self, build: Builder) -> Move:
        """Move the parameter in another program as well."""
        build.program.calls += self.calls
        if self.sources:
            build.program.sources.update(self.sources)
            build.asked.update(self.sources)
        return self


def emit_update(
    build: Builder,
    phase: Phase,
    index: int,
    parameters: Sequence[Value],
    gradients: Mapping[int, Value],
    objective: Value,
    before: Moves | None = None,
) -> Moves:
    """Emit what a phase does to its parameters, stage by stage: neighbouring parameters then share one instruction.

    Clipping sees the gradient with the penalty in it, as both belong to what is made small. What moves a parameter is taken
    over from `before` where it hangs on the same.
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
    basis = (phase.structure, index, *work.settings.values())
    known = before.by_parameter if before is not None and before.basis == basis else {}
    moves, emit = dict[Value, Move](), phase.optimizer.kind.emit
    for value in parameters:
        move = known.get(value)
        if move is None or move.slope is not work.slopes[value.index]:
            moves[value] = _moved(work, value, emit)
        else:
            moves[value] = move.again(build)
    for kind, numbers, words in around:
        work.at(parameters[0])
        kind.after_step(work, numbers, words)
    # What finds its own steps moves all parameters together.
    return Moves(basis, {} if isinstance(phase.optimizer.kind, DriverType) else moves)


def _moved(work: Work, value: Value, emit: Emit) -> Move:
    build, slope = work.build, work.slopes[value.index]
    begun, asked = len(build.program.calls), build.asked
    build.asked = {}
    work.at(value)
    emit(work, value, slope)
    move = Move(slope, build.program.calls[begun:], build.asked)
    build.asked = asked
    asked.update(move.sources)
    return move


def _takes_part(chosen: Chosen) -> bool:
    return chosen.kind.before_step is not nothing or chosen.kind.after_step is not nothing


def _slots(build: Builder, phase: Phase, family: str) -> dict[str, Value]:
    chosen: Chosen = phase.choices[family]
    return {
        name: build.source("setting", phase.address(family, name), (), number)
        for name, number in chosen.numbers.items()
    }
