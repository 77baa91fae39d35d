"""The box in a view's head that asks what of the document it shows."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QComboBox, QSizePolicy

HEIGHT = 24


def choice(name: str, help: str, act: Callable[[int], object], letters: int = 0) -> QComboBox:
    """A box that calls `act` when a person chooses.

    letters  how many it shows at least, however long its entries are; 0: as wide as the longest
    """
    box = QComboBox()
    box.setAccessibleName(name)
    box.setToolTip(help)
    box.setFixedHeight(HEIGHT)
    if letters:
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        box.setMinimumContentsLength(letters)
    box.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
    box.activated.connect(act)
    return box
