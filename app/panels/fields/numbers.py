"""A number one may touch: dragged on a slider, typed into a field, nudged with the arrow keys; one gesture each time."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QSizePolicy, QWidget

from app.theme import current_theme
from app.theme.numbers import MINUS, number_text, token_of

UP, DOWN = Qt.Key.Key_Up, Qt.Key.Key_Down
FIELD_WIDTH, KNOB = 80, 5.0


class Scale:
    """Where numbers stand on a slider: from 0 to 1.

    logarithmic  equal factors are equal ways; a lower end of 0 has a place of its own at the left end
    """

    def __init__(self, low: float, high: float, logarithmic: bool = False) -> None:
        self.low, self.high, self.logarithmic = low, high, logarithmic
        self._floor = max(low, high * 1e-7) if logarithmic else low

    def place(self, number: float) -> float:
        """0 to 1; numbers off the scale stand at its ends."""
        if not self.logarithmic:
            return min(1.0, max(0.0, (number - self.low) / ((self.high - self.low) or 1.0)))
        if number <= self._floor:
            return 0.0
        return min(1.0, math.log(number / self._floor) / math.log(self.high / self._floor))

    def number(self, place: float) -> float:
        """The number at a place, rounded to what a hand can mean."""
        place = min(1.0, max(0.0, place))
        if not self.logarithmic:
            span = self.high - self.low
            step = 10.0 ** (math.floor(math.log10(span)) - 3) if span > 0 else 1.0
            return min(self.high, max(self.low, round((self.low + place * span) / step) * step))
        if place == 0.0:
            return self.low
        return float(f"{self._floor * (self.high / self._floor) ** place:.2e}")


class Slider(QWidget):
    """A track with a knob, filled from zero (or from the left), in the colour of the sign where numbers are signed.

    began(), moved(float), ended(float): one drag or one stroke of a key. Escape during a drag takes it back: the number
    from the beginning is moved to and ended with. Shift drags ten times finer.
    """

    began = Signal()
    moved = Signal(float)
    ended = Signal(float)

    def __init__(self, scale: Scale, number: float, signed: bool = False, help: str = "") -> None:
        super().__init__()
        self.scale, self._number, self._signed = scale, number, signed
        self._grip: tuple[float, float] | None = None  # x and place where the drag began or changed its pace
        self._before: float | None = None
        self._fine = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(help)
        self.setCursor(Qt.CursorShape.SizeHorCursor)
        current_theme().changed.connect(self.update)

    @property
    def is_dragged(self) -> bool:
        """Whether a hand is on it."""
        return self._before is not None

    def sizeHint(self) -> QSize:
        return QSize(120, 24)

    def minimumSizeHint(self) -> QSize:
        return QSize(48, 24)

    def show_number(self, number: float, scale: Scale | None = None) -> None:
        """Show another number, on another scale where one is given."""
        changed = number != self._number or scale is not None
        self._number, self.scale = number, scale or self.scale
        if changed:
            self.update()

    def _x(self, place: float) -> float:
        return KNOB + 1 + place * (self.width() - 2 * KNOB - 2)

    def _place(self, x: float) -> float:
        return (x - KNOB - 1) / max(1.0, self.width() - 2 * KNOB - 2)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, painter, middle = current_theme(), QPainter(self), self.height() / 2
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        left, right, at = self._x(0), self._x(1), self._x(self.scale.place(self._number))
        token = (token_of(self._number) if self._number else "border_strong") if self._signed else "accent"
        token = token if self.isEnabled() else "border_strong"
        painter.fillRect(QRectF(left, middle - 1, right - left, 2), theme.colour("border"))
        start = self._x(self.scale.place(0.0)) if self._signed else left
        painter.fillRect(QRectF(min(start, at), middle - 1, abs(at - start), 2), theme.colour(token))
        if self._signed:
            painter.fillRect(QRectF(start - 0.5, middle - 4, 1, 8), theme.colour("border_strong"))
        if self.hasFocus():
            painter.setPen(theme.pen("focus", 1))
            painter.drawEllipse(QPointF(at, middle), KNOB + 3, KNOB + 3)
        painter.setPen(theme.pen(token, 1.5))
        painter.setBrush(theme.colour("surface" if not self.is_dragged else "selection"))
        painter.drawEllipse(QPointF(at, middle), KNOB, KNOB)

    # hands -----------------------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        x, at = event.position().x(), self._x(self.scale.place(self._number))
        self._begin()
        if abs(x - at) > KNOB + 4:
            self._move(self._place(x))
        self._grip = (x, self.scale.place(self._number))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._grip is None:
            return
        x, fine = event.position().x(), bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if fine != self._fine:
            self._fine, self._grip = fine, (x, self.scale.place(self._number))
        way = (x - self._grip[0]) / max(1.0, self.width() - 2 * KNOB - 2)
        self._move(self._grip[1] + way * (0.1 if fine else 1.0))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._grip is not None:
            self._end()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Right: 1, Qt.Key.Key_Up: 1, Qt.Key.Key_Left: -1, Qt.Key.Key_Down: -1}
        if event.key() == Qt.Key.Key_Escape and self.is_dragged:
            self._number = self._before if self._before is not None else self._number
            self.moved.emit(self._number)
            self._end()
        elif event.key() in steps and self._grip is None:
            if not self.is_dragged:
                self._begin()
            fine = 0.1 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1.0
            self._move(self.scale.place(self._number) + steps[Qt.Key(event.key())] * 0.01 * fine)
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        # A key that repeats is one gesture: it ends when the finger leaves the key.
        if self.is_dragged and self._grip is None and not event.isAutoRepeat():
            self._end()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if self.is_dragged:
            self._end()

    def _begin(self) -> None:
        self._before = self._number
        self.began.emit()

    def _move(self, place: float) -> None:
        number = self.scale.number(place)
        if number != self._number:
            self._number = number
            self.update()
            self.moved.emit(number)

    def _end(self) -> None:
        self._before, self._grip, self._fine = None, None, False
        self.update()
        self.ended.emit(self._number)


class Field(QLineEdit):
    """A number to type over. Enter takes it, Escape gives the old one back, ↑ and ↓ change it (Shift: tenfold).

    began(), moved(float), ended(float) as of the slider; refused(str) says why something typed was not taken.
    """

    began = Signal()
    moved = Signal(float)
    ended = Signal(float)
    refused = Signal(str)

    def __init__(
        self, number: float | None, low: float = -math.inf, high: float = math.inf, whole: bool = False,
        help: str = "", empty: str | None = None, signed: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        self.low, self.high, self._whole, self._empty, self._signed = low, high, whole, empty, signed
        self._number = number
        self._is_nudging = False
        self.setProperty("kind", "number")
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.setAccessibleName(help)
        self.setPlaceholderText(empty or "")
        self.returnPressed.connect(self._take)
        self._restore()

    @property
    def number(self) -> float | None:
        """The number that was taken last."""
        return self._number

    def show_number(self, number: float | None) -> None:
        """Show a number unless somebody is typing."""
        if number != self._number or not self.hasFocus():
            self._number = number
            if not (self.hasFocus() and self.isModified()):
                self._restore()

    def _restore(self) -> None:
        text = "" if self._number is None else (full if self.hasFocus() else plain)(self._number)
        if text != self.text():
            self.setText(text)
        self.setModified(False)
        self._mark(False)

    def _take(self) -> None:
        if not self.isModified():
            return
        if not self.text().strip() and self._empty is not None:
            self._number = None
            self._restore()
            self.began.emit()
            self.ended.emit(math.nan)
            return
        number = parse(self.text())
        reason = self._refusal(number)
        if number is None or reason:
            self._mark(True)
            self.refused.emit(reason)
            return
        self._mark(False)
        self.setModified(False)
        if number == self._number:
            return self._restore()
        self.began.emit()
        self._number = number
        self.moved.emit(number)
        self.setText(full(number))
        self.selectAll()
        self.ended.emit(number)

    def _refusal(self, number: float | None) -> str:
        if number is None or not math.isfinite(number) or (self._whole and number != int(number)):
            return f"Type a {'whole ' if self._whole else ''}number."
        if not self.low <= number <= self.high:
            return f"Choose a number from {number_text(self.low)} to {number_text(self.high)}."
        return ""

    def _mark(self, wrong: bool) -> None:
        value = "true" if wrong else "false"
        if self.property("wrong") != value:
            self.setProperty("wrong", value)
            self.style().unpolish(self)
            self.style().polish(self)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self._restore()
            self.clearFocus()
        elif event.key() in (UP, DOWN) and self._number is not None:
            self._nudge(1 if event.key() == UP else -1, event.modifiers())
        else:
            super().keyPressEvent(event)

    def _nudge(self, direction: int, modifiers: Qt.KeyboardModifier) -> None:
        assert self._number is not None
        if not self._is_nudging:
            self._is_nudging = True
            self.began.emit()
        step = 1.0 if self._whole else nudge_step(self._number)
        step *= 10 if modifiers & Qt.KeyboardModifier.ShiftModifier else 1
        number = min(self.high, max(self.low, round(self._number / step + direction) * step))
        self._number = float(f"{number:.10g}")
        self._restore()
        self.moved.emit(self._number)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        super().keyReleaseEvent(event)
        if self._is_nudging and not event.isAutoRepeat():
            self._end_nudging()

    def _end_nudging(self) -> None:
        self._is_nudging = False
        self.ended.emit(self._number if self._number is not None else math.nan)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self._restore()
        self.selectAll()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Leaving takes a sound number and drops an unsound one."""
        super().focusOutEvent(event)
        if self._is_nudging:
            self._end_nudging()
        elif self.isModified():
            self._take()
        if not self.hasFocus():
            self._restore()


