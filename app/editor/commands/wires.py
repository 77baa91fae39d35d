"""Drawing, moving, cutting and muting wires."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from app.editor.commands import Command, Delta
from app.editor.commands.drafts import fitting_input, fitting_output, node_of, refusal
from app.editor.delta import draft_of, wire_id
from engine.graph import Graph, Wire
from engine.problems import Problem, ProblemError

if TYPE_CHECKING:
    from engine.document import Document
    from engine.nodes import Port


def connect(document: Document, source: str, target: str) -> Command:
    """Draw a wire; an input that takes one lets its old wire go."""
    draft = draft_of(document.graph)
    _free(draft, target)
    _connect(document, draft, source, target)
    return f"Connect {_names(draft, source, target)}", Delta.between(document.graph, draft)


def _connect(document: Document, draft: Graph, source: str, target: str) -> None:
    if (problem := refusal(document, draft, source, target)) is not None:
        raise ProblemError(problem)
    draft.connect(source, target)


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
    """Move an end of a wire to another port."""
    draft = draft_of(document.graph)
    draft.disconnect(source, target)
    _free(draft, new_target)
    _connect(document, draft, new_source, new_target)
    return f"Rewire {_names(draft, new_source, new_target)}", Delta.between(document.graph, draft)


def insert(document: Document, node_id: str, source: str, target: str, offset: tuple[float, float]) -> Command:
    """Put a node into a wire: what flowed along it flows through the node; the node also moves by the offset."""
    draft, node = draft_of(document.graph), node_of(document.graph, node_id)
    draft.nodes[node_id] = replace(node, position=(node.position[0] + offset[0], node.position[1] + offset[1]))
    old = next((wire for wire in draft.wires if (wire.source, wire.target) == (source, target)), None)
    if old is None:
        raise ProblemError(Problem("there is no such wire", kind="wire"))
    draft.disconnect(source, target)
    into = fitting_input(document, draft, source, node_id)
    if into is None:
        raise ProblemError(Problem(f"no input of {node.name} fits this wire", node=node_id, kind="port"))
    draft.connect(source, into)
    out_of = fitting_output(document, draft, node_id, target)
    if out_of is None:
        raise ProblemError(Problem(f"no output of {node.name} fits this wire", node=node_id, kind="port"))
    draft.wires.append(Wire(out_of, target, old.order, old.muted))
    return f"Insert {node.name}", Delta.between(document.graph, draft)


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
