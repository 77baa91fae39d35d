"""Several calls played as one: the last pass before planning. The program itself stays as it was drawn.

A fused call computes the result of the last call it replaces; what lies between is not stored at full speed. It is still
computed where somebody can look: the tape's shown code plays the replaced calls behind the fused one (`Fused.hidden`), so
the numbers of training are the same bits with and without an onlooker.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from engine.fuse_pools import winners
from engine.fuse_rows import row_groups, softmax_gradient
from engine.fuse_time import products_over_time, side_by_side
from engine.matching import Match, Pattern, Uses, before_views, is_constant
from engine.program import PRIMITIVES, Call, Origin, Program, Value

ALL_PHASES = -1  # of a copy that every turn makes for itself


class Fused(NamedTuple):
    """The calls to play, and for the index of a call's result the calls whose results it leaves out."""

    calls: list[Call]
    hidden: dict[int, list[Call]]


_PATTERNS: dict[str, list[Pattern]] = {}


def _pattern(last: str) -> Callable[[Pattern], Pattern]:
    def note(function: Pattern) -> Pattern:
        _PATTERNS.setdefault(last, []).append(function)
        return function

    return note


def fuse(program: Program) -> Fused:
    """The calls to play at full speed. Calls are fused only within one node, so a step stays a step."""
    uses = Uses(program)
    vanished: set[int] = set()
    replaced: dict[int, Call] = {}
    hidden: dict[int, list[Call]] = {}

    def replace(call: Call, match: Match) -> None:
        fused = Call(PRIMITIVES[match.primitive], match.operands, dict(match.attributes), call.origin)
        fused.result = call.result
        replaced[call.result.index] = fused
        parts = {part.result.index: part for part in match.swallowed}
        if parts:
            hidden[call.result.index] = [parts[index] for index in sorted(parts, key=uses.place.__getitem__)]
        vanished.update(part.result.index for part in (*match.swallowed, *match.stored))

    for call, match in row_groups(program, uses):
        replace(call, match)
    apart: set[int] = set()
    for call in program.calls:
        over_time = products_over_time(call, uses, vanished) if call.primitive.name == "total" else None
        if over_time is not None and _may_vanish(call, over_time, vanished, replaced):
            replace(call, over_time)
            apart.update(part.result.index for part in hidden.pop(call.result.index))
    for call in program.calls:
        if call.result.index in vanished or call.result.index in replaced:
            continue
        for pattern in _PATTERNS.get(call.primitive.name, ()):
            found = pattern(call, uses)
            if found is not None and _may_vanish(call, found, vanished, replaced):
                replace(call, found)
                break
    calls = [replaced.get(call.result.index, call) for call in program.calls if call.result.index not in vanished]
    before = -1
    for call in program.calls:  # addends of other steps of time are shown where they stand, at their own step
        if call.result.index in apart:
            hidden.setdefault(before, []).append(call)
        elif call.result.index not in vanished:
            before = call.result.index
    return Fused(_transposed_once(program, calls), hidden)


def _may_vanish(call: Call, match: Match, vanished: set[int], replaced: dict[int, Call]) -> bool:
    parts = (*match.swallowed, *match.stored)
    return all(
        part.origin.node == call.origin.node and part.result.index not in vanished and part.result.index not in replaced
        for part in parts
    )


@_pattern("add")
def _linear(call: Call, uses: Uses) -> Match | None:
    """x · W + b, the bias read by the product itself."""
    product, bias = uses.only(call.operands[0], "matmul"), call.operands[1]
    if product is None or product.attributes or call.result.rank < 2:
        return None
    spread = uses.only(bias, "broadcast")
    if spread is not None:
        source = spread.operands[0]
        if source.shape == call.result.shape[-1:]:
            return Match("linear", (*product.operands, source), (product, spread))
    elif bias.shape == (1,) and call.result.rank == 2 and call.result.shape[1] == 1:
        return Match("linear", (*product.operands, bias), (product,))
    return None


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


