"""Where in a document somebody stands: at the top, or within composites; what is seen from there, where its edits go.

A path names the uses that were entered, one within the other. The inside of a definition is the same for all its uses, so an
edit goes to the definition; numbers, problems and shapes are those of the one use that was entered.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from app.editor.delta import Delta, draft_of
from engine.arrangement import tidy_dots
from engine.composites import Composite, composite_of, set_composites, used_by
from engine.graph import COMPOSITE, Graph
from engine.grouping import Moved
from engine.problems import Problem, ProblemError

if TYPE_CHECKING:
    from engine.document import Document
    from engine.snapshot import Explanation, Snapshot

Path = tuple[str, ...]
MOST_ASKED = 400  # nodes of all definitions: in more, a wire is not asked about its shapes while it is pulled
DRAWN = ("nodes", "wires", "frames", "notes", "dots")


def prefix_of(path: Path) -> str:
    """What stands before the ids within: `block_1/cell_1/`."""
    return "".join(f"{name}/" for name in path)


def entered(graph: Graph, path: Path) -> Composite | None:
    """The composite that a path leads into; None at the top, and where the path leads nowhere."""
    composite: Composite | None = None
    for name in path:
        node = graph.nodes.get(name)
        composite = composite_of(node) if node is not None else None
        if composite is None:
            return None
        graph = composite.graph
    return composite


def sound_part(graph: Graph, path: Path) -> Path:
    """As much of a path as leads somewhere."""
    while path and entered(graph, path) is None:
        path = path[:-1]
    return path


def document_within(document: Document, composite: Composite) -> Document:
    """The document as commands see it within a composite: its graph is the inside, and must not be changed in place."""
    twin, graph = copy.copy(document), Graph()
    for part in DRAWN:
        setattr(graph, part, getattr(composite.graph, part))
    graph.composites = document.graph.composites
    twin.graph = graph
    twin.training = replace(document.training, phases=())  # it names nodes of the top
    return twin


# edits ---------------------------------------------------------------------------------------------------------------


def lifted(document: Document, name: str, delta: Delta, ports: Mapping[str, str] | None = None) -> Delta:
    """An edit within a definition as one of the document: with it go wires at ports that are there no more.

    ports  new names of ports by their old ones: wires and numbers at the uses follow
    Raises `ProblemError` where a composite would come to contain itself.
    """
    root = document.graph
    composite, inside = root.composites[name], copy.copy(document)
    inside.graph = draft_of(composite.graph)
    replace(delta, attributes={}, composites={}).apply(inside)
    gone = {node.id for _, node in delta.nodes.removed}
    exposed = {
        entry: kept
        for entry, targets in composite.exposed.items()
        if (kept := tuple(target for target in targets if target.partition(".")[0] not in gone))
    }
    draft = draft_of(root)
    brought = {key: after for key, (_, after) in delta.composites.items() if after is not None}
    changed = replace(composite, graph=inside.graph, exposed=exposed)
    set_composites(draft, _with_ports_renamed(draft, {**root.composites, **brought, name: changed}, name, ports or {}))
    _refuse_containing_itself(draft.composites[name])
    _drop_loose_wires(draft)
    return Delta.between(root, draft, attributes=delta.attributes, values=delta.values)


def _with_ports_renamed(
    draft: Graph, composites: Mapping[str, Composite], name: str, ports: Mapping[str, str]
) -> dict[str, Composite]:
    """Wires and numbers at all uses of a definition follow its ports to their new names; the draft's at once."""
    if not ports:
        return dict(composites)
    found = dict(composites)
    _rename_ports(draft, name, ports)
    for other, composite in composites.items():
        if name in composite.uses:
            graph = draft_of(composite.graph)
            _rename_ports(graph, name, ports)
            found[other] = replace(composite, graph=graph)
    return found


def _rename_ports(graph: Graph, name: str, ports: Mapping[str, str]) -> None:
    uses = {node.id for node in graph if node.type == COMPOSITE and used_by(node) == name}

    def renamed(address: str) -> str:
        node, _, port = address.partition(".")
        return f"{node}.{ports[port]}" if node in uses and port in ports else address

    graph.wires = [
        wire
        if (ends := (renamed(wire.source), renamed(wire.target))) == (wire.source, wire.target)
        else replace(wire, source=ends[0], target=ends[1])
        for wire in graph.wires
    ]
    for use in uses:
        told = graph.nodes[use].properties
        if not ports.keys().isdisjoint(told):
            properties = {ports.get(key, key): entry for key, entry in told.items()}
            graph.nodes[use] = replace(graph.nodes[use], properties=properties)


def _refuse_containing_itself(composite: Composite) -> None:
    for node in composite.graph:
        if node.type == COMPOSITE and node.bound is None:
            fact = f"“{composite.name}” would contain itself"
            raise ProblemError(Problem(fact, "Place another composite here.", node=node.id, kind="cycle"))


