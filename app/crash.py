"""What happens when the program itself is wrong: a report that can be copied, and a window that goes on."""

from __future__ import annotations

import platform
import sys
import threading
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal, qVersion
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from app import __version__
from app.theme import current_theme
from engine.problems import ProblemError


def report_text(trace: str) -> str:
    """Everything a maintainer needs and nothing about the person: versions, system, what was going on."""
    return "\n".join(
        [
            f"Chainrule {__version__}",
            f"Python {platform.python_version()}, Qt {qVersion()} ({QGuiApplication.platformName() or 'no window'})",
            f"{platform.system()} {platform.release()}, {platform.machine()}",
            "",
            trace.strip(),
        ]
    )


class CrashReporter(QObject):
    """Catches what nobody caught. The document stays open, and its journal is on disk anyway.

    tell     is handed the problems of a `ProblemError` that reached us: those are for the person, no crash
    """

    _caught = Signal(object)  # carries errors of other threads to the window's

    def __init__(self, window: QWidget, tell: Callable[[Any], object]) -> None:
        super().__init__(window)
        self._window, self._tell = window, tell
        self.last_report = ""
        self._dialog: CrashDialog | None = None
        self._caught.connect(self._handle, Qt.ConnectionType.QueuedConnection)
        self._former: tuple[Any, Any] | None = None

    def install(self) -> None:
        """Catch everything from now on."""
        self._former = (sys.excepthook, threading.excepthook)
        sys.excepthook = self._hook
        threading.excepthook = lambda found: self._hook(found.exc_type, found.exc_value, found.exc_traceback)

    def uninstall(self) -> None:
        """Leave errors to whoever had them before."""
        if self._former is not None:
            sys.excepthook, threading.excepthook = self._former
            self._former = None

    def _hook(self, kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error or kind(), trace)
            return
        if not isinstance(error, ProblemError):
            traceback.print_exception(kind, error, trace)
        self._caught.emit((error, "".join(traceback.format_exception(kind, error, trace))))

    def _handle(self, found: tuple[BaseException | None, str]) -> None:
        error, trace = found
        if isinstance(error, ProblemError):
            for problem in error.problems:
                self._tell(problem)
        else:
            self.show(trace)

    def keep(self, trace: str) -> None:
        """Keep a report without showing it: the problems list already tells what happened."""
        self.last_report = report_text(trace)

    def show(self, trace: str = "") -> None:
        """Show a report, or the last one."""
        if trace:
            self.keep(trace)
        if self._dialog is None:
            self._dialog = CrashDialog(self._window)
        self._dialog.show_report(self.last_report)


class CrashDialog(QDialog):
    """The report and a button that copies it. Not modal: the document behind it can be saved."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Crash report")
        self.resize(640, 420)
        self._head = QLabel()
        self._head.setWordWrap(True)
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setFont(current_theme().font("number_small"))
        self.text.setAccessibleName("Report")
        buttons = QDialogButtonBox()
        self.copy = QPushButton("Copy report")
        self.copy.setProperty("kind", "primary")
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.text.toPlainText()))
        buttons.addButton(self.copy, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.addButton("Go on", QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.accepted.connect(self.accept)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(12)
        column.addWidget(self._head)
        column.addWidget(self.text, 1)
        column.addWidget(buttons)

    def show_report(self, report: str) -> None:
        """Show it, in front."""
        happened = "Chainrule made a mistake of its own. Your document is still open, and everything you did is in its "
        self._head.setText(
            happened + "journal. You can go on; save under another name if anything looks odd. The report says nothing "
            "about you or your document beyond the lines below."
            if report
            else "Nothing has gone wrong since the program was started."
        )
        self.text.setPlainText(report)
        self.copy.setEnabled(bool(report))
        self.show()
        self.raise_()
