"""What a session shows of itself: immutable, safe to hand to another thread."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np

from engine.problems import Problem
from engine.tape import Step

Array = np.ndarray[Any, np.dtype[Any]]
State = Literal["current", "earlier", "absent"]
SUMMED_EXACTLY = 4096  # entries; of more, the summary is added in the array's own precision
LARGEST_SHOWN = 65536  # entries; of larger arrays a reading holds the summary alone


class Reading(NamedTuple):
    """One array as it stood: `current` was computed in this iteration, `earlier` in a former one, `absent` never."""

    shape: tuple[int, ...]
    state: State
    array: Array | None = None
    minimum: float = float("nan")
    maximum: float = float("nan")
    mean: float = float("nan")
    deviation: float = float("nan")

    @property
    def is_finite(self) -> bool:
        """False once a NaN or an infinity is in it; an absent reading counts as finite."""
        return self.state == "absent" or bool(np.isfinite(self.minimum) and np.isfinite(self.maximum))


def read(view: Array, state: State) -> Reading:
    """A reading of memory: a copy (unless it is very large) and its summary."""
    if state == "absent":
        return Reading(view.shape, state)
    if view.size == 1:
        number = float(view.reshape(-1)[0])
        array = view.copy()
        array.flags.writeable = False
        return Reading(view.shape, state, array, number, number, number, 0.0)
    copy: Array | None = None
    if view.size <= LARGEST_SHOWN:
        copy = view.copy()
        copy.flags.writeable = False
    if view.size == 0:
        return Reading(view.shape, state, copy)
    with np.errstate(all="ignore"):
        numbers = _summary(view.reshape(-1))
    return Reading(view.shape, state, copy, *numbers)


def _summary(flat: Array) -> tuple[float, float, float, float]:
    """Minimum, maximum, mean and deviation. Of a million entries in a third of the time that np.std alone takes.

    Of few entries too the methods of NumPy's arrays take three times as long: a large graph has thousands of those.
    """
    if flat.size <= SUMMED_EXACTLY or flat.dtype.kind != "f":
        wide = flat.astype(np.float64)
        mean = float(np.add.reduce(wide)) / wide.size
        wide -= mean
        deviation = math.sqrt(float(wide.dot(wide)) / wide.size)
    else:
        mean = float(flat.mean())
        square = float(np.dot(flat, flat)) / flat.size  # NaN and infinity stay what they are
        deviation = math.sqrt(max(0.0, square - mean * mean)) if math.isfinite(square) else square - square
    return float(np.minimum.reduce(flat)), float(np.maximum.reduce(flat)), mean, deviation


class Term(NamedTuple):
    """One symbol of a formula with its number; operators have none. `caption` is a word for under the number."""

    latex: str
    number: float | None = None
    role: str = "operator"  # result operand incoming local outgoing addend old rate gradient new state operator absent
    caption: str = ""


class Equation(NamedTuple):
    """A line of a formula, symbol by symbol."""

    terms: tuple[Term, ...]
    caption: str = ""


@dataclass(frozen=True)
class Explanation:
    """What one step did to one entry, as formulas with the numbers put in.

    state  of the step's result: `earlier` numbers are of a former iteration
    note   a sentence where the numbers do not belong together, e.g. weights that were changed since
    """

    node: str
    part: str
    title: str = ""
    equations: tuple[Equation, ...] = ()
    state: State = "current"
    note: str = ""


@dataclass(frozen=True)
class Snapshot:
    """Everything the window shows, as it stood between two instructions.

    values, gradients, parameters are by `node.port` or `node.parameter`; history holds (iteration, value) rows.
    explanation is of the node that somebody looks at, or else of the last step; stepped is of the last step.
    """

    revision: int = 0
    iteration: int = 0
    epoch: int = 0
    steps: Sequence[Step] = ()
    last_step: Step | None = None
    next_step: Step | None = None
    loss: float | None = None
    rate: float = 0.0
    row_indices: Array | None = None
    values: Mapping[str, Reading] = field(default_factory=dict)
    gradients: Mapping[str, Reading] = field(default_factory=dict)
    parameters: Mapping[str, Reading] = field(default_factory=dict)
    previous_parameters: Mapping[str, Reading] = field(default_factory=dict)
    settings: Mapping[str, float] = field(default_factory=dict)
    history: Mapping[str, Array] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    problem: Problem | None = None
    explanation: Explanation | None = None
    stepped: Explanation | None = None
