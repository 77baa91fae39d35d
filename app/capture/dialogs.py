"""“Save picture…” and “Save film…”: what to draw, how large, and where to. Neither keeps the window from being used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QDialog,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.capture.film import Plan, Recorder, Unit
from app.capture.limits import MOST_FRAMES, RATES
from app.capture.pictures import save_picture
from app.capture.studio import CANVAS, Studio
from app.capture.subjects import CanvasSubject, LiveViewSubject, Subject, WidgetSubject
from app.views import VIEWS, View
from engine.problems import ProblemError

if TYPE_CHECKING:
    from app.window import MainWindow

WINDOW = "window"
FORMATS = {".png": "PNG", ".svg": "SVG (text stays text)", ".jpg": "JPEG"}
ENLARGED = (1, 2, 3, 4)
FILM_SIZES = ((640, 400), (960, 600), (1280, 800), (1920, 1080))
UNITS: dict[Unit, str] = {"node": "steps", "iteration": "iterations", "epoch": "epochs"}
MOST_SPAN = 1_000_000
WIDTH, FIELD_HEIGHT = 400, 26
SEED = "seed of the film"


class CaptureDialog(QDialog):
    """A form, a line that says what will come of it, and two buttons; it goes with its window.

    ask_path   answers with a file, given a suggestion and a filter, or None
    """

    verb = "Save…"

    def __init__(self, window: MainWindow, title: str) -> None:
        super().__init__(window)
        self.ask_path: Callable[[Path, str], Path | None] = self._ask_path
        self._window = window
        self.setWindowTitle(title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(WIDTH)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(14)
        self.form = QFormLayout()
        self.form.setHorizontalSpacing(16)
        self.form.setVerticalSpacing(10)
        self.form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        column.addLayout(self.form)
        self.words = QLabel()
        self.words.setProperty("level", "2")
        self.words.setWordWrap(True)
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        column.addWidget(self.words)
        self.column = column
        row = QHBoxLayout()
        row.addStretch(1)
        self.cancel = QPushButton("Close")
        self.cancel.setAutoDefault(False)
        self.cancel.clicked.connect(self.close)
        self.save = QPushButton(self.verb)
        self.save.setProperty("kind", "primary")
        self.save.setDefault(True)
        self.save.clicked.connect(self.accept_form)
        row.addWidget(self.cancel)
        row.addWidget(self.save)
        column.addLayout(row)
        window.installEventFilter(self)
        QApplication.instance().aboutToQuit.connect(self.close)

    def accept_form(self) -> None:
        """The button was pressed."""

    def say(self, text: str) -> None:
        """The line above the buttons."""
        self.words.setText(text)
        self.adjustSize()

    def suggestion(self, suffix: str) -> Path:
        """Where the file might go."""
        return Path.home() / f"{self._window.editor.document.id or 'chainrule'}{suffix}"

    def _ask_path(self, suggestion: Path, filter: str) -> Path | None:
        chosen, _ = QFileDialog.getSaveFileName(self, self.windowTitle(), str(suggestion), filter)
        return Path(chosen) if chosen else None

    def ask_for(self, suffix: str) -> Path | None:
        """A file of that format; a name without an ending gets it."""
        chosen = self.ask_path(self.suggestion(suffix), f"{suffix[1:].upper()} (*{suffix})")
        return chosen.with_suffix(suffix) if chosen is not None and not chosen.suffix else chosen

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The window has gone."""
        if event.type() == QEvent.Type.Hide and watched is self._window and not event.spontaneous():
            self.close()
        return False


