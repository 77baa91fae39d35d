"""Ctrl+K: every command and every preset, found by a few letters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QRect, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from app.commands import Commands
from app.library import presets
from app.panels.overlay import Overlay

if TYPE_CHECKING:
    from app.panels.entry_list import Entry, EntryList

WIDTH, MOST_ROWS = 440, 12


class CommandSearch(Overlay):
    """A field and a list under it; Enter does what is marked."""

    def __init__(self, window: QWidget, commands: Commands, open_preset: Callable[[str], object]) -> None:
        super().__init__(window)
        self._commands, self._open_preset = commands, open_preset
        self.field = QLineEdit()
        self.field.setProperty("kind", "search")
        self.field.setPlaceholderText("Find a command or an example")
        self.field.setAccessibleName("Find a command")
        self.field.textChanged.connect(self._fill)
        self.field.installEventFilter(self)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(8, 8, 8, 8)
        self._column.setSpacing(6)
        self._column.addWidget(self.field)

    @cached_property
    def list(self) -> EntryList:
        """What was found; made when the search first opens, because the window had to wait for what it needs of Qt."""
        from app.panels.entry_list import EntryList

        found = EntryList()
        found.chosen.connect(self._run)
        self._column.addWidget(found)
        return found

    def open(self) -> None:
        """Start with an empty field."""
        self._commands.refresh()
        self.field.clear()
        self._fill()
        super().open()

    def take_focus(self) -> None:
        """Typing goes to the field."""
        self.field.setFocus(Qt.FocusReason.PopupFocusReason)

    def place(self) -> None:
        """Under the top bar, right."""
        window = self.parentWidget()
        width = min(WIDTH, window.width() - 32)
        rows = max(1, min(MOST_ROWS, self.list.count()))
        self.setGeometry(QRect(window.width() - width - 96, 4, width, 58 + rows * self.list.ROW))

    def _fill(self) -> None:
        self.list.show_entries(self.entries(self.field.text()), "Nothing is called that")
        self.place()

    def entries(self, text: str) -> Sequence[Entry]:
        """Commands first, then presets once something was typed."""
        from app.panels.entry_list import Entry

        found = [
            Entry(
                self._commands.title(command.id).removesuffix("…"),
                command.menu,
                command.key,
                self._commands.is_enabled(command.id),
                partial(self._commands.run, command.id),
            )
            for command in self._commands.search(text)
        ]
        for preset in presets() if text.strip() else ():
            if preset.matches(text):
                found.append(Entry(preset.title, "Gallery", "", True, partial(self._open_preset, preset.id)))
        return found

    def _run(self, entry: Entry | None) -> None:
        if entry is not None and entry.enabled:
            self.close_overlay()
            entry.run()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The field keeps the keyboard while arrows walk the list."""
        if watched is self.field and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            key = event.key()
            if key in (Qt.Key.Key_Down, Qt.Key.Key_Up):
                direction = 1 if key == Qt.Key.Key_Down else -1
                self.list.mark(self.list.currentRow() + direction, direction)
                return True
            if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._run(self.list.current_entry)
                return True
        return super().eventFilter(watched, event)
