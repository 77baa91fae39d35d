"""Nodes, wires and frames as a user draws them: plain data, with edits that keep it consistent."""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from engine.arrangement import Dot as Dot
from engine.arrangement import Frame as Frame
from engine.arrangement import Note as Note
from engine.nodes import NodeType, Port, node_types
from engine.problems import Problem, ProblemError, did_you_mean

if TYPE_CHECKING:
    from engine.composites import Composite

COMPOSITE = "composite"  # the type of nodes that use a composite
IDENTIFIER = re.compile(r"[a-z][a-z0-9_]*")
LOOKS = frozenset({"collapsed", "opened", "pinned", "trimmed"})  # flags that change nothing in what is computed


def sorted_along(names: Iterable[str], pairs: Iterable[tuple[str, str]]) -> tuple[list[str], list[str]]:
    """Names so that every pair points forward (ties as they came), and those that lie on or behind a cycle."""
    waiting = dict.fromkeys(names, 0)
    following: dict[str, list[str]] = {name: [] for name in waiting}
    for begin, end in pairs:
        if begin in waiting and end in waiting:
            waiting[end] += 1
            following[begin].append(end)
    ready = [name for name, count in waiting.items() if not count]
    for name in ready:  # grows while it is walked
        for after in following[name]:
            left = waiting[after] = waiting[after] - 1
            if not left:
                ready.append(after)
    return ready, ([name for name, left in waiting.items() if left] if len(ready) < len(waiting) else [])


@dataclass(slots=True)
class Node:
    """One node: what it is (`type`), what it is called (`title`), its checked properties and its place in pixels."""

    id: str
    type: str
    title: str = ""
    properties: dict[str, Any] = field(default_factory=dict)
    position: tuple[float, float] = (0.0, 0.0)
    flags: frozenset[str] = frozenset()  # of: collapsed, opened, trimmed, frozen, muted, bypassed, pinned
    extra: dict[str, Any] = field(default_factory=dict)  # keys a newer version wrote: kept, not understood
    colour: str = ""  # a token of the theme that a person gave it; empty: that of its category
    bound: builtins.type[NodeType] | None = field(default=None, compare=False, repr=False)  # of a composite

    @property
    def kind(self) -> builtins.type[NodeType] | None:
        """The node type (of a use: as its composite makes it), or None where none of that name is known."""
        return self.bound or node_types().get(self.type)

    @property
    def name(self) -> str:
        """The title, or the id where there is none."""
        return self.title or self.id

    def copy(self) -> Node:
        """An independent copy (property values are never changed in place, so they are shared)."""
        return replace(self, properties=dict(self.properties), extra=dict(self.extra))


@dataclass(frozen=True, slots=True)
class Wire:
    """From an output port to an input port, both as `node.port`; `order` sorts the wires of a port that takes many.

    via                       the dots that it is drawn over, from source to target
    source_node, target_node  ids of the nodes that the value comes from and goes to
    """

    source: str
    target: str
    order: int = 0
    muted: bool = False
    extra: dict[str, Any] = field(default_factory=dict, hash=False)
    via: tuple[str, ...] = ()
    source_node: str = field(init=False, repr=False, compare=False)
    target_node: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "source_node", self.source.partition(".")[0])
        object.__setattr__(self, "target_node", self.target.partition(".")[0])

    @property
    def source_port(self) -> str:
        """Name of the output port."""
        return self.source.partition(".")[2]

    @property
    def target_port(self) -> str:
        """Name of the input port."""
        return self.target.partition(".")[2]


class NodeRef(str):
    """A node's id that also names ports: `e["prediction"]` is `e.prediction` for `connect`."""

    @property
    def id(self) -> str:
        """The id as plain text."""
        return str(self)

    def __getitem__(self, port: Any) -> str:  # a port name, as in the public face; slices stay those of str
        return f"{self}.{port}" if isinstance(port, str) else super().__getitem__(port)


