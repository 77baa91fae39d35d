"""What is learned: the derivatives of each phase's objective and the updates they lead to, and rules without an objective."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.graph import Graph
from engine.primitives.base import entries
from engine.problems import Problem, ProblemError, did_you_mean
from engine.program import MONITORS, Builder, Program
from engine.reverse import Reverse
from engine.stretch import Stretch
from engine.structure import Drawn
from engine.training import DriverType, Moves, Phase, emit_update
from engine.values import Call, Origin, Value, owner_of, shape_text
from engine.wiring import late_operands

if TYPE_CHECKING:
    from engine.lowering import Lowered

HISTORY_BINS = 4096  # of (minimum, maximum, last) loss; when all are full, neighbours merge


class Update(NamedTuple):
    """What a phase does to its parameters, and all that it was emitted from."""

    basis: tuple[Any, ...]
    stretches: list[Stretch]
    steps: list[Origin]
    sources: dict[str, Value]
    moves: Moves
    flags: dict[Value, Call]  # what watches each parameter


_owner = attrgetter("source.owner")


@dataclass
class Learned:
    """What phases and rules came to, kept for the next lowering.

    drawn  how many of the program's stretches are forward; behind them come derivatives, updates and rules
    flags  by index of a value that leads nowhere: what watches it
    """

    phases: list[Reverse] = field(default_factory=list)
    updates: dict[int, Update] = field(default_factory=dict)
    drawn: int = 0
    flags: dict[int, Stretch] = field(default_factory=dict)


def lower_phases(document: Drawn, result: Lowered, before: Learned, with_updates: bool) -> None:
    """Emit each phase's derivatives and updates; what keeps a phase from being played is told in the problems."""
    # All derivatives first, then all updates: a later phase's derivatives belong to the values that were just computed,
    # and these to the parameters as they were then. Where phases take turns, an iteration plays those of one.
    program, in_turn = result.program, document.training.turns == "in_turn"
    result.learned.drawn = len(result.stretches)
    played: list[Phase] = []
    for index, phase in enumerate(document.training.phases):
        number = len(played)  # of the sound phases: origins, losses and gradients count alike
        problem = _phase_problem(phase, index, played, in_turn)
        if problem is not None:
            result.problems.append(problem)
            if problem.severity == "error":
                continue
        objective = _objective(document.graph, phase, result, index)
        if objective is None:
            continue
        reverse = Reverse(number)
        kept = before.phases[number] if number < len(before.phases) else None
        turned = Origin(phase.objective.partition(".")[0], "backward", number) if phase.maximise else None
        try:
            loss = reverse.derive(result, objective, turned, kept)
        except ProblemError as error:
            result.problems.extend(error.problems)
            continue
        played.append(phase)
        result.learned.phases.append(reverse)
        program.losses.append(loss)
        program.objectives.append(objective)
        program.gradients.append(reverse.found)
    for reverse in result.learned.phases:
        program.calls += chain.from_iterable(reverse.stretches)
        result.stretches += reverse.stretches
        program.steps += reverse.steps
    if with_updates:
        for number, phase in enumerate(played):
            index = document.training.phases.index(phase)
            result.problems.extend(_strangers(phase, index, result))
            _lower_update(document.graph, phase, number, result, before)
    if in_turn and len(played) > 1:
        program.turns = [number for number, phase in enumerate(played) for _ in range(phase.times)]


def _phase_problem(phase: Phase, index: int, before: Sequence[Phase], in_turn: bool) -> Problem | None:
    """What keeps a phase from being played as it is written, apart from its objective."""
    path = f"training.phases[{index}]"
    if any(other.name == phase.name for other in before):
        fact = f"two phases are called “{phase.name}”, and the later one is left out"
        return Problem(fact, "Give each phase a name of its own.", path=f"{path}.name", kind="duplicate")
    if phase.times != 1 and not in_turn:
        fact = f"the phase “{phase.name}” is played together with the others, once an iteration and not {phase.times} times"
        mend = "Let the phases take turns, or set “times” to 1."
        return Problem(fact, mend, path=f"{path}.times", severity="warning", kind="unsupported")
    return None


