"""The canvas: a large document opened, frames standing still, playing and panned, at 1:1 and with the whole graph in view.

Documents are saved and opened in the window, as a person's would be: from the click to the whole canvas on the screen,
and on until shapes, problems and the first numbers stand. The machine is never quiet: the least of many frames says what
a frame costs, the median what it came to.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

from PySide6.QtCore import QPointF
from PySide6.QtWidgets import QApplication

from app.canvas import CanvasView
from app.editor import Editor
from app.headless import wait_until
from app.recovery import Keeper
from app.settings import Settings
from app.theme import current_theme
from app.window import MainWindow
from engine import Document, Session
from engine.snapshot import Snapshot
from tests.benchmarks.drawings import layers
from tests.benchmarks.tables import number, table, verdict

SIZE = (1920, 1080)
NODES = (160, 1000, 5000)
FRAMES_A_ROUND = 6
SNAPSHOTS, ITERATIONS = 6, 20
GOAL_MS, WHOLE_GOAL_MS = 5.0, {160: 8.0, 1000: 8.0, 5000: 16.0}
OPENED_MS = 500.0
HEAD = ("nodes", "view", "in sight", "still", "playing", "of it numbers", "panned", "goal", "still", "playing")
OPENED_HEAD = ("nodes", "painted", "goal", "", "shapes and problems stand", "first numbers")
OPENINGS = 3


class Opening:
    """How long it takes to open files in the real window, in ms from the click."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.window = MainWindow(Settings(None), Keeper(folder / "journals"))
        self.window.resize(*SIZE)
        self.window.show()

    def measure(self, nodes: int) -> tuple[str, ...]:
        """The row of one size: the least of some openings, and their median."""
        times = [self._open(self._path(nodes)) for _ in range(OPENINGS)]
        painted, checked, numbers = (
            f"{number(min(t))} / {number(statistics.median(t))}" for t in zip(*times, strict=True)
        )
        least = min(time for time, _, _ in times)
        return (str(nodes), painted, number(OPENED_MS), verdict(least, OPENED_MS, at_most=True), checked, numbers)

    def _open(self, path: Path) -> tuple[float, float, float]:
        window = self.window
        self._settle(self._path(min(NODES)))
        canvas = window.workspace.canvas if window.workspace is not None else None
        assert canvas is not None
        heard: dict[str, float] = {}
        begun = time.perf_counter()

        def note(name: str) -> Callable[..., object]:
            return lambda *_: heard.setdefault(name, 1e3 * (time.perf_counter() - begun))

        signals = {
            "painted": canvas.painted,
            "checked": window.editor.problems_changed,
            "numbers": window.runner.snapshot_ready,
        }
        slots = {name: note(name) for name in signals}
        for name, signal in signals.items():
            signal.connect(slots[name])
        window.files.open_path(path)
        wait_until(lambda: len(heard) == len(signals))
        for name, signal in signals.items():
            signal.disconnect(slots[name])
        return heard["painted"], heard["checked"], heard["numbers"]

    def _settle(self, path: Path) -> None:
        """Another document is open, and nobody is busy with it any more."""
        with_numbers: list[object] = []
        self.window.runner.snapshot_ready.connect(with_numbers.append)
        self.window.files.open_path(path)
        wait_until(lambda: bool(with_numbers))
        self.window.runner.snapshot_ready.disconnect(with_numbers.append)

    def _path(self, nodes: int) -> Path:
        return self._folder / f"layers-{nodes}.json"

    def close(self) -> None:
        """The window goes."""
        self.window.close()


