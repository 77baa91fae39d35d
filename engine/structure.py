"""What of a document decides its plan, and which of its numbers only fill the plan's slots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from engine.graph import LOOKS, Node

if TYPE_CHECKING:
    from engine.document import Document


def structure_of(document: Document) -> Any:
    """A key: two documents with equal keys have the same plan, and differ in titles, places and slot numbers at the most."""
    graph, training = document.graph, document.training
    return (
        document.precision,
        {part: id(spec) for part, spec in document.data.items()},
        [_node_key(node) for node in graph],
        [(wire.source, wire.target, wire.order, wire.muted) for wire in graph.wires],
        (training.seed, training.batch_size, training.order, training.last_batch, training.turns),
        [phase.structure for phase in training.phases],
    )


def numbers_of(document: Document) -> dict[str, Any]:
    """The numbers that fill slots, by the address of their source: settings of nodes and optimizers, constants."""
    numbers: dict[str, Any] = {}
    for node in document.graph:
        for name, value in _slots(node).items():
            numbers[f"{node.id}.{name}"] = value
    for phase in document.training.phases:
        numbers.update(phase.numbers)
    return numbers


def _node_key(node: Node) -> tuple[Any, ...]:
    slots = _slots(node)
    fixed = [(name, repr(value)) for name, value in node.properties.items() if name not in slots]
    shapes = [(name, np.shape(value)) for name, value in slots.items()]
    return node.id, node.type, fixed, shapes, node.flags - LOOKS


def _slots(node: Node) -> dict[str, Any]:
    kind = node.kind
    if kind is None:
        return {}
    slots = {
        name: node.properties.get(name, entry.default) for name, entry in kind.properties().items() if entry.is_number
    }
    if node.type == "constant":
        slots["value"] = node.properties.get("value", kind.properties()["value"].default)
    return slots
