"""Hessians: against autograd's, against the texts' numbers, and against themselves by differences."""

from __future__ import annotations

from dataclasses import replace

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import hessian as autograd_hessian
from scipy.sparse.linalg import LinearOperator, eigsh

from engine import Document, Graph, Session
from engine.analysis.curvature import Curvature, full_spectrum, lanczos, spectrum
from engine.problems import ProblemError
from tests.engine.documents import layered_document, xor_document

# The ids are those of the catalogue's entries, e.g. `03:newton-nonquadratic`.


def bowl_minus_cosine(start=(1.0, 1.0)) -> Session:
    """J = w₁² + 4 w₂² − cos(w₁ + w₂)."""
    graph = Graph()
    w, c = graph.add("parameter", "w", initial=list(start)), graph.add("constant", value=[1.0, 4.0])
    square, scaled, sums = graph.add("square"), graph.add("multiply"), graph.add("sum", over="all")
    both, cosine, loss = graph.add("sum", "both", over="all"), graph.add("cos"), graph.add("subtract", "loss")
    graph.connect(w, square)
    graph.connect(square, scaled["x"])
    graph.connect(c, scaled["x"])
    graph.connect(scaled, sums)
    graph.connect(w, both)
    graph.connect(both, cosine)
    graph.connect(sums, loss["a"])
    graph.connect(cosine, loss["b"])
    return Session(Document(graph, training={"loss": "loss"}, precision="float64"))


def quadratic(matrix, start) -> Session:
    """½ wᵀ H w, as Σ wᵢ (½ H w)ᵢ."""
    graph = Graph()
    w = graph.add("parameter", "w", initial=[list(start)])
    half = graph.add("constant", value=(np.array(matrix) / 2).tolist())
    image, product, total = graph.add("matmul"), graph.add("multiply"), graph.add("sum", "loss", over="all")
    graph.connect(w, image["a"])
    graph.connect(half, image["b"])
    graph.connect(w, product["x"])
    graph.connect(image, product["x"])
    graph.connect(product, total)
    return Session(Document(graph, training={"loss": "loss"}, precision="float64"))


@pytest.fixture(scope="module")
def trained() -> Session:
    session = Session(layered_document([5, 4, 3, 2], rows=9), dtype="float64")
    session.run(20)
    return session


def by_autograd(session: Session, curvature: Curvature):
    """The same loss, written down once more."""
    assert session.dataset is not None
    x, t = session.dataset.inputs, session.dataset.targets

    def loss(theta):
        h, place, shapes = x, 0, [(5, 4), (4, 3), (3, 2)]
        for layer, (rows, columns) in enumerate(shapes):
            weight = theta[place : place + rows * columns].reshape(rows, columns)
            place += rows * columns
            h = anp.dot(h, weight) + theta[place : place + columns]
            place += columns
            h = anp.tanh(h) if layer < 2 else h
        return anp.mean((h - t) ** 2)

    names = [span.address for span in curvature.layout.spans]
    assert names == [f"dense_{n}.{name}" for n in (1, 2, 3) for name in ("weight", "bias")]
    return loss


def test_loss_gradient_and_hessian_are_those_of_autograd(trained):
    curvature = Curvature(trained)
    loss = by_autograd(trained, curvature)
    expected = autograd_hessian(loss)(curvature.point)
    found = curvature.hessian()
    assert curvature.loss() == pytest.approx(loss(curvature.point), rel=1e-12)
    np.testing.assert_allclose(found, expected, atol=1e-12)
    np.testing.assert_array_equal(found, found.T)
    vector = np.random.default_rng(0).normal(size=curvature.size)
    np.testing.assert_allclose(curvature.product(vector), expected @ vector, atol=1e-12)
    np.testing.assert_allclose(curvature.product_by_difference(vector), expected @ vector, atol=1e-4)


def test_it_can_be_asked_at_another_point_and_comes_back(trained):
    curvature = Curvature(trained)
    expected, here = by_autograd(trained, curvature), curvature.loss()
    elsewhere = curvature.point + 0.3
    assert curvature.loss(elsewhere) == pytest.approx(expected(elsewhere), rel=1e-12)
    np.testing.assert_allclose(curvature.hessian(elsewhere), autograd_hessian(expected)(elsewhere), atol=1e-12)
    assert curvature.loss() == here


def test_the_session_stays_untouched(trained):
    before = trained.weights.arrays
    spectrum(Curvature(trained))
    for address, array in trained.weights.arrays.items():
        np.testing.assert_array_equal(array, before[address])


def test_parameters_can_be_chosen_and_each_place_has_a_name(trained):
    curvature = Curvature(trained, parameters=["dense_2", "dense_3.bias"])
    assert curvature.size == 4 * 3 + 3 + 2
    assert curvature.entries[4] == ("dense_2.weight", (1, 1))
    assert curvature.entries[-1] == ("dense_3.bias", (1,))
    everything = Curvature(trained)
    places = [n for n, entry in enumerate(everything.entries) if entry in curvature.entries]
    np.testing.assert_allclose(curvature.hessian(), everything.hessian()[np.ix_(places, places)], atol=1e-14)


