"""What a snapshot says about an opened layer: a number for each weight and bias, a mean for each neuron."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from app.canvas.layer.plan import LayerPlan
from app.canvas.live import DASH
from app.canvas.readings import Words
from app.theme.numbers import number_text, spread_text


@dataclass(frozen=True, eq=False)
class Entries:
    """Numbers with what is known of them: `spread` is the deviation over the rows of a batch, None for a single row."""

    numbers: np.ndarray
    spread: np.ndarray | None = None
    is_current: bool = True

    def words(self, index: int, *, signed: bool = False, token: str = "text", digits: int = 3) -> Words:
        """One of them as text."""
        number = float(self.numbers[index])
        if not np.isfinite(number):
            return Words(number_text(number), "error")
        colour = token if self.is_current else "text3"
        if self.spread is None:
            return Words(number_text(number, signed=signed, digits=digits), colour, number)
        return Words(spread_text(number, float(self.spread[index])), colour, number)

    def same(self, other: Entries | None) -> bool:
        """Whether they look alike."""
        return (
            other is not None
            and self.is_current == other.is_current
            and np.array_equal(self.numbers, other.numbers, equal_nan=True)
            and (self.spread is None) == (other.spread is None)
            and (self.spread is None or np.array_equal(self.spread, other.spread, equal_nan=True))  # type: ignore[arg-type]
        )


@dataclass(frozen=True, eq=False)
class LayerNumbers:
    """All numbers of an opened layer; None where nothing was computed. Weights run over units first, then features."""

    weights: Entries | None = None
    weight_gradients: Entries | None = None
    biases: Entries | None = None
    bias_gradients: Entries | None = None
    values: Entries | None = None
    gradients: Entries | None = None
    features: Entries | None = None

    def words(self, part: str, index: int, **how: Any) -> Words:
        """One number as text; a dash where there is none."""
        entries = getattr(self, part)
        return DASH if entries is None else entries.words(index, **how)

    def same(self, other: LayerNumbers) -> bool:
        """Whether they look alike."""
        pairs = ((getattr(self, field.name), getattr(other, field.name)) for field in fields(self))
        return all(one is two or (one is not None and one.same(two)) for one, two in pairs)


def numbers_of(plan: LayerPlan, node_id: str, snapshot: Any, stale: bool) -> LayerNumbers:
    """Take them out of a snapshot."""
    if snapshot is None:
        return LayerNumbers()
    features, units = plan.shape
    values, gradients, parameters = snapshot.values, snapshot.gradients, snapshot.parameters

    def all_of(table: Any, key: str, count: int) -> Entries | None:
        reading = table.get(key) or (values.get(key) if table is parameters else None)
        return None if not _is_there(reading) or reading.array.size != count else Entries(
            np.ravel(reading.array), None, reading.state == "current" and not stale
        )  # fmt: skip

    def means(table: Any, key: str, count: int) -> Entries | None:
        reading = table.get(key)
        if not _is_there(reading) or not count or reading.shape[-1:] != (count,):
            return None
        rows = reading.array.reshape(-1, count)
        with np.errstate(all="ignore"):
            spread = rows.std(axis=0) if len(rows) > 1 else None
            return Entries(rows.mean(axis=0), spread, reading.state == "current" and not stale)

    return LayerNumbers(
        all_of(parameters, plan.weight, features * units), all_of(gradients, plan.weight, features * units),
        all_of(parameters, plan.bias, units), all_of(gradients, plan.bias, units),
        means(values, f"{node_id}.h", units), means(gradients, f"{node_id}.h", units),
        means(values, plan.source, features),
    )  # fmt: skip


def _is_there(reading: Any) -> bool:
    return reading is not None and reading.array is not None and reading.state != "absent" and reading.array.size > 0
