"""How parameters follow their gradients: every optimizer with its formula, its settings and the update it emits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, cast

from engine.problems import Problem
from engine.properties import Choice, Real, Whole
from engine.training.choices import Chosen, Family, Ingredient, Work
from engine.values import Value

Emit = Callable[[Work, Value, Value], None]  # the work, a parameter, its gradient: emits the update


def _no_preparation(work: Work) -> None:
    """Nothing is computed once for all parameters."""


@dataclass(frozen=True)
class OptimizerType(Ingredient):
    """How parameters follow their gradients; `prepare` emits what is computed once an iteration."""

    emit: Emit = field(kw_only=True)
    prepare: Callable[[Work], None] = field(default=_no_preparation, kw_only=True)


OPTIMIZERS = Family("optimizer", "an optimizer", "How parameters follow their gradients.")


def optimizer_types() -> dict[str, OptimizerType]:
    """Every optimizer by its name."""
    return OPTIMIZERS.types


@dataclass(frozen=True)
class Optimizer(Chosen):
    """An optimizer's name and its settings; what is not named has its default."""

    family: ClassVar[Family] = OPTIMIZERS

    @property
    def kind(self) -> OptimizerType:
        """The optimizer type; `from_json` has made sure that there is one."""
        return cast(OptimizerType, self.family.types[self.type])

    @classmethod
    def from_json(cls, value: object) -> tuple[Optimizer, list[Problem]]:
        """The optimizer that could be read, and what could not."""
        found, problems = super().from_json(value)
        mend = 'For instance {"type": "sgd", "learning_rate": 0.1}.'
        return found, [Problem(p.fact, mend, kind=p.kind) if p.kind == "type" and not p.path else p for p in problems]


def _updating(primitive: str, memories: str = "", settings: str = "", **starts: float) -> Emit:
    """Emit one primitive: parameter, gradient, its memories by name, the rate and further settings by name."""

    def emit(work: Work, w: Value, g: Value) -> None:
        states = [work.memory(w, name, starts.get(name, 0.0)) for name in memories.split()]
        numbers = [work.settings[name] for name in f"learning_rate {settings}".split()]
        work.build.emit(primitive, w, g, *states, *numbers)

    return emit


def _rooted(primitive: str, memories: str, settings: str) -> Emit:
    """As `_updating`, for a primitive that is told where its ε stands."""

    def emit(work: Work, w: Value, g: Value) -> None:
        numbers = [work.settings[name] for name in f"learning_rate {settings}".split()]
        states = [work.memory(w, name) for name in memories.split()]
        where = {"outside": True} if work.words["form"] == "library" else {}
        work.build.emit(primitive, w, g, *states, *numbers, **where)

    return emit


def _by(choice: str, **emits: Emit) -> Emit:
    """Emit what belongs to the word that was chosen."""
    return lambda work, w, g: emits[work.words[choice]](work, w, g)


def _prepare_powers(work: Work) -> None:
    # β to the power of the iteration, kept as a product: a β that is dragged meanwhile counts from then on.
    for name in ("beta1", "beta2"):
        power = work.number(f"{name}_power", 1.0)
        work.build.emit("decay_power", power, work.settings[name])
        work.settings[f"{name}_power"] = power


def _rate(default: float, help: str = "How far a step goes along the negative gradient.") -> Real:
    return Real(default, low=0.0, high=1000.0, symbol=r"\eta", help=help)


def _momentum() -> Real:
    return Real(0.9, low=0.0, high=1.0, symbol=r"\beta", help="How much of the last step is kept.")


def _velocity() -> Choice:
    return Choice(
        "steps",
        ("steps", "gradients"),
        help="What the velocity adds up: steps, as in the text and in Keras, or gradients that the rate multiplies "
        "afterwards, as in PyTorch. They part where the rate changes.",
    )


def _epsilon(default: float = 1e-8, help: str = "Keeps the quotient finite.") -> Real:
    return Real(default, low=0.0, high=1.0, symbol=r"\epsilon", help=help)


def _form() -> Choice:
    return Choice(
        "text",
        ("text", "library"),
        help="Text: ε is added under the root. Library: beside the root, as in PyTorch and Keras.",
    )


def _rho(default: float) -> Real:
    return Real(default, low=0.0, high=0.9999999, symbol=r"\rho", help="Memory of the mean squared gradient.")


def _betas() -> dict[str, Any]:
    return {
        "beta1": Real(0.9, low=0.0, high=0.999999, symbol=r"\beta_1", help="Memory of the mean gradient."),
        "beta2": Real(0.999, low=0.0, high=0.9999999, symbol=r"\beta_2", help="Memory of the mean squared gradient."),
        "epsilon": _epsilon(),
    }


