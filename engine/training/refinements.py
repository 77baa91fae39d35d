"""What happens around a step: penalties and clipping before it, projections and means of the parameters after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from engine.differentiate import total
from engine.primitives.draws import key_of
from engine.properties import Choice, Flag, Real
from engine.training.choices import Chosen, Family, Hook, Ingredient, Numbers, Work
from engine.values import Value

PENALTIES = Family("penalty", "a penalty", "What holds parameters small: its gradient joins that of the loss.")
CLIPPINGS = Family("clipping", "a clipping", "What keeps a single steep place from throwing the parameters far away.")
CONSTRAINTS = Family("constraint", "a constraint", "Where parameters are brought back to after each step.")
AVERAGINGS = Family("averaging", "an averaging", "A mean of the parameters along the way, beside those that learn.")


@dataclass(frozen=True)
class Penalty(Chosen):
    """What is added to the objective for large parameters; its settings."""

    family: ClassVar[Family] = PENALTIES


@dataclass(frozen=True)
class Clipping(Chosen):
    """What limits gradients; its settings."""

    family: ClassVar[Family] = CLIPPINGS


@dataclass(frozen=True)
class Constraint(Chosen):
    """Where parameters must stay; its settings."""

    family: ClassVar[Family] = CONSTRAINTS


@dataclass(frozen=True)
class Averaging(Chosen):
    """Which mean of the parameters is kept; its settings."""

    family: ClassVar[Family] = AVERAGINGS


def _meant(work: Work, words: dict[str, Any]) -> list[Value]:
    """The parameters that a penalty is for."""
    return [value for value in work.parameters if words["biases"] or not _is_bias(value)]


def _is_bias(value: Value) -> bool:
    return value.source is not None and value.source.address.endswith(".bias")


def _on_gradients(primitive: str, strength: str, **more: Any) -> Hook:
    """Let a penalty's gradient join that of the loss, which stays as it was found."""

    def emit(work: Work, numbers: Numbers, words: dict[str, Any]) -> None:
        halves = {"whole": True} if primitive == "l2_gradient" and words["convention"] == "whole" else {}
        for value in _meant(work, words):
            work.at(value)
            total = work.memory(value, f"{primitive}")
            work.build.emit(primitive, total, work.slopes[value.index], value, numbers[strength], **halves)
            work.slopes[value.index] = total

    return emit


def _l1_before(work: Work, numbers: Numbers, words: dict[str, Any]) -> None:
    if words["form"] == "subgradient":
        emit = _l1_drawn if words["at_zero"] == "drawn" else _on_gradients("l1_gradient", "strength")
        emit(work, numbers, words)


def _l1_drawn(work: Work, numbers: Numbers, words: dict[str, Any]) -> None:
    for value in _meant(work, words):
        work.at(value)
        total = work.memory(value, "l1_gradient")
        key = key_of(work.build, total.source.address if total.source else "")
        work.build.emit("l1_gradient_drawn", total, work.slopes[value.index], value, numbers["strength"], key=key)
        work.slopes[value.index] = total


def _l1_after(work: Work, numbers: Numbers, words: dict[str, Any]) -> None:
    if words["form"] == "proximal":
        _by_rate("soft_threshold", "before_threshold", "strength")(work, numbers, words)


def _decay_before(work: Work, numbers: Numbers, words: dict[str, Any]) -> None:
    if words["order"] == "before the step":
        _by_rate("weight_decay", "decayed", "strength")(work, numbers, words)


def _decay_after(work: Work, numbers: Numbers, words: dict[str, Any]) -> None:
    if words["order"] == "behind it":
        _by_rate("late_weight_decay", "before_decay", "strength")(work, numbers, words)


def _elastic_before(work: Work, numbers: Numbers, words: dict[str, Any]) -> None:
    _on_gradients("l2_gradient", "l2_strength")(work, numbers, words)
    _l1_before(work, {"strength": numbers["l1_strength"]}, words)


def _elastic_after(work: Work, numbers: Numbers, words: dict[str, Any]) -> None:
    _l1_after(work, {"strength": numbers["l1_strength"]}, words)


