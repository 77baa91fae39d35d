"""What stands on the canvas beside nodes and wires: frames, notes, and dots that wires lead over. Nothing computes with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.graph import Graph, Wire


@dataclass(frozen=True, slots=True)
class Frame:
    """A titled box around nodes; moving it moves what lies in it."""

    id: str
    title: str = ""
    nodes: tuple[str, ...] = ()
    colour: str = ""
    extra: dict[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Note:
    """A sticky note with text (LaTeX between dollar signs) at a place on the canvas."""

    id: str
    text: str = ""
    position: tuple[float, float] = (0.0, 0.0)
    size: tuple[float, float] = (216.0, 96.0)
    extra: dict[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Dot:
    """A place that wires are led over, in pixels; each wire names its dots in the order from source to target (`via`).

    It is how a wire is drawn and no node: what computes never meets one. Several wires may share a dot.
    """

    id: str
    position: tuple[float, float] = (0.0, 0.0)
    pinned: bool = False  # automatic layout leaves it where it is
    extra: dict[str, Any] = field(default_factory=dict, hash=False)


def tidy_dots(graph: Graph) -> None:
    """Let dots go that no wire leads over, and let wires name none that are not there."""
    known, used = graph.dots, dots_of(graph.wires)
    if not used <= known.keys():
        graph.wires = [
            wire
            if known.keys() >= set(wire.via)
            else replace(wire, via=tuple([dot for dot in wire.via if dot in known]))
            for wire in graph.wires
        ]
    if not known.keys() <= used:
        graph.dots = {name: dot for name, dot in known.items() if name in used}


def dots_of(wires: Iterable[Wire]) -> set[str]:
    """The ids of the dots that wires lead over."""
    return {dot for wire in wires for dot in wire.via}