def _late(work: Work, w: Value, g: Value) -> None:
    """Step by a gradient that was found some updates ago: on its way it is handed on from place to place."""
    way = [work.memory(w, f"late_{place}") for place in range(work.words["delay"])]
    if way:
        arrived = work.memory(w, "arrived")
        work.build.emit("hand_on", arrived, way[0], arrives=True)
        for place, gradient in zip(way, [*way[1:], g], strict=True):
            work.build.emit("hand_on", place, gradient)
        g = arrived
    work.build.emit("sgd_update", w, g, work.settings["learning_rate"])


def _count_workers(work: Work) -> None:
    here = work.number("workers_done")
    work.build.emit("count_round", here, work.settings["workers"])
    work.settings["workers_done"] = here


MOMENTS = "beta1 beta2 epsilon beta1_power beta2_power"
_add = OPTIMIZERS.add
_add(OptimizerType(
    "sgd", "gradient descent", r"w \leftarrow w - \eta\, g",
    "Each parameter steps against its gradient: of all rows, of one, or of a mini-batch, as the batch size says.",
    {"learning_rate": _rate(0.1)}, "Aggarwal 2023, eq. 2.25", emit=_updating("sgd_update"),
))  # fmt: skip
_add(OptimizerType(
    "momentum", "momentum", r"v \leftarrow \beta v - \eta\, g,\quad w \leftarrow w + v",
    "Steps keep part of their velocity and so roll through small dents.",
    {"learning_rate": _rate(0.1), "momentum": _momentum(), "velocity": _velocity()}, "Aggarwal 2023, §4.4.2",
    emit=_by("velocity", steps=_updating("momentum_update", "velocity", "momentum"),
             gradients=_updating("gradient_momentum_update", "velocity", "momentum")),
    formulas={"gradients": r"v \leftarrow \beta v + g,\quad w \leftarrow w - \eta v"},
))  # fmt: skip
_add(OptimizerType(
    "nesterov", "Nesterov momentum", r"v \leftarrow \beta v - \eta\, g,\quad w \leftarrow w + \beta v - \eta\, g",
    "Momentum that looks ahead before it takes the gradient: w is the point that it looks at, the text's w + βv.",
    {"learning_rate": _rate(0.1), "momentum": _momentum(), "velocity": _velocity()}, "Aggarwal 2023, §4.4.3",
    emit=_by("velocity", steps=_updating("nesterov_update", "velocity", "momentum"),
             gradients=_updating("gradient_nesterov_update", "velocity", "momentum")),
    formulas={"gradients": r"v \leftarrow \beta v + g,\quad w \leftarrow w - \eta\,(g + \beta v)"},
))  # fmt: skip
_add(OptimizerType(
    "adam", "Adam", r"w \leftarrow w - \eta\,\frac{\hat m}{\sqrt{\hat v} + \epsilon}",
    "Each parameter has its own pace: mean gradient over root mean square gradient, both bias-corrected.",
    {"learning_rate": _rate(0.001), **_betas(),
     "form": Choice("paper", ("paper", "text"), help="Paper: ε is added to the root of the corrected mean square, as in "
                    "PyTorch. Text: under the root of the uncorrected one. They part where gradients are tiny.")},
    "Kingma & Ba 2015; Aggarwal 2023, §4.5.5",
    emit=_by("form", paper=_updating("adam_update", "mean square", MOMENTS),
             text=_updating("adam_text_update", "mean square", MOMENTS)),
    prepare=_prepare_powers,
    formulas={"text": r"w \leftarrow w - \eta\,\frac{\sqrt{1 - \beta_2^t}}{1 - \beta_1^t}\,\frac{m}{\sqrt{v + \epsilon}}"},
))  # fmt: skip
_add(OptimizerType(
    "adamw", "AdamW", r"w \leftarrow w - \eta\lambda w - \eta\,\frac{\hat m}{\sqrt{\hat v} + \epsilon}",
    "Adam, and each weight decays by itself: the decay never enters the mean gradients, unlike a penalty.",
    {"learning_rate": _rate(0.001), **_betas(),
     "weight_decay": Real(0.01, low=0.0, high=100.0, symbol=r"\lambda", help="Share of a weight that a rate of 1 would take.")},
    "Loshchilov & Hutter 2019",
    emit=_updating("adamw_update", "mean square", f"{MOMENTS} weight_decay"), prepare=_prepare_powers,
))  # fmt: skip
_add(OptimizerType(
    "adagrad", "AdaGrad", r"A \leftarrow A + g^2,\quad w \leftarrow w - \frac{\eta}{\sqrt{A + \epsilon}}\, g",
    "Each step is divided by the root of all squared gradients so far: steep directions slow down, for good.",
    {"learning_rate": _rate(0.1), "epsilon": _epsilon(), "form": _form()}, "Aggarwal 2023, eq. 4.3",
    emit=_rooted("adagrad_update", "square", "epsilon"),
    formulas={"library": r"A \leftarrow A + g^2,\quad w \leftarrow w - \frac{\eta}{\sqrt{A} + \epsilon}\, g"},
))  # fmt: skip
_add(OptimizerType(
    "rmsprop", "RMSProp", r"A \leftarrow \rho A + (1 - \rho)\, g^2,\quad w \leftarrow w - \frac{\eta}{\sqrt{A + \epsilon}}\, g",
    "As AdaGrad with a memory that fades, so that old steep places are forgotten. The first steps are too long.",
    {"learning_rate": _rate(0.01), "rho": _rho(0.9), "epsilon": _epsilon(), "form": _form()}, "Aggarwal 2023, eq. 4.4",
    emit=_rooted("rmsprop_update", "square", "rho epsilon"),
    formulas={"library": r"A \leftarrow \rho A + (1 - \rho)\, g^2,\quad w \leftarrow w - \frac{\eta}{\sqrt{A} + \epsilon}\, g"},
))  # fmt: skip
_add(OptimizerType(
    "rmsprop_nesterov", "RMSProp + Nesterov",
    r"v \leftarrow \beta v - \frac{\eta}{\sqrt{A + \epsilon}}\, g,\quad"
    r" w \leftarrow w + \beta v - \frac{\eta}{\sqrt{A + \epsilon}}\, g",
    "RMSProp whose steps keep a velocity that looks ahead: w is the point that it looks at, the text's w + βv.",
    {"learning_rate": _rate(0.01), "rho": _rho(0.9), "momentum": _momentum(), "epsilon": _epsilon(), "form": _form()},
    "Aggarwal 2023, eq. 4.6", emit=_rooted("rmsprop_nesterov_update", "square velocity", "rho momentum epsilon"),
    formulas={"library": r"v \leftarrow \beta v - \frac{\eta}{\sqrt{A} + \epsilon}\, g,\quad"
              r" w \leftarrow w + \beta v - \frac{\eta}{\sqrt{A} + \epsilon}\, g"},
))  # fmt: skip
_add(OptimizerType(
    "adadelta", "AdaDelta", r"\Delta = \sqrt{\frac{\delta + \epsilon}{A + \epsilon}}\, g,\quad w \leftarrow w - \eta\,\Delta",
    "The length of steps is taken from the steps before: in the text there is no learning rate, so leave it at 1.",
    {"learning_rate": _rate(1.0, "What libraries multiply the step by; 1 in the text."), "rho": _rho(0.95),
     "epsilon": _epsilon(1e-6, "How long the first steps are: a hidden learning rate. With 0, as printed, nothing moves.")},
    "Aggarwal 2023, eq. 4.5", emit=_updating("adadelta_update", "square change", "rho epsilon"),
))  # fmt: skip
_add(OptimizerType(
    "delta_bar_delta", "delta-bar-delta",
    r"\eta_i \leftarrow \eta_i + \kappa \text{ or } \eta_i (1 - \phi),\quad w \leftarrow w - \eta_i\, g",
    "Each parameter has a rate that grows while its gradient keeps its sign and is cut when it flips; for whole batches.",
    {"learning_rate": _rate(0.05, "The rate that each parameter starts with."),
     "growth": Real(0.02, low=0.0, high=10.0, symbol=r"\kappa", help="What is added to a rate where the signs agree."),
     "cut": Real(0.3, low=0.0, high=1.0, symbol=r"\phi", help="Share that a rate loses where the sign flips."),
     "memory": Real(0.7, low=0.0, high=0.999, symbol=r"\theta", help="Memory of the mean gradient that tells the sign.")},
    "Jacobs 1988; Aggarwal 2023, §4.5.4",
    emit=_updating("delta_bar_delta_update", "pace trace", "growth cut memory", pace=1.0),
))  # fmt: skip
_add(OptimizerType(
    "asynchronous", "asynchronous descent", r"w_{t+1} \leftarrow w_t - \eta\, g(w_{t-k})",
    "Many workers and one store of parameters, and nobody waits: each gradient was found where the parameters were k "
    "updates ago. Before the first one arrives nothing moves.",
    {"learning_rate": _rate(0.1),
     "delay": Whole(4, low=0, high=64, unit="updates", help="How old a gradient is when it arrives.")},
    "Aggarwal 2023, §4.9.2; Dean et al. 2012", emit=_late,
))  # fmt: skip
_add(OptimizerType(
    "data_parallel", "data-parallel descent",
    r"w \leftarrow w - \frac{\eta}{k} \sum_{i=1}^k g_i(w)",
    "Workers with one batch each and the same parameters: all wait until the last one has brought its gradient, and the "
    "mean makes one step. An iteration is the work of one of them.",
    {"learning_rate": _rate(0.1),
     "workers": Real(4.0, low=1.0, high=1024.0, symbol="k", help="How many gradients make one step.")},
    "Aggarwal 2023, §4.9.2",
    emit=_updating("gathered_update", "gathered", "workers_done workers"), prepare=_count_workers,
))  # fmt: skip
