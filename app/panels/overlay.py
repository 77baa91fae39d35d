"""A frame that floats over the window: command search, problems, keys. Escape or a click elsewhere closes it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QApplication, QFrame, QWidget


class Overlay(QFrame):
    """A child of the window, not a window of its own: it works alike on every system and in pictures."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._before: QWidget | None = None
        self.setProperty("panel", "raised")
        self.setAutoFillBackground(True)
        self.hide()

    def open(self) -> None:
        """Show it in its place, in front of everything, with the keyboard; one that was open goes."""
        for other in self.window().findChildren(Overlay):
            if other is not self:
                other.close_overlay()
        if not self.isVisible():
            self._before = QApplication.focusWidget()
            QApplication.instance().installEventFilter(self)
        self.place()
        self.show()
        self.raise_()
        if not self.window().isActiveWindow():  # the key was pressed in a view that stands in a window of its own
            self.window().activateWindow()
        self.take_focus()

    def close_overlay(self) -> None:
        """Hide it and give the keyboard back to whoever had it."""
        if not self.isVisible():
            return
        QApplication.instance().removeEventFilter(self)
        self.hide()
        if self._before is not None and self._before.isVisible():
            self._before.setFocus(Qt.FocusReason.OtherFocusReason)
        self._before = None

    def toggle(self) -> None:
        """Open it, or close it when open."""
        self.close_overlay() if self.isVisible() else self.open()

    def place(self) -> None:
        """Set the geometry within the window; called before it is shown and when the window changes."""

    def take_focus(self) -> None:
        """Put the keyboard where typing should go."""
        self.setFocus(Qt.FocusReason.PopupFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape closes."""
        if event.key() == Qt.Key.Key_Escape:
            self.close_overlay()
        else:
            super().keyPressEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """A press anywhere else closes it and still does what it would have done."""
        if isinstance(event, QMouseEvent) and event.type() == QEvent.Type.MouseButtonPress:
            inside = isinstance(watched, QWidget) and (watched is self or self.isAncestorOf(watched))
            if isinstance(watched, QWidget) and not inside and not self.is_opener(watched):
                self.close_overlay()
        return False

    def is_opener(self, widget: QWidget) -> bool:
        """Whether a press on this widget toggles the overlay by itself."""
        return False
