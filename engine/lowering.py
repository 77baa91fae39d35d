"""From what is drawn to what is computed: every sound node is lowered in order, then derivatives and updates follow."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import engine.primitives  # noqa: F401  (registers them)
from engine.datasets import Dataset
from engine.feed import Feed, Mode
from engine.graph import Graph, Node, Wire
from engine.inlining import inlined, name_ports, told_of
from engine.nodes.base import NodeType, Port
from engine.objectives import Drawn, lower_phases, lower_rules, watch_side_branches
from engine.problems import Problem, ProblemError, shape_mismatch
from engine.program import Origin, Part, Program, Shape, Value, shape_text
from engine.training import Training
from engine.unrolling import MOST_STEPS, Region, at, schedule, steps_said


@dataclass
class Lowered:
    """A program, what kept parts of the drawing out of it, and how its batches are taken."""

    program: Program
    problems: list[Problem] = field(default_factory=list)
    batch: int = 1
    short: int = 0  # rows of a shorter last batch; 0: there is none
    full_iterations: int = 1  # whole batches an epoch
    iterations: int = 1  # all iterations an epoch
    dropped: int = 0  # rows that no batch of an epoch takes
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
    document = inlined(document)
    program = Program()
    program.build.training = mode == "train"
    program.build.seed = document.training.seed
    result = Lowered(program, told_of(document.graph))
    feed = Feed(program, dataset, document.training, mode, result)
    program.build.feeder = feed
    _lower_nodes(document.graph, result)
    name_ports(document.graph, program.outputs)
    if "backward" in parts:
        lower_phases(document, result, "update" in parts)
    if "update" in parts:
        lower_rules(document.graph, result)
        watch_side_branches(program)
    return result


def _lower_nodes(graph: Graph, result: Lowered) -> None:
    order, circular = schedule(graph)
    for name in circular:
        fact = f"“{graph.nodes[name].name}” waits for itself"
        mend = "Take out one wire of the cycle, or lead it through a delay."
        result.problems.append(Problem(fact, mend, node=name, kind="cycle"))
    wires: dict[str, list[Wire]] = {}
    for wire in graph.wires:
        wires.setdefault(wire.target_node, []).append(wire)
    for entry in order:
        if isinstance(entry, Region):
            _lower_region(graph, entry, wires, result)
        else:
            _lower_node(graph.nodes[entry], wires.get(entry, []), result)


def _lower_region(graph: Graph, region: Region, wires: Mapping[str, list[Wire]], result: Lowered) -> None:
    """The nodes of a region once for every step of time; those that fail at the first step are left out of the others."""
    steps = _steps_of(graph, region, wires, result)
    lost: set[str] = set()
    for step in range(steps):
        for name in region.nodes:
            if name in lost:
                continue
            moment = Moment(step, steps, frozenset(region.nodes))
            if not _lower_node(graph.nodes[name], wires.get(name, []), result, moment):
                lost.add(name)


def _steps_of(graph: Graph, region: Region, wires: Mapping[str, list[Wire]], result: Lowered) -> int:
    """How many steps a region has: the length of the sequences that it takes apart; 0 and a problem where that is unclear."""
    outputs, lengths, unsound = result.program.outputs, {}, False
    for name in region.nodes:
        kind = graph.nodes[name].kind
        if kind is not None and kind.time == "opens":
            value = next((outputs[wire.source] for wire in wires.get(name, []) if wire.source in outputs), None)
            unsound = unsound or value is None
            if value is not None and value.rank > 1 and isinstance(value.shape[1], int):
                lengths[name] = value.shape[1]
    first = next(iter(lengths or region.nodes))
    if len(set(lengths.values())) == 1 and lengths[first] <= MOST_STEPS:
        return lengths[first]
    if len(set(lengths.values())) > 1:
        fact = f"sequences of {steps_said(list(lengths.values()))} steps meet"
        result.problems.append(Problem(fact, "Give them one length, or keep them apart.", node=first, kind="shape"))
    elif lengths:
        fact = f"{lengths[first]} steps of time are more than {MOST_STEPS}"
        result.problems.append(Problem(fact, "Cut the sequence into shorter ones.", node=first, kind="shape"))
    elif unsound or any(_opens(graph, name) for name in region.nodes):
        return 1  # what is wrong stands at the node that takes the sequence apart, or before it
    else:
        fact = "nothing says how many steps of time there are"
        mend = "Lead a sequence into it through an “each step” node."
        result.problems.append(Problem(fact, mend, node=first, severity="warning", kind="free"))
    return 0


def _opens(graph: Graph, name: str) -> bool:
    kind = graph.nodes[name].kind
    return kind is not None and kind.time == "opens"


def _lower_node(node: Node, wires: Sequence[Wire], result: Lowered, moment: Moment | None = None) -> bool:
    """One node, at one step of time if it lies in a region; whether it could be lowered."""
    kind = node.kind
    if kind is None:
        return False  # the document says so already, with a guess
    sound, problems = kind.check_properties(node.properties)
    program, build = result.program, result.program.build
    build.origin = Origin(node.id, "forward", 0, -1 if moment is None else moment.step)
    build.step, build.steps = (-1, 0) if moment is None else moment[:2]
    forget, rows = build.mark(), result.rows
    operands, complete = _operands(node, kind, sound, wires, result, moment)
    result.problems.extend(problem.at(node=node.id) for problem in problems)
    if problems or not complete:
        forget()
        return False
    try:
        values = kind(sound).lower(build, **operands)
        outputs = values if isinstance(values, dict) else {kind.outputs[0].name: values}
        outputs = _flagged(node, operands, outputs, build.emit)
    except ProblemError as error:
        result.problems.extend(error.at(node=node.id).problems)
        forget()
        result.rows = rows
        return False
    program.steps.append(build.origin)
    named = {f"{node.id}.{port}": value for port, value in outputs.items()}
    program.outputs.update(named)  # of a node in time: as it is at the last step
    if moment is not None:
        program.outputs.update({at(address, moment.step): value for address, value in named.items()})
    return True


class Moment(NamedTuple):
    """A step of time, how many there are, and which nodes have a value at each of them."""

    step: int
    steps: int
    region: frozenset[str]


def _source(wire: Wire, port: Port, outputs: Mapping[str, Value], moment: Moment | None) -> Any:
    """What a wire brings: a value, the values of all steps where they are gathered, or None where there is none yet."""
    if port.delayed and moment is not None:
        return outputs.get(at(wire.source, moment.step - 1))
    if moment is not None and wire.source_node in moment.region:
        return outputs.get(at(wire.source, moment.step))
    return outputs.get(wire.source)


def _all_steps(wire: Wire, outputs: Mapping[str, Value]) -> list[Value] | None:
    values: list[Value] = []
    while (value := outputs.get(at(wire.source, len(values)))) is not None:
        values.append(value)
    return values or None


def _operands(
    node: Node,
    kind: type[NodeType],
    sound: Mapping[str, Any],
    wires: Sequence[Wire],
    result: Lowered,
    moment: Moment | None = None,
) -> tuple[dict[str, Any], bool]:
    """Values by input port, and whether all that are needed are there."""
    operands: dict[str, Any] = {}
    complete = True
    outputs = result.program.outputs
    for port in kind.inputs:
        mine = sorted([wire for wire in wires if wire.target_port == port.name], key=lambda wire: wire.order)
        if kind.time == "closes" and mine and port is kind.inputs[0]:
            gathered = _all_steps(mine[0], outputs)
            if gathered is None and mine[0].source in outputs:
                fact = f"what comes into “{port.name}” does not change over time"
                mend = "Wire it to a node behind an “each step” node or a delay."
                result.problems.append(Problem(fact, mend, node=node.id, port=port.name, kind="shape"))
            complete = complete and gathered is not None
            operands[port.name] = [_carried(mine[0], value) for value in gathered or []]
            continue
        if mine and port.delayed and moment is not None and moment.step == 0:
            operands[port.name] = None  # nothing has been delayed yet
            continue
        brought = [_source(wire, port, outputs, moment) for wire in mine]
        values = [_carried(wire, value) for wire, value in zip(mine, brought, strict=True) if value is not None]
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
