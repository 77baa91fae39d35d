"""Without a person: the window opened off the screen, runs waited for, everything driven to a moment and drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QElapsedTimer, QEvent, QEventLoop, QTimer

from app.cli import make_window
from app.recovery import Keeper
from app.settings import Settings
from engine.problems import Problem, ProblemError

if TYPE_CHECKING:
    from app.runner import Runner
    from engine.session import Session
    from engine.snapshot import Snapshot

LONGEST_S = 300
LOOK_MS = 10  # between two looks whether something has happened
QUESTION, LAST = "moment", "last question"
ROUNDS, LONGEST_ANSWER_MS = 3, 2000


@dataclass(frozen=True)
class Moment:
    """How far a document is played before it is drawn: first epochs, then iterations, then single nodes."""

    epochs: int = 0
    iterations: int = 0
    steps: int = 0


class Stage:
    """A window of a given size that remembers nothing and keeps no journal."""

    def __init__(self, size: tuple[int, int], theme: str) -> None:
        settings = Settings(None)
        settings["theme"] = theme
        settings["reduce_motion"] = True  # marks that travel are drawn where they arrive
        self.application, self.window = make_window(settings, Keeper(keeps=False))
        self.window.resize(*size)
        self.window.show()
        self.application.processEvents()

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *error: object) -> None:
        self.window.close()
        self.application.sendPostedEvents(None, QEvent.Type.DeferredDelete)

    @property
    def is_waiting(self) -> bool:
        """Whether a view waits for an answer, a formula in the palette to be set, kernels or sizes to be settled."""
        from app.views import View

        workspace = self.window.workspace
        if workspace is not None and not workspace.palette_panel.tree.shelf.is_idle:
            return True
        if self.window.preparing.is_under_way or self.window.is_settling:
            return True
        return any(view.is_waiting for view in self.window.findChildren(View) if view.isVisible())

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Let everything in the window show the numbers of a moment now."""
        self.window.runner.snapshot_ready.emit(snapshot)
        if self.window.workspace is not None:
            self.window.workspace.canvas.catch_up()

    def settle(self) -> None:
        """Let everything take its place, and every answer come."""
        for _ in range(ROUNDS):  # an answer may ask for more room, and who has more room may ask for more numbers
            self.application.processEvents()
            wait_until(lambda: not self.is_waiting)
            if self.window.workspace is not None:
                _hear_out(self.window.runner)
            self.application.sendPostedEvents(None, QEvent.Type.LayoutRequest)
        self.application.processEvents()


def _hear_out(runner: Runner) -> None:
    """Wait until the runner has answered what it was asked so far: it answers in order, if it has anything to play."""
    heard: list[str] = []
    patience = QElapsedTimer()
    patience.start()
    runner.answered.connect(listen := lambda name, _answer: heard.append(name))
    runner.ask(LAST, lambda _session: None)
    wait_until(lambda: LAST in heard or patience.hasExpired(LONGEST_ANSWER_MS))
    runner.answered.disconnect(listen)


def play(runner: Runner, moment: Moment, report: Callable[[Session], None] = lambda session: None) -> Snapshot:
    """Play to a moment and wait for its numbers. Raises `ProblemError` where that cannot be done."""
    failures: list[Problem] = []
    answers: list[Any] = []

    def question(session: Session) -> Snapshot:
        report(session)
        return session.snapshot()

    def heard(name: str, answer: Any) -> None:
        if name == QUESTION:
            answers.append(answer)

    runner.failed.connect(failures.append)
    runner.answered.connect(heard)
    for _ in range(moment.epochs):
        runner.step("epoch")
    if moment.iterations:
        runner.run(moment.iterations)
    for _ in range(moment.steps):
        runner.step("node")
    runner.ask(QUESTION, question)
    wait_until(lambda: bool(failures or answers))
    runner.failed.disconnect(failures.append)
    runner.answered.disconnect(heard)
    if failures:
        raise ProblemError(*failures)
    snapshot: Snapshot = answers[0]
    return snapshot


def wait_until(has_happened: Callable[[], bool]) -> None:
    """Let events pass until something has happened. Raises `ProblemError` after a very long time."""
    loop, tick, limit = QEventLoop(), QTimer(interval=LOOK_MS), QTimer(singleShot=True, interval=LONGEST_S * 1000)
    tick.timeout.connect(lambda: loop.quit() if has_happened() else None)
    limit.timeout.connect(loop.quit)
    tick.start()
    limit.start()
    if not has_happened():
        loop.exec()
    if not has_happened():
        raise ProblemError(Problem(f"nothing came of it within {LONGEST_S} s", "Play less before.", kind="time"))