def test_by_default_it_is_of_what_the_phase_changes():
    document = layered_document([3, 4, 2])
    phases = [replace(document.training.phases[0], parameters=("dense_2",))]
    document.training = replace(document.training, phases=phases)
    assert {entry.address for entry in Curvature(Session(document)).entries} == {"dense_2.weight", "dense_2.bias"}
    document.graph.nodes["dense_1"].flags = frozenset({"frozen"})
    document.training = replace(document.training, phases=[replace(phases[0], parameters="all")])
    assert {entry.address for entry in Curvature(Session(document)).entries} == {"dense_2.weight", "dense_2.bias"}


def test_softmax_cross_entropy_and_rows_of_the_batch():
    session = Session(layered_document([3, 4, 3], loss="softmax_cross_entropy"), dtype="float64")
    session.run(3)
    curvature = Curvature(session, rows=[2, 5, 5])
    point, step = curvature.point, 1e-5
    for place in (0, 7, curvature.size - 1):
        unit = np.zeros(curvature.size)
        unit[place] = step
        estimate = (curvature.gradient(point + unit) - curvature.gradient(point - unit)) / (2 * step)
        np.testing.assert_allclose(curvature.hessian()[place], estimate, atol=1e-8)


@pytest.mark.parametrize(
    ("matrix", "values"),
    [
        pytest.param([[2.0, 0], [0, 2.0]], [2, 2], id="03:bowl-circular"),
        pytest.param([[2.0, 0], [0, 8.0]], [8, 2], id="03:bowl-elliptical"),
        pytest.param([[5.0, -3], [-3, 5.0]], [8, 2], id="03:hessian-eigen-directions"),
        pytest.param([[2.0, -2], [-2, 2.0]], [4, 0], id="03:composition-convexity inside"),
        pytest.param([[2.0, 0], [0, -2.0]], [2, -2], id="03:composition-convexity outside"),
    ],
)
@pytest.mark.text("03:bowl-circular", "03:bowl-elliptical", "03:hessian-eigen-directions", "03:composition-convexity")
def test_eigenvalues_of_the_texts_bowls(matrix, values):
    curvature = Curvature(quadratic(matrix, (2.0, 1.0)))
    np.testing.assert_allclose(curvature.hessian(), matrix, atol=1e-14)
    found = spectrum(curvature)
    np.testing.assert_allclose(found.values, values, atol=1e-13)
    assert found.complete
    assert found.negative == sum(value < 0 for value in values)
    least = min(abs(value) for value in values)
    assert found.condition_number == pytest.approx(max(values) / least if least else float("inf"))


@pytest.mark.text("03:hessian-eigen-directions")
def test_the_directions_of_the_rotated_bowl():
    found = spectrum(Curvature(quadratic([[5.0, -3], [-3, 5.0]], (2.0, 1.0))))
    np.testing.assert_allclose(np.abs(found.vectors), np.full((2, 2), 0.5**0.5), atol=1e-12)
    assert found.vectors[0, 0] * found.vectors[1, 0] < 0 < found.vectors[0, 1] * found.vectors[1, 1]


@pytest.mark.text("03:newton-nonquadratic")
def test_the_worked_newton_step():
    curvature = Curvature(bowl_minus_cosine())
    assert curvature.loss() == pytest.approx(5.41614684, abs=5e-9)
    np.testing.assert_allclose(curvature.gradient(), [2.90929743, 8.90929743], atol=5e-9)
    hessian = curvature.hessian()
    np.testing.assert_allclose(hessian, [[1.58385316, -0.41614684], [-0.41614684, 7.58385316]], atol=5e-9)
    inverse = np.linalg.inv(hessian)
    np.testing.assert_allclose(inverse, [[0.64060759, 0.0351519], [0.0351519, 0.13378797]], atol=5e-9)
    step = inverse @ curvature.gradient()
    np.testing.assert_allclose(step, [2.17689670, 1.29422417], atol=5e-9)
    assert curvature.loss(curvature.point - step) == pytest.approx(1.63184681, abs=5e-9)
    assert curvature.loss(curvature.point - 0.6 * step) == pytest.approx(-0.70311677, abs=1e-8)


@pytest.mark.parametrize(
    ("reach", "expected"),
    [
        (1, (0.1317783, 14.1317783)),
        (0.1, (0.36407785, 14.36407785)),
        (1e-3, (0.74746953, 14.74746953)),
        (1e-6, (0.7515554, 14.7515554)),
    ],
)
@pytest.mark.text("03:hessian-vector-fd")
def test_products_by_the_difference_of_gradients(reach, expected):
    curvature = Curvature(bowl_minus_cosine())
    np.testing.assert_allclose(curvature.product(np.array([1, 2])), [0.75155949, 14.75155949], atol=5e-9)
    np.testing.assert_allclose(curvature.product_by_difference(np.array([1, 2]), reach), expected, atol=6e-8)