class Graph:
    """The drawn graph. Every edit either succeeds and leaves a consistent graph, or raises `ProblemError`.

    `nodes` keep their order (it decides ties in the order of steps); `wires` keep theirs.
    """

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.wires: list[Wire] = []
        self.frames: dict[str, Frame] = {}
        self.notes: dict[str, Note] = {}
        self.dots: dict[str, Dot] = {}
        self.composites: dict[str, Composite] = {}  # `engine.composites` keeps uses and definitions together

    # building, as in a notebook ------------------------------------------------------------------------------------

    def add(
        self,
        type: str,
        id: str | None = None,
        *,
        title: str = "",
        position: tuple[float, float] | None = None,
        **properties: Any,
    ) -> NodeRef:
        """Add a node and return a reference to it. Without a position it lands right of the last node.

        A composite is used by its id as the type, or by the type `composite` and its id as `of`; one of the library is
        copied into the graph. Raises `ProblemError` for an unknown type (“did you mean”), a bad or taken id, an unknown
        or unfit property.
        """
        bound: builtins.type[NodeType] | None = None
        kind = node_types().get(type)
        if kind is None:
            kind = bound = self._composite_kind(str(properties.get("of", "")) if type == COMPOSITE else type, id or "")
            type, properties = COMPOSITE, {"of": kind.name, **properties}
        name = id or self.free_id(kind.name)
        sound, problems = kind.check_properties(properties)
        if not IDENTIFIER.fullmatch(name):
            problems.append(
                Problem(f"“{name}” cannot be an id", "Use lower-case letters, digits and _, a letter first.", kind="id")
            )
        if name in self.nodes:
            problems.append(Problem(f"the id “{name}” is taken", "Choose another one.", kind="id"))
        if problems:
            raise ProblemError(*(problem.at(node=name) for problem in problems))
        if position is None:
            right = max((node.position[0] for node in self.nodes.values()), default=-240.0)
            position = (right + 240.0, 0.0)
        self.nodes[name] = Node(name, type, title, sound, position, bound=bound)
        return NodeRef(name)

    def _composite_kind(self, name: str, node: str) -> builtins.type[NodeType]:
        from engine.composite_library import taken_from_library

        if name not in self.composites:
            taken_from_library(self, name, node)
        return self.composites[name].kind

    def connect(self, source: str, target: str) -> Wire:
        """Wire an output to an input; where no port is named, the only output and the only free input are meant.

        A new wire replaces the old one of an input that takes one. Raises `ProblemError` with the reason.
        """
        start, end = self._output(source), self._input(target)
        problem = self.refusal(start, end)
        if problem is not None:
            raise ProblemError(problem)
        port = self.input_port(end)
        if port is not None and not port.many:
            self.wires = [wire for wire in self.wires if wire.target != end]
        order = 1 + max((wire.order for wire in self.wires if wire.target == end), default=-1)
        wire = Wire(start, end, order)
        self.wires.append(wire)
        return wire

    def disconnect(self, source: str, target: str) -> None:
        """Take a wire away; nothing happens if there is none."""
        self.wires = [wire for wire in self.wires if (wire.source, wire.target) != (source, target)]

    def remove(self, node_id: str) -> None:
        """Take a node away with its wires and its places in frames."""
        del self.nodes[node_id]
        self.wires = [wire for wire in self.wires if node_id not in (wire.source_node, wire.target_node)]
        for frame in list(self.frames.values()):
            if node_id in frame.nodes:
                self.frames[frame.id] = replace(frame, nodes=tuple(entry for entry in frame.nodes if entry != node_id))

    # asking --------------------------------------------------------------------------------------------------------

    def free_id(self, type: str, taken: frozenset[str] = frozenset()) -> str:
        """The type with the first running number from 1 that is free."""
        number = 1
        while (name := f"{type}_{number}") in self.nodes or name in taken:
            number += 1
        return name

    def input_port(self, address: str) -> Port | None:
        """The input port at `node.port`, if both are known."""
        node, _, port = address.partition(".")
        kind = self.nodes[node].kind if node in self.nodes else None
        return kind.input(port) if kind else None

    def output_port(self, address: str) -> Port | None:
        """The output port at `node.port`, if both are known."""
        node, _, port = address.partition(".")
        kind = self.nodes[node].kind if node in self.nodes else None
        return kind.output(port) if kind else None

    def wires_into(self, node_id: str, port: str | None = None) -> list[Wire]:
        """Wires that end at a node (or at one of its ports), by order."""
        found = [w for w in self.wires if w.target_node == node_id and port in (None, w.target_port)]
        return sorted(found, key=lambda wire: wire.order)

    def wires_out_of(self, node_id: str, port: str | None = None) -> list[Wire]:
        """Wires that begin at a node (or at one of its ports)."""
        return [w for w in self.wires if w.source_node == node_id and port in (None, w.source_port)]

    def refusal(self, source: str, target: str) -> Problem | None:
        """Why a wire cannot be drawn, as far as ports and cycles go (shapes: `engine.lowering.refusal`)."""
        if self.output_port(source) is None:
            return Problem(f"there is no output “{source}”", self._known_ports(source, "outputs"), kind="port")
        if self.input_port(target) is None:
            return Problem(f"there is no input “{target}”", self._known_ports(target, "inputs"), kind="port")
        if any((wire.source, wire.target) == (source, target) for wire in self.wires):
            return Problem(
                "this wire is there already", node=target.partition(".")[0], port=target.partition(".")[2], kind="wire"
            )
        begin, end = source.partition(".")[0], target.partition(".")[0]
        port = self.input_port(target)
        waits = port is not None and (port.delayed or port.late)
        if not waits and (begin == end or begin in self.descendants(end)):
            names = f"{self.nodes[begin].name} to {self.nodes[end].name}"
            return Problem(
                f"the wire {names} would close a cycle",
                "Values flow one way: take out a wire on the way back, or lead it through a delay.",
                node=end,
                kind="cycle",
            )
        return None

    def descendants(self, *node_ids: str) -> set[str]:
        """Ids of all nodes that the values of these nodes reach within a step of time."""
        following: dict[str, list[str]] = {}
        for wire in self._undelayed():
            following.setdefault(wire.source_node, []).append(wire.target_node)
        return _reach(node_ids, following)

    def ancestors(self, *node_ids: str) -> set[str]:
        """Ids of all nodes that the values of these nodes depend on within a step of time."""
        before: dict[str, list[str]] = {}
        for wire in self._undelayed():
            before.setdefault(wire.target_node, []).append(wire.source_node)
        return _reach(node_ids, before)

    def in_order(self) -> tuple[list[str], list[str]]:
        """Node ids so that every wire points forward (ties as drawn), and the ids that lie on or behind a cycle.

        Wires into a delay do not count: what they carry is used one step of time later. Nor do those into late ports.
        """
        wires = self._undelayed()
        return sorted_along(
            self.nodes, zip([w.source_node for w in wires], [w.target_node for w in wires], strict=True)
        )

    @property
    def names(self) -> list[str]:
        """What the nodes are called, in their order."""
        return [node.name for node in self.nodes.values()]

    def times(self) -> set[str]:
        """What nodes have to do with time (`NodeType.time`); only "" where nothing changes over time."""
        return {kind.time for kind in self.kinds()}

    def kinds(self) -> list[type[NodeType]]:
        """The node types that nodes are of, each once."""
        kinds, known = {node.bound or node.type for node in self.nodes.values()}, node_types()
        found = [known.get(kind) if isinstance(kind, str) else kind for kind in kinds]
        return [kind for kind in found if kind is not None]

    def _undelayed(self) -> list[Wire]:
        patient = {kind for kind in self.kinds() if any(port.late or port.delayed for port in kind.inputs)}
        if not patient:
            return self.wires
        waiting = {name for name, node in self.nodes.items() if node.kind in patient}
        return [
            wire
            for wire in self.wires
            if wire.target_node not in waiting
            or (port := self.input_port(wire.target)) is None
            or not (port.delayed or port.late)
        ]

    def copy(self) -> Graph:
        """An independent copy."""
        twin = Graph()
        twin.nodes = {name: node.copy() for name, node in self.nodes.items()}
        twin.wires = list(self.wires)
        twin.frames, twin.notes, twin.dots = dict(self.frames), dict(self.notes), dict(self.dots)
        twin.composites = dict(self.composites)
        return twin

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes.values())

    # names without ports -------------------------------------------------------------------------------------------

    def _output(self, address: str) -> str:
        node, dot, _ = address.partition(".")
        kind = self._kind(node)
        if dot:
            return str(address)
        if len(kind.outputs) != 1:
            raise ProblemError(
                Problem(f"“{node}” has several outputs", f"Name one of {_names(kind.outputs)}.", node=node, kind="port")
            )
        return f"{node}.{kind.outputs[0].name}"

    def _input(self, address: str) -> str:
        node, dot, _ = address.partition(".")
        kind = self._kind(node)
        if dot:
            return str(address)
        wired = {wire.target_port for wire in self.wires if wire.target_node == node}
        free = [port for port in kind.inputs if port.many or port.name not in wired]
        needed = [port for port in free if not port.may_stay_free] or free
        if len(needed) != 1:
            fact = f"“{node}” has {len(needed) or 'no'} free inputs"
            raise ProblemError(
                Problem(fact, f"Name one of {_names(kind.inputs)}." if kind.inputs else "", node=node, kind="port")
            )
        return f"{node}.{needed[0].name}"

    def _kind(self, node: str) -> type[NodeType]:
        kind = self.nodes[node].kind if node in self.nodes else None
        if kind is None:
            raise ProblemError(
                Problem(f"there is no node “{node}”", did_you_mean(node, self.nodes), node=node, kind="unknown")
            )
        return kind

    def _known_ports(self, address: str, side: str) -> str:
        node = address.partition(".")[0]
        if node not in self.nodes or (kind := self.nodes[node].kind) is None:
            return did_you_mean(node, self.nodes)
        ports: tuple[Port, ...] = getattr(kind, side)
        return f"“{node}” has the {side} {_names(ports)}." if ports else f"“{node}” has no {side}."


def _names(ports: tuple[Port, ...]) -> str:
    return ", ".join(port.name for port in ports)


def _reach(starts: Iterable[str], following: dict[str, list[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(starts)
    while waiting:
        for after in following.get(waiting.pop(), ()):
            if after not in found:
                found.add(after)
                waiting.append(after)
    return found
