"""What the first document needs, loaded and built while the gallery stands there and nobody waits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

if TYPE_CHECKING:
    from app.runner import Runner

# In the order in which they need each other, so that none of them takes long. On the window's thread:
# two threads that import modules which need each other may see one of them half-built.
MODULES = (
    "engine.explain", "app.views", "app.canvas", "app.panels.inspector", "app.panels.palette", "app.panels.player",
    "app.workspace",
)  # fmt: skip


PAINTED_MS = 150  # by then the gallery has been painted


class WarmUp(QObject):
    """Imports the workspace a module at a time between events and builds it, and lets the runner load the engine.

    build  makes the workspace, unless there is one
    """

    def __init__(self, runner: Runner, parent: QObject, build: Callable[[], object]) -> None:
        super().__init__(parent)
        self._steps = self._loading(build)
        self._timer = QTimer(self, interval=0)
        self._timer.timeout.connect(self._go_on)
        # Both threads share one interpreter: begun at once, either would keep the gallery waiting for its paint.
        QTimer.singleShot(PAINTED_MS, self, runner.warm_up)
        QTimer.singleShot(PAINTED_MS, self, self._timer.start)

    def _loading(self, build: Callable[[], object]) -> Iterator[None]:
        """Go on by one step at each `next`."""
        for name in MODULES:
            import_module(name)
            yield
        from engine.composite_library import library

        library()
        yield
        build()

    def _go_on(self) -> None:
        if next(self._steps, self) is self:
            self._timer.stop()
            self.deleteLater()
