"""The training plan as it stands in the file: phases, order of the examples, seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

from engine.problems import Problem, did_you_mean
from engine.training.choices import Chosen
from engine.training.optimizers import Optimizer
from engine.training.refinements import Averaging, Clipping, Constraint, Penalty
from engine.training.schedules import MomentumSchedule, Schedule
from engine.training.stopping import Stopping
from engine.training.whole_batch import AROUND, DriverType

Order = Literal["shuffled", "sequential"]
LastBatch = Literal["short", "drop", "wrap"]
Turns = Literal["together", "in_turn"]

# What a phase chooses, in the order in which it takes part in an update (the optimizer's step stands in the middle).
FAMILIES: dict[str, type[Chosen]] = {
    "optimizer": Optimizer,
    "schedule": Schedule,
    "momentum_schedule": MomentumSchedule,
    "penalty": Penalty,
    "clipping": Clipping,
    "constraint": Constraint,
    "averaging": Averaging,
    "stopping": Stopping,
}


@dataclass(frozen=True)
class Phase:
    """One objective: what is made small (or large), over which parameters, by which optimizer, how many times in turn."""

    name: str = "main"
    minimise: str = ""
    maximise: str = ""
    parameters: str | tuple[str, ...] = "all"
    optimizer: Optimizer = field(default_factory=Optimizer)
    times: int = 1
    schedule: Schedule = field(default_factory=Schedule)
    momentum_schedule: MomentumSchedule = field(default_factory=MomentumSchedule)
    penalty: Penalty = field(default_factory=Penalty)
    clipping: Clipping = field(default_factory=Clipping)
    constraint: Constraint = field(default_factory=Constraint)
    averaging: Averaging = field(default_factory=Averaging)
    stopping: Stopping = field(default_factory=Stopping)

    @cached_property
    def choices(self) -> dict[str, Chosen]:
        """What is chosen, by the name of the family."""
        return {name: getattr(self, name) for name in FAMILIES}

    def address(self, family: str, setting: str) -> str:
        """The address of a number: `training.main.learning_rate`, `training.main.schedule.factor`."""
        return f"training.{self.name}.{'' if family == 'optimizer' else f'{family}.'}{setting}"

    def takes_part(self, family: str) -> bool:
        """Whether what is chosen there has a part in the update: around the step of a driver, projections and means have."""
        return family in AROUND or not isinstance(self.optimizer.kind, DriverType)

    @cached_property
    def numbers(self) -> dict[str, float]:
        """Every number that fills a slot, by its address."""
        chosen = self.choices.items()
        return {self.address(family, name): number for family, one in chosen for name, number in one.numbers.items()}

    @cached_property
    def structure(self) -> tuple[Any, ...]:
        """A key of all that decides the plan: two phases with equal keys differ in numbers at the most."""
        chosen = [(one.type, tuple(one.words.items())) for one in self.choices.values()]
        return self.name, self.minimise, self.maximise, self.parameters, self.times, tuple(chosen)

    @property
    def objective(self) -> str:
        """Id of the node whose output is the objective."""
        return self.minimise or self.maximise

    def to_json(self) -> dict[str, Any]:
        """As it stands in the file."""
        goal = {"maximise": self.maximise} if self.maximise else {"minimise": self.minimise}
        chosen = self.parameters if isinstance(self.parameters, str) else list(self.parameters)
        return {
            "name": self.name,
            **goal,
            "parameters": chosen,
            "optimizer": self.optimizer.to_json(),
            "times": self.times,
            **{
                name: chosen.to_json()
                for name, chosen in self.choices.items()
                if name != "optimizer" and not chosen.is_default
            },
        }


@dataclass(frozen=True)
class Training:
    """How the parameters learn. `batch_size` 0 means: all rows at once.

    turns  with several phases: all derivatives and then all updates in every iteration (`together`), or an iteration for
           each of them in turn, as many times as each says (`in_turn`), as two players train who play against each other
    """

    seed: int = 0
    batch_size: int = 0
    order: Order = "shuffled"
    last_batch: LastBatch = "short"
    turns: Turns = "together"
    phases: tuple[Phase, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As it stands in the file."""
        return {
            "seed": self.seed, "batch_size": self.batch_size, "order": self.order, "last_batch": self.last_batch,
            **({"turns": self.turns} if self.turns != "together" else {}),
            "phases": [phase.to_json() for phase in self.phases],
        }  # fmt: skip

    def with_optimizer(self, optimizer: Optimizer, phase: int = 0) -> Training:
        """The same plan with another optimizer in one phase."""
        phases = list(self.phases) or [Phase()]
        phases[phase] = replace(phases[phase], optimizer=optimizer)
        return replace(self, phases=tuple(phases))

    @classmethod
    def from_json(cls, value: object) -> tuple[Training, list[Problem]]:
        """The plan that could be read (the shorthand with `loss` and `optimizer` is one phase), and what could not."""
        if not isinstance(value, Mapping):
            return cls(), [Problem("the training plan is not an object", kind="type")]
        problems: list[Problem] = []
        plan = cls(
            seed=_whole(value, "seed", 0, 0, 2**31 - 1, problems),
            batch_size=_whole(value, "batch_size", 0, 0, 10**7, problems),
            order=_word(value, "order", ("shuffled", "sequential"), problems),
            last_batch=_word(value, "last_batch", ("short", "drop", "wrap"), problems),
            turns=_word(value, "turns", ("together", "in_turn"), problems),
        )
        read = []
        for index, entry in enumerate(_phases_of(value, problems)):
            phase, found = _phase(entry)
            read.append(phase)
            problems.extend(problem.below(f"phases[{index}]") for problem in found)
        known = {"seed", "batch_size", "order", "last_batch", "turns", "phases", "loss", *FAMILIES}
        _tell_unknown(value, known, "training plan", problems)
        return replace(plan, phases=tuple(read)), problems


