"""The sheet of keys: every command that has one, by menu, and what the mouse does on the canvas."""

from __future__ import annotations

import itertools

from PySide6.QtCore import QRect
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.commands import Command, Commands, key_text
from app.panels.overlay import Overlay

COLUMNS = (("File", "Edit"), ("View", "Graph"), ("Run", "Help"))


class KeySheet(Overlay):
    """Opens with “?”; reads the commands, so it is never out of date."""

    def __init__(self, window: QWidget, commands: Commands) -> None:
        super().__init__(window)
        self._commands = commands
        self._body: QWidget | None = None
        self._outer = QVBoxLayout(self)
        self._outer.setContentsMargins(24, 20, 24, 20)
        self._outer.setSpacing(12)
        title = QLabel("Keys")
        title.setProperty("level", "heading")
        self._outer.addWidget(title)

    def open(self) -> None:
        """Written anew each time: commands can come and go."""
        if self._body is not None:
            self._body.deleteLater()
        self._body = self._sheet()
        self._outer.addWidget(self._body)
        super().open()

    def place(self) -> None:
        """In the middle."""
        window = self.parentWidget()
        size = self.sizeHint().boundedTo(window.size())
        corner = window.rect().center() - QRect(0, 0, size.width(), size.height()).center()
        self.setGeometry(QRect(corner, size))

    def _sheet(self) -> QWidget:
        sheet = QWidget()
        row = QHBoxLayout(sheet)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(40)
        with_keys = [command for command in self._commands if command.shortcuts and command.menu]
        for menus in COLUMNS:
            grid = self._column([command for command in with_keys if command.menu in menus])
            if menus == COLUMNS[-1]:
                self._add_gestures(grid)
            grid.setRowStretch(grid.rowCount(), 1)
            row.addLayout(grid)
        return sheet

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
        grid.setHorizontalSpacing(20)
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
