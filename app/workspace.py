"""The page on which a document is open: canvas in the middle, panels around it, views below, player at the bottom."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QDockWidget, QMainWindow, QVBoxLayout, QWidget

from app.canvas import CanvasView
from app.canvas.cost_lens import CostLens
from app.habits import take_habits
from app.panels.inspector import Inspector
from app.panels.palette import Palette
from app.panels.player import Player
from app.settings import Settings
from app.views.base import View
from app.views.desk import Desk
from app.views.dock import ViewDock

if TYPE_CHECKING:
    from app.editor import Editor
    from app.runner import Runner
    from engine.snapshot import Snapshot

PALETTE_WIDTH, INSPECTOR_WIDTH = 240, 384
ROOM_FOR_PALETTE = 1100  # pixels of width
LARGEST_WIDTH = 4000  # of a panel, whatever was remembered
LEFT, RIGHT = Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea
INSPECTOR_TABS = ("training", "data")


def focus_first(page: QWidget) -> None:
    """Give the keyboard to the first field of a page that takes it."""
    widget = page.nextInFocusChain()
    while widget is not None and widget is not page:
        takes = widget.focusPolicy() & Qt.FocusPolicy.TabFocus == Qt.FocusPolicy.TabFocus
        if page.isAncestorOf(widget) and takes and widget.isVisible() and widget.isEnabled():
            widget.setFocus(Qt.FocusReason.TabFocusReason)
            return
        widget = widget.nextInFocusChain()


class Workspace(QWidget):
    """Everything about one document. Panels are fed by snapshots while they can be seen."""

    def __init__(self, editor: Editor, runner: Runner, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._editor, self._runner = editor, runner
        self._snapshot: Snapshot | None = None
        self._widths = {"palette": PALETTE_WIDTH, "inspector": INSPECTOR_WIDTH}
        self._is_arranged = self._is_remembered = False
        self._inner = self._make_inner()
        self.canvas = CanvasView(editor, self._inner)
        take_habits(self.canvas, settings)
        self.cost_lens = CostLens(editor, runner, self.canvas.canvas)
        self.desk = Desk(editor, runner, self.canvas)
        self._inner.setCentralWidget(self.desk)
        self.canvas.parameter_dragged.connect(lambda key, array: runner.set_parameter(f"{editor.prefix}{key}", array))
        self.canvas.painted.connect(runner.release)
        self.canvas.run_to_asked.connect(runner.run_to)
        self.canvas.stops_changed.connect(runner.set_stops)
        self.panels: dict[str, QDockWidget] = {}
        self.palette_panel = Palette(editor, runner, settings)
        self.palette_panel.place_for = self.place
        self.canvas.composite_kept.connect(self.palette_panel.keep_composite)
        self.canvas.composite_dropped.connect(self.palette_panel.drop_composite)
        self.inspector = Inspector(editor, runner)
        self.canvas.emptied.connect(self.inspector.show_document)
        self.canvas.unit_touched.connect(self.inspector.node_page.follow_unit)
        self._dock("palette", "Nodes", self.palette_panel, LEFT)
        self._dock("inspector", "Inspector", self.inspector, RIGHT)
        self.player = Player(editor, runner)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._inner, 1)
        column.addWidget(self.player)
        runner.snapshot_ready.connect(self._keep)
        runner.snapshot_ready.connect(lambda snapshot: self.canvas.show_snapshot(editor.seen(snapshot)))
        runner.playing_changed.connect(self._note_playing)
        editor.path_changed.connect(self._show_again)
        runner.snapshot_ready.connect(self.player.show_snapshot)

    def _make_inner(self) -> QMainWindow:
        inner = QMainWindow(self)
        inner.setWindowFlags(Qt.WindowType.Widget)
        inner.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        return inner

    def _dock(self, name: str, title: str, panel: Palette | Inspector, area: Qt.DockWidgetArea) -> None:
        dock = QDockWidget(title, self._inner)
        dock.setObjectName(name)
        dock.setWidget(panel)
        dock.setTitleBarWidget(QWidget())  # panels bear their own head
        self._inner.addDockWidget(area, dock)
        self.panels[name] = dock
        show = getattr(panel, "show_snapshot", None)
        if show is not None:
            self._feed(dock, lambda snapshot: show(self._editor.seen(snapshot)))

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

    def _note_playing(self, playing: bool) -> None:
        self.canvas.follows_steps = not playing

    def _show_again(self, _: object) -> None:
        """From within a composite, or from outside again, the same numbers are called otherwise."""
        if self._snapshot is not None:
            seen = self._editor.seen(self._snapshot)
            self.canvas.show_snapshot(seen)
            self.inspector.show_snapshot(seen)

    # a document ------------------------------------------------------------------------------------------------------

    @property
    def views(self) -> dict[str, View]:
        """The open views by name; the first one of a type is called like it."""
        return {name: dock.view for name, dock in self.desk.docks.items()}

    @property
    def docks(self) -> dict[str, QDockWidget]:
        """What holds panels and views, by name."""
        return {**self.panels, **self.desk.docks}

    def start(self) -> None:
        """Another document was opened: nothing of the former one may stay on screen."""
        self._snapshot = None
        self.player.clear()
        self.desk.start()

    def stop(self) -> None:
        """Nothing moves any more: an animation must not outlive what it moves."""
        self.canvas.canvas.marks.travel([], "")

    # panels ----------------------------------------------------------------------------------------------------------

    def toggle_panel(self, name: str) -> None:
        """Show or hide a panel; `views` are all that lie under the canvas."""
        if name == "views":
            self.desk.show_docked(not self.is_shown(name))
        else:
            self.panels[name].setVisible(not self.is_shown(name))

    def is_shown(self, name: str) -> bool:
        """Whether a panel is on."""
        if name == "views":
            return any(not dock.isHidden() and not dock.isFloating() for dock in self.desk.docks.values())
        return not self.panels[name].isHidden()

    def show_panel(self, name: str) -> None:
        """Bring a panel to the front; `training` and `data` are pages of the inspector."""
        if name in INSPECTOR_TABS:
            self.inspector.show_tab(name)
            name = "inspector"
        if name == "views":
            self.desk.show_docked(True)
        elif name in self.panels:
            self.panels[name].show()
        else:
            self.desk.bring(name)

    def take_keyboard_to(self, name: str) -> None:
        """Let the keys go to the canvas, or to the first field of a page of the inspector; `selection` is that of a node."""
        if name == "canvas":
            self.canvas.setFocus(Qt.FocusReason.ShortcutFocusReason)
            return
        self.panels["inspector"].show()
        self.inspector.show_tab(name)
        if (page := self.inspector.pages.currentWidget()) is not None:
            focus_first(page)

    def showEvent(self, event: QShowEvent) -> None:
        """Sizes can be given only once there is room to share out."""
        super().showEvent(event)
        if not self._is_arranged:
            self._is_arranged = True
            if not self._is_remembered:
                # Where there is no room for both panels and a graph, nodes come from the search box at the cursor.
                self.panels["palette"].setHidden(self.width() < ROOM_FOR_PALETTE)
            self._inner.resizeDocks([*self.panels.values()], [*self._widths.values()], Qt.Orientation.Horizontal)

    def state(self) -> str:
        """Which panels are shown and how wide they are, as text."""
        panels = {name: [not dock.isHidden(), dock.width()] for name, dock in self.panels.items()}
        return json.dumps(panels) if self._is_arranged else ""

    def restore(self, state: str) -> None:
        """Let the panels be as they were; what cannot be read leaves them as they are."""
        try:
            found = json.loads(state) if state else {}
        except ValueError:  # of an earlier version
            return
        for name, dock in self.panels.items():
            match found.get(name) if isinstance(found, dict) else None:
                case [bool(shown), int(width)] if 0 < width <= LARGEST_WIDTH:
                    self._is_remembered = True
                    self._widths[name] = width
                    dock.setVisible(shown)

    # places ----------------------------------------------------------------------------------------------------------

    def place(self) -> tuple[float, float]:
        """Where the mouse was last on the canvas, in its coordinates; its middle when the mouse is elsewhere."""
        point = self.canvas.cursor_point()
        return point.x(), point.y()

    def locate(self, name: str) -> QRect | None:
        """Where a node (or its `node.port`), else a panel of that name stands, in this page's coordinates."""
        node = name.partition(".")[0]
        if node in self._editor.shown.graph.nodes:
            return self._rect_of_node(node)
        return self.locate_panel(name)

    def locate_panel(self, name: str) -> QRect | None:
        """Where a panel stands, in this page's coordinates; None where it is hidden. A node may bear the same name."""
        panels: dict[str, QWidget] = {"player": self.player, "canvas": self.canvas, **self.docks}
        widget = panels.get("inspector" if name in INSPECTOR_TABS else name)
        if isinstance(widget, ViewDock) and (widget.isFloating() or not widget.is_seen):
            return None
        if widget is None or not widget.isVisible():
            return None
        return QRect(widget.mapTo(self, QPoint(0, 0)), widget.size())

    def _rect_of_node(self, node: str) -> QRect | None:
        port = self.canvas.viewport()
        rect = self.canvas.rectangle_on_screen(self.canvas.canvas.area_of(node))
        if not rect.intersects(port.rect()):
            return None
        return QRect(port.mapTo(self, rect.topLeft()), rect.size())
