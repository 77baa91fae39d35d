"""Benchmarks are not run by the tests; this keeps them importable, their numbers checked and their table readable."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

from tests.benchmarks.nets import NETS
from tests.benchmarks.ours import Bare
from tests.benchmarks.reference import TOLERANCE, disagreement, gradients
from tests.benchmarks.tables import number, table, verdict
from tests.benchmarks.workloads import WORKLOADS, arrays_of

MODULES = (
    "__main__", "canvas", "competitors", "drawings", "edits", "floor", "kernels", "nets", "ours", "reference",
    "reference_nets", "speed", "start", "started", "tables", "tape_profile", "window", "worker", "workloads",
)  # fmt: skip


@pytest.mark.parametrize("name", MODULES)
def test_a_benchmark_can_be_imported(name):
    assert importlib.import_module(f"tests.benchmarks.{name}").__doc__


def test_the_table_is_aligned_and_marks_what_is_missed():
    rows = [("2-4-2-1", number(0.4321), verdict(15.0, 12)), ("784-128-10", number(123.4), verdict(0.9, 1.5))]
    assert table(("workload", "µs", "goal"), rows).splitlines() == [
        "workload       µs  goal",
        "──────────  ─────  ──────",
        "2-4-2-1     0.432  met",
        "784-128-10    123  missed",
    ]


def test_a_lower_number_meets_a_goal_that_is_a_limit():
    assert verdict(0.8, 1.0, at_most=True) == "met"
    assert verdict(None, 1.0) == "–"


@pytest.mark.parametrize("name", ["2-4-2-1", "64-32-10"])
def test_the_reference_gradient_agrees_with_a_central_difference(name):
    workload = WORKLOADS[name]
    arrays = arrays_of(workload)
    weight = arrays.parameters[2].astype(np.float64)
    step = 1e-5

    def loss_at(change):
        moved = weight.copy()
        moved[1, 0] += change
        return _loss(workload, arrays._replace(parameters=(*arrays.parameters[:2], moved, *arrays.parameters[3:])))

    slope = (loss_at(step) - loss_at(-step)) / (2 * step)
    assert gradients(workload, arrays)[2][1, 0] == pytest.approx(slope, rel=1e-5)


def _loss(workload, arrays):
    h, parameters = arrays.inputs.astype(np.float64), [each.astype(np.float64) for each in arrays.parameters]
    for place in range(0, len(parameters), 2):
        h = h @ parameters[place] + parameters[place + 1]
        if place < len(parameters) - 2:
            h = np.tanh(h) if workload.activation == "tanh" else np.maximum(h, 0)
    if workload.loss == "mean_squared_error":
        return np.mean((h - arrays.targets) ** 2)
    return np.mean(np.log(np.exp(h).sum(axis=1)) - h[np.arange(len(h)), arrays.targets])


@pytest.mark.parametrize("name", NETS)
def test_the_nets_that_race_have_the_gradients_of_the_reference(name):
    workload = WORKLOADS[name]
    arrays = arrays_of(workload)
    trainer = Bare(workload, arrays, 1.0)
    trainer.step(1)
    moved = [old.astype(float) - new for old, new in zip(arrays.parameters, trainer.parameters(), strict=True)]
    assert disagreement(moved, workload, arrays) < TOLERANCE


def test_a_wrong_gradient_or_a_nan_does_not_count():
    workload = WORKLOADS["2-4-2-1"]
    arrays = arrays_of(workload)
    right = gradients(workload, arrays)
    assert disagreement(right, workload, arrays) == 0
    assert disagreement([*right[:-1], 2 * right[-1]], workload, arrays) > 0.5
    assert disagreement([*right[:-1], right[-1] * np.nan], workload, arrays) == float("inf")
