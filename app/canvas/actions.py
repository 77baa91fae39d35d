"""Every command of the canvas: name, key, what it does. Keys, context menu and command search read them from here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QAction, QGuiApplication, QKeySequence
from PySide6.QtWidgets import QMenu

from app.canvas.aligning import WAYS, align, open_alignments, straighten
from app.canvas.bookmarks import DIGITS, go, keep, open_bookmarks
from app.canvas.colours import COLOURS, add_colours, give_colour
from app.canvas.exposing import drop_composite, keep_composite, open_exposing, rename_composite
from app.canvas.layer.opening import open_or_close
from app.canvas.stops import run_to_here, toggle_stops
from app.editor.commands.arrangement import with_content
from engine.problems import Problem, ProblemError

if TYPE_CHECKING:
    from app.canvas.view import CanvasView

NUDGE, COARSE = 4.0, 24.0


@dataclass(frozen=True)
class Entry:
    """One command; `group` sorts the menu, `hidden` entries have keys only, `needs` says what must be selected."""

    name: str
    text: str
    keys: tuple[str, ...]
    run: Callable[[CanvasView], object]
    group: str = ""
    needs: str = ""


def _selected(view: CanvasView) -> list[str]:
    return [name for name in view.canvas.graph.nodes if name in view.editor.selection]


def _delete(view: CanvasView) -> None:
    """Delete what is selected; within a composite with nothing selected, Backspace leads out."""
    if view.editor.selection or not view.editor.path:
        view.editor.remove(view.editor.selection)
    else:
        view.editor.leave()


def _reach(view: CanvasView, upstream: bool) -> None:
    """Select what the values of the selected nodes depend on, or what depends on them."""
    graph, chosen = view.canvas.graph, _selected(view)
    view.editor.select({*chosen, *(graph.ancestors(*chosen) if upstream else graph.descendants(*chosen))})


def _hide_wires(view: CanvasView) -> None:
    view.canvas.hides_wires = not view.canvas.hides_wires
    view.canvas.forget_pictures()


def _copy(view: CanvasView) -> None:
    QGuiApplication.clipboard().setText(view.editor.copy_text(view.editor.selection))


def _cut(view: CanvasView) -> None:
    _copy(view)
    view.editor.remove(view.editor.selection)


def _paste(view: CanvasView, keep_wires: bool = False) -> None:
    place = view.cursor_point()
    view.editor.paste(QGuiApplication.clipboard().text(), (place.x(), place.y()), keep_wires)


def _nudge(dx: float, dy: float) -> Callable[[CanvasView], None]:
    def run(view: CanvasView) -> None:
        view.editor.move(view.editor.selection, dx, dy)

    return run


def _flag(flag: str) -> Callable[[CanvasView], None]:
    def run(view: CanvasView) -> None:
        wires = [name for name in view.editor.selection if ">" in name]
        if flag == "muted" and wires:
            view.editor.set_wires_muted(wires, not all(view.canvas.wires[name].wire.muted for name in wires))
            return
        whole = with_content(view.canvas.graph, view.editor.selection)  # of a frame, all that lies in it
        tables = view.canvas.graph.nodes, view.canvas.graph.dots
        view.editor.toggle_flag([name for table in tables for name in table if name in whole], flag)

    return run


def _walk(across: int, down: int) -> Callable[[CanvasView], None]:
    return lambda view: view.walk(across, down)


def _frame(view: CanvasView) -> None:
    name = view.editor.add_frame(_selected(view))
    view.editor.select([name])
    view.rename()


def _note(view: CanvasView) -> None:
    place = view.cursor_point()
    name = view.editor.add_note((place.x(), place.y()))
    view.editor.select([name])
    view.rename()


def _unpack(view: CanvasView) -> None:
    chosen = _selected(view)
    if len(chosen) != 1:
        raise ProblemError(
            Problem("one composite is unpacked at a time", "Select the node that opens.", kind="selection")
        )
    view.editor.expand(chosen[0])


def _layout(view: CanvasView) -> None:
    chosen = _selected(view)
    view.editor.layout(chosen if len(chosen) > 1 else None)


ENTRIES = (
    Entry("search", "Add node…", ("Shift+A",), lambda v: v.hand.add_node(), "add"),
    Entry("tab", "Next port, or add a node", ("Tab",), lambda v: v.tab()),
    Entry("frame", "Frame the selection", ("C", "Ctrl+Shift+G"), _frame, "add", "nodes"),
    Entry("note", "Add note", ("N",), _note, "add"),
    Entry("group", "Group into a composite", ("Ctrl+G",), lambda v: v.editor.group(_selected(v)), "composite", "nodes"),
    Entry("unpack", "Unpack the composite", ("Ctrl+Shift+U", "Ctrl+Alt+G"), _unpack, "composite", "nodes"),
    Entry("leave", "Leave the composite", ("U",), lambda v: v.editor.leave(), "composite"),
    Entry("expose", "Show properties on the composite…", ("Ctrl+E",), open_exposing, "composite", "nodes"),
    Entry("rename_composite", "Rename the composite", ("Ctrl+F2",), rename_composite, "composite"),
    Entry("keep_composite", "Keep the composite in the palette", (), keep_composite, "composite"),
    Entry("drop_composite", "Take the composite out of the palette", (), drop_composite, "composite"),
    Entry("cut", "Cut", ("Ctrl+X",), _cut, "edit", "any"),
    Entry("copy", "Copy", ("Ctrl+C",), _copy, "edit", "any"),
    Entry("paste", "Paste", ("Ctrl+V",), _paste, "edit"),
    Entry("paste_wired", "Paste with incoming wires", ("Ctrl+Shift+V",), lambda v: _paste(v, True), "edit"),
    Entry("duplicate", "Duplicate", ("Ctrl+D", "Shift+D"), lambda v: v.editor.duplicate(v.editor.selection), "edit", "nodes"),
    Entry(
        "duplicate_wired", "Duplicate with incoming wires", ("Ctrl+Shift+D",),
        lambda v: v.editor.duplicate(v.editor.selection, keep_wires=True), "edit", "nodes",
    ),
    Entry(
        "duplicate_linked", "Duplicate with shared parameters", ("Alt+D",),
        lambda v: v.editor.duplicate_linked(_selected(v)), "edit", "nodes",
    ),
    Entry("delete", "Delete", ("Delete", "Backspace"), _delete, "edit", "any"),
    Entry(
        "reconnect", "Delete and reconnect", ("Ctrl+Delete",),
        lambda v: v.editor.remove_and_reconnect(v.editor.selection), "edit", "nodes",
    ),
    Entry("swap", "Swap the type…", ("Shift+S",), lambda v: v.open_swap(_selected(v)), "edit", "nodes"),
    Entry("rename", "Rename", ("F2",), lambda v: v.rename(), "edit", "any"),
    Entry("select_all", "Select all", ("Ctrl+A",), lambda v: v.select_all(), "edit"),
    Entry("select_before", "Select all that leads here", ("Ctrl+Alt+Left",), partial(_reach, upstream=True), "edit", "nodes"),
    Entry("select_behind", "Select all that follows", ("Ctrl+Alt+Right",), partial(_reach, upstream=False), "edit", "nodes"),
    Entry("find", "Find on the canvas", ("Ctrl+F", "/"), lambda v: v.look_for(), "edit"),
    Entry("connect", "Connect the selected nodes", ("J",), lambda v: v.editor.connect_selected(_selected(v)), "wires", "nodes"),
    Entry("bypass", "Bypass", ("M",), _flag("bypassed"), "state", "any"),
    Entry("mute", "Mute", ("Shift+M",), _flag("muted"), "state", "any"),
    Entry("freeze", "Freeze parameters", ("K",), _flag("frozen"), "state", "any"),
    Entry("open", "Open or close a layer", ("O",), lambda v: open_or_close(v, _selected(v)), "state", "nodes"),
    Entry("fold", "Fold", ("H",), _flag("collapsed"), "state", "any"),
    Entry("trim", "Hide ports without wires", ("Ctrl+H",), _flag("trimmed"), "state", "nodes"),
    Entry("pin", "Pin (layout leaves it)", ("P",), _flag("pinned"), "state", "any"),
    Entry("run_to", "Run to here", ("Ctrl+F10",), run_to_here, "state", "nodes"),
    Entry("stop", "Stop here, or no more", ("F9",), toggle_stops, "state", "nodes"),
    Entry("layout", "Lay out", ("L",), _layout, "view"),
    Entry("align", "Align or spread…", ("A",), open_alignments, "view", "nodes"),
    Entry("straighten", "Straighten wires", ("Q",), straighten, "view", "nodes"),
    *(Entry(f"align_{way}", text.replace("&", ""), (), partial(align, way=way), "", "nodes") for way, text in WAYS.items()),
    *(Entry(f"colour_{at}", f"Colour: {title.lower()}", (), partial(give_colour, colour=colour), "", "any")
      for at, (colour, title) in enumerate(COLOURS.items())),
    Entry("fit", "Fit the selection", ("F",), lambda v: v.fit_selection(), "view"),
    Entry("fit_all", "Fit all", ("Home",), lambda v: v.fit(), "view"),
    Entry("previous_view", "Previous view", ("Shift+F",), lambda v: v.previous_view(), "view"),
    Entry("bookmarks", "Bookmarks…", ("B",), open_bookmarks, "view"),
    *(Entry(f"bookmark_{n}", f"Go to bookmark {n}", (str(n),), partial(go, number=n)) for n in DIGITS),
    *(Entry(f"keep_bookmark_{n}", f"Keep bookmark {n}", (f"Ctrl+{n}",), partial(keep, number=n)) for n in DIGITS),
    Entry("hide_wires", "Hide wires, or show them", ("W",), _hide_wires, "view"),
    Entry("minimap", "Show the map", ("Alt+M",), lambda v: v.toggle_minimap(), "view"),
    Entry("zoom_in", "Zoom in", ("+", "="), lambda v: v.zoom_by(1.25), "view"),
    Entry("zoom_out", "Zoom out", ("-",), lambda v: v.zoom_by(1 / 1.25), "view"),
    Entry("actual_size", "Zoom to 100 %", ("Ctrl+0",), lambda v: v.zoom_by(1 / v.zoom), "view"),
    *(
        Entry(f"nudge_{word}", f"Nudge {word}", (f"Alt+{key}",), _nudge(x * NUDGE, y * NUDGE), "", "any")
        for word, key, x, y in (("left", "Left", -1, 0), ("right", "Right", 1, 0), ("up", "Up", 0, -1), ("down", "Down", 0, 1))
    ),
    *(
        Entry(f"nudge_{word}_far", f"Nudge {word} far", (f"Alt+Shift+{key}",), _nudge(x * COARSE, y * COARSE), "", "any")
        for word, key, x, y in (("left", "Left", -1, 0), ("right", "Right", 1, 0), ("up", "Up", 0, -1), ("down", "Down", 0, 1))
    ),
    *(
        Entry(f"walk_{word}", f"Go {word} along wires", (f"Ctrl+{key}",), _walk(x, y))
        for word, key, x, y in (("left", "Left", -1, 0), ("right", "Right", 1, 0), ("up", "Up", 0, -1), ("down", "Down", 0, 1))
    ),
)  # fmt: skip

GESTURES = (
    ("Pull a wire", "drag from a port"), ("A second wire", "Shift + drag from a wire"),
    ("Move all wires of a port", "Ctrl + drag"), ("Swap two wires", "drop with Alt"),
    ("Wire two nodes", "Alt + right-drag"), ("Cut wires", "Ctrl + right-drag, Y + drag"),
    ("Mute wires", "Ctrl + Alt + right-drag"), ("Break the wires of a port", "Alt + click"),
    ("Lead a wire over a dot", "double click, Alt + click"), ("Lead wires over one dot", "Shift + right-drag"),
    ("Pin a dot", "Alt + click"), ("Insert a node", "drop it on a wire"),
    ("Take a node out", "shake it"), ("Copy", "Alt + drag, Ctrl + drag"),
    ("Select with a loop", "Ctrl + Alt + drag"), ("Set in line", "A + drag to a side"),
    ("Open a layer", "double click, Enter"), ("Go into a composite", "double click, Enter"),
    ("Look at a port's numbers", "hold V"),
    ("Pan", "middle-drag, Space + drag"), ("Zoom", "wheel"),
    ("Keep a bookmark", "Ctrl + 1 … 9"), ("Go to a bookmark", "1 … 9"),
)  # fmt: skip


def make_actions(view: CanvasView) -> dict[str, QAction]:
    """One action per entry; its keys work while the canvas has the focus, never while somebody types."""
    actions = {}
    for entry in ENTRIES:
        action = QAction(entry.text, view)
        action.setShortcuts([QKeySequence(key) for key in entry.keys])
        action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        action.triggered.connect(lambda _=False, run=entry.run: attempt(view, run))
        view.addAction(action)
        actions[entry.name] = action
    return actions


def attempt(view: CanvasView, run: Callable[[CanvasView], object]) -> None:
    """Run a command; a refusal is told at the cursor."""
    try:
        run(view)
    except ProblemError as error:
        view.tell(error)


def _enable_all(view: CanvasView) -> None:
    """Outside the menu a key that does not apply says why, instead of doing nothing."""
    for action in view.commands.values():
        action.setEnabled(True)


def make_menu(view: CanvasView, point: QPointF) -> QMenu:
    """The context menu: every command that applies here with its key, then the gestures one would not find."""
    menu = QMenu(view)
    group = ENTRIES[0].group
    for entry in ENTRIES:
        if not entry.group:
            continue
        if entry.group != group:
            menu.addSeparator()
            group = entry.group
        action = view.commands[entry.name]
        if entry.name == "search":
            action = menu.addAction(entry.text)
            action.setShortcuts(view.commands[entry.name].shortcuts())
            action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
            action.triggered.connect(lambda: view.open_search(point))
        else:
            menu.addAction(action)
        action.setShortcutVisibleInContextMenu(True)
        has = {"": True, "any": bool(view.editor.selection), "nodes": bool(_selected(view))}[entry.needs]
        action.setEnabled(has)
    menu.addSeparator()
    add_colours(view, menu)
    gestures = menu.addMenu("Gestures")
    for text, how in GESTURES:
        gestures.addAction(f"{text}\t{how}").setEnabled(False)
    menu.aboutToHide.connect(lambda: _enable_all(view))
    return menu
