"""Typing in place: a line over a name or a number on the canvas."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QLineEdit, QPlainTextEdit, QWidget


def _left_to_the_canvas(typing: QWidget) -> None:
    """Take away what was typed in; the keys go to the canvas again."""
    parent = typing.parentWidget()
    typing.hide()
    typing.deleteLater()
    if parent is not None and parent.parentWidget() is not None:
        parent.parentWidget().setFocus()


class LineInPlace(QLineEdit):
    """Enter or leaving keeps the text, Esc drops it; its own undo never leaks into the document's."""

    def __init__(self, parent: QWidget, place: QRect, text: str, accept: Callable[[str], None]) -> None:
        super().__init__(text, parent)
        self._accept, self._before = accept, text
        self._open = True
        self.setGeometry(place.adjusted(-2, -2, 2, 2))
        self.selectAll()
        self.show()
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter and Esc close; other keys type, and none of them reaches the canvas."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.close_line(keep=True)
        elif event.key() == Qt.Key.Key_Escape:
            self.close_line(keep=False)
        else:
            super().keyPressEvent(event)
        event.accept()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """A click elsewhere keeps what was typed."""
        super().focusOutEvent(event)
        if event.reason() != Qt.FocusReason.PopupFocusReason:
            self.close_line(keep=True)

    def close_line(self, keep: bool) -> None:
        """Close, once."""
        if not self._open:
            return
        self._open = False
        text = self.text()
        _left_to_the_canvas(self)
        if keep and text != self._before:
            self._accept(text)


class NoteInPlace(QPlainTextEdit):
    """Several lines for a sticky note; Esc and leaving keep them (nothing that was written is thrown away)."""

    def __init__(self, parent: QWidget, place: QRect, text: str, accept: Callable[[str], None]) -> None:
        super().__init__(text, parent)
        self._accept, self._before = accept, text
        self._open = True
        self.setGeometry(place)
        self.selectAll()
        self.show()
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc or Ctrl+Enter closes."""
        held = event.modifiers() & Qt.KeyboardModifier.ControlModifier
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if event.key() == Qt.Key.Key_Escape or (enter and held):
            self.close_note()
        else:
            super().keyPressEvent(event)
        event.accept()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """A click elsewhere closes."""
        super().focusOutEvent(event)
        if event.reason() != Qt.FocusReason.PopupFocusReason:
            self.close_note()

    def close_note(self) -> None:
        """Close, once."""
        if not self._open:
            return
        self._open = False
        text = self.toPlainText()
        _left_to_the_canvas(self)
        if text != self._before:
            self._accept(text)
