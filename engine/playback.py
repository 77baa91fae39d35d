"""Time: where in an iteration a tape stands, how it moves on, and how it comes back to any moment with the same bits."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any, Literal

import numpy as np

from engine.drivers import Drivers
from engine.lowering import Lowered
from engine.machines.cpu import CpuMachine
from engine.overwritten import Overwritten, moved_by_several, written_by_step
from engine.tape import Step, Tape
from engine.timeline import Checkpoint, Intervention, Moment, Timeline
from engine.values import Value

Array = np.ndarray[Any, np.dtype[Any]]
StepKind = Literal["node", "phase", "iteration", "epoch"]
LARGEST_KEPT = 65536  # entries; of more, running keeps no copy of what its last update wrote over
BLOCK_S = 0.05  # seconds of play between two checkpoints: what a step back has to play again at the most
# Where a checkpoint takes long, memory that nobody has touched before is dear: it may come so many times its own time apart.
BLOCK_CHECKPOINTS, LONGEST_BLOCK_S = 100, 0.2


class Playback:
    """A tape, its machine, and the place between two steps where it stands.

    `position` steps of iteration `iteration` have been played.
    """

    def __init__(self, tape: Tape, lowered: Lowered, drivers: Drivers) -> None:
        self.tape, self.lowered, self.drivers = tape, lowered, drivers
        self.machine = CpuMachine(tape)
        self.machine.set_epoch(lowered.full_iterations, lowered.iterations)
        self.position = 0
        self.begun_at = 0  # the iteration that a reset or an edit began with: nothing was computed before it
        self.timeline = Timeline()
        self.overwritten = Overwritten()  # by the updates of the iteration looked at
        self.is_recomputed = False  # the iteration looked at was computed once more, with what a hand has set since
        self._begun: Checkpoint | None = None  # what lasts, as the begun iteration found it
        self._block = 64  # iterations between two checkpoints: grows until they take BLOCK_S
        self._checkpoint_s = 0.0  # seconds that the last one took

    @cached_property
    def _written(self) -> list[list[Value]]:
        return written_by_step(self.tape)

    @cached_property
    def _is_contested(self) -> bool:
        """Whether two phases of one iteration move the same parameter: what is between them is seen step by step only."""
        return any(moved_by_several(steps, self._written) for steps in self.tape.turns)

    def begin(self, iteration: int = 0, epoch: int = 0, within: int = 0) -> None:
        """Stand at the beginning of an iteration, with a fresh timeline and nothing computed."""
        self.machine.clock[:] = (iteration, epoch, within if within < self.lowered.iterations else 0)
        self.machine.lower_flag()
        self.position, self.begun_at = 0, iteration
        self.timeline = Timeline()
        self._forget_updates()
        self.checkpoint()

    # where it stands -------------------------------------------------------------------------

    @property
    def iteration(self) -> int:
        """How many updates have been done."""
        return int(self.machine.clock[0])

    @property
    def epoch(self) -> int:
        """How many times all rows have been seen."""
        return int(self.machine.clock[1])

    @property
    def within(self) -> int:
        """Iterations done of this epoch."""
        return int(self.machine.clock[2])

    @property
    def moment(self) -> Moment:
        """The place between two steps."""
        return Moment(self.iteration, self.position)

    @property
    def steps(self) -> Sequence[Step]:
        """The steps of the iteration that is begun or comes next."""
        return self.steps_at(self.iteration)

    def steps_at(self, iteration: int) -> Sequence[Step]:
        """The steps of an iteration; which they are depends on whose turn it is."""
        turns = self.tape.turns
        return turns[iteration % len(turns)]

    @property
    def cycle(self) -> int:
        """After how many iterations it is the same turn again: 1 where phases do not take turns."""
        return len(self.tape.turns)

    @property
    def steps_looked_at(self) -> Sequence[Step]:
        """The steps of the iteration that is looked at: the begun one, or else the last one."""
        return self.steps if self.position or not self.has_history else self.steps_at(self.iteration - 1)

    @property
    def has_history(self) -> bool:
        """Whether a whole iteration was played since the beginning."""
        return self.iteration > self.begun_at

    @property
    def last_step(self) -> Step | None:
        """The step played last; None at the beginning."""
        if self.position:
            return self.steps[self.position - 1]
        return self.steps_looked_at[-1] if self.steps_looked_at and self.has_history else None

    @property
    def next_step(self) -> Step | None:
        """The step that would be played next."""
        return self.steps[self.position] if self.steps else None

    def is_done(self, step: int) -> bool:
        """Whether the step of that index belongs to the iteration that is being looked at, and was played."""
        looked_at = self.steps_looked_at
        count = self.position or (len(looked_at) if self.has_history else 0)
        if not count or step > looked_at[count - 1].index:
            return False
        return self.cycle == 1 or any(step == played.index for played in looked_at[:count])

    def was_done(self, step: int) -> bool:
        """Whether the step of that index was played in an iteration before this one; of a phase: in a turn of its own."""
        if self.cycle == 1 or not self.has_history:
            return self.has_history
        origin, turns = self.tape.steps[step].origin, self.tape.program.turns
        before = range(max(self.begun_at, self.iteration - self.cycle), self.iteration)
        return origin.part in ("batch", "forward") or any(turns[at % self.cycle] == origin.phase for at in before)

    @property
    def has_updated(self) -> bool:
        """Whether an update of the iteration looked at was played."""
        if self.position == 0:
            return self.has_history
        return any(step.part == "update" for step in self.steps[: self.position])

    @property
    def is_outdated(self) -> bool:
        """Whether a hand set numbers between the updates: what was computed before is no longer what they give."""
        iteration, position = self.moment
        for entry in reversed(self.timeline.interventions):
            if entry.moment.iteration < iteration:
                break
            if entry.moment.iteration == iteration and 0 < entry.moment.position <= position and entry.is_computed_with:
                return True
        return False

    def rows_of(self, iterations_ago: int) -> int:
        """Rows in the batch of the iteration looked at (0), or of the one before it (1)."""
        ago = iterations_ago + (1 if self.position == 0 and self.has_history else 0)
        return self.tape.short if self._is_short(self.within - ago) else self.tape.batch

    def _is_short(self, within: int) -> bool:
        return bool(self.tape.short) and within % self.lowered.iterations >= self.lowered.full_iterations

    # moving on -----------------------------------------------------------------------------------

    def play_step(self) -> Step:
        """Play the next step's instructions; the clock moves with the last one of an iteration."""
        machine, step = self.machine, self.steps[self.position]
        if self.position == 0:
            self._forget_updates()
            self._begun = self._taken()
            if self.drivers.players:
                self.drivers.players.play(machine, self.drivers.watch)
        if step.part == "update":
            apart = self.tape.moves_apart(step.phase)
            self._keep([step] if apart else [other for other in self.steps if other.phase == step.phase])
        if self.drivers and step.part == "update":
            self._let_decide()
        machine.play(step, short=self._is_short(self.within))
        self.position += 1
        if self.position == len(self.steps):
            self.position = 0
            machine.clock[0] += 1
            machine.clock[2] += 1
            if machine.clock[2] >= self.lowered.iterations:
                machine.clock[1:] = (machine.clock[1] + 1, 0)
        return step

    def _let_decide(self) -> None:
        """Before the first update of an iteration: drivers fill the directions and lengths of those that follow."""
        if self.position and self.steps[self.position - 1].part == "update":
            return
        phases = dict.fromkeys([step.phase for step in self.steps[self.position :]])
        for value in self.drivers.written(phases):
            for phase in phases:
                self.overwritten.keep(value, phase, self.machine.view(value))
        self.drivers.decide(self.machine, phases)

    def run(self, iterations: int) -> bool:
        """Play whole iterations from the beginning of one; False when a kernel raised the flag.

        The last iteration (of every turn) is one that is looked at: it also computes what fusing leaves out.
        """
        end, shown = self.iteration + iterations, self.cycle  # of every turn the last one can be looked at
        while (left := end - self.iteration) > 0:
            if left > shown:
                self.checkpoint(ago=shown)  # as far back lies the one before the last iteration of the run before
                started = time.perf_counter()
                done = self._iterate(min(self._block, left - shown))
                pace = done / max(time.perf_counter() - started, 1e-6)
                seconds = min(max(BLOCK_S, BLOCK_CHECKPOINTS * self._checkpoint_s), LONGEST_BLOCK_S)
                self._block = max(1, min(4 * self._block, int(seconds * pace)))
            else:
                self.checkpoint()
                self._iterate_shown()
            if self.machine.flag:
                return False
        return True

    def _iterate_shown(self) -> int:
        """The iteration that is looked at; of small networks also what its updates write over."""
        self._forget_updates()
        written = [value for values in self._written for value in values]
        if sum(self.tape.region(value).size for value in written) > LARGEST_KEPT:
            return self._iterate(1, shown=True)
        if self._is_contested:
            return self._iterate_by_steps(1)
        self._keep(self.steps)
        return self._iterate(1, shown=True)

    def _iterate(self, times: int, *, shown: bool = False) -> int:
        """Whole iterations, at full speed; step by step where drivers decide between them."""
        if not self.drivers:
            is_playing = bool(self.drivers.players)
            return self._iterate_between_games(times, shown) if is_playing else self.machine.iterate(times, shown=shown)
        return self._iterate_by_steps(times)

    def _iterate_by_steps(self, times: int) -> int:
        for done in range(1, times + 1):
            self.play_step()
            while self.position:
                self.play_step()
            if self.machine.flag:
                return done
        return times

    def _iterate_between_games(self, times: int, shown: bool) -> int:
        """Whole iterations at full speed, as many at once as there are from one move of a game to the next."""
        players, done = self.drivers.players, 0
        while done < times and not self.machine.flag:
            players.play(self.machine, self.drivers.watch)
            piece = min(times - done, 1 + players.until_due(self.iteration + 1))
            done += self.machine.iterate(piece, shown=shown)
        return done

    def _keep(self, steps: Iterable[Step]) -> None:
        for step in steps:
            for value in self._written[step.index]:
                self.overwritten.keep(value, step.phase, self.machine.view(value))

    def _forget_updates(self) -> None:
        self.overwritten, self.is_recomputed = Overwritten(), False

    # a hand on the numbers -----------------------------------------------------------------------

    def set_by_hand(self, value: Value, address: str, numbers: Array) -> bool:
        """Put numbers into a source, and compute with them what was computed of the iteration looked at.

        Before its updates that is a begun iteration played again up to here, as if they had stood there from its start.
        Between two iterations nothing is learned from it: forward and backward are computed for whoever looks. Between two
        updates nothing is: what the others still have to learn from would be lost, see `is_outdated`.
        Returns whether steps were played again.
        """
        entry = Intervention(self.moment, address, numbers)
        plays_again = entry.is_computed_with and self.position > 0 and not self.has_updated
        self.timeline.intervene(Moment(self.iteration, 0) if plays_again else self.moment, address, numbers)
        self._write_by_hand(value, numbers)
        if plays_again:
            self._begin_again()
        elif entry.is_computed_with and self.position == 0 and self.has_history:
            self._recompute()
        return plays_again

    def _write_by_hand(self, value: Value, numbers: Array) -> None:
        view = self.machine.view(value)
        if self.has_updated:  # which is still told with the numbers of its time
            self.overwritten.keep_from_hand(value, view)
        view[...] = numbers

    def _begin_again(self) -> None:
        """Play what was played of the begun iteration with the present numbers, up to the first that is not finite."""
        assert self._begun is not None
        start, position = Moment(self.iteration, 0), self.position
        sources = [value for value in self.tape.program.sources.values() if _is_set_by_hand(value)]
        sources = [value for value in sources if self.tape.places[value.index] is not None]
        present = [self.machine.view(value).copy() for value in sources]
        self._restore(self._begun)
        for value, numbers in zip(sources, present, strict=True):
            view = self.machine.view(value)
            if value.source is not None and view.tobytes() != numbers.tobytes():
                self.timeline.intervene(start, value.source.address, numbers)
                view[...] = numbers
        if self.has_history and self.timeline.is_touched(start):
            self._recompute()  # what is not played yet shows the iteration before, as it did when it was gone by
        while self.position < position:
            self.play_step()

    def _recompute(self) -> None:
        """Forward and backward of the last iteration, with the numbers as they are now. Time and all that lasts stay."""
        machine, kept = self.machine, self._taken()
        epoch, within = self.epoch, self.within - 1
        if within < 0:
            epoch, within = epoch - 1, self.lowered.iterations - 1
        machine.clock[:] = (self.iteration - 1, epoch, within)
        for step in self.steps_at(self.iteration - 1):
            if step.part != "update":
                machine.play(step, short=self._is_short(within))
        _spill(kept.reals, machine.arena, self.tape.kept_spans)
        _spill(kept.wholes, machine.integers, self.tape.kept_integers)
        machine.clock[:] = kept.clock
        machine.lower_flag()
        self._forget_updates()
        self.is_recomputed = True

    # coming back -----------------------------------------------------------------------------------

    def moment_before(self, kind: StepKind) -> Moment | None:
        """Where one step of this kind back leads; None at the beginning."""
        iteration, position = self.moment
        if position == 0 and iteration <= self.begun_at:
            return None
        if kind == "epoch":
            ago = self.within or (0 if position else self.lowered.iterations)
            return Moment(max(self.begun_at, iteration - ago), 0)
        if position == 0:
            iteration, position = iteration - 1, len(self.steps_at(iteration - 1))
        if kind == "iteration":
            return Moment(iteration, 0)
        position -= 1
        steps = self.steps_at(iteration)
        last = steps[position]
        while kind == "phase" and position and _same_part(steps[position - 1], last):
            position -= 1
        return Moment(iteration, position)

    def go_to(self, moment: Moment) -> None:
        """Restore the last checkpoint before a moment and play on to it, with whatever a hand changed meanwhile.

        Settings and constants are the document's, not the run's: what was played used those of its time, and from the
        moment arrived at the present ones hold again.
        """
        present = [self.machine.view(value).copy() for value in self.tape.slots]
        start = self.timeline.before(max(moment.iteration - self.cycle, self.timeline.earliest))
        self._restore(start)
        for entry in self.timeline.interventions:
            if Moment(start.iteration, 0) <= entry.moment <= moment:
                self._play_to(entry.moment)
                value = self.tape.program.sources.get(entry.address)
                if value is not None:
                    self._write_by_hand(value, entry.numbers)
                is_near = moment.iteration - entry.moment.iteration < self.cycle
                if is_near and entry.is_computed_with and self.position == 0 and self.has_history:
                    self._recompute()
        self._play_to(moment)
        is_other = False
        for value, numbers in zip(self.tape.slots, present, strict=True):
            view = self.machine.view(value)
            if value.source is not None and view.tobytes() != numbers.tobytes():
                self.timeline.intervene(moment, value.source.address, numbers)
                self._write_by_hand(value, numbers)
                is_other = is_other or self.timeline.interventions[-1].is_computed_with
        if is_other and self.position and not self.has_updated:
            self._begin_again()
        elif is_other and self.position == 0 and self.has_history:
            self._recompute()

    def _play_to(self, moment: Moment) -> None:
        while self.position and self.iteration < moment.iteration:
            self.play_step()
        self.machine.lower_flag()
        between = moment.iteration - self.iteration
        if between > self.cycle:
            self._iterate(between - self.cycle)
        while self.iteration < moment.iteration:
            self._iterate_shown()
        while self.position < moment.position:
            self.play_step()

    def checkpoint(self, *, ago: int = 0) -> None:
        """Keep what lasts, and the numbers it was played with, at the beginning of an iteration.

        ago  not where that was done so few iterations ago: it may be dearer than to play these again
        """
        if not self.timeline.reaches(self.iteration - ago):
            began = time.perf_counter()
            self.timeline.keep(self._taken())
            self._checkpoint_s = time.perf_counter() - began

    def _taken(self) -> Checkpoint:
        machine = self.machine
        reals = np.concatenate([machine.arena[begin:end] for begin, end in self.tape.kept_spans])
        wholes = np.concatenate([machine.integers[begin:end] for begin, end in self.tape.kept_integers])
        return Checkpoint(self.iteration, reals, wholes, machine.clock.copy())

    def as_begun(self, value: Value) -> Array:
        """A copy of a parameter or state as the iteration found it that is begun and not done."""
        assert self._begun is not None, "only a begun iteration can be asked"
        is_whole, place = value.kind == "whole", self.tape.region(value)
        kept = self._begun.wholes if is_whole else self._begun.reals
        for begin, end in self.tape.kept_integers if is_whole else self.tape.kept_spans:
            if begin <= place.offset < end:
                return kept[place.offset - begin :][: place.size].reshape(place.shape).copy()
            kept = kept[end - begin :]
        raise KeyError(f"{value!r} does not last")

    def give_up_begun(self) -> None:
        """Let what lasts be as the begun iteration found it, or as a hand has set it since. Nothing is played after that."""
        if not self.position:
            return
        assert self._begun is not None
        begun, sources = Moment(self.iteration, 0), self.tape.program.sources
        touched = {entry.address for entry in self.timeline.interventions if entry.moment > begun}
        views = [self.machine.view(sources[address]) for address in touched if address in sources]
        present = [view.copy() for view in views]
        _spill(self._begun.reals, self.machine.arena, self.tape.kept_spans)
        _spill(self._begun.wholes, self.machine.integers, self.tape.kept_integers)
        for view, numbers in zip(views, present, strict=True):
            view[...] = numbers

    def _restore(self, checkpoint: Checkpoint) -> None:
        _spill(checkpoint.reals, self.machine.arena, self.tape.kept_spans)
        _spill(checkpoint.wholes, self.machine.integers, self.tape.kept_integers)
        self.machine.clock[:] = checkpoint.clock
        self.machine.lower_flag()
        self.position = 0
        self._forget_updates()


def _is_set_by_hand(value: Value) -> bool:
    return value.source is not None and value.source.role in ("parameter", "constant", "setting")


def _spill(kept: Array, memory: Array, spans: list[tuple[int, int]]) -> None:
    begun = 0
    for begin, end in spans:
        memory[begin:end] = kept[begun : begun + end - begin]
        begun += end - begin


def _same_part(one: Step, other: Step) -> bool:
    return (one.part, one.phase) == (other.part, other.phase)
