"""What of a document decides its plan, and which of its numbers only fill the plan's slots."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import compress
from operator import attrgetter, eq, is_
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from weakref import WeakKeyDictionary

import numpy as np

from engine.ends import same_ends
from engine.graph import LOOKS, Graph, Node, Wire
from engine.nodes import NodeType, node_types
from engine.unrolling import Order, schedule

if TYPE_CHECKING:
    from engine.document import Document
    from engine.training import Training


class Drawn(Protocol):
    """What lowering needs of a document."""

    graph: Graph
    training: Training


T = TypeVar("T", bound="Drawn")
_kind, _plan, _target = attrgetter("kind"), attrgetter("plan"), attrgetter("target_node")


class Signature:
    """What of one node decides what it is lowered to. As long as that stays, the very same object stands for it.

    plan  stands for what decides its part of a plan: all but the numbers in slots
    """

    __slots__ = ("_names", "_values", "flags", "kind", "plan", "type")

    def __init__(self, node: Node, kind: type[NodeType] | None, flags: frozenset[str]) -> None:
        self.type, self.kind, self.flags = node.type, kind, flags
        self._names, self._values = tuple(node.properties), tuple(node.properties.values())
        self.plan = object()

    @classmethod
    def of(cls, node: Node, kind: type[NodeType] | None, before: Signature | None) -> Signature:
        """The node's signature: that of before where nothing but titles and places have changed."""
        flags, properties = node.flags, node.properties
        if flags:
            flags -= LOOKS
        if before is None or before.kind is not kind or before.type != node.type or before.flags != flags:
            return cls(node, kind, flags)
        if not properties and not before._names:
            return before
        # Property values are never changed in place: as a rule the very same objects stand there.
        if before._names == (*properties,) and all(map(is_, before._values, properties.values())):
            return before
        mine = cls(node, kind, flags)
        if _key(kind, before._names, before._values) == _key(kind, mine._names, mine._values):
            mine.plan = before.plan
        return mine


class Structure:
    """What of a drawing decides its plan: two drawings that are `same` differ in titles, places and slot numbers at most.

    wires_into  by id of a node the wires that end at it
    order       in which nodes are lowered, and those that cannot be since they wait for themselves
    basis       what every part of a plan hangs on
    """

    def __init__(self, document: Drawn, before: Structure | None = None) -> None:
        graph, training = document.graph, document.training
        known: Mapping[str, Signature] = before.signatures if before is not None else {}
        kinds, of, known_as = node_types(), Signature.of, known.get
        self.signatures: dict[str, Signature] = {
            name: of(node, node.bound or kinds.get(node.type), known_as(name)) for name, node in graph.nodes.items()
        }
        self.wires: list[Wire] = graph.wires.copy()
        self.wires_into: dict[str, list[Wire]] = _wires_into(self.wires, before)
        self.order: Order = before.order if before is not None and self._hangs_together_as(before) else schedule(graph)
        self.basis = (training.seed, training.batch_size, training.order, training.last_batch)
        self.turns, self.phases = training.turns, [phase.structure for phase in training.phases]

    def _hangs_together_as(self, other: Structure) -> bool:
        """Whether nodes of the same types are wired in the same way."""
        if self.wires_into is not other.wires_into or [*self.signatures] != [*other.signatures]:
            return False
        kinds, others = [[*map(_kind, one.signatures.values())] for one in (self, other)]
        return kinds == others

    def is_equal(self, other: Structure) -> bool:
        """Whether the other one is the same in its numbers, too."""
        return self.is_same(other) and all(map(is_, self.signatures.values(), other.signatures.values()))

    def is_same(self, other: Structure) -> bool:
        """Whether the other one, made from this one, leads to the same program."""
        mine, its = self.signatures, other.signatures
        return (
            list(mine) == list(its)
            and all(map(is_, map(_plan, mine.values()), map(_plan, its.values())))
            and _same_wires(self.wires, other.wires)
            and (self.basis, self.turns, self.phases) == (other.basis, other.turns, other.phases)
        )


