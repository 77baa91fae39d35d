"""The table of commands, and the menus made from it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar, QMessageBox

from app import __version__
from app.commands import Command
from app.keymap import sound
from app.settings import Settings

if TYPE_CHECKING:
    from app.window import MainWindow

VIEWS_MENU, KEYS_MENU, ZOOM_MENU = "Views of the network", "Take the keys to", "Zoom"
ZOOMING = ("fit", "fit_all", "previous_view", "zoom_in", "zoom_out", "actual_size")
MENUS = ("File", "Edit", "View", "Graph", "Run", "Help")
ICONS = {
    "search": "circle-plus", "frame": "frame", "note": "sticky-note", "cut": "scissors", "copy": "copy",
    "paste": "clipboard", "duplicate": "square-stack", "delete": "trash-2", "rename": "pencil", "connect": "link",
    "freeze": "snowflake", "pin": "pin", "layout": "layout-dashboard", "fit": "maximize", "minimap": "map",
    "group": "group", "unpack": "ungroup",
}  # fmt: skip


def add_commands(window: MainWindow) -> None:
    """Everything the window can do, in the order of its menus."""
    for table in (_file, _edit, _view, _run, _help):
        for command in table(window):
            window.addAction(window.commands.add(command))
    window.commands.rebind(sound(window.settings["keys"]))


def add_canvas_commands(window: MainWindow) -> None:
    """What the canvas can do; its own table says how it is called and which keys it reads while it has the keyboard."""
    from app.canvas.actions import ENTRIES, attempt
    from app.habits import habit_commands

    workspace = window.workspace
    assert workspace is not None
    canvas = workspace.canvas
    groups = {"add": "Graph", "composite": "Graph", "edit": "Edit", "wires": "Graph", "state": "Graph", "view": "View"}

    def enabled(needs: str) -> Callable[[], bool]:
        return lambda: window.has_document and (not needs or bool(window.editor.selection))

    group = ""
    for entry in ENTRIES:
        window.commands.add(
            Command(
                f"canvas.{entry.name}",
                entry.text,
                partial(attempt, canvas, entry.run),
                groups.get(entry.group, ""),
                entry.keys,
                ICONS.get(entry.name, ""),
                enabled(entry.needs),
                handled=True,
                separated=entry.group != group,
                submenu=ZOOM_MENU if entry.name in ZOOMING else "",
            )
        )
        group = entry.group
    for command in [*_views(window), *habit_commands(window)]:
        window.commands.add(command)

    def show_keys() -> None:
        for entry in ENTRIES:
            keys = window.commands[f"canvas.{entry.name}"].shortcuts
            canvas.commands[entry.name].setShortcuts([QKeySequence(key) for key in keys])

    window.commands.rebound.connect(show_keys)
    window.commands.rebind(sound(window.settings["keys"]))


def fill_menus(bar: QMenuBar, window: MainWindow) -> None:
    """One menu for each word of MENUS, filled when it opens: commands come with the first document."""
    for name in MENUS:
        menu = bar.addMenu(name)
        menu.aboutToShow.connect(partial(_fill, menu, name, window))


def _fill(menu: QMenu, name: str, window: MainWindow) -> None:
    commands = window.commands
    commands.refresh()
    for former in menu.findChildren(QMenu, options=Qt.FindChildOption.FindDirectChildrenOnly):
        former.deleteLater()
    menu.clear()
    within: dict[str, QMenu] = {}
    for command in commands:
        if command.menu != name:
            continue
        into = menu
        if command.submenu:
            if command.submenu not in within:
                within[command.submenu] = menu.addMenu(command.submenu)
            into = within[command.submenu]
        if command.separated and not into.isEmpty():
            into.addSeparator()
        into.addAction(commands.action(command.id))
        if command.id == "file.open":
            menu.addMenu(_recent_menu(menu, window.settings, window))


def _recent_menu(parent: QMenu, settings: Settings, window: MainWindow) -> QMenu:
    menu = QMenu("Open recent", parent)

    def fill() -> None:
        menu.clear()
        for path in settings.recent:
            menu.addAction(path.name, partial(window.files.open_path, path)).setToolTip(str(path))
        if menu.isEmpty():
            menu.addAction("No recent files").setEnabled(False)

    menu.aboutToShow.connect(fill)
    return menu


def _file(window: MainWindow) -> list[Command]:
    files, opened = window.files, lambda: window.has_document
    return [
        Command("file.new", "Empty canvas", files.new, "File", ("Ctrl+N",), "file-plus"),
        Command("file.gallery", "Gallery", window.show_gallery, "File", ("Ctrl+Shift+O",), "layout-grid"),
        Command("file.open", "Open…", files.open, "File", ("Ctrl+O",), "folder-open"),
        Command("file.import", "Import a table…", lambda: _import_table(window), "File", (), "table-2", opened),
        Command("file.save", "Save", files.save, "File", ("Ctrl+S",), "save", opened, separated=True),
        Command("file.save_as", "Save as…", files.save_as, "File", ("Ctrl+Shift+S",), enabled=opened),
        Command("file.save_weights", "Save with weights", files.save_with_weights, "File", ("Ctrl+Alt+S",), "", opened),
        Command("file.picture", "Save picture…", lambda: _save_picture(window), "File", (), "image", opened,
                separated=True),
        Command("file.film", "Save film…", lambda: _save_film(window), "File", (), "gallery-vertical-end", opened),
        Command("file.quit", "Quit", window.close, "File", ("Ctrl+Q",), "power", separated=True),
    ]  # fmt: skip


def _edit(window: MainWindow) -> list[Command]:
    stack = window.editor.stack

    def can_undo() -> bool:
        return window.has_document and stack.canUndo()

    def can_redo() -> bool:
        return window.has_document and stack.canRedo()

    return [
        Command("edit.undo", "Undo", stack.undo, "Edit", ("Ctrl+Z",), "undo-2", can_undo),
        Command("edit.redo", "Redo", stack.redo, "Edit", ("Ctrl+Shift+Z", "Ctrl+Y"), "redo-2", can_redo),
        Command("edit.history", "History…", window.history_list.toggle, "Edit", ("Ctrl+Alt+Z",), "history",
                lambda: window.has_document),
        Command("edit.paint", "Paint points into the data", partial(_paint, window), "Edit", ("Ctrl+B",), "pencil",
                lambda: window.has_document, separated=True),
        Command("edit.find", "Find a command", window.command_search.toggle, "Edit", ("Ctrl+K",), "search",
                separated=True),
    ]  # fmt: skip


def _view(window: MainWindow) -> list[Command]:
    def opened() -> bool:
        return window.has_document

    def panel(name: str, title: str, icon: str, separated: bool = False) -> Command:
        def toggle() -> None:
            if window.workspace is not None:
                window.workspace.toggle_panel(name)

        def is_shown() -> bool:
            return window.workspace is not None and window.workspace.is_shown(name)

        return Command(f"view.{name}", title, toggle, "View", (), icon, opened, is_shown, separated=separated)

    def keyboard(name: str, title: str, key: str) -> Command:
        def take() -> None:
            if window.workspace is not None:
                window.workspace.take_keyboard_to(name)

        return Command(f"view.keys_{name}", title, take, "View", (key,), "", opened, submenu=KEYS_MENU)

    def scheme(name: str, title: str, separated: bool = False) -> Command:
        def is_chosen() -> bool:
            return bool(window.settings["theme"] == name)

        return Command(f"view.{name}", title, lambda: window.set_theme(name), "View", checked=is_chosen,
                       separated=separated)  # fmt: skip

    def still() -> bool:
        return bool(window.settings["reduce_motion"])

    def noted() -> bool:
        return bool(window.settings["formula_note"])

    def weigh() -> None:
        if window.workspace is not None:
            window.workspace.cost_lens.toggle()

    def weighed() -> bool:
        return window.workspace is not None and window.workspace.cost_lens.is_on

    return [
        panel("palette", "Node palette", "panel-left"),
        panel("inspector", "Inspector", "panel-right"),
        panel("views", "Views", "panel-bottom"),
        Command("view.problems", "Problems", window.problems.toggle, "View", ("Ctrl+Shift+M",), "triangle-alert",
                opened),
        keyboard("canvas", "Keys to the canvas", "F6"),
        keyboard("selection", "Keys to the node's settings", "Ctrl+I"),
        keyboard("training", "Keys to the training plan", "Ctrl+T"),
        keyboard("data", "Keys to the data", "Ctrl+Shift+T"),
        scheme("system", "Colours of the system", True),
        scheme("dark", "Dark"),
        scheme("light", "Light"),
        Command("view.formula", "Formula beside the stepped node", window.switch_formula_note, "View", (),
                "square-function", checked=noted, separated=True),
        Command("view.cost", "Cost lens: the time of each node", weigh, "View", (), "timer", opened, weighed),
        Command("view.still", "Reduce motion", window.switch_motion, "View", checked=still),
    ]  # fmt: skip


def _views(window: MainWindow) -> list[Command]:
    """Which views are open; of those that make sense more than once, one more."""
    from app.views import VIEWS

    assert window.workspace is not None
    desk = window.workspace.desk

    def opened() -> bool:
        return window.has_document

    def is_open(kind: str) -> bool:
        return opened() and bool(desk.of_kind(kind))

    table = [
        Command(f"views.{kind}", f"View: {view.title.lower()}", partial(desk.toggle, kind), "View", enabled=opened,
                checked=partial(is_open, kind), submenu=VIEWS_MENU)
        for kind, view in VIEWS.items()
    ]  # fmt: skip
    more = [
        Command(f"views.{kind}.more", f"One more view: {view.title.lower()}", partial(desk.open, kind), "View",
                enabled=partial(is_open, kind), submenu=VIEWS_MENU)
        for kind, view in VIEWS.items() if view.several
    ]  # fmt: skip
    anew = Command("views.anew", "Arrange the views anew", desk.arrange_anew, "View", icon="layout-dashboard",
                   enabled=lambda: opened() and bool(desk.docks), separated=True, submenu=VIEWS_MENU)  # fmt: skip
    return [*table, *more, anew]


def _run(window: MainWindow) -> list[Command]:
    runner, opened = window.runner, lambda: window.has_document

    def player(name: str, *arguments: object) -> Callable[[], object]:
        return lambda: getattr(window.workspace.player, name)(*arguments) if window.workspace else None

    def hold() -> None:
        window.follower.holds = not window.follower.holds

    return [
        Command("run.play", "Play or pause", runner.toggle, "Run", ("Space",), "play", opened, handled=True,
                fixed=True),
        Command("run.start", "Play", runner.play, "Run", ("Ctrl+Return",), "", opened),
        Command("run.pause", "Pause", runner.pause, "Run", ("Ctrl+Alt+Return",), "", opened),
        Command("run.step", "Step", player("step"), "Run", ("Right",), "step-forward", opened, separated=True),
        Command("run.back", "Step back", player("step_back"), "Run", ("Left",), "step-back", opened),
        Command("run.good", "Back to the last good step", runner.step_back_to_good, "Run", (), "", opened),
        Command("run.phase", "Step a phase", lambda: runner.step("phase"), "Run", ("F10",), "", opened),
        Command("run.phase_back", "Step a phase back", lambda: runner.step_back("phase"), "Run", ("Shift+F10",), "",
                opened),
        Command("run.iteration", "Step an iteration", lambda: runner.step("iteration"), "Run", ("Shift+Right",), "",
                opened),
        Command("run.iteration_back", "Step an iteration back", lambda: runner.step_back("iteration"), "Run",
                ("Shift+Left",), "", opened),
        Command("run.epoch", "Step an epoch", lambda: runner.step("epoch"), "Run", ("Ctrl+Shift+Right",), "", opened),
        Command("run.epoch_back", "Step an epoch back", lambda: runner.step_back("epoch"), "Run",
                ("Ctrl+Shift+Left",), "", opened),
        Command("run.hold", "Hold evaluation: edits wait", hold, "Run", ("Ctrl+Shift+H",), "pin", opened,
                lambda: window.follower.holds, separated=True),
        Command("run.reset", "Return to the start", player("to_start"), "Run", ("R",), "skip-back", opened,
                separated=True),
        Command("run.reseed", "Start from other random numbers", player("reseed"), "Run", ("Shift+R",), "dices",
                opened),
        Command("run.slower", "Slower", player("change_speed", -10), "Run", ("[",), "", opened, separated=True),
        Command("run.faster", "Faster", player("change_speed", 10), "Run", ("]",), "", opened),
        Command("run.full", "Full speed", player("set_speed_position", 100), "Run", ("\\",), "gauge", opened),
    ]  # fmt: skip


def _help(window: MainWindow) -> list[Command]:
    def has_tour() -> bool:
        return window.has_document and bool(window.editor.document.tour)

    def opened() -> bool:
        return window.has_document

    def help_on_node() -> None:
        node = window.workspace.canvas.hand.node if window.workspace is not None else None
        if node is not None:
            window.node_help.open_for(node)
        elif has_tour():
            window.guide.begin()

    return [
        Command("help.keys", "Keys", window.key_sheet.toggle, "Help", ("?", "Ctrl+Shift+K"), "keyboard"),
        Command(
            "help.node", "Help on the selected node, or the tour", help_on_node, "Help", ("F1",), "circle-help", opened
        ),
        Command("help.remap", "Change keys…", window.key_editor.toggle, "Help", (), "keyboard"),
        Command("help.tour", "Start the tour", window.guide.begin, "Help", (), "route", has_tour),
        Command(
            "help.crash", "Crash report…", lambda: window.crash.show(), "Help", (), "octagon-alert", separated=True
        ),
        Command("help.about", "About Chainrule", lambda: _about(window), "Help", (), "info"),
    ]


def _paint(window: MainWindow) -> None:
    """Take the brush on the decision boundary, or put it away; the view is opened where there is none."""
    from app.views import DecisionBoundary

    assert window.workspace is not None
    desk = window.workspace.desk
    if not desk.of_kind(DecisionBoundary.kind):
        desk.open(DecisionBoundary.kind)
    name = desk.of_kind(DecisionBoundary.kind)[0]
    desk.bring(name)
    view = desk.docks[name].view
    assert isinstance(view, DecisionBoundary)
    view.paint.toggle()


def _import_table(window: MainWindow) -> None:
    assert window.workspace is not None
    window.workspace.show_panel("data")
    window.workspace.inspector.data_panel.choose_file()


def _save_picture(window: MainWindow) -> None:
    from app.capture.dialogs import open_picture_dialog

    open_picture_dialog(window)


def _save_film(window: MainWindow) -> None:
    from app.capture.dialogs import open_film_dialog

    open_film_dialog(window)


def _about(window: MainWindow) -> None:
    QMessageBox.about(
        window,
        "About Chainrule",
        f"Chainrule {__version__}\n\nA playground in which you wire neural networks as graphs and watch values flow "
        "forward and derivatives flow back.\n\nFonts: Inter and JetBrains Mono (OFL). Icons: Lucide (ISC).",
    )
