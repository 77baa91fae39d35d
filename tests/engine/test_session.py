"""One engine for stepping and speed: the same bits whichever way time is walked."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import Document, Graph, ProblemError, Session
from engine.datasets import load as load_data_set
from engine.snapshot import read
from engine.timeline import Moment
from tests.engine.documents import layered_document, xor_document

OPTIMIZERS = ("sgd", "momentum", "nesterov", "adam")


def everything(session):
    """All that can be seen: values, gradients, parameters."""
    shot = session.snapshot()
    seen = {f"value {k}": v.array for k, v in shot.values.items() if v.state != "absent"}
    seen |= {f"gradient {k}": v.array for k, v in shot.gradients.items() if v.state != "absent"}
    return seen | {f"parameter {k}": v.array for k, v in shot.parameters.items()}


def assert_same(one, other):
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_stepping_and_full_speed_give_the_same_bits(optimizer, dtype):
    stepped = Session(xor_document(optimizer=optimizer, batch_size=3), dtype=dtype)
    running = Session(xor_document(optimizer=optimizer, batch_size=3), dtype=dtype)
    for _ in range(60 * len(stepped.steps)):
        stepped.step("node")
    running.run(60)
    assert stepped.iteration == running.iteration == 60
    assert_same(everything(stepped), everything(running))


def test_xor_is_learned():
    session = Session(xor_document())
    session.run(2000)
    assert session.loss < 0.01
    np.testing.assert_allclose(session.predict([[0, 0], [0, 1], [1, 0], [1, 1]]).ravel(), [0, 1, 1, 0], atol=0.05)


@settings(max_examples=25)
@given(st.lists(st.sampled_from(["node", "phase", "iteration", "epoch", "run"]), min_size=1, max_size=12), st.data())
def test_any_number_of_steps_back_restores_every_value_bit_for_bit(moves, data):
    session = Session(layered_document([3, 4, 2], rows=7, batch_size=3))
    trail = []
    for move in moves:
        for _ in range(data.draw(st.integers(1, 4))):
            trail.append((session.playback.moment, everything(session)))
            if move == "run":
                session.run(5)
            else:
                session.step(move)
    for moment, seen in reversed(trail):
        while session.playback.moment > moment:
            session.step_back("node")
        assert session.playback.moment == moment
        assert_same(everything(session), seen)


def test_stepping_back_over_a_run_of_thousands_replays_it_exactly():
    session = Session(xor_document(batch_size=1))
    session.run(3000)
    seen, moment = everything(session), session.playback.moment
    session.run(5000)
    for _ in range(5000):
        session.step_back("iteration")
    assert session.playback.moment == moment
    assert_same(everything(session), seen)


def test_nothing_is_shown_as_zero_before_it_is_computed():
    session = Session(xor_document())
    assert session.loss is None
    assert session.value("dense_1") is None
    assert session.gradient("dense_1.weight") is None
    session.step("phase")
    assert session.loss is not None
    assert session.gradient("dense_1.weight") is None
    session.step("phase")
    assert session.gradient("dense_1.weight") is not None


def test_values_of_a_former_iteration_are_told_apart():
    session = Session(xor_document())
    session.run(1)
    session.step("node")
    shot = session.snapshot()
    assert shot.values["input_1.value"].state == "current"
    assert shot.values["dense_2.h"].state == "earlier"


def test_a_learning_rate_of_zero_leaves_every_bit():
    for optimizer in OPTIMIZERS:
        session = Session(xor_document(optimizer=optimizer))
        session.set_setting("optimizer.learning_rate", 0.0)
        before = session.parameters
        session.run(50)
        for name, numbers in session.parameters.items():
            assert numbers.tobytes() == before[name].tobytes(), (optimizer, name)


def test_reset_returns_to_the_same_start():
    session = Session(xor_document())
    start = session.parameters
    session.run(100)
    session.reset()
    assert session.iteration == 0 and session.loss is None
    assert_same(session.parameters, start)


@pytest.mark.parametrize(("last_batch", "iterations"), [("short", 3), ("drop", 2), ("wrap", 3)])
def test_an_epoch_has_as_many_iterations_as_its_last_batch_asks_for(last_batch, iterations):
    session = Session(layered_document([2, 3, 1], rows=7, batch_size=3, last_batch=last_batch))
    session.step("epoch")
    assert (session.iteration, session.epoch) == (iterations, 1)


def test_every_row_is_seen_once_an_epoch_and_a_short_batch_divides_by_its_own_rows():
    session = Session(layered_document([2, 1], rows=7, batch_size=3), dtype="float64")
    dataset = session._dataset
    seen = []
    for expected in (3, 3, 1):
        weight, bias = session.parameters["dense_1.weight"], session.parameters["dense_1.bias"]
        session.step("phase")
        rows = session.snapshot().row_indices[:expected]
        seen += rows.tolist()
        answer = dataset.inputs[rows] @ weight + bias
        assert session.loss == pytest.approx(np.mean((answer - dataset.targets[rows]) ** 2), rel=1e-12)
        session.step("iteration")
    assert sorted(seen) == list(range(7))


def test_gradients_agree_with_central_differences():
    session = Session(layered_document([3, 5, 2], rows=4, batch_size=4, order="sequential"), dtype="float64")
    session.step("phase")
    session.step("phase")
    for name, numbers in session.parameters.items():
        slope = session.gradient(name)
        for index in np.ndindex(numbers.shape):
            losses = []
            for sign in (1, -1):
                moved = numbers.copy()
                moved[index] += sign * 1e-6
                probe = Session(session.document, dtype="float64")
                probe.set_parameter(name, moved)
                probe.step("phase")
                losses.append(probe.loss)
            assert slope[index] == pytest.approx((losses[0] - losses[1]) / 2e-6, rel=1e-6, abs=1e-9)


def test_an_edit_keeps_what_still_fits_and_draws_the_rest_anew():
    document = xor_document()
    session = Session(document)
    session.run(500)
    kept = session.parameters["dense_1.weight"]
    wider = document.copy()
    wider.graph.nodes["dense_2"].properties["activation"] = "tanh"
    session.edit(wider, revision=7)
    np.testing.assert_array_equal(session.parameters["dense_1.weight"], kept)
    assert session.iteration == 500 and session.snapshot().revision == 7
    wider = document.copy()
    wider.graph.nodes["dense_1"].properties["units"] = 6
    session.edit(wider, revision=8)
    assert session.parameters["dense_1.weight"].shape == (2, 6)
    session.run(10)
    assert np.isfinite(session.loss)


def test_an_edit_that_leaves_nothing_to_run_changes_nothing():
    session = Session(xor_document())
    session.run(3)
    seen = everything(session)
    with pytest.raises(ProblemError):
        session.edit(Document(Graph()), revision=2)
    assert session.iteration == 3
    assert_same(everything(session), seen)


def exploding() -> Document:
    graph = Graph()
    x, t = graph.add("input"), graph.add("target")
    h = graph.add("dense", units=1)
    e = graph.add("mean_squared_error")
    graph.connect(x, h)
    graph.connect(h, e["prediction"])
    graph.connect(t, e["target"])
    data = {"inputs": [[3.0], [4.0]], "targets": [[1.0], [2.0]]}
    return Document(graph, data=data, training={"loss": e.id, "optimizer": {"type": "sgd", "learning_rate": 5.0}})


def test_a_run_stops_where_a_number_stops_being_finite_and_names_its_birth():
    running = Session(exploding())
    done = running.run(10_000)
    assert done < 10_000
    problem = running.problem
    assert problem.kind == "finite" and problem.node in running.document.graph.nodes
    assert "iteration" in problem.fact and "learning rate (now 5)" in problem.mend
    stepped = Session(exploding())
    while stepped.problem is None:
        stepped.step("node")
    assert stepped.problem == problem
    assert stepped.playback.moment == running.playback.moment
    assert running.run(10) == 0, "a stopped run waits until something is changed"
    running.step_back("iteration")
    assert running.problem is None
    assert all(np.isfinite(numbers).all() for numbers in running.parameters.values())


def test_fifty_divergences_are_all_caught():
    draw = np.random.default_rng(1)
    for _ in range(50):
        session = Session(exploding())
        session.set_setting("optimizer.learning_rate", float(draw.uniform(1, 100)))
        session.run(5000)
        assert session.problem is not None
        assert all(np.isfinite(numbers).all() for numbers in session.parameters.values())


def test_unknown_names_are_answered_with_a_guess():
    session = Session(xor_document())
    with pytest.raises(ProblemError, match=r"dense_1\.weight"):
        session.set_parameter("dense_1.wieght", [0.0])
    with pytest.raises(KeyError, match="dense_1"):
        session.value("dense1")
    with pytest.raises(ProblemError, match="shape"):
        session.set_parameter("dense_1.bias", [0.0])


def test_prediction_and_evaluation_never_touch_the_live_numbers():
    session = Session(xor_document())
    session.run(20)
    seen = everything(session)
    session.predict(np.zeros((50, 2)))
    session.evaluate("train")
    assert_same(everything(session), seen)


def test_shared_parameters_add_their_gradients():
    graph = Graph()
    x, t = graph.add("input"), graph.add("target")
    w = graph.add("parameter", shape=(2, 2))
    first, second = graph.add("dense", units=2, activation="tanh"), graph.add("dense", units=2)
    e = graph.add("mean_squared_error")
    for source, target in ((x, first["x"]), (first, second["x"]), (w, first["weight"]), (w, second["weight"])):
        graph.connect(source, target)
    graph.connect(second, e["prediction"])
    graph.connect(t, e["target"])
    data = {"inputs": [[1.0, 2.0], [0.5, -1.0]], "targets": [[0.0, 1.0], [1.0, 0.0]]}
    session = Session(Document(graph, data=data, training={"loss": e.id}), dtype="float64")
    weight = session.parameters["parameter_1.value"]
    session.step("phase")
    session.step("phase")
    inputs, targets = np.array(data["inputs"]), np.array(data["targets"])
    h = np.tanh(inputs @ weight)
    dy = (h @ weight - targets) / 2
    expected = h.T @ dy + inputs.T @ ((dy @ weight.T) * (1 - h**2))
    np.testing.assert_allclose(session.gradient("parameter_1.value"), expected, rtol=1e-12)


def test_a_frozen_layer_stays_and_a_muted_one_carries_zero():
    document = xor_document()
    node = document.graph.nodes["dense_1"]
    node.flags = frozenset({"frozen"})
    session = Session(document)
    before = session.parameters
    session.run(20)
    np.testing.assert_array_equal(session.parameters["dense_1.weight"], before["dense_1.weight"])
    assert (session.parameters["dense_2.weight"] != before["dense_2.weight"]).any()
    node.flags = frozenset({"muted"})
    session.edit(document, revision=2)
    session.step("phase")
    np.testing.assert_array_equal(session.value("dense_1"), 0)


def test_an_edit_of_numbers_and_places_keeps_plan_and_timeline():
    session = Session(xor_document())
    session.run(20)
    tape, seen = session.tape, everything(session)
    moved = session.document.copy()
    moved.graph.nodes["dense_1"].position = (77.0, 5.0)
    moved.graph.nodes["dense_1"].title = "hidden"
    optimizer = replace(moved.training.phases[0].optimizer, settings={"learning_rate": 0.5})
    moved.training = moved.training.with_optimizer(optimizer)
    session.edit(moved, revision=3)
    assert session.tape is tape and session.snapshot().revision == 3
    assert session.snapshot().settings["training.main.learning_rate"] == 0.5
    assert_same(everything(session), seen)
    session.run(5)
    for _ in range(6):
        session.step_back("iteration")
    assert session.iteration == 19


def test_a_constant_that_is_dragged_changes_what_follows_from_it():
    graph = Graph()
    scaled = graph.add("scale", factor=3.0)
    graph.connect(graph.add("constant", value=2.0), scaled)
    document = Document(graph, training={"loss": scaled})
    session = Session(document, dtype="float64")
    session.step("iteration")
    assert session.loss == 6.0
    changed = document.copy()
    changed.graph.nodes["constant_1"].properties["value"] = 5.0
    session.edit(changed, revision=1)
    session.step("phase")
    assert session.loss == 15.0
    session.set_setting("scale_1.factor", 4.0)
    session.reset()
    session.step("phase")
    assert session.loss == 15.0, "a reset returns to the document"


def test_more_classes_than_scores_are_refused_before_anything_is_played():
    document = layered_document([3, 4], rows=12, batch_size=12, loss="softmax_cross_entropy")
    narrow = document.copy()
    narrow.graph.nodes["dense_1"].properties["units"] = 2
    problem = next(entry for entry in narrow.check() if entry.severity == "error")
    assert (problem.node, problem.port) == ("softmax_cross_entropy_1", "logits")
    assert problem.mend.startswith("Give the last layer")


@pytest.mark.parametrize("size", [7, 5000, 300_000])
def test_a_reading_tells_range_mean_and_deviation_of_any_size(size):
    numbers = np.random.default_rng(2).normal(0.3, 2.0, size).astype(np.float32)
    reading = read(numbers, "current")
    exact = numbers.astype(np.float64)
    told = (reading.minimum, reading.maximum, reading.mean, reading.deviation)
    assert told == pytest.approx((exact.min(), exact.max(), exact.mean(), exact.std()), rel=1e-4)
    numbers[size // 2] = np.nan
    broken = read(numbers, "current")
    assert not broken.is_finite and np.isnan(broken.mean)


def test_the_history_holds_every_loss_and_keeps_the_extremes_of_a_long_run():
    session = Session(xor_document(batch_size=1), dtype="float64")
    told = []
    for _ in range(300):
        session.step("phase")
        told.append(session.loss)
        session.step("iteration")
    curve = session.snapshot().history["loss.batch"]
    np.testing.assert_array_equal(curve, np.column_stack([np.arange(300), told]))
    session.run(20_000)
    long = session.snapshot().history["loss.batch"]
    assert len(long) <= 2 * 4096
    assert long[:, 1].max() == max(*told, long[:, 1].max()) and long[-1, 0] <= session.iteration
    session.playback.go_to(Moment(300, 0))
    np.testing.assert_array_equal(session.snapshot().history["loss.batch"], curve)


def test_a_stopped_run_goes_on_once_a_number_is_changed():
    session = Session(exploding())
    session.run(3)
    session.set_setting("optimizer.learning_rate", 1e30)
    session.run(100)
    failed = session.problem
    assert failed is not None
    assert session.run(5) == 0, "nothing goes on before something is changed"
    session.set_setting("optimizer.learning_rate", 0.01)
    assert session.problem is None
    assert all(np.isfinite(numbers).all() for numbers in session.parameters.values())
    session.set_parameter("dense_1.weight", [[0.5]])
    session.set_parameter("dense_1.bias", [0.0])
    assert session.run(5) == 5
    assert np.isfinite(session.loss)


def test_a_prediction_takes_inputs_as_they_were_measured():
    document = xor_document()
    document.data = {"train": {"name": "moons", "samples": 40, "standardise": True}}
    session = Session(document, dtype="float64")
    session.run(50)
    measured = load_data_set({"name": "moons", "samples": 40}).inputs
    by_hand = session.side.predict(session.dataset.inputs, session._lasting())
    np.testing.assert_array_equal(session.predict(measured), by_hand)
    with pytest.raises(ProblemError, match="of the shape"):
        session.predict(np.zeros((3, 5)))


def test_a_nan_in_a_side_branch_stops_a_run_as_it_stops_stepping():
    document = xor_document()
    below, root = document.graph.add("negate"), document.graph.add("sqrt")
    document.graph.connect("dense_2", below)
    document.graph.connect(below, root)
    stepped, run = Session(document), Session(document)
    stepped.step("iteration")
    run.run(50)
    assert stepped.problem is not None and stepped.problem.node == "sqrt_1"
    assert run.problem == stepped.problem
    assert run.iteration == stepped.iteration
