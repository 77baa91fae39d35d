"""What a node type is: its ports, its properties, and the lowering into primitives."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

from engine.problems import Problem, ProblemError, did_you_mean

if TYPE_CHECKING:
    from engine.program import Builder, Value

PortKind = Literal["data", "parameter", "target", "loss", "index"]


@dataclass(frozen=True, slots=True)
class Port:
    """A place where a wire may end (input) or begin (output).

    shape    what a person reads, e.g. `(batch, features)`
    kind     the colour code; a wire may join different kinds, shapes decide
    symbol   LaTeX of the value, used in formulas; the name where empty
    default  for inputs: the number used while unconnected, kept as a property of the same name and as an arena slot
    optional an input that may stay free (a node's own parameter, for instance)
    many     an input that takes several wires, in their order
    """

    name: str
    shape: str = "any"
    kind: PortKind = "data"
    symbol: str = ""
    help: str = ""
    default: float | None = None
    optional: bool = False
    many: bool = False

    @property
    def may_stay_free(self) -> bool:
        """Whether the node works with nothing connected here."""
        return self.optional or self.default is not None


class Property:
    """A named, checked setting of a node; read on the instance like an attribute.

    default  the value of a node that says nothing
    help     one sentence for the inspector; unit: what the number counts, empty for pure numbers
    Raises `ProblemError` from `check` with the reason and the mend; a bad value is never replaced in silence.
    """

    def __init__(self, default: Any, *, help: str = "", unit: str = "", symbol: str = "") -> None:
        self.default, self.help, self.unit, self.symbol = default, help, unit, symbol
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: NodeType | None, owner: type) -> Any:
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

    def __init__(self, default: int | None, *, low: int = 0, high: int = 2**31 - 1, help: str = "", unit: str = "") -> None:
        super().__init__(default, help=help, unit=unit)
        self.low, self.high = low, high

    def check(self, value: Any) -> int | None:
        if value is None and self.default is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or value % 1 != 0:
            raise self.refuse(f"“{self.name}” needs a whole number, not {value!r}")
        if not self.low <= value <= self.high:
            raise self.refuse(f"“{self.name}” is {value}, outside {self.low} to {self.high}", "Choose a number in that range.")
        return int(value)


class Real(Property):
    """A finite number within [low, high], kept in an arena slot."""

    def __init__(
        self, default: float, *, low: float = -math.inf, high: float = math.inf, help: str = "", unit: str = "", symbol: str = ""
    ) -> None:
        super().__init__(default, help=help, unit=unit, symbol=symbol)
        self.low, self.high = low, high

    @property
    def is_number(self) -> bool:
        return True

    def check(self, value: Any) -> float:
        if not _is_finite_number(value):
            raise self.refuse(f"“{self.name}” needs a finite number, not {value!r}")
        if not self.low <= value <= self.high:
            raise self.refuse(f"“{self.name}” is {value:g}, outside {self.low:g} to {self.high:g}", "Choose a number in that range.")
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
            raise self.refuse(f"“{self.name}” cannot be {value!r}", guess or f"Choose one of {', '.join(self.options)}.")
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
                raise self.refuse(f"“{self.name}” holds {entry!r}", f"Each entry is a whole number from {self.low} to {self.high}.")
        return tuple(value)


class Numbers(Property):
    """A number or a (nested) list of numbers: values typed by hand. Kept as given; `None` where the default is."""

    def check(self, value: Any) -> Any:
        if value is None and self.default is None:
            return None
        count = self._count(value, depth=0)
        if count > 10**6:
            raise self.refuse(f"“{self.name}” holds {count} numbers", "Keep large tables in a data file.")
        return value

    def _count(self, value: Any, depth: int) -> int:
        if depth > 8:
            raise self.refuse(f"“{self.name}” is nested deeper than 8 lists")
        if isinstance(value, list | tuple):
            if len({len(row) if isinstance(row, list | tuple) else -1 for row in value}) > 1:
                raise self.refuse(f"“{self.name}” has rows of different lengths")
            return sum(self._count(entry, depth + 1) for entry in value)
        if not _is_finite_number(value):
            raise self.refuse(f"“{self.name}” holds {value!r}", "Only finite numbers can stand here.")
        return 1


def _is_finite_number(value: object) -> bool:
    # Compared, not math.isfinite: that raises OverflowError for whole numbers beyond the floats.
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


class NodeType:
    """Something that can be dragged onto the canvas; an instance is one node's properties, ready to be lowered.

    Subclasses declare `name`, `category`, `formula` (LaTeX), `source`, `inputs`, `outputs`, properties as class
    attributes, and `lower(build, **values by input port)`, which returns the output value (or a dict by output port).
    A port that takes many wires is handed a list; a free optional port is handed `None`.
    """

    name: ClassVar[str] = ""
    title: ClassVar[str] = ""
    category: ClassVar[str] = ""
    formula: ClassVar[str] = ""
    source: ClassVar[str] = ""
    icon: ClassVar[str] = ""
    inputs: ClassVar[tuple[Port, ...]] = ()
    outputs: ClassVar[tuple[Port, ...]] = ()

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        self.values: dict[str, Any] = dict(values or {})

    @classmethod
    def properties(cls) -> dict[str, Property]:
        """The properties in the order of their declaration, the numbers of free input ports behind them."""
        return _properties_of(cls)

    @classmethod
    def help(cls) -> str:
        """The first line of the docstring: what palette and inspector say."""
        return (cls.__doc__ or "").strip().splitlines()[0]

    @classmethod
    def input(cls, port: str) -> Port | None:
        """The input port of that name."""
        return next((candidate for candidate in cls.inputs if candidate.name == port), None)

    @classmethod
    def output(cls, port: str) -> Port | None:
        """The output port of that name."""
        return next((candidate for candidate in cls.outputs if candidate.name == port), None)

    @classmethod
    def check_properties(cls, values: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
        """The sound values, checked, and a problem for each of the others (path `properties.<name>`)."""
        known, sound, problems = cls.properties(), {}, []
        for name, value in values.items():
            if name not in known:
                mend = did_you_mean(name, known) or f"It knows {', '.join(known) or 'none'}."
                problems.append(Problem(f"“{cls.name}” has no property “{name}”", mend, path=f"properties.{name}", kind="unknown"))
                continue
            try:
                sound[name] = known[name].check(value)
            except ProblemError as error:
                problems.extend(error.problems)
        return sound, problems

    def lower(self, build: Builder, **values: Any) -> Value | dict[str, Value]:
        """Emit the node's primitives. Raises `ShapeMismatch` where operands do not fit."""
        raise TypeError(f"{type(self).__name__} does not say how it is lowered")


def _properties_of(cls: type[NodeType]) -> dict[str, Property]:
    cached: dict[str, Property] | None = cls.__dict__.get("_properties")
    if cached is None:
        cached = {}
        for base in reversed(cls.__mro__):
            cached.update({name: entry for name, entry in vars(base).items() if isinstance(entry, Property)})
        for port in cls.inputs:
            if port.default is not None:
                cached[port.name] = field = Real(port.default, help=port.help)
                field.name = port.name
        cls._properties = cached  # type: ignore[attr-defined]
    return cached


_node_types: dict[str, type[NodeType]] = {}
T = TypeVar("T", bound=NodeType)


def node_type(cls: type[T]) -> type[T]:
    """Register a node type; a name that is taken is a mistake of the programmer."""
    if cls.name in _node_types:
        raise ValueError(f"two node types are called {cls.name!r}")
    if not cls.title:
        cls.title = cls.name.replace("_", " ")
    _node_types[cls.name] = cls
    return cls


def registered_node_types() -> dict[str, type[NodeType]]:
    """All node types by name; `engine.nodes` has imported every family."""
    return _node_types
