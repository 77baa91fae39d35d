"""What an edit did, told to canvas, panels and runner in one signal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from app.editor.delta import Delta, by_id, wire_id
from engine.composites import Composite
from engine.graph import LOOKS, Graph, Node, Wire


@dataclass(frozen=True)
class Change:
    """One edit, forward or back, or a whole new document (kind `reset`).

    kinds     of: node_added, node_removed, wire_added, wire_removed, wire, routed (over other dots), property, moved,
              title, flags, colour, frame, note, dot, composites (a graph inside a node, and with it its uses), exposed
              (what one shows of its inside, told within), training, data, views, document, values, reset
    ids       nodes, frames, notes, dots and wires (`source>target`) that are concerned
    settings  "node.property" -> number, where numbers of existing nodes changed
    replans   whether the engine has to plan anew: not for places, words and mere numbers
    text      the name of the edit
    """

    kinds: frozenset[str]
    ids: frozenset[str] = frozenset()
    settings: Mapping[str, float] = field(default_factory=dict)
    replans: bool = False
    text: str = ""

    def touches(self, *kinds: str) -> bool:
        """Whether the edit is of one of these kinds, or everything is new."""
        return "reset" in self.kinds or not self.kinds.isdisjoint(kinds)


def joined(changes: Sequence[Change]) -> Change:
    """Several changes as one, that of the last one's name."""
    return Change(
        frozenset().union(*(change.kinds for change in changes)),
        frozenset().union(*(change.ids for change in changes)),
        {address: number for change in changes for address, number in change.settings.items()},
        any(change.replans for change in changes),
        changes[-1].text,
    )


RESET = Change(frozenset({"reset"}), replans=True)
_ATTRIBUTES = {"training": "training", "data": "data", "views": "views"}
_KEYS = {"nodes": by_id, "wires": wire_id, "frames": by_id, "notes": by_id, "dots": by_id}
_REPLANNING = {"node_added", "node_removed", "wire_added", "wire_removed", "wire", "training", "data", "composites"}


def change_of(delta: Delta, text: str) -> Change:
    """What a delta did."""
    kinds: set[str] = set()
    ids: set[str] = set()
    for part, key in _KEYS.items():
        splice, stem = getattr(delta, part), part[:-1]
        for ending, placed in (("added", splice.added), ("removed", splice.removed)):
            kinds.update({f"{stem}_{ending}" if stem in ("node", "wire") else stem} if placed else ())
            ids.update(key(entry) for _, entry in placed)
        ids.update(key(after) for _, after in splice.exchanged)
        if stem == "wire":
            kinds.update(
                "routed" if replace(after, via=before.via) == before else "wire" for before, after in splice.exchanged
            )
        elif stem != "node":
            kinds.update({stem} if splice.exchanged else ())
    settings, replans = _exchanged_nodes(delta, kinds)
    kinds.update(_ATTRIBUTES.get(name, "document") for name in delta.attributes)
    kinds.update({"values"} if delta.values else ())
    kinds.update({"composites"} if delta.composites else ())
    replans = replans or "precision" in delta.attributes or not kinds.isdisjoint(_REPLANNING)
    return Change(frozenset(kinds), frozenset(ids), settings, replans, text)


def change_within(change: Change, before: Composite, after: Composite) -> Change:
    """An edit as it looks to whoever stands within the definition that it changed."""
    inside = change_of(Delta.between(before.graph, after.graph), change.text)
    kinds = (change.kinds - {"composites", "wire_removed"}) | inside.kinds
    kinds |= {"exposed"} if before.exposed != after.exposed else set()
    kinds |= {"title"} if before.title != after.title else set()
    replans = inside.replans or bool(inside.settings) or not kinds.isdisjoint({"training", "data", "exposed"})
    # Alike is not the same: whoever draws a node holds on to it.
    others = {name for name, node in after.graph.nodes.items() if before.graph.nodes.get(name) is not node}
    others.update([wire_id(wire) for wire in _new_ones(before.graph, after.graph)])
    return Change(kinds, inside.ids | others, {}, replans, change.text)


def _new_ones(before: Graph, after: Graph) -> list[Wire]:
    known = {id(wire) for wire in before.wires}
    return [wire for wire in after.wires if id(wire) not in known]


def _exchanged_nodes(delta: Delta, kinds: set[str]) -> tuple[dict[str, float], bool]:
    """Note the kinds of change to existing nodes; the numbers that changed, and whether something else did."""
    settings: dict[str, float] = {}
    replans = False
    for before, after in delta.nodes.exchanged:
        for kind, name in (
            ("moved", "position"),
            ("title", "title"),
            ("flags", "flags"),
            ("colour", "colour"),
            ("property", "properties"),
        ):
            kinds.update({kind} if getattr(before, name) != getattr(after, name) else ())
        replans = replans or not (before.flags ^ after.flags) <= LOOKS
        for name in _changed_properties(before, after):
            known = after.kind.properties().get(name) if after.kind else None
            if known is not None and known.is_number:
                settings[f"{after.id}.{name}"] = after.properties.get(name, known.default)
            else:
                replans = True
    return settings, replans


def _changed_properties(before: Node, after: Node) -> list[str]:
    names = dict.fromkeys([*before.properties, *after.properties])
    return [name for name in names if before.properties.get(name) != after.properties.get(name)]
