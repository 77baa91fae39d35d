"""Frames of the canvas: standing still, playing, panned; at 1:1 and with the whole graph in view."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from itertools import cycle

from PySide6.QtCore import QPointF
from PySide6.QtWidgets import QApplication

from app.canvas import CanvasView
from app.editor import Editor
from app.theme import current_theme
from engine import Session
from engine.snapshot import Snapshot
from tests.benchmarks.drawings import layers
from tests.benchmarks.tables import number, table, verdict

SIZE = (1920, 1080)
NODES = (160, 1000)
FRAMES_A_ROUND = 4
SNAPSHOTS = 6
GOAL_MS, WHOLE_GOAL_MS = 5.0, {160: 8.0, 1000: 8.0}
HEAD = ("nodes", "view", "in sight", "still ms", "playing ms", "of it snapshot", "panned ms", "goal", "playing")


class Scene:
    """A canvas with a drawing on it and snapshots to show, from a session that really ran."""

    def __init__(self, nodes: int) -> None:
        document = layers(nodes)
        self.nodes = nodes
        self.view = CanvasView(Editor(document))
        self.view.reduced_motion = True
        self.view.resize(*SIZE)
        self.view.show()
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
        area = self.view.visible_area()
        return sum(self.view.canvas.area_of(name).intersects(area) for name in self.view.canvas.graph.nodes)

    def still_ms(self) -> float:
        """One full repaint."""
        return _ms(self.view.viewport().repaint)

    def snapshot_ms(self) -> float:
        """Taking in the numbers of another iteration, not painting them."""
        snapshot = next(self._snapshots)
        return _ms(lambda: self.view.canvas.numbers.show(snapshot))

    def painted_ms(self) -> float:
        """Painting whatever asked for it: after a snapshot, the nodes whose numbers have changed."""
        return _ms(QApplication.processEvents)

    def panned_ms(self) -> float:
        """One full repaint after the view has moved."""
        self.view.pan_by(QPointF(13, 7))
        return _ms(self.view.viewport().repaint)


def _snapshots(session: Session) -> Iterator[Snapshot]:
    found = []
    for _ in range(SNAPSHOTS):
        session.run(50)
        found.append(session.snapshot())
    return iter(found)


def _ms(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return 1e3 * (time.perf_counter() - begun)


def run(rounds: int) -> None:
    """Measure each size and view in turn."""
    application = QApplication(["benchmarks"])
    current_theme().apply(application)
    scenes = [Scene(nodes) for nodes in NODES]
    rows = [_measure(scene, whole, rounds) for scene in scenes for whole in (False, True)]
    for scene in scenes:
        scene.view.close()
    application.processEvents()
    print(f"\nFrames of the canvas, {SIZE[0]}×{SIZE[1]}, off the screen, median of {rounds * FRAMES_A_ROUND}\n")
    print(table(HEAD, rows), flush=True)


def _measure(scene: Scene, whole: bool, rounds: int) -> tuple[str, ...]:
    scene.look(whole)
    in_sight = scene.in_sight()
    still, playing, taking, panned = [], [], [], []
    for _ in range(rounds * FRAMES_A_ROUND):
        still.append(scene.still_ms())
        taking.append(scene.snapshot_ms())
        playing.append(taking[-1] + scene.painted_ms())
        panned.append(scene.panned_ms())
    goal = WHOLE_GOAL_MS[scene.nodes] if whole else GOAL_MS
    frame = statistics.median(playing)
    medians = [number(statistics.median(each)) for each in (still, playing, taking, panned)]
    where = "whole graph" if whole else "1:1"
    return (str(scene.nodes), where, str(in_sight), *medians, number(goal), verdict(frame, goal, at_most=True))
