"""What a node type is: its ports, its properties, and the lowering into primitives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

from engine.problems import Problem, ProblemError, did_you_mean
from engine.properties import Choice, Dimensions, Flag, Numbers, Property, Real, Text, Whole

if TYPE_CHECKING:
    from engine.program import Builder
    from engine.values import Value

__all__ = [
    "Choice", "Dimensions", "Flag", "NodeType", "Numbers", "Port", "PortKind", "Property", "Real", "Text", "Whole",
    "node_type", "registered_node_types",
]  # fmt: skip

PortKind = Literal["data", "parameter", "target", "loss", "index"]
USUAL_LETTERS = {"weight": "w", "bias": "b"}  # of parameters that nothing names otherwise


@dataclass(frozen=True, slots=True)
class Port:
    """A place where a wire may end (input) or begin (output).

    shape    what a person reads, e.g. `(batch, features)`
    kind     the colour code; a wire may join different kinds, shapes decide
    symbol   LaTeX of the value, used in formulas; the name where empty
    default  for inputs: the number used while unconnected, kept as a property of the same name and as an arena slot
    optional an input that may stay free (a node's own parameter, for instance)
    many     an input that takes several wires, in their order
    delayed  an input whose value is used one step of time later: a wire to it may close a cycle
    late     an input that only the node's learning rule reads, once everything else has been computed: a wire to it may
             close a cycle; `lower` is handed None, and the rule finds the value in `Builder.late`
    """

    name: str
    shape: str = "any"
    kind: PortKind = "data"
    symbol: str = ""
    help: str = ""
    default: float | None = None
    optional: bool = False
    many: bool = False
    delayed: bool = False
    late: bool = False

    @property
    def may_stay_free(self) -> bool:
        """Whether the node works with nothing connected here."""
        return self.optional or self.default is not None


class NodeType:
    """Something that can be dragged onto the canvas; an instance is one node's properties, ready to be lowered.

    Subclasses declare `name`, `category`, `formula` (LaTeX), `source`, `inputs`, `outputs`, properties as class
    attributes, and `lower(build, **values by input port)`, which returns the output value (or a dict by output port).
    A port that takes many wires is handed a list; a free optional port is handed `None`.

    time  what a node has to do with time (`engine.unrolling`): it `opens` a sequence into its steps, `delays` a value by
          one step, or `closes` a region by gathering the values of all steps, which its ports are handed as lists
    looks_back  whether its value depends on how what is wired to it was computed, as a derivative's does, and not on the
          numbers alone: played by itself it would be another one
    """

    name: ClassVar[str] = ""
    title: ClassVar[str] = ""
    category: ClassVar[str] = ""
    formula: ClassVar[str] = ""
    source: ClassVar[str] = ""
    icon: ClassVar[str] = ""
    time: ClassVar[Literal["", "opens", "delays", "closes"]] = ""
    looks_back: ClassVar[bool] = False
    measures: ClassVar[
        tuple[str, ...]
    ] = ()  # of a learning rule: outputs that fall as it learns, drawn where there is no loss
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
    def formula_with(cls, values: Mapping[str, Any]) -> str:
        """The formula (LaTeX) as the properties make it: where a loss is added up, no mean stands in it."""
        return cls.formula

    @classmethod
    def input(cls, port: str) -> Port | None:
        """The input port of that name."""
        return next((candidate for candidate in cls.inputs if candidate.name == port), None)

    @classmethod
    def output(cls, port: str) -> Port | None:
        """The output port of that name."""
        return next((candidate for candidate in cls.outputs if candidate.name == port), None)

    @classmethod
    def letter(cls, name: str) -> str:
        """The symbol of what comes in, is set or goes out under a name, as LaTeX; empty for what has none."""
        declared = cls.input(name) or cls.properties().get(name) or cls.output(name)
        return (declared.symbol if declared is not None else "") or USUAL_LETTERS.get(name, "")

    @classmethod
    def check_properties(cls, values: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
        """The sound values, checked, and a problem for each of the others (path `properties.<name>`)."""
        known, sound, problems = cls.properties(), {}, []
        for name, value in values.items():
            if name not in known:
                mend = did_you_mean(name, known) or f"It knows {', '.join(known) or 'none'}."
                problems.append(
                    Problem(f"“{cls.name}” has no property “{name}”", mend, path=f"properties.{name}", kind="unknown")
                )
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
    """Register a node type; a name that is taken is a mistake of the programmer, and so are two ports of one address."""
    if cls.name in _node_types:
        raise ValueError(f"two node types are called {cls.name!r}")
    if shared := {port.name for port in cls.inputs} & {port.name for port in cls.outputs}:
        raise ValueError(f"{cls.name!r} has an input and an output called {shared.pop()!r}: both would be `node.port`")
    if not cls.title:
        cls.title = cls.name.replace("_", " ")
    _node_types[cls.name] = cls
    return cls


def registered_node_types() -> dict[str, type[NodeType]]:
    """All node types by name; `engine.nodes` has imported every family."""
    return _node_types
