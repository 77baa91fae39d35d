"""Films: a document played on a session of its own, and a picture taken at each of some moments."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QImage

from app.capture.gif import Canceled, GifWriter
from app.capture.limits import FILMS, check_film, check_folder, check_name, check_size
from app.capture.pictures import image_of
from app.capture.subjects import Subject
from app.theme import current_theme
from engine.problems import Problem, ProblemError
from engine.schema_files import write_file

if TYPE_CHECKING:
    from app.runner import Runner
    from engine.session import Session
    from engine.snapshot import Snapshot

Unit = Literal["node", "iteration", "epoch"]
PIECE_S = 0.03  # of playing, after which somebody who cancels is heard
WAIT_MS = 15  # between two looks whether what is asked for has come
QUESTION = "film"


@dataclass(frozen=True)
class Plan:
    """Which moments a film shows.

    unit, span   how far it goes from its first frame: so many nodes, iterations or epochs
    frames       how many pictures; they lie evenly over the span, the first at its start, the last at its end
    rate         frames a second
    iterations, epochs   played before the first frame
    seed         of the start; None is the document's
    """

    unit: Unit = "iteration"
    span: int = 100
    frames: int = 60
    rate: float = 12.0
    iterations: int = 0
    epochs: int = 0
    seed: int | None = None

    @property
    def places(self) -> list[int]:
        """How much of the span has been played at each frame; no two frames at the same place."""
        count = min(self.frames, self.span + 1)
        return [round(index * self.span / max(1, count - 1)) for index in range(count)]

    @property
    def seconds(self) -> float:
        """How long the film is, without the moment that its last frame stands."""
        return len(self.places) / self.rate


class Recorder(QObject):
    """Records one film. Every step is an event, so the window stays awake; nothing is written before the end.

    runner   on the document, used by nobody else; whoever gives it closes it
    show     hands a snapshot to the subject and to whatever else it hangs on
    """

    progressed = Signal(int, int)  # frames taken or encoded, and of how many: every frame is both
    finished = Signal(object)  # the Path
    failed = Signal(object)  # a Problem
    canceled = Signal()
    _encoded = Signal(int)

    def __init__(self, subject: Subject, runner: Runner, plan: Plan, path: Path, scale: float = 1.0) -> None:
        super().__init__()
        check_name(path, FILMS)
        check_size(subject.size.width(), subject.size.height(), scale, film=True)
        size = subject.size * scale
        check_film(len(plan.places), plan.rate, size.width() * size.height())
        check_folder(path)
        self.plan, self.path = plan, path
        self.show: Callable[[Snapshot], None] = subject.show_snapshot
        self._subject, self._runner, self._scale = subject, runner, scale
        self._taken = 0
        self._image: QImage | None = None
        self._is_over = False
        self._given_up = threading.Event()
        self._writer = GifWriter((size.width(), size.height()), plan.rate, theme_colours())
        self._waiting = QTimer(self, interval=WAIT_MS)
        self._waiting.timeout.connect(self._take_when_ready)
        runner.answered.connect(self._answered)
        runner.failed.connect(self._fail)
        self._encoded.connect(lambda done: self.progressed.emit(len(self.plan.places) + done, self.length))

    @property
    def length(self) -> int:
        """What `progressed` counts up to."""
        return 2 * len(self.plan.places)

    def start(self) -> None:
        """Begin with the first frame."""
        self._ask(self._begin)

    def cancel(self) -> None:
        """Stop; nothing has been written."""
        if not self._is_over:
            self._end()
            self.canceled.emit()

    # on the window's thread ------------------------------------------------------------------------------------------

    def _ask(self, question: Callable[[Session], Any]) -> None:
        self._runner.ask(QUESTION, question)

    def _answered(self, name: str, answer: Any) -> None:
        if name != QUESTION or self._is_over:
            return
        if isinstance(answer, Path):
            self._end()
            self.finished.emit(answer)
        elif answer is not None:
            self.show(answer)
            self._waiting.start()
            self._take_when_ready()

    def _take_when_ready(self) -> None:
        if self._is_over or self._subject.is_waiting:
            return
        self._waiting.stop()
        try:
            self._image = image_of(self._subject, self._scale)
        except ProblemError as error:
            self._fail(error.problems[0])
            return
        self._taken += 1
        self.progressed.emit(self._taken, self.length)
        self._ask(self._go_on if self._taken < len(self.plan.places) else self._finish)

    def _fail(self, problem: Problem) -> None:
        if not self._is_over:
            self._end()
            self.failed.emit(problem)

    def _end(self) -> None:
        self._is_over = True
        self._given_up.set()
        self._waiting.stop()
        self._runner.answered.disconnect(self._answered)
        self._runner.failed.disconnect(self._fail)

    # on the runner's thread ------------------------------------------------------------------------------------------

    def _begin(self, session: Session) -> Snapshot | None:
        if self.plan.seed is not None:
            session.reset(self.plan.seed)
        return self._play(session, ("epoch", self.plan.epochs), ("iteration", self.plan.iterations))

    def _go_on(self, session: Session) -> Snapshot | None:
        self._keep_image()
        places = self.plan.places
        return self._play(session, (self.plan.unit, places[self._taken] - places[self._taken - 1]))

    def _play(self, session: Session, *ways: tuple[Unit, int]) -> Snapshot | None:
        try:
            for unit, count in ways:
                play(session, unit, count, self._stop_if_given_up)
        except Canceled:
            return None
        return session.snapshot()

    def _finish(self, session: Session) -> Path | None:
        try:
            self._keep_image()
            content = self._writer.encode(self._tell)
            self._stop_if_given_up()
        except Canceled:
            return None
        finally:
            self._writer.close()
        write_file(self.path, content)
        return self.path

    def _keep_image(self) -> None:
        assert self._image is not None
        try:
            self._writer.add(pixels_of(self._image))
        except OSError as error:
            fact = f"the frames cannot be kept: {(error.strerror or str(error)).lower()}"
            raise ProblemError(Problem(fact, "Free some space, or make the film smaller.", kind="file")) from error

    def _tell(self, done: int, every: int) -> None:
        self._stop_if_given_up()
        self._encoded.emit(done)

    def _stop_if_given_up(self) -> None:
        if self._given_up.is_set():
            raise Canceled


def play(session: Session, unit: Unit, count: int, listen: Callable[[], None] = lambda: None) -> None:
    """Play nodes, iterations or epochs, and call `listen` every now and then.

    Raises `ProblemError` where there is nothing to play, or a number stops being finite.
    """
    if not session.steps:
        raise ProblemError(Problem("there is nothing to step through", "Place nodes and wire them.", kind="empty"))
    left, piece = count, 1
    while left > 0:
        listen()
        piece = min(piece, left)
        begun = time.perf_counter()
        if unit == "iteration":
            session.run(piece)
        else:
            piece = 1
            session.step(unit)
        left -= piece
        piece = 2 * piece if time.perf_counter() - begun < PIECE_S / 2 else max(1, piece // 2)
        if session.problem is not None:
            raise ProblemError(session.problem)
    if count and session.next_step is session.steps[0]:
        session.measure()


def theme_colours() -> np.ndarray[Any, np.dtype[Any]]:
    """Every colour that the theme names, (k, 3)."""
    theme = current_theme()
    named = [name for name, value in vars(theme.palette).items() if isinstance(value, str) and value.startswith("#")]
    colours = [theme.colour(name) for name in named]
    return np.array([(each.red(), each.green(), each.blue()) for each in colours], np.uint32)


def pixels_of(image: QImage) -> np.ndarray[Any, np.dtype[Any]]:
    """(height, width) of 0xRRGGBB, a copy."""
    image = image.convertToFormat(QImage.Format.Format_RGB32)
    table = np.frombuffer(image.constBits(), np.uint32).reshape(image.height(), image.bytesPerLine() // 4)
    return np.asarray(table[:, : image.width()] & 0xFFFFFF, np.uint32)
