"""Optimizers for whole batches: a driver finds direction and length between backward and update (`engine.drivers`).

Here stands what they are called, what they can be told, and what they remember. All that they remember lies on the tape
as states, so that checkpoints keep it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from engine.primitives.base import entries
from engine.properties import Choice, Real
from engine.training.choices import Work
from engine.training.optimizers import OPTIMIZERS, Emit, OptimizerType
from engine.values import Value

Size = Callable[[int, Mapping[str, Any]], tuple[int, ...]]  # entries of all parameters, words -> shape of a memory

COUNTS = ("losses", "slopes", "products")  # every driver tells how often it has evaluated
LINE_SEARCHES = ("none", "quadratic", "backtracking", "wolfe", "binary", "golden", "slope")
AROUND = ("optimizer", "constraint", "averaging", "stopping")  # what of a phase goes together with a driver
MOST, MOST_WITH_MATRIX = 100_000, 1000  # entries; a matrix of their products fills 4 or 8 MB


@dataclass(frozen=True)
class DriverType(OptimizerType):
    """An optimizer that is a driver.

    memory  arrays that it remembers from one decision to the next: their shapes by name
    told    numbers that it tells of a decision, beside how often it has evaluated
    most    how many entries its parameters may have together
    of_prediction  whether it needs to know which value is the prediction, for the Gauss-Newton matrix
    """

    memory: Mapping[str, Size] = field(default_factory=dict, kw_only=True)
    told: tuple[str, ...] = field(default=(), kw_only=True)
    most: int = field(default=MOST, kw_only=True)
    of_prediction: bool = field(default=False, kw_only=True)

    def is_of_prediction(self, words: Mapping[str, str]) -> bool:
        """Whether it asks for the Gauss-Newton matrix, with these of its choices."""
        return self.of_prediction or words.get("curvature") == "gauss_newton"


def _stepping(name: str) -> Emit:
    """Emit the step of a parameter: the direction in its shape, the length, and whatever the driver remembers and tells."""

    def emit(work: Work, w: Value, g: Value) -> None:
        kind = cast(DriverType, OPTIMIZERS.types[name])
        size = sum([entries(value.shape) for value in work.parameters])
        told = [work.number(f"driver_{each}") for each in (*COUNTS, *kind.told)]
        kept = [work.number(f"driver_{each}", shape=shape(size, work.words)) for each, shape in kind.memory.items()]
        direction, length = work.memory(w, "direction"), work.number("driver_length")
        work.build.emit("take_step", w, direction, length, *told, *kept, method=name, phase=work.phase)

    return emit


def _add(name: str, title: str, formula: str, help: str, settings: dict[str, Any], source: str, **more: Any) -> None:
    OPTIMIZERS.add(
        DriverType(name, f"{title} (whole batch)", formula, help, settings, source, emit=_stepping(name), **more)
    )


def _one(size: int, words: Mapping[str, Any]) -> tuple[int, ...]:
    return (1,)


def _vector(size: int, words: Mapping[str, Any]) -> tuple[int, ...]:
    return (size,)


def _matrix(size: int, words: Mapping[str, Any]) -> tuple[int, ...]:
    return (size, size)


def _pairs(size: int, words: Mapping[str, Any]) -> tuple[int, ...]:
    return (int(words["pairs"]), size)


def _product(size: int, words: Mapping[str, Any]) -> tuple[int, ...]:
    return (size if words["form"] == "linear_before" else 1,)


def _length() -> dict[str, Any]:
    return {"step_length": Real(
        1.0, low=0.0, high=1000.0, symbol=r"\alpha", help="What the step that was found is multiplied by; 1: as it is.",
    )}  # fmt: skip


def _search(default: str) -> dict[str, Any]:
    return {**_length(), "line_search": Choice(
        default, LINE_SEARCHES,
        help="How far to go. None: the whole step. Quadratic: to the bottom of a parabola. Backtracking: halved until the "
        "loss falls. Wolfe: until it falls and has flattened. Binary, golden: to the lowest loss between two ends. Slope: "
        "to where the derivative along the line changes sign.",
    )}  # fmt: skip


def _damping(default: float) -> dict[str, Any]:
    return {"damping": Real(
        default, low=0.0, high=1e6, symbol=r"\lambda",
        help="Added to every curvature: the larger, the shorter the step, and the nearer to the negative gradient.",
    )}  # fmt: skip


def _curvature(default: str) -> dict[str, Any]:
    return {"curvature": Choice(
        default, ("hessian", "gauss_newton"),
        help="Hessian: of the loss as it is. Gauss-Newton: as if the prediction were linear in the parameters; never negative.",
    )}  # fmt: skip


_add(
    "steepest_descent", "steepest descent", r"p = -\nabla L,\quad w \leftarrow w + \alpha p",
    "Against the gradient, as far as it pays: a line search finds the rate of every step.",
    _search("golden"), "Aggarwal 2023, §4.6",
)  # fmt: skip
_add(
    "newton", "Newton", r"H p = -\nabla L,\quad w \leftarrow w + p",
    "To the bottom of the parabola that fits the loss here: one step solves a bowl. It goes to saddles and peaks as well. "
    "Where the loss is flat in a direction it does not move along it.",
    _length(), "Aggarwal 2023, eq. 4.12", told=("lowest",), most=MOST_WITH_MATRIX,
)  # fmt: skip
_add(
    "damped_newton", "damped Newton", r"(H + \lambda I)\, p = -\nabla L,\quad w \leftarrow w + \alpha p",
    "Newton's direction, and only as far as the loss falls.",
    {**_search("binary"), **_damping(0.0)}, "Aggarwal 2023, eqs 4.13 and 4.14", told=("lowest",), most=MOST_WITH_MATRIX,
)  # fmt: skip
_add(
    "saddle_free_newton", "saddle-free Newton", r"(|H| + \lambda I)\, p = -\nabla L,\quad w \leftarrow w + \alpha p",
    "Newton's step with every negative curvature turned positive: saddles push away instead of pulling.",
    {**_search("backtracking"), **_damping(0.001)}, "Dauphin et al. 2014", told=("lowest",), most=MOST_WITH_MATRIX,
)  # fmt: skip
_add(
    "diagonal_newton", "diagonal Hessian", r"p_i = -\frac{1}{|h_{ii}| + \lambda} \frac{\partial L}{\partial w_i}",
    "Newton's step of every parameter by itself, as if the others stood still.",
    {**_search("backtracking"), **_damping(0.01)}, "LeCun et al. 1998; Aggarwal 2023, §4.7", told=("lowest",),
    most=MOST_WITH_MATRIX,
)  # fmt: skip
_add(
    "levenberg_marquardt", "Levenberg-Marquardt", r"(J^{\top} J + \lambda D)\, p = -\nabla L,\quad w \leftarrow w + p",
    "Between Gauss-Newton and gradient descent: a step that pays lowers the damping, one that does not raises it.",
    {**_length(), **_damping(0.01),
     "factor": Real(10.0, low=1.1, high=1000.0, help="What the damping is divided or multiplied by."),
     "scaling": Choice("identity", ("identity", "diagonal"), help="What is damped: all parameters alike, as Levenberg has "
                       "it, or each by its own curvature, as Marquardt has it.")},
    "Levenberg 1944; Marquardt 1963", memory={"damping_now": _one}, told=("damping_used",), most=MOST_WITH_MATRIX,
    of_prediction=True,
)  # fmt: skip
_add(
    "conjugate_gradient", "conjugate gradient", r"p \leftarrow -\nabla L + \beta p,\quad w \leftarrow w + \alpha p",
    "Directions that do not undo each other: a bowl of d parameters is solved in d steps, without a matrix.",
    {**_search("quadratic"),
     "form": Choice("linear", ("linear", "linear_before", "fletcher_reeves", "polak_ribiere"), help="β by a product with the "
                    "Hessian, as in the text, here or (before) where the last step began; or by gradients alone."),
     "restart": Real(0.0, low=0.0, high=1e6, unit="steps", help="How often to begin anew with the gradient; 0: after as many "
                     "steps as there are parameters.")},
    "Aggarwal 2023, §4.7.1", told=("beta",),
    memory={"slope_before": _vector, "since": _one, "product_before": _product},
    formulas={"linear": r"p \leftarrow -\nabla L + \frac{p^{\top} H \nabla L}{p^{\top} H p}\, p",
              "linear_before": r"p \leftarrow -\nabla L + \frac{p^{\top} H_0 \nabla L}{p^{\top} H_0\, p}\, p",
              "fletcher_reeves": r"p \leftarrow -\nabla L + \frac{\lVert \nabla L \rVert^2}{\lVert \nabla L_0 \rVert^2}\, p",
              "polak_ribiere": r"p \leftarrow -\nabla L + \frac{\nabla L^{\top} (\nabla L - \nabla L_0)}"
                               r"{\lVert \nabla L_0 \rVert^2}\, p"},
)  # fmt: skip
_add(
    "hessian_free", "Hessian-free", r"(H + \lambda I)\, p \approx -\nabla L,\quad w \leftarrow w + \alpha p",
    "Newton's step without the matrix: conjugate gradients solve for it by products with the Hessian, and stop early.",
    {**_search("backtracking"), **_damping(0.001), **_curvature("hessian"),
     "inner_steps": Real(50.0, low=1.0, high=10000.0, help="Steps of conjugate gradients at the most."),
     "tolerance": Real(1e-4, low=0.0, high=1.0, help="Share of the gradient that may be left over.")},
    "Martens 2010; Aggarwal 2023, §4.7.1", told=("inner", "residual"),
)  # fmt: skip
_add(
    "dfp", "DFP",
    r"G \leftarrow G + \frac{s s^{\top}}{s^{\top} y} - \frac{G y y^{\top} G}{y^{\top} G y},\quad p = -G\,\nabla L",
    "Learns the inverse Hessian from the steps s and the changes y of the gradient: BFGS's older relative.",
    _search("wolfe"), "Davidon 1959; Fletcher & Powell 1963; Aggarwal 2023, §4.7.2",
    memory={"inverse": _matrix, "point_before": _vector, "slope_before": _vector}, most=MOST_WITH_MATRIX,
)  # fmt: skip
_add(
    "bfgs", "BFGS",
    r"G \leftarrow (I - \Delta s y^{\top})\, G\, (I - \Delta y s^{\top}) + \Delta s s^{\top},\quad p = -G\,\nabla L",
    "Learns the inverse Hessian from the steps s and the changes y of the gradient, with Δ = 1 / sᵀy.",
    _search("wolfe"), "Aggarwal 2023, eqs 4.20 and 4.22",
    memory={"inverse": _matrix, "point_before": _vector, "slope_before": _vector}, most=MOST_WITH_MATRIX,
)  # fmt: skip
_add(
    "l_bfgs", "L-BFGS", r"p = -G\,\nabla L,\quad G \text{ from the last } m \text{ pairs } (s, y)",
    "BFGS without the matrix: the last steps and changes of the gradient are enough to compute its direction.",
    {**_search("wolfe"),
     "pairs": Choice("10", ("1", "2", "5", "10", "30"), help="How many steps are remembered."),
     "start": Choice("scaled", ("scaled", "identity"), help="What the oldest pair begins with: a multiple of I that fits the "
                     "last step, as in libraries, or I as in the text.")},
    "Nocedal 1980; Aggarwal 2023, §4.7.2",
    memory={"steps": _pairs, "changes": _pairs, "point_before": _vector, "slope_before": _vector},
)  # fmt: skip
_add(
    "k_fac", "K-FAC",
    r"p = -A^{-1}\, \nabla_W L\, S^{-1},\quad A = \mathrm{E}[a a^{\top}],\ S = \mathrm{E}[\delta \delta^{\top}]",
    "The natural gradient of dense layers: each layer's Fisher matrix as a product of two small ones, of what comes in and of "
    "what comes back. All other parameters follow the negative gradient.",
    {**_search("backtracking"), **_damping(0.01)}, "Martens & Grosse 2015, with the empirical Fisher matrix", told=("layers",),
)  # fmt: skip
_add(
    "coordinate_descent", "coordinate descent", r"w_i \leftarrow w_i - \alpha \frac{\partial L}{\partial w_i}",
    "One parameter a step, to the lowest loss along it.",
    {**_search("quadratic"),
     "order": Choice("cyclic", ("cyclic", "steepest", "random"), help="Which entry comes next: one after the other, the one "
                     "with the largest derivative, or any.")},
    "Wright 2015", memory={"turn": _one}, told=("entry",),
)  # fmt: skip
