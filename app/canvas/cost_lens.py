"""The cost lens: what each node costs of an iteration, measured instruction by instruction, as a tint over the canvas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPainterPath
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from app.canvas.ink import font, ink, metrics
from app.canvas.live import TEXT_FROM, zoom_of
from app.theme.numbers import number_text
from engine.problems import ProblemError

if TYPE_CHECKING:
    from app.canvas.scene import CanvasScene
    from app.editor import Change, Editor
    from app.runner import Runner
    from engine.session import Session

QUESTION = "cost lens"
MEASURING_S = 0.8  # of the worker's time for all instructions
LENS_Z = 18.0  # over the nodes
FAINTEST, STRONGEST = 0.05, 0.36  # opacity of the tint
PAD, GAP, RADIUS = 6.0, 3.0, 8.0


@dataclass(frozen=True)
class Costs:
    """What was measured: nanoseconds of an iteration by node; of which question it is the answer."""

    question: int
    by_node: Mapping[str, float] = field(default_factory=dict)

    @property
    def total(self) -> float:
        """All of them."""
        return sum(self.by_node.values())


def measured(session: Session, question: int) -> Costs:
    """The profile of the session's tape, in the worker's thread."""
    from engine.analysis.profile import profile

    try:
        return Costs(question, profile(session, seconds=MEASURING_S).by_node())
    except ProblemError:
        return Costs(question)


class CostLens(QObject):
    """Measures when it is switched on and after every edit that changes what is computed."""

    changed = Signal()

    def __init__(self, editor: Editor, runner: Runner, scene: CanvasScene) -> None:
        super().__init__(scene)
        self._runner = runner
        self.is_on = False
        self.costs: Costs | None = None
        self._asked = 0
        self._is_due = self._is_waiting = False
        self.tint = CostTint(scene)
        scene.addItem(self.tint)
        scene.arranged.connect(self.tint.update)
        editor.changed.connect(self._take_change)
        runner.snapshot_ready.connect(lambda _: self._put())
        runner.answered.connect(self._take)

    def toggle(self) -> None:
        """Look through it, or put it away."""
        self.is_on = not self.is_on
        self._show(None)
        self._is_due, self._is_waiting = self.is_on, False
        self._put()

    def _take_change(self, change: Change) -> None:
        if "reset" in change.kinds or change.replans:
            self._show(None)
            self._is_waiting = False  # of the former graph nothing is answered any more
            self._is_due = self.is_on  # with the first snapshot of the new one
        elif self._is_waiting:
            self._is_waiting, self._is_due = False, True

    def _put(self) -> None:
        if not self._is_due or self._is_waiting:
            return
        self._is_due, self._is_waiting = False, True
        self._asked += 1
        question = self._asked
        self._runner.ask(QUESTION, lambda session: measured(session, question))

    def _take(self, _: str, answer: object) -> None:
        if isinstance(answer, Costs) and answer.question == self._asked and self._is_waiting:
            self._is_waiting = False
            self._show(answer)

    def _show(self, costs: Costs | None) -> None:
        self.costs = costs
        self.tint.show_costs(costs.by_node if costs is not None else {})
        self.changed.emit()


class CostTint(QGraphicsItem):
    """Dear nodes glow, and below each stands its share and its time."""

    def __init__(self, scene: CanvasScene) -> None:
        super().__init__()
        self._scene = scene
        self._costs: Mapping[str, float] = {}
        self.setZValue(LENS_Z)
        self.setVisible(False)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)

    def show_costs(self, costs: Mapping[str, float]) -> None:
        """Nanoseconds by node; none takes the tint away."""
        self._costs = costs
        self.setVisible(bool(costs))
        self.update()

    def boundingRect(self) -> QRectF:
        """Anywhere: it need not follow every move."""
        return self._scene.sceneRect()

    def shape(self) -> QPainterPath:
        """Nothing for the mouse."""
        return QPainterPath()

    def text_of(self, node: str) -> str:
        """What stands below a node."""
        ns, total = self._costs.get(node, 0.0), sum(self._costs.values())
        share = 100 * ns / total if total else 0.0
        return f"{share:.0f} % · {time_text(ns)}" if share >= 1 else time_text(ns)

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """The tints of all nodes, and the words where they can be read."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        dearest = max(self._costs.values(), default=0.0)
        is_near = zoom_of(painter) >= TEXT_FROM
        for name, ns in self._costs.items():
            if name not in self._scene.nodes or not ns:
                continue
            body = self._scene.body_of(name)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(ink().colour("warn", round(FAINTEST + (STRONGEST - FAINTEST) * ns / dearest, 2)))
            painter.drawRoundedRect(body, RADIUS, RADIUS)
            if is_near:
                self._paint_words(painter, self.text_of(name), body)

    def _paint_words(self, painter: QPainter, text: str, body: QRectF) -> None:
        words = metrics("caption")
        width, height = words.horizontalAdvance(text) + 2 * PAD, words.height() + 4
        pill = QRectF(-width / 2, GAP, width, height)
        painter.save()
        painter.translate(body.center().x(), body.bottom())
        larger = max(1.0, 1.0 / zoom_of(painter))  # from afar the words stay as large as they are on the screen
        painter.scale(larger, larger)
        painter.setPen(ink().pen("warn", 1.0, alpha=0.6))
        painter.setBrush(ink().colour("surface"))
        painter.drawRoundedRect(pill, height / 2, height / 2)
        painter.setPen(ink().colour("text"))
        painter.setFont(font("caption"))
        painter.drawText(pill, Qt.AlignmentFlag.AlignCenter, text)
        painter.restore()


def time_text(ns: float) -> str:
    """Nanoseconds, or what is easier to read."""
    for size, unit in ((1e6, "ms"), (1e3, "µs")):
        if ns >= size:
            return f"{number_text(ns / size, digits=2)} {unit}"
    return f"{ns:.0f} ns"
