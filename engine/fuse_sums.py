"""Sums played as one call with what follows them: x · W + b, a product added to what is there, and either of them bent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.matching import Match, Uses
from engine.values import Call

BENDS = ("tanh", "sigmoid")  # whose derivatives read the result alone: the sum itself need not be kept


def linear(call: Call, uses: Uses) -> Match | None:
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


def onto(call: Call, uses: Uses) -> Match | None:
    """s + a · b: the product begins with what it is added to."""
    begin, product = call.operands[0], uses.only(call.operands[1], "matmul")
    if product is None or product.attributes or call.result.rank != 2 or begin.shape != call.result.shape:
        return None
    return Match("matmul_onto", (begin, *product.operands), (product,))


def of_cell(call: Call, uses: Uses) -> Match | None:
    """x · W + b + h · U, the sums of a recurrent cell."""
    behind, first = onto(call, uses), uses.only(call.operands[0], "add")
    before = linear(first, uses) if behind is not None and first is not None and first.origin == call.origin else None
    if behind is None or first is None or before is None or before.operands[0].rank != 2:
        return None
    if before.operands[2].shape != call.result.shape[-1:]:
        return None
    return Match("cell_sums", (*before.operands, *behind.operands[1:]), (*before.swallowed, *behind.swallowed, first))


def bent_sums(calls: Sequence[Call], uses: Uses) -> Iterator[tuple[Call, Match]]:
    """Every such sum that nobody reads but the tanh or sigmoid behind it, and the sums of cells in any case."""
    for call in calls:
        if call.primitive.name in BENDS:
            added = uses.only(call.operands[0], "add")
            match = (of_cell(added, uses) or linear(added, uses) or onto(added, uses)) if added is not None else None
            if added is not None and match is not None and added.origin == call.origin:
                name = match.primitive if match.primitive == "cell_sums" else f"{match.primitive}_bent"
                yield call, Match(name, match.operands, (*match.swallowed, added), (), {"bend": call.primitive.name})
    for call in calls:
        match = of_cell(call, uses) if call.primitive.name == "add" else None
        if match is not None:
            yield call, match
