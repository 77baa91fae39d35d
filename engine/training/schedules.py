"""How the learning rate and the momentum change with time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from engine.primitives.schedules import MEMORY
from engine.properties import Choice, Real
from engine.training.choices import Chosen, Family, Hook, Ingredient, Numbers, Work

SCHEDULES = Family("schedule", "a schedule", "How the learning rate changes with time.", "learning rate")
MOMENTUM_SCHEDULES = Family(
    "momentum_schedule", "a momentum schedule", "How the momentum changes with time.", "momentum"
)
TEXT = "Aggarwal 2023, §2.6.2"


@dataclass(frozen=True)
class Schedule(Chosen):
    """How the learning rate changes; its settings."""

    family: ClassVar[Family] = SCHEDULES


@dataclass(frozen=True)
class MomentumSchedule(Chosen):
    """How the momentum changes; its settings. Of no effect where the optimizer has none."""

    family: ClassVar[Family] = MOMENTUM_SCHEDULES


def _timed(primitive: str, settings: str, of: str = "learning_rate") -> Hook:
    """Put what the primitive makes of the setting in its place, warmed up where that is asked for."""

    def emit(work: Work, numbers: Numbers, words: dict[str, Any]) -> None:
        if of not in work.settings:
            return
        now, build = work.settings[of], work.build
        if primitive:
            now = build.emit(primitive, now, *[numbers[name] for name in settings.split()], unit=words["unit"])
        if "warm_up" in numbers:
            now = build.emit("warm_up", now, numbers["warm_up"], unit=words["unit"])
        work.settings[of] = now

    return emit


def _plateau(work: Work, numbers: Numbers, words: dict[str, Any]) -> None:
    memory, used = work.number("plateau", shape=(MEMORY,)), work.number("reduced_rate")
    watched = [numbers[name] for name in ("factor", "patience", "threshold", "lowest")]
    work.build.emit("plateau_decay", memory, used, work.settings["learning_rate"], *watched, work.objective)
    work.settings["learning_rate"] = used


def _unit() -> Choice:
    return Choice("epoch", ("epoch", "iteration"), help="What t counts: whole passes over the data, or updates.")


def _factor(help: str) -> Real:
    return Real(0.5, low=0.0, high=1.0, symbol=r"\gamma", help=help)


def _speed() -> Real:
    return Real(0.1, low=0.0, high=100.0, symbol="k", help="How fast the rate falls.")


def _length(default: float, help: str) -> Real:
    return Real(default, low=1.0, high=1e7, symbol="T", help=help)


def _warm_up(default: float = 0.0) -> Real:
    return Real(default, low=0.0, high=1e7, symbol="T", help="For how long the rate rises from 0 first; 0: not at all.")


def _lowest() -> Real:
    return Real(0.0, low=0.0, high=1000.0, symbol=r"\eta_0", help="The rate never falls below this.")


SCHEDULES.add(Ingredient("constant", "constant", "", "The learning rate stays as it is set."))
SCHEDULES.add(Ingredient(
    "step", "step", r"\eta_t = \eta\,\gamma^{\lfloor t / s \rfloor}", "The rate is cut every so often.",
    {"factor": _factor("What the rate is multiplied by each time."),
     "every": Real(5.0, low=1.0, high=1e7, symbol="s", help="How long the rate stays the same."),
     "warm_up": _warm_up(), "unit": _unit()},
    TEXT, _timed("step_decay", "factor every"),
))  # fmt: skip
SCHEDULES.add(Ingredient(
    "exponential", "exponential", r"\eta_t = \eta\,e^{-kt}", "The rate loses the same share in each unit of time.",
    {"speed": _speed(), "warm_up": _warm_up(), "unit": _unit()}, TEXT, _timed("exponential_decay", "speed"),
))  # fmt: skip
SCHEDULES.add(Ingredient(
    "inverse", "inverse", r"\eta_t = \frac{\eta}{1 + kt}", "The rate falls fast at first and slowly later.",
    {"speed": _speed(), "warm_up": _warm_up(), "unit": _unit()}, TEXT, _timed("inverse_decay", "speed"),
))  # fmt: skip
SCHEDULES.add(Ingredient(
    "cosine", "cosine", r"\eta_t = \eta_0 + (\eta - \eta_0)\,\frac{1 + \cos(\pi \min(t / T, 1))}{2}",
    "The rate follows half a wave down to its lowest, and stays there.",
    {"length": _length(100.0, "When the lowest rate is reached."), "lowest": _lowest(), "warm_up": _warm_up(),
     "unit": _unit()},
    "Loshchilov & Hutter 2017", _timed("cosine_decay", "length lowest"),
))  # fmt: skip
SCHEDULES.add(Ingredient(
    "warm_up", "warm-up", r"\eta_t = \eta\,\min\left(\frac{t + 1}{T}, 1\right)",
    "The rate rises evenly to what is set, and stays there.", {"warm_up": _warm_up(5.0), "unit": _unit()},
    "Goyal et al. 2017", _timed("", ""),
))  # fmt: skip
SCHEDULES.add(Ingredient(
    "window", "for a while", r"\eta_t = \eta\,[\,a \leq t < b\,]",
    "The phase learns from a certain time to another: with several phases one layer is trained after the other, and all "
    "together in the end. Outside the rate is 0; what momentum has set rolling rolls on.",
    {"begin": Real(0.0, low=0.0, high=1e9, symbol="a", help="When the phase begins to learn."),
     "end": Real(0.0, low=0.0, high=1e9, symbol="b", help="When it stops; 0: never."),
     "warm_up": _warm_up(), "unit": _unit()},
    "layer-wise pretraining: Aggarwal 2023, §5.7; Hinton, Osindero & Teh 2006", _timed("rate_window", "begin end"),
))  # fmt: skip
SCHEDULES.add(Ingredient(
    "plateau", "plateau", r"\eta_t = \max(\eta\,\gamma^{n},\ \eta_0)",
    "The rate is cut when the mean training loss of an epoch has not fallen for some epochs.",
    {"factor": _factor("What the rate is multiplied by at each cut."),
     "patience": Real(10.0, low=0.0, high=1e6, symbol="p", help="Epochs without progress that are put up with.", unit="epochs"),
     "threshold": Real(1e-4, low=0.0, high=1.0, help="Share by which a loss must beat the best one to count as progress."),
     "lowest": _lowest()},
    f"{TEXT}; ReduceLROnPlateau of PyTorch and Keras", _plateau,
))  # fmt: skip

MOMENTUM_SCHEDULES.add(Ingredient("constant", "constant", "", "The momentum stays as it is set."))
MOMENTUM_SCHEDULES.add(Ingredient(
    "linear", "linear", r"\beta_t = \beta_0 + (\beta - \beta_0)\,\min(t / T, 1)", "The momentum moves evenly to what is set.",
    {"start": Real(0.5, low=0.0, high=1.0, symbol=r"\beta_0", help="The momentum at the beginning."),
     "length": _length(10.0, "When the momentum that is set is reached."), "unit": _unit()},
    "Goodfellow, Bengio & Courville 2016, §8.3.1", _timed("linear_ramp", "start length", of="momentum"),
))  # fmt: skip
MOMENTUM_SCHEDULES.add(Ingredient(
    "growing", "growing", r"\beta_t = \min\left(1 - \frac{3}{t + 5},\ \beta\right)",
    "The momentum grows towards 1 as Nesterov's method asks for on convex losses, up to what is set.",
    {"unit": Choice("iteration", ("iteration", "epoch"), help="What t counts: updates, or whole passes over the data.")},
    "Sutskever et al. 2013", _timed("growing_momentum", "", of="momentum"),
))  # fmt: skip
