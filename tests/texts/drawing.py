"""Graphs of the texts, drawn in a line each and played in float64."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine import Document, Graph, Session

Array = np.ndarray[Any, np.dtype[Any]]


class Drawing(Graph):
    """A graph whose nodes are wired as they are added, to their ports in order."""

    def put(self, type: str, *sources: Any, id: str | None = None, **properties: Any) -> Any:
        """A node with wires from these into its ports; None leaves a port free."""
        node = self.add(type, id, **properties)
        kind = self.nodes[node].kind
        assert kind is not None
        ports = kind.inputs
        for place, source in enumerate(sources):
            if source is not None:
                self.connect(source, node[ports[0 if ports[0].many else place].name])
        return node

    def held(self, value: Any, id: str | None = None) -> Any:
        """Numbers that stay."""
        return self.put("constant", id=id, value=np.asarray(value, float).tolist())

    def learned(self, value: Any, id: str | None = None) -> Any:
        """Numbers that learn, from these on."""
        return self.put("parameter", id=id, initial=np.asarray(value, float).tolist())

    def total(self, source: Any, id: str | None = None) -> Any:
        """The sum of all entries."""
        return self.put("sum", source, id=id, over="all")

    def added(self, *sources: Any, id: str | None = None) -> Any:
        """The sum of these, one or many."""
        return self.put("add" if len(sources) > 1 else "identity", *sources, id=id)

    def session(self, loss: Any = None, data: Any = None, **training: Any) -> Session:
        """Ready to be played, without a problem."""
        plan: dict[str, Any] = {"order": "sequential", **training}
        if loss is not None:
            plan["loss"] = str(loss)
        document = Document(self, data=data, training=plan, precision="float64")
        assert document.check() == [], "\n".join(map(str, document.check()))
        session = Session(document)
        assert session.lowered.problems == [], "\n".join(map(str, session.lowered.problems))
        return session


def table(inputs: Any, targets: Any = None, **options: Any) -> dict[str, Any]:
    """Rows to learn from; targets of 0 where none are given."""
    rows = np.asarray(inputs, float)
    goal = np.zeros((len(rows), 1)) if targets is None else np.asarray(targets, float).reshape(len(rows), -1)
    return {"train": {"inputs": rows.tolist(), "targets": goal.tolist(), "task": "regression", **options}}


def both_ways(session: Session) -> Session:
    """Forward and backward played once."""
    session.step("phase")
    session.step("phase")
    return session


def forward(session: Session) -> Session:
    """Forward played once."""
    session.step("phase")
    return session


def value(session: Session, name: Any) -> Array:
    """What a node holds."""
    found = session.value(str(name))
    assert found is not None
    return found


def gradient(session: Session, name: Any) -> Array:
    """What came back to a node or a parameter."""
    found = session.gradient(str(name))
    assert found is not None
    return found
