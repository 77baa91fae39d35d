"""Metrics against scikit-learn's words for them, written out in NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from tests.engine.nodes.slopes import Alone

DRAW = np.random.default_rng(7)
SCORES, CLASSES = DRAW.normal(size=(20, 6)), DRAW.integers(0, 6, 20)
ANSWERS, LABELS = DRAW.random((30, 1)), (DRAW.random((30, 1)) < 0.4).astype(float)


@pytest.mark.parametrize("k", [1, 2, 5, 6])
@pytest.mark.parametrize("one_hot", [False, True])
def test_the_right_class_may_be_among_the_first_few(k, one_hot):
    order = np.argsort(-SCORES, axis=1)[:, :k]
    wanted = 1 - np.mean([row in few for row, few in zip(CLASSES, order, strict=True)])
    target = np.eye(6)[CLASSES] if one_hot else CLASSES.astype(np.int32)
    assert Alone("top_k_error", {"prediction": SCORES, "target": target}, k=k).value() == pytest.approx(wanted)


@pytest.mark.parametrize("beta", [1.0, 2.0])
def test_precision_recall_and_their_mean(beta):
    said, meant = ANSWERS > 0.6, LABELS > 0
    precision, recall = (said & meant).sum() / said.sum(), (said & meant).sum() / meant.sum()
    node = Alone("f_score", {"prediction": ANSWERS, "target": LABELS}, threshold=0.6, beta=beta)
    assert node.value("precision") == pytest.approx(precision)
    assert node.value("recall") == pytest.approx(recall)
    assert node.value("f") == pytest.approx((1 + beta**2) * precision * recall / (beta**2 * precision + recall))


def test_where_nothing_is_found_the_scores_are_zero():
    node = Alone("f_score", {"prediction": 0 * ANSWERS, "target": 0 * LABELS})
    assert [node.value(port) for port in ("f", "precision", "recall")] == [0, 0, 0]


def test_the_share_of_the_variance_that_is_explained():
    targets = DRAW.normal(size=(30, 2))
    answers = targets + 0.3 * DRAW.normal(size=(30, 2))
    wanted = 1 - ((targets - answers) ** 2).sum() / ((targets - targets.mean(axis=0)) ** 2).sum()
    assert Alone("r_squared", {"prediction": answers, "target": targets}).value() == pytest.approx(wanted)
    mean = np.broadcast_to(targets.mean(axis=0), targets.shape).copy()
    assert Alone("r_squared", {"prediction": mean, "target": targets}).value() == pytest.approx(0)
