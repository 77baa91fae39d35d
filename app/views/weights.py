"""The weights of a layer at a glance, following every step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QButtonGroup, QComboBox, QHBoxLayout, QSizePolicy, QToolButton, QWidget

from app.views.base import View
from app.views.entries import axis_words, is_weight, parameter_title
from app.views.wanted import entries_of
from app.views.weights_plot import PICTURES, WeightsPlot
from engine.snapshot import Reading

if TYPE_CHECKING:
    from app.editor import Change, Editor
    from app.runner import Runner
    from engine.snapshot import Snapshot

ICONS = {"heat map": "grid-3x3", "Hinton diagram": "square-dot", "histogram": "chart-no-axes-column"}
ROOM_FOR_ONE_LINE = 560
MIXING = ".weights"  # the port of attentions and heads: how much of each value they take
NONE = "Nothing here has weights. Add a layer, a neuron or a parameter node."


class WeightsView(View):
    """One parameter, chosen in the head, as heat map, Hinton diagram or histogram."""

    kind, title, icon = "weights", "Weights", "table-2"
    several = True

    def __init__(self, editor: Editor, runner: Runner | None = None, parent: QWidget | None = None) -> None:
        super().__init__(editor, runner, parent)
        self._keys: tuple[tuple[str, str], ...] = ()
        self._missing = ""  # the parameter that was chosen, while there is none of that name
        self.shown_as = PICTURES[0]
        self.parameter = QComboBox()
        self.parameter.setAccessibleName("Parameter")
        self.parameter.setToolTip("Whose weights")
        self.parameter.setFixedHeight(24)
        self.parameter.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.parameter.setMinimumContentsLength(12)
        self.parameter.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.parameter.activated.connect(self._choose)
        self._second = QHBoxLayout()  # of the head, where there is little room
        self._second.setContentsMargins(12, 0, 8, 5)
        self._second.setSpacing(6)
        self._column.insertLayout(1, self._second)
        self._controls: list[QWidget] = [self.parameter]
        self.pictures = QButtonGroup(self)
        for index, picture in enumerate(PICTURES):
            button = self._tool(ICONS[picture], f"As a {picture}", lambda _=False, name=picture: self.choose(name))
            button.setCheckable(True)
            button.setIconSize(QSize(14, 14))
            self.pictures.addButton(button, index)
            self._controls.append(button)
        for control in self._controls:
            self._second.addWidget(control)
        self.parameter.setMinimumWidth(60)
        self._is_wide = False
        self._check(PICTURES[0])

    def make_body(self) -> QWidget:
        """The plot."""
        plot = WeightsPlot()
        plot.show_picture(self.shown_as)
        return plot

    @property
    def plot(self) -> WeightsPlot:
        """The body."""
        body = self.body
        assert isinstance(body, WeightsPlot)
        return body

    @property
    def key(self) -> str:
        """The parameter that is shown, as `node.parameter`."""
        return str(self.parameter.currentData() or "")

    def resizeEvent(self, event: QResizeEvent) -> None:
        """What can be chosen takes a line of its own where there is little room."""
        super().resizeEvent(event)
        is_wide = self.width() >= ROOM_FOR_ONE_LINE
        if is_wide == self._is_wide:
            return
        self._is_wide = is_wide
        self._second.setContentsMargins(12, 0, 8, 0 if is_wide else 5)
        self.parameter.setMinimumWidth(170 if is_wide else 60)
        self.parameter.setMaximumWidth(240 if is_wide else 10_000)
        for control in self._controls:
            if is_wide:
                self._head.insertWidget(self._head.indexOf(self.export_button), control)
            else:
                self._second.addWidget(control)
        self._column.activate()

    # showing ---------------------------------------------------------------------------------------------------------

    def feed(self, snapshot: Snapshot) -> str:
        """The array as it stands."""
        self._offer(snapshot)
        reading = looked_at(snapshot).get(self.key)
        if self._missing:
            title = parameter_title(self.editor.document, self._missing)
            return f"There is no “{title}” now. Choose other weights in the head, or take the last edit back."
        if reading is None:
            return NONE
        if reading.state == "absent":
            return f"{self.parameter.currentText()} has not been computed yet. Take a step."
        if reading.array is None:
            count = f"{_size(reading.shape):,}".replace(",", "\u202f")
            return f"{self.parameter.currentText()} has {count} numbers, too many to show each of them. Choose another."
        axes = axis_words(self.editor.document, self.key, len(reading.shape))
        self.plot.show_array(self.parameter.currentText(), reading.array, axes)
        return ""

    def _offer(self, snapshot: Snapshot) -> None:
        """Fill the choice anew when there are other parameters, keeping what is chosen where it is still there."""
        document = self.editor.document
        readings = looked_at(snapshot)
        keys = tuple((key, parameter_title(document, key)) for key in readings)
        if keys == self._keys:
            return
        before, self._keys = self.key or self._missing, keys
        self.parameter.clear()
        for key, title in keys:
            self.parameter.addItem(title, key)
        names = [key for key, _ in keys]
        saved = self.settings
        chosen = [key for key in (before, str(saved.get("parameter", ""))) if key]
        wanted = next((key for key in chosen if key in names), "")
        self._missing = chosen[0] if chosen and names and not wanted else ""
        weights = [key for key in names if is_weight(key, readings[key].shape)]
        first = self._left_by_others(weights)
        if self._missing:  # another one in its place would be taken for it
            self.parameter.setPlaceholderText(parameter_title(document, self._missing))
            self.parameter.setCurrentIndex(-1)
        else:
            self.parameter.setCurrentIndex(self.parameter.findData(wanted or first) if wanted or first else 0)
        self._check(str(saved.get("picture", "")))
        self._tell_label()

    def _left_by_others(self, weights: Sequence[str]) -> str:
        """The first weights that no other of these views shows; the first of all where each is shown already."""
        taken: list[str] = []
        for name, entry in entries_of(self.editor.document.views).items():
            if name == self.id:
                break
            if entry["type"] == self.kind:
                free = [key for key in weights if key not in taken]
                taken.append(str(entry.get("parameter") or next(iter(free), "")))
        return next((key for key in weights if key not in taken), next(iter(weights), ""))

    def peek(self, snapshot: Snapshot) -> None:
        """Its tab is named after the weights that it will show."""
        if not self._keys:
            self._offer(snapshot)

    def describe(self, snapshot: Snapshot) -> str:
        """How many."""
        reading = looked_at(snapshot).get(self.key)
        return "" if reading is None else " × ".join(str(length) for length in reading.shape) or "one number"

    # choosing --------------------------------------------------------------------------------------------------------

    def choose(self, picture: str) -> None:
        """Paint it as another picture; the document remembers it."""
        self._check(picture)
        self._remember()

    def _choose(self, index: int) -> None:
        self._missing = ""
        self._remember()
        if self.snapshot is not None:
            self.show_snapshot(self.snapshot)

    def _check(self, picture: str) -> None:
        if picture in PICTURES:
            button = self.pictures.button(PICTURES.index(picture))
            assert isinstance(button, QToolButton)
            button.setChecked(True)
            self.shown_as = picture
            if self._body is not None:
                self.plot.show_picture(picture)

    def _remember(self) -> None:
        self._tell_label()
        self.remember("Choose the weights to look at", parameter=self.key, picture=self.shown_as)

    @property
    def label(self) -> str:
        """Whose weights, so that two of these views can be told apart."""
        saved = str(self.settings.get("parameter", ""))
        shown = self.parameter.currentText() or (saved and parameter_title(self.editor.document, saved))
        return f"{self.title} · {shown}" if shown else self.title

    def _tell_label(self) -> None:
        self.renamed.emit(self.label)

    def document_changed(self, change: Change) -> None:
        """Another document: other parameters."""
        if "reset" in change.kinds:
            self._keys, self._missing = (), ""
            self.parameter.clear()

    def recall(self) -> None:
        """The picture and the parameter that the document remembers."""
        self._check(str(self.settings.get("picture", PICTURES[0])))
        self._keys, self._missing = (), ""
        self.parameter.clear()
        if self.snapshot is not None:
            self.show_snapshot(self.snapshot)


def looked_at(snapshot: Snapshot) -> dict[str, Reading]:
    """All parameters, then the weights that attentions and heads give out: those of the first example in the batch."""
    found = dict(snapshot.parameters)
    for address, reading in snapshot.values.items():
        if address.endswith(MIXING) and len(reading.shape) > 1:
            array = None if reading.array is None or not len(reading.array) else reading.array[0]
            found[address] = Reading(reading.shape[1:], reading.state, array)
    return found


def _size(shape: tuple[int, ...]) -> int:
    count = 1
    for length in shape:
        count *= length
    return count
