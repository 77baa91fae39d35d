"""From what is drawn to what is computed: every sound node is lowered in order, then derivatives and updates follow."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, Protocol

import engine.primitives  # noqa: F401  (registers them)
from engine.datasets import Dataset
from engine.differentiate import gradients
from engine.graph import Graph, Node
from engine.initialisers import stream
from engine.nodes.base import NodeType
from engine.problems import Problem, ProblemError, did_you_mean, shape_mismatch
from engine.program import B, Origin, Part, Program, Shape, Value, shape_text
from engine.simplify import remove_dead_calls
from engine.training import Phase, Training, emit_update

if TYPE_CHECKING:
    from engine.graph import Wire

Mode = Literal["train", "evaluate"]
HISTORY_BINS = 4096  # of (minimum, maximum, last) loss; when all are full, neighbours merge


class Drawn(Protocol):
    """What lowering needs of a document."""

    graph: Graph
    training: Training


@dataclass
class Lowered:
    """A program, what kept parts of the drawing out of it, and how its batches are taken."""

    program: Program
    problems: list[Problem] = field(default_factory=list)
    batch: int = 1
    short: int = 0  # rows of a shorter last batch; 0: there is none
    full_iterations: int = 1  # whole batches an epoch
    iterations: int = 1  # all iterations an epoch
    rows: Value | None = None  # which rows of the data this iteration takes; None: all of them, in order

    @property
    def shapes(self) -> dict[str, Shape]:
        """Shape of every output, as `node.port`."""
        return {address: value.shape for address, value in self.program.outputs.items()}


@dataclass
class Inference:
    """What the canvas wants to know without running anything: shapes by `node.port`, and every problem of the graph."""

    shapes: dict[str, Shape]
    problems: list[Problem]


def infer(document: Drawn, dataset: Dataset | None = None) -> Inference:
    """Shapes and problems of a drawing; differentiates too, so that a metric asked for a gradient is named."""
    lowered = lower(document, dataset)
    return Inference(lowered.shapes, lowered.problems)


def refusal(document: Drawn, source: str, target: str, dataset: Dataset | None = None) -> Problem | None:
    """Why this wire cannot be drawn: ports, cycle, or shapes anywhere behind it; None if it can."""
    graph = document.graph
    problem = graph.refusal(source, target)
    if problem is not None:
        return problem
    before = set(lower(document, dataset, parts=("forward",)).problems)
    trial = graph.copy()
    trial.connect(source, target)
    after = lower(_Trial(trial, document.training), dataset, parts=("forward",)).problems
    return next((problem for problem in after if problem.kind == "shape" and problem not in before), None)


@dataclass
class _Trial:
    graph: Graph
    training: Training


def lower(
    document: Drawn,
    dataset: Dataset | None = None,
    *,
    mode: Mode = "train",
    parts: Sequence[Part] = ("forward", "backward", "update"),
) -> Lowered:
    """The program of a drawing.

    In mode `train` batches are gathered from the training rows of `dataset`; in mode `evaluate` whoever plays the program
    fills `data.inputs` and `data.targets` with as many rows as the batch has. Mistakes leave out the nodes they concern
    and all that depends on these; they are told in `problems`, and the sound part is there to run.
    """
    program = Program()
    program.build.training = mode == "train"
    result = Lowered(program)
    feed = _Feed(program, dataset, document.training, mode, result)
    program.build.feeder = feed
    _lower_nodes(document.graph, result)
    if "backward" in parts:
        _lower_phases(document, result, "update" in parts)
    if "update" in parts:
        _lower_rules(document.graph, result)
    return result


def _lower_nodes(graph: Graph, result: Lowered) -> None:
    order, circular = graph.in_order()
    for name in circular:
        fact = f"“{graph.nodes[name].name}” waits for itself"
        result.problems.append(Problem(fact, "Take out one wire of the cycle.", node=name, kind="cycle"))
    wires: dict[str, list[Wire]] = {}
    for wire in graph.wires:
        wires.setdefault(wire.target_node, []).append(wire)
    for name in order:
        _lower_node(graph.nodes[name], wires.get(name, []), result)


def _lower_node(node: Node, wires: Sequence[Wire], result: Lowered) -> None:
    kind = node.kind
    if kind is None:
        return  # the document says so already, with a guess
    sound, problems = kind.check_properties(node.properties)
    program, build = result.program, result.program.build
    build.origin = Origin(node.id, "forward")
    forget, rows = build.mark(), result.rows
    operands, complete = _operands(node, kind, sound, wires, result)
    result.problems.extend(problem.at(node=node.id) for problem in problems)
    if problems or not complete:
        forget()
        return
    try:
        values = kind(sound).lower(build, **operands)
        outputs = values if isinstance(values, dict) else {kind.outputs[0].name: values}
        outputs = _flagged(node, operands, outputs, build.emit)
    except ProblemError as error:
        result.problems.extend(error.at(node=node.id).problems)
        forget()
        result.rows = rows
        return
    program.steps.append(build.origin)
    program.outputs.update({f"{node.id}.{port}": value for port, value in outputs.items()})


def _operands(
    node: Node, kind: type[NodeType], sound: Mapping[str, Any], wires: Sequence[Wire], result: Lowered
) -> tuple[dict[str, Any], bool]:
    """Values by input port, and whether all that are needed are there."""
    operands: dict[str, Any] = {}
    complete = True
    outputs = result.program.outputs
    for port in kind.inputs:
        mine = sorted([wire for wire in wires if wire.target_port == port.name], key=lambda wire: wire.order)
        values = [_carried(wire, outputs[wire.source]) for wire in mine if wire.source in outputs]
        if len(values) < len(mine):
            complete = False  # something before is not sound: the problem stands there
        elif values:
            operands[port.name] = values if port.many else values[0]
        elif port.default is not None:
            operands[port.name] = result.program.build.setting(port.name, sound.get(port.name, port.default))
        elif port.optional:
            operands[port.name] = None
        else:
            complete = False
            fact = f"nothing is connected to “{port.name}”"
            mend = "Pull a wire from an output to it."
            result.problems.append(Problem(fact, mend, node=node.id, port=port.name, severity="warning", kind="free"))
    return operands, complete


def _carried(wire: Wire, value: Value) -> Value:
    return value.program.build.zeros_like(value) if wire.muted else value


def _flagged(
    node: Node, operands: Mapping[str, Any], outputs: dict[str, Value], emit: Callable[..., Value]
) -> dict[str, Value]:
    if "muted" in node.flags:
        return {port: value.program.build.zeros_like(value) for port, value in outputs.items()}
    if "bypassed" in node.flags:
        through = next((value for value in operands.values() if isinstance(value, Value)), None)
        for port, value in outputs.items():
            if through is None or through.shape != value.shape:
                shape = shape_text(through.shape) if through is not None else "nothing"
                raise shape_mismatch(
                    f"{shape} cannot pass in place of {shape_text(value.shape)}", "Mute it, or take the bypass off."
                )
            outputs[port] = through
    return outputs


def _lower_phases(document: Drawn, result: Lowered, with_updates: bool) -> None:
    # All derivatives first, then all updates: a later phase's derivatives belong to the values that were just computed,
    # and these to the parameters as they were then.
    program = result.program
    played: list[Phase] = []
    for index, phase in enumerate(document.training.phases):
        number = len(played)  # of the sound phases: origins, losses and gradients count alike
        problem = _phase_problem(phase, index, played)
        if problem is not None:
            result.problems.append(problem)
            if problem.severity == "error":
                continue
        objective = _objective(document.graph, phase, result, index)
        if objective is None:
            continue
        mark, loss = len(program.calls), objective
        try:
            if phase.maximise:
                program.build.origin = Origin(phase.objective.partition(".")[0], "backward", number)
                loss = -objective
            found = gradients(program, loss, phase=number)
        except ProblemError as error:
            result.problems.extend(error.problems)
            del program.calls[mark:]
            continue
        played.append(phase)
        program.losses.append(loss)
        program.objectives.append(objective)
        program.gradients.append(found)
        _backward_steps(program, number, found)
    if with_updates:
        for number, phase in enumerate(played):
            index = document.training.phases.index(phase)
            result.problems.extend(_strangers(phase, index, result))
            _lower_update(document.graph, phase, number, result)
    roots = [gradient for found in program.gradients for gradient in _shown(program, found)]
    remove_dead_calls(program, roots)


def _phase_problem(phase: Phase, index: int, before: Sequence[Phase]) -> Problem | None:
    """What keeps a phase from being played as it is written, apart from its objective."""
    path = f"training.phases[{index}]"
    if any(other.name == phase.name for other in before):
        fact = f"two phases are called “{phase.name}”, and the later one is left out"
        return Problem(fact, "Give each phase a name of its own.", path=f"{path}.name", kind="duplicate")
    if phase.times != 1:
        fact = f"the phase “{phase.name}” is played once an iteration, not {phase.times} times"
        return Problem(fact, "Set “times” to 1.", path=f"{path}.times", severity="warning", kind="unsupported")
    return None


def _strangers(phase: Phase, index: int, result: Lowered) -> list[Problem]:
    """What a phase names as its parameters, and is none, though its node is there."""
    if isinstance(phase.parameters, str):
        return []
    program = result.program
    parameters = [address for address, value in program.sources.items() if value.source and value.source.trainable]
    owners = {address.partition(".")[0] for address in parameters}
    lowered = {origin.node for origin in program.steps}
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


def _backward_steps(program: Program, phase: int, found: Mapping[int, Value]) -> None:
    """Nodes whose outputs or parameters have a gradient, last first: the order in which the light goes back."""
    touched = {address.partition(".")[0] for address, value in program.outputs.items() if value.index in found}
    touched.update(
        call.origin.node for call in program.calls if call.origin.part == "backward" and call.origin.phase == phase
    )
    forward = [origin.node for origin in program.steps if origin.part == "forward"]
    program.steps.extend(Origin(name, "backward", phase) for name in reversed(forward) if name in touched)
    _sort_backward(program, phase)


def _sort_backward(program: Program, phase: int) -> None:
    # A shared parameter's total is emitted last but belongs to its node's step, which comes last as well; anything else
    # is in order already. A stable sort by step keeps definitions before uses, the verifier checks it.
    position = {origin: index for index, origin in enumerate(program.steps)}
    mine = [call for call in program.calls if call.origin.part == "backward" and call.origin.phase == phase]
    if any(position[one.origin] > position[other.origin] for one, other in pairwise(mine)):
        rest = [call for call in program.calls if not (call.origin.part == "backward" and call.origin.phase == phase)]
        program.calls = rest + sorted(mine, key=lambda call: position[call.origin])


def _shown(program: Program, found: Mapping[int, Value]) -> list[Value]:
    """The gradients somebody can look at: those of outputs and of sources."""
    wanted = {value.index for value in program.outputs.values()} | {value.index for value in program.sources.values()}
    return [gradient for index, gradient in found.items() if index in wanted]


def _lower_update(graph: Graph, phase: Phase, index: int, result: Lowered) -> None:
    program, build = result.program, result.program.build
    found, objective = program.gradients[index], program.objectives[index]
    chosen = [value for value in program.sources.values() if _learns(graph, phase, value) and value.index in found]
    if not chosen:
        return
    nodes = list(dict.fromkeys([_owner(value) for value in chosen]))
    program.steps.extend(Origin(name, "update", index) for name in nodes)
    emit_update(build, phase, index, chosen, found, objective)
    build.origin = Origin(nodes[-1], "update", index)
    for value in chosen:
        build.emit("non_finite_flag", value)
    bins = build.source("state", f"training.{phase.name}.loss_history", (HISTORY_BINS, 3), 0.0)
    counters = build.source("state", f"training.{phase.name}.loss_counters", (3,), 0, kind="whole")
    build.emit("history_ring", bins, counters, objective)


def _learns(graph: Graph, phase: Phase, value: Value) -> bool:
    if value.source is None or value.source.role != "parameter":
        return False
    node = graph.nodes.get(_owner(value))
    if node is not None and ("frozen" in node.flags or _has_own_rule(node)):
        return False
    return phase.parameters == "all" or value.source.address in phase.parameters or _owner(value) in phase.parameters


def _has_own_rule(node: Node) -> bool:
    return node.kind is not None and node.kind.category == "Learning rules"


def _owner(value: Value) -> str:
    return value.source.address.partition(".")[0] if value.source else ""


def _lower_rules(graph: Graph, result: Lowered) -> None:
    program, build = result.program, result.program.build
    for node, rule in build.rules:
        if "frozen" in graph.nodes[node].flags:
            continue
        build.origin = Origin(node, "update")
        program.steps.append(build.origin)
        mark = len(program.calls)
        rule()
        for call in program.calls[mark:]:
            for position in call.primitive.writes:
                build.emit("non_finite_flag", call.operands[position])


class _Feed:
    """Hands inputs and targets to the nodes that ask: gathered rows in training, a table to fill in evaluation."""

    def __init__(
        self, program: Program, dataset: Dataset | None, training: Training, mode: Mode, result: Lowered
    ) -> None:
        self.program, self.dataset, self.training, self.result = program, dataset, training, result
        self.gathers = mode == "train" and dataset is not None
        if dataset is not None:
            self._batches(len(dataset.train_rows))
            if dataset.targets.dtype.kind in "iu" and dataset.targets.size:
                program.build.classes = int(dataset.targets.max()) + 1

    def _batches(self, rows: int) -> None:
        training, result = self.training, self.result
        batch = min(training.batch_size or rows, rows)
        rest = rows % batch
        result.batch = batch
        result.full_iterations = result.iterations = rows // batch
        if rest and training.last_batch == "short":
            result.short, result.iterations = rest, rows // batch + 1
        elif rest and training.last_batch == "wrap":
            result.full_iterations = result.iterations = rows // batch + 1
        self.whole = batch == rows and training.order == "sequential"

    def __call__(self, name: str, shape: tuple[int, ...] | None) -> Value:
        program, build = self.program, self.program.build
        if self.dataset is None:
            if shape is None:
                raise ProblemError(Problem("there is no data yet", "Choose a data set, or set the shape.", kind="data"))
            return build.source("data", f"data.{name}", (B, *shape), None)
        table = self.dataset.inputs if name == "inputs" else self.dataset.targets
        kind = "whole" if table.dtype.kind in "iu" else "real"
        features = tuple(int(length) for length in table.shape[1:])
        if shape is not None and shape != features:
            fact = f"the data has the shape {shape_text(features)} for each example, the node says {shape_text(shape)}"
            raise shape_mismatch(fact, "Leave “shape” empty, or choose other data.")
        if not self.gathers or self.whole:
            return build.source("data", f"data.{name}", (B, *features), None, kind=kind)  # type: ignore[arg-type]
        rows = len(self.dataset.train_rows)
        whole = build.source("data", f"data.{name}", (rows, *features), None, kind=kind)  # type: ignore[arg-type]
        if self.result.rows is None:
            key = (
                int(stream(self.training.seed, "data.order").integers(2**31))
                if self.training.order == "shuffled"
                else None
            )
            self.result.rows = build.emit("batch_rows", rows=rows, key=key)
        address = f"data.{name}.batch"
        found = program.named.get(address)
        if found is None:
            gather = "gather_rows" if kind == "real" else "gather_whole_rows"
            found = program.named[address] = build.emit(gather, whole, self.result.rows)
        return found
