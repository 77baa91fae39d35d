"""Shapes as the words of ports promise them: a large document is drawn before its shapes have been worked out."""

from __future__ import annotations

from functools import cache
from typing import Any

from app.canvas.node_item import port_of
from app.canvas.wiring import Wiring

Shape = tuple[Any, ...]


class ExpectedShapes:
    """Of every output: what its port says, sizes as the node has them; where it says “any”, the shape of what comes in.

    Only a promise: with it a node takes the size that it will keep, nearly always.
    """

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self._known: dict[str, Shape] = {}

    def get(self, address: str, default: Shape = ()) -> Shape:
        """The shape at `node.port`; the default where nothing is promised."""
        trail: list[str] = []
        while address and address not in self._known and address not in trail:
            trail.append(address)
            found = self._promised(address)
            if isinstance(found, str):
                address = found
                continue
            self._known[address] = found
        shape = self._known.get(address, default)
        self._known.update(dict.fromkeys(trail, shape))
        return shape

    def _promised(self, address: str) -> Shape | str:
        """The shape that a port promises, or the address that its shape follows; empty where it follows none."""
        name, _, out = address.partition(".")
        if (node := self._wiring.nodes.get(name)) is None or (port := port_of(node.kind, out, False)) is None:
            return ()
        if node.type == "parameter":
            return tuple(node.properties.get("shape", ()))
        if (words := _entries(port.shape)) is not None:
            return tuple(int(word) if word.isdigit() else node.properties.get(word, word) for word in words)
        wires = self._wiring.wires_into(name)
        return wires[0].source if wires else ""


@cache
def _entries(shape: str) -> tuple[str, ...] | None:
    """`batch` and `units` of `(batch, units)`; None for words such as `any`."""
    first = shape.split(" or ")[0].strip()
    if not first.startswith("("):
        return None
    return tuple(word for word in map(str.strip, first.strip("()").split(",")) if word)
