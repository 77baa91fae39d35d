"""Nodes take another size when their shapes have become known: those in sight at once, the others little by little."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer

from app.canvas.geometry import measure

if TYPE_CHECKING:
    from app.canvas.scene import CanvasScene

AT_ONCE = 400  # nodes between two looks at what the mouse wants


class Reshaping:
    """Remembers which shapes the nodes of a scene were drawn with."""

    def __init__(self, scene: CanvasScene) -> None:
        self._scene = scene
        self._shapes: dict[str, tuple] = {}
        self._waiting: dict[str, None] = {}
        self._timer = QTimer(scene, singleShot=True, interval=0)
        self._timer.timeout.connect(self._go_on)

    @property
    def is_done(self) -> bool:
        """Whether all nodes have the size that their shapes give them."""
        return not self._waiting

    def begin_anew(self) -> None:
        """All nodes have just been measured."""
        self._waiting.clear()
        self._shapes = dict(self._scene.editor.shapes)

    def begin(self) -> None:
        """Shapes may have changed: ports, pictures and weights follow."""
        scene = self._scene
        self._waiting.update(dict.fromkeys(self._changed()))
        self._reshape([*scene.seen(), *scene.nodes.made] if scene.detailed else list(scene.nodes.made))
        self._go_on()

    def finish(self) -> None:
        """Wait for nothing."""
        self._reshape(list(self._waiting))

    def _go_on(self) -> None:
        self._reshape(list(islice(self._waiting, AT_ONCE)))
        if self._waiting:
            self._timer.start()

    def _reshape(self, names: Iterable[str]) -> None:
        chosen = dict.fromkeys(name for name in names if name in self._waiting)
        for name in chosen:
            del self._waiting[name]
        if grown := [name for name in chosen if name in self._scene.graph.nodes and self._looks_else(name)]:
            self._scene.redraw(grown)

    def _looks_else(self, name: str) -> bool:
        """Whether a node has to be drawn anew for its shapes: the tips of its ports, or its size."""
        nodes, graph, shapes = self._scene.nodes, self._scene.graph, self._scene.editor.shapes
        return name in nodes.made or nodes.geometries.get(name) is not measure(
            self._scene.wiring, graph.nodes[name], shapes
        )

    def _changed(self) -> set[str]:
        """Nodes of which a value, or an operand, has another shape than when they were last drawn."""
        scene, before, after = self._scene, self._shapes, dict(self._scene.editor.shapes)
        self._shapes = after
        addresses = {address for address in before.keys() | after.keys() if before.get(address) != after.get(address)}
        changed = {address.partition(".")[0] for address in addresses}
        changed.update(wire.target_node for wire in scene.graph.wires if wire.source in addresses)
        return changed & scene.nodes.keys()
