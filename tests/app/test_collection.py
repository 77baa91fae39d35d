"""Garbage on the right thread: what Qt owns dies where it lives, whoever allocates."""

import gc
import threading
import weakref

from PySide6.QtCore import QEvent, QObject, QPoint
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QApplication, QGraphicsItem
from shiboken6 import isValid

from app import collection
from app.collection import RESTING_TICKS, SOON_DONE
from app.recovery import Keeper
from app.window import MainWindow

MANY = 20_000  # containers: Python by itself would collect after a few hundred


def leave_garbage(died):
    """A cycle with something of Qt's in it that nobody holds."""
    thing = QObject()
    thing.itself = [thing]
    weakref.finalize(thing, lambda: died.append(threading.get_ident()))


def test_what_qt_owns_dies_on_the_thread_of_the_window(qtbot, runner):
    died = []
    gc.collect()
    leave_garbage(died)
    allocating = threading.Thread(target=lambda: [[[]] for _ in range(MANY)])
    allocating.start()
    allocating.join()
    assert not died
    kept = [[[]] for _ in range(MANY)]
    qtbot.waitUntil(lambda: bool(died))
    assert len(kept) == MANY
    assert died == [threading.get_ident()]


def test_a_large_heap_is_looked_through_while_the_hand_rests(qapp, runner):
    collector = runner._collector
    collector._lasting = 10 * SOON_DONE
    assert not collector._is_due(12 * SOON_DONE, is_resting=True), "hardly anything is new"
    assert not collector._is_due(15 * SOON_DONE, is_resting=False)
    assert collector._is_due(15 * SOON_DONE, is_resting=True)
    assert collector._is_due(41 * SOON_DONE, is_resting=False), "it cannot wait for ever"
    collector._lasting = 0
    assert collector._is_due(SOON_DONE, is_resting=False), "that is soon done"


def test_a_mouse_that_has_just_moved_does_not_rest(qapp, runner, monkeypatch):
    collector = runner._collector
    assert [collector._watch_hand() for _ in range(RESTING_TICKS + 1)][-1]
    monkeypatch.setattr(collection.QCursor, "pos", lambda: QPoint(-77, 5))
    assert not collector._watch_hand()
    assert [collector._watch_hand() for _ in range(RESTING_TICKS)][-1]


def test_a_window_that_closes_leaves_nothing_of_qt_to_the_collection(qtbot, shelf, settings, tmp_path):
    """What is left of it in cycles has gone with the window: only then does it not matter when that is collected."""
    gc.collect()
    window = MainWindow(settings, Keeper(tmp_path / "journals"))
    window.show()
    qtbot.waitExposed(window)
    with qtbot.waitSignal(window.runner.snapshot_ready):
        window.files.open_preset("xor")
    window.editor.remove(["hidden"])
    window.editor.stack.undo()
    window.workspace.canvas.viewport().repaint()
    window.files.ask_unsaved = lambda: "discard"
    window.close()
    window.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    del window
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        gc.collect()
        left = [each for each in gc.garbage if issubclass(type(each), QObject | QGraphicsItem | QPainter)]
        assert any(isinstance(each, MainWindow) for each in left), "then this test would look at nothing"
        assert {type(each).__name__ for each in left if isValid(each)} == set()
    finally:
        gc.set_debug(0)
        gc.garbage.clear()


def test_python_collects_by_itself_again_once_the_runner_is_closed(qapp, runner):
    assert not gc.isenabled()
    runner.close()
    assert gc.isenabled()
