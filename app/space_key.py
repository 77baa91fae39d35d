"""The key that plays: a tap of Space, wherever the keyboard is but in text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractScrollArea,
    QAbstractSpinBox,
    QApplication,
    QDockWidget,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)

if TYPE_CHECKING:
    from app.window import MainWindow

TEXT_FIELDS = (QLineEdit, QTextEdit, QPlainTextEdit, QAbstractSpinBox)


class SpaceKey(QObject):
    """Plays and pauses at a tap of Space; held while the mouse is pressed it belongs to the canvas, which pans."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._is_down = False
        # Not a filter of the whole application: building the workspace alone would send it twenty thousand events.
        QApplication.instance().focusChanged.connect(self._follow)

    def _follow(self, _: QWidget | None, focused: QWidget | None) -> None:
        self._is_down = False
        if focused is not None and (focused.window() is self._window or isinstance(focused.window(), QDockWidget)):
            focused.installEventFilter(self)
            if isinstance(focused, QAbstractScrollArea):
                focused.viewport().installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Hear of keys in the focused widget, and of the mouse that makes Space mean something else."""
        if event.type() == QEvent.Type.MouseButtonPress:
            self._is_down = False
        if not isinstance(event, QKeyEvent) or event.key() != Qt.Key.Key_Space or event.isAutoRepeat():
            return False
        if not isinstance(watched, QWidget) or not self._is_meant(watched):
            return False
        if event.type() == QEvent.Type.KeyPress and not event.modifiers():
            self._is_down = True
        elif event.type() == QEvent.Type.KeyRelease and self._is_down:
            self._is_down = False
            self._window.commands.run("run.play")
        # The canvas may want to know that Space is held; a button must not be pressed by it.
        return not self._is_in_canvas(watched)

    def _is_meant(self, watched: QWidget) -> bool:
        """Whether a Space is meant for the player. Events bubble, so only the focused widget counts."""
        window = self._window
        if not window.has_document or watched is not QApplication.focusWidget():
            return False
        floating = any(overlay.isVisible() and overlay.isAncestorOf(watched) for overlay in window.overlays)
        return not floating and not isinstance(watched, TEXT_FIELDS)

    def _is_in_canvas(self, watched: QWidget) -> bool:
        canvas = self._window.workspace.canvas if self._window.workspace is not None else None
        return canvas is not None and (watched is canvas or canvas.isAncestorOf(watched))
