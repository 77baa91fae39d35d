"""Paints a search tree as an indented list: visits as bars, and the numbers that the next choice hangs on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter

from app.theme import current_theme
from app.theme.numbers import number_text

if TYPE_CHECKING:
    from engine.analysis.playing import Branch, Look
    from engine.games import Game

ROW, INDENT = 19.0, 14.0  # pixels
COLUMNS = ("N", "P", "Q", "U", "Q + U")
NUMBER, LEAST_BAR = 46.0, 40.0
MOST_BELOW = (99, 2, 1)  # branches of a position that are shown, by depth


class Row(NamedTuple):
    """A line of the list."""

    depth: int
    letter: str
    branch: Branch


class SearchTreePlot:
    """Moves of the position, the most visited first; under the best two what the search expects after them."""

    def rows(self, look: Look, most: int) -> list[Row]:
        """The lines that are shown, as many as there is room for; all moves of the position come before their replies."""
        shown: list[Row] = []
        spare = max(0, most - len(look.branches))
        for place, branch in enumerate(look.branches[:most]):
            shown.append(Row(0, letter(look.mover), branch))
            if place < 2:
                replies = list(self._below(branch, -look.mover, 1))[: spare if place else (spare + 1) // 2]
                spare -= len(replies)
                shown += replies
        return shown

    def _below(self, branch: Branch, mover: int, depth: int) -> Iterator[Row]:
        for reply in branch.branches[: MOST_BELOW[depth] if depth < len(MOST_BELOW) else 0]:
            yield Row(depth, letter(mover), reply)
            yield from self._below(reply, -mover, depth + 1)

    def paint(self, painter: QPainter, area: QRectF, look: Look) -> None:
        """Paint the list into an area."""
        theme = current_theme()
        small, metrics = theme.font("number_small"), QFontMetricsF(theme.font("number_small"))
        painter.setFont(small)
        columns = self._columns(area)
        painter.setPen(theme.colour("text3"))
        for name, right in columns:
            painter.drawText(QPointF(right - metrics.horizontalAdvance(name), area.top() + metrics.ascent()), name)
        painter.drawText(QPointF(area.left(), area.top() + metrics.ascent()), "move")
        rows = self.rows(look, max(1, int((area.height() - ROW) / ROW)))
        most = max([row.branch.visits for row in rows], default=1.0) or 1.0
        first = columns[0][1] - NUMBER if columns else area.right()
        for place, row in enumerate(rows):
            top = area.top() + ROW * (place + 1)
            self._paint_row(painter, QRectF(area.left(), top, area.width(), ROW), row, look.game, most, first, columns)

    def _columns(self, area: QRectF) -> list[tuple[str, float]]:
        """Names and right edges of the columns that there is room for: those at the front matter most."""
        room = area.width() - 74 - LEAST_BAR
        count = max(1, min(len(COLUMNS), int(room / NUMBER)))
        return [(name, area.right() - NUMBER * (count - 1 - place)) for place, name in enumerate(COLUMNS[:count])]

    def _paint_row(
        self,
        painter: QPainter,
        place: QRectF,
        row: Row,
        game: Game,
        most: float,
        right: float,
        columns: list[tuple[str, float]],
    ) -> None:
        theme, branch = current_theme(), row.branch
        metrics = QFontMetricsF(theme.font("number_small"))
        base = place.top() + (ROW + metrics.ascent() - metrics.descent()) / 2
        left = place.left() + INDENT * row.depth
        painter.setPen(theme.colour("text" if row.depth == 0 else "text2"))
        name = f"{row.letter} {move_name(game, branch.move)}"
        painter.drawText(QPointF(left, base), name)
        begin = place.left() + 74
        width = max(0.0, right - 8 - begin) * branch.visits / most
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("accent", 0.8 if row.depth == 0 else 0.45))
        painter.drawRoundedRect(QRectF(begin, place.top() + 4, max(width, 1.0), ROW - 8), 2, 2)
        numbers = (branch.visits, branch.prior, branch.mean, branch.bonus, branch.mean + branch.bonus)
        for place_of, (_, edge) in enumerate(columns):
            number = numbers[place_of]
            signed = place_of in (2, 4)
            text = str(int(number)) if place_of == 0 else number_text(round(number, 3), signed=signed, digits=2)
            token = (
                ("pos" if number > 0 else "neg") if place_of == 2 and number else "text" if row.depth == 0 else "text2"
            )
            painter.setPen(theme.colour(token))
            painter.drawText(QPointF(edge - metrics.horizontalAdvance(text), base), text)


def letter(mover: int) -> str:
    """Who moves."""
    return "X" if mover > 0 else "O"


def move_name(game: Game, move: int) -> str:
    """A move in words: the column where stones drop, else row and column, counted from 1."""
    if game.drops:
        return f"col. {move + 1}"
    row, column = divmod(move, game.columns)
    return f"{row + 1},{column + 1}"
