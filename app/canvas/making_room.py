"""Room for a node that was put into a wire: what stands to its right moves on, where a person wants that."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.canvas.view import CanvasView

GAP = 48.0  # pixels that stay free to the right


def make_room_for(view: CanvasView, name: str) -> None:
    """Move all that stands to the right of a node so far that nothing touches it; a step of its own, and only if wanted."""
    scene = view.canvas
    area = scene.area_of(name)
    behind = {other: scene.area_of(other) for other in scene.nodes if other != name}
    behind = {other: place for other, place in behind.items() if place.center().x() > area.center().x()}
    level = area.adjusted(0, -GAP, 0, GAP)
    near = [place.left() for place in behind.values() if place.top() < level.bottom() and place.bottom() > level.top()]
    across = area.right() + GAP - min(near, default=area.right() + GAP)
    if view.makes_room and across > 0:
        view.editor.place({other: (place.left() + across, place.top()) for other, place in behind.items()}, "Make room")
