"""Composites for any document: those that travel with the program (`resources/composites`), and those that a person keeps."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from engine.composites import Composite, define, needed
from engine.nodes import NodeType, node_types
from engine.problems import Problem, ProblemError, did_you_mean
from engine.schema_findings import Findings
from engine.schema_text import read_text

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


_own: dict[str, Composite] = {}


def offer_own(written: Mapping[str, Any]) -> None:
    """Offer composites that a person keeps, by id, as a document writes them; what is damaged is left out."""
    from engine.schema_composites import read_composites

    _own.clear()
    _own.update(read_composites(dict(written), "kept", Findings())[0])


def offered() -> dict[str, Composite]:
    """All composites that come from outside a document."""
    return {**library(), **_own}


def kept(graph: Graph, name: str, written: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept, and with it a definition of a graph and those it is made of; one of the same title is replaced."""
    from engine.schema_composites import composite_json

    found, new = dict(written), dict[str, str]()
    names = [key for key in needed(graph, graph.composites[name].graph) if not _is_shipped(graph.composites[key])]
    for key in dict.fromkeys([*names, name]):
        title = graph.composites[key].name
        same = next((other for other, entry in written.items() if entry.get("title", other) == title), "")
        new[key] = same or _free_id(title, {*written, *new.values(), *library(), *node_types()})
    for key, other in new.items():
        entry = composite_json(graph.composites[key])
        for node in entry["nodes"]:
            inner = node.get("properties", {}).get("of")
            if inner in new:
                node["properties"] = {**node["properties"], "of": new[inner]}
        found[other] = {"title": graph.composites[key].name, **entry}
    return found


def _is_shipped(composite: Composite) -> bool:
    from engine.schema_composites import composite_json

    shipped = library().get(composite.id)
    return shipped is not None and composite_json(shipped) == composite_json(composite)


def _free_id(title: str, taken: Collection[str]) -> str:
    stem = re.sub("[^a-z0-9]+", "_", title.lower()).strip("_")
    stem = stem if stem[:1].isalpha() else f"composite_{stem}".strip("_")
    return next(
        wish for wish in (stem, *(f"{stem}_{count}" for count in range(2, len(taken) + 3))) if wish not in taken
    )


def placeable(graph: Graph) -> dict[str, type[NodeType]]:
    """All that `graph.add` takes, by name: node types, the composites of the graph, those of the library."""
    shipped = {name: composite.kind for name, composite in offered().items()}
    own = {name: composite.kind for name, composite in graph.composites.items()}
    return {**shipped, **own, **node_types()}


def taken_from_library(graph: Graph, name: str, node: str = "") -> None:
    """Copy a composite of the library, and those it is made of, into a graph. Raises `ProblemError` for an unknown name."""
    known = offered()
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
