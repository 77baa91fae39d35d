"""Transposed copies of matrices, laid down where products would read columns."""

from __future__ import annotations

from collections.abc import Sequence, Set
from operator import attrgetter

from engine.program import Program
from engine.stretch import Stretch, reads_columns
from engine.values import PRIMITIVES, Call, Origin, Value

ALL_PHASES = -1  # of a copy that every turn makes for itself

_Copied = tuple[int, bool, int]  # index of the matrix, whether its rows lie apart, whose turn it is


_reads_columns = attrgetter("reads_columns")


def matrices_copied(program: Program, stretches: Sequence[Stretch]) -> list[Call]:
    """Of the products as they were drawn those that a copy is made for: as many as there will be, or more.

    Fusing may leave products out. Only where heads are brought together (`fuse_heads`) are other matrices copied than these.
    """
    found: list[Call] = []
    if not any(map(_reads_columns, stretches)):
        return found
    copied: dict[int, set[_Copied]] = {}  # by index of the matrix
    for part in stretches:
        if part.reads_columns:
            for call in part:
                if reads_columns(call):
                    whole, turn = _keys(program, call)
                    known = copied.setdefault(turn[0], set())
                    if whole not in known and turn not in known:
                        known.add(turn)
                        found.append(call)
                elif call.primitive.writes:
                    _forget(copied, {call.operands[index].index for index in call.primitive.writes})
        elif copied:
            _forget(copied, part.written)
    return found


def _forget(copied: dict[int, set[_Copied]], written: Set[int]) -> None:
    for index in copied.keys() & written:
        del copied[index]


def _keys(program: Program, product: Call) -> tuple[_Copied, _Copied]:
    """What a copy of its matrix would go by: one made for all turns, or for this one."""
    index, apart = product.operands[1].index, _is_apart(product)
    is_in_turn = program.turns and product.origin.part == "backward"
    return (index, apart, ALL_PHASES), (index, apart, product.origin.phase if is_in_turn else ALL_PHASES)


class Flips:
    """Products read the rows of B; where B is asked for transposed, a copy of it is laid down first and used by all.

    Where phases take turns, a copy that one phase's derivatives have made is of no use to another's: by then it is old.
    """

    def __init__(self) -> None:
        self._copies: dict[tuple[Value, bool, Origin], Call] = {}
        self._products: dict[Call, Call] = {}

    def lay_down(self, program: Program, parts: Sequence[Stretch]) -> tuple[Sequence[Sequence[Call]], list[Call]]:
        """The calls of each part with copies before those that need them, and all these copies."""
        former, self._copies = self._copies, {}
        products, self._products = self._products, {}
        if not any(map(_reads_columns, parts)):
            return parts, []
        played: list[Sequence[Call]] = []
        made: list[Call] = []
        copies: dict[_Copied, Value] = {}
        for part in parts:
            if not part.reads_columns:
                played.append(part)
                copies = _unwritten(copies, part.written)
                continue
            result: list[Call] = []
            for call in part:
                if reads_columns(call):
                    matrix, apart, (whole, turn) = call.operands[1], _is_apart(call), _keys(program, call)
                    copy = copies.get(whole) or copies.get(turn)
                    if copy is None:
                        flip = former.get((matrix, apart, call.origin)) or _flipped(program, call)
                        self._copies[matrix, apart, call.origin] = flip
                        copy = copies[turn] = flip.result
                        result.append(flip)
                        made.append(flip)
                    call = self._product_of(call, copy, products.get(call))
                elif call.primitive.writes:
                    copies = _unwritten(copies, {call.operands[index].index for index in call.primitive.writes})
                result.append(call)
            played.append(result)
        return played, made

    def _product_of(self, call: Call, copy: Value, known: Call | None) -> Call:
        if known is None or known.operands != (call.operands[0], copy) or known.result is not call.result:
            known = _product(call, copy)
        self._products[call] = known
        return known


def _unwritten(copies: dict[_Copied, Value], written: Set[int]) -> dict[_Copied, Value]:
    """The copies of what is still as it was."""
    if not copies or not written:
        return copies
    return {key: copy for key, copy in copies.items() if key[0] not in written}


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
