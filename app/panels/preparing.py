"""A calm line over the canvas while the first start compiles kernels: what is done, and how much of it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QRect, Qt, QTimer
from PySide6.QtWidgets import QFrame, QLabel, QProgressBar, QVBoxLayout, QWidget

PATIENCE_MS = 400  # what takes no longer needs no words
WIDTH = 300


class Preparing(QFrame):
    """Counts kernels; comes only when it takes a while, and goes by itself.

    room  where it may stand, in the parent's coordinates
    """

    def __init__(self, parent: QWidget, room: Callable[[], QRect]) -> None:
        super().__init__(parent)
        self._room = room
        self.setProperty("panel", "raised")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._words = QLabel()
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(4)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 10, 14, 12)
        column.setSpacing(8)
        column.addWidget(self._words)
        column.addWidget(self.bar)
        self._patience = QTimer(self, singleShot=True, interval=PATIENCE_MS)
        self._patience.timeout.connect(self._appear)
        self.hide()

    @property
    def text(self) -> str:
        """The line."""
        return self._words.text()

    @property
    def is_under_way(self) -> bool:
        """Whether kernels are being compiled, as far as it has heard, though there may be no words for it yet."""
        return not self.isHidden() or self._patience.isActive()

    def show_progress(self, done: int, every: int) -> None:
        """So many kernels of so many are compiled."""
        if done >= every:
            self.forget()
            return
        self._words.setText(f"Compiling kernels: {done + 1} of {every} (first start only)")
        self.bar.setRange(0, every)
        self.bar.setValue(done)
        if self.isHidden() and not self._patience.isActive():
            self._patience.start()

    def forget(self) -> None:
        """Nothing is being compiled."""
        self._patience.stop()
        self.hide()

    def _appear(self) -> None:
        self.show()
        self.raise_()
        self.place()

    def place(self) -> None:
        """In the upper middle."""
        room = self._room()
        self.setFixedWidth(WIDTH)
        self.adjustSize()
        self.move(room.center().x() - WIDTH // 2, room.top() + 8)
