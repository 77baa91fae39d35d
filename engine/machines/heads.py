"""The loss of classes at the end of a net that two threads play in halves: what follows the exchange, as one piece.

What each thread adds up to scores, the loss of each example and the slopes that go back are found in one pass, where nobody
else wants the shares.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.machines.bending import readers_of
from engine.machines.processor import vector_length
from engine.machines.sharing import Piece, like
from engine.machines.unlisted import unlisted
from engine.primitives.base import Kernel, Region, rows_of_result, same

LOSS = "class_cross_entropy_softmax"


def _encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """Both parts of the scores, classes wanted, dL, losses (written), y, classes, rows."""
    return (*[region.offset for region in operands], result.offset, *reversed(result.shape))


SLOPES = unlisted(
    "class_slopes", r"\mathrm{d}z = \frac{\mathrm{d}L}{n}\,(\mathrm{softmax}(u + v) - [k = t])",
    Kernel("class_slopes", "engine.machines.class_slopes:class_slopes"),
    shape=same, encode=_encode, length=rows_of_result,
    variant=lambda operands, result, attributes: (("CLASSES", result.shape[-1]),),
)  # fmt: skip


def with_heads(pieces: Sequence[Piece]) -> list[Piece]:
    """The same work with each such loss in one piece."""
    found: list[Piece | None] = list(pieces)
    for at, piece in enumerate(pieces):
        if piece.call.primitive.name == "class_gradient":
            _join(found, at, piece)
    return [piece for piece in found if piece is not None]


def _join(pieces: list[Piece | None], at: int, gradient: Piece) -> None:
    shares, target, incoming = gradient.operands
    losses = [
        place
        for place, piece in enumerate(pieces)
        if piece is not None and piece.call.primitive.name == LOSS and piece.operands[1:] == (target, shares)
    ]
    if not losses or readers_of(pieces, shares) != [losses[0], at] or not 1 < _classes(gradient) <= vector_length():
        return
    loss = pieces[losses[0]]
    assert loss is not None
    scores = loss.operands[0]
    sums = [place for place, piece in enumerate(pieces) if piece is not None and piece.result.key == scores.key]
    added = pieces[sums[0]] if len(sums) == 1 else None
    if added is None or added.second is None or added.call.primitive.name != "add":
        return
    if any(piece is not None and piece.result.key == incoming.key for piece in pieces[losses[0] :]):
        return  # what comes in is not known yet where the loss is
    call, rest = like(gradient.call, SLOPES), (target, incoming, loss.result)
    second = Piece(call, (*added.second.operands, *rest), gradient.result)
    pieces[losses[0]] = Piece(call, (*added.operands, *rest), gradient.result, second)
    pieces[at] = None
    if not readers_of(pieces, scores):  # else a metric looks at them
        pieces[sums[0]] = None


def _classes(gradient: Piece) -> int:
    classes = gradient.result.value.shape[-1]
    return classes if isinstance(classes, int) else 0
