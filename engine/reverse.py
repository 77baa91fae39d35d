"""The derivatives of a phase, node by node: what was emitted for a node stays as long as what it was emitted from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, partial
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from engine.differentiate import pass_back, total
from engine.program import Program
from engine.segments import Segment, settle
from engine.stretch import Stretch
from engine.unrolling import at, segment_key
from engine.values import Call, Origin, Value, owner_of

if TYPE_CHECKING:
    from engine.lowering import Lowered

Addends = dict[int, list[Value]]  # derivatives that meet at a value, by its index

# Calls behind a derivative that nobody looks at from another node: rules know it by its shape, and fusing by its readers.
UNSEEN = ("slice", "matmul")


class Back(NamedTuple):
    """What a segment sends back: its calls, the gradients of its results, and the derivatives that go on.

    forward   the calls that these are the derivatives of; given: the outputs among their results
    incoming  the derivatives that came in for each result that learns; None where there was none
    """

    forward: Stretch
    given: list[int]
    incoming: list[list[Value] | None]
    origin: Origin
    calls: Stretch
    found: dict[int, Value]
    outgoing: Addends
    sources: dict[str, Value]


class Total(NamedTuple):
    """The sum of what comes back to a source that is used in several places."""

    addends: list[Value]
    calls: Stretch


class Reverse:
    """One phase's derivatives.

    found  by index of a value: its gradient
    stretches  of its calls, in the order in which the light goes back, and the steps they make
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.found: dict[int, Value] = {}
        self.stretches: list[Stretch] = []
        self.steps: list[Origin] = []
        self._values: Sequence[Value] = ()
        self._segments: dict[str, Segment] = {}
        self._backs: dict[str, Back] = {}
        self._totals: dict[int, Total] = {}
        self._lead = Stretch()
        self._roots: Addends = {}  # what comes to the objective
        self._addends: Addends = {}  # all that came to a value that was asked about
        self._inner: dict[int, Value] = {}  # those of what is found that are of no source
        self._senders: dict[int, list[str]] = {}  # by index of a value: whose derivatives meet there, last node first

    def derive(self, result: Lowered, objective: Value, turned: Origin | None, before: Reverse | None) -> Value:
        """Emit the derivatives of an objective, and return what is minimised. Raises `ProblemError`.

        turned  whose step takes the sign off what is made large; None: it is minimised as it is
        """
        program, build = result.program, result.program.build
        before = before or Reverse(self.number)
        begun, origin = len(program.calls), build.origin
        try:
            addends: Addends = {objective.index: [build.constant(1.0)]}
            loss = objective
            if turned is not None:
                build.origin = turned
                loss, addends = self._turn(program, objective, before)
            self._pass_back(result, addends, before)
            owed = self._sources(result, before)
        finally:
            del program.calls[begun:]
            build.origin, build.reuse = origin, None
        self._in_order(result, owed)
        return loss

    def _turn(self, program: Program, objective: Value, before: Reverse) -> tuple[Value, Addends]:
        """What is made large is minimised with the other sign."""
        build, begun = program.build, len(program.calls)
        loss = -objective
        addends: Addends = {loss.index: [build.constant(1.0)]}
        self.found.update(pass_back(program.calls[begun:], addends, self.number))
        incoming = addends.get(objective.index, [])
        calls = _alive(program.calls[begun:], incoming)
        pairs = [(mine.result, its.result) for mine, its in zip(calls, before._lead, strict=False)]
        self._lead, moved = settle(calls, before._lead, pairs, build.ways_back)
        incoming = [moved.get(value.index, value) for value in incoming]
        return loss, {objective.index: incoming} if incoming else {}

    def _pass_back(self, result: Lowered, roots: Addends, before: Reverse) -> None:
        """The derivatives of all segments, last first: those of before where the same comes to the same calls."""
        self._segments, self._roots, program = result.segments, roots, result.program
        self._values = program.values
        stale = self._take_over(before)
        sources = len(program.sources)
        for key, segment in reversed(self._segments.items()):
            if key in stale:
                self._renew(program, key, segment, stale)
        while len(program.sources) > sources:  # they come in the order of the segments
            program.sources.popitem()
        backs = map(self._backs.get, reversed(self._segments))
        for asked in [back.sources for back in backs if back is not None and back.sources]:
            program.sources.update(asked)

    def _take_over(self, before: Reverse) -> set[str]:
        """Begin with what was sent back before; the segments that have to be looked at again."""
        mine, its = self._segments, before._segments
        if not _are_in_one_order(mine, its):
            before, its = Reverse(self.number), {}  # in another order derivatives are added up in another one
        self._backs, self._addends = before._backs.copy(), before._addends.copy()
        self._senders, self._inner = before._senders.copy(), before._inner.copy()
        stale = {key for key, segment in mine.items() if segment is not its.get(key)}
        for key in [key for key in self._backs if key not in mine]:
            self._send(key, None, stale)
        for index in self._roots.keys() | before._roots.keys():
            if self._roots.get(index) != before._roots.get(index):
                self._note_stale(index, stale)
        return stale

    def _renew(self, program: Program, key: str, segment: Segment, stale: set[str]) -> None:
        """Look at a segment again, and let those before it know where it sends back something else than before."""
        incoming = [self._coming_to(index) for index in segment.learned]
        if not any(incoming):
            self._send(key, None, stale)
            return
        back = self._backs.get(key)
        if (
            back is None
            or back.forward is not segment.calls
            or back.incoming != incoming
            or back.given != segment.given
        ):
            renewed = _with_other_addends(segment, incoming, back, program)
            self._send(key, renewed or self._back(program, segment, incoming, back), stale)

    def _send(self, key: str, back: Back | None, stale: set[str]) -> None:
        """Let this be what a segment sends back."""
        former = self._backs.pop(key, None)
        for index in former.found if former is not None else ():
            self._inner.pop(index, None)
        if back is not None:
            self._backs[key] = back
            self._inner.update(back.found)
        past, now = former.outgoing if former is not None else {}, back.outgoing if back is not None else {}
        for index in past.keys() | now.keys():
            if past.get(index) == now.get(index):
                continue
            if (index in past) != (index in now):
                others = [other for other in self._senders.get(index, ()) if other != key]
                self._senders[index] = [*others, key] if index in now else others
            self._note_stale(index, stale)

    def _note_stale(self, index: int, stale: set[str]) -> None:
        """Something else comes to this value than before."""
        self._addends.pop(index, None)
        call = self._values[index].call
        if call is not None:
            stale.add(segment_key(call.origin))

    def _coming_to(self, index: int) -> list[Value] | None:
        """The derivatives that meet at a value; None where none comes."""
        known = self._addends.get(index)
        if known is None:
            senders = self._senders.get(index, ())
            if len(senders) > 1:
                senders = sorted(senders, key=self._places.__getitem__)
            parts = [self._backs[sender].outgoing[index] for sender in senders]
            known = self._addends[index] = list(chain(self._roots.get(index, ()), *parts))
        return known or None

    @cached_property
    def _places(self) -> dict[str, int]:
        """By key of a segment: when the light comes to it."""
        return {key: place for place, key in enumerate(reversed(self._segments))}

    def _back(
        self, program: Program, segment: Segment, incoming: list[list[Value] | None], before: Back | None
    ) -> Back:
        build, begun = program.build, len(program.calls)
        build.reuse = {}
        build.take_asked()
        addends = {index: came.copy() for index, came in zip(segment.learned, incoming, strict=True) if came}
        inside = set(segment.learned)
        found = pass_back(segment.calls, addends, self.number)
        outgoing = {index: values for index, values in addends.items() if index not in inside}
        roots = [value for values in outgoing.values() for value in values]
        roots += [found[index] for index in segment.given if index in found]
        calls = _alive(program.calls[begun:], roots)
        past = before.outgoing if before is not None else {}
        pairs = [pair for index, values in outgoing.items() for pair in zip(values, past.get(index, ()), strict=False)]
        former = before.calls if before is not None else Stretch()
        calls, moved = settle(calls, former, pairs, build.ways_back, UNSEEN)
        if moved:
            found = {index: moved.get(value.index, value) for index, value in found.items()}
            outgoing = {index: [moved.get(v.index, v) for v in values] for index, values in outgoing.items()}
        origin = Origin(segment.origin.node, "backward", self.number, segment.origin.time)
        return Back(segment.calls, segment.given, incoming, origin, calls, found, outgoing, build.take_asked())

    def _sources(self, result: Lowered, before: Reverse) -> dict[tuple[str, int], list[Stretch]]:
        """Gradients of what is learned; the sums among them, by the node and the step of time that they belong to."""
        program, build = result.program, result.program.build
        owed: dict[tuple[str, int], list[Stretch]] = {}
        build.reuse = None
        self.found.update(self._inner)
        for value in list(program.sources.values()):
            mine = self._coming_to(value.index) if value.learns else None
            if mine is None:
                continue
            if len(mine) == 1:
                self.found[value.index] = mine[0]
                continue
            owner = owner_of(value)
            build.origin = Origin(owner, "backward", self.number, _last_time(owner, mine, result))
            known = before._totals.get(value.index)
            if known is None or known.addends != mine or known.calls[0].origin != build.origin:
                call = total(mine).call
                assert call is not None
                calls = Stretch([call])
                if known is not None:
                    calls, _ = settle(calls, known.calls, [(call.result, known.calls[0].result)], build.ways_back)
                known = Total(mine, calls)
            self._totals[value.index] = known
            self.found[value.index] = known.calls[0].result
            owed.setdefault((owner, build.origin.time), []).append(known.calls)
        return owed

    def _in_order(self, result: Lowered, owed: dict[tuple[str, int], list[Stretch]]) -> None:
        """Nodes whose outputs or parameters have a gradient, last first: the order in which the light goes back."""
        stretches, steps, found, backs = self.stretches, self.steps, self.found, self._backs
        lead = self._lead[0].origin if self._lead else None
        for key, segment in reversed(result.segments.items()):
            back = backs.get(key)
            if lead is not None and lead.node == segment.origin.node and lead.time == segment.origin.time:
                stretches.append(self._lead)
            if back is not None and back.calls:
                stretches.append(back.calls)
                steps.append(back.origin)
            elif segment.is_sound and not found.keys().isdisjoint(segment.given):
                steps.append(Origin(segment.origin.node, "backward", self.number, segment.origin.time))
            if owed:
                sums = owed.pop((segment.origin.node, segment.origin.time), None)
                if sums is not None:
                    if not steps or steps[-1].node != segment.origin.node or steps[-1].time != segment.origin.time:
                        steps.append(sums[0][0].origin)
                    stretches += sums


