"""The sheet of keys: every command that has one, by menu, and what the mouse does on the canvas."""

from __future__ import annotations

import itertools

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from app.commands import Command, Commands, key_text
from app.panels.overlay import Overlay

COLUMNS = (("File", "Edit"), ("View", "Graph"), ("Run", "Help"))  # the menus in each
FEW_COLUMNS = (("File", "Edit", "View"), ("Graph", "Run", "Help"))  # of a narrow window
SIDE, ABOVE, GAP = 24, 20, 12
AROUND = 8  # pixels of the window that stay in sight on every side


class KeySheet(Overlay):
    """Opens with “?”; reads the commands, so it is never out of date. Where it is too long it scrolls, by ↓ as well."""

    def __init__(self, window: QWidget, commands: Commands) -> None:
        super().__init__(window)
        self._commands = commands
        self._area = QScrollArea()
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setWidgetResizable(True)
        self._title = QLabel("Keys")
        self._title.setProperty("level", "heading")
        column = QVBoxLayout(self)
        column.setContentsMargins(SIDE, ABOVE, SIDE, ABOVE)
        column.setSpacing(GAP)
        column.addWidget(self._title)
        column.addWidget(self._area, 1)

    def open(self) -> None:
        """Written anew each time: commands can come and go."""
        self._write(COLUMNS)
        if self._wanted().width() > self._room().width():
            self._write(FEW_COLUMNS)
        super().open()

    def take_focus(self) -> None:
        """↑, ↓ and the page keys scroll."""
        self._area.setFocus(Qt.FocusReason.PopupFocusReason)

    def place(self) -> None:
        """In the middle."""
        size = self._wanted().boundedTo(self._room())
        corner = self.parentWidget().rect().center() - QRect(0, 0, size.width(), size.height()).center()
        self.setGeometry(QRect(corner, size))

    def _room(self) -> QSize:
        return self.parentWidget().size() - QSize(2 * AROUND, 2 * AROUND)

    def _wanted(self) -> QSize:
        """With all that is written in sight, beside a bar to scroll by."""
        sheet, title = self._area.widget().sizeHint(), self._title.sizeHint()
        bar = self._area.verticalScrollBar().sizeHint().width()
        return QSize(sheet.width() + bar + 2 * SIDE, title.height() + GAP + sheet.height() + 2 * ABOVE)

    def _write(self, columns: tuple[tuple[str, ...], ...]) -> None:
        sheet = QWidget()
        row = QHBoxLayout(sheet)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SIDE)
        with_keys = [command for command in self._commands if command.shortcuts and command.menu]
        for menus in columns:
            grid = self._column([command for command in with_keys if command.menu in menus])
            if menus == columns[-1]:
                self._add_gestures(grid)
            grid.setRowStretch(grid.rowCount(), 1)
            row.addLayout(grid)
        self._area.setWidget(sheet)  # the former one goes

    def _add_gestures(self, grid: QGridLayout) -> None:
        """What only the mouse can do; there are no commands for that."""
        from app.canvas.actions import GESTURES  # here: the gallery does without the canvas

        self._add_head(grid, "On the canvas")
        for what, how in GESTURES:
            row = grid.rowCount()
            for column, words in enumerate((what, how)):
                label = QLabel(words)
                label.setProperty("level", "2" if column == 0 else "3")
                grid.addWidget(label, row, column)

    def _add_head(self, grid: QGridLayout, text: str) -> None:
        head = QLabel(text)
        head.setProperty("level", "strong")
        head.setContentsMargins(0, 8 if grid.rowCount() > 1 else 0, 0, 2)
        grid.addWidget(head, grid.rowCount(), 0)

    def _column(self, commands: list[Command]) -> QGridLayout:
        order = [menu for menus in COLUMNS for menu in menus]

        def by_menu(command: Command) -> int:
            return order.index(command.menu)

        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(4)
        for rank, group in itertools.groupby(sorted(commands, key=by_menu), by_menu):
            self._add_head(grid, order[rank])
            for command in group:
                self._add_line(grid, command)
        return grid

    def _add_line(self, grid: QGridLayout, command: Command) -> None:
        row = grid.rowCount()
        title = QLabel(self._commands.title(command.id).removesuffix("…"))
        title.setProperty("level", "2")
        grid.addWidget(title, row, 0)
        keys = QHBoxLayout()
        keys.setSpacing(4)
        for shortcut in command.shortcuts[:2]:
            key = QLabel(key_text(shortcut))
            key.setProperty("level", "key")
            keys.addWidget(key)
        keys.addStretch(1)
        grid.addLayout(keys, row, 1)
