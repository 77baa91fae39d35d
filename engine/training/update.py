"""The update of one phase: schedules, penalties and clipping, the optimizer's step, projections and means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.program import Builder, Value
from engine.stretch import Stretch
from engine.training.choices import Chosen, Work, nothing
from engine.training.optimizers import Emit
from engine.training.whole_batch import DriverType

if TYPE_CHECKING:
    from engine.training.plan import Phase


class Moves(NamedTuple):
    """What a phase does to its parameters, and what all of it was emitted from: kept from one edit to the next.

    stretches  all calls: what comes first, what moves each parameter by its slope, what comes last
    """

    basis: tuple[Any, ...]
    by_parameter: dict[Value, Move]
    stretches: list[Stretch]


class Move(NamedTuple):
    """What moves one parameter; `sources` are those that were asked for."""

    slope: Value
    calls: Stretch
    sources: dict[str, Value]


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
    calls, begun = build.program.calls, len(build.program.calls)
    work.settings, work.words = _slots(build, phase, "optimizer"), phase.optimizer.words
    slots = {name: _slots(build, phase, name) for name in phase.choices if name != "optimizer"}
    chosen = [(phase.choices[name], numbers) for name, numbers in slots.items() if phase.takes_part(name)]
    around = [(one.kind, numbers, one.words) for one, numbers in chosen if _takes_part(one)]
    for kind, numbers, words in around:
        work.at(parameters[0])
        kind.before_step(work, numbers, words)
    work.at(parameters[0])
    phase.optimizer.kind.prepare(work)
    stretches = [Stretch(calls[begun:])] if len(calls) > begun else []
    basis = (phase.structure, index, *work.settings.values())
    known = before.by_parameter if before is not None and before.basis == basis else {}
    moves = _moves(work, known, phase.optimizer.kind.emit)
    stretches += [move.calls for move in moves.values()]
    begun = len(calls)
    for kind, numbers, words in around:
        work.at(parameters[0])
        kind.after_step(work, numbers, words)
    if len(calls) > begun:
        stretches.append(Stretch(calls[begun:]))
    # What finds its own steps moves all parameters together.
    return Moves(basis, {} if isinstance(phase.optimizer.kind, DriverType) else moves, stretches)


def _moves(work: Work, known: Mapping[Value, Move], emit: Emit) -> dict[Value, Move]:
    """What moves each parameter, as before if its slope is that of before."""
    build, slopes = work.build, work.slopes
    program, begun, asked = build.program, len(build.program.calls), build.asked
    moves: dict[Value, Move] = {}
    for value in work.parameters:
        move, slope = known.get(value), slopes[value.index]
        if move is None or move.slope is not slope:
            first, build.asked = len(program.calls), {}
            work.at(value)
            emit(work, value, slope)
            move = Move(slope, Stretch(program.calls[first:]), build.asked)
        elif move.sources:
            program.sources.update(move.sources)
        if move.sources:
            asked.update(move.sources)
        moves[value] = move
    program.calls[begun:] = chain.from_iterable([move.calls for move in moves.values()])
    build.asked = asked
    return moves


def _takes_part(chosen: Chosen) -> bool:
    return chosen.kind.before_step is not nothing or chosen.kind.after_step is not nothing


def _slots(build: Builder, phase: Phase, family: str) -> dict[str, Value]:
    chosen: Chosen = phase.choices[family]
    return {
        name: build.source("setting", phase.address(family, name), (), number)
        for name, number in chosen.numbers.items()
    }
