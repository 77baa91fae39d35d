"""A key that does one thing when it is tapped, and means another while it is held and the mouse is drawn."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal

GAP_MS = 60  # a key that repeats itself comes again within this; some displays tell each time that it was let go


class HeldKey(QObject):
    """Told of presses and releases; says whether the key is down, and when it was let go without having been used."""

    tapped = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.is_held = self._is_used = False
        self._gap = QTimer(self, singleShot=True, interval=GAP_MS)
        self._gap.timeout.connect(self._end)

    def press(self) -> None:
        """It went down, or repeats itself."""
        if not self.is_held:
            self._is_used = False
        self._gap.stop()
        self.is_held = True

    def release(self) -> None:
        """It went up, if it does not come again at once."""
        if self.is_held:
            self._gap.start()

    def use(self) -> None:
        """What follows is a stroke, and no tap of the key."""
        self._is_used = True

    def forget(self) -> None:
        """It is let go where nobody hears of it."""
        self._gap.stop()
        self.is_held = False

    def _end(self) -> None:
        self.is_held = False
        if not self._is_used:
            self.tapped.emit()
