"""Garbage on the right thread: what Qt owns dies where it lives, whoever allocates."""

import gc
import threading
import weakref

from PySide6.QtCore import QObject

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


def test_python_collects_by_itself_again_once_the_runner_is_closed(qapp, runner):
    assert not gc.isenabled()
    runner.close()
    assert gc.isenabled()
