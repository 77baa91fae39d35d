"""What two threads play in place of a call whose values are halved: on places of their own, and of each other.

Both threads play the same pieces, each on its own halves. A product whose depth is halved is added up from two parts; one
that needs all units of the layer before reads the first half of them from the first thread and goes on with the second.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from engine.machines.splits import COLUMNS, FORWARD, ROWS, WHOLE, Axis
from engine.machines.unlisted import unlisted
from engine.primitives.base import Kernel, same
from engine.values import PRIMITIVES, Call, PrimitiveLike, Value, root_of

PART, SENT = "part", "sent"  # of a value: what is still to be added to; the same where the other thread reads it
SEND = unlisted("send", "y = x", Kernel("send_lines", "engine.machines.waiting:send"), shape=same)
TURNS = (0, 1)  # that iterations take
MINE = 2  # in place of a half: the one with the thread's own number


class Place(NamedTuple):
    """A value, or a part of it, as a thread has it.

    lane   whose: a thread's number; None: that of whoever plays
    half   of its rows only one half: its number, or MINE
    block  of the examples only one of two blocks: its number
    """

    value: Value
    part: str = ""
    lane: int | None = None
    half: int | None = None
    block: int | None = None

    @property
    def key(self) -> tuple[int, str]:
        """What a thread calls the memory it lies in."""
        return root_of(self.value).index, self.part

    @property
    def told(self) -> list[tuple[int, str, int]]:
        """What threads tell each other of: that memory, block by block."""
        return [(*self.key, block) for block in ((0, 1) if self.block is None else (self.block,))]

    def in_turn(self, turn: int) -> Place:
        """The same in an iteration whose turn it is: two places for what is sent take turns, that nobody waits to send."""
        return self._replace(part=f"{SENT} {turn}") if self.part == SENT else self


class Piece(NamedTuple):
    """A call, and where its operands and its result lie; `second` is what the second thread plays instead."""

    call: Call
    operands: tuple[Place, ...]
    result: Place
    second: Piece | None = None

    def of(self, lane: int) -> Piece:
        """What a thread plays."""
        return self.second if lane and self.second is not None else self

    def in_turn(self, turn: int) -> Piece:
        """The same in an iteration whose turn it is."""
        second = self.second.in_turn(turn) if self.second is not None else None
        operands = tuple([place.in_turn(turn) for place in self.operands])
        return Piece(self.call, operands, self.result.in_turn(turn), second)

    def in_block(self, block: int, shared: Sequence[int]) -> Piece:
        """The same for one block of examples, by which these operands are read."""
        second = self.second.in_block(block, shared) if self.second is not None else None
        operands = [place._replace(block=block) if at in shared else place for at, place in enumerate(self.operands)]
        return Piece(self.call, tuple(operands), self.result._replace(block=block), second)


def pieces_of_call(call: Call, axes: Mapping[int, Axis]) -> list[Piece]:
    """What stands for a call, one after the other."""
    name, operands = call.primitive.name, call.operands
    axis = [axes.get(value.index) for value in (*operands, call.result)]
    if all(one is WHOLE for one in axis):
        return [Piece(call, tuple([Place(value) for value in operands]), Place(call.result))]
    if name in FORWARD and not call.attributes.get("transpose_a"):
        if axis[-1] is WHOLE:
            return _added_up(call)
        return _going_on(call) if axis[0] == COLUMNS else [_straight(call)]
    if name in ("linear_gradient", "matmul"):
        if axis[0] == COLUMNS and axis[1] == COLUMNS:
            return _gradient_of_both(call)
        return [_gradient_of_mine(call)] if axis[-1] == ROWS else [_straight(call)]
    if name == "transpose" and axis == [COLUMNS, COLUMNS]:
        x, y = operands[0], call.result
        return [Piece(call, (Place(x, lane=half, half=MINE),), Place(y, half=half)) for half in (0, 1)]
    return [Piece(call, tuple([Place(value) for value in operands]), Place(call.result))]


def like(call: Call, primitive: str | PrimitiveLike, **attributes: Any) -> Call:
    """Another call for the same result; its sums are straight ones, not added up from two halves of their depth."""
    known = PRIMITIVES[primitive] if isinstance(primitive, str) else primitive
    return _as(call, known, is_straight=True, **attributes)


def _as(call: Call, primitive: PrimitiveLike, **attributes: Any) -> Call:
    twin = Call(primitive, call.operands, attributes, call.origin)
    twin.result = call.result
    return twin


def _straight(call: Call) -> Piece:
    twin = like(call, call.primitive.name, **call.attributes)
    return Piece(twin, tuple([Place(value) for value in call.operands]), Place(call.result))


def _added_up(call: Call) -> list[Piece]:
    """Each thread multiplies its units by its rows of the weights and sends that; then both add up both parts."""
    x, weight, *bias = [Place(value) for value in call.operands]
    part = Place(call.result, PART)
    second = Piece(like(call, "matmul"), (x, weight), part)
    first = Piece(like(call, call.primitive.name), (x, weight, *bias), part, second)
    sent = Piece(_as(call, SEND), (part,), Place(call.result, SENT))
    added, total = like(call, "add"), Place(call.result)
    here = Piece(added, (Place(call.result, SENT, lane=0), part), total)
    return [first, sent, Piece(added, (part, Place(call.result, SENT, lane=1)), total, here)]


def _going_on(call: Call) -> list[Piece]:
    """Columns of a product with the units of both: first those of the first thread, then those of the second."""
    x, weight, *bias = call.operands
    bend = call.attributes.get("bend")
    part = Place(call.result, PART)
    first, second = [(Place(x, lane=half), Place(weight, half=half)) for half in (0, 1)]
    begun = like(call, "linear" if bias else "matmul")
    ended = like(call, "matmul_onto_bent", bend=bend) if bend else like(call, "matmul_onto")
    return [
        Piece(begun, (*first, *[Place(value) for value in bias]), part),
        Piece(ended, (part, *second), Place(call.result)),
    ]


def _gradient_of_both(call: Call) -> list[Piece]:
    """The rows of a weight gradient that belong to the first thread's units, then those of the second's."""
    x, dy, *bias = call.operands
    sums, rest = like(call, call.primitive.name, **call.attributes), like(call, "matmul", transpose_a=True)
    return [
        Piece(sums, (Place(x, lane=0), Place(dy), *[Place(value) for value in bias]), Place(call.result, half=0)),
        Piece(rest, (Place(x, lane=1), Place(dy)), Place(call.result, half=1)),
    ]


def _gradient_of_mine(call: Call) -> Piece:
    """Rows of a weight gradient for one's own units; the first thread sums up the slopes of the bias, which it adds."""
    x, dy, *_ = [Place(value) for value in call.operands]
    second = Piece(like(call, "matmul", transpose_a=True), (x, dy), Place(call.result))
    return _straight(call)._replace(second=second)
