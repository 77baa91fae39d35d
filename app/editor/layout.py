"""Automatic layout from left to right: values flow right, few wires cross, nothing overlaps.

Layers by longest path, long wires carried through dummies, order within a layer by barycentres, heights settled by
pulling every node towards its neighbours. After Sugiyama, Tagawa & Toda (1981), *Methods for visual understanding of
hierarchical system structures*, IEEE Trans. SMC 11(2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Any

from app.editor.commands.dots import carried_along

if TYPE_CHECKING:
    from engine.graph import Graph, Node

Size = tuple[float, float]
Place = tuple[float, float]
GAP_ACROSS, GAP_DOWN, GRID = 72.0, 32.0, 4.0
DUMMY_HEIGHT = 8.0
DOT: Size = (12.0, 12.0)
WEIGHTS_ROOM = 96.0  # pixels left of a column of neurons: their weights stand on the wires
SWEEPS = 12


def laid_out(graph: Graph, names: Sequence[str], size_of: Callable[[str], Size]) -> dict[str, Place]:
    """Places of nodes, and of the dots that wires among them are led over, in a graph; their upper left corner stays.

    Pinned dots stay where they are, and a dot that other wires share stays with those.
    """
    dots = sorted(carried_along(graph, set(names)) - {name for name, dot in graph.dots.items() if dot.pinned})
    sizes = {**{name: size_of(name) for name in names}, **dict.fromkeys(dots, DOT)}
    stops = [(wire.source_node, *[dot for dot in wire.via if dot in sizes], wire.target_node) for wire in graph.wires]
    room = {name: WEIGHTS_ROOM for name in names if _takes_weights(graph.nodes[name])}
    places = arrange(sizes, [pair for stop in stops for pair in pairwise(stop)], room)
    left = min((graph.nodes[name].position[0] for name in names), default=0.0)
    top = min((graph.nodes[name].position[1] for name in names), default=0.0)
    middle = dict.fromkeys(dots, (DOT[0] / 2, DOT[1] / 2))  # a dot is placed by its middle
    found = {}
    for name, (x, y) in places.items():
        across, down = middle.get(name, (0.0, 0.0))
        found[name] = (x + left + across, y + top + down)
    return found


def _takes_weights(node: Node) -> bool:
    """Whether weights stand on the lines that lead into a node."""
    return node.type == "neuron" or "opened" in node.flags


def arrange(
    sizes: Mapping[str, Size], wires: Iterable[tuple[str, str]], room: Mapping[str, float] | None = None
) -> dict[str, Place]:
    """Upper left corners of nodes of the given sizes (pixels), for wires (source, target) among them.

    `room` keeps so many more pixels free to the left of the column in which a node stands.
    Wires on a cycle are ignored while layers are found. The upper left corner of the whole is (0, 0).
    """
    known = [(begin, end) for begin, end in dict.fromkeys(wires) if begin in sizes and end in sizes and begin != end]
    rank = _pulled_right(_ranks(list(sizes), known), known)
    net = _Layers(sizes, known, rank)
    net.order()
    return net.places(room or {})


def _ranks(names: Sequence[str], wires: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Longest path from a node without predecessor; nodes behind a cycle stay where the walk last left them."""
    waiting = dict.fromkeys(names, 0)
    following: dict[str, list[str]] = {name: [] for name in names}
    for begin, end in wires:
        waiting[end] += 1
        following[begin].append(end)
    rank = dict.fromkeys(names, 0)
    ready = [name for name in names if not waiting[name]]
    for name in ready:  # grows while it is walked
        for after in following[name]:
            rank[after] = max(rank[after], rank[name] + 1)
            waiting[after] -= 1
            if not waiting[after]:
                ready.append(after)
    return rank


