"""Lists and arrays that people hand over, checked number by number, with the place of the first bad one."""

from __future__ import annotations

import math
from itertools import chain
from typing import Any, NoReturn

import numpy as np

from engine.datasets.draws import Floats
from engine.datasets.options import shown
from engine.problems import Problem, ProblemError

MOST_NUMBERS = 10**7
MOST_LEVELS = 4  # rows of images: (rows, channels, height, width)


def numbers(value: object, name: str) -> tuple[Floats, bool]:
    """A float64 copy of `value`, and whether all of it was typed as whole numbers (no decimal point, integer dtype).

    value  nested lists or a NumPy array, (rows, …) with up to three axes behind the rows
    name   where it stands in the spec, for the paths of problems
    Raises `ProblemError` for ragged or empty lists, for what is no finite number, and beyond 10⁷ numbers.
    """
    if isinstance(value, np.ndarray):
        return _from_array(value, name)
    if not isinstance(value, list | tuple):
        _refuse(f"“{name}” needs a list of rows, not {shown(value)}", "Write it as [[0, 1], [1, 0]].", name, "type")
    leaves, shape = _leaves(value, name)
    kinds = set(map(type, leaves))
    if not kinds <= {int, float}:
        bad = next(i for i, leaf in enumerate(leaves) if isinstance(leaf, bool) or not isinstance(leaf, int | float))
        _refuse_number(leaves[bad], bad, shape, name)
    try:
        array = np.array(leaves, dtype=np.float64)
    except OverflowError:
        bad = next(i for i, leaf in enumerate(leaves) if isinstance(leaf, int) and abs(leaf) > 2**1023)
        _refuse_number(leaves[bad], bad, shape, name)
    _refuse_non_finite(array, shape, name)
    return array.reshape(shape), kinds == {int}


def _from_array(value: np.ndarray[Any, Any], name: str) -> tuple[Floats, bool]:
    if value.dtype.kind not in "iuf":
        _refuse(
            f"“{name}” is an array of {value.dtype}", "Convert it to float64, or to integers for classes.", name, "type"
        )
    if not 1 <= value.ndim <= MOST_LEVELS:
        _refuse(
            f"“{name}” has {value.ndim} axes", f"Give it rows first, and 1 to {MOST_LEVELS} axes in all.", name, "shape"
        )
    if value.size == 0:
        _refuse_empty(name, name)
    _refuse_too_many(value.size, name)
    with np.errstate(over="ignore"):
        array = np.array(value, dtype=np.float64, order="C")
    _refuse_non_finite(array.ravel(), value.shape, name)
    return array, value.dtype.kind != "f"


def _leaves(value: list[object] | tuple[object, ...], name: str) -> tuple[list[Any], tuple[int, ...]]:
    """The innermost entries in order, and the shape; every list of one level must be as long as the first."""
    shape: tuple[int, ...] = (len(value),)
    level: list[Any] = list(value)
    while True:
        if not level:
            _refuse_empty(name, name)
        _refuse_too_many(len(level), name)
        level = [entry.tolist() if isinstance(entry, np.ndarray | np.generic) else entry for entry in level]
        nested = isinstance(level[0], list | tuple)
        width = len(level[0]) if nested else 0
        for index, entry in enumerate(level):
            if isinstance(entry, list | tuple) != nested or (nested and len(entry) != width):
                _refuse_ragged(entry, level[0], index, shape, name)
        if not nested:
            return level, shape
        if len(shape) == MOST_LEVELS:
            _refuse(f"“{name}” is nested deeper than {MOST_LEVELS} lists", "Use one list per row.", name, "shape")
        _refuse_too_many(len(level) * width, name)
        shape = (*shape, width)
        level = list(chain.from_iterable(level))


def place(name: str, index: int, shape: tuple[int, ...]) -> str:
    """The JSON path of entry number `index` of lists of this shape: `inputs[3][1]`."""
    return name + "".join(f"[{axis}]" for axis in np.unravel_index(index, shape))


def _refuse(fact: str, mend: str, path: str, kind: str) -> NoReturn:
    raise ProblemError(Problem(fact, mend, path=path, kind=kind))


def _refuse_empty(name: str, path: str) -> NoReturn:
    _refuse(f"“{name}” holds no numbers", "Give at least one row with one number.", path, "shape")


def _refuse_too_many(count: int, name: str) -> None:
    if count > MOST_NUMBERS:
        fact = f"“{name}” holds {count:,} numbers; a data set takes up to {MOST_NUMBERS:,}"
        _refuse(fact, "Give fewer rows or fewer features.", name, "size")


def _refuse_ragged(entry: object, first: object, index: int, shape: tuple[int, ...], name: str) -> NoReturn:
    def described(one: object) -> str:
        if not isinstance(one, list | tuple):
            return f"the single entry {shown(one)}"
        return "1 entry" if len(one) == 1 else f"{len(one)} entries"

    fact = f"Row {index} of “{name}” has {described(entry)}, and row 0 has {described(first)}"
    if len(shape) > 1:
        fact = f"A list in “{name}” has {described(entry)}, and the first one has {described(first)}"
    _refuse(fact, "Give every row the same number of entries.", place(name, index, shape), "shape")


def _refuse_non_finite(flat: Floats, shape: tuple[int, ...], name: str) -> None:
    bad = np.flatnonzero(~np.isfinite(flat))
    if bad.size:
        _refuse_number(float(flat[bad[0]]), int(bad[0]), shape, name)


def _refuse_number(value: object, index: int, shape: tuple[int, ...], name: str) -> NoReturn:
    if isinstance(value, float):
        what = "NaN, which is not a number" if math.isnan(value) else "infinity"
    elif isinstance(value, int) and not isinstance(value, bool):
        what = "a whole number too large for float64"
    else:
        what = f"{shown(value)}, which is not a number"
    _refuse(
        f"“{name}” holds {what}",
        "Put a finite number there, or leave the row out.",
        place(name, index, shape),
        "number",
    )
