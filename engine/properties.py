"""Named, checked settings: what a node, an optimizer or a data set can be told, with limits, units and help."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable
from typing import Any

from engine.problems import Problem, ProblemError, did_you_mean


class Property:
    """A named, checked setting; read like an attribute of whoever keeps its `values`.

    default  the value where nothing is said
    help     one sentence for the inspector; unit: what the number counts, empty for pure numbers
    Raises `ProblemError` from `check` with the reason and the mend; a bad value is never replaced in silence.
    """

    def __init__(self, default: Any, *, help: str = "", unit: str = "", symbol: str = "") -> None:
        self.default, self.help, self.unit, self.symbol = default, help, unit, symbol
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type) -> Any:
        return self if instance is None else instance.values.get(self.name, self.default)

    def check(self, value: Any) -> Any:
        """The value as it is kept, or a problem."""
        return value

    def refuse(self, fact: str, mend: str = "") -> ProblemError:
        """The problem of this property, its path filled in."""
        return ProblemError(Problem(fact, mend, path=f"properties.{self.name}", kind="property"))

    @property
    def is_number(self) -> bool:
        """Whether the property is one number, kept in an arena slot: changing it re-plans nothing."""
        return False


class Whole(Property):
    """A whole number within [low, high]; `None` is allowed only where it is the default (then: found by itself)."""

    def __init__(
        self, default: int | None, *, low: int = 0, high: int = 2**31 - 1, help: str = "", unit: str = ""
    ) -> None:
        super().__init__(default, help=help, unit=unit)
        self.low, self.high = low, high

    def check(self, value: Any) -> int | None:
        if value is None and self.default is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or value % 1 != 0:
            raise self.refuse(f"“{self.name}” needs a whole number, not {value!r}")
        if not self.low <= value <= self.high:
            raise self.refuse(
                f"“{self.name}” is {value}, outside {self.low} to {self.high}", "Choose a number in that range."
            )
        return int(value)


class Real(Property):
    """A finite number within [low, high], kept in an arena slot.

    is_slot  False for a number that only says where something starts: it is part of the plan, as an initialiser is
    """

    def __init__(
        self,
        default: float,
        *,
        low: float = -math.inf,
        high: float = math.inf,
        help: str = "",
        unit: str = "",
        symbol: str = "",
        is_slot: bool = True,
    ) -> None:
        super().__init__(default, help=help, unit=unit, symbol=symbol)
        self.low, self.high, self.is_slot = low, high, is_slot

    @property
    def is_number(self) -> bool:
        return self.is_slot

    def check(self, value: Any) -> float:
        if not _is_finite_number(value):
            raise self.refuse(f"“{self.name}” needs a finite number, not {value!r}")
        if not self.low <= value <= self.high:
            raise self.refuse(
                f"“{self.name}” is {value:g}, outside {self.low:g} to {self.high:g}", "Choose a number in that range."
            )
        return float(value)


class Choice(Property):
    """One word out of a list; the list may be a function, for lists that families register into."""

    def __init__(self, default: str, options: Iterable[str] | Callable[[], Iterable[str]], *, help: str = "") -> None:
        super().__init__(default, help=help)
        self._options = options

    @property
    def options(self) -> tuple[str, ...]:
        """The words to choose from, in the order to show."""
        return tuple(self._options() if callable(self._options) else self._options)

    def check(self, value: Any) -> str:
        if value not in self.options:
            guess = did_you_mean(str(value), self.options)
            raise self.refuse(
                f"“{self.name}” cannot be {value!r}", guess or f"Choose one of {', '.join(self.options)}."
            )
        return str(value)


class Flag(Property):
    """Yes or no."""

    def check(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise self.refuse(f"“{self.name}” is yes or no (true or false), not {value!r}")
        return value


class Text(Property):
    """Free text of at most `longest` characters."""

    def __init__(self, default: str = "", *, longest: int = 200, help: str = "") -> None:
        super().__init__(default, help=help)
        self.longest = longest

    def check(self, value: Any) -> str:
        if not isinstance(value, str) or len(value) > self.longest:
            raise self.refuse(f"“{self.name}” needs text of at most {self.longest} characters")
        return value


class Dimensions(Property):
    """A tuple of whole numbers: a shape without the batch, or indices. `None` where the default is (found by itself)."""

    def __init__(self, default: tuple[int, ...] | None, *, low: int = 1, high: int = 10**7, help: str = "") -> None:
        super().__init__(default, help=help)
        self.low, self.high = low, high

    def check(self, value: Any) -> tuple[int, ...] | None:
        if value is None and self.default is None:
            return None
        if not isinstance(value, list | tuple) or len(value) > 8:
            raise self.refuse(f"“{self.name}” needs a list of up to 8 whole numbers, not {value!r}")
        for entry in value:
            if isinstance(entry, bool) or not isinstance(entry, int) or not self.low <= entry <= self.high:
                raise self.refuse(
                    f"“{self.name}” holds {entry!r}", f"Each entry is a whole number from {self.low} to {self.high}."
                )
        return tuple(value)


class Numbers(Property):
    """A number or a (nested) list of numbers: values typed by hand. Kept as given; `None` where the default is."""

    def check(self, value: Any) -> Any:
        if value is None and self.default is None:
            return None
        count = math.prod(self._shape(value, depth=0))
        if count == 0:
            raise self.refuse(f"“{self.name}” holds no number", "Type at least one.")
        if count > 10**6:
            raise self.refuse(f"“{self.name}” holds {count} numbers", "Keep large tables in a data file.")
        return value

    def _shape(self, value: Any, depth: int) -> tuple[int, ...]:
        if depth > 8:
            raise self.refuse(f"“{self.name}” is nested deeper than 8 lists", "Write it flatter.")
        if isinstance(value, list | tuple):
            shapes = {self._shape(entry, depth + 1) for entry in value}
            if len(shapes) > 1:
                raise self.refuse(f"“{self.name}” has rows of different lengths", "Give every row as many numbers.")
            return (len(value), *next(iter(shapes), ()))
        if not _is_finite_number(value):
            raise self.refuse(f"“{self.name}” holds {value!r}", "Only finite numbers can stand here.")
        return ()


def _is_finite_number(value: object) -> bool:
    # Compared, not math.isfinite: that raises OverflowError for whole numbers beyond the floats.
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max
