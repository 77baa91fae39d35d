"""An editor for every kind of property: of node types, optimizers and data sets alike, because they declare alike."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent, QWheelEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.panels.fields.numbers import Field, NumberRow, Scale, Slider, parse
from app.panels.fields.section import tool, words
from app.theme.numbers import number_text
from engine.datasets.options import Names, Raw, Reals, Rows
from engine.nodes.base import Choice, Dimensions, Flag, Numbers, Property, Real, Text, Whole
from engine.problems import Problem, ProblemError

LABEL_WIDTH = 112
FEWEST_LINES, MOST_LINES = 2, 8  # of a table in sight
LARGEST_RATE, SMALLEST_EPSILON = 10.0, 1e-10
Apply = Callable[[str, Any, int], None]  # name, value, gesture


def readable(name: str) -> str:
    """`learning_rate` as words."""
    return name.replace("_", " ")


def scale_for(field: Real, number: float) -> Scale:
    """The slider's scale: equal factors for rates, around zero where there is no limit, else from limit to limit."""
    if math.isinf(field.low) or math.isinf(field.high):
        reach = reach_of(abs(number))
        return Scale(max(field.low, -reach), min(field.high, reach))
    if field.name == "epsilon":
        return Scale(SMALLEST_EPSILON, field.high, logarithmic=True)
    if field.low >= 0 and field.high >= 100:
        return Scale(field.low, min(field.high, max(LARGEST_RATE, number)), logarithmic=True)
    return Scale(field.low, field.high)


def reach_of(size: float) -> float:
    """How far a slider goes on either side of zero for numbers of that size: 1, 2, 5, 10, 20 …"""
    wanted = max(1.0, 1.25 * size)
    decade = 10.0 ** math.floor(math.log10(wanted))
    return next(factor * decade for factor in (1, 2, 5, 10) if factor * decade >= wanted * 0.999)


