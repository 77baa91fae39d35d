"""Chainrule as a competitor: a document built as in a notebook, played by a session."""

from __future__ import annotations

import numpy as np

from engine import Document, Graph, Session
from tests.benchmarks import nets
from tests.benchmarks.reference import gradients
from tests.benchmarks.workloads import CROSS_ENTROPY, Array, Arrays, Workload, ends, scalar_program


def document_of(workload: Workload, arrays: Arrays, rate: float = 0.001) -> Document:
    """A chain of dense layers whose batch is all of its data, taken in order; or a graph of single numbers."""
    if workload.is_scalars:
        return _scalars(workload, arrays, rate)
    if workload.net is not None:
        return nets.document_of(workload.net, arrays.inputs, arrays.targets, rate)
    graph = Graph()
    last = graph.add("input")
    for place, units in enumerate(workload.sizes[1:]):
        activation = workload.activation if place < len(workload.sizes) - 2 else "identity"
        layer = graph.add("dense", units=units, activation=activation)
        graph.connect(last, layer)
        last = layer
    target, loss = graph.add("target"), graph.add(workload.loss)
    graph.connect(last, loss["logits" if workload.loss == CROSS_ENTROPY else "prediction"])
    graph.connect(target, loss["target"])
    task = "classes" if workload.loss == CROSS_ENTROPY else "regression"
    data = {"train": {"inputs": arrays.inputs.tolist(), "targets": arrays.targets.tolist(), "task": task}}
    optimizer = {"type": "sgd", "learning_rate": rate}
    training = {"loss": loss.id, "optimizer": optimizer, "batch_size": workload.batch, "order": "sequential", "seed": 0}
    return Document(graph, data, training)


def _scalars(workload: Workload, arrays: Arrays, rate: float) -> Document:
    graph = Graph()
    nodes = [graph.add("parameter", shape=(), initial=float(number)) for number in arrays.parameters]
    for operation, *operands in scalar_program(*workload.sizes):
        nodes.append(graph.add(operation))
        for operand in dict.fromkeys(operands):
            graph.connect(nodes[operand], nodes[-1])
    loss = graph.add("add")
    for place in ends(*workload.sizes):
        graph.connect(nodes[place], loss)
    return Document(graph, {}, {"loss": loss.id, "optimizer": {"type": "sgd", "learning_rate": rate}, "seed": 0})


def addresses(workload: Workload) -> list[str]:
    """The parameters' names, in the order of `Arrays.parameters`."""
    if workload.net is not None:
        return list(workload.net.shapes)
    if workload.is_scalars:
        return [f"parameter_{place}.value" for place in range(1, workload.sizes[1] + 1)]
    return [f"dense_{place}.{name}" for place in range(1, len(workload.sizes)) for name in ("weight", "bias")]


def session_of(workload: Workload, arrays: Arrays, rate: float = 0.001) -> Session:
    """A session that begins with the given parameters."""
    session = Session(document_of(workload, arrays, rate))
    for address, numbers in zip(addresses(workload), arrays.parameters, strict=True):
        session.set_parameter(address, numbers)
    return session


class Played:
    """The public face: `session.run`, with its checkpoints and its last iteration ready to be looked at."""

    def __init__(self, workload: Workload, arrays: Arrays, rate: float) -> None:
        self._session = session_of(workload, arrays, rate)
        self._addresses = addresses(workload)

    def step(self, steps: int) -> None:
        """Play; a run that stops early would be timed too fast, so it raises."""
        if self._session.run(steps) != steps:
            raise RuntimeError(f"stopped: {self._session.problem}")

    def parameters(self) -> list[Array]:
        """Copies."""
        return [np.array(self._session.parameters[address]) for address in self._addresses]


class Bare(Played):
    """The machine's loop alone."""

    def step(self, steps: int) -> None:
        """As `Played`, without checkpoints."""
        if self._session.playback.machine.iterate(steps) != steps:
            raise RuntimeError("a number stopped being finite")


def nan_complaint(workload: Workload, arrays: Arrays) -> str:
    """What is wrong with our step when a NaN is in the data; empty if nothing.

    Every parameter that a NaN reaches by the reference has to become NaN, the loop has to stop, and the session has to say
    where the NaN was born.
    """
    if workload.is_scalars:
        return ""  # there are no data in which a NaN could be
    arrays.inputs[0, 0] = np.nan
    try:
        return _bare_complaint(workload, arrays) or _session_complaint(workload, arrays)
    finally:
        arrays.inputs[0, 0] = 0


def _poisoned(workload: Workload, arrays: Arrays) -> Session:
    clean = arrays._replace(inputs=np.nan_to_num(arrays.inputs))
    session = session_of(workload, clean)
    # Documents refuse a NaN, so it is put where a kernel would have left it.
    session.playback.machine.view(session.program.sources["data.inputs"])[0, 0] = np.nan
    return session


def _bare_complaint(workload: Workload, arrays: Arrays) -> str:
    session = _poisoned(workload, arrays)
    done = session.playback.machine.iterate(10)
    if done != 1:
        return f"the loop went on for {done} iterations with a NaN in the data"
    reached = (
        [] if workload.net is not None else gradients(workload, arrays)
    )  # through a maximum a NaN goes its own way
    for address, wanted in zip(addresses(workload), reached, strict=workload.net is None):
        hidden = np.isnan(wanted) & np.isfinite(session.parameters[address])
        if hidden.any():
            return f"{int(hidden.sum())} entries of {address} hide a NaN"
    return ""


def _session_complaint(workload: Workload, arrays: Arrays) -> str:
    session = _poisoned(workload, arrays)
    session.run(10)
    return "" if session.problem is not None and session.problem.node else "the session does not say where the NaN is"