def _by_rate(primitive: str, memory: str, setting: str) -> Hook:
    """Move parameters by rate and setting; what they were before stays readable."""

    def emit(work: Work, numbers: Numbers, words: dict[str, Any]) -> None:
        for value in _meant(work, words):
            work.at(value)
            rate = work.settings["learning_rate"]
            work.build.emit(primitive, value, work.memory(value, memory), rate, numbers[setting])

    return emit


def _clip_values(work: Work, numbers: Numbers, words: dict[str, Any]) -> None:
    if words["of"] == "each use":
        _clip_uses(work, numbers["lowest"], numbers["highest"])
    else:
        _replace_slopes(work, "clip_value", numbers["lowest"], numbers["highest"])


def _clip_uses(work: Work, lowest: Value, highest: Value) -> None:
    """What each use of a parameter sends back, each step of time for instance, is cut off before they are added up."""
    for value in work.parameters:
        work.at(value)
        found, slope = work.found[value.index], work.slopes[value.index]
        uses = list(found.call.operands) if found.call is not None and found.call.primitive.name == "total" else [found]
        if slope is not found:
            uses.append(slope - found)  # what a penalty adds
        clipped = [work.memory(value, f"clipped_{k}") for k in range(len(uses))]
        for held, use in zip(clipped, uses, strict=True):
            work.build.emit("clip_value", held, use, lowest, highest)
        work.slopes[value.index] = total(clipped)


def _clip_norm(work: Work, numbers: Numbers, words: dict[str, Any]) -> None:
    _replace_slopes(work, "clip_norm", _norm(work), numbers["threshold"])


def _unit_norm(work: Work, numbers: Numbers, words: dict[str, Any]) -> None:
    _replace_slopes(work, "unit_norm", _norm(work))


def _norm(work: Work) -> Value:
    return work.build.emit("gradient_norm", *[work.slopes[value.index] for value in work.parameters])


def _replace_slopes(work: Work, primitive: str, *numbers: Value) -> None:
    for value in work.parameters:
        work.at(value)
        clipped = work.memory(value, "clipped")
        work.build.emit(primitive, clipped, work.slopes[value.index], *numbers)
        work.slopes[value.index] = clipped


def _limit_norms(work: Work, numbers: Numbers, words: dict[str, Any]) -> None:
    for value in work.parameters:
        if value.rank == 2 and not _is_bias(value):
            work.at(value)
            before, norms = work.memory(value, "before_limit"), work.memory(value, "column_norms", columns=True)
            work.build.emit("column_norm_limit", value, before, norms, numbers["limit"])


def _keep_positive(work: Work, numbers: Numbers, words: dict[str, Any]) -> None:
    for value in _meant(work, words):
        work.at(value)
        work.build.emit("keep_positive", value, work.memory(value, "before_projection"))


def _simple_mean(work: Work, numbers: Numbers, words: dict[str, Any]) -> None:
    _move_averages(work, work.build.emit("divide", 1.0, _counted(work)))


def _fading_mean(work: Work, numbers: Numbers, words: dict[str, Any]) -> None:
    build, decay, count = work.build, numbers["decay"], _counted(work)
    share = build.emit("subtract", 1.0, decay)
    if words["start"] == "corrected":
        power = work.number("average_power", 1.0)
        build.emit("decay_power", power, decay)
        share = build.emit("divide", share, build.emit("subtract", 1.0, power))
    elif words["start"] == "first":
        # 2 − t is 1 at the first step and no more than 0 after it: the first parameters count wholly.
        share = build.emit("maximum", share, build.emit("subtract", 2.0, count))
    _move_averages(work, share)


def _counted(work: Work) -> Value:
    """How many parameters the mean is of, these included."""
    count = work.number(AVERAGED)
    work.build.emit("count_up", count)
    return count


def _move_averages(work: Work, share: Value) -> None:
    for value in work.parameters:
        work.at(value)
        work.build.emit("average_towards", work.memory(value, AVERAGE), value, share)


