"""When training ends by itself: early stopping, in hindsight, with the parameters of the best moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from engine.problems import Problem
from engine.properties import Choice, Flag, Real
from engine.training.choices import Chosen, Family, Ingredient

STOPPED = "stopped"  # the kind of problem that is none: training came to its end by itself
STOPPINGS = Family("stopping", "a stopping", "When training ends by itself.", "stop")


@dataclass(frozen=True)
class Stopping(Chosen):
    """When training ends; its settings."""

    family: ClassVar[Family] = STOPPINGS


STOPPINGS.add(Ingredient("never", "never", "", "Training goes on until you pause it."))
STOPPINGS.add(Ingredient(
    "early", "early", r"t^* = \mathrm{arg\,min}_t\ L_{\mathrm{test}}(w_t)",
    "Training ends when the loss of rows that it does not learn from has not fallen for some epochs.",
    {"patience": Real(10.0, low=1.0, high=1e6, symbol="p", unit="epochs", help="Epochs without a better loss to put up with."),
     "least": Real(0.0, low=0.0, high=1e6, help="By how much a loss must be lower to count as better."),
     "watch": Choice("test", ("test", "training"), help="Which rows' loss is watched, at the end of each epoch."),
     "restore_best": Flag(True, help="Whether to go back to the best moment, or to stay where it was noticed.")},
    "Aggarwal 2023, §5.6",
))  # fmt: skip


class Best(NamedTuple):
    """A moment whose loss was better than all before it."""

    iteration: int
    epoch: int
    loss: float


class Watch:
    """The moments at which the loss that is watched was best so far, latest last."""

    def __init__(self) -> None:
        self.bests: list[Best] = []

    def note(self, iteration: int, epoch: int, loss: float, patience: float, least: float) -> bool:
        """Note the loss at the end of an epoch; whether it is time to stop."""
        if not self.bests or loss < self.bests[-1].loss - least:
            self.bests.append(Best(iteration, epoch, loss))
            return False
        return epoch - self.bests[-1].epoch >= patience

    def forget_after(self, iteration: int) -> None:
        """Time was turned back: what came later has not happened."""
        while self.bests and self.bests[-1].iteration > iteration:
            self.bests.pop()

    def verdict(self, words: dict[str, Any]) -> Problem:
        """What is told when training has come to its end, by the words of the stopping."""
        best, go_on = self.bests[-1], "To go on, raise the patience or let it stop never."
        fact = f"stopped early: the {words['watch']} loss was best in epoch {best.epoch}, {best.loss:.6g}"
        mend = f"Its parameters are back. {go_on}" if words["restore_best"] else go_on
        return Problem(fact, mend, severity="warning", kind=STOPPED)
