"""Features made comparable before they are learned from, by what the training rows say of them."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from engine.nodes.base import Choice, NodeType, Port, Real, node_type
from engine.problems import Problem, ProblemError, shape_mismatch
from engine.program import Builder
from engine.values import Value, shape_text

Array = np.ndarray[Any, np.dtype[Any]]
FORMS = ("standardise", "centre", "min_max", "non_negative", "whiten")


@node_type
class FeatureScaling(NodeType):
    """Shifts and scales features by what the training rows say of them; whitening turns them as well."""

    name, category, icon, title = "feature_scaling", "Normalisation", "scale", "feature scaling"
    formula = r"y = \frac{x - \mu}{\sigma}"
    source = "Aggarwal 2023, §2.7.2, eqs 2.36 to 2.38"
    inputs: ClassVar[tuple[Port, ...]] = (
        Port("x", "(batch, features)", symbol="x", help="An input with all its features, straight from the data."),
    )
    outputs: ClassVar[tuple[Port, ...]] = (Port("y", "(batch, features)", symbol="y"),)
    form = Choice(
        "standardise", FORMS,
        help="Mean 0 and deviation 1; mean 0; least 0 and greatest 1; least 0 where it was negative; or turned to axes "
        "that vary alone, each with variance 1.",
    )  # fmt: skip
    floor = Real(
        1e-5, low=0.0, high=1.0, symbol=r"\varepsilon", is_slot=False,
        help="A variance (or a range) smaller than this is taken for this: what never changes stays small.",
    )  # fmt: skip

    def lower(self, build: Builder, **values: Any) -> Value:
        x: Value = values["x"]
        rows = None if build.examples is None else build.examples()
        if rows is None:
            raise ProblemError(Problem("there are no training rows to measure", "Choose a data set.", kind="data"))
        if x.rank != 2 or x.kind != "real" or rows.ndim != 2 or x.shape[1:] != rows.shape[1:]:
            fact = f"{shape_text(x.shape)} comes in, and the data has rows of shape {shape_text(rows.shape[1:])}"
            raise shape_mismatch(fact, "Wire it to an input that shows all features.", port="x")
        rows = np.asarray(rows, np.float64)
        shift, scale = self._measured(rows)
        y = x - self._constant(build, "shift", shift)
        if self.form == "whiten":
            return y @ self._constant(build, "turn", whitened(rows, self.floor))
        return y * self._constant(build, "scale", scale) if scale.any() else y

    @staticmethod
    def _constant(build: Builder, name: str, table: Array) -> Value:
        return build.source("constant", f"{build.origin.node}.{name}", table.shape, table)

    def _measured(self, rows: Array) -> tuple[Array, Array]:
        """What is taken off each feature, and what the rest is multiplied by (zeros: nothing)."""
        least, greatest = rows.min(axis=0), rows.max(axis=0)
        if self.form == "non_negative":
            return np.minimum(least, 0.0), np.zeros_like(least)
        if self.form == "min_max":
            return least, 1.0 / np.maximum(greatest - least, self.floor or 1e-300)
        if self.form == "standardise":
            return rows.mean(axis=0), 1.0 / np.sqrt(np.maximum(rows.var(axis=0), self.floor or 1e-300))
        return rows.mean(axis=0), np.zeros_like(least)


def whitened(rows: Array, floor: float) -> Array:
    """A turn to the principal axes of the rows, each divided by its deviation; the axis that varies most comes first."""
    apart = rows - rows.mean(axis=0)
    variances, axes = np.linalg.eigh(apart.T @ apart / len(rows))
    order = np.argsort(-variances, kind="stable")
    axes = axes[:, order]
    axes = axes * np.where(axes[-1] < 0, -1.0, 1.0)  # either way round is an axis: the one whose last entry is positive
    return np.asarray(axes / np.sqrt(np.maximum(variances[order], floor or 1e-300)))