AVERAGE, AVERAGED = "average", "averaged"  # ends of addresses: a parameter's mean, how many it is the mean of


def _strength(help: str, default: float = 0.01) -> Real:
    return Real(default, low=0.0, high=1000.0, symbol=r"\lambda", help=help)


def _biases(default: bool = True) -> Flag:
    return Flag(default, help="Whether biases are meant as well as weights.")


def _convention() -> Choice:
    return Choice(
        "half",
        ("half", "whole"),
        help="Half: λ/2 · Σw², which adds λw. Whole: λ · Σw², as §5.4 prints it, which adds 2λw.",
    )


def _kink() -> Choice:
    return Choice(
        "proximal",
        ("proximal", "subgradient"),
        help="Proximal: behind the step weights shrink by ηλ and stop at exactly 0. Subgradient: λ sign(w) joins the "
        "gradient, as the text has it, and weights rattle around 0.",
    )


def _at_zero() -> Choice:
    return Choice(
        "zero",
        ("zero", "drawn"),
        help="The slope of |w| at exactly 0, for a subgradient: none, or −1 or 1 drawn anew at every iteration.",
    )


PENALTIES.add(Ingredient("none", "none", "", "The loss alone is made small."))
PENALTIES.add(Ingredient(
    "l2", "L2", r"\tilde g = g + \lambda w", "Large parameters cost their square: all shrink, none becomes 0.",
    {"strength": _strength("How much a large parameter costs."), "convention": _convention(), "biases": _biases()},
    "Aggarwal 2023, §5.4", _on_gradients("l2_gradient", "strength"),
    formulas={"whole": r"\tilde g = g + 2\lambda w"},
))  # fmt: skip
PENALTIES.add(Ingredient(
    "l1", "L1", r"w \leftarrow \mathrm{sign}(w)\,\max(|w| - \eta\lambda, 0)",
    "Parameters cost their size: those that help little become exactly 0.",
    {"strength": _strength("How much a parameter costs."), "form": _kink(), "at_zero": _at_zero(), "biases": _biases()},
    "Aggarwal 2023, §5.4.2", _l1_before, _l1_after,
    formulas={"subgradient": r"\tilde g = g + \lambda\,\mathrm{sign}(w)"},
))  # fmt: skip
PENALTIES.add(Ingredient(
    "elastic_net", "elastic net", r"\lambda_1 \sum |w| + \frac{\lambda_2}{2} \sum w^2",
    "Both penalties: L1 takes weights out, L2 keeps those that are alike together.",
    {"l1_strength": Real(0.01, low=0.0, high=1000.0, symbol=r"\lambda_1", help="How much a parameter's size costs."),
     "l2_strength": Real(0.01, low=0.0, high=1000.0, symbol=r"\lambda_2", help="How much a parameter's square costs."),
     "form": _kink(), "at_zero": _at_zero(), "convention": _convention(), "biases": _biases()},
    "Zou & Hastie 2005", _elastic_before, _elastic_after,
    formulas={"whole": r"\lambda_1 \sum |w| + \lambda_2 \sum w^2"},
))  # fmt: skip
PENALTIES.add(Ingredient(
    "weight_decay", "weight decay", r"w \leftarrow w\,(1 - \eta\lambda) - \dots",
    "Parameters fade at each step. For gradient descent it is L2; with momentum or a pace of its own it is not.",
    {"strength": _strength("Share of a parameter that a rate of 1 would take."),
     "order": Choice("before the step", ("before the step", "behind it"),
                     help="What fades: the old parameters (eqs 2.33, 6.10), or the new ones (§3.3.2)."),
     "biases": _biases()},
    "Aggarwal 2023, eqs 2.33 and 2.34", _decay_before, _decay_after,
    formulas={"behind it": r"w \leftarrow (w - \dots)\,(1 - \eta\lambda)"},
))  # fmt: skip