@pytest.mark.parametrize(
    ("inputs", "eigenvalues", "condition"),
    [
        pytest.param([[8, 8500], [8.5, 9000], [9, 8000]], [2.17250e8, 1.49741], 1.45084e8, id="03:ex-4-2-normalise raw"),
        pytest.param(
            [[-1.22474487, 0], [0, 1.22474487], [1.22474487, -1.22474487]], [4.5, 1.5], 3, id="03:ex-4-2-normalise standardised"
        ),
    ],
)  # fmt: skip
@pytest.mark.text("03:ex-4-2-normalise")
def test_the_condition_of_features_of_different_size(inputs, eigenvalues, condition):
    graph = Graph()
    x, t = graph.add("input"), graph.add("target")
    y = graph.add("dense", "y", units=1, activation="identity", use_bias=False)
    e = graph.add("mean_squared_error", "loss")
    graph.connect(x, y)
    graph.connect(y, e["prediction"])
    graph.connect(t, e["target"])
    data = {"inputs": np.array(inputs, float), "targets": np.array([[1.0], [2], [3]]), "task": "regression"}
    found = spectrum(Curvature(Session(Document(graph, data=data, training={"loss": "loss"}, precision="float64"))))
    # The text's loss is half the sum of the squares of three rows, ours is their mean.
    np.testing.assert_allclose(found.values * 1.5, eigenvalues, rtol=1e-5)
    assert found.condition_number == pytest.approx(condition, rel=1e-5)


def test_the_ends_by_lanczos_are_those_of_the_whole_hessian(trained):
    curvature = Curvature(trained)
    everything = full_spectrum(curvature.hessian())
    found = spectrum(curvature, 3)
    np.testing.assert_allclose(found.values, np.r_[everything.values[:3], everything.values[-3:]], atol=1e-6)
    assert not found.complete
    image = np.column_stack([curvature.product(vector) for vector in found.vectors.T])
    np.testing.assert_allclose(np.linalg.norm(image - found.vectors * found.values, axis=0), found.errors, atol=1e-10)


def test_lanczos_against_scipy_on_a_large_matrix():
    draw = np.random.default_rng(2)
    rough = draw.normal(size=(300, 300))
    matrix = (rough + rough.T) / 2
    found = lanczos(matrix.__matmul__, 300, 2, tolerance=1e-9)
    operator = LinearOperator((300, 300), matvec=matrix.__matmul__)
    np.testing.assert_allclose(found.values, np.sort(eigsh(operator, 4, which="BE")[0])[::-1], rtol=1e-9)


def test_lanczos_finds_eigenvalues_that_come_twice_and_a_matrix_of_zeros():
    matrix = np.diag([5.0, 5, 1, 1, 1, -2, -2])
    np.testing.assert_allclose(lanczos(matrix.__matmul__, 7, 3).values, [5, 5, 1, 1, -2, -2], atol=1e-12)
    np.testing.assert_array_equal(lanczos(np.zeros_like, 4, 1).values, [0, 0])


def test_it_can_be_cancelled_and_tells_how_far_it_is(trained):
    curvature, told = Curvature(trained), []
    found = curvature.hessian(cancelled=lambda: len(told) >= 2, progress=told.append)
    assert told == pytest.approx([1 / curvature.size, 2 / curvature.size])
    assert np.isfinite(found[:, :2]).all()
    assert np.isnan(found[:, 2:]).all()
    assert spectrum(curvature, 2, cancelled=lambda: True).values.size == 0


def test_the_condition_is_unknown_where_small_eigenvalues_of_both_signs_may_hide(trained):
    found = spectrum(Curvature(trained), 2)
    assert found.values[-1] < 0
    assert np.isnan(found.condition_number)


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda s: Curvature(s, parameters=["dense_9"]), "dense_9"),
        (lambda s: Curvature(s, rows="test"), "no test rows"),
        (lambda s: Curvature(s, rows=[0, 99]), "rows 0 to 3"),
        (lambda s: Curvature(s, phase=3), "no loss"),
        (lambda s: full_spectrum(np.full((2, 2), np.nan)), "not finite"),
    ],
)
def test_what_cannot_be_done_is_said(ask, says):
    with pytest.raises(ProblemError, match=says):
        ask(Session(xor_document()))


def test_a_hessian_that_is_too_large_is_refused_but_its_ends_are_found():
    session = Session(layered_document([60, 40, 2]))
    curvature = Curvature(session)
    assert curvature.size == 2522
    with pytest.raises(ProblemError, match=r"6,360,484 entries"):
        curvature.hessian()
    assert spectrum(curvature, 1, tolerance=1e-3).values.shape == (2,)
