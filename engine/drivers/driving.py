"""Drivers on a tape: between backward and update they fill the directions and lengths that the update's steps take."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, cast

import numpy as np

from engine.drivers.asking import DRIVERS, MATRIX_BUILDERS, Array, Counted, Sight, Watch, decide
from engine.drivers.games import Players
from engine.drivers.plans import Plans
from engine.lowering import Lowered
from engine.machines.cpu import CpuMachine
from engine.training import COUNTS, DriverType, Phase
from engine.values import Call, Value

if TYPE_CHECKING:
    from engine.datasets import Dataset
    from engine.document import Document


class Drivers:
    """All drivers of a plan, by the number of their phase. They keep nothing that is not a state on the tape.

    watch  hears while a driver decides how many questions were answered and how many there are at least (0: unknown); what
           it raises breaks the decision off, and the iteration stands before its update
    players  nodes whose games go on between two iterations
    """

    def __init__(self, document: Document, dataset: Dataset | None, lowered: Lowered, dtype: str) -> None:
        self.watch: Watch | None = None
        self.players = Players(document, dataset, lowered, dtype)
        steps: dict[int, list[Call]] = {}
        is_driven = any(isinstance(phase.optimizer.kind, DriverType) for phase in document.training.phases)
        for call in lowered.program.calls if is_driven else ():
            if call.primitive.name == "take_step":
                steps.setdefault(call.origin.phase, []).append(call)
        phases = {phase.name: phase for phase in document.training.phases}
        self._driven = {
            number: _Driven(document, dataset, lowered, dtype, number, phases[calls[0].attributes["phase"]], calls)
            for number, calls in steps.items()
        }

    def __bool__(self) -> bool:
        return bool(self._driven)

    def written(self, phases: Collection[int]) -> list[Value]:
        """What a decision writes over, apart from large memories: directions, lengths, and what is told."""
        return [value for number in phases if number in self._driven for value in self._driven[number].written]

    def decide(self, machine: CpuMachine, phases: Collection[int]) -> None:
        """Let the drivers of these phases decide, all of them with the parameters as they are now."""
        for number in phases:
            if number in self._driven:
                self._driven[number].decide(machine, self.watch)


class _Driven:
    """One phase whose updates take a driver's steps."""

    def __init__(
        self, document: Document, dataset: Dataset | None, lowered: Lowered, dtype: str, number: int, phase: Phase,
        calls: list[Call],
    ) -> None:  # fmt: skip
        program = lowered.program
        self._phase, self._seed = phase, document.training.seed
        self._kind = cast(DriverType, phase.optimizer.kind)
        self._parameters = [call.operands[0] for call in calls]
        self._directions = [call.operands[1] for call in calls]
        self._length, *rest = calls[0].operands[2:]
        told = len(COUNTS) + len(self._kind.told)
        self._told = dict(zip((*COUNTS, *self._kind.told), rest[:told], strict=True))
        self._memory = dict(zip(self._kind.memory, rest[told:], strict=True))
        self._objective, self._sign = program.objectives[number], -1.0 if phase.maximise else 1.0
        self._slopes = [program.gradients[number][value.index] for value in self._parameters]
        self._numbers = {name: program.sources[phase.address("optimizer", name)] for name in phase.optimizer.numbers}
        addresses = [value.source.address for value in self._parameters if value.source is not None]
        self._plans = Plans(document, dataset, lowered, number, addresses, dtype)

    @property
    def written(self) -> list[Value]:
        return [*self._directions, self._length, *self._told.values()]

    def decide(self, machine: CpuMachine, watch: Watch | None) -> None:
        """Ask the driver, and write down what it decided, what it tells and what it remembers."""
        sight, name = self._seen(machine), self._kind.name
        self._plans.stand_at(machine, sight.point)
        of = sight.point.size if name in MATRIX_BUILDERS else 0
        told = (lambda asked: watch(asked, max(of, asked) if of else 0)) if watch else (lambda asked: None)
        counted = decide(DRIVERS[name], sight, self._plans.answer, told)
        self._note(machine, sight, counted)

    def _seen(self, machine: CpuMachine) -> Sight:
        memory = {name: machine.view(value).astype(np.float64) for name, value in self._memory.items()}
        numbers = {name: float(machine.view(value)[()]) for name, value in self._numbers.items()}
        loss = self._sign * float(machine.view(self._objective)[()])
        return Sight(
            _packed(machine, self._parameters), loss, _packed(machine, self._slopes), _packed(machine, self._directions),
            memory, numbers, self._phase.optimizer.words, float(np.finfo(machine.arena.dtype).eps), int(machine.clock[0]),
            self._seed,
        )  # fmt: skip

    def _note(self, machine: CpuMachine, sight: Sight, counted: Counted) -> None:
        decision = counted.decision
        begun = 0
        for value in self._directions:
            view = machine.view(value)
            view[...] = decision.direction[begun : begun + view.size].reshape(view.shape)
            begun += view.size
        machine.view(self._length)[...] = decision.length * sight.numbers["step_length"]
        told = {"losses": counted.losses, "slopes": counted.slopes, "products": counted.products, **decision.told}
        for name, value in self._told.items():
            machine.view(value)[...] = told.get(name, 0.0)
        for name, value in self._memory.items():
            machine.view(value)[...] = sight.memory[name]


def _packed(machine: CpuMachine, values: list[Value]) -> Array:
    return np.concatenate([machine.view(value).ravel() for value in values]).astype(np.float64)
