"""Several calls played as one: the last pass before planning. The program itself stays as it was drawn.

A fused call computes the result of the last call it replaces; what lies between is not stored at full speed. It is still
computed where somebody can look: the tape's shown code plays the replaced calls behind the fused one (`Fused.hidden`), so
the numbers of training are the same bits with and without an onlooker.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from itertools import chain
from typing import NamedTuple

from engine.fuse_cells import cell_steps
from engine.fuse_heads import products_of_heads
from engine.fuse_pools import winners
from engine.fuse_rows import row_groups, row_slopes, scaled_rows, softmax_gradient
from engine.fuse_sums import BENDS, bent_sums, linear, onto
from engine.fuse_time import product_over_time, products_over_time, side_by_side, sum_beside
from engine.matching import Match, Pattern, Uses, is_constant
from engine.program import PRIMITIVES, Call, Origin, Program, Value

ALL_PHASES = -1  # of a copy that every turn makes for itself


class Fused(NamedTuple):
    """The calls to play, and for the index of a call's result the calls whose results it leaves out.

    strays  whether some of these belong to another step than the call that stands for them
    """

    calls: list[Call]
    hidden: dict[int, list[Call]]
    strays: bool = False


_PATTERNS: dict[str, list[Pattern]] = {}
# Where rows to standardise, products over time, bent sums, scaled rows and products of heads are recognised.
_BEGINNINGS = ("divide", "total", *BENDS, "broadcast", "batch_matmul")


def _pattern(last: str) -> Callable[[Pattern], Pattern]:
    def note(function: Pattern) -> Pattern:
        _PATTERNS.setdefault(last, []).append(function)
        return function

    return note


class _Group:
    """What the calls of one node were fused to, and what that hangs on.

    apart  addends of other steps of time, by index of the result: shown where they stand, at their own step
    """

    def __init__(self, calls: list[Call], counts: Mapping[Value, int], lasting: Set[int]) -> None:
        self.vanished: set[int] = set()
        self.replaced: dict[int, Call] = {}
        self.hidden: dict[int, list[Call]] = {}
        self.apart: set[int] = set()
        self._calls, self._uses = calls, Uses(calls, counts, lasting)
        names = {call.primitive.name for call in calls}
        if not names.isdisjoint(_PATTERNS) or not names.isdisjoint(_BEGINNINGS):
            self._find()

    def _find(self) -> None:
        calls, uses = self._calls, self._uses
        for call, match in row_groups(calls, uses):
            self._replace(call, match)
        alone = [[found] for found in chain(cell_steps(calls, uses), bent_sums(calls, uses))]
        for together in chain(alone, scaled_rows(calls, uses), products_of_heads(calls, uses)):
            if all(self._is_free(call) and self._may_vanish(match) for call, match in together):
                for call, match in together:
                    self._replace(call, match)
        for call in calls:
            if call.primitive.name == "total":
                over_time = products_over_time(call, self._uses, self.vanished)
                if over_time is not None and self._may_vanish(over_time):
                    self._replace(call, over_time)
                    self.apart.update([part.result.index for part in self.hidden.pop(call.result.index)])
        for call in calls:
            patterns = _PATTERNS.get(call.primitive.name)
            if patterns and self._is_free(call):
                self._match(call, patterns)

    def holds(self, calls: list[Call], counts: Mapping[Value, int], lasting: Set[int]) -> bool:
        """Whether these calls of the node would be fused to the same."""
        return self._calls == calls and self._uses.hold(counts, lasting)

    def _match(self, call: Call, patterns: Iterable[Pattern]) -> None:
        for pattern in patterns:
            found = pattern(call, self._uses)
            if found is not None and self._may_vanish(found):
                self._replace(call, found)
                return

    def _is_free(self, call: Call) -> bool:
        return call.result.index not in self.vanished and call.result.index not in self.replaced

    def _may_vanish(self, match: Match) -> bool:
        place, vanished, replaced = self._uses.place, self.vanished, self.replaced
        indices = [part.result.index for part in (*match.swallowed, *match.stored)]
        return all(index in place and index not in vanished and index not in replaced for index in indices)

    def _replace(self, call: Call, match: Match) -> None:
        fused = Call(PRIMITIVES[match.primitive], match.operands, dict(match.attributes), call.origin)
        fused.result = call.result
        self.replaced[call.result.index] = fused
        parts = {part.result.index: part for part in match.swallowed}
        if parts:
            self.hidden[call.result.index] = [parts[index] for index in sorted(parts, key=self._uses.place.__getitem__)]
        self.vanished.update([part.result.index for part in (*match.swallowed, *match.stored)])


class Fuser:
    """Fuses one program after another, and keeps what still holds for the next."""

    def __init__(self) -> None:
        self._groups: dict[object, _Group] = {}
        self._copies: dict[tuple[Value, bool, Origin], Call] = {}
        self._products: dict[Call, Call] = {}

    def fuse(self, program: Program) -> Fused:
        """The calls to play at full speed. Calls are fused only within one node, so a step stays a step."""
        calls = program.calls
        counts = Counter(chain.from_iterable([call.operands for call in calls]))
        lasting = {value.index for value in program.outputs.values()}.union([loss.index for loss in program.losses])
        known, self._groups = self._groups, {}
        vanished: set[int] = set()
        replaced: dict[int, Call] = {}
        hidden: dict[int, list[Call]] = {}
        apart: set[int] = set()
        for node, mine in _by_node(calls).items():
            group = known.get(node)
            if group is None or not group.holds(mine, counts, lasting):
                group = _Group(mine, counts, lasting)
            self._groups[node] = group
            if group.replaced:
                replaced.update(group.replaced)
                vanished.update(group.vanished)
                hidden.update(group.hidden)
                apart |= group.apart
        if apart:
            hidden = {index: parts.copy() for index, parts in hidden.items()}  # what groups keep stays as it is
            _show_apart(calls, apart, vanished, hidden)
        if replaced:
            calls = [replaced.get(index, call) for call in calls if (index := call.result.index) not in vanished]
        return Fused(self._transposed_once(program, calls), hidden, bool(apart))

    def _transposed_once(self, program: Program, calls: list[Call]) -> list[Call]:
        """Products read the rows of B; where B is asked for transposed, a copy of it is laid down first and used by all.

        Where phases take turns, a copy that one phase's derivatives have made is of no use to another's: by then it is old.
        """
        products, flips = self._products, self._copies
        self._products, self._copies = {}, {}
        if not any(_reads_columns(call) for call in calls if call.attributes):
            return calls
        result: list[Call] = []
        copies: dict[tuple[int, bool, int], Value] = {}
        for call in calls:
            if call.attributes and _reads_columns(call):
                matrix = call.operands[1]
                turn = call.origin.phase if program.turns and call.origin.part == "backward" else ALL_PHASES
                apart = _is_apart(call)
                copy = copies.get((matrix.index, apart, ALL_PHASES)) or copies.get((matrix.index, apart, turn))
                if copy is None:
                    flip = flips.get((matrix, apart, call.origin)) or _flipped(program, call)
                    self._copies[matrix, apart, call.origin] = flip
                    copy = copies[matrix.index, apart, turn] = flip.result
                    result.append(flip)
                product = products.get(call)
                if product is None or product.operands != (call.operands[0], copy) or product.result is not call.result:
                    product = _product(call, copy)
                self._products[call] = product
                call = product
            if call.primitive.writes:
                written = {call.operands[index].index for index in call.primitive.writes}
                copies = {key: copy for key, copy in copies.items() if key[0] not in written}
            result.append(call)
        return result


def _by_node(calls: Sequence[Call]) -> dict[object, list[Call]]:
    """The calls of each node; its updates, which hang on those of other nodes, for themselves."""
    groups: dict[object, list[Call]] = {}
    origin: Origin | None = None
    mine: list[Call] = []
    for call in calls:
        if call.origin is not origin:
            origin = call.origin
            mine = groups.setdefault(origin if origin.part == "update" else origin.node, [])
        mine.append(call)
    return groups


def _show_apart(calls: Sequence[Call], apart: Set[int], vanished: Set[int], hidden: dict[int, list[Call]]) -> None:
    """Let what stands for itself be shown behind the call that is played before it."""
    before = -1
    for call in calls:
        if call.result.index in apart:
            hidden.setdefault(before, []).append(call)
        elif call.result.index not in vanished:
            before = call.result.index


_pattern("add")(linear)
_pattern("add")(onto)


@_pattern("multiply")
def _tanh_gradient(call: Call, uses: Uses) -> Match | None:
    """dy · (1 − y · y)."""
    slope = uses.only(call.operands[1], "subtract")
    square = (
        uses.only(slope.operands[1], "multiply") if slope is not None and is_constant(slope.operands[0], 1.0) else None
    )
    if slope is None or square is None or square.operands[0] is not square.operands[1]:
        return None
    if square.operands[0].shape != call.operands[0].shape:
        return None
    return Match("tanh_gradient", (square.operands[0], call.operands[0]), (slope, square))


@_pattern("multiply")
def _sigmoid_gradient(call: Call, uses: Uses) -> Match | None:
    """dy · (y · (1 − y))."""
    slope = uses.only(call.operands[1], "multiply")
    rest = uses.only(slope.operands[1], "subtract") if slope is not None else None
    if (
        slope is None
        or rest is None
        or not is_constant(rest.operands[0], 1.0)
        or rest.operands[1] is not slope.operands[0]
    ):
        return None
    if slope.operands[0].shape != call.operands[0].shape:
        return None
    return Match("sigmoid_gradient", (slope.operands[0], call.operands[0]), (slope, rest))


@_pattern("multiply")
def _relu_gradient(call: Call, uses: Uses) -> Match | None:
    """dy · [x > 0]."""
    slope = uses.only(call.operands[1], "relu_slope")
    if slope is None or slope.operands[0].shape != call.operands[0].shape:
        return None
    return Match("relu_gradient", (slope.operands[0], call.operands[0]), (slope,))


@_pattern("mean")
def _mean_square(call: Call, uses: Uses) -> Match | None:
    """The mean of (a − b)² over everything; the difference is stored too, derivatives want it."""
    square = uses.only(call.operands[0], "multiply")
    if square is None or call.result.shape != () or square.operands[0] is not square.operands[1]:
        return None
    difference = square.operands[0]
    minus = difference.call
    if minus is None or minus.primitive.name != "subtract" or minus.operands[0].shape != minus.operands[1].shape:
        return None
    if any(reader is not square and reader.origin == call.origin for reader in uses.readers[difference.index]):
        return None
    return Match("mean_square", (*minus.operands, difference), (square,), (minus,))


_pattern("matmul")(product_over_time)


@_pattern("matmul")
def _linear_gradient(call: Call, uses: Uses) -> Match | None:
    """xᵀ · dy and the sum of dy over the batch: the gradients of a layer's weight and bias."""
    x, dy = call.operands
    if call.attributes != {"transpose_a": True} or dy.rank != 2:
        return None
    sums = sum_beside(call, uses)
    return Match("linear_gradient", (x, dy, sums.result), (), (sums,)) if sums is not None else None


