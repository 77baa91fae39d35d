"""The update of one phase: schedules, penalties and clipping, the optimizer's step, projections and means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from engine.program import Builder
from engine.stretch import Stretch
from engine.training.choices import Chosen, Work, nothing
from engine.training.optimizers import Emit
from engine.training.whole_batch import DriverType
from engine.values import Value

if TYPE_CHECKING:
    from engine.training.plan import Phase


class Moves(NamedTuple):
    """What a phase does to its parameters, and what all of it was emitted from: kept from one edit to the next.

    stretches  all calls: what comes first, what moves each parameter by its slope, what comes last
    """

    basis: tuple[Any, ...]
    by_slope: dict[tuple[Value, Value], Move]
    stretches: list[Stretch]


class Move(NamedTuple):
    """What moves one parameter by its slope; `sources` are those that were asked for."""

    calls: Stretch
    sources: dict[str, Value]


_index, _calls, _sources = attrgetter("index"), attrgetter("calls"), attrgetter("sources")


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
    indices = list(map(_index, parameters))
    slopes = dict(zip(indices, map(gradients.__getitem__, indices), strict=True))
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
    known = before.by_slope if before is not None and before.basis == basis else {}
    moves = _moves(work, known, phase.optimizer.kind.emit)
    stretches += map(_calls, moves.values())
    begun = len(calls)
    for kind, numbers, words in around:
        work.at(parameters[0])
        kind.after_step(work, numbers, words)
    if len(calls) > begun:
        stretches.append(Stretch(calls[begun:]))
    # What finds its own steps moves all parameters together.
    return Moves(basis, {} if isinstance(phase.optimizer.kind, DriverType) else moves, stretches)


def _moves(work: Work, known: Mapping[tuple[Value, Value], Move], emit: Emit) -> dict[tuple[Value, Value], Move]:
    """What moves each parameter, as before if its slope is that of before."""
    build, program = work.build, work.build.program
    calls, sources, asked = len(program.calls), len(program.sources), build.asked
    pairs = list(zip(work.parameters, map(work.slopes.__getitem__, map(_index, work.parameters)), strict=True))
    moves = dict(zip(pairs, map(known.get, pairs), strict=True))
    if None in moves.values():
        for pair in [pair for pair, move in moves.items() if move is None]:
            first, build.asked = len(program.calls), {}
            work.at(pair[0])
            emit(work, *pair)
            moves[pair] = Move(Stretch(program.calls[first:]), build.asked)
    found = cast("dict[tuple[Value, Value], Move]", moves)
    program.calls[calls:] = chain.from_iterable(map(_calls, found.values()))
    while len(program.sources) > sources:  # they come in the order of the parameters
        program.sources.popitem()
    for mine in filter(None, map(_sources, found.values())):
        program.sources |= mine
        asked |= mine
    build.asked = asked
    return found


def _takes_part(chosen: Chosen) -> bool:
    return chosen.kind.before_step is not nothing or chosen.kind.after_step is not nothing


def _slots(build: Builder, phase: Phase, family: str) -> dict[str, Value]:
    chosen: Chosen = phase.choices[family]
    return {
        name: build.source("setting", phase.address(family, name), (), number)
        for name, number in chosen.numbers.items()
    }
