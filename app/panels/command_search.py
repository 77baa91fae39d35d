"""Ctrl+K: every command and every preset, found by a few letters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from app.commands import Commands
from app.library import presets
from app.panels.overlay import Overlay
from app.theme import current_theme

WIDTH, ROW, MOST_ROWS = 440, 30, 12


@dataclass(frozen=True, slots=True)
class Entry:
    """Something the search found."""

    title: str
    place: str
    key: str
    enabled: bool
    run: Callable[[], object]


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
        self.list = QListWidget()
        self.list.setItemDelegate(EntryDelegate(self.list))
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setUniformItemSizes(True)
        self.list.setStyleSheet("QListWidget { background: transparent; }")
        self.list.itemClicked.connect(self._run)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(6)
        column.addWidget(self.field)
        column.addWidget(self.list)

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
        self.setGeometry(QRect(window.width() - width - 96, 4, width, 58 + rows * ROW))

    def _fill(self) -> None:
        self.list.clear()
        for entry in self.entries(self.field.text()):
            item = QListWidgetItem(entry.title)
            item.setData(Qt.ItemDataRole.UserRole, entry)
            item.setSizeHint(QSize(100, ROW))
            if not entry.enabled:
                item.setFlags(Qt.ItemFlag.NoItemFlags)
            self.list.addItem(item)
        self._mark(0, 1)
        if not self.list.count():
            item = QListWidgetItem("Nothing is called that")
            item.setFlags(Qt.ItemFlag.NoItemFlags)
            item.setData(Qt.ItemDataRole.UserRole, Entry("Nothing is called that", "", "", False, lambda: None))
            self.list.addItem(item)
        self.place()

    def entries(self, text: str) -> list[Entry]:
        """Commands first, then presets once something was typed."""
        found = [
            Entry(
                self._commands.title(command.id).removesuffix("…"),
                command.menu,
                command.key,
                action.isEnabled(),
                action.trigger,
            )
            for command in self._commands.search(text)
            if (action := self._commands.action(command.id)) is not None
        ]
        for preset in presets() if text.strip() else ():
            if preset.matches(text):
                found.append(Entry(preset.title, "Gallery", "", True, partial(self._open_preset, preset.id)))
        return found

    def _mark(self, start: int, direction: int) -> None:
        """Mark the next entry that can be done."""
        row = start
        while 0 <= row < self.list.count():
            if self.list.item(row).flags() & Qt.ItemFlag.ItemIsEnabled:
                self.list.setCurrentRow(row)
                return
            row += direction

    def _run(self, item: QListWidgetItem | None) -> None:
        entry = item.data(Qt.ItemDataRole.UserRole) if item is not None else None
        if entry is not None and entry.enabled:
            self.close_overlay()
            entry.run()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The field keeps the keyboard while arrows walk the list."""
        if watched is self.field and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            key = event.key()
            if key in (Qt.Key.Key_Down, Qt.Key.Key_Up):
                direction = 1 if key == Qt.Key.Key_Down else -1
                self._mark(self.list.currentRow() + direction, direction)
                return True
            if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._run(self.list.currentItem())
                return True
        return super().eventFilter(watched, event)


class EntryDelegate(QStyledItemDelegate):
    """Title on the left, menu and key on the right."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """One entry."""
        theme = current_theme()
        entry: Entry = index.data(Qt.ItemDataRole.UserRole)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = option.rect
        if option.state & QStyle.StateFlag.State_Selected and entry.enabled:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("selection"))
            painter.drawRoundedRect(area, theme.radius.field, theme.radius.field)
        inner = area.adjusted(10, 0, -10, 0)
        painter.setFont(theme.font("body"))
        painter.setPen(theme.colour("text" if entry.enabled else "border_strong"))
        painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, entry.title)
        painter.setFont(theme.font("caption"))
        painter.setPen(theme.colour("text3" if entry.enabled else "border_strong"))
        right = "   ".join(part for part in (entry.place, entry.key) if part)
        painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, right)
        painter.restore()
