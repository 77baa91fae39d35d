"""What a composite shows of its inside: a menu of the properties of a node within, and the name of the whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRect
from PySide6.QtWidgets import QMenu

from app.canvas.inline_editor import LineInPlace
from engine.composites import Composite, composite_of, exposed_property
from engine.problems import Problem, ProblemError

if TYPE_CHECKING:
    from app.canvas.view import CanvasView

LINE = (280, 26)


def open_exposing(view: CanvasView) -> None:
    """Ask which properties of the selected node are shown at the uses; each is a step of its own."""
    from app.canvas.actions import attempt

    editor, graph = view.editor, view.canvas.graph
    chosen = [name for name in graph.nodes if name in editor.selection]
    if not editor.path or len(chosen) != 1:
        mend = "Go into a composite with a double click, and select the node."
        raise ProblemError(Problem("one node within a composite shows its properties outside", mend, kind="selection"))
    node = graph.nodes[chosen[0]]
    kind = node.kind
    names = [name for name in (kind.properties() if kind else ()) if exposed_property(graph, f"{node.id}.{name}")]
    if not names:
        raise ProblemError(Problem(f"“{node.name}” has no properties", "Select another node.", kind="selection"))
    view.menu = menu = QMenu(view)
    menu.addSection("On every use, with a value of its own")
    for name in names:
        outer = editor.exposed_as(node.id, name)
        text = name.replace("_", " ") + (f" (as {outer.replace('_', ' ')})" if outer not in ("", name) else "")
        action = menu.addAction(text)
        action.setCheckable(True)
        action.setChecked(bool(outer))
        action.triggered.connect(
            lambda _=False, name=name: attempt(view, lambda v: v.editor.toggle_exposed(node.id, name))
        )
    menu.popup(view.viewport().mapToGlobal(view.mapFromScene(view.cursor_point())))


def rename_composite(view: CanvasView) -> None:
    """Type another name for the composite that is selected, or for the one that was entered."""
    from app.canvas.actions import attempt

    composite, place = _meant(view)

    def keep(text: str) -> None:
        attempt(view, lambda v: v.editor.rename_composite(composite.id, text))

    view.typing = LineInPlace(view.viewport(), place, composite.name, keep)


def keep_composite(view: CanvasView) -> None:
    """Have the composite that is meant offered in every document."""
    composite, _ = _meant(view)
    view.composite_kept.emit(composite.id)
    view.show_hint(f"“{composite.name}” is in the palette of every document now")


def drop_composite(view: CanvasView) -> None:
    """Have the composite that is meant offered no more."""
    composite, _ = _meant(view)
    view.composite_dropped.emit(composite.name)
    view.show_hint(f"“{composite.name}” is offered in this document only")


def _meant(view: CanvasView) -> tuple[Composite, QRect]:
    graph = view.canvas.graph
    for name in view.editor.selection & graph.nodes.keys():
        if (composite := composite_of(graph.nodes[name])) is not None:
            area = view.rectangle_on_screen(view.canvas.area_of(name))
            return composite, QRect(area.left(), area.top(), max(area.width(), LINE[0]), LINE[1])
    if (entered := view.editor.entered) is not None:
        below = view.breadcrumbs.geometry()
        return entered, QRect(below.left(), below.bottom() + 8, *LINE)
    mend = "Select a node that opens, or go into it."
    raise ProblemError(Problem("no composite is selected", mend, kind="selection"))
