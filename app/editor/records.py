"""Nodes, wires, frames, notes and dots as plain JSON: what the clipboard carries and the journal keeps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.composites import Composite
from engine.graph import Dot, Frame, Node, Note, Wire
from engine.nodes import node_types
from engine.schema_composites import composite_json, read_composites
from engine.schema_findings import Findings

Record = dict[str, Any]


def plain(value: Any) -> Any:
    """The value with its tuples as lists, as JSON would have it."""
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    return value


def node_to_json(node: Node) -> Record:
    """One node; what is empty is left out."""
    record: Record = {"id": node.id, "type": node.type, "position": [float(entry) for entry in node.position]}
    optional = {"title": node.title, "properties": plain(node.properties), "extra": plain(node.extra)}
    optional["colour"] = node.colour
    record.update({name: value for name, value in optional.items() if value})
    if node.flags:
        record["flags"] = sorted(node.flags)
    return record


def node_from_json(record: Mapping[str, Any]) -> Node:
    """The node of a record; its properties are brought into the form in which their type keeps them."""
    properties = dict(record.get("properties", {}))
    if (kind := node_types().get(str(record["type"]))) is not None:
        properties.update(kind.check_properties(properties)[0])
    return Node(
        str(record["id"]), str(record["type"]), str(record.get("title", "")), properties, point(record["position"]),
        frozenset(record.get("flags", ())), _extra(record), str(record.get("colour", "")),
    )  # fmt: skip


def composite_to_json(composite: Composite) -> Record:
    """One definition, as it stands in a document."""
    return composite_json(composite)


def composite_from_json(name: str, record: Mapping[str, Any] | None) -> Composite | None:
    """The definition of a record; None for none. What it uses is bound when it comes into a graph."""
    return None if record is None else read_composites({name: dict(record)}, "composites", Findings())[0][name]


def wire_to_json(wire: Wire) -> Record:
    """One wire."""
    record: Record = {"from": wire.source, "to": wire.target, "order": wire.order}
    if wire.muted:
        record["muted"] = True
    if wire.via:
        record["via"] = list(wire.via)
    return _with_extra(record, wire.extra)


def wire_from_json(record: Mapping[str, Any]) -> Wire:
    """The wire of a record."""
    order, muted = int(record.get("order", 0)), bool(record.get("muted", False))
    via = tuple([str(dot) for dot in record.get("via", ())])
    return Wire(str(record["from"]), str(record["to"]), order, muted, _extra(record), via)


def frame_to_json(frame: Frame) -> Record:
    """One frame."""
    record: Record = {"id": frame.id, "title": frame.title, "nodes": list(frame.nodes), "colour": frame.colour}
    return _with_extra(record, frame.extra)


def frame_from_json(record: Mapping[str, Any]) -> Frame:
    """The frame of a record."""
    nodes = tuple(str(entry) for entry in record.get("nodes", ()))
    return Frame(str(record["id"]), str(record.get("title", "")), nodes, str(record.get("colour", "")), _extra(record))


def note_to_json(note: Note) -> Record:
    """One note."""
    record: Record = {"id": note.id, "text": note.text, "position": list(note.position), "size": list(note.size)}
    return _with_extra(record, note.extra)


def note_from_json(record: Mapping[str, Any]) -> Note:
    """The note of a record."""
    position, size = point(record.get("position", (0, 0))), point(record.get("size", (216, 96)))
    return Note(str(record["id"]), str(record.get("text", "")), position, size, _extra(record))


def dot_to_json(dot: Dot) -> Record:
    """One dot."""
    record: Record = {"id": dot.id, "position": list(dot.position), "pinned": dot.pinned}
    return _with_extra(record, dot.extra)


def dot_from_json(record: Mapping[str, Any]) -> Dot:
    """The dot of a record."""
    return Dot(str(record["id"]), point(record["position"]), bool(record.get("pinned", False)), _extra(record))


def _with_extra(record: Record, extra: Mapping[str, Any]) -> Record:
    return {**record, "extra": plain(extra)} if extra else record


def _extra(record: Mapping[str, Any]) -> dict[str, Any]:
    return dict(record.get("extra", {}))


def point(value: Any) -> tuple[float, float]:
    """Two numbers as a place or a size; raises ValueError or TypeError for anything else."""
    across, down = value
    return float(across), float(down)
