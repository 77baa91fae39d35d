"""Composites: graphs inside a node, made of the same node types, stored once and used by any number of nodes.

A definition says its ports by nodes of the types `port_in` and `port_out`, whose ids are the ports' names. It may expose
properties of the nodes within under names of its own, so that every use has its own values of them. A use is a node of
type `composite` with the property `of`; its `kind` is made from the definition, so that ports, properties and help stand
where those of any node type stand. `engine.inlining` draws uses out; `engine.grouping` makes definitions and undoes them.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar

from engine.graph import COMPOSITE, Graph, Node, Wire
from engine.nodes.base import Dimensions, NodeType, Port, Property
from engine.nodes.composites import CATEGORY
from engine.problems import Problem

MOST_COMPOSITES = 1000
MOST_LEVELS = 16  # of composites within composites
MOST_NODES = 20_000  # of all composites of a graph drawn out


@dataclass(frozen=True, eq=False)
class Composite:
    """A graph inside a node. Never changed in place: an edit replaces it, and what uses it, by `defined`.

    exposed   name of a property -> the properties within that it sets, as `node.property`
    formula   LaTeX for palette and inspector; source: the textbook; icon: as of a node type
    """

    id: str
    title: str = ""
    description: str = ""
    graph: Graph = field(default_factory=Graph)
    exposed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    formula: str = ""
    source: str = ""
    icon: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The title, or the id where there is none."""
        return self.title or self.id

    @property
    def uses(self) -> set[str]:
        """Ids of the composites that it is made of."""
        return {used_by(node) for node in self.graph if node.type == COMPOSITE}

    @cached_property
    def kind(self) -> type[CompositeType]:
        """The node type of its uses."""
        return _kind_of(self)

    @cached_property
    def into(self) -> dict[str, list[Wire]]:
        """The wires within, by the port they end at."""
        return wires_by_target(self.graph.wires)


