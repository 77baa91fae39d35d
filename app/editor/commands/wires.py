"""Drawing, moving, cutting and muting wires."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from app.editor.commands import Command, Delta
from app.editor.commands.drafts import bridge, fitting_input, fitting_output, node_of, parted, refusal
from app.editor.delta import draft_of, wire_id
from engine.graph import Graph, Wire
from engine.problems import Problem, ProblemError

if TYPE_CHECKING:
    from engine.document import Document
    from engine.nodes import Port


def connect(document: Document, source: str, target: str, via: tuple[str, ...] = ()) -> Command:
    """Draw a wire, over dots where some are named; an input that takes one lets its old wire go."""
    draft = draft_of(document.graph)
    _free(draft, target)
    _connect(document, draft, source, target, via)
    return f"Connect {_names(draft, source, target)}", Delta.between(document.graph, draft)


def _connect(document: Document, draft: Graph, source: str, target: str, via: tuple[str, ...] = ()) -> None:
    if (problem := refusal(document, draft, source, target)) is not None:
        raise ProblemError(problem)
    draft.connect(source, target)
    if via:
        draft.wires[-1] = replace(draft.wires[-1], via=via)


def _free(draft: Graph, target: str) -> None:
    port = draft.input_port(target)
    if port is not None and not port.many:
        draft.wires = [wire for wire in draft.wires if wire.target != target]


def disconnect(document: Document, source: str, target: str) -> Command:
    """Take one wire away."""
    return cut(document, [f"{source}>{target}"], f"Disconnect {_names(document.graph, source, target)}")


def cut(document: Document, wires: Iterable[str], text: str = "") -> Command:
    """Take several wires away, given as `source>target`."""
    draft, gone = draft_of(document.graph), set(wires)
    draft.wires = [wire for wire in draft.wires if wire_id(wire) not in gone]
    count = len(document.graph.wires) - len(draft.wires)
    if not count:
        raise ProblemError(Problem("there is no such wire", kind="wire"))
    return text or (f"Cut {count} wires" if count > 1 else "Cut a wire"), Delta.between(document.graph, draft)


def break_port(document: Document, address: str) -> Command:
    """Take away every wire of a port."""
    touching = [wire_id(wire) for wire in document.graph.wires if address in (wire.source, wire.target)]
    return cut(document, touching, f"Break the wires of {address.replace('.', ' · ')}")


def rewire(document: Document, source: str, target: str, new_source: str, new_target: str) -> Command:
    """Move an end of a wire to another port; it is led over the same dots."""
    draft = draft_of(document.graph)
    old = _wire_between(draft, source, target)
    draft.disconnect(source, target)
    _free(draft, new_target)
    _connect(document, draft, new_source, new_target, old.via)
    return f"Rewire {_names(draft, new_source, new_target)}", Delta.between(document.graph, draft)


def swap(document: Document, first: str, second: str) -> Command:
    """Let the wires of two inputs exchange where they end."""
    draft = draft_of(document.graph)
    wires = [next((wire for wire in reversed(draft.wires) if wire.target == end), None) for end in (first, second)]
    if wires[0] is None or wires[1] is None:
        raise ProblemError(Problem("there are no two wires to exchange", kind="wire"))
    draft.wires = [wire for wire in draft.wires if wire not in wires]
    for wire, end in zip(wires, (second, first), strict=True):
        if wire is not None:
            _connect(document, draft, wire.source, end, wire.via)
    return f"Swap the wires of {first.replace('.', ' · ')} and {second.replace('.', ' · ')}", Delta.between(
        document.graph, draft
    )


def move_all(document: Document, port: str, other: str) -> Command:
    """Let every wire of a port begin (or end) at another one."""
    draft = draft_of(document.graph)
    moved = [wire for wire in draft.wires if port in (wire.source, wire.target)]
    if not moved:
        raise ProblemError(
            Problem(f"no wire is at {port.replace('.', ' · ')}", "Drag from a port that has some.", kind="wire")
        )
    draft.wires = [wire for wire in draft.wires if wire not in moved]
    for wire in moved:
        ends = [other if end == port else end for end in (wire.source, wire.target)]
        _free(draft, ends[1])
        _connect(document, draft, ends[0], ends[1], wire.via)
    many = f"{len(moved)} wires" if len(moved) > 1 else "a wire"
    return f"Move {many} to {other.replace('.', ' · ')}", Delta.between(document.graph, draft)


def insert(document: Document, node_id: str, source: str, target: str, offset: tuple[float, float]) -> Command:
    """Put a node into a wire: what flowed along it flows through the node; the node also moves by the offset."""
    draft, node = draft_of(document.graph), node_of(document.graph, node_id)
    draft.nodes[node_id] = replace(node, position=(node.position[0] + offset[0], node.position[1] + offset[1]))
    old = _wire_between(draft, source, target)
    draft.disconnect(source, target)
    into = fitting_input(document, draft, source, node_id)
    if into is None:
        raise ProblemError(Problem(f"no input of {node.name} fits this wire", node=node_id, kind="port"))
    draft.connect(source, into)
    before, after = parted(draft, old, draft.nodes[node_id].position[0])
    draft.wires[-1] = replace(draft.wires[-1], via=before)
    out_of = fitting_output(document, draft, node_id, target)
    if out_of is None:
        raise ProblemError(Problem(f"no output of {node.name} fits this wire", node=node_id, kind="port"))
    draft.wires.append(Wire(out_of, target, old.order, old.muted, via=after))
    return f"Insert {node.name}", Delta.between(document.graph, draft)


def take_out(document: Document, node_id: str, offset: tuple[float, float]) -> Command:
    """Take a node out of its wires, which are led past it as far as shapes permit; it moves by the offset."""
    draft, node = draft_of(document.graph), node_of(document.graph, node_id)
    before, after = draft.wires_into(node_id), draft.wires_out_of(node_id)
    draft.wires = [wire for wire in draft.wires if node_id not in (wire.source_node, wire.target_node)]
    draft.nodes[node_id] = replace(node, position=(node.position[0] + offset[0], node.position[1] + offset[1]))
    if before:
        bridge(document, draft, before[0], after)
    return f"Take out {node.name}", Delta.between(document.graph, draft)


def _wire_between(graph: Graph, source: str, target: str) -> Wire:
    wire = next((wire for wire in graph.wires if (wire.source, wire.target) == (source, target)), None)
    if wire is None:
        raise ProblemError(Problem("there is no such wire", kind="wire"))
    return wire


def connect_selected(document: Document, ids: Iterable[str]) -> Command:
    """Wire each of the nodes, from left to right, to the next one that takes it."""
    draft = draft_of(document.graph)
    nodes = sorted((node_of(draft, name) for name in ids if name in draft.nodes), key=lambda node: node.position)
    for index, node in enumerate(nodes):
        for later in nodes[index + 1 :]:
            if _connect_nodes(document, draft, node.id, later.id):
                break
    if len(draft.wires) == len(document.graph.wires):
        raise ProblemError(Problem("no free ports of these nodes fit", "Select nodes with free inputs.", kind="port"))
    return f"Connect {len(nodes)} nodes", Delta.between(document.graph, draft)


def connect_nodes(document: Document, begin: str, end: str) -> Command:
    """Wire a node to another one by the ports that fit best."""
    draft = draft_of(document.graph)
    names = node_of(draft, begin).name, node_of(draft, end).name
    if begin == end or not _connect_nodes(document, draft, begin, end):
        fact = f"nothing of {names[0]} fits a free input of {names[1]}"
        raise ProblemError(Problem(fact, "Pull a wire from a port to see what does.", node=end, kind="port"))
    return f"Connect {names[0]} to {names[1]}", Delta.between(document.graph, draft)


def _connect_nodes(document: Document, draft: Graph, begin: str, end: str) -> bool:
    kind = draft.nodes[begin].kind
    outputs: tuple[Port, ...] = kind.outputs if kind else ()
    for port in outputs:
        target = fitting_input(document, draft, f"{begin}.{port.name}", end)
        into = draft.input_port(target) if target is not None else None
        # Data in the place of weights is seldom meant: who means it pulls that wire.
        if target is not None and into is not None and (into.kind != "parameter" or port.kind == "parameter"):
            draft.connect(f"{begin}.{port.name}", target)
            return True
    return False


def set_muted(document: Document, wires: Iterable[str], on: bool) -> Command:
    """Let wires carry zero and no gradient, or let them work again."""
    draft, meant = draft_of(document.graph), set(wires)
    draft.wires = [replace(w, muted=on) if wire_id(w) in meant and w.muted != on else w for w in draft.wires]
    return ("Mute wires" if on else "Unmute wires"), Delta.between(document.graph, draft)


def _names(graph: Graph, source: str, target: str) -> str:
    ends = [
        graph.nodes[name].name for name in (source.partition(".")[0], target.partition(".")[0]) if name in graph.nodes
    ]
    return " to ".join(ends)
