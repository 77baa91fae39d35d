"""The training plan: phases, optimizers, order of the examples. Plain data, and the update part it emits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from engine.problems import Problem, ProblemError, did_you_mean
from engine.program import Builder, Value
from engine.properties import Property, Real

Order = Literal["shuffled", "sequential"]
LastBatch = Literal["short", "drop", "wrap"]

# (build, parameter, its gradient, the settings' values, a memory for the parameter by name) -> nothing: it emits updates
Emit = Callable[[Builder, Value, Value, dict[str, Value], Callable[[str], Value]], None]


@dataclass(frozen=True)
class OptimizerType:
    """How parameters follow their gradients: formula (LaTeX), settings with their ranges, and the update it emits."""

    name: str
    title: str
    formula: str
    help: str
    settings: dict[str, Property]
    emit: Emit
    source: str = ""
    prepare: Callable[[Builder, dict[str, Value], str], None] = lambda build, settings, address: (
        None
    )  # once an iteration


_optimizer_types: dict[str, OptimizerType] = {}


def optimizer_types() -> dict[str, OptimizerType]:
    """Every optimizer by its name."""
    return _optimizer_types


def _optimizer(kind: OptimizerType) -> OptimizerType:
    for name, setting in kind.settings.items():
        setting.name = name
    _optimizer_types[kind.name] = kind
    return kind


def _rate(default: float) -> Real:
    return Real(default, low=0.0, high=1000.0, symbol=r"\eta", help="How far a step goes along the negative gradient.")


def _emit_sgd(build: Builder, w: Value, g: Value, settings: dict[str, Value], memory: Callable[[str], Value]) -> None:
    build.emit("sgd_update", w, g, settings["learning_rate"])


def _emit_momentum(
    build: Builder, w: Value, g: Value, settings: dict[str, Value], memory: Callable[[str], Value]
) -> None:
    build.emit("momentum_update", w, g, memory("velocity"), settings["learning_rate"], settings["momentum"])


def _emit_nesterov(
    build: Builder, w: Value, g: Value, settings: dict[str, Value], memory: Callable[[str], Value]
) -> None:
    build.emit("nesterov_update", w, g, memory("velocity"), settings["learning_rate"], settings["momentum"])


def _emit_adam(build: Builder, w: Value, g: Value, settings: dict[str, Value], memory: Callable[[str], Value]) -> None:
    build.emit(
        "adam_update", w, g, memory("mean"), memory("square"),
        *[settings[name] for name in ("learning_rate", "beta1", "beta2", "epsilon")],
        settings["beta1_power"], settings["beta2_power"],
    )  # fmt: skip


def _prepare_adam(build: Builder, settings: dict[str, Value], address: str) -> None:
    # β to the power of the iteration, kept as a product: a β that is dragged meanwhile counts from then on.
    for name in ("beta1", "beta2"):
        power = build.source("state", f"{address}.{name}_power", (), 1.0)
        build.emit("decay_power", power, settings[name])
        settings[f"{name}_power"] = power


_MOMENTUM = Real(0.9, low=0.0, high=1.0, symbol=r"\beta", help="How much of the last step is kept.")
_optimizer(OptimizerType(
    "sgd", "gradient descent", r"w \leftarrow w - \eta\, g", "Each parameter steps against its gradient.",
    {"learning_rate": _rate(0.1)}, _emit_sgd, source="Aggarwal 2023, eq. 2.25",
))  # fmt: skip
_optimizer(OptimizerType(
    "momentum", "momentum", r"v \leftarrow \beta v - \eta\, g,\quad w \leftarrow w + v",
    "Steps keep part of their velocity and so roll through small dents.",
    {"learning_rate": _rate(0.1), "momentum": _MOMENTUM}, _emit_momentum, "Aggarwal 2023, §4.4.2",
))  # fmt: skip
_optimizer(OptimizerType(
    "nesterov", "Nesterov momentum", r"v \leftarrow \beta v - \eta\, g,\quad w \leftarrow w + \beta v - \eta\, g",
    "Momentum that looks ahead before it takes the gradient.",
    {"learning_rate": _rate(0.1), "momentum": _MOMENTUM}, _emit_nesterov, "Aggarwal 2023, §4.4.3",
))  # fmt: skip
_optimizer(OptimizerType(
    "adam", "Adam", r"w \leftarrow w - \eta\,\frac{\hat m}{\sqrt{\hat v} + \epsilon}",
    "Each parameter has its own pace: mean gradient over root mean square gradient, both bias-corrected.",
    {
        "learning_rate": _rate(0.001),
        "beta1": Real(0.9, low=0.0, high=0.999999, symbol=r"\beta_1", help="Memory of the mean gradient."),
        "beta2": Real(0.999, low=0.0, high=0.9999999, symbol=r"\beta_2", help="Memory of the mean squared gradient."),
        "epsilon": Real(1e-8, low=0.0, high=1.0, symbol=r"\epsilon", help="Keeps the quotient finite."),
    },
    _emit_adam, "Kingma & Ba 2015; Aggarwal 2023, §4.5.5", _prepare_adam,
))  # fmt: skip


@dataclass(frozen=True)
class Optimizer:
    """An optimizer's name and its settings; what is not named has its default."""

    type: str = "sgd"
    settings: dict[str, float] = field(default_factory=dict)

    @property
    def kind(self) -> OptimizerType:
        """The optimizer type; `from_json` has made sure that there is one."""
        return _optimizer_types[self.type]

    def setting(self, name: str) -> float:
        """The number of a setting, its default where it is not named."""
        return float(self.settings.get(name, self.kind.settings[name].default))

    def to_json(self) -> dict[str, Any]:
        """As it stands in the file."""
        return {"type": self.type, **self.settings}

    @classmethod
    def from_json(cls, value: object) -> tuple[Optimizer, list[Problem]]:
        """The optimizer that could be read, and what could not."""
        if not isinstance(value, Mapping):
            return cls(), [
                Problem(
                    "an optimizer is an object with a “type”",
                    'For instance {"type": "sgd", "learning_rate": 0.1}.',
                    kind="type",
                )
            ]
        name = value.get("type", "sgd")
        if not isinstance(name, str) or name not in _optimizer_types:
            mend = did_you_mean(str(name)[:80], _optimizer_types) or f"Choose one of {', '.join(_optimizer_types)}."
            return cls(), [Problem(f"no optimizer is called “{name}”", mend, path="type", kind="unknown")]
        known, settings, problems = _optimizer_types[name].settings, {}, []
        for key, number in value.items():
            if key == "type":
                continue
            if key not in known:
                mend = did_you_mean(key, known) or f"It knows {', '.join(known)}."
                problems.append(Problem(f"“{name}” has no setting “{key}”", mend, path=key, kind="unknown"))
                continue
            try:
                settings[key] = known[key].check(number)
            except ProblemError as error:
                problems.extend(replace(problem, path=key) for problem in error.problems)
        return cls(name, settings), problems


