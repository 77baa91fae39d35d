"""Forward, Backward, Update: the formulas of a node's steps with the numbers of this moment put in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.panels.fields.section import Section, clear, link, words
from app.theme import current_theme
from app.theme.formula import FormulaBlock, Term, terms_of
from app.theme.numbers import NOT_COMPUTED

if TYPE_CHECKING:
    from engine.snapshot import Equation, Explanation

MOST_LINES = 4
PARTS = {"forward": "Forward", "backward": "Backward", "update": "Update"}
ICONS = {"forward": "chevron-right", "backward": "chevron-left", "update": "square"}


class FormulaSection(Section):
    """One part of a node's work."""

    def __init__(self, part: str) -> None:
        super().__init__(PARTS[part])
        self._part = part
        self._blocks: list[FormulaBlock] = []
        self._shape: tuple[str, ...] | None = None  # the captions of the lines that blocks were built for
        self._explanation: Explanation | None = None
        self._name = ""
        self._is_long = False
        self._terms: dict[FormulaBlock, list[Term]] = {}
        self._icon = QLabel()
        self.aside.addWidget(self._icon)
        self.title = words("", "caption")
        self.title.hide()
        self.body.addWidget(self.title)
        self._lines = QVBoxLayout()
        self._lines.setSpacing(10)
        self.body.addLayout(self._lines)
        self._remark = words("", "warn")
        self._remark.hide()
        self.body.addWidget(self._remark)
        self._paint_icon()
        current_theme().changed.connect(self._paint_icon)

    def _paint_icon(self) -> None:
        self._icon.setPixmap(current_theme().pixmap(ICONS[self._part], self._part, 14))

    def show_explanation(self, explanation: Explanation | None, now: bool, name: str = "") -> None:
        """Show other numbers; blocks are kept while there are as many lines, so nothing flickers while rows go by.

        name  of the node, which stands above already: of a node in time the title says at which step
        """
        self._explanation, self._name = explanation, name
        self.setVisible(explanation is not None and bool(explanation.equations))
        if explanation is None:
            return
        self.title.setText(explanation.title)
        self.title.setVisible(bool(name) and not f"{explanation.title} · ".startswith(f"{name} · "))
        earlier = "of the last iteration" if explanation.state == "earlier" else ""
        self.note.setText("now" if now else earlier)
        self._remark.setText(explanation.note)
        self._remark.setVisible(bool(explanation.note))
        shape = tuple(line.caption for line in explanation.equations)
        if shape != self._shape:
            self._shape = shape
            self._build(explanation.equations)
        # Blocks stand for the first lines only where there are many.
        for block, line in zip(self._blocks, explanation.equations, strict=False):
            terms = terms_of(line, explanation.state == "current")
            if self._terms.get(block) != terms:
                self._terms[block] = terms
                block.set_terms(terms)

    def _toggle(self) -> None:
        self._is_long = not self._is_long
        self._shape = None
        if self._explanation is not None:
            self.show_explanation(self._explanation, self.note.text() == "now", self._name)

    def _build(self, equations: Sequence[Equation]) -> None:
        clear(self._lines)
        self._blocks, self._terms = [], {}
        hidden = 0 if self._is_long else len(equations) - MOST_LINES
        # One line more takes as much room as the words that say that it is hidden.
        kept = equations if hidden <= 1 else equations[:MOST_LINES]
        for line in kept:
            if line.caption:
                self._lines.addWidget(words(line.caption, "caption"))
            block = FormulaBlock()
            self._lines.addWidget(block)
            self._blocks.append(block)
        if len(equations) > MOST_LINES + 1:
            text = f"{hidden} more lines" if hidden > 0 else "fewer lines"
            more = link(text, "Show all lines, or the first ones", "chevron-down" if hidden > 0 else "chevron-up")
            more.clicked.connect(self._toggle)
            self._lines.addWidget(more)

    @property
    def text(self) -> str:
        """The formulas as read aloud."""
        return "; ".join(block.accessibleName() for block in self._blocks)


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

    @property
    def is_empty(self) -> bool:
        """Whether no part is shown."""
        return all(section.isHidden() for section in self.sections.values())

    def clear(self) -> None:
        """Say nothing, not even that nothing was computed: somebody has been asked."""
        for section in self.sections.values():
            section.show_explanation(None, False)
        self._waiting.hide()

    def show_explanations(self, explanations: Sequence[Explanation], now: str, name: str = "") -> None:
        """Show what is known of the parts of the node called `name`; `now` is the part that was played last, or empty."""
        by_part = {explanation.part: explanation for explanation in explanations}
        for part, section in self.sections.items():
            section.show_explanation(by_part.get(part), now == part, name)
        self._waiting.setVisible(not any(each.equations for each in by_part.values()))
