"""Bias and variance: the same network trained on many samples of the data, and how its answers scatter.

Aggarwal 2023, §5.2: the expected square of the error is bias² + variance + noise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.initialisers import stream
from engine.problems import Problem, ProblemError
from engine.schema_data import read_data
from engine.session import Session

if TYPE_CHECKING:
    from engine.datasets import Dataset
    from engine.document import Document

Array = np.ndarray[Any, np.dtype[Any]]
Sample = Callable[[int], tuple[Array, Array]]


@dataclass(frozen=True)
class BiasVariance:
    """What many trained networks answer at the same points.

    inputs       (points, …)
    truth        (points, outputs)  what they should answer, without noise where that is known
    predictions  (runs, points, outputs)
    noise        mean square of what cannot be predicted, where it is known; 0 otherwise
    complete     False where it was cancelled: there are fewer runs
    """

    inputs: Array
    truth: Array
    predictions: Array
    noise: float = 0.0
    complete: bool = True

    @property
    def mean_prediction(self) -> Array:
        """(points, outputs)  E[g]"""
        return np.asarray(self.predictions.mean(axis=0))

    @property
    def bias_by_point(self) -> Array:
        """(points, outputs)  (f − E[g])²"""
        return np.asarray((self.truth - self.mean_prediction) ** 2)

    @property
    def variance_by_point(self) -> Array:
        """(points, outputs)  E[(g − E[g])²], over the runs there are"""
        return np.asarray(self.predictions.var(axis=0))

    @property
    def squared_bias(self) -> float:
        """Mean over the points. Where the truth holds noise, so does this."""
        return float(self.bias_by_point.mean())

    @property
    def variance(self) -> float:
        """Mean over the points."""
        return float(self.variance_by_point.mean())

    @property
    def error(self) -> float:
        """bias² + variance + noise: the mean squared error to be expected."""
        return self.squared_bias + self.variance + self.noise


def bias_variance(
    document: Document, *, runs: int = 20, epochs: int = 100, sample: Sample | None = None, inputs: Any = None,
    truth: Any = None, noise: float = 0.0, same_start: bool = False, cancelled: Callable[[], bool] = lambda: False,
    progress: Callable[[float], None] = lambda share: None,
) -> BiasVariance:  # fmt: skip
    """Train a document `runs` times for some epochs, on another sample and from another start each time.

    sample      given the number of a run, the inputs and targets to learn from; by default the training rows drawn with
                replacement (bootstrap), as many as there are
    inputs      (points, …) and `truth` (points, outputs): where answers are compared, and with what; by default the test
                rows, or where there are none the training rows
    noise       mean square of the targets' noise, where it is known, to be added to the error
    same_start  every run begins with the document's own seed: only the samples differ
    The document stays as it is. Raises `ProblemError` without data, for classes (their error is no square), where nothing
    predicts, and where training stops being finite.
    """
    dataset = _dataset(document)
    points, wanted = _points(dataset, inputs, truth)
    draw = sample or _bootstrap(document, dataset)
    predictions: list[Array] = []
    for run in range(runs):
        if cancelled():
            break
        predictions.append(_trained(document, run, draw(run), epochs, same_start).predict(points).astype(np.float64))
        if predictions[-1].shape != wanted.shape:
            fact = f"the network answers in the shape {predictions[-1].shape}, and the truth has {wanted.shape}"
            raise ProblemError(Problem(fact, "Give a row of the truth for each point.", kind="shape"))
        progress((run + 1) / runs)
    found = np.array(predictions).reshape(len(predictions), *wanted.shape)
    return BiasVariance(points, wanted, found, noise, len(predictions) == runs)


def _dataset(document: Document) -> Dataset:
    dataset, problems = document.load_data()
    if dataset is None:
        raise ProblemError(*(problems or [Problem("there is no data", "Choose a data set.", kind="data")]))
    if dataset.task == "classes":
        fact = "bias and variance are of squares, and this data has classes"
        raise ProblemError(Problem(fact, "Choose data whose targets are numbers.", kind="data"))
    return dataset


def _points(dataset: Dataset, inputs: Any, truth: Any) -> tuple[Array, Array]:
    rows = dataset.test_rows if len(dataset.test_rows) else dataset.train_rows
    if inputs is None:
        return dataset.inputs[rows], dataset.targets[rows].astype(np.float64) if truth is None else np.asarray(truth)
    if truth is None:
        raise ProblemError(Problem("these inputs need the truth beside them", "Give both, or none.", kind="data"))
    return np.asarray(inputs, np.float64), np.asarray(truth, np.float64)


def _bootstrap(document: Document, dataset: Dataset) -> Sample:
    def sample(run: int) -> tuple[Array, Array]:
        rows = dataset.train_rows
        drawn = rows[stream(document.training.seed, f"bootstrap.{run}").integers(0, len(rows), len(rows))]
        return dataset.inputs[drawn], dataset.targets[drawn]

    return sample


def _trained(document: Document, run: int, sample: tuple[Array, Array], epochs: int, same_start: bool) -> Session:
    twin = document.copy()
    twin.data = read_data({"inputs": sample[0], "targets": sample[1], "task": "regression"})
    seed = document.training.seed
    twin.training = replace(document.training, seed=seed if same_start else (seed + run) % 2**31)
    session = Session(twin)
    session.run(epochs * session.lowered.iterations)
    if session.problem is not None and session.problem.severity == "error":
        raise ProblemError(session.problem)
    return session
