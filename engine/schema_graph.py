"""The graph of a file: parsed JSON to nodes and wires and back, and what is wrong with a graph as it is.

Everything sound is kept, everything else is told with its path.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from engine.composites import Composite, composite_of, set_composites, wanted_kind
from engine.graph import COMPOSITE, IDENTIFIER, Dot, Frame, Graph, Node, Note, Wire
from engine.nodes import NodeType, node_types
from engine.problems import Problem
from engine.schema import Fields, is_whole, plain, shortened
from engine.schema_composites import composites_json, definition_problems, read_composites, use_problem
from engine.schema_findings import Findings, path_text, said

MOST_NODES = 20_000
LONGEST_ID = 100
FLAGS = ("bypassed", "collapsed", "frozen", "muted", "opened", "pinned", "trimmed")


@dataclass
class Places:
    """Where nodes and wires stand in the file they were read from: the paths of problems found later."""

    nodes: dict[str, str] = field(default_factory=dict)
    wires: dict[tuple[str, str], str] = field(default_factory=dict)
    composites: dict[str, Places] = field(default_factory=dict)

    @classmethod
    def of(cls, graph: Graph, path: str = "graph") -> Places:
        """The places in the file that `graph` would be saved as."""
        nodes = {name: f"{path}.nodes[{index}]" for index, name in enumerate(graph.nodes)}
        wires = {(wire.source, wire.target): f"{path}.wires[{index}]" for index, wire in enumerate(graph.wires)}
        inside = {name: cls.of(found.graph, f"{path}.composites.{name}") for name, found in graph.composites.items()}
        return cls(nodes, wires, inside)

    def fit(self, graph: Graph) -> bool:
        """Whether the graph still has the nodes and wires that were read, in their order."""
        wires = [(wire.source, wire.target) for wire in graph.wires]
        if list(self.nodes) != list(graph.nodes) or list(self.wires) != wires:
            return False
        inside = graph.composites
        return self.composites.keys() == inside.keys() and all(
            places.fit(inside[name].graph) for name, places in self.composites.items()
        )

    def node(self, path: str, graph: Graph) -> str:
        """The place of a node, also of one within composites (`block_1/dense_1`); empty where there is none."""
        places, name = self, path
        while "/" in name:
            use, _, name = name.partition("/")
            composite = composite_of(graph.nodes[use]) if use in graph.nodes else None
            if composite is None or composite.id not in self.composites:
                return ""
            places, graph = self.composites[composite.id], composite.graph
        return places.nodes.get(name, "")


class GraphReader:
    """Reads the `graph` of a file; ids that cannot stay are renamed, and wires and frames follow."""

    def __init__(self, findings: Findings, table: Mapping[str, Composite] | None = None) -> None:
        self._findings = findings
        self._within = table is not None  # whether it is the graph of a definition that is read
        self.graph, self.places = Graph(), Places()
        self._table: Mapping[str, Composite] = table or {}
        self._renamed: dict[str, str] = {}
        self._numbers: dict[str, int] = {}  # where to go on looking for a free one
        self._sources: dict[str, str] = {}  # the first source of each input that is wired

    def read(self, fields: Fields) -> tuple[Graph, Places]:
        """The graph, and where its nodes and wires stand."""
        if not self._within:
            path = fields.at("composites")
            self._table, inside = read_composites(fields.inner("composites"), path, self._findings)
            set_composites(self.graph, self._table)
            self._table, self.places.composites = self.graph.composites, inside
        entries = fields.entries("nodes")
        if len(entries) > MOST_NODES:
            fact = f"the graph has {len(entries)} nodes, more than {MOST_NODES}"
            fields.tell("nodes", fact, f"The first {MOST_NODES} are opened.", kind="limit")
        self._each(entries[:MOST_NODES], "a node", self._node)
        self._each(fields.entries("dots"), "a dot", self._dot)
        self._each(fields.entries("wires"), "a wire", self._wire)
        self._each(fields.entries("frames"), "a frame", self._frame)
        self._each(fields.entries("notes"), "a note", self._note)
        return self.graph, self.places

    def _each(self, entries: list[tuple[str, Any]], what: str, read: Callable[[Fields], None]) -> None:
        for path, value in entries:
            if isinstance(value, dict):
                read(Fields(value, path, self._findings))
            else:
                self._findings.tell(
                    f"{what} is an object in braces, not {said(value)}", "It is left out.", path, kind="type"
                )

    def _node(self, fields: Fields) -> None:
        type_name = fields.name("type", "node")
        if type_name is None:
            return
        name = self._id(fields, self.graph.nodes, "node", type_name)
        properties = fields.inner("properties")
        node = Node(name, type_name, fields.text("title"), properties, self._position(fields), self._flags(fields))
        if type_name == COMPOSITE:
            node.bound = wanted_kind(node, self._table)
        if node.kind is not None:
            # An unsound value stays as it was written: `graph_problems` tells it until somebody mends it.
            properties |= _checked(node.kind, properties)[0]
        node.colour = fields.text("colour")
        node.extra = fields.extra()
        self.graph.nodes[name] = node
        self.places.nodes[name] = fields.path

    def _position(self, fields: Fields) -> tuple[float, float]:
        last = next(reversed(self.graph.nodes.values()), None)
        return fields.pair("position", (last.position[0] + 240.0, last.position[1]) if last else (0.0, 0.0))

    def _flags(self, fields: Fields) -> frozenset[str]:
        flags = fields.texts("flags")
        for flag in flags:
            if flag not in FLAGS:
                mend = self._findings.near(flag, FLAGS) or f"Known are {', '.join(FLAGS)}."
                fields.tell("flags", f"no flag is called {said(flag)}", mend, severity="warning", kind="unknown")
        return frozenset(flags)

    def _id(self, fields: Fields, taken: Mapping[str, Any], what: str, stem: str) -> str:
        name = fields.name("id", what, mend="It is opened with a new one.")
        if name is None:
            return self._free(stem, taken)
        if name not in taken and is_identifier(name):
            return name
        free = self._free(name, taken)
        mend = f"It is opened as “{free}”."
        if name in taken:
            fields.tell("id", f"two of them are called {said(name)}", mend, kind="duplicate")
        else:
            rule = f"Ids are lower-case letters, digits and _, a letter first, up to {LONGEST_ID}."
            fields.tell("id", f"{said(name)} cannot be an id", f"{rule} {mend}", kind="id")
            self._renamed.setdefault(name, free)
        return free

    def _free(self, name: str, taken: Mapping[str, Any]) -> str:
        stem = _stem(name)
        number = self._numbers.get(stem, 1)
        while (free := f"{stem}_{number}") in taken:
            number += 1
        self._numbers[stem] = number
        return free

    def _wire(self, fields: Fields) -> None:
        source, target = self._end(fields, "from"), self._end(fields, "to")
        order = fields.take("order", is_whole, 0, "a whole number")
        muted = fields.flag("muted")
        via = self._via(fields)
        extra = fields.extra()
        if source is None or target is None:
            return
        if (source, target) in self.places.wires:
            return fields.tell("to", f"the wire {source} → {target} stands here twice", "Delete one.", kind="duplicate")
        rival = self._sources.setdefault(target, source)
        if rival != source and (port := self.graph.input_port(target)) is not None and not port.many:
            fact = f"“{target}” takes one wire and has that of {rival}"
            return fields.tell("to", fact, f"The wire of {source} is left out.", kind="wire")
        self.graph.wires.append(Wire(source, target, order, muted, extra, via))
        self.places.wires[source, target] = fields.path

    def _via(self, fields: Fields) -> tuple[str, ...]:
        """The dots that a wire is led over; those that are not there are told."""
        named = dict.fromkeys(self._renamed.get(dot, dot) for dot in fields.texts("via"))
        for dot in named.keys() - self.graph.dots.keys():
            fields.tell("via", f"there is no dot {said(dot)}", "The wire is led without it.", kind="unknown")
        return tuple([dot for dot in named if dot in self.graph.dots])

    def _end(self, fields: Fields, key: str) -> str | None:
        """The address of one end of a wire, or None (told) where nothing is there to wire to."""
        address = fields.name(key, "wire")
        if address is None:
            return None
        node_id, _, port = address.partition(".")
        node_id = self._renamed.get(node_id, node_id)
        node = self.graph.nodes.get(node_id)
        if node is None:
            mend = self._findings.near(node_id, self.graph.nodes)
            fields.tell(
                key, f"there is no node {said(node_id)}", f"{mend} The wire is left out.".strip(), kind="unknown"
            )
            return None
        kind = node.kind
        if port and (kind is None or (kind.output(port) if key == "from" else kind.input(port)) is not None):
            return f"{node_id}.{port}"
        self._tell_end(fields, key, node, port, address)
        return None

    def _tell_end(self, fields: Fields, key: str, node: Node, port: str, address: str) -> None:
        side, node_id = "outputs" if key == "from" else "inputs", node.id
        known = [entry.name for entry in getattr(node.kind, side)] if node.kind else [port]
        has = f"It has the {side} {', '.join(known)}." if known and node.kind else f"It has no {side}."
        fact = f"“{node_id}” has no {side[:-1]} {said(port)}" if port else f"{said(address)} names no port"
        fields.tell(key, fact, f"{self._findings.near(port, known) or has} The wire is left out.", kind="port")

    def _frame(self, fields: Fields) -> None:
        name = self._id(fields, self.graph.frames, "frame", "frame")
        inside = [self._renamed.get(entry, entry) for entry in fields.texts("nodes")]
        for entry in inside:
            if entry not in self.graph.nodes:
                fields.tell("nodes", f"there is no node {said(entry)}", "The frame goes without it.", kind="unknown")
        nodes = tuple(entry for entry in dict.fromkeys(inside) if entry in self.graph.nodes)
        self.graph.frames[name] = Frame(name, fields.text("title"), nodes, fields.text("colour"), fields.extra())

    def _dot(self, fields: Fields) -> None:
        name = self._id(fields, self.graph.dots, "dot", "dot")
        position, pinned = fields.pair("position", (0.0, 0.0)), fields.flag("pinned")
        self.graph.dots[name] = Dot(name, position, pinned, fields.extra())

    def _note(self, fields: Fields) -> None:
        name = self._id(fields, self.graph.notes, "note", "note")
        blank = Note(name)
        position, size = fields.pair("position", blank.position), fields.pair("size", blank.size)
        self.graph.notes[name] = Note(name, fields.text("text"), position, size, fields.extra())


def is_identifier(name: str) -> bool:
    """Whether a text can be an id."""
    return len(name) <= LONGEST_ID and IDENTIFIER.fullmatch(name) is not None


def _stem(name: str) -> str:
    stem = re.sub(r"[^a-z0-9_]+", "_", name[:60].lower()).strip("_")
    return stem if stem[:1].isalpha() else f"node_{stem}".rstrip("_")


def _checked(kind: type[NodeType], properties: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    known = kind.properties()
    return kind.check_properties({name: value for name, value in properties.items() if name in known})


# what is wrong with a graph as it is -------------------------------------------------------------------------------


def graph_problems(graph: Graph, places: Places) -> list[Problem]:
    """Unknown types, unsound properties and cycles, told anew from the graph as it is now, composites included."""
    findings = Findings()
    for problem in problems_within(graph, places, graph.composites):
        findings.add(problem)
    if graph.composites:
        for problem in definition_problems(graph, places.composites):
            findings.add(problem)
    return findings.all()


def problems_within(
    graph: Graph, places: Places, composites: Mapping[str, Composite], within: str = ""
) -> list[Problem]:
    """The same of one graph alone; `within`: the composite that it is the inside of."""
    findings = Findings()
    for node in graph:
        place = places.nodes.get(node.id, "")
        kind = node.kind
        if kind is None and node.type == COMPOSITE:
            findings.add(use_problem(node, composites, within).below(place).at(node=node.id))
        elif kind is None:
            mend = findings.near(node.type, node_types()) or "The node is kept, and everything that needs it waits."
            fact = f"no node type is called {said(node.type)}"
            findings.tell(fact, mend, f"{place}.type", node=node.id, kind="unknown")
        elif node.properties:
            _tell_properties(node, kind, place, findings)
    for problem in _cycles(graph, places):
        findings.add(problem)
    return findings.all()


def _tell_properties(node: Node, kind: type[NodeType], place: str, findings: Findings) -> None:
    for problem in _checked(kind, node.properties)[1]:
        findings.add(shortened(problem).below(place).at(node=node.id))
    known = kind.properties()
    for name in node.properties:
        if name not in known and (node.type, name) != (COMPOSITE, "of"):
            mend = findings.near(name, known) or f"It knows {', '.join(known) or 'none'}."
            fact, path = f"“{kind.name}” has no property {said(name)}", path_text(["properties", name])
            findings.add(Problem(fact, mend, path, kind="unknown").below(place).at(node=node.id))


def _cycles(graph: Graph, places: Places, most: int = 10) -> list[Problem]:
    _, stuck = graph.in_order()
    following: dict[str, list[Wire]] = {name: [] for name in stuck}
    for wire in graph.wires:
        if wire.source_node in following and wire.target_node in following:
            following[wire.source_node].append(wire)
    return [_cycle_problem(wires, graph, places) for wires in islice(_cycles_along(following), most)]


def _cycles_along(following: Mapping[str, list[Wire]]) -> Iterator[list[Wire]]:
    """At least one cycle of every knot of cycles, each as its wires in the order of flow (no recursion)."""
    done: set[str] = set()
    for start in following:
        if start in done:
            continue
        trail: list[Wire] = []
        on_trail = {start: 0}
        waiting = [iter(following[start])]
        while waiting:
            wire = next(waiting[-1], None)
            if wire is None:
                waiting.pop()
                name = trail.pop().target_node if trail else start
                del on_trail[name]
                done.add(name)
            elif wire.target_node in on_trail:
                yield [*trail[on_trail[wire.target_node] :], wire]
            elif wire.target_node not in done:
                trail.append(wire)
                on_trail[wire.target_node] = len(trail)
                waiting.append(iter(following[wire.target_node]))


def _cycle_problem(wires: list[Wire], graph: Graph, places: Places) -> Problem:
    names = [graph.nodes[wire.source_node].name for wire in wires]
    shown = names if len(names) <= 6 else [*names[:5], "…"]
    fact = f"the wires {' → '.join([*shown, names[0]])} close a cycle"
    last = wires[-1]
    path = places.wires.get((last.source, last.target), "")
    mend = "Values flow one way: take out one of these wires."
    return Problem(fact, mend, path=path, node=last.target_node, port=last.target_port, kind="cycle")


# and back ----------------------------------------------------------------------------------------------------------


def node_json(node: Node) -> dict[str, Any]:
    """A node as it stands in a file."""
    entry: dict[str, Any] = {"id": node.id, "type": node.type}
    if node.title:
        entry["title"] = node.title
    entry["properties"] = {name: plain(value) for name, value in node.properties.items()}
    entry["position"] = list(node.position)
    if node.flags:
        entry["flags"] = sorted(node.flags)
    if node.colour:
        entry["colour"] = node.colour
    return entry | node.extra


def wire_json(wire: Wire) -> dict[str, Any]:
    """A wire as it stands in a file."""
    entry: dict[str, Any] = {"from": wire.source, "to": wire.target, "order": wire.order}
    if wire.muted:
        entry["muted"] = True
    if wire.via:
        entry["via"] = list(wire.via)
    return entry | wire.extra


def graph_json(graph: Graph, extra: Mapping[str, Any]) -> dict[str, Any]:
    """A graph as it stands in a file."""
    return {**drawn_json(graph), "composites": composites_json(graph.composites), **extra}


def drawn_json(graph: Graph) -> dict[str, Any]:
    """What is drawn on a canvas, without the definitions behind it: within a composite the document holds those."""
    drawn = {
        "nodes": [node_json(node) for node in graph],
        "wires": [wire_json(wire) for wire in graph.wires],
        "frames": [_frame_json(frame) for frame in graph.frames.values()],
        "notes": [_note_json(note) for note in graph.notes.values()],
    }
    return drawn | ({"dots": [_dot_json(dot) for dot in graph.dots.values()]} if graph.dots else {})


def _frame_json(frame: Frame) -> dict[str, Any]:
    entry = {"id": frame.id, "title": frame.title, "nodes": list(frame.nodes), "colour": frame.colour}
    return entry | frame.extra


def _dot_json(dot: Dot) -> dict[str, Any]:
    entry: dict[str, Any] = {"id": dot.id, "position": list(dot.position)}
    return entry | ({"pinned": True} if dot.pinned else {}) | dot.extra


def _note_json(note: Note) -> dict[str, Any]:
    entry = {"id": note.id, "text": note.text, "position": list(note.position), "size": list(note.size)}
    return entry | note.extra
