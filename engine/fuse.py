"""Several calls played as one: the last pass before planning. The program itself stays as it was drawn.

A fused call computes the result of the last call it replaces; what lies between is not stored at full speed. It is still
computed where somebody can look: the tape's shown code plays the replaced calls behind the fused one (`Fused.hidden`), so
the numbers of training are the same bits with and without an onlooker.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from functools import cached_property
from itertools import chain
from typing import NamedTuple

from engine.ends import same_ends
from engine.fuse_cells import cell_steps
from engine.fuse_flips import Flips
from engine.fuse_heads import products_of_heads
from engine.fuse_patterns import PATTERNS
from engine.fuse_rows import row_groups, scaled_rows
from engine.fuse_sums import BENDS, bent_sums
from engine.fuse_time import products_over_time
from engine.matching import Match, Pattern, Uses
from engine.program import Program
from engine.stretch import Stretch
from engine.values import PRIMITIVES, Call, Origin, Value


class Fused:
    """The calls to play at full speed. Fusing waits until they are asked for: behind an edit that is one step's first."""

    def __init__(self, fuser: Fuser, program: Program, drawn: Sequence[Stretch]) -> None:
        self._put: Callable[[Sequence[Call]], None] | None = None
        self._fuser, self._program, self._drawn = fuser, program, drawn
        self._reads, self._lasting = fuser.reads, fuser.lasting

    def is_read(self, value: Value) -> bool:
        """Whether a value is read by what was drawn, or looked at."""
        return value in self._reads or value in self._lasting

    @cached_property
    def _done(self) -> _Done:
        # Another program may have been fused since: then nothing that is kept there is about this one.
        fuser = self._fuser if self._fuser.is_at(self._reads) else Fuser()
        if fuser is not self._fuser:
            fuser.fuse(self._program, self._drawn)
        done = fuser.finish(self._program, self._drawn)
        if self._put is not None:
            self._put(done.flips)
        return done

    def flips_to(self, put: Callable[[Sequence[Call]], None]) -> None:
        """Let the transposed copies have their places as soon as they are known."""
        self._put = put
        if "_done" in self.__dict__:
            put(self.flips)

    @property
    def flips(self) -> list[Call]:
        """The transposed copies."""
        return self._done.flips

    @cached_property
    def calls(self) -> list[Call]:
        """All of them, in their order, and the transposed copies among them."""
        return list(chain.from_iterable(self._done.parts))

    @cached_property
    def hidden(self) -> dict[int, list[Call]]:
        """For the index of a call's result the calls whose results it leaves out."""
        hidden: dict[int, list[Call]] = {}
        groups = list(chain.from_iterable([unit.groups for unit in self._done.units]))
        for group in groups:
            hidden.update(group.hidden)
        if any(group.apart for group in groups):  # some of it belongs to another step than the call that stands for it
            hidden = {index: parts.copy() for index, parts in hidden.items()}  # what groups keep stays as it is
            apart = {index for group in groups for index in group.apart}
            vanished = {index for group in groups for index in group.vanished}
            _show_apart(chain.from_iterable(self._drawn), apart, vanished, hidden)
        return hidden

    @cached_property
    def shown(self) -> list[Call]:
        """All that an iteration computes."""
        return _shown(self.calls, self.hidden)

    def shown_of(self, origin: Origin) -> list[Call] | None:
        """What one step forward or backward computes; None where more than its node has to be fused to know that."""
        if not self._fuser.is_at(self._reads):
            return None
        unit = self._fuser.unit_of(origin.node, self._drawn)
        copies = any(stretch.reads_columns for stretch in unit.stretches if stretch[0].origin == origin)
        if copies or any(group.apart for group in unit.groups):
            return None
        hidden = {index: parts for group in unit.groups for index, parts in group.hidden.items()}
        return _shown([call for part in unit.parts for call in part if call.origin == origin], hidden)


class _Done(NamedTuple):
    """What everything was fused to: the calls of each stretch with the transposed copies that it brings in."""

    parts: Sequence[Sequence[Call]]
    flips: list[Call]
    units: Sequence[_Unit]