class PictureDialog(CaptureDialog):
    """Saves the graph, a view that is open, or the window, as it is now."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window, "Save picture")
        self.what = _choice([("Graph", CANVAS), *self._open_views(), ("Whole window", WINDOW)])
        self.format = _choice([(words, suffix) for suffix, words in FORMATS.items()])
        self.scale = _choice([(f"{times} ×", times) for times in ENLARGED])
        self.scale.setCurrentIndex(1)
        for name, field in (("Picture of", self.what), ("Format", self.format), ("Size", self.scale)):
            self.form.addRow(name, field)
            field.currentIndexChanged.connect(self._describe)
        self._describe()

    def _open_views(self) -> list[tuple[str, View]]:
        views = [view for view in self._window.findChildren(View) if view.isVisible()]
        return [(view.title, view) for view in views]

    def _subject(self) -> Subject:
        """What is chosen. Raises `ProblemError` where it cannot be drawn."""
        what: Any = self.what.currentData()
        if isinstance(what, View):
            return LiveViewSubject(what)
        if what == WINDOW:
            return WidgetSubject(self._window)
        workspace = self._window.workspace
        subject = CanvasSubject(self._window.editor.document.copy(), vector=self.format.currentData() == ".svg")
        snapshot = workspace.canvas.canvas.numbers.snapshot if workspace is not None else None
        if snapshot is not None:
            subject.show_snapshot(snapshot)
        return subject

    def _describe(self) -> None:
        try:
            subject = self._subject()
        except ProblemError as error:
            self.say(str(error.problems[0]))
            self.save.setEnabled(False)
            return
        size = subject.size * self.scale.currentData()
        subject.close()
        self.save.setEnabled(True)
        self.say(f"{size.width()} × {size.height()} pixels")

    def accept_form(self) -> None:
        """Ask where to, and write."""
        path = self.ask_for(self.format.currentData())
        if path is None:
            return
        try:
            subject = self._subject()
            try:
                save_picture(subject, path, self.scale.currentData(), self._window.editor.document.title)
            finally:
                subject.close()
        except ProblemError as error:
            self.say(str(error.problems[0]))
            return
        self.close()


class FilmDialog(CaptureDialog):
    """Records a film from the start of the document; closing the dialog gives it up, and leaves no file."""

    verb = "Record…"

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window, "Save film")
        self._seed: int | None = None
        self._studio: Studio | None = None
        self.recorder: Recorder | None = None
        self._build()
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(4)
        self.bar.hide()
        self.column.insertWidget(2, self.bar)
        self._describe()

    def _build(self) -> None:
        self.what = _choice([("Graph", CANVAS), *((kind.title, name) for name, kind in VIEWS.items())])
        self.span = _number(100, 1, MOST_SPAN)
        self.unit = _choice([(words, unit) for unit, words in UNITS.items()])
        self.unit.setCurrentIndex(1)
        self.frames = _number(60, 2, MOST_FRAMES)
        self.rate = _number(12, *RATES)
        self.frame_size = _choice([(f"{width} × {height}", (width, height)) for width, height in FILM_SIZES])
        self.frame_size.setCurrentIndex(1)
        length = QWidget()
        row = QHBoxLayout(length)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.span, 1)
        row.addWidget(self.unit, 1)
        self.fields: Sequence[QWidget] = (self.what, length, self.frames, self.rate, self.frame_size)
        names = ("Film of", "From the start", "Frames", "Frames a second", "Size")
        for name, field in zip(names, self.fields, strict=True):
            self.form.addRow(name, field)
        for box in (self.what, self.unit, self.frame_size):
            box.currentIndexChanged.connect(self._describe)
        for spin in (self.span, self.frames, self.rate):
            spin.valueChanged.connect(self._describe)

    @property
    def plan(self) -> Plan:
        """What the form asks for."""
        return Plan(
            self.unit.currentData(), self.span.value(), self.frames.value(), self.rate.value(), seed=self._seed
        )  # fmt: skip

    def _describe(self) -> None:
        plan = self.plan
        self.say(f"{len(plan.places)} frames, {plan.seconds:.1f} s, as GIF. Your document is not touched.")

    # recording -------------------------------------------------------------------------------------------------------

    def accept_form(self) -> None:
        """Ask where to, and record."""
        path = self.ask_for(".gif")
        if path is None:
            return
        try:
            self._studio = studio = Studio(
                self._window.editor.document, self.what.currentData(), self.frame_size.currentData()
            )
            self.recorder = recorder = Recorder(studio.subject, studio.runner, self.plan, path)
        except ProblemError as error:
            self._stop(str(error.problems[0]))
            return
        recorder.progressed.connect(self._show_progress)
        recorder.finished.connect(lambda path: self._stop(f"Saved as {path}."))
        recorder.failed.connect(lambda problem: self._stop(str(problem)))
        self._set_recording(True)
        recorder.start()

    def _show_progress(self, done: int, every: int) -> None:
        self.bar.setRange(0, every)
        self.bar.setValue(done)
        half = every // 2
        self.say(f"Frame {done} of {half}" if done <= half else f"Encoding frame {done - half} of {half}")

    def _stop(self, text: str) -> None:
        """The film is finished, or cannot be."""
        studio, self._studio, self.recorder = self._studio, None, None
        if studio is not None:
            studio.close()
        self._set_recording(False)
        self.say(text)

    def _set_recording(self, on: bool) -> None:
        for field in self.fields:
            field.setEnabled(not on)
        self.save.setEnabled(not on)
        self.cancel.setText("Cancel" if on else "Close")
        self.bar.setVisible(on)
        self.bar.setValue(0)

    # the seed of now -------------------------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        """Find out from which random numbers the document was started."""
        super().showEvent(event)
        runner = self._window.runner
        runner.answered.connect(self._hear)
        runner.snapshot_ready.connect(self._ask_seed)
        runner.ask(SEED, lambda session: session.seed)

    def hideEvent(self, event: QHideEvent) -> None:
        """Nobody needs it any more."""
        self._window.runner.answered.disconnect(self._hear)
        self._window.runner.snapshot_ready.disconnect(self._ask_seed)
        super().hideEvent(event)

    def _ask_seed(self, snapshot: Any) -> None:
        if snapshot.iteration == 0:  # it may have been started anew, from others
            self._window.runner.ask(SEED, lambda session: session.seed)

    def _hear(self, name: str, answer: Any) -> None:
        if name == SEED:
            self._seed = answer

    def done(self, result: int) -> None:
        """Give up what is being recorded; Escape comes by here as well, but not by a close event."""
        if self.recorder is not None:
            self.recorder.cancel()
            self._stop("")
        self._describe()
        super().done(result)


def open_picture_dialog(window: MainWindow) -> PictureDialog:
    """Ask what to draw."""
    dialog = PictureDialog(window)
    dialog.show()
    return dialog


def open_film_dialog(window: MainWindow) -> FilmDialog:
    """Ask what to record."""
    window.runner.pause()
    dialog = FilmDialog(window)
    dialog.show()
    return dialog


def _choice(entries: Sequence[tuple[str, Any]]) -> QComboBox:
    box = QComboBox()
    for words, data in entries:
        box.addItem(words, data)
    box.setFixedHeight(FIELD_HEIGHT)
    return box


def _number(value: int, low: int, high: int) -> QSpinBox:
    box = QSpinBox()
    box.setRange(low, high)
    box.setValue(value)
    box.setFixedHeight(FIELD_HEIGHT)
    box.lineEdit().setTextMargins(6, 0, 0, 0)  # as far in as the words of a choice
    return box
