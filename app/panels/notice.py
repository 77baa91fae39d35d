"""One sentence over the canvas: why something did not happen. It goes with a click or by itself, unless it offers a way out."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPoint, QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QMouseEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QWidget

from app.theme import current_theme
from engine.problems import Problem

SECONDS = 9
WIDEST = 560


class Notice(QFrame):
    """Shows a Problem near the upper edge of the room it is given, away from what moves.

    room  where it may stand, in the parent's coordinates
    """

    clicked = Signal(object)  # the Problem
    placed = Signal()  # it stands somewhere, or stands there no more
    back_wanted = Signal()  # after a divergence: to the last good step

    def __init__(self, parent: QWidget, room: Callable[[], QRect]) -> None:
        super().__init__(parent)
        self._room = room
        self.setProperty("panel", "raised")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setToolTip("Click to go there")
        self.problem: Problem | None = None
        self._icon = QLabel()
        self._text = QLabel()
        self._text.setWordWrap(True)
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 10, 16, 10)
        row.setSpacing(10)
        row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self._text, 1)
        self.back = QPushButton("Back to the last good step")
        self.back.setToolTip("To the last iteration before the loss exploded; every number is again what it was")
        self.back.clicked.connect(self._go_back)
        row.addWidget(self.back, 0, Qt.AlignmentFlag.AlignVCenter)
        self._timer = QTimer(self, singleShot=True, interval=SECONDS * 1000)
        self._timer.timeout.connect(self.hide)
        self.hide()

    @property
    def text(self) -> str:
        """The sentence."""
        return self._text.text()

    @property
    def offers_way_back(self) -> bool:
        """Whether it stands there and waits to be told what to do about a number that is not finite."""
        return not self.isHidden() and not self.back.isHidden()

    def tell(self, problem: Problem) -> None:
        """Show why something did not happen."""
        self.problem = problem
        is_error = problem.severity == "error"
        name, token = ("octagon-alert", "error") if is_error else ("triangle-alert", "warn")
        self._icon.setPixmap(current_theme().pixmap(name, token))
        self._text.setText(str(problem)[:400])
        diverged = problem.kind == "finite"
        self.back.setVisible(diverged)
        self.show()
        self.raise_()
        self.place()
        if diverged:
            self._timer.stop()  # what offers a way out waits for an answer
        else:
            self._timer.start()

    def place(self) -> None:
        """In the upper middle."""
        room = self._room()
        plain = self._text.fontMetrics().horizontalAdvance(self._text.text()) + 72
        if not self.back.isHidden():
            plain += self.back.sizeHint().width() + 10
        width = min(WIDEST, room.width() - 32, plain)
        self.setFixedWidth(width)
        size = QSize(width, max(40, self.heightForWidth(width)))
        self.resize(size)
        self.move(QPoint(room.center().x() - width // 2, room.top() + 8))
        self.placed.emit()

    def showEvent(self, event: QShowEvent) -> None:
        """What was told before the window stood there gets its place with the window."""
        super().showEvent(event)
        QTimer.singleShot(0, self.place)

    def hideEvent(self, event: QHideEvent) -> None:
        """There is room again."""
        super().hideEvent(event)
        self.placed.emit()

    def _go_back(self) -> None:
        self.hide()
        self.back_wanted.emit()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Go there, and go away."""
        self.hide()
        if self.problem is not None:
            self.clicked.emit(self.problem)
