"""Which row of a batch and which unit of a layer the formulas follow."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from app.panels.fields.numbers import Field
from app.panels.fields.section import words

FIELD_WIDTH, GAP, BETWEEN = 48, 6, 14


class EntryChoice(QWidget):
    """“row 1 of 4”, “unit 3 of 8”: each is there only where there are several.

    chosen  somebody chose another row or unit
    """

    chosen = Signal()

    def __init__(self) -> None:
        super().__init__()
        across = QHBoxLayout(self)
        across.setContentsMargins(0, 4, 0, 0)
        across.setSpacing(BETWEEN)
        self.row = Field(1, 1, 1, whole=True, help="Row of the batch that the formulas follow")
        self.unit = Field(1, 1, 1, whole=True, help="Unit that the formulas follow")
        self._groups: dict[str, tuple[QWidget, QLabel]] = {}
        for name, field in (("row", self.row), ("unit", self.unit)):
            across.addWidget(self._group(name, field))
        across.addStretch(1)

    def _group(self, name: str, field: Field) -> QWidget:
        field.setFixedWidth(FIELD_WIDTH)
        field.setToolTip(field.accessibleName())
        field.moved.connect(self.chosen)
        group, count = QWidget(), words("", "caption", wrap=False)
        row = QHBoxLayout(group)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GAP)
        for part in (words(name, "caption", wrap=False), field, count):
            row.addWidget(part)
        self._groups[name] = group, count
        return group

    @property
    def entry(self) -> tuple[int, int]:
        """Row and unit, from 0."""
        return int(self.row.number or 1) - 1, int(self.unit.number or 1) - 1

    def show_entry(self, row: int, unit: int) -> None:
        """Say which ones are followed, from 0."""
        self.row.show_number(row + 1)
        self.unit.show_number(unit + 1)

    def show_counts(self, rows: int, units: int) -> None:
        """Offer as many rows and units as there are."""
        for name, field, count in (("row", self.row, rows), ("unit", self.unit, units)):
            field.high = count
            group, label = self._groups[name]
            label.setText(f"of {count}")
            group.setVisible(count > 1)
