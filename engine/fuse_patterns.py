"""Single calls that stand for several: what a pattern of calls within a node looks like, by the call it ends with."""

from __future__ import annotations

from collections.abc import Callable

from engine.fuse_pools import winners
from engine.fuse_rows import row_slopes, softmax_gradient
from engine.fuse_sums import linear, onto
from engine.fuse_time import product_over_time, side_by_side, sum_beside
from engine.matching import Match, Pattern, Uses, is_constant
from engine.values import Call

PATTERNS: dict[str, list[Pattern]] = {}


def _pattern(last: str) -> Callable[[Pattern], Pattern]:
    def note(function: Pattern) -> Pattern:
        PATTERNS.setdefault(last, []).append(function)
        return function

    return note


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
