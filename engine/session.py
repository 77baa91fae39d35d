"""The one object the app drives: plays a document's tape, stepping or at full speed, and shows what is in it."""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

import engine.primitives  # noqa: F401  (registers them)
from engine.birth import birth_in
from engine.datasets import Dataset
from engine.drivers import Drivers
from engine.filling import fill, kept_numbers, take_over
from engine.history import History, last_good
from engine.inlining import inlined
from engine.looking import lasts
from engine.lowering import Lowered, Lowering, lower
from engine.machines.cpu import CpuMachine
from engine.machines.lanes import keep_free as keep_free  # who drives a session may want a processor for itself
from engine.measuring import Measuring
from engine.playback import Playback, StepKind
from engine.problems import Problem, ProblemError, did_you_mean
from engine.program import Program
from engine.showing import loss_curves, snapshot_of
from engine.snapshot import Array, Explanation, Reading, Snapshot, read
from engine.structure import Structure, numbers_of, seeded
from engine.tape import Kept, Step, Tape, plan
from engine.timeline import Moment
from engine.training import STOPPED, Phase, Watch
from engine.values import Value
from engine.weights_file import Weights, fitting_weights

if TYPE_CHECKING:
    from engine.document import Document
    from engine.explain import Explainer

METRICS_S = 0.25  # seconds between two evaluations while running


