"""Several calls played as one: the last pass before planning. The program itself stays as it was drawn.

A fused call computes the result of the last call it replaces; what lies between is not stored at full speed. It is still
computed where somebody can look: the tape's shown code plays the replaced calls behind the fused one (`Fused.hidden`), so
the numbers of training are the same bits with and without an onlooker.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence, Set
from functools import cached_property
from itertools import chain
from typing import NamedTuple

from engine.fuse_cells import cell_steps
from engine.fuse_flips import Flips
from engine.fuse_heads import products_of_heads
from engine.fuse_patterns import PATTERNS
from engine.fuse_rows import row_groups, scaled_rows
from engine.fuse_sums import BENDS, bent_sums
from engine.fuse_time import products_over_time
from engine.matching import Match, Pattern, Uses
from engine.program import PRIMITIVES, Call, Origin, Program, Value
from engine.stretch import Stretch


class Fused:
    """The calls to play at full speed.

    parts   the calls of each stretch, and where it brings in transposed copies, these as well
    flips   the transposed copies
    strays  whether some of what is left out belongs to another step than the call that stands for it
    """

    def __init__(
        self,
        drawn: Sequence[Stretch],
        parts: Sequence[Sequence[Call]],
        flips: list[Call],
        left_out: _LeftOut,
        read: tuple[Container[Value], Container[Value]],
    ) -> None:
        self.parts, self.flips = parts, flips
        self._drawn, (self._units, self.strays) = drawn, left_out
        self._read, self._lasting = read

    def is_read(self, value: Value) -> bool:
        """Whether a value is read by what was drawn, or looked at."""
        return value in self._read or value in self._lasting

    @cached_property
    def calls(self) -> list[Call]:
        """All of them, in their order."""
        return list(chain.from_iterable(self.parts))

    @cached_property
    def hidden(self) -> dict[int, list[Call]]:
        """For the index of a call's result the calls whose results it leaves out."""
        hidden: dict[int, list[Call]] = {}
        groups = list(chain.from_iterable([unit.groups for unit in self._units]))
        for group in groups:
            hidden.update(group.hidden)
        if self.strays:
            hidden = {index: parts.copy() for index, parts in hidden.items()}  # what groups keep stays as it is
            apart = {index for group in groups for index in group.apart}
            vanished = {index for group in groups for index in group.vanished}
            _show_apart(chain.from_iterable(self._drawn), apart, vanished, hidden)
        return hidden

    def calls_of(self, origin: Origin) -> list[Call]:
        """The calls of one step."""
        if origin.part == "update":
            found = [part for part in self.parts if part and part[0].origin.part == "update"]
        else:
            found = [part for part in self.parts if part and part[0].origin.node == origin.node]
        return [call for part in found for call in part if call.origin == origin]


# Where rows to standardise, products over time, bent sums, scaled rows and products of heads are recognised.
_BEGINNINGS = ("divide", "total", *BENDS, "broadcast", "batch_matmul")
_LOOKED_AT = {*_BEGINNINGS, *PATTERNS}


