"""The gradient check: backpropagation against finite differences, entry by entry, with a mistake to be planted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QSizePolicy,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.theme import current_theme
from app.theme.numbers import MINUS, number_text
from app.views.base import View
from app.views.entries import Entry, entry_title, has_objective
from engine.composites import composite_of
from engine.problems import Problem, ProblemError

if TYPE_CHECKING:
    from app.editor import Change, Editor
    from app.runner import Runner
    from engine.analysis.gradient_check import Checked, GradientCheck, Report
    from engine.document import Document
    from engine.session import Session
    from engine.snapshot import Snapshot

QUESTION = "gradient check"
PIECE_SECONDS = 0.016  # of the worker's time for one question, as long as a chunk of training
ROW, WIDEST_CHOICE = 24, 260
RULES = {
    "doubled": "twice as large", "reversed": "with the wrong sign", "blocked": "left out", "straight_through": "taken for 1",
}  # fmt: skip
LEAVES = ("input", "target", "parameter", "constant")  # they have no derivative rule to spoil
COLUMNS = ("parameter", "by rule", "by trial", "ρ", "")
HELP = (
    "One number of a parameter", "∂L/∂w by backpropagation, Gₑ", "∂L/∂w by finite differences, Gₐ = (L(w + ε) − L(w − ε)) / 2ε",
    "|Gₑ − Gₐ| / |Gₑ + Gₐ|: how far the two are apart", "",
)  # fmt: skip
NO_LOSS = "There is no loss to differentiate yet. Place one, wire it, and choose it under Training."
IDLE = "Every derivative is compared with what the loss really does when its parameter moves a little."


@dataclass(frozen=True, kw_only=True)
class Piece:
    """The answer to one question: of which run it is, how far that run has come, and in the end what it found."""

    run: Run
    question: int = 0
    done: int = 0
    count: int = 0
    iteration: int = 0
    report: Report | None = None
    problem: Problem | None = None


class Run:
    """One check, a piece at a time. Lives in the worker's thread: hand `go_on` to `Runner.ask`."""

    def __init__(self, planted: str = "", rule: str = "doubled") -> None:
        self._planted, self._rule = planted, rule
        self._check: GradientCheck | None = None

    def go_on(self, session: Session) -> Piece:
        """Check some more entries, of the parameters as they stood at the first question."""
        from engine.analysis.gradient_check import GradientCheck

        try:
            if self._check is None:
                self._check = GradientCheck(session, planted=self._planted, rule=self._rule)
            self._check.go_on(PIECE_SECONDS)
        except ProblemError as error:
            return Piece(run=self, problem=error.problems[0])
        check = self._check
        report = check.report() if check.done == check.count else None
        return Piece(run=self, done=check.done, count=check.count, iteration=check.iteration, report=report)