def _phases_of(value: Mapping[str, Any], problems: list[Problem]) -> Sequence[Any]:
    """The phases of a plan as they are written; the shorthand with `loss` and `optimizer` written as one phase."""
    phases: Sequence[Any] = value.get("phases", ())
    if "phases" in value and not isinstance(phases, list | tuple):
        problems.append(Problem("“phases” is not a list", path="phases", kind="type"))
        phases = ()
    short = [key for key in ("loss", *FAMILIES) if key in value]
    if phases and short:
        mend = f"Delete {' and '.join(f'“{key}”' for key in short)}, or “phases”."
        problems.append(
            Problem("“phases” and their short form stand side by side", mend, path="phases", kind="duplicate")
        )
    if "loss" in value or (short and not phases):
        chosen = {family: value[family] for family in FAMILIES if family in value}
        phases = [{"minimise": value.get("loss", ""), **chosen}]
    return phases


def _tell_unknown(value: Mapping[str, Any], known: set[str], whose: str, problems: list[Problem]) -> None:
    for key in value:
        if key not in known:
            guess = did_you_mean(str(key)[:80], known)
            fact = f"a {whose} has no “{key}”"
            problems.append(Problem(fact, guess, path=str(key), severity="warning", kind="unknown"))


def _phase(value: object) -> tuple[Phase, list[Problem]]:
    if not isinstance(value, Mapping):
        return Phase(), [Problem("a phase is not an object", kind="type")]
    chosen: dict[str, Any] = {}
    problems: list[Problem] = []
    for family, kind in FAMILIES.items():
        chosen[family], found = kind.from_json(value.get(family, {}))
        problems.extend(problem.below(family) for problem in found)
    parameters = value.get("parameters", "all")
    if isinstance(parameters, list | tuple) and all(isinstance(entry, str) for entry in parameters):
        parameters = tuple(parameters)
    elif parameters != "all":
        problems.append(Problem("“parameters” is neither “all” nor a list of names", path="parameters", kind="type"))
        parameters = "all"
    names: dict[str, Any] = {}
    for key in ("name", "minimise", "maximise"):
        word = value.get(key, "main" if key == "name" else "")
        if not isinstance(word, str):
            problems.append(Problem(f"“{key}” is not a name", path=key, kind="type"))
            word = ""
        names[key] = word
    times = _whole(value, "times", 1, 1, 1000, problems)
    known = {"name", "minimise", "maximise", "parameters", "times", *FAMILIES}
    _tell_unknown(value, known, "phase", problems)
    return Phase(**names, parameters=parameters, times=times, **chosen), problems


def _whole(value: Mapping[str, Any], key: str, default: int, low: int, high: int, problems: list[Problem]) -> int:
    number = value.get(key, default)
    if isinstance(number, bool) or not isinstance(number, int) or not low <= number <= high:
        problems.append(
            Problem(
                f"“{key}” cannot be {number!r:.60}",
                f"It is a whole number from {low} to {high}.",
                path=key,
                kind="property",
            )
        )
        return default
    return number


def _word(value: Mapping[str, Any], key: str, words: tuple[str, ...], problems: list[Problem]) -> Any:
    word = value.get(key, words[0])
    if word not in words:
        problems.append(
            Problem(f"“{key}” cannot be {word!r:.60}", f"Choose one of {', '.join(words)}.", path=key, kind="property")
        )
        return words[0]
    return word
