"""Paints a maze: cells coloured by what they are worth, with the number and the best way on, and a dot for each game."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFontMetricsF, QPainter, QPaintEvent, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.theme import current_theme
from app.theme.numbers import number_text
from app.theme.palette import ink_on

if TYPE_CHECKING:
    from engine.nodes.worlds_tabular import GridWorld

Array = np.ndarray[Any, np.dtype[Any]]
MARGIN = 12.0
LARGEST_CELL = 72.0
ROOM_FOR_NUMBER = 28.0
MOST_DOTS = 200
ENDS = {"G": "flag", "T": "circle-x", "S": "house"}


class MazePlot(QWidget):
    """Blue cells are worth more than 0, orange ones less; walls are dark, a cliff is hatched."""

    def __init__(self) -> None:
        super().__init__()
        self._maze: GridWorld | None = None
        self.table: Array | None = None
        self.games: Array | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Maze")
        current_theme().changed.connect(self.update)

    def show_maze(self, maze: GridWorld, table: Array | None, games: Array | None) -> None:
        """Another moment: a table (cells, actions) or (cells, 1), and the cell of each game."""
        self._maze, self.table, self.games = maze, table, games
        self.update()

    def cell(self, place: int) -> QRectF:
        """Where a cell is painted."""
        assert self._maze is not None
        columns, rows = self._maze.columns, self._maze.states // self._maze.columns
        side = min((self.width() - 2 * MARGIN) / columns, (self.height() - 2 * MARGIN) / rows, LARGEST_CELL)
        side = max(4.0, math.floor(side))
        left, top = (self.width() - side * columns) / 2, (self.height() - side * rows) / 2
        return QRectF(round(left) + place % columns * side, round(top) + place // columns * side, side, side)

    def worth(self) -> Array | None:
        """Of each cell: that of its best action."""
        return None if self.table is None else np.asarray(self.table, np.float64).max(axis=1)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._maze is None:
            return
        painter = QPainter(self)
        worth, letters = self.worth(), self._maze.cells
        inside = [place for place, letter in enumerate(letters) if letter in ".S"]
        limit = float(np.abs(worth[inside]).max(initial=0.0)) if worth is not None else 0.0
        for place, letter in enumerate(letters):
            self._paint_cell(painter, place, letter, None if worth is None else float(worth[place]), limit)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.table is not None and self.table.shape[1] > 1:
            self._paint_ways(painter, inside)
        self._paint_games(painter)

    def _paint_cell(self, painter: QPainter, place: int, letter: str, worth: float | None, limit: float) -> None:
        theme, area = current_theme(), self.cell(place)
        box = area.adjusted(0, 0, -1, -1)
        if letter == "#":
            painter.fillRect(box, theme.colour("border_strong"))
            return
        painter.fillRect(box, theme.colour("raised"))
        if letter == "C":
            painter.fillRect(box, theme.colour("neg", 0.25))
            painter.fillRect(box, _hatched())
        elif letter in ".S" and worth is not None and limit > 0:
            colour = theme.signed_colour(worth, limit)
            painter.fillRect(box, colour)
        painter.setPen(theme.pen("border"))
        painter.drawRect(box)
        if letter in ENDS and area.width() >= 18:
            size = min(18.0, area.width() * (0.5 if letter == "G" else 0.3))
            token = {"G": "success", "T": "error"}.get(letter, "text2")
            at = area.center() - QPointF(size / 2, size / 2) if letter in "GT" else area.topLeft() + QPointF(3, 3)
            painter.drawPixmap(at, theme.pixmap(ENDS[letter], token, size))
        if letter in ".S" and worth is not None:
            self._paint_number(painter, area, worth, limit)

    def _paint_number(self, painter: QPainter, area: QRectF, worth: float, limit: float) -> None:
        theme, font = current_theme(), current_theme().font("number_small")
        text = number_text(worth) if worth == round(worth) else number_text(worth, digits=0 if abs(worth) >= 10 else 1)
        if QFontMetricsF(font).horizontalAdvance(text) > area.width() - 2 or area.height() < ROOM_FOR_NUMBER:
            return
        painter.setFont(font)
        painter.setPen(ink(theme.signed_colour(worth, limit)) if limit > 0 else theme.colour("text2"))
        painter.drawText(
            area.adjusted(2, 2, -2, -1), Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom, text
        )

    def _paint_ways(self, painter: QPainter, inside: list[int]) -> None:
        """An arrow for each action that no other one beats."""
        from app.views.maze import best  # which knows of this plot

        assert self._maze is not None and self.table is not None
        turns = (-90.0, 0.0, 90.0, 180.0) if self._maze.actions == 4 else (180.0, 0.0)
        table, theme = np.asarray(self.table, np.float64), current_theme()
        chosen, worth = best(table), table.max(axis=1)
        limit = float(np.abs(worth[inside]).max(initial=0.0))
        painter.setPen(Qt.PenStyle.NoPen)
        for place in inside:
            area, ways = self.cell(place), np.flatnonzero(chosen[place])
            size = min(7.0, area.width() * 0.15)
            middle = area.center() - QPointF(0, area.height() * 0.16 if area.height() >= ROOM_FOR_NUMBER else 0)
            painter.setBrush(ink(theme.signed_colour(float(worth[place]), limit)) if limit else theme.colour("text2"))
            for action in ways:
                angle = math.radians(turns[int(action)])
                ahead, aside = QPointF(math.cos(angle), math.sin(angle)), QPointF(-math.sin(angle), math.cos(angle))
                foot = middle + ahead * size * (-0.7 if len(ways) == 1 else 0.4)
                painter.drawPolygon(QPolygonF([foot + ahead * size * 1.4, foot + aside * size, foot - aside * size]))

    def _paint_games(self, painter: QPainter) -> None:
        """A dot for each game; several in one cell stand side by side."""
        if self.games is None:
            return
        theme, seen = current_theme(), dict[int, int]()
        painter.setPen(theme.pen("canvas", 1.2))
        painter.setBrush(theme.colour("forward"))
        for place in self.games[:MOST_DOTS].tolist():
            area, before = self.cell(place), seen.get(place, 0)
            seen[place] = before + 1
            radius = max(2.5, min(6.0, area.width() * 0.11))
            across = max(1, int((area.width() - 6) // (2.2 * radius)))
            at = area.topRight() + QPointF(-radius - 4 - 2.2 * radius * (before % across), radius + 4)
            if before // across < 3:
                painter.drawEllipse(at + QPointF(0, 2.2 * radius * (before // across)), radius, radius)


def ink(ground: QColor) -> QColor:
    """Dark on a bright cell, bright on a dark one."""
    return QColor(ink_on(ground.name()))


def _hatched() -> QBrush:
    return QBrush(current_theme().colour("neg", 0.8), Qt.BrushStyle.BDiagPattern)
