"""Work that outlives a crash: a journal beside every open document, and the offer to bring back what one left."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.theme import current_theme
from engine.problems import Problem

if TYPE_CHECKING:
    from engine.document import Document
    from engine.journal import Journal, Recoverable


RUN = ".safetensors"  # behind the name of a journal: the numbers of its run


def run_beside(journal: Path) -> Path:
    """The file of the run's numbers that belongs to a journal."""
    return journal.with_name(journal.name + RUN)


class Found(NamedTuple):
    """What a journal held: the document as it was opened, where it is saved, and what was done to it since."""

    document: Document
    path: Path | None
    entries: list[dict[str, Any]]
    problems: list[Problem]


class Keeper:
    """Keeps the journal of the open document.

    folder   where journals lie; None is the user's
    keeps    False keeps none, for pictures without a person
    """

    def __init__(self, folder: Path | None = None, *, keeps: bool = True) -> None:
        self._folder, self._keeps = folder, keeps
        self.journal: Journal | None = None

    def begin(self, document: Document, path: Path | None) -> Journal | None:
        """A journal for a document that was just opened; that of the former document goes."""
        from engine.journal import Journal

        self.end()
        if self._keeps:
            self.journal = Journal.begin(document.to_json(), file=_text(path), folder=self._folder)
        return self.journal

    def saved(self, document: Document, path: Path) -> Journal | None:
        """The document is in its file: the journal begins anew from there."""
        if self.journal is not None:
            self.journal.restart(document.to_json(), file=_text(path))
        return self.journal

    def resume(self, lost: Recoverable) -> Found | None:
        """Take a journal up again where it broke off; None where it cannot be read."""
        from engine.document import Document
        from engine.journal import Journal

        base, entries, problems = Journal.replay(lost.path)
        if base is None:
            return None
        self.end()
        path = Path(lost.file) if lost.file else None
        document = Document.from_json(base)
        document.folder = path.parent if path is not None else None
        self.journal = Journal(lost.path)
        return Found(document, path, entries, problems)

    @property
    def run(self) -> Path | None:
        """Where the numbers of the open document's run are kept; None where nothing is."""
        return None if self.journal is None else run_beside(self.journal.path)

    def end(self) -> None:
        """The open document is saved or not wanted: its journal goes."""
        from engine.journal import discard

        if self.journal is not None:
            self.journal.discard()
            discard(run_beside(self.journal.path))
            self.journal = None

    def lost(self) -> list[Recoverable]:
        """What processes left behind that ended without taking leave, the latest first."""
        from engine.journal import recoverable

        if not self._keeps:
            return []
        self._tidy()
        return recoverable(self._folder)

    def _tidy(self) -> None:
        """A run without its journal is of no use: it was written while its document was just being closed."""
        from engine.journal import discard, journal_folder

        folder = journal_folder() if self._folder is None else self._folder
        if folder.is_dir():
            for path in folder.glob(f"*{RUN}"):
                if not path.with_name(path.name.removesuffix(RUN)).exists():
                    discard(path)

    def drop(self, lost: Recoverable) -> None:
        """Nobody wants that one back."""
        from engine.journal import discard

        discard(lost.path)
        discard(run_beside(lost.path))


class RecoveryBanner(QFrame):
    """One row for each document that can be brought back."""

    wanted = Signal(object)  # a Recoverable
    dropped = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("recovery")
        self.setProperty("panel", "accent")
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(14, 10, 10, 10)
        self._column.setSpacing(6)
        self.hide()

    def offer(self, found: list[Recoverable]) -> None:
        """Show these; hide when there are none."""
        while (item := self._column.takeAt(0)) is not None:
            if item.widget() is not None:
                item.widget().hide()
                item.widget().deleteLater()
        for lost in found:
            self._column.addWidget(self._row(lost))
        self.setVisible(bool(found))

    def _row(self, lost: Recoverable) -> QWidget:
        row = QWidget()
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(10)
        icon = QLabel()
        icon.setPixmap(current_theme().pixmap("history", "accent"))
        line.addWidget(icon)
        line.addWidget(QLabel(offer_text(lost)), 1)
        for title, kind, signal in (("Discard", "quiet", self.dropped), ("Bring back", "primary", self.wanted)):
            button = QPushButton(title)
            button.setProperty("kind", kind)
            button.setAccessibleName(f"{title}: {lost.title}")
            button.clicked.connect(lambda _=False, signal=signal: signal.emit(lost))
            line.addWidget(button)
        return row


def offer_text(lost: Recoverable) -> str:
    """What can be brought back, in a sentence."""
    name = lost.title or "An untitled document"
    changes = "one change" if lost.entries == 1 else f"{lost.entries} changes" if lost.entries else "the document"
    return f"“{name}” was not closed on {lost.modified:%d %B at %H:%M}: {changes} can be brought back."


def _text(path: Path | None) -> str:
    return "" if path is None else str(path.resolve())
