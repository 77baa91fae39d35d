"""The window without a person: opened off the screen, driven to a moment, and drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QEventLoop, QTimer

from app.cli import make_window
from app.recovery import Keeper
from app.settings import Settings
from engine.problems import Problem, ProblemError

if TYPE_CHECKING:
    from engine.session import Session

LONGEST_S = 300
SETTLING_MS = 700  # marks travel 600 ms along a wire; pictures show them arrived


class Stage:
    """A window of a given size that remembers nothing and keeps no journal."""

    def __init__(self, size: tuple[int, int], theme: str) -> None:
        settings = Settings(None)
        settings["theme"] = theme
        settings["reduce_motion"] = True
        self.application, self.window = make_window(settings, Keeper(keeps=False))
        self.window.resize(*size)
        self.window.show()
        self.application.processEvents()

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *error: object) -> None:
        self.window.close()
        self.application.sendPostedEvents(None, QEvent.Type.DeferredDelete)

    def play(self, iterations: int, steps: int, report: Callable[[Session], None]) -> None:
        """Play iterations, then single nodes. Raises `ProblemError` where that cannot be done."""
        runner = self.window.runner
        failures: list[Problem] = []
        runner.failed.connect(failures.append)
        if iterations:
            runner.run(iterations)
        for _ in range(steps):
            runner.step("node")
        runner.ask("stage", report)
        self._wait_for_answer(failures)
        if failures:
            raise ProblemError(*failures)

    def _wait_for_answer(self, failures: list[Problem]) -> None:
        loop = QEventLoop()
        runner = self.window.runner

        def heard(name: str, _: Any) -> None:
            if name == "stage":
                loop.quit()

        runner.answered.connect(heard)
        runner.failed.connect(lambda _: QTimer.singleShot(0, loop.quit))
        limit = QTimer(singleShot=True, interval=LONGEST_S * 1000)
        limit.timeout.connect(loop.quit)
        limit.start()
        if not failures:
            loop.exec()
        runner.answered.disconnect(heard)

    def settle(self) -> None:
        """Let the last snapshot arrive and everything take its place."""
        loop = QEventLoop()
        QTimer.singleShot(SETTLING_MS, loop.quit)
        loop.exec()
        if self.window.workspace is not None:
            self.window.workspace.canvas.catch_up()
