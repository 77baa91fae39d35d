"""“Why this size?”: the factors a gradient is made of, and which of them shrinks it most."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QPaintEvent, QPalette
from PySide6.QtWidgets import (
    QGridLayout,
    QLabel,
    QSizePolicy,
    QStyle,
    QStyleOptionToolButton,
    QStylePainter,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.panels.fields.section import Section, Symbol, clear, words
from app.theme import current_theme
from app.theme.numbers import number_text, token_of

if TYPE_CHECKING:
    from engine.explain import Factors

MOST_ROWS = 8
LEAST_WORDS = 60  # pixels
SMALL = 1e-9  # what other paths add, below which it is rounding


class WhySection(Section):
    """Factors from the loss back to the node, their product, and what other paths add to it.

    node_asked(str)  somebody clicked the node that a factor belongs to
    """

    node_asked = Signal(str)

    def __init__(self) -> None:
        super().__init__("Why this size?")
        self._lines = QVBoxLayout()
        self.body.addLayout(self._lines)
        self._numbers: list[QLabel] = []
        self._shape: tuple[object, ...] = ()
        self._found: Factors | None = None
        current_theme().changed.connect(self._forget)
        self.hide()

    def _forget(self) -> None:
        self._shape = ()
        self.show_factors(self._found)

    def show_factors(self, found: Factors | None) -> None:
        """Show other factors; nothing is built anew while only numbers change."""
        self._found = found
        self.setVisible(found is not None and bool(found.factors))
        if found is None or not found.factors:
            return
        kept = chosen(found)
        rest = len(found.factors) - len(kept)
        has_others = abs(found.other_paths) > SMALL + 1e-6 * abs(found.gradient)
        shape = (*(found.factors[index][0::2] for index in kept), found.smallest, rest, has_others, found.symbol)
        if shape != self._shape:
            self._shape = shape
            self._build(found, kept, rest, has_others)
        numbers = [found.factors[index].number for index in kept] + [found.product]
        numbers += [found.other_paths, found.gradient] if has_others else []
        for label, number in zip(self._numbers, numbers, strict=True):
            show_number(label, number)

    def _build(self, found: Factors, kept: list[int], rest: int, has_others: bool) -> None:
        clear(self._lines)
        self._numbers = []
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(2, 1)
        for index in kept:
            factor = found.factors[index]
            remark = "shrinks most" if index == found.smallest else ""
            self._add(grid, Symbol(factor.latex), self._words(factor.words, factor.node), remark)
        self._add(grid, words("product", "2", wrap=False), words(f"with {rest} more factors" if rest else ""))
        if has_others:
            self._add(grid, words("", "2"), words("what all other paths add", "2"))
            self._add(grid, Symbol(found.symbol), words("the whole derivative", "2"))
        self._lines.addLayout(grid)

    def _words(self, text: str, node: str) -> QWidget:
        button = NodeLink(text)
        button.clicked.connect(lambda: self.node_asked.emit(node))
        return button

    def _add(self, grid: QGridLayout, symbol: QWidget, said: QWidget, remark: str = "") -> None:
        row = grid.rowCount()
        label = QLabel()
        label.setFont(current_theme().font("number"))
        self._numbers.append(label)
        for column, part in enumerate((symbol, label, said, words(remark, "number_small", wrap=False))):
            grid.addWidget(part, row, column)


class NodeLink(QToolButton):
    """Words that lead to a node; where there is no room for all of them they end in dots."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.setText(text)
        self.setToolTip(f"{text}: look at this node")
        self.setStyleSheet("QToolButton { padding: 0; font-size: 11px; text-align: left; border: none; }")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def minimumSizeHint(self) -> QSize:
        """A word or so."""
        return QSize(LEAST_WORDS, super().minimumSizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """The words, as many as fit."""
        option = QStyleOptionToolButton()
        self.initStyleOption(option)
        option.text = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, self.width())
        QStylePainter(self).drawComplexControl(QStyle.ComplexControl.CC_ToolButton, option)


def chosen(found: Factors) -> list[int]:
    """Which factors to show where there are many: those farthest from 1, in their order."""
    places = range(len(found.factors))
    if len(found.factors) <= MOST_ROWS:
        return list(places)

    def weight(index: int) -> float:
        size = abs(found.factors[index].number)
        return max(size, 1 / size) if size else float("inf")

    return sorted(sorted(places, key=weight, reverse=True)[:MOST_ROWS])


def show_number(label: QLabel, number: float) -> None:
    """A number in the colour of its sign."""
    text = number_text(number)
    if label.text() != text:
        label.setText(text)
        palette = label.palette()
        palette.setColor(QPalette.ColorRole.WindowText, current_theme().colour(token_of(number)))
        label.setPalette(palette)
