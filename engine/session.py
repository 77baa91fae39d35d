"""The one object the app drives: plays a document's tape, stepping or at full speed, and shows what is in it."""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

import engine.primitives  # noqa: F401  (registers them)
from engine.birth import birth_in
from engine.datasets import Dataset
from engine.drivers import Drivers
from engine.fuse import Fuser
from engine.history import History, last_good
from engine.initialisers import stream
from engine.inlining import inlined
from engine.lowering import Lowered, Lowering
from engine.machines.cpu import CpuMachine
from engine.machines.lanes import keep_free as keep_free  # who drives a session may want a processor for itself
from engine.playback import Playback, StepKind
from engine.problems import Problem, ProblemError, did_you_mean
from engine.program import Call, Program, Value, resolve
from engine.sideplan import SidePlan
from engine.snapshot import Array, Explanation, Reading, Snapshot, State, read
from engine.structure import Structure, numbers_of, seeded
from engine.tape import Step, Tape, initial_array, plan
from engine.timeline import Moment
from engine.training import AVERAGE, AVERAGED, Phase, Watch
from engine.weights_file import Weights, fitting_weights

if TYPE_CHECKING:
    from engine.document import Document
    from engine.explain import Explainer

METRICS_S = 0.25  # seconds between two evaluations while running
STOPPED = "stopped"  # the kind of problem that is none: training came to its end by itself
GO_ON = "To go on, raise the patience or let it stop never."