class Session(Measuring):
    """A document being played. Whoever holds it is its only thread.

    Stepping plays the very instructions of full speed. `value` and `gradient` answer None for what was not computed.
    Raises `ProblemError` where the document holds nothing that can run, or the device is not there.

    lowering  what somebody has lowered this document with, and will not touch again
    """

    def __init__(
        self,
        document: Document,
        *,
        device: str = "cpu",
        dtype: str | None = None,
        revision: int = 0,
        lowering: Lowering | None = None,
    ) -> None:
        if device != "cpu":
            raise ProblemError(Problem(f"there is no machine “{device}” here", 'Use device="cpu".', kind="device"))
        self._dtype_asked = dtype
        self._dataset: Dataset | None = None
        self._lowering, self._kept = lowering or Lowering(), Kept()
        self.problem: Problem | None = None
        document = inlined(document)
        self._open(document, revision, self._lowering.structure_of(document), document.training.seed)
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
        lowered, kept = self.lowered, self._kept
        self.tape: Tape = plan(
            self.program, lowered.batch, short=lowered.short, dtype=self.dtype, stretches=lowered.stretches, kept=kept
        )
        drivers = Drivers(document, self._dataset, self.lowered, self.dtype)
        self.playback = Playback(self.tape, self.lowered, drivers)
        self._side = None
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
        playback, dataset = self.playback, self._dataset
        clock = [int(entry) for entry in self._machine.clock]
        before = dict(self.__dict__)
        try:
            self._open(document, revision, structure, seed)
        except BaseException:
            if self.lowered is not before["lowered"]:
                self._lowering.take_back()
            self.__dict__.update(before)
            raise
        said, same_data = self._said, self._dataset is dataset
        take_over(self.playback, playback, self.seed, self._dataset, same_data=same_data, said=said)
        self._fill_slots(said)
        self.problem = None
        self._watch = Watch()
        self.previous: dict[str, Reading] = {}
        self.playback.begin(*clock)

    def _has_data_of(self, document: Document) -> bool:
        """Whether another document learns from the very data of this one, with the same precision."""
        mine, its = self.document.data, document.data
        same = mine.keys() == its.keys() and all(part is its[name] for name, part in mine.items())
        return same and (self._dtype_asked or document.precision) == self.dtype

    def _is_stopped(self) -> bool:
        return self.problem is not None and self.problem.kind == STOPPED

    def _retune(self, document: Document, revision: int) -> None:
        if self.lowered.problems and document.graph.names != self.document.graph.names:  # what is told names them
            self.lowered.problems = lower(seeded(document, self.seed), self._dataset).problems
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
        self.metrics = {}
        self.rate, self._evaluated = 0.0, 0.0
        self.previous = {}
        self.playback.begin()

    def _fill(self, kept: Mapping[str, Array]) -> None:
        fill(self.playback, kept, self.seed, self._dataset)
        self._fill_slots(self._said)

    @property
    def _said(self) -> dict[str, Any]:
        """The numbers of the document that fill slots, by their address."""
        return numbers_of(self.document, self._slots)

    def _fill_slots(self, said: Mapping[str, Any]) -> None:
        machine, sources, places = self._machine, self.program.sources, self.tape.places
        for address, number in said.items():  # a plan outlives changes of its numbers
            value = sources[address]
            if value.shape or value.kind == "whole":
                machine.view(value)[...] = number
            else:
                machine.arena[places.offsets[value.index]] = number

    @property
    def _slots(self) -> dict[str, Value]:
        """Numbers of the plan that a hand changes, by their address."""
        return {value.source.address: value for value in self.tape.slots if value.source is not None}

    @property
    def weights(self) -> Weights:
        """Copies of all that lasts, as the iteration in hand found it: enough to go on exactly, see `resume`."""
        clock = dict(zip(("iteration", "epoch", "within"), map(int, self._machine.clock), strict=True))
        return Weights(kept_numbers(self.playback), {**clock, "seed": self.seed})

    def resume(self, weights: Weights) -> list[Problem]:
        """Go on from numbers that were kept. What does not fit is named, and starts as after `reset`."""
        wanted = {
            address: self._machine.view(value)
            for address, value in self.program.sources.items()
            if lasts(value) and self.tape.places[value.index] is not None
        }
        fitting, problems = fitting_weights(weights.arrays, wanted)
        self.reset(weights.clock["seed"])
        self._fill(fitting)
        self.playback.begin(*(weights.clock[name] for name in ("iteration", "epoch", "within")))
        return problems

    def prepare(self, progress: Callable[[int, int], None] | None = None) -> None:
        """Compile or load all kernels of the plan now: seconds on the very first start; `progress(done, all)` may show them."""
        players = self.playback.drivers.players
        self._machine.prepare(progress, before=players.machines, first=players.orders)

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
    def steps(self) -> Sequence[Step]:
        """The steps of the iteration that is begun or comes next, in the order they are played."""
        return self.playback.steps

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
            self.problem, self.previous = None, {}
            self.playback.go_to(moment)
            self._watch.forget_after(self.iteration)

    def step_back_to_good(self) -> int:
        """Return to the last iteration before the loss exploded, bit for bit; which one that is."""
        curve = loss_curves(self.playback).get("loss.batch", np.zeros((0, 2)))
        earliest = self.playback.timeline.earliest
        good = max(earliest, last_good(curve[curve[:, 0] <= self.iteration]) or earliest)
        self.problem, self.previous = None, {}
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
        self.previous = {}
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
        loss = self.evaluate("test" if phase.stopping.words["watch"] == "test" else "train").get("loss")
        numbers = [self.program.sources.get(phase.address("stopping", name)) for name in ("patience", "least")]
        patience, least = (math.inf if value is None else float(self._machine.view(value)) for value in numbers)
        if loss is not None and self._watch.note(self.iteration, self.epoch, loss, patience, least):
            if phase.stopping.words["restore_best"]:
                self.playback.go_to(Moment(self._watch.bests[-1].iteration, 0))
            self.problem = self._watch.verdict(phase.stopping.words)

    def _loss_is_finite(self) -> bool:
        loss = self.loss
        return loss is None or math.isfinite(loss)

    def run_for(self, seconds: float) -> int:
        """Play iterations for about that long; the chunk of a window that wants to stay awake."""
        started = time.perf_counter()
        done = self.run(max(1, int(self.rate * seconds)))
        elapsed = time.perf_counter() - started
        while elapsed < seconds * 0.5 and self.problem is None and self.steps:
            done += self.run(max(1, int(done * (seconds - elapsed) / max(elapsed, 1e-6) * 0.8)))
            elapsed = time.perf_counter() - started
        self.rate = done / max(elapsed, 1e-9)
        if started - self._evaluated > METRICS_S:
            self.measure()
        return done

    def _play_step(self) -> Step:
        playback = self.playback
        if playback.position == 0:
            playback.checkpoint()
            self.previous = {}
        playing = self.steps[playback.position]
        if playing.part == "update" and not self.previous:
            self.previous = {a: read(self._machine.view(v), "current") for a, v in self.learned().items()}
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

    # touching --------------------------------------------------------------------------------

    def set_parameter(self, name: str, numbers: Any) -> None:
        """Put numbers into a parameter or a constant. Raises `ProblemError` for an unknown name or another shape."""
        value = self.program.sources.get(str(name))
        if value is None or value.source is None or value.source.role not in ("parameter", "constant"):
            raise ProblemError(
                Problem(
                    f"no parameter is called “{name}”",
                    did_you_mean(str(name), self.learned()),
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
        return snapshot_of(self)


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