@dataclass(frozen=True)
class Phase:
    """One objective: what is made small (or large), over which parameters, by which optimizer, how many times in turn."""

    name: str = "main"
    minimise: str = ""
    maximise: str = ""
    parameters: str | tuple[str, ...] = "all"
    optimizer: Optimizer = field(default_factory=Optimizer)
    times: int = 1

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
        }


@dataclass(frozen=True)
class Training:
    """How the parameters learn. `batch_size` 0 means: all rows at once."""

    seed: int = 0
    batch_size: int = 0
    order: Order = "shuffled"
    last_batch: LastBatch = "short"
    phases: tuple[Phase, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As it stands in the file."""
        return {
            "seed": self.seed, "batch_size": self.batch_size, "order": self.order, "last_batch": self.last_batch,
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
        )
        phases: Sequence[Any] = value.get("phases", ())
        if "phases" in value and not isinstance(phases, list | tuple):
            problems.append(Problem("“phases” is not a list", path="phases", kind="type"))
            phases = ()
        if phases and ("loss" in value or "optimizer" in value):
            mend = "Delete “loss” and “optimizer”, or “phases”."
            problems.append(
                Problem("“phases” and their short form stand side by side", mend, path="phases", kind="duplicate")
            )
        if "loss" in value or ("optimizer" in value and not phases):
            phases = [{"minimise": value.get("loss", ""), "optimizer": value.get("optimizer", {"type": "sgd"})}]
        read = []
        for index, entry in enumerate(phases):
            phase, found = _phase(entry)
            read.append(phase)
            problems.extend(problem.below(f"phases[{index}]") for problem in found)
        known = {"seed", "batch_size", "order", "last_batch", "phases", "loss", "optimizer"}
        for key in value:
            if key not in known:
                problems.append(
                    Problem(
                        f"a training plan has no “{key}”",
                        did_you_mean(str(key)[:80], known),
                        path=str(key),
                        severity="warning",
                        kind="unknown",
                    )
                )
        return replace(plan, phases=tuple(read)), problems


def _phase(value: object) -> tuple[Phase, list[Problem]]:
    if not isinstance(value, Mapping):
        return Phase(), [Problem("a phase is not an object", kind="type")]
    optimizer, found = Optimizer.from_json(value.get("optimizer", {"type": "sgd"}))
    problems = [problem.below("optimizer") for problem in found]
    parameters = value.get("parameters", "all")
    if isinstance(parameters, list | tuple) and all(isinstance(entry, str) for entry in parameters):
        parameters = tuple(parameters)
    elif parameters != "all":
        problems.append(Problem("“parameters” is neither “all” nor a list of names", path="parameters", kind="type"))
        parameters = "all"
    names = {}
    for key in ("name", "minimise", "maximise"):
        word = value.get(key, "main" if key == "name" else "")
        if not isinstance(word, str):
            problems.append(Problem(f"“{key}” is not a name", path=key, kind="type"))
            word = ""
        names[key] = word
    times = _whole(value, "times", 1, 1, 1000, problems)
    known = {"name", "minimise", "maximise", "parameters", "optimizer", "times"}
    for key in value:
        if key not in known:
            guess = did_you_mean(str(key)[:80], known)
            problems.append(
                Problem(f"a phase has no “{key}”", guess, path=str(key), severity="warning", kind="unknown")
            )
    return Phase(**names, parameters=parameters, optimizer=optimizer, times=times), problems


def _whole(value: Mapping[str, Any], key: str, default: int, low: int, high: int, problems: list[Problem]) -> int:
    number = value.get(key, default)
    if isinstance(number, bool) or not isinstance(number, int) or not low <= number <= high:
        problems.append(
            Problem(
                f"“{key}” cannot be {number!r}",
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
            Problem(f"“{key}” cannot be {word!r}", f"Choose one of {', '.join(words)}.", path=key, kind="property")
        )
        return words[0]
    return word
