"""Nodes that make a value fit where it does not: offered where a wire is refused for its shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.canvas.search_box import SearchBox

if TYPE_CHECKING:
    from app.canvas.view import CanvasView


def offer_conversions(view: CanvasView, source: str, target: str) -> bool:
    """Where two ports differ in shape alone, ask what is to stand between them. False: nothing stands between them."""
    problem = view.editor.refusal(source, target)
    if problem is None or problem.kind != "shape":
        return False
    found = view.editor.conversions(source, target)
    if not found:
        return False
    kinds = view.editor.placeable
    begin, end = (view.canvas.area_of(address.partition(".")[0]) for address in (source, target))
    place = ((begin.right() + end.left()) / 2 - 72, (begin.center().y() + end.center().y()) / 2 - 60)
    caption = f"{problem.fact.rstrip('.')}. One of these between them makes it fit."
    box = SearchBox(view, [kinds[name] for name in found], caption)

    def put(name: str) -> None:
        node = view.editor.add_node(name, place, source, target, properties=found[name])
        view.editor.select([node])

    view.show_search(box, view.mapFromScene(view.canvas.area_of(target.partition(".")[0]).topLeft()), put)
    return True