CLIPPINGS.add(Ingredient("none", "none", "", "Gradients are taken as they are."))
CLIPPINGS.add(Ingredient(
    "norm", "norm", r"\tilde g = g \cdot \min\left(1, \frac{c}{\lVert g \rVert}\right)",
    "A gradient that is too long as a whole is shortened: it keeps its direction.",
    {"threshold": Real(1.0, low=0.0, high=1e6, symbol="c", help="The greatest length, over all parameters together.")},
    "Aggarwal 2023, §4.5.6 and §8.2", _clip_norm,
))  # fmt: skip
CLIPPINGS.add(Ingredient(
    "value", "value", r"\tilde g = \min(\max(g, a), b)", "Each derivative is cut off by itself: the direction changes.",
    {"lowest": Real(-1.0, low=-1e6, high=0.0, symbol="a", help="The least derivative."),
     "highest": Real(1.0, low=0.0, high=1e6, symbol="b", help="The greatest derivative."),
     "of": Choice("sum", ("sum", "each use"), help="What is cut off: the whole derivative, or what each use of a parameter "
                  "sends back, before these are added up: in time, the part of each step (§8.3).")},
    "Aggarwal 2023, §4.5.6 and §8.3", _clip_values,
    formulas={"each use": r"\tilde g = \sum_t \min(\max(g_t, a), b)"},
))  # fmt: skip
CLIPPINGS.add(Ingredient(
    "unit_norm", "unit length", r"\tilde g = \frac{g}{\lVert g \rVert}",
    "Every gradient is made 1 long, a small one too, as §4.5.6 literally says: the rate alone decides how far a step goes.",
    {}, "Aggarwal 2023, §4.5.6", _unit_norm,
))  # fmt: skip

CONSTRAINTS.add(Ingredient("none", "none", "", "Parameters go where the step takes them."))
CONSTRAINTS.add(Ingredient(
    "max_norm", "greatest norm", r"w_j \leftarrow w_j \cdot \min\left(1, \frac{c}{\lVert w_j \rVert}\right)",
    "The weights into one unit are no longer than this; goes well with dropout and high rates.",
    {"limit": Real(3.0, low=0.0, high=1e6, symbol="c", help="The greatest length of the weights into one unit; 3 or 4.")},
    "Aggarwal 2023, §5.5.4", after_step=_limit_norms,
))  # fmt: skip
CONSTRAINTS.add(Ingredient(
    "non_negative", "not negative", r"w \leftarrow \max(w, 0)", "What falls below 0 is set to 0: parts that only add up.",
    {"biases": _biases(False)}, "projected gradient descent", after_step=_keep_positive,
))  # fmt: skip


def _used_for() -> Choice:
    return Choice(
        "predictions",
        ("predictions", "looking"),
        help="Predictions: curves of the data, boundaries and pictures use the mean. Looking: they use what learns.",
    )


AVERAGINGS.add(Ingredient("none", "none", "", "The last parameters are the answer."))
AVERAGINGS.add(Ingredient(
    "mean", "plain mean", r"\bar w_T = \frac{1}{T} \sum_{i=1}^T w_i",
    "The mean of the parameters after every update so far; where they started is not counted.",
    {"used_for": _used_for()}, "Aggarwal 2023, eq. 4.10; Polyak & Juditsky 1992", after_step=_simple_mean,
))  # fmt: skip
AVERAGINGS.add(Ingredient(
    "exponential", "mean that forgets", r"\bar w \leftarrow \beta\,\bar w + (1 - \beta)\, w",
    "A mean in which old parameters fade, so that the long way from the start is forgotten.",
    {"decay": Real(0.99, low=0.0, high=0.999999, symbol=r"\beta", help="How much of the mean stays at each update."),
     "start": Choice("corrected", ("corrected", "zero", "first"), help="Corrected: divided by 1 − β to the power of t, "
                     "which is the text's weighted sum. Zero: the bare recursion from 0. First: from the first parameters."),
     "used_for": _used_for()},
    "Aggarwal 2023, §4.5.7", after_step=_fading_mean,
    formulas={"corrected": r"\bar w \leftarrow \bar w + \frac{1 - \beta}{1 - \beta^t}\,(w - \bar w)"},
))  # fmt: skip
