"""The list of problems: what is wrong, where, how to mend it, and a click that leads there."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from app.panels.cards import HoverButton
from app.panels.overlay import Overlay
from app.theme import current_theme
from engine.problems import Problem

WIDTH, TALLEST = 420, 480
TEXT_LEFT = 34
WRAPPED = Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop


class Problems(Overlay):
    """Every problem of the document, and the last thing that stopped a run."""

    chosen = Signal(object)  # a Problem

    def __init__(self, window: QWidget, opener: QWidget) -> None:
        super().__init__(window)
        self._opener = opener
        self._of_document: list[Problem] = []
        self._of_run: list[Problem] = []
        self._title = QLabel()
        self._title.setProperty("level", "title")
        self._rows = QVBoxLayout()
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setSpacing(2)
        body = QWidget()
        body.setLayout(self._rows)
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setWidget(body)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(8)
        column.addWidget(self._title)
        column.addWidget(self._scroll)
        self._fill()

    @property
    def problems(self) -> list[Problem]:
        """What the list shows, errors first."""
        every = list(dict.fromkeys([*self._of_run, *self._of_document]))
        return sorted(every, key=lambda problem: problem.severity != "error")

    @property
    def failure(self) -> Problem | None:
        """What stopped the run last; None while nothing is known to be in its way."""
        return self._of_run[0] if self._of_run else None

    def show_problems(self, problems: list[Problem]) -> None:
        """What the document has now."""
        self._of_document = list(problems)
        self._fill()

    def show_failure(self, problem: Problem | None) -> None:
        """What stopped the run; None once it runs again."""
        if self._of_run != ([problem] if problem else []):
            self._of_run = [problem] if problem else []
            self._fill()

    def place(self) -> None:
        """Under the button that opens it."""
        window = self.window()
        corner = self._opener.mapTo(window, QPoint(self._opener.width(), self._opener.height() + 6))
        rows = self._scroll.widget().sizeHint().height()
        height = min(TALLEST, window.height() - corner.y() - 24, rows + 56)
        self.setGeometry(max(8, min(corner.x(), window.width() - 8) - WIDTH), corner.y(), WIDTH, height)

    def is_opener(self, widget: QWidget) -> bool:
        """The counter in the top bar toggles by itself."""
        return widget is self._opener

    def _fill(self) -> None:
        while (item := self._rows.takeAt(0)) is not None:
            if item.widget() is not None:
                item.widget().hide()
                item.widget().deleteLater()
        self._title.setText(count_text(self.problems))
        for problem in self.problems:
            row = ProblemRow(problem)
            row.clicked.connect(lambda _=False, problem=problem: self._choose(problem))
            self._rows.addWidget(row)
        if not self.problems:
            self._rows.addWidget(_sentence("Everything that is drawn can run.", "2"))
        self._rows.addStretch(1)
        if self.isVisible():
            self.place()

    def _choose(self, problem: Problem) -> None:
        self.close_overlay()
        self.chosen.emit(problem)


class ProblemRow(HoverButton):
    """One problem: place, fact, mend."""

    def __init__(self, problem: Problem) -> None:
        super().__init__()
        self.problem = problem
        place = " · ".join(part for part in (problem.node, problem.port) if part) or problem.path
        fact = problem.fact[:400].rstrip(".") + "."
        lines = ((place, "caption", "text3"), (fact, "body", "text"), (problem.mend[:400], "body", "text2"))
        self._lines = [line for line in lines if line[0]]
        self.setText(fact)
        self.setAccessibleName(str(problem))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(self._height())

    def _height(self) -> int:
        width = WIDTH - 2 * 12 - TEXT_LEFT - 12
        return 14 + sum(_text_height(text, role, width) + 2 for text, role, _ in self._lines)

    def sizeHint(self) -> QSize:
        """As high as its lines."""
        return QSize(WIDTH - 24, self.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """The mark of its weight, and the lines."""
        theme = current_theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.underMouse() or self.hasFocus():
            painter.setPen(theme.pen("focus") if self.hasFocus() else Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("hover"))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        is_error = self.problem.severity == "error"
        name, token = ("octagon-alert", "error") if is_error else ("triangle-alert", "warn")
        painter.drawPixmap(8, 8, theme.pixmap(name, token))
        y, width = 7, self.width() - TEXT_LEFT - 12
        for text, role, colour in self._lines:
            height = _text_height(text, role, width)
            painter.setFont(theme.font(role))
            painter.setPen(theme.colour(colour))
            painter.drawText(QRect(TEXT_LEFT, y, width, height), WRAPPED, text)
            y += height + 2


def count_text(problems: list[Problem]) -> str:
    """How many there are, in words."""
    if not problems:
        return "No problems"
    return "1 problem" if len(problems) == 1 else f"{len(problems)} problems"


def _sentence(text: str, level: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("level", level)
    label.setWordWrap(True)
    return label


def _text_height(text: str, role: str, width: int) -> int:
    metrics = QFontMetrics(current_theme().font(role))
    return metrics.boundingRect(QRect(0, 0, width, 4000), WRAPPED, text).height()