class Scene:
    """A canvas with a drawing on it and snapshots to show, from a session that really ran."""

    def __init__(self, nodes: int, path: Path) -> None:
        self.nodes = nodes
        document = Document.load(path)
        self.view = CanvasView(Editor(Document()))
        self.view.reduced_motion = True
        self.view.resize(*SIZE)
        self.view.show()
        QApplication.processEvents()
        self.view.editor.open(document)
        self.view.fit()
        self.view.editor.check_now()
        QApplication.processEvents()
        self._snapshots = cycle(_snapshots(Session(document)))

    def look(self, whole: bool) -> None:
        """At everything, or at the middle in its own size."""
        if whole:
            self.view.fit()
        else:
            self.view.zoom_by(1 / self.view.zoom)
            self.view.centre_at(self.view.canvas.content_area().center())
        QApplication.processEvents()

    def in_sight(self) -> int:
        """Nodes in view."""
        return len(self.view.canvas.seen())

    def still_ms(self) -> float:
        """One full repaint."""
        return _timed(self.view.viewport().repaint)[0]

    def numbers_ms(self) -> float:
        """Taking in the numbers of another iteration, not painting them."""
        snapshot = next(self._snapshots)
        return _timed(lambda: self.view.canvas.numbers.show(snapshot))[0]

    def painted_ms(self) -> float:
        """Painting whatever asked for it: after a snapshot, the nodes whose numbers have changed."""
        return _timed(QApplication.processEvents)[0]

    def panned_ms(self) -> float:
        """One full repaint after the view has moved."""
        self.view.pan_by(QPointF(13, 7))
        return _timed(self.view.viewport().repaint)[0]


def _snapshots(session: Session) -> Iterator[Snapshot]:
    found = []
    for _ in range(SNAPSHOTS):
        session.run(ITERATIONS)
        found.append(session.snapshot())
    return iter(found)


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    begun = time.perf_counter()
    result = work()
    return 1e3 * (time.perf_counter() - begun), result


def run(rounds: int) -> None:
    """Measure each size and view in turn."""
    application = QApplication(["benchmarks"])
    current_theme().apply(application)
    with tempfile.TemporaryDirectory(prefix="chainrule-bench-") as folder:
        paths = [_saved(nodes, Path(folder)) for nodes in NODES]
        opening = Opening(Path(folder))
        openings = [opening.measure(nodes) for nodes in NODES]
        opening.close()
        scenes = [Scene(nodes, path) for nodes, path in zip(NODES, paths, strict=True)]
    rows = [_measure(scene, whole, rounds) for scene in scenes for whole in (False, True)]
    for scene in scenes:
        scene.view.close()
    application.processEvents()
    print(
        f"\nA file opened in the window, ms from the click, least / median of {OPENINGS}; the least is held to the goal\n"
    )
    print(table(OPENED_HEAD, openings))
    print(
        f"\nFrames of the canvas in ms, {SIZE[0]}×{SIZE[1]}, off the screen,"
        f" least / median of {rounds * FRAMES_A_ROUND}; the least is held against the goal\n"
    )
    print(table(HEAD, rows), flush=True)


def _saved(nodes: int, folder: Path) -> Path:
    path = folder / f"layers-{nodes}.json"
    layers(nodes).save(path)
    return path


def _measure(scene: Scene, whole: bool, rounds: int) -> tuple[str, ...]:
    scene.look(whole)
    in_sight = scene.in_sight()
    still, playing, numbers, panned = [], [], [], []
    for _ in range(rounds * FRAMES_A_ROUND):
        still.append(scene.still_ms())
        numbers.append(scene.numbers_ms())
        playing.append(numbers[-1] + scene.painted_ms())
        panned.append(scene.panned_ms())
        QApplication.processEvents()  # the minimap follows the view
    goal = WHOLE_GOAL_MS[scene.nodes] if whole else GOAL_MS
    both = [f"{number(min(each))} / {number(statistics.median(each))}" for each in (still, playing, numbers, panned)]
    where = "whole graph" if whole else "1:1"
    verdicts = [verdict(min(each), goal, at_most=True) for each in (still, playing)]
    return (str(scene.nodes), where, str(in_sight), *both, number(goal), *verdicts)
