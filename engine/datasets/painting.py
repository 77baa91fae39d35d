"""Rows added and taken away by hand: whatever the data were, they become typed values that keep the rows of before."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from engine.datasets.csv_result import plain_numbers
from engine.datasets.prepared import Dataset

MOST_ROWS = 5_000  # each stroke of a brush is journalled with all rows: beyond that it would take long
# What is done to the rows goes on being done.
KEPT = ("standardise", "test_fraction", "split_seed", "folds", "fold", "one_hot")


def typed_rows(spec: Mapping[str, Any], data: Dataset) -> dict[str, Any]:
    """The rows of `data` in their own units as the spec of typed values, as plain JSON.

    spec  what the data were made from; what it asks to be done to the rows is asked for again
    """
    flat = data.targets.reshape(len(data.inputs), -1)
    made: dict[str, Any] = {"name": "values", "inputs": plain_numbers(_measured(spec, data)), "task": data.task}
    if data.task == "classes":
        made["targets"] = plain_numbers(flat.argmax(axis=1) if flat.shape[1] > 1 else flat[:, 0])
    else:
        made["targets"] = plain_numbers(data.targets if data.task == "regression" else flat[:, 0])
        made["target_names"] = list(data.target_names)
    made["input_names"] = list(data.input_names)
    made |= {"class_names": list(data.class_names)} if data.class_names else {}
    return made | {name: spec[name] for name in ("notes", "test_rows", *KEPT) if name in spec}


def target_of(data: Dataset, group: int) -> float:
    """What a row of this class is to be answered with: its label, or the number of the class."""
    if data.task != "binary":
        return group
    return 1 if group else (-1 if float(data.targets.min()) < 0 else 0)


def with_rows(spec: Mapping[str, Any], inputs: Sequence[Sequence[float]], targets: Sequence[Any]) -> dict[str, Any]:
    """Typed values and more rows behind them."""
    return {**spec, "inputs": [*spec["inputs"], *map(list, inputs)], "targets": [*spec["targets"], *targets]}


def without_rows(spec: Mapping[str, Any], gone: Collection[int]) -> dict[str, Any]:
    """Typed values without some rows. One row stays: nothing can be learned from an empty table."""
    away = set(gone)
    left = [row for row in range(len(spec["inputs"])) if row not in away] or [0]
    made = {**spec, **{key: [spec[key][row] for row in left] for key in ("inputs", "targets")}}
    if "test_rows" in spec:
        tested = set(spec["test_rows"])
        made["test_rows"] = [place for place, row in enumerate(left) if row in tested]
        if len(made["test_rows"]) == len(left):  # what is left has to be learned from
            del made["test_rows"]
    return made


def _measured(spec: Mapping[str, Any], data: Dataset) -> Any:
    """The inputs before anything was done to them, digit by digit where they are typed already."""
    typed = spec.get("inputs")
    if spec.get("name", "values") == "values" and isinstance(typed, list) and np.ndim(typed[0]) == 1:
        return np.asarray(typed, np.float64)
    return data.measured
