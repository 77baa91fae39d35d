"""A document's program beside a session, in evaluation mode, with the session's numbers: what analyses play."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from engine.differentiate import gradients
from engine.lowering import lower
from engine.machines.cpu import CpuMachine
from engine.problems import Problem, ProblemError, did_you_mean
from engine.program import Program
from engine.tape import initial_array, plan
from engine.values import Value

if TYPE_CHECKING:
    from engine.session import Session

Array = np.ndarray[Any, np.dtype[Any]]
Part = Literal["train", "test", "batch"]
Rows = Part | Sequence[int]
MOST_ROWS = 4096


class Trial:
    """A program to add derivatives to, and then to play; the session stays untouched.

    rows   a part of the data (of it at most 4,096 rows), or which rows of the data, by number
    dtype  of the numbers; the session's own where it is empty
    Made in the thread that owns the session, whose numbers are copied by `start`; what that gives may then be played in any
    one thread. Raises `ProblemError` where there are no such rows.
    """

    def __init__(
        self, session: Session, rows: Rows = "train", *, most_rows: int = MOST_ROWS, dtype: str = "float64"
    ) -> None:
        self.session, self.dtype = session, dtype or session.dtype
        self.program: Program = lower(session.document, session.dataset, mode="evaluate", parts=("forward",)).program
        self.chosen = chosen_rows(session, rows, most_rows)
        self.rows = 1 if self.chosen is None else len(self.chosen)

    # names -----------------------------------------------------------------------------------

    def objective(self, phase: int = 0) -> Value:
        """What a phase of training minimises, as it is drawn. Raises `ProblemError` where there is none."""
        phases = self.session.document.training.phases
        name = phases[phase].objective if phase < len(phases) else ""
        value = self._output(name) if name else None
        if value is None or value.shape != ():
            raise ProblemError(Problem("there is no loss here", "Choose what training makes small.", kind="loss"))
        return value

    def find(self, name: str) -> Value:
        """An output (`node` or `node.port`) or a source (`node.parameter`, `data.inputs`); `ProblemError` with a guess."""
        value = self._output(name) or self.program.sources.get(name)
        if value is None:
            known = [*self.program.outputs, *[a for a in self.program.sources if not a.startswith("=")]]
            raise ProblemError(Problem(f"nothing here is called “{name}”", did_you_mean(name, known), kind="unknown"))
        return value

    def _output(self, name: str) -> Value | None:
        outputs, name = self.program.outputs, self.program.meant(name)
        return outputs.get(name) or next((v for a, v in outputs.items() if a.partition(".")[0] == name), None)

    def parameters(self, names: Sequence[str] = (), phase: int = 0) -> dict[str, Value]:
        """Parameters by address: those of `names` (nodes, or `node.parameter`), or all that a phase of training changes.

        Raises `ProblemError` for a name that is none, and where there is nothing to learn.
        """
        nodes = self.session.document.graph.nodes
        known = {a: v for a, v in self.program.sources.items() if v.source is not None and v.source.trainable}
        learned = {a: v for a, v in known.items() if v.source is not None and v.source.role == "parameter"} or known
        for name in names:
            if not any(name in (address, address.partition(".")[0]) for address in known):
                fact = f"no parameter is called “{name}”"
                raise ProblemError(Problem(fact, did_you_mean(name, known), kind="unknown"))
        if names:
            return {a: v for a, v in known.items() if a in names or a.partition(".")[0] in names}
        phases = self.session.document.training.phases
        chosen = phases[phase].parameters if phase < len(phases) else "all"
        found = {
            a: v
            for a, v in learned.items()
            if "frozen" not in nodes[a.partition(".")[0]].flags
            and (chosen == "all" or a in chosen or a.partition(".")[0] in chosen)
        }
        if not found:
            raise ProblemError(Problem("nothing here is learned", "Place a layer or a parameter.", kind="loss"))
        return found

    # derivatives -----------------------------------------------------------------------------

    def slopes(self, of: Value, by: Iterable[Value]) -> list[Value]:
        """The derivative of one number by each of several values; zeros where it does not depend on one."""
        wanted = list(by)
        found = gradients(self.program, of, wanted)
        zeros = self.program.build.zeros_like
        return [found[value.index] if value.index in found else zeros(value) for value in wanted]

    def weighted(self, value: Value, weights: Value) -> Value:
        """Σ value · weights, as one number."""
        product = self.program.build.emit("multiply", value, weights)
        return self.program.build.emit("sum", product, axes=tuple(range(product.rank))) if product.rank else product

    def fed(self, name: str, value: Value) -> Value:
        """A new source in the shape of a value, for whoever plays to fill; it starts with zeros."""
        return self.program.build.source("data", f"analysis.{name}", value.shape, 0.0)

    # playing ---------------------------------------------------------------------------------

    def start(self, *roots: Value) -> CpuMachine:
        """A machine that computes these values, with the session's numbers of now; call it last."""
        program = self.program
        _keep_only(program, roots)
        results = [value for value in roots if value.call is None or not value.call.primitive.writes]
        program.outputs.update({f"analysis.{place}": value for place, value in enumerate(results)})
        program.steps = list(dict.fromkeys([*program.steps, *[call.origin for call in program.calls]]))
        machine = CpuMachine(plan(program, self.rows, dtype=self.dtype))
        machine.set_epoch(1, 1)
        self.fill(machine)
        return machine

    def fill(self, machine: CpuMachine) -> None:
        """The session's numbers of now, and the data of the rows."""
        live, dataset, tape = self.session.program.sources, self.session.dataset, self.session.tape
        tables = {} if dataset is None else {"data.inputs": dataset.inputs, "data.targets": dataset.targets}
        for address, value in self.program.sources.items():
            if machine.tape.places[value.index] is None:
                continue
            view, known = machine.view(value), live.get(address)
            if address in tables and self.chosen is not None:
                view[...] = tables[address][self.chosen].reshape(view.shape)
            elif known is not None and address not in tables and tape.places[known.index] is not None:
                view[...] = self.session.memory_of(known).reshape(view.shape)
            else:
                view[...] = initial_array(value, view.shape, view.dtype)


