"""Single numbers out of parameters: which there are, what they are called, which two are looked at first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from engine.composites import node_at, title_at

if TYPE_CHECKING:
    from engine.document import Document
    from engine.snapshot import Reading

SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


class Entry(NamedTuple):
    """One number of a parameter: its address and its indices, counted from 0."""

    key: str
    place: tuple[int, ...]

    def fits(self, parameters: Mapping[str, Reading]) -> bool:
        """Whether there is such a number."""
        reading = parameters.get(self.key)
        return (
            reading is not None
            and len(reading.shape) == len(self.place)
            and all(0 <= index < length for index, length in zip(self.place, reading.shape, strict=True))
        )

    def to_json(self) -> list[Any]:
        """As a document keeps it."""
        return [self.key, list(self.place)]

    @classmethod
    def from_json(cls, value: object) -> Entry | None:
        """Out of a document; None where it is no entry."""
        match value:
            case [str(key), [*place]]:
                indices = tuple(index for index in place if isinstance(index, int))
                return cls(key, indices) if len(indices) == len(place) else None
        return None


def has_objective(document: Document, first_only: bool = False) -> bool:
    """Whether a phase of the training plan (or the first one) names a node that is there."""
    phases = document.training.phases[:1] if first_only else document.training.phases
    return any(node_at(document.graph, phase.objective.partition(".")[0]) is not None for phase in phases)


def parameter_title(document: Document, key: str) -> str:
    """`hidden · weights`: the node's title and the parameter."""
    node, _, name = key.partition(".")
    return f"{title_at(document.graph, node)} · {name}".replace("_", " ")


def axis_words(document: Document, key: str, rank: int) -> tuple[str, ...]:
    """What each axis of a parameter counts, as its port declares it: `unit`, `feature`; empty where no port does.

    rank  of what is looked at, without the batch
    """
    node, _, name = key.partition(".")
    found = node_at(document.graph, node)
    kind = found.kind if found is not None else None
    ports = (kind.input(name), kind.output(name)) if kind is not None else ()
    declared = next((port.shape for port in ports if port is not None and port.shape.startswith("(")), "")
    words = [word.strip() for word in declared.strip("()").split(",") if word.strip() not in ("", "batch")]
    return tuple("" if word.isdigit() else word.removesuffix("s") for word in words) if len(words) == rank else ()


def entry_title(document: Document, entry: Entry, shape: tuple[int, ...]) -> str:
    """`hidden w₁₂`, counted from 1 as in a textbook; an axis of length 1 needs no index."""
    node, _, name = entry.key.partition(".")
    found = node_at(document.graph, node)
    kind = found.kind if found is not None else None
    port = kind.input(name) if kind is not None else None
    symbol = port.symbol if port is not None and port.symbol else name
    letter = symbol.lower() if len(symbol) == 1 else name.replace("_", " ")
    indices = [str(index + 1) for index, length in zip(entry.place, shape, strict=False) if length > 1]
    comma = "," if any(len(index) > 1 for index in indices) else ""
    title = title_at(document.graph, node).replace("_", " ")
    return f"{title} {letter}{comma.join(indices).translate(SUBSCRIPTS)}"


def is_weight(key: str, shape: tuple[int, ...]) -> bool:
    """Whether a parameter multiplies something, as far as its name and rank say."""
    return "bias" not in key.partition(".")[2] and ("weight" in key.partition(".")[2] or len(shape) >= 2)


def first_and_last(parameters: Mapping[str, Reading], feature: int = 0) -> tuple[Entry, Entry] | None:
    """The first weight of the first and of the last layer; None where there are fewer than two numbers.

    feature  the first input that varies: of a weight on one that is always 0 the loss would know nothing
    """
    keys = [key for key, reading in parameters.items() if int(np.prod(reading.shape, dtype=np.int64)) > 0]
    weights = [key for key in keys if is_weight(key, parameters[key].shape)] or keys
    if not weights:
        return None
    shape = parameters[weights[0]].shape
    first = Entry(weights[0], (0,) * len(shape))
    if len(shape) == 2 and len(weights) > 1 and feature < shape[0]:
        first = Entry(weights[0], (feature, 0))
    others = [weights[-1], *keys]
    other = next((key for key in others if key != weights[0]), None)
    if len(weights) == 1 and int(np.prod(shape, dtype=np.int64)) > 1:
        return first, Entry(weights[0], tuple(int(index) for index in np.unravel_index(1, shape)))
    return (first, Entry(other, (0,) * len(parameters[other].shape))) if other is not None else None
