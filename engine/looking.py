"""What of a plan that is played can be read: values, gradients and parameters, and how old each of them is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from engine.playback import Playback
from engine.problems import did_you_mean
from engine.program import Program
from engine.snapshot import Array, Reading, State, read
from engine.tape import Step, Tape
from engine.training import AVERAGE, AVERAGED
from engine.values import Value, resolve

if TYPE_CHECKING:
    from engine.document import Document


class Looking:
    """A document's plan as it is played, for whoever looks. Nothing here changes a number."""

    document: Document
    program: Program
    tape: Tape
    playback: Playback
    _ages_at: tuple[Playback, int, int, int] | None = None
    _ages: dict[int, State] = {}

    @property
    def last_step(self) -> Step | None:
        """The step played last; None at the start."""
        return self.playback.last_step

    def _address(self, name: str) -> str:
        """A node id or `node.port`, also at a step of time (`node@3`), as the address of an output or a parameter.

        Raises KeyError with a guess.
        """
        program = self.program
        text = program.meant(str(name))
        if text in program.outputs or text in program.sources:
            return text
        node, _, step = text.partition("@")
        found = [
            address
            for address in program.outputs
            if address.partition(".")[0] == node and address.partition("@")[2] == step
        ]
        if not found:
            raise KeyError(
                f"nothing here is called “{text}”. {did_you_mean(text, [*program.outputs, *program.sources])}"
            )
        return found[0]

    def _find(self, name: str) -> Value:
        address = self._address(name)
        return self.output(address) if address in self.program.outputs else self.program.sources[address]

    def output(self, address: str) -> Value:
        """What a node gives, as `node.port`: of a node in time at the step that was played last, or else at the last one.

        `node.port@3` is the value at one step, counted from 0.
        """
        outputs, last = self.program.outputs, self.last_step
        return outputs[address] if last is None else outputs.get(f"{address}@{last.time}", outputs[address])

    def state_of(self, value: Value) -> State:
        """Whether a value belongs to the iteration looked at, to a former one, or was never computed."""
        state = self._age_of(value)
        is_outdated = state == "current" and value.source is None and self.playback.is_outdated
        return "earlier" if is_outdated else state

    def _age_of(self, value: Value) -> State:
        if value.source is not None:
            return "current"
        is_there = value.call is not None and self.tape.places[value.index] is not None
        index = self.tape.position.get(value.call.origin, -1) if is_there and value.call is not None else -1
        playback = self.playback
        moment = (playback, playback.iteration, playback.position, playback.begun_at)
        if moment != self._ages_at:  # a picture asks for the ages of hundreds of values at one moment
            self._ages_at, self._ages = moment, {}
        age = self._ages.get(index)
        if age is None:
            age = self._ages[index] = self._age_of_step(index)
        return age

    def _age_of_step(self, index: int) -> State:
        """The age of what a step computed; -1: of what no step did."""
        if index >= 0 and self.playback.is_done(index):
            return "current"
        was_done = self.playback.has_history if index < 0 else self.playback.was_done(index)
        return "earlier" if was_done else "absent"

    @property
    def rows_played(self) -> int:
        """Rows in the batch of the iteration looked at."""
        return self.playback.rows_of(0)

    def memory_of(self, value: Value, shape: tuple[int, ...] | None = None) -> Array:
        """A value's own memory, in the shape of the batch that it was computed for; valid until the next step."""
        if shape is None:
            rows = self.playback.rows_of(0 if self._age_of(value) == "current" else 1)
            shape = resolve(value.shape, rows if value.source is None else self.tape.batch)
        region = self.tape.region(value)
        memory = self.playback.machine.integers if value.kind == "whole" else self.playback.machine.arena
        return memory[region.offset : region.offset + math.prod(shape)].reshape(shape)

    def before_update(self, value: Value) -> Array | None:
        """A parameter or state as it was before an update of the iteration looked at; None where none has touched it."""
        return self.playback.overwritten.before(value)

    def read(self, value: Value, state: State | None = None) -> Reading:
        """A copy of a value and its summary."""
        state = self.state_of(value) if state is None else state
        return read(self.memory_of(value), state)

    def gradient_of(self, value: Value) -> Value | None:
        """Of several phases' gradients that of the turn that is looked at, or else the first phase's."""
        gradients, turns = self.program.gradients, self.program.turns
        if turns:
            now = next((step.phase for step in reversed(self.playback.steps_looked_at) if step.part != "forward"), 0)
            if now < len(gradients) and value.index in gradients[now]:
                return gradients[now][value.index]
        return next((found[value.index] for found in gradients if value.index in found), None)

    def value(self, name: str) -> Array | None:
        """A copy of a node's output (or of `node.port`, `node.parameter`); None if it was not computed."""
        value = self._find(name)
        return None if self.state_of(value) == "absent" else self.memory_of(value).copy()

    def gradient(self, name: str) -> Array | None:
        """The derivative of the loss by an output or a parameter, in its shape; None if it was not computed."""
        gradient = self.gradient_of(self._find(name))
        if gradient is None or self.gradient_state(gradient) == "absent":
            return None
        return self.memory_of(gradient).copy()

    def gradient_state(self, gradient: Value) -> State:
        """As `state_of`, for a gradient."""
        if gradient.source is not None and self.program.objectives:  # dL/dL = 1 stands from the moment there is a loss
            return self.state_of(self.program.objectives[0])
        return self.state_of(gradient)

    def learned(self) -> dict[str, Value]:
        """What is learned, by `node.parameter`."""
        return {
            a: v
            for a, v in self.program.sources.items()
            if v.source and v.source.role in ("parameter", "constant") and v.source.trainable
        }

    @property
    def parameters(self) -> dict[str, Array]:
        """Copies of all parameters by `node.parameter`."""
        return {
            address: self.playback.machine.view(value).copy()
            for address, value in self.program.sources.items()
            if value.source is not None and value.source.role == "parameter"
        }

    @property
    def loss(self) -> float | None:
        """The first phase's loss as last computed; None before that."""
        if not self.program.objectives or self.state_of(self.program.objectives[0]) == "absent":
            return None
        return float(self.playback.machine.view(self.program.objectives[0])[()])

    def _lasting(self) -> dict[str, Array]:
        return {
            address: self.playback.machine.view(value)
            for address, value in self.program.sources.items()
            if (lasts(value) or is_setting(value) or _is_dragged(value)) and self.tape.places[value.index] is not None
        } | self._means("predictions")

    @property
    def averages(self) -> dict[str, Array]:
        """Copies of the means of parameters (Polyak averaging) by `node.parameter`; empty until there is one."""
        return {address: mean.copy() for address, mean in self._means().items()}

    def _means(self, used_for: str = "") -> dict[str, Array]:
        sources: dict[str, Value] = self.program.sources
        means: dict[str, Array] = {}
        for phase in self.document.training.phases:
            count = sources.get(f"training.{phase.name}.{AVERAGED}")
            if count is None or self.playback.machine.view(count) == 0:
                continue
            if used_for and phase.averaging.words.get("used_for") != used_for:
                continue
            for address in [address for address, value in sources.items() if value.source and value.source.trainable]:
                mean = sources.get(f"{address}.{phase.name}.{AVERAGE}")
                if mean is not None:
                    means[address] = self.playback.machine.view(mean)
        return means


def lasts(value: Value) -> bool:
    """Whether a value lives from one iteration to the next, and a new plan takes it over."""
    source = value.source
    return source is not None and (
        source.role in ("parameter", "state") or (source.role == "constant" and source.trainable)
    )


def is_setting(value: Value) -> bool:
    """Whether it is a number that a hand can drag."""
    return value.source is not None and value.source.role == "setting"


def _is_dragged(value: Value) -> bool:
    return value.source is not None and value.source.role == "constant" and value.source.trainable