@_pattern("total")
def _mean_square_gradient(call: Call, uses: Uses) -> Match | None:
    """dL · d / n + dL · d / n, what a mean of d · d sends back."""
    if len(call.operands) != 2 or call.operands[0] is not call.operands[1]:
        return None
    half = uses.only(call.operands[0], "multiply", times=2)
    share = uses.only(half.operands[0], "spread") if half is not None else None
    if half is None or share is None:
        return None
    incoming, swallowed = uses.before_views(share.operands[0]), (half, share)
    if incoming.shape != () or half.operands[1].shape != call.result.shape:
        return None
    return Match("mean_square_gradient", (half.operands[1], incoming), swallowed)


@_pattern("total")
def _two_addends(call: Call, uses: Uses) -> Match | None:
    """Two addends are an addition, which needs no loop over addends."""
    return Match("add", call.operands) if len(call.operands) == 2 else None


_pattern("subtract")(softmax_gradient)
_pattern("sum")(row_slopes)
_pattern("window_take")(winners)
_pattern("total")(side_by_side)


@_pattern("class_cross_entropy")
def _class_cross_entropy(call: Call, uses: Uses) -> Match | None:
    """The loss of each row, and the softmax that its derivative asks for: one pass of exponentials serves both."""
    scores, target = call.operands
    if scores.rank != 2:
        return None
    for reader in uses.readers[scores.index]:
        if reader.primitive.name == "softmax" and reader.origin.node == call.origin.node:
            return Match("class_cross_entropy_softmax", (scores, target, reader.result), (), (reader,))
    return None


