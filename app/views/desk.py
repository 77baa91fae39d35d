"""The canvas and the views of the document around it: docked, in tabs or torn off, as the document says."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QTimer, Signal
from PySide6.QtCore import Qt as Q
from PySide6.QtGui import QAction, QHideEvent, QMouseEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QApplication, QMainWindow, QTabWidget, QWidget

from app.views import VIEWS
from app.views.dock import ViewDock
from app.views.places import (
    SIDES,
    Block,
    Place,
    Rect,
    bounds,
    divide,
    docked,
    joined,
    outline,
    parts_of,
    side_by_side,
)
from app.views.wanted import entries_of, free_name, listed

if TYPE_CHECKING:
    from app.editor import Change, Editor
    from app.runner import Runner
    from engine.snapshot import Snapshot

AREAS = {
    "left": Q.DockWidgetArea.LeftDockWidgetArea,
    "top": Q.DockWidgetArea.TopDockWidgetArea,
    "right": Q.DockWidgetArea.RightDockWidgetArea,
    "bottom": Q.DockWidgetArea.BottomDockWidgetArea,
}
ACROSS, DOWN = Q.Orientation.Horizontal, Q.Orientation.Vertical
DIVIDER = "qt_qmainwindow_extended_splitter"  # the name that Qt gives to what it lays over a hairline
SETTLE_MS = 60  # after the last move of a dock, and the mouse is asked whether it let go


class Desk(QMainWindow):
    """Shows the views that the document names. What a hand does to them becomes a step of the document.

    Opening and closing, docking and tearing off are steps; sizes and places of windows are not, as little as the
    camera: `keep_sizes` writes them down when the document is saved.
    """

    filled = Signal()  # a view has come to show something
    _is_dividing = False  # read by events that come before there is anything to divide

    def __init__(self, editor: Editor, runner: Runner, centre: QWidget) -> None:
        super().__init__()
        self.setWindowFlags(Q.WindowType.Widget)
        self.setContextMenuPolicy(Q.ContextMenuPolicy.NoContextMenu)
        self.setDockOptions(QMainWindow.DockOption.AllowNestedDocks | QMainWindow.DockOption.AllowTabbedDocks)
        self.setTabPosition(Q.DockWidgetArea.AllDockWidgetAreas, QTabWidget.TabPosition.North)
        self.setCentralWidget(centre)
        self._editor, self._runner = editor, runner
        self.docks: dict[str, ViewDock] = {}  # by the name of the view, in the order of the document
        self.shortcuts: list[QAction] = []  # that a torn-off window takes along
        self.is_shown = True  # the docked ones, together
        self._snapshot: Snapshot | None = None
        self._saved: dict[str, Place | None] = {}  # as the document has them
        self._places: dict[str, Place] = {}  # as they were put, or as a hand left them
        self._is_by_hand = False  # there are sizes that the document does not know yet
        self._is_arranging = False
        self._settling = QTimer(self, singleShot=True, interval=SETTLE_MS)
        self._settling.timeout.connect(self._settle)
        self._sharing = QTimer(self, singleShot=True, interval=0)  # views that have just come have no sizes yet
        self._sharing.timeout.connect(self._share_out)
        self._fitting = QTimer(self, singleShot=True, interval=0)
        self._fitting.timeout.connect(self._fit)
        editor.changed.connect(self._follow)
        runner.snapshot_ready.connect(self._show_snapshot)
        self.sync()

    # which views -----------------------------------------------------------------------------------------------------

    @property
    def entries(self) -> dict[str, dict[str, Any]]:
        """What the document says of every view, those that nobody knows included."""
        return entries_of(self._editor.document.views)

    def open(self, kind: str) -> None:
        """One more view of a type."""
        entries = self.entries
        name = free_name(kind, entries)
        self.is_shown = True
        self._edit({**entries, name: {"type": kind}}, f"Open the {_lower(VIEWS[kind].title)} view")
        self.bring(name)

    def close_view(self, name: str) -> None:
        """Put a view away."""
        left = {other: entry for other, entry in self.entries.items() if other != name}
        self._edit(left, f"Close the {_lower(self.docks[name].view.title)} view")

    def toggle(self, kind: str) -> None:
        """Open a view of a type, or put the last one away."""
        names = self.of_kind(kind)
        if names:
            self.close_view(names[-1])
        else:
            self.open(kind)

    def of_kind(self, kind: str) -> list[str]:
        """Names of the open views of a type."""
        return [name for name, dock in self.docks.items() if dock.view.kind == kind]

    def bring(self, name: str) -> None:
        """Bring a view to the front."""
        if name in self.docks:
            self.docks[name].show()
            self.docks[name].raise_()

    def show_docked(self, shown: bool) -> None:
        """Show or hide all that are docked, without closing them."""
        self.is_shown = shown
        for dock in self.docks.values():
            if not dock.isFloating():
                dock.setVisible(shown)

    def start(self) -> None:
        """Another document was opened: nothing of the former one may stay."""
        self._snapshot = None
        for dock in self.docks.values():
            dock.forget()

    def _follow(self, change: Change) -> None:
        if "reset" in change.kinds:
            self._is_by_hand, self.is_shown = False, True
            self._places = {}
        if "reset" in change.kinds or change.touches("views"):
            self.sync()

    def _show_snapshot(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        for dock in self.docks.values():
            dock.show_snapshot(snapshot)

    def sync(self) -> None:
        """Let the desk show what the document says."""
        entries = {name: entry for name, entry in self.entries.items() if entry["type"] in VIEWS}
        before = list(self.docks)
        for name in before:
            if name not in entries or entries[name]["type"] != self.docks[name].view.kind:
                self._drop(name)
        self.docks = {name: self.docks.get(name) or self._make(name, str(entries[name]["type"])) for name in entries}
        saved = {name: Place.from_json(entry.get("place")) for name, entry in entries.items()}
        if saved == self._saved and list(saved) == before and self._places:
            return
        kept = {
            name: self._places[name] if self._saved.get(name) == place and name in self._places else place
            for name, place in saved.items()
            if place is not None
        }
        self._saved = saved
        self._arrange(self._completed(kept))

    def _completed(self, kept: Mapping[str, Place]) -> dict[str, Place]:
        """Places for all, also for those of which the document says nothing."""
        if not kept:
            return side_by_side(list(self.docks), self.width())
        places = dict(kept)
        for name in self.docks:
            if name not in places:
                places = joined(places, name, self.width())
        return {name: places[name] for name in self.docks}

    def _make(self, name: str, kind: str) -> ViewDock:
        view = VIEWS[kind](self._editor, self._runner)
        view.id = name
        view.take_settings()
        dock = ViewDock(view)
        dock.topLevelChanged.connect(self._note_hand)
        dock.dockLocationChanged.connect(self._note_hand)
        dock.closed_by_hand.connect(lambda: self.close_view(name))
        view.filled.connect(self.filled)
        view.close_wanted.connect(lambda: self.close_view(name))
        view.tear_wanted.connect(lambda: self._tear_off_or_back(name))
        dock.addActions(self.shortcuts)
        if self._snapshot is not None:
            dock.show_snapshot(self._snapshot)
        return dock

    def _drop(self, name: str) -> None:
        dock = self.docks.pop(name)
        self._places.pop(name, None)
        dock.view.blockSignals(True)
        dock.blockSignals(True)
        self.removeDockWidget(dock)
        dock.deleteLater()

    def lend(self, actions: list[QAction]) -> None:
        """Let keys of the main window be heard in torn-off windows, too."""
        self.shortcuts.extend(actions)
        for dock in self.docks.values():
            dock.addActions(actions)

    # where they stand ------------------------------------------------------------------------------------------------

    def _arrange(self, places: dict[str, Place]) -> None:
        """Put every view into its place."""
        self._is_arranging = True
        self._places = places
        for dock in self.docks.values():
            if places[dock.objectName()].window is None:
                dock.setFloating(False)
            self.removeDockWidget(dock)
        for side, block in self._blocks().items():
            self._put(block, AREAS[side])
        for name, place in places.items():
            if place.window is not None:
                self.addDockWidget(AREAS["bottom"], self.docks[name])
                self.docks[name].tear_off(place.window)
            self.docks[name].setVisible(self._may_show(place))
        self._share_out()
        for name, place in places.items():
            if place.front:
                self.docks[name].raise_()
        self._name_tabs()
        self._is_arranging = False
        self._sharing.start()

    def _may_show(self, place: Place) -> bool:
        return self.isVisible() if place.window is not None else self.is_shown

    def _blocks(self) -> dict[str, Block]:
        on: dict[str, dict[str, Rect]] = {}
        for name, place in docked(self._places).items():
            on.setdefault(place.side, {})[name] = place.rect
        return {side: divide(rects) for side, rects in on.items()}

    def _put(self, block: Block, area: Q.DockWidgetArea) -> None:
        self.addDockWidget(area, self.docks[block.first])
        self.docks[block.first].show()
        self._cut(block)

    def _cut(self, block: Block) -> None:
        for one, other in pairwise(block.names):
            self.tabifyDockWidget(self.docks[one], self.docks[other])
            self.docks[other].show()
        for part, after in pairwise(block.parts):
            self.splitDockWidget(self.docks[part.first], self.docks[after.first], ACROSS if block.across else DOWN)
            self.docks[after.first].show()
        for part in block.parts:
            self._cut(part)

    def _share_out(self) -> None:
        """Give every part its size, as parts of the desk as it is now."""
        for side, block in self._blocks().items():
            share = max(place.share for place in docked(self._places).values() if place.side == side)
            upright = side in ("left", "right")
            extent = share * (self.width() if upright else self.height())
            self.resizeDocks([self.docks[block.first]], [round(extent)], ACROSS if upright else DOWN)
            self._size(block, extent if upright else self.width(), self.height() if upright else extent)

    def _size(self, block: Block, width: float, height: float) -> None:
        if not block.parts:
            return
        lengths = [part.rect[2] if block.across else part.rect[3] for part in block.parts]
        whole = width if block.across else height
        sizes = [length / sum(lengths) * whole for length in lengths]
        firsts = [self.docks[part.first] for part in block.parts]
        self.resizeDocks(firsts, [max(1, round(size)) for size in sizes], ACROSS if block.across else DOWN)
        for part, size in zip(block.parts, sizes, strict=True):
            self._size(part, size if block.across else width, height if block.across else size)

    def _name_tabs(self) -> None:
        """On a tab bar the name stands twice: once is enough."""
        for dock in self.docks.values():
            dock.view.show_name(not self.tabifiedDockWidgets(dock) or dock.isFloating())

    # by hand ---------------------------------------------------------------------------------------------------------

    def _tear_off_or_back(self, name: str) -> None:
        dock = self.docks[name]
        if dock.isFloating():
            dock.setFloating(False)
            dock.show()
            dock.raise_()
        else:
            dock.tear_off()
        self._settling.start()

    def _note_hand(self) -> None:
        if not self._is_arranging:
            self._settling.start()

    def _settle(self) -> None:
        """The hand has let go: what it did becomes a step."""
        if QApplication.mouseButtons() != Q.MouseButton.NoButton:
            self._settling.start()
            return
        for dock in self.docks.values():
            dock.dress()
        self._name_tabs()
        before, self._places = self._places, self.places_now()
        if outline(before) == outline(self._places):
            return
        torn = [name for name, place in self._places.items() if (place.window is None) != (before[name].window is None)]
        text = "Arrange the views"
        if len(torn) == 1:
            view = self.docks[torn[0]].view
            verb = "Put back" if self._places[torn[0]].window is None else "Tear off"
            text = f"{verb} the {_lower(view.title)} view"
        self._write(text)

    def _write(self, text: str) -> None:
        """One step that says where everything stands now."""
        entries = self.entries
        for name, place in self._places.items():
            entries[name] = {**entries[name], "place": place.to_json()}
        self._saved = {name: Place.from_json(entries[name].get("place")) for name in self.docks}
        self._is_by_hand = False
        self._edit(entries, text)

    def _edit(self, entries: Mapping[str, dict[str, Any]], text: str) -> None:
        self._editor.set_attribute("views", listed(entries), text)

    def places_now(self) -> dict[str, Place]:
        """Where every view stands; of what is hidden, where it stood."""
        places = dict(self._places)
        on: dict[str, dict[str, Rect]] = {}
        for name, dock in self.docks.items():
            if dock.isFloating():
                at = dock.geometry()
                places[name] = Place(window=(at.x(), at.y(), at.width(), at.height()))
            elif self.isVisible() and self.is_shown:
                area = self.dockWidgetArea(dock)
                side = next((side for side in SIDES if AREAS[side] == area), "bottom")
                at = self._front_of(dock).geometry()
                on.setdefault(side, {})[name] = (at.x(), at.y(), at.width(), at.height())
        for side, rects in on.items():
            upright = side in ("left", "right")
            share = bounds(rects.values())[2 if upright else 3] / (self.width() if upright else self.height())
            for name, rect in parts_of(rects).items():
                front = self._front_of(self.docks[name]) is self.docks[name]
                places[name] = Place(side, rect, round(min(0.9, max(0.05, share)), 3), front)
        return {name: places.get(name, Place()) for name in self.docks}

    def _front_of(self, dock: ViewDock) -> ViewDock:
        """The one that shows where a dock may be covered by others on its tab bar."""
        group = [dock, *(other for other in self.tabifiedDockWidgets(dock) if isinstance(other, ViewDock))]
        return next((each for each in group if each.is_seen), dock)

    def keep_sizes(self) -> None:
        """Write sizes and windows, which are no steps, into the document that is about to be saved."""
        places = self.places_now()
        windows = {name: place for name, place in places.items() if place.window is not None}
        if not (self._is_by_hand or windows):
            return
        entries = self.entries
        for name, place in places.items() if self._is_by_hand else windows.items():
            entries[name] = {**entries[name], "place": place.to_json()}
        self._places = places
        self._saved = {name: Place.from_json(entries[name].get("place")) for name in self.docks}
        self._editor.document.views = listed(entries)
        self._is_by_hand = False

    def arrange_anew(self) -> None:
        """Forget where everything was put: the usual arrangement."""
        self.is_shown, self._is_by_hand = True, False
        entries = {name: {key: e[key] for key in e if key != "place"} for name, e in self.entries.items()}
        if entries == self.entries:
            self._arrange(side_by_side(list(self.docks), self.width()))
        else:
            self._edit(entries, "Arrange the views anew")

    # events ----------------------------------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        """A press between two views, or between them and the canvas, begins a change of sizes."""
        if isinstance(event, QMouseEvent) and event.type() == QEvent.Type.MouseButtonPress:
            under = self.childAt(event.position().toPoint())
            self._is_dividing = under is None or under.objectName() == DIVIDER
        handled = super().event(event)
        if self._is_dividing and event.type() == QEvent.Type.MouseButtonRelease:
            self._is_dividing, self._is_by_hand = False, True
            self._places = self.places_now()
        return handled

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Everything keeps its share."""
        super().resizeEvent(event)
        self._fitting.start()

    def _fit(self) -> None:
        if not self._is_by_hand and not any(self._saved.values()):
            usual = side_by_side(list(self.docks), self.width())
            if outline(usual) != outline(self._places):
                front = [name for name, dock in self.docks.items() if dock.is_seen]
                self._arrange(usual)
                for name in front:
                    self.docks[name].raise_()
                return
        self._share_out()

    def showEvent(self, event: QShowEvent) -> None:
        """Torn-off windows come with the page."""
        super().showEvent(event)
        self._show_windows(True)
        self._fitting.start()

    def hideEvent(self, event: QHideEvent) -> None:
        """Torn-off windows go with the page, not with a window that is put into the task bar."""
        super().hideEvent(event)
        if not event.spontaneous():
            self._show_windows(False)

    def _show_windows(self, shown: bool) -> None:
        for dock in self.docks.values():
            if dock.isFloating():
                dock.setVisible(shown)
                if shown:
                    dock.stay_in_front()


def _lower(title: str) -> str:
    return title[:1].lower() + title[1:]
