"""Bias and variance: the text's closed forms from a design of samples whose noise has exactly the right moments."""

from __future__ import annotations

import numpy as np
import pytest

from engine import Document, Graph
from engine.analysis.bias_variance import bias_variance
from engine.problems import ProblemError
from tests.engine.documents import layered_document, xor_document

POINTS = np.array([0.0, 1, 3, 4, 5])
NOISE = 0.5


def truth(x):
    return x - 0.15 * x**2


def fitted(degree: int) -> Document:
    """Least squares on orthonormal powers of x, found by gradient descent in one step from anywhere."""
    graph = Graph()
    x, t = graph.add("input"), graph.add("target")
    y = graph.add("dense", "y", units=1, activation="identity", use_bias=False, initialiser="zeros")
    e = graph.add("mean_squared_error", "loss")
    graph.connect(x, y)
    graph.connect(y, e["prediction"])
    graph.connect(t, e["target"])
    data = {"inputs": basis(degree, POINTS), "targets": truth(POINTS)[:, None], "task": "regression"}
    # Columns are orthonormal over the five points, the loss is a mean of five: its Hessian is 2/5 of the identity.
    plan = {"loss": "loss", "optimizer": {"type": "sgd", "learning_rate": 2.5}}
    return Document(graph, data=data, training=plan, precision="float64")


def basis(degree: int, x: np.ndarray) -> np.ndarray:
    """Powers of x made orthonormal over the five points."""
    triangle = np.linalg.qr(np.vander(POINTS, degree + 1, increasing=True))[1]
    return np.vander(x, degree + 1, increasing=True) @ np.linalg.inv(triangle)


def designed(degree: int):
    """Ten samples, each with noise at one point: mean 0 and covariance 0.25 · identity, exactly."""

    def sample(run: int):
        noise = np.zeros(5)
        noise[run // 2] = (1 if run % 2 else -1) * NOISE * np.sqrt(5)
        return basis(degree, POINTS), (truth(POINTS) + noise)[:, None]

    return sample


@pytest.mark.text("04:bias-variance-decomposition")
@pytest.mark.parametrize(
    ("degree", "bias", "variance", "error"),
    [(0, 0.108900, 0.050000, 0.408900), (1, 0.238507, 0.055233, 0.543740), (2, 0, 0.147727, 0.397727),
     (3, 0, 0.213235, 0.463235), (4, 0, 0.380000, 0.630000)],
)  # fmt: skip
def test_the_closed_forms_of_polynomials(degree, bias, variance, error):
    found = bias_variance(
        fitted(degree), runs=10, epochs=3, sample=designed(degree), inputs=basis(degree, np.array([2.0])),
        truth=[[truth(2.0)]], noise=NOISE**2,
    )  # fmt: skip
    assert found.squared_bias == pytest.approx(bias, abs=6e-7)
    assert found.variance == pytest.approx(variance, abs=6e-7)
    assert found.error == pytest.approx(error, abs=1.1e-6)
    assert found.predictions.shape == (10, 1, 1)


def test_bias_and_variance_add_up_to_the_mean_squared_error():
    document = layered_document([3, 4, 2], rows=12)
    found = bias_variance(document, runs=4, epochs=5)
    dataset, _ = document.load_data()
    assert found.predictions.shape == (4, 12, 2)
    np.testing.assert_array_equal(found.truth, dataset.targets)
    assert found.squared_bias + found.variance == pytest.approx(np.mean((found.predictions - dataset.targets) ** 2))
    assert found.variance > 0


def test_the_same_start_on_the_same_sample_has_no_variance():
    document = layered_document([3, 4, 2], rows=6)
    dataset, _ = document.load_data()
    assert bias_variance(document, runs=3, epochs=2, sample=lambda run: (dataset.inputs, dataset.targets)).variance > 0
    same = bias_variance(
        document, runs=3, epochs=2, sample=lambda run: (dataset.inputs, dataset.targets), same_start=True
    )
    assert same.variance == 0


def test_it_repeats_itself_and_leaves_the_document_as_it_is():
    document = layered_document([3, 4, 2], rows=6)
    before = document.to_json()
    one, other = (bias_variance(document, runs=2, epochs=2) for _ in range(2))
    np.testing.assert_array_equal(one.predictions, other.predictions)
    assert str(document.to_json()) == str(before)


def test_it_can_be_cancelled_and_tells_how_far_it_is():
    told: list[float] = []
    found = bias_variance(
        layered_document([3, 2]), runs=4, epochs=1, cancelled=lambda: len(told) >= 2, progress=told.append
    )
    assert told == [0.25, 0.5]
    assert not found.complete
    assert len(found.predictions) == 2


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda: bias_variance(Document()), "no data"),
        (lambda: bias_variance(layered_document([3, 2], loss="softmax_cross_entropy")), "has classes"),
        (lambda: bias_variance(xor_document(), inputs=[[0, 0]]), "truth beside them"),
        (lambda: bias_variance(xor_document(), inputs=[[0, 0]], truth=[[0], [1]]), "row of the truth for each point"),
    ],
)
def test_what_cannot_be_done_is_said(ask, says):
    with pytest.raises(ProblemError, match=says):
        ask()
