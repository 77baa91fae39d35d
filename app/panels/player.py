"""The bar at the bottom: step and play, how fast, which step of the iteration, and the counters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QButtonGroup, QFrame, QHBoxLayout, QLabel, QSlider, QToolButton, QVBoxLayout, QWidget

from app.commands import tooltip
from app.panels.counters import Counter, NumberField
from app.panels.phase_lane import PhaseLane
from app.theme import current_theme
from app.theme.numbers import number_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.editor import Editor
    from app.runner import Runner
    from engine.snapshot import Snapshot
    from engine.training import Training

HEIGHT = 56
KINDS = {"node": "Node", "phase": "Phase", "iteration": "Iteration", "epoch": "Epoch"}
FULL_SPEED = 100  # the slider's last position: as fast as it goes
DECADES = 5  # from 1 node a second to 100,000
USUAL_SPEED = 80


class Player(QFrame):
    """Drives the runner and shows where it is. `kind` says what one step is."""

    kind_changed = Signal(str)

    def __init__(self, editor: Editor, runner: Runner, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._editor, self._runner = editor, runner
        self.kind = "node"
        self.setProperty("panel", "bar")
        self.setFixedHeight(HEIGHT)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 0, 12, 0)
        row.setSpacing(14)
        row.addLayout(self._make_transport())
        row.addWidget(self._make_kinds())
        self.lane = PhaseLane()
        row.addWidget(self.lane, 1)
        row.addWidget(self._make_speed())
        row.addLayout(self._make_counters())
        runner.playing_changed.connect(self._show_playing)
        editor.changed.connect(self._show_training)
        self.set_speed_position(USUAL_SPEED)
        self._show_training()

    # building --------------------------------------------------------------------------------------------------------

    def _make_transport(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(4)
        self.start_button = _tool("skip-back", "Return to the start", "R", self.to_start)
        self.back_button = _tool("step-back", "Step back", "←", self.step_back)
        self.play_button = _tool("play", "Play", "Space", self._runner.toggle, "primary", 18)
        self.step_button = _tool("step-forward", "Step", "→", self.step)
        for button in (self.start_button, self.back_button, self.play_button, self.step_button):
            row.addWidget(button)
        return row

    def _make_kinds(self) -> QFrame:
        box = QFrame()
        box.setObjectName("segments")
        box.setProperty("panel", "raised")
        box.setFixedHeight(30)
        row = QHBoxLayout(box)
        row.setContentsMargins(2, 2, 2, 2)
        row.setSpacing(0)
        self._kinds = QButtonGroup(self)
        keys = {"phase": "F10", "iteration": "Shift+→", "epoch": "Ctrl+Shift+→"}
        for kind, title in KINDS.items():
            button = QToolButton()
            button.setText(title)
            button.setObjectName(f"kind_{kind}")
            button.setProperty("kind", "segment")
            button.setCheckable(True)
            button.setChecked(kind == self.kind)
            button.setToolTip(tooltip(f"→ plays one {kind}", keys.get(kind, "")))
            button.clicked.connect(lambda _=False, kind=kind: self.set_kind(kind))
            self._kinds.addButton(button)
            row.addWidget(button)
        return box

    def _make_speed(self) -> QWidget:
        box = QWidget()
        box.setMinimumWidth(124)
        box.setMaximumWidth(200)
        self._speed_text = QLabel()
        self._speed_text.setProperty("level", "number_small")
        name = QLabel("speed")
        name.setProperty("level", "caption")
        head = QHBoxLayout()
        head.addWidget(name)
        head.addStretch(1)
        head.addWidget(self._speed_text)
        self.speed = QSlider(Qt.Orientation.Horizontal)
        self.speed.setRange(0, FULL_SPEED)
        self.speed.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.speed.setAccessibleName("Speed")
        self.speed.setToolTip("From one node per second to as fast as it goes")
        self.speed.valueChanged.connect(self.set_speed_position)
        column = QVBoxLayout(box)
        column.setContentsMargins(0, 8, 0, 8)
        column.setSpacing(2)
        column.addLayout(head)
        column.addWidget(self.speed)
        return box

    def _make_counters(self) -> QHBoxLayout:
        self.batch = NumberField("Rows in a batch, 0 for all", 0, 10**7, whole=True, words={0: "all"})
        self.rate = NumberField("Learning rate", 0.0, 1000.0)
        self.seed = NumberField("Seed of the random start", 0, 2**31 - 1, whole=True)
        self.batch.chosen.connect(lambda number: self._change(lambda t: replace(t, batch_size=int(number))))
        self.rate.chosen.connect(lambda number: self._change(lambda t: with_learning_rate(t, number)))
        self.seed.chosen.connect(lambda number: self._change(lambda t: replace(t, seed=int(number))))
        # The last figure says which counters give way first in a narrow window.
        self.counters = {
            "iteration": Counter("iteration", 64, 9),
            "epoch": Counter("epoch", 48, 3),
            "row": Counter("row", 56, 1),
            "loss": Counter("loss", 68, 9),
            "batch": Counter("batch", 40, 6, self.batch),
            "rate": Counter("rate η", 52, 8, self.rate),
            "seed": Counter("seed", 36, 4, self.seed),
            "precision": Counter("precision", 54, 0),
            "speed": Counter("iterations/s", 70, 5),
        }
        row = QHBoxLayout()
        row.setSpacing(0)
        for counter in self.counters.values():
            row.addWidget(counter)
        return row

    # acting ----------------------------------------------------------------------------------------------------------

    def set_kind(self, kind: str) -> None:
        """What one step of the buttons and of → is."""
        self.kind = kind
        self.findChild(QToolButton, f"kind_{kind}").setChecked(True)
        self.kind_changed.emit(kind)

    def step(self) -> None:
        """Play one step of the chosen kind."""
        self._runner.step(self.kind)

    def step_back(self) -> None:
        """Take one step of the chosen kind back."""
        self._runner.step_back(self.kind)

    def to_start(self) -> None:
        """Return to the start, with the document's seed."""
        self._runner.reset(self._editor.document.training.seed)

    def set_speed_position(self, position: int) -> None:
        """Speed by the slider's position, 0 to FULL_SPEED."""
        position = max(0, min(FULL_SPEED, position))
        self.speed.setValue(position)
        speed = nodes_per_second(position)
        self._speed_text.setText(speed_text(speed))
        self._runner.set_speed(speed)

    def reseed(self) -> None:
        """Start anew from the next seed: other random numbers, and a step that can be undone."""
        training = self._editor.document.training
        self._editor.set_training(replace(training, seed=(training.seed + 1) % 2**31))
        self.to_start()

    def change_speed(self, by: int) -> None:
        """Move the slider."""
        self.set_speed_position(self.speed.value() + by)

    def _change(self, change: Callable[[Training], Training]) -> None:
        self._editor.set_training(change(self._editor.document.training))

    # showing ---------------------------------------------------------------------------------------------------------

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Counters and marks of another moment."""
        self.lane.names = {node.id: node.name for node in self._editor.document.graph}
        self.lane.show_snapshot(snapshot)
        show = self.counters
        show["iteration"].set_text(f"{snapshot.iteration:,}".replace(",", "\u202f"))
        show["epoch"].set_text(str(snapshot.epoch))
        show["row"].set_text(rows_text(snapshot.row_indices))
        show["loss"].set_text(number_text(snapshot.loss))
        show["speed"].set_text(number_text(snapshot.rate) if snapshot.rate else number_text(None))

    def clear(self) -> None:
        """Another document: nothing of it is computed yet."""
        self.lane.clear()
        for name in ("iteration", "epoch", "row", "loss", "speed"):
            self.counters[name].set_text(number_text(None))
        self._show_training()

    def _show_training(self, _: object = None) -> None:
        document = self._editor.document
        self.batch.show_number(document.training.batch_size)
        self.seed.show_number(document.training.seed)
        self.rate.show_number(learning_rate(document.training))
        self.counters["precision"].set_text(document.precision)

    def _show_playing(self, playing: bool) -> None:
        current_theme().set_icon(self.play_button, "pause" if playing else "play", "on_accent", 18)
        self.play_button.setToolTip(tooltip("Pause" if playing else "Play", "Space"))
        self.play_button.setAccessibleName("Pause" if playing else "Play")

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave the counters out that matter least, until the rest has room."""
        super().resizeEvent(event)
        for counter in self.counters.values():
            counter.setVisible(True)
        for counter in sorted(self.counters.values(), key=lambda each: each.weight):
            self.layout().activate()
            if self.layout().minimumSize().width() <= self.width():
                break
            counter.setVisible(False)

    def minimumSizeHint(self) -> QSize:
        """Never the reason why a window cannot be made smaller."""
        return QSize(400, HEIGHT)


