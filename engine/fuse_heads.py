"""Products of many matrices that read and write them where they lie: heads side by side need no copies of their own.

A projection gives (batch, time, heads · width): the rows of a head's matrix lie apart. As drawn they are brought together
by a permute, and what the heads make is brought back by another one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engine.matching import Match, Uses
from engine.values import Call

HEADS = (0, 2, 1, 3)  # (batch, time, heads, width) as (batch, heads, time, width), and back


def products_of_heads(calls: Iterable[Call], uses: Uses) -> Iterator[list[tuple[Call, Match]]]:
    """All of a node's products that read such a permute or are read by one, without these permutes."""
    calls = list(calls)
    turned = {call.result.index: readers for call in calls if (readers := _readers(call, uses))}
    brought_back = {product.result.index: call for call in calls if (product := _product_behind(call, uses))}
    together: list[tuple[Call, Match]] = []
    for call in calls:
        if call.primitive.name != "batch_matmul":
            continue
        inner = [operand.index in turned for operand in call.operands]
        outer = brought_back.get(call.result.index)
        if not any(inner) and outer is None:
            continue
        apart = "".join([name for name, here in zip("ab", inner, strict=True) if here]) + ("y" if outer else "")
        operands = [
            operand.call.operands[0] if here and operand.call is not None else operand
            for operand, here in zip(call.operands, inner, strict=True)
        ]
        mine = [value.call for value in call.operands if value.index in turned and turned[value.index][0] is call]
        swallowed = (*dict.fromkeys([copy for copy in mine if copy is not None]), *([call] if outer else []))
        attributes = {**call.attributes, "apart": apart}
        together.append((outer or call, Match("batch_matmul_apart", tuple(operands), swallowed, (), attributes)))
    if together:
        yield together


def _is_turned(call: Call) -> bool:
    return call.primitive.name == "permute" and call.attributes["axes"] == HEADS


def _readers(call: Call, uses: Uses) -> list[Call]:
    """The products that read a permute, if nobody else does, and the first of them belongs to the same step."""
    if not _is_turned(call):
        return []
    readers = list(dict.fromkeys(uses.readers.get(call.result.index, ())))
    if not readers or any(reader.primitive.name != "batch_matmul" for reader in readers):
        return []
    return readers if readers[0].origin == call.origin and uses.read_within(call.result, readers) else []


def _product_behind(call: Call, uses: Uses) -> Call | None:
    """The product that a permute alone reads, of the same step."""
    product = uses.only(call.operands[0], "batch_matmul") if _is_turned(call) else None
    return product if product is not None and product.origin == call.origin else None
