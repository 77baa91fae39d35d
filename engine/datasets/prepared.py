"""What is done to every table: labels, split, standardising, one-hot targets. Each step says so in a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from engine.datasets.draws import Draws, Floats, Indices
from engine.datasets.registry import Table, Task
from engine.problems import Problem, ProblemError

Sealed = TypeVar("Sealed", Floats, Indices, Floats | Indices)
LABEL_VALUES = {"0/1": (0.0, 1.0), "-1/+1": (-1.0, 1.0)}
LISTED_FEATURES = 16  # beyond that the sentence names the range; the exact numbers stay in the data set


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Rows to train and test on. All arrays are read-only; rows keep the order of their source.

    inputs       (rows, …features) float64; images are (rows, channels, height, width)
    targets      regression (rows, outputs) float64; binary (rows, 1) float64 labels; classes (rows,) int64 class
                 indices, or (rows, classes) float64 when one-hot
    input_names  one for each feature, in row-major order; empty beyond 4096 features
    train_rows, test_rows  row numbers in ascending order; together every row once
    preparation  sentences: where the rows come from and everything that was done to them
    input_mean, input_deviation  (…features), what was subtracted and divided by, when standardised; otherwise None
    """

    name: str
    inputs: Floats
    targets: Floats | Indices
    input_names: tuple[str, ...]
    target_names: tuple[str, ...]
    class_names: tuple[str, ...]
    task: Task
    train_rows: Indices
    test_rows: Indices
    preparation: tuple[str, ...]
    source: str
    input_mean: Floats | None = None
    input_deviation: Floats | None = None

    def standardise(self, inputs: Floats) -> Floats:
        """Inputs (rows, …features) in their own units, as training gets them; unchanged where nothing is standardised.

        Inputs of another shape come back as they are: who plays them says what shape is needed.
        """
        if self.input_mean is None or self.input_deviation is None or inputs.shape[1:] != self.input_mean.shape:
            return inputs
        with np.errstate(over="ignore", invalid="ignore"):
            return (inputs - self.input_mean) / self.input_deviation

    @property
    def measured(self) -> Floats:
        """The inputs in their own units, to rounding: what `standardise` makes the inputs from."""
        if self.input_mean is None or self.input_deviation is None:
            return self.inputs
        return self.inputs * self.input_deviation + self.input_mean


def prepare(
    name: str,
    source: str,
    table: Table,
    *,
    labels: str = "",
    one_hot: bool = False,
    standardise: bool = False,
    test_fraction: float = 0.0,
    split_seed: int = 0,
    folds: int = 0,
    fold: int = 1,
) -> Dataset:
    """The table as it goes into training. Raises `ProblemError` where an option does not fit the rows."""
    if one_hot and table.task != "classes":
        mend = "Leave “one_hot” out, or set “task” to classes."
        raise ProblemError(
            Problem(f"One-hot targets need classes, and these targets are {table.task}", mend, "one_hot", kind="option")
        )
    targets, target_names, said = _targets(table, table.labels or labels, one_hot)
    if table.test_rows:
        train_rows, test_rows, split = _as_named(table, test_fraction, folds)
    elif folds:
        train_rows, test_rows, split = _segment(table, folds, fold, test_fraction, split_seed)
    else:
        train_rows, test_rows, split = _split(table, test_fraction, split_seed)
    inputs, mean, deviation, scaled = (
        _standardised(table, train_rows) if standardise else (table.inputs, None, None, ())
    )
    return Dataset(
        name=name,
        inputs=_sealed(inputs),
        targets=_sealed(targets),
        input_names=table.input_names,
        target_names=target_names,
        class_names=table.class_names,
        task=table.task,
        train_rows=_sealed(train_rows),
        test_rows=_sealed(test_rows),
        preparation=(*table.preparation, *said, *split, *scaled),
        source=source,
        input_mean=None if mean is None else _sealed(mean),
        input_deviation=None if deviation is None else _sealed(deviation),
    )


def _sealed(array: Sealed) -> Sealed:
    array.setflags(write=False)
    return array


