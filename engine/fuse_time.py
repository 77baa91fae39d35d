"""Gradients of what is shared over time: the addends of all steps summed as one product, parts of an array put side by side."""

from __future__ import annotations

from collections.abc import Container, Sequence

from engine.matching import Match, Uses
from engine.values import Batch, Call, Value

FEWEST = 3  # addends that are worth it
FEWEST_UNITS = 16  # of a layer: narrower products have tiles of their own


def side_by_side(call: Call, uses: Uses) -> Match | None:
    """Parts placed within zeros and added up, where they leave no gap and do not overlap: they lie one behind the other."""
    parts = [uses.only(operand, "place") for operand in call.operands]
    found = [part for part in parts if part is not None]
    if len(found) < max(2, len(parts)):
        return None
    axis, end = found[0].attributes["axis"], 0
    found.sort(key=lambda part: int(part.attributes["start"]))
    for part in found:
        if part.attributes["axis"] != axis or part.attributes["start"] != end:
            return None
        width = part.operands[0].shape[axis]
        assert isinstance(width, int), "an axis that is cut has a length"
        end += width
    if end != call.result.shape[axis]:
        return None
    operands = tuple([part.operands[0] for part in found])
    return Match("concat", operands, tuple(found), (), {"axis": axis})


def products_over_time(call: Call, uses: Uses, taken: Container[int]) -> Match | None:
    """Σ xᵀ · dy over the steps of time, and with it Σ dy where that is a bias' gradient and is not taken care of yet."""
    products = [uses.only(operand, "matmul") for operand in call.operands]
    found = [one for one in products if one is not None and one.attributes == {"transpose_a": True}]
    if len(found) < max(FEWEST, len(products)):
        return None
    first = found[0].operands
    if any(one.operands[0].shape != first[0].shape or one.operands[1].shape != first[1].shape for one in found):
        return None
    pairs = tuple([operand for one in found for operand in one.operands])
    biases = _biases(call, [one.operands[1] for one in found], uses)
    if biases is None or biases[0].result.index in taken:
        return Match("products_total", pairs, tuple(found), (), {"sums": False})
    total, sums = biases
    return Match("products_total", (*pairs, total.result), (*found, *sums), (total,), {"sums": True})


def product_over_time(call: Call, uses: Uses) -> Match | None:
    """xᵀ · dy of sequences, all steps of time in one product, and with it Σ dy over all rows if that is asked for."""
    x, dy = call.operands
    rows, units = x.shape[0], dy.shape[-1]
    if call.attributes != {"transpose_a": True} or not isinstance(rows, Batch) or rows.factor == 1:
        return None
    if not isinstance(units, int) or units < FEWEST_UNITS:
        return None
    sums = sum_beside(call, uses)
    if sums is None:
        return Match("products_total", (x, dy), (), (), {"sums": False, "rows": rows.factor})
    return Match("products_total", (x, dy, sums.result), (), (sums,), {"sums": True, "rows": rows.factor})


def sum_beside(call: Call, uses: Uses) -> Call | None:
    """Beside a product xᵀ · dy: the sum of the rows of dy, if it is asked for at the same moment and not read before."""
    dy = call.operands[1]
    rows = dy if dy.call is None or dy.call.primitive.name != "reshape" else dy.call.operands[0]
    if rows.rank < 2 or rows.shape[-1] != dy.shape[1]:
        rows = dy
    place, here = uses.place, uses.place[call.result.index]
    for reader in {id(one): one for value in (dy, rows) for one in uses.readers.get(value.index, ())}.values():
        every_row = {"axes": tuple(range(reader.operands[0].rank - 1))}
        if reader.primitive.name == "sum" and reader.attributes == every_row and reader.origin == call.origin:
            if place[reader.result.index] > here or any(
                place[other.result.index] < here for other in uses.readers.get(reader.result.index, ())
            ):
                continue
            return reader
    return None


def _biases(call: Call, slopes: Sequence[Value], uses: Uses) -> tuple[Call, list[Call]] | None:
    """The total of the same slopes over batch and time, if it is asked for at the same moment and not read before."""
    for reader in uses.readers.get(slopes[0].index, ()):
        if reader.primitive.name != "sum" or reader.attributes != {"axes": (0,)}:
            continue
        for total in uses.readers.get(reader.result.index, ()):
            if total.primitive.name != "total" or total.origin != call.origin or len(total.operands) != len(slopes):
                continue
            sums = [uses.only(operand, "sum") for operand in total.operands]
            found = [one for one in sums if one is not None and one.attributes == {"axes": (0,)}]
            if len(found) == len(slopes) and {one.operands[0].index for one in found} == {s.index for s in slopes}:
                place, readers = uses.place, uses.readers.get(total.result.index, ())
                early = any(place[one.result.index] < place[call.result.index] for one in readers)
                return None if early else (total, found)
    return None
