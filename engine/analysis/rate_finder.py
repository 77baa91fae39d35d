"""Which learning rate? A trial run whose rate grows at every update, until the loss explodes (Smith 2017, §3.3)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.problems import Problem, ProblemError
from engine.session import Session
from engine.training import Schedule, Stopping

if TYPE_CHECKING:
    from engine.document import Document

Array = np.ndarray[Any, np.dtype[Any]]
MEMORY = 0.9  # of the mean loss
EXPLODED = 4.0  # times the lowest mean loss, counted from the least that a loss was


@dataclass(frozen=True)
class RateCurve:
    """The loss met behind an update with each rate.

    rates     (n,)  growing by the same factor
    losses    (n,)  of the batches that came
    smoothed  (n,)  their mean that forgets, corrected for its start
    exploded  whether the loss ended it; else the highest rate was reached, or it was cancelled
    """

    rates: Array
    losses: Array
    smoothed: Array
    exploded: bool

    @property
    def steepest(self) -> float | None:
        """The rate at which the loss falls fastest, by the logarithm of the rate; None where it never falls."""
        before_end = int(np.argmin(self.smoothed)) + 1 if len(self.smoothed) else 0
        if before_end < 3:
            return None
        slopes = np.gradient(self.smoothed[:before_end], np.log(self.rates[:before_end]))
        place = int(np.argmin(slopes))
        return float(self.rates[place]) if slopes[place] < 0 else None

    @property
    def largest(self) -> float | None:
        """The rate behind which the loss was lowest: more is too much. None where nothing was tried."""
        return float(self.rates[int(np.argmin(self.smoothed))]) if len(self.rates) else None


def find_rate(
    session: Session, *, lowest: float = 1e-6, highest: float = 10.0, iterations: int = 200, phase: int = 0,
    go_on: Callable[[float], bool] | None = None,
) -> RateCurve:  # fmt: skip
    """Train a copy of the session from its present parameters, with rates from the lowest to the highest.

    The session itself stays as it is; a schedule of the rate and early stopping are left out of the copy.
    go_on  told the share that is done; False cancels
    Raises `ProblemError` where the phase has no learning rate, or the rates are not two growing positive numbers.
    """
    address = _rate_of(session.document, phase)
    if not (0 < lowest < highest and math.isfinite(highest)) or iterations < 2:
        fact = f"{iterations} rates from {lowest:g} to {highest:g} cannot be tried"
        raise ProblemError(Problem(fact, "Begin above 0, end higher, and try 2 rates at least.", kind="property"))
    trial = Session(_plain(session.document, phase), dtype=session.dtype)
    trial.resume(session.weights)
    rates = np.geomspace(lowest, highest, iterations)
    losses: list[float] = []
    mean, means, exploded = 0.0, list[float](), False
    for place, rate in enumerate(rates):
        if go_on is not None and not go_on(place / iterations):
            break
        trial.set_setting(address, float(rate))
        trial.run(1)
        loss = _loss_behind(trial)
        if loss is None:
            exploded = True
            break
        mean = MEMORY * mean + (1 - MEMORY) * loss
        losses.append(loss)
        means.append(mean / (1 - MEMORY ** (place + 1)))
        if _has_exploded(means, losses):
            exploded = True
            break
    return RateCurve(rates[: len(losses)], np.array(losses), np.array(means), exploded)


def _rate_of(document: Document, phase: int) -> str:
    phases = document.training.phases
    if phase >= len(phases):
        raise ProblemError(Problem("there is nothing that is made small", "Choose a loss.", kind="loss"))
    optimizer = phases[phase].optimizer
    if "learning_rate" not in optimizer.kind.settings:
        fact = f"{optimizer.kind.title} has no learning rate"
        raise ProblemError(Problem(fact, "Choose an optimizer that has one.", kind="unsupported"))
    return phases[phase].address("optimizer", "learning_rate")


def _plain(document: Document, phase: int) -> Document:
    """A copy in which nothing but the finder changes the rate."""
    copy = document.copy()
    phases = list(copy.training.phases)
    phases[phase] = replace(phases[phase], schedule=Schedule(), stopping=Stopping())
    copy.training = replace(copy.training, phases=tuple(phases))
    return copy


def _loss_behind(trial: Session) -> float | None:
    """The loss of the next iteration's batch, with the parameters as they are now; None where it is no number."""
    if trial.problem is None:
        trial.step("phase")
    loss = trial.loss
    if trial.problem is not None or loss is None or not math.isfinite(loss):
        return None
    trial.step_back("phase")
    return loss


def _has_exploded(means: list[float], losses: list[float]) -> bool:
    bottom = min(losses)
    lowest = min(means)
    return means[-1] - bottom > EXPLODED * max(lowest - bottom, abs(lowest), 1e-12)