@_pattern("multiply")
def _class_gradient(call: Call, uses: Uses) -> Match | None:
    """dL / n · (softmax − one-hot), what a mean over rows sends back to the scores."""
    spread_rows, error = uses.only(call.operands[0], "broadcast"), uses.only(call.operands[1], "subtract")
    if spread_rows is None or error is None or call.result.rank != 2:
        return None
    share, one_hot = (
        uses.only(uses.before_views(spread_rows.operands[0]), "spread"),
        uses.only(error.operands[1], "one_hot"),
    )
    if share is None or one_hot is None or error.operands[0].shape != call.result.shape:
        return None
    incoming = uses.before_views(share.operands[0])
    if incoming.shape != () or share.result.shape != call.result.shape[:1]:
        return None
    operands = (error.operands[0], one_hot.operands[0], incoming)
    return Match("class_gradient", operands, (share, one_hot, error, spread_rows))


_PRODUCTS = ("matmul", "batch_matmul", "batch_matmul_apart")


def _reads_columns(call: Call) -> bool:
    """Whether B is asked for transposed, and is no single row that lies as a column would."""
    asked = call.primitive.name in _PRODUCTS and call.attributes.get("transpose_b")
    return bool(asked) and call.operands[1].shape[-1] != 1


def _is_apart(product: Call) -> bool:
    """Whether the rows of the matrices on the right lie apart."""
    return "b" in product.attributes.get("apart", "")


def _flipped(program: Program, product: Call) -> Call:
    """A copy of the matrix on the right, or of many, with rows and columns changed."""
    matrix = product.operands[1]
    others = matrix.shape[:-2]
    axes = (*range(len(others)), len(others) + 1, len(others))
    if _is_apart(product):
        # Rows of a head lie apart: from (…, rows, heads, columns) at once to (…, heads, columns, rows).
        before = tuple(range(len(others) - 1))
        axes = (*before, len(others), len(others) + 1, len(others) - 1)
    name, attributes = ("transpose", {}) if not others else ("permute", {"axes": axes})
    flip = Call(PRIMITIVES[name], (matrix,), attributes, product.origin)
    flip.result = Value(program, tuple([matrix.shape[axis] for axis in axes]), "real", flip)
    return flip


def _product(call: Call, copy: Value) -> Call:
    """The same product, of the copy."""
    attributes = {name: flag for name, flag in call.attributes.items() if name != "transpose_b"}
    if "apart" in attributes:
        attributes["apart"] = attributes["apart"].replace("b", "")
    product = Call(call.primitive, (call.operands[0], copy), attributes, call.origin)
    product.result = call.result
    return product
