"""The first rows of a file as they will be understood, with what each column is for above them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QComboBox, QTableWidget, QTableWidgetItem

from app.theme import current_theme
from app.theme.numbers import MINUS
from engine.datasets.csv_table import ROLES

if TYPE_CHECKING:
    from engine.datasets.csv_result import Understood

MOST_COLUMNS, NARROWEST, WIDEST, ROW, ROLE_ROW = 60, 115, 240, 24, 32
TOKENS = {"input": "text", "target": "accent", "out": "border_strong"}


class ImportTable(QTableWidget):
    """`role_chosen(column, role)` tells what somebody wants a column for. Rows bear the numbers of their lines."""

    role_chosen = Signal(int, str)

    def __init__(self) -> None:
        super().__init__(0, 0)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setShowGrid(False)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setAccessibleName("The first rows as they are understood")
        self.verticalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.verticalHeader().setMinimumWidth(56)
        self.verticalHeader().setStyleSheet("QHeaderView::section { border: none; }")
        self.roles: list[QComboBox] = []
        self._found: Understood | None = None
        current_theme().changed.connect(self._fill)

    def show_found(self, found: Understood) -> None:
        """Other rows, or the same ones understood otherwise."""
        self._found = found
        names = [column.name for column in found.columns[:MOST_COLUMNS]]
        if names != [self._name(place) for place in range(self.columnCount())]:
            self._make_columns(names)
        more = len(found.columns) - MOST_COLUMNS
        self.setToolTip(f"{more} more columns are not shown here" if more > 0 else "")
        for place, box in enumerate(self.roles):
            box.setCurrentIndex(list(ROLES).index(found.columns[place].role))
        self._fill()

    def _name(self, place: int) -> str:
        head = self.horizontalHeaderItem(place)
        return head.text() if head is not None else ""

    def _make_columns(self, names: list[str]) -> None:
        self.clear()
        self.setColumnCount(len(names))
        self.setRowCount(2)
        self.setHorizontalHeaderLabels(names)
        self.roles = []
        for place, name in enumerate(names):
            box = QComboBox()
            for role, words in ROLES.items():
                box.addItem(words, role)
            box.setAccessibleName(f"What {name} is for")
            box.activated.connect(lambda _, place=place, box=box: self.role_chosen.emit(place, box.currentData()))
            self.setCellWidget(0, place, box)
            self.roles.append(box)
            wanted = self.fontMetrics().horizontalAdvance(name) + 32
            self.setColumnWidth(place, max(NARROWEST, min(WIDEST, wanted)))

    def _fill(self) -> None:
        found = self._found
        if found is None:
            return
        theme = current_theme()
        self.setRowCount(2 + len(found.preview))
        self.setVerticalHeaderLabels(["", "", *(str(line) for line, _ in found.preview)])
        self.setRowHeight(0, ROLE_ROW)
        for place, column in enumerate(found.columns[:MOST_COLUMNS]):
            texts = [column.holds, *(cells[place] for _, cells in found.preview)]
            for row, text in enumerate(texts, 1):
                self.setRowHeight(row, ROW)
                is_number = column.holds[:1] in "+-.0123456789" and "word" not in column.holds
                item = QTableWidgetItem(text.replace("-", MINUS) if is_number and row > 1 else text or "missing")
                token = "text3" if row == 1 else TOKENS[column.role] if text else "warn"
                item.setForeground(theme.colour(token))
                side = Qt.AlignmentFlag.AlignRight if is_number else Qt.AlignmentFlag.AlignLeft
                item.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
                item.setToolTip(text)
                self.setItem(row, place, item)
