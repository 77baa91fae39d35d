"""A formula with the number of this step under each of its symbols: incoming × local = outgoing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.theme.mathematics import Mathematics, plain_text
from app.theme.numbers import number_text, token_of
from app.theme.theme import Theme, current_theme

if TYPE_CHECKING:
    from engine.snapshot import Equation

CAPTIONS = {"incoming", "local", "outgoing", "addend", "old", "rate", "gradient", "new", "state"}
CLINGING = (",", ")", r"\right)")  # to what stands before
OPERATORS = {r"\cdot": "×", r"\times": "×", "-": "−", r"\leftarrow": "←", r"\approx": "≈"}
COLUMN_GAP, ROW_GAP, NUMBER_GAP, CAPTION_GAP = 10.0, 10.0, 5.0, 2.0


@dataclass(frozen=True)
class Term:
    """One symbol of a formula, or one operator between two.

    latex    the symbol, or `=`, `+`, `\\cdot`
    number   what stands under it now, already as text (`number_text`); operators repeat themselves
    token    colour of the number: a token of the palette
    caption  one word under the number ("incoming"), or nothing
    """

    latex: str
    number: str = ""
    token: str = "text"
    caption: str = ""


def terms_of(equation: Equation, fresh: bool = True) -> list[Term]:
    """An equation of the engine as the columns of a formula: number under symbol, colour by sign.

    Numbers of a former iteration (not `fresh`) are grey, as everywhere.
    """
    terms = []
    named = {term.role for term in equation.terms} & CAPTIONS
    for term in equation.terms:
        if term.role == "operator":
            sign = OPERATORS.get(term.latex, term.latex)
            terms.append(Term(term.latex, sign if len(sign) == 1 else "", "text3"))
            continue
        caption = term.caption or (term.role if term.role in named else "")
        token = token_of(term.number) if fresh else "text3"
        latex = f"({term.latex})" if term.role == "local" and is_sum(term.latex) else term.latex
        terms.append(Term(latex, number_text(term.number), token, caption))
    return terms


def is_sum(latex: str) -> bool:
    """Whether a factor has to be set in brackets: `1 - h^2`, but neither `-x` nor `(1 - h)` nor `\\frac{1 - t}{y}`."""
    depth = 0
    for place, sign in enumerate(latex):
        depth += (sign in "([{") - (sign in ")]}")
        if sign in "+-" and depth == 0 and latex[:place].strip() and latex[place - 1] not in "^_":
            return True
    return False


@dataclass(frozen=True)
class Column:
    """A term that was measured."""

    term: Term
    symbol: Mathematics
    width: float


@dataclass(frozen=True)
class Row:
    """Columns that stand beside each other, with the distances of their lines from the row's top."""

    columns: Sequence[Column]
    width: float
    symbol_baseline: float
    number_baseline: float
    caption_baseline: float
    height: float


