"""The difference that one edit makes to a document: plain data to be applied, taken back, merged and written down.

An edit is worked out on a draft that shares every node with the document. Nodes, wires, frames and notes are
never changed in place, so the difference between draft and document is found by identity, and taking it back restores
order and place, not only existence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from app.editor import records
from engine.arrangement import tidy_dots
from engine.composites import bind, set_composites
from engine.graph import Graph
from engine.training import Training

if TYPE_CHECKING:
    from engine.document import Document

Placed = tuple[int, Any]  # an entry and its place in the sequence it stands in
Pair = tuple[Any, Any]  # before and after


def draft_of(graph: Graph) -> Graph:
    """A graph to try an edit on: its own lists, the same nodes. Replace nodes in it, never change them."""
    draft = Graph()
    draft.nodes, draft.wires = dict(graph.nodes), list(graph.wires)
    draft.frames, draft.notes, draft.dots = dict(graph.frames), dict(graph.notes), dict(graph.dots)
    draft.composites = dict(graph.composites)
    return draft


@dataclass(frozen=True, slots=True)
class Splice:
    """What left a sequence (places before), what came (places after) and what was exchanged where it stood."""

    removed: tuple[Placed, ...] = ()
    added: tuple[Placed, ...] = ()
    exchanged: tuple[Pair, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.removed or self.added or self.exchanged)

    def inverse(self) -> Splice:
        """The way back."""
        return Splice(self.added, self.removed, tuple((after, before) for before, after in self.exchanged))

    def apply(self, entries: Sequence[Any], key: Callable[[Any], str]) -> list[Any]:
        """The sequence after the edit."""
        exchanged = {key(before): after for before, after in self.exchanged}
        gone = {index for index, _ in self.removed}
        result = [exchanged.get(key(entry), entry) for index, entry in enumerate(entries) if index not in gone]
        for index, entry in self.added:
            result.insert(index, entry)
        return result

    def then(self, later: Splice) -> Splice:
        """This exchange and a later one as one; only where neither adds nor removes."""
        before = {entry.id: (entry, after) for entry, after in self.exchanged}
        for old, new in later.exchanged:
            before[old.id] = (before[old.id][0] if old.id in before else old, new)
        return Splice(exchanged=tuple(before.values()))


def difference(before: Sequence[Any], after: Sequence[Any], key: Callable[[Any], str]) -> Splice:
    """The splice from one sequence to another whose common entries stand in the same order."""
    if len(before) == len(after) and all(old is new for old, new in zip(before, after, strict=True)):
        return Splice()
    old_keys, new_keys = {key(entry): entry for entry in before}, {key(entry) for entry in after}
    return Splice(
        tuple((index, entry) for index, entry in enumerate(before) if key(entry) not in new_keys),
        tuple((index, entry) for index, entry in enumerate(after) if key(entry) not in old_keys),
        tuple((old_keys[key(entry)], entry) for entry in after if _differs(old_keys.get(key(entry), entry), entry)),
    )


def _differs(old: Any, new: Any) -> bool:
    return bool(old is not new and old != new)


def by_id(entry: Any) -> str:
    """The key of nodes, frames and notes."""
    return str(entry.id)


def wire_id(wire: Any) -> str:
    """The key of a wire: no two wires join the same ports."""
    return f"{wire.source}>{wire.target}"


_PARTS: dict[str, tuple[Callable[[Any], str], Callable[[Any], Any], Callable[[Any], Any]]] = {
    "nodes": (by_id, records.node_to_json, records.node_from_json),
    "wires": (wire_id, records.wire_to_json, records.wire_from_json),
    "frames": (by_id, records.frame_to_json, records.frame_from_json),
    "notes": (by_id, records.note_to_json, records.note_from_json),
    "dots": (by_id, records.dot_to_json, records.dot_from_json),
}


_PAIRS = ("attributes", "values", "composites")


@dataclass(frozen=True)
class Delta:
    """An edit of the graph (one splice a part), of attributes of the document, and of values set by hand.

    attributes  name -> (before, after)
    values      "node.parameter" -> (array before, array after); None where there is no such parameter
    composites  id -> (definition before, definition after); None where there is none
    """

    nodes: Splice = Splice()
    wires: Splice = Splice()
    frames: Splice = Splice()
    notes: Splice = Splice()
    dots: Splice = Splice()
    attributes: Mapping[str, Pair] = field(default_factory=dict)
    values: Mapping[str, Pair] = field(default_factory=dict)
    composites: Mapping[str, Pair] = field(default_factory=dict)

    @classmethod
    def between(cls, before: Graph, after: Graph, **rest: Any) -> Delta:
        """What turns one graph into the other, a draft: of that, dots go that nothing leads over any more."""
        if before.dots or after.dots:
            tidy_dots(after)
        parts: dict[str, Any] = {
            name: difference(_entries(before, name), _entries(after, name), _PARTS[name][0]) for name in _PARTS
        }
        return cls(**parts, composites=_exchanged(before.composites, after.composites), **rest)

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in _PARTS) or bool(self.attributes or self.values or self.composites)

    def inverse(self) -> Delta:
        """The way back."""
        parts = {name: getattr(self, name).inverse() for name in _PARTS}
        swapped: dict[str, Any] = {name: _swapped(getattr(self, name)) for name in _PAIRS}
        return Delta(**parts, **swapped)

    def apply(self, document: Document) -> None:
        """Change the document. It never fails: whether the edit is sound was settled when it was worked out."""
        graph = document.graph
        if self.composites:
            table = {name: after for name, (_, after) in self.composites.items()}
            known = {name: table.get(name, found) for name, found in {**graph.composites, **table}.items()}
            set_composites(graph, {name: found for name, found in known.items() if found is not None})
        for name, (key, _, _) in _PARTS.items():
            if splice := getattr(self, name):
                _put(graph, name, splice.apply(_entries(graph, name), key))
        if graph.composites and self.nodes:
            bind(graph, graph.composites)
        for name, (_, after) in self.attributes.items():
            setattr(document, name, after)

    def then(self, later: Delta) -> Delta:
        """This delta and a later one of the same gesture as one."""
        parts = {name: getattr(self, name).then(getattr(later, name)) for name in _PARTS}
        joined: dict[str, Any] = {name: _joined(getattr(self, name), getattr(later, name)) for name in _PAIRS}
        return Delta(**parts, **joined)

    @property
    def can_merge(self) -> bool:
        """Whether it only exchanges: structure is never merged."""
        return not self.wires and not any(getattr(self, name).removed or getattr(self, name).added for name in _PARTS)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON from which the same delta can be made."""
        result: dict[str, Any] = {}
        for name, (_, to_json, _) in _PARTS.items():
            splice = getattr(self, name)
            sides = {side: [[i, to_json(entry)] for i, entry in getattr(splice, side)] for side in ("removed", "added")}
            sides["exchanged"] = [[to_json(old), to_json(new)] for old, new in splice.exchanged]
            if kept := {side: entries for side, entries in sides.items() if entries}:
                result[name] = kept
        if self.attributes:
            result["attributes"] = {name: [_attribute_to_json(v) for v in p] for name, p in self.attributes.items()}
        if self.values:
            result["values"] = {
                key: [None if array is None else array.tolist() for array in pair] for key, pair in self.values.items()
            }
        if self.composites:
            pairs = self.composites.items()
            result["composites"] = {
                name: [found and records.composite_to_json(found) for found in p] for name, p in pairs
            }
        return result

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Delta:
        """The delta of a journal entry. Raises ValueError, KeyError or TypeError for what is no delta."""
        parts: dict[str, Any] = {}
        for name, (_, _, from_json) in _PARTS.items():
            sides = value.get(name, {})
            placed = ([(int(i), from_json(entry)) for i, entry in sides.get(side, ())] for side in ("removed", "added"))
            removed, added = map(tuple, placed)
            pairs = tuple((from_json(old), from_json(new)) for old, new in sides.get("exchanged", ()))
            parts[name] = Splice(removed, added, pairs)
        attributes = {n: tuple(_attribute_from_json(n, v) for v in p) for n, p in value.get("attributes", {}).items()}
        written = value.get("composites", {}).items()
        composites: dict[str, Pair] = {
            name: (records.composite_from_json(name, old), records.composite_from_json(name, new))
            for name, (old, new) in written
        }
        return cls(**parts, attributes=attributes, values=_arrays(value.get("values", {})), composites=composites)


