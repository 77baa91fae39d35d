"""Counters of the player: a word above, a number below; some can be typed into."""

from __future__ import annotations

import math

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QLineEdit, QSizePolicy, QVBoxLayout, QWidget

from app.theme import current_theme
from app.theme.numbers import NOT_COMPUTED, number_text

LINE = 17
AROUND = 14  # pixels beside the digits of a field
SIDE, INSET = 9, 4  # left of a word and its number; of the digits within a field


class Counter(QWidget):
    """A word and under it a number, with a hairline on the left.

    weight  counters with the smallest give way first
    """

    def __init__(self, title: str, width: int, weight: int, field: NumberField | None = None) -> None:
        super().__init__()
        self.weight = weight
        self._width = width
        self._number = QLabel(number_text(None), self)
        self._number.setVisible(field is None)
        self._number.setProperty("level", "number")
        self._number.setFont(current_theme().font("number_strong"))
        name = QLabel(title)
        name.setProperty("level", "caption")
        column = QVBoxLayout(self)
        column.setContentsMargins(SIDE if field is None else SIDE - INSET, 0, 8, 0)
        column.setSpacing(0)
        column.addStretch(1)
        column.addWidget(name)
        column.addWidget(field if field is not None else self._number)
        column.addStretch(1)
        for part in (name, self._number):
            part.setFixedHeight(LINE)
        if field is not None:
            name.setContentsMargins(INSET, 0, 0, 0)  # above the digits, not above the edge of the field
            field.set_least_width(width)
            name.setBuddy(field)
        self.setAccessibleName(title)
        self.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Expanding)

    @property
    def text(self) -> str:
        """What stands there."""
        return self._number.text()

    def set_text(self, text: str) -> None:
        """Show another number; the same one costs no layout."""
        if text != self._number.text():
            self._number.setText(text)

    def minimumSizeHint(self) -> QSize:
        """Wide enough for the usual number, so that counting does not move the neighbours."""
        hint = super().minimumSizeHint()
        return QSize(max(hint.width(), self._width), hint.height())

    def sizeHint(self) -> QSize:
        """The same."""
        return self.minimumSizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The hairline."""
        painter = QPainter(self)
        painter.setPen(current_theme().pen("border"))
        painter.drawLine(0, 12, 0, self.height() - 12)


class NumberField(QLineEdit):
    """A number that can be typed over in place. Enter takes it, Escape gives the old one back, ↑ and ↓ change it.

    chosen(float)  a new number within the limits
    """

    chosen = Signal(float)

    def __init__(
        self, help: str, low: float, high: float, whole: bool = False, words: dict[float, str] | None = None
    ) -> None:
        super().__init__()
        self._words = words or {}  # numbers that are shown as a word
        self._low, self._high, self._whole = low, high, whole
        self._number: float | None = None
        self._least = 0
        self.setProperty("kind", "number")
        self.setProperty("place", "counter")
        self.setFrame(False)
        self.setStyleSheet(f"QLineEdit {{ padding: 0 {INSET - 1}px; min-height: 14px; font-weight: 600; }}")
        self.setFixedHeight(LINE)
        self.setToolTip(f"{help}: click and type")
        self.setAccessibleName(help)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus | Qt.FocusPolicy.TabFocus)
        self.returnPressed.connect(self._take)

    def show_number(self, number: float | None) -> None:
        """Show a number unless somebody is typing."""
        self._number = number
        self.setEnabled(number is not None)
        if not self.hasFocus():
            self._restore()

    def _restore(self) -> None:
        number = self._number
        self.setText(NOT_COMPUTED if number is None else self._words.get(number, _plain(number)))
        self.setCursorPosition(0)
        self._widen()
        self._mark(False)

    def _widen(self) -> None:
        """Room for all digits of a small rate."""
        width = max(self._least, self.fontMetrics().horizontalAdvance(self.text()) + AROUND)
        if self._least and width != self.width():
            self.setFixedWidth(width)

    def set_least_width(self, width: int) -> None:
        """As wide as this, or wider where the number needs it."""
        self._least = width
        self._widen()

    def _take(self) -> None:
        number = self._typed()
        self._mark(number is None)
        if number is None:
            low, high = _plain(self._low), _plain(self._high)
            self.setToolTip(f"{self.accessibleName()}: a {'whole ' if self._whole else ''}number from {low} to {high}")
            return
        if number != self._number:
            self._number = number
            self.chosen.emit(number)
        self.clearFocus()

    def _typed(self) -> float | None:
        typed = self.text().strip().lower()
        for number, word in self._words.items():
            if typed == word:
                return number
        try:
            number = float(typed.replace(",", ".").replace("−", "-"))
        except ValueError:
            return None
        sound = math.isfinite(number) and self._low <= number <= self._high
        return number if sound and (not self._whole or number == int(number)) else None

    def _mark(self, wrong: bool) -> None:
        self.setProperty("wrong", "true" if wrong else "false")
        self.style().unpolish(self)
        self.style().polish(self)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape restores, arrows change by one or by a tenth."""
        if event.key() == Qt.Key.Key_Escape:
            self._restore()
            self.clearFocus()
        elif event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down) and self._number is not None:
            self._nudge(1 if event.key() == Qt.Key.Key_Up else -1)
        else:
            super().keyPressEvent(event)

    def _nudge(self, direction: int) -> None:
        assert self._number is not None
        number = self._number + direction if self._whole else float(f"{self._number * 1.1**direction:.3g}")
        number = min(self._high, max(self._low, number))
        if number != self._number:
            self._number = number
            self._restore()
            self.chosen.emit(number)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """All of it selected: typing replaces."""
        super().focusInEvent(event)
        self.selectAll()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Leaving takes a sound number and drops an unsound one."""
        super().focusOutEvent(event)
        number = self._typed()
        if number is not None and number != self._number:
            self._number = number
            self.chosen.emit(number)
        self._restore()


def _plain(number: float) -> str:
    return str(int(number)) if number == int(number) and abs(number) < 1e15 else f"{number:.6g}"
