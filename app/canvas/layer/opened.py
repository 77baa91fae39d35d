"""The opened layers of a scene: their lines follow what moves, and they know who gave way to them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from app.canvas.geometry import shown_name
from app.canvas.layer.item import LayerItem
from app.canvas.layer.numbers import LayerNumbers

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

    def name_of(self, hit: Hit) -> str:
        """Which weight, bias or feature a part of a layer is."""
        layer = self[hit.name]
        source = self._scene.graph.nodes.get(layer.plan.source.partition(".")[0])
        before, name = shown_name(source) if source is not None else "x", shown_name(layer.node)
        if hit.kind == "line":
            feature, unit = divmod(hit.index, max(1, layer.plan.shape[1]))
            return f"{before} {feature + 1} → {name} {unit + 1}    w"
        return f"{before} {hit.index + 1}" if hit.kind == "feature" else f"{name} {hit.index + 1}    b"

    def words_of(self, hit: Hit) -> str:
        """A part of a layer with its numbers: a weight and its gradient, or a neuron's value, gradient and bias."""
        numbers, index, name = self[hit.name].numbers, hit.index, self.name_of(hit)
        if hit.kind == "line":
            return f"{name} = {_pair(numbers, 'weight', 'w', index)}"
        if hit.kind == "feature":
            return f"{name} = {numbers.words('features', index).text}"
        neuron = f"{name.removesuffix('    b')} = {numbers.words('values', index).text}"
        words = f"{neuron}    ∂L/∂h = {numbers.words('gradients', index, signed=True).text}"
        return words if numbers.biases is None else f"{words}    b = {_pair(numbers, 'bias', 'b', index)}"


def _pair(numbers: LayerNumbers, part: str, symbol: str, index: int) -> str:
    """A parameter's number and its gradient."""
    several = {"weight": "weights", "bias": "biases"}[part]
    value = numbers.words(several, index, signed=True).text
    return f"{value}    ∂L/∂{symbol} = {numbers.words(f'{part}_gradients', index, signed=True).text}"
