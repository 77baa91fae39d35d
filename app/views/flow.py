"""Gradients and updates layer by layer: where the light that goes back grows faint, and how far each layer moves."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QButtonGroup, QWidget

from app.views.asking import AskingView
from app.views.entries import parameter_title
from app.views.flow_plot import FlowPlot, Row
from engine.composites import node_at

if TYPE_CHECKING:
    from app.editor import Editor
    from app.runner import Runner
    from engine.analysis.layers import Flow, ParameterFlow
    from engine.session import Session

MODES = {"parameters": "Of parameters: weights, gradients, updates", "signals": "Of outputs: values, gradients"}
ICONS = {"parameters": "table-2", "signals": "activity"}


def measured(session: Session) -> Flow:
    """One iteration, played on a copy in the worker's thread."""
    from engine.analysis.layers import flow

    return flow(session)


class FlowView(AskingView):
    """One iteration played on a copy, every now and then while training runs."""

    kind, title, icon = "flow", "Gradient flow", "waves"

    def __init__(self, editor: Editor, runner: Runner | None = None, parent: QWidget | None = None) -> None:
        super().__init__(editor, runner, parent)
        self.mode = "parameters"
        self.modes = QButtonGroup(self)
        for place, (mode, help) in enumerate(MODES.items()):
            button = self._tool(ICONS[mode], help, lambda _=False, name=mode: self.choose(name))
            button.setCheckable(True)
            self.modes.addButton(button, place)
            self.add_tool(button)
        self._check(self.mode)

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

    def measure(self) -> Callable[[Session], object]:
        """The flow of an iteration."""
        return measured

    def fill(self, found: Any) -> str:
        """A row for each parameter, or for each output."""
        flow: Flow | None = found
        rows: list[Row] = []
        if flow is not None and self.mode == "parameters":
            rows = [self._parameter_row(entry) for entry in flow.parameters]
        elif flow is not None:
            rows = [
                Row(entry.address, self._title(entry.address), entry.value, entry.gradient) for entry in flow.signals
            ]
        self.plot.show_rows(rows, self.mode)
        return "" if rows else "No derivative reaches anything here. Wire the loss to a layer."

    def _parameter_row(self, entry: ParameterFlow) -> Row:
        title, root = parameter_title(self.editor.document, entry.address), entry.entries**0.5
        return Row(
            entry.address, title, entry.length / root, entry.gradient / root, entry.update / root, entry.update_ratio
        )

    def _title(self, address: str) -> str:
        """What a node is called, and its output where it has several."""
        node = node_at(self.editor.document.graph, address.partition(".")[0])
        is_only = node is None or node.kind is None or len(node.kind.outputs) == 1
        title = parameter_title(self.editor.document, address)
        return title.rpartition(" · ")[0] if is_only else title

    def _go_to(self, address: str) -> None:
        """A click on a row selects the node it belongs to."""
        name = self.editor.reveal(address.partition(".")[0])
        if name is not None:
            self.editor.select([name])

    # choosing --------------------------------------------------------------------------------------------------------

    def choose(self, mode: str) -> None:
        """Show parameters or signals; the document remembers it."""
        self._check(mode)
        self._refill()
        self.remember("Choose what the gradient flow shows", of=mode)

    def _check(self, mode: str) -> None:
        if mode in MODES:
            self.mode = mode
            self.modes.button(list(MODES).index(mode)).setChecked(True)

    def _refill(self) -> None:
        if self.answer is not None:
            self.set_reason(self.reason_of_answer())

    def recall(self) -> None:
        """What the document remembers."""
        self._check(str(self.settings.get("of", "parameters")))
        self._refill()
