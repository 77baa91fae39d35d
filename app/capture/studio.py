"""A document on a session of its own, drawn where nobody sees it: the open one is not touched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.capture.subjects import CanvasSubject, ViewSubject
from app.runner import Runner

if TYPE_CHECKING:
    from engine.document import Document

CANVAS = "canvas"


class Studio:
    """Runner and subject for a copy of a document; a `with` block closes both.

    what    "canvas", or the name of a view
    size    of the picture; None is the usual one
    vector  drawn for a format without pixels
    Raises `ProblemError` where there is nothing to draw.
    """

    def __init__(
        self, document: Document, what: str = CANVAS, size: tuple[int, int] | None = None, vector: bool = False
    ) -> None:
        self.runner = Runner()
        self.subject: CanvasSubject | ViewSubject
        try:
            twin = document.copy()
            if what == CANVAS:
                self.subject = CanvasSubject(twin, size, vector)
            else:
                self.subject = ViewSubject(twin, what, self.runner, size)
        except BaseException:
            self.runner.close()
            raise
        self.runner.open(document, self.subject.editor.revision)

    def __enter__(self) -> Studio:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop the thread and let go of what was drawn."""
        self.runner.close()
        self.subject.close()
        self.runner.deleteLater()
