"""What the network answers everywhere: the decision boundary over two features, the fitted curve over one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QElapsedTimer, QTimer
from PySide6.QtWidgets import QWidget

from app.theme import current_theme
from app.views.base import View
from app.views.field import Ask, Field, asked_for, level_of, prediction
from app.views.field_plot import FieldPlot, Scene
from app.views.paint import PaintHand, refusal

if TYPE_CHECKING:
    from app.editor import Change, Editor
    from app.runner import Runner
    from engine.snapshot import Snapshot

QUESTION = "decision boundary"
BETWEEN_MS, GIVE_UP_MS = 67, 1500  # fifteen pictures a second; a question that nobody answers is asked anew


class DecisionBoundary(View):
    """The prediction over the plane of two features, or along one; asked of the runner, never computed here."""

    kind, title, icon = "boundary", "Decision boundary", "grid-2x2"

    def __init__(self, editor: Editor, runner: Runner | None = None, parent: QWidget | None = None) -> None:
        super().__init__(editor, runner, parent)
        self._ask: Ask | None = None
        self._scene: Scene | None = None
        self._data: object = None
        self.field: Field | None = None
        self._since = QElapsedTimer()
        self._is_waiting = False
        self._later = QTimer(self, singleShot=True)
        self._later.timeout.connect(self._put)
        self._asked_at: Snapshot | None = None
        if runner is not None:
            runner.answered.connect(self._take)
        self.paint = PaintHand(editor, self)
        current_theme().changed.connect(self._repaint_brushes)
        self.paint_button = self._tool("pencil", "", self.paint.toggle)
        self.paint_button.setCheckable(True)
        self.add_tool(self.paint_button)
        self._show_paint("there is nothing to paint on yet")

    def make_body(self) -> QWidget:
        """The plot."""
        plot = FieldPlot()
        self.paint.watch(plot)
        return plot

    @property
    def plot(self) -> FieldPlot:
        """The body."""
        body = self.body
        assert isinstance(body, FieldPlot)
        return body

    def describe(self, snapshot: Snapshot) -> str:
        """What a click does, while points are painted; else the picture says it."""
        return self.paint.hint

    @property
    def describes_first(self) -> bool:
        """Whoever holds the brush had better read what it does."""
        return self.paint.is_on

    def document_changed(self, change: Change) -> None:
        """Other data or another loss: another scene."""
        if change.touches("data", "training", "wire_added", "wire_removed", "node_removed"):
            # A question that waits for its turn is about the former data.
            self._data = None
            if not self.paint.is_on:  # a plane that moved under the hand could not be painted on
                self._ask = None
            self._later.stop()
            self._is_waiting = False
            if self.paint.is_on and self.snapshot is not None:
                self._set_scene()
        if "reset" in change.kinds:
            self.paint.stop()
            self.field = None

    def feed(self, snapshot: Snapshot) -> str:
        """Ask for the prediction of this moment."""
        reason = self._set_scene()
        if reason:
            return reason
        assert self._scene is not None
        rows = snapshot.row_indices
        self.plot.show_rows(() if rows is None else tuple(int(row) for row in rows))
        self._put()
        return "" if self.field is not None else "Waiting for the first prediction."

    @property
    def is_waiting(self) -> bool:
        """Whether a prediction is on its way, or will be asked for."""
        return self._is_waiting or self._later.isActive()

    def _set_scene(self) -> str:
        """Find out what there is to draw; the sentence that says why there is nothing."""
        document = self.editor.document
        data, problems = document.load_data()
        if data is None:
            return str(problems[0]) if problems else "The decision boundary needs data. Choose some under Data."
        features = data.inputs.shape[1] if data.inputs.ndim == 2 else int(data.inputs[0].size)
        if data.inputs.ndim != 2 or features > 2:
            return f"The decision boundary needs one or two input features; this data has {features}."
        key = id(data)
        if self._data != key:
            self._data = key
            if self._ask is None or len(self._ask.bounds) != features or not self.paint.is_on:
                self._ask = asked_for(data)
            self._scene = Scene.of(data, *level_of(document, data))
            self.field = None if self.field is None or self.field.ask != self._ask else self.field
            self.plot.show_scene(self._scene)
            if self.field is not None:
                self.plot.show_field(self.field)
            self.rename(self._scene.title)
            self._show_paint(refusal(data, self._scene))
        return ""

    def _show_paint(self, reason: str) -> None:
        """Offer the brush, or say why there is none."""
        if reason:
            self.paint.stop()
        self.paint_button.setEnabled(not reason)
        help = f"Points cannot be painted: {reason}" if reason else "Paint points into the data"
        self.paint_button.setToolTip(help)
        self.paint_button.setAccessibleName(help)

    def _repaint_brushes(self) -> None:
        self.paint.paint_icons()

    def show_painting(self) -> None:
        """Painting began or ended: the plane holds still meanwhile, and takes in all points afterwards."""
        self.paint_button.setChecked(self.paint.is_on)
        for button in (self.export_button, self.tear_button):  # the brushes need their room
            button.setVisible(not self.paint.is_on)
        self.plot.hold(self.paint.is_on)
        if not self.paint.is_on:
            self._data = self._ask = None
            if self.snapshot is not None:
                self.show_snapshot(self.snapshot)
        self._say()

    def _put(self) -> None:
        """Put the question, unless the last one is still on its way or was put too shortly ago."""
        if self.runner is None or self._ask is None:
            return
        waited = self._since.elapsed() if self._since.isValid() else GIVE_UP_MS
        if waited < BETWEEN_MS or (self._is_waiting and waited < GIVE_UP_MS):
            if not self._later.isActive():
                self._later.start(max(1, BETWEEN_MS - int(waited)) if waited < BETWEEN_MS else GIVE_UP_MS - int(waited))
            return
        self._is_waiting = True
        self._asked_at = self.snapshot
        self._since.start()
        self.runner.ask(self._question, prediction(self._ask))

    @property
    def _question(self) -> str:
        return f"{QUESTION} · {self.id}"

    def _take(self, name: str, answer: object) -> None:
        if name == self._question:
            self._is_waiting = False
            if isinstance(answer, Field):
                self.show_field(answer)
            else:
                self.set_reason(str(answer))

    def show_field(self, field: Field) -> None:
        """Paint a prediction."""
        if self._ask is not None and field.ask != self._ask:
            return
        self.field = field
        self.plot.show_field(field)
        self.set_reason("")
        # A snapshot that came while this answer was on its way asks again: a hand may have set a weight meanwhile.
        if self.snapshot is None or self.snapshot is self._asked_at:
            self._later.stop()
