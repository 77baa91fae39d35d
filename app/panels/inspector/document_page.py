"""What the inspector says while nothing is selected: the document, its question, its plan and its data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from app.panels.data_preview import preparation_of
from app.panels.fields.properties import readable
from app.panels.fields.section import Section, clear, link, words
from app.theme.numbers import number_text
from engine.problems import ProblemError

if TYPE_CHECKING:
    from app.editor import Change, Editor
    from engine.document import Document
    from engine.snapshot import Snapshot
    from engine.training import Training


class DocumentPage(QWidget):
    """Title and question to edit, the rest to read; the links lead to the other tabs."""

    asked = Signal(str)  # "training" or "data"

    def __init__(self, editor: Editor) -> None:
        super().__init__()
        self._editor = editor
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        head = Section("Document")
        self.title, self.question = QLineEdit(), QLineEdit()
        self.title.setPlaceholderText("Title")
        self.question.setPlaceholderText("The question it answers")
        for name, entry in (("title", self.title), ("question", self.question)):
            entry.setAccessibleName(name)
            entry.editingFinished.connect(lambda name=name, entry=entry: self._take(name, entry))
            head.body.addWidget(entry)
        self.counts = words("", "3")
        head.body.addWidget(self.counts)
        column.addWidget(head)
        self.training = self._add_lines("Training", "training", column)
        self.data = self._add_lines("Data", "data", column)
        self.references = Section("References")
        column.addWidget(self.references)
        hint = Section("")
        hint.body.addWidget(words("Select a node to read its formula with the numbers of this step.", "3"))
        column.addWidget(hint)
        column.addStretch(1)
        editor.changed.connect(self._follow)
        self.show_document()

    def _add_lines(self, title: str, name: str, column: QVBoxLayout) -> Section:
        section = Section(title)
        section.note.hide()
        button = link(f"Change {name} …", f"Turn to the tab {title}")
        button.clicked.connect(lambda: self.asked.emit(name))
        section.aside.addWidget(button)
        column.addWidget(section)
        return section

    def _take(self, name: str, entry: QLineEdit) -> None:
        if entry.text() != getattr(self._editor.document, name):
            self._editor.set_attribute(name, entry.text())

    def _follow(self, change: Change) -> None:
        if change.kinds != {"moved"}:
            self.show_document()

    def show_document(self) -> None:
        """Everything that the document says of itself."""
        document = self._editor.document
        for name, entry in (("title", self.title), ("question", self.question)):
            if not entry.hasFocus():
                entry.setText(getattr(document, name))
                entry.setCursorPosition(0)
                entry.setToolTip(getattr(document, name))
        self._show_lines(self.training, training_sentences(document.training, document))
        self._show_lines(self.data, data_sentences(document))
        self._show_lines(self.references, [reference_text(entry) for entry in document.references])
        self.references.setVisible(bool(document.references))
        self._show_size(None)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """How many parameters there are is known once it is planned."""
        self._show_size(sum(_entries(each.shape) for each in snapshot.parameters.values()))

    def _show_size(self, parameters: int | None) -> None:
        graph = self._editor.document.graph
        said = f"{counted(len(graph.nodes), 'node')}, {counted(len(graph.wires), 'wire')}"
        if parameters is not None:
            said += f", {counted(parameters, 'parameter')}"
        self.counts.setText(f"{said} · {self._editor.document.precision}")

    @staticmethod
    def _show_lines(section: Section, lines: list[str]) -> None:
        clear(section.body)
        for line in lines:
            section.body.addWidget(words(line, "2"))


def counted(count: int, word: str) -> str:
    """`1 node`, `12 nodes`."""
    return f"{count:,} {word}{'' if count == 1 else 's'}".replace(",", "\u202f")


def training_sentences(training: Training, document: Document) -> list[str]:
    """The plan in words."""
    if not training.phases:
        rules = [
            node.name for node in document.graph if node.kind is not None and node.kind.category == "Learning rules"
        ]
        if rules:
            return [f"{', '.join(rules)} learns by its own rule, without a loss."]
        return ["Nothing is trained: no node is the loss."]
    lines = []
    for phase in training.phases:
        goal = document.graph.nodes.get(phase.objective.partition(".")[0])
        name = goal.name if goal else phase.objective or "nothing yet"
        kind = phase.optimizer.kind
        numbers = ", ".join(f"{key.replace('_', ' ')} {number_text(n)}" for key, n in phase.optimizer.numbers.items())
        verb = "maximises" if phase.maximise else "minimises"
        lines.append(f"{kind.title[:1].upper()}{kind.title[1:]} {verb} {name}: {numbers}.")
        for family, chosen in phase.choices.items():
            if family != "optimizer" and not chosen.is_default:
                lines.append(f"{readable(family).capitalize()}: {chosen.kind.title}.")
    rows = "all rows at once" if training.batch_size == 0 else counted(training.batch_size, "row")
    lines.append(f"Each iteration takes {rows}, {training.order}. Seed {training.seed}.")
    return lines


def data_sentences(document: Document) -> list[str]:
    """Where the rows come from and everything that is done to them."""
    if not document.data:
        return ["No data: the inputs are 0."]
    try:
        dataset, problems = document.load_data()
    except ProblemError as error:
        return [str(problem) for problem in error.problems]
    if dataset is None:
        return [str(problem) for problem in problems] or ["No data: the inputs are 0."]
    said = preparation_of(dataset)
    if dataset.source:
        said.append(f"Source: {dataset.source}.")
    return said


def reference_text(entry: Any) -> str:
    """A reference as a line, whichever form the document gives it."""
    if isinstance(entry, dict):
        return ", ".join(str(value) for value in entry.values() if isinstance(value, str | int))
    return str(entry)


def _entries(shape: tuple[int, ...]) -> int:
    count = 1
    for length in shape:
        count *= length
    return count
