"""What a session measures beside the run: predictions, and loss and metrics over all rows of a part of the data."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from engine.datasets import Dataset
from engine.history import History
from engine.looking import Looking
from engine.problems import Problem, ProblemError
from engine.sideplan import SidePlan
from engine.snapshot import Array

if TYPE_CHECKING:
    from engine.document import Document


class Measuring(Looking):
    """Plans of their own, played with the parameters as they are now; they never touch the live arena."""

    dtype: str
    history: History
    metrics: dict[str, float]
    _planned: Document
    _dataset: Dataset | None
    _side: SidePlan | None
    _evaluated: float

    @property
    def dataset(self) -> Dataset | None:
        """The data that is learned from; None where the document has none."""
        return self._dataset

    @property
    def side(self) -> SidePlan:
        """Plans of their own for prediction and evaluation; they never touch the live arena."""
        if self._side is None:
            self._side = SidePlan(self._planned, self._dataset, self.dtype)
        return self._side

    def predict(self, inputs: Any) -> Array:
        """The prediction for some inputs, (rows, …features), by the parameters as they are now.

        Inputs are in the units of the data, as they were measured: where training standardises the data, they are
        standardised here by the same means and deviations. Raises `ProblemError` where nothing predicts, or the inputs are
        no numbers of that shape.
        """
        try:
            rows = np.asarray(inputs, np.float64)
        except (TypeError, ValueError):
            fact = "inputs are numbers, (rows, features), and these cannot be read as such"
            raise ProblemError(Problem(fact, "Give every row as many numbers.", kind="shape")) from None
        if self._dataset is not None:
            rows = self._dataset.standardise(rows)
        return self.side.predict(rows.astype(self.dtype), self._lasting())

    def evaluate(self, part: Literal["train", "test"] = "test") -> dict[str, float]:
        """Loss and metrics over all rows of a part of the data; empty where there are none."""
        return self.side.evaluate(part, self._lasting())

    def measure(self) -> dict[str, float]:
        """Evaluate both parts and write them into the history: `loss.training`, `accuracy.test` and so on."""
        self._evaluated = time.perf_counter()
        if self._dataset is None:
            return {}
        for part, name in (("train", "training"), ("test", "test")):
            for metric, number in self.evaluate(part).items():  # type: ignore[arg-type]
                self.metrics[f"{metric}.{name}"] = number
                self.history.add(f"{metric}.{name}", self.playback.iteration, number)
        return dict(self.metrics)
