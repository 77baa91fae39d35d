"""The loss by its parameters, twice differentiated: Hessian, its products with vectors, its eigenvalues.

A product is exact and costs about two gradients: the gradient's own product with a constant vector is differentiated once
more, reverse over reverse (Pearlmutter 1994; Goodfellow, Bengio & Courville 2016, §5.4.5).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from engine.analysis.trial import MOST_ROWS, Entry, Layout, Rows, Trial
from engine.machines.cpu import CpuMachine
from engine.problems import Problem, ProblemError
from engine.values import Value

if TYPE_CHECKING:
    from engine.session import Session

Array = np.ndarray[Any, np.dtype[Any]]
MOST_DENSE = 2000  # parameters of a Hessian that is written out: 32 MB, and as many products


def _never() -> bool:
    return False


def _untold(share: float) -> None:
    pass


class Curvature:
    """The loss and its derivatives as functions of all parameters, laid end to end as one vector.

    parameters  nodes or `node.parameter`; by default all that the phase changes
    point       (size,)  the parameters as they stood when this was made; where nothing else is said, all is measured there
    Computes in float64 over at most `most_rows` rows of the data, in evaluation mode. Made in the session's thread; may then be
    used in any one thread. Raises `ProblemError` where there is no loss, no such parameter, or no second derivative.
    """

    def __init__(
        self, session: Session, *, rows: Rows = "train", parameters: Sequence[str] = (), phase: int = 0,
        most_rows: int = MOST_ROWS,
    ) -> None:  # fmt: skip
        self.iteration = session.iteration
        first, second = (Trial(session, rows, most_rows=most_rows) for _ in range(2))
        self._values, self._loss, self._slopes, _ = _differentiated(first, parameters, phase, 1)
        self._machine = first.start(self._loss, *self._slopes)
        self.layout = Layout(self._machine, dict(zip(first.parameters(parameters, phase), self._values, strict=True)))
        self.point = self.layout.read(self._machine, self._values)
        self._second = self._prepared(second, parameters, phase)

    def _prepared(self, trial: Trial, parameters: Sequence[str], phase: int) -> _Second | Problem:
        """The plan of products; where an operation has no second derivative, what to say to who asks for one."""
        try:
            values, loss, products, vector = _differentiated(trial, parameters, phase, 2)
        except ProblemError as error:
            return error.problems[0]
        return _Second(trial.start(loss, *products), values, products, vector)

    @property
    def size(self) -> int:
        """How many parameters there are."""
        return self.layout.size

    @property
    def entries(self) -> list[Entry]:
        """Which parameter stands at which place of a vector."""
        return [self.layout.entry(place) for place in range(self.size)]

    def loss(self, at: Array | None = None) -> float:
        """The loss at a point."""
        self._play(at)
        return float(self._machine.view(self._loss)[()])

    def gradient(self, at: Array | None = None) -> Array:
        """(size,)  the gradient at a point."""
        self._play(at)
        return self.layout.read(self._machine, self._slopes)

    def product(self, vector: Array, at: Array | None = None) -> Array:
        """(size,)  the Hessian at a point times a vector, exactly."""
        if isinstance(self._second, Problem):
            mend = "Take the difference of two gradients instead, with a reach."
            raise ProblemError(Problem(self._second.fact, mend, node=self._second.node, kind="derivative"))
        machine, values, products, fed = self._second
        self.layout.write(machine, values, self.point if at is None else at)
        self.layout.write(machine, fed, np.asarray(vector, np.float64))
        machine.play_once()
        return self.layout.read(machine, products)

    def product_by_difference(self, vector: Array, reach: float = 1e-6, at: Array | None = None) -> Array:
        """(size,)  (∇L(w + δv) − ∇L(w)) / δ: what the text does instead (Aggarwal 2023, eq. 4.17)."""
        centre = self.point if at is None else at
        change = self.gradient(centre + reach * np.asarray(vector, np.float64)) - self.gradient(centre)
        return np.asarray(change / reach)

    def hessian(
        self, at: Array | None = None, *, cancelled: Callable[[], bool] = _never,
        progress: Callable[[float], None] = _untold,
    ) -> Array:  # fmt: skip
        """(size, size)  the Hessian written out, symmetric; a product for each column. Of at most 2,000 parameters.

        Columns that are missing where it was cancelled are NaN.
        """
        if self.size > MOST_DENSE:
            fact = f"a Hessian of {self.size:,} parameters has {self.size**2:,} entries"
            mend = f"Choose nodes with at most {MOST_DENSE:,} parameters, or ask for its largest eigenvalues."
            raise ProblemError(Problem(fact, mend, kind="size"))
        found = np.full((self.size, self.size), np.nan)
        unit = np.zeros(self.size)
        for place in range(self.size):
            if cancelled():
                return found
            unit[place] = 1
            found[:, place] = self.product(unit, at)
            unit[place] = 0
            progress((place + 1) / self.size)
        return np.asarray((found + found.T) / 2)  # the two differ by rounding alone

    def _play(self, at: Array | None) -> None:
        self.layout.write(self._machine, self._values, self.point if at is None else at)
        self._machine.play_once()


class _Second(NamedTuple):
    machine: CpuMachine
    values: list[Value]
    products: list[Value]
    vector: list[Value]


def _differentiated(
    trial: Trial, names: Sequence[str], phase: int, order: int
) -> tuple[list[Value], Value, list[Value], list[Value]]:
    """Parameters, loss, its slopes; of the second order the slopes' slopes along a vector, and that vector."""
    loss, values = trial.objective(phase), list(trial.parameters(names, phase).values())
    slopes = trial.slopes(loss, values)
    if order == 1:
        return values, loss, slopes, []
    vector = [trial.fed(f"vector{place}", value) for place, value in enumerate(values)]
    addends = [trial.weighted(slope, direction) for slope, direction in zip(slopes, vector, strict=True)]
    along = addends[0] if len(addends) == 1 else trial.program.build.emit("total", *addends)
    return values, loss, trial.slopes(along, values), vector