def _targets(table: Table, labels: str, one_hot: bool) -> tuple[Floats | Indices, tuple[str, ...], tuple[str, ...]]:
    if table.task == "binary":
        low, high = LABEL_VALUES[labels]
        sentence = f"Labels: {_legend(labels.replace('-', '−').split('/'), table.class_names)}."
        return np.where(table.targets == 1, high, low)[:, None], table.target_names, (sentence,)
    if table.task == "regression":
        return table.targets, table.target_names, ()
    legend = _legend([str(index) for index in range(len(table.class_names))], table.class_names)
    if one_hot:
        columns = np.equal(table.targets[:, None], np.arange(len(table.class_names))).astype(np.float64)
        return columns, table.class_names, (f"Targets are one-hot, one column for each class: {legend}.",)
    return table.targets, table.target_names, (f"Targets are class numbers: {legend}.",)


def _legend(numbers: list[str], class_names: tuple[str, ...]) -> str:
    """`0 means setosa, 1 means versicolor`; a name that only repeats its number is left out."""
    entries = [
        number if name.replace("-", "−") == number else f"{number} means {name}"
        for number, name in zip(numbers, class_names, strict=True)
    ]
    return ", ".join(entries[:LISTED_FEATURES]) + (", …" if len(entries) > LISTED_FEATURES else "")


def _split(table: Table, fraction: float, seed: int) -> tuple[Indices, Indices, tuple[str, ...]]:
    """Training rows, test rows, and the sentence. Classes are split one by one, so that each keeps its share."""
    rows = len(table.inputs)
    everything = np.arange(rows, dtype=np.int64)
    if fraction == 0:
        return everything, everything[:0], ()
    groups = np.zeros(rows, dtype=np.int64) if table.task == "regression" else table.targets.astype(np.int64)
    counts = np.bincount(groups)
    wanted = _test_counts(counts, fraction)
    if wanted.sum() == 0:
        mend = "Choose a larger share, more rows, or 0 for no test rows."
        fact = f"{fraction:g} of {rows} rows leaves no row to test on"
        raise ProblemError(Problem(fact, mend, path="test_fraction", kind="option"))
    is_test = np.zeros(rows, dtype=bool)
    order = Draws(seed, "split").order(rows)
    for group, count in enumerate(wanted):
        is_test[order[groups[order] == group][:count]] = True
    train, test = everything[~is_test], everything[is_test]
    sentence = f"Split with seed {seed}: {len(train)} training rows and {len(test)} test rows"
    if table.task != "regression" and len(counts) <= LISTED_FEATURES:
        shares = ", ".join(f"{n}: {c - w} + {w}" for n, c, w in zip(table.class_names, counts, wanted, strict=True))
        sentence += f", class by class ({shares})"
    return train, test, (sentence + ".",)


def _as_named(table: Table, fraction: float, folds: int) -> tuple[Indices, Indices, tuple[str, ...]]:
    """The rows that the data do not name for testing, those that they name, and the sentence."""
    rows, named = len(table.inputs), table.test_rows
    if fraction or folds:
        other = "test_fraction" if fraction else "folds"
        raise _refused("the rows are kept for testing twice", "test_rows", f"Leave out “{other}” or “test_rows”.")
    if named[-1] >= rows:
        raise _refused(f"there is no row {named[-1]} to test on", "test_rows", f"Choose rows from 0 to {rows - 1}.")
    if len(named) == rows:
        raise _refused("all rows are kept for testing", "test_rows", "Leave at least one row to learn from.")
    is_test = np.zeros(rows, dtype=bool)
    is_test[list(named)] = True
    everything = np.arange(rows, dtype=np.int64)
    train, test = everything[~is_test], everything[is_test]
    return train, test, (f"Test rows as given: {len(train)} training rows and {len(test)} test rows.",)


