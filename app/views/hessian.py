"""The curvature of the loss, live: the Hessian of a small network as a heat map, and its eigenvalues."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QWidget

from app.views.asking import AskingView
from app.views.axes import Array
from app.views.choices import choice
from app.views.entries import Entry, entry_title
from app.views.hessian_plot import HessianPlot
from engine.composites import node_at, title_at
from engine.problems import Problem, ProblemError

if TYPE_CHECKING:
    from app.editor import Change, Editor
    from app.runner import Runner
    from engine.analysis.curvature import Spectrum
    from engine.session import Session
    from engine.snapshot import Snapshot

MOST = 350  # parameters: a product of the Hessian for each of them
MOST_ROWS = 256  # of the data
ALL = "all parameters"


@dataclass(frozen=True)
class Curved:
    """The Hessian as it stood at an iteration, with its eigenvalues, and what its rows and columns are."""

    iteration: int
    hessian: Array
    spectrum: Spectrum
    entries: tuple[Entry, ...]
    shapes: dict[str, tuple[int, ...]]


def measured(session: Session, nodes: tuple[str, ...]) -> Curved:
    """The Hessian by the parameters of some nodes, or by all. Raises `ProblemError` where these are too many."""
    from engine.analysis.curvature import Curvature, full_spectrum

    curvature = Curvature(session, parameters=nodes, most_rows=MOST_ROWS)
    if curvature.size > MOST:
        count = f"{curvature.size:,}".replace(",", "\u202f")
        fact = f"the Hessian of {count} parameters is too large to be drawn while training runs"
        raise ProblemError(Problem(fact, f"Choose a layer with at most {MOST} of them above.", kind="size"))
    hessian = curvature.hessian()
    entries = tuple(Entry(entry.address, entry.position) for entry in curvature.entries)
    shapes = {span.address: span.shape for span in curvature.layout.spans}
    return Curved(curvature.iteration, hessian, full_spectrum(hessian), entries, shapes)


class HessianView(AskingView):
    """Of all parameters, or of one node's, chosen in the head."""

    kind, title, icon = "hessian", "Hessian", "grid-3x3"
    first = "Measuring the curvature."

    def __init__(self, editor: Editor, runner: Runner | None = None, parent: QWidget | None = None) -> None:
        super().__init__(editor, runner, parent)
        self._offered: tuple[tuple[str, str], ...] = ()
        self.of = choice("Parameters", "By whose parameters the loss is differentiated twice", self._choose, letters=10)
        self.of.addItem(ALL, "")
        self.add_tool(self.of)

    def make_body(self) -> QWidget:
        """The plot."""
        return HessianPlot()

    @property
    def plot(self) -> HessianPlot:
        """The body."""
        body = self.body
        assert isinstance(body, HessianPlot)
        return body

    def measure(self) -> Callable[[Session], object]:
        """The Hessian by what is chosen."""
        nodes = (str(self.of.currentData()),) if self.of.currentData() else ()
        return lambda session: measured(session, nodes)

    def feed(self, snapshot: Snapshot) -> str:
        """Offer the nodes that have parameters, and have the curvature measured."""
        self._offer(snapshot)
        return super().feed(snapshot)

    def fill(self, found: Any) -> str:
        """The map and the bars."""
        curved: Curved | None = found
        if curved is None:
            self.plot.show_curvature(None, None, [])
            return ""
        document = self.editor.document
        names = [entry_title(document, entry, curved.shapes[entry.key]) for entry in curved.entries]
        self.plot.show_curvature(curved.hessian, curved.spectrum, names)
        return ""

    # choosing --------------------------------------------------------------------------------------------------------

    def _offer(self, snapshot: Snapshot) -> None:
        graph = self.editor.document.graph
        names = dict.fromkeys(address.partition(".")[0] for address in snapshot.parameters)
        known = [name for name in names if node_at(graph, name) is not None]
        offered = tuple((name, title_at(graph, name).replace("_", " ")) for name in known)
        if offered == self._offered:
            return
        self._offered = offered
        self.of.clear()
        self.of.addItem(ALL, "")
        for name, title in offered:
            self.of.addItem(title, name)
        self._recall()

    def _choose(self, _: int) -> None:
        self.remember("Choose whose Hessian is shown", of=self.of.currentData())
        self.ask_again()

    def _recall(self) -> None:
        self.of.setCurrentIndex(max(0, self.of.findData(str(self.settings.get("of", "")))))

    def recall(self) -> None:
        """What the document remembers."""
        before = self.of.currentData()
        self._recall()
        if self.of.currentData() != before and self.snapshot is not None:
            self.ask_again()

    def document_changed(self, change: Change) -> None:
        """Another document: other parameters."""
        super().document_changed(change)
        if "reset" in change.kinds:
            self._offered = ()