class GradientCheckView(View):
    """Checks when asked to; training may go on meanwhile, and an edit calls the check off."""

    kind, title, icon = "gradient_check", "Gradient check", "circle-check"

    def __init__(self, editor: Editor, runner: Runner | None = None, parent: QWidget | None = None) -> None:
        super().__init__(editor, runner, parent)
        self._run: Run | None = None
        self._asked = 0
        self.found: Piece | None = None
        if runner is not None:
            runner.answered.connect(self._take)

    def make_body(self) -> QWidget:
        """What to plant, the button, the sentence, the table."""
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(12, 4, 12, 8)
        column.setSpacing(8)
        row = QHBoxLayout()
        row.setSpacing(8)
        self.button = QPushButton("Check")
        self.button.clicked.connect(self._toggle)
        self.planted = _choice("Where a mistake is planted")
        self.rule = _choice("What the planted mistake does")
        for rule, words in RULES.items():
            self.rule.addItem(words, rule)
        row.addWidget(self.button)
        row.addWidget(self.planted, 1)
        row.addStretch(1)
        self.words = QLabel(IDLE)
        self.words.setProperty("level", "2")
        self.words.setWordWrap(True)
        self.table = self._make_table()
        column.addLayout(row)
        column.addWidget(self.rule)  # a line of its own, and only where a mistake is planted
        column.addWidget(self.words)
        column.addWidget(self.table, 1)
        self.planted.currentIndexChanged.connect(self._show_rule)
        self._offer_nodes()
        current_theme().changed.connect(self._fill)
        return body

    def _make_table(self) -> QTableWidget:
        table = QTableWidget(0, len(COLUMNS))
        table.setHorizontalHeaderLabels(COLUMNS)
        table.setAccessibleName("Derivatives, the worst first")
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setShowGrid(False)
        table.setStyleSheet("QTableView::item { padding: 2px 4px } QHeaderView::section { padding: 4px }")
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(ROW)
        head = table.horizontalHeader()
        head.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        head.setMinimumSectionSize(20)
        head.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)  # names are what can be cut off
        table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        head.setDefaultAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        for place, help in enumerate(HELP):
            table.horizontalHeaderItem(place).setToolTip(help)
        table.horizontalHeaderItem(0).setTextAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        table.cellClicked.connect(self._go_to)
        return table

    # asking ----------------------------------------------------------------------------------------------------------

    @property
    def is_running(self) -> bool:
        """Whether a check is on its way."""
        return self._run is not None

    @property
    def is_waiting(self) -> bool:
        """The same, for who takes a picture."""
        return self.is_running

    def feed(self, snapshot: Snapshot) -> str:
        """Snapshots change nothing here: a check is of the moment at which it was asked for."""
        return "" if has_objective(self.editor.document) else NO_LOSS

    def describe(self, snapshot: Snapshot) -> str:
        """Of which moment the table is, where that is another one."""
        found = self.found
        return f"checked at {found.iteration}" if found is not None and found.iteration != snapshot.iteration else ""

    def _toggle(self) -> None:
        if self.is_running:
            self.cancel()
        else:
            self.check()

    def check(self) -> None:
        """Begin a check of the parameters as they stand."""
        if self.runner is None:
            return
        self._run = Run(str(self.planted.currentData() or ""), str(self.rule.currentData()))
        self.button.setText("Cancel")
        self._tell("Checking …")
        self._ask()

    def cancel(self, words: str = "Cancelled. Nothing was changed.") -> None:
        """Call the check off; what is asked already is not answered any more."""
        if self.is_running:
            self._run = None
            self.button.setText("Check")
            self._tell(words)

    def _ask(self) -> None:
        if self.runner is None or self._run is None:
            return
        self._asked += 1
        run, question = self._run, self._asked
        self.runner.ask(f"{QUESTION} · {self.id}", lambda session: replace(run.go_on(session), question=question))

    def _take(self, _: str, piece: object) -> None:
        if not isinstance(piece, Piece) or piece.run is not self._run or piece.question != self._asked:
            return
        if piece.problem is None and piece.report is None:
            self._tell(f"Checking {piece.done} of {piece.count} …")
            self._ask()
            return
        self._run = None
        self.button.setText("Check")
        self.show_found(piece)

    def document_changed(self, change: Change) -> None:
        """Another network: what is on its way is not of it; what was found stays until it is checked again."""
        if change.replans:
            self.cancel("The network was changed meanwhile. Check again.")
        elif self.is_running:
            # What was answered for the former revision never arrives; once the runner knows of the new one, ask again.
            QTimer.singleShot(0, self, self._ask)
        if self._body is None:
            return
        if "reset" in change.kinds:
            self.found = None
            self.table.setRowCount(0)
            self._tell(IDLE)
        self._offer_nodes()

    # showing ---------------------------------------------------------------------------------------------------------

    def show_found(self, piece: Piece) -> None:
        """Show what a check found, or why there is none."""
        self.found = piece if piece.report is not None else None
        self._fill()
        if piece.problem is not None:
            self._tell(str(piece.problem), "error")
        elif piece.report is not None:
            self._tell(verdict(piece.report), "success" if piece.report.passed else "error")
        self._say()

    def _tell(self, text: str, token: str = "text2") -> None:
        self.words.setText(text)
        self.words.setStyleSheet(f"color: {current_theme().colour(token).name()}")

    def _offer_nodes(self) -> None:
        """Nodes in which a mistake can be planted; the choice stays where its node does."""
        chosen = self.planted.currentData()
        self.planted.blockSignals(True)
        self.planted.clear()
        self.planted.addItem("no mistake", "")
        for name, node in self.editor.document.graph.nodes.items():
            if node.type not in LEAVES and composite_of(node) is None:
                self.planted.addItem(f"in {node.title or name}", name)
        self.planted.setCurrentIndex(max(0, self.planted.findData(chosen)))
        self.planted.blockSignals(False)
        self._show_rule()

    def _show_rule(self) -> None:
        self.rule.setVisible(bool(self.planted.currentData()))

    def _fill(self) -> None:
        report = self.found.report if self.found is not None else None
        self.table.setRowCount(len(report.entries) if report is not None else 0)
        if report is None:
            return
        for row, entry in enumerate(report.entries):
            agrees = report.agrees(entry)
            numbers = (number_text(entry.backpropagation, signed=True), number_text(entry.estimate, signed=True))
            cells = (self._title(entry), *numbers, ratio_text(entry.ratio), "✓" if agrees else "✗")
            token = "text" if agrees else "error"
            for column, text in enumerate(cells):
                self.table.setItem(row, column, _cell(text, column, token if column != 4 or not agrees else "success"))

    def _title(self, entry: Checked) -> str:
        document: Document = self.editor.document
        reading = self.snapshot.parameters.get(entry.address) if self.snapshot is not None else None
        shape = reading.shape if reading is not None else tuple(place + 2 for place in entry.index)
        return entry_title(document, Entry(entry.address, entry.index), shape)

    def _go_to(self, row: int, _: int) -> None:
        """A click on a row selects the node of its parameter."""
        if self.found is not None and self.found.report is not None:
            name = self.editor.reveal(self.found.report.entries[row].address.partition(".")[0])
            if name is not None:
                self.editor.select([name])

    def sizeHint(self) -> QSize:
        """Room for some rows."""
        return QSize(460, 280)