def _shown(calls: list[Call], hidden: Mapping[int, Sequence[Call]]) -> list[Call]:
    """Calls, and behind each fused one those that it stands for."""
    if not hidden:
        return calls
    shown: list[Call] = []
    for call in calls:
        shown.append(call)
        shown.extend(hidden.get(call.result.index, ()))
    return shown


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

    def may_change(self, changed: Set[Value]) -> bool:
        """Whether something else may come of it now that others than before read the `changed` values."""
        return bool(self.views) or not self.asked.isdisjoint(changed)

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
    """Fuses one program after another, and keeps what still holds for the next.

    reads, lasting  how often each value is read, and which are looked at or last until the end
    """

    def __init__(self) -> None:
        self.reads: dict[Value, int] = {}
        self.lasting: set[Value] = set()
        self._values: list[Value] | None = None  # which the programs share
        self._drawn: Sequence[Stretch] = []  # those of the last program
        self._left: dict[Value, int] = {}  # how often each is read by updates in which there is nothing to fuse
        self._units: dict[object, _Unit] = {}  # of what was fused since it was drawn
        self._changed = set[Value]()  # those that others read, or that last, than when the last program was finished
        self._flips = Flips()

    def fuse(self, program: Program, stretches: Sequence[Stretch]) -> Fused:
        """The calls to play at full speed. Calls are fused only within one node, so a step stays a step.

        stretches  all calls of the program; those of a node, and each phase's updates, for themselves
        """
        if self._values is not program.values:
            self.__init__()  # type: ignore[misc]
            self._values = program.values
        gone, come = _exchanged(self._drawn, stretches)
        self._drawn = stretches
        self._count(program, gone, come)
        for stretch in (*gone, *come):
            self._units.pop(_key(stretch), None)
        return Fused(self, program, stretches)

    def is_at(self, reads: Mapping[Value, int]) -> bool:
        """Whether the last program is the one whose values are read so often."""
        return reads is self.reads

    def unit_of(self, node: str, stretches: Sequence[Stretch]) -> _Unit:
        """What the stretches of one node are fused to."""
        unit = self._units.get(node)
        if unit is None or not self._holds(unit):
            mine = [stretch for stretch in stretches if stretch.node == node]
            unit = self._units[node] = _Unit(mine, self.reads, self.lasting)
        return unit

    def finish(self, program: Program, stretches: Sequence[Stretch]) -> _Done:
        """Fuse what was not fused yet, and what would no longer be fused to the same."""
        units, changed = self._units, self._changed
        for key in [key for key, unit in units.items() if unit.may_change(changed) and not self._holds(unit)]:
            del units[key]
        self._changed = set()
        together: dict[object, list[Stretch]] = {}
        for stretch in stretches:
            key = _key(stretch)
            if key not in units:
                together.setdefault(key, []).append(stretch)
        for key, mine in together.items():
            units[key] = _Unit(mine, self.reads, self.lasting)
        fused = {
            id(stretch): part
            for unit in units.values()
            for stretch, part in zip(unit.stretches, unit.parts, strict=True)
        }
        parts = list(map(fused.__getitem__, map(id, stretches)))
        played, flips = self._flips.lay_down(program, parts)
        return _Done(played, flips, list(units.values()))

    def _holds(self, unit: _Unit) -> bool:
        return unit.holds(self.reads, self.lasting, self._changed)

    def _count(self, program: Program, gone: Sequence[Stretch], come: Sequence[Stretch]) -> None:
        """How often each value is read, and which last; note those that are read by others than before."""
        more: tuple[dict[Value, int], dict[Value, int]] = {}, {}
        for sign, stretches in ((-1, gone), (1, come)):
            for stretch in stretches:
                counts = more[_is_left(stretch)]
                for value in stretch.operands:
                    counts[value] = counts.get(value, 0) + sign
        self.reads, changed = _counted(self.reads, more[False])
        self._left, _ = _counted(self._left, more[True])
        lasting = {*program.outputs.values(), *program.losses, *self._left}
        self._changed |= changed
        self._changed |= lasting ^ self.lasting
        self.lasting = lasting


def _exchanged(some: Sequence[Stretch], others: Sequence[Stretch]) -> tuple[list[Stretch], list[Stretch]]:
    """Which of some are not among the others, and which of the others not among them."""
    head, tail = same_ends(some, others)
    gone, come = ({id(one): one for one in part[head : len(part) - tail]} for part in (some, others))
    return [gone[key] for key in gone.keys() - come.keys()], [come[key] for key in come.keys() - gone.keys()]


def _counted(counts: dict[Value, int], more: Mapping[Value, int]) -> tuple[dict[Value, int], set[Value]]:
    """How often values are counted with these as well, and which have another count now. The former counts stay."""
    counts, changed = counts.copy(), {value for value, count in more.items() if count}
    for value in changed:
        count = counts.pop(value, 0) + more[value]
        if count:
            counts[value] = count
    return counts, changed


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