class _Group:
    """What the calls of one node were fused to, and what that hangs on.

    apart  addends of other steps of time, by index of the result: shown where they stand, at their own step
    """

    def __init__(self, calls: Sequence[Call], counts: Mapping[Value, int], lasting: Set[Value]) -> None:
        self.vanished: set[int] = set()
        self.replaced: dict[int, Call] = {}
        self.hidden: dict[int, list[Call]] = {}
        self.apart: set[int] = set()
        self._calls, self._uses = calls, Uses(calls, counts, lasting)
        self._find()
        self.asked, self.views = self._uses.close(), self._uses.views

    def _find(self) -> None:
        calls, uses = self._calls, self._uses
        names = {call.primitive.name for call in calls}
        if "divide" in names:
            for call, match in row_groups(calls, uses):
                self._replace(call, match)
        self._find_together(names)
        for call in calls if "total" in names else ():
            if call.primitive.name == "total":
                over_time = products_over_time(call, self._uses, self.vanished)
                if over_time is not None and self._may_vanish(over_time):
                    self._replace(call, over_time)
                    self.apart.update([part.result.index for part in self.hidden.pop(call.result.index)])
        for call in calls:
            patterns = PATTERNS.get(call.primitive.name)
            if patterns and self._is_free(call):
                self._match(call, patterns)

    def _find_together(self, names: Set[str]) -> None:
        """What takes several calls, of which each has one that tells where it may be."""
        calls, uses = self._calls, self._uses
        found: list[Iterable[list[tuple[Call, Match]]]] = []
        if not names.isdisjoint(("slice", "place")):  # of gates
            found.append([[one] for one in cell_steps(calls, uses)])
        if not names.isdisjoint(BENDS):
            found.append([[one] for one in bent_sums(calls, uses)])
        if "broadcast" in names:
            found.append(scaled_rows(calls, uses))
        if "batch_matmul" in names:
            found.append(products_of_heads(calls, uses))
        for together in chain.from_iterable(found):
            if all(self._is_free(call) and self._may_vanish(match) for call, match in together):
                for call, match in together:
                    self._replace(call, match)

    def holds(self, counts: Mapping[Value, int], lasting: Set[Value]) -> bool:
        """Whether the same calls would be fused to the same where values are read so often, and these last."""
        return self._uses.hold(counts, lasting)

    def _match(self, call: Call, patterns: Iterable[Pattern]) -> None:
        for pattern in patterns:
            found = pattern(call, self._uses)
            if found is not None and self._may_vanish(found):
                self._replace(call, found)
                return

    def _is_free(self, call: Call) -> bool:
        return call.result.index not in self.vanished and call.result.index not in self.replaced

    def _may_vanish(self, match: Match) -> bool:
        place, vanished, replaced = self._uses.place, self.vanished, self.replaced
        indices = [part.result.index for part in (*match.swallowed, *match.stored)]
        return all(index in place and index not in vanished and index not in replaced for index in indices)

    def _replace(self, call: Call, match: Match) -> None:
        fused = Call(PRIMITIVES[match.primitive], match.operands, dict(match.attributes), call.origin)
        fused.result = call.result
        self.replaced[call.result.index] = fused
        parts = {part.result.index: part for part in match.swallowed}
        if parts:
            self.hidden[call.result.index] = [parts[index] for index in sorted(parts, key=self._uses.place.__getitem__)]
        self.vanished.update([part.result.index for part in (*match.swallowed, *match.stored)])


class _LeftOut(NamedTuple):
    """What was fused, for whoever asks what is left out, and whether some of that belongs to another step."""

    units: Sequence[_Unit] = ()
    strays: bool = False


class _Unit:
    """The stretches of a node, or one of updates, and what they were fused to: a part for each of them.

    asked, views  what that hangs on apart from the calls, see `Uses`
    """

    def __init__(self, stretches: list[Stretch], counts: Mapping[Value, int], lasting: Set[Value]) -> None:
        self.stretches, self.groups = stretches, list[_Group]()
        self.parts: list[Stretch] = stretches
        self.asked, self.views = frozenset[Value](), list[tuple[Value, Call]]()
        if all(stretch.names.isdisjoint(_LOOKED_AT) for stretch in stretches):
            return
        together = [list(chain.from_iterable(stretches))] if stretches[0].node is not None else _by_origin(stretches)
        self.groups = [
            group for group in [_Group(calls, counts, lasting) for calls in together] if group.asked or group.replaced
        ]
        self.asked = frozenset(chain.from_iterable([group.asked for group in self.groups]))
        self.views = list(chain.from_iterable([group.views for group in self.groups]))
        replaced = {index: call for group in self.groups for index, call in group.replaced.items()}
        if replaced:
            vanished = {index for group in self.groups for index in group.vanished}
            self.parts = [
                Stretch([replaced.get(at, call) for call in stretch if (at := call.result.index) not in vanished])
                for stretch in stretches
            ]

    def holds(self, counts: Mapping[Value, int], lasting: Set[Value], changed: Set[Value]) -> bool:
        """Whether the same would come of it now that others than before read the `changed` values."""
        for value, call in self.views:
            if value.call is not call:
                return False
        return self.asked.isdisjoint(changed) or all(group.holds(counts, lasting) for group in self.groups)


def _by_origin(stretches: Iterable[Stretch]) -> list[list[Call]]:
    """Updates, those of each node for themselves: they hang on what other nodes have computed."""
    groups: dict[Origin, list[Call]] = {}
    for call in chain.from_iterable(stretches):
        groups.setdefault(call.origin, []).append(call)
    return list(groups.values())


