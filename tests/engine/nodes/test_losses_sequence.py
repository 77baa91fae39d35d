"""CTC against every path there is, negative sampling and weighted losses against NumPy, and the worked numbers."""

from __future__ import annotations

from itertools import groupby, product

import numpy as np
import pytest
from scipy import special

from engine.document import Document
from engine.graph import Graph
from engine.problems import ProblemError
from engine.session import Session
from tests.engine.nodes.slopes import Alone, check_derivatives

DRAW = np.random.default_rng(44)


def by_all_paths(logits: np.ndarray, text: list[int], blank: int, repeats: bool = True) -> float:
    """−ln of the chance that a path, its repeats merged and its blanks taken out, reads as the text."""
    chances = special.softmax(logits, axis=-1)
    total = 0.0
    for path in product(range(logits.shape[1]), repeat=logits.shape[0]):
        merged = [label for label, _ in groupby(path)] if repeats else path
        if [label for label in merged if label != blank] == text:
            total += np.prod([row[label] for row, label in zip(chances, path, strict=True)])
    return -np.log(total) if total else np.inf


@pytest.mark.parametrize("blank", [0, 2])
@pytest.mark.parametrize(("moments", "letters"), [(5, 2), (6, 3), (3, 3), (1, 1), (4, 1)])
def test_ctc_is_the_chance_of_all_paths_that_read_as_the_text(moments, letters, blank):
    others = [c for c in range(3) if c != blank]
    logits = DRAW.normal(size=(6, moments, 3))
    texts = DRAW.choice(others, (6, letters)).astype(np.int32)
    expected = [by_all_paths(z, t.tolist(), blank) for z, t in zip(logits, texts, strict=True)]
    for row, surprise in enumerate(expected):
        node = Alone("ctc", {"logits": logits[row : row + 1], "target": texts[row : row + 1]}, blank=blank)
        assert node.value() == pytest.approx(surprise, rel=1e-11)
    if np.isfinite(expected).all():
        node = Alone("ctc", {"logits": logits, "target": texts}, blank=blank)
        assert node.value() == pytest.approx(np.mean(expected), rel=1e-11)


@pytest.mark.parametrize("filler", [-1, 0])
def test_texts_of_different_length_end_with_the_blank_or_with_minus_one(filler):
    logits, texts = DRAW.normal(size=(4, 5, 3)), [[1, 2, 1], [2, 2], [1], []]
    table = np.full((4, 3), filler, np.int32)
    for row, text in enumerate(texts):
        table[row, : len(text)] = text
    expected = [by_all_paths(z, t, 0) for z, t in zip(logits, texts, strict=True)]
    assert Alone("ctc", {"logits": logits, "target": table}).value() == pytest.approx(np.mean(expected), rel=1e-11)
    as_numbers = Alone("ctc", {"logits": logits, "target": table.astype(float)})
    assert as_numbers.value() == pytest.approx(np.mean(expected), rel=1e-11)


@pytest.mark.parametrize("letters", [1, 2, 4])
def test_ctc_may_take_every_label_of_a_path_as_a_letter_of_its_own(letters):
    logits, text = DRAW.normal(size=(1, 4, 3)), DRAW.choice([1, 2], (1, letters)).astype(np.int32)
    node = Alone("ctc", {"logits": logits, "target": text}, repeats=False)
    assert node.value() == pytest.approx(by_all_paths(logits[0], text[0].tolist(), 0, repeats=False), rel=1e-11)
    check_derivatives(node, "logits")


def test_where_a_letter_is_doubled_a_blank_must_lie_between():
    logits = DRAW.normal(size=(1, 4, 3))
    text = np.array([[1, 1]], np.int32)
    assert Alone("ctc", {"logits": logits, "target": text}).value() == pytest.approx(by_all_paths(logits[0], [1, 1], 0))


def test_what_lies_behind_the_end_of_a_sequence_says_nothing_to_ctc():
    logits, texts = DRAW.normal(size=(3, 6, 3)), np.array([[1, 2], [2, 1], [1, 1]], np.int32)
    lengths = np.array([6.0, 3.0, 4.0])
    expected = [
        by_all_paths(z[: int(length)], text.tolist(), 0)
        for z, text, length in zip(logits, texts, lengths, strict=True)
    ]  # fmt: skip
    operands = {"logits": logits, "target": texts, "lengths": lengths}
    node = Alone("ctc", operands)
    assert node.value() == pytest.approx(np.mean(expected), rel=1e-11)
    slope = node.slopes("logits")["logits"]
    assert slope[0].all() and not slope[1, 3:].any() and not slope[2, 4:].any()
    check_derivatives(node, "logits")


