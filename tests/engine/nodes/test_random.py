"""Random layers: what they say in training and in evaluation, and whose numbers hang on what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import special

import resources
from engine.document import Document
from engine.graph import Graph
from engine.nodes import NodeType, Port, node_type, node_types
from engine.session import Session
from engine.sideplan import SidePlan
from engine.structure import structure_of

KINDS = {name: kind for name, kind in node_types().items() if kind.category == "Random"}
SPOILERS = ("dropout", "gaussian_noise", "masking_noise", "salt_and_pepper")
TABLE = np.random.default_rng(3).uniform(0.2, 0.8, (400, 5))


def document(
    type: str, table: Any = TABLE, *, seed: int = 4, batch: int = 0, precision: str = "float64", **properties: Any
) -> Document:
    """The inputs pass an identity layer into a node of that type, whose first output is what the mean is taken of."""
    inputs = np.asarray(table, float)
    kind, width, graph = node_types()[type], inputs.shape[1], Graph()
    x, t = graph.add("input"), graph.add("target")
    layer = graph.add("dense", "layer", units=width, initial_weight=np.eye(width).tolist())
    graph.connect(x, layer)
    node = graph.add(type, "node", **properties)
    for port in kind.inputs:
        if not port.may_stay_free:
            graph.connect(layer, node[port.name])
    output = node[kind.outputs[0].name]
    if kind.outputs[0].kind == "index":
        as_numbers = graph.add("to_real")
        graph.connect(output, as_numbers)
        output = as_numbers
    last, error = graph.add("mean", "last", over="all"), graph.add("add", "error")
    graph.connect(output, last)
    graph.connect(last, error["x"])
    graph.connect(t, graph.add("identity")["x"])
    data = {"inputs": inputs.tolist(), "targets": [[0.0]] * len(inputs)}
    training = {
        "loss": "error", "optimizer": {"type": "sgd", "learning_rate": 0.01}, "order": "sequential",
        "batch_size": batch, "seed": seed,
    }  # fmt: skip
    return Document(graph, data={"train": data}, training=training, precision=precision)


def played(type: str, table: Any = TABLE, **properties: Any) -> Session:
    made = document(type, table, **properties)
    assert made.check() == []
    session = Session(made)
    session.program.verify()
    session.step("phase")
    return session


def output(type: str) -> str:
    return f"node.{node_types()[type].outputs[0].name}"


def evaluated(type: str, table: Any = TABLE, port: str = "", **properties: Any) -> np.ndarray:
    made = document(type, table, **properties)
    side = SidePlan(made, made.load_data()[0], "float64")
    inputs = np.asarray(table, float)
    weight = {"layer.weight": np.eye(inputs.shape[1]), "layer.bias": np.zeros(inputs.shape[1])}
    machine = side.run(weight, inputs, np.zeros((len(inputs), 1)), len(inputs))
    return machine.view(side.program.outputs[f"node.{port}" if port else output(type)]).copy()


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_a_random_layer_says_what_palette_and_inspector_ask_for(kind):
    assert kind.formula and kind.help() and kind.source
    assert (Path(next(iter(resources.__path__))) / "icons" / f"{kind.icon}.svg").exists()
    assert all(entry.help for entry in kind.properties().values())


# whose numbers hang on what ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", KINDS)
def test_the_same_seed_gives_the_same_numbers_and_another_seed_others(name):
    first, again, other = (played(name, seed=seed).value(output(name)) for seed in (4, 4, 5))
    assert first.tobytes() == again.tobytes()
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("name", KINDS)
def test_adding_a_node_changes_nobody_elses_numbers(name):
    alone, made = played(name).value(output(name)), document(name)
    noise, second = made.graph.add("noise", shape=(3,)), made.graph.add(name, "second")
    for port in KINDS[name].inputs:
        if not port.may_stay_free:
            made.graph.connect(noise, second[port.name])
    session = Session(made)
    session.step("phase")
    assert session.value(output(name)).tobytes() == alone.tobytes()


def test_two_nodes_of_one_type_draw_apart():
    made = document("dropout")
    second = made.graph.add("dropout", "second")
    made.graph.connect("layer.h", second["x"])
    session = Session(made)
    session.step("phase")
    assert not np.array_equal(session.value("node.h") == 0, session.value("second.h") == 0)


@pytest.mark.parametrize("name", KINDS)
def test_every_iteration_draws_anew_and_stepping_is_running(name):
    stepped, ran = Session(document(name, batch=7)), Session(document(name, batch=7))
    drawn = []
    for _ in range(3):
        stepped.step("iteration")
        drawn.append(stepped.value(output(name)).tobytes())
    ran.run(3)
    assert ran.value(output(name)).tobytes() == drawn[-1]
    assert ran.parameters["layer.weight"].tobytes() == stepped.parameters["layer.weight"].tobytes()
    if name != "bootstrap_weights":  # its bag is packed once
        assert len(set(drawn)) == 3


@pytest.mark.parametrize("name", KINDS)
def test_a_step_back_draws_the_same_numbers_again(name):
    session = Session(document(name, batch=7))
    session.run(2)
    session.step("phase")
    before, loss = session.value(output(name)).tobytes(), session.loss
    session.run(5)
    while session.iteration > 2:
        session.step_back("iteration")
    session.step("phase")
    assert session.value(output(name)).tobytes() == before
    assert session.loss == loss


def test_a_dropped_unit_is_dropped_anew_at_every_step_of_time():
    graph = Graph()
    x, each, drop, steps = (
        graph.add("input"),
        graph.add("each_step"),
        graph.add("dropout", "node"),
        graph.add("all_steps"),
    )
    total = graph.add("mean", over="all")
    graph.connect(x, each)
    graph.connect(each, drop)
    graph.connect(drop, steps)
    graph.connect(steps, total)
    data = {"inputs": np.ones((20, 6, 3)).tolist(), "targets": [[0.0]] * 20}
    session = Session(Document(graph, data={"train": data}, training={"loss": total.id, "order": "sequential"}))
    session.step("phase")
    masks = session.value(steps)
    assert all(not np.array_equal(masks[:, k], masks[:, k + 1]) for k in range(5))


def test_a_rate_is_a_number_in_memory_and_changing_it_plans_nothing_anew():
    made = document("dropout", rate=0.5)
    changed = made.copy()
    changed.graph.nodes["node"].properties["rate"] = 0.9
    assert structure_of(made) == structure_of(changed)
    session = Session(made)
    tape = session.tape
    session.edit(changed, 1)
    session.step("phase")
    assert session.tape is tape
    assert np.mean(session.value("node") == 0) == pytest.approx(0.9, abs=0.03)


# what they say in training -------------------------------------------------------------------------------


@pytest.mark.parametrize(("rate", "meaning", "kept"), [(0.3, "drop", 0.7), (0.3, "keep", 0.3), (0.0, "drop", 1.0)])
@pytest.mark.parametrize(("scaling", "factor"), [("inverted", None), ("evaluation", 1.0), ("none", 1.0)])
def test_dropout_keeps_the_share_it_is_told_and_sends_back_through_its_mask(rate, meaning, kept, scaling, factor):
    session = Session(document("dropout", rate=rate, rate_is=meaning, scaling=scaling))
    session.step("iteration")
    h, factor = session.value("node"), 1 / kept if factor is None else factor
    mask = h != 0
    assert mask.mean() == pytest.approx(kept, abs=0.04)
    np.testing.assert_allclose(h, TABLE * mask * factor, rtol=1e-12)
    np.testing.assert_allclose(session.gradient("layer.h"), mask * factor / h.size, rtol=1e-12)


def test_dropping_everything_leaves_zeros_and_no_missing_number():
    session = played("dropout", rate=1.0)
    assert session.problem is None
    assert not session.value("node").any()


def test_a_mask_of_the_batch_drops_a_unit_for_all_its_examples():
    table = np.ones((6, 200))
    columns = (played("dropout", table, mask="batch").value("node") != 0).T
    assert {tuple(column) for column in columns} == {(True,) * 6, (False,) * 6}


def test_dropconnect_drops_weights_and_not_units():
    graph = Graph()
    x, weight, drop = graph.add("input"), graph.add("parameter", "w", shape=(40, 30)), graph.add("dropconnect", "node")
    layer, total = graph.add("dense", "layer", units=30), graph.add("mean", over="all")
    graph.connect(weight, drop)
    graph.connect(x, layer["x"])
    graph.connect(drop, layer["weight"])
    graph.connect(layer, total)
    data = {"inputs": np.ones((3, 40)).tolist(), "targets": [[0.0]] * 3}
    made = Document(
        graph, data={"train": data}, training={"loss": total.id, "order": "sequential"}, precision="float64"
    )
    assert made.check() == []
    session = Session(made)
    before = session.parameters["w.value"]
    session.step("iteration")
    mask = session.value("node") != 0
    assert mask.mean() == pytest.approx(0.5, abs=0.06)
    np.testing.assert_allclose(session.value("node"), 2 * before * mask)
    np.testing.assert_allclose(session.gradient("w.value"), 2 * mask / 30, rtol=1e-12)


def test_no_input_is_called_like_an_output_for_their_addresses_would_be_one():
    with pytest.raises(ValueError, match="an input and an output called 'x'"):
        node_type(type("Twice", (NodeType,), {"name": "twice_x", "inputs": (Port("x"),), "outputs": (Port("x"),)}))
    assert "twice_x" not in node_types()


@pytest.mark.parametrize(("meaning", "deviation"), [("deviation", 0.25), ("variance", 0.5)])
def test_gaussian_noise_has_the_deviation_it_is_told(meaning, deviation):
    session = played("gaussian_noise", np.zeros((4000, 5)), amount=0.25, amount_is=meaning)
    noise = session.value("node")
    assert noise.mean() == pytest.approx(0, abs=5 * deviation / 20000**0.5)
    assert noise.std() == pytest.approx(deviation, rel=0.02)


def test_masking_sets_a_share_to_zero_and_scales_nothing():
    spoiled = played("masking_noise", fraction=0.3).value("node")
    assert np.mean(spoiled == 0) == pytest.approx(0.3, abs=0.04)
    assert np.array_equal(spoiled[spoiled != 0], TABLE[spoiled != 0])


def test_salt_and_pepper_are_the_ends_of_the_range_by_a_fair_coin():
    spoiled = played("salt_and_pepper", np.tile(TABLE, (4, 1)), fraction=0.4, low=-1.0, high=3.0).value("node")
    assert np.mean(spoiled == -1) == pytest.approx(0.2, abs=0.02)
    assert np.mean(spoiled == 3) == pytest.approx(0.2, abs=0.02)
    rest = (spoiled != -1) & (spoiled != 3)
    assert np.array_equal(spoiled[rest], np.tile(TABLE, (4, 1))[rest])


@pytest.mark.parametrize(
    ("meaning", "deviation"),
    [
        ("deviation", lambda s: s), ("variance", np.sqrt), ("log_deviation", np.exp),
        ("log_variance", lambda s: np.exp(s / 2)),
    ],
)  # fmt: skip
def test_a_sample_around_a_mean_sends_back_one_and_the_noise(meaning, deviation):
    # One layer feeds both ports: its slope is 1 + σ' ε.
    session = Session(document("gaussian_sample", spread_is=meaning))
    session.step("iteration")
    noise = (session.value("node") - TABLE) / deviation(TABLE)
    assert noise.mean() == pytest.approx(0, abs=0.1)
    assert noise.std() == pytest.approx(1, abs=0.05)
    step = 1e-6
    slope = (deviation(TABLE + step) - deviation(TABLE - step)) / (2 * step)
    np.testing.assert_allclose(session.gradient("layer.h"), (1 + slope * noise) / noise.size, rtol=1e-6)


SCORES = np.tile([[1.0, 2.0, 3.0, -1.0]], (20_000, 1))


def test_classes_are_drawn_as_often_as_the_softmax_says():
    session = played("categorical_sample", SCORES)
    drawn = session.value("node.index")
    share = np.bincount(drawn, minlength=4) / len(drawn)
    np.testing.assert_allclose(share, special.softmax(SCORES[0]), atol=0.015)
    np.testing.assert_array_equal(session.value("node.y"), np.eye(4)[drawn])


def test_the_largest_entry_of_a_gumbel_softmax_is_a_draw_and_a_low_temperature_makes_it_the_only_one():
    soft, cold = (played("gumbel_softmax", SCORES, temperature=t).value("node") for t in (1.0, 0.01))
    np.testing.assert_allclose(soft.sum(axis=1), 1)
    np.testing.assert_allclose(np.bincount(soft.argmax(axis=1)) / len(soft), special.softmax(SCORES[0]), atol=0.015)
    assert np.array_equal(soft.argmax(axis=1), cold.argmax(axis=1))
    assert np.mean(cold.max(axis=1) > 0.999) > 0.9


def test_a_hard_gumbel_softmax_is_one_class_and_learns_like_the_soft_one():
    # Times uneven numbers, since the entries of a softmax always add up to 1.
    soft, hard = (Session(document("gumbel_softmax", SCORES[:50], hard=hard)) for hard in (False, True))
    for session in (soft, hard):
        session.step("iteration")
    np.testing.assert_allclose(hard.value("node"), np.eye(4)[soft.value("node").argmax(axis=1)], atol=1e-15)
    np.testing.assert_allclose(hard.gradient("layer.h"), soft.gradient("layer.h"), atol=1e-15)


def test_a_bag_holds_as_many_draws_as_examples_and_stays_what_it_was():
    session = Session(document("bootstrap_weights"))
    session.step("phase")
    bag = session.value("node")
    assert bag.sum() == len(TABLE)
    session.run(3)
    assert np.array_equal(session.value("node"), bag)
    fresh = Session(document("bootstrap_weights", bag="fresh"))
    fresh.run(3)
    assert not np.array_equal(fresh.value("node"), bag)


@pytest.mark.parametrize(
    ("distribution", "low", "high", "deviation"),
    [("normal", -6, 6, 1), ("uniform", 0, 1, 12**-0.5), ("signed", -1, 1, 3**-0.5)],
)
def test_noise_comes_from_the_distribution_chosen(distribution, low, high, deviation):
    z = played("noise", np.zeros((5000, 1)), distribution=distribution, shape=(4,)).value("node")
    assert z.shape == (5000, 4)
    assert z.min() >= low and z.max() < high
    assert z.mean() == pytest.approx((low + high) / 2, abs=0.03)
    assert z.std() == pytest.approx(deviation, rel=0.02)


@pytest.mark.parametrize("name", KINDS)
def test_float32_draws_what_float64_draws(name):
    exact, fast = (played(name, TABLE[:40], precision=p).value(output(name)) for p in ("float64", "float32"))
    np.testing.assert_allclose(fast, exact, rtol=2e-5, atol=2e-6)


def test_a_mixture_lies_between_its_two_at_one_place_for_each_example():
    graph = Graph()
    x, half, mix = graph.add("input"), graph.add("scale", factor=3.0), graph.add("random_mixture", "node")
    graph.connect(x, half)
    graph.connect(x, mix["a"])
    graph.connect(half, mix["b"])
    data = {"inputs": TABLE.tolist(), "targets": [[0.0]] * len(TABLE)}
    session = Session(Document(graph, data={"train": data}, training={"order": "sequential"}, precision="float64"))
    session.step("phase")
    share = (3 - session.value("node") / TABLE) / 2
    np.testing.assert_allclose(share, np.repeat(share[:, :1], 5, axis=1), rtol=1e-12)
    assert share.min() >= 0 and share.max() < 1 and share[:, 0].std() == pytest.approx(12**-0.5, rel=0.1)


# what they say in evaluation -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*SPOILERS, "dropconnect", "gaussian_sample"])
def test_in_evaluation_the_numbers_pass_as_they_are(name):
    assert np.array_equal(evaluated(name), TABLE)


@pytest.mark.parametrize("name", ["dropout", "dropconnect"])
def test_the_texts_dropout_scales_in_evaluation_instead(name):
    np.testing.assert_allclose(evaluated(name, scaling="evaluation", rate=0.2), 0.8 * TABLE)
    assert np.array_equal(evaluated(name, scaling="none", rate=0.2), TABLE)


@pytest.mark.parametrize("name", ["gaussian_noise", "masking_noise", "salt_and_pepper"])
def test_noise_may_be_wanted_in_evaluation_too(name):
    assert not np.array_equal(evaluated(name, active="always"), TABLE)


def test_what_is_sampled_can_be_asked_for_its_likeliest_answer():
    assert set(evaluated("categorical_sample", SCORES[:50], port="index", evaluation="likeliest")) == {2}
    assert len(set(evaluated("categorical_sample", SCORES[:50], port="index"))) > 1
    assert not np.array_equal(evaluated("gaussian_sample", evaluation="sample"), TABLE)
    assert set(evaluated("bootstrap_weights")) == {1.0}


# what does not fit ---------------------------------------------------------------------------------------


def test_means_and_spreads_of_different_width_are_refused_with_both_shapes():
    graph = Graph()
    x, narrow, node = graph.add("input"), graph.add("dense", units=2), graph.add("gaussian_sample")
    graph.connect(x, narrow)
    graph.connect(x, node["mean"])
    graph.connect(narrow, node["spread"])
    (problem,) = Document(graph, data={"train": {"inputs": TABLE.tolist(), "targets": [[0.0]] * 400}}).check()
    assert (problem.node, problem.port) == (node.id, "spread")
    assert "(batch, 5)" in problem.fact and "(batch, 2)" in problem.fact


def test_what_never_occurs_cannot_be_drawn():
    (problem, *_) = document("negative_sampler", frequencies=[3, 0, 1]).check()
    assert problem.node == "node" and "never occurs" in problem.fact