def _keep_only(program: Program, roots: Iterable[Value]) -> None:
    """Drop every call that leads to none of these, and what is called after them."""
    needed = {value.index for value in roots}
    kept = []
    for call in reversed(program.calls):
        if call.result.index in needed:
            kept.append(call)
            needed.update([operand.index for operand in call.operands])
    program.calls = kept[::-1]
    program.outputs = {address: value for address, value in program.outputs.items() if value.index in needed}


class Entry(NamedTuple):
    """One entry of a parameter."""

    address: str
    position: tuple[int, ...]


class Span(NamedTuple):
    """Where a parameter lies among all of them, laid end to end."""

    address: str
    begin: int
    end: int
    shape: tuple[int, ...]


class Layout:
    """Arrays laid end to end as one vector, in the order they are given."""

    def __init__(self, machine: CpuMachine, values: dict[str, Value]) -> None:
        self.spans: list[Span] = []
        self.size = 0
        for address, value in values.items():
            shape = machine.tape.region(value).shape
            end = self.size + int(np.prod(shape))
            self.spans.append(Span(address, self.size, end, shape))
            self.size = end

    def entry(self, place: int) -> Entry:
        """Which entry of which parameter stands at a place of the vector."""
        span = next(span for span in self.spans if place < span.end)
        position = np.unravel_index(place - span.begin, span.shape) if span.shape else ()
        return Entry(span.address, tuple(int(i) for i in position))

    def write(self, machine: CpuMachine, values: Sequence[Value], vector: Array) -> None:
        """Put a vector into the values' memory."""
        for span, value in zip(self.spans, values, strict=True):
            machine.view(value)[...] = vector[span.begin : span.end].reshape(span.shape)

    def read(self, machine: CpuMachine, values: Sequence[Value]) -> Array:
        """The values' numbers as one vector, in float64."""
        return np.concatenate([machine.view(value).reshape(-1) for value in values]).astype(np.float64)

    def parts(self, vector: Array) -> dict[str, Array]:
        """A vector as arrays by address."""
        return {span.address: vector[span.begin : span.end].reshape(span.shape) for span in self.spans}


def chosen_rows(session: Session, rows: Rows, most: int) -> Array | None:
    """Numbers of rows in the data; None without data."""
    dataset = session.dataset
    if isinstance(rows, str):
        found = rows_of(session, rows)
        if found is not None and len(found) == 0:
            raise ProblemError(Problem(f"there are no {rows} rows", "Choose the other part of the data.", kind="data"))
        return None if found is None else found[:most]
    if dataset is None:
        return None
    numbers = np.array(rows, np.int64).reshape(-1)
    if len(numbers) == 0 or numbers.min() < 0 or numbers.max() >= len(dataset.inputs):
        fact = f"the data has the rows 0 to {len(dataset.inputs) - 1}, and not all of these are among them"
        raise ProblemError(Problem(fact, "Count rows from 0, and name at least one.", kind="data"))
    return numbers


def rows_of(session: Session, part: Part) -> Array | None:
    """Which rows of the data a part is; of no batch before the first step, so all training rows. None without data."""
    dataset, batch = session.dataset, session.lowered.rows
    if dataset is None:
        return None
    if part == "batch" and batch is not None and session.state_of(batch) != "absent":
        return session.memory_of(batch).astype(np.int64).reshape(-1)
    return dataset.test_rows if part == "test" else dataset.train_rows