class Session:
    """A document being played. Whoever holds it is its only thread.

    Stepping plays the very instructions of full speed. `value` and `gradient` answer None for what was not computed.
    Raises `ProblemError` where the document holds nothing that can run, or the device is not there.
    """

    def __init__(self, document: Document, *, device: str = "cpu", dtype: str | None = None, revision: int = 0) -> None:
        if device != "cpu":
            raise ProblemError(Problem(f"there is no machine “{device}” here", 'Use device="cpu".', kind="device"))
        self._dtype_asked = dtype
        self._dataset: Dataset | None = None
        self._lowering, self._fuser = Lowering(), Fuser()
        self.problem: Problem | None = None
        document = inlined(document)
        self._open(document, revision, Structure(document), document.training.seed)
        self.reset()

    # the plan --------------------------------------------------------------------------------

    def _open(self, document: Document, revision: int, structure: Structure, seed: int) -> None:
        self._dataset, self._data_problems = document.load_data(getattr(self, "document", None))
        self.document, self.revision = document, revision
        self.dtype = self._dtype_asked or document.precision
        self._structure, self.seed = structure, seed
        with _collection_paused():
            self._plan(seeded(self.document, seed))

    def _plan(self, document: Document) -> None:
        self._planned = document
        self.lowered: Lowered = self._lowering.lower(document, self._dataset, self._structure)
        self.program: Program = self.lowered.program
        if not self.program.outputs:
            problems = [*self._data_problems, *self.lowered.problems]
            raise ProblemError(*(problems or [Problem("the canvas is empty", "Place a node.", kind="empty")]))
        self.tape: Tape = plan(
            self.program, self.lowered.batch, short=self.lowered.short, dtype=self.dtype, fuser=self._fuser
        )
        drivers = Drivers(document, self._dataset, self.lowered, self.dtype)
        self.playback = Playback(self.tape, self.lowered, drivers)
        self._side: SidePlan | None = None
        self._explainer: Explainer | None = None

    def edit(self, document: Document, revision: int) -> None:
        """Another document, another plan; parameters and states whose address and shape still fit keep their numbers.

        Where nothing but titles, places and slot numbers differ, the plan stays and so does the timeline. Otherwise a begun
        iteration begins again, with the parameters it began with (or those set by hand since): no update counts twice.
        Raises `ProblemError` where nothing can run; the session then stays as it was.
        """
        document = inlined(document)
        is_reseeded = document.training.seed != self.document.training.seed
        seed = document.training.seed if is_reseeded else self.seed
        structure = Structure(seeded(document, seed), self._structure)
        if self._has_data_of(document) and structure.is_same(self._structure):
            self._retune(document, revision)
            return
        kept = self._kept()
        clock = [int(entry) for entry in self._machine.clock]
        before = dict(self.__dict__)
        try:
            self._open(document, revision, structure, seed)
        except BaseException:
            if self.lowered is not before["lowered"]:
                self._lowering.take_back()
            self.__dict__.update(before)
            raise
        self._fill(kept)
        self.problem = None
        self._watch = Watch()
        self._previous: dict[str, Reading] = {}
        self.playback.begin(*clock)

    def _has_data_of(self, document: Document) -> bool:
        """Whether another document learns from the very data of this one, with the same precision."""
        mine, its = self.document.data, document.data
        same = mine.keys() == its.keys() and all(part is its[name] for name, part in mine.items())
        return same and (self._dtype_asked or document.precision) == self.dtype

    def _kept(self) -> dict[str, Array]:
        """Parameters and states as they were when this iteration began, or as a hand has set them since."""
        playback = self.playback
        lasting = {address: value for address, value in self.program.sources.items() if _lasts(value)}
        begun = Moment(playback.iteration, 0)
        touched = {entry.address for entry in playback.timeline.interventions if entry.moment > begun}
        return {
            address: self._machine.view(value).copy()
            if address in touched or not playback.position
            else playback.as_begun(value)
            for address, value in lasting.items()
            if self.tape.places[value.index] is not None
        }

    def _is_stopped(self) -> bool:
        return self.problem is not None and self.problem.kind == STOPPED

    def _retune(self, document: Document, revision: int) -> None:
        self.document, self.revision = document, revision
        if self._is_stopped():
            self.problem = None
        slots = self._slots
        for address, number in numbers_of(document, slots).items():
            value = slots[address]
            wanted = np.asarray(number, self.dtype)
            if not np.array_equal(wanted, self._machine.view(value)):
                self._touch(address, value, wanted)

    def reset(self, seed: int | None = None) -> None:
        """Back to the start: all that is drawn at random is drawn anew from the seed (None: the document's), iteration 0."""
        seed = self.document.training.seed if seed is None else seed
        if seed != self.seed:  # layers that draw and the order of the data have their keys in the plan
            document = seeded(self.document, seed)
            self._open(self.document, self.revision, Structure(document, self._structure), seed)
        self._machine.integers[:] = 0
        self._fill({})
        self.problem = None
        self._watch = Watch()
        self.history = History()
        self.metrics: dict[str, float] = {}
        self._rate, self._evaluated = 0.0, 0.0
        self._previous = {}
        self.playback.begin()

    def _fill(self, kept: Mapping[str, Array]) -> None:
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
                view[...] = source.initial(view.shape, stream(self.seed, address))
            else:
                view[...] = initial_array(value, view.shape, view.dtype)
        slots = self._slots
        for address, number in numbers_of(self.document, slots).items():  # a plan outlives changes of its numbers
            self._machine.view(slots[address])[...] = number

    @property
    def _slots(self) -> dict[str, Value]:
        """Numbers of the plan that a hand changes, by their address."""
        return {value.source.address: value for value in self.tape.slots if value.source is not None}

    def _fill_data(self, address: str, view: Array) -> None:
        if self._dataset is None:
            view[...] = 0
            return
        table = self._dataset.inputs if address == "data.inputs" else self._dataset.targets
        view[...] = table[self._dataset.train_rows].reshape(view.shape)

    @property
    def weights(self) -> Weights:
        """Copies of all that lasts, as the iteration in hand found it: enough to go on exactly, see `resume`."""
        clock = dict(zip(("iteration", "epoch", "within"), map(int, self._machine.clock), strict=True))
        return Weights(self._kept(), {**clock, "seed": self.seed})

    def resume(self, weights: Weights) -> list[Problem]:
        """Go on from numbers that were kept. What does not fit is named, and starts as after `reset`."""
        wanted = {
            address: self._machine.view(value)
            for address, value in self.program.sources.items()
            if _lasts(value) and self.tape.places[value.index] is not None
        }
        fitting, problems = fitting_weights(weights.arrays, wanted)
        self.reset(weights.clock["seed"])
        self._fill(fitting)
        self.playback.begin(*(weights.clock[name] for name in ("iteration", "epoch", "within")))
        return problems

    def prepare(self, progress: Callable[[int, int], None] | None = None) -> None:
        """Compile or load all kernels of the plan now: seconds on the very first start; `progress(done, all)` may show them."""
        self._machine.prepare(progress)

    # time ----------------------------------------------------------------------------------------

    @property
    def _machine(self) -> CpuMachine:
        return self.playback.machine

    @property
    def iteration(self) -> int:
        """How many updates have been done."""
        return self.playback.iteration

    @property
    def epoch(self) -> int:
        """How many times all rows have been seen."""
        return self.playback.epoch

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps of the iteration that is begun or comes next, in the order they are played."""
        return self.playback.steps

    @property
    def last_step(self) -> Step | None:
        """The step played last; None at the start."""
        return self.playback.last_step

    @property
    def next_step(self) -> Step | None:
        """The step that → would play."""
        return self.playback.next_step

    def step(self, kind: StepKind = "node") -> Step | None:
        """Play one node, or to the end of the part (forward, backward, update), the iteration, the epoch."""
        if not self.steps or self.problem is not None:
            return self.last_step
        self.playback.timeline.forget_after(self.playback.moment)
        if kind == "epoch":
            epoch = self.epoch
            while self.epoch == epoch and self.problem is None:
                self.run(self.lowered.iterations - self.playback.within)
            return self.last_step
        first = self._play_step()
        while kind != "node" and self.playback.position and self.problem is None:
            following = self.steps[self.playback.position]
            if kind == "phase" and (following.part, following.phase) != (first.part, first.phase):
                break
            self._play_step()
        return self.last_step

    def step_back(self, kind: StepKind = "node") -> None:
        """Undo steps: every value is again what it was, bit for bit. At the start nothing happens."""
        moment = self.playback.moment_before(kind)
        if moment is not None:
            self.problem, self._previous = None, {}
            self.playback.go_to(moment)
            self._watch.forget_after(self.iteration)

    def step_back_to_good(self) -> int:
        """Return to the last iteration before the loss exploded, bit for bit; which one that is."""
        curve = self._loss_curve().get("loss.batch", np.zeros((0, 2)))
        earliest = self.playback.timeline.earliest
        good = max(earliest, last_good(curve[curve[:, 0] <= self.iteration]) or earliest)
        self.problem, self._previous = None, {}
        self.playback.go_to(Moment(good, 0))
        self._watch.forget_after(good)
        return good

    def run(self, iterations: int) -> int:
        """Play that many iterations (a begun one is finished first and counts).

        Fewer where a number stops being finite: `problem` then says where, and the session stands behind that step.
        """
        if not self.steps or self.problem is not None:
            return 0
        self.playback.timeline.forget_after(self.playback.moment)
        begun = self.iteration
        while self.playback.position and self.problem is None:
            self._play_step()
        self._previous = {}
        if self.problem is None:
            try:
                is_finite = self._run_whole(iterations - (self.iteration - begun))
            except ProblemError as error:  # a driver cannot decide
                self.problem = error.problems[0]
                return max(0, self.iteration - begun)
            # Where nothing learns nothing raises the flag either, and the loss is all there is to watch.
            if not is_finite or (self.iteration > begun and not self._loss_is_finite()):
                self._find_birth()
        return max(0, self.iteration - begun)

    def _run_whole(self, iterations: int) -> bool:
        """Whole iterations; where early stopping watches, epoch by epoch. False when a kernel raised the flag."""
        end = self.iteration + iterations
        while self._stopping is not None and self.iteration < end and self.problem is None:
            if not self.playback.run(min(self.lowered.iterations - self.playback.within, end - self.iteration)):
                return False
            self._watch_epoch()
        return self._stopping is not None or self.playback.run(iterations)

    @property
    def _stopping(self) -> Phase | None:
        """The phase that may end training."""
        return next((phase for phase in self.document.training.phases if phase.stopping.type != "never"), None)

    def _watch_epoch(self) -> None:
        """At the end of an epoch: stop where the loss that is watched has not been better for too long."""
        phase = self._stopping
        if phase is None or self.playback.position or self.playback.within:
            return
        watched, goes_back = phase.stopping.words["watch"], phase.stopping.words["restore_best"]
        loss = self.evaluate("test" if watched == "test" else "train").get("loss")
        numbers = [self.program.sources.get(phase.address("stopping", name)) for name in ("patience", "least")]
        patience, least = (math.inf if value is None else float(self._machine.view(value)) for value in numbers)
        if loss is None or not self._watch.note(self.iteration, self.epoch, loss, patience, least):
            return
        best = self._watch.bests[-1]
        if goes_back:
            self.playback.go_to(Moment(best.iteration, 0))
        fact = f"stopped early: the {watched} loss was best in epoch {best.epoch}, {best.loss:.6g}"
        mend = f"Its parameters are back. {GO_ON}" if goes_back else GO_ON
        self.problem = Problem(fact, mend, severity="warning", kind=STOPPED)

    def _loss_is_finite(self) -> bool:
        loss = self.loss
        return loss is None or math.isfinite(loss)

    def run_for(self, seconds: float) -> int:
        """Play iterations for about that long; the chunk of a window that wants to stay awake."""
        started = time.perf_counter()
        done = self.run(max(1, int(self._rate * seconds)))
        elapsed = time.perf_counter() - started
        while elapsed < seconds * 0.5 and self.problem is None and self.steps:
            done += self.run(max(1, int(done * (seconds - elapsed) / max(elapsed, 1e-6) * 0.8)))
            elapsed = time.perf_counter() - started
        self._rate = done / max(elapsed, 1e-9)
        if started - self._evaluated > METRICS_S:
            self.measure()
        return done

    def _play_step(self) -> Step:
        playback = self.playback
        if playback.position == 0:
            playback.checkpoint()
            self._previous = {}
        playing = self.steps[playback.position]
        if playing.part == "update" and not self._previous:
            self._previous = {a: read(self._machine.view(v), "current") for a, v in self._learned().items()}
        try:
            playback.play_step()
        except ProblemError as error:  # a driver cannot decide
            self.problem = error.problems[0]
            return playing
        self._machine.lower_flag()
        self.problem = birth_in(playback, playing, self.document.graph)
        if self.problem is None:
            self._watch_epoch()
        return playing

    def _find_birth(self) -> None:
        """A kernel raised the flag: play the last iteration again, step by step, up to the first call that failed."""
        self.playback.go_to(Moment(self.iteration - 1, 0))
        for step in self.steps:
            self.playback.play_step()
            self.problem = birth_in(self.playback, step, self.document.graph)
            self._machine.lower_flag()
            if self.problem is not None:
                return
        fact = f"a number stopped being finite at iteration {self.iteration - 1}"
        self.problem = Problem(fact, "Lower the learning rate.", kind="finite")

    # reading --------------------------------------------------------------------------------

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
        index = self.tape.position.get(value.call.origin) if is_there and value.call is not None else None
        if index is None or not self.playback.is_done(index):
            return "earlier" if self.playback.has_history else "absent"
        return "current"

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
        memory = self._machine.integers if value.kind == "whole" else self._machine.arena
        return memory[region.offset : region.offset + math.prod(shape)].reshape(shape)

    def left_by_update(self, value: Value) -> Array | None:
        """A parameter or state as an update of the iteration looked at left it; None where no hand has set it since."""
        return self.playback.left.get(value.index)

    def before_update(self, value: Value) -> Array | None:
        """A parameter or state as it was before an update of the iteration looked at; None where none has touched it."""
        return self.playback.before.get(value.index)

    def _read(self, value: Value, state: State | None = None) -> Reading:
        state = self.state_of(value) if state is None else state
        return read(self.memory_of(value), state)

    def _gradient_of(self, value: Value) -> Value | None:
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
        gradient = self._gradient_of(self._find(name))
        if gradient is None or self.gradient_state(gradient) == "absent":
            return None
        return self.memory_of(gradient).copy()

    def gradient_state(self, gradient: Value) -> State:
        """As `state_of`, for a gradient."""
        if gradient.source is not None and self.program.objectives:  # dL/dL = 1 stands from the moment there is a loss
            return self.state_of(self.program.objectives[0])
        return self.state_of(gradient)

    def _learned(self) -> dict[str, Value]:
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
        if not self.program.objectives or self.state_of(self.program.objectives[0]) == "absent":
            return None
        return float(self._machine.view(self.program.objectives[0])[()])

    # touching --------------------------------------------------------------------------------

    def set_parameter(self, name: str, numbers: Any) -> None:
        """Put numbers into a parameter or a constant. Raises `ProblemError` for an unknown name or another shape."""
        value = self.program.sources.get(str(name))
        if value is None or value.source is None or value.source.role not in ("parameter", "constant"):
            raise ProblemError(
                Problem(
                    f"no parameter is called “{name}”",
                    did_you_mean(str(name), self._learned()),
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
        if self._is_stopped():
            self.problem = None
        if self.problem is not None:
            self.step_back("iteration")  # a stopped run goes on from the last moment at which all was finite
        if self.playback.set_by_hand(value, address, numbers):
            births = (
                birth_in(self.playback, step, self.document.graph) for step in self.steps[: self.playback.position]
            )
            self.problem = next((problem for problem in births if problem is not None), None)
            self._machine.lower_flag()

    # side plans --------------------------------------------------------------------------------

    @property
    def dataset(self) -> Dataset | None:
        """The data that is learned from; None where the document has none."""
        return self._dataset

    @property
    def side(self) -> SidePlan:
        """Plans of their own for prediction and evaluation; they never touch the live arena."""
        if self._side is None:
            self._side = SidePlan(self._planned, self._dataset, self.dtype)
        return self._side

    def _lasting(self) -> dict[str, Array]:
        return {
            address: self._machine.view(value)
            for address, value in self.program.sources.items()
            if (_lasts(value) or _is_setting(value) or _is_dragged(value)) and self.tape.places[value.index] is not None
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
            if count is None or self._machine.view(count) == 0:
                continue
            if used_for and phase.averaging.words.get("used_for") != used_for:
                continue
            for address in [address for address, value in sources.items() if value.source and value.source.trainable]:
                mean = sources.get(f"{address}.{phase.name}.{AVERAGE}")
                if mean is not None:
                    means[address] = self._machine.view(mean)
        return means

    def predict(self, inputs: Any) -> Array:
        """The prediction for some inputs, (rows, …features), by the parameters as they are now.

        Inputs are in the units of the data, as they were measured: where training standardises the data, they are
        standardised here by the same means and deviations. Raises `ProblemError` where nothing predicts, or the inputs are
        no numbers of that shape.
        """
        try:
            rows = np.asarray(inputs, np.float64)
        except (TypeError, ValueError):
            fact = "inputs are numbers, (rows, features), and these cannot be read as such"
            raise ProblemError(Problem(fact, "Give every row as many numbers.", kind="shape")) from None
        if self._dataset is not None:
            rows = self._dataset.standardise(rows)
        return self.side.predict(rows.astype(self.dtype), self._lasting())

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

    # showing --------------------------------------------------------------------------------

    def explain(self, step: Step | None = None, row: int = 0, unit: int = 0) -> Explanation | None:
        """The formulas of a step (the last one played) for one row and one unit, with the numbers put in."""
        shown = step or self.last_step
        return self.explainer.explain(shown, row, unit) if shown else None

    @property
    def explainer(self) -> Explainer:
        """Formulas, curves and factors of this plan; keeps the little plans that compute local derivatives."""
        from engine.explain import Explainer

        if self._explainer is None:
            self._explainer = Explainer(self)
        return self._explainer

    def snapshot(self) -> Snapshot:
        """All there is to show, copied."""
        machine, program = self._machine, self.program
        values: dict[str, Reading] = {}
        gradients: dict[str, Reading] = {}
        for address in program.outputs:
            value = self.output(address)
            values[address] = self._read(value)
            self._add_gradient(gradients, address, value)
        for alias, source in program.aliases.items():
            values[alias] = values[source]
            if source in gradients:
                gradients[alias] = gradients[source]
        parameters = {}
        for address, value in self._learned().items():
            parameters[address] = self._read(value)
            self._add_gradient(gradients, address, value)
        rows = self.lowered.rows
        return Snapshot(
            revision=self.revision, iteration=self.iteration, epoch=self.epoch,
            steps=self.playback.steps_looked_at, last_step=self.last_step,
            next_step=self.next_step, loss=self.loss, rate=self._rate,
            row_indices=None if rows is None or self.state_of(rows) == "absent" else self.memory_of(rows).copy(),
            values=values, gradients=gradients,
            parameters=parameters, previous_parameters=dict(self._previous),
            settings={a: float(machine.view(v)[()]) for a, v in program.sources.items() if _is_setting(v)},
            history=self.history.arrays() | self._loss_curve(), metrics=dict(self.metrics), problem=self.problem,
            explanation=self.explain(),
        )  # fmt: skip

    def _loss_curve(self) -> dict[str, Array]:
        """Every loss that was computed, `loss.batch` of the first phase, `loss.batch.1` of the second, and so on.

        (iteration, loss) rows, or each bin's lowest and highest where they are merged. What a node notes of its own is
        called by it: `score_1.curve`.
        """
        rings = [call for call in self.program.calls if call.primitive.name == "history_ring"]
        named = {ring.operands[0].source.address: ring for ring in rings if ring.operands[0].source is not None}
        own = {address.removesuffix("_history"): ring for address, ring in named.items()
               if address.endswith(".curve_history")}  # fmt: skip
        rings = [ring for ring in rings if ring not in own.values()]
        first = min([ring.origin.phase for ring in rings], default=0)
        return {
            f"loss.batch.{ring.origin.phase}" if ring.origin.phase > first else "loss.batch": self._losses_in(ring)
            for ring in rings
        } | {name: self._losses_in(ring) for name, ring in own.items()}

    def _losses_in(self, ring: Call) -> Array:
        bins, counters, _ = ring.operands
        begun, width, filled = (int(number) for number in self._machine.view(counters))
        kept = self._machine.view(bins)[:begun].astype(np.float64)
        # A loss that was chosen in the middle of a run has a history from there on.
        noted = (begun - 1) * width + filled if begun else 0
        written = self.iteration + (
            self.playback.position > 0 and self.playback.is_done(self.tape.position[ring.origin])
        )
        turns, is_own = self.program.turns, ring.operands[2] not in self.program.objectives
        stretch = 1.0 if not turns or is_own else len(turns) / turns.count(ring.origin.phase)  # iterations between two
        starts = written - stretch * (noted - np.arange(begun) * float(width))
        if width <= 1:
            return np.column_stack([starts, kept[:, 2]])
        return np.column_stack([np.repeat(starts, 2), kept[:, :2].reshape(-1)])

    def _add_gradient(self, gradients: dict[str, Reading], address: str, value: Value) -> None:
        gradient = self._gradient_of(value)
        if gradient is not None:
            gradients[address] = self._read(gradient, self.gradient_state(gradient))


def _lasts(value: Value) -> bool:
    source = value.source
    return source is not None and (
        source.role in ("parameter", "state") or (source.role == "constant" and source.trainable)
    )


def _is_setting(value: Value) -> bool:
    return value.source is not None and value.source.role == "setting"


def _is_dragged(value: Value) -> bool:
    return value.source is not None and value.source.role == "constant" and value.source.trainable


@contextmanager
def _collection_paused() -> Iterator[None]:
    """Planning makes thousands of small objects that all stay: looking for cycles among them doubled its time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
