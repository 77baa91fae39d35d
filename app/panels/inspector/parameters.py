"""What a node has learned, to touch: a slider and a field for each number, a heat map where there are many."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QHelpEvent, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QToolTip, QVBoxLayout, QWidget

from app.panels.fields.numbers import Field, NumberRow, Scale, Slider
from app.panels.fields.properties import reach_of
from app.panels.fields.section import Section, Symbol, clear, tool, words
from app.theme import current_theme
from app.theme.numbers import number_text, shape_text, spread_text
from engine.problems import ProblemError

if TYPE_CHECKING:
    from app.editor import Editor
    from app.runner import Runner
    from engine.graph import Node
    from engine.snapshot import Snapshot

MOST_ROWS = 32
SYMBOL_WIDTH = 30
TALLEST_MAP = 168
Place = tuple[int, ...]


def entry_symbol(node: Node, name: str, shape: tuple[int, ...], place: Place) -> str:
    """One entry as the textbook writes it: `w_{13}` from feature 1 to unit 3, `b_3`, a lone bias `b`."""
    from engine.explain.notation import word  # here: the engine's formulas know of kernels

    letter = (node.kind.letter(name) if node.kind else "") or word(name)
    letter = letter.lower() if len(letter) == 1 else letter
    indices = [str(index + 1) for index, length in zip(place, shape, strict=True) if length > 1]
    comma = "," if any(len(index) > 1 for index in indices) else ""
    return f"{letter}_{{{comma.join(indices)}}}" if indices else letter


class ParameterRow(QWidget):
    """Symbol, slider and field of one number."""

    began = Signal()
    moved = Signal(float)
    ended = Signal(float)
    refused = Signal(str)

    def __init__(self, latex: str, number: float, reach: float) -> None:
        super().__init__()
        self._is_held = False
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        self.symbol = Symbol(latex, width=SYMBOL_WIDTH)
        row.addWidget(self.symbol)
        slider = Slider(Scale(-reach, reach), number, signed=True, help=latex)
        self.number = NumberRow(slider, Field(number, -1e30, 1e30, help=latex))
        row.addWidget(self.number, 1)
        self.number.began.connect(self._hold)
        self.number.moved.connect(self.moved)
        self.number.ended.connect(self._let_go)
        self.number.refused.connect(self.refused)

    @property
    def slider(self) -> Slider:
        """The slider."""
        return self.number.slider

    @property
    def text_field(self) -> Field:
        """The field."""
        return self.number.field

    def _hold(self) -> None:
        self._is_held = True
        self.began.emit()

    def _let_go(self, number: float) -> None:
        self._is_held = False
        self.ended.emit(number)

    def show_number(self, number: float, reach: float) -> None:
        """Show another number unless a hand is on this one."""
        if not self._is_held:
            scale = Scale(-reach, reach) if reach != self.slider.scale.high else None
            self.number.show_number(number, scale)


class HeatMap(QWidget):
    """An array as colours on the diverging scale; a click or the arrow keys choose the entry to edit."""

    focused = Signal(tuple)

    def __init__(self, latex: str) -> None:
        super().__init__()
        self._array = np.zeros((1, 1))
        self._image = QImage()
        self._limit = 1.0
        self._latex = latex
        self.place: Place = (0,)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(f"Heat map of {latex}")
        current_theme().changed.connect(self._paint_image)

    def show_array(self, array: np.ndarray, limit: float) -> None:
        """Show other numbers; `limit` is what the ends of the scale stand for."""
        reshaped = array.shape != self._array.shape
        self._array, self._limit = array, limit
        if reshaped:
            self.place = (0,) * array.ndim
            self.updateGeometry()
        self._paint_image()

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of the picture: the last axis runs to the right, one axis alone is wrapped."""
        if self._array.ndim >= 2:
            columns = self._array.shape[-1]
            return self._array.size // columns, columns
        columns = min(self._array.size, 32)
        return -(-self._array.size // columns), columns

    def _paint_image(self) -> None:
        rows, columns = self.grid
        flat = np.zeros(rows * columns)
        flat[: self._array.size] = np.nan_to_num(self._array.ravel())
        steps = np.clip((flat / self._limit + 1) * 127.5, 0, 255).astype(np.uint8).reshape(rows, columns)
        pixels = np.ascontiguousarray(current_theme().diverging[steps])
        self._image = QImage(pixels.data, columns, rows, 3 * columns, QImage.Format.Format_RGB888).copy()
        self.update()

    def _cell(self) -> tuple[float, float]:
        rows, columns = self.grid
        width = self.width() / columns
        return width, min(max(width, 3.0), 18.0, TALLEST_MAP / rows)

    def sizeHint(self) -> QSize:
        return QSize(280, int(min(TALLEST_MAP, 18 * self.grid[0])))

    def minimumSizeHint(self) -> QSize:
        return QSize(100, self.sizeHint().height())

    def _area(self, place: Place) -> QRectF:
        width, height = self._cell()
        row, column = divmod(int(np.ravel_multi_index(place, self._array.shape)), self.grid[1])
        return QRectF(column * width, row * height, width, height)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, (width, height) = QPainter(self), self._cell()
        rows, columns = self.grid
        painter.drawImage(QRectF(0, 0, columns * width, rows * height), self._image)
        painter.setPen(current_theme().pen("focus" if self.hasFocus() else "text", 1.5))
        painter.drawRect(self._area(self.place).adjusted(-1, -1, 1, 1))

    def _at(self, x: float, y: float) -> Place | None:
        width, height = self._cell()
        rows, columns = self.grid
        row, column = int(y // height), int(x // width)
        index = row * columns + column
        if not (0 <= row < rows and 0 <= column < columns and index < self._array.size):
            return None
        return tuple(int(number) for number in np.unravel_index(index, self._array.shape))

    def _focus(self, place: Place | None) -> None:
        if place is not None:
            self.place = place
            self.update()
            self.focused.emit(place)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._focus(self._at(event.position().x(), event.position().y()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        ways = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1)}
        if event.key() not in ways:
            return super().keyPressEvent(event)
        across, down = ways[Qt.Key(event.key())]
        width, height = self._cell()
        middle = self._area(self.place).center()
        self._focus(self._at(middle.x() + across * width, middle.y() + down * height))

    def event(self, event: QEvent) -> bool:
        """Say which entry lies under the mouse."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            place = self._at(event.pos().x(), event.pos().y())
            where = ", ".join(str(index + 1) for index in place) if place else ""
            QToolTip.showText(
                event.globalPos(), f"({where}) {number_text(self._array[place], True)}" if place else "", self
            )
            return True
        return super().event(event)


class ParametersSection(Section):
    """The parameters of one node. While a hand drags, the run hears every place; the history gets one step."""

    def __init__(self, editor: Editor, runner: Runner | None) -> None:
        super().__init__("Parameters", "drag, type, or ↑ ↓")
        self._editor, self._runner = editor, runner
        self._node: Node | None = None
        self._arrays: dict[str, np.ndarray] = {}
        self._before: dict[str, np.ndarray] = {}
        self._set: set[str] = set()
        self._set_at = 0  # the revision with which the run knows these
        self._reach = 1.0
        self.rows: dict[tuple[str, Place], ParameterRow] = {}
        self.maps: dict[str, HeatMap] = {}
        self._chosen: dict[str, ParameterRow] = {}
        self.freeze = tool("snowflake", "Freeze: these parameters keep their numbers while the rest learns")
        self.freeze.setCheckable(True)
        self.freeze.clicked.connect(self._freeze)
        self.aside.addWidget(self.freeze)
        self._list = QVBoxLayout()
        self._list.setSpacing(4)
        self.body.addLayout(self._list)
        self._large = words("", "2")
        self._large.hide()
        self.body.addWidget(self._large)
        self._problem = words("", "error")
        self._problem.hide()
        self.body.addWidget(self._problem)

    def set_node(self, node: Node | None) -> None:
        """Show another node's parameters, or the same one's after an edit."""
        is_other = self._node is None or node is None or node.id != self._node.id
        self._node = node
        if is_other:
            self._forget()
        if node is not None:
            self.freeze.setChecked("frozen" in node.flags)

    def _forget(self) -> None:
        clear(self._list)
        self.rows, self.maps, self._chosen, self._arrays = {}, {}, {}, {}
        self._problem.hide()
        self._large.clear()
        self._large.hide()
        self.hide()

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Fill in the numbers; rows are built anew only when shapes change."""
        if self._node is None:
            return
        found = {
            key: each.array
            for key, each in snapshot.parameters.items()
            if key.partition(".")[0] == self._node.id and each.array is not None
        }
        reshaped = {key: a.shape for key, a in found.items()} != {key: a.shape for key, a in self._arrays.items()}
        if snapshot.revision >= self._set_at:
            self._set.clear()
        # What a hand holds, or has just let go of, is newer than a snapshot that was on its way meanwhile.
        mine = () if reshaped else self._before.keys() | self._set
        self._arrays = {key: self._arrays[key] if key in mine else array for key, array in found.items()}
        self._tell_large(snapshot)
        self.setVisible(bool(found) or bool(self._large.text()))
        if not self._before:
            self._stretch(reshaped)
        if reshaped:
            self._build()
        self._fill()

    def _tell_large(self, snapshot: Snapshot) -> None:
        """Arrays that are too large to be copied sixty times a second are told by their numbers."""
        assert self._node is not None
        lines = [
            f"{key.partition('.')[2]} {shape_text(each.shape)}: {number_text(each.minimum, True)} to "
            f"{number_text(each.maximum, True)}, {spread_text(each.mean, each.deviation)}; too many to show each."
            for key, each in snapshot.parameters.items()
            if key.partition(".")[0] == self._node.id and each.array is None and each.state != "absent"
        ]
        text = "\n".join(lines)
        if text != self._large.text():
            self._large.setText(text)
            self._large.setVisible(bool(text))

    def _stretch(self, anew: bool) -> None:
        largest = max((float(np.nanmax(np.abs(a), initial=0.0)) for a in self._arrays.values() if a.size), default=0.0)
        if np.isfinite(largest) and (anew or largest > self._reach):
            self._reach = reach_of(largest)

    def _build(self) -> None:
        arrays = self._arrays
        clear(self._list)
        self.rows, self.maps, self._chosen = {}, {}, {}
        if sum(array.size for array in arrays.values()) <= MOST_ROWS:
            for key, array in arrays.items():
                for place in np.ndindex(array.shape):
                    self.rows[key, place] = self._add_row(key, place)
            return
        for key, array in arrays.items():
            self._add_map(key, array)

    def _latex(self, key: str, place: Place) -> str:
        assert self._node is not None
        return entry_symbol(self._node, key.partition(".")[2], self._arrays[key].shape, place)

    def _add_row(self, key: str, place: Place) -> ParameterRow:
        row = ParameterRow(self._latex(key, place), float(self._arrays[key][place]), self._reach)
        row.began.connect(lambda: self._begin(key))
        row.moved.connect(lambda number: self._move(key, self._place_of(row, place, key), number))
        row.ended.connect(lambda number: self._end(key))
        row.refused.connect(self._refuse)
        self._list.addWidget(row)
        return row

    def _place_of(self, row: ParameterRow, place: Place, key: str) -> Place:
        return self.maps[key].place if self._chosen.get(key) is row else place

    def _add_map(self, key: str, array: np.ndarray) -> None:
        name = key.partition(".")[2]
        head = words(f"{name} {shape_text(array.shape)}, {array.size:,} numbers".replace(",", "\u202f", 0), "caption")
        picture = HeatMap(name)
        self.maps[key] = picture
        picture.show_array(array, self._reach)
        self._list.addWidget(head)
        self._list.addWidget(picture)
        self._chosen[key] = self._add_row(key, picture.place)
        picture.focused.connect(lambda place: self._choose(key, place))

    def _choose(self, key: str, place: Place) -> None:
        row = self._chosen[key]
        row.symbol.set_latex(self._latex(key, place))
        row.show_number(float(self._arrays[key][place]), self._reach)

    def _fill(self) -> None:
        for (key, place), row in self.rows.items():
            row.show_number(float(self._arrays[key][place]), self._reach)
        for key, picture in self.maps.items():
            picture.show_array(self._arrays[key], self._reach)
            self._chosen[key].show_number(float(self._arrays[key][picture.place]), self._reach)

    # hands -----------------------------------------------------------------------------------------------------------

    def _begin(self, key: str) -> None:
        self._problem.hide()
        self._before = {key: np.array(self._arrays[key], float)}

    def _move(self, key: str, place: Place, number: float) -> None:
        array = np.array(self._arrays[key], float)
        array[place] = number
        self._arrays[key] = array
        if key in self.maps:
            self.maps[key].show_array(array, self._reach)
        if self._runner is not None:
            self._runner.set_parameter(f"{self._editor.prefix}{key}", array)

    def _end(self, key: str) -> None:
        before, self._before = self._before, {}
        if not before or np.array_equal(before[key], self._arrays[key]):
            return
        self._set.add(key)
        self._set_at = self._editor.revision + 1
        try:
            self._keep(key, before)
        except ProblemError as error:
            self._refuse(str(error.problems[0]))
        self._stretch(anew=True)

    def _keep(self, key: str, before: dict[str, np.ndarray]) -> None:
        assert self._node is not None
        name, array = key.partition(".")[2], self._arrays[key]
        if self._node.kind is not None and name in self._node.kind.properties():
            # A constant's number is a property: it is saved with the document.
            self._editor.set_property(self._node.id, name, array.tolist())
        else:
            self._editor.set_values({key: array}, before)

    def _refuse(self, reason: str) -> None:
        self._problem.setText(reason)
        self._problem.show()

    def _freeze(self, on: bool) -> None:
        if self._node is not None:
            self._editor.set_flag([self._node.id], "frozen", on)
