"""What one node did, read from its calls: the stages of an entry, and the little plans that compute their slopes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engine.explain.live import Array, Live
from engine.explain.notation import Notation
from engine.explain.printing import Printer
from engine.explain.slopes import LocalPlan, Slot, Slots
from engine.explain.trees import Grower, Leaf, Stage
from engine.problems import ProblemError
from engine.program import MONITORS
from engine.values import Call, Part, Value

if TYPE_CHECKING:
    from engine.session import Session

KEPT_PLANS = 256


class Desk:
    """What is kept between two explanations of one plan: symbols, calls by node, the plans of stages."""

    def __init__(self, session: Session) -> None:
        self.session, self.document = session, session.document
        self.notation = Notation(session.program, session.document.graph)
        self._calls: dict[tuple[str, Part, int], list[Call]] = {}
        for call in session.program.calls:
            if call.primitive.name not in MONITORS or call.origin.part == "update":
                self._calls.setdefault((call.origin.node, call.origin.part, call.origin.time), []).append(call)
        self._plans: dict[object, LocalPlan | None] = {}
        self.curves: dict[object, Any] = {}

    def calls(self, node: str, part: Part, time: int = -1) -> list[Call]:
        """The calls of a node in a part of the iteration, at a step of time."""
        return self._calls.get((node, part, time), [])

    def outputs(self, node: str, time: int | None = None) -> list[Value]:
        """The values of a node's output ports, at a step of time (None: the one that is looked at)."""
        outputs = self.session.program.outputs
        mine = [address for address in outputs if address.partition(".")[0] == node and "@" not in address]
        if time is None:
            return [self.session.output(address) for address in mine]
        return [outputs.get(f"{address}@{time}", outputs[address]) for address in mine]

    def local_plan(self, slots: Slots, stage: Stage) -> LocalPlan | None:
        """The plan that computes a stage; None where an operation cannot stand alone."""
        if slots.key not in self._plans:
            if len(self._plans) >= KEPT_PLANS:
                self._plans.pop(next(iter(self._plans)))
            try:
                self._plans[slots.key] = LocalPlan(stage.tree, slots)
            except ProblemError:
                self._plans[slots.key] = None
        return self._plans[slots.key]

    def read(self, node: str, value: Value, row: int, unit: int, live: Live, part: Part = "forward") -> Reading:
        """The stages of one entry of a node's value."""
        calls = self.calls(node, part, value.call.origin.time if value.call is not None else -1)
        drawn = self.session.document.graph.nodes.get(node)
        kind = drawn.kind if drawn is not None else None
        inside = frozenset([call.result.index for call in calls])
        is_loss = kind is not None and kind.category == "Losses"
        grower = Grower(live, self.notation, inside, row, unit, is_loss)
        stages = grower.grow(value, live.entry(value, row, unit), calls)
        return Reading(stages, Printer(live, grower.symbol), live, self)


@dataclass
class Played:
    """A stage with its numbers: its value as computed again, and its derivative by each of its slots."""

    stage: Stage
    slots: Slots
    value: float | None
    slopes: list[Array | None]
    plan: LocalPlan | None
    elsewhere: dict[tuple[int, int], list[Array | None]] = field(default_factory=dict)  # slopes in other rows and units

    def slope(self, leaf: Leaf) -> float | None:
        """The derivative by a single entry."""
        place = self.slots.find(leaf)
        found = self.slopes[place] if place is not None else None
        return None if found is None else float(found.reshape(-1)[0])


@dataclass
class Reading:
    """The stages of one entry, operands before results, and who writes them."""

    stages: list[Stage]
    printer: Printer
    live: Live
    desk: Desk
    _played: dict[int, Played] = field(default_factory=dict)

    def play(self, stage: Stage) -> Played:
        """The stage on its own plan, with the numbers of this step; slopes are None where a number is missing."""
        if id(stage) not in self._played:
            self._played[id(stage)] = self._play(stage)
        return self._played[id(stage)]

    def _play(self, stage: Stage) -> Played:
        slots = Slots(stage.tree, self.live)
        nothing: list[Array | None] = [None for _ in slots.slots]
        plan = self.desk.local_plan(slots, stage) if not isinstance(stage.tree, Leaf) else None
        numbers = numbers_of(slots.slots, self.live)
        if plan is None or numbers is None:
            return Played(stage, slots, None, nothing, plan)
        value, slopes = plan.play(numbers)
        return Played(stage, slots, value, slopes, plan)


def numbers_of(slots: list[Slot], live: Live) -> list[Array] | None:
    """What stands in the slots; None if one of them was not computed yet."""
    numbers = [slot.read(live) for slot in slots]
    known = [array for array in numbers if array is not None]
    return known if len(known) == len(numbers) else None
