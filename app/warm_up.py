"""What the first document needs, loaded while the gallery stands there and nobody waits."""

from __future__ import annotations

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
    """Imports the workspace a module at a time between events, and lets the runner load the engine."""

    def __init__(self, runner: Runner, parent: QObject) -> None:
        super().__init__(parent)
        self._left = list(MODULES)
        self._timer = QTimer(self, interval=0)
        self._timer.timeout.connect(self._import_next)
        # Both threads share one interpreter: begun at once, either would keep the gallery waiting for its paint.
        QTimer.singleShot(PAINTED_MS, self, runner.warm_up)
        QTimer.singleShot(PAINTED_MS, self, self._timer.start)

    def _import_next(self) -> None:
        if self._left:
            import_module(self._left.pop(0))
        else:
            self._timer.stop()
            self.deleteLater()
