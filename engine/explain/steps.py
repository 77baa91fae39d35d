"""Lines of updates as templates: what an update call does to one entry, symbol by symbol, each with its number.

A template is words with spaces between: a name from `names` stands for the number of that operand, with `<` as it was
before the call and with `>` as it is after it; every other word is mathematics as it stands.
"""

from __future__ import annotations

from typing import NamedTuple


class Line(NamedTuple):
    """One equation: its caption and its template."""

    caption: str
    template: str


class Form(NamedTuple):
    """The operands of a primitive by short names, in their order, and the lines that explain it."""

    names: str
    lines: tuple[Line, ...]


# How the short names are written.
LATEX = {
    "rate": r"\eta", "eps": r"\epsilon", "rho": r"\rho", "beta": r"\beta", "lambda": r"\lambda", "kappa": r"\kappa",
    "phi": r"\phi", "theta": r"\theta", "delta": r"\delta", "trace": r"\bar\delta", "pace": "p", "share": "s",
    "slope": r"\tilde g", "mean": r"\bar w", "norm": r"\lVert g \rVert", "low": "a", "high": "b", "limit": "c",
    "gamma": r"\gamma", "every": "s", "end": r"\beta", "start": r"\beta_0", "length": "T", "lowest": r"\eta_0",
}  # fmt: skip

_SQUARES = Line("mean squared gradient", r"rho \cdot A< + ( 1 - rho ) \cdot g {}^{2} = A>")


def _over_root(outside: bool) -> str:
    return r"/ ( A> {}^{1/2} + eps )" if outside else r"/ ( A> + eps ) {}^{1/2}"


def _form(names: str, *lines: tuple[str, str] | Line) -> Form:
    return Form(names, tuple(Line(*line) for line in lines))


def _adagrad(outside: bool) -> Form:
    return _form(
        "w g A rate eps",
        ("sum of squared gradients", "A< + g {}^{2} = A>"),
        ("", rf"w< - rate \cdot g {_over_root(outside)} = w>"),
    )


def _rmsprop(outside: bool) -> Form:
    return _form("w g A rate rho eps", _SQUARES, ("", rf"w< - rate \cdot g {_over_root(outside)} = w>"))


def _rmsprop_nesterov(outside: bool) -> Form:
    push = rf"rate \cdot g {_over_root(outside)}"
    return _form(
        "w g A v rate rho beta eps",
        _SQUARES,
        ("velocity", rf"beta \cdot v< - {push} = v>"),
        ("", rf"w< + beta \cdot v> - {push} = w>"),
    )


_GRADIENTS = Line("velocity", r"beta \cdot v< + g = v>")
FORMS: dict[str, Form] = {
    "sgd_update": _form("w g rate", ("", r"w< - rate \cdot g = w>")),
    "momentum_update": _form(
        "w g v rate beta", ("velocity", r"beta \cdot v< - rate \cdot g = v>"), ("", "w< + v> = w>")
    ),
    "nesterov_update": _form(
        "w g v rate beta",
        ("velocity", r"beta \cdot v< - rate \cdot g = v>"),
        ("", r"w< + beta \cdot v> - rate \cdot g = w>"),
    ),
    "adagrad_update": _adagrad(False), "adagrad_update outside": _adagrad(True),
    "rmsprop_update": _rmsprop(False), "rmsprop_update outside": _rmsprop(True),
    "rmsprop_nesterov_update": _rmsprop_nesterov(False), "rmsprop_nesterov_update outside": _rmsprop_nesterov(True),
    "adadelta_update": _form(
        "w g A delta rate rho eps",
        _SQUARES,
        ("", r"w< - rate \cdot ( delta< + eps ) {}^{1/2} / ( A> + eps ) {}^{1/2} \cdot g = w>"),
    ),
    "gradient_momentum_update": _form("w g v rate beta", _GRADIENTS, ("", r"w< - rate \cdot v> = w>")),
    "gradient_nesterov_update": _form(
        "w g v rate beta", _GRADIENTS, ("", r"w< - rate \cdot ( g + beta \cdot v> ) = w>")
    ),
    "delta_bar_delta_update": _form(
        "w g pace trace rate kappa phi theta",
        ("sign: the same, the rate grows; flipped, it is cut", r"trace< \cdot g"),
        ("mean gradient", r"( 1 - theta ) \cdot g + theta \cdot trace< = trace>"),
        ("", r"w< - rate \cdot pace> \cdot g = w>"),
    ),
    "hand_on arrives": _form("slope late", ("arrived: found some updates ago", "late< = slope>")),
    "l2_gradient": _form("slope g w lambda", ("with the penalty", r"g + lambda \cdot w< = slope>")),
    "l2_gradient whole": _form("slope g w lambda", ("with the penalty", r"g + 2 \cdot lambda \cdot w< = slope>")),
    "l1_gradient": _form(
        "slope g w lambda", ("with the penalty", r"g + lambda \cdot \mathrm{sign} ( w< ) = slope>")
    ),
    "l1_gradient_drawn": _form("slope g w lambda", ("with the penalty", r"g + lambda \cdot s ( w< ) = slope>")),
    "clip_value": _form("slope g low high", ("clipped", r"\min ( \max ( g , low ) , high ) = slope>")),
    "clip_norm": _form("slope g norm limit", ("clipped", r"g \cdot \min ( 1 , limit / norm ) = slope>")),
    "unit_norm": _form("slope g norm", ("made 1 long", r"g / norm = slope>")),
    "weight_decay": _form("w kept rate lambda", ("decay", r"w< - rate \cdot lambda \cdot w< = w>")),
    "late_weight_decay": _form("w kept rate lambda", ("decay", r"w< - rate \cdot lambda \cdot w< = w>")),
    "soft_threshold": _form(
        "w kept rate lambda",
        ("shrunk towards 0", r"\mathrm{sign} ( w< ) \cdot \max ( | w< | - rate \cdot lambda , 0 ) = w>"),
    ),
    "keep_positive": _form("w kept", ("not below 0", r"\max ( w< , 0 ) = w>")),
    "average_towards": _form("mean w share", ("mean of the parameters", r"mean< + share \cdot ( w> - mean< ) = mean>")),
}  # fmt: skip

# A schedule's operands, and what it makes of them; `t` and `now` are filled in by whoever knows the clock.
SCHEDULES: dict[str, Form] = {
    "step_decay": _form("rate gamma every", ("", r"rate \cdot gamma {}^{n} = now")),
    "exponential_decay": _form("rate k", ("", r"rate \cdot \exp ( - k \cdot t ) = now")),
    "inverse_decay": _form("rate k", ("", r"rate / ( 1 + k \cdot t ) = now")),
    "cosine_decay": _form(
        "rate length lowest",
        ("", r"lowest + ( rate - lowest ) \cdot ( 1 + \cos ( \pi \cdot \min ( t / length , 1 ) ) ) / 2 = now"),
    ),
    "rate_window": _form("rate begin last", ("", r"rate \cdot within = now")),
    "warm_up": _form("rate length", ("", r"rate \cdot \min ( ( t + 1 ) / length , 1 ) = now")),
    "linear_ramp": _form(
        "end start length", ("", r"start + ( end - start ) \cdot \min ( t / length , 1 ) = now")
    ),
    "growing_momentum": _form("end", ("", r"\min ( 1 - 3 / ( t + 5 ) , end ) = now")),
}  # fmt: skip


def form_of(name: str, attributes: dict[str, object]) -> Form | None:
    """The form of an update call; None where it is written by hand, or is nothing to look at."""
    chosen = [key for key, value in attributes.items() if value is True]
    return FORMS.get(" ".join([name, *chosen]))
