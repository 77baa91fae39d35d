"""Places to come back to, a teacher's stations: each has a digit, a zoom, and the composites that were entered.

They are kept in the document, so keeping one is a step of the history; going to one is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from math import isfinite
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QPointF
from PySide6.QtWidgets import QMenu

from engine.problems import Problem, ProblemError

if TYPE_CHECKING:
    from app.canvas.view import CanvasView

DIGITS = range(1, 10)


def found_in(entries: list[dict[str, Any]]) -> dict[int, Mapping[str, Any]]:
    """The sound bookmarks of a document by their digit; a damaged one is as good as none."""
    return {entry["number"]: entry for entry in entries if _is_sound(entry)}


def _is_sound(entry: Mapping[str, Any]) -> bool:
    number, zoom, centre, path = (entry.get(key) for key in ("number", "zoom", "centre", "path"))
    places = [zoom, *centre] if isinstance(centre, list) and len(centre) == 2 else [None]
    numbers = [isinstance(each, int | float) and not isinstance(each, bool) and isfinite(each) for each in places]
    known = isinstance(number, int) and number in DIGITS and isinstance(path, list)
    return known and all(numbers) and all(isinstance(name, str) for name in path)


def keep(view: CanvasView, number: int) -> None:
    """Come back to what is seen now with this digit."""
    zoom, centre = view.camera.place
    entry = {
        "number": number, "zoom": round(zoom, 4), "centre": [round(centre.x(), 1), round(centre.y(), 1)],
        "path": list(view.editor.path),
    }  # fmt: skip
    others = [each for each in view.editor.document.bookmarks if each.get("number") != number]
    view.editor.set_attribute("bookmarks", [*others, entry], f"Keep bookmark {number}")
    view.show_hint(f"Bookmark {number} kept: press {number} to come back")


def go(view: CanvasView, number: int) -> None:
    """Show what was seen when this bookmark was kept."""
    entry = found_in(view.editor.document.bookmarks).get(number)
    if entry is None:
        mend = f"Ctrl+{number} keeps what is seen now."
        raise ProblemError(Problem(f"there is no bookmark {number}", mend, kind="bookmark"))
    view.editor.go_to(tuple(entry["path"]))
    view.camera.look_at(float(entry["zoom"]), QPointF(*entry["centre"]))


def open_bookmarks(view: CanvasView) -> None:
    """A menu of what is kept, and of the digits that what is seen can be kept under."""
    from app.canvas.actions import attempt

    view.menu = menu = QMenu(view)
    known = found_in(view.editor.document.bookmarks)
    for title, act, numbers in (("Go to", go, known), ("Keep this view as", keep, DIGITS)):
        menu.addSection(title)
        for number in sorted(numbers):
            key = f"{number}" if act is go else f"Ctrl+{number}"
            where = _where(view, known[number]) if act is go else ""
            action = menu.addAction(f"Bookmark {number}{where}\t{key}")
            action.triggered.connect(partial(attempt, view, partial(act, number=number)))
    menu.popup(view.viewport().mapToGlobal(view.mapFromScene(view.cursor_point())))


def _where(view: CanvasView, entry: Mapping[str, Any]) -> str:
    from engine.composites import title_at

    return f" · {title_at(view.editor.document.graph, '/'.join(entry['path']))}" if entry["path"] else ""
