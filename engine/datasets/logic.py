"""Sets so small that every row can be followed by hand: truth tables and the textbook's few points."""

from __future__ import annotations

import numpy as np

from engine.datasets.options import Choice
from engine.datasets.registry import LABELS, Table, dataset

TEXTBOOK = "Aggarwal, Neural Networks and Deep Learning, 2nd ed. 2023"
TRUTH = ("false", "true")
TWO_INPUTS = ("x1", "x2")
COUNTING = ((0, 0), (0, 1), (1, 0), (1, 1))

ENCODING = Choice("0/1", LABELS, help="The numbers that stand for false and true in the inputs.")


def _table(rows: object, classes: object, class_names: tuple[str, str], sentence: str) -> Table:
    return Table(
        inputs=np.array(rows, dtype=np.float64),
        targets=np.array(classes, dtype=np.int64),
        input_names=TWO_INPUTS,
        target_names=("label",),
        task="binary",
        class_names=class_names,
        preparation=(sentence,),
    )


def _encoded(rows: object, encoding: str) -> object:
    bits = np.array(rows)
    return bits if encoding == "0/1" else 2 * bits - 1


def _truth_table(classes: tuple[int, ...], encoding: str) -> Table:
    sentence = f"The four rows of the truth table in counting order, inputs written as {encoding.replace('-', '−')}."
    return _table(_encoded(COUNTING, encoding), classes, TRUTH, sentence)


@dataset(
    "and",
    title="AND",
    help="True where both inputs are; one line separates it.",
    task="binary",
    source="Truth table of conjunction",
    options={"inputs": ENCODING},
)
def logical_and(inputs: str) -> Table:
    """x1 ∧ x2 in the order 00, 01, 10, 11."""
    return _truth_table((0, 0, 0, 1), inputs)


@dataset(
    "or",
    title="OR",
    help="True where at least one input is; one line separates it.",
    task="binary",
    source="Truth table of disjunction",
    options={"inputs": ENCODING},
)
def logical_or(inputs: str) -> Table:
    """x1 ∨ x2 in the order 00, 01, 10, 11."""
    return _truth_table((0, 1, 1, 1), inputs)


@dataset(
    "xor",
    title="XOR",
    help="True where the inputs differ; no single line separates it.",
    task="binary",
    source=f"{TEXTBOOK}, §1.5.1 and exercises 1.1, 1.4",
    options={
        "inputs": ENCODING,
        "order": Choice("counting", ("counting", "equal first"), help="00 01 10 11, or the textbook's 00 11 10 01."),
        "positive": Choice(
            "different", ("different", "equal"), help="Which rows are the class 1; exercise 1.4 takes the equal ones."
        ),
    },
)
def exclusive_or(inputs: str, order: str, positive: str) -> Table:
    """x1 ⊕ x2, or its negation; “equal first” lists (0,0), (1,1), (1,0), (0,1) as the textbook does."""
    rows = COUNTING if order == "counting" else ((0, 0), (1, 1), (1, 0), (0, 1))
    classes = [int((a != b) == (positive == "different")) for a, b in rows]
    placed = "in counting order" if order == "counting" else "with the equal inputs first"
    sentence = f"The four rows of the truth table {placed}, inputs written as {inputs.replace('-', '−')}."
    class_names = ("equal", "different") if positive == "different" else ("different", "equal")
    return _table(_encoded(rows, inputs), classes, class_names, sentence)


@dataset(
    "three_points",
    title="Three points on a line",
    help="The outer two against the one between them: two ReLU features make them separable.",
    task="binary",
    source=f"{TEXTBOOK}, §1.5.1, figure 1.10",
)
def three_points() -> Table:
    """Class *: (1, 1) and (−1, 1), label 1; class +: (0, 1), label 0.

    The hidden features max{x1, 0} and max{−x1, 0} add up to |x1|, which is the label.
    """
    return _table(((1, 1), (-1, 1), (0, 1)), (1, 1, 0), ("+", "*"), "The three points of the figure, in its order.")


@dataset(
    "two_points",
    title="Two points for the perceptron by hand",
    help="Small enough to follow each update of the perceptron on paper.",
    task="binary",
    source="Worked for this program after Aggarwal 2023, eqs 1.1 to 1.3",
    labels="-1/+1",
)
def two_points() -> Table:
    """(1, 3) with label +1 and (2, 1) with label −1: the weights (1, −1) are wrong about both."""
    return _table(((1, 3), (2, 1)), (1, 0), ("negative", "positive"), "Two points, in this order.")
