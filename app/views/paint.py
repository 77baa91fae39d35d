"""Points painted on the plane or beside the curve: a click adds one, a drag sprays, an eraser takes away."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QElapsedTimer, QEvent, QPointF, QSize, Qt
from PySide6.QtGui import QCursor, QIcon, QKeyEvent, QMouseEvent, QPainter, QPixmap
from PySide6.QtWidgets import QToolButton

from app.theme import current_theme
from app.views.field_plot import FieldPlot, Scene
from app.views.marks import paint_mark
from engine.datasets.painting import MOST_ROWS, target_of, typed_rows, with_rows, without_rows

if TYPE_CHECKING:
    from app.editor import Editor
    from app.views.boundary import DecisionBoundary
    from engine.datasets import Dataset

PART = "train"
ERASER = -1
REACH, SPREAD, STRIDE = 12.0, 11.0, 7.0  # pixels: of the eraser, of the spray, between two drops of it
BETWEEN_MS = 40  # each change is planned anew
MOST_BRUSHES = 10
DIGITS = 3  # of a painted number, as far as pixels tell them apart


class PaintHand:
    """The brush of a view. Every gesture is one step of the history; training goes on with the new rows.

    brush  the class that is painted, or ERASER; the right button erases as well
    """

    def __init__(self, editor: Editor, view: DecisionBoundary) -> None:
        self._editor, self._view = editor, view
        self._plot: FieldPlot | None = None
        self.is_on = False
        self.brush = 1
        self.brushes: dict[int, QToolButton] = {}
        self._gesture = 0
        self._erases = False
        self._last: QPointF | None = None
        self._wet: list[QPointF] = []
        self._since = QElapsedTimer()
        self._dice = random.Random(0)

    def watch(self, plot: FieldPlot) -> None:
        """Hear what the mouse does on a plot, while the brush is in hand."""
        self._plot = plot
        plot.setFocusPolicy(Qt.FocusPolicy.ClickFocus)

    @property
    def hint(self) -> str:
        """What a click does."""
        return "click adds, drag sprays, right erases" if self.is_on else ""

    # the mode --------------------------------------------------------------------------------------------------------

    def toggle(self) -> None:
        """Begin to paint, or end."""
        self.stop() if self.is_on else self.start()

    def start(self) -> None:
        """Take the brush."""
        scene = self._plot.scene if self._plot is not None else None
        if self.is_on or scene is None or self._plot is None or not self._plot.has_axes:
            self._view.paint_button.setChecked(self.is_on)
            return
        self.is_on = True
        self._make_brushes(scene)
        self._plot.hand = self
        self._plot.setCursor(QCursor(Qt.CursorShape.CrossCursor))
        self._plot.setFocus(Qt.FocusReason.OtherFocusReason)
        self._view.show_painting()

    def stop(self) -> None:
        """Put the brush away."""
        if not self.is_on:
            return
        self._finish()
        self.is_on = False
        for button in self.brushes.values():
            button.hide()
            button.deleteLater()
        self.brushes = {}
        if self._plot is not None:
            self._plot.hand = None
            self._plot.unsetCursor()
        self._view.show_painting()

    def _make_brushes(self, scene: Scene) -> None:
        """A button for each class, and the eraser; a curve needs no class."""
        groups = range(min(len(scene.classes), MOST_BRUSHES)) if scene.classes else (1,)
        for group in (*groups, ERASER):
            name = "points" if not scene.classes else f"points of {scene.classes[group]}" if group >= 0 else ""
            key = "0" if group == ERASER else str(group + 1 if scene.classes else 1)
            help = f"Paint {name} ({key})" if group != ERASER else f"Erase ({key})"
            button = QToolButton()
            button.setCheckable(True)
            button.setFixedSize(24, 24)
            button.setIconSize(QSize(16, 16))
            button.setToolTip(help)
            button.setAccessibleName(help)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.clicked.connect(lambda _=False, group=group: self.choose(group))
            self._view.add_tool(button)
            self.brushes[group] = button
        self.paint_icons()
        self.choose(self.brush if self.brush in self.brushes else next(iter(self.brushes)))

    def paint_icons(self) -> None:
        """Draw the marks in the colours of now."""
        scene = self._plot.scene if self._plot is not None else None
        for group, button in self.brushes.items():
            if group == ERASER:
                current_theme().set_icon(button, "trash-2", "text2", 15)
            elif scene is not None:
                button.setIcon(mark_icon(group, scene.tokens, self._view.devicePixelRatioF()))

    def choose(self, group: int) -> None:
        """Paint this class, or erase."""
        if group in self.brushes:
            self.brush = group
            for each, button in self.brushes.items():
                button.setChecked(each == group)

    # the hand --------------------------------------------------------------------------------------------------------

    def hear_mouse(self, event: QMouseEvent) -> None:
        """Press, move and release on the plot."""
        kind, at = event.type(), event.position()
        if kind in (QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonDblClick):
            if event.button() not in (Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton) or self._gesture:
                return
            self._erases = self.brush == ERASER or event.button() == Qt.MouseButton.RightButton
            self._gesture, self._last = self._editor.new_gesture(), at
            self._wet = [at]
            self._flush()
        elif kind == QEvent.Type.MouseMove and self._gesture:
            self._move(at)
        elif kind == QEvent.Type.MouseButtonRelease and self._gesture:
            self._finish()

    def hear_key(self, event: QKeyEvent) -> bool:
        """Digits choose, Escape ends; whether the key meant something."""
        if event.key() == Qt.Key.Key_Escape:
            self.stop()
            return True
        text = event.text()
        if not text.isdigit() or event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            return False
        number = int(text)
        scene = self._plot.scene if self._plot is not None else None
        self.choose(ERASER if number == 0 else number - 1 if scene is not None and scene.classes else 1)
        return True

    def _move(self, at: QPointF) -> None:
        """Leave drops along the way."""
        assert self._last is not None
        way = at - self._last
        length = math.hypot(way.x(), way.y())
        while length >= STRIDE:
            self._last += way * (STRIDE / length)
            way, length = at - self._last, length - STRIDE
            shift = QPointF(self._dice.gauss(0, SPREAD), self._dice.gauss(0, SPREAD))
            self._wet.append(self._last if self._erases else self._last + shift)
        if self._since.elapsed() >= BETWEEN_MS:
            self._flush()

    def _finish(self) -> None:
        if self._gesture:
            self._flush()
        self._gesture, self._last, self._wet = 0, None, []

    def _flush(self) -> None:
        """Put what is wet into the document."""
        wet, self._wet = self._wet, []
        self._since.start()
        document = self._editor.document
        data, _ = document.load_data()
        plot = self._plot
        if not wet or data is None or plot is None or plot.scene is None or not plot.has_axes:
            return
        if refusal(data, plot.scene):
            return
        found = document.data.get(PART)
        spec = typed_rows(found if isinstance(found, dict) else {"name": str(found)}, data)
        if self._erases:
            near = self._near(wet)
            if not near:
                return
            spec = without_rows(spec, near)
        else:
            spec = with_rows(spec, *self._rows(wet, data))
        text = "Erase points" if self._erases else "Paint points"
        self._editor.set_data({**document.data, PART: spec}, text, self._gesture)

    def _near(self, wet: list[QPointF]) -> set[int]:
        assert self._plot is not None
        places = self._plot.places()
        hands = np.array([[at.x(), at.y()] for at in wet])
        distances = np.hypot(*(places[:, None] - hands[None]).transpose(2, 0, 1))
        return set(np.flatnonzero((distances < REACH).any(axis=1)).tolist())

    def _rows(self, wet: list[QPointF], data: Dataset) -> tuple[list[list[float]], list[object]]:
        """Inputs and targets of the drops that fell within the axes."""
        assert self._plot is not None and self._plot.scene is not None
        axes, scene = self._plot.axes(), self._plot.scene
        inputs: list[list[float]] = []
        targets: list[object] = []
        for at in wet:
            if not axes.area.contains(at):
                continue
            x = axes.left + (at.x() - axes.area.left()) / axes.area.width() * (axes.right - axes.left)
            y = axes.bottom + (axes.area.bottom() - at.y()) / axes.area.height() * (axes.top - axes.bottom)
            x, y = rounded(x, axes.right - axes.left), rounded(y, axes.top - axes.bottom)
            inputs.append([x, y] if scene.is_plane else [x])
            targets.append([y] if data.task == "regression" else target_of(data, self.brush))
        return inputs, targets


def refusal(data: Dataset, scene: Scene) -> str:
    """Why nothing can be painted into these data; empty where it can."""
    if len(data.inputs) > MOST_ROWS:
        return f"there are more than {MOST_ROWS:,} rows"
    if data.task == "regression" and (scene.is_plane or data.targets.shape[1] > 1):
        return "a point on this plane would not say which number it stands for"
    if len(data.input_names) != data.inputs.shape[1]:
        return "the features have no names"
    return ""


def rounded(number: float, span: float) -> float:
    """A number with as many digits as a pixel of an axis of that length tells apart."""
    return round(number, max(0, DIGITS - math.floor(math.log10(span)))) if span > 0 else number


def mark_icon(group: int, tokens: tuple[str, ...], ratio: float) -> QIcon:
    """The mark of a class as an icon."""
    pixmap = QPixmap(QSize(16, 16) * ratio)
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    paint_mark(painter, QPointF(8, 8), group, tokens, 4.5)
    painter.end()
    return QIcon(pixmap)
