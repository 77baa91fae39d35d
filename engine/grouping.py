"""Making a composite of drawn nodes, and drawing a use out again: edits of a graph that change nothing in what is computed.

Both tell which ids went where, so that parameters keep their numbers (`renamed`) and the training plan follows (`replaced`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from engine.arrangement import dots_of
from engine.composites import Composite, composite_of, define, fitted, wires_by_target
from engine.graph import COMPOSITE, Graph, Node, Wire
from engine.inlining import HANDED_DOWN
from engine.nodes import Port, node_types
from engine.problems import Problem, ProblemError

if TYPE_CHECKING:
    from engine.training import Training

COLUMN, ROW = 288.0, 144.0  # pixels between a port and its nearest node, and between two ports
BORDER = ("port_in", "port_out")
STEM = "block"


@dataclass
class Moved:
    """What an edit did: the node that came, or the nodes, and where each id and each output went.

    nodes    `dense_1` -> `block_1/dense_1`, or back
    outputs  outputs whose node is gone: `block_1.y` -> `dense_2.h`
    """

    created: list[str]
    nodes: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)

    def address(self, text: str) -> str:
        """Where a node, an output or a parameter is to be found now."""
        if text in self.outputs:
            return self.outputs[text]
        path, dot, port = text.partition(".")
        head = path
        while head:
            if head in self.nodes:
                return f"{self.nodes[head]}{path.removeprefix(head)}{dot}{port}"
            head = head.rpartition("/")[0]
        return text


def renamed(values: Mapping[str, Any], moved: Moved) -> dict[str, Any]:
    """Numbers by the addresses at which they are to be found now; only of what moved."""
    return {new: value for address, value in values.items() if (new := moved.address(address)) != address}


def replaced(training: Training, moved: Moved) -> Training:
    """The training plan with the new addresses of what it names."""
    phases = []
    for phase in training.phases:
        chosen = phase.parameters
        if not isinstance(chosen, str):
            chosen = tuple([new for address in chosen for new in _named(address, moved)])
        phases.append(
            replace(
                phase, minimise=moved.address(phase.minimise), maximise=moved.address(phase.maximise), parameters=chosen
            )
        )
    return training if tuple(phases) == training.phases else replace(training, phases=tuple(phases))


def _named(entry: str, moved: Moved) -> list[str]:
    """Where to find what a phase names: of a composite unpacked its nodes, of a node that gave its parameters away those."""
    if "." not in entry and entry not in moved.nodes:
        within = [new for old, new in moved.nodes.items() if old.startswith(f"{entry}/")]
        given = [new.partition(".")[0] for old, new in moved.outputs.items() if old.startswith(f"{entry}.")]
        if within or given:
            return within or given
    return [moved.address(entry)]


# a composite of drawn nodes --------------------------------------------------------------------------------------------


def grouped(graph: Graph, ids: Iterable[str], title: str = "", taken: Iterable[str] = ()) -> Moved:
    """Put nodes into a new composite and a use of it in their place, with a port for every value that crosses the border.

    taken  ids that the use must not have. Raises `ProblemError` where nothing can be grouped, or where a way from one of
    the nodes to another leads through a node that stays outside.
    """
    wanted = set(ids)
    chosen = [name for name, node in graph.nodes.items() if name in wanted and node.type not in BORDER]
    if not chosen:
        raise ProblemError(Problem("nothing is selected that can be grouped", "Select some nodes.", kind="selection"))
    _refuse_ways_around(graph, set(chosen))
    name = _free_composite(graph, STEM)
    use = _free(f"{name}_", {*graph.nodes, *taken})
    inside, incoming, outgoing = _inside(graph, chosen)
    composite = Composite(name, title or name.replace("_", " ").capitalize(), graph=inside)
    place = _corner([graph.nodes[entry] for entry in chosen])
    _exchange(graph, chosen, Node(use, COMPOSITE, "", {"of": name}, place))
    graph.wires = [
        *[wire for wire in graph.wires if wire.source_node in graph.nodes and wire.target_node in graph.nodes],
        *[replace(wire, target=f"{use}.{port}", order=0) for wire, port in incoming],
        *[replace(wire, source=f"{use}.{port}") for wire, port in outgoing],
    ]
    define(graph, composite)
    _refuse_knots(graph)
    return Moved([use], {entry: f"{use}/{entry}" for entry in chosen})


def _refuse_ways_around(graph: Graph, chosen: set[str]) -> None:
    around = graph.descendants(*chosen) & graph.ancestors(*chosen) - chosen
    between = [name for name in graph.nodes if name in around]
    if between:
        names = ", ".join(f"“{graph.nodes[name].name}”" for name in between[:3])
        fact = f"a way from one of these nodes to another leads through {names}"
        raise ProblemError(Problem(fact, "Select what lies between them too.", node=between[0], kind="cycle"))


def _refuse_knots(graph: Graph) -> None:
    stuck = graph.in_order()[1]
    if stuck:
        fact = "the new composite would wait for itself"
        raise ProblemError(Problem(fact, "Take the delay into it, or leave it out.", node=stuck[0], kind="cycle"))


Crossing = list[tuple[Wire, str]]  # a wire and the port that it now ends or begins at


def _inside(graph: Graph, chosen: list[str]) -> tuple[Graph, Crossing, Crossing]:
    """The inside of the new composite, and one wire for each port that comes in, all wires that go out."""
    inside = Graph()
    inside.composites = graph.composites
    inside.nodes = {name: replace(graph.nodes[name], flags=graph.nodes[name].flags - {"pinned"}) for name in chosen}
    inside.frames = {
        name: frame for name, frame in graph.frames.items() if frame.nodes and inside.nodes.keys() >= set(frame.nodes)
    }
    left, top = _corner(list(inside.nodes.values()))
    right = max(node.position[0] for node in inside.nodes.values())
    incoming: Crossing = []
    outgoing: Crossing = []
    doors: dict[tuple[str, bool, bool], str] = {}
    exits: dict[str, str] = {}
    members = set(chosen)  # the ports that come are none of them, whatever they are called
    for wire in graph.wires:
        enters, leaves = wire.target_node in members, wire.source_node in members
        if enters and leaves:
            inside.wires.append(wire)
        elif enters:
            port = graph.input_port(wire.target)
            key = (wire.source, wire.muted, port is not None and (port.delayed or port.late))
            if key not in doors:
                place = (left - COLUMN, top + ROW * len(doors))
                doors[key] = _border(inside, "port_in", wire.target_port, port, place)
                incoming.append((wire, doors[key]))
            inside.wires.append(replace(wire, source=f"{doors[key]}.value", muted=False, via=()))
        elif leaves:
            if wire.source not in exits:
                place = (right + COLUMN, top + ROW * len(exits))
                exits[wire.source] = _exit(inside, wire.source, graph.output_port(wire.source), place)
            outgoing.append((wire, exits[wire.source]))
    inside.dots = {name: graph.dots[name] for name in dots_of(inside.wires) if name in graph.dots}
    for source, port in _loose(graph, chosen):
        _exit(inside, source, port, (right + COLUMN, top + ROW * len(exits)))
        exits[source] = source
    return inside, incoming, outgoing


def _loose(graph: Graph, chosen: list[str]) -> list[tuple[str, Port]]:
    """First outputs that lead nowhere, of nodes that nothing within needs: somebody will want to wire them."""
    wired = {wire.source_node for wire in graph.wires}
    kinds = [(name, graph.nodes[name].kind) for name in chosen if name not in wired]
    return [(f"{name}.{kind.outputs[0].name}", kind.outputs[0]) for name, kind in kinds if kind and kind.outputs]


def _exit(inside: Graph, source: str, port: Port | None, place: tuple[float, float]) -> str:
    name = _border(inside, "port_out", source.partition(".")[2], port, place)
    inside.wires.append(Wire(source, f"{name}.value"))
    return name


def _border(inside: Graph, type: str, stem: str, port: Port | None, place: tuple[float, float]) -> str:
    name = stem if stem not in inside.nodes else _free(f"{stem}_", inside.nodes)
    said: dict[str, Any] = {}
    if port is not None:
        said = {"shape": port.shape[:60], "kind": port.kind, "symbol": port.symbol[:40], "help_text": port.help[:200]}
        if type == "port_in":
            said["optional"] = port.optional
    defaults = {key: entry.default for key, entry in node_types()[type].properties().items()}
    inside.add(type, name, position=place, **{key: value for key, value in said.items() if value != defaults[key]})
    return name


def _exchange(graph: Graph, chosen: list[str], use: Node) -> None:
    """The use stands where the last of the nodes stood: behind all that it needs."""
    nodes: dict[str, Node] = {}
    gone = set(chosen)
    for name, node in graph.nodes.items():
        if name == chosen[-1]:
            nodes[use.id] = use
        elif name not in gone:
            nodes[name] = node
    graph.nodes = nodes
    for frame in list(graph.frames.values()):
        if frame.nodes and set(frame.nodes) <= gone:
            del graph.frames[frame.id]
        elif gone & set(frame.nodes):
            kept = [name for name in frame.nodes if name not in gone]
            graph.frames[frame.id] = replace(frame, nodes=(*kept, use.id))


# and back --------------------------------------------------------------------------------------------------------------


def expanded(graph: Graph, use_id: str, taken: Iterable[str] = ()) -> Moved:
    """Draw the inside of one use in its place; its definition stays. Raises `ProblemError` for what is no use."""
    use = graph.nodes.get(use_id)
    composite = composite_of(use) if use is not None else None
    if use is None or composite is None:
        fact = f"“{use.name if use else use_id}” is no composite"
        raise ProblemError(Problem(fact, "Select a node that opens.", node=use_id, kind="composite"))
    if "bypassed" in use.flags:
        fact = f"“{use.name}” is bypassed: what is inside has no part in what it gives"
        raise ProblemError(Problem(fact, "Take the bypass off first.", node=use_id, kind="composite"))
    outside, inner = wires_by_target(graph.wires), composite.graph
    before = {name for name in graph.nodes if name != use_id} | set(taken)
    names: dict[str, str] = {}
    for node in inner:
        if node.type not in BORDER:
            names[node.id] = node.id if node.id not in before else _free(f"{_stem(node)}_", before)
            before.add(names[node.id])
    _add_numbers(graph, use, composite, outside, names, before)
    created = _nodes_of(use, composite, names)
    source = _sources(use, composite, outside, names)
    dots = _dots_drawn_out(graph, use, composite, list(names))
    wires = _wires_drawn_out(graph, use_id, composite, names, source, dots)
    nodes: dict[str, Node] = {}
    for name, node in graph.nodes.items():
        nodes.update({entry.id: entry for entry in created} if name == use_id else {name: node})
    graph.nodes, graph.wires = nodes, wires
    _frames_drawn_out(graph, use_id, composite, names, [node.id for node in created])
    ports = [node.id for node in inner if node.type == "port_out"]
    outputs = {f"{use_id}.{port}": found[0] for port in ports if (found := source(f"{port}.value", True))}
    if ports and f"{use_id}.{ports[0]}" in outputs:
        outputs[use_id] = outputs[f"{use_id}.{ports[0]}"]
    return Moved([node.id for node in created], {f"{use_id}/{old}": new for old, new in names.items()}, outputs)


Source = Callable[[str, bool], "tuple[str, bool] | None"]


def _sources(use: Node, composite: Composite, outside: Mapping[str, list[Wire]], names: Mapping[str, str]) -> Source:
    """Where an output within (or what leaves through a port) comes from in the graph outside; None where it is free."""

    def source(address: str, leaves: bool = False) -> tuple[str, bool] | None:
        muted = False
        if leaves:
            wires = composite.into.get(address)
            if not wires:
                return None
            address, muted = wires[0].source, wires[0].muted
        name, _, port = address.partition(".")
        if name in names:
            return f"{names[name]}.{port}", muted
        wires = outside.get(f"{use.id}.{name}")
        return (wires[0].source, muted or wires[0].muted) if wires else None

    return source


def _add_numbers(
    graph: Graph,
    use: Node,
    composite: Composite,
    outside: dict[str, list[Wire]],
    names: Mapping[str, str],
    taken: set[str],
) -> None:
    """A constant for every number that stands at a free port."""
    for place, port in enumerate(composite.kind.inputs):
        if port.default is None or f"{use.id}.{port.name}" in outside:
            continue
        name = _free("constant_", taken)
        taken.add(name)
        value = use.properties.get(port.name, port.default)
        x, y = use.position
        graph.add("constant", name, title=port.name, position=(x - COLUMN, y + ROW * place), value=value)
        outside[f"{use.id}.{port.name}"] = [Wire(f"{name}.value", f"{use.id}.{port.name}")]


def _nodes_of(use: Node, composite: Composite, names: Mapping[str, str]) -> list[Node]:
    told: dict[str, dict[str, Any]] = {}
    for name, value in use.properties.items():
        for target in composite.exposed.get(name, ()):
            owner, _, entry = target.partition(".")
            if owner in names:
                told.setdefault(owner, {})[entry] = fitted(composite.graph.nodes[owner], entry, value)
    inside = [composite.graph.nodes[name] for name in names]
    left, top = _corner(inside)
    return [
        replace(
            node, id=names[node.id], properties={**node.properties, **told.get(node.id, {})},
            flags=node.flags | (use.flags & HANDED_DOWN),
            position=(node.position[0] - left + use.position[0], node.position[1] - top + use.position[1]),
        )
        for node in inside
    ]  # fmt: skip


def _wires_drawn_out(
    graph: Graph, use_id: str, composite: Composite, names: Mapping[str, str], source: Source, dots: Mapping[str, str]
) -> list[Wire]:
    found: list[Wire] = []
    for wire in graph.wires:
        if wire.target_node == use_id:
            continue
        if wire.source_node != use_id:
            found.append(wire)
        elif origin := source(f"{wire.source_port}.value", True):
            found.append(replace(wire, source=origin[0], muted=wire.muted or origin[1]))
    for wire in composite.graph.wires:
        origin = source(wire.source, False)
        if wire.target_node in names and origin is not None:
            target = f"{names[wire.target_node]}.{wire.target_port}"
            via = tuple([dots[dot] for dot in wire.via if dot in dots])
            found.append(replace(wire, source=origin[0], target=target, muted=wire.muted or origin[1], via=via))
    return found


def _dots_drawn_out(graph: Graph, use: Node, composite: Composite, inside: list[str]) -> dict[str, str]:
    """The dots of the inside come out with the nodes, under free ids; these by the old ones."""
    left, top = _corner([composite.graph.nodes[name] for name in inside])
    names: dict[str, str] = {}
    for dot in composite.graph.dots.values():
        names[dot.id] = name = _free("dot_", graph.dots.keys())
        x, y = dot.position
        graph.dots[name] = replace(dot, id=name, position=(x - left + use.position[0], y - top + use.position[1]))
    return names


def _frames_drawn_out(
    graph: Graph, use_id: str, composite: Composite, names: Mapping[str, str], created: list[str]
) -> None:
    for frame in list(graph.frames.values()):
        if use_id in frame.nodes:
            others = [name for name in frame.nodes if name != use_id]
            graph.frames[frame.id] = replace(frame, nodes=(*others, *created))
    for frame in composite.graph.frames.values():
        name = _free("frame_", {*graph.frames, *graph.nodes, *graph.notes})
        kept = tuple([names[entry] for entry in frame.nodes if entry in names])
        graph.frames[name] = replace(frame, id=name, nodes=kept)


def _corner(nodes: list[Node]) -> tuple[float, float]:
    return min([node.position[0] for node in nodes], default=0.0), min(
        [node.position[1] for node in nodes], default=0.0
    )


def _stem(node: Node) -> str:
    composite = composite_of(node)
    return composite.id if composite is not None else node.type


def _free(stem: str, taken: Iterable[str]) -> str:
    known, number = set(taken), 1
    while f"{stem}{number}" in known:
        number += 1
    return f"{stem}{number}"


def _free_composite(graph: Graph, stem: str) -> str:
    """An id for a new definition: `block`, then `block_2`."""
    number, name = 1, stem
    while name in graph.composites or name in node_types():
        number += 1
        name = f"{stem}_{number}"
    return name