def test_ctc_is_differentiated_exactly_twice():
    texts = np.array([[1, 2], [2, 2], [1, -1]], np.int32)
    check_derivatives(Alone("ctc", {"logits": DRAW.normal(size=(3, 4, 3)), "target": texts}))


def test_the_slope_of_ctc_is_what_the_softmax_says_less_what_the_paths_say():
    logits, text = DRAW.normal(size=(4, 3)), [1, 2]
    chances = special.softmax(logits, axis=-1)
    share, total = np.zeros_like(chances), 0.0
    for path in product(range(3), repeat=4):
        if [label for label, _ in groupby(path) if label] == text:
            chance = np.prod(chances[range(4), path])
            total += chance
            share[range(4), path] += chance
    node = Alone("ctc", {"logits": logits[None], "target": np.array([text], np.int32)})
    np.testing.assert_allclose(node.slopes()["logits"][0], chances - share / total, rtol=1e-9, atol=1e-12)


def test_ctc_in_float32_agrees_with_float64():
    operands = {
        "logits": DRAW.normal(size=(3, 12, 5)) * 3,
        "target": np.array([[1, 2, 2], [4, 3, -1], [1, 1, 1]], np.int32),
    }
    exact, fast = (Alone("ctc", operands, dtype) for dtype in ("float64", "float32"))
    assert fast.value() == pytest.approx(exact.value(), rel=1e-5)
    np.testing.assert_allclose(fast.slopes()["logits"], exact.slopes()["logits"], rtol=1e-3, atol=2e-6)


def test_a_text_longer_than_its_sequence_is_infinitely_surprising():
    node = Alone("ctc", {"logits": DRAW.normal(size=(1, 2, 3)), "target": np.array([[1, 2, 1]], np.int32)})
    assert node.value() == np.inf
    assert Alone("ctc", {"logits": np.zeros((1, 2, 3)), "target": np.array([[1, 1]], np.int32)}).value() == np.inf


def test_a_blank_that_is_no_class_is_refused():
    with pytest.raises(ProblemError, match="blank"):
        Alone("ctc", {"logits": np.zeros((1, 2, 3)), "target": np.array([[1]], np.int32)}, blank=3).value()


def test_ctc_learns_to_read_in_a_document():
    graph = Graph()
    x, t, node = graph.add("input"), graph.add("target"), graph.add("ctc", "error")
    layer, each, steps = graph.add("dense", units=3), graph.add("each_step"), graph.add("all_steps")
    for begin, end in ((x, each), (each, layer), (layer, steps), (steps, node["logits"]), (t, node["target"])):
        graph.connect(begin, end)
    frames = np.eye(3)[[[1, 1, 0, 2, 2], [2, 2, 0, 1, 1]]]
    data = {"inputs": frames.tolist(), "targets": [[1.0, 2.0], [2.0, 1.0]], "task": "regression"}
    training = {"loss": "error", "optimizer": {"type": "sgd", "learning_rate": 1.0}, "order": "sequential"}
    document = Document(graph, data={"train": data}, training=training)
    assert document.check() == []
    session = Session(document)
    session.step("iteration")
    start = session.loss
    session.run(300)
    assert session.problem is None
    assert session.loss < 0.1 * start


POSITIVE, NEGATIVE = DRAW.normal(size=(4, 2)), DRAW.normal(size=(4, 5))


@pytest.mark.parametrize(("reduction", "over", "rows"), [("mean", "examples", 4), ("sum", "examples", 1)])
def test_negative_sampling_adds_an_examples_words(reduction, over, rows):
    node = Alone("negative_sampling", {"positive": POSITIVE, "negative": NEGATIVE}, reduction=reduction, over=over)
    expected = -np.log(special.expit(POSITIVE)).sum() - np.log(special.expit(-NEGATIVE)).sum()
    assert node.value() == pytest.approx(expected / rows, rel=1e-12)
    check_derivatives(node)


LOGITS, CLASSES = DRAW.normal(size=(5, 3)), np.array([0, 2, 1, 1, 0], np.int32)
WEIGHT = np.array([2.0, 0.0, 1.0, 0.0, 0.5])
SURPRISE = special.logsumexp(LOGITS, axis=1) - LOGITS[np.arange(5), CLASSES]


@pytest.mark.parametrize(("reduction", "share"), [("mean", WEIGHT.sum()), ("sum", 1), ("examples", 5)])
@pytest.mark.parametrize("target", [CLASSES, np.eye(3)[CLASSES]], ids=["class numbers", "columns"])
@pytest.mark.parametrize("weight", [WEIGHT, WEIGHT[:, None]], ids=["row", "column"])
def test_weights_say_how_much_an_example_counts(reduction, share, target, weight):
    node = Alone("weighted_cross_entropy", {"logits": LOGITS, "target": target, "weight": weight}, reduction=reduction)
    assert node.value() == pytest.approx((WEIGHT * SURPRISE).sum() / share, rel=1e-12)
    assert not node.slopes("logits")["logits"][WEIGHT == 0].any()
    check_derivatives(node, "logits")


