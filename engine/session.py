"""The one object the app drives: plays a document's tape, stepping or at full speed, and shows what is in it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

import engine.primitives  # noqa: F401  (registers them)
from engine.datasets import Dataset, load
from engine.history import History
from engine.initialisers import stream
from engine.lowering import Lowered, lower
from engine.machines.cpu import CpuMachine
from engine.problems import Problem, ProblemError, did_you_mean
from engine.program import Program, Value
from engine.sideplan import SidePlan
from engine.snapshot import Array, Explanation, Reading, Snapshot, State, read
from engine.tape import Step, Tape, initial_array, plan
from engine.timeline import Checkpoint, Moment, Timeline

if TYPE_CHECKING:
    from engine.document import Document

StepKind = Literal["node", "phase", "iteration", "epoch"]
BLOCK_S = 0.05  # seconds of play between two checkpoints: what a step back has to play again at the most
METRICS_S = 0.25  # seconds between two evaluations while running


class Session:
    """A document being played. Whoever holds it is its only thread.

    Stepping plays the very instructions of full speed. `value` and `gradient` answer None for what was not computed.
    Raises `ProblemError` where the document holds nothing that can run, or the device is not there.
    """

    def __init__(self, document: Document, *, device: str = "cpu", dtype: str | None = None, revision: int = 0) -> None:
        if device != "cpu":
            raise ProblemError(Problem(f"there is no machine “{device}” here", 'Use device="cpu".', kind="device"))
        self._dtype_asked = dtype
        self._dataset_key: Any = object()
        self._dataset: Dataset | None = None
        self.problem: Problem | None = None
        self._open(document, revision)
        self.reset()

    # the plan --------------------------------------------------------------------------------

    def _open(self, document: Document, revision: int) -> None:
        self.document, self.revision = document, revision
        self.dtype = self._dtype_asked or document.precision
        self._load(document)
        self.lowered: Lowered = lower(document, self._dataset)
        self.program: Program = self.lowered.program
        if not self.program.outputs:
            problems = self.lowered.problems or [Problem("the canvas is empty", "Place a node.", kind="empty")]
            raise ProblemError(*problems)
        self.tape: Tape = plan(self.program, self.lowered.batch, short=self.lowered.short, dtype=self.dtype)
        self._machine = CpuMachine(self.tape)
        self._machine.set_epoch(self.lowered.full_iterations, self.lowered.iterations)
        self._step_of = self._steps_of_values()
        self._side: SidePlan | None = None

    def _load(self, document: Document) -> None:
        spec = document.data.get("train") if document.data else None
        key = repr(spec)
        if key != self._dataset_key:
            self._dataset = load(spec) if spec else None
            self._dataset_key = key

    def edit(self, document: Document, revision: int) -> None:
        """Another document, another plan; parameters and states whose address and shape still fit keep their numbers.

        Raises `ProblemError` where nothing can run; the session then stays as it was.
        """
        kept = {
            address: self._machine.view(value).copy()
            for address, value in self.program.sources.items()
            if _lasts(value)
        }
        clock, seed = self._machine.clock.copy(), self.seed
        before = dict(self.__dict__)
        try:
            self._open(document, revision)
        except ProblemError:
            self.__dict__.update(before)
            raise
        self._fill(seed if document.training.seed == before["document"].training.seed else document.training.seed, kept)
        self._machine.clock[:2] = clock[:2]
        self._machine.clock[2] = clock[2] if clock[2] < self.lowered.iterations else 0
        self.position, self.problem, self._from_iteration = 0, None, int(clock[0])
        self._start_timeline()

    def reset(self, seed: int | None = None) -> None:
        """Back to the start: parameters drawn anew from the seed (None: the document's), iteration 0."""
        self._machine.clock[:] = 0
        self._machine.integers[:] = 0
        self._fill(self.document.training.seed if seed is None else seed, {})
        self._from_iteration = 0
        self.position, self.problem = 0, None
        self.history = History()
        self.metrics: dict[str, float] = {}
        self._rate, self._evaluated = 0.0, 0.0
        self._start_timeline()

    def _fill(self, seed: int, kept: Mapping[str, Array]) -> None:
        self.seed = seed
        for address, value in self.program.sources.items():
            source = value.source
            if source is None or self.tape.places[value.index] is None:
                continue
            view = self._machine.view(value)
            old = kept.get(address)
            if old is not None and old.shape == view.shape:
                view[...] = old
            elif source.role == "data":
                self._fill_data(address, view)
            elif callable(source.initial):
                view[...] = source.initial(view.shape, stream(seed, address))
            else:
                view[...] = initial_array(value, view.shape, view.dtype)

    def _fill_data(self, address: str, view: Array) -> None:
        if self._dataset is None:
            view[...] = 0
            return
        table = self._dataset.inputs if address == "data.inputs" else self._dataset.targets
        view[...] = table[self._dataset.train_rows].reshape(view.shape)

    def _start_timeline(self) -> None:
        self.timeline = Timeline()
        self._previous: dict[str, Reading] = {}
        self._checkpoint()

    def _steps_of_values(self) -> dict[int, int]:
        position = {origin: index for index, origin in enumerate(self.program.steps)}
        return {call.result.index: position[call.origin] for call in self.program.calls}

    # time --------------------------------------------------------------------------------

    @property
    def iteration(self) -> int:
        """How many updates have been done."""
        return int(self._machine.clock[0])

    @property
    def epoch(self) -> int:
        """How many times all rows have been seen."""
        return int(self._machine.clock[1])

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps of one iteration, in the order they are played."""
        return self.tape.steps

    @property
    def last_step(self) -> Step | None:
        """The step played last; None at the start."""
        if self.position:
            return self.steps[self.position - 1]
        return self.steps[-1] if self.steps and self.iteration > self._from_iteration else None

    @property
    def next_step(self) -> Step | None:
        """The step that → would play."""
        return self.steps[self.position] if self.steps else None

    def step(self, kind: StepKind = "node") -> Step | None:
        """Play one node, or to the end of the part (forward, backward, update), the iteration, the epoch."""
        if not self.steps or self.problem is not None:
            return self.last_step
        self.timeline.forget_after(self._moment)
        if kind == "epoch":
            epoch = self.epoch
            while self.epoch == epoch and self.problem is None:
                self.run(max(1, self.lowered.iterations - int(self._machine.clock[2])))
            return self.last_step
        first = self.steps[self.position]
        self._play_step()
        while kind != "node" and self.position and self.problem is None:
            following = self.steps[self.position]
            if kind == "phase" and (following.part, following.phase) != (first.part, first.phase):
                break
            self._play_step()
        return self.last_step

    def step_back(self, kind: StepKind = "node") -> None:
        """Undo steps: every value is again what it was, bit for bit. At the start nothing happens."""
        iteration, position = self._moment
        if position == 0 and iteration <= self._from_iteration:
            return
        if position == 0:
            iteration, position = iteration - 1, len(self.steps)
        if kind == "node":
            position -= 1
        elif kind == "phase":
            last = self.steps[position - 1]
            while position and (self.steps[position - 1].part, self.steps[position - 1].phase) == (
                last.part,
                last.phase,
            ):
                position -= 1
        elif kind == "iteration":
            position = 0
        else:
            start = iteration - int(self._iteration_in_epoch(iteration))
            iteration, position = max(self._from_iteration, start), 0
        self.go_to(Moment(iteration, position))

    def _iteration_in_epoch(self, iteration: int) -> int:
        here, now = self._moment, int(self._machine.clock[2])
        return (now - (here.iteration - iteration)) % self.lowered.iterations

    def go_to(self, moment: Moment) -> None:
        """Restore the last checkpoint before a moment and play on to it, with whatever a hand changed meanwhile."""
        self.problem = None
        start = self.timeline.before(max(moment.iteration - 1, self.timeline.earliest))
        self._restore(start)
        waiting = [entry for entry in self.timeline.interventions if entry.moment > Moment(start.iteration, 0)]
        for entry in waiting:
            if entry.moment > moment:
                break
            self._play_to(entry.moment)
            self._write(entry.address, entry.numbers)
        self._play_to(moment)

    def _play_to(self, moment: Moment) -> None:
        while self.position and self.iteration < moment.iteration:
            self._play_range()
        self._machine.lower_flag()
        if self.iteration < moment.iteration:
            if moment.iteration - self.iteration > 1:
                self._machine.iterate(moment.iteration - self.iteration - 1)
            self._machine.iterate(1, shown=True)
        while self.position < moment.position and self.iteration == moment.iteration:
            self._play_range()

    def run(self, iterations: int) -> int:
        """Play that many iterations (a begun one is finished first and counts); fewer where a number stops being finite."""
        if not self.steps or self.problem is not None:
            return 0
        self.timeline.forget_after(self._moment)
        self._previous = {}
        begun = self.iteration
        while self.position and self.problem is None:
            self._play_step()
        block = 64
        while (left := iterations - (self.iteration - begun)) > 0 and self.problem is None:
            self._checkpoint()
            started = time.perf_counter()
            # The last iteration is the one that is looked at: it also computes what fusing leaves out.
            done = self._machine.iterate(min(block, left - 1)) if left > 1 else self._machine.iterate(1, shown=True)
            elapsed = time.perf_counter() - started
            block = max(1, int(done * min(4.0, BLOCK_S / max(elapsed, 1e-6))))
            if self._machine.flag:
                self._find_birth()
        if self.problem is None:
            self._remember_loss()
        return self.iteration - begun

    def run_for(self, seconds: float) -> int:
        """Play iterations for about that long; the chunk of a window that wants to stay awake."""
        started = time.perf_counter()
        expected = max(1, int(self._rate * seconds)) if self._rate else 1
        done = self.run(expected)
        elapsed = time.perf_counter() - started
        while elapsed < seconds * 0.5 and self.problem is None and self.steps:
            more = self.run(max(1, int(done * (seconds - elapsed) / max(elapsed, 1e-6) * 0.8)))
            done += more
            elapsed = time.perf_counter() - started
        if done:
            self._rate = done / max(elapsed, 1e-9)
        if started - self._evaluated > METRICS_S:
            self.measure()
        return done

    def _play_range(self) -> None:
        """Play the next step's instructions and move on; the clock moves with the last one."""
        machine = self._machine
        section = self.tape.shown.short if self._is_short else self.tape.shown.full
        begin = section.step_ends[self.position - 1] if self.position else section.begin
        machine.play(begin, max(begin, section.step_ends[self.position]))
        self.position += 1
        if self.position == len(self.steps):
            self.position = 0
            machine.clock[0] += 1
            machine.clock[2] += 1
            if machine.clock[2] >= self.lowered.iterations:
                machine.clock[1:] = (machine.clock[1] + 1, 0)

    def _play_step(self) -> None:
        if self.position == 0:
            self._checkpoint()
        playing = self.steps[self.position]
        if playing.part == "update":
            self._previous = {a: read(self._machine.view(v), "current") for a, v in self._parameter_values().items()}
        elif self.position == 0 or self.steps[self.position - 1].part == "update":
            self._previous = {}
        self._play_range()
        self._machine.lower_flag()
        self.problem = self._birth_in(playing)
        if (
            playing.part == "forward"
            and self.program.losses
            and self._step_of.get(self.program.losses[0].index) == playing.index
        ):
            self._remember_loss()

    @property
    def _is_short(self) -> bool:
        return bool(self.tape.short) and int(self._machine.clock[2]) >= self.lowered.full_iterations

    @property
    def _moment(self) -> Moment:
        return Moment(self.iteration, self.position)

    # checkpoints --------------------------------------------------------------------------------

    def _checkpoint(self) -> None:
        machine, spans = self._machine, self.tape.kept_spans
        reals = np.concatenate([machine.arena[begin:end] for begin, end in spans])
        wholes = np.concatenate([machine.integers[begin:end] for begin, end in self.tape.kept_integers])
        self.timeline.keep(Checkpoint(self.iteration, reals, wholes, machine.clock.copy()))

    def _restore(self, checkpoint: Checkpoint) -> None:
        machine, begun = self._machine, 0
        for begin, end in self.tape.kept_spans:
            machine.arena[begin:end] = checkpoint.reals[begun : begun + end - begin]
            begun += end - begin
        begun = 0
        for begin, end in self.tape.kept_integers:
            machine.integers[begin:end] = checkpoint.wholes[begun : begun + end - begin]
            begun += end - begin
        machine.clock[:] = checkpoint.clock
        machine.lower_flag()
        self.position = 0
        self._previous = {}

    # numbers that are none ------------------------------------------------------------------------

    def _find_birth(self) -> None:
        """A kernel raised the flag: play the last iteration again, step by step, up to the first call that failed."""
        failed = self.iteration - 1
        self.go_to(Moment(failed, 0))
        for step in self.steps:
            self._play_range()
            self.problem = self._birth_in(step)
            if self.problem is not None:
                return
        self.problem = Problem(
            f"a number stopped being finite at iteration {failed}",
            "Lower the learning rate.",
            severity="error",
            kind="finite",
        )

    def _birth_in(self, step: Step) -> Problem | None:
        """The first call of a step with finite operands and a result that is not."""
        section = self.tape.shown.full
        begin = section.step_ends[step.index - 1] if step.index else section.begin
        for instruction in self.tape.shown.instructions[begin : section.step_ends[step.index]]:
            call = instruction.call
            targets = [call.operands[k] for k in call.primitive.writes] or [call.result]
            for target in targets:
                if target.kind == "real" and not np.isfinite(self._machine.view(target)).all():
                    return self._born(step, call.primitive.name, call.operands, target)
        return None

    def _born(self, step: Step, name: str, operands: tuple[Value, ...], result: Value) -> Problem:
        view = self._machine.view(result).reshape(-1)
        where = int(np.argmin(np.isfinite(view)))
        said = "infinite" if np.isinf(view[where]) else "not a number"
        numbers = []
        for operand in operands:
            if operand.kind == "real":
                flat = self._machine.view(operand).reshape(-1)
                numbers.append(f"{float(flat[where if flat.size == view.size else 0]):.4g}")
        rates = ", ".join(
            f"{self._machine.view(v)[()]:g}" for a, v in self.program.sources.items() if a.endswith(".learning_rate")
        )
        node = self.document.graph.nodes.get(step.node)
        iteration = self.iteration if self.position else self.iteration - 1
        fact = f"{name} became {said} at iteration {iteration} in the {step.part} part (operands {', '.join(numbers)})"
        mend = f"Lower the learning rate (now {rates})." if rates else "Look at its operands."
        return Problem(fact, mend, node=node.id if node else step.node, kind="finite")

    # reading --------------------------------------------------------------------------------

    def _address(self, name: str) -> str:
        """A node id or `node.port` as the address of an output or a parameter. Raises KeyError with a guess."""
        program, text = self.program, str(name)
        if text in program.outputs or text in program.sources:
            return text
        found = [address for address in program.outputs if address.partition(".")[0] == text]
        if not found:
            raise KeyError(
                f"nothing here is called “{text}”. {did_you_mean(text, [*program.outputs, *program.sources])}"
            )
        return found[0]

    def _find(self, name: str) -> Value:
        address = self._address(name)
        return self.program.outputs.get(address) or self.program.sources[address]

    def _state(self, value: Value) -> State:
        if value.source is not None:
            return "current"
        index = self._step_of.get(value.index)
        if index is None and value.call is not None:
            return self._state(value.call.operands[0])
        done = self.position if self.position else (len(self.steps) if self.iteration > self._from_iteration else 0)
        if index is not None and index < done:
            return "current"
        return "earlier" if self.iteration > self._from_iteration else "absent"

    def _gradient_of(self, value: Value) -> Value | None:
        return next((found[value.index] for found in self.program.gradients if value.index in found), None)

    def value(self, name: str) -> Array | None:
        """A copy of a node's output (or of `node.port`, `node.parameter`); None if it was not computed."""
        value = self._find(name)
        return None if self._state(value) == "absent" else self._machine.view(value).copy()

    def gradient(self, name: str) -> Array | None:
        """The derivative of the loss by an output or a parameter, in its shape; None if it was not computed."""
        gradient = self._gradient_of(self._find(name))
        if gradient is None or self._gradient_state(gradient) == "absent":
            return None
        return self._machine.view(gradient).copy()

    def _gradient_state(self, gradient: Value) -> State:
        if gradient.source is not None and self.program.losses:  # dL/dL = 1 stands from the moment there is a loss
            return self._state(self.program.losses[0])
        return self._state(gradient)

    def _parameter_values(self) -> dict[str, Value]:
        return {
            a: v
            for a, v in self.program.sources.items()
            if v.source and v.source.role in ("parameter", "constant") and v.source.trainable
        }

    @property
    def parameters(self) -> dict[str, Array]:
        """Copies of all parameters by `node.parameter`."""
        return {
            address: self._machine.view(value).copy()
            for address, value in self.program.sources.items()
            if value.source is not None and value.source.role == "parameter"
        }

    @property
    def loss(self) -> float | None:
        """The first phase's loss as last computed; None before that."""
        if not self.program.losses or self._state(self.program.losses[0]) == "absent":
            return None
        return float(self._machine.view(self.program.losses[0])[()])

    # touching --------------------------------------------------------------------------------

    def set_parameter(self, name: str, numbers: Any) -> None:
        """Put numbers into a parameter or a constant. Raises `ProblemError` for an unknown name or another shape."""
        value = self.program.sources.get(str(name))
        if value is None or value.source is None or value.source.role not in ("parameter", "constant"):
            raise ProblemError(
                Problem(
                    f"no parameter is called “{name}”",
                    did_you_mean(str(name), self._parameter_values()),
                    kind="unknown",
                )
            )
        self._touch(str(name), value, np.asarray(numbers, self.dtype))

    def set_setting(self, address: str, number: float) -> None:
        """Change a number that is a setting: `optimizer.learning_rate`, `scale_1.factor`. Nothing is planned anew."""
        value = self._setting(address)
        self._touch(value.source.address if value.source else address, value, np.asarray(number, self.dtype))

    def _setting(self, address: str) -> Value:
        sources = self.program.sources
        name = address
        if address.startswith("optimizer.") and self.document.training.phases:
            name = f"training.{self.document.training.phases[0].name}.{address.partition('.')[2]}"
        value = sources.get(name)
        if value is None or value.source is None or value.source.role not in ("setting", "constant"):
            known = [a for a, v in sources.items() if v.source and v.source.role == "setting"]
            raise ProblemError(
                Problem(f"no setting is called “{address}”", did_you_mean(address, known), kind="unknown")
            )
        return value

    def _touch(self, address: str, value: Value, numbers: Array) -> None:
        view = self._machine.view(value)
        if numbers.shape != view.shape or not np.isfinite(numbers).all():
            fact = f"“{address}” has the shape {view.shape}, and finite numbers of that shape are needed, not {numbers.shape}"
            raise ProblemError(Problem(fact, kind="shape"))
        self.timeline.intervene(self._moment, address, numbers)
        view[...] = numbers

    def _write(self, address: str, numbers: Array) -> None:
        value = self.program.sources.get(address)
        if value is not None:
            self._machine.view(value)[...] = numbers

    # side plans --------------------------------------------------------------------------------

    @property
    def side(self) -> SidePlan:
        """Plans of their own for prediction and evaluation; they never touch the live arena."""
        if self._side is None:
            self._side = SidePlan(self.document, self._dataset, self.dtype)
        return self._side

    def _lasting(self) -> dict[str, Array]:
        return {
            address: self._machine.view(value)
            for address, value in self.program.sources.items()
            if _lasts(value) or _is_setting(value)
        }

    def predict(self, inputs: Any) -> Array:
        """The prediction for some inputs, (rows, …features), by the parameters as they are now."""
        return self.side.predict(np.asarray(inputs, self.dtype), self._lasting())

    def evaluate(self, part: Literal["train", "test"] = "test") -> dict[str, float]:
        """Loss and metrics over all rows of a part of the data; empty where there are none."""
        return self.side.evaluate(part, self._lasting())

    def measure(self) -> dict[str, float]:
        """Evaluate both parts and write them into the history: `loss.training`, `accuracy.test` and so on."""
        self._evaluated = time.perf_counter()
        if self._dataset is None:
            return {}
        for part, name in (("train", "training"), ("test", "test")):
            for metric, number in self.evaluate(part).items():  # type: ignore[arg-type]
                self.metrics[f"{metric}.{name}"] = number
                self.history.add(f"{metric}.{name}", self.iteration, number)
        return dict(self.metrics)

    def _remember_loss(self) -> None:
        loss = self.loss
        if loss is not None:
            self.history.add("loss.batch", self.iteration, loss)

    # showing --------------------------------------------------------------------------------

    def explain(self, step: Step | None = None, row: int = 0, unit: int = 0) -> Explanation | None:
        """The formulas of a step (the last one played) for one row and one unit, with the numbers put in."""
        from engine.explain import explain

        shown = step or self.last_step
        return explain(self, shown, row, unit) if shown else None

    def snapshot(self) -> Snapshot:
        """All there is to show, copied."""
        machine, program = self._machine, self.program
        values: dict[str, Reading] = {}
        gradients: dict[str, Reading] = {}
        for address, value in program.outputs.items():
            values[address] = read(machine.view(value), self._state(value))
            self._add_gradient(gradients, address, value)
        parameters = {}
        for address, value in self._parameter_values().items():
            parameters[address] = read(machine.view(value), "current")
            self._add_gradient(gradients, address, value)
        rows = self.lowered.rows
        return Snapshot(
            revision=self.revision, iteration=self.iteration, epoch=self.epoch, steps=self.steps, last_step=self.last_step,
            next_step=self.next_step, loss=self.loss, rate=self._rate,
            row_indices=None if rows is None else machine.view(rows).copy(), values=values, gradients=gradients,
            parameters=parameters, previous_parameters=dict(self._previous),
            settings={a: float(machine.view(v)[()]) for a, v in program.sources.items() if _is_setting(v)},
            history=self.history.arrays(), metrics=dict(self.metrics), problem=self.problem, explanation=self.explain(),
        )  # fmt: skip

    def _add_gradient(self, gradients: dict[str, Reading], address: str, value: Value) -> None:
        gradient = self._gradient_of(value)
        if gradient is not None:
            gradients[address] = read(self._machine.view(gradient), self._gradient_state(gradient))


def _lasts(value: Value) -> bool:
    source = value.source
    return source is not None and (source.role in ("parameter", "state"))


def _is_setting(value: Value) -> bool:
    return value.source is not None and value.source.role == "setting"
