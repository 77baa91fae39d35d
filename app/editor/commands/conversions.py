"""What can stand between two ports whose shapes do not fit: node types with the properties that make them fit."""

from __future__ import annotations

from math import isqrt
from typing import TYPE_CHECKING, Any

from app.editor.commands.nodes import add_node
from engine.problems import ProblemError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from engine.document import Document

FLAT = (-1,)


def conversions(
    document: Document, source: str, target: str, shapes: Mapping[str, tuple[Any, ...]]
) -> dict[str, dict[str, Any]]:
    """The types that make the value at `source` fit `target`, each with its properties, the most likely first.

    shapes  of outputs by `node.port`, the batch first, as far as they are known
    """
    found: dict[str, dict[str, Any]] = {}
    for name, properties in _candidates(document, source, target, shapes):
        if name not in found and _fits(document, source, target, name, properties):
            found[name] = properties
    return found


def _candidates(
    document: Document, source: str, target: str, shapes: Mapping[str, tuple[Any, ...]]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Types to try. Classes become as many columns, and rows the shape, as what enters the same node already has."""
    wires = document.graph.wires_into(target.partition(".")[0])
    beside = [shapes[wire.source][1:] for wire in wires if wire.source in shapes]
    known = [shape for shape in beside if shape and all(isinstance(size, int) for size in shape)]
    for shape in known:
        yield "one_hot", {"classes": shape[-1]}
    for shape in [FLAT, *known, *_pictures(shapes.get(source, ()))]:
        yield "reshape", {"shape": list(shape)}
    for name in ("transpose", "mean", "sum"):
        yield name, {}


def _pictures(shape: tuple[Any, ...]) -> list[tuple[int, int, int]]:
    """A row of pixels as a square picture of one channel."""
    side = isqrt(shape[1]) if len(shape) == 2 and isinstance(shape[1], int) else 0
    return [(1, side, side)] if side > 1 and side * side == shape[1] else []


def _fits(document: Document, source: str, target: str, name: str, properties: dict[str, Any]) -> bool:
    try:
        add_node(document, name, (0.0, 0.0), wire_from=source, wire_to=target, properties=properties)
    except ProblemError:
        return False
    return True
