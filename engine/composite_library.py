"""The composites that travel with the program: one JSON file each in `resources/composites`, as in a document."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from engine.composites import Composite, define
from engine.nodes import NodeType, node_types
from engine.problems import Problem, ProblemError, did_you_mean
from engine.schema_text import Findings, read_text

if TYPE_CHECKING:
    from engine.graph import Graph


@cache
def library() -> dict[str, Composite]:
    """All composites of the library by id, in the order of their titles. They are shared: copy what you want to change."""
    from engine.schema_composites import read_composites

    found: dict[str, Any] = {}
    for file in resources.files("resources").joinpath("composites").iterdir():
        name, _, ending = file.name.rpartition(".")
        if ending == "json":
            found[name] = read_text(file.read_text(encoding="utf-8"), Findings())
    table = read_composites(found, "library", Findings())[0]
    return dict(sorted(table.items(), key=lambda entry: entry[1].name.lower()))


def placeable(graph: Graph) -> dict[str, type[NodeType]]:
    """All that `graph.add` takes, by name: node types, the composites of the graph, those of the library."""
    shipped = {name: composite.kind for name, composite in library().items()}
    own = {name: composite.kind for name, composite in graph.composites.items()}
    return {**shipped, **own, **node_types()}


def taken_from_library(graph: Graph, name: str, node: str = "") -> None:
    """Copy a composite of the library, and those it is made of, into a graph. Raises `ProblemError` for an unknown name."""
    known = library()
    if name not in known:
        mend = did_you_mean(name[:80], [*node_types(), *graph.composites, *known])
        raise ProblemError(Problem(f"no node type is called “{name}”", mend, node=node, kind="unknown"))
    waiting, wanted = [name], {}
    while waiting:
        composite = known[waiting.pop()]
        if composite.id not in wanted and composite.id not in graph.composites:
            wanted[composite.id] = composite
            waiting.extend(composite.uses & known.keys())
    define(graph, *wanted.values())
