"""Is a derivative right? Backpropagation against finite differences, parameter by parameter, in float64.

Aggarwal 2023, §2.6.3, eqs 2.31 and 2.32: ρ = |Ge − Ga| / |Ge + Ga|, below 1e-6, or 1e-3 where the loss has kinks.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from engine.analysis.trial import Trial
from engine.primitives.base import Interval, Primitive
from engine.problems import Problem, ProblemError, did_you_mean
from engine.program import Program
from engine.values import Value

if TYPE_CHECKING:
    from engine.session import Session

Array = np.ndarray[Any, np.dtype[Any]]
Difference = Literal["central", "forward"]
FORMULA = r"\rho = \frac{|G_e - G_a|}{|G_e + G_a|}"
SMOOTH, KINKED = 1e-6, 1e-3  # what the text allows
MOST_ROWS = 256


@dataclass(frozen=True)
class Checked:
    """One entry of a parameter: its derivative twice, and how far they are apart.

    ratio     ρ of the text: 1/3 for a factor 2, huge for a wrong sign; 0 / 0 counts as 0
    relative  |Ge − Ga| / max(|Ge|, |Ga|), 0 where both are 0
    """

    address: str
    index: tuple[int, ...]
    backpropagation: float
    estimate: float
    ratio: float
    relative: float


@dataclass(frozen=True)
class Report:
    """What a gradient check found; `entries` begin with the worst.

    threshold  the ratio that still passes
    noise      derivatives below this are lost in rounding, whatever their ratio
    planted    the rule that was planted for this check, empty for the network as it is
    """

    entries: tuple[Checked, ...]
    difference: Difference
    epsilon: float
    threshold: float
    noise: float
    planted: str = ""

    @property
    def failed(self) -> tuple[Checked, ...]:
        """The entries whose derivatives disagree, the worst first."""
        return tuple(entry for entry in self.entries if not self.agrees(entry))

    @property
    def passed(self) -> bool:
        """Whether every entry agrees."""
        return not self.failed

    def agrees(self, entry: Checked) -> bool:
        """Whether its two derivatives are the same, but for rounding."""
        return entry.ratio <= self.threshold or abs(entry.backpropagation - entry.estimate) <= self.noise

    @property
    def worst(self) -> Checked | None:
        """The entry that is furthest apart."""
        return self.entries[0] if self.entries else None

    def by_parameter(self) -> dict[str, float]:
        """The largest ratio of each parameter: where to look for the bug."""
        largest: dict[str, float] = {}
        for entry in self.entries:
            largest[entry.address] = max(largest.get(entry.address, 0.0), entry.ratio)
        return largest


def gradient_check(
    session: Session, *, difference: Difference = "central", epsilon: float = 1e-6, sample: int = 200, seed: int = 0,
    phase: int = 0, planted: str = "", rule: str = "doubled",
) -> Report:  # fmt: skip
    """Check up to `sample` entries of the parameters (all where there are fewer), at their values of now.

    planted  a node, node type or operation whose derivative is replaced by another rule for this check (`doubled`,
             `reversed`, `blocked`, `straight_through`): a bug to be found
    Plays plans of its own over at most 256 rows of the data, in evaluation mode. Raises `ProblemError` where the
    document has no loss, or nothing is called like `planted`.
    """
    check = GradientCheck(
        session,
        difference=difference,
        epsilon=epsilon,
        sample=sample,
        seed=seed,
        phase=phase,
        planted=planted,
        rule=rule,
    )
    check.go_on()
    return check.report()


class GradientCheck:
    """The same in pieces, of the parameters as they stood at the beginning; see `gradient_check`."""

    def __init__(
        self, session: Session, *, difference: Difference = "central", epsilon: float = 1e-6, sample: int = 200,
        seed: int = 0, phase: int = 0, planted: str = "", rule: str = "doubled",
    ) -> None:  # fmt: skip
        self._difference, self._epsilon = difference, epsilon
        self._planted = f"{rule} {planted}" if planted else ""
        self._plan = _Check(session, phase)
        self._exact = self._plan.backpropagation(planted, rule)
        self._left = list(_sampled(self._exact, sample, seed))[::-1]
        self._found: list[Checked] = []
        self.iteration, self.count = session.iteration, len(self._left)

    @property
    def done(self) -> int:
        """How many of the `count` entries are checked."""
        return len(self._found)

    def go_on(self, seconds: float = math.inf) -> None:
        """Check entries for about so long, at least one; all by default."""
        until = time.perf_counter() + seconds
        while self._left:
            address, index = self._left.pop()
            estimate = self._plan.estimate(address, index, self._difference, self._epsilon)
            self._found.append(_checked(address, index, float(self._exact[address][index]), estimate))
            if time.perf_counter() > until:
                break

    def report(self) -> Report:
        """What was found so far."""
        entries = sorted(self._found, key=lambda entry: (_badness(entry.ratio), entry.relative), reverse=True)
        size = max([abs(self._plan.loss()), *[abs(entry.estimate) for entry in entries]], default=1.0)
        noise = 1e-15 / self._epsilon * max(1.0, size) * 10
        threshold = KINKED if self._plan.has_kinks else SMOOTH
        return Report(tuple(entries), self._difference, self._epsilon, threshold, noise, self._planted)


def _checked(address: str, index: tuple[int, ...], exact: float, estimate: float) -> Checked:
    apart, both = abs(exact - estimate), abs(exact + estimate)
    ratio = 0.0 if apart == 0 else apart / both if both else math.inf
    largest = max(abs(exact), abs(estimate))
    return Checked(address, index, exact, estimate, ratio, apart / largest if largest else 0.0)


def _badness(ratio: float) -> float:
    return math.inf if math.isnan(ratio) else ratio


def _sampled(exact: Mapping[str, Array], sample: int, seed: int) -> Iterable[tuple[str, tuple[int, ...]]]:
    """Entries to check: all, or as many drawn from all parameters alike."""
    everything = [(address, place) for address, array in exact.items() for place in range(array.size)]
    if len(everything) > sample:
        chosen = np.random.default_rng(seed).choice(len(everything), sample, replace=False)
        everything = [everything[place] for place in np.sort(chosen)]
    for address, place in everything:
        yield address, tuple([int(i) for i in np.unravel_index(place, exact[address].shape)])


class _Check:
    """The loss on a plan in float64, with the session's parameters and the first rows of its data."""

    def __init__(self, session: Session, phase: int) -> None:
        self.session, self.phase = session, phase
        trial, self._loss = self._trial()
        self._program, self._machine = trial.program, trial.start(self._loss)
        self.has_kinks = any(_has_kink(call.primitive) for call in self._program.calls)

    def backpropagation(self, planted: str, rule: str) -> dict[str, Array]:
        """The derivatives by all trained parameters, with a rule planted where one is asked for.

        What no derivative reaches has the derivative 0: that is checked like any other.
        """
        trial, loss = self._trial()
        if planted:
            _plant(trial.program, planted, rule, self.session)
        sources = trial.program.sources
        trained = {a: v for a, v in sources.items() if v.source is not None and v.source.trainable}
        slopes = trial.slopes(loss, trained.values())
        machine = trial.start(loss, *slopes)
        machine.play_once()
        return {address: machine.view(slope).copy() for address, slope in zip(trained, slopes, strict=True)}

    def _trial(self) -> tuple[Trial, Value]:
        trial = Trial(self.session, most_rows=MOST_ROWS)
        return trial, trial.objective(self.phase)

    def estimate(self, address: str, index: tuple[int, ...], difference: Difference, epsilon: float) -> float:
        """The finite difference of the loss by one entry."""
        view = self._machine.view(self._program.sources[address])
        before = float(view[index])
        view[index] = before + epsilon
        above, reach = self.loss(), float(view[index]) - before
        if difference == "central":
            view[index] = before - epsilon
            reach += before - float(view[index])
            below = self.loss()
        view[index] = before
        if difference == "forward":
            below = self.loss()
        return (above - below) / reach if reach else math.nan

    def loss(self) -> float:
        """The loss as the parameters stand on this plan."""
        self._machine.play_once()
        return float(self._machine.view(self._loss)[()])


def _plant(program: Program, planted: str, rule: str, session: Session) -> None:
    """Name another derivative rule at every call of a node, a node type, or an operation."""
    nodes = session.document.graph.nodes
    names: set[str] = set()
    found = False
    for call in program.calls:
        node = nodes.get(call.origin.node)
        mine = {call.origin.node, call.primitive.name, node.type if node is not None else ""}
        names |= mine
        # A node is many calls: its last one carries the mistake, so that “doubled” means doubled.
        is_last = any(value is call.result for value in program.outputs.values())
        if planted == call.primitive.name or (planted in mine and is_last):
            call.rule, found = rule, True
    if not found:
        raise ProblemError(
            Problem(f"no node or operation is called “{planted}”", did_you_mean(planted, names), kind="unknown")
        )


def _has_kink(primitive: Any) -> bool:
    if not isinstance(primitive, Primitive):
        return False
    domain: Sequence[Interval] = (primitive.domain,) if isinstance(primitive.domain, Interval) else primitive.domain
    return any(interval.kinks or interval.ties for interval in domain)
