"""The forward formulas of a step: inputs to output, stage by stage."""

from __future__ import annotations

from engine.explain.printing import EQUALS, number_term
from engine.explain.reading import Reading
from engine.explain.trees import Leaf, Reduction, Stage
from engine.snapshot import Equation

TOLERANCE = 1e-3  # relative: above what float32 loses in a sum, far below what a changed weight does


def forward_equations(reading: Reading) -> list[Equation]:
    """One equation for each stage."""
    return [stage_equation(stage, reading) for stage in reading.stages]


def stage_equation(stage: Stage, reading: Reading) -> Equation:
    """`z_3 = w_{1,3} · x_1 + … + b_3` with the number of each."""
    live, tree = reading.live, stage.tree
    number = live.number(stage.result.value, stage.result.entry)
    left = number_term(stage.symbol.latex, number, "result")
    if isinstance(tree, Leaf) and reading.printer.symbol(tree) == stage.symbol:
        return Equation((left,))
    caption = ""
    if isinstance(tree, Reduction) and tree.call.operands[0].shape and not tree.call.result.shape:
        caption = f"{tree.call.primitive.name} over the batch"
    return Equation((left, EQUALS, *reading.printer.terms(tree)), caption)


def disagreement(reading: Reading) -> str:
    """A sentence for the reader where a result does not follow from the numbers shown, empty where it does."""
    for stage in reading.stages:
        if isinstance(stage.tree, Leaf):
            continue
        computed = reading.play(stage).value
        number = reading.live.number(stage.result.value, stage.result.entry)
        if computed is None or number is None:
            continue
        if abs(computed - number) > TOLERANCE * max(1.0, abs(number)):
            return "A number was changed since this step: play it again."
    return ""
