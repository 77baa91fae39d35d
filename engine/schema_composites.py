"""The composites of a file: parsed JSON to definitions and back, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from engine.composites import (
    MOST_COMPOSITES,
    MOST_LEVELS,
    MOST_NODES,
    Composite,
    bound_table,
    exposed_property,
    ordered,
    used_by,
)
from engine.graph import COMPOSITE, Graph, Node
from engine.problems import Problem, did_you_mean
from engine.schema import Fields
from engine.schema_findings import Findings, path_text, said

if TYPE_CHECKING:
    from engine.schema_graph import Places


def read_composites(
    value: Mapping[str, Any], path: str, findings: Findings
) -> tuple[dict[str, Composite], dict[str, Places]]:
    """The definitions of a file by id, bound to each other, and where their nodes and wires stand."""
    sound = _entries(value, path, findings)
    table: dict[str, Composite] = {}
    places: dict[str, Places] = {}
    for name in ordered({name: _named_in(entry) for name, entry in sound.items()})[0]:
        fields = Fields(sound[name], f"{path}{_key(name)}", findings)
        table[name], places[name] = _read(name, fields, findings, table)
    return bound_table({name: table[name] for name in sound}), {name: places[name] for name in sound}


def _entries(value: Mapping[str, Any], path: str, findings: Findings) -> dict[str, dict[str, Any]]:
    from engine.schema_graph import is_identifier

    sound: dict[str, dict[str, Any]] = {}
    for name, entry in value.items():
        place = f"{path}{_key(name)}"
        if not isinstance(entry, dict):
            fact = f"a composite is an object in braces, not {said(entry)}"
            findings.tell(fact, "It is left out.", place, kind="type")
        elif not is_identifier(name):
            rule = "Ids are lower-case letters, digits and _, a letter first."
            findings.tell(f"{said(name)} cannot be the id of a composite", f"{rule} It is left out.", place, kind="id")
        elif len(sound) == MOST_COMPOSITES:
            fact = f"there are {len(value)} composites, more than {MOST_COMPOSITES}"
            findings.tell(fact, f"The first {MOST_COMPOSITES} are opened.", path, kind="limit")
            break
        else:
            sound[name] = entry
    return sound


def _named_in(entry: Mapping[str, Any]) -> set[str]:
    """Which composites the text of one names; it is not read yet, and anything may stand there."""
    nodes = entry.get("nodes")
    found: set[str] = set()
    for node in nodes if isinstance(nodes, list) else ():
        properties = node.get("properties") if isinstance(node, dict) and node.get("type") == COMPOSITE else None
        name = properties.get("of") if isinstance(properties, dict) else None
        if isinstance(name, str):
            found.add(name)
    return found


def _read(name: str, fields: Fields, findings: Findings, table: Mapping[str, Composite]) -> tuple[Composite, Places]:
    from engine.schema_graph import GraphReader

    title, description = fields.text("title"), fields.text("description")
    formula, source, icon = fields.text("formula"), fields.text("source"), fields.text("icon")
    exposed = _exposed(Fields(fields.inner("properties"), fields.at("properties"), findings))
    graph, places = GraphReader(findings, table).read(fields)
    return Composite(name, title, description, graph, exposed, formula, source, icon, fields.extra()), places


def _exposed(fields: Fields) -> dict[str, tuple[str, ...]]:
    return {name: tuple(fields.texts(name)) for name in fields.names()}


def _key(name: str) -> str:
    text = path_text([name])
    return text if text.startswith("[") else f".{text}"


def composites_json(composites: Mapping[str, Composite]) -> dict[str, Any]:
    """The definitions as they stand in a file."""
    return {name: composite_json(composite) for name, composite in composites.items()}


def composite_json(composite: Composite) -> dict[str, Any]:
    """A definition as it stands in a file; what is empty is left out."""
    from engine.schema_graph import drawn_json

    graph = drawn_json(composite.graph)
    words = {name: getattr(composite, name) for name in ("title", "description", "formula", "source", "icon")}
    exposed = {name: list(targets) for name, targets in composite.exposed.items()}
    optional = words | {"properties": exposed}
    drawn = {"nodes": graph["nodes"], "wires": graph["wires"]}
    rest = {name: graph[name] for name in ("frames", "notes", "dots") if graph.get(name)}
    return {name: entry for name, entry in optional.items() if entry} | drawn | rest | dict(composite.extra)


# what is wrong -------------------------------------------------------------------------------------------------------


def use_problem(node: Node, table: Mapping[str, Composite], within: str = "") -> Problem:
    """Why a use has no kind; `within`: the composite that it stands in."""
    name = used_by(node)
    if not name:
        mend = "Name one of the document in “of”."
        return Problem("it does not say which composite stands here", mend, "properties.of", kind="missing")
    composite = table.get(name)
    if composite is None:
        mend = did_you_mean(name[:80], table) or "It is kept, and everything that needs it waits."
        return Problem(f"no composite is called {said(name)}", mend, "properties.of", kind="unknown")
    if composite.kind.levels > MOST_LEVELS:
        fact = f"“{composite.name}” has composites within composites, {composite.kind.levels} deep"
        return Problem(fact, f"At most {MOST_LEVELS} levels are drawn out.", "properties.of", kind="limit")
    if composite.kind.size > MOST_NODES:
        fact = f"“{composite.name}” is made of {composite.kind.size:,} nodes, more than {MOST_NODES:,}"
        return Problem(fact, "Take it apart into smaller ones.", "properties.of", kind="limit")
    if within == name:
        return Problem(f"“{composite.name}” contains itself", "Take this node out.", "properties.of", kind="cycle")
    fact = f"“{composite.name}” contains the composite that it stands in"
    return Problem(fact, "Take this node out.", "properties.of", kind="cycle")


def definition_problems(graph: Graph, places: Mapping[str, Places]) -> list[Problem]:
    """What is wrong within the definitions; each at the node of the first use that shows it."""
    from engine.schema_graph import Places as NoPlaces
    from engine.schema_graph import problems_within

    shown = first_uses(graph)
    findings = Findings()
    for name, composite in graph.composites.items():
        use, path = shown.get(name, ""), f"graph.composites{_key(name)}"
        for problem in problems_within(composite.graph, places.get(name, NoPlaces()), graph.composites, name):
            node = f"{use}/{problem.node}" if use and problem.node else ""
            findings.add(
                Problem(problem.fact, problem.mend, problem.path, node, problem.port, problem.severity, problem.kind)
            )
        for entry, targets in composite.exposed.items():
            for index, target in enumerate(targets):
                if exposed_property(composite.graph, target) is None:
                    place = f"{path}.properties{_key(entry)}[{index}]"
                    fact = f"“{composite.name}” has no property {said(target)} within"
                    findings.tell(fact, "Name one as node.property.", place, node=use, kind="unknown")
    return findings.all()


def first_uses(graph: Graph) -> dict[str, str]:
    """For each definition that is used the path of the node that shows it first, as `block_1/cell_1`."""
    found: dict[str, str] = {}
    waiting: list[tuple[str, Graph]] = [("", graph)]
    for prefix, inside in waiting:  # grows while it is walked
        for node in inside:
            name = used_by(node) if node.type == COMPOSITE else ""
            if name in graph.composites and name not in found:
                found[name] = f"{prefix}{node.id}"
                waiting.append((f"{prefix}{node.id}/", graph.composites[name].graph))
    return found
