"""Forward, Backward, Update: the formulas of a node's steps with the numbers of this moment put in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.panels.fields.section import Section, clear, words
from app.theme import current_theme
from app.theme.formula import FormulaBlock, Term
from app.theme.numbers import NOT_COMPUTED, number_text, token_of

if TYPE_CHECKING:
    from engine.snapshot import Equation, Explanation

PARTS = {"forward": "Forward", "backward": "Backward", "update": "Update"}
ICONS = {"forward": "chevron-right", "backward": "chevron-left", "update": "square"}
CAPTIONS = {"incoming", "local", "outgoing", "addend", "old", "rate", "gradient", "new", "state"}
OPERATORS = {r"\cdot": "×", r"\times": "×", "-": "−", r"\leftarrow": "←", r"\approx": "≈"}


def block_terms(equation: Equation) -> list[Term]:
    """An equation of the engine as the columns of a formula block: number under symbol, colour by sign."""
    terms = []
    named = {term.role for term in equation.terms} & CAPTIONS
    for term in equation.terms:
        if term.role == "operator":
            sign = OPERATORS.get(term.latex, term.latex)
            terms.append(Term(term.latex, sign if len(sign) == 1 else "", "text3"))
            continue
        caption = term.role if term.role in named else ""
        terms.append(Term(term.latex, number_text(term.number), token_of(term.number), caption))
    return terms


class FormulaSection(Section):
    """One part of a node's work."""

    def __init__(self, part: str) -> None:
        super().__init__(PARTS[part])
        self._part = part
        self._blocks: list[tuple[FormulaBlock, QLabel]] = []
        self._shape: tuple[object, ...] = ()
        self._icon = QLabel()
        self.aside.addWidget(self._icon)
        self._lines = QVBoxLayout()
        self._lines.setSpacing(10)
        self.body.addLayout(self._lines)
        self._paint_icon()
        current_theme().changed.connect(self._paint_icon)

    def _paint_icon(self) -> None:
        self._icon.setPixmap(current_theme().pixmap(ICONS[self._part], self._part, 14))

    def show_explanation(self, explanation: Explanation | None, now: bool) -> None:
        """Show other numbers; blocks are kept while the symbols stay the same, so nothing flickers."""
        self.setVisible(explanation is not None and bool(explanation.equations))
        if explanation is None:
            return
        self.note.setText("now" if now else "")
        shape = tuple((tuple(term.latex for term in line.terms), line.caption) for line in explanation.equations)
        if shape != self._shape:
            self._shape = shape
            self._build(explanation.equations)
        for (block, caption), line in zip(self._blocks, explanation.equations, strict=True):
            block.set_terms(block_terms(line))
            caption.setText(line.caption)

    def _build(self, equations: Iterable[Equation]) -> None:
        clear(self._lines)
        self._blocks = []
        for line in equations:
            caption = words(line.caption, "caption")
            caption.setVisible(bool(line.caption))
            block = FormulaBlock()
            self._lines.addWidget(caption)
            self._lines.addWidget(block)
            self._blocks.append((block, caption))

    @property
    def text(self) -> str:
        """The formulas as read aloud."""
        return "; ".join(block.accessibleName() for block, _ in self._blocks)


class Formulas(QWidget):
    """The three sections of a node."""

    def __init__(self) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self.sections = {part: FormulaSection(part) for part in PARTS}
        self._waiting = Section("Forward")
        self._waiting.body.addWidget(words(f"Not computed yet ({NOT_COMPUTED}). Press → to step.", "3"))
        column.addWidget(self._waiting)
        for section in self.sections.values():
            section.hide()
            column.addWidget(section)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground, False)

    def show_explanations(self, explanations: Sequence[Explanation], now: str) -> None:
        """Show what is known of each part; `now` is the part that was played last, or empty."""
        by_part = {explanation.part: explanation for explanation in explanations}
        for part, section in self.sections.items():
            section.show_explanation(by_part.get(part), now == part)
        self._waiting.setVisible(not any(each.equations for each in by_part.values()))
