"""The `data` of a document: from the short forms that people write to one form, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from engine.datasets import Dataset, load
from engine.datasets.loading import FILE_ENDINGS
from engine.problems import Problem, ProblemError
from engine.schema import plain, shortened
from engine.schema_findings import said

MOST_NUMBERS_INSIDE = 100_000
_OF_ONE_SET = ("name", "path", "inputs", "targets")


def read_data(data: object) -> dict[str, Any]:
    """Data by part, `{"train": {"name": "xor"}}`, from that or from a name, a file, options or arrays.

    Arrays are copied: what a notebook does to its own afterwards changes no document. Raises `ProblemError`.
    """
    if data is None:
        return {}
    if isinstance(data, str) or (isinstance(data, Mapping) and any(key in data for key in _OF_ONE_SET)):
        data = {"train": data}
    if not isinstance(data, Mapping):
        mend = 'Write a name such as "xor", {"name": "moons", "samples": 200}, or {"inputs": …, "targets": …}.'
        raise ProblemError(Problem(f"data cannot be {said(data)}", mend, kind="type"))
    return {str(part): _one_set(value) for part, value in data.items()}


def _one_set(value: Any) -> Any:
    if isinstance(value, str):
        return {"path" if value.lower().endswith(FILE_ENDINGS) else "name": value}
    if isinstance(value, Mapping):
        return {str(key): np.array(entry) if isinstance(entry, np.ndarray) else entry for key, entry in value.items()}
    return value


def data_json(data: Mapping[str, Any]) -> dict[str, Any]:
    """Data as they stand in a file, arrays as lists. Raises `ProblemError` for arrays of more than 10⁵ numbers."""
    problems = _too_large(data)
    if problems:
        raise ProblemError(*problems)
    return {part: plain(value) for part, value in data.items()}


def load_data(data: Mapping[str, Any], folder: Path | None) -> tuple[Dataset | None, list[Problem]]:
    """The data set of the part `train`, if it can be loaded, and everything that is wrong with the data of any part."""
    loaded: dict[str, Dataset] = {}
    problems: list[Problem] = []
    for part, value in data.items():
        try:
            loaded[part] = load(value, folder)
        except ProblemError as error:
            problems += [shortened(problem).below(f"data.{part}") for problem in error.problems]
    return loaded.get("train"), problems + _too_large(data)


def _too_large(data: Mapping[str, Any]) -> list[Problem]:
    problems = []
    for part, value in data.items():
        arrays = (
            [entry for entry in value.values() if isinstance(entry, np.ndarray)] if isinstance(value, Mapping) else []
        )
        count = sum(array.size for array in arrays)
        if count > MOST_NUMBERS_INSIDE:
            fact = f"these arrays hold {count:,} numbers, too many to be saved inside the document"
            mend = "Write them to a .csv file beside the document and name that file."
            problems.append(Problem(fact, mend, path=f"data.{part}", severity="warning", kind="limit"))
    return problems