def nodes_per_second(position: int) -> float | None:
    """The slider is logarithmic; its end is full speed."""
    return None if position >= FULL_SPEED else float(10 ** (DECADES * position / FULL_SPEED))


def speed_text(speed: float | None) -> str:
    """A speed in words."""
    if speed is None:
        return "full speed"
    if speed >= 1000:
        return f"{speed / 1000:.3g} k nodes/s"
    return f"{speed:.2g} nodes/s" if speed >= 1.05 else "1 node/s"


def rows_text(rows: NDArray[Any] | None) -> str:
    """Which rows of the data are in hand, counted from 1."""
    numbers = [] if rows is None else sorted(int(row) + 1 for row in rows)
    if not numbers:
        return number_text(None)
    if len(numbers) == 1:
        return str(numbers[0])
    if numbers[-1] - numbers[0] == len(numbers) - 1:
        return f"{numbers[0]}–{numbers[-1]}"
    return f"{len(numbers)} rows"


def learning_rate(training: Training) -> float | None:
    """The rate of the first phase, where its optimizer has one."""
    optimizer = training.phases[0].optimizer if training.phases else None
    return optimizer.setting("learning_rate") if optimizer and "learning_rate" in optimizer.kind.settings else None


def with_learning_rate(training: Training, number: float) -> Training:
    """The same training with another rate in its first phase."""
    optimizer = training.phases[0].optimizer
    return training.with_optimizer(replace(optimizer, settings={**optimizer.settings, "learning_rate": number}))


def _tool(icon: str, title: str, key: str, act: Callable[[], object], kind: str = "", size: float = 16) -> QToolButton:
    button = QToolButton()
    button.setProperty("kind", kind)
    button.setAccessibleName(title)
    button.setToolTip(tooltip(title, key))
    button.setFixedSize(34 if kind else 32, 34 if kind else 32)
    button.setIconSize(QSize(round(size), round(size)))
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.clicked.connect(act)
    current_theme().set_icon(button, icon, "on_accent" if kind else "text2", size)
    return button
