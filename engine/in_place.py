"""Steps of a sequence read where they lie: at full speed nobody copies them for who takes rows that lie apart."""

from __future__ import annotations

from collections.abc import Sequence

from engine.values import Call, Value, root_of


def read_in_place(calls: Sequence[Call]) -> Sequence[Call]:
    """The calls without steps that nobody reads any more, now that sums of cells and products over time read the sequence."""
    steps = [call for call in calls if call.primitive.name == "slice" and call.attributes["axis"] == 1]
    if not steps:
        return calls
    played = [_READERS[call.primitive.name](call) if call.primitive.name in _READERS else call for call in calls]
    read = {root_of(value) for call in played if not call.primitive.is_view for value in call.operands}
    copies = {call.result for call in steps} - read
    return [call for call in played if call.result not in copies]


def _sequence_of(step: Value) -> tuple[Value, int] | None:
    """The sequence that a step was taken out of, and how many entries of each example come before it; None: of none."""
    taken = root_of(step).call
    if taken is None or taken.primitive.name != "slice" or taken.attributes["axis"] != 1:
        return None
    sequence, before = taken.operands[0], taken.attributes["start"]
    for length in sequence.shape[2:]:
        before *= length
    return (sequence, before) if step.shape[0] == sequence.shape[0] else None


def _of_cell(call: Call) -> Call:
    """x W + b + h U with x in its sequence."""
    found = _sequence_of(call.operands[0])
    return call if found is None else _instead(call, (found[0], *call.operands[1:]), found[1])


def _over_time(call: Call) -> Call:
    """Σ xᵀ dy with each x in its sequence, if their rows are equally far apart."""
    pairs = call.operands[:-1] if call.attributes["sums"] else call.operands
    found = [_sequence_of(x) for x in pairs[::2]]
    sequences = [one[0] for one in found if one is not None]
    if len(sequences) < len(found) or len({value.shape[1:] for value in sequences}) > 1:
        return call
    operands = list(call.operands)
    operands[: len(pairs) : 2] = sequences
    return _instead(call, tuple(operands), tuple([one[1] for one in found if one is not None]))


def _instead(call: Call, operands: tuple[Value, ...], before: int | tuple[int, ...]) -> Call:
    same = Call(call.primitive, operands, {**call.attributes, "before": before}, call.origin)
    same.result = call.result
    return same


_READERS = {"cell_sums": _of_cell, "products_total": _over_time}
