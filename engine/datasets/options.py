"""The options of data sets: the checked properties that node types have as well, so one inspector draws both."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.problems import Problem, ProblemError, did_you_mean
from engine.properties import Choice, Flag, Property, Real, Text, Whole

__all__ = [
    "Choice",
    "Flag",
    "Names",
    "Property",
    "Raw",
    "Real",
    "Reals",
    "Rows",
    "Text",
    "Whole",
    "read_options",
    "shown",
]

MAX_NAMES = 4096


def shown(value: object) -> str:
    """A value short enough to stand in a sentence."""
    if isinstance(value, str):
        return f"“{value[:60]}…”" if len(value) > 60 else f"“{value}”"
    try:
        return reprlib.repr(value)
    except ValueError:  # Python does not write out whole numbers beyond 4300 digits
        return f"a {type(value).__name__} with an enormous number"


class Names(Property):
    """A list of texts, each once; empty where nothing is said."""

    def __init__(self, *, help: str = "") -> None:
        super().__init__((), help=help)

    def check(self, value: Any) -> tuple[str, ...]:
        """The names as a tuple, or a problem."""
        if not isinstance(value, list | tuple) or not all(isinstance(entry, str) for entry in value):
            raise self.refuse(
                f"“{self.name}” needs a list of names, not {shown(value)}", 'Write it as ["first", "second"].'
            )
        if len(value) > MAX_NAMES or any(not entry or len(entry) > 200 for entry in value):
            raise self.refuse(f"“{self.name}” takes up to {MAX_NAMES} names of 1 to 200 characters", "Shorten it.")
        if len(set(value)) < len(value):
            twice = next(entry for entry in value if value.count(entry) > 1)
            raise self.refuse(f"“{self.name}” holds {shown(twice)} twice", "Give every name once.")
        return tuple(value)


class Reals(Property):
    """A list of up to `longest` finite numbers; empty where nothing is said."""

    def __init__(self, *, longest: int, help: str = "") -> None:
        super().__init__((), help=help)
        self.longest = longest

    def check(self, value: Any) -> tuple[float, ...]:
        """The numbers as floats, or a problem."""
        if not isinstance(value, list | tuple) or len(value) > self.longest:
            raise self.refuse(f"“{self.name}” needs a list of up to {self.longest} numbers, not {shown(value)}")
        for entry in value:
            if isinstance(entry, bool) or not isinstance(entry, int | float) or not abs(entry) <= 1e6:
                raise self.refuse(f"“{self.name}” holds {shown(entry)}", "Each entry is a number from −1e6 to 1e6.")
        return tuple(float(entry) for entry in value)


class Rows(Property):
    """Numbers of rows, counted from 0, each once; empty where nothing is said."""

    def __init__(self, *, help: str = "") -> None:
        super().__init__((), help=help)

    def check(self, value: Any) -> tuple[int, ...]:
        """The numbers in ascending order, or a problem."""
        if not isinstance(value, list | tuple):
            raise self.refuse(f"“{self.name}” needs a list of row numbers, not {shown(value)}", "Write it as [8, 9].")
        for entry in value:
            if isinstance(entry, bool) or not isinstance(entry, int) or not 0 <= entry < 2**31:
                raise self.refuse(f"“{self.name}” holds {shown(entry)}", "Each entry is a row number, counted from 0.")
        if len(set(value)) < len(value):
            twice = next(entry for entry in value if value.count(entry) > 1)
            raise self.refuse(f"“{self.name}” names row {twice} twice", "Name every row once.")
        return tuple(sorted(value))


class Raw(Property):
    """Lists of numbers or an array, handed on as they are: the data set itself checks them, with places inside."""

    def __init__(self, *, help: str = "") -> None:
        super().__init__(None, help=help)


def read_options(kind: str, known: Mapping[str, Property], given: Mapping[str, object]) -> dict[str, Any]:
    """Every known option with its value, given or by default.

    Raises `ProblemError` with one problem for each option that is unknown or unsound; its path is the option's name.
    """
    values: dict[str, Any] = {name: option.default for name, option in known.items()}
    problems: list[Problem] = []
    for name, value in given.items():
        if name not in known:
            problems.append(_unknown(kind, name, known))
            continue
        try:
            values[name] = _checked(known[name], value)
        except ProblemError as error:
            problems.extend(
                Problem(one.fact, one.mend or _range(known[name]), path=name, kind="option") for one in error.problems
            )
    if problems:
        raise ProblemError(*problems)
    return values


def _unknown(kind: str, name: object, known: Mapping[str, Property]) -> Problem:
    word = str(name)[:80]
    mend = did_you_mean(word, known) or f"It knows {', '.join(known)}."
    return Problem(f"The data set “{kind}” has no option {shown(word)}", mend, path=word, kind="unknown")


def _checked(option: Property, value: object) -> Any:
    if isinstance(option, Raw):
        return value
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(option, Whole | Real):
        return option.check(_number(option, value))
    if isinstance(option, Flag) and not isinstance(value, bool):
        raise option.refuse(f"“{option.name}” is yes or no, not {shown(value)}", "Write true or false.")
    if isinstance(option, Choice) and (not isinstance(value, str) or len(value) > 80):
        raise option.refuse(f"“{option.name}” cannot be {shown(value)}", f"Choose one of {', '.join(option.options)}.")
    return option.check(value)


def _number(option: Property, value: object) -> int | float:
    """Refuse what float64 cannot hold before the property compares it: that would raise OverflowError."""
    wanted = "a whole number" if isinstance(option, Whole) else "a number"
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise option.refuse(f"“{option.name}” needs {wanted}, not {shown(value)}", f"{_range(option)}")
    if isinstance(value, int) and abs(value) > 2**63:
        raise option.refuse(f"“{option.name}” is {shown(value)}, far too large", f"{_range(option)}")
    if not math.isfinite(value):
        raise option.refuse(f"“{option.name}” is {value}, which is not a finite number", f"{_range(option)}")
    return value


def _range(option: Property) -> str:
    if isinstance(option, Whole | Real):
        return f"Choose a number from {option.low:g} to {option.high:g}."
    return ""
