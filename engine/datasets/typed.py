"""Values that a person typed, or arrays handed over in a notebook."""

from __future__ import annotations

from typing import NoReturn

import numpy as np

from engine.datasets.arrays import MOST_NUMBERS, numbers
from engine.datasets.draws import Floats, Indices
from engine.datasets.options import MAX_NAMES, Choice, Names, Raw, Rows
from engine.datasets.registry import Table, Task, dataset
from engine.problems import Problem, ProblemError


@dataset(
    "values",
    title="Typed values",
    help="Rows of inputs and targets, typed or pasted.",
    task="any",
    source="Typed by hand",
    options={
        "inputs": Raw(help="One list of numbers per row; images as channels, height, width."),
        "targets": Raw(help="One number or one list of numbers per row."),
        "task": Choice(
            "automatic",
            ("automatic", "regression", "binary", "classes"),
            help="What the targets are; automatic looks at them and says what it found.",
        ),
        "test_rows": Rows(help="The rows kept for testing, counted from 0; the others are learned from."),
        "input_names": Names(help="One name per feature."),
        "target_names": Names(help="One name per column of the targets."),
        "class_names": Names(help="One name per class, in the order of the class numbers."),
        "notes": Names(help="Where the rows come from and what was done to them before, a sentence each."),
    },
)
def values(
    inputs: object,
    targets: object,
    task: str,
    input_names: tuple[str, ...],
    target_names: tuple[str, ...],
    class_names: tuple[str, ...],
    notes: tuple[str, ...] = (),
    test_rows: tuple[int, ...] = (),
) -> Table:
    """Rows as given. A single list of numbers is one feature, or one output, per row.

    Automatic: whole numbers 0 … k−1 (k ≥ 3, each present, fewer classes than rows) in a single list are classes; a
    single column of only 0 and 1, or only −1 and +1, is binary; all else is regression.
    """
    x, y, whole = _pair(inputs, targets)
    found: Task = task if task in ("regression", "binary", "classes") else _guess(y, whole)  # type: ignore[assignment]
    said = ["1 row as given." if len(x) == 1 else f"{len(x)} rows as given.", *notes]
    if x.ndim == 1:
        x = x[:, None]
        said.append("The single list of inputs is read as one feature per row.")
    if task == "automatic":
        said.append(f"The targets were read as {found}; “task” can say otherwise.")
    flat = int(np.prod(x.shape[1:]))
    names = _names(input_names, flat, "input_names", "features") or _numbered("x", flat)
    if found == "regression":
        y = y if y.ndim > 1 else y[:, None]
        outputs = int(np.prod(y.shape[1:]))
        columns = _names(target_names, outputs, "target_names", "outputs") or _numbered("y", outputs)
        if class_names:
            _refuse("These targets are regression, and have no classes", "Leave “class_names” out.", "class_names")
        return Table(x, y, names, columns, "regression", preparation=tuple(said), test_rows=test_rows)
    classes, labels = _binary(y) if found == "binary" else (_class_numbers(y), "")
    count = 2 if found == "binary" else max(int(classes.max()) + 1, len(class_names))
    known = _names(class_names, count, "class_names", "classes")
    defaults = tuple(labels.split("/")) if labels else tuple(f"class {index}" for index in range(count))
    column = _names(target_names, 1, "target_names", "column") or ("label" if found == "binary" else "class",)
    return Table(x, classes, names, column, found, known or defaults, labels, tuple(said), test_rows)


def _pair(inputs: object, targets: object) -> tuple[Floats, Floats, bool]:
    """Both arrays, checked together so that every mistake is told at once; and whether all targets are whole."""
    problems: list[Problem] = []
    arrays: list[tuple[Floats, bool]] = []
    for name, value in (("inputs", inputs), ("targets", targets)):
        if value is None:
            problems.append(
                Problem(f"“{name}” is missing", f"Give “{name}”, one entry per row.", path=name, kind="missing")
            )
            continue
        try:
            arrays.append(numbers(value, name))
        except ProblemError as error:
            problems.extend(error.problems)
    if problems:
        raise ProblemError(*problems)
    (x, _), (y, whole) = arrays
    if len(x) != len(y):
        rows = "1 row of inputs meets" if len(x) == 1 else f"{len(x)} rows of inputs meet"
        other = "1 row of targets" if len(y) == 1 else f"{len(y)} rows of targets"
        _refuse(f"{rows} {other}", "Give one target for each row of inputs.", "targets")
    if x.size + y.size > MOST_NUMBERS:
        fact = f"Inputs and targets hold {x.size + y.size:,} numbers; a data set takes up to {MOST_NUMBERS:,}"
        _refuse(fact, "Give fewer rows or fewer features.", "inputs")
    return x, y, whole


def _guess(y: Floats, whole: bool) -> Task:
    if y.ndim == 1 or y.shape[1:] == (1,):
        present = set(np.unique(y).tolist())
        if present in ({0.0, 1.0}, {-1.0, 1.0}):
            return "binary"
        if y.ndim == 1 and whole and 3 <= len(present) < len(y) and present == set(map(float, range(len(present)))):
            return "classes"
    return "regression"


def _binary(y: Floats) -> tuple[Indices, str]:
    """Class 0 or 1 for each row, and the two labels in use."""
    if y.ndim > 1 and y.shape[1:] != (1,):
        _refuse("Binary targets are one number per row", "Give one label for each row.", "targets")
    present = set(np.unique(y).tolist())
    for labels, low in (("0/1", 0.0), ("-1/+1", -1.0)):
        if present <= {low, 1.0}:
            return (y.ravel() == 1).astype(np.int64), labels
    other = (
        next(value for value in sorted(present) if value not in (-1.0, 0.0, 1.0)) if present - {-1.0, 0.0, 1.0} else 0.0
    )
    row = int(np.flatnonzero(y.ravel() == other)[0])
    mend = "Write the two classes as 0 and 1, or as −1 and +1."
    _refuse(f"{other:g} is no binary label beside the others", mend, f"targets[{row}]")


def _class_numbers(y: Floats) -> Indices:
    if y.ndim > 1 and y.shape[1:] != (1,):
        mend = "Give the number of the class for each row, and set “one_hot” for columns."
        _refuse("Targets of classes are one number per row", mend, "targets")
    flat = y.ravel()
    bad = np.flatnonzero((flat != np.floor(flat)) | (flat < 0) | (flat >= MAX_NAMES))
    if bad.size:
        mend = f"Number the classes 0, 1, 2 … up to {MAX_NAMES - 1}."
        _refuse(f"{flat[bad[0]]:g} is no class number", mend, f"targets[{bad[0]}]")
    return flat.astype(np.int64)


def _names(given: tuple[str, ...], count: int, option: str, what: str) -> tuple[str, ...]:
    if given and len(given) != count:
        _refuse(f"{len(given)} names meet {count} {what}", f"Give {count}, or leave “{option}” out.", option)
    return given


def _numbered(letter: str, count: int) -> tuple[str, ...]:
    return (
        tuple(f"{letter}{index + 1}" for index in range(count)) if 1 < count <= MAX_NAMES else (letter,) * (count == 1)
    )


def _refuse(fact: str, mend: str, path: str) -> NoReturn:
    raise ProblemError(Problem(fact, mend, path=path, kind="option"))
