"""Weighted losses, divergences of softmaxes, and penalties on wired parameters, against NumPy and central differences."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

from tests.engine.nodes.slopes import Alone, check_derivatives

DRAW = np.random.default_rng(11)
Y, T = DRAW.normal(size=(4, 3)), DRAW.normal(size=(4, 3))
YES = (T > 0).astype(float)
C = DRAW.uniform(0, 2, (4, 3)) * (DRAW.random((4, 3)) < 0.7)
TERMS = {
    "weighted_squared_error": ("prediction", T, lambda y: (T - y) ** 2),
    "weighted_logistic_cross_entropy": ("logits", YES, lambda z: np.logaddexp(0, z) - YES * z),
}


@pytest.mark.parametrize("name", TERMS)
def test_answers_count_as_their_weights_say(name):
    port, target, terms = TERMS[name]
    for reduction, count in (("mean", C.sum()), ("sum", 1), ("elements", 12)):
        node = Alone(name, {port: Y, "target": target, "weight": C}, reduction=reduction)
        assert node.value() == pytest.approx((C * terms(Y)).sum() / count, rel=1e-12)
        check_derivatives(node, port)


@pytest.mark.parametrize("name", TERMS)
@pytest.mark.parametrize("weight", [C[:, 0], C[:, :1]])
def test_one_weight_may_stand_for_all_answers_of_an_example(name, weight):
    port, target, terms = TERMS[name]
    node = Alone(name, {port: Y, "target": target, "weight": weight})
    column = weight.reshape(4, 1)
    assert node.value() == pytest.approx((column * terms(Y)).sum() / (3 * column.sum()), rel=1e-12)


def test_where_nothing_counts_there_is_no_loss():
    assert Alone("weighted_squared_error", {"prediction": Y, "target": T, "weight": 0 * C}).value() == 0


WANTED = special.softmax(T, axis=1) * [1, 1, 0]
WANTED /= WANTED.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("form", ["logits", "log_probabilities", "probabilities"])
def test_the_divergence_is_that_of_scipy_and_a_class_without_probability_costs_nothing(form):
    p = special.softmax(Y, axis=1)
    scores = {"logits": Y, "log_probabilities": np.log(p), "probabilities": p}[form]
    node = Alone("kl_divergence", {"logits": scores, "target": WANTED}, scores_are=form)
    assert node.value() == pytest.approx(special.rel_entr(WANTED, p).sum(axis=1).mean(), rel=1e-12)
    check_derivatives(node, "logits")


@pytest.mark.text("04:soft-weight-sharing")
def test_weights_that_share_softly_are_drawn_together():
    node = Alone("soft_weight_sharing", {"v": Y, "w": T}, strength=0.4)
    assert node.value() == pytest.approx(0.2 * ((Y - T) ** 2).sum(), rel=1e-12)
    np.testing.assert_allclose(node.slopes()["v"], 0.4 * (Y - T), rtol=1e-12)
    check_derivatives(node)


@pytest.mark.parametrize("lengths", [False, True])
def test_columns_at_right_angles_cost_nothing(lengths):
    node = Alone("orthogonality_penalty", {"w": Y}, strength=0.5, lengths=lengths)
    product = Y.T @ Y
    off = product - (np.eye(3) if lengths else np.diag(np.diag(product)))
    assert node.value() == pytest.approx(0.5 * (off**2).sum(), rel=1e-12)
    check_derivatives(node)
    turned = np.linalg.qr(DRAW.normal(size=(4, 3)))[0]
    assert Alone(
        "orthogonality_penalty", {"w": turned * (1 if lengths else 2)}, lengths=lengths
    ).value() == pytest.approx(0)