# eigenvalues ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Spectrum:
    """Eigenvalues of a Hessian, the largest first.

    values    (k,)        eigenvalues; where not all were asked for, those at both ends
    vectors   (size, k)   their directions, of length 1, a column each
    errors    (k,)        ‖Hv − λv‖: an eigenvalue of the Hessian lies no further from each of these than that
    size      of the Hessian; `complete` where all of its eigenvalues are here
    """

    values: Array
    vectors: Array
    errors: Array
    size: int

    @property
    def complete(self) -> bool:
        """Whether these are all."""
        return len(self.values) == self.size

    @property
    def condition_number(self) -> float:
        """Largest over smallest magnitude; infinite where one is 0. NaN where the small ones are not known.

        Of a Hessian without negative eigenvalues the ends suffice; of any other the smallest magnitude lies between them.
        """
        largest, smallest = float(self.values[0]), float(self.values[-1])
        if smallest < 0 and not self.complete:
            return float("nan")
        sizes = np.abs(self.values)
        least = float(sizes.min())
        # What is lost in rounding against the largest is 0.
        return float(sizes.max() / least) if least > self.size * np.finfo(float).eps * abs(largest) else float("inf")

    @property
    def negative(self) -> int:
        """How many of these are below 0, beyond rounding: directions in which the loss bends down."""
        rounding = self.size * np.finfo(float).eps * float(np.abs(self.values).max())
        return int((self.values < -rounding).sum())


def full_spectrum(hessian: Array) -> Spectrum:
    """All eigenvalues of a symmetric matrix. Raises `ProblemError` where it holds a number that is not finite."""
    if not np.isfinite(hessian).all():
        raise ProblemError(Problem("the Hessian is not finite", "Go back to where the loss is.", kind="finite"))
    values, vectors = np.linalg.eigh(hessian)
    values, vectors = values[::-1], vectors[:, ::-1]
    return Spectrum(values, vectors, np.linalg.norm(hessian @ vectors - vectors * values, axis=0), len(values))


def spectrum(
    curvature: Curvature, ends: int = 0, *, tolerance: float = 1e-6, seed: int = 0,
    cancelled: Callable[[], bool] = _never, progress: Callable[[float], None] = _untold,
) -> Spectrum:  # fmt: skip
    """Eigenvalues of the Hessian: all of them, or with `ends` that many of the largest and of the smallest, by Lanczos.

    tolerance  of an end's error, relative to the largest magnitude
    Raises `ProblemError` where all are asked for and there are more than 2,000 parameters.
    """
    if ends <= 0 or 2 * ends >= curvature.size:
        return full_spectrum(curvature.hessian(cancelled=cancelled, progress=progress))
    return lanczos(curvature.product, curvature.size, ends, tolerance, seed, cancelled, progress)


def lanczos(
    product: Callable[[Array], Array], size: int, ends: int = 1, tolerance: float = 1e-6, seed: int = 0,
    cancelled: Callable[[], bool] = _never, progress: Callable[[float], None] = _untold,
) -> Spectrum:  # fmt: skip
    """The `ends` largest and smallest eigenvalues of a symmetric matrix of which only products are known.

    Every new direction is made perpendicular to all before it, twice, so that none comes again (Golub & Van Loan 2013,
    §10.3). Stops when both ends are within tolerance, when the directions are used up, or when it is cancelled.
    """
    draw = np.random.default_rng(seed)
    basis = np.empty((size, 0))
    image = np.empty((size, 0))
    while basis.shape[1] < size and not cancelled():
        basis = np.column_stack([basis, _next_direction(basis, image, draw)])
        image = np.column_stack([image, product(basis[:, -1])])
        count = basis.shape[1]
        progress(count / size)
        if count < 2 * ends or (count % 5 and count < size):
            continue
        found = _ritz(basis, image, ends)
        if found.errors.max() <= tolerance * np.abs(found.values).max():
            return found
    if basis.shape[1] == 0:
        return Spectrum(np.empty(0), np.empty((size, 0)), np.empty(0), size)
    return _ritz(basis, image, ends)


def _next_direction(basis: Array, image: Array, draw: np.random.Generator) -> Array:
    """What the last product adds to the directions; where that is nothing, another random one."""
    size, count = basis.shape
    rest = image[:, -1] if count else draw.normal(size=size)
    scale = np.linalg.norm(rest)
    while True:
        for _ in range(2):
            rest = rest - basis @ (basis.T @ rest)
        length = float(np.linalg.norm(rest))
        if length > 1e-10 * max(float(scale), 1e-300):
            return np.asarray(rest / length)
        rest = draw.normal(size=size)
        scale = np.linalg.norm(rest)


def _ritz(basis: Array, image: Array, ends: int) -> Spectrum:
    """The eigenvalues of the matrix within the directions that are known, and what they miss."""
    within = basis.T @ image
    values, inner = np.linalg.eigh((within + within.T) / 2)
    count = len(values)
    chosen = np.unique([*range(min(ends, count)), *range(max(0, count - ends), count)])[::-1]
    values, inner = values[chosen], inner[:, chosen]
    vectors = basis @ inner
    return Spectrum(values, vectors, np.linalg.norm(image @ inner - vectors * values, axis=0), basis.shape[0])
