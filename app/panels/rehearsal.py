"""A preset played in small while somebody looks at its card: a real session on a thread of its own, a picture at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from app.library import Preset, dataset_of, layers_of, load_preset
from app.panels.thumbnails import EDGE

if TYPE_CHECKING:
    from engine.datasets import Dataset
    from engine.session import Session

Array = np.ndarray[Any, np.dtype[Any]]
PATIENCE_MS = 200  # before anything starts: a pointer that only passes by stirs nothing
FRAME_S, STEP_S = 0.05, 0.24  # between two pictures of a training, of a graph that is stepped through
SLICE_S = 0.012  # of computing for one picture; the window is to stay awake
FRAMES, GROWTH, HOLD_S = 120, 1.05, 1.6  # pictures of a training, each so many times as far as the last; then it rests
CYCLES = 2  # iterations that are stepped through
PLANE, LINE = 28, 61  # samples of a prediction along a feature


@dataclass(frozen=True)
class Scene:
    """What a card shows at one moment.

    answers   (samples, outputs) or (samples, samples, outputs): the prediction over the picture of the data, or None;
              level and reach: where two classes part, and how far from there colours are full
    weights   (inputs, units) by node
    curve     (k, 2) iterations and losses
    values    a number by node, where one was computed; node, part: the step just played
    """

    iteration: int = 0
    answers: Array | None = None
    level: float = 0.5
    reach: float = 0.5
    weights: Mapping[str, Array] = field(default_factory=dict)
    curve: Array = field(default_factory=lambda: np.zeros((0, 2)))
    values: Mapping[str, float] = field(default_factory=dict)
    node: str = ""
    part: str = ""
    number: float | None = None


class Rehearsal(QObject):
    """Plays one preset at a time. Every method returns at once; `wait` is for those who have to know that it has ended."""

    shown = Signal(object)  # a Scene of the preset that is wanted now
    _posted = Signal(object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._preset: Preset | None = None
        self._ended = threading.Event()
        self._ended.set()
        self._thread: threading.Thread | None = None
        self._patience = QTimer(self, singleShot=True, interval=PATIENCE_MS)
        self._patience.timeout.connect(self._begin)
        self._posted.connect(self._receive)

    @property
    def is_on(self) -> bool:
        """Whether something is played, or about to be."""
        return self._patience.isActive() or not self._ended.is_set()

    def start(self, preset: Preset) -> None:
        """Play this preset, if it is still wanted in a moment."""
        self.stop()
        self._preset = preset
        self._patience.start()

    def stop(self) -> None:
        """Play nothing; the thread ends with the picture in hand."""
        self._patience.stop()
        self._ended.set()

    def wait(self) -> None:
        """Stop, and wait for the thread."""
        self.stop()
        if self._thread is not None:
            self._thread.join()

    def _begin(self) -> None:
        assert self._preset is not None
        self._ended = ended = threading.Event()
        play = Play(self._preset, ended, lambda scene: self._posted.emit(ended, scene))
        self._thread = threading.Thread(target=play.run, name="chainrule-rehearsal")
        self._thread.start()

    def _receive(self, ended: threading.Event, scene: Scene) -> None:
        if not ended.is_set():
            self.shown.emit(scene)


class Play:
    """What the thread does: opens the preset, plays it over and over, and shows scenes until it is told to end."""

    def __init__(self, preset: Preset, ended: threading.Event, show: Callable[[Scene], None]) -> None:
        self._preset, self._ended, self._show = preset, ended, show

    def run(self) -> None:
        """Play until the end. A preset that cannot be played leaves its card as it is: opening it tells why."""
        from engine.problems import ProblemError
        from engine.session import Session

        try:
            document = load_preset(self._preset)
            session = Session(document)
            if session.steps:
                self._play(session)
        except ProblemError:
            return
        except RuntimeError:
            if not self._ended.is_set():  # else whoever listened is gone
                raise

    def _play(self, session: Session) -> None:
        learns = bool(layers_of(self._preset.json)) and any(step.part == "update" for step in session.steps)
        pause = FRAME_S if learns else STEP_S
        while not self._ended.is_set():
            session.reset()
            for scene in trained(session, self._preset) if learns else stepped(session):
                self._show(scene)
                if self._ended.wait(pause):
                    return
            self._ended.wait(HOLD_S)


def trained(session: Session, preset: Preset) -> Iterator[Scene]:
    """Scenes of a training that goes the further the longer it lasts."""
    from app.views.field import level_of

    data = dataset_of(preset.json.get("data"))
    inputs = None if data is None else sampled(data)
    level, reach = (0.5, 0.5) if data is None else level_of(session.document, data)
    curve: list[tuple[int, float]] = []
    for frame in range(FRAMES):
        if session.problem is not None:
            return
        if session.loss is not None:
            curve.append((session.iteration, session.loss))
        weights = {key.partition(".")[0]: array for key, array in session.parameters.items() if key.endswith(".weight")}
        values = None if inputs is None else predicted(session, inputs)
        yield Scene(session.iteration, values, level, reach, weights, np.array(curve).reshape(-1, 2))
        _run(session, round(GROWTH**frame))


def stepped(session: Session) -> Iterator[Scene]:
    """Scenes of single steps through a graph."""
    yield Scene()
    while session.iteration < CYCLES and session.problem is None:
        step = session.step("node")
        if step is None:
            return
        values = {name: number for name in session.document.graph.nodes if (number := number_of(session.value, name))}
        read = session.gradient if step.part == "backward" else session.value
        number = number_of(read, step.node)
        yield Scene(session.iteration, values=values, node=step.node, part=step.part, number=number)


def number_of(read: Callable[[str], Array | None], node: str) -> float | None:
    """The mean of what a node has of something; None where it was not computed."""
    try:
        array = read(node)
    except KeyError:
        return None
    return None if array is None or not array.size else float(np.mean(array))


def sampled(data: Dataset) -> Array | None:
    """Inputs all over the picture of the data: (samples, 1), or (samples², 2) with the first feature running fastest."""
    points = data.measured.reshape(len(data.inputs), -1)
    if points.shape[1] > 2 or len(points) < 3:
        return None
    low, high = points.min(axis=0), points.max(axis=0)
    room = np.where(high > low, high - low, 1.0) * EDGE / (1 - 2 * EDGE)
    count = PLANE if points.shape[1] == 2 else LINE
    lines = [np.linspace(*ends, count) for ends in zip(low - room, high + room, strict=True)]
    return np.stack([axis.ravel() for axis in np.meshgrid(*lines)], axis=1)


def predicted(session: Session, inputs: Array) -> Array | None:
    """The prediction in the shape of the picture; None where this graph predicts nothing."""
    from engine.problems import ProblemError

    try:
        answers = np.asarray(session.predict(inputs), float)
    except ProblemError:
        return None
    shape = (PLANE, PLANE) if inputs.shape[1] == 2 else (LINE,)
    return answers.reshape(*shape, -1)


def _run(session: Session, iterations: int) -> None:
    """Play iterations, or as many as fit into a slice."""
    begun, piece = time.perf_counter(), 1
    while iterations > 0 and session.problem is None and time.perf_counter() - begun < SLICE_S:
        piece = min(piece, iterations)
        session.run(piece)
        iterations -= piece
        piece *= 2