def _are_in_one_order(some: Mapping[str, object], others: Mapping[str, object]) -> bool:
    """Whether the keys that are in both come in the same order."""
    mine, its = list(some), list(others)
    return mine == its or [key for key in mine if key in others] == [key for key in its if key in some]


def _with_other_addends(
    segment: Segment, incoming: list[list[Value] | None], before: Back | None, program: Program
) -> Back | None:
    """What a segment sent back before, where nothing but the addends of one sum are others now; None where more is."""
    if before is None or before.forward is not segment.calls or before.given != segment.given:
        return None
    changed = [place for place, came in enumerate(incoming) if came != before.incoming[place]]
    now, past = incoming[changed[0]], before.incoming[changed[0]]
    if len(changed) > 1 or now is None or past is None or min(len(now), len(past)) < 2:
        return None
    sums = [call for call in before.calls if call.primitive.name == "total" and call.operands == tuple(past)]
    if len(sums) != 1 or before.found.get(segment.learned[changed[0]]) is not sums[0].result:
        return None
    former, build = sums[0], program.build
    call = Call(former.primitive, tuple(now), former.attributes, former.origin)
    call.result = former.result
    build.ways_back.append(partial(setattr, former.result, "call", former))
    former.result.call = call
    program.sources.update(before.sources)
    return before._replace(incoming=incoming, calls=Stretch([call if one is former else one for one in before.calls]))


def _last_time(owner: str, addends: Iterable[Value], result: Lowered) -> int:
    """The step of time at which the last of a shared parameter's addends comes: the first step that light goes back to."""
    if at(owner, 0) not in result.segments:
        return -1
    origins = [value.call.origin for value in addends if value.call is not None]
    return min([origin.time for origin in origins if origin.node == owner and origin.time >= 0], default=0)


def _alive(calls: list[Call], roots: Iterable[Value]) -> list[Call]:
    """The calls that lead to one of the roots, or write: rules send derivatives to operands that nobody asked for as well."""
    needed = {value.index for value in roots}
    kept = []
    for call in reversed(calls):
        if call.result.index in needed or call.primitive.writes:
            kept.append(call)
            needed.update([operand.index for operand in call.operands])
    kept.reverse()
    return kept
