"""The loop of the runner's thread: messages in, chunks of training, snapshots out. Only this code touches a Session."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from app.first_kernels import order_first_kernels
from app.messages import Inbox, last_of_each
from app.pace import CHUNK_SECONDS, Deciding, Tempo, play_to, stands_at
from app.run_keeper import RunKeeper, go_on_from, write_run
from app.showing import Showing
from engine.problems import Problem, ProblemError

if TYPE_CHECKING:
    from pathlib import Path

    from engine.document import Document
    from engine.lowering import Lowering
    from engine.session import Session

SNAPSHOT_SECONDS = 1 / 60
PAINTED_SECONDS = 0.1  # by then what was opened or edited is painted; its first step needs few kernels, and goes first
LONGEST_WAY_SECONDS = 5.0  # to a node that is never played, as one behind a mistake
CURVE_POINTS = 200  # that a run without a person leaves behind


class Worker:
    """Plays one document and answers messages between chunks.

    post     called as `post(kind, payload, revision)` on the worker's thread, with kind snapshot, playing, failed,
             crashed, preparing, deciding, weights, checked or answer
    """

    def __init__(self, post: Callable[[str, object, int], None]) -> None:
        self.inbox = Inbox()
        self.revision = -1
        self.session: Session | None = None
        self._post_from_here = post
        self._document: Document | None = None
        self._plan_is_old = False  # numbers were set since: a reset would bring back the planned ones
        self._held: Problem | None = None  # why the newest document cannot run
        self._told: Problem | None = None  # the last non-finite number that was reported
        self._playing = False
        self._tempo = Tempo()
        self._stops: frozenset[str] = frozenset()  # nodes that playing stops at
        self._showing = Showing()
        self._dirty = False
        self._taken = True
        self._shown = -SNAPSHOT_SECONDS
        self._unmeasured = False  # a hand or a step back made what was measured the result of other weights
        self._prepared_at: float | None = None  # when kernels of what was opened or edited are compiled or loaded
        self._kernels = 0  # how many there were to compile when that began
        self._deciding: Deciding | None = None
        self.run_keeper = RunKeeper()

    # the loop --------------------------------------------------------------------------------------------------------

    def work(self) -> None:
        """Work until the inbox delivers None."""
        while True:
            for message in last_of_each(self.inbox.take(self._wait)):
                if message is None:
                    return
                self._guarded(message.act, self)
            # Shown before the next chunk: the window may just have said that it has time for another snapshot.
            self._guarded(self._show)
            self._guarded(self.run_keeper.keep, self.session if self._held is None else None, self.revision)
            if self._prepared_at is not None and (self._playing or time.perf_counter() >= self._prepared_at):
                self._guarded(self._prepare)
            elif self._playing:
                self._guarded(self._chunk)
            elif self._unmeasured and self.inbox.empty():
                self._guarded(self._measure)

    def _wait(self) -> float | None:
        """Seconds until there is something to do without a message; None: nothing before the next message."""
        if self._unmeasured and not self._playing:
            return 0.0
        now = time.perf_counter()
        waits = [] if self._prepared_at is None else [self._prepared_at - now]
        if self._playing:
            waits.append(self._tempo.seconds_left(now))
        left = self.run_keeper.seconds_left(now) if self.session is not None and self._held is None else None
        if left is not None:
            waits.append(left)
        if self._dirty and self._taken:
            waits.append(self._shown + SNAPSHOT_SECONDS - now)
        return max(0.0, min(waits)) if waits else None

    def _guarded(self, work: Callable[..., None], *arguments: Any) -> None:
        try:
            work(*arguments)
        except Interrupted:
            self._dirty = self.session is not None  # it stands before the update, and somebody may look
        except ProblemError as error:
            self._fail(error.problems[0] if error.problems else Problem(str(error)))
        except Exception as error:
            # A thread that dies in silence leaves a window that only looks alive.
            self.session = None
            self._fail(_crash_problem(error))
            self._post("crashed", traceback.format_exc())
        finally:
            self._end_decision()

    # what messages do ------------------------------------------------------------------------------------------------

    def compile_apart(self) -> None:
        """Let other processes compile kernels: this one would keep the window waiting meanwhile."""
        from engine.compiling_ahead import compile_apart

        compile_apart()

    def warm_up(self) -> None:
        """Import what the first plan and the first formulas will need, unless a document is open already."""
        if self._document is None:
            import engine.session  # noqa: F401 - the compiler comes along
            from app.theme.typesetting import setter
            from engine.compiling_ahead import link_loops

            link_loops()
            order_first_kernels(lambda: not self.inbox.empty())
            setter()

    def open(self, document: Document, revision: int, lowering: Lowering | None = None) -> None:
        """Forget the former document and plan this one."""
        self.session, self._document, self.revision = None, document, revision
        self._unmeasured, self._stops = False, frozenset()
        self._showing = Showing()
        self.run_keeper.keep_in(None)
        self._set_playing(False)
        self._prepared_at, self._kernels = None, 0
        from engine.compiling_ahead import order_kernels, order_loops

        is_very_first = order_loops()
        self._plan(lowering)
        if is_very_first and self.session is not None:
            order_kernels(self.session)  # whatever is asked for next, several are compiled at once
        self._prepare_soon()

    def check(self, document: Document, revision: int) -> None:
        """Work out shapes and problems of a document that is too large for the window to do it."""
        from engine.lowering import infer

        dataset, _ = document.load_data()
        inference = infer(document, dataset)
        self._post("checked", (revision, dict(inference.shapes), document.check(inference)))

    def edit(self, document: Document, revision: int) -> None:
        """Go on with an edited document; parameters that still fit are kept."""
        self._document, self.revision = document, revision
        self._plan()
        self._prepare_soon()  # what is new may need kernels that were never compiled

    def renumber(self, revision: int) -> None:
        """The document has a new revision that computes the same."""
        self.revision = revision
        self._dirty = self._dirty or (self.session is not None and self._held is None)

    def play(self) -> None:
        """Play until told otherwise."""
        self._ready()
        self._told = None
        self._tempo.begin(due=1.0)
        self._set_playing(True)

    def pause(self) -> None:
        """Stand still at the next chance."""
        self._set_playing(False)

    def set_speed(self, nodes_per_second: float | None) -> None:
        """How fast to play; None is as fast as it goes."""
        self._tempo.speed = nodes_per_second
        self._tempo.begin()

    def step(self, kind: str) -> None:
        """Pause and play one step."""
        self._set_playing(False)
        self._told = None
        session = self._ready()
        before = session.iteration
        session.step(kind)  # type: ignore[arg-type]
        if self._prepared_at is not None:
            self._prepared_at = time.perf_counter() + PAINTED_SECONDS
        if session.iteration != before:
            session.measure()
        self._dirty = True
        self._watch()

    def run_to(self, node: str) -> None:
        """Pause and play until a node has been played once more."""
        self._set_playing(False)
        self._told = None
        play_to(self._ready(), frozenset({node}), LONGEST_WAY_SECONDS)
        self._dirty = True
        self._watch()

    def set_stops(self, nodes: frozenset[str]) -> None:
        """Stand still whenever one of these nodes has been played."""
        self._stops = nodes

    def run(self, iterations: int) -> None:
        """Pause and play that many iterations as fast as it goes."""
        self._set_playing(False)
        self._told = None
        session = self._ready()
        goal, piece = session.iteration + iterations, max(1, iterations // CURVE_POINTS)
        while session.iteration < goal and session.problem is None:
            session.run(min(piece, goal - session.iteration))
            session.measure()
        self._dirty = True
        self._watch()

    def step_back(self, kind: str) -> None:
        """Pause and take one step back."""
        self._set_playing(False)
        self._ready().step_back(kind)  # type: ignore[arg-type]
        self.run_keeper.note()
        self._dirty = self._unmeasured = True

    def step_back_to_good(self) -> None:
        """Return to where the loss had not exploded yet; the runs that came of it are forgotten with the next step."""
        self._set_playing(False)
        session = self._ready()
        if session.problem is None:
            raise ProblemError(Problem("every number is finite", "Step back with ←, or return to the start with R."))
        session.step_back_to_good()
        session.measure()
        self._told, self._dirty = None, True

    def reset(self, seed: int | None) -> None:
        """Return to the start."""
        self._set_playing(False)
        self._told = None
        if self._plan_is_old:
            self._plan()
        self._ready().reset(seed)
        self._showing.remains.forget()
        self.run_keeper.note()
        self._dirty, self._unmeasured = True, False

    def set_parameter(self, key: str, array: Any) -> None:
        """Set one parameter by hand; what was computed follows."""
        self._told = None
        self._ready().set_parameter(key, array)
        self._dirty = self._unmeasured = True
        self._watch()

    def set_settings(self, settings: Mapping[str, float], document: Document, revision: int) -> None:
        """Change numbers that re-plan nothing; where the plan does not know one, plan after all."""
        if self.session is None or self._held is not None:
            self.edit(document, revision)
            return
        self._document, self.revision, self._plan_is_old = document, revision, True
        try:
            for address, number in settings.items():
                self.session.set_setting(address, number)
        except ProblemError:
            self._plan()
        self._dirty = self._unmeasured = True

    def save_weights(self, path: Path) -> None:
        """Write all that lasts of the run; what keeps it from that is told."""
        self._tell_of_weights(lambda: write_run(path, self._ready()))

    def restore_weights(self, path: Path) -> None:
        """Go on where a saved run stood; what does not fit any more is told."""
        self._tell_of_weights(lambda: go_on_from(path, self._ready()))
        self._showing.remains.forget()
        self._dirty = True

    def _tell_of_weights(self, act: Callable[[], list[Problem] | None]) -> None:
        try:
            problems = act()
        except ProblemError as error:
            problems = list(error.problems)
        if problems:
            self._post("weights", problems)

    def focus(self, node: str, row: int, unit: int) -> None:
        """Which node's formula the snapshots explain; an empty id: that of the last step."""
        self._showing.focus = (node, row, unit)
        self._dirty = self._dirty or self.session is not None

    def answer(self, name: str, question: Callable[[Session], object]) -> None:
        """Ask the session something; the answer bears the revision it was computed for. What was played is shown before."""
        self._guarded(self._show)
        if self.session is not None and self._held is None:
            self._post("answer", (name, question(self.session)))

    def note_taken(self) -> None:
        """The window has taken the last snapshot and has time for another.

        Called on the window's thread: a question that the snapshot led to may be long thought about, and must not stand
        before the next one. Whoever calls it sends a message, so that a waiting worker notices.
        """
        self._taken = True

    # playing ---------------------------------------------------------------------------------------------------------

    def _plan(self, lowering: Lowering | None = None) -> None:
        assert self._document is not None
        from engine.session import Session, keep_free  # here, on the worker's thread: it brings the compiler along

        try:
            if self.session is None:
                keep_free(1)  # the window paints while the network learns
                self.session = Session(self._document, revision=self.revision, lowering=lowering)
            else:
                self.session.edit(self._document, self.revision)
                self._showing.remains.note_edit()
        except ProblemError as error:
            self._held = error.problems[0]
            raise
        self._held, self._dirty, self._plan_is_old = None, True, False
        self.session.playback.drivers.watch = self._watch_decision

    def _watch_decision(self, asked: int, of: int) -> None:
        """An optimizer decides where to go: say how far it is, and break it off for a message that cannot wait."""
        if self._deciding is None:
            self._deciding = Deciding(time.perf_counter())
        elif asked == 0:
            self._deciding.begin_again(time.perf_counter())
        if not self._deciding.is_long(time.perf_counter()):
            return
        self._post("deciding", (asked, of))
        if self.inbox.has_urgent():
            raise Interrupted

    def _end_decision(self) -> None:
        if self._deciding is not None and self._deciding.was_told:
            self._post("deciding", (0, 0))
        self._deciding = None

    def _prepare_soon(self) -> None:
        self._prepared_at, self._kernels = time.perf_counter() + PAINTED_SECONDS, 0

    def _prepare(self) -> None:
        """Compile what the first step would otherwise wait for; messages are heard between two kernels."""
        self._prepared_at = None

        def tell(done: int, left: int) -> None:
            # Each time it goes on after a message there are fewer left: the window hears of one count.
            self._kernels = max(self._kernels, left)
            self._post("preparing", (self._kernels - left + done, self._kernels))
            if done < left and not self.inbox.empty():
                raise Interrupted

        try:
            if self.session is not None and self._held is None:
                self.session.prepare(tell)
        except Interrupted:
            self._prepared_at = time.perf_counter()
        else:
            # What was played meanwhile may have compiled the rest, and an edit may have made it needless.
            self._post("preparing", (self._kernels, self._kernels))

    def _ready(self) -> Session:
        """The session, planned for the newest document. Raises `ProblemError` where that cannot run."""
        if self._held is not None:
            raise ProblemError(self._held)
        if self.session is None:
            if self._document is None:
                raise ProblemError(Problem("nothing is open yet", "Open a document first."))
            self._plan()
        assert self.session is not None
        if not self.session.steps:
            raise ProblemError(Problem("there is nothing to step through", "Place nodes and wire them.", kind="empty"))
        return self.session

    def _measure(self) -> None:
        """Evaluate the whole data once nobody waits for anything else."""
        self._unmeasured = False
        if self.session is not None and self._held is None and self.session.problem is None:
            self.session.measure()
            self._dirty = True

    def _chunk(self) -> None:
        session = self._ready()
        if self._tempo.speed is None:
            play_to(session, self._stops, CHUNK_SECONDS) if self._stops else session.run_for(CHUNK_SECONDS)
            self._dirty = True
        elif self._tempo.play_what_is_due(session, self._stops):
            self._dirty = True
        if self._dirty and stands_at(session, self._stops):
            self._set_playing(False)
        self._watch()

    def _watch(self) -> None:
        """Stop at a non-finite number and say so once; what was played is worth keeping."""
        self.run_keeper.note()
        problem = self.session.problem if self.session is not None else None
        if problem is not None and problem != self._told:
            self._told = problem
            self._fail(problem)

    def tell_again(self) -> None:
        """What stopped the run was told too late for the window to take it: say it once more, if it still holds."""
        self._told = None
        self._watch()

    def _fail(self, problem: Problem) -> None:
        self._set_playing(False)
        self._post("failed", problem)

    def _set_playing(self, playing: bool) -> None:
        if playing != self._playing:
            self._playing = playing
            self._post("playing", playing)
            if not playing:
                self.run_keeper.hurry()  # a hand sets numbers of the run as it stands now

    # showing ---------------------------------------------------------------------------------------------------------

    def _show(self) -> None:
        now = time.perf_counter()
        if not self._dirty or not self._taken or now - self._shown < SNAPSHOT_SECONDS:
            return
        if self.session is None or self._held is not None:
            self._dirty = False
            return
        # Cleared first: a snapshot that fails once would otherwise be tried again for ever.
        self._dirty, self._taken, self._shown = False, False, now
        rate = self._tempo.nodes_per_second(now) if self._playing else None
        self._post("snapshot", self._showing.snapshot_of(self.session, self.revision, rate))

    def _post(self, kind: str, payload: object) -> None:
        self._post_from_here(kind, payload, self.revision)


class Interrupted(Exception):
    """There is a message to hear before the next kernel is compiled, or before an optimizer has decided."""


def _crash_problem(error: Exception) -> Problem:
    return Problem(
        f"the engine met an error of its own ({type(error).__name__}: {error})",
        "Your document is safe. Go on, and please send the crash report (Help, Crash report).",
        kind="crash",
    )
