"""What a node was lowered to, kept from one edit to the next, and how something new is told apart from it.

After an edit most nodes compute what they did. What is emitted anew takes over the calls and values of before as far as they
are the same, and the values that others read keep their identity where nobody could tell the difference: so an edit
reaches no farther than it must.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence

from engine.graph import Wire
from engine.problems import Problem
from engine.stretch import Stretch
from engine.structure import Signature
from engine.values import Call, Origin, Value


class Segment:
    """The calls of a node (at one step of time), what it gives, and what all that hangs on.

    before    where its wires begin
    is_sound  whether it could be lowered; else `problems` say why, or a node before it is not sound
    is_local  whether it hangs on nothing but signature, wires and operands, and on what it shares
    fed       what it shares with other nodes, by name, and whether it was made for this one
    may_be_kept  whether it hangs on nothing else, and tells no problem: problems name nodes, and names change
    learned   indices of the results that a derivative may be wanted for
    given     indices of the outputs
    taken     indices of the operands that it did not compute itself
    """

    __slots__ = (
        "before", "calls", "fed", "given", "is_local", "is_sound", "learned", "may_be_kept", "origin", "outputs",
        "problems", "signature", "sources", "taken", "wires",
    )  # fmt: skip

    def __init__(self, origin: Origin, signature: Signature, wires: Sequence[Wire]) -> None:
        self.origin, self.signature, self.wires = origin, signature, wires
        self.before = [wire.source for wire in wires]
        self.calls = Stretch()
        self.outputs: dict[str, Value] = {}
        self.sources: dict[str, Value] = {}
        self.fed: dict[str, tuple[Value, bool]] = {}
        self.problems: list[Problem] = []
        self.is_sound, self.is_local, self.may_be_kept = False, False, False
        self.learned: list[int] = []
        self.given: list[int] = []
        self.taken: frozenset[int] = frozenset()

    def finish(self) -> None:
        """Note what follows from calls and outputs."""
        self.may_be_kept = self.is_local and not self.problems
        self.given = [value.index for value in self.outputs.values()]
        self.learned = [call.result.index for call in self.calls if call.result.learns]
        made = {call.result.index for call in self.calls}
        self.taken = frozenset([operand.index for call in self.calls for operand in call.operands]) - made


def leaving(outputs: Mapping[str, Value], past: Mapping[str, Value]) -> list[tuple[Value, Value]]:
    """Outputs of now and of before at the same address."""
    return [(value, past[address]) for address, value in outputs.items() if address in past]


WaysBack = list[Callable[[], None]]


def settle(
    calls: list[Call],
    before: Stretch,
    leaving: Iterable[tuple[Value, Value]],
    ways_back: WaysBack,
    unseen: Container[str] = (),
) -> tuple[Stretch, dict[int, Value]]:
    """Calls that were emitted in place of those of `before`, with the old ones where they are the same.

    `leaving` pairs values that are read from outside with those which stood for them; nobody there looks at calls of the
    primitives `unseen`. The second result tells which value stands for a new one, by the index of the new one. What is
    changed of old values has a way back.
    """
    moved: dict[int, Value] = {}
    same = 0
    for mine, its in zip(calls, before, strict=False):
        if not _is_same(mine, its, moved):
            break
        moved[mine.result.index] = its.result
        same += 1
    if same == len(calls) == len(before):
        return before, moved
    rest, old = calls[same:], before[same:]
    _redirect(rest, moved)
    free, known = {call.result.index for call in old}, len(moved)
    for new, past in leaving:
        if new.index not in moved and past.index in free and _can_stand(new, past, rest, unseen):
            _stand_in(past, new, ways_back)
            moved[new.index] = past
            free.discard(past.index)
    if len(moved) > known:
        _redirect(rest, moved)
    return Stretch(before[:same] + rest), moved


def _is_same(mine: Call, its: Call, moved: dict[int, Value]) -> bool:
    if mine.primitive is not its.primitive or mine.origin != its.origin or mine.rule != its.rule:
        return False
    if len(mine.operands) != len(its.operands):
        return False
    for operand, other in zip(mine.operands, its.operands, strict=True):
        if operand is not other and moved.get(operand.index) is not other:
            return False
    return mine.attributes == its.attributes


def _redirect(calls: list[Call], moved: dict[int, Value]) -> None:
    if moved:
        for call in calls:
            call.operands = tuple([moved.get(operand.index, operand) for operand in call.operands])


def _can_stand(new: Value, past: Value, calls: list[Call], unseen: Container[str]) -> bool:
    """Whether who reads the old value may go on reading it, with the new call behind it."""
    mine, its = new.call, past.call
    if mine is None or its is None or mine not in calls:
        return False
    if (new.shape, new.kind, new.learns) != (past.shape, past.kind, past.learns):
        return False
    if mine.primitive.name in unseen and its.primitive.name in unseen:
        return True
    # Nodes and derivatives look as far as the call and its operands' shapes.
    if mine.primitive is not its.primitive or mine.rule != its.rule or mine.attributes != its.attributes:
        return False
    return [operand.shape for operand in mine.operands] == [operand.shape for operand in its.operands]


def _stand_in(past: Value, new: Value, ways_back: WaysBack) -> None:
    former, call = past.call, new.call
    assert call is not None
    ways_back.append(lambda: setattr(past, "call", former))
    past.call, call.result = call, past
