"""Small documents of one learning rule on typed rows: what the tests of rules stand on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from engine.document import Document
from engine.graph import Graph
from engine.nodes import node_types
from engine.session import Session

Array = np.ndarray[Any, np.dtype[Any]]


def document(
    rule: str, inputs: Any, targets: Any = None, /, *, batch: int = 0, seed: int = 0, **properties: Any
) -> Document:
    """The rule behind the inputs, all rows in every iteration (or `batch` of them), in order, in float64."""
    graph, rows = Graph(), np.asarray(inputs, np.float64)
    x, node = graph.add("input"), graph.add(rule, id="rule", **properties)
    graph.connect(x, node[node_types()[rule].inputs[0].name])
    if targets is not None:
        graph.connect(graph.add("target"), node["target"])
    labels = np.zeros((len(rows), 1)) if targets is None else np.asarray(targets, np.float64)
    data = {"inputs": rows.tolist(), "targets": labels.tolist(), "task": "regression"}
    training = {"batch_size": batch or len(rows), "order": "sequential", "seed": seed}
    return Document(graph, data={"train": data}, training=training, precision="float64")


def session(rule: str, inputs: Any, targets: Any = None, /, **more: Any) -> Session:
    """Ready to play; the document has no problem."""
    made = Session(document(rule, inputs, targets, **more))
    assert made.lowered.problems == []
    return made


def value(session: Session, port: str) -> Array:
    """What the rule's output holds, or a parameter of it."""
    found = session.value(f"rule.{port}")
    assert found is not None
    return found


def lasting(session: Session) -> dict[str, bytes]:
    """Every output, parameter and state."""
    found = {
        address: array.tobytes() for address in session.program.outputs if (array := session.value(address)) is not None
    }
    return found | {address: array.tobytes() for address, array in session._lasting().items()}


def assert_steps_runs_and_ways_back_agree(make: Callable[[], Session], iterations: int) -> None:
    """Stepping leaves what running leaves, to the last bit, and steps back find every moment as it was."""
    stepped, ran = make(), make()
    moments = []
    while stepped.iteration < iterations:
        moments.append(lasting(stepped))
        stepped.step()
    ran.run(iterations)
    assert lasting(stepped) == lasting(ran)
    for moment in reversed(moments):
        stepped.step_back()
        assert lasting(stepped) == moment
