"""Calls that work on rows, played as one: what softmax sends back, standardising, a gain and a shift for each column."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from engine.matching import Match, Uses, is_constant
from engine.values import Call, Value


def softmax_gradient(call: Call, uses: Uses) -> Match | None:
    """dy · y − y · Σ dy · y over each row."""
    weighted, shares = uses.only(call.operands[0], "multiply", times=2), uses.only(call.operands[1], "multiply")
    if weighted is None or shares is None:
        return None
    dy, y = weighted.operands
    spread = uses.only(shares.operands[1], "broadcast")
    added = uses.only(spread.operands[0], "sum") if spread is not None else None
    if spread is None or added is None or added.operands[0] is not weighted.result or shares.operands[0] is not y:
        return None
    if not _is_of_rows(added) or dy.shape != y.shape:
        return None
    return Match("softmax_gradient", (y, dy), (weighted, added, spread, shares))


def row_groups(calls: Iterable[Call], uses: Uses) -> Iterator[tuple[Call, Match]]:
    """Rows brought to mean 0 and deviation 1, and what that sends back: both, or neither where others read between."""
    for call in calls:
        if call.primitive.name == "divide":
            forward = _standardising(call)
            if forward is not None:
                yield from _together(forward, uses)


def scaled_rows(calls: Iterable[Call], uses: Uses) -> Iterator[list[tuple[Call, Match]]]:
    """Rows times a row of gains, and plus a row of shifts, without copies of either: all products with one gain, or none."""
    for call in calls:
        if call.primitive.name != "broadcast" or not _is_row(call):
            continue
        readers = {id(reader): reader for reader in uses.readers.get(call.result.index, ())}.values()
        products = [one for one in readers if one.primitive.name == "multiply" and one.operands[1] is call.result]
        if not products or len(products) < len(readers) or not uses.read_within(call.result, products):
            continue
        if all(one.operands[0] is not call.result and one.operands[0].shape == call.result.shape for one in products):
            # The first of them does without the copies as well.
            yield [_scaled(one, call, uses, (call,) if one is products[0] else ()) for one in products]


def _scaled(product: Call, gain: Call, uses: Uses, copies: tuple[Call, ...]) -> tuple[Call, Match]:
    """Rows times a row of gains: the call whose result is made, and how."""
    shifted = _shifted(product, uses)
    if shifted is None:
        return product, Match("scale_rows", (product.operands[0], gain.operands[0]), copies)
    last, spread = shifted
    operands = (product.operands[0], gain.operands[0], spread.operands[0])
    return last, Match("scale_shift_rows", operands, (*copies, product, spread))


def _shifted(product: Call, uses: Uses) -> tuple[Call, Call] | None:
    """The addition of a row of shifts to a product that nobody else reads, and the call that spreads the row."""
    readers = uses.readers.get(product.result.index, ())
    added = readers[0] if len(readers) == 1 and readers[0].primitive.name == "add" else None
    if added is None or added.operands[0] is not product.result or not uses.read_within(product.result, [added]):
        return None
    spread = uses.only(added.operands[1], "broadcast")
    if spread is None or not _is_row(spread) or len({one.origin for one in (product, added, spread)}) > 1:
        return None
    return added, spread


def _is_row(spread: Call) -> bool:
    """Whether it is the same row again and again."""
    return spread.result.rank >= 2 and spread.operands[0].shape == spread.result.shape[-1:]


def row_slopes(call: Call, uses: Uses) -> Match | None:
    """Σ dy · x and Σ dy over all rows: what reaches a row of gains and a row of shifts."""
    product, every_row = uses.only(call.operands[0], "multiply"), {"axes": tuple(range(call.operands[0].rank - 1))}
    if product is None or call.attributes != every_row or call.operands[0].rank < 2:
        return None
    dy, x = product.operands
    if dy.shape != x.shape or dy.shape != call.operands[0].shape:
        return None
    here = uses.place[call.result.index]
    for other in uses.readers.get(dy.index, ()):
        if other.primitive.name != "sum" or other.attributes != every_row or other.origin != call.origin:
            continue
        if uses.place[other.result.index] < here and not any(
            uses.place[reader.result.index] < here for reader in uses.readers.get(other.result.index, ())
        ):
            return Match("row_slopes", (dy, x, other.result), (product,), (other,))
    return None


class _Forward(NamedTuple):
    """(x − mean) / √(variance + ε) for each row, call by call."""

    mean: Call
    spread_mean: Call
    centred: Call
    square: Call
    variance: Call
    moved: Call
    deviation: Call
    spread_deviation: Call
    scaled: Call


class _Backward(NamedTuple):
    """What reaches x from a derivative by the standardised numbers, call by call."""

    share: Call
    weighted: Call
    negated: Call
    added: Call
    half: Call
    slope: Call
    spread_slope: Call
    by_variance: Call
    by_centred: Call
    negated_again: Call
    added_again: Call
    spread_again: Call
    outgoing: Call


def _standardising(scaled: Call) -> _Forward | None:
    centred, spread_deviation = scaled.operands[0].call, scaled.operands[1].call
    deviation = _operand(spread_deviation, "broadcast", "sqrt")
    moved = _operand(deviation, "sqrt", "add")
    variance = _operand(moved, "add", "mean")
    square = _operand(variance, "mean", "multiply")
    spread_mean = _operand(centred, "subtract", "broadcast", place=1)
    mean = _operand(spread_mean, "broadcast", "mean")
    if mean is None or spread_mean is None or centred is None or square is None or variance is None or moved is None:
        return None
    if deviation is None or spread_deviation is None or not _is_of_rows(mean) or not _is_of_rows(variance):
        return None
    if square.operands != (centred.result, centred.result) or mean.operands[0] is not centred.operands[0]:
        return None
    if moved.operands[1].shape != ():
        return None
    found = _Forward(mean, spread_mean, centred, square, variance, moved, deviation, spread_deviation, scaled)
    return found if len({call.origin for call in found}) == 1 else None


def _together(forward: _Forward, uses: Uses) -> Iterator[tuple[Call, Match]]:
    backward = _sending_back(forward, uses)
    calls = [*forward, *(backward or ())]
    inner = [*forward[:-1], *(backward or ())[:-1]]
    if not all(uses.read_within(call.result, calls) for call in inner):
        return
    x, epsilon, deviation = forward.centred.operands[0], forward.moved.operands[1], forward.deviation
    swallowed = tuple([call for call in forward[:-1] if call is not deviation])
    yield forward.scaled, Match("standardise", (x, epsilon, deviation.result), swallowed, (deviation,))
    if backward is not None:
        operands = (backward.share.operands[0], forward.scaled.result, deviation.result)
        yield backward.outgoing, Match("standardise_gradient", operands, tuple(backward[:-1]))


def _sending_back(forward: _Forward, uses: Uses) -> _Backward | None:
    scaled, deviation = forward.scaled.result, forward.deviation.result

    def following(call: Call | None, name: str, *others: Value) -> Call | None:
        """The one call of that name that reads a result, beside these values."""
        readers = uses.readers.get(call.result.index, ()) if call is not None else ()
        named = [
            one for one in {id(reader): reader for reader in readers}.values()
            if one.primitive.name == name and all(other in one.operands for other in others)
        ]  # fmt: skip
        return named[0] if len(named) == 1 else None

    shares = [one for one in uses.readers.get(forward.spread_deviation.result.index, ()) if one is not forward.scaled]
    share = shares[0] if len(shares) == 1 and shares[0].primitive.name == "divide" else None
    weighted = following(share, "multiply", scaled)
    negated = following(weighted, "negate")
    added = following(negated, "sum")
    half = following(added, "multiply")
    slope = following(half, "divide", deviation)
    spread_slope = following(slope, "spread")
    by_variance = following(spread_slope, "multiply", forward.centred.result)
    by_centred = following(by_variance, "total")
    negated_again = following(by_centred, "negate")
    added_again = following(negated_again, "sum")
    spread_again = following(added_again, "spread")
    outgoing = following(spread_again, "total")
    found = (
        share, weighted, negated, added, half, slope, spread_slope, by_variance, by_centred, negated_again, added_again,
        spread_again, outgoing,
    )  # fmt: skip
    calls = [call for call in found if call is not None]
    if len(calls) < len(found) or len({call.origin for call in calls}) > 1:
        return None
    chain = _Backward(*calls)
    sound = (
        chain.share.operands[0].shape == scaled.shape
        and chain.by_centred.operands == (chain.share.result, chain.by_variance.result, chain.by_variance.result)
        and chain.outgoing.operands == (chain.by_centred.result, chain.spread_again.result)
        and is_constant(chain.half.operands[1], 0.5)
        and _is_of_rows(chain.added)
        and _is_of_rows(chain.added_again)
    )
    return chain if sound else None


def _operand(call: Call | None, name: str, its: str, place: int = 0) -> Call | None:
    """The call behind an operand, if both are of these primitives."""
    if call is None or call.primitive.name != name:
        return None
    found = call.operands[place].call
    return found if found is not None and found.primitive.name == its else None


def _is_of_rows(call: Call) -> bool:
    """Whether a reduction goes over the last axis and keeps its place."""
    axes: Sequence[int] = call.attributes.get("axes", ())
    return tuple(axes) == (call.operands[0].rank - 1,) and bool(call.attributes.get("keep"))
