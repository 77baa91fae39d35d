"""Work that takes a while, done aside, so that the window goes on answering."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, Signal


class Aside(QObject):
    """One piece of work at a time: of what was begun later the end is told, of the rest nothing."""

    _done = Signal(int)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._turn = 0
        self._then: Callable[[], object] | None = None
        self._done.connect(self._finish, Qt.ConnectionType.QueuedConnection)

    @property
    def is_busy(self) -> bool:
        """Whether something is being done whose end somebody waits for."""
        return self._then is not None

    def begin(self, work: Callable[[], object], then: Callable[[], object]) -> None:
        """Do `work` on a thread of its own, and afterwards `then` on this one, however the work ended.

        What the work needs nobody else may touch meanwhile.
        """
        self._turn, self._then = self._turn + 1, then
        threading.Thread(target=self._do, args=(work, self._turn), name="chainrule-aside", daemon=True).start()

    def forget(self) -> None:
        """Nobody waits any more for what is being done."""
        self._turn, self._then = self._turn + 1, None

    def _do(self, work: Callable[[], object], turn: int) -> None:
        try:
            work()
        except Exception:  # whoever goes on will meet it again, where it can be told
            traceback.print_exc()
        try:
            self._done.emit(turn)
        except RuntimeError:  # the window has gone meanwhile
            return

    def _finish(self, turn: int) -> None:
        if turn == self._turn and self._then is not None:
            then, self._then = self._then, None
            then()
