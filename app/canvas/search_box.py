"""The search box at the cursor: type three letters, Enter places."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QFrame,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from app.canvas.ink import draw_text
from app.theme import current_theme
from engine.nodes import NodeType

WIDTH, ROW, MOST_ROWS = 320, 28, 9
CATEGORY = Qt.ItemDataRole.UserRole + 1


class _Row(QStyledItemDelegate):
    """The row as the list paints it, with the category at its right end."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        super().paint(painter, option, index)
        place = QRectF(option.rect).adjusted(0, 0, -10, 0)
        draw_text(painter, place, str(index.data(CATEGORY)), "caption", "text3", "right")


class SearchBox(QFrame):
    """Lists node types that fit; `chosen` tells the name of one. The most recently used stand on top."""

    chosen = Signal(str)
    closed = Signal()
    recent: list[str] = []  # of this process, the last used first

    def __init__(self, parent: QWidget, types: Sequence[type[NodeType]], caption: str = "") -> None:
        super().__init__(parent)
        theme = current_theme()
        self._types = self._by_recency(types)
        self._open = True
        self.setObjectName("searchBox")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.line = QLineEdit(self, placeholderText="Search nodes")
        self.list = QListWidget(self)
        self.list.setIconSize(QSize(14, 14))
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setUniformItemSizes(True)
        self.list.setItemDelegate(_Row(self.list))
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        self.note = QLabel("", self)
        self.note.setFont(theme.font("caption"))
        self.note.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.setSpacing(6)
        for widget in (self.line, self.list, self.note):
            layout.addWidget(widget)
        palette = theme.palette
        self.setStyleSheet(
            f"#searchBox {{ background: {palette.raised}; border: 1px solid {palette.border_strong}; border-radius: 8px; }}"
            f"QListWidget {{ background: transparent; }} QLabel {{ color: {palette.text3}; background: transparent; }}"
        )
        self._caption = caption
        self.line.installEventFilter(self)
        self.line.textChanged.connect(self._filter)
        self.list.itemClicked.connect(self._choose)
        self._filter("")

    def _by_recency(self, types: Sequence[type[NodeType]]) -> list[type[NodeType]]:
        rank = {name: at for at, name in enumerate(self.recent)}
        # Whole circuits come behind what they are made of: who pulls a wire mostly wants one node.
        return sorted(types, key=lambda kind: (rank.get(kind.name, len(rank)), kind.category == "Composites"))

    def open_at(self, place: QPoint) -> None:
        """Show with the corner at a place of the parent, pushed inside it."""
        parent = self.parentWidget()
        assert parent is not None
        self.resize(WIDTH, self.sizeHint().height())
        x = max(4, min(place.x(), parent.width() - self.width() - 4))
        y = max(4, min(place.y(), parent.height() - self.height() - 4))
        self.move(x, y)
        self.show()
        self.raise_()
        self.line.setFocus(Qt.FocusReason.PopupFocusReason)

    def _filter(self, text: str) -> None:
        wanted = text.strip().lower()
        ranked = [(rank, kind) for kind in self._types if (rank := _match(kind, wanted)) is not None]
        ranked.sort(key=lambda entry: entry[0])
        theme = current_theme()
        self.list.clear()
        for _, kind in ranked:
            token = f"c_{kind.category.lower()}"
            icon = theme.icon(kind.icon or "square-function", token if hasattr(theme.palette, token) else "text2", 14)
            entry = QListWidgetItem(icon, kind.title)
            entry.setData(CATEGORY, kind.category)
            entry.setData(Qt.ItemDataRole.UserRole, kind.name)
            entry.setToolTip(kind.help())
            entry.setSizeHint(QSize(WIDTH - 24, ROW))
            self.list.addItem(entry)
        self.list.setCurrentRow(0)
        self.list.setFixedHeight(ROW * max(1, min(MOST_ROWS, len(ranked))) + 4)
        self.note.setText(self._caption if ranked else "Nothing of that name fits here.")
        self.note.setVisible(bool(self.note.text()))
        self.adjustSize()
        self.resize(WIDTH, self.sizeHint().height())

    @property
    def names(self) -> list[str]:
        """The node types listed now, from the top."""
        return [self.list.item(row).data(Qt.ItemDataRole.UserRole) for row in range(self.list.count())]

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Arrows walk the list, Enter chooses, Esc closes; leaving closes as well."""
        if event.type() == QEvent.Type.KeyPress:
            assert isinstance(event, QKeyEvent)
            return self._key(event)
        if event.type() == QEvent.Type.FocusOut:
            self.close_box()
        return False

    def _key(self, event: QKeyEvent) -> bool:
        actions: dict[int, Callable[[], None]] = {
            Qt.Key.Key_Up: lambda: self._walk(-1),
            Qt.Key.Key_Down: lambda: self._walk(1),
            Qt.Key.Key_Return: lambda: self._choose(self.list.currentItem()),
            Qt.Key.Key_Enter: lambda: self._choose(self.list.currentItem()),
            Qt.Key.Key_Tab: lambda: self._walk(1),
            Qt.Key.Key_Escape: self.close_box,
        }
        action = actions.get(event.key())
        if action is not None:
            action()
        return action is not None

    def _walk(self, by: int) -> None:
        if self.list.count():
            self.list.setCurrentRow((self.list.currentRow() + by) % self.list.count())

    def _choose(self, entry: QListWidgetItem | None) -> None:
        if entry is None:
            return
        name = entry.data(Qt.ItemDataRole.UserRole)
        if name in self.recent:
            self.recent.remove(name)
        self.recent.insert(0, name)
        self.close_box()
        self.chosen.emit(name)

    def close_box(self) -> None:
        """Close without choosing, once."""
        if not self._open:
            return
        self._open = False
        self.hide()
        self.deleteLater()
        self.closed.emit()


def _match(kind: type[NodeType], wanted: str) -> int | None:
    """How well a type matches: 0 at its beginning, 1 at a word's, 2 inside, 3 in its help; None not at all."""
    title = kind.title.lower()
    if title.startswith(wanted):
        return 0
    if any(word.startswith(wanted) for word in title.split()):
        return 1
    if wanted in title or wanted in kind.name:
        return 2
    return 3 if wanted in kind.help().lower() or wanted in kind.category.lower() else None
