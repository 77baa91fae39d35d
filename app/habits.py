"""Habits of the canvas that a person may choose, remembered between two starts: how wires run, grid, wheel, room."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from app.canvas.routes import STYLES
from app.commands import Command

if TYPE_CHECKING:
    from app.canvas import CanvasView
    from app.settings import Settings
    from app.window import MainWindow

MENU = "Habits of the canvas"
#: Settings that are on or off: what the menu calls them. The canvas has an attribute of each name.
SWITCHES = {
    "snap_to_grid": "Snap to the grid",
    "wheel_pans": "The wheel pans, with Ctrl it zooms",
    "makes_room": "A node that is put into a wire makes room",
}
WIRES = dict(zip(STYLES, ("Wires are curved", "Wires are straight", "Wires have right angles"), strict=True))


def take_habits(canvas: CanvasView, settings: Settings) -> None:
    """Let a canvas behave as was chosen."""
    for name in SWITCHES:
        setattr(canvas, name, bool(settings[name]))
    canvas.canvas.wire_style = settings["wire_style"] if settings["wire_style"] in WIRES else STYLES[0]


def habit_commands(window: MainWindow) -> list[Command]:
    """A command for every choice."""

    def opened() -> bool:
        return window.has_document

    def choose(name: str, value: object) -> None:
        window.settings[name] = value
        if window.workspace is not None:
            take_habits(window.workspace.canvas, window.settings)

    def is_chosen(name: str, value: object) -> bool:
        return bool(window.settings[name] == value)

    def switch(name: str) -> None:
        choose(name, not window.settings[name])

    wires = [
        Command(f"habit.wires_{style}", title, partial(choose, "wire_style", style), "View", enabled=opened,
                checked=partial(is_chosen, "wire_style", style), submenu=MENU)
        for style, title in WIRES.items()
    ]  # fmt: skip
    switches = [
        Command(f"habit.{name}", title, partial(switch, name), "View", enabled=opened,
                checked=partial(is_chosen, name, True), submenu=MENU, separated=name == next(iter(SWITCHES)))
        for name, title in SWITCHES.items()
    ]  # fmt: skip
    return [*wires, *switches]