def _drop_loose_wires(draft: Graph) -> None:
    """Wires at ports of uses that have gone with the node that made them, at the top and within definitions."""
    draft.wires = _sound_wires(draft)
    loose = {}
    for name, composite in draft.composites.items():
        kept = _sound_wires(composite.graph)
        if len(kept) < len(composite.graph.wires):
            graph = composite.graph.copy()
            graph.wires = kept
            tidy_dots(graph)
            loose[name] = replace(composite, graph=graph)
    if loose:
        set_composites(draft, {**draft.composites, **loose})


def _sound_wires(graph: Graph) -> list[Any]:
    uses = {node.id: node.kind for node in graph if node.type == COMPOSITE and node.kind is not None}
    return [
        wire
        for wire in graph.wires
        if (wire.source_node not in uses or uses[wire.source_node].output(wire.source_port))
        and (wire.target_node not in uses or uses[wire.target_node].input(wire.target_port))
    ]


class ShapesWithin:
    """Whether a wire within a definition fits, in every place where that is used; what is wrong already is worked out once."""

    def __init__(self, document: Document, composite: Composite) -> None:
        self._document, self._composite = document, composite
        self._before: set[Problem] | None = None

    def refusal(self, source: str, target: str) -> Problem | None:
        """The new mistake that the wire would make; None for none, and where the document is too large to ask."""
        if sum(composite.kind.size for composite in self._document.composites.values()) > MOST_ASKED:
            return None
        if self._before is None:
            self._before = self._problems(self._composite.graph)
        trial = self._composite.graph.copy()
        trial.connect(source, target)
        new = [problem for problem in self._problems(trial) if problem not in self._before]
        return next((problem for problem in new if problem.kind == "shape"), None)

    def _problems(self, graph: Graph) -> set[Problem]:
        from engine.lowering import lower

        twin = copy.copy(self._document)
        twin.graph = draft_of(self._document.graph)
        set_composites(twin.graph, {**twin.graph.composites, self._composite.id: replace(self._composite, graph=graph)})
        return set(lower(twin, self._document.load_data()[0], parts=("forward",)).problems)


def prefixes(graph: Graph, name: str) -> list[str]:
    """What stands before the ids within a definition, for each place where it is used."""
    found: list[str] = []
    waiting: list[tuple[str, Graph]] = [("", graph)]
    for before, inside in waiting:  # grows while it is walked
        for node in inside:
            composite = composite_of(node)
            if composite is not None:
                waiting.append((f"{before}{node.id}/", composite.graph))
                if composite.id == name:
                    found.append(f"{before}{node.id}/")
    return found


def moved_everywhere(moved: Moved, before: Iterable[str]) -> Moved:
    """The same move at each place where the definition that it happened in is used."""
    places = list(before)
    nodes = {f"{place}{old}": f"{place}{new}" for place in places for old, new in moved.nodes.items()}
    outputs = {f"{place}{old}": f"{place}{new}" for place in places for old, new in moved.outputs.items()}
    return Moved(moved.created, nodes, outputs)


# what is seen --------------------------------------------------------------------------------------------------------


def local(address: str, prefix: str) -> str | None:
    """The node of this level that an address belongs to, itself or as a use around it; None for what lies elsewhere."""
    if not address.startswith(prefix):
        return None
    return address.removeprefix(prefix).partition(".")[0].partition("/")[0]


def within(numbers: Mapping[str, Any], prefix: str) -> Mapping[str, Any]:
    """What belongs to the inside of one use, by the ids that it has there."""
    if not prefix:
        return numbers
    return {key.removeprefix(prefix): entry for key, entry in numbers.items() if key.startswith(prefix)}


def problems_within(problems: Iterable[Problem], prefix: str) -> list[Problem]:
    """The problems of this level: those of a node inside a use stand at the use."""
    found = []
    for problem in problems:
        name = local(problem.node, prefix) if problem.node else None
        if name:
            found.append(problem if name == problem.node else replace(problem, node=name))
    return found


def snapshot_within(snapshot: Snapshot, prefix: str) -> Snapshot:
    """A snapshot as it looks from within a use: its own numbers; a step inside a use is a step of the use."""
    problem = snapshot.problem
    if problem is not None and problem.node:
        problem = replace(problem, node=local(problem.node, prefix) or "")
    last = snapshot.last_step
    if last is not None:
        last = replace(last, node=local(last.node, prefix) or "")
    return replace(
        snapshot,
        values=within(snapshot.values, prefix),
        gradients=within(snapshot.gradients, prefix),
        parameters=within(snapshot.parameters, prefix),
        previous_parameters=within(snapshot.previous_parameters, prefix),
        last_step=last,
        problem=problem,
        explanation=_explained(snapshot.explanation, prefix),
        stepped=_explained(snapshot.stepped, prefix),
    )


def _explained(explanation: Explanation | None, prefix: str) -> Explanation | None:
    if explanation is None:
        return None
    return replace(explanation, node=local(explanation.node, prefix) or "")
