"""Copy and paste as plain JSON text, so that a graph travels between documents, by mail and through a text editor."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from app.editor import records
from app.editor.commands import Command, Delta
from app.editor.commands.drafts import free_id, refusal, taken_ids
from app.editor.delta import draft_of
from engine.arrangement import dots_of
from engine.composites import Composite, bind, needed, set_composites, used_by
from engine.graph import COMPOSITE, IDENTIFIER, Graph, Node, Note, Wire
from engine.problems import Problem, ProblemError
from engine.schema_composites import read_composites
from engine.schema_findings import Findings

if TYPE_CHECKING:
    from engine.document import Document

FORMAT = "chainrule_clipboard"
LIMIT = 20_000  # nodes, as in a document


def copy_text(graph: Graph, ids: Iterable[str]) -> str:
    """The chosen nodes, notes and frames with the wires among them (and their dots), and those that come in from outside."""
    chosen = set(ids)
    chosen = chosen.union(*(graph.frames[name].nodes for name in chosen if name in graph.frames))
    nodes = [records.node_to_json(node) for name, node in graph.nodes.items() if name in chosen]
    wires = [records.wire_to_json(wire) for wire in graph.wires if wire.target_node in chosen]
    frames = [records.frame_to_json(frame) for name, frame in graph.frames.items() if name in chosen]
    notes = [records.note_to_json(note) for name, note in graph.notes.items() if name in chosen]
    content = {FORMAT: 1, "nodes": nodes, "wires": wires, "frames": frames, "notes": notes}
    within = dots_of(wire for wire in graph.wires if wire.target_node in chosen and wire.source_node in chosen)
    if within:
        content["dots"] = [records.dot_to_json(dot) for name, dot in graph.dots.items() if name in within]
    used = needed(graph, [node for name, node in graph.nodes.items() if name in chosen])
    if used:
        content["composites"] = {name: records.composite_to_json(graph.composites[name]) for name in used}
    return json.dumps(content, ensure_ascii=False, indent=1)


class Clip:
    """What a clipboard text holds. Raises `ProblemError` where it is not ours or not sound."""

    def __init__(self, text: str) -> None:
        try:
            content = json.loads(text, parse_constant=_no_constant)
            if not isinstance(content, dict) or FORMAT not in content:
                raise ValueError
            self.nodes = [records.node_from_json(entry) for entry in content.get("nodes", ())]
            self.wires = [records.wire_from_json(entry) for entry in content.get("wires", ())]
            self.frames = [records.frame_from_json(entry) for entry in content.get("frames", ())]
            self.notes = [records.note_from_json(entry) for entry in content.get("notes", ())]
            self.dots = [records.dot_from_json(entry) for entry in content.get("dots", ())]
            self.composites = read_composites(dict(content.get("composites", {})), "composites", Findings())[0]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            fact = "the clipboard holds nothing that can be pasted here"
            raise ProblemError(Problem(fact, "Copy nodes from a canvas first.", kind="clipboard")) from error
        if len(self.nodes) > LIMIT or not (self.nodes or self.notes):
            raise ProblemError(Problem(f"{len(self.nodes)} nodes cannot be pasted", kind="clipboard"))

    def bring_composites(self, draft: Graph) -> None:
        """Put the definitions that the nodes need into a draft; one of another content takes another id."""
        names: dict[str, str] = {}
        for name, composite in self.composites.items():
            known = draft.composites.get(name)
            if known is None or records.composite_to_json(known) != records.composite_to_json(composite):
                names[name] = name if known is None else free_id(name, draft.composites)
        brought = {new: _renamed(self.composites[old], new, names) for old, new in names.items()}
        set_composites(draft, draft.composites | brought)
        self.nodes = [_using(node, names) for node in self.nodes]

    @property
    def corner(self) -> tuple[float, float]:
        """The upper left corner of what is held."""
        places = [node.position for node in self.nodes] + [note.position for note in self.notes]
        return min(x for x, _ in places), min(y for _, y in places)


def _renamed(composite: Composite, name: str, names: Mapping[str, str]) -> Composite:
    graph = composite.graph.copy()
    graph.nodes = {node.id: _using(node, names) for node in graph}
    return replace(composite, id=name, graph=graph)


def _using(node: Node, names: Mapping[str, str]) -> Node:
    """A use follows its definition to the new id."""
    used = used_by(node) if node.type == COMPOSITE else ""
    return replace(node, properties={**node.properties, "of": names[used]}) if used in names else node


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def paste(
    document: Document, text: str, position: tuple[float, float], *, keep_wires: bool = False, verb: str = "Paste"
) -> tuple[list[str], Command]:
    """Put the content of a clipboard text at a place, under new ids. Returns them and the command.

    With `keep_wires`, wires that came from outside the copied part are drawn again where their source still exists.
    """
    clip, draft = Clip(text), draft_of(document.graph)
    left, top = clip.corner
    names = put_nodes(draft, clip, position)
    taken = taken_ids(draft)
    for wire in clip.wires if keep_wires else ():
        _add_outer_wire(document, draft, wire, names)
    created = list(names.values())
    for note in clip.notes:
        created.append(_add_note(draft, note, (position[0] - left, position[1] - top), taken))
    for frame in clip.frames:
        name = free_id("frame", taken)
        taken.add(name)
        draft.frames[name] = replace(
            frame, id=name, nodes=tuple(names[entry] for entry in frame.nodes if entry in names)
        )
        created.append(name)
    count = len(clip.nodes) + len(clip.notes)
    what = (clip.nodes[0].name if clip.nodes else "note") if count == 1 else f"{count} nodes"
    return created, (f"{verb} {what}", Delta.between(document.graph, draft))


def put_nodes(draft: Graph, clip: Clip, position: tuple[float, float]) -> dict[str, str]:
    """Put the nodes of a clip and the wires among them at a place. Returns their new ids by the old ones."""
    (left, top), taken = clip.corner, taken_ids(draft)
    names: dict[str, str] = {}
    numbers: dict[str, int] = {}
    clip.bring_composites(draft)
    for node in clip.nodes:
        names[node.id] = name = _new_name(node, taken, numbers)
        taken.add(name)
        x, y = node.position
        draft.nodes[name] = replace(node, id=name, position=(x - left + position[0], y - top + position[1]))
    dots: dict[str, str] = {}
    for dot in clip.dots:
        dots[dot.id] = name = free_id("dot", taken)
        taken.add(name)
        x, y = dot.position
        draft.dots[name] = replace(dot, id=name, position=(x - left + position[0], y - top + position[1]))
    bind(draft, draft.composites)
    _add_inner_wires(draft, clip.wires, names, dots)
    return names


def _new_name(node: Node, taken: set[str], numbers: dict[str, int]) -> str:
    """A free id for a node; `numbers` remembers where to go on looking: many alike may be pasted."""
    if not IDENTIFIER.fullmatch(node.type):
        raise ProblemError(Problem(f"“{node.type}” cannot be a node type", kind="clipboard"))
    used = used_by(node)
    stem = used if IDENTIFIER.fullmatch(used) else node.type
    while (name := f"{stem}_{numbers.setdefault(stem, 1)}") in taken:
        numbers[stem] += 1
    return name


def _add_inner_wires(draft: Graph, wires: Iterable[Wire], names: Mapping[str, str], dots: Mapping[str, str]) -> None:
    """Wires among the pasted nodes come back as they were, even wrong ones: the document shows what is the matter."""
    found: dict[tuple[str, str], Wire] = {}
    for wire in wires:
        if wire.source_node in names and wire.target_node in names:
            source = f"{names[wire.source_node]}.{wire.source_port}"
            target = f"{names[wire.target_node]}.{wire.target_port}"
            if draft.output_port(source) is not None and draft.input_port(target) is not None:
                via = tuple([dots[dot] for dot in wire.via if dot in dots])
                found.setdefault((source, target), Wire(source, target, wire.order, wire.muted, via=via))
    alone = Graph()
    alone.nodes, alone.wires = {name: draft.nodes[name] for name in names.values()}, list(found.values())
    if not alone.in_order()[1]:
        draft.wires.extend(alone.wires)
        return
    for wire in alone.wires:  # somebody wrote a cycle into the text
        if draft.refusal(wire.source, wire.target) is None:
            draft.wires.append(wire)


def _add_outer_wire(document: Document, draft: Graph, wire: Wire, names: Mapping[str, str]) -> None:
    """A wire that came from outside, where its source still exists."""
    if wire.target_node not in names or wire.source_node in names or wire.source_node not in document.graph.nodes:
        return
    target = f"{names[wire.target_node]}.{wire.target_port}"
    if refusal(document, draft, wire.source, target) is None:
        draft.wires.append(Wire(wire.source, target, wire.order, wire.muted))


def _add_note(draft: Graph, note: Note, offset: tuple[float, float], taken: set[str]) -> str:
    name = free_id("note", taken)
    taken.add(name)
    draft.notes[name] = replace(note, id=name, position=(note.position[0] + offset[0], note.position[1] + offset[1]))
    return name
