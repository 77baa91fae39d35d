"""Paints a board with what is thought of every move, whose turn it is, and how strong the player became."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.theme import current_theme
from app.theme.numbers import number_text
from app.views.search_tree_plot import SearchTreePlot

if TYPE_CHECKING:
    from engine.analysis.playing import Look

EDGE, LINE, GAP = 12.0, 22.0, 16.0  # pixels
LOG_HEIGHT, LEAST_FOR_LOG = 74.0, 260.0
LEAST_FOR_TREE = 470.0  # pixels of width: in a narrower view there is the board alone
WIDEST_BOARD = 420.0
LETTERS = {1: "X", -1: "O"}


class BoardGamePlot(QWidget):
    """A board at the left, the search at the right, and under both what was measured of its strength."""

    played = Signal(int)  # the number of a move that was clicked
    taken_back = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.look: Look | None = None
        self.measure = ""
        self.tree = SearchTreePlot()
        self._hovered: int | None = None
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setAccessibleName("Board")
        current_theme().changed.connect(self.update)

    def show_look(self, look: Look | None, measure: str) -> None:
        """Another position, or other thoughts about it; `measure` is what the cells tell."""
        self.look, self.measure = look, measure
        self.setAccessibleDescription("" if look is None else self.words)
        self.update()

    # what is told ----------------------------------------------------------------------------------------------------

    @property
    def words(self) -> str:
        """Whose turn it is, or how it ended, and what the network expects."""
        look = self.look
        if look is None:
            return ""
        if look.winner:
            return f"{LETTERS[look.winner]} has won"
        if look.is_over:
            return "drawn"
        expects = (
            "" if look.value is None else f" · the network expects {number_text(look.value, signed=True, digits=2)}"
        )
        return f"{LETTERS[look.mover]} to move{expects}"

    def text_of(self, move: int) -> str:
        """What a cell says of a move; empty where there is nothing to say."""
        numbers = self.look.measures.get(self.measure, ()) if self.look is not None else ()
        if self.look is None or move >= len(numbers) or math.isnan(numbers[move]):
            return ""
        if self.measure in self.look.shares:
            return f"{100 * numbers[move]:.0f} %"
        return number_text(numbers[move], signed=True, digits=2)

    # places ----------------------------------------------------------------------------------------------------------

    @property
    def has_strength(self) -> bool:
        """Whether something was measured."""
        return self.look is not None and len(self.look.strength) > 0

    @property
    def has_log(self) -> bool:
        """Whether there is room for what was measured so far, and not only for the last of it."""
        return self.look is not None and len(self.look.strength) > 1 and self.height() >= LEAST_FOR_LOG

    @property
    def has_tree(self) -> bool:
        """Whether there is room, and a search."""
        return self.look is not None and bool(self.look.branches) and self.width() >= LEAST_FOR_TREE

    @property
    def _above_log(self) -> QRectF:
        low = LOG_HEIGHT + GAP if self.has_log else LINE if self.has_strength else EDGE
        return QRectF(EDGE, 4, self.width() - 2 * EDGE, max(40.0, self.height() - 4 - low))

    @property
    def board_area(self) -> QRectF:
        """The cells, without the line below them."""
        if self.look is None:
            return QRectF()
        room, game = self._above_log, self.look.game
        width = room.width() * (0.42 if self.has_tree else 1.0)
        size = min(width / game.columns, (room.height() - LINE) / game.rows, WIDEST_BOARD / game.columns)
        left = room.left() if self.has_tree else room.left() + (room.width() - size * game.columns) / 2
        return QRectF(left, room.top(), size * game.columns, size * game.rows)

    @property
    def tree_area(self) -> QRectF:
        """What is left at the right of the board."""
        board, room = self.board_area, self._above_log
        left = max(board.right(), board.left() + 120) + GAP
        return QRectF(left, room.top(), max(0.0, room.right() - left), room.height())

    @property
    def log_area(self) -> QRectF:
        """Under everything else."""
        return QRectF(EDGE, self.height() - LOG_HEIGHT, self.width() - 2 * EDGE, LOG_HEIGHT - LINE)

    def cell(self, number: int) -> QRectF:
        """The place of a cell."""
        assert self.look is not None
        area, game = self.board_area, self.look.game
        size = area.width() / game.columns
        row, column = divmod(number, game.columns)
        return QRectF(area.left() + column * size, area.top() + row * size, size, size).adjusted(2, 2, -2, -2)

    def move_at(self, at: QPointF) -> int | None:
        """The legal move under a point; where stones drop, the whole column stands for it."""
        if self.look is None or self.look.is_over or not self.board_area.contains(at):
            return None
        game, area = self.look.game, self.board_area
        size = area.width() / game.columns
        column, row = int((at.x() - area.left()) / size), int((at.y() - area.top()) / size)
        move = min(column, game.columns - 1) if game.drops else min(row, game.rows - 1) * game.columns + column
        return move if self.look.landing[move] >= 0 else None

    # painting --------------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.look is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for number in range(self.look.game.cells):
            self._paint_cell(painter, number)
        self._paint_row(painter)
        theme, area = current_theme(), self.board_area
        painter.setFont(theme.font("caption"))
        painter.setPen(theme.colour("text2"))
        metrics = QFontMetricsF(theme.font("caption"))
        room = self.tree_area.left() - 8 if self.has_tree else self.width() - EDGE
        text = metrics.elidedText(self.words, Qt.TextElideMode.ElideRight, room - area.left())
        painter.drawText(QPointF(area.left(), area.bottom() + 5 + metrics.ascent()), text)
        if self.has_tree:
            self.tree.paint(painter, self.tree_area, self.look)
        if self.has_log:
            self._paint_log(painter)
        if self.has_strength:
            self._paint_strength(painter)

    def _paint_cell(self, painter: QPainter, number: int) -> None:
        assert self.look is not None
        theme, place, stone = current_theme(), self.cell(number), self.look.board[number]
        move = self.look.landing.index(number) if number in self.look.landing and not self.look.is_over else None
        painter.setPen(theme.pen("border_strong" if move is not None and move == self._hovered else "border"))
        painter.setBrush(theme.colour("raised"))
        painter.drawRoundedRect(place, 6, 6)
        if stone:
            paint_stone(painter, place, stone)
            return
        if move is None:
            return
        text = self.text_of(move)
        if text:
            self._paint_thought(painter, place, move, text)
        if move == self._hovered:
            paint_stone(painter, place, self.look.mover, 0.3)

    def _paint_thought(self, painter: QPainter, place: QRectF, move: int, text: str) -> None:
        assert self.look is not None
        theme, number = current_theme(), self.look.measures[self.measure][move]
        if self.measure in self.look.shares:
            colour = QColor(theme.colour("accent", 0.75 * max(0.0, min(1.0, number))))
        else:
            colour = QColor(theme.colour("pos" if number > 0 else "neg", 0.65 * min(1.0, abs(number))))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawRoundedRect(place, 6, 6)
        if move == self.look.choice:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(theme.pen("accent", 2))
            painter.drawRoundedRect(place.adjusted(1, 1, -1, -1), 5, 5)
        painter.setFont(theme.font("number" if place.width() > 44 else "number_small"))
        painter.setPen(theme.colour("text"))
        painter.drawText(place, Qt.AlignmentFlag.AlignCenter, text)

    def _paint_row(self, painter: QPainter) -> None:
        """A line through the stones that have won."""
        assert self.look is not None
        board = self.look.board
        for line in self.look.game.lines if self.look.winner else ():
            if all(board[cell] == self.look.winner for cell in line):
                colour = current_theme().colour("success")
                pen = QPen(colour, 4)
                pen.setCapStyle(Qt.PenCapStyle.RoundCap)
                painter.setPen(pen)
                painter.drawLine(self.cell(int(line[0])).center(), self.cell(int(line[-1])).center())

    def _paint_log(self, painter: QPainter) -> None:
        """Shares won, drawn and lost over the iterations, from the bottom up, and what was measured last."""
        assert self.look is not None
        theme, area, log = current_theme(), self.log_area, self.look.strength
        first, last = log[0, 0], log[-1, 0]
        across = area.left() + (log[:, 0] - first) / max(last - first, 1) * area.width()
        below = 0.0 * log[:, 1]
        painter.setPen(Qt.PenStyle.NoPen)
        for column, token, alpha in ((1, "pos", 0.8), (2, "zero", 0.8), (3, "neg", 0.9)):
            above = below + log[:, column]
            upper = [QPointF(x, area.bottom() - y * area.height()) for x, y in zip(across, above, strict=True)]
            lower = [QPointF(x, area.bottom() - y * area.height()) for x, y in zip(across, below, strict=True)]
            painter.setBrush(theme.colour(token, alpha))
            painter.drawPolygon(QPolygonF([*upper, *reversed(lower)]))
            below = above

    def _paint_strength(self, painter: QPainter) -> None:
        theme = current_theme()
        metrics = QFontMetricsF(theme.font("caption"))
        painter.setFont(theme.font("caption"))
        painter.setPen(theme.colour("text2"))
        text = metrics.elidedText(self.strength_words, Qt.TextElideMode.ElideRight, self.width() - 2 * EDGE)
        painter.drawText(QPointF(EDGE, self.height() - 6 - metrics.descent()), text)

    @property
    def strength_words(self) -> str:
        """What was measured last, in a line."""
        if self.look is None or not len(self.look.strength):
            return ""
        _, won, drawn, lost, beaten = self.look.strength[-1]
        ways = "nobody can beat it" if beaten == 0 else f"{int(beaten)} ways to beat it"
        shares = ", ".join(
            f"{100 * share:.1f} % {name}" for share, name in ((won, "won"), (drawn, "drawn"), (lost, "lost"))
        )
        return f"{ways} · against random moves {shares}"

    # by hand ---------------------------------------------------------------------------------------------------------

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        hovered = self.move_at(event.position())
        if hovered != self._hovered:
            self._hovered = hovered
            self.setCursor(Qt.CursorShape.PointingHandCursor if hovered is not None else Qt.CursorShape.ArrowCursor)
            self.update()

    def leaveEvent(self, event: object) -> None:
        self._hovered = None
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.RightButton:
            self.taken_back.emit()
            return
        move = self.move_at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and move is not None:
            self.played.emit(move)


def paint_stone(painter: QPainter, place: QRectF, stone: int, alpha: float = 1.0) -> None:
    """An X or an O within a cell."""
    inside = place.adjusted(*[share * place.width() for share in (0.24, 0.24, -0.24, -0.24)])
    pen = QPen(current_theme().colour("pos" if stone > 0 else "neg", alpha), max(2.0, 0.09 * place.width()))
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if stone > 0:
        painter.drawLine(inside.topLeft(), inside.bottomRight())
        painter.drawLine(inside.topRight(), inside.bottomLeft())
    else:
        painter.drawEllipse(inside)
