"""The window while a large net trains at full speed: does it still paint, and does it still answer?"""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEvent, QEventLoop, QObject, QTimer

from app.headless import Moment, Stage, play
from tests.benchmarks.ours import document_of, session_of
from tests.benchmarks.tables import number, table, verdict
from tests.benchmarks.workloads import WORKLOADS, arrays_of

WORKLOAD = "784-512-512-10"
SIZE = (1600, 1000)
MEASURED_S, SETTLING_S, EVERY_S = 5.0, 1.0, 0.02
FRAMES, LATENCY_MS = 30.0, 100.0
HEAD = ("window at full speed", "measured", "goal", "")
POSTED = QEvent.Type(QEvent.registerEventType())


class Due(QEvent):
    """An event that knows when it ought to have arrived."""

    def __init__(self, due: float) -> None:
        super().__init__(POSTED)
        self.due = due


class Listener(QObject):
    """Takes posted events and remembers how late each one was, in milliseconds."""

    def __init__(self) -> None:
        super().__init__()
        self.late_ms: list[float] = []

    def event(self, event: QEvent) -> bool:
        if isinstance(event, Due):
            self.late_ms.append(1e3 * (time.perf_counter() - event.due))
            return True
        return super().event(event)


class PaintCounter(QObject):
    """Counts the paints of the widgets it is installed on."""

    def __init__(self) -> None:
        super().__init__()
        self.paints = 0

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint:
            self.paints += 1
        return False


@contextmanager
def posting(listener: Listener) -> Iterator[None]:
    """Post an event every 20 ms from another thread.

    Lateness counts from the moment planned, not from the moment posted: a thread that is kept waiting would hide it.
    """
    stop = threading.Event()

    def post() -> None:
        due = time.perf_counter() + EVERY_S
        while not stop.wait(max(0.0, due - time.perf_counter())):
            QCoreApplication.postEvent(listener, Due(due))
            due += EVERY_S

    thread = threading.Thread(target=post, name="benchmark-events")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def run(rounds: int) -> None:
    """Five seconds of the real window, off the screen."""
    workload = WORKLOADS[WORKLOAD]
    with tempfile.TemporaryDirectory(prefix="chainrule-bench-") as folder, Stage(SIZE, "dark") as stage:
        path = Path(folder) / "net.json"
        document_of(workload, arrays_of(workload)).save(path)
        rows = _measure(stage, path)
    print(f"\nThe window with {WORKLOAD} at full speed, {SIZE[0]}×{SIZE[1]}, {MEASURED_S:.0f} s\n")
    print(table(HEAD, rows), flush=True)


def _measure(stage: Stage, path: Path) -> list[tuple[str, ...]]:
    window = stage.window
    window.files.open_path(path)
    play(window.runner, Moment(iterations=1))  # planned and warm before anything is counted
    workspace = window.workspace
    assert workspace is not None
    listener, counter, snapshots = Listener(), PaintCounter(), list[int]()
    window.runner.play()
    _wait(SETTLING_S)
    window.runner.snapshot_ready.connect(lambda snapshot: snapshots.append(snapshot.iteration))
    workspace.canvas.viewport().installEventFilter(counter)
    begun = time.perf_counter()
    with posting(listener):
        _wait(MEASURED_S)
    elapsed = time.perf_counter() - begun
    window.runner.pause()
    workspace.canvas.viewport().removeEventFilter(counter)
    done = (snapshots[-1] - snapshots[0]) / elapsed if len(snapshots) > 1 else 0.0
    return _rows(counter.paints / elapsed, listener.late_ms, len(snapshots) / elapsed, done)


def _rows(frames: float, late_ms: list[float], snapshots: float, iterations: float) -> list[tuple[str, ...]]:
    ordered = sorted(late_ms)
    worst = ordered[-1]
    bare = _iterations_alone()
    return [
        ("frames a second", number(frames), number(FRAMES), verdict(frames, FRAMES)),
        ("latest of the posted events, ms", number(worst), number(LATENCY_MS), verdict(worst, LATENCY_MS, at_most=True)),
        ("  99 of 100 within, ms", number(ordered[int(0.99 * (len(ordered) - 1))]), "–", ""),
        ("  median, ms", number(statistics.median(ordered)), "–", ""),
        ("snapshots a second", number(snapshots), "–", ""),
        ("iterations a second", number(iterations), "–", ""),
        ("  without a window", number(bare), "–", ""),
    ]  # fmt: skip


def _iterations_alone() -> float:
    workload = WORKLOADS[WORKLOAD]
    session = session_of(workload, arrays_of(workload))
    session.run(5)
    begun = time.perf_counter()
    return session.run(50) / (time.perf_counter() - begun)


def _wait(seconds: float) -> None:
    loop = QEventLoop()
    QTimer.singleShot(round(1000 * seconds), loop.quit)
    loop.exec()