def _strangers(phase: Phase, index: int, result: Lowered) -> list[Problem]:
    """What a phase names as its parameters, and is none, though its node is there."""
    if isinstance(phase.parameters, str):
        return []
    program = result.program
    parameters = [address for address, value in program.sources.items() if value.source and value.source.trainable]
    owners = {name for address in parameters for name in _around(address)}
    lowered = {name for origin in program.steps for name in _around(origin.node)}
    return [
        Problem(
            f"“{address}” is no parameter",
            did_you_mean(address[:80], parameters) or "Name a node with parameters, or one of them.",
            path=f"training.phases[{index}].parameters[{place}]",
            kind="unknown",
        )
        for place, address in enumerate(phase.parameters)
        if address not in parameters and address not in owners and address.partition(".")[0] in lowered
    ]


def _objective(graph: Graph, phase: Phase, result: Lowered, index: int) -> Value | None:
    name = phase.objective
    if not name:
        return None
    node = graph.nodes.get(name.partition(".")[0])
    path = f"training.phases[{index}].{'maximise' if phase.maximise else 'minimise'}"
    if node is None:
        mend = "Choose a node whose output is one number."
        result.problems.append(Problem(f"there is no node “{name}” to minimise", mend, path=path, kind="unknown"))
        return None
    if "." in name and node.kind is not None and node.kind.output(name.partition(".")[2]) is None:
        known = [f"{node.id}.{port.name}" for port in node.kind.outputs]
        fact = f"“{node.name}” has no output “{name.partition('.')[2]}”"
        mend = did_you_mean(name[:80], known) or f"It has {', '.join(known)}."
        result.problems.append(Problem(fact, mend, path=path, node=node.id, kind="unknown"))
        return None
    outputs = result.program.outputs
    port = node.kind.outputs[0].name if node.kind and node.kind.outputs else ""
    value = outputs.get(name if "." in name else f"{name}.{port}")
    if value is None:
        return None  # the node itself is not sound: the problem stands there
    if value.shape != ():
        fact = f"“{node.name}” has the shape {shape_text(value.shape)}, and only one number can be minimised"
        result.problems.append(
            Problem(fact, "Put a loss, a mean or a sum behind it.", path=path, node=node.id, kind="loss")
        )
        return None
    return value


def _lower_update(graph: Graph, phase: Phase, index: int, result: Lowered, before: Learned) -> None:
    program = result.program
    found, objective = program.gradients[index], program.objectives[index]
    chosen = [
        value
        for value in program.sources.values()
        if value.learns and value.index in found and value.source is not None and value.source.role == "parameter"
    ]
    if phase.parameters != "all":
        chosen = [value for value in chosen if _is_meant(phase, value)]
    still = _still(graph, phase)
    if still:
        chosen = [value for value in chosen if owner_of(value) not in still]
    if not chosen or not _can_drive(graph, phase, chosen, result):
        return
    basis = (phase.structure, chosen, [found[value.index] for value in chosen], objective)
    update = before.updates.get(index)
    if update is None or update.basis != basis:
        update = _update(phase, index, chosen, basis, program, update)
    else:
        program.calls += chain.from_iterable(update.stretches)
        program.sources.update(update.sources)
    program.steps += update.steps
    result.stretches += update.stretches
    result.learned.updates[index] = update


def _update(
    phase: Phase, index: int, chosen: list[Value], basis: tuple[Any, ...], program: Program, before: Update | None
) -> Update:
    build, objective = program.build, program.objectives[index]
    build.take_asked()
    former = before.moves if before is not None else None
    moves = emit_update(build, phase, index, chosen, program.gradients[index], objective, former)
    nodes = list(dict.fromkeys(map(_owner, chosen)))
    steps = before.steps if before is not None else []
    if [step.node for step in steps] != nodes:
        steps = [Origin(name, "update", index) for name in nodes]
    build.origin = steps[-1]
    known = before.flags if before is not None and before.steps[-1] == build.origin else {}
    flags = known if [*known] == chosen else {value: known.get(value) or _flag(build, value) for value in chosen}
    watching = Stretch.of_flags(flags.values())
    program.calls += watching
    begun = len(program.calls)
    bins = build.source("state", f"training.{phase.name}.loss_history", (HISTORY_BINS, 3), 0.0)
    counters = build.source("state", f"training.{phase.name}.loss_counters", (3,), 0, kind="whole")
    build.emit("history_ring", bins, counters, objective)
    stretches = [*moves.stretches, watching, Stretch(program.calls[begun:])]
    return Update(basis, stretches, steps, build.take_asked(), moves, flags)


