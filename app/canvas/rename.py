"""Names, notes and numbers typed where they stand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF

from app.canvas.actions import attempt
from app.canvas.geometry import HEADER, NAME_ROW
from app.canvas.inline_editor import LineInPlace, NoteInPlace
from engine.nodes import Whole
from engine.problems import Problem, ProblemError

if TYPE_CHECKING:
    from app.canvas.view import CanvasView


def rename(view: CanvasView) -> None:
    """Open the title of the one selected thing; a note opens as a whole."""
    chosen = [name for name in view.editor.selection if ">" not in name]
    if len(chosen) != 1:
        raise ProblemError(Problem("select one thing to rename", "Click it first.", kind="selection"))
    name, canvas = chosen[0], view.canvas
    if name in canvas.graph.notes:
        note = canvas.graph.notes[name]
        place = view.rectangle_on_screen(canvas.area_of(name))

        def write(text: str) -> None:
            attempt(view, lambda v: v.editor.set_note(replace(canvas.graph.notes[name], text=text)))

        view.typing = NoteInPlace(view.viewport(), place, note.text, write)
        return
    title = canvas.graph.frames[name].title if name in canvas.frames else canvas.graph.nodes[name].title

    def keep(text: str) -> None:
        attempt(view, lambda v: v.editor.set_title(name, text.strip()))

    view.typing = LineInPlace(view.viewport(), view.rectangle_on_screen(_title_area(view, name)), title, keep)


def _title_area(view: CanvasView, name: str) -> QRectF:
    canvas, area = view.canvas, view.canvas.area_of(name)
    if name in canvas.frames:
        return canvas.frames[name].title_area.adjusted(8, 3, -8, -3)
    if canvas.nodes[name].geometry.circle is not None:
        return QRectF(area.center().x() - 48, area.top(), 96, NAME_ROW)
    return QRectF(area.left() + 28, area.top() + 3, area.width() - 58, HEADER - 6)


def edit_field(view: CanvasView, node_id: str, name: str) -> None:
    """Open a number of a node for typing; a comma is as good as a point."""
    item = view.canvas.nodes[node_id]
    row = next(row for row in item.geometry.fields if row.name == name)
    known = item.node.kind.properties()[name] if item.node.kind else None
    value = item.node.properties.get(name, known.default if known else None)

    def keep(text: str) -> None:
        def set_number(v: CanvasView) -> None:
            try:
                number = float(text.strip().replace(",", ".").replace("−", "-"))
            except ValueError:
                fact = f"“{text}” is no number"
                raise ProblemError(Problem(fact, "Type a number such as 0.5.", node=node_id, kind="property")) from None
            whole = isinstance(known, Whole) and number.is_integer()
            v.editor.set_property(node_id, name, int(number) if whole else number)

        attempt(view, set_number)

    place = view.rectangle_on_screen(row.box.translated(item.pos()))
    view.typing = LineInPlace(view.viewport(), place, f"{value:g}" if value is not None else "", keep)
