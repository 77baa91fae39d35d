"""Tables in files beside the document: CSV with or without a heading."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import numpy as np

from engine.datasets.arrays import MOST_NUMBERS
from engine.datasets.options import MAX_NAMES, Choice, Names, Text, shown
from engine.datasets.registry import Table, dataset
from engine.datasets.typed import values
from engine.problems import Problem, ProblemError, did_you_mean

MOST_BYTES = 64 * 2**20
MOST_PROBLEMS = 10
LONG_BYTES = 64 * 2**10  # from here on a table is kept once it was read: about a tenth of a second
MOST_KEPT = 3
_kept: dict[tuple[object, ...], Table] = {}


@dataset(
    "file",
    title="Table in a file",
    help="A CSV file beside the document: one row per line, the last column is the target.",
    task="any",
    source="A file of the user",
    reads_files=True,
    options={
        "path": Text(longest=1000, help="Path of the file, relative to the document."),
        "inputs": Names(help="Columns that are inputs; all others where empty."),
        "targets": Names(help="Columns that are targets; the last one where empty."),
        "task": Choice("automatic", ("automatic", "regression", "binary", "classes"), help="What the targets are."),
        "class_names": Names(help="One name per class, where the targets are class numbers."),
        "notes": Names(help="Where the rows come from and what was done to them before, a sentence each."),
    },
)
def file(
    path: str,
    inputs: tuple[str, ...],
    targets: tuple[str, ...],
    task: str,
    class_names: tuple[str, ...],
    notes: tuple[str, ...],
    folder: Path | None,
) -> Table:
    """Rows of numbers, separated by comma, semicolon or tab; a first line without a number is the heading.

    A target column of words becomes class numbers, in alphabetical order of the words. A long table that is asked for
    once more, while its file is the same, is not read again.
    """
    found = _inside(path, folder)
    key = (_stamp(found), path, inputs, targets, task, class_names, notes)
    table = _kept.get(key)
    if table is None:
        table = _table(found, path, inputs, targets, task, class_names, notes)
        if found.stat().st_size > LONG_BYTES:
            _kept.update({key: table})
            while len(_kept) > MOST_KEPT:
                _kept.pop(next(iter(_kept)), None)
    return table


def long_table(spec: object, folder: Path | None) -> str:
    """The path of the table that a document describes, where reading it takes longer than a window may stand still."""
    path = spec.get("path") if isinstance(spec, Mapping) else spec
    if not isinstance(path, str) or folder is None:
        return ""
    try:
        found = folder / path
        return path if found.is_file() and found.stat().st_size > LONG_BYTES else ""
    except (OSError, ValueError):
        return ""


def _stamp(found: Path) -> tuple[str, int, int]:
    status = found.stat()
    return str(found), status.st_mtime_ns, status.st_size


def _table(
    found: Path,
    path: str,
    inputs: tuple[str, ...],
    targets: tuple[str, ...],
    task: str,
    class_names: tuple[str, ...],
    notes: tuple[str, ...],
) -> Table:
    heading, cells, lines = _read(found, path)
    input_columns, target_columns = _columns(inputs, targets, heading, path)
    words = _class_words(cells, target_columns, task)
    x = _numbers(cells, input_columns, heading, path, lines)
    if words:
        y = np.array([words.index(row[target_columns[0]].strip()) for row in cells], dtype=np.int64)
    else:
        y = _targets(cells, target_columns, heading, path, lines)
    try:
        table = values(
            inputs=x,
            targets=y,
            task="classes" if words else task,
            input_names=tuple(heading[column] for column in input_columns),
            target_names=tuple(heading[column] for column in target_columns),
            class_names=tuple(words) or class_names,
        )
    except ProblemError as error:
        raise ProblemError(*(replace(problem, path="path") for problem in error.problems)) from None
    said = [f"{len(cells)} rows of the file {path}.", *notes, *table.preparation[1:]]
    if words:
        said.append(f"The words of “{heading[target_columns[0]]}” became class numbers in alphabetical order.")
    return replace(table, preparation=tuple(said))


def _columns(
    inputs: tuple[str, ...], targets: tuple[str, ...], heading: tuple[str, ...], path: str
) -> tuple[list[int], list[int]]:
    """The places of the input columns and of the target columns."""
    target_columns = _places(targets, heading, "targets") or [len(heading) - 1]
    input_columns = _places(inputs, heading, "inputs") or [c for c in range(len(heading)) if c not in target_columns]
    if not input_columns:
        _refuse(f"“{path}” has no column left for the inputs", "Add a column, or name fewer targets.", "inputs")
    if both := set(input_columns) & set(target_columns):
        fact = f"“{heading[both.pop()]}” is an input and a target"
        _refuse(fact, "Take it out of “inputs” or “targets”.", "inputs")
    return input_columns, target_columns


def _targets(
    cells: list[list[str]], columns: list[int], heading: tuple[str, ...], path: str, lines: list[int]
) -> np.ndarray:
    """(rows, outputs) numbers; (rows,) integers where a single column holds whole numbers, which may be classes."""
    y = _numbers(cells, columns, heading, path, lines)
    whole = len(columns) == 1 and all(_is_whole(row[columns[0]]) for row in cells)
    return y[:, 0].astype(np.int64) if whole else y


def _inside(path: str, folder: Path | None) -> Path:
    """The place of the file; nothing outside the folder of the document is opened."""
    if not path:
        _refuse("No file is named", "Give “path”, the name of a CSV file beside the document.", "path")
    if folder is None:
        _refuse(
            f"“{path}” is looked for beside the document, which has no folder yet", "Save the document first.", "path"
        )
    try:
        base = folder.resolve()
        found = (base / path).resolve()
        is_inside = found.is_relative_to(base)
        is_file = is_inside and found.is_file()
        size = found.stat().st_size if is_file else 0
    except (OSError, ValueError, RuntimeError):
        _refuse(f"{shown(path)} is no path of a file", "Give the name of a CSV file beside the document.", "path")
    if not is_inside:
        _refuse(f"“{path}” lies outside the folder of the document", "Copy it beside the document.", "path")
    if not is_file:
        _refuse(f"There is no file “{path}” beside the document", "Check the name, or copy the file there.", "path")
    if size > MOST_BYTES:
        _refuse(f"“{path}” has {size / 2**20:.0f} MB; a table takes up to 64 MB", "Keep fewer rows.", "path")
    return found


def _read(found: Path, path: str) -> tuple[tuple[str, ...], list[list[str]], list[int]]:
    """The names of the columns, the cells row by row, and the number of each row's line."""
    try:
        text = found.read_text(encoding="utf-8-sig")
        first = text.partition("\n")[0]
        separator = max("\t;,", key=first.count)
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        numbered = [(reader.line_num, row) for row in reader if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        _refuse(f"“{path}” cannot be read as a table ({error})", "Save it as CSV in UTF-8.", "path")
    if not numbered:
        _refuse(f"“{path}” is empty", "Give it at least one row of numbers.", "path")
    lines, rows = [line for line, _ in numbered], [row for _, row in numbered]
    has_heading = not any(_is_number(cell) for cell in rows[0])
    heading = (
        tuple(cell.strip() for cell in rows[0]) if has_heading else tuple(f"x{i + 1}" for i in range(len(rows[0])))
    )
    cells = rows[1:] if has_heading else rows
    if not cells:
        _refuse(f"“{path}” has a heading and no rows", "Give it at least one row of numbers.", "path")
    if "" in heading or len(set(heading)) < len(heading):
        _refuse(
            f"Two columns of “{path}” have the same name, or one has none",
            "Give every column a name of its own.",
            "path",
        )
    if len(cells) * len(heading) > MOST_NUMBERS:
        _refuse(
            f"“{path}” holds {len(cells) * len(heading):,} numbers; a data set takes up to {MOST_NUMBERS:,}",
            "Keep fewer rows.",
            "path",
        )
    lines = lines[has_heading:]
    for line, row in zip(lines, cells, strict=True):
        if len(row) != len(heading):
            fact = f"Line {line} of “{path}” has {len(row)} cells, and there are {len(heading)} columns"
            _refuse(fact, "Give every row one cell per column.", "path")
    return heading, cells, lines


def _places(names: tuple[str, ...], heading: tuple[str, ...], option: str) -> list[int]:
    for index, name in enumerate(names):
        if name not in heading:
            mend = did_you_mean(name, heading) or f"There are {', '.join(heading[:20])}."
            raise ProblemError(
                Problem(f"There is no column {shown(name)}", mend, path=f"{option}[{index}]", kind="unknown")
            )
    return [heading.index(name) for name in names]


def _class_words(cells: list[list[str]], columns: list[int], task: str) -> list[str]:
    """The distinct words of a target column; empty where its cells are numbers.

    Automatic takes words for classes only where no cell is a number: one slip in a column of numbers stays a mistake.
    """
    if len(columns) != 1 or task not in ("automatic", "classes"):
        return []
    column = [row[columns[0]].strip() for row in cells]
    is_number = [_is_number(cell) for cell in column]
    if not all(column) or all(is_number) or (task == "automatic" and any(is_number)):
        return []
    words = sorted(set(column))
    if len(words) > MAX_NAMES:
        _refuse(
            f"The target column holds {len(words)} different words", f"Up to {MAX_NAMES} can be classes.", "targets"
        )
    return words


def _numbers(
    cells: list[list[str]], columns: list[int], heading: tuple[str, ...], path: str, lines: list[int]
) -> np.ndarray:
    problems: list[Problem] = []
    for line, row in zip(lines, cells, strict=True):
        for column in columns:
            if not _is_number(row[column]):
                fact = f"Line {line} of “{path}” has {shown(row[column])} under “{heading[column]}”"
                problems.append(
                    Problem(fact, "Put a finite number there, or leave the row out.", path="path", kind="number")
                )
        if len(problems) >= MOST_PROBLEMS:
            break
    if problems:
        raise ProblemError(*problems[:MOST_PROBLEMS])
    return np.array([[float(row[column]) for column in columns] for row in cells], dtype=np.float64)


def _is_number(cell: str) -> bool:
    try:
        return "_" not in cell and math.isfinite(float(cell))
    except ValueError:
        return False


def _is_whole(cell: str) -> bool:
    return cell.strip().lstrip("+-").isdecimal() and len(cell.strip()) <= 15


def _refuse(fact: str, mend: str, path: str) -> NoReturn:
    raise ProblemError(Problem(fact, mend, path=path, kind="file"))
