"""What a data set is before it is prepared, and the register that every family enters on import."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from engine.datasets.draws import Floats, Indices
from engine.datasets.options import Choice, Flag, Property, Real, Whole
from engine.problems import Problem, ProblemError, did_you_mean

Task = Literal["regression", "binary", "classes"]
Matter = Literal["numbers", "pictures", "text"]

SEED = Whole(0, low=0, high=2**31 - 1, help="Another seed draws other points of the same kind.")
LARGEST_SAMPLE = 1_000_000
LABELS = ("0/1", "-1/+1")


def sample_count(default: int, low: int = 2) -> Whole:
    """The option `samples`: how many points are made."""
    return Whole(default, low=low, high=LARGEST_SAMPLE, unit="points", help="How many points are drawn.")


def noise_deviation(default: float, what: str) -> Real:
    """The option `noise`: the deviation of normal noise added to `what`."""
    return Real(default, low=0, high=10, help=f"Deviation of the normal noise added to {what}.")


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """What one family makes of its own options: rows before labels, split, standardising and one-hot targets.

    inputs       (rows, …features)
    targets      regression: (rows, outputs) numbers; binary and classes: (rows,) class indices
    labels       the two labels, where the data themselves say them (values typed by hand), else empty
    test_rows    the rows to test on, in ascending order, where the data themselves say them, else empty
    preparation  sentences that say where the rows come from and what was done to them
    """

    inputs: Floats
    targets: Floats | Indices
    input_names: tuple[str, ...]
    target_names: tuple[str, ...]
    task: Task
    class_names: tuple[str, ...] = ()
    labels: str = ""
    preparation: tuple[str, ...] = ()
    test_rows: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class DatasetType:
    """A data set that can be asked for by name.

    title    what the inspector calls it; help: one line for the palette; source: where it is from
    task     what its targets are; `any` where the data decide
    own      the options of this set alone; `options` has those that all sets of its task share behind them
    make     the family's function: own options in, table out
    reads_files  whether `make` is handed the folder of the document as `folder`
    matter   what a row is to a reader: the numbers themselves, a picture, a piece of text
    """

    name: str
    title: str
    help: str
    task: Task | Literal["any"]
    source: str
    own: Mapping[str, Property]
    options: Mapping[str, Property]
    make: Callable[..., Table]
    reads_files: bool = False
    matter: Matter = "numbers"


_types: dict[str, DatasetType] = {}


def dataset(
    name: str,
    *,
    title: str,
    help: str,
    task: Task | Literal["any"],
    source: str,
    options: Mapping[str, Property] | None = None,
    labels: str = "0/1",
    reads_files: bool = False,
    matter: Matter = "numbers",
) -> Callable[[Callable[..., Table]], Callable[..., Table]]:
    """Register a family's function as the data set `name`; `labels` is the default of binary sets.

    A name that is taken is a mistake of the programmer and raises `ValueError`.
    """

    def register(make: Callable[..., Table]) -> Callable[..., Table]:
        if name in _types:
            raise ValueError(f"two data sets are called {name!r}")
        own = dict(options or {})
        every = own | _shared_options(task, labels)
        for key, option in every.items():
            if option.name not in ("", key):
                raise ValueError(f"one option is called {option.name!r} and {key!r}")
            option.name = key
        _types[name] = DatasetType(name, title, help, task, source, own, every, make, reads_files, matter)
        return make

    return register


def _shared_options(task: str, labels: str) -> dict[str, Property]:
    shared: dict[str, Property] = {}
    if task == "binary":
        shared["labels"] = Choice(labels, LABELS, help="The numbers that stand for the two classes.")
    if task in ("classes", "any"):
        shared["one_hot"] = Flag(False, help="Targets as one column per class, instead of the number of the class.")
    shared["standardise"] = Flag(
        False, help="Subtract each feature's mean and divide by its deviation over training rows."
    )
    shared["test_fraction"] = Real(
        0.0, low=0, high=0.99, help="Share of the rows kept for testing, drawn class by class."
    )
    shared["split_seed"] = Whole(0, low=0, high=2**31 - 1, help="Another seed keeps other rows for testing.")
    shared["folds"] = Whole(
        0, low=0, high=10**6, unit="segments",
        help="Cross-validation: into how many segments the rows are parted, one of which is tested on. As many as rows: "
        "leave one out. 0: none.",
    )  # fmt: skip
    shared["fold"] = Whole(1, low=1, high=10**6, help="Which segment is tested on, counted from 1.")
    return shared


def names() -> list[str]:
    """The names of all data sets, in alphabetical order."""
    return sorted(_types)


def describe(name: str) -> DatasetType:
    """The data set of that name, with its options. Raises `ProblemError` for an unknown one."""
    if name not in _types:
        word = name[:80]
        mend = did_you_mean(word, _types) or f"Known are {', '.join(names())}."
        raise ProblemError(Problem(f"No data set is called “{word}”", mend, kind="unknown"))
    return _types[name]