def _segment(
    table: Table, folds: int, fold: int, fraction: float, seed: int
) -> tuple[Indices, Indices, tuple[str, ...]]:
    """All segments but one, that one, and the sentence. Classes are dealt out one by one, so that each keeps its share."""
    rows = len(table.inputs)
    if fraction:
        raise _refused("the rows are kept for testing twice", "folds", "Leave out “test_fraction” or “folds”.")
    if not 2 <= folds <= rows:
        fact = f"{rows} rows cannot be parted into {folds} segments"
        raise _refused(fact, "folds", f"Choose 2 to {rows}, or 0 for none.")
    if fold > folds:
        raise _refused(f"there is no segment {fold} of {folds}", "fold", f"Choose 1 to {folds}.")
    groups = np.zeros(rows, dtype=np.int64) if table.task == "regression" else table.targets.astype(np.int64)
    order = Draws(seed, "split").order(rows)
    dealt = order[np.argsort(groups[order], kind="stable")]  # class after class, each in its random order
    is_test = np.zeros(rows, dtype=bool)
    is_test[dealt[fold - 1 :: folds]] = True
    everything = np.arange(rows, dtype=np.int64)
    train, test = everything[~is_test], everything[is_test]
    said = f"Segment {fold} of {folds}, dealt with seed {seed}: {len(train)} training rows and {len(test)} test rows."
    return train, test, (said,)


def _refused(fact: str, path: str, mend: str) -> ProblemError:
    return ProblemError(Problem(fact, mend, path=path, kind="option"))


def _test_counts(counts: Indices, fraction: float) -> Indices:
    """How many rows of each class are tested: whole parts first, then one more by the largest remainders.

    Every class that has rows keeps one for training.
    """
    ideal = counts * fraction
    # Rounded first: 50 · 0.02 must count as 1, not as the 0.99999… that a product of floats may give.
    whole = np.floor(np.round(ideal, 9)).astype(np.int64)
    most = np.minimum(np.ceil(np.round(ideal, 9)).astype(np.int64), np.maximum(counts - 1, 0))
    missing = int(np.floor(counts.sum() * fraction + 0.5)) - int(whole.sum())
    for group in np.argsort(-(ideal - whole), kind="stable"):
        if missing > 0 and whole[group] < most[group]:
            whole[group] += 1
            missing -= 1
    return whole


def _standardised(table: Table, train_rows: Indices) -> tuple[Floats, Floats, Floats, tuple[str, ...]]:
    """(x − mean) / deviation per feature, both over the training rows; the deviation divides by the number of rows."""
    with np.errstate(over="ignore", invalid="ignore"):
        mean = table.inputs[train_rows].mean(axis=0)
        deviation = table.inputs[train_rows].std(axis=0)
        # A feature that never changes has mean = value up to rounding; what is left must not be blown up.
        still = np.ptp(table.inputs[train_rows], axis=0) == 0
        mean = np.where(still, table.inputs[train_rows[0]], mean)
        deviation = np.where(still, 0.0, deviation)
        divisor = np.where(deviation == 0, 1.0, deviation)
        inputs = (table.inputs - mean) / divisor
    if not np.isfinite(inputs).all():
        mend = "Scale the values down, or leave “standardise” out."
        raise ProblemError(
            Problem("The inputs are too large to be standardised in float64", mend, "standardise", kind="option")
        )
    return inputs, mean, divisor, _standardising_sentences(table, mean, divisor, int(np.sum(deviation == 0)))


def _standardising_sentences(table: Table, mean: Floats, deviation: Floats, constant: int) -> tuple[str, ...]:
    means, deviations = mean.ravel(), deviation.ravel()
    head = "Standardised: each feature less its mean, divided by its deviation, both over the training rows"
    if len(means) <= LISTED_FEATURES:
        listed = zip(table.input_names, means, deviations, strict=True)
        tail = "; ".join(f"{name}: mean {m:.6g}, deviation {d:.6g}" for name, m, d in listed)
    else:
        tail = (
            f"{len(means)} features, means {means.min():.6g} to {means.max():.6g}, "
            f"deviations {deviations.min():.6g} to {deviations.max():.6g}"
        )
    if not constant:
        return (f"{head} ({tail}).",)
    which = "1 feature never changes" if constant == 1 else f"{constant} features never change"
    return (f"{head} ({tail}).", f"{which} in the training rows: centred, and divided by 1.")
