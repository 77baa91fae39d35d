"""A calm line over the canvas while something takes long: kernels are compiled, or an optimizer looks for its step."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QRect, Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

PATIENCE_MS = 400  # what takes no longer needs no words
LINGER_MS = 400  # between two steps that each take long it stays
WIDTH = 300


class Preparing(QFrame):
    """Counts what is done; comes only when it takes a while, and goes by itself.

    room  where it may stand, in the parent's coordinates
    """

    stop_wanted = Signal()  # of what may be broken off
    placed = Signal()  # it stands somewhere, or stands there no more

    def __init__(self, parent: QWidget, room: Callable[[], QRect]) -> None:
        super().__init__(parent)
        self._room = room
        self.setProperty("panel", "raised")
        self._words = QLabel()
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(4)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 10, 14, 12)
        column.setSpacing(8)
        self.stop = QPushButton("Stop")
        self.stop.setToolTip("Break it off; nothing of this step was done (Space)")
        self.stop.clicked.connect(self.stop_wanted)
        row = QHBoxLayout()
        row.addWidget(self._words, 1)
        row.addWidget(self.stop)
        column.addLayout(row)
        column.addWidget(self.bar)
        self._patience = QTimer(self, singleShot=True, interval=PATIENCE_MS)
        self._patience.timeout.connect(self._appear)
        self._lingering = QTimer(self, singleShot=True, interval=LINGER_MS)
        self._lingering.timeout.connect(self.forget)
        self.hide()

    @property
    def text(self) -> str:
        """The line."""
        return self._words.text()

    @property
    def is_under_way(self) -> bool:
        """Whether something takes long, as far as it has heard, though there may be no words for it yet."""
        return not self.isHidden() or self._patience.isActive()

    def show_progress(self, done: int, every: int) -> None:
        """So many kernels of so many are compiled."""
        if done >= every:
            self.forget()
            return
        self._say(f"Compiling kernels: {done + 1} of {every} (first start only)", done, every, can_stop=False)
        if self.isHidden() and not self._patience.isActive():
            self._patience.start()

    def show_decision(self, asked: int, of: int) -> None:
        """An optimizer has looked at the loss so many times for one step; `of`: how often it will (0: nobody knows)."""
        if not asked:
            self._lingering.start()
            return
        every = f"{asked} of {of}" if of else f"{asked}"
        self._say(f"Looking for the step: {every} looks at the loss", asked, of, can_stop=True)
        if self.isHidden():
            self._appear()

    def _say(self, words: str, done: int, every: int, *, can_stop: bool) -> None:
        self._lingering.stop()
        self._words.setText(words)
        self.bar.setRange(0, every)
        self.bar.setValue(done)
        self.stop.setVisible(can_stop)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents, not can_stop)

    def forget(self) -> None:
        """Nothing takes long."""
        self._patience.stop()
        self._lingering.stop()
        self.hide()

    def _appear(self) -> None:
        self.show()
        self.raise_()
        self.place()

    def place(self) -> None:
        """In the upper middle."""
        room = self._room()
        width = max(WIDTH, self._words.sizeHint().width() + (110 if not self.stop.isHidden() else 28))
        self.setFixedWidth(width)
        self.adjustSize()
        self.move(room.center().x() - width // 2, room.top() + 8)
        self.placed.emit()

    def hideEvent(self, event: QHideEvent) -> None:
        """There is room again."""
        super().hideEvent(event)
        self.placed.emit()
