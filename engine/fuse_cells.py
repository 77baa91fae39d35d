"""The gates of an LSTM cell at one step of time, played as one call: forward, and what they send back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from engine.matching import Match, Uses, is_constant
from engine.values import Call, Value

GATES = 4  # input, forget, output and candidate lie side by side in the sums


def cell_steps(calls: Iterable[Call], uses: Uses) -> Iterator[tuple[Call, Match]]:
    """Every step of time of an LSTM cell, forward and back."""
    for call in calls:
        if call.primitive.name == "multiply":
            match = _forward(call, uses)
        elif call.primitive.name == "total" and len(call.operands) == GATES:
            match = _backward(call, uses)
        else:
            continue
        if match is not None and _is_of_one_moment(call, match, uses):
            yield call, match


def _is_of_one_moment(last: Call, match: Match, uses: Uses) -> bool:
    """Whether all calls stand in one place of the drawing, and what is stored is not read before the last of them."""
    inner = {id(call) for call in (*match.swallowed, *match.stored)}
    if any(call.origin != last.origin for call in (*match.swallowed, *match.stored)):
        return False
    here = uses.place[last.result.index]
    return all(
        reader is last or id(reader) in inner or uses.place[reader.result.index] > here
        for call in match.stored
        for reader in uses.readers.get(call.result.index, ())
    )


def _named(value: Value, name: str) -> Call | None:
    call = value.call
    return call if call is not None and call.primitive.name == name else None


def _forward(h: Call, uses: Uses) -> Match | None:
    shown, bent = _named(h.operands[0], "sigmoid"), _named(h.operands[1], "tanh")
    memory = _named(bent.operands[0], "add") if bent is not None else None
    if shown is None or bent is None or memory is None:
        return None
    kept, new = (uses.only(operand, "multiply") for operand in memory.operands)
    if kept is None or new is None:
        return None
    forget, write = _named(kept.operands[0], "sigmoid"), _named(new.operands[0], "sigmoid")
    candidate, before = _named(new.operands[1], "tanh"), kept.operands[1]
    if forget is None or write is None or candidate is None or before.shape != h.result.shape:
        return None
    gates = (write, forget, shown, candidate)
    slices = [uses.only(gate.operands[0], "slice") for gate in gates]
    found = [one for one in slices if one is not None]
    if len(found) < GATES or h.result.rank != 2:
        return None
    z, units = found[0].operands[0], h.result.shape[1]
    assert isinstance(units, int), "a state has a width"
    if z.shape != (h.result.shape[0], GATES * units) or any(one.operands[0] is not z for one in found):
        return None
    if [one.attributes["start"] for one in found] != [units * place for place in range(GATES)]:
        return None
    stored = (*gates, memory, bent)
    return Match("lstm_step", (z, before, *[call.result for call in stored]), (*found, kept, new), stored)


class _Slope(NamedTuple):
    """What a bent number sends back: the slope that came to it, the number, and the calls between."""

    incoming: Value
    bent: Value
    calls: tuple[Call, ...]


def _through_sigmoid(value: Value, uses: Uses) -> _Slope | None:
    """dy · (y · (1 − y))."""
    outgoing = uses.only(value, "multiply")
    slope = uses.only(outgoing.operands[1], "multiply") if outgoing is not None else None
    rest = uses.only(slope.operands[1], "subtract") if slope is not None else None
    if outgoing is None or slope is None or rest is None or not is_constant(rest.operands[0], 1.0):
        return None
    y = slope.operands[0]
    return _Slope(outgoing.operands[0], y, (outgoing, slope, rest)) if rest.operands[1] is y else None


def _through_tanh(value: Value, uses: Uses) -> _Slope | None:
    """dy · (1 − y · y)."""
    outgoing = uses.only(value, "multiply")
    slope = uses.only(outgoing.operands[1], "subtract") if outgoing is not None else None
    square = uses.only(slope.operands[1], "multiply") if slope is not None else None
    if outgoing is None or slope is None or square is None or not is_constant(slope.operands[0], 1.0):
        return None
    y = square.operands[0]
    return _Slope(outgoing.operands[0], y, (outgoing, slope, square)) if square.operands[1] is y else None


def _parts(dz: Call, uses: Uses) -> list[Call] | None:
    """The four calls that place the slopes of the gates side by side, in their order."""
    columns = dz.result.shape[-1] if dz.result.rank == 2 else 0
    if not isinstance(columns, int) or not columns or columns % GATES:
        return None
    found = [one for one in [uses.only(operand, "place") for operand in dz.operands] if one is not None]
    if len(found) < GATES:
        return None
    found.sort(key=lambda one: int(one.attributes["start"]))
    starts = [one.attributes["start"] for one in found]
    if starts != [place * columns // GATES for place in range(GATES)]:
        return None
    return found if len({one.operands[0].shape for one in found}) == 1 else None


def _backward(dz: Call, uses: Uses) -> Match | None:
    parts = _parts(dz, uses)
    if parts is None:
        return None
    write, forget, shown = (_through_sigmoid(part.operands[0], uses) for part in parts[:3])
    candidate = _through_tanh(parts[3].operands[0], uses)
    if write is None or forget is None or shown is None or candidate is None:
        return None
    slopes = (write, forget, shown, candidate)
    products = [one for one in [uses.only(slope.incoming, "multiply") for slope in slopes] if one is not None]
    if len(products) < GATES:
        return None
    to_write, to_forget, to_show, to_candidate = products
    dc, (dh, bent), before = to_write.operands[0], to_show.operands, to_forget.operands[1]
    if to_forget.operands[0] is not dc or to_candidate.operands[0] is not dc:
        return None
    if to_write.operands[1] is not candidate.bent or to_candidate.operands[1] is not write.bent:
        return None
    memory = _memory(dc, dh, shown.bent, bent, uses)
    if memory is None or before.shape != dh.shape or dc.shape != dh.shape:
        return None
    carried, inner = memory
    sent = [
        reader
        for reader in uses.readers.get(dc.index, ())
        if reader.primitive.name == "multiply" and reader.operands[0] is dc and reader.operands[1] is forget.bent
    ]
    if len(sent) > 1 or not uses.read_within(dc, [to_write, to_forget, to_candidate, *sent]):
        return None
    calls = (*parts, *[call for slope in slopes for call in slope.calls], *products, *inner)
    known = (dh, write.bent, forget.bent, shown.bent, candidate.bent, before, bent)
    operands = (*known, *([carried] if carried is not None else []), *[call.result for call in sent])
    attributes = {"carried": carried is not None, "sent": bool(sent)}
    return Match("lstm_step_gradient", operands, calls, tuple(sent), attributes)


def _memory(dc: Value, dh: Value, shown: Value, bent: Value, uses: Uses) -> tuple[Value | None, list[Call]] | None:
    """What the next step of time sends to the memory, and the calls that make the memory's slope of it and of dh."""
    fan_in = _named(dc, "total")
    for place in (0, 1) if fan_in is not None and len(fan_in.operands) == 2 else (None,):
        through = _slope_of_memory(dc if fan_in is None or place is None else fan_in.operands[place], dc, uses)
        if through is None or through.bent is not bent:
            continue
        product = uses.only(through.incoming, "multiply")
        if product is None or product.operands != (dh, shown):
            continue
        if fan_in is None or place is None:
            return None, [*through.calls, product]
        return fan_in.operands[1 - place], [fan_in, *through.calls, product]
    return None


def _slope_of_memory(value: Value, dc: Value, uses: Uses) -> _Slope | None:
    """As `_through_tanh`; where it is all of the memory's slope, others read it as well."""
    if value is not dc:
        return _through_tanh(value, uses)
    outgoing = _named(value, "multiply")
    slope = uses.only(outgoing.operands[1], "subtract") if outgoing is not None else None
    square = uses.only(slope.operands[1], "multiply") if slope is not None else None
    if outgoing is None or slope is None or square is None or not is_constant(slope.operands[0], 1.0):
        return None
    y = square.operands[0]
    return _Slope(outgoing.operands[0], y, (outgoing, slope, square)) if square.operands[1] is y else None
