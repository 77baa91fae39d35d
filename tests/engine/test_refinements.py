"""Schedules, penalties, clipping, projections and means of parameters, by the numbers of the texts."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad

from engine import Document, Graph, Session
from tests.engine.documents import layered_document
from tests.engine.test_optimizers_numbers import bowl, optimizer, scaled_linear, trace
from tests.engine.test_unrolling import HIDDEN, recurrent

# The ids behind tests are those of the catalogue's entries, e.g. `03:clip-norm`.


def scheduled(steps: int, rate: float = 0.1, **schedule: Any) -> np.ndarray:
    """The rate of each iteration, read from the steps of a parameter whose gradient is 1."""
    session = scaled_linear([1.0], **optimizer("sgd", rate), schedule=schedule)
    return -np.diff([0.0, *trace(session, steps)[:, 0]])


def line(w: list[float], g: list[float], rate: float = 0.1, **phase: Any) -> np.ndarray:
    """Parameters after one step of gradient descent from w by the gradient g."""
    session = scaled_linear(g, **optimizer("sgd", rate), **phase)
    session.set_parameter("parameter_1.value", w)
    return trace(session, 1)[0]


# schedules -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("unit", ["epoch", "iteration"])
@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ({"type": "exponential", "speed": 0.1}, {5: 0.0606530660, 10: 0.0367879441, 50: 0.0006737947}),
        ({"type": "inverse", "speed": 0.1}, {5: 0.0666666667, 10: 0.05, 50: 0.0166666667}),
        ({"type": "step", "factor": 0.5, "every": 5}, {0: 0.1, 4: 0.1, 5: 0.05, 10: 0.025, 50: 0.0000976563}),
    ],
    ids=["exponential", "inverse", "step"],
)
@pytest.mark.text("01:lr-decay")
def test_rates_decay_as_the_text_says(schedule, expected, unit):
    found = scheduled(51, unit=unit, **schedule)  # without data an epoch is one iteration
    for t, rate in expected.items():
        assert found[t] == pytest.approx(rate, abs=6e-11)


@pytest.mark.parametrize(("unit", "every"), [("epoch", 3), ("iteration", 1)])
def test_a_schedule_counts_epochs_or_iterations(unit, every):
    halving = {"type": "step", "factor": 0.5, "every": 1, "unit": unit}
    session = Session(layered_document([2, 1], rows=7, batch_size=3, schedule=halving), dtype="float64")
    for k in range(7):  # 7 rows, 3 at a time: 3 iterations an epoch
        before = session.parameters["dense_1.bias"]
        session.run(1)
        moved = before - session.parameters["dense_1.bias"]
        np.testing.assert_allclose(moved, 0.05 * 0.5 ** (k // every) * session.gradient("dense_1.bias"), rtol=1e-9)


def test_a_cosine_falls_to_the_lowest_rate_and_stays_there():
    found = scheduled(14, rate=0.1, type="cosine", length=10, lowest=0.02)
    t = np.minimum(np.arange(14), 10)
    np.testing.assert_allclose(found, 0.02 + 0.08 * (1 + np.cos(np.pi * t / 10)) / 2, rtol=1e-9)


@pytest.mark.parametrize("schedule", [{"type": "warm_up"}, {"type": "exponential", "speed": 0.0}])
def test_a_rate_warms_up_alone_or_before_it_decays(schedule):
    found = scheduled(8, rate=0.5, warm_up=5, **schedule)
    np.testing.assert_allclose(found, [0.1, 0.2, 0.3, 0.4, 0.5, 0.5, 0.5, 0.5], rtol=1e-9)


@pytest.mark.parametrize(("begin", "end", "expected"), [(2, 5, [0, 0, 1, 1, 1, 0, 0]), (3, 0, [0, 0, 0, 1, 1, 1, 1])])
def test_a_phase_learns_for_a_while_and_leaves_its_parameters_alone_otherwise(begin, end, expected):
    found = scheduled(7, rate=0.5, type="window", begin=begin, end=end)
    np.testing.assert_allclose(found, 0.5 * np.array(expected), rtol=1e-12)


@pytest.mark.text("04:unsupervised-pretraining-autoencoder")
def test_one_layer_is_trained_after_the_other_and_both_together_in_the_end():
    graph = Graph()
    x, t = graph.add("input"), graph.add("target")
    code, back = graph.add("dense", "code", units=2, activation="tanh"), graph.add("dense", "back", units=3)
    answer, restored = graph.add("dense", "answer", units=1), graph.add("squared_error", "restored")
    error = graph.add("squared_error", "error")
    for source, sink in (
        (x, code), (code, back), (back, restored["prediction"]), (x, restored["target"]), (code, answer),
        (answer, error["prediction"]), (t, error["target"]),
    ):  # fmt: skip
        graph.connect(source, sink)
    rows = np.random.default_rng(0).normal(size=(6, 3))
    windows = [("restored", ["code", "back"], 0, 4), ("error", ["answer"], 4, 8), ("error", ["code", "answer"], 8, 0)]
    phases = [
        {
            "name": f"stage_{k}", "minimise": loss, "parameters": learned,
            "optimizer": {"type": "adam", "learning_rate": 0.05},
            "schedule": {"type": "window", "begin": begin, "end": end},
        }
        for k, (loss, learned, begin, end) in enumerate(windows)
    ]  # fmt: skip
    data = {"inputs": rows.tolist(), "targets": rows[:, :1].tolist(), "task": "regression"}
    session = Session(Document(graph, data, training={"phases": phases}, precision="float64"))
    moved = []
    for _ in range(10):
        before = dict(session.parameters)
        session.run(1)
        moved.append({key.partition(".")[0] for key in before if (before[key] != session.parameters[key]).any()})
    assert moved == 4 * [{"code", "back"}] + 4 * [{"answer"}] + 2 * [{"code", "answer"}]


def test_a_plateau_cuts_the_rate_once_patience_is_over():
    losses = [5, 4, 3, 3, 3, 3, 2.9999, 3, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]
    session = scaled_linear(
        [1.0], **optimizer("sgd", 0.5), schedule={"type": "plateau", "patience": 2, "factor": 0.5, "lowest": 0.1}
    )
    found = []
    for loss in losses:  # the loss is the parameter itself
        session.set_parameter("parameter_1.value", [loss])
        session.run(1)
        found.append(loss - session.parameters["parameter_1.value"][0])
    rate, best, waited, expected = 0.5, np.inf, 0, []
    for loss in losses:  # as PyTorch's ReduceLROnPlateau; each epoch is played with the rate that the ones before left
        expected.append(max(rate, 0.1))
        best, waited = (loss, 0) if loss < best * (1 - 1e-4) else (best, waited + 1)
        if waited > 2:
            rate, waited = rate * 0.5, 0
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_a_plateau_takes_the_mean_of_an_epoch_and_not_its_last_batch():
    plateau = {"type": "plateau", "patience": 0, "threshold": 0.0}
    session = Session(
        layered_document([2, 1], rows=6, batch_size=3, schedule=plateau, order="sequential"), dtype="float64"
    )
    best, rate = np.inf, 0.05
    for _ in range(12):
        losses = []
        for _ in range(2):
            session.run(1)
            losses.append(session.loss)
            assert float(session.value("training.main.reduced_rate")) == pytest.approx(rate)
        best, rate = (np.mean(losses), rate) if np.mean(losses) < best else (best, rate * 0.5)


@pytest.mark.parametrize(
    ("schedule", "momenta"),
    [
        ({"type": "linear", "start": 0.5, "length": 4}, [0.5, 0.6, 0.7, 0.8, 0.9, 0.9]),
        ({"type": "growing"}, [0.4, 0.5, 4 / 7, 5 / 8, 2 / 3, 0.7]),
    ],
)
def test_a_momentum_moves_with_time(schedule, momenta):
    session = scaled_linear([1.0], **optimizer("momentum", 0.1, momentum=0.9), momentum_schedule=schedule)
    velocity = 0.0
    for momentum, point in zip(momenta, np.diff([0.0, *trace(session, 6)[:, 0]]), strict=True):
        velocity = momentum * velocity - 0.1
        assert point == pytest.approx(velocity)


def test_a_schedule_of_the_momentum_leaves_an_optimizer_without_one_alone():
    session = scaled_linear([1.0], **optimizer("sgd", 0.1), momentum_schedule={"type": "growing"})
    assert trace(session, 3)[-1] == pytest.approx([-0.3])


# penalties -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("penalty", "expected"),
    [
        ({"type": "weight_decay"}, 1.93),
        ({"type": "l2", "convention": "half"}, 1.93),
        ({"type": "l2", "convention": "whole"}, 1.91),
        ({"type": "l1", "form": "subgradient"}, 1.94),
        ({"type": "l1", "form": "subgradient", "at_zero": "drawn"}, 1.94),
        ({"type": "l1", "form": "proximal"}, 1.94),
    ],
    ids=str,
)
@pytest.mark.text("04:weight-decay", "04:l2-penalty", "04:l1-penalty")
def test_penalties_hold_a_parameter_back(penalty, expected):
    assert line([2.0], [0.5], penalty={**penalty, "strength": 0.1}) == pytest.approx([expected])


@pytest.mark.text("01:weight-decay")
def test_decay_as_the_earlier_chapter_prints_it():
    assert line([1.0], [0.2], penalty={"type": "weight_decay", "strength": 0.5}) == pytest.approx([0.93])


@pytest.mark.parametrize(
    ("order", "expected"), [("before the step", [0.675, -0.1375]), ("behind it", [0.665, -0.1425])]
)
@pytest.mark.text("02:l2-shrinkage", "02:linear-svm-hinge")
def test_old_parameters_fade_or_new_ones_do(order, expected):
    """A hinge at w = (½, −¼), x = (2, 1), y = 1, where the slope is −x: the texts print both."""
    found = line([0.5, -0.25], [-2.0, -1.0], penalty={"type": "weight_decay", "strength": 0.5, "order": order})
    assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.text("04:weight-decay")
def test_without_a_gradient_weights_fade_by_the_same_share():
    session = scaled_linear([0.0], **optimizer("sgd", 0.1), penalty={"type": "weight_decay", "strength": 0.5})
    session.set_parameter("parameter_1.value", [3.0])
    np.testing.assert_allclose(trace(session, 20)[:, 0], 3 * 0.95 ** np.arange(1, 21), rtol=1e-12)


@pytest.mark.text("04:l1-penalty")
def test_a_subgradient_rattles_around_0_and_a_proximal_step_stops_there():
    def last(form: str) -> np.ndarray:
        session = scaled_linear([0.0], **optimizer("sgd", 0.05), penalty={"type": "l1", "strength": 0.3, "form": form})
        session.set_parameter("parameter_1.value", [0.1])
        return trace(session, 200)[-4:, 0]

    np.testing.assert_array_equal(last("proximal"), 0)
    assert np.abs(last("subgradient")).max() <= 0.015 and (np.abs(np.diff(last("subgradient"))) > 0.0149).all()


def test_an_elastic_net_is_both_penalties():
    penalty = {"type": "elastic_net", "l1_strength": 0.3, "l2_strength": 0.2}
    stepped = np.array([2.0, -1.0, 0.01]) - 0.1 * (np.array([0.5, 0.5, 0.0]) + 0.2 * np.array([2.0, -1.0, 0.01]))
    expected = np.sign(stepped) * np.maximum(np.abs(stepped) - 0.1 * 0.3, 0)
    np.testing.assert_allclose(line([2.0, -1.0, 0.01], [0.5, 0.5, 0.0], penalty=penalty), expected, rtol=1e-12)
    by_gradient = line([2.0, -1.0, 0.0], [0.5, 0.5, 0.0], penalty={**penalty, "form": "subgradient"})
    np.testing.assert_allclose(by_gradient, [2 - 0.1 * 1.2, -1 - 0.1 * 0.0, 0.0], atol=1e-12)


def test_a_penalty_may_spare_the_biases():
    for biases in (True, False):
        penalty = {"type": "weight_decay", "strength": 1.0, "biases": biases}
        document = layered_document([2, 3, 1], penalty=penalty)
        plain, decayed = Session(layered_document([2, 3, 1]), dtype="float64"), Session(document, dtype="float64")
        for session in (plain, decayed):
            session.set_parameter("dense_1.bias", [1.0, 2.0, 3.0])
            session.run(1)
        is_same = np.array_equal(plain.parameters["dense_1.bias"], decayed.parameters["dense_1.bias"])
        assert is_same is not biases
        assert not np.array_equal(plain.parameters["dense_1.weight"], decayed.parameters["dense_1.weight"])


@pytest.mark.text("04:weight-decay")
def test_l2_and_decay_part_where_a_gradient_has_a_memory():
    ends = []
    for kind in ("l2", "weight_decay"):
        session = bowl(**optimizer("adam", 0.1), penalty={"type": kind, "strength": 0.5})
        ends.append(trace(session, 3)[-1])
    assert np.abs(ends[0] - ends[1]).max() > 0.01


def test_adamw_is_adam_whose_weights_fade_before_the_step():
    decoupled = trace(bowl(**optimizer("adam", 0.1), penalty={"type": "weight_decay", "strength": 0.4}), 20)
    np.testing.assert_allclose(trace(bowl(**optimizer("adamw", 0.1, weight_decay=0.4)), 20), decoupled, rtol=1e-12)


# clipping ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("clipping", "expected"),
    [
        pytest.param({"type": "value"}, (1, -0.4, 1), id="03:clip-value"),
        pytest.param({"type": "unit_norm"}, (0.99114134, -0.01321522, 0.13215218), id="03:clip-norm literal"),
        pytest.param({"type": "norm", "threshold": 5}, (4.95570671, -0.06607609, 0.66076089), id="03:clip-norm"),
        pytest.param({"type": "norm", "threshold": 31}, (30, -0.4, 4), id="03:clip-norm short enough"),
    ],
)
@pytest.mark.text("03:clip-value", "03:clip-norm")
def test_gradients_are_clipped(clipping, expected):
    np.testing.assert_allclose(
        -line([0.0] * 3, [30.0, -0.4, 4.0], rate=1.0, clipping=clipping), expected, rtol=2e-8, atol=5e-9
    )


def test_a_norm_is_that_of_all_parameters_together():
    session = Session(layered_document([3, 4, 2], clipping={"type": "norm", "threshold": 0.01}), dtype="float64")
    before = session.parameters
    session.run(1)
    after, found = session.parameters, {name: session.gradient(name) for name in before}
    norm = np.sqrt(sum((gradient**2).sum() for gradient in found.values()))
    assert norm > 0.01
    for name, gradient in found.items():
        np.testing.assert_allclose(after[name], before[name] - 0.05 * gradient * 0.01 / norm, rtol=1e-9)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_norm_of_numbers_whose_squares_overflow_is_still_a_norm(dtype):
    huge = 1e30 if dtype == "float32" else 1e200
    session = scaled_linear([3 * huge, 4 * huge], **optimizer("sgd", 1.0), clipping={"type": "norm", "threshold": 5.0})
    session = Session(session.document, dtype=dtype)
    np.testing.assert_allclose(trace(session, 1)[0], [-3, -4], rtol=1e-6)


# the cliff: L = .05 (x − 3)² + 5 σ(−10 x) + .1 y²


def cliff(**phase: Any) -> Session:
    graph = Graph()
    x, y = graph.add("parameter", id="x", initial=-2.0), graph.add("parameter", id="y", initial=2.0)
    three = graph.add("constant", value=3.0)
    away, far, slope = graph.add("subtract"), graph.add("square"), graph.add("scale", factor=0.05)
    steep, step, height = graph.add("scale", factor=-10.0), graph.add("sigmoid"), graph.add("scale", factor=5.0)
    wide, side = graph.add("square"), graph.add("scale", factor=0.1)
    total = graph.add("add")
    graph.connect(x, away["a"])
    graph.connect(three, away["b"])
    for one, other in ((away, far), (far, slope), (x, steep), (steep, step), (step, height), (y, wide), (wide, side)):
        graph.connect(one, other)
    for part in (slope, height, side):
        graph.connect(part, total["x"])
    plan = {"phases": [{"name": "main", "minimise": total.id, **phase}]}
    return Session(Document(graph, training=plan, precision="float64"))


@pytest.mark.text("03:cliff-surface")
@pytest.mark.parametrize("penalty", [0.0, 0.02])
@pytest.mark.text("05:gradient-clipping-rnn")
def test_values_are_clipped_step_by_step_before_they_are_summed_over_time(penalty):
    limits = {"lowest": -0.02, "highest": 0.02}
    document = recurrent(
        clipping={"type": "value", **limits, "of": "each use"}, penalty={"type": "l2", "strength": penalty}
    )
    session, ran = Session(document), Session(document)
    before = {name: session.parameters[name].copy() for name in ("dense_1.weight", "dense_1.bias")}
    for way in (session, ran):
        way.run(1) if way is ran else way.step("iteration")
    after = {name: session.parameters[name] for name in before}
    x, target, (v, c) = session.value("input_1"), session.value("target_1"), last_layer(document)

    def loss(weights, biases):
        h = anp.zeros((len(x), HIDDEN))
        for step, (w, b) in enumerate(zip(weights, biases, strict=True)):
            h = anp.tanh(anp.concatenate([x[:, step], h], axis=1) @ w + b)
        return anp.mean((h @ v + c - target) ** 2)

    copies = [[before[name]] * x.shape[1] for name in before]
    for name, each in zip(before, grad(lambda both: loss(*both))(copies), strict=True):
        parts = [*each, penalty * before[name]]
        assert max(np.abs(part).max() for part in parts) > 0.02  # else nothing would be cut off
        step = sum([np.clip(part, -0.02, 0.02) for part in parts])
        np.testing.assert_allclose(after[name], before[name] - 0.1 * step, rtol=1e-10, atol=1e-13)
        assert after[name].tobytes() == ran.parameters[name].tobytes()


def last_layer(document: Document) -> tuple[np.ndarray, np.ndarray]:
    """Weights and biases of the layer that reads the last state, as they start."""
    numbers = Session(document).parameters
    return numbers["dense_2.weight"].copy(), numbers["dense_2.bias"].copy()


def test_a_cliff_throws_the_parameters_far_away_unless_the_gradient_is_clipped():
    wild = cliff(**optimizer("sgd", 2.0))
    wild.run(3)
    assert float(wild.parameters["x.value"]) == pytest.approx(11.31, abs=0.01)
    held = cliff(**optimizer("sgd", 2.0), clipping={"type": "norm", "threshold": 1.0})
    places = []
    for _ in range(30):
        held.run(1)
        places.append(float(held.parameters["x.value"]))
    assert min(abs(place - 1.80) for place in places) < 0.01 and max(places) <= 3 + 1e-6


# constraints ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("limit", "expected"), [(3, (1.8, 2.4)), (4, (2.4, 3.2)), (6, (3, 4))])
@pytest.mark.text("04:dropout-high-rate-momentum-maxnorm")
def test_weights_into_a_unit_are_no_longer_than_the_limit(limit, expected):
    constraint = {"type": "max_norm", "limit": limit}
    session = Session(layered_document([2, 2], constraint=constraint), dtype="float64")
    session.set_setting("optimizer.learning_rate", 0.0)
    session.set_parameter("dense_1.weight", [[3.0, 0.1], [4.0, 0.2]])
    session.set_parameter("dense_1.bias", [50.0, 50.0])
    session.run(1)
    np.testing.assert_allclose(
        session.parameters["dense_1.weight"], [[expected[0], 0.1], [expected[1], 0.2]], rtol=1e-12
    )
    np.testing.assert_array_equal(session.parameters["dense_1.bias"], 50)


def test_parameters_that_may_not_be_negative_stop_at_0():
    found = line([1.0, 0.05], [0.5, 1.0], constraint={"type": "non_negative"})
    np.testing.assert_allclose(found, [0.95, 0.0])


# means ---------------------------------------------------------------------------------------------------------------


def mean_after(steps: int, rate: float, **averaging: Any) -> np.ndarray:
    session = bowl(**optimizer("sgd", rate), averaging=averaging)
    session.run(steps)
    return session.averages["parameter_1.value"]


@pytest.mark.text("03:polyak-simple")
def test_the_mean_of_a_bouncing_descent_is_near_the_bottom():
    bouncing = bowl(**optimizer("sgd", 0.24))
    bouncing.run(20)
    last = bouncing.parameters["parameter_1.value"]
    np.testing.assert_allclose(last, (2.0896e-6, 0.18869333), rtol=2e-5)
    assert last[0] ** 2 + 4 * last[1] ** 2 == pytest.approx(0.14242, rel=2e-5)
    mean = mean_after(20, 0.24, type="mean")
    np.testing.assert_allclose(mean, (0.0541665535, -0.0194375557), rtol=2e-8)
    assert mean[0] ** 2 + 4 * mean[1] ** 2 == pytest.approx(0.00444529, rel=2e-6)
    np.testing.assert_allclose(mean_after(20, 0.25, type="mean"), (0.05, 0.0), atol=1e-6)


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("zero", (0.0166365194, 0.003392711)),
        ("corrected", (0.0189390679, 0.0038622733)),
        ("first", (0.0798563798, -0.1084578112)),
    ],
)
@pytest.mark.text("03:polyak-exponential")
def test_a_mean_that_forgets_begins_as_it_is_told(start, expected):
    mean = mean_after(20, 0.24, type="exponential", decay=0.9, start=start)
    np.testing.assert_allclose(mean, expected, rtol=2e-8)
    if start == "corrected":
        assert mean[0] ** 2 + 4 * mean[1] ** 2 == pytest.approx(4.184e-4, rel=2e-4)


def test_predictions_come_from_the_mean_where_that_is_asked_for():
    answers = {}
    for used_for in ("predictions", "looking"):
        averaging = {"type": "mean", "used_for": used_for}
        session = Session(layered_document([2, 3, 1], averaging=averaging), dtype="float64")
        inputs = np.ones((1, 2))
        assert session.averages == {}
        first = session.predict(inputs)
        session.run(30)
        answers[used_for] = session.predict(inputs)
        assert not np.array_equal(first, answers[used_for])
        learned = session.parameters
        for name, mean in session.averages.items():
            session.set_parameter(name, mean)
        by_mean = session.predict(inputs) if used_for == "looking" else answers[used_for]
        for name, numbers in learned.items():
            session.set_parameter(name, numbers)
    np.testing.assert_array_equal(by_mean, answers["predictions"])
    assert not np.array_equal(answers["predictions"], answers["looking"])
