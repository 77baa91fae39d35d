"""What was understood of a CSV file: shown to a person, and put into a document."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from engine.datasets.csv_text import BadLine, Question
from engine.datasets.draws import Floats, Indices
from engine.problems import Problem


@dataclass(frozen=True, slots=True)
class Found:
    """One column as a person is shown it.

    role   input, target or out; holds: what it is, in words; problem: why it cannot be what it is wanted for
    """

    index: int
    name: str
    role: str
    holds: str
    missing: int


@dataclass(slots=True)
class Understood:
    """What a file says, under the answers given so far.

    questions  everything that was decided, doubts first; bad: lines that are left out, in their order
    preview    (line, cells as they will be understood) of the first rows
    inputs     (rows, features) float64; targets (rows, outputs) float64, or (rows,) class numbers
    said       sentences about what was done to the cells
    problem    why it cannot be learned from as it stands; None where it can
    """

    name: str
    rows: int = 0
    questions: list[Question] = field(default_factory=list)
    columns: list[Found] = field(default_factory=list)
    preview: list[tuple[int, list[str]]] = field(default_factory=list)
    bad: list[BadLine] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    inputs: Floats | None = None
    targets: Floats | Indices | None = None
    input_names: list[str] = field(default_factory=list)
    target_names: list[str] = field(default_factory=list)
    class_names: list[str] = field(default_factory=list)
    task: str = ""
    standardise: bool = False
    one_hot: bool = False
    problem: Problem | None = None

    @property
    def doubts(self) -> list[Question]:
        """What somebody ought to look at."""
        return [question for question in self.questions if question.is_open]

    @property
    def numbers(self) -> int:
        """How many numbers the table holds."""
        return 0 if self.inputs is None or self.targets is None else self.inputs.size + self.targets.size

    @property
    def outputs(self) -> int:
        """How many numbers a network has to answer for each row, one for each class where there are classes."""
        return max(1, len(self.class_names)) if self.task == "classes" else max(1, len(self.target_names))

    def data(self) -> dict[str, Any]:
        """The part of a document's `data` that holds these rows, as plain JSON."""
        assert self.inputs is not None and self.targets is not None, "a table with a problem holds no rows"
        spec: dict[str, Any] = {
            "name": "values", "inputs": plain_numbers(self.inputs), "targets": plain_numbers(self.targets), "task": self.task,
            "input_names": self.input_names, "target_names": self.target_names,
        }  # fmt: skip
        return {**spec, **({"class_names": self.class_names} if self.class_names else {}), **self.options()}

    def options(self) -> dict[str, Any]:
        """What is done to the rows behind the table, and the sentences that go with them."""
        spec: dict[str, Any] = {"notes": list(dict.fromkeys([f"Read from {self.name[:120]}.", *self.said]))}
        spec |= {"standardise": True} if self.standardise else {}
        return {**spec, **({"one_hot": True} if self.one_hot else {})}

    def csv(self) -> bytes:
        """The same rows as a plain CSV file: commas, points, UTF-8, inputs first."""
        assert self.inputs is not None and self.targets is not None, "a table with a problem holds no rows"
        targets = self.targets.reshape(len(self.inputs), -1)
        heading = ",".join(_quoted(name) for name in (*self.input_names, *self.target_names))
        table: list[list[float]] = np.concatenate([self.inputs, targets], axis=1).tolist()
        lines = (",".join(map(short, row)) for row in table)
        return "\n".join([heading, *lines, ""]).encode()


def plain_numbers(array: Floats | Indices) -> list[Any]:
    """Nested lists, whole numbers without a point."""
    if array.ndim > 1:
        return [plain_numbers(row) for row in array]
    return [int(number) if number == int(number) and abs(number) < 1e15 else number for number in array.tolist()]


def short(number: float) -> str:
    """The shortest text that is read back as the same number."""
    return str(int(number)) if number == int(number) else repr(number)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