class PropertyRow(QWidget):
    """Name, editor, unit and reset of one property; under it, while it holds, why a value was refused.

    apply         called with name, value and the gesture's number at each change; may raise ProblemError
    new_gesture   a fresh number for the changes that are one undo step
    live          whether numbers are applied while they are dragged; otherwise when the hand lets go
    """

    reset_asked = Signal(str)

    def __init__(
        self, field: Property, value: Any, apply: Apply, new_gesture: Callable[[], int], live: bool = True,
        label: str = "",
    ) -> None:  # fmt: skip
        super().__init__()
        self.field, self._apply, self._new_gesture, self._live = field, apply, new_gesture, live
        self._value, self._gesture, self._is_held = value, 0, False
        self._show: Callable[[Any], None] = lambda value: None
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        self._parts = row = QHBoxLayout()
        row.setSpacing(8)
        column.addLayout(row)
        self.name = words(label or readable(field.name), "2", wrap=False)
        self.name.setFixedWidth(LABEL_WIDTH)
        row.addWidget(self.name)
        self.editor = self._make_editor(row)
        self.setToolTip(self._help())
        self.name.setBuddy(self.editor)
        self.reset = tool("rotate-ccw", f"Reset {readable(field.name)} to {value_text(field, field.default)}")
        policy = self.reset.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.reset.setSizePolicy(policy)
        self.reset.clicked.connect(lambda: self.reset_asked.emit(field.name))
        row.addWidget(self.reset)
        self.problem = words("", "error")
        self.problem.hide()
        column.addWidget(self.problem)
        self.show_value(value)

    def _help(self) -> str:
        parts = [self.field.help]
        if isinstance(self.field, Whole | Real) and not math.isinf(self.field.high) and self.field.high < 2**31 - 1:
            unit = f" {self.field.unit}" if self.field.unit else ""
            parts.append(f"{number_text(self.field.low)} to {number_text(self.field.high)}{unit}.")
        parts.append(f"Default: {value_text(self.field, self.field.default)}.")
        return " ".join(part for part in parts if part)

    def add_tool(self, button: QToolButton) -> None:
        """Put a button of its own behind the way back to the default."""
        self._parts.addWidget(button)

    def show_value(self, value: Any) -> None:
        """Show another value, unless a hand is on it."""
        if self._is_held:
            return
        self._value = value
        self._show(value)
        self.reset.setVisible(value != self.field.default)

    def refill(self, titles: dict[str, str]) -> None:
        """Give a choice other options, each with the words it is shown by."""
        box = self.editor
        if isinstance(box, QComboBox) and titles != {box.itemData(i): box.itemText(i) for i in range(box.count())}:
            box.clear()
            for option, title in titles.items():
                box.addItem(title, option)
            self._show(self._value)

    # taking ----------------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        self._gesture, self._is_held = self._new_gesture(), True

    def _move(self, value: Any) -> None:
        if self._live:
            self._take(value, self._gesture)

    def _end(self, value: Any) -> None:
        self._is_held = False
        if isinstance(value, float) and math.isnan(value):
            value = None
        if not self._live or value is None:
            self._take(value, self._gesture)

    def _choose(self, value: Any) -> None:
        self._take(value, self._new_gesture())

    def _take(self, value: Any, gesture: int) -> None:
        try:
            if isinstance(value, float) and isinstance(self.field, Whole):
                value = int(value)
            value = self.field.check(value)
            self._apply(self.field.name, value, gesture)
        except ProblemError as error:
            self.refuse(error.problems[0])
            return
        self._value = value
        self.problem.hide()
        self.reset.setVisible(value != self.field.default)

    def refuse(self, problem: Problem | str) -> None:
        """Say why a value was not taken."""
        text = problem if isinstance(problem, str) else f"{problem.fact.rstrip('.')}. {problem.mend}".strip()
        self.problem.setText(text[:1].upper() + text[1:])
        self.problem.show()

    # editors ---------------------------------------------------------------------------------------------------------

    def _make_editor(self, row: QHBoxLayout) -> QWidget:
        for kinds, make in (
            (Whole, self._whole), (Real, self._real), (Choice, self._choice), (Flag, self._flag), (Raw, self._table),
        ):  # fmt: skip
            if isinstance(self.field, kinds):
                return make(row)
        return self._line(row)

    def _add_unit(self, row: QHBoxLayout) -> None:
        if self.field.unit:
            row.addWidget(words(self.field.unit, "caption", wrap=False))

    def _bind(self, part: Field | NumberRow) -> None:
        part.began.connect(self._begin)
        part.moved.connect(self._move)
        part.ended.connect(self._end)
        part.refused.connect(self.refuse)

    def _whole(self, row: QHBoxLayout) -> QWidget:
        assert isinstance(self.field, Whole)
        empty = None if self.field.default is not None else "found by itself"
        entry = Field(self._value, self.field.low, self.field.high, True, readable(self.field.name), empty)
        row.addWidget(entry, 1)
        self._add_unit(row)
        self._bind(entry)
        self._show = entry.show_number
        return entry

    def _real(self, row: QHBoxLayout) -> QWidget:
        field = self.field
        assert isinstance(field, Real)
        scale, help = scale_for(field, float(self._value)), readable(field.name)
        slider = Slider(scale, self._value, signed=scale.low < 0, help=help)
        part = NumberRow(slider, Field(self._value, field.low, field.high, help=help))
        row.addWidget(part, 1)
        self._add_unit(row)
        self._bind(part)
        self._show = lambda number: part.show_number(number, scale_for(field, float(number)))
        return part

    def _choice(self, row: QHBoxLayout) -> QWidget:
        assert isinstance(self.field, Choice)
        box = QuietComboBox()
        for option in self.field.options:
            box.addItem(readable(option), option)
        box.setAccessibleName(readable(self.field.name))
        box.activated.connect(lambda index: self._choose(box.itemData(index)))
        row.addWidget(box, 1)
        self._show = lambda value: box.setCurrentIndex(box.findData(value))
        return box

    def _flag(self, row: QHBoxLayout) -> QWidget:
        box = QCheckBox()
        box.setAccessibleName(readable(self.field.name))
        box.clicked.connect(self._choose)
        row.addWidget(box, 1)
        self._show = box.setChecked
        return box

    def _line(self, row: QHBoxLayout) -> QWidget:
        entry = QLineEdit()
        entry.setAccessibleName(readable(self.field.name))
        if not isinstance(self.field, Text):
            entry.setProperty("kind", "number")
            entry.setPlaceholderText("found by itself" if isinstance(self.field, Dimensions) else "none")
        entry.editingFinished.connect(lambda: self._take_text(entry))
        row.addWidget(entry, 1)
        self._show = lambda value: show_text(entry, value_text(self.field, value, empty=""))
        return entry

    def _table(self, row: QHBoxLayout) -> QWidget:
        box = TableEdit(readable(self.field.name))
        box.taken.connect(lambda: self._take_text(box))
        row.addWidget(box, 1)
        self._show = lambda value: show_text(box, rows_text(value))
        return box

    def _take_text(self, entry: QLineEdit | TableEdit) -> None:
        text = entry.text().strip()
        if text == (rows_text(self._value) if isinstance(self.field, Raw) else value_text(self.field, self._value, "")):
            self.problem.hide()
            return
        try:
            value = parsed(self.field, text)
        except (ValueError, RecursionError):  # json goes down one level for every bracket
            self.refuse(f"“{text[:40]}” cannot be read. Type {example(self.field)}.")
            return
        self._choose(value)