def verdict(report: Report) -> str:
    """What a check found, in a sentence."""
    count, failed, worst = len(report.entries), report.failed, report.worst
    if worst is None:
        return "There is no parameter to differentiate by."
    allowed = f"allowed are {ratio_text(report.threshold)}"
    if not failed:
        return f"All {count} derivatives agree. The largest ρ is {ratio_text(worst.ratio)}, {allowed}."
    places = dict.fromkeys(entry.address.partition(".")[0] for entry in failed)
    named = ", ".join([*places][:3]) + (" …" if len(places) > 3 else "")
    return f"{len(failed)} of {count} derivatives are wrong: in {named}. The largest ρ is {ratio_text(worst.ratio)}, {allowed}."


def ratio_text(ratio: float) -> str:
    """Small ratios as powers of ten: their size is all that matters."""
    if ratio == 0 or not ratio < 0.01:
        return number_text(ratio, digits=2)
    digits, _, power = f"{ratio:.1e}".partition("e")
    return f"{digits}e{int(power)}".replace("-", MINUS)


def _choice(name: str) -> QComboBox:
    box = QComboBox()
    box.setAccessibleName(name)
    box.setToolTip(name)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(8)
    box.setMaximumWidth(WIDEST_CHOICE)
    box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    return box


def _cell(text: str, column: int, token: str) -> QTableWidgetItem:
    cell = QTableWidgetItem(text)
    theme: Any = current_theme()
    cell.setForeground(theme.colour(token))
    if column in (1, 2, 3):
        cell.setFont(theme.font("number_small"))
        cell.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    return cell
