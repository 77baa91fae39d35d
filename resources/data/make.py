"""Write the measured data sets as CSV, from the copies inside scikit-learn (extra `dev`).

Run from the root of the checkout: `python resources/data/make.py`. The same scikit-learn data give the same bytes.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from sklearn import datasets  # type: ignore[import-untyped]

NAMES = ("iris", "wine", "breast_cancer", "digits")


def number(value: float) -> str:
    """The shortest text that is read back as the same float64; whole numbers without a point."""
    return str(int(value)) if value == int(value) else repr(float(value))


def table(name: str) -> tuple[str, list[str]]:
    """The CSV text of one set (heading, features, class number), and the names of its classes."""
    bunch = getattr(datasets, f"load_{name}")()
    heading = ",".join([*map(str, bunch.feature_names), "class"])
    rows = np.column_stack([bunch.data, bunch.target])
    lines = [heading, *(",".join(number(value) for value in row) for row in rows)]
    return "\n".join(lines) + "\n", [str(label) for label in bunch.target_names]


def write(folder: Path) -> None:
    """All files into `folder`."""
    classes = {}
    for name in NAMES:
        text, classes[name] = table(name)
        (folder / f"{name}.csv").write_text(text, encoding="utf-8", newline="\n")
    (folder / "classes.json").write_text(json.dumps(classes, indent=1) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder to write to")
    write(parser.parse_args().out)
