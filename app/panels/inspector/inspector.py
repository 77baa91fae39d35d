"""The inspector: the selected node (or the document), the training plan, the data; one tab each."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QFrame, QScrollArea, QStackedWidget, QTabBar, QVBoxLayout, QWidget

from app.panels.fields.section import Section, words
from app.panels.inspector.document_page import DocumentPage, counted
from app.panels.inspector.node_page import NodePage

if TYPE_CHECKING:
    from app.editor import Change, Editor
    from app.panels.data import DataPanel
    from app.panels.training import TrainingPanel
    from app.runner import Runner
    from engine.snapshot import Snapshot

Page = TypeVar("Page", bound=QWidget)

WIDTH, NARROWEST = 384, 340
TABS = ("selection", "training", "data")
WATCHED = 12.0  # nodes per second up to which playing can be read along


class Inspector(QFrame):
    """Fed by snapshots; edits go to the editor, numbers under a hand to the runner."""

    def __init__(self, editor: Editor, runner: Runner | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._editor, self._runner = editor, runner
        self._snapshot: Snapshot | None = None
        self._pinned = ""
        self._stepped = ""  # the node just stepped: shown while nothing is selected
        self.setProperty("panel", "surface")
        self.setMinimumWidth(NARROWEST)
        self.tabs = QTabBar(self)
        self.tabs.setDrawBase(False)
        self.tabs.setExpanding(False)
        self.tabs.setAccessibleName("Inspector")
        for title in ("Document", "Training", "Data"):
            self.tabs.addTab(title)
        # Whatever moves to another parent is styled anew with all it holds: from the top down it moves once.
        self.pages = QStackedWidget(self)
        self.document_page = self._add(DocumentPage(editor))
        self.node_page = self._add(NodePage(editor, runner))
        self.several = self._add(Section("Selection"))
        self._several_words = words("", "2")
        self.several.body.addWidget(self._several_words)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.tabs)
        column.addWidget(self.pages, 1)
        self.tabs.currentChanged.connect(self._turn)
        self.document_page.asked.connect(self.show_tab)
        self.node_page.data_asked.connect(lambda: self.show_tab("data"))
        self.node_page.pinned.connect(self._pin)
        editor.selection_changed.connect(self._choose)
        editor.changed.connect(self._follow)
        editor.path_changed.connect(self._look_elsewhere)
        self._select()

    def sizeHint(self) -> QSize:
        return QSize(WIDTH, 600)

    @cached_property
    def training_panel(self) -> TrainingPanel:
        """Built when somebody first turns to it: it takes as long as the rest of the inspector."""
        from app.panels.training import TrainingPanel

        return self._add(TrainingPanel(self._editor, self._runner))

    @cached_property
    def data_panel(self) -> DataPanel:
        """Built when somebody first turns to it."""
        from app.panels.data import DataPanel

        return self._add(DataPanel(self._editor, self._runner))

    def _add(self, page: Page) -> Page:
        area = scrolled(page, self.pages)
        self.pages.addWidget(area)
        return page

    # which page ------------------------------------------------------------------------------------------------------

    def show_tab(self, name: str) -> None:
        """Turn to "selection", "training" or "data"."""
        self.tabs.setCurrentIndex(TABS.index(name))

    def _turn(self, _: int = 0) -> None:
        page = self._page_of_tab(TABS[self.tabs.currentIndex()])
        for index in range(self.pages.count()):
            if self.pages.widget(index).widget() is page:
                self.pages.setCurrentIndex(index)
        if self._snapshot is not None:
            self.show_snapshot(self._snapshot)

    def _page_of_tab(self, name: str) -> QWidget:
        if name == "training":
            return self.training_panel
        return self.data_panel if name == "data" else self._page_of_selection()

    def _page_of_selection(self) -> QWidget:
        names = self._nodes()
        return self.document_page if not names else self.node_page if len(names) == 1 else self.several

    def _nodes(self) -> list[str]:
        graph = self._editor.shown.graph
        if self._pinned in graph.nodes:
            return [self._pinned]
        selection = self._editor.selection
        chosen = [name for name in graph.nodes if name in selection]
        if not chosen and len(selection) == 1:
            source = next(iter(selection)).partition(">")
            chosen = [source[0].partition(".")[0]] if source[1] and source[0].partition(".")[0] in graph.nodes else []
        if not chosen and not selection and self._stepped in graph.nodes:
            return [self._stepped]
        return chosen

    def show_document(self) -> None:
        """Who clicks on the empty canvas wants the document, until the next step."""
        self._choose()

    def _choose(self, _: object = None) -> None:
        self._stepped = ""
        self._select()

    def _step(self, before: Snapshot | None, snapshot: Snapshot) -> None:
        """Turn to the node just stepped, unless another one was chosen or it goes too fast to be read."""
        if self._editor.selection or self._pinned or _moment(before) == _moment(snapshot):
            return
        playing = self._runner is not None and self._runner.playing
        if playing and not 0 < snapshot.rate * len(snapshot.steps) <= WATCHED:
            return
        stepped = snapshot.last_step.node if snapshot.last_step is not None else ""
        # The first snapshot of a document that was played before tells of no step that anybody has seen.
        if stepped != self._stepped and (before is not None or not stepped):
            self._stepped = stepped
            self._select()

    def _select(self, _: object = None) -> None:
        names = self._nodes()
        if len(names) == 1:
            self.node_page.show_node(names[0])
        elif self._runner is not None:
            self._runner.focus(None)
        graph = self._editor.shown.graph
        listed = ", ".join(graph.nodes[name].name for name in names[:12]) + (" …" if len(names) > 12 else "")
        self._several_words.setText(f"{counted(len(names), 'node')}: {listed}. Select one to read its formula.")
        self.tabs.setTabText(0, "Node" if len(names) == 1 else "Selection" if names else "Document")
        self._turn()

    def _pin(self, on: bool) -> None:
        shown = self.node_page.node
        self._pinned = shown.id if on and shown is not None else ""
        self._select()

    # following -------------------------------------------------------------------------------------------------------

    def _look_elsewhere(self, _: object = None) -> None:
        """Another document, or another level of this one: what was looked at is not there."""
        self._snapshot, self._pinned, self._stepped = None, "", ""
        self.node_page.pin.setChecked(False)
        self.node_page.forget()
        self._select()

    def _follow(self, change: Change) -> None:
        if "reset" in change.kinds:
            self._look_elsewhere()
        elif self.node_page.node is None and self._page_of_selection() is not self.pages.currentWidget().widget():
            self._select()
        self.node_page.follow(change)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show another moment on the page that can be seen."""
        before, self._snapshot = self._snapshot, snapshot
        self._step(before, snapshot)
        page = self.pages.currentWidget().widget()
        if page is not self.several:
            page.show_snapshot(snapshot)


def _moment(snapshot: Snapshot | None) -> tuple[object, ...]:
    return () if snapshot is None else (snapshot.iteration, snapshot.last_step)


def scrolled(page: QWidget, parent: QWidget) -> QScrollArea:
    """A page that scrolls up and down, never sideways."""
    area = QScrollArea(parent)
    area.setWidget(page)
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    return area
