"""What a driver decided, in numbers: its direction for one entry, how far along it, and what it took to find out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.explain.live import Entry
from engine.explain.printing import EQUALS, MINUS, PLUS, TIMES, number_term
from engine.snapshot import Equation, Term
from engine.training import COUNTS, DriverType, optimizer_types
from engine.values import Call, Value

if TYPE_CHECKING:
    from engine.explain.update import Update

# What is told: its symbol, and the words under its number.
TOLD = {
    "losses": (r"n_{L}", "losses asked for"), "slopes": (r"n_{\nabla L}", "gradients asked for"),
    "products": (r"n_{H v}", "products with the curvature"), "lowest": (r"\lambda_{\min}", "lowest curvature"),
    "damping_used": (r"\lambda", "damping"), "beta": (r"\beta", "of the direction before"), "inner": ("k", "inner steps"),
    "residual": (r"\lVert r \rVert", "left over"), "entry": ("i", "entry whose turn it is"),
    "layers": ("n", "dense layers with factors"),
}  # fmt: skip
# How a direction comes from all gradients together, where no line of one entry says it.
DIRECTIONS = {
    "newton": "direction: solves H p = −∇L", "damped_newton": "direction: solves (H + λI) p = −∇L",
    "saddle_free_newton": "direction: solves (|H| + λI) p = −∇L", "diagonal_newton": "direction: over its own curvature",
    "levenberg_marquardt": "direction: solves (JᵀJ + λD) p = −∇L", "hessian_free": "direction: nearly solves (H + λI) p = −∇L",
    "dfp": "direction: −G ∇L", "bfgs": "direction: −G ∇L", "l_bfgs": "direction: −G ∇L, from the last pairs",
    "k_fac": "direction: −A⁻¹ ∇L S⁻¹",
}  # fmt: skip
WITH_BEFORE, ALONE = "conjugate_gradient", ("steepest_descent", "coordinate_descent")


def decided(update: Update, calls: Sequence[Call]) -> list[Equation]:
    """What the driver tells of its decision, once for all entries."""
    call = next((call for call in calls if call.primitive.name == "take_step"), None)
    if call is None:
        return []
    kind = optimizer_types()[call.attributes["method"]]
    told = (*COUNTS, *kind.told) if isinstance(kind, DriverType) else ()
    terms: list[Term] = []
    for name, value in zip(told, call.operands[3:], strict=False):
        number = update.new(value, ())
        if name in COUNTS and not number and update.was_played:
            continue
        symbol, words = TOLD[name]
        terms += [Term(","), number_term(symbol, number, "operand", words)] if terms else [
            number_term(symbol, number, "operand", words)
        ]  # fmt: skip
    return [Equation(tuple(terms), f"{kind.title.partition(' (')[0]} decided")] if terms else []


def taken(update: Update, call: Call, value: Value, entry: Entry) -> list[Equation]:
    """The direction of one entry, and the step along it."""
    direction, length = call.operands[1:3]
    name, now = update.symbol(value, entry), number_term("p", update.new(direction, entry), "state", "direction")
    step = Equation(
        (
            number_term(name, update.before(call, value, entry), "old"), PLUS,
            number_term(r"\alpha", update.new(length, ()), "rate", "length"), TIMES, now, EQUALS,
            number_term(name, update.after(call, value, entry), "new"),
        )
    )  # fmt: skip
    return [*_direction(update, call, value, entry, now), step]


def _direction(update: Update, call: Call, value: Value, entry: Entry, now: Term) -> list[Equation]:
    method = call.attributes["method"]
    slope = update.gradient(update.live.program.gradients[update.phase][value.index], value, entry)
    if method == WITH_BEFORE:
        beta = call.operands[3 + len(COUNTS)]
        before = number_term("p", update.old(call.operands[1], entry), "state", "before")
        terms = (
            number_term(r"\beta", update.new(beta, ()), "operand"), TIMES, before, MINUS, slope, EQUALS,
            now._replace(caption="now"),
        )  # fmt: skip
        return [Equation(terms, "direction")]
    if method in ALONE:
        stands_still = now.number == 0  # another entry's turn
        return [] if stands_still else [Equation((MINUS, slope, EQUALS, now), "direction")]
    return [Equation((slope, Term(r"\to"), now), DIRECTIONS[method])]
