"""What comes into a node by its wires, at every step of time, and what its flags make of what it gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.graph import Graph, Node, Wire
from engine.nodes.base import NodeType, Port
from engine.problems import Problem, shape_mismatch
from engine.unrolling import MOST_STEPS, Region, at, steps_said
from engine.values import Value, shape_text

if TYPE_CHECKING:
    from engine.lowering import Lowered


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


def _by_order(wire: Wire) -> int:
    return wire.order


def operands_of(
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
        mine = [wire for wire in wires if wire.target_port == port.name]
        if len(mine) > 1:
            mine.sort(key=_by_order)
        if kind.time == "closes" and mine and port is kind.inputs[0]:
            gathered = _all_steps(mine[0], outputs)
            if gathered is None and mine[0].source in outputs:
                fact = f"what comes into “{port.name}” does not change over time"
                mend = "Wire it to a node behind an “each step” node or a delay."
                result.problems.append(Problem(fact, mend, node=node.id, port=port.name, kind="shape"))
            complete = complete and gathered is not None
            operands[port.name] = [_carried(mine[0], value) for value in gathered or []]
            continue
        if port.late:
            operands[port.name] = None
            if not mine and not port.optional:
                result.problems.append(_free(node, port))
                complete = False
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
            result.problems.append(_free(node, port))
    return operands, complete


def _free(node: Node, port: Port) -> Problem:
    fact, mend = f"nothing is connected to “{port.name}”", "Pull a wire from an output to it."
    return Problem(fact, mend, node=node.id, port=port.name, severity="warning", kind="free")


def late_operands(node: Node, graph: Graph, outputs: Mapping[str, Value]) -> dict[str, Value] | None:
    """What comes in at a node's late ports, by port, once every node is there; None where something before is not sound."""
    kind = node.kind
    brought: dict[str, Value] = {}
    for port in kind.inputs if kind is not None else ():
        for wire in graph.wires_into(node.id, port.name) if port.late else ():
            value = outputs.get(wire.source)
            if value is None:
                return None
            brought[port.name] = _carried(wire, value)
    return brought


def _carried(wire: Wire, value: Value) -> Value:
    return value.program.build.zeros_like(value) if wire.muted else value


def flagged(node: Node, operands: Mapping[str, Any], outputs: dict[str, Value]) -> dict[str, Value]:
    """The outputs of a node, or what stands in their place where it is muted or bypassed. Raises `ShapeMismatch`."""
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


def steps_of(graph: Graph, region: Region, wires: Mapping[str, list[Wire]], result: Lowered) -> int:
    """How many steps a region has: the length of the sequences that it takes apart; 0 and a problem where that is unclear."""
    outputs, lengths, unsound = result.program.outputs, {}, False
    for name in region.nodes:
        kind = graph.nodes[name].kind
        if kind is not None and kind.time == "opens":
            value = next((outputs[wire.source] for wire in wires.get(name, []) if wire.source in outputs), None)
            unsound = unsound or value is None
            if value is not None and value.rank > 1 and isinstance(value.shape[1], int):
                lengths[name] = value.shape[1]
        elif kind is not None and (steps := kind.properties().get("steps")) is not None and kind.time == "delays":
            lengths[name] = int(graph.nodes[name].properties.get("steps", steps.default))
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
