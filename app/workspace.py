"""The page on which a document is open: canvas in the middle, panels around it, views below, player at the bottom."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QByteArray, QPoint, QRect, Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QDockWidget, QMainWindow, QVBoxLayout, QWidget

from app.canvas import CanvasView
from app.panels.inspector import Inspector
from app.panels.palette import Palette
from app.panels.player import Player
from app.settings import Settings
from app.views import VIEWS

if TYPE_CHECKING:
    from app.editor import Change, Editor
    from app.runner import Runner
    from engine.document import Document
    from engine.snapshot import Snapshot

PALETTE_WIDTH, INSPECTOR_WIDTH = 240, 384
ROOM_FOR_PALETTE = 1100  # pixels of width
VIEWS_SHARE = 0.31  # of the height
LEFT, RIGHT, BOTTOM = (
    Qt.DockWidgetArea.LeftDockWidgetArea,
    Qt.DockWidgetArea.RightDockWidgetArea,
    Qt.DockWidgetArea.BottomDockWidgetArea,
)
USUAL_VIEWS = ("loss", "boundary")  # of a document that names none
INSPECTOR_TABS = ("training", "data")


class Workspace(QWidget):
    """Everything about one document. Panels are fed by snapshots while they can be seen."""

    def __init__(self, editor: Editor, runner: Runner, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._editor, self._runner = editor, runner
        self._snapshot: Snapshot | None = None
        self._is_arranged = False
        self._inner = self._make_inner()
        self.canvas = CanvasView(editor, self._inner)
        self._inner.setCentralWidget(self.canvas)
        self.canvas.parameter_dragged.connect(runner.set_parameter)
        self.canvas.node_opened.connect(lambda _: self.show_panel("inspector"))
        self.docks: dict[str, QDockWidget] = {}
        self.palette_panel = Palette(editor, runner, settings)
        self.palette_panel.place_for = self.place
        self.inspector = Inspector(editor, runner)
        self._dock("palette", "Nodes", self.palette_panel, LEFT)
        self._dock("inspector", "Inspector", self.inspector, RIGHT)
        self.views = {name: kind(editor, runner) for name, kind in VIEWS.items()}
        for name, view in self.views.items():
            self._dock(name, view.title, view, BOTTOM)
        editor.changed.connect(self._follow)
        self.player = Player(editor, runner)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._inner, 1)
        column.addWidget(self.player)
        runner.snapshot_ready.connect(self._keep)
        runner.snapshot_ready.connect(self.canvas.show_snapshot)
        runner.snapshot_ready.connect(self.player.show_snapshot)
        # Before the first layout: all views at once would leave palette and inspector no room.
        self._show_views()

    def _make_inner(self) -> QMainWindow:
        inner = QMainWindow()
        inner.setWindowFlags(Qt.WindowType.Widget)
        inner.setDockNestingEnabled(True)
        inner.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        # Palette and inspector reach down to the player; the views lie under the canvas alone.
        inner.setCorner(Qt.Corner.BottomLeftCorner, LEFT)
        inner.setCorner(Qt.Corner.BottomRightCorner, RIGHT)
        return inner

    def _dock(self, name: str, title: str, panel: QWidget, area: Qt.DockWidgetArea) -> QDockWidget:
        dock = QDockWidget(title)
        dock.setObjectName(name)
        dock.setWidget(panel)
        dock.setTitleBarWidget(QWidget())  # panels bear their own head
        self._inner.addDockWidget(area, dock)
        self.docks[name] = dock
        show = getattr(panel, "show_snapshot", None)
        if show is not None:
            self._feed(dock, show)
        return dock

    def _feed(self, dock: QDockWidget, show: Callable[[Any], None]) -> None:
        """Hand snapshots to a panel while it can be seen, and the last one when it comes into sight."""

        def pass_on(snapshot: Snapshot) -> None:
            if dock.isVisible():
                show(snapshot)

        def catch_up(visible: bool) -> None:
            if visible and self._snapshot is not None:
                show(self._snapshot)

        self._runner.snapshot_ready.connect(pass_on)
        dock.visibilityChanged.connect(catch_up)

    def _keep(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    # a document ------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Another document was opened: nothing of the former one may stay on screen."""
        self._snapshot = None
        self.player.clear()
        self._show_views()

    def _follow(self, change: Change) -> None:
        if change.touches("views"):
            self._show_views()

    def _show_views(self) -> None:
        """The views that the document asks for, side by side."""
        wanted = views_of(self._editor.document)
        for name in self.views:
            if not self.docks[name].isFloating():
                self.docks[name].setVisible(name in wanted)
        self._share_out_views()

    def toggle_view(self, name: str) -> None:
        """Add a view to the document, or take it out; it is saved with it."""
        document = self._editor.document
        if name in views_of(document):
            left = [entry for entry in views_of(document) if entry != name]
            # No entry at all would mean: the usual ones.
            views = [entry for entry in document.views if entry.get("type") in left] or [
                {"type": each} for each in left
            ]
            self._editor.set_attribute("views", views or [{"type": "none"}])
        else:
            kept = document.views or [{"type": each} for each in USUAL_VIEWS]
            self._editor.set_attribute("views", [*(e for e in kept if e.get("type") != "none"), {"type": name}])

    def stop(self) -> None:
        """Nothing moves any more: an animation must not outlive what it moves."""
        self.canvas.canvas.marks.travel([], "")

    # panels ----------------------------------------------------------------------------------------------------------

    def toggle_panel(self, name: str) -> None:
        """Show or hide a panel; `views` are all that lie under the canvas."""
        docks = self._docks(name)
        shown = not self.is_shown(name)
        for dock in docks:
            dock.setVisible(shown)

    def is_shown(self, name: str) -> bool:
        """Whether a panel is on."""
        return any(not dock.isHidden() for dock in self._docks(name))

    def show_panel(self, name: str) -> None:
        """Bring a panel to the front; `training` and `data` are pages of the inspector."""
        if name in INSPECTOR_TABS:
            self.inspector.show_tab(name)
            name = "inspector"
        for dock in self._docks(name):
            dock.show()
            dock.raise_()

    def _docks(self, name: str) -> list[QDockWidget]:
        if name == "views":
            wanted = views_of(self._editor.document)
            return [self.docks[view] for view in self.views if view in wanted]
        return [self.docks[name]] if name in self.docks else []

    def showEvent(self, event: QShowEvent) -> None:
        """Sizes can be given only once there is room to share out."""
        super().showEvent(event)
        if not self._is_arranged:
            self._is_arranged = True
            # Where there is no room for both panels and a graph, nodes come from the search box at the cursor.
            self.docks["palette"].setHidden(self.width() < ROOM_FOR_PALETTE)
            self._share_out()

    def _share_out(self) -> None:
        sides = [self.docks["palette"], self.docks["inspector"]]
        self._inner.resizeDocks(sides, [PALETTE_WIDTH, INSPECTOR_WIDTH], Qt.Orientation.Horizontal)
        self._share_out_views()

    def _share_out_views(self) -> None:
        docks = [dock for dock in self._docks("views") if not dock.isHidden() and not dock.isFloating()]
        if docks and self._is_arranged:
            height = round(VIEWS_SHARE * self.height())
            self._inner.resizeDocks(docks, [height] * len(docks), Qt.Orientation.Vertical)
            self._inner.resizeDocks(docks, [1000] * len(docks), Qt.Orientation.Horizontal)

    def state(self) -> str:
        """Where the panels stand, as text."""
        return self._inner.saveState().toHex().toStdString()

    def restore(self, state: str) -> None:
        """Put the panels where they stood; anything unreadable leaves them as they are."""
        if state:
            self._is_arranged = self._inner.restoreState(QByteArray.fromHex(state.encode()))
            self._show_views()

    # places ----------------------------------------------------------------------------------------------------------

    def place(self) -> tuple[float, float]:
        """Where the mouse was last on the canvas, in its coordinates; its middle when the mouse is elsewhere."""
        point = self.canvas.cursor_point()
        return point.x(), point.y()

    def locate(self, name: str) -> QRect | None:
        """Where a node (or its `node.port`), else a panel of that name stands, in this page's coordinates."""
        node = name.partition(".")[0]
        if node in self._editor.document.graph.nodes:
            return self._rect_of_node(node)
        return self.locate_panel(name)

    def locate_panel(self, name: str) -> QRect | None:
        """Where a panel stands, in this page's coordinates; None where it is hidden. A node may bear the same name."""
        panels: dict[str, QWidget] = {"player": self.player, "canvas": self.canvas, **self.docks}
        widget = panels.get("inspector" if name in INSPECTOR_TABS else name)
        if widget is None or not widget.isVisible():
            return None
        return QRect(widget.mapTo(self, QPoint(0, 0)), widget.size())

    def _rect_of_node(self, node: str) -> QRect | None:
        port = self.canvas.viewport()
        rect = self.canvas.rectangle_on_screen(self.canvas.canvas.area_of(node))
        if not rect.intersects(port.rect()):
            return None
        return QRect(port.mapTo(self, rect.topLeft()), rect.size())


def views_of(document: Document) -> list[str]:
    """Names of the views that a document shows."""
    named = [str(entry.get("type")) for entry in document.views]
    return [name for name in named if name in VIEWS] if named else list(USUAL_VIEWS)
