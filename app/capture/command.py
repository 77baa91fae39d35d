"""`chainrule render`: a picture or a film of a document, drawn without a screen."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QApplication

from app.capture.film import Plan, Recorder, Unit
from app.capture.limits import check_film, check_folder, check_name, check_size, is_film
from app.capture.pictures import save_picture
from app.capture.studio import CANVAS, Studio
from app.capture.subjects import Subject, WidgetSubject
from app.cli import draw_progress, open_named
from app.headless import Moment, Stage, play, wait_until
from app.theme import current_theme
from app.window import SMALLEST
from engine.problems import Problem, ProblemError

if TYPE_CHECKING:
    from app.runner import Runner
    from engine.document import Document
    from engine.session import Session
    from engine.snapshot import Snapshot

GALLERY = "gallery"
WINDOW_SIZE = (1280, 800)
USUAL_SPAN, USUAL_FRAMES = 100, 60

Report = Callable[["Session"], None]


def render(options: argparse.Namespace, document: Document | None, report: Report = lambda session: None) -> str:
    """Draw what the options ask for; the sentence that says what was written. Raises `ProblemError`.

    document  None is the gallery; report hears the session at the moment that is drawn
    """
    check_name(options.out)
    check_folder(options.out)
    if options.canvas or options.view:
        return _render_part(options, document, report)
    return _render_window(options, report)


def _render_part(options: argparse.Namespace, document: Document | None, report: Report) -> str:
    """The canvas, or a view."""
    if document is None:
        raise ProblemError(Problem("the gallery has no canvas and no views", "Leave --canvas and --view away."))
    if options.size is not None:
        check_size(options.size[0], options.size[1], options.scale, film=is_film(options.out))
    _application().setQuitOnLastWindowClosed(False)
    current_theme().set_scheme(options.theme)
    is_vector = options.out.suffix.lower() == ".svg"
    with Studio(document, options.view or CANVAS, options.size, is_vector) as studio:
        subject = studio.subject
        if is_film(options.out):
            return _record(options, subject, studio.runner, subject.show_snapshot)
        subject.show_snapshot(play(studio.runner, _moment(options), report))
        wait_until(lambda: not subject.is_waiting)
        save_picture(subject, options.out, options.scale, document.title)
        return _said(options.out, subject, options.scale)


def _render_window(options: argparse.Namespace, report: Report) -> str:
    """The whole window, or the gallery."""
    size = options.size or WINDOW_SIZE
    check_size(size[0], size[1], options.scale, film=is_film(options.out))
    if size[0] < SMALLEST[0] or size[1] < SMALLEST[1]:
        fact = f"the window cannot be drawn {size[0]} × {size[1]}"
        mend = f"It needs {SMALLEST[0]} × {SMALLEST[1]}. Draw --canvas or a --view alone for a smaller picture."
        raise ProblemError(Problem(fact, mend, kind="limit"))
    with Stage(size, options.theme) as stage:
        subject = StageSubject(stage)
        if options.file != GALLERY:
            open_named(stage.window, options.file)
        if is_film(options.out):
            return _record(options, subject, stage.window.runner, stage.show_snapshot)
        if options.file != GALLERY:
            stage.show_snapshot(play(stage.window.runner, _moment(options), report))
        stage.settle()
        save_picture(subject, options.out, options.scale, stage.window.windowTitle())
        return _said(options.out, subject, options.scale)


class StageSubject(WidgetSubject):
    """The window on its stage."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage.window)
        self._stage = stage

    @property
    def is_waiting(self) -> bool:
        """Whether one of its views waits for an answer."""
        return self._stage.is_waiting


def _application() -> QApplication:
    running = QApplication.instance()
    if isinstance(running, QApplication):
        return running
    application = QApplication([sys.argv[0]])
    current_theme().apply(application)
    return application


def _moment(options: argparse.Namespace) -> Moment:
    return Moment(options.epochs, options.iterations, options.steps)


def plan_of(options: argparse.Namespace) -> Plan:
    """The film that the options ask for: the finest unit named is the one it shows, the others are played before it."""
    units: tuple[tuple[Unit, int], ...] = (
        ("node", options.steps), ("iteration", options.iterations), ("epoch", options.epochs),
    )  # fmt: skip
    unit, span = next(((unit, count) for unit, count in units if count), ("iteration", USUAL_SPAN))
    frames = options.frames if options.frames is not None else min(USUAL_FRAMES, span + 1)
    iterations = options.iterations if unit == "node" else 0
    epochs = options.epochs if unit != "epoch" else 0
    return Plan(unit, span, frames, options.fps, iterations, epochs)


def _record(options: argparse.Namespace, subject: Subject, runner: Runner, show: Callable[[Snapshot], None]) -> str:
    if options.file == GALLERY:
        raise ProblemError(Problem("the gallery does not play", "Name a document, or draw a picture."))
    plan = plan_of(options)
    check_film(plan.frames, plan.rate)
    recorder = Recorder(subject, runner, plan, options.out, options.scale)
    recorder.show = show
    failures: list[Problem] = []
    written: list[Path] = []
    recorder.failed.connect(failures.append)
    recorder.finished.connect(written.append)
    if sys.stderr.isatty():
        recorder.progressed.connect(lambda done, every: draw_progress(done, every, None))
    recorder.start()
    wait_until(lambda: bool(failures or written))
    if failures:
        raise ProblemError(*failures)
    return f"{_said(options.out, subject, options.scale)}, {len(plan.places)} frames, {plan.seconds:.1f} s"


def _said(path: Path, subject: Subject, scale: float) -> str:
    size = subject.size * scale
    return f"{os.fspath(path)}: {size.width()}×{size.height()}"
