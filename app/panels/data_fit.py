"""What a graph has to change for another table: sizes of inputs and targets, and of the layer that answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from engine.datasets.csv_result import Understood
    from engine.document import Document
    from engine.graph import Node

BY_INDEX = ("softmax_cross_entropy",)  # losses that take the number of a class


class Fit(NamedTuple):
    """A property that would be set, and the words for it."""

    node: str
    name: str
    value: Any
    words: str


def fits_of(document: Document, found: Understood) -> list[Fit]:
    """Everything that keeps the graph from taking these rows and a size can mend; empty where nothing does."""
    if found.inputs is None or found.targets is None:
        return []
    features = int(found.inputs.shape[1])
    if found.task == "classes":
        answer: tuple[int, ...] | None = (found.outputs,) if found.one_hot else None
    else:
        answer = (found.outputs,)
    made: list[Fit] = []
    for node in document.graph:
        if node.type == "input":
            made += _feed(node, (features,), f"“{node.name}” takes {_counted(features, 'feature')}")
        elif node.type == "target":
            made += _feed(node, answer, f"“{node.name}” takes {_counted(answer[0] if answer else 1, 'number')}")
    last = answering(document)
    if last is not None and last.properties.get("units", found.outputs) != found.outputs:
        words = f"“{last.name}” gets {_counted(found.outputs, 'unit')}"
        made.append(Fit(last.id, "units", found.outputs, words))
    return made


def wants_columns(document: Document) -> bool:
    """Whether the loss takes classes as one-hot columns only."""
    goals = [document.graph.nodes.get(phase.objective.partition(".")[0]) for phase in document.training.phases]
    return any(goal is not None and goal.type not in BY_INDEX for goal in goals)


def answering(document: Document) -> Node | None:
    """The layer with `units` whose output the loss compares with the target."""
    goals = {phase.objective.partition(".")[0] for phase in document.training.phases}
    for wire in document.graph.wires:
        if wire.target_node in goals and wire.target_port in ("prediction", "logits"):
            node = document.graph.nodes[wire.source_node]
            if node.kind is not None and "units" in node.kind.properties():
                return node
    return None


def _feed(node: Node, shape: tuple[int, ...] | None, words: str) -> list[Fit]:
    said, columns = node.properties.get("shape"), node.properties.get("columns")
    made = []
    if said is not None and tuple(said) != shape:
        made.append(Fit(node.id, "shape", shape, words))
    if columns and (shape is None or max(columns) >= shape[0]):
        made.append(Fit(node.id, "columns", None, f"“{node.name}” takes all columns"))
    return made


def _counted(count: int, word: str) -> str:
    return f"1 {word}" if count == 1 else f"{count} {word}s"
