"""Rectifiers in the registers of the products before them, where two threads play halves: a pass over memory less for each.

What a rectifier bends goes out bent, so that the sums themselves are kept nowhere: its slope is told by the result as well,
for y > 0 just where x > 0. And what is sent back through it is gated as it leaves the product that sends it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from engine.machines.sharing import Piece, Place, like
from engine.machines.splits import COLUMNS, Axis
from engine.machines.unlisted import unlisted
from engine.primitives.base import Kernel, Region, rows_of_result
from engine.primitives.fused import linear_encode, linear_shape
from engine.values import Shape, Value

BENT = {"linear": "linear_bent", "matmul_onto": "matmul_onto_bent"}


def _onto_shape(y: Value, a: Value, b: Value, gate: Value, **attributes: Any) -> Shape:
    """The shape of the product, and of what it is added to."""
    return linear_shape(a, b, gate)


def _onto_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """As for a product, and the offset of what gates it; it is added to where it lies."""
    return linear_encode(operands[1:], result, attributes)


GATED = unlisted(
    "matmul_gated", r"Y = A B \odot [H > 0]", Kernel("matmul_gated", "engine.machines.products:wide"),
    shape=linear_shape, encode=linear_encode, length=rows_of_result,
)  # fmt: skip
ADDED_GATED = unlisted(
    "matmul_onto_gated", r"Y \leftarrow (Y + A B) \odot [H > 0]", Kernel("matmul_onto_gated", "engine.machines.products:wide"),
    shape=_onto_shape, writes=(0,), encode=_onto_encode, length=rows_of_result,
)  # fmt: skip


def bent(pieces: Iterable[Piece], axes: Mapping[int, Axis]) -> list[Piece]:
    """The same work with rectifiers, and what goes back through them, done by the products before."""
    bending = _Bending(pieces, axes)
    for at, piece in enumerate(bending.pieces):
        if piece is not None and piece.call.primitive.name == "relu":
            bending.bend(at, piece)
    for at, piece in enumerate(bending.pieces):
        if piece is not None and piece.call.primitive.name == "relu_gradient":
            bending.gate(at, piece)
    return [piece for piece in bending.pieces if piece is not None]


def readers_of(pieces: Iterable[Piece | None], place: Place) -> list[int]:
    """Which pieces read a value, or store it on their way."""

    def reads(piece: Piece) -> bool:
        return any(place.key == operand.key for lane in (0, 1) for operand in piece.of(lane).operands)

    return [at for at, piece in enumerate(pieces) if piece is not None and reads(piece)]


def is_sent(pieces: Iterable[Piece | None], place: Place) -> bool:
    """Whether a thread reads what the other one has made."""
    others = [
        operand for piece in pieces if piece is not None for operand in piece.operands if operand.lane is not None
    ]
    return any(operand.key == place.key for operand in others)


class _Bending:
    """Pieces by their places; None where the one before does the work too."""

    def __init__(self, pieces: Iterable[Piece], axes: Mapping[int, Axis]) -> None:
        self.pieces: list[Piece | None] = list(pieces)
        self._axes = axes

    def bend(self, at: int, piece: Piece) -> None:
        """Let the product before a rectifier be bent, if nobody else wants the sums."""
        sums, made = piece.operands[0], self._made(piece.operands[0])
        product = self.pieces[made] if made is not None else None
        if made is None or product is None or product.call.primitive.name not in BENT:
            return
        behind = [reader for reader in readers_of(self.pieces, sums) if reader != at]
        if not all(self._is_slope(reader, sums) for reader in behind):
            return
        call = like(product.call, BENT[product.call.primitive.name], bend="relu")
        self.pieces[made], self.pieces[at] = Piece(call, product.operands, piece.result), None
        for reader in behind:
            slope = self.pieces[reader]
            assert slope is not None
            self.pieces[reader] = slope._replace(operands=(piece.result, slope.operands[1]))

    def gate(self, at: int, piece: Piece) -> None:
        """Let the product that finds what goes back through a rectifier be gated, if nobody else wants it as it is."""
        gate, incoming = piece.operands
        made = self._made(incoming)
        product = self.pieces[made] if made is not None else None
        if made is None or product is None or readers_of(self.pieces, incoming) != [at]:
            return
        if product.call.primitive.name == "matmul":
            sent = {"is_sent": True} if is_sent(self.pieces, piece.result) else {}
            gated = Piece(like(product.call, GATED, **sent), (*product.operands, gate), piece.result)
        elif product.call.primitive.name == "matmul_onto":
            begun = self.pieces[made - 1]
            assert begun is not None and begun.result == product.operands[0]
            self.pieces[made - 1] = begun._replace(result=piece.result)
            gated = Piece(like(product.call, ADDED_GATED), (piece.result, *product.operands[1:], gate), piece.result)
        else:
            return
        self.pieces[made], self.pieces[at] = gated, None

    def _made(self, place: Place) -> int | None:
        """The piece that makes a halved layer's numbers; None where it is no single one for both threads."""
        made = [at for at, piece in enumerate(self.pieces) if piece is not None and piece.result.key == place.key]
        halved = self._axes.get(place.value.index) == COLUMNS
        return made[0] if halved and len(made) == 1 and place.key == (place.value.index, "") else None

    def _is_slope(self, at: int, sums: Place) -> bool:
        piece = self.pieces[at]
        return (
            piece is not None
            and piece.call.primitive.name == "relu_gradient"
            and piece.operands[0] == sums
            and piece.operands[1].key != sums.key
        )