class QuietComboBox(QComboBox):
    """A choice that the wheel scrolls past: a page that is scrolled must change nothing."""

    def __init__(self) -> None:
        super().__init__()
        # Otherwise the longest option decides how wide the whole panel is.
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(6)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


class TableEdit(QPlainTextEdit):
    """Rows of numbers, one line each; taken when it is left."""

    taken = Signal()

    def __init__(self, help: str) -> None:
        super().__init__()
        self.setAccessibleName(help)
        self.setProperty("kind", "number")
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setTabChangesFocus(True)
        self.setPlaceholderText("one row per line: 0 1")
        self.blockCountChanged.connect(self._fit)

    def text(self) -> str:
        """What stands there."""
        return self.toPlainText()

    def setText(self, text: str) -> None:
        """Show other rows."""
        self.setPlainText(text)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """In another width rows may need a bar to scroll by, or do without."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self, _: int = 0) -> None:
        """As high as whole lines are: one that is cut through cannot be read."""
        lines = max(FEWEST_LINES, min(MOST_LINES, self.blockCount()))
        around = self.height() - self.viewport().height()  # border, padding, and the bar while there is one
        margin = round(self.document().documentMargin()) * (2 if lines >= self.blockCount() else 1)
        self.setFixedHeight(lines * self.fontMetrics().lineSpacing() + margin + around)

    def focusOutEvent(self, event: Any) -> None:
        super().focusOutEvent(event)
        self.taken.emit()


def show_text(entry: QLineEdit | TableEdit, text: str) -> None:
    """Replace the text unless somebody is typing; of one that is too long the beginning is read."""
    if entry.text() != text and not entry.hasFocus():
        entry.setText(text)
        if isinstance(entry, QLineEdit):
            entry.setCursorPosition(0)


def value_text(field: Property, value: Any, empty: str = "found by itself") -> str:
    """A property's value as one types it."""
    if value is None or value == ():
        return empty
    if isinstance(field, Flag):
        return "yes" if value else "no"
    if isinstance(field, Dimensions | Names | Reals | Rows):
        return ", ".join(f"{entry:g}" if isinstance(entry, float) else str(entry) for entry in value)
    if isinstance(field, Numbers) and not isinstance(value, int | float):
        return json.dumps(value, separators=(", ", ": "))
    if isinstance(value, int | float):
        return number_text(value) if not isinstance(field, Numbers) else f"{value:g}"
    return readable(str(value)) if isinstance(field, Choice) else str(value)


def rows_text(value: Any) -> str:
    """Nested lists as lines of numbers."""
    if value is None:
        return ""
    value = value.tolist() if hasattr(value, "tolist") else value
    lines = [row if isinstance(row, list | tuple) else [row] for row in value]
    return "\n".join(
        " ".join(f"{entry:g}" if isinstance(entry, int | float) else str(entry) for entry in line) for line in lines
    )


def parsed(field: Property, text: str) -> Any:
    """What was typed into a line. Raises ValueError for what cannot be read; the property checks the rest."""
    if isinstance(field, Text):
        return text
    if not text:
        return field.default
    if isinstance(field, Names):
        return [part.strip() for part in text.split(",") if part.strip()]
    if isinstance(field, Raw):
        rows = [
            [number_of(part) for part in line.replace(",", " ").split()] for line in text.splitlines() if line.strip()
        ]
        return [row[0] for row in rows] if all(len(row) == 1 for row in rows) else rows
    if isinstance(field, Dimensions | Rows):
        return [int(part) for part in text.strip("()[] ").split(",") if part.strip()]
    if isinstance(field, Reals):
        return [number_of(part) for part in text.strip("()[] ").split(",") if part.strip()]
    if isinstance(field, Numbers) and "[" in text:
        return json.loads(text.replace("−", "-"))
    if "," in text and isinstance(field, Numbers):
        return [number_of(part) for part in text.split(",")]
    return number_of(text)


def number_of(text: str) -> int | float:
    """One number; whole ones stay whole. Raises ValueError, also for what is no finite number."""
    number = parse(text.strip())
    if number is None or not math.isfinite(number):
        raise ValueError(text)
    return int(number) if number == int(number) and "." not in text and "/" not in text else number


def example(field: Property) -> str:
    """What such a property looks like."""
    if isinstance(field, Dimensions):
        return "whole numbers such as 8, 8"
    if isinstance(field, Rows):
        return "row numbers such as 8, 9"
    if isinstance(field, Names):
        return "names with commas between them"
    if isinstance(field, Raw):
        return "one row per line, such as 0 1"
    return "a number, or a list such as [0.5, −1]" if isinstance(field, Numbers) else "numbers with commas between them"
