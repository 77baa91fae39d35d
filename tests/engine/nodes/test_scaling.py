"""Features made comparable, against NumPy and the source text's numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engine.document import Document
from engine.graph import Graph
from engine.session import Session
from engine.sideplan import SidePlan

TABLE = np.random.default_rng(6).normal(size=(30, 3)) @ np.array([[2.0, 0.5, 0], [0, 1, 0.3], [0, 0, 0.1]]) + [1, -5, 3]


def document(rows: np.ndarray, **properties: Any) -> Document:
    graph = Graph()
    x, node = graph.add("input"), graph.add("feature_scaling", id="node", **properties)
    graph.connect(x, node)
    data = {"inputs": np.asarray(rows).tolist(), "targets": [[0.0]] * len(rows)}
    return Document(graph, data, precision="float64", training={"order": "sequential"})


def scaled(rows: np.ndarray, **properties: Any) -> np.ndarray:
    made = document(rows, **properties)
    assert made.check() == []
    session = Session(made)
    session.step("iteration")
    found = session.value("node")
    assert found is not None
    return found


@pytest.mark.text("01:whitening")
def test_numbers_01_whitening():
    found = scaled(np.array([[2, 2], [-2, -2], [1, -1], [-1, 1]]), form="whiten")
    root = np.sqrt(2)
    np.testing.assert_allclose(found, [(root, 0), (-root, 0), (0, -root), (0, root)], atol=1e-12)


def test_every_form_does_what_it_says():
    np.testing.assert_allclose(scaled(TABLE), (TABLE - TABLE.mean(0)) / TABLE.std(0), rtol=1e-9)
    np.testing.assert_allclose(scaled(TABLE, form="centre"), TABLE - TABLE.mean(0), rtol=1e-9)
    found = scaled(TABLE, form="min_max")
    np.testing.assert_allclose([found.min(0), found.max(0)], [[0] * 3, [1] * 3], atol=1e-12)
    np.testing.assert_allclose(scaled(TABLE, form="non_negative"), TABLE - np.minimum(TABLE.min(0), 0), rtol=1e-9)
    whitened = scaled(TABLE, form="whiten")
    np.testing.assert_allclose(whitened.T @ whitened / 30, np.eye(3), atol=1e-9)


def test_a_feature_that_never_changes_stays_small():
    rows = np.hstack([TABLE, np.full((30, 1), 7.0)])
    for form in ("standardise", "min_max", "whiten"):
        assert np.isfinite(scaled(rows, form=form)).all()


def test_other_rows_are_scaled_by_what_the_training_rows_say():
    made = document(TABLE)
    side = SidePlan(made, made.load_data()[0], "float64")
    others = TABLE[:4] * 10
    machine = side.run({}, others, np.zeros((4, 1)), 4)
    found = machine.view(side.program.outputs["node.y"])
    np.testing.assert_allclose(found, (others - TABLE.mean(0)) / TABLE.std(0), rtol=1e-9)


def test_what_does_not_come_straight_from_the_data_is_refused():
    made = document(TABLE)
    made.graph.nodes["input_1"].properties["columns"] = (0, 1)
    assert any("Wire it to an input that shows all features" in str(problem) for problem in made.check())
