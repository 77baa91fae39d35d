"""What a phase of training can choose: named ingredients with a formula, settings and the part of an update they emit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar, Self

from engine.problems import Problem, ProblemError, did_you_mean
from engine.program import Builder
from engine.properties import Choice, Flag, Property, Real
from engine.values import Origin, Value, owner_of


@dataclass
class Work:
    """One phase's update while it is emitted: what learns, by which gradients, with which numbers.

    slopes    by index of a parameter: its gradient, as it was found or as penalties and clipping have made it since
    settings  the optimizer's numbers; a schedule puts the rate of the moment in place of the one that was set
    words     the optimizer's choices that decide what is emitted
    found     by index of a parameter: its gradient as it was found
    """

    build: Builder
    phase: str
    index: int
    parameters: list[Value]
    slopes: dict[int, Value]
    objective: Value
    settings: dict[str, Value] = field(default_factory=dict)
    words: dict[str, Any] = field(default_factory=dict)
    found: dict[int, Value] = field(init=False)

    def __post_init__(self) -> None:
        self.found = dict(self.slopes)

    def at(self, value: Value) -> None:
        """What is emitted from here on belongs to the node of this parameter."""
        self.build.origin = Origin(owner_of(value), "update", self.index)

    def memory(self, value: Value, name: str, start: float = 0.0, *, columns: bool = False) -> Value:
        """A state in the shape of a parameter (or of one of its rows); states of one name lie in the parameters' order."""
        address = value.source.address if value.source else ""
        shape = value.shape[1:] if columns else value.shape
        return self.build.source("state", f"{address}.{self.phase}.{name}", shape, start)

    def number(self, name: str, start: float = 0.0, shape: tuple[int, ...] = ()) -> Value:
        """A state of the phase itself."""
        return self.build.source("state", f"training.{self.phase}.{name}", shape, start)


Numbers = dict[str, Value]
Hook = Callable[[Work, Numbers, dict[str, Any]], None]


def nothing(work: Work, numbers: Numbers, words: dict[str, Any]) -> None:
    """Emit nothing."""


@dataclass(frozen=True)
class Ingredient:
    """Something a phase can choose: formula (LaTeX), settings with their ranges, and what it emits around the step."""

    name: str
    title: str
    formula: str = ""
    help: str = ""
    settings: dict[str, Property] = field(default_factory=dict)
    source: str = ""
    before_step: Hook = nothing
    after_step: Hook = nothing
    formulas: dict[str, str] = field(default_factory=dict)  # other formulas, by the word that chooses them

    def __post_init__(self) -> None:
        for name, setting in self.settings.items():
            setting.name = name


@dataclass(frozen=True)
class Family:
    """All ingredients of one kind; the first one added is the default."""

    name: str
    noun: str
    help: str = ""
    label: str = ""  # what stands before the choice; the name where empty
    types: dict[str, Any] = field(default_factory=dict)

    def add(self, ingredient: Ingredient) -> None:
        """Make an ingredient known; a name that is taken is a mistake of the programmer."""
        if ingredient.name in self.types:
            raise ValueError(f"two ingredients are called {ingredient.name!r}")
        self.types[ingredient.name] = ingredient

    @property
    def default(self) -> str:
        """What is chosen where nothing is said."""
        return next(iter(self.types))


@dataclass(frozen=True)
class Chosen:
    """An ingredient's name and its settings; what is not named has its default."""

    type: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    family: ClassVar[Family]

    def __post_init__(self) -> None:
        if not self.type:
            object.__setattr__(self, "type", self.family.default)

    @property
    def kind(self) -> Any:
        """The ingredient; `from_json` has made sure that there is one."""
        return self.family.types[self.type]

    def setting(self, name: str) -> Any:
        """A setting as it is used: its default where it is not named."""
        return self.settings.get(name, self.kind.settings[name].default)

    @cached_property
    def numbers(self) -> dict[str, float]:
        """The settings that fill slots: changing them plans nothing anew."""
        return {name: float(self.setting(name)) for name, field in self.kind.settings.items() if field.is_number}

    @cached_property
    def words(self) -> dict[str, Any]:
        """The settings that decide what is emitted."""
        return {name: self.setting(name) for name, field in self.kind.settings.items() if not field.is_number}

    @property
    def formula(self) -> str:
        """The formula (LaTeX) in the form that is chosen."""
        forms: dict[str, str] = self.kind.formulas
        return next((forms[word] for word in self.words.values() if word in forms), self.kind.formula)

    @property
    def is_default(self) -> bool:
        """Whether nothing but the default is said."""
        return self.type == self.family.default and not self.settings

    def to_json(self) -> dict[str, Any]:
        """As it stands in the file."""
        return {"type": self.type, **self.settings}

    @classmethod
    def from_json(cls, value: object) -> tuple[Self, list[Problem]]:
        """The choice that could be read, and what could not."""
        family = cls.family
        if not isinstance(value, Mapping):
            fact = f"{family.noun} is an object with a “type”"
            return cls(), [Problem(fact, f'For instance {{"type": "{list(family.types)[-1]}"}}.', kind="type")]
        name = value.get("type", family.default)
        if not isinstance(name, str) or name not in family.types:
            mend = did_you_mean(str(name)[:80], family.types) or f"Choose one of {', '.join(family.types)}."
            fact = f"no {family.name.replace('_', ' ')} is called “{name}”"
            return cls(), [Problem(fact, mend, path="type", kind="unknown")]
        settings, problems = _checked(name, family.types[name].settings, value)
        return cls(name, settings), problems


def _checked(name: str, known: dict[str, Property], given: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    settings: dict[str, Any] = {}
    problems: list[Problem] = []
    for key, value in given.items():
        if key == "type":
            continue
        if key not in known:
            mend = did_you_mean(key, known) or (f"It knows {', '.join(known)}." if known else "It has none.")
            problems.append(Problem(f"“{name}” has no setting “{key}”", mend, path=key, kind="unknown"))
            continue
        try:
            settings[key] = known[key].check(value)
        except ProblemError as error:
            problems.extend(replace(problem, path=key) for problem in error.problems)
    return settings, problems


__all__ = ["Choice", "Chosen", "Family", "Flag", "Hook", "Ingredient", "Numbers", "Real", "Work"]