@_pattern("matmul")
def _linear_gradient(call: Call, uses: Uses) -> Match | None:
    """xᵀ · dy and the sum of dy over the batch: the gradients of a layer's weight and bias."""
    x, dy = call.operands
    if call.attributes != {"transpose_a": True} or dy.rank != 2:
        return None
    rows = dy if dy.call is None or dy.call.primitive.name != "reshape" else dy.call.operands[0]
    if rows.rank < 2 or rows.shape[-1] != dy.shape[1]:
        rows = dy
    for reader in {id(one): one for value in (dy, rows) for one in uses.readers[value.index]}.values():
        every_row = {"axes": tuple(range(reader.operands[0].rank - 1))}
        if reader.primitive.name == "sum" and reader.attributes == every_row and reader.origin == call.origin:
            place, here = uses.place, uses.place[call.result.index]
            if place[reader.result.index] > here or any(
                place[other.result.index] < here for other in uses.readers.get(reader.result.index, ())
            ):
                continue
            return Match("linear_gradient", (x, dy, reader.result), (), (reader,))
    return None


@_pattern("total")
def _mean_square_gradient(call: Call, uses: Uses) -> Match | None:
    """dL · d / n + dL · d / n, what a mean of d · d sends back."""
    if len(call.operands) != 2 or call.operands[0] is not call.operands[1]:
        return None
    half = uses.only(call.operands[0], "multiply", times=2)
    share = uses.only(half.operands[0], "spread") if half is not None else None
    if half is None or share is None:
        return None
    incoming, swallowed = before_views(share.operands[0]), (half, share)
    if incoming.shape != () or half.operands[1].shape != call.result.shape:
        return None
    return Match("mean_square_gradient", (half.operands[1], incoming), swallowed)


@_pattern("total")
def _two_addends(call: Call, uses: Uses) -> Match | None:
    """Two addends are an addition, which needs no loop over addends."""
    return Match("add", call.operands) if len(call.operands) == 2 else None


_pattern("subtract")(softmax_gradient)
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
        uses.only(before_views(spread_rows.operands[0]), "spread"),
        uses.only(error.operands[1], "one_hot"),
    )
    if share is None or one_hot is None or error.operands[0].shape != call.result.shape:
        return None
    incoming = before_views(share.operands[0])
    if incoming.shape != () or share.result.shape != call.result.shape[:1]:
        return None
    operands = (error.operands[0], one_hot.operands[0], incoming)
    return Match("class_gradient", operands, (share, one_hot, error, spread_rows))


def _transposed_once(program: Program, calls: list[Call]) -> list[Call]:
    """Products read the rows of B; where B is asked for transposed, a copy of it is laid down first and used by all.

    Where phases take turns, a copy that one phase's derivatives have made is of no use to another's: by then it is old.
    """
    result: list[Call] = []
    copies: dict[tuple[int, int], Value] = {}
    for call in calls:
        if _reads_columns(call):
            matrix = call.operands[1]
            turn = call.origin.phase if program.turns and call.origin.part == "backward" else ALL_PHASES
            copy = copies.get((matrix.index, ALL_PHASES)) or copies.get((matrix.index, turn))
            if copy is None:
                flip = _flipped(program, matrix, call.origin)
                copy = copies[matrix.index, turn] = flip.result
                result.append(flip)
            attributes = {name: flag for name, flag in call.attributes.items() if name != "transpose_b"}
            product = Call(call.primitive, (call.operands[0], copy), attributes, call.origin)
            product.result = call.result
            call = product
        if call.primitive.writes:
            written = {call.operands[index].index for index in call.primitive.writes}
            copies = {key: copy for key, copy in copies.items() if key[0] not in written}
        result.append(call)
    return result


def _reads_columns(call: Call) -> bool:
    """Whether B is asked for transposed, and is no single row that lies as a column would."""
    asked = call.primitive.name in ("matmul", "batch_matmul") and call.attributes.get("transpose_b")
    return bool(asked) and call.operands[1].shape[-1] != 1


def _flipped(program: Program, matrix: Value, origin: Origin) -> Call:
    """A copy of a matrix, or of many, with rows and columns changed."""
    *others, rows, columns = matrix.shape
    axes = (*range(len(others)), len(others) + 1, len(others))
    name, attributes = ("transpose", {}) if not others else ("permute", {"axes": axes})
    flip = Call(PRIMITIVES[name], (matrix,), attributes, origin)
    flip.result = Value(program, (*others, columns, rows), "real", flip)
    return flip
