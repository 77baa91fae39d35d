"""Where a program's data come from: rows gathered by the tape in training, tables that somebody fills in evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from engine.datasets import Dataset
from engine.initialisers import stream
from engine.problems import Problem, ProblemError, shape_mismatch
from engine.program import Program
from engine.training import Training
from engine.values import B, Value, shape_text

if TYPE_CHECKING:
    from engine.lowering import Lowered

ROWS = "data.rows"  # what the rows of this iteration are called
Mode = Literal["train", "evaluate"]


class Feed:
    """Hands inputs and targets to the nodes that ask: gathered rows in training, a table to fill in evaluation."""

    def __init__(
        self, program: Program, dataset: Dataset | None, training: Training, mode: Mode, result: Lowered
    ) -> None:
        self.program, self.dataset, self.training, self.result = program, dataset, training, result
        self.gathers = mode == "train" and dataset is not None
        self._rows: int | None = None  # that nodes bring where there is no data
        if dataset is not None:
            self._batches(len(dataset.train_rows))
            program.build.examples = lambda: dataset.inputs[dataset.train_rows]
            program.build.answers = lambda: dataset.targets[dataset.train_rows]
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
        else:
            result.dropped = rest
        self.whole = batch == rows and training.order == "sequential"

    def ask_rows(self, rows: int) -> None:
        """A node brings so many rows of its own. Where there are data, these say how many rows a batch has.

        Raises `ProblemError` where another node brings another number.
        """
        if self.dataset is not None:
            return
        if self._rows not in (None, rows):
            fact = f"this node brings {rows} rows, and another one {self._rows}"
            raise ProblemError(Problem(fact, "Let both bring as many.", kind="batch"))
        self._rows = self.result.batch = rows

    def __call__(self, name: str, shape: tuple[int, ...] | None) -> Value:
        build = self.program.build
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
        chosen = self.result.rows = build.shared(ROWS, lambda: build.emit("batch_rows", rows=rows, key=self._key()))
        gather = "gather_rows" if kind == "real" else "gather_whole_rows"
        return build.shared(f"data.{name}.batch", lambda: build.emit(gather, whole, chosen))

    def _key(self) -> int | None:
        """What the order of the rows is drawn from."""
        training = self.training
        return int(stream(training.seed, "data.order").integers(2**31)) if training.order == "shuffled" else None