class Fuser:
    """Fuses one program after another, and keeps what still holds for the next."""

    def __init__(self) -> None:
        self._values: list[Value] | None = None  # which the programs share
        self._known: dict[int, Stretch] = {}  # stretches of the last program, by identity
        self._parts: dict[int, Stretch] = {}  # what they were fused to
        self._reads: dict[Value, int] = {}
        self._lasting: set[Value] = set()
        self._units: dict[object, _Unit] = {}
        self._straying: set[object] = set()  # units of which something is left out at another step
        self._flips = Flips()

    def fuse(self, program: Program, stretches: Sequence[Stretch]) -> Fused:
        """The calls to play at full speed. Calls are fused only within one node, so a step stays a step.

        stretches  all calls of the program; those of a node, and each phase's updates, for themselves
        """
        if self._values is not program.values:
            self.__init__()  # type: ignore[misc]
            self._values = program.values
        now = dict(zip(map(id, stretches), stretches, strict=True))
        gone = [self._known[key] for key in self._known.keys() - now.keys()]
        come = [now[key] for key in now.keys() - self._known.keys()]
        self._known = now
        changed = self._count(program, gone, come)
        self._fuse_anew({_key(stretch) for stretch in (*gone, *come)}, changed, stretches)
        for stretch in gone:
            del self._parts[id(stretch)]
        parts = list(map(self._parts.__getitem__, now))
        played, flips = self._flips.lay_down(program, parts)
        left_out = _LeftOut(list(self._units.values()), bool(self._straying))
        return Fused(stretches, played, flips, left_out, (self._reads, self._lasting))

    def _count(self, program: Program, gone: Sequence[Stretch], come: Sequence[Stretch]) -> set[Value]:
        """How often each value is read, and which last; those that are read by others than before."""
        more: dict[Value, int] = {}
        for sign, stretches in ((-1, gone), (1, come)):
            for value in chain.from_iterable([stretch.operands for stretch in stretches if not _is_left(stretch)]):
                more[value] = more.get(value, 0) + sign
        changed = {value for value, count in more.items() if count}
        self._reads = reads = self._reads.copy()  # the last one belongs to what was made of the last program
        for value in changed:
            count = reads.pop(value, 0) + more[value]
            if count:
                reads[value] = count
        lasting = {*program.outputs.values(), *program.losses}
        lasting.update(*[stretch.operands for stretch in self._known.values() if _is_left(stretch)])
        changed |= lasting ^ self._lasting
        self._lasting = lasting
        return changed

    def _fuse_anew(self, touched: set[object], changed: Set[Value], stretches: Sequence[Stretch]) -> None:
        """Fuse the stretches of the `touched` nodes, and of those that would no longer be fused to the same."""
        reads, lasting, units = self._reads, self._lasting, self._units
        for key, unit in units.items():
            if (unit.views or not unit.asked.isdisjoint(changed)) and not unit.holds(reads, lasting, changed):
                touched.add(key)
        together: dict[object, list[Stretch]] = {}
        for stretch in [one for one in stretches if one.node in touched or id(one) in touched]:
            together.setdefault(_key(stretch), []).append(stretch)
        for key in touched:
            units.pop(key, None)
            self._straying.discard(key)
        for key, mine in together.items():
            units[key] = unit = _Unit(mine, reads, lasting)
            self._parts.update(zip(map(id, mine), unit.parts, strict=True))
            if any(group.apart for group in unit.groups):
                self._straying.add(key)


def _is_left(stretch: Stretch) -> bool:
    """Whether these are updates in which there is nothing to fuse: what they read lasts until they are played."""
    return stretch.node is None and stretch.names.isdisjoint(_LOOKED_AT)


def _key(stretch: Stretch) -> object:
    """What stands for those that are fused together: their node; updates stand for themselves."""
    return stretch.node if stretch.node is not None else id(stretch)


def _show_apart(calls: Iterable[Call], apart: Set[int], vanished: Set[int], hidden: dict[int, list[Call]]) -> None:
    """Let what stands for itself be shown behind the call that is played before it."""
    before = -1
    for call in calls:
        if call.result.index in apart:
            hidden.setdefault(before, []).append(call)
        elif call.result.index not in vanished:
            before = call.result.index
