"""Plans beside the live one: prediction, validation, surfaces. Their own memory, fed with a copy of the parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from engine.datasets import Dataset
from engine.lowering import lower
from engine.machines.cpu import CpuMachine
from engine.problems import Problem, ProblemError
from engine.program import Program
from engine.tape import initial_array, plan
from engine.values import Value, shape_text

if TYPE_CHECKING:
    from engine.document import Document
    from engine.graph import Graph, Wire

Array = np.ndarray[Any, np.dtype[Any]]
KEPT_MACHINES = 4


class SidePlan:
    """The forward part of a document in evaluation mode, for any number of rows."""

    def __init__(self, document: Document, dataset: Dataset | None, dtype: str) -> None:
        self.document, self.dataset, self.dtype = document, dataset, dtype
        self.program: Program = lower(document, dataset, mode="evaluate", parts=("forward",)).program
        self._machines: dict[int, CpuMachine] = {}
        self._watched = _watched(document, self.program)

    def run(
        self, parameters: Mapping[str, Array], inputs: Array | None, targets: Array | None, rows: int
    ) -> CpuMachine:
        """Play the forward part over `rows` rows with these parameters; read results from the machine's views."""
        machine = self._machine(rows)
        strange = self._remembering_rows(machine, parameters)
        for address, value in self.program.sources.items():
            if machine.tape.places[value.index] is None or address in strange:
                continue
            view = machine.view(value)
            if address == "data.inputs":
                view[...] = 0 if inputs is None else inputs.reshape(view.shape)
            elif address == "data.targets":
                view[...] = 0 if targets is None else targets.reshape(view.shape)
            elif address in parameters:
                view[...] = parameters[address]
        machine.play_once()
        return machine

    def _remembering_rows(self, machine: CpuMachine, parameters: Mapping[str, Array]) -> set[str]:
        """States of nodes that remember the rows of a batch, where this is another number of rows: they begin anew."""
        states = {a: v for a, v in self.program.sources.items() if v.source is not None and v.source.role == "state"}
        fresh = {
            address.partition(".")[0]
            for address, value in states.items()
            if address in parameters
            and machine.tape.places[value.index] is not None
            and machine.view(value).shape != parameters[address].shape
        }
        return {address for address in states if address.partition(".")[0] in fresh}

    def predict(self, inputs: Array, parameters: Mapping[str, Array]) -> Array:
        """The prediction (rows, …) for these inputs. Raises `ProblemError` where nothing predicts, or they do not fit."""
        answer = self.prediction
        if answer is None:
            raise ProblemError(Problem("nothing here predicts", "Connect something to the loss.", kind="prediction"))
        wanted = self.program.sources.get("data.inputs")
        if inputs.ndim == 0 or len(inputs) == 0 or (wanted is not None and inputs.shape[1:] != wanted.shape[1:]):
            shape = shape_text(wanted.shape) if wanted is not None else "(batch, …)"
            fact = f"inputs of the shape {shape} are needed, at least one row, not {inputs.shape}"
            raise ProblemError(Problem(fact, "Give one row for each example.", kind="shape"))
        machine = self.run(parameters, inputs, None, len(inputs))
        return machine.view(answer).copy()

    def evaluate(self, part: Literal["train", "test"], parameters: Mapping[str, Array]) -> dict[str, float]:
        """Loss and metrics over all rows of a part; empty where it has no rows."""
        if self.dataset is None or not self._watched:
            return {}
        rows = self.dataset.train_rows if part == "train" else self.dataset.test_rows
        if len(rows) == 0:
            return {}
        machine = self.run(parameters, self.dataset.inputs[rows], self.dataset.targets[rows], len(rows))
        return {name: float(machine.view(value)[()]) for name, value in self._watched.items()}

    @property
    def prediction(self) -> Value | None:
        """What the network answers: the value wired into the loss's `prediction` (or `logits`), else what a learning rule
        says, else the last output."""
        graph, outputs = self.document.graph, self.program.outputs
        for phase in self.document.training.phases:
            for wire in _behind(graph, phase.objective.partition(".")[0]):
                if wire.target_port in ("prediction", "logits") and wire.source in outputs:
                    return outputs[wire.source]
        for node in graph:
            if node.kind is not None and node.kind.category == "Learning rules":
                return outputs.get(f"{node.id}.{node.kind.outputs[0].name}")
        return next((v for v in reversed(list(outputs.values())) if v.shape and not isinstance(v.shape[0], int)), None)

    def _machine(self, rows: int) -> CpuMachine:
        machine = self._machines.pop(rows, None)
        if machine is None:
            machine = CpuMachine(plan(self.program, rows, dtype=self.dtype))
            machine.set_epoch(1, 1)
            for value in self.program.sources.values():
                if machine.tape.places[value.index] is not None:
                    view = machine.view(value)
                    view[...] = initial_array(value, view.shape, view.dtype)
            if len(self._machines) >= KEPT_MACHINES:
                self._machines.pop(next(iter(self._machines)))
        self._machines[rows] = machine
        return machine


def _behind(graph: Graph, objective: str) -> list[Wire]:
    """The wires behind an objective, nearest first: a loss may be one of several addends."""
    found: list[Wire] = []
    nodes = [objective]
    for node in nodes:  # grows while it is walked
        for wire in graph.wires_into(node):
            found.append(wire)
            if wire.source_node not in nodes:
                nodes.append(wire.source_node)
    return found


def _watched(document: Document, program: Program) -> dict[str, Value]:
    """Loss and metrics by the name of their curve."""
    watched: dict[str, Value] = {}
    names = metric_names(document.graph)
    for phase in document.training.phases:
        name = phase.objective.partition(".")[0]
        for address, value in program.outputs.items():
            if address.partition(".")[0] == name and value.shape == ():
                watched.setdefault("loss", value)
    for node in document.graph:
        for port in node.kind.measures if node.kind is not None else ():
            measure = program.outputs.get(f"{node.id}.{port}")
            if measure is not None and measure.shape == ():
                watched.setdefault("loss", measure)
        if node.id in names and node.kind is not None:
            metric = program.outputs.get(f"{node.id}.{node.kind.outputs[0].name}")
            if metric is not None and metric.shape == ():
                watched[names[node.id]] = metric
    return watched


def metric_names(graph: Graph) -> dict[str, str]:
    """What each metric's curve is called, by its node: the first of a type by the type, further ones by their id.

    So `accuracy` stays what it is when a second accuracy is placed, which is `accuracy_2`.
    """
    names: dict[str, str] = {}
    taken = {"loss"}
    for node in graph:
        if node.kind is None or node.kind.category != "Metrics":
            continue
        wished = node.id if node.type in taken else node.type
        while wished in taken:  # an id that says what another type is called
            wished += "_again"
        names[node.id] = wished
        taken.add(wished)
    return names
