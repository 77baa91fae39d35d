"""Whether a hand shakes what it holds: to and fro several times within a moment."""

from __future__ import annotations

from PySide6.QtCore import QElapsedTimer, QPointF

TURNS, REACH, MOMENT_MS = 3, 24.0, 900  # turns, each after so many pixels of the screen, within so long


class Shaking:
    """Told of every place of the mouse; `is_shaken` once it went to and fro."""

    def __init__(self, start: QPointF) -> None:
        self.is_shaken = False
        self._clock = QElapsedTimer()
        self._clock.start()
        self._turned: list[int] = []  # when, in milliseconds
        self._far, self._towards = start.x(), 0

    def note(self, place: QPointF) -> None:
        """The mouse came to a place (pixels of the screen)."""
        across = place.x() - self._far
        towards = 1 if across > 0 else -1
        if towards == self._towards or not self._towards:
            if abs(across) >= REACH or towards == self._towards:
                self._far, self._towards = place.x(), towards
            return
        if abs(across) < REACH:
            return
        now = self._clock.elapsed()
        self._far, self._towards = place.x(), towards
        self._turned = [at for at in [*self._turned, now] if now - at < MOMENT_MS]
        self.is_shaken = self.is_shaken or len(self._turned) >= TURNS