def _flag(build: Builder, value: Value) -> Call:
    """A call of its own that watches a value, which the program does not hold yet."""
    build.emit("non_finite_flag", value)
    return build.program.calls.pop()


def _can_drive(graph: Graph, phase: Phase, chosen: Sequence[Value], result: Lowered) -> bool:
    """Whether a driver can take these parameters' steps, where one is chosen; what it cannot do is told in the problems."""
    kind, path = phase.optimizer.kind, f"training.{phase.name}.optimizer"
    if not isinstance(kind, DriverType):
        return True
    name = kind.title.partition(" (")[0]
    for family, one in phase.choices.items():
        if not phase.takes_part(family) and not one.is_default:
            fact = f"{name} finds its own steps: the {family.replace('_', ' ')} “{one.type}” has no part in them"
            mend = "Draw a penalty as a node and add it to the loss; take the others out."
            result.problems.append(Problem(fact, mend, path=path, severity="warning", kind="unsupported"))
    size = sum([entries(value.shape) for value in chosen])
    if result.iterations > 1 or result.dropped:
        fact = f"{name} needs all rows at once, and a batch has {result.batch} of them"
        result.problems.append(Problem(fact, "Set the batch size to 0, which takes all rows.", path=path, kind="batch"))
        return False
    if size > kind.most:
        fact = f"{name} is for up to {kind.most} numbers that are learned, and here are {size}"
        result.problems.append(Problem(fact, "Choose L-BFGS, or freeze some nodes.", path=path, kind="size"))
        return False
    if kind.is_of_prediction(phase.optimizer.words):
        try:
            prediction_of(graph, phase.objective)
        except ProblemError as error:
            result.problems.extend(error.problems)
            return False
    return True


def prediction_of(graph: Graph, objective: str) -> str:
    """The address of what is wired into a loss as its prediction. Raises `ProblemError` where nothing is."""
    node = objective.partition(".")[0]
    for wire in graph.wires_into(node):
        if wire.target_port in ("prediction", "logits"):
            return wire.source
    fact = "the Gauss-Newton matrix needs a loss with a prediction wired into it"
    raise ProblemError(
        Problem(fact, "Minimise such a loss itself, or choose another optimizer.", node=node, kind="loss")
    )


def _still(graph: Graph, phase: Phase) -> set[str]:
    """The nodes whose parameters a phase leaves as they are."""
    still = {name for name, node in graph.nodes.items() if node.flags and "frozen" in node.flags}
    if phase.parameters == "all":
        # A node with a rule of its own follows a derivative instead only where the phase names it.
        kinds = {kind for kind in graph.kinds() if kind.category == "Learning rules"}
        if kinds:
            still.update([name for name, node in graph.nodes.items() if node.kind in kinds])
    return still


def _is_meant(phase: Phase, value: Value) -> bool:
    """Whether a phase names this parameter, or what it belongs to."""
    address = value.source.address if value.source is not None else ""
    return address in phase.parameters or any(name in phase.parameters for name in _around(address))


def _around(address: str) -> list[str]:
    """The node of an address and the uses of composites that it stands in: `block_1/dense_1` and `block_1`."""
    levels = address.partition(".")[0].split("/")
    return ["/".join(levels[: depth + 1]) for depth in range(len(levels))]


def lower_rules(graph: Graph, result: Lowered) -> None:
    """Emit the updates of nodes that learn by a rule of their own."""
    program, build = result.program, result.program.build
    tuned = {step.node for step in program.steps if step.part == "update"} if build.rules else set[str]()
    for node, rule in build.rules:
        if "frozen" in graph.nodes[node].flags or node in tuned:
            continue
        build.origin = Origin(node, "update")
        mark, forget = len(program.calls), build.mark()
        late = late_operands(graph.nodes[node], graph, program.outputs)
        if late is None:
            forget()
            continue
        build.late = late
        try:
            rule()
        except ProblemError as error:
            forget()
            result.problems.extend(error.at(node=node).problems)
            continue
        if len(program.calls) > mark:
            program.steps.append(build.origin)
        for call in program.calls[mark:]:
            for position in call.primitive.writes if call.primitive.name not in MONITORS else ():
                build.emit("non_finite_flag", call.operands[position])
        result.stretches.append(Stretch(program.calls[mark:]))
