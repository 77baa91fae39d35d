"""Divergences and entropy against SciPy and central differences, and the worked numbers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats

from tests.engine.nodes.slopes import Alone, check_derivatives

DRAW = np.random.default_rng(42)
MEAN, SPREAD = DRAW.normal(size=(4, 3)), DRAW.uniform(0.3, 1.7, (4, 3))
DEVIATION = {
    "deviation": lambda s: s, "variance": np.sqrt, "log_deviation": np.exp, "log_variance": lambda s: np.exp(s / 2),
}  # fmt: skip
ACTIVE = DRAW.uniform(0.02, 0.9, (5, 4))


def divergence(mean, deviation):
    return (mean**2 + deviation**2 - np.log(deviation**2) - 1) / 2


@pytest.mark.parametrize("form", DEVIATION)
def test_the_gaussian_divergence_adds_units_and_averages_examples(form):
    node = Alone("gaussian_kl", {"mean": MEAN, "spread": SPREAD}, spread_is=form)
    expected = divergence(MEAN, DEVIATION[form](SPREAD)).sum(axis=1).mean()
    assert node.value() == pytest.approx(expected, rel=1e-12)
    check_derivatives(node)


def test_the_gaussian_divergence_is_the_integral():
    mean, deviation, x = 0.7, 0.4, np.linspace(-6, 6, 200_001)
    p, q = stats.norm.pdf(x, mean, deviation), stats.norm.logpdf(x, mean, deviation) - stats.norm.logpdf(x)
    node = Alone("gaussian_kl", {"mean": [[mean]], "spread": [[deviation]]}, spread_is="deviation")
    assert node.value() == pytest.approx(np.trapezoid(p * q, x), abs=1e-9)


def sparsity(h, rho):
    average = h.mean(axis=0)
    return rho * np.log(rho / average) + (1 - rho) * np.log((1 - rho) / (1 - average))


@pytest.mark.parametrize(("reduction", "reduce"), [("sum", np.sum), ("mean", np.mean)])
def test_sparsity_compares_what_units_do_on_average(reduction, reduce):
    node = Alone("bernoulli_kl", {"h": ACTIVE}, rho=0.1, strength=3.0, reduction=reduction)
    assert node.value() == pytest.approx(3 * reduce(sparsity(ACTIVE, 0.1)), rel=1e-12)
    check_derivatives(node)


def test_entropy_is_that_of_the_softmax():
    node = Alone("entropy", {"logits": MEAN})
    assert node.value() == pytest.approx(stats.entropy(special.softmax(MEAN, axis=1), axis=1).mean(), rel=1e-12)
    check_derivatives(node)


@pytest.mark.parametrize("form", DEVIATION)
@pytest.mark.parametrize("weight", [None, np.array([0.5, -1.0, 0.0, 2.0])])
def test_the_gaussian_likelihood_is_that_of_scipy(form, weight):
    target = DRAW.normal(size=MEAN.shape)
    weighted = {} if weight is None else {"weight": weight}
    node = Alone("gaussian_likelihood", {"mean": MEAN, "spread": SPREAD, "target": target, **weighted}, spread_is=form)
    rows = -stats.norm.logpdf(target, MEAN, DEVIATION[form](SPREAD)).sum(axis=1)
    assert node.value() == pytest.approx(np.mean(rows if weight is None else weight * rows), rel=1e-12)
    check_derivatives(node, "mean", "spread", "target")


# worked numbers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mean", "deviation", "kl"), [(1, 1, 0.5), (0, 0.5, 0.318147), (1, 2, 1.306853), (0, 2, 0.806853), (0, 1, 0)]
)
@pytest.mark.text("08:entropy-kl")
def test_numbers_08_entropy_kl(mean, deviation, kl):
    for form, spread in (("deviation", deviation), ("log_variance", 2 * np.log(deviation))):
        node = Alone("gaussian_kl", {"mean": [[float(mean)]], "spread": [[float(spread)]]}, spread_is=form)
        assert node.value() == pytest.approx(kl, abs=5e-7)


@pytest.mark.text("04:gaussian-kl")
def test_numbers_04_gaussian_kl_pulls_means_to_zero_and_deviations_to_one():
    slopes = Alone("gaussian_kl", {"mean": [[0.3]], "spread": [[2.0]]}, spread_is="deviation").slopes()
    assert slopes["mean"].tolist() == [[pytest.approx(0.3)]]
    assert slopes["spread"].tolist() == [[pytest.approx(2 - 1 / 2)]]


@pytest.mark.parametrize(
    ("active", "kl", "slope"),
    [(0.01, 0.041291, -4.040404), (0.05, 0, 0), (0.1, 0.016707, 0.555556), (0.2, 0.093943, 0.9375), (0.5, 0.494632, 1.8)],
)  # fmt: skip
@pytest.mark.text("08:sparse-autoencoder-kl")
def test_numbers_08_sparse_autoencoder_kl(active, kl, slope):
    node = Alone("bernoulli_kl", {"h": [[active]]})
    assert node.value() == pytest.approx(kl, abs=5e-7)
    assert node.slopes()["h"][0, 0] == pytest.approx(slope, abs=5e-7)


@pytest.mark.text("07:gaussian-policy")
def test_numbers_07_gaussian_policy():
    # The exact gradient of the expected reward −(a − 2)², by quadrature over the slopes of single actions.
    actions = np.linspace(-9, 9, 20_001)
    density = stats.norm.pdf(actions)
    rows = {"mean": np.zeros((len(actions), 1)), "spread": np.ones((len(actions), 1)), "target": actions[:, None]}
    node = Alone(
        "gaussian_likelihood", {**rows, "weight": -((actions - 2) ** 2)}, spread_is="deviation", reduction="sum"
    )
    slopes = node.slopes("mean", "spread")
    expected = [-np.trapezoid(density * slopes[port][:, 0], actions) for port in ("mean", "spread")]
    assert expected == pytest.approx([4, -2], abs=1e-6)


@pytest.mark.text("04:variational-autoencoder")
def test_numbers_04_variational_autoencoder():
    node = Alone("gaussian_kl", {"mean": [[1.0, -0.5]], "spread": [[0.5, 0.8]]}, spread_is="deviation")
    assert node.value() == pytest.approx(0.986291, abs=5e-7)
    slopes = node.slopes()
    np.testing.assert_allclose(slopes["mean"], [[1, -0.5]], atol=1e-12)
    np.testing.assert_allclose(slopes["spread"], [[-1.5, -0.45]], atol=1e-12)
    # Its own numbers z stand for the draw; J and its derivatives follow by the chain rule through the code.
    z, decoder, x, weight = np.array([0.3, -1.2]), np.array([[1.0, 0], [0.5, 1], [-1, 2]]), np.array([1.0, 0, -2]), 0.1
    back = decoder @ (np.array([1.0, -0.5]) + z * [0.5, 0.8])
    error = Alone("squared_error", {"prediction": back[None], "target": x[None]})
    assert error.value() == pytest.approx(5.090625)
    by_code = error.slopes("prediction")["prediction"][0] @ decoder
    assert error.value() + weight * node.value() == pytest.approx(5.189254, abs=5e-7)
    assert by_code + weight * slopes["mean"][0] == pytest.approx([3.655, -10.1])
    assert z * by_code + weight * slopes["spread"][0] == pytest.approx([0.9165, 12.015])
