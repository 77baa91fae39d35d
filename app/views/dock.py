"""What holds one view: a place under the canvas, or a window of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent, QGuiApplication
from PySide6.QtWidgets import QDockWidget

from app.views.base import View
from app.views.places import Rect, in_sight

if TYPE_CHECKING:
    from engine.snapshot import Snapshot

SMALLEST_WINDOW = QSize(560, 420)  # of a view that was just torn off; a person may make it smaller


class ViewDock(QDockWidget):
    """Bears a view; the view's head is the handle by which it is dragged.

    closed_by_hand  somebody closed the window of a torn-off view
    """

    closed_by_hand = Signal()

    def __init__(self, view: View) -> None:
        super().__init__(view.label)
        self.view = view
        self.is_seen = False  # Qt calls a dock visible also while another one covers it on their tab bar
        self._snapshot: Snapshot | None = None
        self.setObjectName(view.id)
        self.setWidget(view)
        self.setTitleBarWidget(view.head)
        self.setFeatures(
            QDockWidget.DockWidgetFeature.DockWidgetMovable | QDockWidget.DockWidgetFeature.DockWidgetFloatable
        )
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.visibilityChanged.connect(self._note_sight)
        self.topLevelChanged.connect(view.show_torn_off)
        view.renamed.connect(self.setWindowTitle)

    # snapshots -------------------------------------------------------------------------------------------------------

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Hand a snapshot on while the view can be seen, and the last one when it comes into sight."""
        self._snapshot = snapshot
        if self.is_seen:
            self.view.show_snapshot(snapshot)
        else:
            self.view.peek(snapshot)

    def forget(self) -> None:
        """Another document was opened: its first snapshot is yet to come."""
        self._snapshot = None

    def _note_sight(self, seen: bool) -> None:
        self.is_seen = seen
        if seen and self._snapshot is not None and self.view.snapshot is not self._snapshot:
            self.view.show_snapshot(self._snapshot)

    # the window ------------------------------------------------------------------------------------------------------

    def tear_off(self, window: tuple[int, int, int, int] | None = None) -> None:
        """Become a window: where it is said, as far as a screen is there, else where the view stands."""
        if window is None:
            corner = self.mapToGlobal(self.rect().topLeft())
            size = self.size().expandedTo(SMALLEST_WINDOW)
            window = corner.x(), corner.y() - max(0, size.height() - self.height()), size.width(), size.height()
        self.setFloating(True)
        self.setGeometry(*in_sight(window, screens()))
        self.dress()

    def dress(self) -> None:
        """Let the window of a torn-off view have the frame of the system, so that it can be put on any screen."""
        if self.isFloating() and not self._is_dressed:
            place = self.geometry()
            self.setWindowFlags(Qt.WindowType.Window)
            self.setGeometry(place)
            self.show()
            self.stay_in_front()

    def stay_in_front(self) -> None:
        """A window of its own never vanishes behind the main window, which may fill the screen."""
        main = self.parentWidget().window().windowHandle() if self.parentWidget() is not None else None
        handle = self.windowHandle()
        if self.isFloating() and handle is not None and main is not None:
            handle.setTransientParent(main)
            self.raise_()

    @property
    def _is_dressed(self) -> bool:
        return not bool(self.windowFlags() & Qt.WindowType.FramelessWindowHint)

    def event(self, event: QEvent) -> bool:
        """A window in front has the keyboard, whatever in it was clicked last."""
        if event.type() == QEvent.Type.WindowActivate and self.isFloating() and self.focusWidget() is None:
            self.setFocus(Qt.FocusReason.ActiveWindowFocusReason)
        return super().event(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Closing the window by hand puts the view away; the end of the program does not."""
        if event.spontaneous() and self.isFloating():
            event.ignore()
            self.closed_by_hand.emit()
        else:
            super().closeEvent(event)


def screens() -> list[Rect]:
    """Where windows may stand, the first screen first."""
    every = [QGuiApplication.primaryScreen(), *QGuiApplication.screens()]
    areas = [screen.availableGeometry() for screen in every if screen is not None]
    return [(area.x(), area.y(), area.width(), area.height()) for area in areas]
