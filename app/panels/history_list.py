"""The history as a list: every step by its name, and a click or Enter to stand behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, Qt
from PySide6.QtWidgets import QLabel, QListWidget, QVBoxLayout, QWidget

from app.panels.overlay import Overlay

if TYPE_CHECKING:
    from PySide6.QtGui import QUndoStack

WIDTH, ROW, MOST_ROWS, TOP = 320, 26, 18, 52
BEGINNING = "As it was opened"


class HistoryList(Overlay):
    """Steps that are undone stand below the one where the document is now, and can be done again."""

    def __init__(self, window: QWidget, stack: QUndoStack) -> None:
        super().__init__(window)
        self._stack = stack
        title = QLabel("History")
        title.setProperty("level", "title")
        self.list = QListWidget()
        self.list.itemActivated.connect(self._go)
        self.list.itemClicked.connect(self._go)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(8)
        column.addWidget(title)
        column.addWidget(self.list)
        stack.indexChanged.connect(lambda _: self._fill() if self.isVisible() else None)

    def open(self) -> None:
        """Filled when somebody looks."""
        self._fill()
        super().open()

    def _fill(self) -> None:
        self.list.clear()
        self.list.addItems([BEGINNING, *(self._stack.text(at) for at in range(self._stack.count()))])
        for row in range(self._stack.index() + 1, self.list.count()):
            self.list.item(row).setForeground(self.palette().placeholderText())
        self.list.setCurrentRow(self._stack.index())

    def _go(self) -> None:
        self._stack.setIndex(self.list.currentRow())

    def take_focus(self) -> None:
        """Arrows walk the steps, Enter goes there."""
        self.list.setFocus(Qt.FocusReason.PopupFocusReason)

    def place(self) -> None:
        """Under the top bar, left."""
        height = min(ROW * min(MOST_ROWS, self.list.count() + 1) + 72, self.parentWidget().height() - TOP - 16)
        self.setGeometry(QRect(16, TOP, WIDTH, height))
