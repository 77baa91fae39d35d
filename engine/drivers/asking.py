"""How a driver speaks: it asks for a loss, a gradient, a product with the curvature, and in the end says where to go.

A driver is a generator. What it yields is played on a plan beside the live tape, and the answer is sent back; so the same
algorithm runs on a network and on a formula written down in a test. It keeps nothing between two decisions but the arrays
of `Sight.memory`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
T = TypeVar("T")


class Loss(NamedTuple):
    """What is the loss at this point? Answered by a number."""

    point: Array


class Slope(NamedTuple):
    """What is the gradient at this point? Answered by an array like it."""

    point: Array


class Product(NamedTuple):
    """What is the Hessian at the point in hand, times this vector?"""

    vector: Array


class GaussNewton(NamedTuple):
    """What is the Gauss-Newton matrix at the point in hand, times this vector?"""

    vector: Array


class Factors(NamedTuple):
    """What comes into dense layers and what comes back to them? Answered by a `Layer` for each."""


class Layer(NamedTuple):
    """A dense layer's place in the vector of parameters, and the two factors of its Fisher matrix.

    weight   where its weight lies, row by row; bias: where its bias lies, empty where it has none
    inputs   (inputs, inputs)  E[aaᵀ], with a 1 behind the inputs where there is a bias
    outputs  (units, units)    E[δδᵀ], of the derivatives of single examples' losses
    """

    weight: slice
    bias: slice
    inputs: Array
    outputs: Array


Request = Loss | Slope | Product | GaussNewton | Factors
Ask = Generator[Request, Any, T]


@dataclass
class Sight:
    """What a driver sees when it is asked: the parameters as one vector, the loss and its gradient there.

    previous   the last direction, 0 at the beginning
    memory     its arrays, to be written in place
    numbers    its settings that are numbers, and words its choices
    epsilon    the relative rounding error of what it is told
    iteration  how many decisions were taken, and seed of the document: for what is drawn at random
    """

    point: Array
    loss: float
    slope: Array
    previous: Array
    memory: dict[str, Array] = field(default_factory=dict)
    numbers: Mapping[str, float] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    epsilon: float = float(np.finfo(np.float64).eps)
    iteration: int = 0
    seed: int = 0


class Decision(NamedTuple):
    """Where to go and how far: the step is `length` times `direction`; `told` are numbers to be shown."""

    direction: Array
    length: float
    told: Mapping[str, float] = {}


Driver = Callable[[Sight], Ask[Decision]]
Watch = Callable[[int, int], None]
DRIVERS: dict[str, Driver] = {}
MATRIX_BUILDERS: set[str] = set()  # drivers that ask for one product for every parameter


def driver(name: str, *, builds_matrix: bool = False) -> Callable[[Driver], Driver]:
    """Register a driver under the name of its optimizer type."""

    def add(function: Driver) -> Driver:
        if name in DRIVERS:
            raise ValueError(f"two drivers are called {name!r}")
        DRIVERS[name] = function
        if builds_matrix:
            MATRIX_BUILDERS.add(name)
        return function

    return add


class Counted(NamedTuple):
    """A decision, and how many losses, gradients and products it took."""

    decision: Decision
    losses: int
    slopes: int
    products: int


def decide(
    chosen: Driver, sight: Sight, answer: Callable[[Request], Any], watch: Callable[[int], None] = lambda asked: None
) -> Counted:
    """Let a driver decide, its requests answered. Where loss or gradient are not finite the step is not a number either.

    watch  hears before every answer how many were given; what it raises ends the decision, and nothing was written
    """
    if not math.isfinite(sight.loss) or not np.isfinite(sight.slope).all():
        return Counted(Decision(np.full(sight.point.shape, np.nan), 1.0), 0, 0, 0)
    counts = {Loss: 0, Slope: 0, Product: 0, GaussNewton: 0, Factors: 0}
    asking = chosen(sight)
    reply: Any = None
    while True:
        try:
            request = asking.send(reply)
        except StopIteration as end:
            slopes, products = counts[Slope] + counts[Factors], counts[Product] + counts[GaussNewton]
            return Counted(end.value, counts[Loss], slopes, products)
        watch(sum(counts.values()))
        counts[type(request)] += 1
        reply = answer(request)
