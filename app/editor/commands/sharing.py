"""Copies that learn with their originals: their parameters become nodes of their own, wired to all who share them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from app.editor.commands import Command, Delta
from app.editor.commands.clipboard import Clip, copy_text, put_nodes
from app.editor.commands.drafts import free_id, node_of, taken_ids
from app.editor.delta import draft_of
from engine.graph import Wire
from engine.grouping import Moved
from engine.problems import Problem, ProblemError

if TYPE_CHECKING:
    from engine.document import Document
    from engine.graph import Graph, Node
    from engine.nodes import Port

ABOVE, APART = 144.0, 168.0  # pixels between a node and its parameters, and from one of these to the next


def linked(
    document: Document, ids: Sequence[str], values: Mapping[str, Any], offset: tuple[float, float]
) -> tuple[Moved, Command]:
    """Copy nodes so that each copy has the parameters of its original. Tells the copies, and where parameters went.

    values  the numbers of parameters by `node.port`: a node's own ones need a shape to stand for themselves
    Raises `ProblemError` where no parameter can be shared.
    """
    draft, moved = draft_of(document.graph), Moved([])
    chosen = [name for name in document.graph.nodes if name in ids]
    for name in chosen:
        moved.outputs.update(_put_outside(draft, name, values))
    shared = [wire for name in chosen for wire in draft.wires_into(name) if _is_shared(draft, wire)]
    if not shared:
        fact = "nothing is selected that has parameters to share"
        raise ProblemError(Problem(fact, "Select a layer or a neuron; Ctrl+D copies the others.", kind="selection"))
    clip = Clip(copy_text(draft, chosen))
    left, top = clip.corner
    names = put_nodes(draft, clip, (left + offset[0], top + offset[1]))
    for wire in shared:
        draft.connect(wire.source, f"{names[wire.target_node]}.{wire.target_port}")
    moved.created.extend(names.values())
    what = document.graph.nodes[chosen[0]].name if len(chosen) == 1 else f"{len(chosen)} nodes"
    return moved, (f"Duplicate {what} with shared parameters", Delta.between(document.graph, draft))


def _is_shared(draft: Graph, wire: Wire) -> bool:
    port = draft.input_port(wire.target)
    return port is not None and port.kind == "parameter"


def _put_outside(draft: Graph, name: str, values: Mapping[str, Any]) -> dict[str, str]:
    """A node for each parameter that is the node's own; where its numbers went."""
    node = node_of(draft, name)
    own = [port for port in (node.kind.inputs if node.kind else ()) if port.kind == "parameter"]
    own = [port for port in own if f"{name}.{port.name}" in values]  # neither wired nor switched off
    went = {}
    for at, port in enumerate(own):
        address, new = f"{name}.{port.name}", free_id("parameter", taken_ids(draft))
        x, y = node.position
        draft.add(
            "parameter", new, title=f"{node.name} {port.name}", position=(x + APART * at, y - ABOVE),
            **_start(node, port, values[address]),
        )  # fmt: skip
        draft.nodes[new].flags = node.flags & {"frozen"}
        draft.connect(f"{new}.value", address)
        went[address] = f"{new}.value"
    return went


def _start(node: Node, port: Port, array: Any) -> dict[str, Any]:
    """How the new node begins anew: as the parameter did, as far as the node says how."""
    start: dict[str, Any] = {"shape": list(array.shape)}
    given = node.properties.get(f"initial_{port.name}")
    if given is not None:
        return start | {"initial": given}
    if port.name == "weight":
        named = ("initialiser", "initial_scale")
        return start | {entry: node.properties[entry] for entry in named if entry in node.properties}
    return start | {"initial": 0.0 if port.name == "bias" else array.tolist()}