class FormulaLayout:
    """Places terms in rows no wider than asked for, and paints them: for widgets and for items of the canvas."""

    def __init__(self, terms: Iterable[Term], theme: Theme, size: float = 13) -> None:
        self._theme, self._size = theme, size
        self._number_metrics = QFontMetricsF(theme.font("number"))
        self._caption_metrics = QFontMetricsF(theme.font("caption"))
        self._columns = [self._measure(term, size) for term in terms]
        self.rows: list[Row] = []
        self.arrange(float("inf"))

    @property
    def width(self) -> float:
        """Width of the widest row."""
        return max((row.width for row in self.rows), default=0.0)

    @property
    def height(self) -> float:
        """Height of all rows with the gaps between them."""
        return sum(row.height for row in self.rows) + ROW_GAP * max(0, len(self.rows) - 1)

    @property
    def narrowest(self) -> float:
        """Width of the widest term: no arrangement is narrower."""
        return max((column.width for column in self._columns), default=0.0)

    def arrange(self, available: float) -> None:
        """Break into rows that fit into `available` pixels, as far as single terms do."""
        rows: list[list[Column]] = [[]]
        for column in self._columns:
            rows[-1].append(column)
            if row_width(rows[-1]) > available and len(rows[-1]) > 1:
                kept = break_before(rows[-1])
                rows.append(rows[-1][kept:])
                del rows[-2][kept:]
        self.rows = [self._row(columns) for columns in rows if columns]

    def shorten(self, most: int) -> bool:
        """Keep the first `most` rows, the last of them ending in dots; whether anything was left out."""
        if len(self.rows) <= most:
            return False
        dots, room = self._measure(Term(r"\cdots"), self._size), self.width
        kept = list(self.rows[most - 1].columns)
        while len(kept) > 1 and row_width([*kept, dots]) > room:
            kept.pop()
        ends = [place for place, column in enumerate(kept) if column.term.latex in ("+", "-")]
        if ends and ends[-1] > 0:
            del kept[ends[-1] + 1 :]  # a sum goes on behind its sign
        self.rows = [*self.rows[: most - 1], self._row([*kept, dots])]
        return True

    def paint(self, painter: QPainter, origin: QPointF) -> None:
        """Paint with the upper left corner at `origin`."""
        top = origin.y()
        for row in self.rows:
            left = origin.x()
            for column in row.columns:
                self._paint_column(painter, column, row, left, top)
                left += column.width + COLUMN_GAP
            top += row.height + ROW_GAP

    def _measure(self, term: Term, size: float) -> Column:
        symbol = self._theme.mathematics(term.latex, size)
        width = max(
            symbol.size.width(),
            self._number_metrics.horizontalAdvance(term.number),
            self._caption_metrics.horizontalAdvance(term.caption),
        )
        return Column(term, symbol, width)

    def _row(self, columns: Sequence[Column]) -> Row:
        symbol_baseline = max(column.symbol.baseline for column in columns)
        bottom = symbol_baseline + max(column.symbol.size.height() - column.symbol.baseline for column in columns)
        number_baseline = caption_baseline = bottom
        if any(column.term.number for column in columns):
            number_baseline = bottom + NUMBER_GAP + self._number_metrics.ascent()
            bottom = number_baseline + self._number_metrics.descent()
        if any(column.term.caption for column in columns):
            caption_baseline = bottom + CAPTION_GAP + self._caption_metrics.ascent()
            bottom = caption_baseline + self._caption_metrics.descent()
        return Row(columns, row_width(columns), symbol_baseline, number_baseline, caption_baseline, bottom)

    def _paint_column(self, painter: QPainter, column: Column, row: Row, left: float, top: float) -> None:
        middle = left + column.width / 2
        column.symbol.paint(painter, middle - column.symbol.size.width() / 2, top + row.symbol_baseline)
        term = column.term
        for text, role, token, baseline, metrics in (
            (term.number, "number", term.token, row.number_baseline, self._number_metrics),
            (term.caption, "caption", "text3", row.caption_baseline, self._caption_metrics),
        ):
            if text:
                painter.setFont(self._theme.font(role))
                painter.setPen(self._theme.colour(token))
                painter.drawText(QPointF(middle - metrics.horizontalAdvance(text) / 2, top + baseline), text)


def row_width(columns: Sequence[Column]) -> float:
    """Width of `columns` beside each other."""
    return sum(column.width for column in columns) + COLUMN_GAP * max(0, len(columns) - 1)


def break_before(columns: Sequence[Column]) -> int:
    """Where a row that grew too wide is cut: before the last relation or sum in the fewest brackets, else at its end.

    No row begins with a comma, or with the bracket behind what it encloses.
    """
    depth, found = 0, {}
    for place, column in enumerate(columns):
        latex = column.term.latex.replace(r"\left", "").replace(r"\right", "")
        # What leaves next to nothing in the first row is no good place to break, however few brackets are around it.
        if latex in ("=", "+", "-") and place > (1 if len(columns) < 6 else 2):
            found[place] = depth
        depth += (latex in ("(", "[", r"\{")) - (latex in (")", "]", r"\}"))
    if not found:
        end = len(columns) - 1
        while end > 1 and columns[end].term.latex in CLINGING:
            end -= 1
        return end
    return max(place for place in found if found[place] == min(found.values()))


class FormulaBlock(QWidget):
    """A formula in a panel; breaks into several rows where the panel is narrow."""

    def __init__(self, terms: Iterable[Term] = (), parent: QWidget | None = None, size: float = 13) -> None:
        super().__init__(parent)
        self._theme = current_theme()
        self._size = size
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._theme.changed.connect(self._rebuild)
        self.set_terms(terms)

    def set_terms(self, terms: Iterable[Term]) -> None:
        """Show other terms, or other numbers under them."""
        self._terms = tuple(terms)
        self.setAccessibleName(" ".join(f"{plain_text(term.latex)} {term.number}".strip() for term in self._terms))
        self._rebuild()

    def _rebuild(self) -> None:
        self._layout = FormulaLayout(self._terms, self._theme, self._size)
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """All terms in one row."""
        self._layout.arrange(float("inf"))
        return QRectF(0, 0, self._layout.width, self._layout.height).toAlignedRect().size()

    def minimumSizeHint(self) -> QSize:
        """The widest term alone, one row high."""
        self._layout.arrange(float("inf"))
        return QRectF(0, 0, self._layout.narrowest, self._layout.height).toAlignedRect().size()

    def hasHeightForWidth(self) -> bool:
        """Always: fewer columns mean more rows."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Height of the rows that fit into `width` pixels."""
        self._layout.arrange(width)
        return int(self._layout.height) + 1

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the rows that fit into the width of now."""
        self._layout.arrange(self.width())
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
        self._layout.paint(painter, QPointF(0, 0))
