"""The list of a search: titles with their places and keys, the one that Enter takes marked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QSize, Qt, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app.theme import current_theme


@dataclass(frozen=True, slots=True)
class Entry:
    """Something the search found."""

    title: str
    place: str
    key: str
    enabled: bool
    run: Callable[[], object]


class EntryList(QListWidget):
    """Shows entries; the keyboard stays with whoever has it."""

    ROW = 30  # pixels
    chosen = Signal(object)  # an Entry

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setItemDelegate(EntryDelegate(self))
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setUniformItemSizes(True)
        self.setStyleSheet("QListWidget { background: transparent; }")
        self.itemClicked.connect(lambda item: self.chosen.emit(item.data(Qt.ItemDataRole.UserRole)))

    def show_entries(self, entries: Sequence[Entry], nothing: str) -> None:
        """Show these, the first that can be done marked; `nothing` is said where there are none."""
        self.clear()
        for entry in entries or [Entry(nothing, "", "", False, lambda: None)]:
            item = QListWidgetItem(entry.title)
            item.setData(Qt.ItemDataRole.UserRole, entry)
            item.setSizeHint(QSize(100, self.ROW))
            if not entry.enabled:
                item.setFlags(Qt.ItemFlag.NoItemFlags)
            self.addItem(item)
        self.mark(0, 1)

    def mark(self, start: int, direction: int) -> None:
        """Mark the next entry that can be done."""
        row = start
        while 0 <= row < self.count():
            if self.item(row).flags() & Qt.ItemFlag.ItemIsEnabled:
                self.setCurrentRow(row)
                return
            row += direction

    @property
    def current_entry(self) -> Entry | None:
        """The one that is marked."""
        item = self.currentItem()
        entry: Entry | None = item.data(Qt.ItemDataRole.UserRole) if item is not None else None
        return entry


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
