"""Gradients and updates layer by layer: where the light that goes back grows faint, and how far each layer moves."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QElapsedTimer, QTimer
from PySide6.QtWidgets import QButtonGroup, QWidget

from app.views.base import View
from app.views.entries import parameter_title
from app.views.flow_plot import FlowPlot, Row
from engine.problems import Problem, ProblemError

if TYPE_CHECKING:
    from app.editor import Change, Editor
    from app.runner import Runner
    from engine.analysis.layers import Flow, ParameterFlow
    from engine.session import Session
    from engine.snapshot import Snapshot

QUESTION = "gradient flow"
BETWEEN_MS = 100  # ten pictures a second, fewer where one costs more than a tenth of that
SPARED = 10  # of the worker's time at most one part in so many
MODES = {"parameters": "Of parameters: weights, gradients, updates", "signals": "Of outputs: values, gradients"}
ICONS = {"parameters": "table-2", "signals": "activity"}
NO_LOSS = "There is no loss to differentiate yet. Place one, wire it, and choose it under Training."
FIRST = "Measuring the first iteration."


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What one question brought: the flow, or why there is none, and what it cost."""

    question: int
    seconds: float
    flow: Flow | None = None
    problem: Problem | None = None


def measured(session: Session, question: int) -> Answer:
    """One iteration, played on a copy in the worker's thread."""
    from engine.analysis.layers import flow

    begun = time.perf_counter()
    try:
        found = flow(session)
    except ProblemError as error:
        return Answer(question=question, seconds=time.perf_counter() - begun, problem=error.problems[0])
    return Answer(question=question, seconds=time.perf_counter() - begun, flow=found)


class FlowView(View):
    """Asks the runner to play one iteration on a copy, every now and then while training runs."""

    kind, title, icon = "flow", "Gradient flow", "waves"

    def __init__(self, editor: Editor, runner: Runner | None = None, parent: QWidget | None = None) -> None:
        super().__init__(editor, runner, parent)
        self.found: Answer | None = None
        self.mode = "parameters"
        self._asked = 0
        self._is_due = self._is_waiting = False
        self._since = QElapsedTimer()
        self._later = QTimer(self, singleShot=True)
        self._later.timeout.connect(self._put)
        self.modes = QButtonGroup(self)
        for place, (mode, help) in enumerate(MODES.items()):
            button = self._tool(ICONS[mode], help, lambda _=False, name=mode: self.choose(name))
            button.setCheckable(True)
            self.modes.addButton(button, place)
            self.add_tool(button)
        self._check(self.mode)
        if runner is not None:
            runner.answered.connect(self._take)

    def make_body(self) -> QWidget:
        """The plot."""
        plot = FlowPlot()
        plot.chosen.connect(self._go_to)
        return plot

    @property
    def plot(self) -> FlowPlot:
        """The body."""
        body = self.body
        assert isinstance(body, FlowPlot)
        return body

    # asking ----------------------------------------------------------------------------------------------------------

    @property
    def is_waiting(self) -> bool:
        """Whether an answer is on its way, or will be asked for."""
        return self._is_waiting or self._is_due

    def feed(self, snapshot: Snapshot) -> str:
        """Have the iteration of this moment measured; what was measured last stays meanwhile."""
        nodes = self.editor.document.graph.nodes
        if not any(phase.objective.partition(".")[0] in nodes for phase in self.editor.document.training.phases):
            return NO_LOSS
        self._is_due = self.runner is not None
        self._put()
        return self._missing()

    def _missing(self) -> str:
        if self.found is None:
            return FIRST
        if self.found.problem is not None:
            return str(self.found.problem)
        return "" if self.plot.rows else "No derivative reaches anything here. Wire the loss to a layer."

    def _put(self) -> None:
        """Ask, unless an answer is still on its way or the last one was just now."""
        if not self._is_due or self._is_waiting or self.runner is None:
            return
        cost = self.found.seconds if self.found is not None else 0.0
        rest = max(BETWEEN_MS, int(1000 * SPARED * cost)) - self._since.elapsed() if self._since.isValid() else 0
        if rest > 0:
            if not self._later.isActive():
                self._later.start(rest)
            return
        self._is_due, self._is_waiting = False, True
        self._asked += 1
        self._since.start()
        question = self._asked
        self.runner.ask(f"{QUESTION} · {self.id}", lambda session: measured(session, question))

    def _take(self, _: str, answer: object) -> None:
        if not isinstance(answer, Answer) or answer.question != self._asked or not self._is_waiting:
            return
        self._is_waiting = False
        self.show_answer(answer)
        self._put()

    def document_changed(self, change: Change) -> None:
        """What was asked of the former graph is not answered any more; the next snapshot asks anew."""
        self._is_waiting = False
        if "reset" in change.kinds:
            self.found, self._is_due = None, False
            if self._body is not None:
                self.plot.show_rows([], self.mode)
        elif self.snapshot is not None and not change.replans:
            self._is_due = self.runner is not None
            QTimer.singleShot(0, self, self._put)

    # showing ---------------------------------------------------------------------------------------------------------

    def show_answer(self, answer: Answer) -> None:
        """Paint what was measured."""
        self.found = answer
        self._fill()
        self.set_reason(self._missing())
        self._say()

    def describe(self, snapshot: Snapshot) -> str:
        """Of which iteration it is, where that is another one."""
        flow = self.found.flow if self.found is not None else None
        return f"measured at {flow.iteration}" if flow is not None and flow.iteration != snapshot.iteration else ""

    def _fill(self) -> None:
        flow = self.found.flow if self.found is not None else None
        rows: list[Row] = []
        if flow is not None and self.mode == "parameters":
            rows = [self._parameter_row(entry) for entry in flow.parameters]
        elif flow is not None:
            rows = [
                Row(entry.address, self._title(entry.address), entry.value, entry.gradient) for entry in flow.signals
            ]
        self.plot.show_rows(rows, self.mode)

    def _parameter_row(self, entry: ParameterFlow) -> Row:
        title, root = parameter_title(self.editor.document, entry.address), entry.entries**0.5
        return Row(
            entry.address, title, entry.length / root, entry.gradient / root, entry.update / root, entry.update_ratio
        )

    def _title(self, address: str) -> str:
        """What a node is called, and its output where it has several."""
        node = self.editor.document.graph.nodes.get(address.partition(".")[0])
        is_only = node is None or node.kind is None or len(node.kind.outputs) == 1
        title = parameter_title(self.editor.document, address)
        return title.rpartition(" · ")[0] if is_only else title

    def _go_to(self, address: str) -> None:
        """A click on a row selects the node it belongs to."""
        node = address.partition(".")[0]
        if node in self.editor.document.graph.nodes:
            self.editor.select([node])

    # choosing --------------------------------------------------------------------------------------------------------

    def choose(self, mode: str) -> None:
        """Show parameters or signals; the document remembers it."""
        self._check(mode)
        self._fill()
        if self.found is not None:
            self.set_reason(self._missing())
        self.remember("Choose what the gradient flow shows", of=mode)

    def _check(self, mode: str) -> None:
        if mode in MODES:
            self.mode = mode
            self.modes.button(list(MODES).index(mode)).setChecked(True)

    def recall(self) -> None:
        """What the document remembers."""
        self._check(str(self.settings.get("of", "parameters")))
        if self.found is not None:
            self._fill()
