"""The dialog that a CSV file passes on its way into a document: what was understood, and every doubt with its choices."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QFrame,
    QHBoxLayout,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.panels.data_fit import Fit, fits_of, wants_columns
from app.panels.fields.section import clear, words
from app.panels.import_questions import QuestionRow
from app.panels.import_table import ImportTable
from app.panels.table_reader import TableReader
from engine.schema_data import MOST_NUMBERS_INSIDE

if TYPE_CHECKING:
    from app.editor import Editor
    from engine.datasets.csv_result import Understood
    from engine.problems import Problem

SIZE, QUESTIONS_WIDTH, BAD_HEIGHT, MOST_BAD = (1120, 680), 360, 112, 500
PART = "train"


class DataImport(QDialog):
    """Reads one file, shows the first rows as they will be understood, asks, and puts them into the document.

    The rows, and the sizes of the graph that have to fit them, are one step of the history.
    """

    imported = Signal()

    def __init__(self, editor: Editor, path: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._editor, self.path = editor, path
        self.answers: dict[str, str] = {"one_hot": "columns"} if wants_columns(editor.document) else {}
        self.found: Understood | None = None
        self.rows: dict[str, QuestionRow] = {}
        self.reader = TableReader(path, self)
        self.reader.progressed.connect(self._show_progress)
        self.reader.understood.connect(self.show_found)
        self.reader.refused.connect(self._refuse)
        self.reader.written.connect(self._take_file)
        self.reader.loaded.connect(self._put)
        self.finished.connect(lambda _: self.reader.close())
        self.setWindowTitle(f"Import {path.name}")
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        room = parent.size() if parent is not None else None
        width, height = SIZE if room is None else (min(SIZE[0], room.width() - 48), min(SIZE[1], room.height() - 48))
        self.resize(width, height)
        self._build()
        self._ask()

    # building --------------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(self._make_head())
        column.addWidget(_line())
        middle = QHBoxLayout()
        middle.setSpacing(0)
        middle.addLayout(self._make_left(), 1)
        middle.addWidget(self._make_questions())
        column.addLayout(middle, 1)
        column.addWidget(_line())
        column.addLayout(self._make_foot())

    def _make_head(self) -> QVBoxLayout:
        head = QVBoxLayout()
        head.setContentsMargins(20, 14, 20, 12)
        head.setSpacing(2)
        self.summary = words("Reading the file …", "2")
        head.addWidget(words(self.path.name, "heading", wrap=False))
        head.addWidget(self.summary)
        return head

    def _make_left(self) -> QVBoxLayout:
        left = QVBoxLayout()
        left.setContentsMargins(0, 0, 0, 0)
        left.setSpacing(0)
        self.table = ImportTable()
        self.table.role_chosen.connect(lambda place, role: self.answer(f"role:{place}", role))
        left.addWidget(self.table, 1)
        self.bad_title = words("", "strong")
        self.bad_title.setContentsMargins(20, 10, 20, 6)
        self.bad = QPlainTextEdit()
        self.bad.setReadOnly(True)
        self.bad.setFixedHeight(BAD_HEIGHT)
        self.bad.setFrameShape(QFrame.Shape.NoFrame)
        self.bad.setAccessibleName("Lines that are left out")
        for part in (self.bad_title, self.bad):
            part.hide()
            left.addWidget(part)
        return left

    def _make_questions(self) -> QScrollArea:
        inside = QWidget()
        self._questions = QVBoxLayout(inside)
        self._questions.setContentsMargins(16, 14, 16, 14)
        self._questions.setSpacing(14)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFixedWidth(QUESTIONS_WIDTH)
        area.setWidget(inside)
        return area

    def _make_foot(self) -> QHBoxLayout:
        foot = QHBoxLayout()
        foot.setContentsMargins(20, 12, 20, 14)
        foot.setSpacing(12)
        said = QVBoxLayout()
        said.setSpacing(6)
        self.fit = QCheckBox()
        self.fit.setChecked(True)
        self.fit.hide()
        self.problem = words("", "error")
        self.problem.hide()
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        for part in (self.problem, self.fit, self.progress):
            said.addWidget(part)
        foot.addLayout(said, 1)
        self.cancel, self.use = QPushButton("Cancel"), QPushButton("Use these rows")
        self.use.setProperty("kind", "primary")
        self.use.setEnabled(False)
        self.use.setDefault(True)
        self.cancel.setAutoDefault(False)
        self.cancel.clicked.connect(self.reject)
        self.use.clicked.connect(self.take)
        for button in (self.cancel, self.use):
            foot.addWidget(button, 0, Qt.AlignmentFlag.AlignBottom)
        return foot

    # reading ---------------------------------------------------------------------------------------------------------

    def answer(self, key: str, choice: str) -> None:
        """Take a choice, and read the file again under it."""
        if key == "target":  # the columns chosen by hand for it are no targets any more
            self.answers = {k: v for k, v in self.answers.items() if not (k.startswith("role:") and v == "target")}
        elif key in ("separator", "heading", "encoding"):  # columns are others now
            self.answers = {k: v for k, v in self.answers.items() if not k.startswith(("role:", "kind:", "target"))}
        elif key.startswith("role:") and choice == "target":
            self.answers = {k: v for k, v in self.answers.items() if k != "target"}
        self.answers[key] = choice
        self._ask()

    def _ask(self) -> None:
        self.use.setEnabled(False)
        self.progress.setRange(0, 0)
        self.progress.show()
        self.reader.ask(self.answers)

    def _show_progress(self, doing: str, share: float) -> None:
        self.progress.setRange(0, 100)
        self.progress.setValue(round(100 * share))
        if self.found is None:
            self.summary.setText(f"{doing} …")

    def _refuse(self, problem: Problem) -> None:
        self.progress.hide()
        self._show_problem(problem)
        if self.found is None:
            self.summary.setText("This file cannot be used as a table.")

    def _show_problem(self, problem: Problem | None) -> None:
        self.problem.setText("" if problem is None else sentence(problem))
        self.problem.setVisible(problem is not None)
        self.use.setEnabled(problem is None)

    def show_found(self, found: Understood) -> None:
        """What the file says under the answers given so far."""
        self.found = found
        self.progress.hide()
        self.summary.setText(summary(found))
        self.table.show_found(found)
        self._show_bad(found)
        self._show_questions(found)
        fits = self._fits()
        self.fit.setText("Fit the graph: " + ", ".join(fit.words for fit in fits))
        self.fit.setVisible(bool(fits))
        self._show_problem(found.problem or self._too_large(found))

    def _too_large(self, found: Understood) -> Problem | None:
        from engine.problems import Problem

        if found.numbers <= MOST_NUMBERS_INSIDE or self._editor.document.folder is not None:
            return None
        fact = f"these are {found.numbers:,} numbers, and {MOST_NUMBERS_INSIDE:,} stand inside a document"
        return Problem(fact, "Save the document first: the table is then kept in a file beside it.", kind="limit")

    def _show_bad(self, found: Understood) -> None:
        count = len(found.bad)
        self.bad_title.setText("1 line is left out" if count == 1 else f"{count:,} lines are left out")
        shown = [f"Line {bad.line}: {bad.why}" for bad in found.bad[:MOST_BAD]]
        shown += [f"… and {count - MOST_BAD:,} more"] if count > MOST_BAD else []
        self.bad.setPlainText("\n".join(shown))
        for part in (self.bad_title, self.bad):
            part.setVisible(count > 0)

    def _show_questions(self, found: Understood) -> None:
        """A row for each; rows stay where only their words change, so that the keyboard stays with them."""
        order = [question.key for question in found.questions]
        if set(order) != set(self.rows):
            clear(self._questions)
            self.rows = {}
            for question in found.questions:
                self.rows[question.key] = row = QuestionRow(question)
                row.chosen.connect(self.answer)
                self._questions.addWidget(row)
            self._questions.addStretch(1)
        for question in found.questions:
            self.rows[question.key].show_question(question)

    # taking ----------------------------------------------------------------------------------------------------------

    def _fits(self) -> list[Fit]:
        return [] if self.found is None else fits_of(self._editor.document, self.found)

    def take(self) -> None:
        """Put the rows into the document, or first into a table beside it where they are many."""
        found, folder = self.found, self._editor.document.folder
        if found is None or found.problem is not None:
            return
        if found.numbers <= MOST_NUMBERS_INSIDE:
            self._put(found.data())
        elif folder is not None:
            self.use.setEnabled(False)
            self.progress.show()
            self.reader.write(found, free_name(folder, self.path.stem, lambda path: path.exists()))

    def _take_file(self, path: Path) -> None:
        assert self.found is not None
        names = {"inputs": self.found.input_names, "targets": self.found.target_names, "task": self.found.task}
        classes = {"class_names": self.found.class_names} if self.found.class_names else {}
        self.reader.load({"name": "file", "path": path.name, **names, **classes, **self.found.options()}, path.parent)

    def _put(self, spec: dict[str, Any]) -> None:
        fits = self._fits() if self.fit.isChecked() else []
        sizes = {(fit.node, fit.name): fit.value for fit in fits}
        self._editor.import_data({**self._editor.document.data, PART: spec}, sizes, self.path.name)
        self.imported.emit()
        self.accept()

    def closeEvent(self, event: QCloseEvent) -> None:
        self.reader.close()
        super().closeEvent(event)


def free_name(folder: Path, stem: str, is_taken: Callable[[Path], bool]) -> Path:
    """A path for a table that is not there yet."""
    number, path = 2, folder / f"{stem} rows.csv"
    while is_taken(path):
        path, number = folder / f"{stem} rows {number}.csv", number + 1
    return path


def summary(found: Understood) -> str:
    """How much there is, and what is asked."""
    rows = "1 row" if found.rows == 1 else f"{found.rows:,} rows"
    columns = "1 column" if len(found.columns) == 1 else f"{len(found.columns)} columns"
    doubts = len(found.doubts)
    asked = (
        "nothing is in doubt"
        if not doubts
        else "1 thing is in doubt"
        if doubts == 1
        else f"{doubts} things are in doubt"
    )
    return f"{rows} of {columns}; {asked}."


def sentence(problem: Problem) -> str:
    """Fact and mend, beginning with a capital letter."""
    text = f"{problem.fact.rstrip('.')}. {problem.mend}".strip()
    return text[:1].upper() + text[1:]


def _line() -> QFrame:
    line = QFrame()
    line.setProperty("panel", "line")
    line.setFixedHeight(1)
    return line
