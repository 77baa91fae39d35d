"""The choice of two numbers for the axes of the loss surface: a parameter and its indices, for each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QFrame, QGridLayout, QHBoxLayout, QLabel, QSpinBox, QWidget

from app.views.entries import Entry, parameter_title

if TYPE_CHECKING:
    from engine.document import Document
    from engine.snapshot import Reading

MOST_INDICES = 4
PARTS = {"train": "all training rows", "batch": "this batch", "test": "the test rows"}


class EntryField(QWidget):
    """One parameter, and an index (counted from 1) for each of its axes longer than 1."""

    chosen = Signal()

    def __init__(self, words: str) -> None:
        super().__init__()
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._is_filling = False
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        self.parameter = QComboBox()
        self.parameter.setAccessibleName(f"Parameter {words}")
        self.parameter.setMinimumWidth(168)
        self.parameter.currentIndexChanged.connect(self._change_parameter)
        row.addWidget(self.parameter, 1)
        self.indices = [QSpinBox() for _ in range(MOST_INDICES)]
        for place, index in enumerate(self.indices):
            index.setAccessibleName(f"Index {place + 1} {words}")
            index.setMinimum(1)
            index.valueChanged.connect(self._tell)
            row.addWidget(index)

    def fill(self, document: Document, parameters: Mapping[str, Reading], entry: Entry) -> None:
        """Offer these parameters and show one entry."""
        self._is_filling = True
        self._shapes = {key: each.shape for key, each in parameters.items() if len(each.shape) <= MOST_INDICES}
        self.parameter.clear()
        for key in self._shapes:
            self.parameter.addItem(parameter_title(document, key), key)
        self.parameter.setCurrentIndex(max(0, self.parameter.findData(entry.key)))
        self._set_ranges()
        for index, place in zip(self.indices, entry.place, strict=False):
            index.setValue(place + 1)
        self._is_filling = False

    @property
    def entry(self) -> Entry:
        """What is chosen."""
        key = str(self.parameter.currentData())
        shape = self._shapes.get(key, ())
        return Entry(key, tuple(index.value() - 1 for index, _ in zip(self.indices, shape, strict=False)))

    def _set_ranges(self) -> None:
        shape = self._shapes.get(str(self.parameter.currentData()), ())
        for place, index in enumerate(self.indices):
            length = shape[place] if place < len(shape) else 1
            index.setMaximum(max(1, length))
            index.setVisible(length > 1)
            index.setToolTip(f"1 to {length}")

    def _change_parameter(self) -> None:
        self._set_ranges()
        self._tell()

    def _tell(self) -> None:
        if not self._is_filling:
            self.chosen.emit()


class AxesPopup(QFrame):
    """Both fields, the rows and the arrows, under the button that opened them; every choice counts at once."""

    chosen = Signal(object, object)
    rows_chosen = Signal(str)  # a key of PARTS
    field_chosen = Signal(bool)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setProperty("panel", "raised")
        self.setFrameShape(QFrame.Shape.StyledPanel)
        grid = QGridLayout(self)
        grid.setContentsMargins(12, 10, 12, 10)
        grid.setVerticalSpacing(8)
        self.fields = EntryField("across"), EntryField("upwards")
        for row, (words, field) in enumerate(zip(("across", "upwards"), self.fields, strict=True)):
            label = QLabel(words)
            label.setProperty("level", "caption")
            grid.addWidget(label, row, 0)
            grid.addWidget(field, row, 1)
            field.chosen.connect(self._tell)
        self.problem = QLabel("Both are the same number. Choose another one.")
        self.problem.setProperty("level", "caption")
        self.problem.hide()
        grid.addWidget(self.problem, 2, 0, 1, 2)
        self.rows = QComboBox()
        self.rows.setAccessibleName("Rows that the loss is taken over")
        for part, words in PARTS.items():
            self.rows.addItem(words, part)
        self.rows.activated.connect(lambda: self.rows_chosen.emit(str(self.rows.currentData())))
        label = QLabel("loss over")
        label.setProperty("level", "caption")
        grid.addWidget(label, 3, 0)
        grid.addWidget(self.rows, 3, 1)
        self.field = QCheckBox("Arrows downhill everywhere")
        self.field.toggled.connect(self.field_chosen)
        grid.addWidget(self.field, 4, 1)

    def show_look(self, part: str, has_field: bool) -> None:
        """Show what is chosen already."""
        self.rows.setCurrentIndex(max(0, self.rows.findData(part)))
        self.field.blockSignals(True)
        self.field.setChecked(has_field)
        self.field.blockSignals(False)

    def open_under(
        self, anchor: QWidget, document: Document, parameters: Mapping[str, Reading], pair: tuple[Entry, Entry]
    ) -> None:
        """Show the present choice below a button, within the screen."""
        for field, entry in zip(self.fields, pair, strict=True):
            field.fill(document, parameters, entry)
        self.problem.hide()
        self.adjustSize()
        corner = anchor.mapToGlobal(QPoint(anchor.width() - self.width(), anchor.height() + 4))
        screen = anchor.screen().availableGeometry()
        if corner.y() + self.height() > screen.bottom():
            corner.setY(anchor.mapToGlobal(QPoint(0, 0)).y() - self.height() - 4)
        corner.setX(max(screen.left(), corner.x()))
        self.move(corner)
        self.show()
        self.fields[0].parameter.setFocus()

    def _tell(self) -> None:
        first, second = (field.entry for field in self.fields)
        self.problem.setVisible(first == second)
        self.adjustSize()
        if first != second:
            self.chosen.emit(first, second)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.close()
            return
        super().keyPressEvent(event)