def _pulled_right(rank: dict[str, int], wires: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Sources (a target, a parameter) stand right before what uses them, so that their wires stay short."""
    sources = rank.keys() - {end for _, end in wires}
    for name in sources:
        users = [rank[end] for begin, end in wires if begin == name]
        # Sources that feed the first layers stay at the far left, where people look for the data.
        if users and min(users) > 1:
            rank[name] = min(users) - 1
    return rank


class _Layers:
    """The layered graph with its dummies; `order` settles who stands above whom, `places` the coordinates."""

    def __init__(self, sizes: Mapping[str, Size], wires: Sequence[tuple[str, str]], rank: Mapping[str, int]) -> None:
        self.sizes: dict[Any, Size] = dict(sizes)
        self.real = set(sizes)
        self.layers: list[list] = [[] for _ in range(max(rank.values(), default=-1) + 1)]
        for name in sizes:
            self.layers[rank[name]].append(name)
        self.before: dict = {name: [] for name in sizes}
        self.after: dict = {name: [] for name in sizes}
        for begin, end in wires:
            if rank[begin] < rank[end]:
                self._thread(begin, end, rank)

    def _thread(self, begin: str, end: str, rank: Mapping[str, int]) -> None:
        last: str | tuple = begin
        for layer in range(rank[begin] + 1, rank[end]):
            dummy = (begin, end, layer)
            self.sizes[dummy] = (0.0, DUMMY_HEIGHT)
            self.layers[layer].append(dummy)
            self.before[dummy], self.after[dummy] = [], []
            self._join(last, dummy)
            last = dummy
        self._join(last, end)

    def _join(self, begin: str | tuple, end: str | tuple) -> None:
        self.after[begin].append(end)
        self.before[end].append(begin)

    def order(self) -> None:
        """Sort each layer by the mean place of its neighbours, to and fro; the best order seen is kept."""
        best, fewest = [list(layer) for layer in self.layers], self._crossings()
        for sweep in range(SWEEPS):
            if not fewest:
                break
            forth = sweep % 2 == 0
            for index in range(1, len(self.layers)) if forth else range(len(self.layers) - 2, -1, -1):
                self._sort(index, self.before if forth else self.after, self.layers[index - 1 if forth else index + 1])
            if (crossings := self._crossings()) < fewest:
                best, fewest = [list(layer) for layer in self.layers], crossings
        self.layers = best

    def _sort(self, index: int, neighbours: Mapping, fixed: Sequence) -> None:
        place = {name: at for at, name in enumerate(fixed)}
        layer = self.layers[index]
        weight = {}
        for at, name in enumerate(layer):
            met = [place[other] for other in neighbours[name] if other in place]
            weight[name] = sum(met) / len(met) if met else at
        layer.sort(key=lambda name: weight[name])

    def _crossings(self) -> int:
        return sum(self._crossings_behind(index) for index in range(len(self.layers) - 1))

    def _crossings_behind(self, index: int) -> int:
        place = {name: at for at, name in enumerate(self.layers[index + 1])}
        ends = [at for name in self.layers[index] for at in sorted(place[o] for o in self.after[name] if o in place)]
        return _inversions(ends, len(place))

    def places(self, room: Mapping[str, float]) -> dict[str, Place]:
        """Upper left corners of the real nodes."""
        tops = self._tops()
        result, left = {}, 0.0
        for layer in self.layers:
            left += max((room.get(name, 0.0) for name in layer), default=0.0)
            width = max((self.sizes[name][0] for name in layer), default=0.0)
            for name in layer:
                if name in self.real:
                    result[name] = (left + (width - self.sizes[name][0]) / 2, tops[name])
            left += width + GAP_ACROSS
        top = min((y for _, y in result.values()), default=0.0)
        return {name: (_on_grid(x), _on_grid(y - top)) for name, (x, y) in result.items()}

    def _tops(self) -> dict:
        tops: dict = {}
        for layer in self.layers:
            y = 0.0
            for name in layer:
                tops[name] = y
                y += self.sizes[name][1] + GAP_DOWN
        for sweep in range(SWEEPS):
            forth = sweep % 2 == 0
            for layer in self.layers if forth else reversed(self.layers):
                self._settle(layer, tops, self.before if forth else self.after)
        return tops

    def _settle(self, layer: Sequence, tops: dict, neighbours: Mapping) -> None:
        """Move each node towards the median of its neighbours, as far as its layer has room."""

        def centre(name: str | tuple) -> float:
            return tops[name] + self.sizes[name][1] / 2

        wish = {}
        for name in layer:
            met = [centre(other) for other in neighbours[name]] or [centre(name)]
            wish[name] = median(met) - self.sizes[name][1] / 2
        tops.update(_pack([(name, wish[name], self.sizes[name][1]) for name in layer]))


def _pack(column: Sequence[tuple[str | tuple, float, float]]) -> dict:
    """Tops as near as possible to the wishes, in order and without overlap (blocks that touch move as one)."""
    blocks: list[tuple[float, float, list]] = []  # top, height, members with their offset
    for name, wish, height in column:
        block = (wish, height + GAP_DOWN, [(name, 0.0, wish)])
        while blocks and blocks[-1][0] + blocks[-1][1] > block[0]:
            above = blocks.pop()
            members = above[2] + [(entry, offset + above[1], want) for entry, offset, want in block[2]]
            top = sum(want - offset for _, offset, want in members) / len(members)
            block = (top, above[1] + block[1], members)
        blocks.append(block)
    return {name: top + offset for top, _, members in blocks for name, offset, _ in members}


def _inversions(ends: Sequence[int], size: int) -> int:
    """Pairs out of order, counted with a Fenwick tree: crossings of two neighbouring layers."""
    tree, total = [0] * (size + 1), 0
    for seen, end in enumerate(ends):
        total += seen - _sum_to(tree, end + 1)
        at = end + 1
        while at <= size:
            tree[at] += 1
            at += at & -at
    return total


def _sum_to(tree: Sequence[int], at: int) -> int:
    total = 0
    while at:
        total += tree[at]
        at -= at & -at
    return total


def _on_grid(value: float) -> float:
    return round(value / GRID) * GRID