class NumberRow(QWidget):
    """A slider with its field: two hands on one number. Signals as of the slider."""

    began = Signal()
    moved = Signal(float)
    ended = Signal(float)
    refused = Signal(str)

    def __init__(self, slider: Slider, field: Field) -> None:
        super().__init__()
        self.slider, self.field = slider, field
        field.setFixedWidth(FIELD_WIDTH)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(10)
        row.addWidget(slider, 1)
        row.addWidget(field)
        slider.moved.connect(field.show_number)
        field.moved.connect(slider.show_number)
        for part in (slider, field):
            part.began.connect(self.began)
            part.moved.connect(self.moved)
            part.ended.connect(self.ended)
        field.refused.connect(self.refused)

    def show_number(self, number: float, scale: Scale | None = None) -> None:
        """Show another number while no hand is on it."""
        if not self.slider.is_dragged:
            self.slider.show_number(number, scale)
            self.field.show_number(number)


def plain(number: float) -> str:
    """A number in a field at rest: three places, so that the points of a column stand below each other."""
    if 0.001 <= abs(number) < 1000 and number != int(number):
        return f"{number:.3f}".replace("-", MINUS)
    return full(number)


def full(number: float) -> str:
    """A number as one types it, with all the digits that float32 has."""
    if math.isfinite(number) and number == int(number) and abs(number) < 1e15:
        return str(int(number)).replace("-", MINUS)
    return f"{number:.7g}".replace("e-0", "e-").replace("-", MINUS)


def parse(text: str) -> float | None:
    """What somebody typed: point or comma, any minus, also a fraction such as 1/3."""
    try:
        top, slash, bottom = text.strip().replace(",", ".").replace(MINUS, "-").partition("/")
        return float(top) / float(bottom) if slash else float(top)
    except (ValueError, ZeroDivisionError, OverflowError):
        return None


def nudge_step(number: float) -> float:
    """One hundredth of the number's size, as a power of ten; for zero a hundredth."""
    return 10.0 ** (math.floor(math.log10(abs(number))) - 2) if abs(number) > 1e-12 else 0.01
