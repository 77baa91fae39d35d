"""A node of one type in a small document: drawn, checked, played in float64."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.document import Document
from engine.graph import Graph
from engine.nodes import node_types
from engine.session import Session

ROWS = np.array([[0.5, 1.5, 2.0], [1.0, 0.25, 3.0], [2.5, 0.75, 0.1]])
SIGNED = np.array([[-0.5, 1.5, -2.0], [0.0, 0.25, 3.0], [2.5, -0.75, 0.1]])


def drawn(type: str, table: Any, wires: int = 1, **properties: Any) -> tuple[Graph, str]:
    """A graph of inputs wired to a node of this type, in the order of its ports."""
    graph = Graph()
    data = graph.add("input")
    node = graph.add(type, **properties)
    kind = node_types()[type]
    ports = [kind.inputs[0].name] * wires if kind.inputs[0].many else [port.name for port in kind.inputs][:wires]
    for k, port in enumerate(ports):
        source = data
        if k:  # the same wire twice is refused
            source = graph.add("identity")
            graph.connect(data, source)
        graph.connect(source, node[port])
    return graph, f"{node.id}.{kind.outputs[0].name}"


def document(graph: Graph, table: Any) -> Document:
    inputs = np.asarray(table, float)
    data = {"inputs": inputs.tolist(), "targets": [[0.0]] * len(inputs)}
    return Document(graph, data={"train": data}, training={"batch_size": len(inputs), "order": "sequential"})


def answer(type: str, table: Any, wires: int = 1, *, port: str = "", **properties: Any) -> np.ndarray:
    """The value of the node's first port (or the one named) after one forward pass in float64."""
    graph, address = drawn(type, table, wires, **properties)
    address = f"{address.partition('.')[0]}.{port}" if port else address
    made = document(graph, table)
    assert made.check() == []
    session = Session(made, dtype="float64")
    session.step("iteration")
    value = session.value(address)
    assert value is not None
    return value


def refusal(type: str, table: Any, wires: int = 1, **properties: Any) -> str:
    """The sentences of the problems of such a document."""
    graph, _ = drawn(type, table, wires, **properties)
    return "\n".join(map(str, document(graph, table).check()))
