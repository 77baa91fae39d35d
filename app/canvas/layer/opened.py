"""The opened layers of a scene: their lines follow what moves, and they know who gave way to them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from app.canvas.geometry import shown_name
from app.canvas.layer.item import LayerItem

if TYPE_CHECKING:
    from app.canvas.hits import Hit
    from app.canvas.scene import CanvasScene

Place = tuple[float, float]


class OpenedLayers(dict[str, LayerItem]):
    """By node: the items of layers that are opened.

    made_room   by layers that were opened together: who gave way, from where to where
    """

    def __init__(self, scene: CanvasScene) -> None:
        super().__init__()
        self._scene = scene
        self.made_room: dict[frozenset[str], dict[str, tuple[Place, Place]]] = {}

    def clear(self) -> None:
        """Another document."""
        super().clear()
        self.made_room.clear()

    def lay_lines(self, moved: Iterable[str] | None = None) -> None:
        """Run lines again: all, or those of which an end has moved."""
        touched = None if moved is None else set(moved)
        for name, layer in self.items():
            if touched is None or touched & {name, layer.plan.before}:
                layer.lay_lines(self)
                for wire in self._scene.wires_at(name):
                    if wire.wire.target == f"{name}.x":
                        wire.show_as(replaced=bool(layer.plan.before))

    def words_of(self, hit: Hit) -> str:
        """What a part of a layer is, with its numbers."""
        layer = self[hit.name]
        source = self._scene.graph.nodes.get(layer.plan.source.partition(".")[0])
        return layer.tip(hit.kind, hit.index, shown_name(source) if source is not None else "x")
