"""One entry of a node's output as a tree of operations on entries, cut into stages that have names.

Reading a program entry by entry: operations that treat every number alone become operations on one number, whatever only
moves numbers (broadcasting, reshaping, gathering) disappears, a matrix product becomes a sum of products.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from engine.explain.live import Entry, Index, Live, ravel, unravel
from engine.explain.notation import Notation, Symbol
from engine.primitives.base import Primitive, encode_plain, rows_of_result
from engine.values import Batch, Call, Value

LINEAR = frozenset({"add", "subtract", "negate", "total", "stop_gradient"})
SCALING = frozenset({"multiply", "divide"})
MOST_LEAVES = 8


@dataclass(frozen=True, slots=True)
class Leaf:
    """One entry of a value that is named here."""

    value: Value
    entry: Entry


@dataclass(frozen=True, slots=True)
class Operation:
    """A primitive that treats every number alone."""

    call: Call
    entry: Entry
    operands: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Products:
    """An entry of a matrix product, or of a convolution: Σ left · right, and what is added to that sum.

    Slices of both indices are the factors, in their order: one axis of a matrix, a window of maps and the taps over it.
    """

    call: Call
    entry: Entry
    left: Index
    right: Index
    bias: Leaf | None = None

    @property
    def is_window(self) -> bool:
        """Whether the factors are a window of maps: other windows read the same numbers."""
        return self.call.primitive.name == "convolution"


@dataclass(frozen=True, slots=True)
class Reduction:
    """A sum, mean or extreme over some axes; `leaf` is the entry among them that is followed."""

    call: Call
    entry: Entry
    index: Index
    leaf: Leaf


@dataclass(frozen=True, slots=True)
class Whole:
    """An entry of an operation that looks at whole rows or arrays; `position` is its place in the result."""

    call: Call
    entry: Entry
    indices: tuple[Index, ...]
    position: int
    rowwise: bool

    def row_read(self, operand: int) -> int:
        """The row that is read of an operand: of a table of prototypes it is not the row of the batch."""
        first = self.indices[operand][0]
        return first.start if isinstance(first, slice) else first


Tree = Leaf | Operation | Products | Reduction | Whole


@dataclass(frozen=True)
class Stage:
    """A named entry and the tree it is computed by."""

    symbol: Symbol
    result: Leaf
    tree: Tree


def treats_numbers_alone(call: Call) -> bool:
    """Whether an entry of the result depends on one entry of each operand."""
    primitive = call.primitive
    if primitive.is_elementwise or primitive.name in ("total", "stop_gradient"):
        return True
    plain = isinstance(primitive, Primitive) and primitive.encode is encode_plain and not primitive.is_view
    return plain and bool(call.operands) and all(o.shape == call.result.shape for o in call.operands)


def is_reduction(call: Call) -> bool:
    """Whether a call brings some axes down to one number."""
    return (
        "axes" in call.attributes and len(call.operands) == 1 and call.primitive.name in ("sum", "mean", "max", "min")
    )


def moved(call: Call, entry: Entry, live: Live) -> tuple[Value, Entry] | None:
    """Where an entry was copied from, for calls that only move numbers; None for others."""
    mover = MOVERS.get(call.primitive.name)
    return mover(call, entry, live) if mover is not None else None


def _from_broadcast(call: Call, entry: Entry, live: Live) -> tuple[Value, Entry]:
    operand = call.operands[0]
    shape = live.shape(operand)
    tail = entry[len(entry) - len(shape) :]
    return operand, tuple([0 if length == 1 else index for index, length in zip(tail, shape, strict=True)])


def _from_reshape(call: Call, entry: Entry, live: Live) -> tuple[Value, Entry]:
    operand = call.operands[0]
    return operand, unravel(ravel(entry, live.shape(call.result)), live.shape(operand))


def _from_transpose(call: Call, entry: Entry, live: Live) -> tuple[Value, Entry]:
    return call.operands[0], entry[::-1]


def _from_slice(call: Call, entry: Entry, live: Live) -> tuple[Value, Entry]:
    axis, start = call.attributes["axis"], call.attributes["start"]
    return call.operands[0], (*entry[:axis], entry[axis] + start, *entry[axis + 1 :])


def _from_concat(call: Call, entry: Entry, live: Live) -> tuple[Value, Entry] | None:
    axis = call.attributes["axis"]
    index = entry[axis]
    for operand in call.operands:
        length = live.shape(operand)[axis]
        if index < length:
            return operand, (*entry[:axis], index, *entry[axis + 1 :])
        index -= length
    return None


def _from_gather(call: Call, entry: Entry, live: Live) -> tuple[Value, Entry] | None:
    table, rows = call.operands
    numbers = live.array(rows)
    if numbers is None:
        return None
    lead = len(live.shape(rows))
    row = int(numbers[entry[:lead]])
    return (table, (row, *entry[lead:])) if 0 <= row < live.shape(table)[0] else None


def _from_permute(call: Call, entry: Entry, live: Live) -> tuple[Value, Entry]:
    axes = call.attributes["axes"]
    return call.operands[0], tuple([entry[axes.index(axis)] for axis in range(len(axes))])


def _from_take(call: Call, entry: Entry, live: Live) -> tuple[Value, Entry] | None:
    row, index = call.operands
    places = live.array(index)
    place = -1 if places is None else int(places[entry])
    return (row, (*entry[:-1], place)) if 0 <= place < live.shape(row)[-1] else None


def _from_window(call: Call, entry: Entry, live: Live) -> tuple[Value, Entry] | None:
    maps, places = call.operands
    numbers, (height, width) = live.array(places), live.shape(maps)[2:]
    place = -1 if numbers is None else int(numbers[entry])
    return (maps, (*entry[:2], *divmod(place, width))) if 0 <= place < height * width else None


MOVERS: dict[str, Callable[[Call, Entry, Live], tuple[Value, Entry] | None]] = {
    "broadcast": _from_broadcast, "reshape": _from_reshape, "transpose": _from_transpose, "slice": _from_slice,
    "concat": _from_concat, "gather_rows": _from_gather, "gather_whole_rows": _from_gather,
    "permute": _from_permute, "take_along": _from_take, "window_take": _from_window,
}  # fmt: skip


def spots(index: Index, shape: tuple[int, ...]) -> list[range]:
    """What the slices of an index run over."""
    pairs = zip(index, shape, strict=True)
    return [range(*at.indices(length)) for at, length in pairs if isinstance(at, slice)]


def leaves(tree: Tree) -> Iterator[Leaf]:
    """The single entries a tree stands on; sums of products and whole rows are not taken apart."""
    if isinstance(tree, Leaf):
        yield tree
    elif isinstance(tree, Operation):
        for operand in tree.operands:
            yield from leaves(operand)


def is_heavy(tree: Tree) -> bool:
    """Whether a sum over many entries takes part."""
    return any(map(is_heavy, tree.operands)) if isinstance(tree, Operation) else not isinstance(tree, Leaf)


def is_fixed(tree: Tree) -> bool:
    """A constant or a setting: what scales by it stays linear."""
    return (
        isinstance(tree, Leaf) and tree.value.source is not None and tree.value.source.role in ("constant", "setting")
    )


@dataclass
class Grower:
    """Grows the stages of one node's entry; `inside` are the calls that may be taken apart, by their results."""

    live: Live
    notation: Notation
    inside: frozenset[int]
    row: int
    unit: int
    is_loss: bool = False
    stages: list[Stage] = field(default_factory=list)
    _known: dict[tuple[int, Entry], Leaf] = field(default_factory=dict)
    _uses: dict[int, int] = field(default_factory=dict)
    _layer: Symbol = field(default_factory=lambda: Symbol("h"))
    _taken: set[str] = field(default_factory=set)

    def grow(self, value: Value, entry: Entry, calls: list[Call]) -> list[Stage]:
        """The stages of an entry, operands before results; the last one is the entry itself."""
        for call in calls:
            for index in {operand.index for operand in call.operands}:
                self._uses[index] = self._uses.get(index, 0) + 1
        symbol = self.symbol(Leaf(value, entry))
        self._layer = self.notation.letter(value) or symbol
        tree = self._expand(value, entry, top=True)
        self.stages.append(Stage(symbol, Leaf(value, entry), tree))
        return self.stages

    def symbol(self, leaf: Leaf) -> Symbol:
        """What an entry is called; the value's number in the program where it has no name at all."""
        for stage in self.stages:
            if stage.result == leaf:
                return stage.symbol
        shape = self.live.shape(leaf.value)
        return self.notation.entry(leaf.value, shape, leaf.entry) or Symbol("u").at(shape, leaf.entry)

    def _expand(self, value: Value, entry: Entry, *, top: bool = False) -> Tree:
        call = value.call
        known = self._known.get((value.index, entry))
        if known is not None:
            return known
        if call is None or value.index not in self.inside:
            return Leaf(value, entry)
        if not top and self.notation.letter(value) is not None:
            return self._output(value, entry)
        origin = moved(call, entry, self.live)
        if origin is not None:
            return self._expand(*origin)
        tree = self._tree(call, entry)
        return self._named(tree, "u") if not top and self._uses.get(value.index, 0) > 1 else tree

    def _output(self, value: Value, entry: Entry) -> Leaf:
        """Another output of the same node: a stage by its own name."""
        leaf = Leaf(value, entry)
        tree = self._expand(value, entry, top=True)
        self._known[value.index, entry] = leaf
        self.stages.append(Stage(self.symbol(leaf), leaf, tree))
        return leaf

    def _tree(self, call: Call, entry: Entry) -> Tree:
        name = call.primitive.name
        if treats_numbers_alone(call) and call.operands:
            return self._operation(call, entry)
        if name in ("matmul", "batch_matmul"):
            return self._products(call, entry)
        if name == "convolution":
            return self._window(call, entry)
        if is_reduction(call):
            return self._reduction(call, entry)
        if not call.operands or not any(operand.kind == "real" for operand in call.operands):
            return Leaf(call.result, entry)
        return self._whole(call, entry)

    def _operation(self, call: Call, entry: Entry) -> Tree:
        shape = self.live.shape(call.result)
        operands = []
        for operand in call.operands:
            mine = self.live.shape(operand)
            spot = entry if mine == shape else (0,) * len(mine)
            operands.append(self._expand(operand, spot))
        keeps = call.primitive.name in LINEAR or (call.primitive.name in SCALING and any(map(is_fixed, operands)))
        if not keeps:
            operands = [self._named(operand, "z") if is_heavy(operand) else operand for operand in operands]
        while sum(len(list(leaves(operand))) for operand in operands) > MOST_LEAVES:
            sizes = [len(list(leaves(operand))) for operand in operands]
            largest = sizes.index(max(sizes))
            if sizes[largest] <= 1:
                break
            operands[largest] = self._named(operands[largest], "u")
        return Operation(call, entry, tuple(operands))

    def _products(self, call: Call, entry: Entry) -> Tree:
        batch = entry[:-2] if call.primitive.name == "batch_matmul" else ()
        left: Index = (*entry[:-1], slice(None))
        right: Index = (*batch, slice(None), entry[-1])
        if call.attributes.get("transpose_a"):
            left = (*left[:-2], left[-1], left[-2])
        if call.attributes.get("transpose_b"):
            right = (*right[:-2], right[-1], right[-2])
        return Products(call, entry, left, right)

    def _window(self, call: Call, entry: Entry) -> Tree:
        """The cells under a filter that lie within the map, all channels of its group, and the taps over them."""
        x, w, *bias = call.operands
        image, chosen, *place = entry
        filters, depth, *taps = self.live.shape(w)
        first = chosen // (filters // call.attributes["groups"]) * depth
        cells: list[slice] = [slice(first, first + depth, 1)]
        over: list[slice] = [slice(0, depth, 1)]
        for axis, (at, length) in enumerate(zip(place, taps, strict=True)):
            apart, begin = call.attributes["dilation"][axis], at * call.attributes["stride"][axis]
            begin -= call.attributes["padding"][2 * axis]
            inside = [tap for tap in range(length) if 0 <= begin + tap * apart < self.live.shape(x)[2 + axis]]
            low, high = (inside[0], inside[-1]) if inside else (0, -1)
            cells.append(slice(max(begin + low * apart, 0), max(begin + high * apart + 1, 0), apart))
            over.append(slice(low, high + 1, 1))
        added = Leaf(bias[0], (chosen,)) if bias else None
        return Products(call, entry, (image, *cells), (chosen, *over), added)

    def _reduction(self, call: Call, entry: Entry) -> Tree:
        operand, axes = call.operands[0], call.attributes["axes"]
        mine = self.live.entry(operand, self.row, self.unit)
        rest = iter(entry if len(entry) < len(mine) else [e for i, e in enumerate(entry) if i not in axes])
        spot = tuple([mine[i] if i in axes else next(rest, 0) for i in range(len(mine))])
        index: Index = tuple([slice(None) if i in axes else at for i, at in enumerate(spot)])
        leaf = self._named(self._expand(operand, spot), r"\ell" if self.is_loss else "u", rows=True)
        return Reduction(call, entry, index, leaf)

    def _whole(self, call: Call, entry: Entry) -> Tree:
        primitive, shape = call.primitive, self.live.shape(call.result)
        named = getattr(getattr(primitive, "encode", None), "__name__", "")
        by_rows = isinstance(primitive, Primitive) and primitive.length is rows_of_result
        rowwise = bool(entry) and (named in ("row_encode", "pick_encode", "argmax_encode") or by_rows)
        rowwise = rowwise and all(self.live.shape(o)[:1] in (shape[:1], ()) for o in call.operands)
        rowwise = rowwise and any(len(self.live.shape(o)) > 1 for o in call.operands)  # a single axis is one row
        for operand in call.operands:
            self._named(self._expand(operand, self.live.entry(operand, self.row, self.unit)), "u")
        if primitive.name == "square_distance":  # of one row and one prototype
            return Whole(call, entry, tuple([(slice(at, at + 1),) for at in entry]), 0, True)
        if rowwise:
            row: Index = (slice(entry[0], entry[0] + 1),)
            rows = tuple([row if self.live.shape(operand) else () for operand in call.operands])
            return Whole(call, entry, rows, ravel((0, *entry[1:]), (1, *shape[1:])), True)
        return Whole(call, entry, tuple([() for _ in call.operands]), ravel(entry, shape), False)

    def _named(self, tree: Tree, letter: str, *, rows: bool = False) -> Leaf:
        """The tree as a stage of its own; `rows`: its symbol tells the row of the batch too."""
        if isinstance(tree, Leaf):
            return tree
        value, entry = tree.call.result, tree.entry
        leaf = Leaf(value, entry)
        if (value.index, entry) in self._known:
            return leaf
        self._known[value.index, entry] = leaf
        base = "s" if letter == "z" == self._layer.base else letter
        while base in self._taken:
            base += "'"
        self._taken.add(base)
        own = letter == "z"
        symbol = Symbol(base, self._layer.layer, self._layer.subs) if own else Symbol(base)
        shape = self.live.shape(value)
        skip = 1 if value.shape and isinstance(value.shape[0], Batch) and not rows else 0
        self.stages.append(Stage(symbol.at(shape[skip:], entry[skip:]), leaf, tree))
        return leaf
