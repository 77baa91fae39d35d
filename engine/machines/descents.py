"""Steps downhill in the registers of the products that find the slopes, where two threads play halves.

At full speed nobody asks for the slopes of weights but the update: so xᵀ · dy leaves the registers as W − η xᵀ · dy, and
slopes of large layers are neither written nor read again. The flag is raised there, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.machines.bending import readers_of
from engine.machines.sharing import Piece, Place, like
from engine.machines.splits import COLUMNS, Axis
from engine.machines.unlisted import unlisted
from engine.placement import LINE
from engine.primitives.base import Kernel, Region, rows_of_result
from engine.primitives.products import matmul_encode
from engine.values import Shape, Value


def _shape(w: Value, x: Value, dy: Value, rate: Value, *sums: Value, **attributes: Any) -> Shape:
    """The shape of the weights."""
    return w.shape


def _encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """As for a product of xᵀ by dy, the offset of the sums of dy (written; -1: nobody wants them), and that of the rate."""
    _, x, dy, rate, *sums = operands
    product = matmul_encode((x, dy), result, {"transpose_a": True})
    return (*product, sums[0].offset if sums else -1, rate.offset)


DESCENT = unlisted(
    "matmul_descent", r"W \leftarrow W - \eta\,X^\top \mathrm{d}Y", Kernel("matmul_descent", "engine.machines.products:wide"),
    shape=_shape, writes=(0,), encode=_encode, length=rows_of_result,
)  # fmt: skip


def descending(pieces: Sequence[Piece], axes: Mapping[int, Axis]) -> list[Piece]:
    """The same work with plain steps of wide layers taken by the products that find their slopes."""
    left: list[Piece | None] = list(pieces)
    for at, piece in enumerate(pieces):
        if piece.call.primitive.name == "sgd_update" and _is_wide(piece.operands[0].value, axes):
            _join(left, at, piece)
    return [piece for piece in left if piece is not None]


def _is_wide(weight: Value, axes: Mapping[int, Axis]) -> bool:
    """Whether a thread has more columns of it than the longest vector."""
    columns = weight.shape[-1]
    is_halved = weight.rank == 2 and axes.get(weight.index) == COLUMNS
    return is_halved and isinstance(columns, int) and columns // 2 > LINE


def _join(pieces: list[Piece | None], at: int, update: Piece) -> None:
    weight, slopes, rate = update.operands
    products = [
        (place, piece) for place, piece in enumerate(pieces) if piece is not None and piece.result.key == slopes.key
    ]
    watching = [place for place in readers_of(pieces, weight) if place > at]
    flag = pieces[watching[0]] if watching else None
    if flag is None or flag.call.primitive.name != "non_finite_flag" or not products:
        return
    if readers_of(pieces, slopes) != [at] or not all(_is_product(piece) for _, piece in products):
        return
    between = [piece for piece in pieces[products[0][0] : at] if piece is not None]
    if readers_of(between, weight) or any(rate.key in _written(piece) for piece in between):
        return  # somebody still wants the weights as they are, or the rate is yet to be found
    for place, piece in products:
        pieces[place] = _descent(update, piece, (weight, rate))
    pieces[at] = pieces[watching[0]] = None


def _is_product(piece: Piece) -> bool:
    """Whether it is one for both threads and of all examples."""
    return piece.call.primitive.name in ("linear_gradient", "matmul") and piece.second is None


def _descent(update: Piece, product: Piece, others: tuple[Place, Place]) -> Piece:
    (weight, rate), (x, dy, *sums) = others, product.operands
    mine = weight._replace(half=product.result.half)
    return Piece(like(update.call, DESCENT), (mine, x, dy, rate, *sums), update.result)


def _written(piece: Piece) -> set[tuple[int, str]]:
    return {piece.result.key, *[piece.operands[place].key for place in piece.call.primitive.writes]}
