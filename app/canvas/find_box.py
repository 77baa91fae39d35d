"""Finding what is drawn: a line and a list of hits with their number; Enter walks them and brings each to the middle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLineEdit, QListWidget, QVBoxLayout

from app.canvas.geometry import shown_name
from app.theme import current_theme

if TYPE_CHECKING:
    from app.canvas.view import CanvasView

WIDTH, ROW, MOST_ROWS, TOP = 300, 26, 8, 12


class FindBox(QFrame):
    """Stands in the middle of the upper edge of the canvas until Esc, or until the keyboard goes elsewhere."""

    def __init__(self, view: CanvasView) -> None:
        super().__init__(view)
        self._view = view
        self._hits: list[str] = []
        self.setObjectName("findBox")
        self.line = QLineEdit(self, placeholderText="Find on the canvas")
        self.line.setAccessibleName("Find on the canvas")
        self.count = QLabel(self)
        self.list = QListWidget(self)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        head = QHBoxLayout()
        head.addWidget(self.line, 1)
        head.addWidget(self.count)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(6)
        column.addLayout(head)
        column.addWidget(self.list)
        palette = current_theme().palette
        self.setStyleSheet(
            f"#findBox {{ background: {palette.raised}; border: 1px solid {palette.border_strong}; border-radius: 8px; }}"
            f"QListWidget {{ background: transparent; border: none; }}"
            f"QLabel {{ color: {palette.text3}; background: transparent; }}"
        )
        self.line.installEventFilter(self)
        self.line.textChanged.connect(self._look_for)
        self.list.itemClicked.connect(lambda _: self._show())
        self._look_for("")
        self.show()
        self.raise_()
        self.line.setFocus(Qt.FocusReason.PopupFocusReason)

    def _look_for(self, text: str) -> None:
        """List what bears all the words in its name, its type or its text."""
        words = text.lower().split()
        found = [
            (name, label) for name, label, hay in _drawn(self._view) if words and all(word in hay for word in words)
        ]
        self._hits = [name for name, _ in found]
        self.list.clear()
        self.list.addItems([label for _, label in found])
        self.list.setCurrentRow(0 if found else -1)
        self._say()
        self.list.setVisible(bool(found))
        self.list.setFixedHeight(ROW * max(1, min(MOST_ROWS, len(found))))
        self.resize(WIDTH, self.sizeHint().height())
        self.move((self._view.width() - WIDTH) // 2, TOP)

    def _say(self) -> None:
        at, many = self.list.currentRow() + 1, len(self._hits)
        self.count.setText(f"{at} of {many}" if many else "none" if self.line.text().strip() else "")

    def _show(self) -> None:
        """Select the marked hit and bring it to the middle."""
        row = self.list.currentRow()
        if 0 <= row < len(self._hits):
            self._view.frame_thing(self._hits[row])
        self._say()

    def _walk(self, by: int, shows: bool) -> None:
        if self._hits:
            self.list.setCurrentRow((self.list.currentRow() + by) % len(self._hits))
            self._show() if shows else self._say()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Enter shows a hit and then the next one, with Shift the one before; arrows mark; Esc closes."""
        if event.type() == QEvent.Type.FocusOut:
            QTimer.singleShot(0, self._close)  # not from within: its own focus is on the way out
        if not isinstance(event, QKeyEvent) or event.type() != QEvent.Type.KeyPress:
            return False
        key, back = event.key(), bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            is_shown = bool(self._hits) and self._hits[max(0, self.list.currentRow())] in self._view.editor.selection
            self._walk((-1 if back else 1) if is_shown else 0, shows=True)
        elif key in (Qt.Key.Key_Down, Qt.Key.Key_Up):
            self._walk(1 if key == Qt.Key.Key_Down else -1, shows=False)
        elif key == Qt.Key.Key_Escape:
            self._view.setFocus()
        return key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Down, Qt.Key.Key_Up, Qt.Key.Key_Escape)

    def _close(self) -> None:
        if self._view.finding is self:
            self._view.finding = None
            self.hide()
            self.deleteLater()


def _drawn(view: CanvasView) -> list[tuple[str, str, str]]:
    """Everything with words on it: id, what the list says, and where words are looked for."""
    graph = view.canvas.graph
    found = []
    for node in graph:
        kind = node.kind.title if node.kind else node.type
        found.append((node.id, f"{shown_name(node)}  ·  {kind}", f"{node.title} {node.id} {kind}".lower()))
    for frame in graph.frames.values():
        found.append((frame.id, f"{frame.title or 'frame'}  ·  frame", f"{frame.title} frame".lower()))
    for note in graph.notes.values():
        found.append((note.id, f"{note.text[:32]}  ·  note", f"{note.text} note".lower()))
    return found
