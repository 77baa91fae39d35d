"""“Why this size?”: the factors a gradient is made of, and which of them shrinks it most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout

from app.panels.fields.section import Section, Symbol, clear, words
from app.theme import current_theme
from app.theme.numbers import number_text, token_of


@dataclass(frozen=True)
class Factor:
    """One factor: symbol, number, what it is in words, and what it does to the product ("shrinks most" or nothing)."""

    latex: str
    number: float | None
    words: str = ""
    remark: str = ""


class WhySection(Section):
    """Rows of factors and their product."""

    def __init__(self) -> None:
        super().__init__("Why this size?")
        self._lines = QVBoxLayout()
        self.body.addLayout(self._lines)
        self._numbers: list[QLabel] = []
        self._shape: tuple[object, ...] = ()
        self._product: float | None = None
        current_theme().changed.connect(self._forget)
        self.hide()

    def _forget(self) -> None:
        self._shape = ()

    def show_factors(self, factors: Sequence[Factor], product: float | None) -> None:
        """Show other factors; nothing is built anew while only numbers change."""
        self.setVisible(bool(factors))
        shape = tuple((factor.latex, factor.words, factor.remark) for factor in factors)
        if shape != self._shape:
            self._shape = shape
            self._build(factors)
        for label, number in zip(self._numbers, [*(factor.number for factor in factors), product], strict=True):
            self._show_number(label, number)

    def _show_number(self, label: QLabel, number: float | None) -> None:
        text = number_text(number)
        if label.text() != text:
            label.setText(text)
            palette = label.palette()
            palette.setColor(label.foregroundRole(), current_theme().colour(token_of(number)))
            label.setPalette(palette)

    def _build(self, factors: Sequence[Factor]) -> None:
        clear(self._lines)
        grid = QGridLayout()
        grid.setHorizontalSpacing(14)
        grid.setVerticalSpacing(5)
        grid.setColumnStretch(2, 1)
        self._numbers = []
        for row, factor in enumerate(factors):
            grid.addWidget(Symbol(factor.latex), row, 0)
            self._add_number(grid, row)
            grid.addWidget(words(factor.words, "2"), row, 2)
            grid.addWidget(words(factor.remark, "number_small", wrap=False), row, 3)
        grid.addWidget(words("product", "2", wrap=False), len(factors), 0)
        self._add_number(grid, len(factors))
        self._lines.addLayout(grid)

    def _add_number(self, grid: QGridLayout, row: int) -> None:
        label = QLabel()
        label.setFont(current_theme().font("number"))
        self._numbers.append(label)
        grid.addWidget(label, row, 1)