def structure_of(document: Document) -> Any:
    """A key: two documents with equal keys have the same plan, and differ in titles, places and slot numbers at the most."""
    training = document.training
    return (
        document.precision,
        {part: id(spec) for part, spec in document.data.items()},
        [
            (node.id, node.type, *_key(node.kind, [*node.properties], [*node.properties.values()]), node.flags - LOOKS)
            for node in document.graph
        ],
        [_wire_key(wire) for wire in document.graph.wires],
        (training.seed, training.batch_size, training.order, training.last_batch, training.turns),
        [phase.structure for phase in training.phases],
    )


def _wires_into(wires: list[Wire], before: Structure | None) -> dict[str, list[Wire]]:
    """The wires that end at each node, in their order: the lists of before where these are the very same wires."""
    others = set(map(_target, wires if before is None else _differing(before.wires, wires)))
    if before is not None and not others:
        return before.wires_into
    into = before.wires_into.copy() if before is not None else {}
    into |= {target: [] for target in others}
    for wire in compress(wires, map(others.__contains__, map(_target, wires))):
        into[wire.target_node].append(wire)
    return into


def _differing(some: list[Wire], others: list[Wire]) -> list[Wire]:
    """All wires but those that both lists begin with, and those that both end with."""
    head, tail = same_ends(some, others)
    return some[head : len(some) - tail] + others[head : len(others) - tail]


def _same_wires(some: list[Wire], others: list[Wire]) -> bool:
    if len(some) != len(others):
        return False
    return all(map(is_, some, others)) or all(map(eq, map(_wire_key, some), map(_wire_key, others)))


def _wire_key(wire: Wire) -> tuple[Any, ...]:
    return wire.source, wire.target, wire.order, wire.muted


def seeded(document: T, seed: int) -> T:
    """The same document with another seed; itself where it has that one."""
    if document.training.seed == seed:
        return document
    twin = copy.copy(document)
    twin.training = replace(document.training, seed=seed)
    return twin


def numbers_of(document: Document, addresses: Iterable[str]) -> dict[str, Any]:
    """The numbers that fill slots of these addresses: settings of nodes and optimizers, constants."""
    nodes = document.graph.nodes
    trained = {address: number for phase in document.training.phases for address, number in phase.numbers.items()}
    numbers: dict[str, Any] = {}
    for address in addresses:
        name, _, slot = address.rpartition(".")
        node = nodes.get(name)
        kind = node.kind if node is not None else None
        if address in trained:
            numbers[address] = trained[address]
        elif node is not None and kind is not None and slot in (slots := _slots_of(kind)):
            numbers[address] = node.properties.get(slot, slots[slot])
    return numbers


def _key(kind: type[NodeType] | None, names: Sequence[str], values: Sequence[Any]) -> tuple[Any, ...]:
    slots = _slots_of(kind) if kind is not None else {}
    fixed = [(name, repr(value)) for name, value in zip(names, values, strict=True) if name not in slots]
    numbers = slots | {name: value for name, value in zip(names, values, strict=True) if name in slots}
    return fixed, [(name, _shape(value)) for name, value in numbers.items()]


def _shape(value: Any) -> Any:
    try:
        return np.shape(value)
    except ValueError:  # no number, and told elsewhere
        return repr(value)


def _slots_of(kind: type[NodeType]) -> dict[str, Any]:
    """The properties of a type that fill slots, and what they are where nobody says."""
    slots = _SLOTS.get(kind)
    if slots is None:
        slots = {name: entry.default for name, entry in kind.properties().items() if entry.is_number}
        if kind.name == "constant":
            slots["value"] = kind.properties()["value"].default
        _SLOTS[kind] = slots
    return slots


_SLOTS: WeakKeyDictionary[type[NodeType], dict[str, Any]] = WeakKeyDictionary()