class CompositeType(NodeType):
    """A use of a composite: what is drawn inside it is computed in its place."""

    category = CATEGORY
    composite: ClassVar[Composite]
    levels: ClassVar[int] = 1  # of composites that stand within each other
    size: ClassVar[int] = 0  # nodes, all uses drawn out

    @classmethod
    def check_properties(cls, values: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
        """As of any node type; `of` says which one it is, and is none of its properties."""
        sound, problems = super().check_properties({name: value for name, value in values.items() if name != "of"})
        return ({"of": values["of"], **sound} if "of" in values else sound), problems


def used_by(node: Node) -> str:
    """The id of the composite that a use names."""
    name = node.properties.get("of", "")
    return name if isinstance(name, str) else ""


def composite_of(node: Node) -> Composite | None:
    """What a node is a use of; None for any other node, and where that composite is not known."""
    kind = node.bound
    return kind.composite if kind is not None and issubclass(kind, CompositeType) else None


def node_at(graph: Graph, path: str) -> Node | None:
    """The node of a path, also one within composites: `block_1/dense_1`. None where there is none."""
    while "/" in path:
        use, _, path = path.partition("/")
        composite = composite_of(graph.nodes[use]) if use in graph.nodes else None
        if composite is None:
            return None
        graph = composite.graph
    return graph.nodes.get(path)


def title_at(graph: Graph, path: str) -> str:
    """What people call the node of a path: titles (or ids, where there are none) of the uses around it and its own."""
    names: list[str] = []
    for name in path.split("/"):
        node = graph.nodes.get(name)
        names.append((node.title if node is not None else "") or name)
        composite = composite_of(node) if node is not None else None
        graph = composite.graph if composite is not None else Graph()
    return " › ".join(names)


def wires_by_target(wires: Iterable[Wire]) -> dict[str, list[Wire]]:
    """Wires by the port that they end at, in their order."""
    found: dict[str, list[Wire]] = {}
    for wire in wires:
        found.setdefault(wire.target, []).append(wire)
    for several in found.values():
        several.sort(key=lambda wire: wire.order)
    return found


# the node type of a use ----------------------------------------------------------------------------------------------


def _kind_of(composite: Composite) -> type[CompositeType]:
    nested = [node.bound for node in composite.graph if node.bound is not None]
    inner = [kind for kind in nested if issubclass(kind, CompositeType)]
    delayed, late = _delayed_ports(composite), _late_ports(composite)
    borders = [node for node in composite.graph if node.type == "port_in"]
    inputs = tuple([replace(_port_in(node, node.id in delayed), late=node.id in late) for node in borders])
    body: dict[str, Any] = {
        "__doc__": composite.description or f"The composite “{composite.name}”: a graph inside a node.",
        "name": composite.id,
        "title": composite.name,
        "formula": composite.formula,
        "source": composite.source,
        "icon": composite.icon or "group",
        "time": "delays" if delayed else "",
        "inputs": inputs,
        "outputs": tuple([_port_out(node) for node in composite.graph if node.type == "port_out"]),
        "composite": composite,
        "levels": 1 + max([kind.levels for kind in inner], default=0),
        "size": len(composite.graph.nodes) + sum([kind.size for kind in inner]),
        **_exposed_properties(composite),
    }
    return type(f"Composite_{composite.id}", (CompositeType,), body)


def _sound(node: Node) -> dict[str, Any]:
    kind = node.kind
    if kind is None:
        return {}
    found = {name: entry.default for name, entry in kind.properties().items()}
    known = {name: value for name, value in node.properties.items() if name in found}
    return found | kind.check_properties(known)[0]


def _port_in(node: Node, is_delayed: bool) -> Port:
    told = _sound(node)
    default = told["default"]
    return Port(
        node.id, told["shape"], kind=told["kind"], symbol=told["symbol"], help=told["help_text"],
        default=None if default is None else float(default), optional=told["optional"], delayed=is_delayed,
    )  # fmt: skip


def _port_out(node: Node) -> Port:
    told = _sound(node)
    return Port(node.id, told["shape"], kind=told["kind"], symbol=told["symbol"], help=told["help_text"])


def _exposed_properties(composite: Composite) -> dict[str, Property]:
    found: dict[str, Property] = {}
    for name, targets in composite.exposed.items():
        entry = next((entry for target in targets if (entry := exposed_property(composite.graph, target))), None)
        if entry is not None and name != "of":
            found[name] = entry
    return found


def exposed_property(graph: Graph, target: str) -> Property | None:
    """A property within as it stands outside: its default is what the node within says. None where there is none."""
    node_id, _, name = target.partition(".")
    node = graph.nodes.get(node_id)
    entry = node.kind.properties().get(name) if node is not None and node.kind is not None else None
    if node is None or entry is None or node.type in ("port_in", "port_out"):
        return None
    twin = copy.copy(entry)
    twin.default = _sound(node).get(name, entry.default)
    return twin


def fitted(node: Node, name: str, value: Any) -> Any:
    """A value from outside in the form of a property within: a whole number is the first length of a shape there."""
    entry = node.kind.properties().get(name) if node.kind is not None else None
    if isinstance(entry, Dimensions) and isinstance(value, int) and not isinstance(value, bool):
        return (value, *(_sound(node).get(name) or ())[1:])
    return value


def _delayed_ports(composite: Composite) -> set[str]:
    """Ports whose value reaches no output within a step of time: a wire to them may close a cycle."""
    graph = composite.graph
    if not any(node.kind is not None and node.kind.time == "delays" for node in graph):
        return set()
    ends = {node.id for node in graph if node.type == "port_out"}
    return {node.id for node in graph if node.type == "port_in" and not ends & graph.descendants(node.id)}


def _late_ports(composite: Composite) -> set[str]:
    """Ports that only learning rules read: a wire to them may close a cycle."""
    graph, found = composite.graph, set[str]()
    for node in graph:
        ports = (
            [graph.input_port(wire.target) for wire in graph.wires_out_of(node.id)] if node.type == "port_in" else []
        )
        if ports and all(port is not None and port.late for port in ports):
            found.add(node.id)
    return found


# definitions and uses held together ----------------------------------------------------------------------------------


def ordered(uses: Mapping[str, set[str]]) -> tuple[list[str], set[tuple[str, str]]]:
    """Ids so that what is used comes before what uses it, and the (user, used) pairs by which something contains itself."""
    known = {name: {other for other in others if other in uses} for name, others in uses.items()}
    done, stuck = _sorted(known)
    if not stuck:
        return done, set()
    inside = {name: known[name] & stuck for name in stuck}
    round_about = {(name, other) for name in inside for other in inside[name] if name in _reached(other, inside)}
    open_ended = {name: {other for other in known[name] if (name, other) not in round_about} for name in known}
    return _sorted(open_ended)[0], round_about


def _sorted(uses: Mapping[str, set[str]]) -> tuple[list[str], set[str]]:
    waiting = {name: len(others) for name, others in uses.items()}
    users: dict[str, list[str]] = {}
    for name, others in uses.items():
        for other in others:
            users.setdefault(other, []).append(name)
    ready = [name for name, count in waiting.items() if count == 0]
    for name in ready:  # grows while it is walked
        for user in users.get(name, ()):
            waiting[user] -= 1
            if waiting[user] == 0:
                ready.append(user)
    return ready, set(uses) - set(ready)


def _reached(start: str, uses: Mapping[str, set[str]]) -> set[str]:
    found, waiting = {start}, [start]
    while waiting:
        new = uses[waiting.pop()] - found
        found |= new
        waiting.extend(new)
    return found


def bound_table(composites: Mapping[str, Composite]) -> dict[str, Composite]:
    """The same definitions, every use within them bound to the newest definition of what it names.

    Uses by which a composite would contain itself, and uses of what is nested too deeply or too large, stay unbound.
    """
    order, round_about = ordered({name: composite.uses for name, composite in composites.items()})
    table: dict[str, Composite] = {}
    for name in order:
        known = {other: found for other, found in table.items() if (name, other) not in round_about}
        table[name] = _with_uses_bound(composites[name], known)
    return {name: table[name] for name in composites}


def _with_uses_bound(composite: Composite, table: Mapping[str, Composite]) -> Composite:
    if all(node.bound is wanted_kind(node, table) for node in composite.graph if node.type == COMPOSITE):
        return composite
    graph = composite.graph.copy()
    bind(graph, table)
    return replace(composite, graph=graph)


def wanted_kind(node: Node, table: Mapping[str, Composite]) -> type[NodeType] | None:
    """The kind that a use should have; None where its composite is not known, or is more than can be drawn out."""
    composite = table.get(used_by(node))
    if composite is None or composite.kind.levels > MOST_LEVELS or composite.kind.size > MOST_NODES:
        return None
    return composite.kind


def bind(graph: Graph, table: Mapping[str, Composite]) -> None:
    """Give every use the kind of its definition. Nodes are replaced, never changed: others may share them."""
    for name, node in graph.nodes.items():
        if node.type == COMPOSITE and node.bound is not (kind := wanted_kind(node, table)):
            graph.nodes[name] = replace(node, bound=kind)


def define(graph: Graph, *composites: Composite) -> None:
    """Put definitions into a graph, in place of others of the same ids; all uses follow."""
    set_composites(graph, {**graph.composites, **{composite.id: composite for composite in composites}})


def set_composites(graph: Graph, composites: Mapping[str, Composite]) -> None:
    """Exchange all definitions of a graph; all uses follow."""
    graph.composites = bound_table(composites)
    bind(graph, graph.composites)


def needed(graph: Graph, nodes: Iterable[Node]) -> list[str]:
    """Ids of the definitions that some nodes are made of, in the order of the graph."""
    named = {used_by(node) for node in nodes if node.type == COMPOSITE}
    uses = {name: composite.uses & graph.composites.keys() for name, composite in graph.composites.items()}
    reached = set().union(*[_reached(name, uses) for name in named if name in uses])
    return [name for name in graph.composites if name in reached]


def unused(graph: Graph) -> set[str]:
    """Ids of the definitions that no node of the graph needs."""
    return set(graph.composites) - set(needed(graph, graph))
