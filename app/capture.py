"""Pictures of the window as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFileDialog, QWidget

from engine.problems import Problem, ProblemError

if TYPE_CHECKING:
    from app.window import MainWindow

FORMATS = (".png", ".jpg")


def save_picture(widget: QWidget, path: Path) -> None:
    """Write what a widget shows to a PNG or JPEG. Raises `ProblemError` with the reason why not."""
    if path.suffix.lower() not in FORMATS:
        fact = f"a picture cannot be written as “{path.suffix or path.name}”"
        raise ProblemError(Problem(fact, f"Let the name end in {' or '.join(FORMATS)}.", path=str(path), kind="file"))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ProblemError(_not_written(path, error.strerror or str(error))) from error
    if not widget.grab().save(str(path)):
        raise ProblemError(_not_written(path, "the folder cannot be written to"))


def ask_and_save(window: MainWindow) -> None:
    """Ask where to, then save a picture of the whole window."""
    start = str(Path.home() / f"{window.editor.document.id}.png")
    chosen, _ = QFileDialog.getSaveFileName(window, "Save a picture", start, "Pictures (*.png *.jpg)")
    if chosen:
        path = Path(chosen)
        window.attempt(lambda: save_picture(window, path if path.suffix else path.with_suffix(".png")))


def _not_written(path: Path, reason: str) -> Problem:
    return Problem(f"the picture cannot be written: {reason}", "Choose another folder.", path=str(path), kind="file")
