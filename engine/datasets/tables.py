"""The measured sets that travel with the program, read from `resources/data`: plain CSV, one class number per row."""

from __future__ import annotations

import io
import json
from functools import cache
from importlib import resources

import numpy as np

from engine.datasets.draws import Floats, Indices
from engine.datasets.options import Choice, Names
from engine.datasets.registry import Table, dataset
from engine.problems import Problem, ProblemError, did_you_mean

UCI = "UCI Machine Learning Repository"
FEATURES = Names(help="Only these features, in this order; all of them where empty.")


def _text(file: str) -> str:
    try:
        return resources.files("resources").joinpath("data", file).read_text(encoding="utf-8")
    except (OSError, ModuleNotFoundError) as error:
        mend = "Install the program again: its data files are incomplete."
        raise ProblemError(
            Problem(f"The shipped file “{file}” cannot be read", mend, path="name", kind="file")
        ) from error


def _shipped(name: str) -> tuple[Floats, Indices, tuple[str, ...], tuple[str, ...]]:
    """Inputs, class numbers, names of the features, names of the classes."""
    names, rows = _rows(name)
    class_names: list[str] = json.loads(_text("classes.json"))[name]
    return rows[:, :-1].copy(), rows[:, -1].astype(np.int64), names[:-1], tuple(class_names)


@cache
def _rows(name: str) -> tuple[tuple[str, ...], Floats]:
    """Head and numbers of a shipped file, read once; whoever gets them copies what they change."""
    head, _, body = _text(f"{name}.csv").partition("\n")
    return tuple(head.split(",")), np.loadtxt(io.StringIO(body), delimiter=",", dtype=np.float64)


def _measured(name: str, task: str, features: tuple[str, ...]) -> Table:
    inputs, classes, names, class_names = _shipped(name)
    said = [f"{len(inputs)} rows of {len(names)} measurements, as published."]
    if features:
        inputs = np.ascontiguousarray(inputs[:, _columns(features, names)])
        said.append(f"{len(features)} of the {len(names)} features were kept: {', '.join(features)}.")
    return Table(
        inputs=inputs,
        targets=classes,
        input_names=features or names,
        target_names=("class",) if task == "classes" else ("label",),
        task="classes" if task == "classes" else "binary",
        class_names=class_names,
        preparation=tuple(said),
    )


def _columns(features: tuple[str, ...], names: tuple[str, ...]) -> list[int]:
    problems = [
        Problem(
            f"There is no feature “{feature}”",
            did_you_mean(feature, names) or f"There are {', '.join(names)}.",
            path=f"features[{index}]",
            kind="unknown",
        )
        for index, feature in enumerate(features)
        if feature not in names
    ]
    if problems:
        raise ProblemError(*problems)
    return [names.index(feature) for feature in features]


@dataset(
    "iris",
    title="Iris",
    help="150 flowers of three species by length and width of sepal and petal.",
    task="classes",
    source=f"Fisher 1936; {UCI}, doi:10.24432/C56C76, CC BY 4.0, in the version of scikit-learn",
    options={"features": FEATURES},
)
def iris(features: tuple[str, ...]) -> Table:
    """(150, 4) centimetres, classes 0 setosa, 1 versicolor, 2 virginica, 50 each."""
    return _measured("iris", "classes", features)


@dataset(
    "wine",
    title="Wine",
    help="178 wines of three cultivars by 13 chemical measurements of very different size.",
    task="classes",
    source=f"Forina et al. 1988; {UCI}, doi:10.24432/C5PC7J, CC BY 4.0",
    options={"features": FEATURES},
)
def wine(features: tuple[str, ...]) -> Table:
    """(178, 13), classes 0, 1, 2 with 59, 71 and 48 rows."""
    return _measured("wine", "classes", features)


@dataset(
    "breast_cancer",
    title="Breast cancer, Wisconsin",
    help="569 tumours, malignant or benign, by 30 measurements of their cell nuclei.",
    task="binary",
    source=f"Street, Wolberg & Mangasarian 1993; {UCI}, doi:10.24432/C5DW2B, CC BY 4.0",
    options={"features": FEATURES},
)
def breast_cancer(features: tuple[str, ...]) -> Table:
    """(569, 30), class 0 malignant (212 rows), class 1 benign (357 rows)."""
    return _measured("breast_cancer", "binary", features)


@dataset(
    "digits",
    title="Handwritten digits",
    help="1797 digits of 8×8 pixels, ten classes.",
    task="classes",
    matter="pictures",
    source=f"Alpaydin & Kaynak 1998; {UCI}, doi:10.24432/C50P49, CC BY 4.0: the test part, as in scikit-learn",
    options={
        "scale": Choice("16", ("16", "1"), help="Pixel values 0 to 16 as published, or divided by 16."),
        "shape": Choice(
            "flat", ("flat", "image"), help="64 features in a row, or images of one channel, 8 high, 8 wide."
        ),
    },
)
def digits(scale: str, shape: str) -> Table:
    """(1797, 64), or (1797, 1, 8, 8): ink 0 … 16 in each of 4×4 cells; class = digit."""
    inputs, classes, names, class_names = _shipped("digits")
    said = ["1797 images as published: pixel values are whole numbers from 0 to 16."]
    if scale == "1":
        inputs = inputs / 16
        said.append("Pixel values were divided by 16 and run from 0 to 1.")
    if shape == "image":
        inputs = inputs.reshape(-1, 1, 8, 8)
    return Table(inputs, classes, names, ("class",), "classes", class_names, preparation=tuple(said))
