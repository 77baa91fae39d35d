"""From what is drawn to what is computed: every sound node is lowered in order, then derivatives and updates follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from operator import attrgetter

import engine.primitives  # noqa: F401  (registers them)
from engine.datasets import Dataset
from engine.feed import ROWS, Feed, Mode
from engine.graph import Graph, Node, Wire
from engine.inlining import inlined, name_ports, told_of
from engine.objectives import Learned, lower_phases, lower_rules
from engine.problems import Problem, ProblemError
from engine.program import Program
from engine.segments import Segment, leaving, settle
from engine.stretch import Stretch
from engine.structure import Drawn, Signature, Structure
from engine.training import Training
from engine.unrolling import Region, at
from engine.values import Origin, Part, Shape, Value
from engine.watching import watch_side_branches
from engine.wiring import Moment, flagged, operands_of, steps_of

_origin, _outputs_of, _sources_of = attrgetter("origin"), attrgetter("outputs"), attrgetter("sources")
VALUES_KEPT = 6  # for every value in use: of more than that many the next lowering begins on a clean sheet


@dataclass
class Lowered:
    """A program, what kept parts of the drawing out of it, and how its batches are taken.

    segments   what each node came to, by its id (in time: `id@step`)
    learned    what each phase came to
    stretches  all calls of the program, those that stay together in one
    """

    program: Program
    problems: list[Problem] = field(default_factory=list)
    batch: int = 1
    short: int = 0  # rows of a shorter last batch; 0: there is none
    full_iterations: int = 1  # whole batches an epoch
    iterations: int = 1  # all iterations an epoch
    dropped: int = 0  # rows that no batch of an epoch takes
    rows: Value | None = None  # which rows of the data this iteration takes; None: all of them, in order
    segments: dict[str, Segment] = field(default_factory=dict, repr=False)
    learned: Learned = field(default_factory=Learned, repr=False)
    stretches: list[Stretch] = field(default_factory=list, repr=False)

    @property
    def shapes(self) -> dict[str, Shape]:
        """Shape of every output, as `node.port`."""
        shapes = {address: value.shape for address, value in self.program.outputs.items()}
        return shapes | {alias: shapes[source] for alias, source in self.program.aliases.items()}


@dataclass
class Inference:
    """What the canvas wants to know without running anything: shapes by `node.port`, and every problem of the graph."""

    shapes: dict[str, Shape]
    problems: list[Problem]


def infer(document: Drawn, dataset: Dataset | None = None, *, lowering: Lowering | None = None) -> Inference:
    """Shapes and problems of a drawing; differentiates too, so that a metric asked for a gradient is named.

    Who asks again and again hands over a `lowering` of its own: it keeps what the next drawing still has.
    """
    lowered = (lowering or Lowering()).lower(document, dataset)
    return Inference(lowered.shapes, lowered.problems)


def refusal(
    document: Drawn, source: str, target: str, dataset: Dataset | None = None, *, lowering: Lowering | None = None
) -> Problem | None:
    """Why this wire cannot be drawn: ports, cycle, or shapes anywhere behind it; None if it can.

    Who asks about one wire after another hands over a `lowering` of its own, of the part `forward` alone.
    """
    graph = document.graph
    problem = graph.refusal(source, target)
    if problem is not None:
        return problem
    lowering = lowering or Lowering(parts=("forward",))
    before = set(lowering.again(document, dataset).problems)
    trial = graph.copy()
    trial.connect(source, target)
    after = lowering.lower(_Trial(trial, document.training), dataset).problems
    lowering.take_back()
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
    return Lowering(mode=mode, parts=parts).lower(document, dataset)


class Lowering:
    """Lowers one drawing after another, and of each keeps what still holds for the next: an edit costs what it changes.

    The programs share their values, so only the last one may be built on. What comes out is what `lower` would give, apart
    from the numbers of values.
    """

    def __init__(self, *, mode: Mode = "train", parts: Sequence[Part] = ("forward", "backward", "update")) -> None:
        self._mode, self._parts = mode, parts
        self._last: _Sheet | None = None
        self._before: _Sheet | None = None

    def lower(self, document: Drawn, dataset: Dataset | None = None, structure: Structure | None = None) -> Lowered:
        """The program of a drawing, made from that of the one before. See the function `lower`.

        structure  of this drawing, where it is known; made from that of the one before, or that very one
        """
        last, document = self._last, inlined(document)
        if last is not None and structure is last.structure and dataset is last.dataset:
            return last.lowered
        self._before = last
        if structure is None:
            structure = Structure(document, last.structure if last is not None else None)
        if last is None or not last.serves(structure, dataset):
            last = _Sheet(structure, dataset, Lowered(Program()))
        sheet = self._last = _Sheet(structure, dataset, Lowered(Program(last.lowered.program), told_of(document.graph)))
        try:
            self._fill(document, sheet, last.lowered)
        except BaseException:
            self.take_back()
            raise
        if sheet.lowered.problems:
            sheet.names = document.graph.names
        return sheet.lowered

    def again(self, document: Drawn, dataset: Dataset | None = None) -> Lowered:
        """What `lower` gives, without any work where that was the last drawing, apart from titles that nothing tells of."""
        drawn = inlined(document)
        return self.lower(drawn, dataset, self.structure_of(drawn))

    def structure_of(self, drawn: Drawn) -> Structure:
        """The structure of a drawing without composites, made from that of the last one; that very one where they are equal."""
        last = self._last
        if last is None:
            return Structure(drawn)
        structure = Structure(drawn, last.structure)
        is_known = structure.is_equal(last.structure) and last.names in ([], drawn.graph.names)
        return last.structure if is_known else structure

    def _fill(self, document: Drawn, sheet: _Sheet, before: Lowered) -> None:
        result = sheet.lowered
        program, build = result.program, result.program.build
        build.program, build.rules, build.ways_back = program, [], []
        build.training, build.seed = self._mode == "train", document.training.seed
        build.feeder = feed = Feed(program, sheet.dataset, document.training, self._mode, result)
        build.row_asker = feed.ask_rows
        _Nodes(document.graph, sheet.structure, result, before).lower()
        name_ports(document.graph, program)
        if "backward" in self._parts:
            lower_phases(document, result, before.learned, "update" in self._parts)
        if "update" in self._parts:
            rules = len(result.stretches)
            lower_rules(document.graph, result)
            watch_side_branches(result, before, rules)

    def take_back(self) -> None:
        """Forget the last drawing: what came before it is as it was, and can be built on again."""
        last, self._last = self._last, self._before
        if last is None:
            return
        build = last.lowered.program.build
        for way_back in reversed(build.ways_back):
            way_back()
        build.ways_back = []
        if self._last is not None and self._last.lowered.program.build is build:
            build.program = self._last.lowered.program


@dataclass
class _Sheet:
    """A drawing that was lowered, and what came of it.

    names  what its nodes were called, where problems tell of it
    """

    structure: Structure
    dataset: Dataset | None
    lowered: Lowered
    names: list[str] = field(default_factory=list)

    def serves(self, structure: Structure, dataset: Dataset | None) -> bool:
        """Whether another drawing may be built on this one, and too much that nothing needs any more is not in the way."""
        program = self.lowered.program
        in_use = len(program.calls) + len(program.sources)
        is_tidy = len(program.values) <= VALUES_KEPT * (in_use + 100)
        return is_tidy and self.structure.basis == structure.basis and self.dataset is dataset


class _Nodes:
    """Lowers the nodes of a graph in their order, or takes over what they were lowered to before.

    changed  outputs that are other values than before
    """

    def __init__(self, graph: Graph, structure: Structure, result: Lowered, before: Lowered) -> None:
        self._graph, self._result = graph, result
        self._signatures, self._wires = structure.signatures, structure.wires_into
        self._order, self._circular = structure.order
        self._before = before.segments
        self._changed: set[str] = set()

    def lower(self) -> None:
        """Lower them all; what is wrong with single ones is told in the problems."""
        graph, problems = self._graph, self._result.problems
        for name in self._circular:
            fact = f"“{graph.nodes[name].name}” waits for itself"
            mend = "Take out one wire of the cycle, or lead it through a delay."
            problems.append(Problem(fact, mend, node=name, kind="cycle"))
        for key in self._before.keys() - set(self._order):
            self._changed.update(self._before[key].outputs)
        before, signatures, wires_of = self._before.get, self._signatures, self._wires.get
        waiting, unwired, is_free_of = list[Segment](), list[Wire](), self._changed.isdisjoint
        for entry in self._order:
            if isinstance(entry, Region):
                self._keep(waiting)
                self._region(entry)
                continue
            segment = before(entry)
            if (
                segment is not None
                and segment.may_be_kept
                and segment.signature is signatures[entry]
                and segment.wires == wires_of(entry, unwired)
                and is_free_of(segment.before)
                and (not segment.fed or self._shares_again(segment.fed))
            ):
                waiting.append(segment)
            else:
                self._keep(waiting)
                self._node(entry)
        self._keep(waiting)

    def _shares_again(self, fed: Mapping[str, tuple[Value, bool]]) -> bool:
        """Whether a node that shares values with others finds what it found before."""
        if not self._result.program.build.share_again(fed):
            return False
        if ROWS in fed:
            self._result.rows = fed[ROWS][0]
        return True

    def _keep(self, segments: list[Segment]) -> None:
        """Take over what nodes were lowered to before, and wait for others."""
        if not segments:
            return
        result, program = self._result, self._result.program
        result.segments |= [(segment.origin.node, segment) for segment in segments]
        sound = [segment for segment in segments if segment.is_sound]
        stretches = [segment.calls for segment in sound]
        program.calls += chain.from_iterable(stretches)
        result.stretches += stretches
        program.steps += map(_origin, sound)
        for outputs in map(_outputs_of, sound):
            program.outputs |= outputs
        for sources in filter(None, map(_sources_of, sound)):
            program.sources |= sources
        segments.clear()

    def _region(self, region: Region) -> None:
        """The nodes of a region once for every step of time; those that fail at the first step are left out of the others."""
        steps = steps_of(self._graph, region, self._wires, self._result)
        lost: set[str] = set()
        for step in range(steps):
            for name in region.nodes:
                if name not in lost and not self._node(name, Moment(step, steps, frozenset(region.nodes))):
                    lost.add(name)

    def _node(self, name: str, moment: Moment | None = None) -> bool:
        """One node, at one step of time if it lies in a region; whether it could be lowered."""
        result, program, build = self._result, self._result.program, self._result.program.build
        key, wires = name if moment is None else at(name, moment.step), self._wires.get(name, [])
        before = self._before.get(key)
        past = before.outputs if before is not None else {}
        build.origin = Origin(name, "forward", 0, -1 if moment is None else moment.step)
        build.step, build.steps = (-1, 0) if moment is None else moment[:2]
        build.is_local, build.fed = moment is None, {}
        build.take_asked()
        segment = Segment(build.origin, self._signatures[name], wires)
        forget, rows = build.mark(), result.rows
        begun, told, rules = len(program.calls), len(result.problems), len(build.rules)
        outputs = _outputs(self._graph.nodes[name], segment.signature, wires, result, moment)
        segment.problems = result.problems[told:]
        if outputs is None:
            forget()
            result.rows = rows
        else:
            segment.is_sound, segment.outputs, segment.sources = True, outputs, build.take_asked()
            segment.fed = build.fed
            if before is not None and len(build.rules) == rules:  # a rule holds on to the values that it was made with
                self._settle(segment, before, begun)
            else:
                segment.calls = Stretch(program.calls[begun:])
            program.steps.append(build.origin)
            program.outputs.update(segment.outputs)
            result.stretches.append(segment.calls)
        # What learns by a rule of its own emits it once more at the end.
        segment.is_local = build.is_local and len(build.rules) == rules
        segment.finish()
        result.segments[key] = segment
        self._note_changes(past, segment.outputs)
        return outputs is not None

    def _settle(self, segment: Segment, before: Segment, begun: int) -> None:
        """Take over the calls and values of before, as far as they are the same."""
        result, program = self._result, self._result.program
        pairs = leaving(segment.outputs, before.outputs)
        segment.calls, moved = settle(program.calls[begun:], before.calls, pairs, program.build.ways_back)
        program.calls[begun:] = segment.calls
        if moved:
            segment.outputs = {address: moved.get(v.index, v) for address, v in segment.outputs.items()}
            segment.fed = {name: (moved.get(v.index, v), is_made) for name, (v, is_made) in segment.fed.items()}
            program.rename(moved)
            if result.rows is not None:
                result.rows = moved.get(result.rows.index, result.rows)

    def _note_changes(self, past: Mapping[str, Value], outputs: Mapping[str, Value]) -> None:
        if past != outputs:
            changed = [
                address for address in past.keys() | outputs.keys() if past.get(address) is not outputs.get(address)
            ]
            self._changed.update(changed)


def _outputs(
    node: Node, signature: Signature, wires: Sequence[Wire], result: Lowered, moment: Moment | None
) -> dict[str, Value] | None:
    """What a node gives, by address, emitted into the program; None, and a problem, where that cannot be."""
    kind, build = signature.kind, result.program.build
    if kind is None:
        return None  # the document says so already, with a guess
    sound, problems = kind.check_properties(node.properties)
    operands, is_complete = operands_of(node, kind, sound, wires, result, moment)
    result.problems.extend([problem.at(node=node.id) for problem in problems])
    if problems or not is_complete:
        return None
    if kind.time == "closes":
        build.is_local = False  # it hangs on every step there is
    try:
        values = kind(sound).lower(build, **operands)
        outputs = values if isinstance(values, dict) else {kind.outputs[0].name: values}
        outputs = flagged(node, operands, outputs)
    except ProblemError as error:
        result.problems.extend(error.at(node=node.id).problems)
        return None
    named = {f"{node.id}.{port}": value for port, value in outputs.items()}
    if moment is not None:  # without its time: as it is at the last step
        named |= {at(address, moment.step): value for address, value in named.items()}
    return named
