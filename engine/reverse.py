"""The derivatives of a phase, node by node: what was emitted for a node stays as long as what it was emitted from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from engine.differentiate import owner_of, pass_back, total
from engine.program import Call, Origin, Program, Value
from engine.segments import Segment, settle
from engine.stretch import Stretch
from engine.unrolling import at

if TYPE_CHECKING:
    from engine.lowering import Lowered

Addends = dict[int, list[Value]]  # derivatives that meet at a value, by its index


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
        self._backs: dict[str, Back] = {}
        self._totals: dict[int, Total] = {}
        self._lead = Stretch()

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
            self._segments(result, addends, before)
            owed = self._sources(result, addends, before)
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

    def _segments(self, result: Lowered, addends: Addends, before: Reverse) -> None:
        sources, get, known = result.program.sources, addends.get, before._backs.get
        for key, segment in reversed(result.segments.items()):
            learned = segment.learned
            incoming = [get(index) for index in learned]
            if not any(incoming):
                continue
            back = known(key)
            if (
                back is None
                or back.forward is not segment.calls
                or back.incoming != incoming
                or back.given != segment.given
            ):
                back = self._back(result.program, segment, incoming, back)
            elif back.sources:
                sources.update(back.sources)
            self._backs[key] = back
            self.found.update(back.found)
            for index, derivatives in back.outgoing.items():
                others = get(index)
                if others is None:
                    addends[index] = derivatives.copy()
                else:
                    others += derivatives

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
        calls, moved = settle(calls, before.calls if before is not None else Stretch(), pairs, build.ways_back)
        if moved:
            found = {index: moved.get(value.index, value) for index, value in found.items()}
            outgoing = {index: [moved.get(v.index, v) for v in values] for index, values in outgoing.items()}
        origin = Origin(segment.origin.node, "backward", self.number, segment.origin.time)
        return Back(segment.calls, segment.given, incoming, origin, calls, found, outgoing, build.take_asked())

    def _sources(self, result: Lowered, addends: Addends, before: Reverse) -> dict[tuple[str, int], list[Stretch]]:
        """Gradients of what is learned; the sums among them, by the node and the step of time that they belong to."""
        program, build = result.program, result.program.build
        owed: dict[tuple[str, int], list[Stretch]] = {}
        build.reuse = None
        for value in list(program.sources.values()):
            mine = addends.get(value.index) if value.learns else None
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