def _entries(graph: Graph, name: str) -> list[Any]:
    part = getattr(graph, name)
    return list(part.values()) if isinstance(part, dict) else part


def _put(graph: Graph, name: str, entries: Iterable[Any]) -> None:
    setattr(graph, name, list(entries) if name == "wires" else {entry.id: entry for entry in entries})


def _exchanged(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Pair]:
    """The definitions that are others now. Those that only follow what they use are worked out again, not kept."""
    names = dict.fromkeys([*before, *after])
    pairs = {name: (before.get(name), after.get(name)) for name in names if before.get(name) is not after.get(name)}
    return {name: pair for name, pair in pairs.items() if pair[0] is None or pair[1] is None or not _is_same(*pair)}


def _is_same(one: Any, other: Any) -> bool:
    return bool(records.composite_to_json(one) == records.composite_to_json(other))


def _swapped(pairs: Mapping[str, Pair]) -> dict[str, Pair]:
    return {name: (after, before) for name, (before, after) in pairs.items()}


def _joined(first: Mapping[str, Pair], later: Mapping[str, Pair]) -> dict[str, Pair]:
    return {**first, **{name: (first[name][0] if name in first else old, new) for name, (old, new) in later.items()}}


def _attribute_to_json(value: Any) -> Any:
    return value.to_json() if isinstance(value, Training) else records.plain(value)


def _attribute_from_json(name: str, value: Any) -> Any:
    return Training.from_json(value)[0] if name == "training" else value


def _arrays(values: Mapping[str, Any]) -> dict[str, Pair]:
    import numpy as np

    def array(numbers: Any) -> Any:
        return None if numbers is None else np.asarray(numbers, float)

    return {key: (array(before), array(after)) for key, (before, after) in values.items()}