def test_where_nothing_counts_the_loss_is_nothing():
    operands = {"logits": LOGITS, "target": CLASSES, "weight": np.zeros(5)}
    node = Alone("weighted_cross_entropy", operands)
    assert node.value() == 0
    assert not node.slopes("logits")["logits"].any()


@pytest.mark.parametrize(("over", "share"), [("elements", 8), ("examples", 4)])
def test_a_sequences_surprises_may_be_added_up(over, share):
    logits, classes = DRAW.normal(size=(4, 2, 3)), DRAW.integers(0, 3, (4, 2)).astype(np.int32)
    each = special.logsumexp(logits, axis=-1) - np.take_along_axis(logits, classes[..., None], -1)[..., 0]
    node = Alone("softmax_cross_entropy", {"logits": logits, "target": classes}, over=over)
    # A node by itself knows nothing of the data's classes.
    assert node.value() == pytest.approx(each.sum() / share, rel=1e-12)


# worked numbers ------------------------------------------------------------------------------------------

FRAMES = np.log([[[0.5, 0.4, 0.1], [0.3, 0.3, 0.4], [0.2, 0.1, 0.7]]])
ALPHA = [[0.5, 0.4, 0, 0, 0], [0.15, 0.27, 0.12, 0.16, 0], [0.03, 0.042, 0.078, 0.385, 0.032]]


@pytest.mark.parametrize("form", ["logits", "log_probabilities"])
@pytest.mark.text("05:ctc-alignment")
def test_numbers_05_ctc_alignment(form):
    node = Alone("ctc", {"logits": FRAMES, "target": np.array([[1, 2]], np.int32)}, scores_are=form)
    assert node.value() == pytest.approx(0.8746690572, abs=5e-11)
    np.testing.assert_allclose(node.value("alpha")[0], ALPHA, atol=1e-12)


@pytest.mark.text("02:sgns")
def test_numbers_02_sgns():
    u, words = np.array([0.0, 1.0]), np.array([[0.5, 0.0], [0.0, 1.0], [0.0, -0.5], [-0.5, 0.5]])
    node = Alone("negative_sampling", {"positive": np.array([[0.0, -0.5]]), "negative": np.array([[0.5, 0.5]])})
    assert node.value() == pytest.approx(3.615378, abs=5e-7)
    slopes = node.slopes()
    assert slopes["positive"][0] == pytest.approx([-0.5, -0.622459], abs=5e-7)
    assert slopes["negative"][0] * 2 == pytest.approx([1.244919] * 2, abs=1e-6)
    back = slopes["positive"][0] @ words[[0, 2]] + slopes["negative"][0] @ words[[3, 3]]
    assert back == pytest.approx([-0.872459, 0.933689], abs=1e-6)
    assert words @ u == pytest.approx([0, 1, -0.5, 0.5])


@pytest.mark.text("08:negative-sampling")
def test_numbers_08_negative_sampling():
    h, target, other = np.array([1.0, 0.0]), np.array([0.5, 1.0]), np.array([-0.5, 2.0])
    node = Alone("negative_sampling", {"positive": np.array([[target @ h]]), "negative": np.array([[other @ h]])})
    assert node.value() == pytest.approx(0.948154, abs=5e-7)
    slopes = node.slopes()
    np.testing.assert_allclose(slopes["positive"][0, 0] * h, [-0.377541, 0], atol=5e-7)
    np.testing.assert_allclose(slopes["negative"][0, 0] * h, [0.377541, 0], atol=5e-7)


@pytest.mark.text("02:skip-gram")
def test_numbers_02_skip_gram():
    u, words = np.array([0.0, 1.0]), np.array([[0.5, 0.0], [1.0, 1.0], [0.0, -0.5], [-0.5, 0.5]])
    scores = np.tile(words @ u, (1, 2, 1))
    node = Alone("softmax_cross_entropy", {"logits": scores, "target": np.array([[0, 2]], np.int32)}, over="examples")
    assert node.value() == pytest.approx(4.074677, abs=5e-7)
    errors = -node.slopes()["logits"][0].sum(axis=0)
    assert errors == pytest.approx([0.665190, -0.910108, 0.796927, -0.552009], abs=5e-7)
    assert errors @ words == pytest.approx([-0.301509, -1.584576], abs=1e-6)
