"""The small palette that a person may give nodes and frames."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QMenu

from app.theme import current_theme

if TYPE_CHECKING:
    from app.canvas.view import CanvasView

COLOURS = {
    "": "Its own colour", "c_data": "Blue", "c_activations": "Green", "c_parameters": "Yellow", "c_losses": "Red",
    "c_layers": "Violet", "text3": "Grey",
}  # fmt: skip


def known(colour: str) -> str:
    """A colour that somebody chose, or empty: a file may name one that this version does not have."""
    return colour if colour in COLOURS else ""


def give_colour(view: CanvasView, colour: str) -> None:
    """Give what is selected a colour, in one step."""
    view.editor.set_colour(sorted(view.editor.selection), colour)


def add_colours(view: CanvasView, menu: QMenu) -> None:
    """A menu of the palette; one does not have to know what the tokens are called."""
    from app.canvas.actions import attempt

    colours = menu.addMenu("Colour")
    graph = view.canvas.graph
    colours.setEnabled(any(name in graph.nodes or name in graph.frames for name in view.editor.selection))
    for colour, title in COLOURS.items():
        action = colours.addAction(title)
        if colour:
            current_theme().set_icon(action, "circle", colour)
        action.triggered.connect(partial(attempt, view, partial(give_colour, colour=colour)))
