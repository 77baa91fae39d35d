"""A row of marks above the cards: one of them is chosen, and only cards that have it are shown."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QPushButton, QSizePolicy, QWidget

from app.library import SMALL_NETWORK, Preset

GAP = 8
CHIPS: dict[str, Callable[[Preset], bool]] = {
    "All": lambda preset: True,
    "With a tour": lambda preset: preset.has_tour,
    "Step by step": lambda preset: preset.is_step_by_step,
    "Textbook numbers": lambda preset: preset.has_textbook_numbers,
    f"Under {SMALL_NETWORK} parameters": lambda preset: (
        (preset.parameters or 0) < SMALL_NETWORK and preset.parameters is not None
    ),
    "Images": lambda preset: preset.matter == "pictures",
    "Text": lambda preset: preset.matter == "text",
    "No gradient": lambda preset: not preset.follows_a_gradient,
}


class Chips(QWidget):
    """The marks; those that do not fit are hidden, so that a narrow window is no wider for them."""

    chosen = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._chips = QButtonGroup(self)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GAP)
        for name in CHIPS:
            chip = QPushButton(name)
            chip.setProperty("kind", "chip")
            chip.setCheckable(True)
            chip.setChecked(name == "All")
            self._chips.addButton(chip)
            row.addWidget(chip)
        row.addStretch(1)
        self._chips.buttonClicked.connect(self._choose)
        self._room = self.sizeHint().width()

    def _choose(self) -> None:
        self.fit(self._room)  # without the one that was chosen before
        self.chosen.emit()

    def has(self, preset: Preset) -> bool:
        """Whether a preset has the mark that is chosen."""
        return CHIPS[self._chips.checkedButton().text()](preset)

    def fit(self, room: int) -> None:
        """Show as many as have room, from the left, but always the one that is chosen."""
        self._room = room
        for chip in sorted(self._chips.buttons(), key=lambda chip: not chip.isChecked()):
            room -= chip.sizeHint().width()
            chip.setVisible(room >= 0 or chip.isChecked())
            room -= GAP
