"""Drawing composites out: from a graph with uses to a flat one with ids `use/inner`, which is what gets lowered.

Ports vanish: a wire that ends at a use goes on to what it leads to within. What a port carries keeps its name all the same
(`block_1.y`, and `block_1/y.value` within), so that whoever looks at a use sees what it gives. Where a use is muted or
bypassed, its outputs are nodes of their own, which pass on zero or what came in.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeVar

from engine.composites import MOST_NODES, CompositeType, composite_of, fitted, wires_by_target
from engine.graph import Graph, Node, Wire
from engine.nodes.base import NodeType, Port, Real
from engine.problems import Problem
from engine.program import Builder, Program
from engine.values import Value

if TYPE_CHECKING:
    from engine.structure import Drawn
    from engine.training import Phase, Training

HANDED_DOWN = frozenset({"frozen", "muted"})  # flags of a use that hold for everything inside
GATED = frozenset({"muted", "bypassed"})

T = TypeVar("T", bound="Drawn")


class FlatGraph(Graph):
    """A graph in which every use is drawn out.

    aliases  what ports carry: `block_1.y` -> the output that it comes from
    told     what is wrong with uses as such
    """

    def __init__(self) -> None:
        super().__init__()
        self.aliases: dict[str, str] = {}
        self.told: list[Problem] = []


class Given(NodeType):
    """The number that stands at a port while nothing is connected to it."""

    name, title, formula = "given", "number at a port", r"y = x"
    outputs: ClassVar[tuple[Port, ...]] = (Port("value", "()", symbol="x"),)
    value = Real(0.0, help="The number that stands here.")

    def lower(self, build: Builder, **values: Any) -> Value:
        return build.setting("value", self.value)


class Gate(NodeType):
    """An output of a use that is muted or bypassed: zero, or what came in first."""

    name, title, formula = "gate", "output of a composite", r"y = x"
    inputs: ClassVar[tuple[Port, ...]] = (Port("instead", optional=True), Port("value"))
    outputs: ClassVar[tuple[Port, ...]] = (Port("value", symbol="y"),)

    def lower(self, build: Builder, **values: Any) -> Value:
        value: Value = values["value"]
        return value


def inlined(document: T) -> T:
    """The same document with a flat graph; itself where there is nothing to draw out."""
    graph = document.graph
    if not graph.composites or isinstance(graph, FlatGraph) or not any(composite_of(node) for node in graph):
        return document
    twin = copy.copy(document)
    twin.graph = flat = flattened(graph)
    twin.training = _on_flat(document.training, graph, flat)
    return twin


def flattened(graph: Graph) -> FlatGraph:
    """All uses drawn out, as far as 20,000 nodes go; what lies beyond is told and waits."""
    flat = FlatGraph()
    top = _Level("", graph, wires_by_target(graph.wires))
    _draw_out(top, flat)
    _draw_wires(top, flat)
    flat.frames, flat.notes = dict(graph.frames), dict(graph.notes)
    return flat


def name_ports(graph: Graph, program: Program) -> None:
    """Let values be found by the ports that they pass."""
    if isinstance(graph, FlatGraph):
        known = program.outputs
        program.aliases = {
            alias: source for alias, source in graph.aliases.items() if source in known and alias not in known
        }


def told_of(graph: Graph) -> list[Problem]:
    """What is wrong with the uses that a graph was drawn out from."""
    return list(graph.told) if isinstance(graph, FlatGraph) else []


# drawing out ---------------------------------------------------------------------------------------------------------


class _Level:
    """A graph at its place: the whole drawing, or the inside of one use."""

    def __init__(self, prefix: str, graph: Graph, into: Mapping[str, list[Wire]]) -> None:
        self.prefix, self.graph, self.into = prefix, graph, into
        self.parent: _Level | None = None
        self.use = ""
        self.flags: frozenset[str] = frozenset()  # of this use and those around it, as far as they hold inside
        self.is_gated = False
        self.set: dict[str, dict[str, Any]] = {}  # properties that uses set from outside, by node
        self.inside: dict[str, _Level] = {}

    def properties(self, node: Node) -> dict[str, Any]:
        """What a node says here."""
        return {**node.properties, **self.set.get(node.id, {})}

    def entered(self, node: Node, kind: type[CompositeType]) -> _Level:
        """The inside of one of its uses."""
        inner = _Level(f"{self.prefix}{node.id}/", kind.composite.graph, kind.composite.into)
        inner.parent, inner.use = self, node.id
        inner.flags = self.flags | (node.flags & HANDED_DOWN)
        inner.is_gated = not GATED.isdisjoint(node.flags | self.flags)
        told = self.properties(node)
        known = kind.properties()
        sound = kind.check_properties({name: value for name, value in told.items() if name in known})[0]
        for name, value in sound.items():
            for target in kind.composite.exposed.get(name, ()):
                owner, _, entry = target.partition(".")
                if owner in inner.graph.nodes:
                    inner.set.setdefault(owner, {})[entry] = fitted(inner.graph.nodes[owner], entry, value)
        self.inside[node.id] = inner
        return inner


def _draw_out(level: _Level, flat: FlatGraph) -> None:
    """Put the nodes of a level into the flat graph, uses by what is in them."""
    for node in level.graph:
        path, composite = f"{level.prefix}{node.id}", composite_of(node)
        if composite is not None:
            if len(flat.nodes) + composite.kind.size > MOST_NODES:
                fact = f"with this composite more than {MOST_NODES:,} nodes would be drawn out"
                flat.told.append(Problem(fact, "Take some composites out.", node=path, kind="limit"))
                continue
            _draw_out(level.entered(node, composite.kind), flat)
        elif level.parent is not None and node.type == "port_in":
            _draw_port(level, node, flat)
        elif level.parent is not None and node.type == "port_out":
            if level.is_gated:
                use = level.parent.graph.nodes[level.use]
                flags = (use.flags & GATED) | level.flags
                flat.nodes[path] = Node(path, node.type, node.title, {}, node.position, flags, bound=Gate)
        else:
            flags, told = node.flags | level.flags, level.properties(node)
            flat.nodes[path] = replace(node, id=path, flags=flags, properties=told)


def _draw_port(level: _Level, node: Node, flat: FlatGraph) -> None:
    """A free port: its number, or what is missing at it."""
    assert level.parent is not None
    use = level.parent.graph.nodes[level.use]
    port = use.kind.input(node.id) if use.kind is not None else None
    if port is None or f"{level.use}.{node.id}" in level.parent.into:
        return
    path = f"{level.prefix}{node.id}"
    if port.default is not None:
        number = level.parent.properties(use).get(node.id, port.default)
        flat.nodes[path] = Node(path, node.type, node.title, {"value": number}, node.position, bound=Given)
    elif not port.optional:
        fact, mend = f"nothing is connected to “{node.id}”", "Pull a wire from an output to it."
        where = f"{level.parent.prefix}{level.use}"
        flat.told.append(Problem(fact, mend, node=where, port=node.id, severity="warning", kind="free"))


class _Found(NamedTuple):
    """Where a value comes from: the address (None: a port that stays free), and whether a wire on the way is muted."""

    address: str | None
    is_muted: bool = False


def _source(level: _Level, address: str) -> _Found:
    """The node and port, in the flat graph, that an output of a level gets its value from."""
    muted, passed = False, set()
    while (id(level), address) not in passed:
        passed.add((id(level), address))
        name, _, port = address.partition(".")
        node, inner = level.graph.nodes.get(name), level.inside.get(name)
        if inner is not None and inner.is_gated:
            return _Found(f"{inner.prefix}{port}.value", muted)
        if inner is not None:
            wires, level = inner.into.get(f"{port}.value"), inner
        elif level.parent is not None and node is not None and node.type == "port_in":
            wires = level.parent.into.get(f"{level.use}.{name}")
            use = level.parent.graph.nodes[level.use]
            free = use.kind.input(name) if use.kind is not None else None
            if not wires and free is not None and free.default is None and free.optional:
                return _Found(None)
            level = level.parent if wires else level
        else:
            return _Found(f"{level.prefix}{address}", muted)
        if not wires:
            return _Found(f"{level.prefix}{name}.value", muted)  # a number of its own, or nothing: what needs it waits
        address, muted = wires[0].source, muted or wires[0].muted
    return _Found(f"{level.prefix}{address}", muted)


def _draw_wires(level: _Level, flat: FlatGraph) -> None:
    """The wires of a level and of all within it, each from where its value really comes."""
    for wire in level.graph.wires:
        name = wire.target_node
        node = level.graph.nodes.get(name)
        if name in level.inside or node is None:
            continue
        if level.parent is not None and node.type == "port_out" and not level.is_gated:
            continue
        found = _source(level, wire.source)
        if found.address is not None:
            target, muted = f"{level.prefix}{wire.target}", wire.muted or found.is_muted
            flat.wires.append(replace(wire, source=found.address, target=target, muted=muted))
    for inner in level.inside.values():
        _draw_wires(inner, flat)
        _name_ports(inner, flat)


def _name_ports(level: _Level, flat: FlatGraph) -> None:
    assert level.parent is not None
    use = level.parent.graph.nodes[level.use]
    outside = level.prefix.removesuffix("/")
    first: str | None = None
    for node in level.graph:
        if node.type == "port_in":
            found = _source(level, f"{node.id}.value")
            if found.address is not None and not found.is_muted:
                flat.aliases[f"{level.prefix}{node.id}.value"] = found.address
            if f"{level.use}.{node.id}" in level.parent.into:
                first = first or found.address
        elif node.type == "port_out":
            found = _source(level.parent, f"{level.use}.{node.id}")
            if found.address is not None and not found.is_muted:
                flat.aliases[f"{outside}.{node.id}"] = found.address
                flat.aliases[f"{level.prefix}{node.id}.value"] = found.address
    if "bypassed" in use.flags and first is not None:
        gates = [node.id for node in level.graph if node.type == "port_out"]
        flat.wires.extend([Wire(first, f"{level.prefix}{name}.instead") for name in gates])


# the training plan -----------------------------------------------------------------------------------------------------


def _on_flat(training: Training, graph: Graph, flat: FlatGraph) -> Training:
    """The plan with objectives that are outputs of uses by what these carry."""
    phases = tuple([_phase_on_flat(phase, graph, flat) for phase in training.phases])
    return training if phases == training.phases else replace(training, phases=phases)


def _phase_on_flat(phase: Phase, graph: Graph, flat: FlatGraph) -> Phase:
    name, _, port = phase.objective.partition(".")
    kind = graph.nodes[name].kind if name in graph.nodes else None
    port = port or (kind.outputs[0].name if kind is not None and kind.outputs else "")
    objective = flat.aliases.get(f"{name}.{port}", phase.objective)
    if objective == phase.objective:
        return phase
    return replace(phase, maximise=objective) if phase.maximise else replace(phase, minimise=objective)
