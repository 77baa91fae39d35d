"""Cyclic garbage is collected on the window's thread alone.

Python collects on whichever thread happens to allocate. There, what Qt owns on the window's thread must not be destroyed:
a graphics item that dies while the runner plans takes the process down with it.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtGui import QCursor, QGuiApplication

FIRST_MS = 1000  # nothing is garbage yet, and a first picture is waited for
EVERY_MS = 100
GROWTH = 0.25  # of what has lasted, before all of it is looked through again: as Python itself has it
SOON_DONE = 100_000  # objects that are looked through before anybody notices; a million takes most of a second
RESTING_TICKS = 8  # in which the mouse has not moved: then a hand will hardly miss that second
MOST_GROWTH = 3.0  # of what has lasted, and then it cannot wait any longer


class Collector(QObject):
    """Collects as often as Python would, on the thread it was made on, until it is closed. There may be several."""

    _at_work = 0

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lasting = 0
        self._pointer, self._resting = QCursor.pos(), 0
        self._is_open = True
        Collector._at_work += 1
        gc.disable()
        self._timer = QTimer(self, interval=EVERY_MS)
        self._timer.timeout.connect(self.collect)
        QTimer.singleShot(FIRST_MS, self, self._begin)

    def _begin(self) -> None:
        if self._is_open:
            self._timer.start()

    def collect(self) -> None:
        """Look through what is young, and through older things where many of them have gathered."""
        counts, limits = gc.get_count(), gc.get_threshold()
        is_resting = self._watch_hand()
        if counts[0] < limits[0]:
            return
        generation = 1 if counts[1] >= limits[1] else 0
        if generation and counts[2] >= limits[2] and self._is_due(len(gc.get_objects(2)), is_resting):
            generation = 2
        gc.collect(generation)
        if generation == 2:
            self._lasting = len(gc.get_objects(2))

    def _is_due(self, count: int, is_resting: bool) -> bool:
        """Whether to look through all there is: in a large graph only while nobody moves anything."""
        if count <= (1 + GROWTH) * self._lasting:
            return False
        return is_resting or count <= SOON_DONE or count > (1 + MOST_GROWTH) * max(self._lasting, SOON_DONE)

    def _watch_hand(self) -> bool:
        """Whether the mouse has rested for a while."""
        before, self._pointer = self._pointer, QCursor.pos()
        moves = self._pointer != before or QGuiApplication.mouseButtons() != Qt.MouseButton.NoButton
        self._resting = 0 if moves else self._resting + 1
        return self._resting >= RESTING_TICKS

    def close(self) -> None:
        """Leave it to Python again once nobody else collects; may be called twice."""
        if self._is_open:
            self._is_open = False
            self._timer.stop()
            Collector._at_work -= 1
            if not Collector._at_work:
                gc.enable()
