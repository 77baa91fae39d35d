"""A start of the program that says how far it is, a word a line, and leaves: the process that `start` waits for.

It goes the command's own way to the window: `gallery` is `chainrule`, anything else is `chainrule PRESET` with one press of →;
with `clicked` behind it that preset is opened from a gallery that has stood there for a while.
"""

from __future__ import annotations

import gc
import sys
from importlib import import_module
from typing import TYPE_CHECKING

gc.disable()  # as the command does before it imports anything

from PySide6.QtCore import QEvent, QObject, QTimer  # noqa: E402
from PySide6.QtWidgets import QWidget  # noqa: E402

from app.cli import open_named, start_window  # noqa: E402

if TYPE_CHECKING:
    from app.window import MainWindow

LONGEST_MS = 30_000
LOOKED_AT_MS = 3000  # a gallery, before something in it is clicked
OPENING = "opening"


def say(word: str) -> None:
    """Tell the process that waits."""
    print(word, flush=True)


class FirstPaint(QObject):
    """Leaves after the next paint of a widget."""

    def __init__(self, window: MainWindow, widget: QWidget) -> None:
        super().__init__(window)
        self._window = window
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint:
            watched.removeEventFilter(self)
            # The picture is on its way to the screen once this event is done.
            QTimer.singleShot(0, self._leave)
        return False

    def _leave(self) -> None:
        say("painted")
        self._window.close()


def leave_after_first_step(window: MainWindow) -> None:
    """Press → and leave when the canvas has painted what came of it."""

    def taken(snapshot: object) -> None:
        workspace = window.workspace
        if workspace is not None and getattr(snapshot, "last_step", None) is not None:
            say("first step taken")
            window.runner.snapshot_ready.disconnect(taken)
            FirstPaint(window, workspace.canvas.viewport())
            workspace.canvas.viewport().update()

    window.runner.snapshot_ready.connect(taken)
    window.runner.step("node")


def open_and_step(window: MainWindow, preset: str) -> None:
    """Open a preset, and press →."""
    say(OPENING)
    open_named(window, preset)
    say("document opened")
    leave_after_first_step(window)


def main(kind: str, clicked: bool) -> int:
    """Open the window on the gallery or on a preset."""
    import_module("app.window")
    say("modules imported")
    application, window = start_window()
    say("window built")
    if clicked:
        QTimer.singleShot(LOOKED_AT_MS, window, lambda: open_and_step(window, kind))
    elif kind == "gallery":
        FirstPaint(window, window.gallery)
    else:
        open_and_step(window, kind)
    window.show()
    window.warm_up()
    QTimer.singleShot(LONGEST_MS, window.close)  # whatever keeps the picture away, nobody waits for ever
    return int(application.exec())


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], "clicked" in sys.argv[2:]))
