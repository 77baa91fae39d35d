"""Local derivatives of one drawn node: its output by what each of its wires brings, every wire for itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from engine.differentiate import gradients
from engine.machines.cpu import CpuMachine
from engine.nodes.base import NodeType
from engine.problems import Problem, ProblemError
from engine.program import Program
from engine.tape import initial_array, plan
from engine.values import Origin, Value

if TYPE_CHECKING:
    from engine.graph import Node, Wire
    from engine.session import Session

Array = np.ndarray[Any, np.dtype[Any]]


class Edge(NamedTuple):
    """A local derivative: from an entry (flat) of what a wire brings to the entry of the node's output asked for."""

    source: str
    entry: int
    derivative: float


class NodePlan:
    """One node lowered by itself, each wire a source of its own, on a plan with the session's numbers.

    So the two wires of x · x are two edges, and a node that passes its input on is an edge too.
    Raises `ProblemError` where a number that comes in was not computed yet, or the node has no derivative.
    """

    def __init__(self, session: Session, node: Node, output: str) -> None:
        self.session, self.node = session, node
        self.program = Program()
        build = self.program.build
        build.origin = Origin(node.id, "forward")
        build.seed = session.document.training.seed
        self.program.steps = [build.origin, Origin(node.id, "backward"), Origin("", "backward")]
        self.wires: list[Wire] = [
            wire for wire in session.document.graph.wires_into(node.id) if wire.source in session.program.outputs
        ]
        self.sources = [self._source(wire, place) for place, wire in enumerate(self.wires)]
        self.result = self._lowered(output)
        self._seed = build.source("data", "seed", self.result.shape, None)
        self._differentiate()
        self._machine = CpuMachine(plan(self.program, session.rows_played, dtype=session.dtype))
        # What is drawn at random is drawn as in the iteration looked at: the one in hand, or between two the one before.
        self._machine.clock[0] = max(session.iteration - (session.playback.position == 0), 0)
        self._fill()

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the output, in numbers."""
        return self._machine.tape.region(self.result).shape

    def edges(self, entry: int) -> list[Edge]:
        """All edges that end at an entry of the output; also those whose derivative happens to be 0."""
        # Whatever an incoming NaN reaches depends on the entry: NaN · 0 is NaN, so a dead ReLU keeps its edge.
        reached = [None if array is None else np.isnan(array) for array in self._play(entry, np.nan)]
        found: list[Edge] = []
        for wire, mask, slopes in zip(self.wires, reached, self._play(entry, 1.0), strict=True):
            if mask is not None and slopes is not None:
                places = np.flatnonzero(mask)
                found += [Edge(wire.source, int(place), float(slopes[place])) for place in places]
        return found

    def _play(self, entry: int, incoming: float) -> Iterator[Array | None]:
        seed = self._machine.view(self._seed).reshape(-1)
        seed[:] = 0
        seed[entry] = incoming
        self._machine.play_once()
        return iter([None if s is None else self._machine.view(s).reshape(-1).copy() for s in self._slopes])

    def _source(self, wire: Wire, place: int) -> Value:
        value = self.session.program.outputs[wire.source]
        return self.program.build.source("data", f"wire{place}", value.shape, None, kind=value.kind, trainable=True)

    def _lowered(self, output: str) -> Value:
        kind = self.node.kind
        if kind is None:
            raise ProblemError(Problem("this node is of an unknown type", node=self.node.id, kind="unknown"))
        if "bypassed" in self.node.flags and self.sources:
            return self.sources[0]
        if kind.looks_back:
            fact = f"“{self.node.name}” differentiates what stands before it, so no single wire has a derivative here"
            raise ProblemError(
                Problem(fact, "Choose places before it, or behind it.", node=self.node.id, kind="derivative")
            )
        sound, _ = kind.check_properties(self.node.properties)
        values = kind(sound).lower(self.program.build, **self._operands(kind, sound))
        return values[output] if isinstance(values, dict) else values

    def _operands(self, kind: type[NodeType], sound: dict[str, Any]) -> dict[str, Any]:
        operands: dict[str, Any] = {}
        for port in kind.inputs:
            mine = sorted((wire.order, place) for place, wire in enumerate(self.wires) if wire.target_port == port.name)
            values = [self.sources[place] for _, place in mine]
            if values:
                operands[port.name] = values if port.many else values[0]
            elif port.default is not None:
                operands[port.name] = self.program.build.setting(port.name, sound.get(port.name, port.default))
            else:
                operands[port.name] = None
        return operands

    def _differentiate(self) -> None:
        build = self.program.build
        weighted = build.emit("multiply", self.result, self._seed)
        total = build.emit("sum", weighted, axes=tuple(range(weighted.rank))) if weighted.rank else weighted
        muted = "muted" in self.node.flags
        wanted = [s for s, w in zip(self.sources, self.wires, strict=True) if s.kind == "real" and not w.muted]
        found = {} if muted else gradients(self.program, total, wanted)
        self._slopes = [found.get(source.index) for source in self.sources]
        self.program.outputs["node.result"] = self.result
        self.program.outputs.update({f"slope.{i}": s for i, s in enumerate(self._slopes) if s is not None})

    def _fill(self) -> None:
        session = self.session
        live = session.program.sources
        for address, value in self.program.sources.items():
            if self._machine.tape.places[value.index] is None:
                continue
            view = self._machine.view(value)
            known = live.get(address)
            if known is not None and session.tape.places[known.index] is not None:
                before = session.before_update(known)
                view[...] = session.memory_of(known).reshape(view.shape) if before is None else before
            else:
                view[...] = initial_array(value, view.shape, view.dtype)
        for source, wire in zip(self.sources, self.wires, strict=True):
            if self._machine.tape.places[source.index] is not None:
                self._machine.view(source)[...] = 0 if wire.muted else _numbers(session, wire.source)


def _numbers(session: Session, address: str) -> Array:
    value = session.program.outputs[address]
    if session.state_of(value) == "absent":
        node = address.partition(".")[0]
        raise ProblemError(Problem("this was not computed yet", "Step forward once.", node=node, kind="absent"))
    before = session.before_update(value)
    return session.memory_of(value) if before is None else before
